//! One endpoint ARN: a device, or an endpoint of Amazon SNS's.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare_aws::Arn;
use fanfare_core::{Endpoint, Limits, Notification, Outcome, Platform, Protocol};

use crate::classify;
use crate::device::Devices;
use crate::direct::Direct;
use crate::exchange::Deadline;
use crate::sns::Sns;

/// Where a push goes.
///
/// `Display` is the ARN; the device behind it is looked up by each delivery, since its token may change.
pub(crate) struct PushEndpoint {
    pub(crate) name: String,
    pub(crate) arn: Arn,
    pub(crate) platform: Platform,
    pub(crate) direct: Arc<Direct>,
    pub(crate) devices: Option<Arc<dyn Devices>>,
    /// Where what is not known here goes, if anywhere.
    pub(crate) sns: Option<Arc<Sns>>,
}

#[async_trait]
impl Endpoint for PushEndpoint {
    fn protocol(&self) -> Protocol {
        Protocol::Application
    }

    fn limits(&self) -> Limits {
        let directly = self.direct.config.attempt_timeout;
        let through_sns = self.sns.as_ref().map(|sns| sns.aws().attempt_timeout()).unwrap_or_default();
        Limits::ONE.within(directly + through_sns)
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        if let Some(devices) = self.devices.as_ref().filter(|_| is_direct(self.platform)) {
            let deadline = Deadline::within(self.direct.config.attempt_timeout);
            if let Some(device) = deadline.or_too_slow(devices.device(&self.name)).await? {
                return self.direct.deliver(&device, notification, deadline).await;
            }
        }
        match &self.sns {
            Some(sns) => {
                let now = self.direct.config.host.now();
                sns.deliver((&self.name, &self.arn), self.platform, notification, now).await
            }
            None => Err(classify::unknown_device()),
        }
    }
}

/// Whether there is a direct way to the devices of that platform.
pub(crate) fn is_direct(platform: Platform) -> bool {
    platform.is_apple() || matches!(platform, Platform::Gcm | Platform::WebPush)
}

impl fmt::Display for PushEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for PushEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushEndpoint({})", self.name)
    }
}
