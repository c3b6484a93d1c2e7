//! The SDK's configuration, loaded once and when it is first needed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use tokio::sync::OnceCell;

use crate::config::{AccessKey, AwsConfig};

/// What all calls to AWS share: the settings, the credentials and their cache. Cloning copies a pointer.
///
/// Making one reads nothing; the first call reads the environment and the profile.
#[derive(Clone)]
pub struct Aws(Arc<Shared>);

struct Shared {
    config: AwsConfig,
    loaded: OnceCell<SdkConfig>,
}

impl Aws {
    /// Calls by these settings.
    pub fn new(config: AwsConfig) -> Self {
        Self(Arc::new(Shared { config, loaded: OnceCell::new() }))
    }

    /// The SDK's configuration, for an adapter to make the client of its service from. The region of each call has to be
    /// given with the call.
    ///
    /// `region` is the one to assume roles in where neither the environment nor the profile names one: the machine's own
    /// metadata is not asked for it, which on other machines than Amazon's can take long.
    ///
    /// Dropping the future loses nothing: the next caller begins again.
    pub async fn sdk_config(&self, region: &str) -> &SdkConfig {
        let Shared { config, loaded } = &*self.0;
        loaded.get_or_init(|| load(config, region)).await
    }

    /// After how long a call ends.
    pub fn attempt_timeout(&self) -> Duration {
        self.0.config.attempt_timeout
    }
}

async fn load(config: &AwsConfig, region: &str) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_timeout(config.attempt_timeout)
        .operation_attempt_timeout(config.attempt_timeout)
        .build();
    let mut profile_region = ProfileFileRegionProvider::builder();
    if let Some(profile) = &config.profile {
        profile_region = profile_region.profile_name(profile);
    }
    let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(profile_region.build())
        .or_else(Region::new(region.to_owned()));
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(region)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        // Bodies are small and attempts have a limit: there is no stream to watch.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(AccessKey { id, secret, session_token }) = config.key.clone() {
        loader = loader.credentials_provider(Credentials::new(id, secret, session_token, None, "fanfare"));
    }
    if let Some(url) = &config.endpoint_url {
        loader = loader.endpoint_url(url.as_str());
    }
    if let Some(profile) = &config.profile {
        loader = loader.profile_name(profile);
    }
    loader.load().await
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Aws").field(&self.0.config).finish()
    }
}
