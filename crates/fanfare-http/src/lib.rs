#![cfg_attr(feature = "http", doc = include_str!("../README.md"))]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`HttpConfig`]: settings, checked once |
//! | `tls` | whom the client trusts and what it shows of itself (feature `https`) |
//! | `client` | the one HTTP client, with everything turned off that goes beyond one request |
//! | `connector` | [`HttpConnector`]: from a URL to an endpoint |
//! | `endpoint` | one subscriber's URL |
//! | `request` | from a notification to headers; pure |
//! | `exchange` | one request and its answer, within bounds |
//! | `fetch` | [`Fetcher`]: one GET within the same bounds, for certificates and links |
//! | `auth` | Basic and Digest |
//! | `classify` | from an answer or an error to an outcome; pure |
//! | `retry_after` | how long a receiver asks to be left alone; pure |
//!
//! Deliberately absent: redirects, proxies, cookies, decompression, HTTP/2, and retries of any kind.

mod auth;
mod classify;
mod client;
mod config;
mod connect_time;
mod connector;
mod endpoint;
mod exchange;
mod fetch;
mod request;
mod retry_after;
#[cfg(feature = "https")]
mod tls;

pub use config::{ConfigError, HttpConfig};
pub use connector::HttpConnector;
pub use fetch::{FetchError, Fetched, Fetcher};
