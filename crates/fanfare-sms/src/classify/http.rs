//! What holds for exchanges with every HTTP gateway: what was answered, and why nothing was.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind};
use fanfare_egress::{EgressDenied, ResolveError};

/// What a gateway answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// What its `Retry-After` asks for.
    pub(crate) retry_after: Option<Duration>,
    /// The start of its body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

/// An exchange that came to no answer, or whose answer broke off: whether the message was taken is not known then.
pub(crate) fn failure(error: reqwest::Error) -> DeliveryError {
    let (kind, context) = cause(&error);
    // The URL holds passwords.
    DeliveryError::retry(kind, context).with_source(error.without_url())
}

fn cause(error: &reqwest::Error) -> (Kind, &'static str) {
    if error.is_builder() {
        return (Kind::Misconfigured, "no request to the gateway can be made");
    }
    if error.is_timeout() {
        return (Kind::Timeout, "the gateway was too slow");
    }
    told(error).unwrap_or(match error.is_connect() {
        true => (Kind::Unreachable, "no connection to the gateway"),
        false => (Kind::Interrupted, "the connection broke before the answer was complete"),
    })
}

/// What the errors beneath say.
fn told(error: &(dyn Error + 'static)) -> Option<(Kind, &'static str)> {
    std::iter::successors(Some(error), |link| beneath(*link)).find_map(|link| {
        if link.is::<EgressDenied>() || matches!(link.downcast_ref(), Some(ResolveError::Denied(_))) {
            return Some((Kind::EgressDenied, "the address of the gateway is forbidden"));
        }
        if link.is::<ResolveError>() {
            return Some((Kind::Unreachable, "the name of the gateway did not resolve"));
        }
        if link.is::<rustls::Error>() {
            return Some((Kind::Tls, "no tls session with the gateway"));
        }
        match link.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => Some((Kind::Timeout, "the gateway was too slow")),
            _ => None,
        }
    })
}

/// What an I/O error wraps is not what it calls its source.
fn beneath<'a>(link: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => link.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn every_cause_is_found_however_deep_it_lies() {
        let denied = || {
            let loopback = std::net::Ipv4Addr::LOCALHOST.into();
            fanfare_egress::EgressPolicy::internet().check_address(None, loopback, 80).unwrap_err()
        };
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        let cases: [(Box<dyn Error + Send + Sync>, Option<Kind>); 6] = [
            (denied().into(), Some(Kind::EgressDenied)),
            (ResolveError::Denied(denied()).into(), Some(Kind::EgressDenied)),
            (io::Error::other(denied()).into(), Some(Kind::EgressDenied)),
            (io::Error::new(io::ErrorKind::InvalidData, expired).into(), Some(Kind::Tls)),
            (io::Error::from(io::ErrorKind::TimedOut).into(), Some(Kind::Timeout)),
            (io::Error::from(io::ErrorKind::ConnectionReset).into(), None),
        ];
        for (error, kind) in cases {
            let error = Wrapped(Box::new(Wrapped(error)));
            assert_eq!(told(&error).map(|(kind, _)| kind), kind, "{error:?}");
        }
    }
}
