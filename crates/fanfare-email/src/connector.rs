//! From a subscription's address to an endpoint.

use std::fmt;
use std::sync::Arc;

use fanfare_core::{Connector, Endpoint, Notification, Protocol, SnsError};
use fanfare_wire::Renderer;

use crate::address::MailAddress;
use crate::config::{ConfigError, EmailConfig};
use crate::endpoint::{Content, EmailEndpoint, Shared};
use crate::relays::Relays;
use crate::request::Stationery;

/// Opens endpoints of the protocols `email` and `email-json`, as far as their features are on. All share the sessions with
/// the relays.
///
/// An address is `local@domain`: the local part a dot-atom or a quoted text, in ASCII or beyond it; the domain a name,
/// international ones included, or an IP address in brackets. (Whether a mailbox is there shows when something is sent.)
pub struct EmailConnector(Arc<Shared>);

impl EmailConnector {
    /// A connector whose e-mails have the links of `renderer`, and the envelopes that it makes.
    ///
    /// # Errors
    /// Settings that cannot be used: no relay, a time limit out of bounds, or, where a relay speaks TLS, a system without CA
    /// certificates when no others are given.
    pub fn new(config: EmailConfig, renderer: Renderer) -> Result<Self, ConfigError> {
        let relays = Relays::new(&config)?;
        let EmailConfig { sender, name, dkim, per_second, .. } = config;
        let stationery = Stationery { sender, name, links: renderer.links().clone(), dkim };
        Ok(Self(Arc::new(Shared { relays, stationery, renderer, per_second })))
    }
}

impl Connector for EmailConnector {
    fn protocols(&self) -> Vec<Protocol> {
        let mut protocols = Vec::new();
        if cfg!(feature = "email") {
            protocols.push(Protocol::Email);
        }
        if cfg!(feature = "email-json") {
            protocols.push(Protocol::EmailJson);
        }
        protocols
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        let content = match protocol {
            Protocol::Email if cfg!(feature = "email") => Content::Text,
            Protocol::EmailJson if cfg!(feature = "email-json") => Content::Envelope,
            _ => {
                return Err(SnsError::invalid_parameter(format_args!(
                    "Protocol Reason: {protocol} is not a protocol that this connector opens"
                )));
            }
        };
        let recipient = MailAddress::parse(address).ok_or_else(|| SnsError::invalid_parameter("Email address"))?;
        Ok(Arc::new(EmailEndpoint { recipient, content, shared: Arc::clone(&self.0) }))
    }

    fn foresee(&self, protocol: &Protocol, notification: &Notification) {
        // What is for people is not signed.
        if *protocol == Protocol::EmailJson {
            self.0.renderer.foresee_body(notification);
        }
    }
}

impl fmt::Debug for EmailConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EmailConnector").field(&self.0).finish()
    }
}
