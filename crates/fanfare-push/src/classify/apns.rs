//! What APNs answers (Apple, "Handling notification responses from APNs").

use fanfare_core::{DeliveryErrorKind as Kind, Outcome};
use serde_json::Value;

use super::{Answer, Row, again, by_status, gone, refused};

/// What Apple's reasons mean.
fn table(reason: &str) -> Option<Row> {
    Some(match reason {
        "BadDeviceToken" | "Unregistered" | "ExpiredToken" => gone("apple does not know the device's token (any more)"),
        // It may be the topic that is wrong, for every device of the application: none is turned off for it.
        "DeviceTokenNotForTopic" => refused(Kind::NotFound, "the device's token belongs to another app"),
        "MissingDeviceToken" => refused(Kind::NotFound, "the device has no token"),
        "BadCollapseId" | "BadExpirationDate" | "BadMessageId" | "BadPriority" | "BadTopic" | "DuplicateHeaders"
        | "InvalidPushType" | "MissingTopic" | "PayloadEmpty" | "TopicDisallowed" | "BadPath" | "MethodNotAllowed" => {
            refused(Kind::Rejected, "apple does not take such a notification")
        }
        "PayloadTooLarge" => refused(Kind::Unsupported, "apple takes no payload so large"),
        "BadCertificate"
        | "BadCertificateEnvironment"
        | "BadEnvironmentKeyIdInToken"
        | "BadEnvironmentKeyInToken"
        | "ExpiredProviderToken"
        | "Forbidden"
        | "InvalidProviderToken"
        | "MissingProviderToken"
        | "UnrelatedKeyIdInToken" => refused(Kind::Unauthorized, "apple does not take our credentials"),
        "TooManyProviderTokenUpdates" | "TooManyRequests" => {
            again(Kind::Throttled, "apple asks for fewer notifications")
        }
        "IdleTimeout" => again(Kind::Interrupted, "apple closed a connection that was not used"),
        "InternalServerError" | "ServiceUnavailable" | "Shutdown" => {
            again(Kind::Unavailable, "apple has a problem of its own")
        }
        _ => return None,
    })
}

/// What the exchange came to.
pub(crate) fn outcome(answer: &Answer) -> Outcome {
    if (200..=299).contains(&answer.status) {
        let id = answer.headers.get("apns-id").and_then(|id| id.to_str().ok());
        let id = id.filter(|id| id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'));
        let receipt = answer.receipt();
        return Ok(match id {
            Some(id) => receipt.with_response(format!("{{\"apns-id\":\"{id}\"}}")),
            None => receipt,
        });
    }
    let reason = reason(answer);
    let row = table(&reason).unwrap_or_else(|| match answer.status {
        410 => gone("apple does not know the device's token (any more)"),
        status => by_status(status),
    });
    Err(answer.error(row, &reason))
}

/// Whether our token was too old, so that a new one may do.
pub(crate) fn is_stale(answer: &Answer) -> bool {
    answer.status == 403 && reason(answer) == "ExpiredProviderToken"
}

fn reason(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    body["reason"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanfare_core::Disposition;
    use http::{HeaderMap, HeaderValue};
    use std::time::Duration;

    const LATER: Disposition = Disposition::Retry { after: Some(Duration::from_secs(7)) };

    fn answer(status: u16, reason: &str) -> Answer {
        let body = if reason.is_empty() { Vec::new() } else { format!("{{\"reason\":\"{reason}\"}}").into_bytes() };
        Answer { status, body, retry_after: Some(Duration::from_secs(7)), ..Answer::default() }
    }

    #[test]
    fn every_reason_of_apples_has_its_row() {
        for (status, reason, kind, disposition) in [
            (400, "BadCollapseId", Kind::Rejected, Disposition::Reject),
            (400, "BadDeviceToken", Kind::NotFound, Disposition::Disable),
            (400, "BadExpirationDate", Kind::Rejected, Disposition::Reject),
            (400, "BadMessageId", Kind::Rejected, Disposition::Reject),
            (400, "BadPriority", Kind::Rejected, Disposition::Reject),
            (400, "BadTopic", Kind::Rejected, Disposition::Reject),
            (400, "DeviceTokenNotForTopic", Kind::NotFound, Disposition::Reject),
            (400, "DuplicateHeaders", Kind::Rejected, Disposition::Reject),
            (400, "IdleTimeout", Kind::Interrupted, LATER),
            (400, "InvalidPushType", Kind::Rejected, Disposition::Reject),
            (400, "MissingDeviceToken", Kind::NotFound, Disposition::Reject),
            (400, "MissingTopic", Kind::Rejected, Disposition::Reject),
            (400, "PayloadEmpty", Kind::Rejected, Disposition::Reject),
            (400, "TopicDisallowed", Kind::Rejected, Disposition::Reject),
            (403, "BadCertificate", Kind::Unauthorized, Disposition::Reject),
            (403, "BadCertificateEnvironment", Kind::Unauthorized, Disposition::Reject),
            (403, "BadEnvironmentKeyIdInToken", Kind::Unauthorized, Disposition::Reject),
            (403, "BadEnvironmentKeyInToken", Kind::Unauthorized, Disposition::Reject),
            (403, "ExpiredProviderToken", Kind::Unauthorized, Disposition::Reject),
            (403, "Forbidden", Kind::Unauthorized, Disposition::Reject),
            (403, "InvalidProviderToken", Kind::Unauthorized, Disposition::Reject),
            (403, "MissingProviderToken", Kind::Unauthorized, Disposition::Reject),
            (403, "UnrelatedKeyIdInToken", Kind::Unauthorized, Disposition::Reject),
            (404, "BadPath", Kind::Rejected, Disposition::Reject),
            (405, "MethodNotAllowed", Kind::Rejected, Disposition::Reject),
            (410, "ExpiredToken", Kind::NotFound, Disposition::Disable),
            (410, "Unregistered", Kind::NotFound, Disposition::Disable),
            (410, "", Kind::NotFound, Disposition::Disable),
            (413, "PayloadTooLarge", Kind::Unsupported, Disposition::Reject),
            (429, "TooManyProviderTokenUpdates", Kind::Throttled, LATER),
            (429, "TooManyRequests", Kind::Throttled, LATER),
            (500, "InternalServerError", Kind::Unavailable, LATER),
            (503, "ServiceUnavailable", Kind::Unavailable, LATER),
            (503, "Shutdown", Kind::Unavailable, LATER),
            (400, "SomethingNew", Kind::Rejected, Disposition::Reject),
            (403, "SomethingNew", Kind::Unauthorized, Disposition::Reject),
            (503, "SomethingNew", Kind::Unavailable, LATER),
        ] {
            let error = outcome(&answer(status, reason)).unwrap_err();
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{status} {reason}");
            assert_eq!(error.status(), Some(status));
        }
    }

    #[test]
    fn a_receipt_has_apples_id() {
        let id = HeaderValue::from_static("EABEAE54-14A8-11E5-B60B-1697F925EC7B");
        let mut headers = HeaderMap::new();
        headers.insert("apns-id", id);
        let receipt = outcome(&Answer { status: 200, headers, ..Answer::default() }).unwrap();
        assert_eq!(receipt.response(), Some(r#"{"apns-id":"EABEAE54-14A8-11E5-B60B-1697F925EC7B"}"#));
    }

    #[test]
    fn only_a_token_that_has_expired_is_made_anew() {
        assert!(is_stale(&answer(403, "ExpiredProviderToken")));
        assert!(!is_stale(&answer(403, "InvalidProviderToken")));
    }
}
