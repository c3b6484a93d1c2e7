#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`SqsConfig`]: settings, checked once |
//! | `connector` | [`SqsConnector`]: from a queue's ARN to an endpoint |
//! | `queue` | the name of a queue, and its URL |
//! | `client` | the one SQS client, made by the first delivery |
//! | `endpoint` | one queue |
//! | `request` | from a notification to a message of the queue; pure |
//! | `classify` | from a refusal or an error to an outcome; pure |
//!
//! Deliberately absent: retries of any kind, reading from queues, and making them.

mod classify;
mod client;
mod config;
mod connector;
mod endpoint;
mod queue;
mod request;

pub use config::SqsConfig;
pub use connector::SqsConnector;
