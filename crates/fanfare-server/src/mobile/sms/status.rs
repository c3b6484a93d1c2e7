//! Delivery status logs of text messages, as an account asks for them (`DeliveryStatusIAMRole`,
//! `DeliveryStatusSuccessSamplingRate`).

use std::sync::Arc;

use fanfare::attempt::{Attempt, Next};
use fanfare::sms::{ReceiptState, Sent, body};
use fanfare::store::Stage;
use fanfare::{MessageType, Notification, Observer, Owner, Protocol, Publication, Step, Timestamp, Topic, TopicArn};
use serde_json::{Map, Value, json};

use super::Attributes;
use crate::mobile::Mobile;
use crate::observe::{DeliveryLog, is_sampled, moment};

/// Writes a line when a text message was taken or given up, and another one when its network tells whether the phone has it.
#[derive(Debug)]
pub(crate) struct SmsStatusLog {
    mobile: Mobile,
    log: Arc<DeliveryLog>,
}

/// What a line is about, beside its message.
struct Line<'a> {
    message_id: &'a str,
    accepted: Timestamp,
    topic: &'a TopicArn,
    delivery: Map<String, Value>,
    succeeded: bool,
}

impl SmsStatusLog {
    pub(crate) fn new(mobile: Mobile, log: Arc<DeliveryLog>) -> Self {
        Self { mobile, log }
    }

    /// Notes whether a phone has a message.
    pub(super) fn receipt(&self, sent: &Sent, state: ReceiptState, at: Timestamp) {
        let response = match state {
            ReceiptState::Failed(reason) => reason.as_str(),
            _ => "Message has been received by phone",
        };
        let mut delivery = Map::new();
        self.describe(&mut delivery, sent.number.as_str(), sent.parts);
        delivery.insert("providerResponse".to_owned(), response.into());
        delivery.insert("dwellTimeMsUntilDeviceAck".to_owned(), ms(at.since(sent.accepted)));
        let (message_id, accepted) = (sent.message_id.as_str(), sent.accepted);
        let succeeded = state == ReceiptState::Delivered;
        self.write(Line { message_id, accepted, topic: &sent.topic, delivery, succeeded });
    }

    fn attempt(&self, publication: &Publication, attempt: &Attempt, topic: Option<&Topic>, succeeded: bool) {
        let mut notification = Notification::new(publication.clone(), Protocol::Sms.as_str());
        if let Some(topic) = topic {
            notification = notification.with_display_name(topic.display_name());
        }
        let mut delivery = Map::new();
        // Messages to single phones share endpoints.
        let number = publication.recipient().unwrap_or(&attempt.endpoint);
        self.describe(&mut delivery, number, body(&notification).parts().len());
        let owner = owner(publication.topic());
        let kind =
            publication.message().attributes().get("AWS.SNS.SMS.SMSType").map(|kind| kind.to_text().into_owned());
        let kind = kind.or_else(|| self.attributes(owner.as_ref()?)?.default_type());
        delivery.insert("smsType".to_owned(), kind.unwrap_or_else(|| "Promotional".to_owned()).into());
        let failure = attempt.failure.as_ref().map(|failure| failure.text.as_str());
        let response = attempt.response.as_deref().or(failure).unwrap_or_default();
        delivery.insert("providerResponse".to_owned(), response.into());
        delivery.insert("dwellTimeMs".to_owned(), ms(attempt.dwell()));
        let (message_id, accepted) = (attempt.message_id.as_str(), publication.timestamp());
        self.write(Line { message_id, accepted, topic: publication.topic(), delivery, succeeded });
    }

    /// What holds for both kinds of lines.
    fn describe(&self, delivery: &mut Map<String, Value>, number: &str, parts: usize) {
        delivery.insert("numberOfMessageParts".to_owned(), parts.into());
        delivery.insert("destination".to_owned(), number.into());
        if let Some(price) = self.mobile.settings().sms_price {
            let cost = price.times(u64::try_from(parts).unwrap_or(u64::MAX)).to_string();
            let cost = serde_json::from_str(&cost).unwrap_or(Value::String(cost));
            delivery.insert("priceInUSD".to_owned(), cost);
        }
    }

    fn write(&self, line: Line<'_>) {
        let Some(attributes) = owner(line.topic).and_then(|owner| self.attributes(&owner)) else { return };
        if !attributes.logs_status() || line.succeeded && !is_sampled(attributes.success_rate()) {
            return;
        }
        let notification = json!({ "messageId": line.message_id, "timestamp": moment(line.accepted) });
        let status = if line.succeeded { "SUCCESS" } else { "FAILURE" };
        let text = json!({ "notification": notification, "delivery": line.delivery, "status": status }).to_string();
        self.log.line(line.topic, !line.succeeded, text);
    }

    fn attributes(&self, owner: &Owner) -> Option<Attributes> {
        self.mobile.bound_now()?.phones.attributes(owner).ok()
    }
}

impl Observer for SmsStatusLog {
    fn observe(&self, step: &Step<'_>) {
        let Step::Attempted { publication, attempt, topic } = *step else { return };
        if attempt.protocol != Protocol::Sms
            || attempt.message_type != MessageType::Notification
            || attempt.stage != Stage::Endpoint
        {
            return;
        }
        match attempt.next {
            Next::Delivered => self.attempt(publication, attempt, topic, true),
            Next::ToDeadLetter | Next::Dropped { .. } => self.attempt(publication, attempt, topic, false),
            _ => {}
        }
    }
}

fn owner(topic: &TopicArn) -> Option<Owner> {
    Owner::new(topic.region(), topic.account()).ok()
}

fn ms(duration: std::time::Duration) -> Value {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).into()
}
