//! Topics: making them, listing them, their attributes, their end.

use fanfare::{TopicArn, TopicName};

use super::Api;
use super::call::Call;
use super::paging::page;
use super::refusal::Refusal;
use super::tags::tags_of;
use super::topic_attributes::{Given, TopicDraft, shown};
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
        if call.request.text("DataProtectionPolicy").is_some_and(|policy| !policy.is_empty()) {
            return Err(Refusal::unsupported_attribute("DataProtectionPolicy"));
        }
        let tags = tags_of(call.request)?;
        let arn = TopicArn::new(call.caller.owner(), &name);
        let asked = |mut draft: TopicDraft| {
            for (name, value) in attributes.iter().filter(|(name, _)| name != "FifoTopic") {
                draft.set(name, value, &arn, Given::InMap)?;
            }
            Ok::<_, Refusal>(draft)
        };
        let mut fresh = asked(TopicDraft::default())?;

        let _turn = self.turn.lock().await;
        match self.fanfare.topic(&arn) {
            Ok(known) => {
                let known = TopicDraft::of(&known);
                if asked(known.clone()).ok().as_ref() != Some(&known) {
                    return Err(Refusal::invalid_parameter(
                        "Attributes Reason: Topic already exists with different attributes",
                    ));
                }
                if tags.iter().any(|(key, value)| known.tags.get(key) != Some(value)) {
                    return Err(Refusal::invalid_parameter("Tags Reason: Topic already exists with different tags"));
                }
            }
            Err(_) => {
                fresh.tags = tags;
                self.fanfare.create_topic_of(call.caller.owner(), name.as_str(), fresh.into_settings()?).await?;
            }
        }
        Ok(Answer::with_result(call.operation, Members::new().text("TopicArn", arn.as_str())))
    }

    pub(super) async fn delete_topic(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let _turn = self.turn.lock().await;
        if self.fanfare.topic(&arn).is_ok_and(|topic| topic.archive_period().is_some()) {
            let message = "Invalid state: Cannot delete a topic with an ArchivePolicy";
            return Err(Refusal::new("InvalidState", 400, message));
        }
        self.fanfare.delete_topic(&arn).await?;
        Ok(Answer::without_result(call.operation))
    }

    pub(super) fn list_topics(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let mut topics = self.fanfare.topics();
        topics.retain(|topic| topic.arn().belongs_to(call.caller.owner()));
        let page = page(topics, |topic| topic.arn().as_str(), call.request.text("NextToken"))?;
        let topics = page.items.iter().map(|topic| Members::new().text("TopicArn", topic.arn().as_str()));
        let result = Members::new().structures("Topics", topics).optional("NextToken", page.next_token);
        Ok(Answer::with_result(call.operation, result))
    }

    pub(super) fn get_topic_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let topic = self.fanfare.topic(&arn)?;
        let attributes = shown(&topic, &self.fanfare.subscriptions(&arn)?);
        Ok(Answer::with_result(call.operation, Members::new().map("Attributes", attributes)))
    }

    pub(super) async fn set_topic_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.topic_arn()?;
        let name = call.required("AttributeName")?;
        let value = call.request.text("AttributeValue").unwrap_or_default();
        let _turn = self.turn.lock().await;
        let mut draft = TopicDraft::of(&*self.fanfare.topic(&arn)?);
        draft.set(name, value, &arn, Given::Alone)?;
        self.fanfare.change_topic(&arn, draft.into_settings()?).await?;
        Ok(Answer::without_result(call.operation))
    }
}
