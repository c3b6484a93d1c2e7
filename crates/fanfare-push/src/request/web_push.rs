//! A notification as services of Web Push take it (RFC 8030), and the subscription of the browser that it goes to.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Host, Notification, Platform, Timestamp};
use fanfare_egress::Target;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::encryption::{Drawn, PLAINTEXT_BYTES_MAX, ReceiverKeys, encrypted};
use super::{PushRequest, check_size, put, steering, time_to_live, unsupported};

/// The most characters of a topic, under which a newer message replaces an older one that waits.
const TOPIC_CHARS_MAX: usize = 32;

/// A browser that has subscribed: where it is written to, and how for its eyes alone.
pub(crate) struct Subscriber {
    pub(crate) endpoint: Url,
    keys: ReceiverKeys,
}

/// Why a token is no push subscription. It quotes nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidSubscription(pub(crate) &'static str);

impl fmt::Display for InvalidSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidSubscription {}

impl Subscriber {
    /// Reads what `JSON.stringify` makes of a `PushSubscription`.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidSubscription> {
        #[derive(Deserialize)]
        struct Subscription {
            endpoint: String,
            keys: Keys,
        }
        #[derive(Deserialize)]
        struct Keys {
            p256dh: String,
            auth: String,
        }

        let Subscription { endpoint, keys } = serde_json::from_str(text).map_err(|_| {
            InvalidSubscription(
                "a browser's token is its push subscription, {\"endpoint\": \"...\", \"keys\": {\"p256dh\": \"...\", \"auth\": \
                 \"...\"}}",
            )
        })?;
        let target =
            Target::parse(&endpoint, &["https", "http"]).ok().filter(|target| target.url().username().is_empty());
        let target =
            target.ok_or(InvalidSubscription("the endpoint of the push subscription is not a URL to post to"))?;
        let public = decoded(&keys.p256dh)
            .filter(|key: &[u8; 65]| key[0] == 4)
            .ok_or(InvalidSubscription("p256dh of the push subscription is not a key of P-256"))?;
        let secret =
            decoded(&keys.auth).ok_or(InvalidSubscription("auth of the push subscription does not have 16 bytes"))?;
        Ok(Self { endpoint: target.into_url(), keys: ReceiverKeys { public, secret } })
    }
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64URL.decode(text.trim_end_matches('=')).ok()?.try_into().ok()
}

/// A token that is no subscription: no notification will ever go there.
pub(crate) fn unreadable(invalid: InvalidSubscription) -> DeliveryError {
    DeliveryError::new(Kind::NotFound, Disposition::Disable, invalid.to_string())
}

/// The request for `subscriber`, without credentials. The text goes as it is, whatever the app in the browser makes of it.
///
/// # Errors
/// What no push service would take, and what is too old.
pub(crate) fn request(
    subscriber: &Subscriber,
    notification: &Notification,
    host: &dyn Host,
    now: Timestamp,
) -> Result<PushRequest, DeliveryError> {
    let text = notification.text_bytes();
    check_size(text, PLAINTEXT_BYTES_MAX)?;
    let ttl = time_to_live(notification, Platform::WebPush, None, now)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
    put(&mut headers, "ttl", &ttl.as_secs().to_string())?;
    if let Some(urgency) = steering(notification, Platform::WebPush, "URGENCY") {
        if !["very-low", "low", "normal", "high"].contains(&urgency.as_str()) {
            return Err(unsupported("the urgency is none of very-low, low, normal and high"));
        }
        put(&mut headers, "urgency", &urgency)?;
    }
    if let Some(topic) = steering(notification, Platform::WebPush, "TOPIC") {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if topic.is_empty() || topic.len() > TOPIC_CHARS_MAX || !topic.bytes().all(allowed) {
            return Err(unsupported("the topic is not made of 1 to 32 characters of base64url"));
        }
        put(&mut headers, "topic", &topic)?;
    }
    let body = Drawn::from(host).and_then(|drawn| encrypted(text, &subscriber.keys, &drawn)).map_err(|_| {
        unreadable(InvalidSubscription("nothing can be encrypted for the keys of the push subscription"))
    })?;
    Ok(PushRequest { url: subscriber.endpoint.clone(), headers, body: body.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::{PUBLISHED, lines, notification, payload};
    use fanfare_core::{Message, MessageBuilder, SystemHost};
    use std::time::Duration;

    /// The keys of the example in RFC 8291.
    const SUBSCRIPTION: &str = r#"{"endpoint":"https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
        "expirationTime":null,"keys":{"auth":"BTBZMqHH6r4Tts7J_aSIgg==",
        "p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"}}"#;

    fn made(message: MessageBuilder) -> Result<PushRequest, DeliveryError> {
        let subscriber = Subscriber::parse(SUBSCRIPTION).unwrap();
        request(&subscriber, &notification("WEBPUSH", message), &SystemHost, PUBLISHED)
    }

    #[test]
    fn a_request_has_the_headers_of_the_rfcs() {
        let message = payload("WEBPUSH", "hello")
            .string("AWS.SNS.MOBILE.WEBPUSH.TTL", "60")
            .string("AWS.SNS.MOBILE.WEBPUSH.URGENCY", "high")
            .string("AWS.SNS.MOBILE.WEBPUSH.TOPIC", "parcel-7");
        let request = made(message).unwrap();
        assert_eq!(request.url.as_str(), "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV");
        assert_eq!(
            lines(&request),
            [
                "content-encoding: aes128gcm",
                "content-type: application/octet-stream",
                "topic: parcel-7",
                "ttl: 60",
                "urgency: high",
            ]
        );
        assert_eq!(request.body.len(), 86 + 5 + 1 + 16);
        assert_eq!(made(Message::builder("x")).unwrap().headers["ttl"], "2419200");
        assert_eq!(made(Message::builder("x").string("AWS.SNS.MOBILE.WEBPUSH.TTL", "0")).unwrap().headers["ttl"], "0");
    }

    #[test]
    fn a_body_never_has_more_than_4096_bytes() {
        assert_eq!(made(Message::builder("x".repeat(3993))).unwrap().body.len(), 4096);
        assert_eq!(made(Message::builder("x".repeat(3994))).err().unwrap().kind(), Kind::Unsupported);
    }

    #[test]
    fn what_no_push_service_takes_is_refused() {
        for (name, value) in [("URGENCY", "now"), ("TOPIC", "a b"), ("TOPIC", &"x".repeat(33))] {
            let name = format!("AWS.SNS.MOBILE.WEBPUSH.{name}");
            assert_eq!(
                made(Message::builder("x").string(&name, value)).err().unwrap().kind(),
                Kind::Unsupported,
                "{value}"
            );
        }
        let old = notification("WEBPUSH", Message::builder("x").string("AWS.SNS.MOBILE.WEBPUSH.TTL", "60"));
        let subscriber = Subscriber::parse(SUBSCRIPTION).unwrap();
        assert!(request(&subscriber, &old, &SystemHost, PUBLISHED + Duration::from_secs(61)).is_err());
    }

    #[test]
    fn a_token_that_is_no_subscription_says_what_is_wrong_and_quotes_nothing() {
        for (from, to, reason) in [
            ("{\"endpoint\"", "{\"end\"", "a browser's token is its push subscription"),
            ("https://push", "file://push", "the endpoint of the push subscription"),
            ("https://push", "https://ann:secret@push", "the endpoint of the push subscription"),
            ("BCVx", "ACVx", "p256dh of the push subscription"),
            ("BCVx", "", "p256dh of the push subscription"),
            ("BTBZ", "", "auth of the push subscription"),
        ] {
            let invalid = Subscriber::parse(&SUBSCRIPTION.replacen(from, to, 1)).err().unwrap();
            assert!(invalid.0.starts_with(reason), "{invalid}");
            assert_eq!(unreadable(invalid).disposition(), Disposition::Disable);
        }
    }
}
