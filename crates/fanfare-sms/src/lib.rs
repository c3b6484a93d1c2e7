#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`SmsConfig`]: settings, checked once |
//! | `tls` | whom gateways and networks have to prove themselves to |
//! | `number` | [`PhoneNumber`]: parsed once |
//! | `alphabet`, `text` | [`Text`]: what alphabet a text needs, and the parts that it is cut into; pure |
//! | `sender` | whom a message shows as its sender; pure |
//! | `connector` | [`SmsConnector`]: from a number to an endpoint |
//! | `endpoint` | one phone |
//! | `request` | from a notification to a text message; pure |
//! | `url` | a way to phones, written as a URL; pure |
//! | `way` | who takes the messages |
//! | `sns` | Amazon SNS as a way |
//! | `smpp` | a session with a network |
//! | `gateway`, `exchange` | HTTP gateways, and one request to them within bounds |
//! | `receipt`, `callback` | what a network says later, and where it says it |
//! | `reason` | why a phone was not reached, in the words of Amazon SNS |
//! | `classify` | from an answer or an error to an outcome; pure, a table for each way |
//!
//! One task is the exception to the rule that adapters start none: a session over SMPP has to be kept up and listened to between
//! deliveries, so that `smpp::link` has a task that does this. The connector owns it, and ends it when it goes.
//!
//! Deliberately absent: retries of messages (the engine's), prices, opt-outs and limits (the server's), and messages from phones.

mod alphabet;
mod callback;
mod classify;
mod config;
mod connector;
mod endpoint;
mod exchange;
mod gateway;
mod number;
mod reason;
mod receipt;
mod request;
mod sender;
mod smpp;
mod sns;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]
mod testing;
mod text;
mod tls;
mod url;
mod way;

pub use callback::Callbacks;
pub use config::{ConfigError, SmsConfig, SnsConfig};
pub use connector::SmsConnector;
pub use gateway::kannel::KannelConfig;
pub use gateway::twilio::TwilioConfig;
pub use number::PhoneNumber;
pub use reason::Reason;
pub use receipt::{DeliveryReceipt, ReceiptObserver, ReceiptState, Sent};
pub use request::body;
pub use sender::Sender;
pub use smpp::{LongMessages, SmppConfig};
pub use text::{CHARS_MAX, Text};
