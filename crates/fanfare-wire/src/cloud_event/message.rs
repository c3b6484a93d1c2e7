//! From an event to a message, and back.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_core::{Message, MessageBuilder, Notification};

use super::json::is_value;
use super::{CloudEvent, EventData, EventValue, NOTIFICATION_TYPE, is_json, is_name};

/// What the names of an event's attributes begin with when they are a message's.
const PREFIX: &str = "ce-";

/// The attribute that says that the text is in base64.
const ENCODING: &str = "ce-datacontentencoding";

/// The text of an event without data.
const NO_DATA: &str = "null";

impl CloudEvent {
    /// The message that the event becomes. The ids that a FIFO topic asks for are for the caller to add.
    pub fn to_message(&self) -> MessageBuilder {
        let mut encoded = false;
        let mut message = Message::builder(match &self.data {
            None => NO_DATA.to_owned(),
            Some(EventData::Json(text) | EventData::Text(text)) => text.clone(),
            Some(EventData::Binary(bytes)) => {
                encoded = true;
                BASE64.encode(bytes)
            }
        });
        for (name, value) in &self.attributes {
            let name = format!("{PREFIX}{name}");
            message = match value {
                EventValue::Text(text) => message.string(&name, text),
                EventValue::Integer(number) => message.number(&name, number),
                EventValue::Boolean(value) => message.string(&name, if *value { "true" } else { "false" }),
            };
        }
        if encoded { message.string(ENCODING, "base64") } else { message }
    }

    /// The event that a notification carries, or is.
    pub fn of(notification: &Notification) -> Self {
        Self::carried(notification).unwrap_or_else(|| Self::made(notification))
    }

    /// The event that was made a message, if this is one.
    fn carried(notification: &Notification) -> Option<Self> {
        let of_event = notification.attributes().iter().filter_map(|(name, attribute)| {
            let name = name.strip_prefix(PREFIX).filter(|name| *name != "datacontentencoding")?;
            let text = attribute.to_text().into_owned();
            let value = match (attribute.data_type().as_str(), text.parse()) {
                ("Number", Ok(number)) => EventValue::Integer(number),
                _ => EventValue::Text(text),
            };
            Some((name.to_owned(), value))
        });
        let event = Self::new(of_event, None).ok()?;
        let text = notification.text();
        let encoded = notification.attributes().get(ENCODING).filter(|encoding| encoding.to_text() == "base64");
        let data = match encoded.and_then(|_| BASE64.decode(text).ok()) {
            Some(bytes) => Some(EventData::Binary(bytes.into())),
            None if is_json(event.text("datacontenttype")) && is_value(text) => {
                (text != NO_DATA).then(|| EventData::Json(text.to_owned()))
            }
            None => Some(EventData::Text(text.to_owned())),
        };
        Some(Self { data, ..event }.extended(notification))
    }

    /// The event that a message is which was none before.
    fn made(notification: &Notification) -> Self {
        let text = notification.text();
        let structured = text.trim_start().starts_with(['{', '[']) && is_value(text);
        let (media_type, data) = match structured {
            true => ("application/json", EventData::Json(text.to_owned())),
            false => ("text/plain", EventData::Text(text.to_owned())),
        };
        let mut attributes = BTreeMap::new();
        let mut set = |name: &str, value: &str| {
            if !value.is_empty() {
                attributes.insert(name.to_owned(), EventValue::Text(value.to_owned()));
            }
        };
        set("specversion", "1.0");
        set("id", notification.message_id());
        set("source", notification.topic().as_str());
        set("type", NOTIFICATION_TYPE);
        set("time", &notification.timestamp().to_string());
        set("datacontenttype", media_type);
        set("subject", notification.subject().unwrap_or_default());
        Self { attributes, data: Some(data) }.extended(notification)
    }

    /// With the place in a FIFO topic and the attributes that are not an event's, as far as their names are free.
    fn extended(mut self, notification: &Notification) -> Self {
        let places = [("sequence", notification.sequence_number()), ("partitionkey", notification.group_id())];
        for (name, value) in places {
            if let Some(value) = value {
                self.attributes.entry(name.to_owned()).or_insert_with(|| EventValue::Text(value.to_owned()));
            }
        }
        for (name, attribute) in notification.attributes().iter().filter(|(name, _)| !name.starts_with(PREFIX)) {
            let plain = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
            let plain: String = plain.collect();
            if is_name(&plain) {
                let value = || EventValue::Text(attribute.to_text().into_owned());
                self.attributes.entry(plain).or_insert_with(value);
            }
        }
        self
    }
}
