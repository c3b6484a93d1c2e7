//! A URL that a subscriber wrote, read strictly.

use std::{error::Error, fmt};

use url::Url;

use crate::host::Host;

/// The longest URL that is read, in bytes.
pub const MAX_URL_BYTES: usize = 8192;

/// A URL that every reader understands alike.
///
/// URL parsers differ in what they forgive, and each difference is a way to show one host to the check and another to the
/// client. So whatever parsers forgive is refused here, the one parser is the `url` crate, and what is handed on is its
/// normalised [`Url`], never the text. Whether the host may be connected to is for
/// [`EgressPolicy::check_url`](crate::EgressPolicy::check_url) to say.
///
/// `Debug` and `Display` show scheme, host and port only: user information, path and query may hold secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    host: Host,
}

impl Target {
    /// Reads `text`, whose scheme must be one of `schemes` (written in lower case).
    ///
    /// The form is `SCHEME://[USER:PASSWORD@]HOST[:PORT][/PATH][?QUERY]`: no white space, control character or backslash
    /// anywhere, no fragment (which is never sent), nothing percent-encoded in the host, no port 0. User and password are of
    /// unreserved characters, sub-delimiters and percent-encoded octets (RFC 3986), none of which decodes to a control
    /// character. At most [`MAX_URL_BYTES`] bytes, as written and as normalised.
    ///
    /// # Errors
    /// The first of these that is broken.
    pub fn parse(text: &str, schemes: &[&str]) -> Result<Self, InvalidTarget> {
        if text.len() > MAX_URL_BYTES {
            return Err(InvalidTarget::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
            return Err(InvalidTarget::Character);
        }
        if text.contains('#') {
            return Err(InvalidTarget::Fragment);
        }
        check_authority(text, schemes)?;
        let mut url = Url::parse(text).map_err(|_| InvalidTarget::Malformed)?;
        if url.port() == Some(0) {
            return Err(InvalidTarget::Port);
        }
        let host = Host::of(&url).map_err(|_| InvalidTarget::Host)?;
        url.set_host(Some(&host.to_string())).map_err(|_| InvalidTarget::Host)?;
        // Percent-encoding makes it longer.
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(InvalidTarget::TooLong);
        }
        Ok(Self { url, host })
    }

    /// The normalised URL, with user and password if it has them.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The normalised URL, with user and password if it has them.
    pub fn into_url(self) -> Url {
        self.url
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port: the one written, or the usual one of the scheme, where the URL standard knows one (`http`, `https`, `ws`,
    /// `wss`, `ftp`).
    pub fn port(&self) -> Option<u16> {
        self.url.port_or_known_default()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.url.scheme(), self.host)?;
        self.url.port().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({self})")
    }
}

/// Why a text is no [`Target`]. The messages leave the text out, which may hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidTarget {
    /// Longer than [`MAX_URL_BYTES`].
    TooLong,
    /// White space, a control character or a backslash somewhere in it.
    Character,
    /// A fragment.
    Fragment,
    /// No scheme, or one that is not accepted here.
    Scheme,
    /// No `//` after the scheme, or nothing between it and the path.
    Authority,
    /// User information in another form than `USER:PASSWORD@`.
    UserInfo,
    /// A host that is no address or name, or is percent-encoded.
    Host,
    /// Port 0, no number after the colon, or a number beyond 65535.
    Port,
    /// Refused by the URL parser for another reason.
    Malformed,
}

impl fmt::Display for InvalidTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the url is too long",
            Self::Character => "the url has white space, a control character or a backslash in it",
            Self::Fragment => "the url has a fragment",
            Self::Scheme => "the url's scheme is not accepted",
            Self::Authority => "the url names no host after its scheme",
            Self::UserInfo => "the url's user information is not of the form user:password",
            Self::Host => "the url's host is neither an ip address nor a host name",
            Self::Port => "the url's port is not a number from 1 to 65535",
            Self::Malformed => "the url is malformed",
        })
    }
}

impl Error for InvalidTarget {}

/// Checks what the parser would forgive, on the text as it was written.
fn check_authority(text: &str, schemes: &[&str]) -> Result<(), InvalidTarget> {
    let (scheme, rest) = text.split_once(':').ok_or(InvalidTarget::Scheme)?;
    if !schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Err(InvalidTarget::Scheme);
    }
    let rest = rest.strip_prefix("//").ok_or(InvalidTarget::Authority)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host_and_port = match authority.split_once('@') {
        Some((user_info, host_and_port)) => {
            check_user_info(user_info)?;
            host_and_port
        }
        None => authority,
    };
    if host_and_port.contains('@') {
        return Err(InvalidTarget::UserInfo);
    }
    if host_and_port.is_empty() {
        return Err(InvalidTarget::Authority);
    }
    check_host_and_port(host_and_port)
}

fn check_user_info(user_info: &str) -> Result<(), InvalidTarget> {
    match user_info.split_once(':') {
        Some((user, password)) if is_user_info(user) && is_user_info(password) => Ok(()),
        _ => Err(InvalidTarget::UserInfo),
    }
}

fn check_host_and_port(text: &str) -> Result<(), InvalidTarget> {
    if text.contains('%') {
        return Err(InvalidTarget::Host);
    }
    // The colons within brackets belong to an IPv6 address.
    let after_brackets = text.rfind(']').map_or(0, |end| end + 1);
    match text[after_brackets..].split_once(':') {
        Some((_, port)) if !is_port(port) => Err(InvalidTarget::Port),
        _ => Ok(()),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// A user or a password: not empty, and nothing in it that any reader could take for a delimiter.
fn is_user_info(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) if !(high * 16 + low).is_ascii_control() => tail,
                _ => return false,
            },
            (b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')', _) => tail,
            (b'*' | b'+' | b',' | b';' | b'=', _) => tail,
            (byte, _) if byte.is_ascii_alphanumeric() => tail,
            _ => return false,
        };
    }
    !text.is_empty()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
