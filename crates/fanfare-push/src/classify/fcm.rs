//! What FCM answers, and what Google answers to whoever asks for an access token.

use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Outcome};
use serde_json::Value;

use super::{Answer, Row, again, by_status, gone, refused};

/// How long to wait after too many messages where FCM does not say: what Google asks of its clients.
const QUOTA_WAIT: Duration = Duration::from_secs(60);

/// What FCM's codes mean, and where there is none of FCM's, those of all of Google's services. Amazon SNS has the same
/// mapping.
fn table(code: &str) -> Option<Row> {
    Some(match code {
        "UNREGISTERED" => gone("firebase does not know the device's token any more"),
        "SENDER_ID_MISMATCH" => refused(Kind::NotFound, "the device's token belongs to another project"),
        "INVALID_ARGUMENT" | "PERMISSION_DENIED" => {
            refused(Kind::Rejected, "firebase does not take such a notification")
        }
        "THIRD_PARTY_AUTH_ERROR" | "UNAUTHENTICATED" => {
            refused(Kind::Unauthorized, "firebase does not take our credentials")
        }
        "QUOTA_EXCEEDED" | "RESOURCE_EXHAUSTED" => again(Kind::Throttled, "firebase asks for fewer notifications"),
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" => {
            again(Kind::Unavailable, "firebase has a problem of its own")
        }
        _ => return None,
    })
}

/// What the exchange came to.
pub(crate) fn outcome(answer: &Answer) -> Outcome {
    if (200..=299).contains(&answer.status) {
        let receipt = answer.receipt();
        return Ok(match answer.excerpt() {
            Some(excerpt) => receipt.with_response(excerpt),
            None => receipt,
        });
    }
    let code = code(answer);
    let row = table(&code).unwrap_or_else(|| by_status(answer.status));
    if row.kind == Kind::Throttled && answer.retry_after.is_none() {
        let waiting = Answer {
            status: answer.status,
            retry_after: Some(QUOTA_WAIT),
            body: answer.body.clone(),
            timing: answer.timing,
            ..Answer::default()
        };
        return Err(waiting.error(row, &code));
    }
    Err(answer.error(row, &code))
}

/// Whether our access token was too old, so that a new one may do.
pub(crate) fn is_stale(answer: &Answer) -> bool {
    answer.status == 401 && code(answer) != "THIRD_PARTY_AUTH_ERROR"
}

/// The code in `details`, which is FCM's own, or the status of Google's.
fn code(answer: &Answer) -> String {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = &body["error"];
    let own = error["details"].as_array().into_iter().flatten().find_map(|detail| detail["errorCode"].as_str());
    own.or(error["status"].as_str()).unwrap_or_default().to_owned()
}

/// An answer of Google's that has no access token in it. Its text is left out: it could quote what it was asked with.
pub(crate) fn no_access(answer: &Answer) -> DeliveryError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["error"].as_str().unwrap_or_default();
    let row = match (answer.status, code) {
        (429, _) => again(Kind::Throttled, "google asks for fewer requests for access tokens"),
        (500..=599, _) => again(Kind::Unavailable, "google gives out no access tokens now"),
        (200..=299, _) => again(Kind::Protocol, "google's answer has no access token in it"),
        _ => refused(Kind::Unauthorized, "google gives no access token for the service account"),
    };
    Answer { status: answer.status, retry_after: answer.retry_after, timing: answer.timing, ..Answer::default() }
        .error(row, code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanfare_core::Disposition;
    use serde_json::json;

    const LATER: Disposition = Disposition::Retry { after: Some(Duration::from_secs(7)) };

    fn answer(status: u16, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        Answer { status, body, retry_after: Some(Duration::from_secs(7)), ..Answer::default() }
    }

    /// An error as Google writes it.
    fn error(status: u16, google: &str, own: &str) -> Answer {
        let detail = json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": own});
        let details = if own.is_empty() { json!([]) } else { json!([{"@type": "other"}, detail]) };
        let error = json!({"code": status, "message": "no", "status": google, "details": details});
        answer(status, &json!({ "error": error }))
    }

    #[test]
    fn every_code_of_firebases_has_its_row() {
        for (status, google, own, kind, disposition) in [
            (404, "NOT_FOUND", "UNREGISTERED", Kind::NotFound, Disposition::Disable),
            (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", Kind::Rejected, Disposition::Reject),
            (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", Kind::NotFound, Disposition::Reject),
            (403, "PERMISSION_DENIED", "", Kind::Rejected, Disposition::Reject),
            (503, "UNAVAILABLE", "UNAVAILABLE", Kind::Unavailable, LATER),
            (500, "INTERNAL", "INTERNAL", Kind::Unavailable, LATER),
            (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", Kind::Unauthorized, Disposition::Reject),
            (401, "UNAUTHENTICATED", "", Kind::Unauthorized, Disposition::Reject),
            (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", Kind::Throttled, LATER),
            (429, "RESOURCE_EXHAUSTED", "", Kind::Throttled, LATER),
            (504, "DEADLINE_EXCEEDED", "", Kind::Unavailable, LATER),
            // The project's name may be wrong: nothing is known of the device.
            (404, "NOT_FOUND", "", Kind::NotFound, Disposition::Reject),
            (400, "SOMETHING_NEW", "SOMETHING_NEW", Kind::Rejected, Disposition::Reject),
            (502, "", "", Kind::Unavailable, LATER),
        ] {
            let error = outcome(&error(status, google, own)).unwrap_err();
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{status} {google} {own}");
        }
    }

    #[test]
    fn too_many_messages_wait_a_minute_unless_firebase_says_how_long() {
        let unsaid = Answer { retry_after: None, ..error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED") };
        let waits = outcome(&unsaid).unwrap_err();
        assert_eq!(waits.disposition(), Disposition::Retry { after: Some(Duration::from_secs(60)) });
    }

    #[test]
    fn only_an_access_token_of_ours_is_asked_for_anew() {
        assert!(is_stale(&error(401, "UNAUTHENTICATED", "")));
        assert!(!is_stale(&error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR")));
        assert!(!is_stale(&error(403, "PERMISSION_DENIED", "")));
    }

    #[test]
    fn a_refused_access_token_has_its_row_and_quotes_nothing() {
        for (status, body, kind, disposition) in [
            (
                400,
                json!({"error": "invalid_grant", "error_description": "s3cret"}),
                Kind::Unauthorized,
                Disposition::Reject,
            ),
            (401, json!({"error": "invalid_client"}), Kind::Unauthorized, Disposition::Reject),
            (429, json!({}), Kind::Throttled, LATER),
            (500, json!({}), Kind::Unavailable, LATER),
            (200, json!({"token_type": "Bearer"}), Kind::Protocol, LATER),
        ] {
            let error = no_access(&answer(status, &body));
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{status} {body}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
    }
}
