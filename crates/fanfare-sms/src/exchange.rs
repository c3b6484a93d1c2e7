//! One request to an HTTP gateway and its answer, within the bounds of time, size and address.

use std::net::SocketAddr;
use std::time::Duration;

use fanfare_core::DeliveryError;
use fanfare_egress::EgressPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect;

use crate::classify;
use crate::classify::http::Answer;
use crate::config::{ConfigError, SmsConfig};

/// The most bytes of an answer that are read. What is longer has its beginning read, and the connection is closed.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// Makes requests as a connector's settings say.
#[derive(Debug)]
pub(crate) struct Exchanger {
    client: reqwest::Client,
    egress: EgressPolicy,
    attempt_timeout: Duration,
}

impl Exchanger {
    /// An HTTP client that does one request when it is asked for one. What it could do beyond that is turned off by name,
    /// because another crate of the program may turn the feature for it on.
    pub(crate) fn new(config: &SmsConfig, port: u16) -> Result<Self, ConfigError> {
        let client = reqwest::Client::builder()
            .http1_only()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .dns_resolver(GuardedNames { egress: config.egress.clone(), port })
            .connect_timeout(config.attempt_timeout)
            .tls_backend_preconfigured(config.trust.client()?)
            .build()
            .map_err(|error| ConfigError::because("no HTTP client can be made", error))?;
        Ok(Self { client, egress: config.egress.clone(), attempt_timeout: config.attempt_timeout })
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Makes `request` and reads what is answered.
    ///
    /// # Errors
    /// Whatever keeps the answer from being complete.
    pub(crate) async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Answer, DeliveryError> {
        match tokio::time::timeout(self.attempt_timeout, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(classify::too_slow(self.attempt_timeout)),
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, DeliveryError> {
        let request = request.build().map_err(classify::http::failure)?;
        // A literal address meets no name service: it is judged here, before each request.
        self.egress.check_url(request.url()).map_err(classify::denied)?;
        let host = request.url().host_str().map(str::to_owned);
        let mut response = self.client.execute(request).await.map_err(classify::http::failure)?;
        if let Some(peer) = response.remote_addr() {
            self.egress.check_address(host.as_deref(), peer.ip(), peer.port()).map_err(classify::denied)?;
        }
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|value| value.parse().ok()).map(Duration::from_secs);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify::http::failure)? {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        Ok(Answer { status: response.status().as_u16(), retry_after, body })
    }
}

/// Names resolve through the egress policy, which judges every address that is found.
#[derive(Debug)]
struct GuardedNames {
    egress: EgressPolicy,
    /// The gateway's; the client asks for a name alone.
    port: u16,
}

impl Resolve for GuardedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (egress, port) = (self.egress.clone(), self.port);
        Box::pin(async move {
            let found = egress.resolve(name.as_str(), port).await?;
            // Port 0 stands for the port of the URL.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address.ip(), 0))) as Addrs)
        })
    }
}
