//! From a subscription's protocol and address to an endpoint.

use std::fmt;
use std::sync::Arc;

use crate::endpoint::Endpoint;
use crate::error::SnsError;
use crate::notification::Notification;
use crate::protocol::Protocol;

/// Opens endpoints of one or more protocols, and holds what they share: a client, a pool, a key.
///
/// - `connect` reads the address and touches no network: what is slow or can fail for a while belongs into `deliver`.
/// - Endpoints are cheap and short-lived: the engine opens one when a lane has work and drops it when it has none, so that
///   a million subscriptions are a million rows and not a million objects.
pub trait Connector: fmt::Debug + Send + Sync + 'static {
    /// The protocols that this connector opens.
    fn protocols(&self) -> Vec<Protocol>;

    /// Opens the endpoint at `address`.
    ///
    /// # Errors
    /// `InvalidParameter` in Amazon SNS's words when `address` is not one of `protocol`, or may not be connected to.
    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError>;

    /// Hears of a message that is being stored and that an endpoint of `protocol` will get at once, unless the store refuses
    /// it: so that what all deliveries of the message share, as a signature, is begun meanwhile. It must not block, and is not
    /// called for every message or every endpoint. Here nothing happens.
    fn foresee(&self, protocol: &Protocol, notification: &Notification) {
        let _ = (protocol, notification);
    }
}

impl<T: Connector + ?Sized> Connector for Arc<T> {
    fn protocols(&self) -> Vec<Protocol> {
        (**self).protocols()
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        (**self).connect(protocol, address)
    }

    fn foresee(&self, protocol: &Protocol, notification: &Notification) {
        (**self).foresee(protocol, notification);
    }
}

/// The connectors that an engine knows.
#[derive(Debug, Clone, Default)]
pub struct Connectors(Vec<Arc<dyn Connector>>);

impl Connectors {
    /// No connectors: subscriptions can then be made to endpoints that the program made itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a connector. Of several for one protocol, the last one added is used.
    #[must_use]
    pub fn with(mut self, connector: impl Connector) -> Self {
        self.0.push(Arc::new(connector));
        self
    }

    /// Every protocol that can be opened, each once, in the order of the connectors.
    pub fn protocols(&self) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        for protocol in self.0.iter().flat_map(|connector| connector.protocols()) {
            if !protocols.contains(&protocol) {
                protocols.push(protocol);
            }
        }
        protocols
    }

    /// Opens the endpoint at `address`.
    ///
    /// # Errors
    /// `InvalidParameter`: no connector for the protocol, or what the connector says of the address.
    pub fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        match self.of(protocol) {
            Some(connector) => connector.connect(protocol, address),
            None => Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: no connector here delivers over {protocol}: enable the feature of that name where there \
                 is one, or add a connector"
            ))),
        }
    }

    /// Tells the connector for the protocol, if there is one, of a message that is being stored: see [`Connector::foresee`].
    pub fn foresee(&self, protocol: &Protocol, notification: &Notification) {
        if let Some(connector) = self.of(protocol) {
            connector.foresee(protocol, notification);
        }
    }

    fn of(&self, protocol: &Protocol) -> Option<&Arc<dyn Connector>> {
        self.0.iter().rev().find(|connector| connector.protocols().contains(protocol))
    }
}
