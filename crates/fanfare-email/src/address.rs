//! An e-mail address, parsed once.

use std::fmt;

use lettre::Address;
use url::Host;

/// The most bytes of an address (RFC 5321, 4.5.3.1.3, less the brackets).
const BYTES_MAX: usize = 254;

/// An address that a mail can be sent to or from. `Display` is the text as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailAddress {
    given: String,
    /// With the domain in ASCII, so that a relay without `SMTPUTF8` takes it as long as the part before the `@` is ASCII too.
    wire: Address,
}

impl MailAddress {
    /// Reads `local@domain`: the local part as a dot-atom or quoted (RFC 5321), in ASCII or beyond it (RFC 6531); the domain
    /// as a name, international ones included, or as an IP address in brackets.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > BYTES_MAX || text.chars().any(char::is_control) {
            return None;
        }
        let address: Address = text.parse().ok()?;
        let domain = address.domain();
        let domain = match domain.starts_with('[') {
            true => domain.to_owned(),
            false => match Host::parse(domain).ok()? {
                Host::Domain(name) => name,
                // An address takes brackets.
                Host::Ipv4(_) | Host::Ipv6(_) => return None,
            },
        };
        Some(Self { given: text.to_owned(), wire: Address::new(address.user(), domain).ok()? })
    }

    /// The address as it goes over the wire.
    pub(crate) fn wire(&self) -> &Address {
        &self.wire
    }

    /// Whether it goes over the wire in ASCII.
    pub(crate) fn is_ascii(&self) -> bool {
        AsRef::<str>::as_ref(&self.wire).is_ascii()
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_every_shape_are_read_and_their_domains_go_out_in_ascii() {
        for (given, wire) in [
            ("ann@example.com", "ann@example.com"),
            ("ann+orders.new@mail.Example.COM", "ann+orders.new@mail.example.com"),
            ("\"ann o'hara\"@example.com", "\"ann o'hara\"@example.com"),
            ("\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com"),
            ("\"a@b\"@example.com", "\"a@b\"@example.com"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
            ("änn@example.com", "änn@example.com"),
            ("ann@localhost", "ann@localhost"),
            ("ann@[192.0.2.1]", "ann@[192.0.2.1]"),
        ] {
            let address = MailAddress::parse(given).unwrap_or_else(|| panic!("{given} is an address"));
            assert_eq!(address.wire().to_string(), wire);
            assert_eq!(address.to_string(), given);
            assert_eq!(address.is_ascii(), !given.starts_with('ä'));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@{}.example", "a".repeat(64), "d".repeat(60).repeat(4));
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@@example.com",
            "ann@example..com",
            ".ann@example.com",
            "ann o'hara@example.com",
            " ann@example.com",
            "ann@example.com ",
            "ann@example.com\r\nBcc: bob@example.com",
            "ann@example.com\nRCPT TO:<bob@example.com>",
            "\"ann\r\nDATA\"@example.com",
            "\"ann\0\"@example.com",
            "ann\u{85}@example.com",
            "ann@example.com>",
            "Ann <ann@example.com>",
            "ann@example.com,bob@example.com",
            "ann@example.com SIZE=1",
            "ann@192.0.2.1",
            "ann@-example.com",
            &format!("{}@example.com", "a".repeat(65)),
            &long,
        ] {
            assert_eq!(MailAddress::parse(text), None, "{text:?}");
        }
    }
}
