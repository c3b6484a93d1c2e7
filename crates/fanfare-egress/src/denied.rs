//! The refusal to connect, told so that it gives nothing away about what lies behind.

use std::{error::Error, fmt, net::IpAddr};

use crate::{
    address::AddressClass,
    host::{Host, NameClass},
};

/// An address, a name or a port that Fanfare does not connect to.
///
/// The decision is made without connecting, so it cannot tell whether something listens there. The message names the host as
/// it was asked for and never the address behind a name, which would show inside records to outside callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressDenied {
    kind: DenialKind,
    host: Option<Host>,
    address: Option<IpAddr>,
}

impl EgressDenied {
    /// The reason, for metrics and tables.
    pub fn kind(&self) -> DenialKind {
        self.kind
    }

    /// The address that was refused, for the operator's log only; `None` when the refusal came before any lookup of a name.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    pub(crate) fn malformed() -> Self {
        Self { kind: DenialKind::MalformedHost, host: None, address: None }
    }

    pub(crate) fn of_host(kind: DenialKind, host: &Host) -> Self {
        let address = match host {
            Host::Address(address) => Some(*address),
            Host::Name(_) => None,
        };
        Self { kind, host: Some(host.clone()), address }
    }

    pub(crate) fn of_address(kind: DenialKind, host: &Host, address: IpAddr) -> Self {
        Self { kind, host: Some(host.clone()), address: Some(address) }
    }
}

impl fmt::Display for EgressDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("egress")?;
        match &self.host {
            Some(Host::Address(address)) => write!(f, " to {address}")?,
            Some(Host::Name(name)) => write!(f, " to {name}")?,
            None => {}
        }
        f.write_str(" is refused: ")?;
        let behind = match (&self.host, self.address) {
            (Some(Host::Name(_)), Some(_)) => " behind the name",
            _ => "",
        };
        match self.kind {
            DenialKind::Address(class) => {
                write!(f, "{}{behind} (allow it with an egress rule)", class.describe())
            }
            DenialKind::Metadata => write!(f, "metadata service{behind} (no rule can allow it)"),
            DenialKind::Name(class) => write!(f, "{} (allow it with an egress rule)", class.describe()),
            DenialKind::MalformedHost => f.write_str("neither an ip address nor a host name"),
            DenialKind::Port(0) => f.write_str("port 0 is no port"),
            DenialKind::Port(port) => write!(f, "port {port} is not open to subscribers (allow it by its number)"),
        }
    }
}

impl Error for EgressDenied {}

/// Why egress is refused. Each lasts until the operator changes the policy or, for what lies behind a name, its record
/// changes: a delivery that meets one is not worth a quick retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DenialKind {
    /// The address is not a public one.
    Address(AddressClass),
    /// The address or the name is that of a metadata service.
    Metadata,
    /// The name is refused before any lookup.
    Name(NameClass),
    /// The host is neither an address nor a name.
    MalformedHost,
    /// The port is 0 or belongs to another kind of service.
    Port(u16),
}

impl DenialKind {
    /// The kind as a metric label: lower-case words joined by `_`, from a small fixed set.
    pub fn label(self) -> &'static str {
        match self {
            Self::Address(class) => class.label(),
            Self::Metadata => "metadata",
            Self::Name(class) => class.label(),
            Self::MalformedHost => "malformed_host",
            Self::Port(_) => "port",
        }
    }
}
