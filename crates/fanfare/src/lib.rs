#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "http", feature = "https"))]
mod adapters;

pub use fanfare_core::*;

#[cfg(any(feature = "http", feature = "https"))]
pub use adapters::{Adapters, AdaptersError};

/// The rules for the addresses that may be connected to.
#[cfg(any(feature = "http", feature = "https"))]
pub use fanfare_egress as egress;

/// Delivery over HTTP and HTTPS.
#[cfg(any(feature = "http", feature = "https"))]
pub use fanfare_http as http;

/// Envelopes, signatures and their verification.
#[cfg(any(feature = "http", feature = "https"))]
pub use fanfare_wire as wire;

/// Keeps topics, messages and deliveries in one directory.
#[cfg(feature = "store-disk")]
pub use fanfare_store_disk as disk;
