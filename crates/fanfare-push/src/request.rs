//! From a notification to a request, for each service in its own way: pure functions.

pub(crate) mod apns;
pub(crate) mod encryption;
pub(crate) mod fcm;
mod legacy;
pub(crate) mod sns;
pub(crate) mod web_push;

use std::time::Duration;

use bytes::Bytes;
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Notification, Platform, Timestamp};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use crate::classify;

/// The most bytes of a payload that Apple and Google take.
const PAYLOAD_BYTES_MAX: usize = 4096;

/// What is posted to a push service. The URL has the device's token in it, and the headers have credentials.
pub(crate) struct PushRequest {
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The value of a reserved attribute that steers this delivery: `AWS.SNS.MOBILE.<platform>.<name>`, or that of the first of
/// Apple's platforms for all of Apple's.
fn steering(notification: &Notification, platform: Platform, name: &str) -> Option<String> {
    let general = platform.is_apple().then_some("APNS");
    let attributes = notification.published_attributes();
    let named = |of: &str| attributes.get(&format!("AWS.SNS.MOBILE.{of}.{name}"));
    let found = std::iter::once(platform.as_str()).chain(general).find_map(named);
    found.map(|attribute| attribute.to_text().into_owned())
}

/// For how long the push service is to keep the notification; `in_payload` is what the payload itself says.
///
/// # Errors
/// When that time is over.
fn time_to_live(
    notification: &Notification,
    platform: Platform,
    in_payload: Option<Duration>,
    now: Timestamp,
) -> Result<Duration, DeliveryError> {
    let dwell = now.since(notification.timestamp());
    let left = platform.time_to_live(notification.published_attributes(), in_payload, dwell);
    left.ok_or_else(classify::too_late)
}

/// A payload that the publisher wrote for the platform.
///
/// # Errors
/// When it is no JSON object.
fn object(text: &str, platform: Platform) -> Result<Map<String, Value>, DeliveryError> {
    serde_json::from_str(text).map_err(|_| unsupported(format!("the payload for {platform} is not a json object")))
}

/// Refuses a payload of more than `max` bytes.
fn check_size(payload: &[u8], max: usize) -> Result<(), DeliveryError> {
    match payload.len() {
        bytes if bytes > max => {
            Err(unsupported(format!("the payload has {bytes} bytes, and at most {max} go to a device")))
        }
        _ => Ok(()),
    }
}

/// Adds a header whose value somebody else chose.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), DeliveryError> {
    let cannot = |_| unsupported(format!("the value for {name} cannot stand in a header"));
    headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).map_err(cannot)?);
    Ok(())
}

/// The value of `Authorization`, which nothing shows.
pub(crate) fn authorization(value: &str) -> Result<HeaderValue, DeliveryError> {
    let mut header = HeaderValue::from_str(value)
        .map_err(|_| DeliveryError::reject(Kind::Unauthorized, "the credentials cannot stand in a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

fn unsupported(context: impl Into<String>) -> DeliveryError {
    DeliveryError::reject(Kind::Unsupported, context)
}

#[cfg(test)]
pub(crate) mod tests {
    use fanfare_core::{Message, MessageBuilder, Notification, Publication, Timestamp, TopicArn};

    /// When the messages of these tests were published.
    pub(crate) const PUBLISHED: Timestamp = Timestamp::EPOCH;
    pub(crate) const ID: &str = "0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2";

    /// A notification for devices of `platform`.
    pub(crate) fn notification(platform: &str, message: MessageBuilder) -> Notification {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:parcels").unwrap();
        Notification::new(Publication::new(ID, topic, PUBLISHED, message.build().unwrap()), platform)
    }

    /// A message with `payload` for `platform`.
    pub(crate) fn payload(platform: &str, payload: &str) -> MessageBuilder {
        Message::builder(serde_json::json!({ "default": "hello", platform: payload }).to_string()).json_structure()
    }

    /// Every header as `name: value`, in the order of names.
    pub(crate) fn lines(request: &super::PushRequest) -> Vec<String> {
        let line =
            |(name, value): (&http::HeaderName, &http::HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        let mut lines: Vec<String> = request.headers.iter().map(line).collect();
        lines.sort();
        lines
    }
}
