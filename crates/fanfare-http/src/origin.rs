//! Who is connected to: the part of a URL that connections are shared by.

use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use http::HeaderValue;
use url::{Position, Url};

/// Scheme, host and port. Cloning copies a pointer.
#[derive(Clone)]
pub(crate) struct Origin(Arc<Parts>);

#[derive(PartialEq, Eq)]
struct Parts {
    /// Made once of the rest, for maps that are looked at for each request.
    hash: u64,
    security: Security,
    /// A name or an address; one of IPv6 is in brackets.
    host: String,
    port: u16,
}

/// Whether the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Security {
    Plain,
    #[cfg(feature = "https")]
    Tls,
}

impl Origin {
    /// The origin of `url`; nothing when connections of its scheme are not made here.
    pub(crate) fn of(url: &Url) -> Option<Self> {
        let security = match url.scheme() {
            "http" => Security::Plain,
            #[cfg(feature = "https")]
            "https" => Security::Tls,
            _ => return None,
        };
        let (host, port) = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        // With a key of its own, so that nobody can choose hosts that collide.
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let hash = KEY.hash_one((security, &host, port));
        Some(Self(Arc::new(Parts { hash, security, host, port })))
    }

    pub(crate) fn security(&self) -> Security {
        self.0.security
    }

    pub(crate) fn host(&self) -> &str {
        &self.0.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port
    }
}

impl PartialEq for Origin {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for Origin {}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({:?} {}:{})", self.0.security, self.0.host, self.0.port)
    }
}

/// The value of `Host` for requests to `url`: without the port where it is the scheme's own (RFC 9110, 7.2).
pub(crate) fn host_header(url: &Url) -> Option<HeaderValue> {
    HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(url: &str) -> Option<Origin> {
        Origin::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn urls_that_differ_in_their_path_alone_share_their_connections() {
        assert_eq!(origin("http://hooks.example/a?b"), origin("http://HOOKS.example:80/c"));
        assert_ne!(origin("http://hooks.example/"), origin("http://hooks.example:8080/"));
        assert_ne!(origin("http://hooks.example/"), origin("http://hooks2.example/"));
        #[cfg(feature = "https")]
        assert_ne!(origin("http://hooks.example:443/"), origin("https://hooks.example/"));
        assert_eq!(origin("ftp://hooks.example/"), None);
    }

    #[test]
    fn the_host_is_named_with_a_port_that_is_not_the_schemes_own() {
        for (url, expected) in [
            ("http://hooks.example/a", "hooks.example"),
            ("http://hooks.example:80/a", "hooks.example"),
            ("https://hooks.example:8443/a", "hooks.example:8443"),
            ("http://[::1]:8080/a", "[::1]:8080"),
        ] {
            assert_eq!(host_header(&Url::parse(url).unwrap()).unwrap(), expected);
        }
    }
}
