//! A payload in the form of Google's legacy interface, translated to that of FCM HTTP v1 as Amazon SNS translates it.
//!
//! The legacy interface is gone; publishers who wrote for it go on. Message by message: what is shown goes to Android, to
//! Apple's devices and to browsers, each in its own words, and the data to everybody.

use std::time::Duration;

use serde_json::{Map, Value, json};

/// What of `notification` is shown on Apple's devices, under which name.
const ALERT: [(&str, &str); 6] = [
    ("title", "title"),
    ("body", "body"),
    ("title_loc_key", "title-loc-key"),
    ("title_loc_args", "title-loc-args"),
    ("body_loc_key", "loc-key"),
    ("body_loc_args", "loc-args"),
];

/// What of it is shown by browsers.
const WEB: [&str; 4] = ["icon", "tag", "body", "title"];

/// What a legacy payload says of how it is to be kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keeping {
    /// `time_to_live`.
    pub(super) ttl: Option<Duration>,
    /// `dry_run`.
    pub(super) is_trial: bool,
}

/// The message of FCM HTTP v1, without the device's token.
pub(super) fn translated(legacy: &Map<String, Value>) -> (Map<String, Value>, Keeping) {
    let shown = legacy.get("notification").and_then(Value::as_object);
    let data = legacy.get("data").and_then(Value::as_object).map(texts);
    let mut message = Map::new();
    let mut android = json!({ "priority": priority(legacy) });
    let (mut apns, mut webpush) = (Map::new(), Map::new());
    if let Some(shown) = shown {
        message
            .insert("notification".to_owned(), Value::Object(picked(shown, &[("title", "title"), ("body", "body")])));
        android["notification"] = android_notification(shown);
        apns = apple(shown);
        webpush.insert("notification".to_owned(), Value::Object(browser(shown)));
    }
    if let Some(data) = data {
        android["data"] = data.clone();
        webpush.insert("data".to_owned(), data.clone());
        message.insert("data".to_owned(), data);
    }
    for (name, legacy_name) in
        [("collapse_key", "collapse_key"), ("restricted_package_name", "restricted_package_name")]
    {
        if let Some(value) = legacy.get(legacy_name).filter(|value| value.is_string()) {
            android[name] = value.clone();
        }
    }
    for (name, legacy_name) in [("content-available", "content_available"), ("mutable-content", "mutable_content")] {
        if legacy.get(legacy_name) == Some(&Value::Bool(true)) {
            apns.insert(name.to_owned(), json!(1));
        }
    }
    message.insert("android".to_owned(), android);
    if !apns.is_empty() {
        message.insert("apns".to_owned(), json!({ "payload": { "aps": apns } }));
    }
    if !webpush.is_empty() {
        message.insert("webpush".to_owned(), Value::Object(webpush));
    }
    (
        message,
        Keeping { ttl: seconds(legacy.get("time_to_live")), is_trial: legacy.get("dry_run") == Some(&json!(true)) },
    )
}

/// High, unless the publisher wants less.
fn priority(legacy: &Map<String, Value>) -> &'static str {
    if legacy.get("priority").and_then(Value::as_str) == Some("normal") { "normal" } else { "high" }
}

/// Every key, of which one has another name now; `badge` is for others.
fn android_notification(shown: &Map<String, Value>) -> Value {
    let renamed = shown.iter().filter(|(name, _)| *name != "badge").map(|(name, value)| match name.as_str() {
        "android_channel_id" => ("channel_id".to_owned(), value.clone()),
        _ => (name.clone(), value.clone()),
    });
    Value::Object(renamed.collect())
}

fn apple(shown: &Map<String, Value>) -> Map<String, Value> {
    let mut aps = Map::new();
    let alert = picked(shown, &ALERT);
    if !alert.is_empty() {
        aps.insert("alert".to_owned(), Value::Object(alert));
    }
    aps.extend(picked(shown, &[("click_action", "category"), ("sound", "sound")]));
    if let Some(badge) = shown.get("badge").filter(|badge| badge.is_i64() || badge.is_u64()) {
        aps.insert("badge".to_owned(), badge.clone());
    }
    aps
}

fn browser(shown: &Map<String, Value>) -> Map<String, Value> {
    let mut notification = picked(shown, &WEB.map(|name| (name, name)));
    if let Some(badge) = shown.get("badge").filter(|badge| badge.is_string()) {
        notification.insert("badge".to_owned(), badge.clone());
    }
    notification
}

/// The members of those names, under their new ones.
fn picked(from: &Map<String, Value>, names: &[(&str, &str)]) -> Map<String, Value> {
    let member = |(old, new): &(&str, &str)| from.get(*old).map(|value| ((*new).to_owned(), value.clone()));
    names.iter().filter_map(member).collect()
}

/// The legacy interface took values of any kind; FCM HTTP v1 takes texts alone.
fn texts(data: &Map<String, Value>) -> Value {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    Value::Object(data.iter().map(|(name, value)| (name.clone(), Value::String(text(value)))).collect())
}

/// Seconds, as a number or in digits.
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let value = value?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).map(Duration::from_secs)
}
