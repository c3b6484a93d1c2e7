#![doc = include_str!("../README.md")]

mod arn;
mod config;
mod failure;
mod session;

pub use arn::Arn;
pub use config::{AwsConfig, ConfigError, EndpointUrl};
pub use failure::{Refusal, Verdict, failure, refusal};
pub use session::Aws;
