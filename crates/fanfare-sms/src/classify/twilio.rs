//! What the answers of Twilio's API of messages mean, and its receipts.

use fanfare_core::{DeliveryErrorKind as Kind, Outcome};
use serde_json::Value;

use super::Verdict;
use super::http::Answer;
use crate::reason::Reason;
use crate::receipt::ReceiptState;

/// What the codes of Twilio mean, in answers and in receipts.
fn table(code: u64) -> Option<Verdict> {
    Some(match code {
        21211 | 21217 | 21401 | 21421 | 21614 | 30005 | 30006 => {
            Verdict::reject(Kind::NotFound, "the gateway knows no such phone", Reason::InvalidNumber)
        }
        21266 | 21612 | 21635 => {
            Verdict::reject(Kind::Rejected, "the gateway cannot reach that number", Reason::CarrierUnavailable)
        }
        21408 | 60410 => {
            Verdict::reject(Kind::Rejected, "the gateway does not send there", Reason::BlacklistedDestination)
        }
        21610 => Verdict::reject(Kind::Rejected, "the gateway was told to stop", Reason::OptedOut),
        21602 | 21605 | 21617 | 21619 | 21622 | 30019 => {
            Verdict::reject(Kind::Unsupported, "the gateway does not take such a text", Reason::InvalidBody)
        }
        30010 => Verdict::reject(Kind::Rejected, "the gateway asks for more", Reason::TooExpensive),
        30007 => Verdict::reject(Kind::Rejected, "the carrier filters the message", Reason::BlockedAsSpam),
        30002 | 30032 | 30034 | 63018 => {
            Verdict::reject(Kind::Rejected, "the carrier blocks the sender", Reason::BlockedByCarrier)
        }
        30004 => Verdict::reject(Kind::Rejected, "the phone takes no messages", Reason::PhoneBlocksMessages),
        30003 => Verdict::reject(Kind::Rejected, "the phone was not reached", Reason::PhoneUnavailable),
        30008 | 30009 => Verdict::reject(Kind::Rejected, "the carrier does not say why", Reason::Unknown),
        14107 | 20429 | 21611 | 30001 | 30022 | 30023 | 63038 => {
            Verdict::retry(Kind::Throttled, "the gateway asks for fewer messages")
        }
        20003 | 20005 | 20006 | 20404 | 21212 | 21603 | 21606 | 21608 | 21618 | 21659 | 21703 | 21704 => {
            Verdict::retry(Kind::Misconfigured, "the gateway does not take our account or sender")
        }
        20500 | 20503 | 20504 => Verdict::retry(Kind::Unavailable, "the gateway has a problem of its own"),
        _ => return None,
    })
}

/// What holds for codes that nobody knows.
fn by_status(status: u16) -> Verdict {
    match status {
        401 | 403 | 404 => Verdict::retry(Kind::Misconfigured, "the gateway does not let us in"),
        408 => Verdict::retry(Kind::Timeout, "the gateway gave up waiting for the request"),
        429 => Verdict::retry(Kind::Throttled, "the gateway asks for fewer messages"),
        500..=599 => Verdict::retry(Kind::Unavailable, "the gateway has a problem of its own"),
        300..=399 => Verdict::retry(Kind::Misconfigured, "the gateway redirects, which is not followed"),
        400..=499 => Verdict::reject(Kind::Rejected, "the gateway refuses the message", Reason::Unknown),
        _ => Verdict::retry(Kind::Protocol, "the gateway does not answer as twilio does"),
    }
}

/// The outcome of an answer: 201 with the message, or an error with its code.
pub(crate) fn answer(answer: &Answer) -> Outcome {
    let Answer { status, retry_after, .. } = *answer;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default();
    // A message that was taken and failed at once has a code, too.
    let code = body["code"].as_u64().or(body["error_code"].as_u64());
    if (200..=299).contains(&status) && code.is_none() {
        return Ok(super::accepted(text("sid")).with_status(status));
    }
    let told = match (code, text("message")) {
        (Some(code), message) => format!("{code} {message}").trim_end().to_owned(),
        (None, _) => format!("status {status}"),
    };
    let verdict =
        code.and_then(table).unwrap_or_else(|| by_status(if code.is_some() && status < 300 { 400 } else { status }));
    Err(verdict.error(&told, retry_after).with_status(status))
}

/// The state of a receipt by its `MessageStatus` and `ErrorCode`; nothing while it is not settled.
pub(crate) fn receipt(status: &str, code: &str) -> Option<ReceiptState> {
    match status {
        "delivered" | "read" => Some(ReceiptState::Delivered),
        "undelivered" | "failed" | "canceled" => {
            let known = code.parse().ok().and_then(table).and_then(|verdict| verdict.reason);
            Some(ReceiptState::Failed(known.unwrap_or(Reason::Unknown)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_core::Disposition;

    use super::*;

    const AFTER: Option<Duration> = Some(Duration::from_secs(7));
    const LATER: Disposition = Disposition::Retry { after: AFTER };

    fn answered(status: u16, body: &str) -> Outcome {
        answer(&Answer { status, retry_after: AFTER, body: body.into() })
    }

    #[test]
    fn each_code_has_its_outcome() {
        use Reason as R;

        for (status, code, kind, reason) in [
            (400, 21211, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 21217, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 21401, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 21421, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 21614, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 30005, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 30006, Kind::NotFound, Some(R::InvalidNumber)),
            (400, 21266, Kind::Rejected, Some(R::CarrierUnavailable)),
            (400, 21612, Kind::Rejected, Some(R::CarrierUnavailable)),
            (400, 21635, Kind::Rejected, Some(R::CarrierUnavailable)),
            (400, 21408, Kind::Rejected, Some(R::BlacklistedDestination)),
            (403, 60410, Kind::Rejected, Some(R::BlacklistedDestination)),
            (400, 21610, Kind::Rejected, Some(R::OptedOut)),
            (400, 21602, Kind::Unsupported, Some(R::InvalidBody)),
            (400, 21605, Kind::Unsupported, Some(R::InvalidBody)),
            (400, 21617, Kind::Unsupported, Some(R::InvalidBody)),
            (400, 21619, Kind::Unsupported, Some(R::InvalidBody)),
            (400, 21622, Kind::Unsupported, Some(R::InvalidBody)),
            (400, 30019, Kind::Unsupported, Some(R::InvalidBody)),
            (400, 30010, Kind::Rejected, Some(R::TooExpensive)),
            (400, 30007, Kind::Rejected, Some(R::BlockedAsSpam)),
            (400, 30002, Kind::Rejected, Some(R::BlockedByCarrier)),
            (400, 30032, Kind::Rejected, Some(R::BlockedByCarrier)),
            (400, 30034, Kind::Rejected, Some(R::BlockedByCarrier)),
            (400, 63018, Kind::Rejected, Some(R::BlockedByCarrier)),
            (400, 30004, Kind::Rejected, Some(R::PhoneBlocksMessages)),
            (400, 30003, Kind::Rejected, Some(R::PhoneUnavailable)),
            (400, 30008, Kind::Rejected, Some(R::Unknown)),
            (400, 30009, Kind::Rejected, Some(R::Unknown)),
            (429, 20429, Kind::Throttled, None),
            (429, 14107, Kind::Throttled, None),
            (400, 21611, Kind::Throttled, None),
            (400, 30001, Kind::Throttled, None),
            (400, 30022, Kind::Throttled, None),
            (400, 30023, Kind::Throttled, None),
            (429, 63038, Kind::Throttled, None),
            (401, 20003, Kind::Misconfigured, None),
            (403, 20005, Kind::Misconfigured, None),
            (403, 20006, Kind::Misconfigured, None),
            (404, 20404, Kind::Misconfigured, None),
            (400, 21212, Kind::Misconfigured, None),
            (400, 21603, Kind::Misconfigured, None),
            (400, 21606, Kind::Misconfigured, None),
            (400, 21608, Kind::Misconfigured, None),
            (400, 21618, Kind::Misconfigured, None),
            (400, 21659, Kind::Misconfigured, None),
            (400, 21703, Kind::Misconfigured, None),
            (400, 21704, Kind::Misconfigured, None),
            (500, 20500, Kind::Unavailable, None),
            (503, 20503, Kind::Unavailable, None),
            (504, 20504, Kind::Unavailable, None),
        ] {
            let body = format!(r#"{{"code": {code}, "message": "as it is", "status": {status}}}"#);
            let error = answered(status, &body).unwrap_err();
            let disposition = if reason.is_some() { Disposition::Reject } else { LATER };
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{code}");
            let told = format!("{code} as it is");
            assert!(error.to_string().ends_with(&told), "{error}");
            assert_eq!(error.response(), Some(reason.map_or(told.as_str(), |reason| reason.as_str())), "{code}");
        }
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        for (status, body, kind, disposition) in [
            (400, r#"{"code": 99999}"#, Kind::Rejected, Disposition::Reject),
            (400, "<html>", Kind::Rejected, Disposition::Reject),
            (401, "", Kind::Misconfigured, LATER),
            (403, "", Kind::Misconfigured, LATER),
            (404, "", Kind::Misconfigured, LATER),
            (408, "", Kind::Timeout, LATER),
            (429, "", Kind::Throttled, LATER),
            (500, "", Kind::Unavailable, LATER),
            (502, "", Kind::Unavailable, LATER),
            (503, "", Kind::Unavailable, LATER),
            (301, "", Kind::Misconfigured, LATER),
            (100, "", Kind::Protocol, LATER),
            (201, r#"{"sid": "SM1", "error_code": 21610, "status": "failed"}"#, Kind::Rejected, Disposition::Reject),
        ] {
            let error = answered(status, body).unwrap_err();
            assert_eq!(
                (error.kind(), error.disposition(), error.status()),
                (kind, disposition, Some(status)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_message_that_was_taken_gives_a_receipt_with_its_id() {
        let receipt = answered(201, r#"{"sid": "SM90", "status": "queued", "error_code": null}"#).unwrap();
        assert_eq!(receipt.response(), Some("Message has been accepted by phone carrier: SM90"));
        assert_eq!(receipt.status(), Some(201));
    }

    #[test]
    fn each_status_of_a_receipt_has_its_row() {
        use ReceiptState::{Delivered, Failed};

        for (status, code, state) in [
            ("delivered", "", Some(Delivered)),
            ("read", "", Some(Delivered)),
            ("undelivered", "30003", Some(Failed(Reason::PhoneUnavailable))),
            ("undelivered", "30004", Some(Failed(Reason::PhoneBlocksMessages))),
            ("undelivered", "30007", Some(Failed(Reason::BlockedAsSpam))),
            ("failed", "30010", Some(Failed(Reason::TooExpensive))),
            ("failed", "30001", Some(Failed(Reason::Unknown))),
            ("canceled", "", Some(Failed(Reason::Unknown))),
            ("queued", "", None),
            ("sending", "", None),
            ("sent", "", None),
        ] {
            assert_eq!(receipt(status, code), state, "{status} {code}");
        }
    }
}
