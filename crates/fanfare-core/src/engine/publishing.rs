//! Publishing, and what its caller holds on to.

use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::join_all;

use super::fanout::{Explain, FanOut, fan_out, in_words};
use super::progress::Progress;
use super::report::{Report, Tracker};
use super::{DropCause, Engine, Fanfare, Step, dedup};
use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::host::{Timestamp, new_uuid};
use crate::message::Message;
use crate::notification::NotificationKind;
use crate::publication::Publication;
use crate::registry::{Audience, refusal};
use crate::store::{Appended, Dispatch, Entry, StoreErrorKind};
use crate::subscription::SubscriptionId;
use crate::topic::Topic;

impl Fanfare {
    /// Publishes `message` to everybody who is subscribed to `topic` and wants it. When this answers, the store keeps the
    /// message; what becomes of it can be awaited with [`Published::settled`] or watched with [`Fanfare::watch`].
    ///
    /// A message that repeats one of the last five minutes, where the topic recognises that, is answered with the ids of the
    /// first one, and nobody gets it again.
    ///
    /// # Errors
    /// `NotFound` for the topic; `InvalidParameter` for a message that is larger than the topic allows, lacks the ids that a
    /// FIFO topic asks for, or has one that the topic does not take; `Throttled` when the store is full; `InternalError` when
    /// it does not work. Nothing is accepted then.
    pub async fn publish(&self, topic: &TopicArn, message: Message) -> Result<Published, SnsError> {
        let mut published = self.publish_all(topic, vec![message]).await?;
        published.pop().expect("one message has one outcome")
    }

    /// Publishes several messages, the store keeping them together as far as it can, in their order. Answers what came of each:
    /// one that is refused does not stop the others.
    ///
    /// # Errors
    /// `NotFound` for the topic, and nothing is accepted then; for each message as [`Fanfare::publish`].
    pub async fn publish_all(
        &self,
        topic: &TopicArn,
        messages: Vec<Message>,
    ) -> Result<Vec<Result<Published, SnsError>>, SnsError> {
        self.publish_each(topic, messages, None).await
    }

    /// As [`Fanfare::publish`], for a message that may be handed over again: for as long as `window`, another one with the same
    /// `key` on the topic is answered with the ids of the first one, and nobody gets it. By what the topic recognises repeated
    /// messages itself does not count then.
    ///
    /// # Errors
    /// As [`Fanfare::publish`].
    pub async fn publish_once(
        &self,
        topic: &TopicArn,
        message: Message,
        key: &str,
        window: Duration,
    ) -> Result<Published, SnsError> {
        let mut published = self.publish_each(topic, vec![message], Some((key, window))).await?;
        published.pop().expect("one message has one outcome")
    }

    async fn publish_each(
        &self,
        topic: &TopicArn,
        messages: Vec<Message>,
        once: Option<(&str, Duration)>,
    ) -> Result<Vec<Result<Published, SnsError>>, SnsError> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        let (topic, audience) = engine.registry.audience(topic)?;
        let mut published = Vec::with_capacity(messages.len());
        let mut work = Vec::with_capacity(messages.len());
        for message in messages {
            let prepared = engine.prepare(message, &topic, &audience, once).map(|(promise, acceptance)| {
                work.push(acceptance);
                promise
            });
            published.push(prepared);
        }
        // All of them begin before the first one ends, in their order.
        let appended = engine.carried(async move { Ok(join_all(work).await) }).await?;
        let mut appended = appended.into_iter();
        let outcomes = published.into_iter().map(|promise| {
            let mut published = promise?;
            match appended.next().expect("each message that was prepared has an outcome")? {
                Appended::Accepted { number, .. } => published.number(&topic, number),
                Appended::Duplicate { message_id, number } => {
                    published = published.repeated(&topic, message_id, number)
                }
            }
            Ok(published)
        });
        Ok(outcomes.collect())
    }
}

/// A message that was accepted.
#[derive(Debug)]
pub struct Published {
    message_id: String,
    sequence_number: Option<String>,
    tracker: Arc<Tracker>,
    engine: Weak<Engine>,
}

impl Published {
    /// The id under which every subscriber gets the message; of a repeated message, that of the first.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// The place of the message in its FIFO topic, in decimal digits; of a repeated message, that of the first.
    pub fn sequence_number(&self) -> Option<&str> {
        self.sequence_number.as_deref()
    }

    /// Waits until the message has ended at every subscription that wanted it: delivered, dead-lettered or given up. With
    /// Amazon SNS's schedules that can take 23 days. When the engine closes before that, the report counts what is
    /// pending; a repeated message ends nowhere.
    pub async fn settled(&self) -> Report {
        self.tracker.settled().await
    }

    /// A message that will end at `subscriptions`, in the order of their ids, which begins to be tracked.
    pub(super) fn tracked(engine: &Arc<Engine>, message_id: String, subscriptions: Vec<SubscriptionId>) -> Self {
        let tracker = engine.trackers.track(&message_id);
        tracker.expect(subscriptions);
        Self { message_id, sequence_number: None, tracker, engine: Arc::downgrade(engine) }
    }

    fn number(&mut self, topic: &Topic, number: u64) {
        self.sequence_number = topic.arn().is_fifo().then(|| Publication::sequence_number_of(number));
    }

    /// The answer for a message that was there before.
    fn repeated(mut self, topic: &Topic, message_id: String, number: u64) -> Self {
        self.number(topic, number);
        self.tracker.expect(Vec::new());
        if let Some(engine) = self.engine.upgrade() {
            engine.trackers.forget(&self.message_id);
        }
        // From here on there is nothing to forget: another answer may hold the first message.
        self.engine = Weak::new();
        self.message_id = message_id;
        self
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        if let Some(engine) = self.engine.upgrade() {
            engine.trackers.forget(&self.message_id);
        }
    }
}

impl Engine {
    /// What is promised to the publisher of a message, and the work that keeps the promise.
    fn prepare(
        self: &Arc<Self>,
        message: Message,
        topic: &Topic,
        audience: &Audience,
        once: Option<(&str, Duration)>,
    ) -> Result<(Published, impl Future<Output = Result<Appended, SnsError>> + Send + 'static + use<>), SnsError> {
        if message.size() > topic.maximum_message_size() {
            return Err(SnsError::invalid_parameter("Message too long"));
        }
        let mut message = dedup::identified(message, topic)?;
        if topic.arn().is_fifo() && message.trace().xray_header().is_some() {
            let trace = message.trace().clone().without_xray();
            message = message.traced(trace);
        }
        let mut fan_out = fan_out(&message, audience, &self.registry);
        let explain = if self.observers.watched() { Explain::InWords } else { Explain::No };
        if explain == Explain::InWords && fan_out.filtered_out.total() > 0 {
            fan_out.in_words = in_words(&message, topic.arn(), &self.registry, &fan_out.matched);
        }
        let (id, now) = (new_uuid(self.host.as_ref()), self.host.now());
        let mut entry = self.entry(&id, topic, message, now, &fan_out.matched);
        if let Some((key, window)) = once {
            entry.dedup = Some(dedup::by_key(key, window, topic, now));
        }
        let published = Published::tracked(self, id, fan_out.matched.clone());
        Ok((published, Arc::clone(self).accept(entry, fan_out)))
    }

    /// Has the store keep a message, tells who does not get it, and wakes the lanes of those who do.
    async fn accept(self: Arc<Self>, entry: Entry, fan_out: FanOut) -> Result<Appended, SnsError> {
        let FanOut { matched, filtered_out, in_words } = fan_out;
        let publication = entry.dispatch.publication.clone();
        self.foresee(&entry.dispatch, &matched);
        let appended = self.store.append(entry).await;
        // Also when it was refused: there may be something to forget that makes room.
        self.timer.stir();
        let appended = appended.map_err(|error| {
            if error.kind() == StoreErrorKind::Full {
                self.timer.sweep_soon();
            }
            refusal(&error)
        })?;
        let Appended::Accepted { refused, .. } = &appended else { return Ok(appended) };
        self.observers.note(Step::Published { publication: &publication, matched: matched.len() });
        for (reason, count) in filtered_out.iter() {
            self.observers.note(Step::FilteredOut { publication: &publication, reason, count });
        }
        self.trackers.filtered_out(publication.id(), filtered_out);
        for left_out in in_words {
            self.observers.tell(|| Progress::FilteredOut {
                message_id: publication.id().to_owned(),
                subscription: left_out.subscription,
                reason: left_out.reason,
                because: left_out.because,
            });
        }
        let refused: HashSet<_> = refused.iter().copied().collect();
        let (dropped, kept): (Vec<_>, _) = matched.into_iter().partition(|id| refused.contains(id));
        for subscription in dropped.into_iter().filter_map(|id| self.registry.by_id(id)) {
            let reason = "too many notifications wait for the subscription";
            self.tell_dropped(&publication, &subscription, DropCause::LaneFull, reason);
        }
        self.wake_all(kept);
        Ok(appended)
    }

    /// What is appended for a message of a publisher.
    fn entry(&self, id: &str, topic: &Topic, message: Message, now: Timestamp, matched: &[SubscriptionId]) -> Entry {
        let dedup = dedup::dedup(&message, topic, now);
        let mut publication =
            Publication::new(id, topic.arn().clone(), now, message).with_signature_version(topic.signature_version());
        if self.settings.attributes_beside_json_structure {
            publication = publication.with_attributes_beside_json_structure();
        }
        Entry {
            dispatch: Dispatch { kind: NotificationKind::Notification, publication },
            lanes: matched.to_vec(),
            dedup,
            archive_until: topic.archive_period().map(|period| now + period),
        }
    }
}
