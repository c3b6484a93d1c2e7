//! Subscribing, confirming and ending subscriptions.

use std::sync::Arc;
use std::time::Duration;

use super::quotas::check_room_in_fifo_topic;
use super::{Engine, Fanfare};
use crate::arn::{Owner, SubscriptionArn, TopicArn};
use crate::error::{SnsError, SnsErrorCode};
use crate::host::new_uuid;
use crate::notification::{Format, Notification};
use crate::protocol::Protocol;
use crate::registry::{Asked, Names, SubscriptionCounts, refusal};
use crate::store::{Appended, Dispatch, Entry};
use crate::subscription::{
    Confirmation, Destination, Subscribe, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState,
};

/// Random bytes of a confirmation token, which are twice as many hexadecimal digits.
const TOKEN_BYTES: usize = 144;

/// How long an ended subscription is remembered at the least when nothing can restore it, for what is still under way to
/// it. Attempts may take that long.
pub(super) const ENDED_FOR: Duration = Duration::from_secs(2 * 60 * 60);

impl Fanfare {
    /// Subscribes a destination to a topic. Subscribing the same destination again, with the same settings or without any,
    /// answers the subscription that is there; one that waits to be confirmed gets its confirmation message again.
    ///
    /// # Errors
    /// `NotFound` for the topic; `InvalidParameter` for an address or a setting that does not fit the protocol, or when the
    /// subscription is there with other settings; `SubscriptionLimitExceeded`, `FilterPolicyLimitExceeded`; `Throttled` when there
    /// is no room to keep the confirmation message.
    pub async fn subscribe(&self, topic: &TopicArn, subscribe: Subscribe) -> Result<SubscriptionArn, SnsError> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        let Subscribe { destination, settings, confirmed, principal } = subscribe;
        let protocol = destination.protocol();
        engine.check_for_topic_kind(topic, &protocol)?;
        check_for_protocol(&settings, &protocol)?;
        for destination in [Some(&destination), settings.dead_letters.as_ref()].into_iter().flatten() {
            engine.check_destination(destination)?;
        }
        let now = engine.host.now();
        engine.registry.expire(now).await?;
        let asked = protocol.needs_confirmation() || is_of_others(topic, &destination, principal.as_deref());
        let standing = if confirmed || !asked {
            SubscriptionState::Confirmed
        } else {
            SubscriptionState::Pending { expires: now + engine.settings.token_lifetime }
        };
        // The token is needed by those alone that wait.
        let token = if standing == SubscriptionState::Confirmed { Arc::default() } else { self.new_token() };
        let uuid = new_uuid(engine.host.as_ref());
        let id = SubscriptionId::new(now, engine.random());
        let names = Names { id, uuid: &uuid, token: &token, principal: principal.as_ref() };
        let room = |asked: &Asked<'_>| engine.check_room_for_subscription(asked);
        let subscribed = engine.registry.subscribe(topic, destination, settings, standing, &names, room);
        let subscribed = subscribed.await?;
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
        self.confirm_subscription_with(topic, token, Confirmation::ByToken).await
    }

    /// As [`Fanfare::confirm_subscription`], and says how it was confirmed. What was confirmed before stays as it was.
    ///
    /// # Errors
    /// As [`Fanfare::confirm_subscription`].
    pub async fn confirm_subscription_with(
        &self,
        topic: &TopicArn,
        token: &str,
        confirmation: Confirmation,
    ) -> Result<SubscriptionArn, SnsError> {
        self.engine.open_for_changes()?;
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(SnsError::new(SnsErrorCode::InvalidParameter, "Invalid token"));
        }
        let now = self.engine.host.now();
        self.engine.registry.expire(now).await?;
        let confirmed = self.engine.registry.confirm(topic, token, confirmation, now).await?;
        // What waited while it was paused, or was put back while it had ended, can go on.
        self.engine.wake(confirmed.id);
        Ok(confirmed.arn().clone())
    }

    /// Gives a subscription other settings, which hold from the next attempt on.
    ///
    /// # Errors
    /// `NotFound`; `InvalidParameter` for a setting that does not fit the protocol or a destination that cannot be opened;
    /// `InternalError` when the store does not work.
    pub async fn change_subscription(
        &self,
        subscription: &SubscriptionArn,
        settings: SubscriptionSettings,
    ) -> Result<(), SnsError> {
        self.update_subscription(subscription, |_| Ok(settings)).await
    }

    /// Gives a subscription the settings that `change` makes of it as it stands, which hold from the next attempt on. Between
    /// the look at it and the change nothing else changes it.
    ///
    /// # Errors
    /// As [`Fanfare::change_subscription`], and what `change` answers.
    pub async fn update_subscription<E: From<SnsError>>(
        &self,
        subscription: &SubscriptionArn,
        change: impl FnOnce(&Subscription) -> Result<SubscriptionSettings, E>,
    ) -> Result<(), E> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        // One that waits in vain is there no more.
        self.subscription(subscription)?;
        let changed = |known: &Subscription| {
            let settings = change(known)?;
            check_for_protocol(&settings, known.protocol())?;
            if let Some(dead_letters) = &settings.dead_letters {
                engine.check_destination(dead_letters)?;
            }
            let topic = engine.registry.topic(&known.topic())?;
            let mut changed = known.clone();
            changed.set(settings, &topic);
            Ok::<_, E>(changed)
        };
        let room = |asked: &Asked<'_>| engine.check_room_for_filter_policy(asked);
        let changed = engine.registry.update(subscription, changed, room).await?;
        engine.wake(changed.id);
        Ok(())
    }

    /// Ends a subscription. What waits for it is given up. An unknown subscription is no error.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn unsubscribe(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        self.engine.open_for_changes()?;
        let expires = self.engine.host.now() + ENDED_FOR;
        if let Some(ended) = self.engine.registry.end(subscription, None, expires).await? {
            self.engine.tidy_up(ended).await?;
        }
        Ok(())
    }

    /// Ends a subscription at the wish of somebody who merely has its link: the endpoint is told, and gets a token that
    /// restores it.
    ///
    /// # Errors
    /// `AuthorizationError` when only callers who show who they are may end it; otherwise as
    /// [`Fanfare::unsubscribe_and_tell`].
    pub async fn unsubscribe_by_link(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        let known = self.engine.registry.by_arn(subscription);
        if known.is_some_and(|known| known.confirmation() == Confirmation::Guarded) {
            return Err(SnsError::new(
                SnsErrorCode::AuthorizationError,
                "the subscription was confirmed with AuthenticateOnUnsubscribe: ending it needs a signed request",
            ));
        }
        self.unsubscribe_and_tell(subscription).await
    }

    /// Ends a subscription at the wish of somebody who may end it and is not its owner: as by its link, the endpoint is told, and
    /// gets a token that restores it. An unknown subscription is no error.
    ///
    /// # Errors
    /// `InternalError` when the store does not work; `Throttled` when it has no room for the message to the endpoint, which
    /// is not told then: the subscription has ended all the same.
    pub async fn unsubscribe_and_tell(&self, subscription: &SubscriptionArn) -> Result<(), SnsError> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        let (now, token) = (engine.host.now(), self.new_token());
        let expires = now + engine.settings.token_lifetime;
        let Some(ended) = engine.registry.end(subscription, Some(&token), expires).await? else { return Ok(()) };
        engine.tidy_up(Arc::clone(&ended)).await?;
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

    /// Whether the topic takes another subscription of that protocol: FIFO topics take queues, and not without end.
    ///
    /// # Errors
    /// `InvalidParameter` for the protocol; `SubscriptionLimitExceeded`; `NotFound`.
    pub fn check_protocol(&self, topic: &TopicArn, protocol: &Protocol) -> Result<(), SnsError> {
        self.engine.check_for_topic_kind(topic, protocol)
    }

    /// The topic's subscription to that destination, unless it has ended.
    pub fn subscription_to(&self, topic: &TopicArn, destination: &Destination) -> Option<Arc<Subscription>> {
        let now = self.engine.host.now();
        let known = self.engine.registry.by_destination(topic, destination);
        known.filter(|known| known.expires().is_none_or(|at| at > now))
    }

    /// The topic's next subscriptions after that one, at most `max`, in the order in which they were made.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn subscriptions_page(
        &self,
        topic: &TopicArn,
        after: Option<SubscriptionId>,
        max: usize,
    ) -> Result<Vec<Arc<Subscription>>, SnsError> {
        self.engine.registry.subscriptions_page(topic, after, self.engine.host.now(), max)
    }

    /// The next subscriptions that belong to `owner`, to topics of any account in their region, after that one and at most
    /// `max`: by topic, and then in the order in which they were made.
    pub fn subscriptions_of(
        &self,
        owner: &Owner,
        after: Option<(&TopicArn, SubscriptionId)>,
        max: usize,
    ) -> Vec<Arc<Subscription>> {
        self.engine.registry.subscriptions_of(owner, after, self.engine.host.now(), max)
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

impl Engine {
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
        let SubscriptionCounts { confirmed, pending, .. } = self.registry.counts(topic)?;
        check_room_in_fifo_topic(confirmed + pending)
    }

    /// Gives up what waits for a subscription that has ended.
    async fn tidy_up(self: &Arc<Self>, ended: Arc<Subscription>) -> Result<(), SnsError> {
        let engine = Arc::clone(self);
        self.carried(async move {
            engine.give_up_waiting(&ended, "the subscription has ended").await;
            Ok(())
        })
        .await
    }

    /// Sends a message of the engine's own to a subscription's endpoint.
    async fn announce(
        self: &Arc<Self>,
        subscription: &Subscription,
        notification: &Notification,
    ) -> Result<(), SnsError> {
        let lane = subscription.id;
        let entry = Entry {
            dispatch: Dispatch { kind: notification.kind().clone(), publication: notification.publication().clone() },
            lanes: vec![lane],
            dedup: None,
            archive_until: None,
        };
        let engine = Arc::clone(self);
        let appended = self.carried(async move {
            let appended = engine.store.append(entry).await.map_err(|error| refusal(&error))?;
            engine.wake(lane);
            Ok(appended)
        });
        match appended.await? {
            Appended::Accepted { refused, .. } if !refused.is_empty() => Err(SnsError::new(
                SnsErrorCode::Throttled,
                "Rate exceeded: too many notifications wait for the subscription to send it another message",
            )),
            _ => Ok(()),
        }
    }
}

/// Whether a queue or a function belongs neither to the topic's account nor to that of whoever subscribes it: then its owner is
/// asked. The program itself, which names nobody, knows what it does.
fn is_of_others(topic: &TopicArn, destination: &Destination, principal: Option<&str>) -> bool {
    let (Some(principal), Some(account)) = (principal, destination.account()) else { return false };
    account != topic.account() && principal.split(':').nth(4) != Some(account)
}

/// Checks of settings that not every protocol has.
fn check_for_protocol(settings: &SubscriptionSettings, protocol: &Protocol) -> Result<(), SnsError> {
    let raw = settings.format == Format::Raw;
    if raw && !protocol.allows_raw_delivery() {
        return Err(SnsError::invalid_parameter(format_args!(
            "Delivery protocol [{protocol}] does not support raw message delivery."
        )));
    }
    if settings.format == Format::CloudEvent && !protocol.allows_cloud_events() {
        return Err(SnsError::invalid_parameter(format_args!(
            "Delivery protocol [{protocol}] does not support DeliveryFormat: only http and https do"
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
