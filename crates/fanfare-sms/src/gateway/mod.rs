//! HTTP gateways: which there are, and the request that each wants.

pub(crate) mod kannel;
pub(crate) mod twilio;

use fanfare_egress::{InvalidTarget, Target};
use url::Url;

use crate::config::ConfigError;

/// The URL of a gateway.
fn read(url: &str) -> Result<Url, ConfigError> {
    let target = Target::parse(url, &["http", "https"]).map_err(|error| match error {
        InvalidTarget::Scheme => ConfigError::new("the gateway's url must begin with http:// or https://"),
        other => ConfigError::because("the gateway's url cannot be used", other),
    })?;
    let url = target.into_url();
    if url.query().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new("the gateway's url must not have a query, or name a user"));
    }
    Ok(url)
}
