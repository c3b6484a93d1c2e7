//! What follows from an attempt: another one, a dead letter, or the end.

use std::sync::Arc;

use super::attempt::Call;
use super::direct::told_for;
use super::progress::Progress;
use super::report::Ending;
use super::{DropCause, Engine, Step};
use crate::attempt::{Attempt, Failure, Next};
use crate::delivery::{DeliveryError, DeliveryErrorKind, Disposition};
use crate::host::Timestamp;
use crate::notification::NotificationKind;
use crate::retry::{RetrySchedule, after, jittered};
use crate::store::{Settlement, Stage};
use crate::subscription::{Subscription, SubscriptionState};

/// What follows from an attempt, for the journal and in words.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) settlement: Settlement,
    pub(super) next: Next,
    /// Whether the endpoint showed that it works; nothing when the attempt says nothing about that.
    pub(super) endpoint_works: Option<bool>,
    /// Until when the endpoint asked to be left alone.
    pub(super) quiet_until: Option<Timestamp>,
}

impl Verdict {
    pub(super) fn of(engine: &Engine, subscription: &Subscription, call: &Call, now: Timestamp) -> Self {
        let Some(outcome) = &call.outcome else {
            let confirmed = matches!(subscription.state(), SubscriptionState::Confirmed);
            return Self::discarded(if confirmed { "it was confirmed already" } else { "the subscription has ended" });
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
                let at = now + jittered(after(delay, asked, engine.settings.retry_after_max), engine.random());
                let quiet =
                    asked.filter(|_| works.is_some()).map(|asked| now + asked.min(engine.settings.retry_after_max));
                Self { quiet_until: quiet, ..Self::new(Settlement::Retry { at }, Next::Retry { at }, works) }
            }
            None => {
                let attempts = call.delivery.attempts + 1;
                Self::given_up(subscription, call, format!("gave up after {attempts} attempts: {error}"), works)
            }
        }
    }

    /// What follows when the subscription has ended during the attempt: nothing is tried again.
    pub(super) fn in_the_end(self, call: &Call) -> Self {
        let goes_on = matches!(self.settlement, Settlement::Retry { .. } | Settlement::ToDeadLetter { .. });
        // The endpoint is still to be told that the subscription has ended.
        let is_farewell = matches!(call.delivery.dispatch.kind, NotificationKind::UnsubscribeConfirmation { .. });
        if goes_on && !is_farewell { Self::discarded("the subscription has ended") } else { self }
    }

    /// For a delivery of a subscription that is gone.
    pub(super) fn orphaned() -> Self {
        Self::discarded("the subscription no longer exists")
    }

    /// A published message goes to the dead-letter destination, if there is one and it has not just failed.
    fn given_up(subscription: &Subscription, call: &Call, reason: String, works: Option<bool>) -> Self {
        let reason = match call.delivery.stage {
            Stage::Endpoint => reason,
            Stage::DeadLetter => format!("the dead-letter destination did not take it: {reason}"),
        };
        let redriven = call.delivery.stage == Stage::Endpoint
            && subscription.dead_letters().is_some()
            && call.delivery.dispatch.kind == NotificationKind::Notification;
        if redriven {
            Self::new(Settlement::ToDeadLetter { reason }, Next::ToDeadLetter, works)
        } else {
            Self::new(Settlement::Dropped { reason: reason.clone() }, Next::Dropped { reason }, works)
        }
    }

    fn discarded(reason: &str) -> Self {
        Self::new(Settlement::Discarded, Next::Dropped { reason: reason.to_owned() }, None)
    }

    fn new(settlement: Settlement, next: Next, endpoint_works: Option<bool>) -> Self {
        Self { settlement, next, endpoint_works, quiet_until: None }
    }
}

impl Verdict {
    /// The attempt as it is told and logged; nothing when there was none.
    pub(super) fn attempt(&self, subscription: &Subscription, call: &Call) -> Option<Attempt> {
        let publication = &call.delivery.dispatch.publication;
        let (status, response, timing, failure) = match call.outcome.as_ref()? {
            Ok(receipt) => (receipt.status(), receipt.response(), receipt.timing(), None),
            Err(error) => {
                let failure = Failure { kind: error.kind(), disposition: error.disposition(), text: error.to_string() };
                (error.status(), error.response(), error.timing(), Some(failure))
            }
        };
        Some(Attempt {
            message_type: call.delivery.dispatch.kind.message_type(),
            message_id: publication.id().to_owned(),
            subscription: told_for(subscription, publication),
            protocol: stage_protocol(subscription, call.delivery.stage),
            endpoint: call.endpoint.to_string(),
            stage: call.delivery.stage,
            number: call.delivery.attempts + 1,
            accepted: publication.timestamp(),
            started: call.started,
            queued: call.queued,
            took: call.took,
            timing,
            status,
            response: response.map(str::to_owned),
            failure,
            next: self.next.clone(),
        })
    }
}

impl Engine {
    /// Tells observers, and then the waiting publisher, what came of an attempt.
    pub(super) fn tell(
        self: &Arc<Self>,
        subscription: &Subscription,
        call: &Call,
        verdict: Verdict,
        attempt: Option<Attempt>,
    ) {
        let is_published = call.delivery.dispatch.kind == NotificationKind::Notification;
        if attempt.is_none() && !is_published {
            // A request to confirm that nobody needs any more: nothing of a publisher's was given up.
            return;
        }
        let publication = &call.delivery.dispatch.publication;
        let (message_id, told_for) = (publication.id(), told_for(subscription, publication));
        let topic = self.observers.any().then(|| self.registry.topic(publication.topic()).ok()).flatten();
        self.observers.note(match &attempt {
            Some(attempt) => Step::Attempted { publication, attempt, topic: topic.as_deref() },
            None => Step::Dropped { publication, subscription: &told_for, cause: DropCause::Ended },
        });
        self.observers.tell(|| match attempt {
            Some(attempt) => Progress::Attempted(Box::new(attempt)),
            None => Progress::Dropped {
                message_id: message_id.to_owned(),
                subscription: told_for.clone(),
                reason: "the subscription has ended".to_owned(),
            },
        });
        if is_published && let Some(ending) = ending(call, verdict.next) {
            self.trackers.ended(message_id, subscription.id, &told_for, || ending);
        }
    }
}

fn ending(call: &Call, next: Next) -> Option<Ending> {
    match next {
        Next::Delivered => Some(Ending::Delivered { attempts: call.delivery.attempts + 1 }),
        Next::DeadLettered => Some(Ending::DeadLettered),
        Next::Dropped { reason } => Some(Ending::Dropped { reason }),
        Next::Retry { .. } | Next::ToDeadLetter => None,
    }
}

/// A refusal of one notification says that the endpoint is there and works.
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
        _ => subscription.protocol().clone(),
    }
}
