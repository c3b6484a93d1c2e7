//! What the answers of Kannel's `sendsms` mean, and its receipts.

use fanfare_core::{DeliveryErrorKind as Kind, Outcome};

use super::Verdict;
use super::http::Answer;
use crate::reason::Reason;
use crate::receipt::ReceiptState;

/// The outcome of an answer: 202 where the message is taken or queued, and a text that explains.
pub(crate) fn answer(answer: &Answer) -> Outcome {
    let Answer { status, retry_after, .. } = *answer;
    let text = answer.text();
    let verdict = match status {
        // Beside 202, gateways that speak as Kannel does say 200.
        200..=299 => return Ok(super::accepted(text.trim()).with_status(status)),
        401 | 403 => Verdict::retry(Kind::Misconfigured, "the gateway does not let us in"),
        404 => Verdict::retry(Kind::Misconfigured, "there is no sendsms at the gateway's address"),
        429 => Verdict::retry(Kind::Throttled, "the gateway asks for fewer messages"),
        503 => Verdict::retry(Kind::Unavailable, "the gateway cannot take messages now"),
        500..=599 => Verdict::retry(Kind::Unavailable, "the gateway has a problem of its own"),
        300..=399 => Verdict::retry(Kind::Misconfigured, "the gateway redirects, which is not followed"),
        400 if text.contains("Sender") => {
            Verdict::retry(Kind::Misconfigured, "the gateway wants a sender: give one, or let it have a default")
        }
        400 if text.contains("black-list") => {
            Verdict::reject(Kind::Rejected, "the gateway does not send there", Reason::BlacklistedDestination)
        }
        400 if text.contains("receiver") || text.contains("to' ") => {
            Verdict::reject(Kind::NotFound, "the gateway does not take that number", Reason::InvalidNumber)
        }
        400..=499 => Verdict::reject(Kind::Rejected, "the gateway refuses the message", Reason::InvalidBody),
        _ => Verdict::retry(Kind::Protocol, "the gateway does not answer as kannel does"),
    };
    Err(verdict.error(text.trim(), retry_after).with_status(status))
}

/// The state of a receipt by the number that stands for `%d`; nothing while it is not settled.
pub(crate) fn receipt(state: &str) -> Option<ReceiptState> {
    match state {
        "1" => Some(ReceiptState::Delivered),
        "2" => Some(ReceiptState::Failed(Reason::Unknown)),
        "16" => Some(ReceiptState::Failed(Reason::BlockedByCarrier)),
        // 4: it waits in the gateway. 8: the network has it.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fanfare_core::Disposition;

    use super::*;

    fn answered(status: u16, body: &str) -> Outcome {
        answer(&Answer { status, retry_after: Some(Duration::from_secs(7)), body: body.into() })
    }

    #[test]
    fn each_answer_has_its_outcome() {
        const LATER: Disposition = Disposition::Retry { after: Some(Duration::from_secs(7)) };

        for (status, body, kind, disposition) in [
            (403, "Authorization failed for sendsms", Kind::Misconfigured, LATER),
            (401, "", Kind::Misconfigured, LATER),
            (404, "Unknown request.", Kind::Misconfigured, LATER),
            (302, "", Kind::Misconfigured, LATER),
            (429, "", Kind::Throttled, LATER),
            (503, "Temporal failure, try again later.", Kind::Unavailable, LATER),
            (500, "", Kind::Unavailable, LATER),
            (502, "", Kind::Unavailable, LATER),
            (400, "Sender missing and no global set, rejected", Kind::Misconfigured, LATER),
            (400, "Number(s) has/have been denied by white- and/or black-lists.", Kind::Rejected, Disposition::Reject),
            (400, "Missing receiver number, rejected", Kind::NotFound, Disposition::Reject),
            (400, "Empty receiver number not allowed, rejected", Kind::NotFound, Disposition::Reject),
            (400, "Garbage 'to' field, rejected.", Kind::NotFound, Disposition::Reject),
            (400, "Charset or body misformed, rejected", Kind::Rejected, Disposition::Reject),
            (405, "", Kind::Rejected, Disposition::Reject),
            (100, "", Kind::Protocol, LATER),
            (600, "", Kind::Protocol, LATER),
        ] {
            let error = answered(status, body).unwrap_err();
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{status} {body}");
            assert_eq!(error.status(), Some(status));
            assert!(error.to_string().contains(body), "{error}");
        }
    }

    #[test]
    fn what_is_taken_or_queued_gives_a_receipt() {
        for (status, body) in [(202, "0: Accepted for delivery"), (202, "3: Queued for later delivery"), (200, "Sent.")]
        {
            let receipt = answered(status, body).unwrap();
            assert_eq!(receipt.response(), Some(&*format!("Message has been accepted by phone carrier: {body}")));
            assert_eq!(receipt.status(), Some(status));
        }
    }

    #[test]
    fn each_number_of_a_receipt_has_its_row() {
        for (number, state) in [
            ("1", Some(ReceiptState::Delivered)),
            ("2", Some(ReceiptState::Failed(Reason::Unknown))),
            ("4", None),
            ("8", None),
            ("16", Some(ReceiptState::Failed(Reason::BlockedByCarrier))),
            ("%d", None),
            ("", None),
        ] {
            assert_eq!(receipt(number), state, "{number}");
        }
    }
}
