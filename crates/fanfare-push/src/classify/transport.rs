//! Exchanges that came to no answer.

use std::error::Error;
use std::io;
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind};
use fanfare_egress::{EgressDenied, ResolveError};

/// An exchange that came to no answer, or whose answer broke off.
pub(crate) fn failure(error: reqwest::Error) -> DeliveryError {
    let stage = if error.is_builder() {
        Stage::Making
    } else if error.is_connect() {
        Stage::Connecting
    } else {
        Stage::Exchanging
    };
    let cause = Cause::of(&error, stage);
    // The URL has the device's token in it.
    cause.error().with_source(error.without_url())
}

/// An address that the egress rules forbid.
pub(crate) fn denied(denied: EgressDenied) -> DeliveryError {
    Cause::Denied.error().with_source(denied)
}

/// An attempt that was not over within `limit`.
pub(crate) fn too_slow(limit: Duration) -> DeliveryError {
    DeliveryError::retry(Kind::Timeout, format!("the exchange was not over within {limit:?}"))
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
    Tls,
    /// The operating system or the client gave up waiting.
    Slow,
    /// Nobody took the connection.
    Unreachable,
    /// What came is not HTTP.
    Malformed,
    /// The connection or the stream ended too early: it broke, or the service closed it (`GOAWAY`, `RST_STREAM`).
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
        if link.is::<rustls::Error>() {
            return Some(Self::Tls);
        }
        if link.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout) {
            return Some(Self::Slow);
        }
        if link.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return Some(Self::Malformed);
        }
        None
    }

    fn told_by_io(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::TimedOut => Some(Self::Slow),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(Self::Malformed),
            _ => None,
        }
    }

    fn error(self) -> DeliveryError {
        match self {
            Self::Unsupported => DeliveryError::reject(Kind::Unsupported, "no http request can be made of it"),
            Self::Denied => DeliveryError::reject(Kind::EgressDenied, "the push service's address is forbidden"),
            Self::Unresolved => DeliveryError::retry(Kind::Unreachable, "the push service's name did not resolve"),
            Self::Tls => DeliveryError::retry(Kind::Tls, "no tls session with the push service"),
            Self::Slow => DeliveryError::retry(Kind::Timeout, "the push service was too slow"),
            Self::Unreachable => DeliveryError::retry(Kind::Unreachable, "no connection to the push service"),
            Self::Malformed => DeliveryError::retry(Kind::Protocol, "the push service does not speak http"),
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
    use fanfare_core::Disposition;

    fn egress_denied() -> EgressDenied {
        fanfare_egress::EgressPolicy::internet()
            .check_address(None, std::net::Ipv4Addr::LOCALHOST.into(), 80)
            .unwrap_err()
    }

    #[test]
    fn every_cause_is_found_inside_the_io_error_that_carries_it() {
        use Stage::{Connecting, Exchanging, Making};

        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        for (error, stage, cause) in [
            (io::Error::other("anything"), Making, Cause::Unsupported),
            (io::Error::other(egress_denied()), Connecting, Cause::Denied),
            (io::Error::other(ResolveError::Denied(egress_denied())), Connecting, Cause::Denied),
            (io::Error::new(io::ErrorKind::InvalidData, expired), Connecting, Cause::Tls),
            (io::ErrorKind::TimedOut.into(), Connecting, Cause::Slow),
            (io::ErrorKind::ConnectionRefused.into(), Connecting, Cause::Unreachable),
            (io::ErrorKind::InvalidData.into(), Exchanging, Cause::Malformed),
            (io::ErrorKind::ConnectionReset.into(), Exchanging, Cause::Interrupted),
            (io::Error::other("anything"), Exchanging, Cause::Interrupted),
        ] {
            assert_eq!(Cause::of(&error, stage), cause, "{error:?} while {stage:?}");
        }
    }

    #[test]
    fn every_cause_has_its_row() {
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
    }
}
