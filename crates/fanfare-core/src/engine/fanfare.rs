//! The door of the engine: its handle, its topics, its end. Subscribing and publishing have files of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::task::JoinSet;

use super::direct::Direct;
use super::lanes::Lanes;
use super::progress::{Observers, Progress, Watch};
use super::report::{Ending, Trackers};
use super::rest::Lull;
use super::settings::FanfareBuilder;
use super::settling::Settling;
use super::steady::Steady;
use super::subscribing::ENDED_FOR;
use super::threads::Threads;
use super::timer::Timer;
use super::{Activity, DropCause, Engine, Step, timer};
use crate::arn::{Owner, TopicArn, TopicName};
use crate::documents::Documents;
use crate::error::{SnsError, SnsErrorCode};
use crate::publication::Publication;
use crate::registry::{Registry, SubscriptionCounts, refusal};
use crate::store::{Counters, Store, StoreError};
use crate::subscription::Subscription;
use crate::topic::{Topic, TopicSettings};

/// From how many subscriptions of a deleted topic at a time what waits is given up.
const GIVEN_UP_TOGETHER: usize = 256;

/// Publishes messages to topics, and brings them to every subscriber.
///
/// Clones share one engine. When the last one is dropped, attempts that are under way are cut off; [`Fanfare::close`]
/// waits for them.
///
/// ```
/// use std::sync::Arc;
/// use fanfare_core::{Fanfare, Message, Subscribe};
/// # use fanfare_testkit::endpoints::ScriptedEndpoint;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// let fanfare = Fanfare::in_memory();
/// let topic = fanfare.create_topic("orders").await?;
/// # let endpoint = Arc::new(ScriptedEndpoint::new());
/// fanfare.subscribe(&topic, Subscribe::endpoint(endpoint)).await?;
///
/// let published = fanfare.publish(&topic, Message::text("a parcel left the house")?).await?;
/// assert_eq!(published.settled().await.delivered(), 1);
/// # Ok::<(), fanfare_core::SnsError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Fanfare {
    pub(super) engine: Arc<Engine>,
    pub(super) running: Arc<Running>,
}

/// What goes on for as long as there is a handle of the engine.
#[derive(Debug)]
pub(super) struct Running {
    engine: Arc<Engine>,
    /// The timer and the lanes. The engine itself holds them weakly, so that they end with the last handle.
    tasks: Arc<Mutex<JoinSet<()>>>,
    #[allow(dead_code, reason = "its threads end with it")]
    threads: Threads,
}

impl Drop for Running {
    /// Nobody shall wait for what will not happen any more.
    fn drop(&mut self) {
        self.engine.lanes.close();
        self.engine.trackers.close();
    }
}

impl Fanfare {
    /// An engine that keeps everything in memory and knows no addresses: endpoints of the program's own alone.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn in_memory() -> Self {
        Self::builder().open()
    }

    /// Sets an engine up.
    pub fn builder() -> FanfareBuilder {
        FanfareBuilder::default()
    }

    pub(super) fn start(
        builder: FanfareBuilder,
        store: Arc<dyn Store>,
        registry: Registry,
        documents: Documents,
    ) -> Self {
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let threads = builder.settings.delivery_threads.map(Threads::start).unwrap_or_default();
        let engine = Arc::new(Engine {
            steady: Steady::new(Arc::clone(&builder.host)),
            host: builder.host,
            store,
            direct: Direct::new(&builder.connectors),
            connectors: builder.connectors,
            registry: Arc::new(registry),
            documents,
            lanes: Lanes::new(builder.settings.lanes_at_work, Arc::downgrade(&tasks), &threads),
            settling: Settling::default(),
            settings: builder.settings,
            observers: Observers::new(builder.observers),
            trackers: Trackers::default(),
            timer: Timer::default(),
            lull: Lull::default(),
        });
        tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(timer::run(Arc::clone(&engine)));
        let running = Arc::new(Running { engine: Arc::clone(&engine), tasks, threads });
        Self { engine, running }
    }

    /// Comes back to what the store has waiting, and to replays that were cut off.
    pub(super) async fn resume_waiting(&self) -> Result<(), StoreError> {
        for (lane, due) in self.engine.store.waiting().await? {
            self.engine.timer.set(lane, due);
        }
        self.engine.replay_again();
        Ok(())
    }

    /// Makes a topic with Amazon SNS's default settings, or finds the one that is there.
    ///
    /// # Errors
    /// `InvalidParameter` for a name that Amazon SNS does not allow.
    pub async fn create_topic(&self, name: &str) -> Result<TopicArn, SnsError> {
        self.create_topic_with(name, TopicSettings::new()).await
    }

    /// Makes a topic, or finds the one that is there if `settings` are the default or the same.
    ///
    /// # Errors
    /// `InvalidParameter` for a name that Amazon SNS does not allow, or when the topic is there with other settings;
    /// `TopicLimitExceeded`.
    pub async fn create_topic_with(&self, name: &str, settings: TopicSettings) -> Result<TopicArn, SnsError> {
        self.create_topic_of(&self.engine.settings.owner, name, settings).await
    }

    /// As [`Fanfare::create_topic_with`], for an owner of one's choice.
    ///
    /// # Errors
    /// As [`Fanfare::create_topic_with`].
    pub async fn create_topic_of(
        &self,
        owner: &Owner,
        name: &str,
        settings: TopicSettings,
    ) -> Result<TopicArn, SnsError> {
        let arn = TopicArn::new(owner, &TopicName::parse(name)?);
        self.engine.open_for_changes()?;
        let made = self.engine.host.now();
        let room = |known| self.engine.check_room_for_topic(&arn, known);
        self.engine.registry.create_topic(arn.clone(), made, settings, room).await?;
        Ok(arn)
    }

    /// Gives a topic other settings, which hold from now on; HTTP subscriptions follow a new delivery policy at once.
    ///
    /// # Errors
    /// `NotFound`; `InternalError` when the store does not work.
    pub async fn change_topic(&self, topic: &TopicArn, settings: TopicSettings) -> Result<(), SnsError> {
        self.update_topic(topic, |_| Ok(settings)).await
    }

    /// Gives a topic the settings that `change` makes of it as it stands, which hold from now on. Between the look at it and
    /// the change nothing else changes it; `change` is called at most once, and not when there is no such topic.
    ///
    /// # Errors
    /// `NotFound`; what `change` answers; `InternalError` when the store does not work.
    pub async fn update_topic<E: From<SnsError>>(
        &self,
        topic: &TopicArn,
        change: impl FnOnce(&Topic) -> Result<TopicSettings, E>,
    ) -> Result<(), E> {
        self.engine.open_for_changes()?;
        self.engine.registry.update_topic(topic, change).await
    }

    /// Forgets a topic with its subscriptions. What waits for them is given up. An unknown topic is no error.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn delete_topic(&self, topic: &TopicArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        let expires = self.engine.host.now() + ENDED_FOR;
        let ended = self.engine.registry.delete_topic(topic, expires).await?;
        let (engine, topic) = (Arc::clone(&self.engine), topic.clone());
        self.engine
            .carried(async move {
                // Many at a time, so that the store does it together.
                let given_up = ended.into_iter().map(|subscription| {
                    let engine = &engine;
                    async move { engine.give_up_waiting(&subscription, "the topic was deleted").await }
                });
                stream::iter(given_up).buffer_unordered(GIVEN_UP_TOGETHER).collect::<()>().await;
                engine.store.drop_archive(&topic).await.map_err(|error| refusal(&error))
            })
            .await
    }

    /// The topic as it stands.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn topic(&self, arn: &TopicArn) -> Result<Arc<Topic>, SnsError> {
        self.engine.registry.topic(arn)
    }

    /// Every topic, by ARN.
    pub fn topics(&self) -> Vec<Arc<Topic>> {
        self.engine.registry.topics()
    }

    /// The next topics of `owner` after that one, by ARN, at most `max`.
    pub fn topics_page(&self, owner: &Owner, after: Option<&TopicArn>, max: usize) -> Vec<Arc<Topic>> {
        self.engine.registry.topics_page(owner, after, max)
    }

    /// How many subscriptions of a topic stand where, without looking at each.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn subscription_counts(&self, topic: &TopicArn) -> Result<SubscriptionCounts, SnsError> {
        self.engine.registry.counts(topic)
    }

    /// How many subscriptions of all topics stand where.
    pub fn subscription_totals(&self) -> SubscriptionCounts {
        self.engine.registry.totals()
    }

    /// What programs keep beside topics and subscriptions.
    pub fn documents(&self) -> &Documents {
        &self.engine.documents
    }

    /// Watches what happens from now on, as far as the watcher keeps up; an [`Observer`](super::Observer) misses nothing: attempts, notifications filtered out, notifications given up.
    pub fn watch(&self) -> Watch {
        self.engine.observers.watch()
    }

    /// What the engine is at.
    pub fn activity(&self) -> Activity {
        self.engine.lanes.activity()
    }

    /// Whether the engine is closing: it accepts nothing any more.
    pub fn is_closing(&self) -> bool {
        self.engine.lanes.closing()
    }

    /// How many deliveries stand where.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn counters(&self) -> Result<Counters, SnsError> {
        self.engine.store.counters().await.map_err(|error| refusal(&error))
    }

    /// As [`Fanfare::close`], and cuts off attempts that are under way after `limit`. They are made again after the next
    /// start, if the store outlives the program.
    pub async fn close_within(self, limit: Duration) {
        let host = Arc::clone(&self.engine.host);
        // What is cut off here takes its tasks along, which ends the attempts.
        tokio::select! {
            () = self.close() => {}
            () = host.sleep(limit) => {}
        }
    }

    /// Stops: nothing is accepted and no further attempt begins, and attempts that are under way are waited for, each up to
    /// its limit. Waiting deliveries stay in the store, and who waits for them is told that they are pending. A store on
    /// disk can be opened again when this has ended; after a mere drop, some time later.
    pub async fn close(self) {
        self.engine.lanes.close();
        self.engine.timer.interrupt();
        loop {
            let mut tasks = std::mem::take(&mut *self.running.tasks.lock().unwrap_or_else(PoisonError::into_inner));
            // Lanes that end leave something to settle.
            if tasks.is_empty() {
                break;
            }
            while tasks.join_next().await.is_some() {}
        }
        self.engine.trackers.close();
    }
}

impl Engine {
    /// Does `work` to its end, whatever becomes of the caller: what the store was told, the lanes are told too.
    pub(super) async fn carried<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, SnsError>> + Send + 'static,
    ) -> Result<T, SnsError> {
        let cut_off = |_| SnsError::new(SnsErrorCode::InternalError, "it was cut off: the engine is closing");
        self.lanes.runtime().spawn(work).await.map_err(cut_off)?
    }

    /// Refuses when the engine closes.
    pub(super) fn open_for_changes(&self) -> Result<(), SnsError> {
        if self.lanes.closing() {
            return Err(SnsError::new(SnsErrorCode::InternalError, "nothing was accepted: the engine is closing"));
        }
        Ok(())
    }

    /// Tells observers and the waiting publisher of a notification that was given up without an attempt.
    pub(super) fn tell_dropped(
        &self,
        publication: &Publication,
        subscription: &Subscription,
        cause: DropCause,
        reason: &str,
    ) {
        let message_id = publication.id();
        self.observers.note(Step::Dropped { publication, subscription: subscription.arn(), cause });
        self.observers.tell(|| Progress::Dropped {
            message_id: message_id.to_owned(),
            subscription: subscription.arn().clone(),
            reason: reason.to_owned(),
        });
        let ending = || Ending::Dropped { reason: reason.to_owned() };
        self.trackers.ended(message_id, subscription.id, subscription.arn(), ending);
    }
}
