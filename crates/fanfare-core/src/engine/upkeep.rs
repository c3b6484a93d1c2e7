//! What operators do: pause, resume, redrive, and ask why a message did not arrive.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{DropCause, Engine, Fanfare};
use crate::arn::SubscriptionArn;
use crate::attempt::Attempt;
use crate::error::SnsError;
use crate::filter::{Event, FilterReason, Verdict};
use crate::host::Timestamp;
use crate::notification::NotificationKind;
use crate::publication::Publication;
use crate::registry::refusal;
use crate::store::{Dead, Delivery, LaneCounts, MessageState, StoredMessage};
use crate::subscription::{Subscription, SubscriptionState};

/// How many messages or deliveries are handled at a time.
pub(super) const PAGE: NonZeroUsize = NonZeroUsize::new(1000).expect("1000 is not zero");

/// Why a message did or did not arrive at a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// How it stands.
    pub standing: Standing,
    /// The attempts that are still in the log, the oldest first.
    pub attempts: Vec<Attempt>,
}

/// How a message stands at a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing {
    /// It was delivered.
    Delivered,
    /// It waits for an attempt, or is in one.
    Pending {
        /// When it is or was due.
        due: Timestamp,
        /// Whether the subscription is paused.
        paused: bool,
    },
    /// It was given up, and is at the dead-letter destination or can be redriven.
    Dead(Dead),
    /// The filter policy, as it is now, leaves it out.
    FilteredOut {
        /// Why, as a class.
        reason: FilterReason,
        /// Why, in words.
        because: String,
    },
    /// The subscription was not confirmed when it was last looked at, so it gets nothing.
    NotConfirmed,
    /// The subscription was made after the message was accepted.
    SubscribedLater {
        /// When it was made.
        made: Timestamp,
    },
    /// The message was published to another topic.
    OtherTopic,
    /// Nothing is known of it any more: it was never accepted, it is too old, or the subscription was confirmed later.
    Unknown,
}

impl Fanfare {
    /// Stops deliveries to a subscription; what is published waits.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn pause(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        self.engine.registry.change(subscription, |subscription| subscription.paused = true).await.map(drop)
    }

    /// Delivers to a paused subscription again, beginning with what has waited.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn resume(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        let (engine, subscription) = (Arc::clone(&self.engine), subscription.clone());
        self.engine
            .carried(async move {
                let resumed = engine.registry.change(&subscription, |known| known.paused = false).await?;
                engine.wake(resumed.id);
                Ok(())
            })
            .await
    }

    /// The subscription's dead letters, the oldest first, at most `max`: what went to its dead-letter destination, and what
    /// was given up where there is none.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn dead_letters(&self, subscription: &SubscriptionArn, max: NonZeroUsize) -> Result<Vec<Dead>, SnsError> {
        let subscription = self.subscription(subscription)?;
        self.engine.store.dead_letters(subscription.id, max).await.map_err(|error| refusal(&error))
    }

    /// Puts the subscription's dead letters back on it, as if they were new, and answers how many there were.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn redrive(&self, subscription: &SubscriptionArn) -> Result<u64, SnsError> {
        self.engine.open_for_changes()?;
        let lane = self.subscription(subscription)?.id;
        let engine = Arc::clone(&self.engine);
        self.engine
            .carried(async move {
                let count = engine.store.redrive(lane, engine.steady.now()).await.map_err(|error| refusal(&error))?;
                engine.wake(lane);
                Ok(count)
            })
            .await
    }

    /// Confirms a pending subscription without its token: the operator vouches for the endpoint. Again is no error.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn confirm_unasked(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        // Not one whose time has passed.
        self.subscription(subscription)?;
        let (engine, subscription) = (Arc::clone(&self.engine), subscription.clone());
        self.engine
            .carried(async move {
                let confirm = |known: &mut Subscription| known.state = SubscriptionState::Confirmed;
                let confirmed = engine.registry.change(&subscription, confirm).await?;
                engine.wake(confirmed.id);
                Ok(())
            })
            .await
    }

    /// How much waits for a subscription, and how many dead letters it has.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn lane_counts(&self, subscription: &SubscriptionArn) -> Result<LaneCounts, SnsError> {
        let lane = self.subscription(subscription)?.id;
        self.engine.store.lane_counts(lane).await.map_err(|error| refusal(&error))
    }

    /// A message that is still known; nothing when it was never accepted or is forgotten.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn message(&self, message_id: &str) -> Result<Option<Publication>, SnsError> {
        let stored = self.engine.store.message(message_id).await.map_err(|error| refusal(&error))?;
        let published = stored.filter(|stored| stored.dispatch.kind == NotificationKind::Notification);
        Ok(published.map(|stored| stored.dispatch.publication))
    }

    /// The latest logged attempts for a subscription, the newest first, at most `max`.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn latest_attempts(
        &self,
        subscription: &SubscriptionArn,
        max: NonZeroUsize,
    ) -> Result<Vec<Attempt>, SnsError> {
        self.subscription(subscription)?;
        self.engine.store.latest_attempts(subscription, max).await.map_err(|error| refusal(&error))
    }

    /// Logged attempts for a message, the oldest first; with a subscription, only those for it.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn attempts(
        &self,
        message_id: &str,
        subscription: Option<&SubscriptionArn>,
    ) -> Result<Vec<Attempt>, SnsError> {
        self.engine.store.attempts(message_id, subscription).await.map_err(|error| refusal(&error))
    }

    /// Why a message did or did not arrive at a subscription.
    ///
    /// # Errors
    /// `NotFound` for the subscription; `InternalError` when the store does not work.
    pub async fn why(&self, message_id: &str, subscription: &SubscriptionArn) -> Result<Explanation, SnsError> {
        let known = self.subscription(subscription)?;
        let attempts = self.attempts(message_id, Some(subscription)).await?;
        let standing = self.engine.standing(message_id, &known, &attempts).await?;
        Ok(Explanation { standing, attempts })
    }
}

impl Engine {
    async fn standing(
        &self,
        message_id: &str,
        subscription: &Subscription,
        attempts: &[Attempt],
    ) -> Result<Standing, SnsError> {
        let stored = self.store.message(message_id).await.map_err(|error| refusal(&error))?;
        let delivered = attempts.last().is_some_and(|last| last.next == crate::attempt::Next::Delivered);
        let Some(stored) = stored else {
            return Ok(if delivered { Standing::Delivered } else { Standing::Unknown });
        };
        if *stored.dispatch.publication.topic() != subscription.topic() {
            return Ok(Standing::OtherTopic);
        }
        let state = self.store.state(subscription.id, stored.number).await.map_err(|error| refusal(&error))?;
        Ok(match state {
            MessageState::Pending { due } => Standing::Pending { due, paused: subscription.paused },
            MessageState::Dead(dead) => Standing::Dead(dead),
            MessageState::Absent if delivered => Standing::Delivered,
            MessageState::Absent => absent(subscription, &stored),
        })
    }

    /// Gives up everything that waits for a subscription that has ended, and tells. What the store does not give up now, the
    /// lane gives up later.
    pub(super) async fn give_up_waiting(self: &Arc<Self>, subscription: &Subscription, reason: &str) {
        loop {
            match self.store.clear(subscription.id, PAGE).await {
                Ok(cleared) if cleared.is_empty() => break,
                Ok(cleared) => {
                    let published = |d: &Delivery| d.dispatch.kind == NotificationKind::Notification;
                    for delivery in cleared.into_iter().filter(published) {
                        self.tell_dropped(&delivery.dispatch.publication, subscription, DropCause::Ended, reason);
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "what waits for an ended subscription is given up one by one");
                    break;
                }
            }
        }
        self.wake(subscription.id);
    }
}

/// Why there is no delivery of a message that is still known.
fn absent(subscription: &Subscription, stored: &StoredMessage) -> Standing {
    if subscription.state != SubscriptionState::Confirmed {
        return Standing::NotConfirmed;
    }
    let made = subscription.id.made();
    if made > stored.dispatch.publication.timestamp() {
        return Standing::SubscribedLater { made };
    }
    match judge(subscription, stored) {
        Some((reason, because)) => Standing::FilteredOut { reason, because },
        None => Standing::Unknown,
    }
}

pub(super) fn wants(subscription: &Subscription, stored: &StoredMessage) -> bool {
    judge(subscription, stored).is_none()
}

/// What the filter policy has against a message; nothing when it wants it.
fn judge(subscription: &Subscription, stored: &StoredMessage) -> Option<(FilterReason, String)> {
    let policy = subscription.filter_policy()?;
    let message = stored.dispatch.publication.message();
    let text = message.text_at(message.select_for(subscription.protocol(), subscription.destination().address_text()));
    let text = std::str::from_utf8(text).expect("a text is made from a String");
    let event = Event::new(message.attributes(), text);
    match policy.matches(&event) {
        Verdict::Match => None,
        Verdict::FilteredOut(reason) => Some((reason, policy.explain(&event).unwrap_or_default())),
    }
}
