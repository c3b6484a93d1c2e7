//! A subscription: which messages of a topic go where, in which form, and for how long they are tried.

mod destination;
mod kept;
mod record;
mod subscribe;

use std::sync::Arc;

use crate::arn::{SubscriptionArn, TopicArn};
use crate::filter::FilterPolicy;
use crate::host::Timestamp;
use crate::notification::Form;
use crate::protocol::Protocol;
use crate::retry::{EffectiveDeliveryPolicy, RetrySchedule};
use crate::topic::Topic;

pub use destination::Destination;
pub(crate) use kept::{Kept, Written};
pub use subscribe::{Subscribe, SubscriptionSettings};

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionState {
    /// It waits to be confirmed, until `expires`.
    Pending {
        /// When it is given up.
        expires: Timestamp,
    },
    /// It receives what is published.
    Confirmed,
    /// It has ended. If it ended by its link, its endpoint can restore it until `expires`.
    Ended {
        /// When it is forgotten.
        expires: Timestamp,
    },
}

/// How a subscription was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Confirmation {
    /// By its token, by whoever had it; or it needed none.
    #[default]
    ByToken,
    /// By a caller who had shown who they are.
    Authenticated,
    /// By such a caller, who asked that only such callers may end it (`AuthenticateOnUnsubscribe`): its link does not.
    Guarded,
}

/// Archived messages that are delivered to a subscription again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replay {
    /// The first moment of the messages.
    pub from: Timestamp,
    /// The last one, after which the subscription gets nothing new. Without, it goes on to what is published.
    pub to: Option<Timestamp>,
    /// When the replay began.
    pub begun: Timestamp,
    /// How it goes.
    pub status: ReplayStatus,
}

/// How a replay goes (`ReplayStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayStatus {
    /// Messages are being put back.
    InProgress,
    /// All messages were put back. They may still wait for their attempts.
    Completed,
    /// The store refused to put some back, for want of room or because it does not work.
    Failed,
}

/// The number by which an engine and its store know a subscription, below 2^63; never used twice. Later subscriptions have
/// larger numbers, as far as the clock allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriptionId(pub u64);

impl SubscriptionId {
    const RANDOM_BITS: u32 = 20;

    /// A number that nobody has: the time in milliseconds, and 20 random bits.
    pub(crate) fn new(now: Timestamp, random: u64) -> Self {
        let ms = u64::try_from(now.unix_ms()).unwrap_or(0) & ((1 << (63 - Self::RANDOM_BITS)) - 1);
        Self((ms << Self::RANDOM_BITS) | (random & ((1 << Self::RANDOM_BITS) - 1)))
    }

    /// When the subscription was made, by the clock of then.
    pub(crate) fn made(self) -> Timestamp {
        Timestamp::from_unix_ms((self.0 >> Self::RANDOM_BITS).cast_signed())
    }
}

/// A subscription as it stands: a snapshot, which later changes leave alone.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) arn: SubscriptionArn,
    pub(crate) destination: Destination,
    pub(crate) protocol: Protocol,
    pub(crate) settings: SubscriptionSettings,
    pub(crate) state: SubscriptionState,
    /// Tokens that confirm or restore it, each with the time at which it no longer does.
    pub(crate) tokens: Vec<(Arc<str>, Timestamp)>,
    pub(crate) paused: bool,
    /// The end of a replay after which nothing new is delivered.
    pub(crate) stopped_after: Option<Timestamp>,
    pub(crate) replay: Option<Replay>,
    pub(crate) principal: Option<Arc<str>>,
    pub(crate) confirmation: Confirmation,
    pub(crate) form: Arc<Form>,
    pub(crate) schedule: RetrySchedule,
    pub(crate) max_receives_per_second: Option<std::num::NonZeroU32>,
}

impl Subscription {
    /// A subscription to `topic` as it begins.
    pub(crate) fn new(
        id: SubscriptionId,
        arn: SubscriptionArn,
        topic: &Topic,
        destination: Destination,
        settings: SubscriptionSettings,
        state: SubscriptionState,
    ) -> Self {
        let mut subscription = Self {
            id,
            arn,
            protocol: destination.protocol(),
            destination,
            settings: SubscriptionSettings::default(),
            state,
            tokens: Vec::new(),
            paused: false,
            stopped_after: None,
            replay: None,
            principal: None,
            confirmation: Confirmation::default(),
            form: Arc::default(),
            schedule: RetrySchedule::none(),
            max_receives_per_second: None,
        };
        subscription.set(settings, topic);
        subscription
    }

    /// Gives it other settings, and works out what they mean together with those of `topic`.
    pub(crate) fn set(&mut self, settings: SubscriptionSettings, topic: &Topic) {
        let effective = self
            .protocol
            .allows_delivery_policy()
            .then(|| EffectiveDeliveryPolicy::of(topic.delivery_policy(), settings.delivery_policy.as_ref()));
        self.schedule = settings.schedule.clone().unwrap_or_else(|| match &effective {
            Some(policy) => policy.schedule(),
            None => self.protocol.default_schedule(),
        });
        self.form = Arc::new(Form {
            subscription: Some(self.arn.clone()),
            format: settings.format,
            content_type: effective.as_ref().map(|policy| policy.content_type().to_owned()),
            display_name: Some(topic.display_name().to_owned()).filter(|name| !name.is_empty()),
        });
        self.max_receives_per_second = effective.and_then(|policy| policy.max_receives_per_second());
        self.settings = settings;
    }

    /// The subscription's name in the world.
    pub fn arn(&self) -> &SubscriptionArn {
        &self.arn
    }

    /// The topic.
    pub fn topic(&self) -> TopicArn {
        self.arn.topic()
    }

    /// The protocol.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Where notifications go.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Where it stands.
    pub fn state(&self) -> SubscriptionState {
        self.state
    }

    /// The token that was sent last to confirm or restore it, as far as it is remembered. Whoever has it can do that.
    pub fn token(&self) -> Option<&str> {
        self.tokens.last().map(|(token, _)| &**token)
    }

    /// Whether deliveries wait until it is resumed.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Which messages it wants.
    pub fn filter_policy(&self) -> Option<&FilterPolicy> {
        self.settings.filter_policy.as_ref()
    }

    /// Where undeliverable notifications go.
    pub fn dead_letters(&self) -> Option<&Destination> {
        self.settings.dead_letters.as_ref()
    }

    /// When failed attempts are repeated.
    pub fn schedule(&self) -> &RetrySchedule {
        &self.schedule
    }

    /// Who subscribed, by their ARN; nobody in particular when the program did.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }

    /// The account that it belongs to: that of whoever subscribed, or else the topic's.
    pub fn owner(&self) -> &str {
        let account = self.principal.as_deref().and_then(|arn| arn.split(':').nth(4));
        account.unwrap_or_else(|| self.arn.account())
    }

    /// How it was confirmed. Before it is, this means nothing.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// The last replay to it, if there was one.
    pub fn replay(&self) -> Option<Replay> {
        self.replay
    }

    /// Its place among the subscriptions, by which lists go on.
    pub fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Its settings.
    pub fn settings(&self) -> &SubscriptionSettings {
        &self.settings
    }

    /// Whether it gets what is published now.
    pub(crate) fn receives_new(&self) -> bool {
        self.state == SubscriptionState::Confirmed && self.stopped_after.is_none()
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, SubscriptionState::Ended { .. })
    }

    /// When it is forgotten if nothing changes.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        match self.state {
            SubscriptionState::Pending { expires } | SubscriptionState::Ended { expires } => Some(expires),
            SubscriptionState::Confirmed => None,
        }
    }
}
