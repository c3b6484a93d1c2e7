//! The door of the engine: topics, subscriptions, publishing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::fanout::{Explain, FanOut, fan_out};
use super::lanes::Lanes;
use super::progress::{Observers, Progress, Watch};
use super::report::{Ending, Report, Tracker, Trackers};
use super::settings::FanfareBuilder;
use super::{Engine, timer};
use crate::arn::{SubscriptionArn, TopicArn, TopicName};
use crate::error::{SnsError, SnsErrorCode};
use crate::host::new_uuid;
use crate::journal::{Counters, Dispatch};
use crate::message::Message;
use crate::notification::{Format, Notification, NotificationKind};
use crate::protocol::Protocol;
use crate::publication::Publication;
use crate::registry::{Names, Registry};
use crate::subscription::{Subscribe, Subscription, SubscriptionSettings, SubscriptionState};
use crate::topic::{Topic, TopicSettings};

/// Random bytes of a confirmation token, which are twice as many hexadecimal digits.
const TOKEN_BYTES: usize = 144;

/// How long an ended subscription is remembered when nothing can restore it, for what is still under way to it.
const ENDED_FOR: Duration = Duration::from_secs(120);

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
/// let topic = fanfare.create_topic("orders")?;
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
    engine: Arc<Engine>,
    /// The timer and the lanes. The engine itself holds them weakly, so that they end with the last handle.
    tasks: Arc<Mutex<JoinSet<()>>>,
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

    pub(super) fn start(builder: FanfareBuilder) -> Self {
        let tasks = Arc::new(Mutex::new(JoinSet::new()));
        let engine = Arc::new(Engine {
            host: builder.host,
            journal: builder.journal,
            connectors: builder.connectors,
            registry: Registry::default(),
            settings: builder.settings,
            lanes: Lanes::new(Arc::downgrade(&tasks)),
            observers: Observers::new(),
            trackers: Trackers::default(),
            rescheduled: Notify::new(),
        });
        tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(timer::run(Arc::clone(&engine)));
        Self { engine, tasks }
    }

    /// Makes a topic with Amazon SNS's default settings, or finds the one that is there.
    ///
    /// # Errors
    /// `InvalidParameter` for a name that Amazon SNS does not allow.
    pub fn create_topic(&self, name: &str) -> Result<TopicArn, SnsError> {
        self.create_topic_with(name, TopicSettings::new())
    }

    /// Makes a topic, or finds the one that is there if `settings` are the default or the same.
    ///
    /// # Errors
    /// `InvalidParameter` for a name that Amazon SNS does not allow, or when the topic is there with other settings.
    pub fn create_topic_with(&self, name: &str, settings: TopicSettings) -> Result<TopicArn, SnsError> {
        let name = TopicName::parse(name)?;
        if name.is_fifo() {
            return Err(SnsError::invalid_parameter(
                "Topic Name Reason: this engine keeps no order and has no FIFO topics, use a name that does not end in \
                 .fifo",
            ));
        }
        let settings_of_owner = &self.engine.settings;
        let arn = TopicArn::new(&settings_of_owner.region, &settings_of_owner.account, &name);
        self.engine.registry.create_topic(arn.clone(), settings)?;
        Ok(arn)
    }

    /// Forgets a topic with its subscriptions. What waits for them is given up. An unknown topic is no error.
    pub async fn delete_topic(&self, topic: &TopicArn) {
        let expires = self.engine.host.now() + ENDED_FOR;
        for subscription in self.engine.registry.delete_topic(topic, expires) {
            self.give_up_waiting(&subscription, "the topic was deleted").await;
        }
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
        let Subscribe { destination, settings, confirmed } = subscribe;
        let protocol = destination.protocol();
        check_for_protocol(&settings, &protocol)?;
        destination.open(&engine.connectors)?;
        if let Some(dead_letters) = &settings.dead_letters {
            dead_letters.open(&engine.connectors)?;
        }
        let now = engine.host.now();
        engine.registry.expire(now);
        let standing = if confirmed || !protocol.needs_confirmation() {
            SubscriptionState::Confirmed
        } else {
            SubscriptionState::Pending { expires: now + engine.settings.token_lifetime }
        };
        let token = self.new_token();
        let names = Names { uuid: &new_uuid(engine.host.as_ref()), token: &token };
        let subscribed = engine.registry.subscribe(topic, destination, settings, standing, &names)?;
        if subscribed.confirm {
            let id = new_uuid(engine.host.as_ref());
            let request = Notification::subscription_confirmation(&id, topic.clone(), now, &token);
            self.announce(&subscribed.subscription, request).await?;
        }
        Ok(subscribed.subscription.arn().clone())
    }

    /// Confirms the subscription that `token` was sent for, or restores the one that ended. Again is no error.
    ///
    /// # Errors
    /// `InvalidParameter`: `Invalid token` when it is not made of hexadecimal digits, `Token` when it is unknown or too old,
    /// `Topic` when the topic is of another region or account; as in Amazon SNS, the topic's name does not count.
    pub fn confirm_subscription(&self, topic: &TopicArn, token: &str) -> Result<SubscriptionArn, SnsError> {
        let settings = &self.engine.settings;
        if (topic.region(), topic.account()) != (&settings.region, &settings.account) {
            return Err(SnsError::invalid_parameter("Topic"));
        }
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SnsError::new(SnsErrorCode::InvalidParameter, "Invalid token"));
        }
        self.engine.registry.expire(self.engine.host.now());
        Ok(self.engine.registry.confirm(token)?.arn().clone())
    }

    /// Ends a subscription. What waits for it is given up. An unknown subscription is no error.
    pub async fn unsubscribe(&self, subscription: &SubscriptionArn) {
        let expires = self.engine.host.now() + ENDED_FOR;
        if let Some(ended) = self.engine.registry.end(subscription, None, expires) {
            self.give_up_waiting(&ended, "the subscription has ended").await;
        }
    }

    /// Ends a subscription at the wish of somebody who merely has its link: the endpoint is told, and gets a token that
    /// restores it.
    ///
    /// # Errors
    /// `Throttled` when there is no room to keep the message to the endpoint; the subscription has ended all the same.
    pub async fn unsubscribe_by_link(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        let engine = &self.engine;
        let (now, token) = (engine.host.now(), self.new_token());
        let expires = now + engine.settings.token_lifetime;
        let Some(ended) = engine.registry.end(subscription, Some(&token), expires) else { return Ok(()) };
        self.give_up_waiting(&ended, "the subscription has ended").await;
        let id = new_uuid(engine.host.as_ref());
        let farewell = Notification::unsubscribe_confirmation(&id, subscription, now, &token);
        self.announce(&ended, farewell).await
    }

    /// The subscription as it stands.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn subscription(&self, arn: &SubscriptionArn) -> Result<Arc<Subscription>, SnsError> {
        self.engine.registry.expire(self.engine.host.now());
        self.engine.registry.by_arn(arn).ok_or_else(|| SnsError::not_found("Subscription"))
    }

    /// The topic's subscriptions, in the order in which they were made.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Arc<Subscription>>, SnsError> {
        self.engine.registry.expire(self.engine.host.now());
        self.engine.registry.subscriptions(topic)
    }

    /// Publishes `message` to everybody who is subscribed to `topic` and wants it. When this answers, the journal keeps the
    /// message; what becomes of it can be awaited with [`Published::settled`] or watched with [`Fanfare::watch`].
    ///
    /// # Errors
    /// `NotFound` for the topic; `InvalidParameter` for a message that is larger than the topic allows or has a deduplication
    /// id; `Throttled` when the journal is full. Nothing is accepted then.
    pub async fn publish(&self, topic: &TopicArn, message: Message) -> Result<Published, SnsError> {
        let engine = &self.engine;
        let topic = engine.registry.topic(topic)?;
        check_for_topic(&message, &topic)?;
        let subscriptions = engine.registry.subscriptions(topic.arn())?;
        let explain = if engine.observers.listening() { Explain::InWords } else { Explain::No };
        let FanOut { matched, filtered_out } = fan_out(&message, subscriptions, explain);

        let id = new_uuid(engine.host.as_ref());
        let mut publication = Publication::new(&*id, topic.arn().clone(), engine.host.now(), message)
            .with_signature_version(topic.signature_version());
        if engine.settings.attributes_beside_json_structure {
            publication = publication.with_attributes_beside_json_structure();
        }
        let tracker = engine.trackers.track(&id);
        let published = Published { message_id: id, tracker, engine: Arc::clone(engine) };

        let lanes: Vec<_> = matched.iter().map(|subscription| subscription.id).collect();
        let dispatch = Dispatch { kind: NotificationKind::Notification, publication };
        let refused = engine.journal.append(dispatch, &lanes).await.map_err(|error| throttled(&error))?;

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
    pub async fn counters(&self) -> Counters {
        self.engine.journal.counters().await
    }

    /// Stops: no further attempt begins, and those that are under way are waited for. Waiting deliveries stay in the
    /// journal.
    pub async fn close(self) {
        self.engine.lanes.close();
        self.engine.rescheduled.notify_one();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        while tasks.join_next().await.is_some() {}
    }

    /// Sends a message of the engine's own to a subscription's endpoint.
    async fn announce(&self, subscription: &Subscription, notification: Notification) -> Result<(), SnsError> {
        let dispatch = Dispatch { kind: notification.kind().clone(), publication: notification.publication().clone() };
        self.engine.journal.append(dispatch, &[subscription.id]).await.map_err(|error| throttled(&error))?;
        self.engine.wake(subscription.id);
        Ok(())
    }

    async fn give_up_waiting(&self, subscription: &Subscription, reason: &str) {
        for delivery in self.engine.journal.clear(subscription.id).await {
            if delivery.dispatch.kind == NotificationKind::Notification {
                self.engine.tell_dropped(delivery.dispatch.publication.id(), subscription, reason);
            }
        }
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
    tracker: Arc<Tracker>,
    engine: Arc<Engine>,
}

impl Published {
    /// The id under which every subscriber gets the message.
    pub fn message_id(&self) -> &str {
        &self.message_id
    }

    /// Waits until the message has ended at every subscription: delivered, dead-lettered, given up or filtered out. With
    /// Amazon SNS's schedules that can take 23 days.
    pub async fn settled(&self) -> Report {
        self.tracker.settled().await
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        self.engine.trackers.forget(&self.message_id);
    }
}

impl Engine {
    /// Tells observers and the waiting publisher of a notification that was given up without an attempt.
    fn tell_dropped(&self, message_id: &str, subscription: &Subscription, reason: &str) {
        self.trackers.ended(message_id, subscription.arn(), || Ending::Dropped { reason: reason.to_owned() });
        self.observers.tell(|| Progress::Dropped {
            message_id: message_id.to_owned(),
            subscription: subscription.arn().clone(),
            reason: reason.to_owned(),
        });
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

/// Checks that depend on the topic.
fn check_for_topic(message: &Message, topic: &Topic) -> Result<(), SnsError> {
    if message.size() > topic.maximum_message_size() {
        return Err(SnsError::invalid_parameter("Message too long"));
    }
    if message.deduplication_id().is_some() {
        return Err(SnsError::invalid_parameter(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
             this topic type",
        ));
    }
    Ok(())
}

fn throttled(error: &crate::journal::JournalError) -> SnsError {
    SnsError::new(SnsErrorCode::Throttled, format!("Rate exceeded: {error}"))
}
