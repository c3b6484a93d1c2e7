//! From the ARN of a platform endpoint to an endpoint.

use std::fmt;
use std::sync::Arc;

use fanfare_aws::{Arn, Aws};
use fanfare_core::{Connector, Endpoint, Platform, Protocol, SnsError};

use crate::config::{ConfigError, PushConfig};
use crate::credentials::InvalidCredentials;
use crate::device::Devices;
use crate::direct::Direct;
use crate::endpoint::{PushEndpoint, is_direct};
use crate::sns::Sns;

/// Opens endpoints of the protocol `application`. All share connections, tokens, and one client of Amazon SNS.
///
/// An address is the ARN of a platform endpoint, `arn:<partition>:sns:<region>:<account>:endpoint/<platform>/<application>/<id>`.
#[derive(Clone)]
pub struct PushConnector {
    direct: Arc<Direct>,
    devices: Option<Arc<dyn Devices>>,
    sns: Option<Arc<Sns>>,
}

impl PushConnector {
    /// A connector of these settings. It reads nothing and calls nobody.
    ///
    /// # Errors
    /// Settings that cannot be used: a time limit out of bounds, or nobody to trust.
    pub fn new(config: PushConfig, aws: Aws) -> Result<Self, ConfigError> {
        let sns = config.through_sns.then(|| Arc::new(Sns::new(aws, config.sns_url.clone())));
        Ok(Self { devices: config.devices.clone(), direct: Arc::new(Direct::new(config)?), sns })
    }

    /// The same connector for the devices that `devices` knows: it shares connections and tokens with this one.
    #[must_use]
    pub fn serving(&self, devices: impl Devices) -> Self {
        Self { devices: Some(Arc::new(devices)), ..self.clone() }
    }
}

impl Connector for PushConnector {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Application]
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        if *protocol != Protocol::Application {
            return Err(SnsError::invalid_parameter(format_args!(
                "Protocol Reason: {protocol} is not a protocol that this connector opens"
            )));
        }
        let refused = || SnsError::invalid_parameter("Application endpoint ARN");
        let arn = Arn::parse(address, "sns").ok_or_else(refused)?;
        let parts = arn.resource().split('/').filter(|part| !part.is_empty()).count();
        let platform = Platform::of_endpoint(address).filter(|_| parts == 4).ok_or_else(refused)?;
        if self.sns.is_none() && !is_direct(platform) {
            let reason = InvalidCredentials::OnlyThroughSns(platform);
            return Err(SnsError::invalid_parameter(format_args!("Endpoint Reason: {reason}")));
        }
        Ok(Arc::new(PushEndpoint {
            name: address.to_owned(),
            arn,
            platform,
            direct: Arc::clone(&self.direct),
            devices: self.devices.clone(),
            sns: self.sns.clone(),
        }))
    }
}

impl fmt::Debug for PushConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushConnector").field("direct", &self.direct).field("sns", &self.sns).finish_non_exhaustive()
    }
}
