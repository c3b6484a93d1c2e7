//! Networks that speak SMPP 3.4: settings, the session with one, its requests, and its receipts.

mod awaited;
mod config;
mod link;
mod open;
mod receipt;
mod submit;

pub use config::{LongMessages, SmppConfig};
pub(crate) use link::Link;
