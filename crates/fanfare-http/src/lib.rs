#![cfg_attr(feature = "http", doc = include_str!("../README.md"))]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `config` | [`HttpConfig`]: settings, checked once |
//! | `tls` | whom the client trusts and what it shows of itself (feature `https`) |
//! | `connector` | [`HttpConnector`]: from a URL to an endpoint |
//! | `endpoint` | one subscriber's URL |
//! | `request` | from a notification to headers; pure |
//! | `exchange` | one request and its answer, within bounds |
//! | `origin`, `connection`, `pool` | who is connected to, one connection, and those that wait for their next request |
//! | `fetch`, `client` | [`Fetcher`]: one GET within the same bounds, for certificates and links, and its HTTP client |
//! | `auth` | Basic and Digest |
//! | `classify` | from an answer or an error to an outcome; pure |
//! | `retry_after` | how long a receiver asks to be left alone; pure |
//!
//! Deliberately absent: redirects, proxies, cookies, decompression, HTTP/2, and retries of any kind.

mod auth;
mod classify;
mod client;
mod config;
mod connection;
mod connector;
mod endpoint;
mod exchange;
mod fetch;
mod origin;
mod pool;
mod request;
mod retry_after;
#[cfg(feature = "https")]
mod tls;

pub use config::{ConfigError, HttpConfig};
pub use connector::HttpConnector;
pub use fetch::{FetchError, Fetched, Fetcher};
