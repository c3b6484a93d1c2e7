//! A notification as APNs takes it (Apple, "Sending notification requests to APNs").

use bytes::Bytes;
use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Notification, Platform, Timestamp};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use super::{PAYLOAD_BYTES_MAX, PushRequest, check_size, object, put, steering, time_to_live};

/// The most bytes of a payload that announces a call.
const VOIP_BYTES_MAX: usize = 5120;

/// The most bytes of an id under which notifications are shown as one.
const COLLAPSE_ID_BYTES_MAX: usize = 64;

/// Where Apple takes notifications, and where those of apps that are being developed.
const PRODUCTION: &str = "https://api.push.apple.com";
const SANDBOX: &str = "https://api.sandbox.push.apple.com";

/// Apple's host for `platform`, unless `instead` is given.
pub(crate) fn base(platform: Platform, instead: Option<&Url>) -> Url {
    let own = if platform.as_str().ends_with("_SANDBOX") { SANDBOX } else { PRODUCTION };
    instead.cloned().unwrap_or_else(|| Url::parse(own).expect("Apple's URLs are well formed"))
}

/// The request for the device of this token, without credentials. `bundle_id` is the app's, where it is known.
///
/// # Errors
/// What Apple would not take, and what is too old.
pub(crate) fn request(
    base: &Url,
    platform: Platform,
    token: &str,
    bundle_id: &str,
    notification: &Notification,
    now: Timestamp,
) -> Result<PushRequest, DeliveryError> {
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        let context = "the device's token is none of apple's";
        return Err(DeliveryError::new(Kind::NotFound, Disposition::Disable, context));
    }
    let (body, payload) = payload(platform, notification)?;
    let push_type = match steering(notification, platform, "PUSH_TYPE") {
        Some(push_type) => push_type,
        None => push_type(platform, &payload).to_owned(),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Apple errs out on high priority for what nobody sees.
    let usual = if push_type == "background" { "5" } else { "10" };
    let priority = steering(notification, platform, "PRIORITY");
    put(&mut headers, "apns-priority", priority.as_deref().unwrap_or(usual))?;
    put(&mut headers, "apns-push-type", &push_type)?;
    let ttl = time_to_live(notification, platform, None, now)?;
    let expiration = if ttl.is_zero() { 0 } else { (now + ttl).unix_ms() / 1000 };
    put(&mut headers, "apns-expiration", &expiration.to_string())?;
    if let Some(topic) = steering(notification, platform, "TOPIC").or_else(|| topic(platform, bundle_id)) {
        put(&mut headers, "apns-topic", &topic)?;
    }
    if let Some(id) = steering(notification, platform, "COLLAPSE_ID") {
        if id.len() > COLLAPSE_ID_BYTES_MAX {
            return Err(super::unsupported("the collapse id has more than 64 bytes"));
        }
        put(&mut headers, "apns-collapse-id", &id)?;
    }
    if is_uuid(notification.message_id()) {
        put(&mut headers, "apns-id", notification.message_id())?;
    }
    let mut url = base.clone();
    url.set_path(&format!("/3/device/{token}"));
    Ok(PushRequest { url, headers, body })
}

/// The body, and the JSON in it. A text that is no payload is shown to people.
fn payload(platform: Platform, notification: &Notification) -> Result<(Bytes, Map<String, Value>), DeliveryError> {
    let (body, payload) = if notification.is_own_text() {
        (notification.text_bytes().clone(), object(notification.text(), platform)?)
    } else {
        let wrapped = json!({ "aps": { "alert": notification.text() } });
        (wrapped.to_string().into(), Map::from_iter([("aps".to_owned(), wrapped["aps"].clone())]))
    };
    let max = if is_voip(platform) { VOIP_BYTES_MAX } else { PAYLOAD_BYTES_MAX };
    check_size(&body, max)?;
    Ok((body, payload))
}

/// Amazon SNS's rule: `background` for what only wakes the app up, and `alert` for everything else.
fn push_type(platform: Platform, payload: &Map<String, Value>) -> &'static str {
    match platform {
        _ if is_voip(platform) => return "voip",
        Platform::ApnsMdm | Platform::ApnsMdmSandbox => return "mdm",
        _ => {}
    }
    let aps = payload.get("aps").and_then(Value::as_object);
    let wakes = aps.and_then(|aps| aps.get("content-available")).is_some_and(|value| *value == 1 || *value == true);
    let is_shown = ["alert", "badge", "sound"].iter().any(|key| aps.is_some_and(|aps| aps.contains_key(*key)));
    if wakes && !is_shown { "background" } else { "alert" }
}

/// What Apple knows the app by: calls come under a name of their own.
fn topic(platform: Platform, bundle_id: &str) -> Option<String> {
    match bundle_id {
        "" => None,
        id if is_voip(platform) && !id.ends_with(".voip") => Some(format!("{id}.voip")),
        id => Some(id.to_owned()),
    }
}

fn is_voip(platform: Platform) -> bool {
    matches!(platform, Platform::ApnsVoip | Platform::ApnsVoipSandbox)
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::{PUBLISHED, lines, notification, payload};
    use fanfare_core::Message;
    use std::time::Duration;

    const TOKEN: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";

    fn made(platform: Platform, notification: &Notification) -> Result<PushRequest, DeliveryError> {
        request(&base(platform, None), platform, TOKEN, "com.example.MyApp", notification, PUBLISHED)
    }

    #[test]
    fn a_request_is_apples_published_example() {
        // The header fields and the payload of Apple's example, "Send a POST request to APNs".
        let text = r#"{ "aps" : { "alert" : "Hello" } }"#;
        let message = payload("APNS", text).string("AWS.SNS.MOBILE.APNS.TTL", "0");
        let request = made(Platform::Apns, &notification("APNS", message)).unwrap();
        assert_eq!(
            request.url.as_str(),
            "https://api.push.apple.com/3/device/00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
        );
        assert_eq!(
            lines(&request),
            [
                "apns-expiration: 0",
                "apns-id: 0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2",
                "apns-priority: 10",
                "apns-push-type: alert",
                "apns-topic: com.example.MyApp",
                "content-type: application/json",
            ]
        );
        assert_eq!(request.body, text);
    }

    #[test]
    fn attributes_become_headers_and_nothing_else() {
        let message = Message::builder("hello")
            .string("AWS.SNS.MOBILE.APNS.TOPIC", "com.example.other")
            .string("AWS.SNS.MOBILE.APNS.PRIORITY", "5")
            .string("AWS.SNS.MOBILE.APNS.COLLAPSE_ID", "parcel-7")
            .string("AWS.SNS.MOBILE.APNS.PUSH_TYPE", "liveactivity")
            .string("AWS.SNS.MOBILE.APNS_SANDBOX.TTL", "3600")
            .string("store", "example_corp");
        let request = made(Platform::ApnsSandbox, &notification("APNS_SANDBOX", message)).unwrap();
        assert!(request.url.as_str().starts_with("https://api.sandbox.push.apple.com/3/device/"));
        assert_eq!(
            lines(&request),
            [
                "apns-collapse-id: parcel-7",
                "apns-expiration: 3600",
                "apns-id: 0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2",
                "apns-priority: 5",
                "apns-push-type: liveactivity",
                "apns-topic: com.example.other",
                "content-type: application/json",
            ]
        );
        assert_eq!(request.body, r#"{"aps":{"alert":"hello"}}"#);
    }

    #[test]
    fn a_payload_that_was_masked_on_its_way_is_a_payload_still() {
        let masked = r#"{"aps":{"alert":"****"}}"#;
        let notification = notification("APNS", payload("APNS", r#"{"aps":{"alert":"4111"}}"#));
        let request = made(Platform::Apns, &notification.reworded(masked, None).unwrap()).unwrap();
        assert_eq!(request.body, masked);
    }

    #[test]
    fn the_push_type_follows_amazon_sns_rule() {
        let cases = &fanfare_testkit::vectors::document("mobile-push")["apns_push_type_inference"];
        for case in cases.as_array().unwrap() {
            let expected = case["apns_push_type"].as_str().unwrap();
            let message = payload("APNS", &case["payload"].to_string());
            let request = made(Platform::Apns, &notification("APNS", message)).unwrap();
            assert_eq!(request.headers["apns-push-type"], expected, "{case}");
            let priority = if expected == "background" { "5" } else { "10" };
            assert_eq!(request.headers["apns-priority"], priority, "{case}");
        }
        assert!(cases.as_array().unwrap().len() > 10);
    }

    #[test]
    fn calls_and_managed_devices_have_types_and_topics_of_their_own() {
        let plain = |platform: &str| notification(platform, Message::builder("hello"));
        let request = made(Platform::ApnsVoip, &plain("APNS_VOIP")).unwrap();
        assert_eq!(request.headers["apns-push-type"], "voip");
        assert_eq!(request.headers["apns-topic"], "com.example.MyApp.voip");
        assert_eq!(made(Platform::ApnsMdm, &plain("APNS_MDM")).unwrap().headers["apns-push-type"], "mdm");
    }

    #[test]
    fn a_payload_may_have_4096_bytes_and_that_of_a_call_5120() {
        let of = |platform: Platform, bytes: usize| {
            let text = format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes - 8));
            made(platform, &notification(platform.as_str(), payload(platform.as_str(), &text)))
        };
        assert_eq!(of(Platform::Apns, 4096).unwrap().body.len(), 4096);
        assert_eq!(of(Platform::ApnsVoip, 5120).unwrap().body.len(), 5120);
        for error in [of(Platform::Apns, 4097), of(Platform::ApnsVoip, 5121)].map(|made| made.err().unwrap()) {
            assert_eq!((error.kind(), error.disposition()), (Kind::Unsupported, Disposition::Reject));
        }
    }

    #[test]
    fn what_apple_could_not_read_is_refused() {
        let of = |token: &str, message| {
            let platform = Platform::Apns;
            request(&base(platform, None), platform, token, "", &notification("APNS", message), PUBLISHED)
                .err()
                .unwrap()
        };
        for token in ["", "../../other", "zz"] {
            assert_eq!(of(token, Message::builder("hello")).disposition(), Disposition::Disable, "{token}");
        }
        assert_eq!(of(TOKEN, payload("APNS", "hello")).to_string(), "the payload for APNS is not a json object");
        let broken = Message::builder("hello").string("AWS.SNS.MOBILE.APNS.TOPIC", "a\r\nx-evil: 1");
        assert_eq!(of(TOKEN, broken).to_string(), "the value for apns-topic cannot stand in a header");
        let long = Message::builder("hello").string("AWS.SNS.MOBILE.APNS.COLLAPSE_ID", "x".repeat(65));
        assert_eq!(of(TOKEN, long).kind(), Kind::Unsupported);
    }

    #[test]
    fn what_is_too_old_is_not_sent() {
        let message = Message::builder("hello").string("AWS.SNS.MOBILE.APNS.TTL", "60");
        let notification = notification("APNS", message);
        let at = |seconds| {
            let now = PUBLISHED + Duration::from_secs(seconds);
            request(&base(Platform::Apns, None), Platform::Apns, TOKEN, "", &notification, now)
        };
        assert_eq!(at(59).unwrap().headers["apns-expiration"], "60");
        assert_eq!(at(61).err().unwrap().to_string(), "the time to live of the message has passed");
    }
}
