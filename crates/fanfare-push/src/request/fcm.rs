//! A notification as FCM HTTP v1 takes it (Firebase, "Send messages using FCM HTTP v1").

use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Notification, Platform, Timestamp};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use super::legacy::translated;
use super::{PAYLOAD_BYTES_MAX, PushRequest, check_size, object, time_to_live, unsupported};

/// Where Google takes notifications.
const FCM: &str = "https://fcm.googleapis.com";

/// Google's host, unless `instead` is given.
pub(crate) fn base(instead: Option<&Url>) -> Url {
    instead.cloned().unwrap_or_else(|| Url::parse(FCM).expect("Google's URL is well formed"))
}

/// The request for the device of this token, without credentials.
///
/// # Errors
/// What Google would not take, and what is too old.
pub(crate) fn request(
    base: &Url,
    project: &str,
    token: &str,
    notification: &Notification,
    now: Timestamp,
) -> Result<PushRequest, DeliveryError> {
    if token.is_empty() {
        return Err(DeliveryError::new(Kind::NotFound, Disposition::Disable, "the device has no token"));
    }
    let body = body(token, notification, now)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let mut url = base.clone();
    url.set_path(&format!("/v1/projects/{project}/messages:send"));
    Ok(PushRequest { url, headers, body: body.to_string().into() })
}

/// A payload is for the legacy interface, or for this one under `fcmV1Message`; a text that is no payload becomes data under
/// `default`, as with Amazon SNS.
fn body(token: &str, notification: &Notification, now: Timestamp) -> Result<Value, DeliveryError> {
    check_size(notification.text_bytes(), PAYLOAD_BYTES_MAX)?;
    let payload = if notification.is_own_text() {
        object(notification.text(), Platform::Gcm)?
    } else {
        let wrapped = json!({ "default": notification.text() });
        Map::from_iter([("data".to_owned(), wrapped)])
    };
    let (mut body, mut message, in_payload) = match payload.get("fcmV1Message") {
        Some(Value::Object(own)) => {
            let mut body = own.clone();
            let Some(Value::Object(message)) = body.remove("message") else {
                return Err(unsupported("the fcmV1Message of the payload for GCM has no message"));
            };
            let ttl = message.get("android").and_then(|android| android["ttl"].as_str()).and_then(duration);
            (body, message, ttl)
        }
        Some(_) => return Err(unsupported("the fcmV1Message of the payload for GCM is not a json object")),
        None => {
            let (message, keeping) = translated(&payload);
            let trial = keeping.is_trial.then(|| ("validate_only".to_owned(), Value::Bool(true)));
            (Map::from_iter(trial), message, keeping.ttl)
        }
    };
    let left = time_to_live(notification, Platform::Gcm, in_payload, now)?;
    // Without a wish, Firebase's own default is what Amazon SNS's is: four weeks.
    let is_wished = ["GCM", "FCM"].iter().any(|name| {
        let name = format!("AWS.SNS.MOBILE.{name}.TTL");
        notification.published_attributes().get(&name).is_some()
    });
    if is_wished || in_payload.is_some() {
        let android = message.entry("android").or_insert_with(|| json!({}));
        if let Some(android) = android.as_object_mut() {
            android.insert("ttl".to_owned(), Value::String(format!("{}s", left.as_secs())));
        }
    }
    // One device is meant, whatever else a payload names.
    message.retain(|name, _| !matches!(name.as_str(), "topic" | "condition"));
    message.insert("token".to_owned(), Value::String(token.to_owned()));
    body.insert("message".to_owned(), Value::Object(message));
    Ok(Value::Object(body))
}

/// Reads a duration as Google writes it: seconds, with or without a fraction, and an `s`.
fn duration(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::{PUBLISHED, lines, notification, payload};
    use fanfare_core::{Message, MessageBuilder};
    use serde_json::json;

    fn made(message: MessageBuilder) -> Result<PushRequest, DeliveryError> {
        request(&base(None), "myproject-b5ae1", "***", &notification("GCM", message), PUBLISHED)
    }

    fn sent(message: MessageBuilder) -> Value {
        serde_json::from_slice(&made(message).unwrap().body).unwrap()
    }

    #[test]
    fn a_request_goes_to_the_project_as_in_googles_published_example() {
        // Firebase, "Send messages using FCM HTTP v1": the URL, and the message of its example.
        let message = json!({
            "token": "elsewhere",
            "notification": { "body": "This is an FCM notification message!", "title": "FCM Message" }
        });
        let request = made(payload("GCM", &json!({ "fcmV1Message": { "message": message } }).to_string())).unwrap();
        assert_eq!(request.url.as_str(), "https://fcm.googleapis.com/v1/projects/myproject-b5ae1/messages:send");
        assert_eq!(lines(&request), ["content-type: application/json"]);
        let expected = json!({ "message": {
            "token": "***",
            "notification": { "body": "This is an FCM notification message!", "title": "FCM Message" }
        }});
        assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), expected);
    }

    #[test]
    fn a_legacy_payload_is_translated_as_amazon_sns_translates_it() {
        let vectors = fanfare_testkit::vectors::document("mobile-push");
        let legacy = &vectors["fcm_legacy_to_v1"];
        let message = payload("GCM", &legacy["gcm_payload_published"].to_string());
        assert_eq!(sent(message), legacy["sent_to_fcm_v1"]);
    }

    #[test]
    fn a_payload_for_version_1_passes_as_it_is() {
        let vectors = fanfare_testkit::vectors::document("mobile-push");
        let published = vectors["fcm_v1_published"]["GCM"].as_str().unwrap();
        let expected = json!({ "validate_only": false, "message": {
            "token": "***",
            "notification": { "title": "Hello", "body": "This is a test." },
            "data": { "dataKey": "example" },
        }});
        assert_eq!(sent(payload("GCM", published)), expected);
    }

    #[test]
    fn a_plain_text_becomes_data() {
        let data = json!({ "default": "hello" });
        let expected = json!({ "message": {
            "token": "***", "data": data, "android": { "priority": "high", "data": data }, "webpush": { "data": data },
        }});
        assert_eq!(sent(Message::builder("hello")), expected);
        assert_eq!(sent(payload("APNS", "{}")), expected);
    }

    #[test]
    fn a_badge_goes_to_apple_as_a_number_and_to_browsers_as_a_text() {
        let of = |badge: Value| {
            let sent = sent(payload("GCM", &json!({ "notification": { "badge": badge } }).to_string()));
            let message = &sent["message"];
            assert_eq!(message["android"]["notification"].get("badge"), None);
            (message["apns"]["payload"]["aps"]["badge"].clone(), message["webpush"]["notification"]["badge"].clone())
        };
        assert_eq!(of(json!(7)), (json!(7), Value::Null));
        assert_eq!(of(json!("7")), (Value::Null, json!("7")));
    }

    #[test]
    fn what_the_legacy_interface_had_beside_finds_its_place() {
        let legacy = json!({
            "data": { "count": 7, "list": [1], "text": "x" },
            "collapse_key": "score", "priority": "normal", "time_to_live": 120, "dry_run": true,
            "content_available": true, "mutable_content": true, "restricted_package_name": "com.example.app",
        });
        let sent = sent(payload("GCM", &legacy.to_string()));
        assert_eq!(sent["validate_only"], true);
        assert_eq!(sent["message"]["data"], json!({ "count": "7", "list": "[1]", "text": "x" }));
        let android = &sent["message"]["android"];
        assert_eq!(
            (&android["collapse_key"], &android["priority"], &android["ttl"], &android["restricted_package_name"]),
            (&json!("score"), &json!("normal"), &json!("120s"), &json!("com.example.app"))
        );
        let aps = &sent["message"]["apns"]["payload"]["aps"];
        assert_eq!((&aps["content-available"], &aps["mutable-content"]), (&json!(1), &json!(1)));
    }

    #[test]
    fn the_attribute_decides_for_how_long_before_the_payload_does() {
        let v1 = r#"{"fcmV1Message":{"message":{"android":{"ttl":"120s"}}}}"#;
        let ttl = |message: MessageBuilder| sent(message)["message"]["android"]["ttl"].clone();
        assert_eq!(ttl(payload("GCM", v1)), "120s");
        assert_eq!(ttl(payload("GCM", v1).string("AWS.SNS.MOBILE.FCM.TTL", "30")), "30s");
        assert_eq!(ttl(payload("GCM", r#"{"time_to_live":120}"#).string("AWS.SNS.MOBILE.GCM.TTL", "0")), "0s");
        assert_eq!(ttl(Message::builder("hello")), Value::Null);
        let later = PUBLISHED + Duration::from_secs(121);
        let late = request(&base(None), "p", "t", &notification("GCM", payload("GCM", v1)), later);
        assert_eq!(late.err().unwrap().to_string(), "the time to live of the message has passed");
    }

    #[test]
    fn a_payload_may_have_4096_bytes() {
        let of = |bytes: usize| made(payload("GCM", &format!(r#"{{"data":{{"a":"{}"}}}}"#, "x".repeat(bytes - 17))));
        assert!(of(4096).is_ok());
        assert_eq!(of(4097).err().unwrap().kind(), Kind::Unsupported);
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for (text, error) in [
            ("hello", "the payload for GCM is not a json object"),
            ("[]", "the payload for GCM is not a json object"),
            (r#"{"fcmV1Message":7}"#, "the fcmV1Message of the payload for GCM is not a json object"),
            (r#"{"fcmV1Message":{}}"#, "the fcmV1Message of the payload for GCM has no message"),
        ] {
            assert_eq!(made(payload("GCM", text)).err().unwrap().to_string(), error, "{text}");
        }
    }
}
