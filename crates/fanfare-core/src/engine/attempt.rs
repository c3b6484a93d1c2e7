//! One attempt: open the endpoint, hand the notifications over, wait for the outcome within the limit.

use std::num::{NonZeroU32, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Engine;
use super::lane::receives;
use crate::batch::{Batch, Slot};
use crate::delivery::{DeliveryError, DeliveryErrorKind, Outcome};
use crate::endpoint::{Endpoint, Limits};
use crate::error::{SnsError, SnsErrorCode};
use crate::host::Timestamp;
use crate::notification::{Notification, NotificationKind};
use crate::store::{Delivery, Stage};
use crate::subscription::{Subscription, SubscriptionId, SubscriptionState};

/// What the engine allows beyond the limit that an endpoint states for itself.
const GRACE: Duration = Duration::from_secs(5);

/// What one round of attempts came to.
#[derive(Debug)]
pub(super) struct Attempted {
    /// The subscription as it stood when the round began; nothing when it was gone.
    pub(super) subscription: Option<Arc<Subscription>>,
    pub(super) calls: Vec<Call>,
}

/// One delivery and what its attempt came to.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) delivery: Delivery,
    /// The endpoint, for people.
    pub(super) endpoint: Arc<str>,
    pub(super) started: Timestamp,
    pub(super) queued: Duration,
    pub(super) took: Duration,
    /// Nothing when there was no attempt, because the subscription had ended, or was confirmed and need not be asked any more.
    pub(super) outcome: Option<Outcome>,
}

/// The endpoints of one lane, opened on first use.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    endpoint: OnceLock<Result<Opened, SnsError>>,
    dead_letters: OnceLock<Result<Opened, SnsError>>,
}

/// An endpoint and what it says of itself. It is asked once, where it cannot do harm by panicking.
#[derive(Debug)]
struct Opened {
    endpoint: Arc<dyn Endpoint>,
    name: Arc<str>,
    limits: Limits,
}

impl Endpoints {
    /// How many deliveries the endpoint takes in one call.
    pub(super) fn batch_size(&self, engine: &Engine, subscription: &Subscription) -> NonZeroUsize {
        match self.open(engine, subscription, Stage::Endpoint) {
            Ok(opened) => opened.limits.notifications,
            Err(_) => NonZeroUsize::MIN,
        }
    }

    /// How many notifications a second the endpoint asks for at the most.
    pub(super) fn rate(&self, engine: &Engine, subscription: &Subscription) -> Option<NonZeroU32> {
        self.open(engine, subscription, Stage::Endpoint).as_ref().ok().and_then(|opened| opened.limits.per_second)
    }

    fn open(&self, engine: &Engine, subscription: &Subscription, stage: Stage) -> &Result<Opened, SnsError> {
        let (slot, destination) = match stage {
            Stage::Endpoint => (&self.endpoint, Some(subscription.destination())),
            Stage::DeadLetter => (&self.dead_letters, subscription.dead_letters()),
        };
        slot.get_or_init(|| {
            let none = || SnsError::invalid_parameter("RedrivePolicy Reason: the subscription has none any more");
            let destination = destination.ok_or_else(none)?;
            let opened = catch_unwind(AssertUnwindSafe(|| {
                let endpoint = destination.open(&engine.connectors)?;
                Ok(Opened { name: endpoint.to_string().into(), limits: endpoint.limits(), endpoint })
            }));
            opened.unwrap_or_else(|_| Err(SnsError::new(SnsErrorCode::InternalError, "the endpoint's code panicked")))
        })
    }
}

/// Attempts `deliveries`, which the lane has taken.
pub(super) async fn make(
    engine: Arc<Engine>,
    id: SubscriptionId,
    endpoints: Arc<Endpoints>,
    deliveries: Vec<Delivery>,
) -> Attempted {
    let Some(subscription) = engine.lane(id) else {
        return Attempted { subscription: None, calls: skipped(&engine, deliveries) };
    };
    let mut calls = Vec::with_capacity(deliveries.len());
    let (wanted, late) = parted(deliveries, |delivery| is_wanted(&subscription, &delivery.dispatch.kind));
    calls.extend(skipped(&engine, late));
    let (direct, dead) = parted(wanted, |delivery| delivery.stage == Stage::Endpoint);
    for (stage, deliveries) in [(Stage::Endpoint, direct), (Stage::DeadLetter, dead)] {
        if deliveries.is_empty() {
            continue;
        }
        match endpoints.open(&engine, &subscription, stage) {
            Ok(opened) => call_in_batches(&engine, &subscription, opened, deliveries, &mut calls).await,
            Err(error) => calls.extend(refused(&engine, deliveries, error)),
        }
    }
    Attempted { subscription: Some(subscription), calls }
}

/// Those for which `is` holds, and the others; mostly it holds for all.
fn parted(deliveries: Vec<Delivery>, is: impl Fn(&Delivery) -> bool) -> (Vec<Delivery>, Vec<Delivery>) {
    match deliveries.iter().all(&is) {
        true => (deliveries, Vec::new()),
        false => deliveries.into_iter().partition(is),
    }
}

/// Whether a message of that kind is still of use to the subscription as it stands.
fn is_wanted(subscription: &Subscription, kind: &NotificationKind) -> bool {
    match kind {
        NotificationKind::Notification => receives(subscription),
        // Nobody has to confirm what was confirmed, or has ended.
        NotificationKind::SubscriptionConfirmation { .. } => {
            matches!(subscription.state(), SubscriptionState::Pending { .. })
        }
        NotificationKind::UnsubscribeConfirmation { .. } => true,
    }
}

/// Calls the endpoint as often as its limits ask for.
async fn call_in_batches(
    engine: &Engine,
    subscription: &Subscription,
    opened: &Opened,
    deliveries: Vec<Delivery>,
    calls: &mut Vec<Call>,
) {
    if deliveries.len() == 1 {
        return call(engine, subscription, opened, deliveries, calls).await;
    }
    let mut rest = deliveries.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(delivery) =
            rest.next_if(|next| batch.is_empty() || fits(&opened.limits, batch.len(), bytes, next))
        {
            bytes += delivery.dispatch.publication.message().size();
            batch.push(delivery);
        }
        call(engine, subscription, opened, batch, calls).await;
    }
}

fn fits(limits: &Limits, count: usize, bytes: usize, next: &Delivery) -> bool {
    count < limits.notifications.get()
        && bytes.saturating_add(next.dispatch.publication.message().size()) <= limits.bytes
}

/// One call, which ends within the engine's limit whatever the endpoint does.
async fn call(
    engine: &Engine,
    subscription: &Subscription,
    opened: &Opened,
    deliveries: Vec<Delivery>,
    calls: &mut Vec<Call>,
) {
    let mut slots: Vec<_> = deliveries.iter().map(|delivery| Slot::new(notification(subscription, delivery))).collect();
    let (started, began) = (engine.host.now(), engine.steady.now());
    let own_limit = opened.limits.attempt.map_or(Duration::ZERO, |limit| limit + GRACE);
    let limit = engine.settings.attempt_limit.max(own_limit);
    let mut batch = Batch::new(&mut slots);
    let unanswered = tokio::select! {
        // An answer that is there counts, however late it is looked at.
        biased;
        ended = AssertUnwindSafe(opened.endpoint.deliver_batch(&mut batch)).catch_unwind() => match ended {
            Ok(()) => (DeliveryErrorKind::Interrupted, "the endpoint left the notification unanswered".to_owned()),
            Err(_) => (DeliveryErrorKind::Panicked, "the endpoint's code panicked".to_owned()),
        },
        () = engine.host.sleep(limit) => {
            (DeliveryErrorKind::Timeout, format!("the endpoint did not end the attempt within {limit:?}"))
        }
    };
    let took = engine.steady.now().since(began);
    calls.extend(deliveries.into_iter().zip(slots).map(|(delivery, slot)| {
        let (kind, text) = &unanswered;
        let outcome = slot.into_outcome().unwrap_or_else(|| Err(DeliveryError::retry(*kind, text)));
        let endpoint = match delivery.dispatch.publication.recipient() {
            Some(address) => address.into(),
            None => Arc::clone(&opened.name),
        };
        let queued = began.since(delivery.due);
        Call { delivery, endpoint, started, queued, took, outcome: Some(outcome) }
    }));
}

/// The notification that `delivery` brings to its subscriber.
pub(super) fn notification(subscription: &Subscription, delivery: &Delivery) -> Notification {
    let mut publication = delivery.dispatch.publication.clone();
    if delivery.replayed {
        publication = publication.replayed();
    }
    let attempt = NonZeroU32::MIN.saturating_add(delivery.attempts);
    let kind = delivery.dispatch.kind.clone();
    // A request to confirm a new subscription does not name it.
    let named = !matches!(kind, NotificationKind::SubscriptionConfirmation { .. }) && publication.recipient().is_none();
    let notification = Notification::of_kind(kind, publication, "default")
        .for_address(subscription.protocol(), subscription.destination().address_text())
        .at_stage(delivery.stage)
        .as_attempt(attempt);
    if named { notification.in_form(Arc::clone(&subscription.form)) } else { notification }
}

/// Deliveries whose address cannot be opened any more: a setting was left out at the last start, say. They are tried again, so
/// that nothing is lost before somebody mends it.
fn refused(engine: &Engine, deliveries: Vec<Delivery>, error: &SnsError) -> impl Iterator<Item = Call> {
    let now = engine.host.now();
    let endpoint: Arc<str> = "an address that cannot be opened".into();
    deliveries.into_iter().map(move |delivery| {
        let context = "the address cannot be opened";
        let outcome = DeliveryError::retry(DeliveryErrorKind::Misconfigured, context).with_source(error.clone());
        Call { outcome: Some(Err(outcome)), ..untried(delivery, Arc::clone(&endpoint), now) }
    })
}

/// Deliveries that nobody wants any more.
fn skipped(engine: &Engine, deliveries: Vec<Delivery>) -> Vec<Call> {
    let now = engine.host.now();
    let nobody: Arc<str> = "".into();
    let call = |delivery| untried(delivery, Arc::clone(&nobody), now);
    deliveries.into_iter().map(call).collect()
}

/// A delivery for which nothing was done.
fn untried(delivery: Delivery, endpoint: Arc<str>, now: Timestamp) -> Call {
    let (queued, took) = (now.since(delivery.due), Duration::ZERO);
    Call { delivery, endpoint, started: now, queued, took, outcome: None }
}
