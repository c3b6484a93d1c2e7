//! One request and its answer, within the bounds of time, size and address.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use fanfare_core::delivery::RESPONSE_BYTES_MAX;
use fanfare_core::{DeliveryError, Host, Outcome, Timing};
use fanfare_egress::EgressPolicy;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use tokio::time::Instant;
use url::Url;

use crate::classify::{self, Answer};
use crate::client::client;
use crate::config::{ConfigError, HttpConfig};
use crate::connect_time;
use crate::retry_after;

/// Makes requests, one at a time for each call, as a connector's settings say.
#[derive(Debug)]
pub(crate) struct Exchanger {
    client: reqwest::Client,
    config: HttpConfig,
}

/// The end of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

/// An answer, as far as it came.
#[derive(Debug)]
pub(crate) struct Exchanged {
    answer: Answer,
    offers: Vec<HeaderValue>,
    broken: Option<DeliveryError>,
    timing: Timing,
}

impl Exchanger {
    pub(crate) fn new(config: HttpConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { client: client(&config)?, config })
    }

    pub(crate) fn egress(&self) -> &EgressPolicy {
        &self.config.egress
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.config.host
    }

    /// How long an attempt may take.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.config.attempt_timeout
    }

    /// Starts the clock of an attempt.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline { at: Instant::now() + self.config.attempt_timeout, limit: self.config.attempt_timeout }
    }

    /// Posts `body` to `url` and reads what is answered.
    ///
    /// # Errors
    /// Whatever keeps an answer from beginning. An answer that begins and breaks off is an answer still.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        deadline: Deadline,
    ) -> Result<Exchanged, DeliveryError> {
        // A literal address meets no name service: it is judged here, before each request.
        self.egress().check_url(url).map_err(classify::denied)?;
        let mut request = reqwest::Request::new(Method::POST, url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let asked = Instant::now();
        let (response, connect) = connect_time::noted(deadline.or_too_slow(self.client.execute(request))).await;
        let response = response.map_err(|error| error.with_timing(Timing { connect, first_byte: None }))?;
        let timing = Timing { connect, first_byte: Some(asked.elapsed()) };
        if let Some(peer) = response.remote_addr() {
            self.egress().check_address(url.host_str(), peer.ip(), peer.port()).map_err(classify::denied)?;
        }
        Ok(self.read(response, timing, deadline).await)
    }

    async fn read(&self, mut response: reqwest::Response, timing: Timing, deadline: Deadline) -> Exchanged {
        let headers = response.headers();
        let retry_after = headers.get(RETRY_AFTER).and_then(|value| retry_after::parse(value, self.config.host.now()));
        let offers = headers.get_all(WWW_AUTHENTICATE).iter().cloned().collect();
        let is_text = !headers.contains_key(CONTENT_ENCODING);

        let mut start = Vec::new();
        let mut bytes_left = self.config.answer_bytes_max;
        let broken = loop {
            match deadline.or_too_slow(response.chunk()).await {
                Ok(None) => break None,
                Ok(Some(chunk)) => {
                    let kept = chunk.len().min(RESPONSE_BYTES_MAX - start.len());
                    start.extend_from_slice(&chunk[..kept]);
                    // Dropping the answer in the middle of its body closes the connection.
                    let Some(left) = bytes_left.checked_sub(chunk.len()) else { break None };
                    bytes_left = left;
                }
                Err(error) => break Some(error),
            }
        };
        let excerpt = (is_text && !start.is_empty()).then(|| String::from_utf8_lossy(&start).into_owned());
        let answer = Answer { status: response.status().as_u16(), retry_after, excerpt };
        Exchanged { answer, offers, broken, timing }
    }
}

impl Deadline {
    /// What comes of `step`, or that it took too long.
    async fn or_too_slow<T>(self, step: impl Future<Output = Result<T, reqwest::Error>>) -> Result<T, DeliveryError> {
        match tokio::time::timeout_at(self.at, step).await {
            Ok(result) => result.map_err(classify::failure),
            Err(_) => Err(classify::too_slow(self.limit)),
        }
    }
}

impl Exchanged {
    /// Whether the receiver wants to know who is asking.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.answer.status == StatusCode::UNAUTHORIZED
    }

    /// The ways in which it wants to be told: its `WWW-Authenticate` headers.
    pub(crate) fn offers(&self) -> &[HeaderValue] {
        &self.offers
    }

    /// What the attempt came to.
    pub(crate) fn outcome(self) -> Outcome {
        let outcome = match self.broken {
            None => classify::answer(self.answer),
            Some(error) => classify::broken_answer(self.answer, error),
        };
        match outcome {
            Ok(receipt) => Ok(receipt.with_timing(self.timing)),
            Err(error) => Err(error.with_timing(self.timing)),
        }
    }
}
