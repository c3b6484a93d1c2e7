//! Publishing.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::{Admitted, In, OfTopic};
use super::parameters::Parameters;
use super::problem::Problem;
use crate::api::Api;

/// A message to be published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageInput {
    /// The text; with `structure`, a JSON object of texts by protocol.
    pub message: String,
    /// The subject, which e-mail shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `json` when the message has a text for each protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("json"))]
    pub structure: Option<String>,
    /// Attributes, which filter policies look at.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeInput>,
    /// The message group, which FIFO topics need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// By what a repeated message is recognised, on FIFO topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplication_id: Option<String>,
}

/// One message attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeInput {
    /// Its type: `String`, `Number`, `String.Array` or `Binary`.
    #[serde(rename = "type")]
    #[schema(examples("String"))]
    pub data_type: String,
    /// Its value; of `Binary` attributes, in base64.
    pub value: String,
}

impl AttributeInput {
    /// Whether its value is bytes in base64.
    pub(super) fn is_binary(&self) -> bool {
        self.data_type.split('.').next() == Some("Binary")
    }
}

/// A message that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedView {
    /// Its `MessageId`.
    pub message_id: String,
    /// Its place in a FIFO topic, in decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
}

/// Publish a message
///
/// `Publish`: when it is answered, the message is safe.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/messages", tag = "messages", operation_id = "publish",
    params(OfTopic), request_body = MessageInput,
    responses((status = 201, body = PublishedView, description = "It was accepted"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn publish(
    State(api): State<Arc<Api>>,
    In(OfTopic { topic }): In<OfTopic>,
    admitted: Admitted<MessageInput>,
) -> Result<(StatusCode, Json<PublishedView>), Problem> {
    let MessageInput { message, subject, structure, attributes, group_id, deduplication_id } = &admitted.body;
    let mut parameters = Parameters::new()
        .text("TopicArn", admitted.topic(&topic)?.as_str())
        .text("Message", message)
        .optional("Subject", subject.as_ref())
        .optional("MessageStructure", structure.as_ref())
        .optional("MessageGroupId", group_id.as_ref())
        .optional("MessageDeduplicationId", deduplication_id.as_ref());
    for (n, (name, attribute)) in (1..).zip(attributes) {
        let entry = format!("MessageAttributes.entry.{n}");
        let value = if attribute.is_binary() { "BinaryValue" } else { "StringValue" };
        parameters = parameters
            .text(format!("{entry}.Name"), name)
            .text(format!("{entry}.Value.DataType"), &attribute.data_type)
            .text(format!("{entry}.Value.{value}"), &attribute.value);
    }
    let answer = api.operate_for(&admitted.caller, "Publish", parameters.as_slice()).await?;
    let text = |name: &str| answer.text(name).map(str::to_owned);
    let message_id = text("MessageId").unwrap_or_default();
    Ok((StatusCode::CREATED, Json(PublishedView { message_id, sequence_number: text("SequenceNumber") })))
}
