#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`LambdaConfig`]: settings, checked once |
//! | `connector` | [`LambdaConnector`]: from a function's ARN to an endpoint |
//! | `function` | the name of a function, with its version or alias |
//! | `client` | the one Lambda client, made by the first delivery |
//! | `endpoint` | one function |
//! | `request` | how a function is named to the service; pure |
//! | `classify` | from an answer or an error to an outcome; pure |
//!
//! The event itself is made by `fanfare-wire`. Deliberately absent: retries of any kind, and answers of functions.

mod classify;
mod client;
mod config;
mod connector;
mod endpoint;
mod function;
mod request;

pub use config::{FunctionNames, LambdaConfig};
pub use connector::LambdaConnector;
