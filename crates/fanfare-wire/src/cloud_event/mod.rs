//! CloudEvents 1.0: events in JSON, and as messages with attributes.
//!
//! An event becomes a message so: the data is the text, and each attribute of the event is a message attribute whose name
//! begins with `ce-` (`ce-id`, `ce-source`, `ce-type`, ...), so that filter policies can ask for it. Integers are of type
//! `Number`, everything else of type `String`. Data that is not text is the text in base64, and `ce-datacontentencoding` is
//! `base64` then. No data is the text `null`: a message without text there is none.
//!
//! A message becomes an event in the opposite way when it has `ce-id`, `ce-source` and `ce-type`. Any other message is an event
//! of the type [`NOTIFICATION_TYPE`] whose id is the `MessageId` and whose source is the topic's ARN. In both, attributes that
//! are not an event's become extensions, under their names in lower case and without what is neither letter nor digit.

mod error;
mod json;
mod message;

use std::collections::BTreeMap;

use bytes::Bytes;

pub use error::CloudEventError;

/// The type of events that are made of messages which were none before.
pub const NOTIFICATION_TYPE: &str = "fanfare.sns.notification";

/// The media types of one event and of several in JSON.
pub const EVENT_MEDIA_TYPE: &str = "application/cloudevents+json";
/// See [`EVENT_MEDIA_TYPE`].
pub const BATCH_MEDIA_TYPE: &str = "application/cloudevents-batch+json";

/// The attributes that every event has.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// An event: what every event has is there and well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudEvent {
    attributes: BTreeMap<String, EventValue>,
    data: Option<EventData>,
}

/// The value of an event's attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventValue {
    /// A text; also times, URIs and, in base64, bytes.
    Text(String),
    /// A whole number.
    Integer(i32),
    /// `true` or `false`.
    Boolean(bool),
}

/// The data of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventData {
    /// A JSON value, as it was written.
    Json(String),
    /// A text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
}

impl CloudEvent {
    /// An event of these attributes and data. `datacontenttype` is one of the attributes.
    ///
    /// # Errors
    /// [`CloudEventError`], which names the attribute that is missing or not right.
    pub fn new(
        attributes: impl IntoIterator<Item = (String, EventValue)>,
        data: Option<EventData>,
    ) -> Result<Self, CloudEventError> {
        let mut event = Self { attributes: BTreeMap::new(), data };
        for (name, value) in attributes {
            check(&name, &value)?;
            event.attributes.insert(name, value);
        }
        match REQUIRED.iter().find(|name| !event.attributes.contains_key(**name)) {
            Some(missing) => Err(CloudEventError::new(format!("the attribute {missing} is missing"))),
            None => Ok(event),
        }
    }

    /// The event whose attributes and data came apart, as in the headers and the body of HTTP's binary mode.
    ///
    /// # Errors
    /// As [`CloudEvent::new`].
    pub fn from_parts(
        attributes: impl IntoIterator<Item = (String, String)>,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Result<Self, CloudEventError> {
        let attributes = attributes.into_iter().map(|(name, value)| (name, EventValue::Text(value)));
        let content_type = content_type.map(|text| ("datacontenttype".to_owned(), EventValue::Text(text.to_owned())));
        let data = match String::from_utf8(body.to_vec()) {
            Ok(text) if text.is_empty() => None,
            Ok(text) if is_json(content_type_of(content_type.as_ref())) && json::is_value(&text) => {
                Some(EventData::Json(text))
            }
            Ok(text) => Some(EventData::Text(text)),
            Err(_) => Some(EventData::Binary(body)),
        };
        Self::new(attributes.chain(content_type), data)
    }

    /// The attribute `name`, if it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(EventValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The id, which no other event of the same source has.
    pub fn id(&self) -> &str {
        self.text("id").unwrap_or_default()
    }

    /// The source.
    pub fn source(&self) -> &str {
        self.text("source").unwrap_or_default()
    }
}

fn content_type_of(attribute: Option<&(String, EventValue)>) -> Option<&str> {
    match attribute {
        Some((_, EventValue::Text(text))) => Some(text),
        _ => None,
    }
}

/// Whether data of that type is a JSON value. Data without a type is.
fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return true };
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.ends_with("/json") || media_type.ends_with("+json")
}

/// Whether this can be the name of an event's attribute.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) && name != "data"
}

fn check(name: &str, value: &EventValue) -> Result<(), CloudEventError> {
    if !is_name(name) {
        return Err(CloudEventError::new(format!("{name:?} cannot be the name of an attribute")));
    }
    let wrong = |why: &str| Err(CloudEventError::new(format!("the attribute {name} {why}")));
    let of_the_specification =
        REQUIRED.contains(&name) || matches!(name, "datacontenttype" | "dataschema" | "subject" | "time");
    match value {
        EventValue::Text(text) if text.is_empty() => wrong("is empty"),
        EventValue::Text(text) if name == "specversion" && text != "1.0" => wrong("must be 1.0"),
        EventValue::Text(text) if name == "time" && text.parse::<jiff::Timestamp>().is_err() => {
            wrong("must be a time such as 2026-01-02T03:04:05Z")
        }
        EventValue::Text(_) => Ok(()),
        _ if of_the_specification => wrong("must be a text"),
        _ => Ok(()),
    }
}
