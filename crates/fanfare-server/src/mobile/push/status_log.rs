//! The delivery status logs of platform applications.

use std::sync::Arc;

use fanfare::attempt::{Attempt, Next};
use fanfare::store::Stage;
use fanfare::{Destination, MessageType, Observer, Protocol, Publication, Step, SubscriptionArn};
use serde_json::{Map, Value, json};

use super::{Application, ApplicationArn, EndpointArn};
use crate::mobile::{Bound, Mobile};
use crate::observe::{DeliveryLog, is_sampled, moment};

/// Notes what became of messages to devices whose application asks for it: `SuccessFeedbackRoleArn` has as many percent of the
/// successes noted as `SuccessFeedbackSampleRate` says (none without it), and `FailureFeedbackRoleArn` every failure.
#[derive(Debug)]
pub(crate) struct PushStatusLog {
    mobile: Mobile,
    log: Arc<DeliveryLog>,
}

impl PushStatusLog {
    pub(crate) fn new(mobile: Mobile, log: Arc<DeliveryLog>) -> Self {
        Self { mobile, log }
    }

    /// Notes the attempt that ended a delivery, if somebody asked for that.
    fn note(&self, publication: &Publication, attempt: &Attempt, failed: bool) -> Option<()> {
        let bound = self.mobile.bound_now()?;
        let endpoint = endpoint(bound, publication, &attempt.subscription)?;
        let arn = endpoint.application();
        let application = bound.directory.application(&arn).ok()?;
        let wanted = if failed { wants_failure(&application) } else { wants_success(&application) };
        if wanted {
            let token = bound.directory.device(&endpoint).map(|device| device.token).ok();
            let line = line(publication, attempt, &endpoint, token);
            self.log.line_of_group(&group(&arn), failed, line);
        }
        Some(())
    }
}

impl Observer for PushStatusLog {
    fn observe(&self, step: &Step<'_>) {
        let Step::Attempted { publication, attempt, .. } = *step else { return };
        if attempt.protocol != Protocol::Application
            || attempt.message_type != MessageType::Notification
            || attempt.stage != Stage::Endpoint
        {
            return;
        }
        let failed = match attempt.next {
            Next::Delivered => false,
            Next::ToDeadLetter | Next::Dropped { .. } => true,
            _ => return,
        };
        // Of an application that is gone nobody asks anything any more.
        let _ = self.note(publication, attempt, failed);
    }
}

/// The endpoint that a message went to, by itself or by a subscription.
fn endpoint(bound: &Bound, publication: &Publication, subscription: &SubscriptionArn) -> Option<EndpointArn> {
    if let Some(address) = publication.recipient() {
        return EndpointArn::parse("TargetArn", address).ok();
    }
    let known = bound.fanfare()?.subscription(subscription).ok()?;
    let Destination::Address { address, .. } = known.destination() else { return None };
    EndpointArn::parse("Endpoint", address).ok()
}

/// The log group of an application: `sns/<region>/<account>/app/<platform>/<name>`.
fn group(arn: &ApplicationArn) -> String {
    // A name may be made of dots, which mean another place in a path.
    let name =
        if arn.name().bytes().all(|b| b == b'.') { arn.name().replace('.', "%2E") } else { arn.name().to_owned() };
    format!("sns/{}/{}/app/{}/{name}", arn.region(), arn.account(), arn.platform())
}

fn wants_success(application: &Application) -> bool {
    let rate = application.attribute("SuccessFeedbackSampleRate").and_then(|rate| rate.parse().ok());
    application.attribute("SuccessFeedbackRoleArn").is_some() && is_sampled(rate)
}

fn wants_failure(application: &Application) -> bool {
    application.attribute("FailureFeedbackRoleArn").is_some()
}

fn line(publication: &Publication, attempt: &Attempt, endpoint: &EndpointArn, token: Option<String>) -> String {
    let failure = attempt.failure.as_ref().map(|failure| failure.text.as_str());
    let response = attempt.response.as_deref().filter(|text| !text.is_empty()).or(failure).unwrap_or_default();
    let mut delivery = Map::new();
    delivery.extend(attempt.status.map(|status| ("statusCode".to_owned(), Value::from(status))));
    let dwell = u64::try_from(attempt.dwell().as_millis()).unwrap_or(u64::MAX);
    delivery.insert("dwellTimeMs".to_owned(), dwell.into());
    delivery.extend(token.map(|token| ("token".to_owned(), Value::from(token))));
    delivery.insert("attempts".to_owned(), attempt.number.into());
    delivery.insert("providerResponse".to_owned(), response.into());
    delivery.insert("destination".to_owned(), endpoint.as_str().into());
    let notification = json!({ "timestamp": moment(publication.timestamp()), "messageId": attempt.message_id });
    let status = if attempt.failure.is_none() { "SUCCESS" } else { "FAILURE" };
    json!({ "status": status, "notification": notification, "delivery": Value::Object(delivery) }).to_string()
}
