//! One phone.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::{Endpoint, Limits, Notification, Outcome, Protocol};

use crate::number::PhoneNumber;
use crate::request;
use crate::way::Carrier;

/// A phone that notifications are sent to.
///
/// `Display` is the number.
pub(crate) struct SmsEndpoint {
    pub(crate) number: PhoneNumber,
    pub(crate) carrier: Arc<Carrier>,
}

#[async_trait]
impl Endpoint for SmsEndpoint {
    fn protocol(&self) -> Protocol {
        Protocol::Sms
    }

    fn limits(&self) -> Limits {
        Limits::ONE.within(self.carrier.attempt_timeout())
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let message = request::text_message(notification, &self.number, self.carrier.sender())?;
        self.carrier.send(&message).await
    }
}

impl fmt::Display for SmsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

impl fmt::Debug for SmsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmsEndpoint({})", self.number)
    }
}
