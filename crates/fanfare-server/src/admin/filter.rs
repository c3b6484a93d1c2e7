//! Trying a filter policy on a message, without a topic or a subscription.

use std::collections::BTreeMap;

use axum::Json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fanfare::filter::{Event, FilterReason, Verdict};
use fanfare::{AttributeValue, Attributes, FilterPolicy, FilterPolicyScope, SnsError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::problem::Problem;
use super::publish::AttributeInput;

/// A filter policy and a message to try it on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FilterTrial {
    /// The policy, as a JSON object or, to be read as it is written, as a text.
    #[schema(value_type = Object)]
    pub policy: serde_json::Value,
    /// `MessageAttributes`, which is the default, or `MessageBody`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("MessageBody"))]
    pub scope: Option<String>,
    /// The message's text.
    #[serde(default)]
    pub message: String,
    /// The message's attributes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeInput>,
}

/// What a filter policy says of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilterVerdict {
    /// Whether a subscription with this policy gets the message.
    pub matches: bool,
    /// Why not, as a class: the end of the name of Amazon SNS's metric that counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("MessageAttributes"))]
    pub reason: Option<String>,
    /// Why not, in words: which condition failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl FilterTrial {
    /// Tries the policy, which needs no server.
    ///
    /// # Errors
    /// `InvalidParameter` for a policy or a scope that is none, `ParameterValueInvalid` for such an attribute, in Amazon SNS's
    /// words.
    pub fn verdict(&self) -> Result<FilterVerdict, SnsError> {
        let scope = match &self.scope {
            Some(scope) => {
                scope.parse().map_err(|error: fanfare::filter::FilterPolicyError| error.set_attributes_error())?
            }
            None => FilterPolicyScope::default(),
        };
        let text = match &self.policy {
            serde_json::Value::String(text) => text.clone(),
            policy => policy.to_string(),
        };
        let policy = FilterPolicy::parse(&text, scope).map_err(|error| error.set_attributes_error())?;
        let attributes = self.read_attributes()?;
        let event = Event::new(&attributes, &self.message);
        Ok(match policy.matches(&event) {
            Verdict::Match => FilterVerdict { matches: true, reason: None, because: None },
            Verdict::FilteredOut(reason) => {
                FilterVerdict { matches: false, reason: Some(class(reason)), because: policy.explain(&event) }
            }
        })
    }

    fn read_attributes(&self) -> Result<Attributes, SnsError> {
        let mut attributes = Attributes::new();
        for (name, attribute) in &self.attributes {
            let AttributeInput { data_type, value } = attribute;
            let value = if attribute.is_binary() {
                let bytes = STANDARD.decode(value).map_err(|_| {
                    SnsError::invalid_parameter(format_args!("attributes Reason: the value of {name} is not base64"))
                })?;
                AttributeValue::Binary(bytes.into())
            } else {
                AttributeValue::Text(value.clone())
            };
            attributes.insert(name, data_type, value)?;
        }
        Ok(attributes)
    }
}

/// Try a filter policy
///
/// Says whether a subscription with that policy would get that message, and otherwise which condition fails.
#[utoipa::path(post, path = "/fanfare/v1/filter", tag = "server", operation_id = "tryFilter", request_body = FilterTrial,
    responses((status = 200, body = FilterVerdict, description = "What the policy says"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn try_out(admitted: Admitted<FilterTrial>) -> Result<Json<FilterVerdict>, Problem> {
    Ok(Json(admitted.body.verdict()?))
}

fn class(reason: FilterReason) -> String {
    let metric = reason.metric_name();
    metric.rsplit_once('-').map_or(metric, |(_, class)| class).to_owned()
}
