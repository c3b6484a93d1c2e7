#![cfg_attr(all(feature = "http", feature = "https", feature = "store-disk"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "http", feature = "https", feature = "store-disk")),
    doc = "Publish once, deliver to every subscriber: the parts of Fanfare that the enabled features bring."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "adapters")]
mod adapters;

#[cfg(all(feature = "adapters", feature = "store-disk"))]
mod kept_signer;

pub use fanfare_core::*;
#[cfg(all(feature = "adapters", feature = "store-disk"))]
pub use kept_signer::{KeptSignerError, kept_signer};

#[cfg(feature = "adapters")]
pub use adapters::{Adapters, AdaptersError};

/// The rules for the addresses that may be connected to.
#[cfg(any(feature = "application", feature = "http", feature = "https", feature = "sms"))]
pub use fanfare_egress as egress;

/// Delivery by e-mail.
#[cfg(any(feature = "email", feature = "email-json"))]
pub use fanfare_email as email;

/// Delivery over HTTP and HTTPS.
#[cfg(any(feature = "http", feature = "https"))]
pub use fanfare_http as http;

/// Delivery to AWS Lambda functions.
#[cfg(feature = "lambda")]
pub use fanfare_lambda as lambda;

/// Delivery to phones.
#[cfg(feature = "sms")]
pub use fanfare_sms as sms;

/// Delivery to devices and browsers.
#[cfg(feature = "application")]
pub use fanfare_push as push;

/// Delivery to Amazon SQS queues.
#[cfg(feature = "sqs")]
pub use fanfare_sqs as sqs;

/// How AWS is called.
#[cfg(feature = "aws")]
pub use fanfare_aws as aws;

/// Envelopes, signatures and their verification.
#[cfg(feature = "adapters")]
pub use fanfare_wire as wire;

/// Keeps topics, messages and deliveries in one directory.
#[cfg(feature = "store-disk")]
pub use fanfare_store_disk as disk;
