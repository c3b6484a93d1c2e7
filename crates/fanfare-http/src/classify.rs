//! From an answer or an error to an outcome: the one place where it is decided what is tried again.
//!
//! Amazon SNS retries 429, 5xx and whatever came to no answer; every other refusal is final. Its older documentation also
//! retries 100 and 101, which are no answers.

use std::error::Error;
use std::io;
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind, Disposition, Outcome, Receipt};
use fanfare_egress::{EgressDenied, ResolveError};
use fanfare_wire::RenderError;

use crate::connection::OpenError;

/// What a receiver answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What its `Retry-After` asks for.
    pub(crate) retry_after: Option<Duration>,
    /// The start of its body, where it is text.
    pub(crate) excerpt: Option<String>,
}

/// The outcome of a complete answer, by its status.
pub(crate) fn answer(answer: Answer) -> Outcome {
    use DeliveryErrorKind as Kind;

    let Answer { status, retry_after, .. } = answer;
    let (kind, disposition, context) = match status {
        200..=299 => {
            let receipt = Receipt::new().with_status(status);
            return Ok(match answer.excerpt {
                Some(excerpt) => receipt.with_response(excerpt),
                None => receipt,
            });
        }
        429 => (Kind::Throttled, Disposition::Retry { after: retry_after }, "the endpoint asks for fewer requests"),
        500..=599 => {
            (Kind::Unavailable, Disposition::Retry { after: retry_after }, "the endpoint has a problem of its own")
        }
        100..=199 => {
            (Kind::Protocol, Disposition::Retry { after: None }, "the endpoint answered with an interim status")
        }
        300..=399 => (Kind::Rejected, Disposition::Reject, "the endpoint redirects, which is not followed"),
        401 | 403 => (Kind::Unauthorized, Disposition::Reject, "the endpoint does not let us in"),
        404 | 410 => (Kind::NotFound, Disposition::Reject, "there is nothing at the endpoint's address"),
        _ => (Kind::Rejected, Disposition::Reject, "the endpoint refused the notification"),
    };
    let error = DeliveryError::new(kind, disposition, format!("{context}: status {status}")).with_status(status);
    Err(match answer.excerpt {
        Some(excerpt) => error.with_response(excerpt),
        None => error,
    })
}

/// The outcome of an answer that says yes and then breaks off: whether the receiver is done with the notification is not
/// known, so it is tried again. A refusal that breaks off is a refusal.
pub(crate) fn broken_answer(broken: Answer, error: DeliveryError) -> Outcome {
    match broken.status {
        200..=299 => Err(match broken.excerpt {
            Some(excerpt) => error.with_response(excerpt),
            None => error,
        }
        .with_status(broken.status)),
        _ => answer(broken),
    }
}

/// A connection that was not made.
pub(crate) fn unopened(error: OpenError) -> DeliveryError {
    Cause::of(&error, Stage::Connecting).error().with_source(error)
}

/// An exchange that came to no answer, or whose answer broke off.
pub(crate) fn broken(error: hyper::Error) -> DeliveryError {
    let stage = if error.is_user() { Stage::Making } else { Stage::Exchanging };
    Cause::of(&error, stage).error().with_source(error)
}

/// An address that the egress rules forbid.
pub(crate) fn denied(denied: EgressDenied) -> DeliveryError {
    Cause::Denied.error().with_source(denied)
}

/// An attempt that was not over within `limit`.
pub(crate) fn too_slow(limit: Duration) -> DeliveryError {
    DeliveryError::retry(DeliveryErrorKind::Timeout, format!("the exchange was not over within {limit:?}"))
}

/// A body that could not be made, as when the signing key is out of order.
pub(crate) fn unrendered(error: RenderError) -> DeliveryError {
    DeliveryError::retry(DeliveryErrorKind::Misconfigured, "the body could not be made").with_source(error)
}

/// How far an exchange had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Making,
    Connecting,
    Exchanging,
}

/// What was at the bottom of a failed exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// The request cannot be expressed.
    Unsupported,
    /// The egress rules forbid an address behind the name.
    Denied,
    /// The name did not resolve.
    Unresolved,
    /// The handshake failed, or the certificate is not acceptable.
    #[cfg_attr(not(feature = "https"), allow(dead_code, reason = "without TLS nothing of it fails"))]
    Tls,
    /// The operating system or the client gave up waiting.
    Slow,
    /// Nobody took the connection.
    Unreachable,
    /// What came is not HTTP.
    Malformed,
    /// The connection ended too early.
    Interrupted,
}

impl Cause {
    /// Looks through the chain of `error` for something that tells. What an I/O error wraps tells more than its kind.
    fn of(error: &(dyn Error + 'static), stage: Stage) -> Self {
        if stage == Stage::Making {
            return Self::Unsupported;
        }
        chain(error)
            .find_map(Self::told_by)
            .or_else(|| chain(error).filter_map(|link| link.downcast_ref()).find_map(Self::told_by_io))
            .unwrap_or(if stage == Stage::Connecting { Self::Unreachable } else { Self::Interrupted })
    }

    fn told_by(link: &(dyn Error + 'static)) -> Option<Self> {
        if link.is::<EgressDenied>() {
            return Some(Self::Denied);
        }
        if let Some(error) = link.downcast_ref::<ResolveError>() {
            return Some(if matches!(error, ResolveError::Denied(_)) { Self::Denied } else { Self::Unresolved });
        }
        #[cfg(feature = "https")]
        if link.is::<rustls::Error>() {
            return Some(Self::Tls);
        }
        if link.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return Some(Self::Malformed);
        }
        None
    }

    fn told_by_io(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::TimedOut => Some(Self::Slow),
            // What the client's decoders say of chunks and lengths that they cannot read.
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(Self::Malformed),
            _ => None,
        }
    }

    fn error(self) -> DeliveryError {
        use DeliveryErrorKind as Kind;

        match self {
            Self::Unsupported => DeliveryError::reject(Kind::Unsupported, "no http request can be made of it"),
            Self::Denied => DeliveryError::reject(Kind::EgressDenied, "the endpoint's address is forbidden"),
            Self::Unresolved => DeliveryError::retry(Kind::Unreachable, "the endpoint's name did not resolve"),
            Self::Tls => DeliveryError::retry(Kind::Tls, "no tls session with the endpoint"),
            Self::Slow => DeliveryError::retry(Kind::Timeout, "the endpoint was too slow"),
            Self::Unreachable => DeliveryError::retry(Kind::Unreachable, "no connection to the endpoint"),
            Self::Malformed => DeliveryError::retry(Kind::Protocol, "the endpoint does not speak http"),
            Self::Interrupted => {
                DeliveryError::retry(Kind::Interrupted, "the connection broke before the answer was complete")
            }
        }
    }
}

/// `error` and all that lies beneath it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link| beneath(*link))
}

/// What an I/O error wraps is not what it calls its source, which is the source of what it wraps.
fn beneath<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => link.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(7);

    fn with_status(status: u16) -> Answer {
        Answer { status, retry_after: Some(AFTER), excerpt: Some("said".to_owned()) }
    }

    #[test]
    fn every_status_has_its_row() {
        use DeliveryErrorKind as Kind;
        const AT_ONCE: Disposition = Disposition::Retry { after: None };
        const LATER: Disposition = Disposition::Retry { after: Some(AFTER) };

        for (status, kind, disposition) in [
            (100, Kind::Protocol, AT_ONCE),
            (101, Kind::Protocol, AT_ONCE),
            (199, Kind::Protocol, AT_ONCE),
            (300, Kind::Rejected, Disposition::Reject),
            (301, Kind::Rejected, Disposition::Reject),
            (302, Kind::Rejected, Disposition::Reject),
            (303, Kind::Rejected, Disposition::Reject),
            (304, Kind::Rejected, Disposition::Reject),
            (307, Kind::Rejected, Disposition::Reject),
            (308, Kind::Rejected, Disposition::Reject),
            (400, Kind::Rejected, Disposition::Reject),
            (401, Kind::Unauthorized, Disposition::Reject),
            (402, Kind::Rejected, Disposition::Reject),
            (403, Kind::Unauthorized, Disposition::Reject),
            (404, Kind::NotFound, Disposition::Reject),
            (405, Kind::Rejected, Disposition::Reject),
            (407, Kind::Rejected, Disposition::Reject),
            (408, Kind::Rejected, Disposition::Reject),
            (409, Kind::Rejected, Disposition::Reject),
            (410, Kind::NotFound, Disposition::Reject),
            (413, Kind::Rejected, Disposition::Reject),
            (415, Kind::Rejected, Disposition::Reject),
            (422, Kind::Rejected, Disposition::Reject),
            (425, Kind::Rejected, Disposition::Reject),
            (429, Kind::Throttled, LATER),
            (499, Kind::Rejected, Disposition::Reject),
            (500, Kind::Unavailable, LATER),
            (502, Kind::Unavailable, LATER),
            (503, Kind::Unavailable, LATER),
            (504, Kind::Unavailable, LATER),
            (599, Kind::Unavailable, LATER),
            (600, Kind::Rejected, Disposition::Reject),
            (999, Kind::Rejected, Disposition::Reject),
        ] {
            let error = answer(with_status(status)).unwrap_err();
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{status}");
            assert_eq!((error.status(), error.response()), (Some(status), Some("said")), "{status}");
        }
    }

    #[test]
    fn every_success_is_a_receipt() {
        for status in [200, 201, 202, 204, 206, 226, 299] {
            let receipt = answer(with_status(status)).unwrap();
            assert_eq!(receipt, Receipt::new().with_status(status).with_response("said"));
        }
    }

    #[test]
    fn a_yes_that_breaks_off_is_tried_again_and_a_no_that_breaks_off_is_a_no() {
        let cut = || DeliveryError::retry(DeliveryErrorKind::Interrupted, "cut");
        let error = broken_answer(with_status(200), cut()).unwrap_err();
        assert_eq!((error.kind(), error.status()), (DeliveryErrorKind::Interrupted, Some(200)));
        let error = broken_answer(with_status(404), cut()).unwrap_err();
        assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::NotFound, Disposition::Reject));
    }

    /// An error with something underneath, as a client wraps what its connection says.
    #[derive(Debug)]
    struct Wrapped(Box<dyn Error + Send + Sync>);

    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("wrapped")
        }
    }

    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&*self.0)
        }
    }

    fn wrapped(error: impl Into<Box<dyn Error + Send + Sync>>) -> Wrapped {
        Wrapped(Box::new(Wrapped(error.into())))
    }

    fn egress_denied() -> EgressDenied {
        fanfare_egress::EgressPolicy::internet()
            .check_address(None, std::net::Ipv4Addr::LOCALHOST.into(), 80)
            .unwrap_err()
    }

    #[test]
    fn every_cause_is_found_however_deep_it_lies() {
        use Stage::{Connecting, Exchanging, Making};

        for (error, stage, cause) in [
            (wrapped("anything"), Making, Cause::Unsupported),
            (wrapped(egress_denied()), Connecting, Cause::Denied),
            (wrapped(ResolveError::Denied(egress_denied())), Connecting, Cause::Denied),
            (wrapped(io::Error::other(egress_denied())), Connecting, Cause::Denied),
            (wrapped(io::Error::from(io::ErrorKind::TimedOut)), Connecting, Cause::Slow),
            (wrapped(io::Error::from(io::ErrorKind::TimedOut)), Exchanging, Cause::Slow),
            (wrapped(io::Error::from(io::ErrorKind::ConnectionRefused)), Connecting, Cause::Unreachable),
            (wrapped(io::Error::from(io::ErrorKind::NetworkUnreachable)), Connecting, Cause::Unreachable),
            (wrapped("anything"), Connecting, Cause::Unreachable),
            (wrapped(io::Error::from(io::ErrorKind::InvalidData)), Exchanging, Cause::Malformed),
            (wrapped(io::Error::from(io::ErrorKind::InvalidInput)), Exchanging, Cause::Malformed),
            (wrapped(io::Error::from(io::ErrorKind::ConnectionReset)), Exchanging, Cause::Interrupted),
            (wrapped(io::Error::from(io::ErrorKind::BrokenPipe)), Exchanging, Cause::Interrupted),
            (wrapped(io::Error::from(io::ErrorKind::UnexpectedEof)), Exchanging, Cause::Interrupted),
            (wrapped("anything"), Exchanging, Cause::Interrupted),
        ] {
            assert_eq!(Cause::of(&error, stage), cause, "{error:?} while {stage:?}");
        }
    }

    #[cfg(feature = "https")]
    #[test]
    fn a_tls_error_is_found_inside_the_io_error_that_carries_it() {
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let error = wrapped(io::Error::new(io::ErrorKind::InvalidData, expired));
        assert_eq!(Cause::of(&error, Stage::Connecting), Cause::Tls);
        assert_eq!(Cause::of(&error, Stage::Exchanging), Cause::Tls);
    }

    #[test]
    fn every_cause_has_its_row() {
        use DeliveryErrorKind as Kind;
        const RETRY: Disposition = Disposition::Retry { after: None };

        for (cause, kind, disposition) in [
            (Cause::Unsupported, Kind::Unsupported, Disposition::Reject),
            (Cause::Denied, Kind::EgressDenied, Disposition::Reject),
            (Cause::Unresolved, Kind::Unreachable, RETRY),
            (Cause::Tls, Kind::Tls, RETRY),
            (Cause::Slow, Kind::Timeout, RETRY),
            (Cause::Unreachable, Kind::Unreachable, RETRY),
            (Cause::Malformed, Kind::Protocol, RETRY),
            (Cause::Interrupted, Kind::Interrupted, RETRY),
        ] {
            assert_eq!((cause.error().kind(), cause.error().disposition()), (kind, disposition), "{cause:?}");
        }
        assert_eq!(too_slow(AFTER).kind(), Kind::Timeout);
        assert_eq!(too_slow(AFTER).to_string(), "the exchange was not over within 7s");
    }
}
