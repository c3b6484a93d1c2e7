//! Replays: archived messages are delivered to a subscription again.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::upkeep::{PAGE, wants};
use super::{Engine, Fanfare};
use crate::arn::{SubscriptionArn, TopicArn};
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::registry::refusal;
use crate::store::Range;
use crate::subscription::{Replay, ReplayStatus, Subscription};

impl Fanfare {
    /// Delivers archived messages again that the topic accepted from `from` on: those that the subscription's filter policy
    /// wants, marked with the attribute `Replayed` (`ReplayPolicy`). Answers how many there are, once all of them wait for their
    /// attempts.
    ///
    /// Without an end, it goes on to what is published now. With one, that is the last moment, and the subscription gets
    /// nothing new until it is replayed without an end. A replay takes the place of one that is under way, and one that was cut
    /// off by the end of the program begins again with the next start.
    ///
    /// # Errors
    /// `NotFound`; `InvalidParameter` when the topic keeps no archive or `to` is before `from`; `InternalError` when the store
    /// does not work.
    pub async fn replay(
        &self,
        subscription: &SubscriptionArn,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<u64, SnsError> {
        let replay = self.begin(subscription, from, to).await?;
        self.engine.carried(Arc::clone(&self.engine).replay(subscription.clone(), replay)).await
    }

    /// Whether the topic's messages between these moments can be replayed at all, to whichever subscription.
    ///
    /// # Errors
    /// `NotFound`; `InvalidParameter` when the topic keeps no archive or `to` is before `from`.
    pub fn check_replay(&self, topic: &TopicArn, from: Timestamp, to: Option<Timestamp>) -> Result<(), SnsError> {
        if self.engine.registry.topic(topic)?.archive_period().is_none() {
            return Err(SnsError::invalid_parameter("ReplayPolicy Reason: the topic has no ArchivePolicy"));
        }
        if to.is_some_and(|to| to < from) {
            return Err(SnsError::invalid_parameter("ReplayPolicy Reason: EndingPoint is before StartingPoint"));
        }
        Ok(())
    }

    /// As [`Fanfare::replay`], and answers as soon as the replay is sure to happen. [`Subscription::replay`] tells how it goes.
    ///
    /// # Errors
    /// As [`Fanfare::replay`].
    pub async fn start_replay(
        &self,
        subscription: &SubscriptionArn,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<(), SnsError> {
        let replay = self.begin(subscription, from, to).await?;
        self.engine.replay_beside(subscription.clone(), replay);
        Ok(())
    }

    /// Ends a replay, and lets the subscription get what is published from now on.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn end_replay(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        let end = |known: &mut Subscription| (known.replay, known.stopped_after) = (None, None);
        self.engine.registry.change(subscription, end).await.map(drop)
    }

    /// When the oldest message was accepted that the topic can replay (`BeginningArchiveTime`).
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn archive_begins(&self, topic: &TopicArn) -> Result<Option<Timestamp>, SnsError> {
        let range = Range { topic: topic.clone(), from: Timestamp::EPOCH, to: None };
        let oldest = self.engine.store.archived(&range, 0, NonZeroUsize::MIN).await.map_err(|error| refusal(&error))?;
        Ok(oldest.first().map(|stored| stored.dispatch.publication.timestamp()))
    }

    /// Has the subscription wait for a replay, and stop after its end.
    async fn begin(
        &self,
        subscription: &SubscriptionArn,
        from: Timestamp,
        to: Option<Timestamp>,
    ) -> Result<Replay, SnsError> {
        self.engine.open_for_changes()?;
        self.check_replay(&subscription.topic(), from, to)?;
        let replay = Replay { from, to, begun: self.engine.host.now(), status: ReplayStatus::InProgress };
        let begin = |known: &mut Subscription| (known.replay, known.stopped_after) = (Some(replay), to);
        self.engine.registry.change(subscription, begin).await?;
        Ok(replay)
    }
}

impl Engine {
    /// Goes on with the replays that the last run did not get through with.
    pub(super) fn replay_again(self: &Arc<Self>) {
        for (subscription, replay) in self.registry.replays() {
            self.replay_beside(subscription, replay);
        }
    }

    /// Replays while the caller does something else.
    fn replay_beside(self: &Arc<Self>, subscription: SubscriptionArn, replay: Replay) {
        let work = Arc::clone(self).replay(subscription.clone(), replay);
        self.lanes.runtime().spawn(async move {
            if let Err(error) = work.await {
                tracing::error!(%subscription, %error, "a replay failed");
            }
        });
    }

    async fn replay(self: Arc<Self>, subscription: SubscriptionArn, replay: Replay) -> Result<u64, SnsError> {
        let replayed = self.put_back(&subscription, replay).await;
        let status = if replayed.is_ok() { ReplayStatus::Completed } else { ReplayStatus::Failed };
        // Of another replay that took its place nothing is said.
        let told = self.registry.change(&subscription, |known| {
            if known.replay == Some(replay) {
                known.replay = Some(Replay { status, ..replay });
            }
        });
        let told = told.await;
        let count = replayed?;
        told.map(|_| count)
    }

    /// Puts archived messages back page by page, up to those that were accepted when it began: later ones come as new messages.
    async fn put_back(self: &Arc<Self>, subscription: &SubscriptionArn, replay: Replay) -> Result<u64, SnsError> {
        let to = Some(replay.to.unwrap_or(replay.begun));
        let range = Range { topic: subscription.topic(), from: replay.from, to };
        let (mut after, mut count) = (0, 0);
        loop {
            // One that has ended, or is replayed in another way by now, gets no more of this.
            let Some(known) = self.registry.by_arn(subscription).filter(|known| known.replay == Some(replay)) else {
                return Ok(count);
            };
            let page = self.store.archived(&range, after, PAGE).await.map_err(|error| refusal(&error))?;
            let Some(last) = page.last() else { return Ok(count) };
            after = last.number;
            let wanted: Vec<_> = page.iter().filter(|stored| wants(&known, stored)).map(|s| s.number).collect();
            count += wanted.len() as u64;
            self.store.replay(known.id, self.steady.now(), &wanted).await.map_err(|error| refusal(&error))?;
            self.wake(known.id);
        }
    }
}
