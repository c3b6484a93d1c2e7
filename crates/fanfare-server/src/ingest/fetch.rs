//! Certificates and confirmation links of other servers, fetched as seldom as can be.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use fanfare::http::Fetcher;
use fanfare::wire::CertificateSource;
use fanfare::wire::verify::SourceError;
use tokio::time::Instant;

/// How many documents are fetched within [`PERIOD`]. A server has one certificate; forged messages can name many.
const FETCHES_MAX: usize = 30;
const PERIOD: Duration = Duration::from_secs(60);

/// Fetches documents of the servers that are ingested from, at most 30 a minute. Clones share the count.
#[derive(Debug, Clone)]
pub struct Documents {
    fetcher: Fetcher,
    lately: Arc<Mutex<VecDeque<Instant>>>,
}

impl Documents {
    /// Fetches with `fetcher`, whose egress policy decides which addresses may be connected to.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, lately: Arc::default() }
    }

    /// The body of a document that the other server answers with a status from 200 to 299.
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, SourceError> {
        self.count()?;
        // Whose URL may be asked for is decided where it is trusted, and there too whether that needs TLS.
        let fetched = self.fetcher.get(url, &["https", "http"]).await?;
        match fetched.status {
            200..=299 => Ok(fetched.body.to_vec()),
            status => Err(format!("the server answered {status}").into()),
        }
    }

    fn count(&self) -> Result<(), SourceError> {
        let now = Instant::now();
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        while lately.front().is_some_and(|at| now.duration_since(*at) >= PERIOD) {
            lately.pop_front();
        }
        if lately.len() == FETCHES_MAX {
            return Err("too many documents were asked for lately".into());
        }
        lately.push_back(now);
        Ok(())
    }
}

/// What an ingest fetches from the other servers.
#[async_trait]
impl CertificateSource for Documents {
    async fn certificate(&self, url: &str) -> Result<String, SourceError> {
        Ok(String::from_utf8(self.fetch(url).await?)?)
    }
}
