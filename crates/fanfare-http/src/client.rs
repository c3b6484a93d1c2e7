//! The HTTP client that fetches documents.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use fanfare_egress::EgressPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;

use crate::config::{ConfigError, HttpConfig};

/// A client of HTTP/1.1 that does one request when it is asked for one.
///
/// Everything that it could do beyond that is turned off by name, also where the feature for it is off in this crate:
/// another crate of the same program may turn it on.
pub(crate) fn client(config: &HttpConfig) -> Result<reqwest::Client, ConfigError> {
    let builder = reqwest::Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .dns_resolver(GuardedNames::new(config.egress.clone()))
        // The attempt has this limit as a whole; the client would finish a connection that nobody waits for any more.
        .connect_timeout(config.attempt_timeout)
        .pool_idle_timeout(config.idle_timeout)
        .pool_max_idle_per_host(config.idle_connections_per_host);
    #[cfg(feature = "https")]
    let builder = builder.tls_backend_preconfigured(config.trust.client()?);
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
