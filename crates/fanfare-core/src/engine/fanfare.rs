//! The door of the engine: topics, subscriptions, publishing.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::fanout::{Explain, FanOut, fan_out};
use super::lanes::Lanes;
use super::progress::{Observers, Progress, Watch};
use super::report::{Ending, Report, Tracker, Trackers};
use super::settings::FanfareBuilder;
use super::steady::Steady;
use super::timer::Timer;
use super::{Engine, dedup, timer};
use crate::arn::{SubscriptionArn, TopicArn, TopicName};
use crate::error::{SnsError, SnsErrorCode};
use crate::host::new_uuid;
use crate::message::Message;
use crate::notification::{Format, Notification, NotificationKind};
use crate::protocol::Protocol;
use crate::publication::Publication;
use crate::registry::{Names, Registry, refusal};
use crate::store::{Appended, Counters, Dispatch, Entry, Store, StoreError};
use crate::subscription::{
    Destination, Subscribe, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState,
};
use crate::topic::{Topic, TopicSettings};

/// Random bytes of a confirmation token, which are twice as many hexadecimal digits.
const TOKEN_BYTES: usize = 144;

/// How long an ended subscription is remembered at the least when nothing can restore it, for what is still under way to
/// it. Attempts may take that long.
const ENDED_FOR: Duration = Duration::from_secs(2 * 60 * 60);

/// How many subscriptions a FIFO topic may have.
const FIFO_SUBSCRIPTIONS_MAX: usize = 100;

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
    running: Arc<Running>,
}

/// What goes on for as long as there is a handle of the engine.
#[derive(Debug)]
struct Running {
    engine: Arc<Engine>,
    /// The timer and the lanes. The engine itself holds them weakly, so that they end with the last handle.
    tasks: Arc<Mutex<JoinSet<()>>>,
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

    pub(super) fn start(builder: FanfareBuilder, store: Arc<dyn Store>, registry: Registry) -> Self {
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let engine = Arc::new(Engine {
            steady: Steady::new(Arc::clone(&builder.host)),
            host: builder.host,
            store,
            connectors: builder.connectors,
            registry: Arc::new(registry),
            settings: builder.settings,
            lanes: Lanes::new(Arc::downgrade(&tasks), Handle::current()),
            observers: Observers::new(),
            trackers: Trackers::default(),
            timer: Timer::default(),
        });
        tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(timer::run(Arc::clone(&engine)));
        let running = Arc::new(Running { engine: Arc::clone(&engine), tasks });
        Self { engine, running }
    }

    /// Comes back to what the store has waiting.
    pub(super) async fn resume_waiting(&self) -> Result<(), StoreError> {
        for (lane, due) in self.engine.store.waiting().await? {
            self.engine.timer.set(lane, due);
        }
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
    /// `InvalidParameter` for a name that Amazon SNS does not allow, or when the topic is there with other settings.
    pub async fn create_topic_with(&self, name: &str, settings: TopicSettings) -> Result<TopicArn, SnsError> {
        let name = TopicName::parse(name)?;
        let owner = &self.engine.settings;
        let arn = TopicArn::new(&owner.region, &owner.account, &name);
        self.engine.open_for_changes()?;
        self.engine.registry.create_topic(arn.clone(), settings).await?;
        Ok(arn)
    }

    /// Forgets a topic with its subscriptions. What waits for them is given up. An unknown topic is no error.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn delete_topic(&self, topic: &TopicArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        let expires = self.engine.host.now() + ENDED_FOR;
        for subscription in self.engine.registry.delete_topic(topic, expires).await? {
            self.engine.give_up_waiting(&subscription, "the topic was deleted").await?;
        }
        self.engine.store.drop_archive(topic).await.map_err(|error| refusal(&error))
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

    /// Subscribes a destination to a topic. Subscribing the same destination again, with the same settings or without any,
    /// answers the subscription that is there; one that waits to be confirmed gets its confirmation message again.
    ///
    /// # Errors
    /// `NotFound` for the topic; `InvalidParameter` for an address or a setting that does not fit the protocol, or when the
    /// subscription is there with other settings; `Throttled` when there is no room to keep the confirmation message.
    pub async fn subscribe(&self, topic: &TopicArn, subscribe: Subscribe) -> Result<SubscriptionArn, SnsError> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        let Subscribe { destination, settings, confirmed } = subscribe;
        let protocol = destination.protocol();
        engine.check_for_topic_kind(topic, &protocol)?;
        check_for_protocol(&settings, &protocol)?;
        for destination in [Some(&destination), settings.dead_letters.as_ref()].into_iter().flatten() {
            engine.check_destination(destination)?;
        }
        let now = engine.host.now();
        engine.registry.expire(now).await?;
        let standing = if confirmed || !protocol.needs_confirmation() {
            SubscriptionState::Confirmed
        } else {
            SubscriptionState::Pending { expires: now + engine.settings.token_lifetime }
        };
        let token = self.new_token();
        let uuid = new_uuid(engine.host.as_ref());
        let names = Names { id: SubscriptionId::new(now, engine.random()), uuid: &uuid, token: &token };
        let subscribed = engine.registry.subscribe(topic, destination, settings, standing, &names).await?;
        if subscribed.confirm {
            let id = new_uuid(engine.host.as_ref());
            let request = Notification::subscription_confirmation(&id, topic.clone(), now, &token);
            engine.announce(&subscribed.subscription, &request).await?;
        }
        Ok(subscribed.subscription.arn().clone())
    }

    /// Confirms the subscription that `token` was sent for, or restores the one that ended. Again is no error.
    ///
    /// # Errors
    /// `InvalidParameter`: `Invalid token` when it is not made of hexadecimal digits, `Token` when it is unknown or too old,
    /// `Topic` when the topic is of another region or account; as in Amazon SNS, the topic's name does not count.
    pub async fn confirm_subscription(&self, topic: &TopicArn, token: &str) -> Result<SubscriptionArn, SnsError> {
        self.engine.open_for_changes()?;
        let settings = &self.engine.settings;
        if (topic.region(), topic.account()) != (&settings.region, &settings.account) {
            return Err(SnsError::invalid_parameter("Topic"));
        }
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SnsError::new(SnsErrorCode::InvalidParameter, "Invalid token"));
        }
        let now = self.engine.host.now();
        self.engine.registry.expire(now).await?;
        let confirmed = self.engine.registry.confirm(token, now).await?;
        // What waited while it was paused, or was put back while it had ended, can go on.
        self.engine.wake(confirmed.id);
        Ok(confirmed.arn().clone())
    }

    /// Ends a subscription. What waits for it is given up. An unknown subscription is no error.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn unsubscribe(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        let expires = self.engine.host.now() + ENDED_FOR;
        match self.engine.registry.end(subscription, None, expires).await? {
            Some(ended) => self.engine.give_up_waiting(&ended, "the subscription has ended").await,
            None => Ok(()),
        }
    }

    /// Ends a subscription at the wish of somebody who merely has its link: the endpoint is told, and gets a token that
    /// restores it.
    ///
    /// # Errors
    /// `InternalError` when the store does not work; `Throttled` when it has no room for the message to the endpoint, which
    /// is not told then: the subscription has ended all the same.
    pub async fn unsubscribe_by_link(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        let (now, token) = (engine.host.now(), self.new_token());
        let expires = now + engine.settings.token_lifetime;
        let Some(ended) = engine.registry.end(subscription, Some(&token), expires).await? else { return Ok(()) };
        engine.give_up_waiting(&ended, "the subscription has ended").await?;
        let id = new_uuid(engine.host.as_ref());
        let farewell = Notification::unsubscribe_confirmation(&id, subscription, now, &token);
        engine.announce(&ended, &farewell).await
    }

    /// The subscription as it stands.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn subscription(&self, arn: &SubscriptionArn) -> Result<Arc<Subscription>, SnsError> {
        let now = self.engine.host.now();
        let known =
            self.engine.registry.by_arn(arn).filter(|subscription| subscription.expires().is_none_or(|at| at > now));
        known.ok_or_else(|| SnsError::not_found("Subscription"))
    }

    /// The topic's subscriptions, in the order in which they were made.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Arc<Subscription>>, SnsError> {
        let now = self.engine.host.now();
        let mut subscriptions = self.engine.registry.subscriptions(topic)?;
        subscriptions.retain(|subscription| subscription.expires().is_none_or(|at| at > now));
        Ok(subscriptions)
    }

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
        let engine = &self.engine;
        engine.open_for_changes()?;
        let topic = engine.registry.topic(topic)?;
        if message.size() > topic.maximum_message_size() {
            return Err(SnsError::invalid_parameter("Message too long"));
        }
        let message = dedup::identified(message, &topic)?;
        let subscriptions = engine.registry.subscriptions(topic.arn())?;
        let explain = if engine.observers.listening() { Explain::InWords } else { Explain::No };
        let FanOut { matched, filtered_out } = fan_out(&message, subscriptions, explain);

        let (id, now) = (new_uuid(engine.host.as_ref()), engine.host.now());
        let entry = engine.entry(&id, &topic, message, now, &matched);
        let tracker = engine.trackers.track(&id);
        let mut published =
            Published { message_id: id, sequence_number: None, tracker, engine: Arc::downgrade(engine) };
        let (number, refused) = match engine.store.append(entry).await.map_err(|error| refusal(&error))? {
            Appended::Accepted { number, refused } => (number, refused),
            Appended::Duplicate { message_id, number } => return Ok(published.repeated(&topic, message_id, number)),
        };
        published.number(&topic, number);
        engine.timer.stir();

        published.tracker.expect(matched.len() + filtered_out.len());
        for left_out in filtered_out {
            let (arn, reason) = (left_out.subscription.arn().clone(), left_out.reason);
            engine.observers.tell(|| Progress::FilteredOut {
                message_id: published.message_id.clone(),
                subscription: arn.clone(),
                reason,
                because: left_out.because,
            });
            published.tracker.ended(arn, Ending::FilteredOut { reason });
        }
        for subscription in matched {
            if refused.contains(&subscription.id) {
                let reason = "too many notifications wait for the subscription";
                engine.tell_dropped(&published.message_id, &subscription, reason);
            } else {
                engine.wake(subscription.id);
            }
        }
        Ok(published)
    }

    /// Listens to what happens from now on: attempts, notifications filtered out, notifications given up.
    pub fn watch(&self) -> Watch {
        self.engine.observers.watch()
    }

    /// How many deliveries stand where.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn counters(&self) -> Result<Counters, SnsError> {
        self.engine.store.counters().await.map_err(|error| refusal(&error))
    }

    /// Stops: nothing is accepted and no further attempt begins, and attempts that are under way are waited for. Waiting
    /// deliveries stay in the store, and who waits for them is told that they are pending.
    pub async fn close(self) {
        self.engine.lanes.close();
        self.engine.timer.interrupt();
        let mut tasks = std::mem::take(&mut *self.running.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
        self.engine.trackers.close();
    }

    fn new_token(&self) -> Arc<str> {
        use std::fmt::Write as _;
        let mut bytes = [0; TOKEN_BYTES];
        self.engine.host.fill(&mut bytes);
        let mut token = String::with_capacity(2 * TOKEN_BYTES);
        for byte in bytes {
            write!(token, "{byte:02x}").expect("writing to a String does not fail");
        }
        token.into()
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

    /// Waits until the message has ended at every subscription: delivered, dead-lettered, given up or filtered out. With
    /// Amazon SNS's schedules that can take 23 days. When the engine closes before that, the report counts what is
    /// pending; a repeated message ends nowhere.
    pub async fn settled(&self) -> Report {
        self.tracker.settled().await
    }

    fn number(&mut self, topic: &Topic, number: u64) {
        self.sequence_number = topic.arn().is_fifo().then(|| Publication::sequence_number_of(number));
    }

    /// The answer for a message that was there before.
    fn repeated(mut self, topic: &Topic, message_id: String, number: u64) -> Self {
        self.number(topic, number);
        self.tracker.expect(0);
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
    /// Refuses when the engine closes.
    pub(super) fn open_for_changes(&self) -> Result<(), SnsError> {
        if self.lanes.closing() {
            return Err(SnsError::new(SnsErrorCode::InternalError, "nothing was accepted: the engine is closing"));
        }
        Ok(())
    }

    /// Refuses a destination that cannot be opened, or that the store could not keep.
    fn check_destination(&self, destination: &Destination) -> Result<(), SnsError> {
        if matches!(destination, Destination::Endpoint(_)) && self.store.outlives_the_process() {
            return Err(SnsError::invalid_parameter(
                "Endpoint Reason: this store outlives the program, and an endpoint object does not: add a connector for \
                 its protocol and subscribe an address",
            ));
        }
        destination.open(&self.connectors).map(drop)
    }

    /// Refuses what Amazon SNS does not have on FIFO topics.
    fn check_for_topic_kind(&self, topic: &TopicArn, protocol: &Protocol) -> Result<(), SnsError> {
        if !topic.is_fifo() {
            return Ok(());
        }
        let allowed = matches!(protocol, Protocol::Sqs | Protocol::Custom(_)) || self.settings.fifo_over_any_protocol;
        if !allowed {
            return Err(SnsError::invalid_parameter(format_args!("Invalid protocol type: {protocol}")));
        }
        if self.registry.subscriptions(topic)?.len() >= FIFO_SUBSCRIPTIONS_MAX {
            return Err(SnsError::new(
                SnsErrorCode::SubscriptionLimitExceeded,
                format!("a FIFO topic takes at most {FIFO_SUBSCRIPTIONS_MAX} subscriptions"),
            ));
        }
        Ok(())
    }

    /// What is appended for a message of a publisher.
    fn entry(
        &self,
        id: &str,
        topic: &Topic,
        message: Message,
        now: crate::host::Timestamp,
        matched: &[Arc<Subscription>],
    ) -> Entry {
        let dedup = dedup::dedup(&message, topic, now);
        let mut publication =
            Publication::new(id, topic.arn().clone(), now, message).with_signature_version(topic.signature_version());
        if self.settings.attributes_beside_json_structure {
            publication = publication.with_attributes_beside_json_structure();
        }
        Entry {
            dispatch: Dispatch { kind: NotificationKind::Notification, publication },
            lanes: matched.iter().map(|subscription| subscription.id).collect(),
            dedup,
            archive_until: topic.archive_period().map(|period| now + period),
        }
    }

    /// Sends a message of the engine's own to a subscription's endpoint.
    async fn announce(
        self: &Arc<Self>,
        subscription: &Subscription,
        notification: &Notification,
    ) -> Result<(), SnsError> {
        let entry = Entry {
            dispatch: Dispatch { kind: notification.kind().clone(), publication: notification.publication().clone() },
            lanes: vec![subscription.id],
            dedup: None,
            archive_until: None,
        };
        match self.store.append(entry).await.map_err(|error| refusal(&error))? {
            Appended::Accepted { refused, .. } if !refused.is_empty() => Err(SnsError::new(
                SnsErrorCode::Throttled,
                "Rate exceeded: too many notifications wait for the subscription to send it another message",
            )),
            _ => {
                self.wake(subscription.id);
                Ok(())
            }
        }
    }

    /// Tells observers and the waiting publisher of a notification that was given up without an attempt.
    pub(super) fn tell_dropped(&self, message_id: &str, subscription: &Subscription, reason: &str) {
        self.observers.tell(|| Progress::Dropped {
            message_id: message_id.to_owned(),
            subscription: subscription.arn().clone(),
            reason: reason.to_owned(),
        });
        self.trackers.ended(message_id, subscription.arn(), || Ending::Dropped { reason: reason.to_owned() });
    }
}

/// Checks of settings that not every protocol has.
fn check_for_protocol(settings: &SubscriptionSettings, protocol: &Protocol) -> Result<(), SnsError> {
    let raw = settings.format == Format::Raw;
    if raw && !protocol.allows_raw_delivery() {
        return Err(SnsError::invalid_parameter(format_args!(
            "Delivery protocol [{protocol}] does not support raw message delivery."
        )));
    }
    match &settings.delivery_policy {
        Some(policy) if protocol.allows_delivery_policy() => {
            policy.check_raw(raw.into()).map_err(|error| error.for_subscribe())
        }
        Some(_) => Err(SnsError::invalid_parameter(format_args!(
            "Attributes Reason: DeliveryPolicy: only http and https subscriptions have one, not {protocol}"
        ))),
        None => Ok(()),
    }
}
