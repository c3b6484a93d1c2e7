//! What the connector that delivers to devices is told about them.

use async_trait::async_trait;
use fanfare::push::{Device, Devices};
use fanfare::{DeliveryError, DeliveryErrorKind, SnsError, SnsErrorCode};

use super::EndpointArn;
use crate::mobile::Mobile;

/// The devices of the platform endpoints that are kept here.
#[derive(Debug)]
pub(crate) struct KeptDevices(Mobile);

impl KeptDevices {
    pub(crate) fn new(mobile: Mobile) -> Self {
        Self(mobile)
    }
}

#[async_trait]
impl Devices for KeptDevices {
    async fn device(&self, endpoint: &str) -> Result<Option<Device>, DeliveryError> {
        let Ok(arn) = EndpointArn::parse("Endpoint", endpoint) else { return Ok(None) };
        let directory = &self.0.bound().await.directory;
        let found = directory.device(&arn).and_then(|device| {
            let application = directory.application(&arn.application())?;
            Ok(Device::new(device.token, application.for_push(arn.platform())))
        });
        found.map(Some).or_else(unless_unknown)
    }
}

/// That there is no such endpoint is an answer.
fn unless_unknown(error: SnsError) -> Result<Option<Device>, DeliveryError> {
    match error.code() {
        SnsErrorCode::NotFound => Ok(None),
        _ => {
            Err(DeliveryError::retry(DeliveryErrorKind::Misconfigured, "the endpoint cannot be read")
                .with_source(error))
        }
    }
}
