//! A notification as Amazon SNS takes it for one of its endpoints: the arguments of `Publish`.

use aws_sdk_sns::operation::publish::builders::PublishFluentBuilder;
use aws_sdk_sns::primitives::Blob;
use aws_sdk_sns::types::MessageAttributeValue;
use fanfare_core::{AttributeValue, DeliveryError, Notification, Platform, Timestamp};
use serde_json::{Map, Value};

use super::time_to_live;

/// What the names of attributes begin with that steer deliveries to devices.
const STEERING: &str = "AWS.SNS.MOBILE.";

/// What is published to an endpoint of Amazon SNS's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SnsMessage {
    message: String,
    structure: Option<&'static str>,
    attributes: Vec<(String, MessageAttributeValue)>,
}

impl SnsMessage {
    /// What `notification` is for an endpoint of `platform`.
    ///
    /// # Errors
    /// When it is too old.
    pub(crate) fn of(notification: &Notification, platform: Platform, now: Timestamp) -> Result<Self, DeliveryError> {
        let text = notification.text().to_owned();
        let (message, structure) = if notification.is_own_text() {
            let texts = ["default", platform.as_str()].map(|key| (key.to_owned(), Value::String(text.clone())));
            (Value::Object(Map::from_iter(texts)).to_string(), Some("json"))
        } else {
            (text, None)
        };
        let left = time_to_live(notification, platform, None, now)?;
        let ttls = platform.structure_keys().iter().map(|key| format!("{STEERING}{key}.TTL")).collect::<Vec<_>>();
        let published = notification.published_attributes().iter();
        let steering = published.filter(|(name, _)| name.starts_with(STEERING)).map(|(name, attribute)| {
            let value = MessageAttributeValue::builder().data_type(attribute.data_type().as_str());
            let value = match attribute.value() {
                // Amazon counts from when it gets the message, which has waited here.
                _ if ttls.iter().any(|ttl| ttl == name) => value.string_value(left.as_secs().to_string()),
                AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes.to_vec())),
                _ => value.string_value(attribute.to_text()),
            };
            (name.to_owned(), value.build().expect("the data type is given"))
        });
        Ok(Self { message, structure, attributes: steering.collect() })
    }

    /// Adds the arguments to a call.
    pub(crate) fn on(self, call: PublishFluentBuilder) -> PublishFluentBuilder {
        let call = call.message(self.message).set_message_structure(self.structure.map(str::to_owned));
        self.attributes.into_iter().fold(call, |call, (name, value)| call.message_attributes(name, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::{PUBLISHED, notification, payload};
    use fanfare_core::Message;
    use std::time::Duration;

    fn made(
        platform: Platform,
        message: fanfare_core::MessageBuilder,
        seconds: u64,
    ) -> Result<SnsMessage, DeliveryError> {
        SnsMessage::of(&notification(platform.as_str(), message), platform, PUBLISHED + Duration::from_secs(seconds))
    }

    fn string(value: &str) -> MessageAttributeValue {
        MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
    }

    #[test]
    fn a_text_goes_as_it_is_and_a_payload_under_its_platform() {
        let plain = made(Platform::Gcm, Message::builder("hello"), 0).unwrap();
        assert_eq!((plain.message.as_str(), plain.structure), ("hello", None));
        let own = made(Platform::Gcm, payload("GCM", r#"{"data":{}}"#), 0).unwrap();
        let texts: Value = serde_json::from_str(&own.message).unwrap();
        assert_eq!(texts, serde_json::json!({ "GCM": r#"{"data":{}}"#, "default": r#"{"data":{}}"# }));
        assert_eq!(own.structure, Some("json"));
        let for_others = made(Platform::Gcm, payload("APNS", "{}"), 0).unwrap();
        assert_eq!((for_others.message.as_str(), for_others.structure), ("hello", None));
    }

    #[test]
    fn what_steers_is_passed_on_with_the_time_that_is_left() {
        let message = || {
            Message::builder("hello")
                .string("AWS.SNS.MOBILE.APNS.PRIORITY", "5")
                .string("AWS.SNS.MOBILE.APNS.TTL", "60")
                .string("AWS.SNS.MOBILE.GCM.TTL", "60")
                .string("store", "example_corp")
        };
        let made_after = |seconds| made(Platform::Apns, message(), seconds);
        assert_eq!(
            made_after(20).unwrap().attributes,
            [
                ("AWS.SNS.MOBILE.APNS.PRIORITY".to_owned(), string("5")),
                ("AWS.SNS.MOBILE.APNS.TTL".to_owned(), string("40")),
                ("AWS.SNS.MOBILE.GCM.TTL".to_owned(), string("60")),
            ]
        );
        assert_eq!(made_after(61).unwrap_err().to_string(), "the time to live of the message has passed");
    }
}
