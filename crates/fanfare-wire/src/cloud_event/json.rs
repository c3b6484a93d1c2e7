//! Events in JSON: the structured mode, one by one and in batches.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{CloudEvent, CloudEventError, EventData, EventValue, REQUIRED, is_json};
use crate::json::push_string;

type Members<'a> = BTreeMap<String, &'a RawValue>;

impl CloudEvent {
    /// Reads an event in JSON (`application/cloudevents+json`).
    ///
    /// # Errors
    /// [`CloudEventError`], which says what is not right.
    pub fn from_json(body: &[u8]) -> Result<Self, CloudEventError> {
        Self::from_members(serde_json::from_slice(body).map_err(not_json)?)
    }

    /// Reads events in a JSON array (`application/cloudevents-batch+json`).
    ///
    /// # Errors
    /// As [`CloudEvent::from_json`], for the first event that is not right.
    pub fn batch_from_json(body: &[u8]) -> Result<Vec<Self>, CloudEventError> {
        let events: Vec<Members<'_>> = serde_json::from_slice(body).map_err(not_json)?;
        events.into_iter().map(Self::from_members).collect()
    }

    fn from_members(mut members: Members<'_>) -> Result<Self, CloudEventError> {
        members.retain(|_, value| value.get() != "null");
        let (data, base64) = (members.remove("data"), members.remove("data_base64"));
        let mut attributes = Vec::with_capacity(members.len());
        for (name, raw) in members {
            let value = value(raw)
                .ok_or_else(|| CloudEventError::new(format!("the attribute {name} has a value that none can have")))?;
            attributes.push((name, value));
        }
        let content_type = attributes.iter().find(|(name, _)| name == "datacontenttype");
        let data = match (data, base64) {
            (Some(_), Some(_)) => return Err(CloudEventError::new("there are both data and data_base64")),
            (Some(data), None) => Some(match text(data).filter(|_| !is_json(super::content_type_of(content_type))) {
                Some(text) => EventData::Text(text),
                None => EventData::Json(data.get().to_owned()),
            }),
            (None, Some(encoded)) => {
                let bytes = text(encoded).and_then(|text| BASE64.decode(text).ok());
                let bytes = bytes.ok_or_else(|| CloudEventError::new("data_base64 is not in base64"))?;
                // What is text all the same is handled as such from here on.
                Some(match String::from_utf8(bytes) {
                    Ok(text) if is_json(super::content_type_of(content_type)) && is_value(&text) => {
                        EventData::Json(text)
                    }
                    Ok(text) if !text.is_empty() => EventData::Text(text),
                    Ok(text) => EventData::Binary(text.into()),
                    Err(error) => EventData::Binary(error.into_bytes().into()),
                })
            }
            (None, None) => None,
        };
        Self::new(attributes, data)
    }

    /// Writes the event in JSON, what every event has first and the data last.
    pub fn to_json(&self) -> String {
        let mut json = String::from("{");
        let rest = self.attributes.keys().map(String::as_str).filter(|name| !REQUIRED.contains(name));
        for name in REQUIRED.into_iter().chain(rest) {
            let Some(value) = self.attributes.get(name) else { continue };
            member(&mut json, name);
            match value {
                EventValue::Text(text) => push_string(&mut json, text),
                EventValue::Integer(number) => json.push_str(&number.to_string()),
                EventValue::Boolean(value) => json.push_str(if *value { "true" } else { "false" }),
            }
        }
        match &self.data {
            None => {}
            Some(EventData::Json(value)) => {
                member(&mut json, "data");
                json.push_str(value);
            }
            Some(EventData::Text(text)) => {
                member(&mut json, "data");
                push_string(&mut json, text);
            }
            Some(EventData::Binary(bytes)) => {
                member(&mut json, "data_base64");
                push_string(&mut json, &BASE64.encode(bytes));
            }
        }
        json.push('}');
        json
    }
}

fn member(json: &mut String, name: &str) {
    if json.len() > 1 {
        json.push(',');
    }
    push_string(json, name);
    json.push(':');
}

/// Whether `text` is one JSON value.
pub(super) fn is_value(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn value(raw: &RawValue) -> Option<EventValue> {
    let raw = raw.get();
    serde_json::from_str(raw)
        .map(EventValue::Text)
        .or_else(|_| serde_json::from_str(raw).map(EventValue::Integer))
        .or_else(|_| serde_json::from_str(raw).map(EventValue::Boolean))
        .ok()
}

fn not_json(error: serde_json::Error) -> CloudEventError {
    CloudEventError::new(format!("the body is not right: {error}"))
}
