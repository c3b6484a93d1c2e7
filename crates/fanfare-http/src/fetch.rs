//! Fetching one document from a server, within the bounds that deliveries have.

use std::error::Error;
use std::fmt;

use bytes::{Bytes, BytesMut};
use fanfare_egress::{EgressPolicy, Target};
use tokio::time::timeout;

use crate::client::client;
use crate::config::{ConfigError, HttpConfig};

/// Fetches documents by GET: one request for each, no redirects, no proxies, no cookies; only from addresses that the egress
/// policy of its settings allows, within their time limit for an attempt and their limit for an answer's size.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: reqwest::Client,
    config: HttpConfig,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetched {
    /// The status of HTTP.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
}

impl Fetcher {
    /// Fetches with `config`.
    ///
    /// # Errors
    /// As [`HttpConnector::new`](crate::HttpConnector::new).
    pub fn new(config: HttpConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { client: client(&config)?, config })
    }

    /// Fetches what is at `url`, which must begin with one of `schemes` (`https`, `http`).
    ///
    /// # Errors
    /// [`FetchError`]: there is no answer, or it is longer than it may be.
    pub async fn get(&self, url: &str, schemes: &[&str]) -> Result<Fetched, FetchError> {
        match timeout(self.config.attempt_timeout, self.exchange(url, schemes)).await {
            Ok(done) => done,
            Err(_) => Err(FetchError::new("the answer took too long")),
        }
    }

    async fn exchange(&self, url: &str, schemes: &[&str]) -> Result<Fetched, FetchError> {
        let target = Target::parse(url, schemes).map_err(|error| FetchError::because("the url is not right", error))?;
        let url = target.into_url();
        let denied = |error| FetchError::because("the address may not be connected to", error);
        // A literal address meets no name service: it is judged here.
        self.egress().check_url(&url).map_err(denied)?;
        let failed = |error: reqwest::Error| FetchError::because("there is no answer", error.without_url());
        let mut response = self.client.get(url.clone()).send().await.map_err(failed)?;
        if let Some(peer) = response.remote_addr() {
            self.egress().check_address(url.host_str(), peer.ip(), peer.port()).map_err(denied)?;
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.config.answer_bytes_max {
                return Err(FetchError::new("the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Fetched { status: response.status().as_u16(), body: body.freeze() })
    }

    fn egress(&self) -> &EgressPolicy {
        &self.config.egress
    }
}

/// Why a document could not be fetched. It does not name the URL, whose query may be a secret.
#[derive(Debug)]
pub struct FetchError {
    context: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl FetchError {
    fn new(context: &'static str) -> Self {
        Self { context, source: None }
    }

    fn because(context: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self { context, source: Some(Box::new(source)) }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.context)
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
