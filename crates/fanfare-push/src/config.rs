//! The settings of push delivery, checked once.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fanfare_aws::EndpointUrl;
use fanfare_core::{Host, SystemHost};
use fanfare_egress::{EgressPolicy, Target};
use url::Url;

use crate::device::Devices;
use crate::tls::Trust;

/// The longest time limit of an attempt.
const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(60 * 60);

/// How notifications reach devices.
///
/// There are two ways, and both may be open: *directly*, to the push service that a device belongs to, for devices whose
/// tokens and credentials are known here; and *through Amazon SNS*, to endpoints that it keeps.
///
/// Each call returns the changed settings. `Debug` shows no secret.
///
/// ```
/// use fanfare_push::{KnownDevices, PushConfig};
///
/// let through_sns = PushConfig::through_sns();
/// let directly = PushConfig::directly(KnownDevices::new());
/// let both = PushConfig::directly(KnownDevices::new()).others_through_sns();
/// ```
#[derive(Clone)]
pub struct PushConfig {
    pub(crate) devices: Option<Arc<dyn Devices>>,
    pub(crate) through_sns: bool,
    pub(crate) sns_url: Option<EndpointUrl>,
    pub(crate) apns_url: Option<Url>,
    pub(crate) fcm_url: Option<Url>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) answer_bytes_max: usize,
    pub(crate) egress: EgressPolicy,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) trust: Trust,
}

impl PushConfig {
    /// Everything goes through Amazon SNS, to endpoints of an account there.
    pub fn through_sns() -> Self {
        Self { devices: None, through_sns: true, ..Self::nowhere() }
    }

    /// Notifications go to the push services of the devices that `devices` knows, and to nobody else.
    pub fn directly(devices: impl Devices) -> Self {
        Self { devices: Some(Arc::new(devices)), ..Self::nowhere() }
    }

    fn nowhere() -> Self {
        Self {
            devices: None,
            through_sns: false,
            sns_url: None,
            apns_url: None,
            fcm_url: None,
            attempt_timeout: Duration::from_secs(15),
            answer_bytes_max: 64 << 10,
            egress: EgressPolicy::internet(),
            host: Arc::new(SystemHost),
            trust: Trust::default(),
        }
    }

    /// Endpoints that are not known here, and platforms that nothing goes to directly, are reached through Amazon SNS.
    #[must_use]
    pub fn others_through_sns(mut self) -> Self {
        self.through_sns = true;
        self
    }

    /// Calls Amazon SNS at `url`, whatever the region and whatever the settings for all of AWS say.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a user, a query or a fragment.
    pub fn sns_url(mut self, url: &str) -> Result<Self, ConfigError> {
        let invalid = |error| ConfigError::because("the url of Amazon SNS cannot be used", error);
        self.sns_url = Some(EndpointUrl::parse(url).map_err(invalid)?);
        Ok(self)
    }

    /// Calls APNs at `url` instead of at `https://api.push.apple.com` and `https://api.sandbox.push.apple.com`: a proxy, or a
    /// stand-in for tests. The egress policy holds for it.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a user, a path, a query or a fragment.
    pub fn apns_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.apns_url = Some(base(url)?);
        Ok(self)
    }

    /// Calls FCM at `url` instead of at `https://fcm.googleapis.com`. Access tokens come from where the service account says.
    /// The egress policy holds for both.
    ///
    /// # Errors
    /// As [`PushConfig::apns_url`].
    pub fn fcm_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.fcm_url = Some(base(url)?);
        Ok(self)
    }

    /// Ends a direct attempt after `timeout`: everything from the lookup of a name to the last byte of the answer, and the
    /// access token that has to be asked for first. 15 seconds unless set; more than zero and at most an hour, or else
    /// [`PushConnector::new`](crate::PushConnector::new) refuses it. Calls to Amazon SNS have the limit that all calls to
    /// AWS have.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Reads at most `bytes` of an answer's body, 64 KiB unless set. What is longer counts as read to its end.
    #[must_use]
    pub fn answer_bytes_max(mut self, bytes: usize) -> Self {
        self.answer_bytes_max = bytes;
        self
    }

    /// Connects directly only to what `policy` allows: public addresses unless set.
    #[must_use]
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.egress = policy;
        self
    }

    /// Takes the time (for times to live and for tokens that expire) and random bytes (for what is encrypted) from `host`.
    #[must_use]
    pub fn host(mut self, host: impl Host) -> Self {
        self.host = Arc::new(host);
        self
    }

    /// Trusts the authorities whose certificates stand in `pem`, too.
    ///
    /// # Errors
    /// When there is no certificate in `pem`, or something that is not one.
    pub fn ca_certificates(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        self.trust.add_authorities(pem.as_ref())?;
        Ok(self)
    }

    /// Trusts the authorities of [`PushConfig::ca_certificates`] only, and none of the system's.
    #[must_use]
    pub fn only_ca(mut self) -> Self {
        self.trust.leave_out_the_systems();
        self
    }

    /// What only the settings as a whole can show.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.attempt_timeout.is_zero() || self.attempt_timeout > ATTEMPT_TIMEOUT_MAX {
            return Err(ConfigError::new("the time limit of an attempt must be more than zero and at most an hour"));
        }
        self.trust.check()
    }
}

/// Reads a URL that paths are put behind.
fn base(text: &str) -> Result<Url, ConfigError> {
    let invalid = |error| ConfigError::because("the url of a push service cannot be used", error);
    let url = Target::parse(text, &["https", "http"]).map_err(invalid)?.into_url();
    if !url.username().is_empty() || url.path() != "/" || url.query().is_some() {
        return Err(ConfigError::new("the url of a push service must have no user, no path and no query"));
    }
    Ok(url)
}

impl fmt::Debug for PushConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushConfig")
            .field("devices", &self.devices.is_some())
            .field("through_sns", &self.through_sns)
            .field("sns_url", &self.sns_url)
            .field("apns_url", &self.apns_url.as_ref().map(Url::as_str))
            .field("fcm_url", &self.fcm_url.as_ref().map(Url::as_str))
            .field("attempt_timeout", &self.attempt_timeout)
            .field("answer_bytes_max", &self.answer_bytes_max)
            .field("egress", &self.egress)
            .field("host", &self.host)
            .field("trust", &self.trust)
            .finish()
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
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.message),
            None => f.write_str(self.message),
        }
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
    fn a_url_that_paths_cannot_be_put_behind_is_refused() {
        for url in ["", "apns.example", "ftp://apns.example", "https://a:b@apns.example", "https://apns.example/3"] {
            assert!(PushConfig::through_sns().apns_url(url).is_err(), "{url}");
            assert!(PushConfig::through_sns().fcm_url(url).is_err(), "{url}");
        }
        assert!(PushConfig::through_sns().apns_url("https://apns.example:2197").is_ok());
    }

    #[test]
    fn somebody_has_to_be_trusted() {
        assert!(PushConfig::through_sns().only_ca().check().is_err());
    }

    #[test]
    fn a_time_limit_out_of_bounds_is_refused() {
        for (timeout, is_fine) in [
            (Duration::ZERO, false),
            (Duration::from_millis(1), true),
            (Duration::from_secs(3600), true),
            (Duration::from_millis(3_600_001), false),
        ] {
            assert_eq!(PushConfig::through_sns().attempt_timeout(timeout).check().is_ok(), is_fine, "{timeout:?}");
        }
    }
}
