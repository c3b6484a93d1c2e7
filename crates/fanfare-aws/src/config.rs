//! Where AWS is, and who we are there.

use std::fmt;
use std::time::Duration;

use url::Url;

/// The longest time limit that an attempt may have.
const ATTEMPT_TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// Settings of every call to AWS. What is not set is looked for in the ways of every AWS SDK.
///
/// ```
/// use fanfare_aws::AwsConfig;
///
/// let config = AwsConfig::new().endpoint_url("http://127.0.0.1:4566")?.access_key("AKIAEXAMPLE", "wJalrXUtnFEMI");
/// assert!(!format!("{config:?}").contains("wJalrXUtnFEMI"));
/// # Ok::<(), fanfare_aws::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct AwsConfig {
    pub(crate) endpoint_url: Option<EndpointUrl>,
    pub(crate) key: Option<AccessKey>,
    pub(crate) profile: Option<String>,
    pub(crate) attempt_timeout: Duration,
}

/// An access key that the program was given.
#[derive(Clone)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) session_token: Option<String>,
}

impl AwsConfig {
    /// Settings with which everything is looked for in the SDK's ways, and an attempt takes 15 seconds at most.
    pub fn new() -> Self {
        Self { endpoint_url: None, key: None, profile: None, attempt_timeout: Duration::from_secs(15) }
    }

    /// Calls every service at `url`, whatever the region, as AWS's emulators want it. Without it, `AWS_ENDPOINT_URL_SQS`,
    /// `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL` and the profile's own hold, and then AWS's hosts.
    ///
    /// # Errors
    /// As [`EndpointUrl::parse`].
    pub fn endpoint_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.endpoint_url = Some(EndpointUrl::parse(url)?);
        Ok(self)
    }

    /// Signs with this access key, and looks for no other credentials.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.key = Some(AccessKey { id: id.into(), secret: secret.into(), session_token: None });
        self
    }

    /// As [`AwsConfig::access_key`], with the token of a temporary key.
    #[must_use]
    pub fn temporary_key(
        mut self,
        id: impl Into<String>,
        secret: impl Into<String>,
        session_token: impl Into<String>,
    ) -> Self {
        self.key = Some(AccessKey { id: id.into(), secret: secret.into(), session_token: Some(session_token.into()) });
        self
    }

    /// Reads this profile of the shared configuration files instead of the one that `AWS_PROFILE` names.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Ends a call after `timeout`, the time to get credentials included; 15 seconds unless set.
    ///
    /// # Errors
    /// When it is zero or more than an hour.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Result<Self, ConfigError> {
        if timeout.is_zero() || timeout > ATTEMPT_TIMEOUT_MAX {
            return Err(ConfigError("the time limit of an attempt must be more than zero and at most an hour"));
        }
        self.attempt_timeout = timeout;
        Ok(self)
    }
}

impl Default for AwsConfig {
    /// [`AwsConfig::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConfig")
            .field("endpoint_url", &self.endpoint_url)
            .field("access_key", &self.key.as_ref().map(|_| "given"))
            .field("profile", &self.profile)
            .field("attempt_timeout", &self.attempt_timeout)
            .finish()
    }
}

/// Where a service is called, instead of at AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointUrl(String);

impl EndpointUrl {
    /// Reads the URL of a service, or of an emulator of all of them.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a user, a query or a fragment.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        let parsed = Url::parse(url).map_err(|_| ConfigError("the endpoint url is not a url"))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(ConfigError("the endpoint url must begin with http:// or https://"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(ConfigError("the endpoint url must not name a user"));
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            return Err(ConfigError("the endpoint url must not have a query or a fragment"));
        }
        Ok(Self(parsed.as_str().trim_end_matches('/').to_owned()))
    }

    /// The URL, without a slash at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Settings that cannot be used; the message says why. Not worth a retry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(&'static str);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_that_is_no_plain_web_address_is_refused() {
        for (url, error) in [
            ("", "the endpoint url is not a url"),
            ("localhost:4566", "the endpoint url must begin with http:// or https://"),
            ("ftp://127.0.0.1", "the endpoint url must begin with http:// or https://"),
            ("http://ann:secret@127.0.0.1", "the endpoint url must not name a user"),
            ("http://127.0.0.1/?a=b", "the endpoint url must not have a query or a fragment"),
        ] {
            assert_eq!(AwsConfig::new().endpoint_url(url).unwrap_err().to_string(), error, "{url}");
        }
    }

    #[test]
    fn neither_part_of_a_key_is_shown() {
        let shown = format!("{:?}", AwsConfig::new().temporary_key("AKIAEXAMPLE", "wJalrXUtnFEMI", "FwoGZXIvYXdz"));
        for secret in ["AKIAEXAMPLE", "wJalrXUtnFEMI", "FwoGZXIvYXdz"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_time_limit_out_of_bounds_is_refused() {
        for (timeout, is_fine) in [
            (Duration::ZERO, false),
            (Duration::from_millis(1), true),
            (Duration::from_secs(3600), true),
            (Duration::from_millis(3_600_001), false),
        ] {
            assert_eq!(AwsConfig::new().attempt_timeout(timeout).is_ok(), is_fine, "{timeout:?}");
        }
    }
}
