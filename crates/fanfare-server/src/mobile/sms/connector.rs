//! The check before the connector that delivers to phones.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare::sms::body;
use fanfare::{
    Connector, Connectors, DeliveryError, DeliveryErrorKind, Endpoint, Limits, Notification, Outcome, Owner, Protocol,
    SnsError, Timestamp,
};

use super::spending::Budget;
use super::{PhoneNumber, Usd};
use crate::mobile::{Bound, Mobile};

/// Opens phones for `connectors`, and lets through what their owners and the account allow.
#[derive(Debug)]
pub(crate) struct GuardedSms {
    connectors: Connectors,
    mobile: Mobile,
}

impl GuardedSms {
    pub(crate) fn new(connectors: Connectors, mobile: Mobile) -> Self {
        Self { connectors, mobile }
    }
}

impl Connector for GuardedSms {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Sms]
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        let number = PhoneNumber::parse(address);
        let number = number.ok_or_else(|| SnsError::invalid_parameter(format_args!("SMS endpoint: {address}")))?;
        let phone = self.connectors.connect(protocol, number.as_str())?;
        Ok(Arc::new(GuardedPhone { number, phone, mobile: self.mobile.clone() }))
    }
}

/// One phone.
#[derive(Debug)]
struct GuardedPhone {
    number: PhoneNumber,
    phone: Arc<dyn Endpoint>,
    mobile: Mobile,
}

impl fmt::Display for GuardedPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.phone.fmt(f)
    }
}

#[async_trait]
impl Endpoint for GuardedPhone {
    fn protocol(&self) -> Protocol {
        self.phone.protocol()
    }

    /// One notification a call, so that each is looked at just before it goes out.
    fn limits(&self) -> Limits {
        match self.phone.limits().attempt {
            Some(limit) => Limits::ONE.within(limit),
            None => Limits::ONE,
        }
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let bound = self.mobile.bound().await;
        let topic = notification.topic();
        let owner = Owner::new(topic.region(), topic.account()).map_err(unavailable)?;
        self.object(bound, &owner, notification)?;
        let Some(fanfare) = bound.fanfare() else { return self.send(bound, &owner, notification).await };
        match self.cost(notification)? {
            None => self.send(bound, &owner, notification).await,
            Some(cost) => self.buy(bound, &owner, notification, cost, fanfare.now()).await,
        }
    }
}

impl GuardedPhone {
    /// Fails when nothing may go to the phone.
    fn object(&self, bound: &Bound, owner: &Owner, notification: &Notification) -> Result<(), DeliveryError> {
        let phones = &bound.phones;
        if phones.is_opted_out(owner, &self.number) {
            return Err(refused("Phone number is opted out"));
        }
        let allowed = phones.may_write_to(owner, &self.number).map_err(unavailable)?
            || phones.is_verification(owner, &self.number, notification.text()).map_err(unavailable)?;
        if allowed {
            Ok(())
        } else {
            Err(refused("the account is in the SMS sandbox, and the phone number is not verified"))
        }
    }

    /// What the message costs, where that is known.
    fn cost(&self, notification: &Notification) -> Result<Option<Usd>, DeliveryError> {
        let Some(price) = self.mobile.settings().sms_price else { return Ok(None) };
        let parts = body(notification).parts().len();
        let cost = price.times(u64::try_from(parts).unwrap_or(u64::MAX));
        let most = notification.published_attributes().get("AWS.SNS.SMS.MaxPrice");
        if most.and_then(|most| most.to_text().parse::<Usd>().ok()).is_some_and(|most| cost > most) {
            return Err(refused("This delivery would exceed max price"));
        }
        Ok(Some(cost))
    }

    /// Sends the message for what it costs, which is not spent when it is not sent.
    async fn buy(
        &self,
        bound: &Bound,
        owner: &Owner,
        notification: &Notification,
        cost: Usd,
        now: Timestamp,
    ) -> Outcome {
        if bound.phones.spend(owner, cost, now).await.map_err(unavailable)? == Budget::Exhausted {
            return Err(refused("No quota left for account"));
        }
        let outcome = self.send(bound, owner, notification).await;
        if outcome.is_err()
            && let Err(error) = bound.phones.take_back(owner, cost, now).await
        {
            tracing::warn!(%error, "what a message would have cost could not be taken back");
        }
        outcome
    }

    async fn send(&self, bound: &Bound, owner: &Owner, notification: &Notification) -> Outcome {
        let attributes = bound.phones.attributes(owner).map_err(unavailable)?;
        self.phone.deliver(&notification.clone().with_default_attributes(attributes.defaults())).await
    }
}

fn refused(context: &str) -> DeliveryError {
    DeliveryError::reject(DeliveryErrorKind::Rejected, context)
}

/// What is kept cannot be read or written now.
fn unavailable(error: SnsError) -> DeliveryError {
    DeliveryError::retry(DeliveryErrorKind::Misconfigured, "what is known of the account cannot be read")
        .with_source(error)
}
