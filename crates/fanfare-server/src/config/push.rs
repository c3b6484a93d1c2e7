//! What the settings say of pushes.

use fanfare::push::{ConfigError, KnownDevices, PushConfig};

use super::layers::Layers;
use super::problem::Problem;
use super::settings::Settings;

/// How pushes are delivered; whose devices they are for is known once there is an engine.
pub(super) fn push(settings: &Settings, layers: &Layers) -> Result<PushConfig, Problem> {
    let mut push = PushConfig::directly(KnownDevices::new());
    if settings.push_through_sns {
        push = push.others_through_sns();
    }
    let invalid = |name: &str| {
        let origin = layers.origin(name).clone();
        move |error: ConfigError| Problem::at(&origin, error.to_string())
    };
    if let Some(url) = &settings.apns_url {
        push = push.apns_url(url).map_err(invalid("apns-url"))?;
    }
    if let Some(url) = &settings.fcm_url {
        push = push.fcm_url(url).map_err(invalid("fcm-url"))?;
    }
    if let Some(file) = &settings.push_ca {
        let unreadable = |error| Problem::at(layers.origin("push-ca"), format!("{}: {error}", file.display()));
        let pem = std::fs::read_to_string(file).map_err(unreadable)?;
        push = push.ca_certificates(pem).map_err(invalid("push-ca"))?;
    }
    Ok(push)
}
