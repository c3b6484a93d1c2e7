//! HTTP authentication with the user name and password of a subscriber's URL.
//!
//! As Amazon SNS does it: the first request of an endpoint goes without credentials, and only a 401 that asks for a scheme
//! that is known here is answered with them. What was asked for is remembered as a [`Session`], so that later requests of
//! the same endpoint need one exchange and not two.

mod basic;
mod challenge;
mod digest;

use std::fmt;

use fanfare_core::Host;
use http::HeaderValue;

use challenge::Challenge;
use digest::DigestSession;

/// A user name and password. Neither is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// An agreement on how requests to one endpoint are authenticated, made from what its receiver asked for.
#[derive(Debug)]
pub(crate) enum Session {
    Basic,
    Digest(DigestSession),
}

impl Session {
    /// Agrees to the strongest of what the `WWW-Authenticate` headers of a 401 offer: Digest with SHA-256, then Digest
    /// with MD5, then Basic (which counts only with a realm, as Amazon SNS demands one).
    ///
    /// None when nothing of that is offered.
    pub(crate) fn agree<'a>(offers: impl IntoIterator<Item = &'a HeaderValue>, host: &dyn Host) -> Option<Self> {
        let offers: Vec<Challenge> =
            offers.into_iter().flat_map(|value| challenge::parse(&String::from_utf8_lossy(value.as_bytes()))).collect();
        let digest = offers.iter().filter_map(digest::Terms::read).max_by_key(digest::Terms::strength);
        match digest {
            Some(terms) => Some(Self::Digest(DigestSession::new(terms, host))),
            None => offers.iter().any(basic::is_offer).then_some(Self::Basic),
        }
    }

    /// Whether it is worth to try this session after `refused`, a request of which ended in the 401 that this one was made
    /// from: the same password under the same terms would be refused again.
    pub(crate) fn differs_from(&self, refused: &Self) -> bool {
        match (self, refused) {
            (Self::Basic, Self::Basic) => false,
            (Self::Digest(new), Self::Digest(old)) => new.supersedes(old),
            _ => true,
        }
    }

    /// The `Authorization` header for the next request, or none when the credentials cannot stand in a header. `uri` is
    /// the path and query as they stand in the request line.
    pub(crate) fn authorize(&self, credentials: &Credentials, method: &str, uri: &str) -> Option<HeaderValue> {
        let text = match self {
            Self::Basic => basic::authorization(credentials),
            Self::Digest(session) => session.authorization(credentials, method, uri),
        };
        let mut value = HeaderValue::try_from(text.into_bytes()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(offers: &[&'static str]) -> Option<Session> {
        let offers: Vec<HeaderValue> = offers.iter().map(|offer| HeaderValue::from_static(offer)).collect();
        Session::agree(&offers, &fanfare_core::SystemHost)
    }

    #[test]
    fn the_strongest_offer_is_taken_wherever_it_stands() {
        let session = agreed(&[
            r#"Basic realm="a", Digest realm="a", nonce="n", algorithm=MD5, qop="auth""#,
            r#"Digest realm="a", nonce="n", algorithm=SHA-256, qop="auth""#,
        ]);
        let authorization = session.unwrap().authorize(&mufasa(), "POST", "/").unwrap();
        assert!(authorization.to_str().unwrap().contains("algorithm=SHA-256"));
    }

    #[test]
    fn basic_without_a_realm_is_no_offer() {
        assert!(agreed(&["Basic"]).is_none());
        assert!(agreed(&[r#"Basic charset="UTF-8""#]).is_none());
        assert!(matches!(agreed(&[r#"bAsIc REALM="x""#]), Some(Session::Basic)));
    }

    #[test]
    fn schemes_that_are_not_known_are_passed_over() {
        assert!(agreed(&["Negotiate YII/a+b==", r#"Bearer realm="x""#]).is_none());
        assert!(matches!(agreed(&[r#"Negotiate YII/a+b==, Basic realm="x""#]), Some(Session::Basic)));
    }

    #[test]
    fn a_refused_password_is_not_sent_again_under_the_same_terms() {
        let first = agreed(&[r#"Basic realm="x""#]).unwrap();
        assert!(!agreed(&[r#"Basic realm="x""#]).unwrap().differs_from(&first));
        let first = agreed(&[r#"Digest realm="x", nonce="1", qop="auth""#]).unwrap();
        assert!(!agreed(&[r#"Digest realm="x", nonce="1", qop="auth""#]).unwrap().differs_from(&first));
        assert!(agreed(&[r#"Digest realm="x", nonce="1", qop="auth", stale=true"#]).unwrap().differs_from(&first));
        assert!(agreed(&[r#"Digest realm="x", nonce="2", qop="auth""#]).unwrap().differs_from(&first));
    }

    #[test]
    fn an_authorization_header_is_marked_sensitive() {
        let authorization = Session::Basic.authorize(&mufasa(), "POST", "/").unwrap();
        assert_eq!(format!("{authorization:?}"), "Sensitive");
    }

    #[test]
    fn credentials_that_would_break_the_header_are_not_sent() {
        let session = agreed(&[r#"Digest realm="x", nonce="1", qop="auth""#]).unwrap();
        let credentials = Credentials { user: "a\r\nX-Evil: 1".to_owned(), password: "b".to_owned() };
        assert!(session.authorize(&credentials, "POST", "/").is_none());
    }

    fn mufasa() -> Credentials {
        Credentials { user: "Mufasa".to_owned(), password: "Circle of Life".to_owned() }
    }
}
