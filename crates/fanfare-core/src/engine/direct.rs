//! Messages that go to one address without a topic: to a phone number or a device.
//!
//! They wait in lanes of their own, a fixed number for each protocol, so that a message to somebody who is written to once
//! leaves nothing behind. Addresses share lanes: what fails for them is the service behind all of them, and a lane that finds it
//! failing spares it. Each lane is a subscription that nobody made and no list shows; its endpoint reads the address from the
//! message.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::{Engine, Explanation, Fanfare, Published, Standing, Step};
use crate::arn::{Owner, SubscriptionArn, TopicArn, TopicName};
use crate::attempt::Next;
use crate::connector::Connectors;
use crate::delivery::{DeliveryError, DeliveryErrorKind, Outcome};
use crate::endpoint::Endpoint;
use crate::error::{SnsError, SnsErrorCode};
use crate::host::{Timestamp, new_uuid};
use crate::message::Message;
use crate::notification::{Notification, NotificationKind};
use crate::protocol::Protocol;
use crate::publication::Publication;
use crate::registry::refusal;
use crate::store::{Appended, Dispatch, Entry, MessageState};
use crate::subscription::{Destination, Subscription, SubscriptionId, SubscriptionSettings, SubscriptionState};
use crate::topic::{Topic, TopicSettings};

/// The protocols whose addresses can be published to, each with the name that stands in place of a topic's in the ARNs of such
/// messages. Their order decides lane numbers, so new ones come last.
const DIRECT: [(Protocol, &str); 2] =
    [(Protocol::Sms, "DirectPublishToPhoneNumber"), (Protocol::Application, "DirectPublishToEndpoint")];

/// Lanes for each protocol. The number is part of what stores keep: it may grow when lanes get other numbers, and never shrink.
const LANES: u64 = 64;

/// What stands in place of a subscription's id in the ARNs of such messages.
const ID: &str = "direct";

/// The most bytes of a message to one address.
const MESSAGE_BYTES_MAX: usize = 262_144;

/// The lanes of messages to one address. Their ids are small numbers, which no subscription has: those are made of the time.
#[derive(Debug)]
pub(super) struct Direct(Vec<Arc<Subscription>>);

impl Direct {
    pub(super) fn new(connectors: &Connectors) -> Self {
        let lanes = DIRECT.into_iter().zip(0..).flat_map(|((protocol, name), row)| {
            let topic = Topic::new(stand_in(&Owner::default(), name), Timestamp::EPOCH, TopicSettings::default());
            let endpoint = DirectEndpoint { protocol, connectors: connectors.clone() };
            let destination = Destination::Endpoint(Arc::new(endpoint));
            (1..=LANES).map(move |number| {
                let (id, arn) = (SubscriptionId(row * LANES + number), SubscriptionArn::new(topic.arn(), ID));
                let (destination, settings) = (destination.clone(), SubscriptionSettings::default());
                Arc::new(Subscription::new(id, arn, &topic, destination, settings, SubscriptionState::Confirmed))
            })
        });
        Self(lanes.collect())
    }

    /// The lane of that id.
    pub(super) fn lane(&self, id: SubscriptionId) -> Option<&Arc<Subscription>> {
        self.0.get(usize::try_from(id.0).ok()?.checked_sub(1)?)
    }
}

impl Fanfare {
    /// Publishes `message` to one phone number or device, for `owner`. When this answers, the store keeps the message; it is
    /// tried as often as those to subscriptions of `protocol` are.
    ///
    /// The text is that for the address, see [`Message::text_for_address`].
    ///
    /// # Errors
    /// `InvalidParameter` when messages cannot go to single addresses of `protocol` (`sms` and `application` alone), when no
    /// connector opens `address`, for a message of more than 256 KiB, or for one with ids that only FIFO topics take; `Throttled`
    /// when too much waits already; `InternalError` when the store does not work. Nothing is accepted then.
    pub async fn publish_to(
        &self,
        owner: &Owner,
        protocol: &Protocol,
        address: &str,
        message: Message,
    ) -> Result<Published, SnsError> {
        let engine = &self.engine;
        engine.open_for_changes()?;
        let Some((row, name)) =
            (0..).zip(&DIRECT).find_map(|(row, (known, name))| (known == protocol).then_some((row, name)))
        else {
            let text = format_args!("TargetArn Reason: nobody publishes to single addresses of {protocol}");
            return Err(SnsError::invalid_parameter(text));
        };
        engine.connectors.connect(protocol, address)?;
        if message.size() > MESSAGE_BYTES_MAX {
            return Err(SnsError::invalid_parameter("Message too long"));
        }
        if message.deduplication_id().is_some() {
            return Err(SnsError::invalid_parameter(
                "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for \
                 this topic type",
            ));
        }
        let lane = lane_of(row, address);
        let (id, topic) = (new_uuid(engine.host.as_ref()), stand_in(owner, name));
        let mut publication = Publication::new(&id, topic, engine.host.now(), message).addressed_to(address);
        if engine.settings.attributes_beside_json_structure {
            publication = publication.with_attributes_beside_json_structure();
        }
        let published = Published::tracked(engine, id, vec![lane]);
        let dispatch = Dispatch { kind: NotificationKind::Notification, publication };
        let entry = Entry { dispatch, lanes: vec![lane], dedup: None, archive_until: None };
        engine.carried(Arc::clone(engine).accept_direct(entry, lane)).await?;
        Ok(published)
    }

    /// Why a message to one address did or did not arrive, and over which protocol; nothing when there is no such message, or
    /// one that was published to a topic.
    ///
    /// # Errors
    /// `InternalError` when the store does not work.
    pub async fn why_directly(&self, message_id: &str) -> Result<Option<(Protocol, Explanation)>, SnsError> {
        let store = &self.engine.store;
        let Some(stored) = store.message(message_id).await.map_err(|error| refusal(&error))? else { return Ok(None) };
        let publication = &stored.dispatch.publication;
        let row = (0..).zip(&DIRECT).find(|(_, (_, name))| *name == publication.topic().name());
        let (Some(address), Some((row, (protocol, _)))) = (publication.recipient(), row) else { return Ok(None) };
        let state = store.state(lane_of(row, address), stored.number).await.map_err(|error| refusal(&error))?;
        let attempts = self.attempts(message_id, None).await?;
        let standing = match state {
            MessageState::Pending { due } => Standing::Pending { due, paused: false },
            MessageState::Dead(dead) => Standing::Dead(dead),
            _ if attempts.last().is_some_and(|last| last.next == Next::Delivered) => Standing::Delivered,
            _ => Standing::Unknown,
        };
        Ok(Some((protocol.clone(), Explanation { standing, attempts })))
    }

    /// The protocols that this engine has connectors for.
    pub fn protocols(&self) -> Vec<Protocol> {
        self.engine.connectors.protocols()
    }

    /// The time that the engine goes by.
    pub fn now(&self) -> Timestamp {
        self.engine.host.now()
    }
}

impl Engine {
    async fn accept_direct(self: Arc<Self>, entry: Entry, lane: SubscriptionId) -> Result<(), SnsError> {
        let publication = entry.dispatch.publication.clone();
        let appended = self.store.append(entry).await;
        self.timer.stir();
        match appended.map_err(|error| refusal(&error))? {
            Appended::Accepted { refused, .. } if !refused.is_empty() => {
                Err(SnsError::new(SnsErrorCode::Throttled, "Rate exceeded: too many messages to single addresses wait"))
            }
            _ => {
                self.observers.note(Step::Published { publication: &publication, matched: 1 });
                self.wake(lane);
                Ok(())
            }
        }
    }

    /// The subscription of that lane as it stands, also when it has ended.
    pub(super) fn lane(&self, id: SubscriptionId) -> Option<Arc<Subscription>> {
        self.direct.lane(id).cloned().or_else(|| self.registry.by_id(id))
    }
}

/// The subscription that a delivery is told and logged for: of a message to one address, one that is named after its owner.
pub(super) fn told_for(subscription: &Subscription, publication: &Publication) -> SubscriptionArn {
    match publication.recipient() {
        Some(_) => SubscriptionArn::new(publication.topic(), ID),
        None => subscription.arn().clone(),
    }
}

fn stand_in(owner: &Owner, name: &str) -> TopicArn {
    TopicArn::new(owner, &TopicName::parse(name).expect("the name is a topic's"))
}

/// The lane of an address of the protocol in that row.
fn lane_of(row: u64, address: &str) -> SubscriptionId {
    SubscriptionId(row * LANES + 1 + shard(address))
}

/// Which of the lanes an address shares, the same after every start (FNV-1a).
fn shard(address: &str) -> u64 {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    address.bytes().fold(0xcbf2_9ce4_8422_2325, hash) % LANES
}

/// Delivers each message to the address that it carries.
#[derive(Debug)]
struct DirectEndpoint {
    protocol: Protocol,
    connectors: Connectors,
}

impl fmt::Display for DirectEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "single addresses of {}", self.protocol)
    }
}

#[async_trait]
impl Endpoint for DirectEndpoint {
    fn protocol(&self) -> Protocol {
        self.protocol.clone()
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let cannot = |context| DeliveryError::reject(DeliveryErrorKind::Misconfigured, context);
        let address = notification.recipient().ok_or_else(|| cannot("the message names no address"))?;
        let endpoint = self.connectors.connect(&self.protocol, address);
        // Somebody may have left a setting out, and put it back.
        let closed = DeliveryError::retry(DeliveryErrorKind::Misconfigured, "the address cannot be opened");
        endpoint.map_err(|error| closed.with_source(error))?.deliver(notification).await
    }
}
