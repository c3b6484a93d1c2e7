//! An SMTP server of the operator's, which takes e-mails and brings them on.

use std::fmt;
use std::str::FromStr;

use url::{Host, Url};

use crate::config::ConfigError;

/// An SMTP server that takes e-mails for the world: where it listens, how it is spoken to, and who we are there.
///
/// Relays are the operator's own setting: no rule about addresses applies to them, so that they may be on this machine or in
/// a private network. `Display` and `Debug` show neither user nor password.
///
/// ```
/// use fanfare_email::Relay;
///
/// let relay: Relay = "smtps://alerts:s3cret@smtp.example.com".parse()?;
/// assert_eq!(relay.to_string(), "smtps://smtp.example.com:465");
/// # Ok::<(), fanfare_email::ConfigError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Relay {
    /// A name, or an IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) security: Security,
    pub(crate) login: Option<Login>,
}

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    /// TLS from the first byte.
    Tls,
    /// `STARTTLS`, without which nothing is said.
    StartTls,
    /// In the clear.
    Plain,
}

/// Who we are at a relay.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
}

impl Relay {
    /// A relay that speaks TLS from the first byte, on port 465.
    ///
    /// # Errors
    /// When `host` is neither a host name nor an IP address.
    pub fn tls(host: &str) -> Result<Self, ConfigError> {
        Self::new(host, 465, Security::Tls)
    }

    /// A relay that is spoken to after `STARTTLS` alone, on port 587.
    ///
    /// # Errors
    /// When `host` is neither a host name nor an IP address.
    pub fn starttls(host: &str) -> Result<Self, ConfigError> {
        Self::new(host, 587, Security::StartTls)
    }

    /// A relay that is spoken to in the clear, on port 25: for this machine, or a network that you trust.
    ///
    /// # Errors
    /// When `host` is neither a host name nor an IP address.
    pub fn plain(host: &str) -> Result<Self, ConfigError> {
        Self::new(host, 25, Security::Plain)
    }

    fn new(host: &str, port: u16, security: Security) -> Result<Self, ConfigError> {
        let host = Host::parse(host).map_err(|error| ConfigError::because("a relay's host is none", error))?;
        Ok(Self { host: bare(&host), port, security, login: None })
    }

    /// Connects to this port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Logs in, by `PLAIN` or `LOGIN`, whichever the relay offers.
    ///
    /// # Errors
    /// When that would show the password to a network: without TLS, logging in is for this machine's own addresses.
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Result<Self, ConfigError> {
        if self.security == Security::Plain && !self.is_on_this_machine() {
            return Err(ConfigError::new("a password would go to the relay in the clear: leave out starttls=off"));
        }
        self.login = Some(Login { user: user.into(), password: password.into() });
        Ok(self)
    }

    fn is_on_this_machine(&self) -> bool {
        self.host == "localhost" || self.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl FromStr for Relay {
    type Err = ConfigError;

    /// Reads a URL:
    ///
    /// - `smtps://host`: TLS from the first byte, port 465
    /// - `smtp://host` or `smtp://host?starttls=required`: `STARTTLS`, port 587
    /// - `smtp://host?starttls=off`: in the clear, port 25
    ///
    /// each with `user:password@` before the host and `:port` behind it, if wanted. User and password are percent-encoded.
    /// Errors show nothing of the URL, for it may hold a password.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let url = Url::parse(text).map_err(|_| ConfigError::new("a relay is given as smtps://host or smtp://host"))?;
        let security = match (url.scheme(), url.query()) {
            ("smtps", None) => Security::Tls,
            ("smtp", None | Some("starttls=required")) => Security::StartTls,
            ("smtp", Some("starttls=off")) => Security::Plain,
            ("smtp", Some(_)) => {
                return Err(ConfigError::new("a relay's URL may have ?starttls=required or ?starttls=off"));
            }
            ("smtps", Some(_)) => return Err(ConfigError::new("smtps:// speaks TLS anyway and takes no ?setting")),
            _ => return Err(ConfigError::new("a relay's URL begins with smtps:// or smtp://")),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(ConfigError::new("a relay's URL has no path"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = percent_decoded(host.ok_or(ConfigError::new("a relay's URL names a host"))?)?;
        let relay = match security {
            Security::Tls => Self::tls(&host)?,
            Security::StartTls => Self::starttls(&host)?,
            Security::Plain => Self::plain(&host)?,
        };
        let relay = match url.port() {
            Some(port) => relay.port(port),
            None => relay,
        };
        match (url.username(), url.password()) {
            ("", None) => Ok(relay),
            ("", Some(_)) | (_, None) => {
                Err(ConfigError::new("a relay's URL has both a user and a password, or neither"))
            }
            (user, Some(password)) => relay.login(percent_decoded(user)?, percent_decoded(password)?),
        }
    }
}

/// A host without the brackets of IPv6.
fn bare(host: &Host) -> String {
    match host {
        Host::Domain(name) => name.clone(),
        Host::Ipv4(ip) => ip.to_string(),
        Host::Ipv6(ip) => ip.to_string(),
    }
}

fn percent_decoded(text: &str) -> Result<String, ConfigError> {
    let wrong = || ConfigError::new("a relay's URL is not percent-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = digit().zip(digit()).ok_or_else(wrong)?;
                u8::try_from(high * 16 + low).map_err(|_| wrong())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

impl fmt::Display for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.security == Security::Tls { "smtps" } else { "smtp" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({self}, {:?}", self.security)?;
        f.write_str(if self.login.is_some() { ", with a login)" } else { ")" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host, port, security, user and password.
    fn read(url: &str) -> (String, u16, Security, Option<(String, String)>) {
        let Relay { host, port, security, login } = url.parse().unwrap();
        (host, port, security, login.map(|Login { user, password }| (user, password)))
    }

    #[test]
    fn urls_say_how_a_relay_is_spoken_to() {
        let host = || "smtp.example.com".to_owned();
        assert_eq!(read("smtps://smtp.example.com"), (host(), 465, Security::Tls, None));
        assert_eq!(read("smtps://smtp.example.com:4650/"), (host(), 4650, Security::Tls, None));
        assert_eq!(read("smtp://smtp.example.com"), (host(), 587, Security::StartTls, None));
        assert_eq!(read("smtp://smtp.example.com:2525?starttls=required"), (host(), 2525, Security::StartTls, None));
        assert_eq!(read("smtp://smtp.example.com?starttls=off"), (host(), 25, Security::Plain, None));
        assert_eq!(read("smtp://[::1]:25?starttls=off"), ("::1".to_owned(), 25, Security::Plain, None));
        assert_eq!(read("smtp://b%C3%BCcher.example").0, "xn--bcher-kva.example");
    }

    #[test]
    fn user_and_password_are_percent_decoded_and_never_shown() {
        let login = Some(("ann@example.com".to_owned(), "p/é: @%".to_owned()));
        let url = "smtps://ann%40example.com:p%2F%C3%A9%3A%20%40%25@smtp.example.com";
        assert_eq!(read(url), ("smtp.example.com".to_owned(), 465, Security::Tls, login));
        let relay: Relay = "smtps://ann:s3cret@smtp.example.com".parse().unwrap();
        assert_eq!(relay.to_string(), "smtps://smtp.example.com:465");
        assert_eq!(format!("{relay:?}"), "Relay(smtps://smtp.example.com:465, Tls, with a login)");
    }

    #[test]
    fn a_password_goes_without_tls_to_this_machine_alone() {
        for (host, is_fine) in [("127.0.0.1", true), ("[::1]", true), ("localhost", true), ("10.0.0.1", false)] {
            let url = format!("smtp://ann:s3cret@{host}?starttls=off");
            assert_eq!(url.parse::<Relay>().is_ok(), is_fine, "{host}");
        }
    }

    #[test]
    fn a_url_that_says_something_else_is_refused_without_showing_it() {
        for url in [
            "",
            "smtp.example.com",
            "smtp.example.com:587",
            "http://s3cret@smtp.example.com",
            "smtp://",
            "smtp://s3cret@smtp.example.com",
            "smtp://:s3cret@smtp.example.com",
            "smtp://a:s3cret@smtp.example.com?starttls=maybe",
            "smtp://a:s3cret@smtp.example.com?tls=off",
            "smtps://a:s3cret@smtp.example.com?starttls=off",
            "smtp://a:s3cret@smtp.example.com/path",
            "smtp://a:s3cret@smtp.example.com#fragment",
            "smtp://a:s3cret%ff@smtp.example.com",
            "smtp://a:s3cret%2@smtp.example.com",
            "smtp://a:s3cret@smtp example.com",
            "smtp://a:s3cret@smtp.example.com:99999",
        ] {
            let error = url.parse::<Relay>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{url}: {error:?}");
        }
    }
}
