//! `ReplayPolicy`: which archived messages a subscription gets again.

use fanfare::subscription::ReplayStatus;
use fanfare::{Timestamp, json};
use serde::Deserialize;

use super::refusal::Refusal;
use super::topic_attributes::Given;

/// The name of the attribute.
pub(super) const NAME: &str = "ReplayPolicy";

/// The moments between which messages are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReplayPolicy {
    pub(super) from: Timestamp,
    pub(super) to: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    point_type: String,
    starting_point: String,
    ending_point: Option<String>,
}

impl ReplayPolicy {
    /// Reads `{"PointType":"Timestamp","StartingPoint":"2026-01-02T03:04:05.678Z"}`, with or without an `EndingPoint`. An empty
    /// text and `{}` ask for no replay.
    pub(super) fn parse(text: &str, given: Given) -> Result<Option<Self>, Refusal> {
        let nothing =
            |text: &str| matches!(serde_json::from_str(text), Ok(serde_json::Value::Object(o)) if o.is_empty());
        if text.is_empty() || nothing(text) {
            return Ok(None);
        }
        let document: Document = serde_json::from_str(text).map_err(|error| {
            // What is no JSON is refused in the words of Amazon SNS's parser.
            let complaint = json::complaint(text).unwrap_or_else(|| error.to_string());
            given.refusal(format_args!("ReplayPolicy: failed to parse JSON. {complaint}"))
        })?;
        if document.point_type != "Timestamp" {
            let kind = document.point_type;
            return Err(given.refusal(format_args!("ReplayPolicy: PointType must be Timestamp, not {kind}")));
        }
        let moment = |name: &str, text: &str| match text.parse::<jiff::Timestamp>() {
            Ok(at) => Ok(Timestamp::from_unix_ms(at.as_millisecond())),
            Err(_) => Err(given.refusal(format_args!(
                "ReplayPolicy: {name} must be a time such as 2026-01-02T03:04:05.678Z, not {text}"
            ))),
        };
        let from = moment("StartingPoint", &document.starting_point)?;
        let to = document.ending_point.as_deref().map(|text| moment("EndingPoint", text)).transpose()?;
        Ok(Some(Self { from, to }))
    }
}

/// `ReplayStatus` in Amazon SNS's words.
pub(super) fn status(status: ReplayStatus) -> &'static str {
    match status {
        ReplayStatus::InProgress => "In progress",
        ReplayStatus::Completed => "Completed",
        _ => "Failed",
    }
}
