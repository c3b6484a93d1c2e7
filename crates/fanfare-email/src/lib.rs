#![cfg_attr(all(feature = "email", feature = "email-json"), doc = include_str!("../README.md"))]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`EmailConfig`]: settings, checked once |
//! | `relay` | [`Relay`]: an SMTP server of the operator's, read from a URL |
//! | `tls` | whom relays have to prove themselves to |
//! | `dkim` | [`Dkim`]: a key that signs e-mails |
//! | `address` | an e-mail address, parsed once; pure |
//! | `connector` | [`EmailConnector`]: from an address to an endpoint |
//! | `endpoint` | one subscriber's address |
//! | `wording` | what the e-mails say; pure |
//! | `request` | from a notification to an e-mail; pure |
//! | `relays` | which relay is asked, and which one next |
//! | `pool` | the sessions with one relay |
//! | `session` | one conversation in SMTP |
//! | `stream` | what a conversation goes over, TLS or not |
//! | `classify` | from an answer or a fault to an outcome; pure |
//!
//! Deliberately absent: queues and retries (the engine's), direct delivery to the recipient's own server, opportunistic TLS,
//! HTML, attachments.

mod address;
mod classify;
mod config;
mod connector;
mod dkim;
mod endpoint;
mod pool;
mod relay;
mod relays;
mod request;
mod session;
mod stream;
mod tls;
mod wording;

pub use config::{ConfigError, EmailConfig};
pub use connector::EmailConnector;
pub use dkim::Dkim;
pub use relay::Relay;
