//! Where notifications go.

use std::fmt;
use std::sync::Arc;

use crate::connector::Connectors;
use crate::endpoint::Endpoint;
use crate::error::SnsError;
use crate::protocol::Protocol;
use crate::store::DestinationRecord;

/// Where notifications go.
#[derive(Clone)]
#[non_exhaustive]
pub enum Destination {
    /// An address that a connector opens.
    Address {
        /// The protocol.
        protocol: Protocol,
        /// The address, in the protocol's own form.
        address: String,
    },
    /// An endpoint that the program made itself.
    Endpoint(Arc<dyn Endpoint>),
}

impl Destination {
    /// An address of `protocol`.
    pub fn address(protocol: Protocol, address: impl Into<String>) -> Self {
        Self::Address { protocol, address: address.into() }
    }

    /// The protocol spoken there.
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Address { protocol, .. } => protocol.clone(),
            Self::Endpoint(endpoint) => endpoint.protocol(),
        }
    }

    /// The address; nothing when the program made the endpoint itself.
    pub(crate) fn address_text(&self) -> Option<&str> {
        match self {
            Self::Address { address, .. } => Some(address),
            Self::Endpoint(_) => None,
        }
    }

    /// The account that the queue or function at the address belongs to, by its ARN; nothing for other protocols.
    pub(crate) fn account(&self) -> Option<&str> {
        match self {
            Self::Address { protocol: Protocol::Sqs | Protocol::Lambda, address } => {
                address.split(':').nth(4).filter(|account| !account.is_empty())
            }
            _ => None,
        }
    }

    /// Opens the endpoint.
    pub(crate) fn open(&self, connectors: &Connectors) -> Result<Arc<dyn Endpoint>, SnsError> {
        match self {
            Self::Address { protocol, address } => connectors.connect(protocol, address),
            Self::Endpoint(endpoint) => Ok(Arc::clone(endpoint)),
        }
    }
}

impl PartialEq for Destination {
    /// Addresses are equal when protocol and text are; endpoints when they are the same object.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Address { protocol, address }, Self::Address { protocol: p, address: a }) => {
                protocol == p && address == a
            }
            (Self::Endpoint(endpoint), Self::Endpoint(e)) => Arc::ptr_eq(endpoint, e),
            _ => false,
        }
    }
}

impl Destination {
    /// The destination as it can be kept. An object of the program's own cannot.
    pub(crate) fn to_record(&self) -> Option<DestinationRecord> {
        match self {
            Self::Address { protocol, address } => {
                Some(DestinationRecord { protocol: protocol.clone(), address: address.clone() })
            }
            Self::Endpoint(_) => None,
        }
    }

    pub(super) fn from_record(record: DestinationRecord) -> Self {
        Self::Address { protocol: record.protocol, address: record.address }
    }
}

impl fmt::Debug for Destination {
    /// Addresses may hold passwords, so the protocol alone is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { protocol, .. } => write!(f, "{protocol} address"),
            Self::Endpoint(endpoint) => write!(f, "{endpoint}"),
        }
    }
}
