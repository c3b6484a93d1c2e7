//! The check before the connector that delivers to devices.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare::{
    Connector, Connectors, DeliveryError, DeliveryErrorKind, Disposition, Endpoint, Limits, Notification, Outcome,
    Protocol, SnsError,
};

use super::event::{Event, tell};
use super::{Application, EndpointArn};
use crate::mobile::{Bound, Mobile};

/// Opens devices for `connectors`, and lets through what the endpoint and its application allow.
#[derive(Debug)]
pub(crate) struct GuardedPush {
    connectors: Connectors,
    mobile: Mobile,
}

impl GuardedPush {
    pub(crate) fn new(connectors: Connectors, mobile: Mobile) -> Self {
        Self { connectors, mobile }
    }
}

impl Connector for GuardedPush {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Application]
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        let arn = EndpointArn::parse("Endpoint", address)?;
        let device = self.connectors.connect(protocol, address)?;
        Ok(Arc::new(GuardedDevice { arn, device, mobile: self.mobile.clone() }))
    }
}

/// One device.
#[derive(Debug)]
struct GuardedDevice {
    arn: EndpointArn,
    device: Arc<dyn Endpoint>,
    mobile: Mobile,
}

impl fmt::Display for GuardedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.device.fmt(f)
    }
}

#[async_trait]
impl Endpoint for GuardedDevice {
    fn protocol(&self) -> Protocol {
        self.device.protocol()
    }

    /// One notification a call, so that each is looked at just before it goes out.
    fn limits(&self) -> Limits {
        match self.device.limits().attempt {
            Some(limit) => Limits::ONE.within(limit),
            None => Limits::ONE,
        }
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let bound = self.mobile.bound().await;
        if self.mobile.passes_on(&self.arn).await {
            return self.device.deliver(notification).await;
        }
        let Ok(application) = bound.directory.application(&self.arn.application()) else {
            return Err(refused(DeliveryErrorKind::NotFound, "PlatformApplication does not exist"));
        };
        let outcome = match self.objection(bound, &application, notification) {
            Some(error) => Err(error),
            None => self.device.deliver(notification).await,
        };
        if let Err(error) = &outcome {
            self.heed(bound, &application, notification, error).await;
        }
        outcome
    }
}

impl GuardedDevice {
    /// Why nothing goes to the device.
    fn objection(
        &self,
        bound: &Bound,
        application: &Application,
        notification: &Notification,
    ) -> Option<DeliveryError> {
        let Ok(device) = bound.directory.device(&self.arn) else {
            return Some(refused(DeliveryErrorKind::NotFound, "Endpoint does not exist"));
        };
        if !device.enabled {
            return Some(refused(DeliveryErrorKind::Rejected, DISABLED));
        }
        if !application.is_enabled() {
            return Some(refused(DeliveryErrorKind::Rejected, "PlatformApplication is disabled"));
        }
        let dwell = bound.fanfare()?.now().since(notification.timestamp());
        match self.arn.platform().time_to_live(notification.published_attributes(), None, dwell) {
            Some(_) => None,
            None => Some(refused(DeliveryErrorKind::Rejected, "the time to live of the message has passed")),
        }
    }

    /// Turns the device off when the push service does not know it any more, and tells of a message that failed for good.
    async fn heed(&self, bound: &Bound, application: &Application, notification: &Notification, error: &DeliveryError) {
        let Some(fanfare) = bound.fanfare() else { return };
        if error.disposition() == Disposition::Disable {
            match bound.directory.turn_off(&self.arn).await {
                Ok(true) => tell(&fanfare, application, &self.arn, Event::Updated).await,
                Ok(false) => {}
                Err(error) => tracing::warn!(endpoint = %self.arn, %error, "an endpoint could not be turned off"),
            }
        }
        // Of a message to a topic, nobody is told.
        if notification.recipient().is_some() && is_final(notification, error) {
            let (failure, message) = failure(error);
            let (message_id, attempts) = (notification.message_id(), notification.attempt().get());
            tell(&fanfare, application, &self.arn, Event::Failed { message_id, attempts, failure, message: &message })
                .await;
        }
    }
}

/// Why a message to a device that is turned off fails, in the words of Amazon SNS.
const DISABLED: &str = "Endpoint is disabled";

fn refused(kind: DeliveryErrorKind, context: &str) -> DeliveryError {
    DeliveryError::reject(kind, context)
}

/// Whether there is no further attempt.
fn is_final(notification: &Notification, error: &DeliveryError) -> bool {
    match error.disposition() {
        Disposition::Retry { .. } => {
            Protocol::Application.default_schedule().delay(notification.attempt().get()).is_none()
        }
        Disposition::Reject | Disposition::Disable => true,
    }
}

/// Amazon SNS's class for a failure, and its words where it has some.
fn failure(error: &DeliveryError) -> (&'static str, String) {
    let own = error.to_string();
    if own == DISABLED {
        return ("EndpointDisabled", own);
    }
    if error.disposition() == Disposition::Disable {
        return ("InvalidPlatformToken", "Platform token associated with the endpoint is not valid.".to_owned());
    }
    match error.kind() {
        DeliveryErrorKind::Unauthorized => {
            ("InvalidCredentials", "Platform application credentials are not valid.".to_owned())
        }
        DeliveryErrorKind::Throttled => ("Throttled", own),
        // What the push service itself says of a token, and not that nothing is kept here.
        DeliveryErrorKind::NotFound if error.status().is_some() => {
            ("InvalidPlatformToken", "Platform token associated with the endpoint is not valid.".to_owned())
        }
        DeliveryErrorKind::Unavailable if error.status() == Some(500) => ("UnexpectedFailure", own),
        DeliveryErrorKind::Unreachable
        | DeliveryErrorKind::Timeout
        | DeliveryErrorKind::Interrupted
        | DeliveryErrorKind::Tls
        | DeliveryErrorKind::Unavailable => ("DependencyUnavailable", "Dependency is not available.".to_owned()),
        DeliveryErrorKind::Rejected | DeliveryErrorKind::Unsupported => ("InvalidNotification", own),
        _ => ("UnexpectedFailure", own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_amazon_snss_class() {
        use DeliveryErrorKind as Kind;
        const RETRY: Disposition = Disposition::Retry { after: None };

        // What the adapter makes of each answer of a push service, and the type that the vectors have for it.
        for (kind, disposition, status, class) in [
            (Kind::NotFound, Disposition::Disable, Some(404), "InvalidPlatformToken"),
            (Kind::Rejected, Disposition::Reject, Some(400), "InvalidNotification"),
            (Kind::Unsupported, Disposition::Reject, None, "InvalidNotification"),
            (Kind::NotFound, Disposition::Reject, Some(403), "InvalidPlatformToken"),
            (Kind::Unavailable, RETRY, Some(503), "DependencyUnavailable"),
            (Kind::Unavailable, RETRY, Some(500), "UnexpectedFailure"),
            (Kind::Unreachable, RETRY, None, "DependencyUnavailable"),
            (Kind::Unauthorized, Disposition::Reject, Some(401), "InvalidCredentials"),
            (Kind::Throttled, RETRY, Some(429), "Throttled"),
            (Kind::Misconfigured, RETRY, None, "UnexpectedFailure"),
        ] {
            let error = DeliveryError::new(kind, disposition, "it failed");
            let error = match status {
                Some(status) => error.with_status(status),
                None => error,
            };
            assert_eq!(failure(&error).0, class, "{kind:?} {status:?}");
        }
        assert_eq!(failure(&refused(Kind::Rejected, DISABLED)).0, "EndpointDisabled");
        assert_eq!(failure(&refused(Kind::NotFound, "Endpoint does not exist")).0, "UnexpectedFailure");
    }
}
