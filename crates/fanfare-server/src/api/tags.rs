//! Tags: labels of topics, for people and their tools.

use std::collections::BTreeMap;

use fanfare::Topic;

use super::Api;
use super::call::Call;
use super::refusal::Refusal;
use crate::query::{Answer, Members, Request};

/// How many tags a topic may have.
const TAGS_MAX: usize = 50;

/// How many characters a key may have, and a value.
const KEY_CHARS_MAX: usize = 128;
const VALUE_CHARS_MAX: usize = 256;

impl Api {
    pub(super) async fn tag_resource(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let tags = tags_of(call.request)?;
        self.change_tags(call, |known| known.extend(tags)).await
    }

    pub(super) async fn untag_resource(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let keys = call.request.list("TagKeys");
        self.change_tags(call, |known| known.retain(|key, _| !keys.contains(&key.as_str()))).await
    }

    pub(super) fn list_tags_for_resource(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.own_topic("ResourceArn", call.required("ResourceArn")?)?;
        let topic = self.fanfare.topic(&arn).map_err(|_| not_found())?;
        let tag = |(key, value): (&String, &String)| Members::new().text("Key", key).text("Value", value);
        let tags = topic.settings().tags_set().iter().map(tag);
        Ok(Answer::with_result(call.operation, Members::new().structures("Tags", tags)))
    }

    async fn change_tags(
        &self,
        call: &Call<'_>,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Answer, Refusal> {
        let arn = call.own_topic("ResourceArn", call.required("ResourceArn")?)?;
        self.fanfare.topic(&arn).map_err(|_| not_found())?;
        let changed = |topic: &Topic| {
            let mut tags = topic.settings().tags_set().clone();
            change(&mut tags);
            check_count(&tags)?;
            Ok::<_, Refusal>(topic.settings().clone().tags(tags))
        };
        self.fanfare.update_topic(&arn, changed).await?;
        Ok(Answer::with_result(call.operation, Members::new()))
    }
}

/// The parameter `Tags`, each key once.
pub(super) fn tags_of(request: &Request) -> Result<BTreeMap<String, String>, Refusal> {
    let mut tags = BTreeMap::new();
    for tag in request.structures("Tags") {
        let key = tag.text("Key").unwrap_or_default();
        let value = tag.text("Value").unwrap_or_default();
        if key.is_empty() || key.chars().count() > KEY_CHARS_MAX || value.chars().count() > VALUE_CHARS_MAX {
            return Err(Refusal::invalid_parameter(format_args!(
                "Tags Reason: a key must have 1 to {KEY_CHARS_MAX} characters and a value at most {VALUE_CHARS_MAX}"
            )));
        }
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(Refusal::invalid_parameter("Duplicated keys are not allowed."));
        }
    }
    check_count(&tags)?;
    Ok(tags)
}

fn check_count(tags: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if tags.len() > TAGS_MAX {
        let message = format!("Could not complete request: tag quota of {TAGS_MAX} per resource exceeded");
        return Err(Refusal::new("TagLimitExceeded", 400, message));
    }
    Ok(())
}

fn not_found() -> Refusal {
    Refusal::new("ResourceNotFound", 404, "Resource does not exist")
}
