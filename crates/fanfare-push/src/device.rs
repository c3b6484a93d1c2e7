//! The devices behind endpoint ARNs, and whoever knows them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use fanfare_core::{DeliveryError, Platform, SnsError};

use crate::credentials::Credentials;
use crate::request::web_push::Subscriber;

/// Whoever knows which device an endpoint ARN stands for, asked before each direct delivery.
///
/// A server has its directory; a program without one has [`KnownDevices`].
#[async_trait]
pub trait Devices: fmt::Debug + Send + Sync + 'static {
    /// The device of the endpoint with this ARN; nothing when there is none.
    ///
    /// # Errors
    /// When that cannot be found out, with what is to become of the notification.
    async fn device(&self, endpoint: &str) -> Result<Option<Device>, DeliveryError>;
}

/// One installation of an app: the token by which a push service knows it, and what the app may ask the service with.
///
/// `Debug` shows neither.
#[derive(Clone)]
pub struct Device {
    pub(crate) token: String,
    pub(crate) application: Application,
}

impl Device {
    /// The device that the push service knows by `token`.
    ///
    /// - Apple: the hexadecimal device token.
    /// - Firebase: the registration token.
    /// - Web Push: the subscription as browsers write it, `{"endpoint": "...", "keys": {"p256dh": "...", "auth": "..."}}`.
    pub fn new(token: impl Into<String>, application: Application) -> Self {
        Self { token: token.into(), application }
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("application", &self.application).finish_non_exhaustive()
    }
}

/// An app, and the credentials with which its push service is asked: a platform application of Amazon SNS.
///
/// `Debug` shows the platform alone. Cloning copies a pointer.
#[derive(Clone)]
pub struct Application(Arc<Parts>);

#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) platform: Platform,
    pub(crate) principal: String,
    pub(crate) credential: String,
    pub(crate) team_id: String,
    pub(crate) bundle_id: String,
}

impl Application {
    /// An application by the attributes `PlatformPrincipal` and `PlatformCredential`:
    ///
    /// | platform | principal | credential |
    /// | --- | --- | --- |
    /// | `APNS` and its kin, by key | the key's id | the key: the text of the `.p8` file; [`Application::apple`] is needed, too |
    /// | `APNS` and its kin, by certificate | the certificate, PEM | its private key, PEM |
    /// | `GCM` (Firebase) | nothing | the JSON text of a service account |
    /// | `WEBPUSH` | `mailto:` or `https:` for whoever runs the push service to write to (VAPID's subject), or the public key | the private key, P-256: 32 bytes in base64url, or PKCS #8 in PEM |
    pub fn new(platform: Platform, principal: impl Into<String>, credential: impl Into<String>) -> Self {
        let (principal, credential) = (principal.into(), credential.into());
        let (team_id, bundle_id) = (String::new(), String::new());
        Self(Arc::new(Parts { platform, principal, credential, team_id, bundle_id }))
    }

    /// Adds `ApplePlatformTeamID` and `ApplePlatformBundleID`, where Apple is asked with a key.
    #[must_use]
    pub fn apple(self, team_id: impl Into<String>, bundle_id: impl Into<String>) -> Self {
        let (team_id, bundle_id) = (team_id.into(), bundle_id.into());
        Self(Arc::new(Parts { team_id, bundle_id, ..Arc::unwrap_or_clone(self.0) }))
    }

    /// The platform.
    pub fn platform(&self) -> Platform {
        self.0.platform
    }

    /// Refuses credentials that no push service would take: keys that are none, ids that are missing. Nobody is asked.
    ///
    /// # Errors
    /// `InvalidParameter` in Amazon SNS's words, or, for platforms that nothing goes to directly, which those are.
    pub fn check(&self) -> Result<(), SnsError> {
        Credentials::parse(self).map(drop).map_err(|invalid| SnsError::invalid_parameter(invalid.to_parameter()))
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").field("platform", &self.0.platform).finish_non_exhaustive()
    }
}

/// Refuses a token of a browser (`WEBPUSH`) that is no push subscription; of the tokens of other platforms nothing is known.
///
/// # Errors
/// `InvalidParameter` that says what is expected.
pub fn check_token(platform: Platform, token: &str) -> Result<(), SnsError> {
    if platform != Platform::WebPush {
        return Ok(());
    }
    let refused = |reason| SnsError::invalid_parameter(format_args!("Token Reason: {reason}"));
    Subscriber::parse(token).map(drop).map_err(|invalid| refused(invalid.0))
}

/// Devices that a program has listed. Clones share the list.
///
/// ```
/// use fanfare_core::Platform;
/// use fanfare_push::{Application, Device, KnownDevices};
///
/// let app = Application::new(Platform::Gcm, "", r#"{"type": "service_account"}"#);
/// let devices = KnownDevices::new();
/// devices.insert("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/1", Device::new("a-token", app));
/// ```
#[derive(Debug, Clone, Default)]
pub struct KnownDevices(Arc<RwLock<HashMap<String, Device>>>);

impl KnownDevices {
    /// No devices yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists `device` under an endpoint ARN; whatever was there before is gone.
    pub fn insert(&self, endpoint: impl Into<String>, device: Device) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(endpoint.into(), device);
    }

    /// Takes the device of that ARN off the list.
    pub fn remove(&self, endpoint: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(endpoint);
    }
}

#[async_trait]
impl Devices for KnownDevices {
    async fn device(&self, endpoint: &str) -> Result<Option<Device>, DeliveryError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).get(endpoint).cloned())
    }
}
