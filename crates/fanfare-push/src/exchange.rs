//! One request and its answer, within the bounds of time, size and address.

use std::future::Future;
use std::time::Duration;

use fanfare_core::{DeliveryError, Timing};
use http::Method;
use http::header::{CONTENT_ENCODING, HeaderMap, RETRY_AFTER};
use tokio::time::Instant;

use crate::classify::{Answer, transport};
use crate::config::PushConfig;
use crate::request::PushRequest;
use crate::retry_after;

/// The end of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    /// Starts the clock of an attempt.
    pub(crate) fn within(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    /// What comes of `step`, or that it took too long.
    pub(crate) async fn or_too_slow<T>(
        self,
        step: impl Future<Output = Result<T, DeliveryError>>,
    ) -> Result<T, DeliveryError> {
        match tokio::time::timeout_at(self.at, step).await {
            Ok(result) => result,
            Err(_) => Err(transport::too_slow(self.limit)),
        }
    }
}

/// Posts `request` and reads what is answered.
///
/// # Errors
/// Whatever keeps an answer from beginning, or a yes from being complete. A refusal that breaks off is a refusal.
pub(crate) async fn post(
    client: &reqwest::Client,
    config: &PushConfig,
    request: PushRequest,
    deadline: Deadline,
) -> Result<Answer, DeliveryError> {
    deadline.or_too_slow(unlimited(client, config, request)).await
}

async fn unlimited(
    client: &reqwest::Client,
    config: &PushConfig,
    request: PushRequest,
) -> Result<Answer, DeliveryError> {
    let PushRequest { url, headers, body } = request;
    // A literal address meets no name service: it is judged here, before each request.
    config.egress.check_url(&url).map_err(transport::denied)?;
    let mut post = reqwest::Request::new(Method::POST, url.clone());
    *post.headers_mut() = headers;
    *post.body_mut() = Some(body.into());
    let asked = Instant::now();
    let mut response = client.execute(post).await.map_err(transport::failure)?;
    let timing = Timing { connect: None, first_byte: Some(asked.elapsed()) };
    if let Some(peer) = response.remote_addr() {
        config.egress.check_address(url.host_str(), peer.ip(), peer.port()).map_err(transport::denied)?;
    }
    let status = response.status();
    let headers: HeaderMap = std::mem::take(response.headers_mut());
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| retry_after::parse(value, config.host.now()));
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            // Dropping the answer in the middle of its body ends the exchange.
            Ok(Some(chunk)) if body.len() + chunk.len() > config.answer_bytes_max => break,
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) if status.is_success() => return Err(transport::failure(error).with_status(status.as_u16())),
            Err(_) => break,
        }
    }
    if headers.contains_key(CONTENT_ENCODING) {
        // Nothing of it can be read.
        body.clear();
    }
    Ok(Answer { status: status.as_u16(), retry_after, headers, body, timing })
}
