//! From a phone number to an endpoint.

use std::fmt;
use std::sync::Arc;

use fanfare_core::{Connector, Endpoint, Protocol, SnsError};

use crate::config::{ConfigError, SmsConfig};
use crate::endpoint::SmsEndpoint;
use crate::number::PhoneNumber;
use crate::way::Carrier;

/// Opens endpoints of the protocol `sms`. All share one way to the phones: a session over SMPP, or a client.
///
/// An address is a phone number in the form of E.164, whose `+` may be left out, and which may have single `-`, `.` or `/`
/// between digits. A country code that is nobody's, or a length that its numbers do not have, is refused.
pub struct SmsConnector(Arc<Carrier>);

impl SmsConnector {
    /// A connector that sends as `config` says. It touches no network; a session over SMPP begins with the first delivery.
    ///
    /// # Errors
    /// Settings that cannot be used: a time limit out of bounds, or, where TLS is spoken, a system without CA certificates
    /// when no others are given.
    pub fn new(config: SmsConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self(Arc::new(Carrier::new(config)?)))
    }
}

impl Connector for SmsConnector {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Sms]
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        if *protocol != Protocol::Sms {
            return Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: {protocol} is not a protocol that this connector opens"
            )));
        }
        let number = PhoneNumber::parse(address)
            .ok_or_else(|| SnsError::invalid_parameter(format_args!("SMS endpoint: {address}")))?;
        if !number.is_possible() {
            return Err(SnsError::invalid_parameter(format_args!(
                "PhoneNumber Reason: {number} is not valid to publish to"
            )));
        }
        Ok(Arc::new(SmsEndpoint { number, carrier: Arc::clone(&self.0) }))
    }
}

impl fmt::Debug for SmsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SmsConnector").field(&self.0).finish()
    }
}
