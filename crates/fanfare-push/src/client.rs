//! The HTTP clients: one for everybody, one for Apple, and one for each certificate that Apple is shown.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use fanfare_egress::EgressPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;

use crate::config::{ConfigError, PushConfig};
use crate::tls::{Identity, Tls};

/// How often a connection of HTTP/2 is asked whether it still is one, and how long it may take to answer. A push service may
/// have gone without a word, and requests would be lost on a connection that leads nowhere.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection is kept that nobody uses. Apple wants connections to be kept.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// A client of HTTP/2, and of HTTP/1.1 where the server has no other.
pub(crate) fn any_version(config: &PushConfig, tls: &Tls) -> Result<reqwest::Client, ConfigError> {
    built(builder(config, tls.client(None, &["h2", "http/1.1"])?))
}

/// A client of HTTP/2 alone, as Apple wants it, which shows `identity` to whoever asks.
pub(crate) fn http2(
    config: &PushConfig,
    tls: &Tls,
    identity: Option<&Identity>,
) -> Result<reqwest::Client, ConfigError> {
    built(builder(config, tls.client(identity, &["h2"])?).http2_prior_knowledge())
}

/// A client that does one request when it is asked for one.
///
/// Everything that it could do beyond that is turned off by name, also where the feature for it is off in this crate:
/// another crate of the same program may turn it on.
fn builder(config: &PushConfig, tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .user_agent("Fanfare")
        .dns_resolver(GuardedNames::new(config.egress.clone()))
        // The attempt has this limit as a whole; the client would finish a connection that nobody waits for any more.
        .connect_timeout(config.attempt_timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .http2_keep_alive_while_idle(true)
        .tls_backend_preconfigured(tls)
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, ConfigError> {
    builder.build().map_err(|error| ConfigError::because("no HTTP client can be made", error))
}

/// Names resolve through the egress policy, which judges every address that is found.
#[derive(Debug)]
struct GuardedNames {
    egress: EgressPolicy,
    port: u16,
}

impl GuardedNames {
    fn new(egress: EgressPolicy) -> Self {
        // The client asks for a name alone, and the policy judges a name together with a port. The port of the request was
        // judged with its URL, so the lookup is made with one that is not refused. If all are, all lookups are, too.
        let any_public_address = IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1));
        let is_open = |port: &u16| egress.check_address(None, any_public_address, *port).is_ok();
        let port = [443, 80].into_iter().chain(1..=u16::MAX).find(is_open).unwrap_or(0);
        Self { egress, port }
    }
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
