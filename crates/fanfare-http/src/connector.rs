//! From a subscription's URL to an endpoint.

use std::fmt;
use std::sync::{Arc, Mutex};

use fanfare_core::{Connector, Endpoint, Notification, Protocol, SnsError};
use fanfare_egress::{Host, InvalidTarget, Target};
use fanfare_wire::Renderer;
use http::Uri;
use url::{Position, Url};

use crate::auth::Credentials;
use crate::config::{ConfigError, HttpConfig};
use crate::endpoint::HttpEndpoint;
use crate::exchange::{Destination, Exchanger};
use crate::origin::{Origin, host_header};

/// Opens endpoints of the protocols `http` and `https`, as far as their features are on. All share their connections.
///
/// An address is a URL of the protocol's scheme, in the form that [`Target::parse`] describes. The user and password in
/// it, if any, are shown to the receiver when it asks for them, and to nobody else. (Amazon SNS takes them for `https`
/// only; here `http` takes them too, for receivers in the same network.)
pub struct HttpConnector {
    renderer: Renderer,
    exchanger: Arc<Exchanger>,
}

impl HttpConnector {
    /// A connector whose endpoints post what `renderer` makes of a notification.
    ///
    /// # Errors
    /// Settings that cannot be used: a time limit out of bounds, a client certificate that does not fit its key, or, with
    /// the feature `https`, a system without CA certificates when no others are given.
    pub fn new(config: HttpConfig, renderer: Renderer) -> Result<Self, ConfigError> {
        Ok(Self { renderer, exchanger: Arc::new(Exchanger::new(config)?) })
    }
}

impl Connector for HttpConnector {
    fn protocols(&self) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        if cfg!(feature = "http") {
            protocols.push(Protocol::Http);
        }
        if cfg!(feature = "https") {
            protocols.push(Protocol::Https);
        }
        protocols
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        if !self.protocols().contains(protocol) {
            return Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: {protocol} is not a protocol that this connector opens"
            )));
        }
        let mut url = self.read(protocol, address)?;
        let credentials = take_credentials(&mut url);
        let destination = destination(&url).ok_or_else(no_request)?;
        Ok(Arc::new(HttpEndpoint {
            protocol: protocol.clone(),
            url,
            destination,
            credentials,
            renderer: self.renderer.clone(),
            exchanger: Arc::clone(&self.exchanger),
            session: Mutex::default(),
        }))
    }

    fn foresee(&self, _: &Protocol, notification: &Notification) {
        self.renderer.foresee_body(notification);
    }
}

impl HttpConnector {
    /// The URL at `address`, if it may be posted to as far as can be said without looking its host up.
    fn read(&self, protocol: &Protocol, address: &str) -> Result<Url, SnsError> {
        let target = Target::parse(address, &[protocol.as_str()]).map_err(|error| match error {
            InvalidTarget::Scheme => SnsError::invalid_parameter("Endpoint must match the specified protocol"),
            other => SnsError::invalid_parameter(format_args!("Endpoint Reason: {other}")),
        })?;
        if has_doubtful_name(&target) {
            return Err(unreachable("a public host name has no underscore"));
        }
        let url = target.into_url();
        self.exchanger.egress().check_url(&url).map_err(unreachable)?;
        // The two parsers differ in what they take, and the request line is written by the other one.
        if Uri::try_from(url.as_str()).is_err() {
            return Err(no_request());
        }
        Ok(url)
    }
}

impl fmt::Debug for HttpConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConnector").field("exchanger", &self.exchanger).finish_non_exhaustive()
    }
}

/// Where requests for `url` go.
fn destination(url: &Url) -> Option<Destination> {
    let target = Uri::try_from(&url[Position::BeforePath..Position::AfterQuery]).ok()?;
    Some(Destination { origin: Origin::of(url)?, target, host: host_header(url)? })
}

fn no_request() -> SnsError {
    SnsError::invalid_parameter("Endpoint Reason: no http request can be made to the url")
}

/// Whether the host is one of those names with an underscore that Amazon SNS refuses: the public ones. Inside names, which
/// an operator has to allow first, may have it.
fn has_doubtful_name(target: &Target) -> bool {
    matches!(target.host(), Host::Name(name) if name.class().is_none() && name.as_str().contains('_'))
}

/// Amazon SNS's words, and why.
fn unreachable(reason: impl fmt::Display) -> SnsError {
    SnsError::invalid_parameter(format_args!("Unreachable Endpoint Reason: {reason}"))
}

/// Takes user and password out of `url`.
fn take_credentials(url: &mut Url) -> Option<Credentials> {
    let user = percent_decoded(url.username());
    let password = percent_decoded(url.password()?);
    url.set_username("").and_then(|()| url.set_password(None)).expect("a URL with a password can do without");
    Some(Credentials { user, password })
}

/// Octets that are not UTF-8 become replacement characters: no receiver could have been told such a password.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digit =
            |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        rest = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                &tail[2..]
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials_of(address: &str) -> (String, Option<(String, String)>) {
        let mut url = Url::parse(address).unwrap();
        let credentials = take_credentials(&mut url);
        (url.to_string(), credentials.map(|Credentials { user, password }| (user, password)))
    }

    #[test]
    fn user_and_password_are_decoded_and_leave_the_url() {
        assert_eq!(
            credentials_of("https://al%40ice:p%C3%A9%25%3A%20x@hooks.example/a?b=c"),
            ("https://hooks.example/a?b=c".to_owned(), Some(("al@ice".to_owned(), "pé%: x".to_owned())))
        );
        assert_eq!(credentials_of("https://hooks.example/a"), ("https://hooks.example/a".to_owned(), None));
    }

    #[test]
    fn a_percent_sign_that_begins_nothing_stands_for_itself() {
        assert_eq!(percent_decoded("100%"), "100%");
        assert_eq!(percent_decoded("%4"), "%4");
        assert_eq!(percent_decoded("%zz%41"), "%zzA");
    }
}
