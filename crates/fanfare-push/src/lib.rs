#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`PushConfig`]: settings, checked once |
//! | `device` | [`Devices`]: who knows the device behind an ARN; [`KnownDevices`] |
//! | `connector` | [`PushConnector`]: from an ARN to an endpoint |
//! | `endpoint` | one ARN, and which way it goes |
//! | `direct` | the way to Apple, Google and browsers |
//! | `sns` | the way through Amazon SNS |
//! | `credentials` | what a push service is asked with, read from the texts of an application |
//! | `session` | what is kept between deliveries: credentials, tokens, connections |
//! | `google` | access tokens of Google's |
//! | `jwt` | signed tokens; pure |
//! | `client`, `tls` | the HTTP clients, with everything turned off that goes beyond one request |
//! | `exchange` | one request and its answer, within bounds |
//! | `request` | from a notification to a request, for each service; pure |
//! | `classify` | from an answer or an error to an outcome, for each service; pure |
//! | `retry_after` | how long a push service asks to be left alone; pure |
//!
//! Deliberately absent: retries of any kind, topics of FCM's own, and asking services which of their tokens are gone.

mod classify;
mod client;
mod config;
mod connector;
mod credentials;
mod device;
mod direct;
mod endpoint;
mod exchange;
mod google;
mod jwt;
mod request;
mod retry_after;
mod session;
mod sns;
mod tls;

pub use config::{ConfigError, PushConfig};
pub use connector::PushConnector;
pub use device::{Application, Device, Devices, KnownDevices, check_token};
