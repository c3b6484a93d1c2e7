//! From an answer or an error to an outcome: the one place where it is decided what is tried again, a table for each way.
//!
//! What passes by itself, or what an operator mends, is tried again: a network or gateway that has a problem or asks for fewer
//! messages, credentials that are not acceptable, no connection, no answer. What belongs to the number, the text or the sender
//! of one message is final. An answer that did not come leaves it open whether the message was taken, so it is sent again, and
//! may arrive twice.

pub(crate) mod http;
pub(crate) mod kannel;
pub(crate) mod smpp;
pub(crate) mod sns;
pub(crate) mod twilio;

use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Receipt};
use fanfare_egress::EgressDenied;

use crate::reason::Reason;

/// What Amazon SNS's delivery logs say of a message that a network took.
const ACCEPTED: &str = "Message has been accepted by phone carrier";

/// The most characters of what a peer says that stand in an error.
const TOLD_CHARS_MAX: usize = 200;

/// A row of a table: what an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) kind: Kind,
    is_final: bool,
    context: &'static str,
    pub(crate) reason: Option<Reason>,
}

impl Verdict {
    /// It passes: try again. `context` is a lower-case phrase.
    pub(crate) const fn retry(kind: Kind, context: &'static str) -> Self {
        Self { kind, is_final: false, context, reason: None }
    }

    /// It lasts: this message will never be taken.
    pub(crate) const fn reject(kind: Kind, context: &'static str, reason: Reason) -> Self {
        Self { kind, is_final: true, context, reason: Some(reason) }
    }

    /// The error of a peer that `told` so, and when to come back.
    pub(crate) fn error(self, told: &str, retry_after: Option<Duration>) -> DeliveryError {
        let told: String = told.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TOLD_CHARS_MAX).collect();
        let context = if told.is_empty() { self.context.to_owned() } else { format!("{}: {told}", self.context) };
        match (self.is_final, self.reason) {
            (true, reason) => refused(self.kind, &context, reason),
            (false, _) => {
                let error = DeliveryError::new(self.kind, Disposition::Retry { after: retry_after }, context);
                if told.is_empty() { error } else { error.with_response(told) }
            }
        }
    }
}

/// A message that will never be taken, with the reason that Amazon SNS's delivery logs give for it.
pub(crate) fn refused(kind: Kind, context: &str, reason: Option<Reason>) -> DeliveryError {
    let Some(reason) = reason else { return DeliveryError::reject(kind, context) };
    let mut words = reason.as_str().to_owned();
    words[..1].make_ascii_lowercase();
    DeliveryError::reject(kind, format!("{words}: {context}")).with_response(reason.as_str())
}

/// The receipt of a message that the peer calls `id`.
pub(crate) fn accepted(id: &str) -> Receipt {
    let id: String = id.chars().filter(|c| !c.is_control()).take(TOLD_CHARS_MAX).collect();
    Receipt::new().with_response(if id.is_empty() { ACCEPTED.to_owned() } else { format!("{ACCEPTED}: {id}") })
}

/// An address of the operator's that the egress rules forbid: allowing it is the operator's, so it is tried again.
pub(crate) fn denied(denied: EgressDenied) -> DeliveryError {
    DeliveryError::retry(Kind::EgressDenied, "the address of the gateway is forbidden").with_source(denied)
}

/// An attempt that was not over within `limit`.
pub(crate) fn too_slow(limit: Duration) -> DeliveryError {
    DeliveryError::retry(Kind::Timeout, format!("there was no answer within {limit:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_refusal_has_the_words_of_the_delivery_logs() {
        let verdict = Verdict::reject(Kind::Rejected, "the gateway refuses it", Reason::OptedOut);
        let error = verdict.error("21610\r\nstop", Some(Duration::from_secs(7)));
        assert_eq!(error.to_string(), "phone number is opted out: the gateway refuses it: 21610  stop");
        assert_eq!((error.disposition(), error.response()), (Disposition::Reject, Some("Phone number is opted out")));
    }

    #[test]
    fn a_passing_failure_has_the_words_of_the_peer_and_its_delay() {
        let after = Some(Duration::from_secs(7));
        let error = Verdict::retry(Kind::Throttled, "the gateway asks for fewer messages").error("slow down", after);
        assert_eq!(error.to_string(), "the gateway asks for fewer messages: slow down");
        assert_eq!((error.disposition(), error.response()), (Disposition::Retry { after }, Some("slow down")));
        let long = Verdict::retry(Kind::Unavailable, "x").error(&"é".repeat(500), None);
        assert_eq!(long.to_string().chars().count(), 3 + TOLD_CHARS_MAX);
    }
}
