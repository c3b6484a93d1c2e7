//! One exception that an operator makes from the refusals.

use std::{error::Error, fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;

use crate::{
    address::NAT64_LOCAL,
    host::{Host, HostName, is_or_is_below},
    metadata::{is_metadata_address, is_metadata_name},
};

/// Something inside that may be connected to: a block of addresses, or the hosts under a name.
///
/// | text | allows |
/// | --- | --- |
/// | `10.0.0.0/8`, `fd00::/8` | the addresses of the block, reached by address or by a name that is not refused itself |
/// | `127.0.0.1`, `::1` | that address |
/// | `internal.example` | that host and all below it, whatever they resolve to |
/// | `.svc.cluster.local` | all hosts below it, whatever they resolve to |
/// | `localhost`, `backend` | that host and all below it, though its name would be refused |
///
/// A host rule trusts whoever answers for the name. Metadata services stay refused under every rule, and so do ports. An
/// IPv6 block that embeds IPv4 addresses, such as `64:ff9b::/96` in a network behind NAT64, allows only those addresses
/// whose IPv4 address is public or allowed by another rule. Of the local-use translation prefix `64:ff9b:1::/48` only blocks
/// of 96 bits or more count: a translator with a shorter prefix finds the IPv4 address elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(Matches);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Matches {
    Addresses(IpNet),
    HostAndBelow(HostName),
    Below(HostName),
}

impl Rule {
    pub(crate) fn allows_address(&self, address: IpAddr) -> bool {
        match (&self.0, address) {
            // A wider block leaves open where the translator looks, so a sender could show it one IPv4 address, and us another.
            (Matches::Addresses(net), IpAddr::V6(v6)) if NAT64_LOCAL.contains(&v6) => {
                net.prefix_len() >= 96 && net.contains(&address)
            }
            (Matches::Addresses(net), _) => net.contains(&address),
            (Matches::HostAndBelow(_) | Matches::Below(_), _) => false,
        }
    }

    pub(crate) fn allows_name(&self, name: &HostName) -> bool {
        match &self.0 {
            Matches::Addresses(_) => false,
            Matches::HostAndBelow(suffix) => is_or_is_below(name.as_str(), suffix.as_str()),
            Matches::Below(suffix) => name != suffix && is_or_is_below(name.as_str(), suffix.as_str()),
        }
    }
}

impl FromStr for Rule {
    type Err = InvalidRule;

    /// Reads one rule.
    ///
    /// # Errors
    /// A text that is no block, address or host suffix; a block with host bits set; and a rule that could have no effect,
    /// because it names a metadata service or a part of the local-use translation prefix that is too wide.
    fn from_str(text: &str) -> Result<Self, InvalidRule> {
        let invalid = |why| InvalidRule { text: text.to_owned(), why };
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        if text.contains('/') {
            return parse_block(text).map_err(invalid);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return if is_metadata_address(address) { Err(invalid(METADATA)) } else { Ok(address_rule(address)) };
        }
        parse_suffix(text).map_err(invalid)
    }
}

/// As it is written.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Matches::Addresses(net) if net.prefix_len() == net.max_prefix_len() => net.addr().fmt(f),
            Matches::Addresses(net) => net.fmt(f),
            Matches::HostAndBelow(suffix) => suffix.fmt(f),
            Matches::Below(suffix) => write!(f, ".{suffix}"),
        }
    }
}

/// A text that is no [`Rule`]; the message quotes it and says why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRule {
    text: String,
    why: &'static str,
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid egress rule {:?}: {}", self.text, self.why)
    }
}

impl Error for InvalidRule {}

const METADATA: &str = "a metadata service can never be allowed";

fn parse_block(text: &str) -> Result<Rule, &'static str> {
    let net: IpNet = text.parse().map_err(|_| "it is no CIDR block such as 10.0.0.0/8")?;
    if net.addr() != net.network() {
        return Err("it has bits set after its prefix");
    }
    if net.prefix_len() == net.max_prefix_len() && is_metadata_address(net.addr()) {
        return Err(METADATA);
    }
    if matches!(net, IpNet::V6(v6) if NAT64_LOCAL.contains(&v6)) && net.prefix_len() < 96 {
        return Err("a block of local-use translated addresses needs a prefix of 96 bits or more");
    }
    Ok(Rule(Matches::Addresses(net)))
}

fn address_rule(address: IpAddr) -> Rule {
    Rule(Matches::Addresses(IpNet::from(address)))
}

fn parse_suffix(text: &str) -> Result<Rule, &'static str> {
    if text.contains('*') {
        return Err("it has a wildcard: write .internal.example for all hosts below internal.example");
    }
    if text.chars().any(char::is_whitespace) {
        return Err("it has white space in it");
    }
    let (below_only, name) = match text.strip_prefix('.') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    match Host::parse(name) {
        // An address in a spelling like 127.1: what is allowed should be plain to every reader.
        Ok(Host::Address(_)) => Err("write the address in its plain form, without brackets or dots around it"),
        Ok(Host::Name(name)) if is_metadata_name(name.as_str()) => Err(METADATA),
        Ok(Host::Name(name)) if below_only => Ok(Rule(Matches::Below(name))),
        Ok(Host::Name(name)) => Ok(Rule(Matches::HostAndBelow(name))),
        Err(_) => Err("it is neither a CIDR block, nor an ip address, nor a host suffix"),
    }
}
