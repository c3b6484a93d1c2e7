//! One line of a delivery status log.

use fanfare::attempt::Attempt;
use fanfare::{Protocol, Publication, Timestamp};
use serde_json::{Map, Value, json};

/// The line for the attempt that ended a delivery, without its line break.
pub(super) fn line(publication: &Publication, attempt: &Attempt, delivery_id: &str) -> String {
    let mut delivery = Map::new();
    delivery.insert("deliveryId".to_owned(), delivery_id.into());
    delivery.insert("destination".to_owned(), attempt.endpoint.as_str().into());
    delivery.insert("providerResponse".to_owned(), provider_response(attempt).into());
    delivery.insert("dwellTimeMs".to_owned(), u64::try_from(attempt.dwell().as_millis()).unwrap_or(u64::MAX).into());
    if has_attempts(&attempt.protocol) {
        delivery.insert("attempts".to_owned(), attempt.number.into());
    }
    if let Some(status) = attempt.status {
        delivery.insert("statusCode".to_owned(), status.into());
    }
    let notification = json!({
        "messageMD5Sum": md5(publication.message().published_text()),
        "messageId": attempt.message_id,
        "topicArn": publication.topic().as_str(),
        "timestamp": moment(publication.timestamp()),
    });
    let status = if attempt.failure.is_none() { "SUCCESS" } else { "FAILURE" };
    json!({ "notification": notification, "delivery": Value::Object(delivery), "status": status }).to_string()
}

/// What the endpoint answered, or else what went wrong.
fn provider_response(attempt: &Attempt) -> &str {
    let failure = attempt.failure.as_ref().map(|failure| failure.text.as_str());
    attempt.response.as_deref().filter(|text| !text.is_empty()).or(failure).unwrap_or_default()
}

/// Queues and functions are logged without.
fn has_attempts(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::Http | Protocol::Https | Protocol::Application)
}

/// `2023-11-07 11:11:37.123`
pub(crate) fn moment(time: Timestamp) -> String {
    time.to_string().replacen('T', " ", 1).trim_end_matches('Z').to_owned()
}

fn md5(text: &[u8]) -> String {
    use md5::Digest as _;
    md5::Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
