//! The settings of HTTP delivery, checked once.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Host, SystemHost};
use fanfare_egress::EgressPolicy;

#[cfg(feature = "https")]
use crate::tls::Trust;

/// The longest time limit of an attempt.
const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);

/// How notifications are delivered over HTTP and HTTPS. The default is as Amazon SNS does it.
///
/// Each call returns the changed settings. `Debug` shows no key.
///
/// ```
/// use std::time::Duration;
///
/// use fanfare_egress::EgressPolicy;
/// use fanfare_http::HttpConfig;
///
/// let inside = EgressPolicy::internet().allow("10.0.0.0/8".parse()?);
/// let config = HttpConfig::new().attempt_timeout(Duration::from_secs(5)).egress(inside);
/// # Ok::<(), fanfare_egress::InvalidRule>(())
/// ```
#[derive(Clone)]
pub struct HttpConfig {
    pub(crate) attempt_timeout: Duration,
    pub(crate) answer_bytes_max: usize,
    pub(crate) egress: EgressPolicy,
    pub(crate) idle_timeout: Duration,
    pub(crate) idle_connections_per_host: usize,
    pub(crate) idle_connections: usize,
    pub(crate) host: Arc<dyn Host>,
    #[cfg(feature = "https")]
    pub(crate) trust: Trust,
}

impl HttpConfig {
    /// Amazon SNS's settings: 15 seconds for an attempt, public addresses only.
    pub fn new() -> Self {
        Self {
            attempt_timeout: Duration::from_secs(15),
            answer_bytes_max: 64 << 10,
            egress: EgressPolicy::internet(),
            idle_timeout: Duration::from_secs(30),
            idle_connections_per_host: 256,
            idle_connections: 2048,
            host: Arc::new(SystemHost),
            #[cfg(feature = "https")]
            trust: Trust::default(),
        }
    }

    /// Ends an attempt after `timeout`: the lookup of the name, the connection, TLS, the request, the whole answer, and
    /// the second request where authentication needs one. 15 seconds unless set; more than zero and at most an hour, or
    /// else [`HttpConnector::new`](crate::HttpConnector::new) refuses it.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Reads at most `bytes` of an answer's body, 64 KiB unless set.
    ///
    /// What is longer counts as read to its end, so that its status decides, and the connection is closed: a receiver that
    /// answers 200 with an endless body has the notification.
    #[must_use]
    pub fn answer_bytes_max(mut self, bytes: usize) -> Self {
        self.answer_bytes_max = bytes;
        self
    }

    /// Connects only to what `policy` allows: public addresses unless set.
    #[must_use]
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Closes connections that were not used for `timeout`, 30 seconds unless set.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Keeps at most `connections` unused connections to each host, 256 unless set. How many are in use at a time is for
    /// the engine to limit.
    #[must_use]
    pub fn idle_connections_per_host(mut self, connections: usize) -> Self {
        self.idle_connections_per_host = connections;
        self
    }

    /// Keeps at most `connections` unused connections to all hosts together, 2,048 unless set: those that were used last. Each
    /// takes a file descriptor and some 40 KB of memory.
    #[must_use]
    pub fn idle_connections(mut self, connections: usize) -> Self {
        self.idle_connections = connections;
        self
    }

    /// Takes the time (for dates in `Retry-After`) and random bytes (for Digest authentication) from `host`.
    #[must_use]
    pub fn host(mut self, host: impl Host) -> Self {
        self.host = Arc::new(host);
        self
    }

    /// Trusts the authorities whose certificates stand in `pem`, too.
    ///
    /// # Errors
    /// When there is no certificate in `pem`, or something that is not one.
    #[cfg(feature = "https")]
    pub fn ca_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.trust.add_authorities(pem.as_ref())?;
        Ok(self)
    }

    /// Trusts the authorities of [`HttpConfig::ca_certificates`] only, and none of the system's.
    #[cfg(feature = "https")]
    #[must_use]
    pub fn only_ca(mut self) -> Self {
        self.trust.leave_out_the_systems();
        self
    }

    /// Shows this certificate to receivers that ask for one: its chain, leaf first, and its private key (PKCS #8, PKCS #1
    /// or SEC 1), both in PEM.
    ///
    /// # Errors
    /// When either cannot be read. Whether the key belongs to the certificate is found out by
    /// [`HttpConnector::new`](crate::HttpConnector::new).
    #[cfg(feature = "https")]
    pub fn client_certificate(
        mut self,
        chain_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        self.trust.set_identity(chain_pem.as_ref(), key_pem.as_ref())?;
        Ok(self)
    }

    /// What only the settings as a whole can show.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.attempt_timeout.is_zero() || self.attempt_timeout > ATTEMPT_TIMEOUT_MAX {
            return Err(ConfigError::new("the time limit of an attempt must be more than zero and at most an hour"));
        }
        Ok(())
    }
}

impl Default for HttpConfig {
    /// [`HttpConfig::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("HttpConfig");
        debug
            .field("attempt_timeout", &self.attempt_timeout)
            .field("answer_bytes_max", &self.answer_bytes_max)
            .field("egress", &self.egress)
            .field("idle_timeout", &self.idle_timeout)
            .field("idle_connections_per_host", &self.idle_connections_per_host)
            .field("idle_connections", &self.idle_connections)
            .field("host", &self.host);
        #[cfg(feature = "https")]
        debug.field("trust", &self.trust);
        debug.finish()
    }
}

/// Settings that cannot be used; the message says why, without secrets. Not worth a retry.
#[derive(Debug)]
pub struct ConfigError {
    message: &'static str,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ConfigError {
    pub(crate) fn new(message: &'static str) -> Self {
        Self { message, source: None }
    }

    pub(crate) fn because(message: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { message, source: Some(source.into()) }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for ConfigError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_as_amazon_sns_does_it() {
        let config = HttpConfig::default();
        assert_eq!(config.attempt_timeout, Duration::from_secs(15));
        assert!(config.egress.check_address(None, std::net::Ipv4Addr::LOCALHOST.into(), 80).is_err());
        config.check().unwrap();
    }

    #[test]
    fn a_time_limit_out_of_bounds_is_refused() {
        for (timeout, is_fine) in [
            (Duration::ZERO, false),
            (Duration::from_millis(1), true),
            (Duration::from_secs(3600), true),
            (Duration::from_millis(3_600_001), false),
            (Duration::MAX, false),
        ] {
            assert_eq!(HttpConfig::new().attempt_timeout(timeout).check().is_ok(), is_fine, "{timeout:?}");
        }
    }
}
