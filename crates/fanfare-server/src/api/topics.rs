//! Topics: making them, listing them, their attributes, their end.

use fanfare::{Topic, TopicArn, TopicName, TopicSettings};

use super::Api;
use super::call::Call;
use super::paging::{NextToken, PAGE_ITEMS, Page};
use super::refusal::Refusal;
use super::tags::tags_of;
use super::topic_attributes::{Given, shown, with_attribute};
use crate::query::{Answer, Members};

impl Api {
    pub(super) async fn create_topic(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let name = TopicName::parse(call.required("Name")?)?;
        let attributes = call.request.map("Attributes").unwrap_or_default();
        let fifo = match attributes.iter().find(|(name, _)| name == "FifoTopic").map(|(_, value)| value.as_str()) {
            Some("true") => true,
            Some("false") | None => false,
            Some(_) => return Err(Refusal::invalid_parameter("Attributes Reason: FifoTopic must be true or false")),
        };
        if fifo != name.is_fifo() {
            return Err(Refusal::invalid_parameter("Topic Name"));
        }
        let tags = tags_of(call.request)?;
        let arn = TopicArn::new(call.caller.owner(), &name);
        let protection = call.request.text("DataProtectionPolicy").filter(|policy| !policy.is_empty());
        let asked = |settings: TopicSettings| {
            let settings = match protection {
                Some(policy) => self.with_data_protection(settings, policy)?,
                None => settings,
            };
            let mut asked = attributes.iter().filter(|(name, _)| name != "FifoTopic");
            asked
                .try_fold(settings, |settings, (name, value)| with_attribute(settings, name, value, &arn, Given::InMap))
        };
        let fresh = asked(TopicSettings::new())?;
        if self.fanfare.topic(&arn).is_err() {
            let made = self.fanfare.create_topic_of(call.caller.owner(), name.as_str(), fresh.tags(tags.clone())).await;
            // Somebody else may have made it in between: then what is there decides.
            if let Err(error) = made
                && self.fanfare.topic(&arn).is_err()
            {
                return Err(error.into());
            }
        }
        let topic = self.fanfare.topic(&arn)?;
        let known = topic.settings();
        if asked(known.clone()).ok().as_ref() != Some(known) {
            return Err(Refusal::invalid_parameter(
                "Attributes Reason: Topic already exists with different attributes",
            ));
        }
        if tags.iter().any(|(key, value)| known.tags_set().get(key) != Some(value)) {
            return Err(Refusal::invalid_parameter("Tags Reason: Topic already exists with different tags"));
        }
        Ok(Answer::with_result(call.operation, Members::new().text("TopicArn", arn.as_str())))
    }

    pub(super) async fn delete_topic(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        if self.fanfare.topic(&arn).is_ok_and(|topic| topic.archive_period().is_some()) {
            let message = "Invalid state: Cannot delete a topic with an ArchivePolicy";
            return Err(Refusal::new("InvalidState", 400, message));
        }
        self.fanfare.delete_topic(&arn).await?;
        Ok(Answer::without_result(call.operation))
    }

    pub(super) fn list_topics(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let after = call.request.text("NextToken").map(NextToken::read).transpose()?.flatten();
        let after = after.map(|token| token.topic()).transpose()?;
        let topics = self.fanfare.topics_page(call.caller.owner(), after.as_ref(), PAGE_ITEMS + 1);
        let page = Page::of(topics, |topic| NextToken::of_topic(topic.arn()));
        let topics = page.items.iter().map(|topic| Members::new().text("TopicArn", topic.arn().as_str()));
        let result = Members::new().structures("Topics", topics).optional("NextToken", page.next_token);
        Ok(Answer::with_result(call.operation, result))
    }

    pub(super) async fn get_topic_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let topic = self.fanfare.topic(&arn)?;
        let mut attributes = shown(&topic, self.fanfare.subscription_counts(&arn)?);
        if topic.archive_period().is_some()
            && let Some(oldest) = self.fanfare.archive_begins(&arn).await?
        {
            attributes.push(("BeginningArchiveTime", oldest.to_string()));
        }
        Ok(Answer::with_result(call.operation, Members::new().map("Attributes", attributes)))
    }

    pub(super) async fn set_topic_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let name = call.required("AttributeName")?;
        let value = call.request.text("AttributeValue").unwrap_or_default();
        let changed = |topic: &Topic| {
            let changed = with_attribute(topic.settings().clone(), name, value, &arn, Given::Alone)?;
            // What is no size at all was refused by now.
            if name == "MaximumMessageSize"
                && let Ok(bytes) = value.parse()
            {
                self.check_larger_messages(&arn, bytes)?;
            }
            Ok::<_, Refusal>(changed)
        };
        self.fanfare.update_topic(&arn, changed).await?;
        Ok(Answer::without_result(call.operation))
    }
}
