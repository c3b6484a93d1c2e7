//! What follows from an attempt: another one, a dead letter, or the end.

use std::sync::Arc;

use super::Engine;
use super::attempt::Call;
use super::progress::{Attempt, Failure, Next, Progress};
use super::report::Ending;
use crate::delivery::{DeliveryError, DeliveryErrorKind, Disposition};
use crate::host::Timestamp;
use crate::journal::{Settlement, Stage};
use crate::notification::NotificationKind;
use crate::retry::{RetrySchedule, after, jittered};
use crate::subscription::Subscription;

/// What follows from an attempt, for the journal and in words.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) settlement: Settlement,
    pub(super) next: Next,
    /// Whether the endpoint showed that it works; nothing when the attempt says nothing about that.
    pub(super) endpoint_works: Option<bool>,
}

impl Verdict {
    pub(super) fn of(engine: &Engine, subscription: &Subscription, call: &Call, now: Timestamp) -> Self {
        let Some(outcome) = &call.outcome else {
            return Self::dropped("the subscription has ended".to_owned(), None);
        };
        let error = match (outcome, call.delivery.stage) {
            (Ok(_), Stage::Endpoint) => return Self::new(Settlement::Delivered, Next::Delivered, Some(true)),
            (Ok(_), Stage::DeadLetter) => return Self::new(Settlement::DeadLettered, Next::DeadLettered, None),
            (Err(error), _) => error,
        };
        let works = (call.delivery.stage == Stage::Endpoint).then(|| shows_that_it_works(error));
        let Disposition::Retry { after: asked } = error.disposition() else {
            return Self::given_up(subscription, call, format!("not to be retried: {error}"), works);
        };
        let schedule = match call.delivery.stage {
            Stage::Endpoint => subscription.schedule().clone(),
            Stage::DeadLetter => dead_letter_schedule(subscription),
        };
        match schedule.delay(call.delivery.attempts + 1) {
            Some(delay) => {
                let delay = after(jittered(delay, engine.random()), asked, engine.settings.retry_after_max);
                let at = now + delay;
                Self::new(Settlement::Retry { at }, Next::Retry { at }, works)
            }
            None => {
                let attempts = call.delivery.attempts + 1;
                Self::given_up(subscription, call, format!("gave up after {attempts} attempts: {error}"), works)
            }
        }
    }

    /// For a delivery of a subscription that is gone.
    pub(super) fn orphaned() -> Self {
        Self::dropped("the subscription no longer exists".to_owned(), None)
    }

    /// A published message goes to the dead-letter destination, if there is one and it has not just failed.
    fn given_up(subscription: &Subscription, call: &Call, reason: String, works: Option<bool>) -> Self {
        let redriven = call.delivery.stage == Stage::Endpoint
            && subscription.dead_letters().is_some()
            && call.delivery.dispatch.kind == NotificationKind::Notification;
        if redriven {
            Self::new(Settlement::ToDeadLetter, Next::ToDeadLetter, works)
        } else {
            Self::dropped(reason, works)
        }
    }

    fn dropped(reason: String, works: Option<bool>) -> Self {
        Self::new(Settlement::Dropped, Next::Dropped { reason }, works)
    }

    fn new(settlement: Settlement, next: Next, endpoint_works: Option<bool>) -> Self {
        Self { settlement, next, endpoint_works }
    }
}

impl Engine {
    /// Tells observers, and then the waiting publisher, what came of an attempt.
    pub(super) fn tell(self: &Arc<Self>, subscription: &Subscription, call: Call, verdict: Verdict) {
        let message_id = call.delivery.dispatch.publication.id().to_owned();
        let ending = match call.delivery.dispatch.kind {
            NotificationKind::Notification => ending(&call, &verdict.next),
            _ => None,
        };
        self.observers.tell(|| progress(subscription, call, verdict.next));
        if let Some(ending) = ending {
            self.trackers.ended(&message_id, subscription.arn(), || ending);
        }
    }
}

fn ending(call: &Call, next: &Next) -> Option<Ending> {
    match next {
        Next::Delivered => Some(Ending::Delivered { attempts: call.delivery.attempts + 1 }),
        Next::DeadLettered => Some(Ending::DeadLettered),
        Next::Dropped { reason } => Some(Ending::Dropped { reason: reason.clone() }),
        Next::Retry { .. } | Next::ToDeadLetter => None,
    }
}

fn progress(subscription: &Subscription, call: Call, next: Next) -> Progress {
    let message_id = call.delivery.dispatch.publication.id().to_owned();
    let Some(outcome) = call.outcome else {
        let reason = "the subscription has ended".to_owned();
        return Progress::Dropped { message_id, subscription: subscription.arn().clone(), reason };
    };
    let (status, response, failure) = match outcome {
        Ok(receipt) => (receipt.status(), receipt.response().map(str::to_owned), None),
        Err(error) => {
            let failure = Failure { kind: error.kind(), disposition: error.disposition(), text: error.to_string() };
            (error.status(), error.response().map(str::to_owned), Some(failure))
        }
    };
    Progress::Attempted(Attempt {
        kind: call.delivery.dispatch.kind,
        message_id,
        subscription: subscription.arn().clone(),
        protocol: stage_protocol(subscription, call.delivery.stage),
        endpoint: call.endpoint,
        stage: call.delivery.stage,
        number: call.delivery.attempts + 1,
        started: call.started,
        took: call.took,
        status,
        response,
        failure,
        next,
    })
}

/// A refusal of one notification says that the endpoint is there and works; so does a request to slow down.
fn shows_that_it_works(error: &DeliveryError) -> bool {
    match error.disposition() {
        Disposition::Reject => {
            !matches!(error.kind(), DeliveryErrorKind::EgressDenied | DeliveryErrorKind::Misconfigured)
        }
        Disposition::Retry { .. } | Disposition::Disable => false,
    }
}

/// Dead letters are retried as their own protocol asks for.
fn dead_letter_schedule(subscription: &Subscription) -> RetrySchedule {
    stage_protocol(subscription, Stage::DeadLetter).default_schedule()
}

fn stage_protocol(subscription: &Subscription, stage: Stage) -> crate::protocol::Protocol {
    match (stage, subscription.dead_letters()) {
        (Stage::DeadLetter, Some(destination)) => destination.protocol(),
        _ => subscription.protocol(),
    }
}
