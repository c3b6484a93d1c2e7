//! Publishing one message.

use bytes::Bytes;
use fanfare::{AttributeValue, Message, MessageBuilder};

use super::Api;
use super::call::Call;
use super::refusal::Refusal;
use crate::query::{Answer, Members, MessageAttribute, Request};

/// A message as it was sent, not yet judged.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    pub(super) message: Option<&'a str>,
    pub(super) subject: Option<&'a str>,
    pub(super) structure: Option<&'a str>,
    pub(super) attributes: Vec<MessageAttribute<'a>>,
    pub(super) group_id: Option<&'a str>,
    pub(super) deduplication_id: Option<&'a str>,
}

impl Api {
    pub(super) async fn publish(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let request = call.request;
        let topic = match (request.text("TopicArn"), request.text("TargetArn"), request.text("PhoneNumber")) {
            (Some(topic), None, None) => call.own_topic("TopicArn", topic)?,
            (None, Some(target), None) if is_push_endpoint(target) => {
                return self.publish_to_endpoint(call, target).await;
            }
            (None, Some(target), None) => call.own_topic("TargetArn", target)?,
            (None, None, Some(number)) => return self.publish_to_number(call, number).await,
            (None, None, None) => return Err(Refusal::missing("TopicArn or TargetArn")),
            _ => {
                return Err(Refusal::invalid_parameter(
                    "TopicArn Reason: give one of TopicArn, TargetArn and PhoneNumber, and no more",
                ));
            }
        };
        let known = self.fanfare.topic(&topic)?;
        let sent = Sent::of(request);
        sent.check_types("messageAttributes")?;
        let message = self.protected(call, &known, sent.into_message()?)?.traced(call.trace.clone());
        let published = self.fanfare.publish(&topic, message).await?;
        let result = Members::new()
            .text("MessageId", published.message_id())
            .optional("SequenceNumber", published.sequence_number());
        Ok(Answer::with_result(call.operation, result))
    }
}

impl<'a> Sent<'a> {
    /// The message that a request for one carries.
    pub(super) fn of(request: &'a Request) -> Self {
        Self {
            message: request.text("Message"),
            subject: request.text("Subject"),
            structure: request.text("MessageStructure"),
            attributes: request.message_attributes("MessageAttributes"),
            group_id: request.text("MessageGroupId"),
            deduplication_id: request.text("MessageDeduplicationId"),
        }
    }

    /// Refuses attributes without a type, which Amazon SNS does before it looks at anything else; `path` names the map.
    pub(super) fn check_types(&self, path: &str) -> Result<(), Refusal> {
        match self.attributes.iter().find(|attribute| attribute.data_type.is_none()) {
            Some(attribute) => Err(Refusal::null(&format!("{path}.{}.member.dataType", attribute.name))),
            None => Ok(()),
        }
    }

    pub(super) fn into_message(self) -> Result<Message, Refusal> {
        self.built(MessageBuilder::json_structure)
    }

    /// The same for a message that goes to one address, which may have a text of its own and no default.
    pub(super) fn into_message_for_one(self) -> Result<Message, Refusal> {
        self.built(MessageBuilder::json_structure_for_one)
    }

    fn built(self, json_structure: impl FnOnce(MessageBuilder) -> MessageBuilder) -> Result<Message, Refusal> {
        let Some(text) = self.message else { return Err(Refusal::missing("Message")) };
        let mut message = Message::builder(text);
        match self.structure {
            None => {}
            Some("json") => message = json_structure(message),
            Some(_) => return Err(Refusal::invalid_parameter("MessageStructure")),
        }
        if let Some(subject) = self.subject {
            message = message.subject(subject);
        }
        for attribute in &self.attributes {
            let data_type = attribute.data_type.unwrap_or_default();
            message = message.attribute(attribute.name, data_type, value(attribute)?);
        }
        if let Some(id) = self.group_id {
            message = message.group_id(id);
        }
        if let Some(id) = self.deduplication_id {
            message = message.deduplication_id(id);
        }
        Ok(message.build()?)
    }
}

/// The value in the field that was sent. Of two, the one that its type asks for; of none, an empty one, which is refused later.
fn value(attribute: &MessageAttribute<'_>) -> Result<AttributeValue, Refusal> {
    let wants_binary = attribute.data_type.is_some_and(|kind| kind.split('.').next() == Some("Binary"));
    match (attribute.string_value, attribute.binary()?) {
        (Some(text), Some(_)) if !wants_binary => Ok(AttributeValue::Text(text.to_owned())),
        (_, Some(bytes)) => Ok(AttributeValue::Binary(Bytes::from(bytes))),
        (text, None) => Ok(AttributeValue::Text(text.unwrap_or_default().to_owned())),
    }
}

fn is_push_endpoint(arn: &str) -> bool {
    arn.split(':').nth(5).is_some_and(|resource| resource.starts_with("endpoint/"))
}
