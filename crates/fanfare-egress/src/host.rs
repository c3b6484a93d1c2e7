//! A host as a subscriber may write it, and the names that are refused whatever they resolve to.

use std::{error::Error, fmt, net::IpAddr};

use url::Url;

/// A host: an address, or a name that still has to be looked up.
///
/// Exhaustive: every caller must decide for both, and there is no third.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// An IP address, whichever way it was spelled.
    Address(IpAddr),
    /// A name.
    Name(HostName),
}

impl Host {
    /// Reads `text` the way a browser reads the host of a URL (WHATWG URL, "host parsing").
    ///
    /// So `127.1`, `0x7f.1`, `2130706433`, `017700000001`, full-width digits and percent-encoded octets all become the
    /// address that a system's own resolver would take them for. IPv6 stands with or without brackets, never with a zone.
    ///
    /// # Errors
    /// What is neither an address nor a [`HostName`].
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Address(address));
        }
        match url::Host::parse(text) {
            Ok(url::Host::Ipv4(v4)) => Ok(Self::Address(IpAddr::V4(v4))),
            Ok(url::Host::Ipv6(v6)) => Ok(Self::Address(IpAddr::V6(v6))),
            Ok(url::Host::Domain(domain)) => HostName::normalise(&domain).map(Self::Name),
            Err(_) => Err(InvalidHost),
        }
    }

    /// The host of `url`. A scheme that the URL standard does not know leaves its host uninterpreted, so that
    /// `smtp://127.1` would pass for a name: it is read here again.
    pub(crate) fn of(url: &Url) -> Result<Self, InvalidHost> {
        match url.host() {
            Some(url::Host::Ipv4(v4)) => Ok(Self::Address(v4.into())),
            Some(url::Host::Ipv6(v6)) => Ok(Self::Address(v6.into())),
            Some(url::Host::Domain(domain)) => Self::parse(domain),
            None => Err(InvalidHost),
        }
    }
}

/// As it stands in a URL: an IPv6 address in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(v6)) => write!(f, "[{v6}]"),
            Self::Address(IpAddr::V4(v4)) => v4.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// A host name in its one spelling: ASCII (IDNA applied), lower case, no trailing dot, 1 to 253 bytes, labels of 1 to 63
/// letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(String);

impl HostName {
    /// The name in its one spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Why this name is refused before any lookup, or `None` when its addresses decide.
    ///
    /// Metadata services have names too; they are another matter, since no rule can allow them.
    pub fn class(&self) -> Option<NameClass> {
        let name = self.as_str();
        if is_or_is_below(name, "localhost") || is_or_is_below(name, "localdomain") {
            Some(NameClass::Localhost)
        } else if !name.contains('.') {
            Some(NameClass::SingleLabel)
        } else if PRIVATE_SUFFIXES.iter().any(|suffix| is_or_is_below(name, suffix)) {
            Some(NameClass::Private)
        } else {
            None
        }
    }

    fn normalise(domain: &str) -> Result<Self, InvalidHost> {
        let name = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(InvalidHost);
        }
        Ok(Self(name))
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name is refused before any lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameClass {
    /// `localhost` and what lies below it (RFC 6761, 6.3), and the `localdomain` of many hosts files.
    Localhost,
    /// One label only, which a search domain completes to some inside name.
    SingleLabel,
    /// A top-level name that only private networks use (RFC 6762 and its appendix G, RFC 8375, ICANN's `internal`), or the
    /// short form of a Kubernetes service, `NAME.NAMESPACE.svc`.
    Private,
}

impl NameClass {
    /// The class as a metric label: lower-case words joined by `_`.
    pub fn label(self) -> &'static str {
        match self {
            Self::Localhost => "localhost_name",
            Self::SingleLabel => "single_label_name",
            Self::Private => "private_name",
        }
    }

    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::Localhost => "name of the machine itself",
            Self::SingleLabel => "name of a single label",
            Self::Private => "name of a private network",
        }
    }
}

/// A text that names no host. Its message leaves the text out, which may hold anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidHost;

impl fmt::Display for InvalidHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither an ip address nor a host name")
    }
}

impl Error for InvalidHost {}

/// Whether `name` is `suffix` or ends with it at a label boundary. Both in their one spelling.
pub(crate) fn is_or_is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

const PRIVATE_SUFFIXES: [&str; 9] =
    ["local", "internal", "home.arpa", "intranet", "private", "corp", "home", "lan", "svc"];
