//! A message as a topic accepted it.

use std::any::Any;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::message::{Message, TextIndex};

/// How envelopes of a topic are signed (topic attribute `SignatureVersion`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SignatureVersion {
    /// `1`: RSA with SHA-1, Amazon SNS's default.
    #[default]
    #[serde(rename = "1")]
    V1,
    /// `2`: RSA with SHA-256.
    #[serde(rename = "2")]
    V2,
}

impl SignatureVersion {
    /// The version as envelopes carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
        }
    }
}

impl FromStr for SignatureVersion {
    type Err = SnsError;

    /// Reads `1` or `2`.
    fn from_str(text: &str) -> Result<Self, SnsError> {
        match text {
            "1" => Ok(Self::V1),
            "2" => Ok(Self::V2),
            _ => Err(SnsError::invalid_parameter("SignatureVersion Reason: must be 1 or 2")),
        }
    }
}

/// A message as a topic accepted it: with the id, the time and the settings that are the same for every subscriber.
///
/// A clone shares everything, what was rendered and signed for its texts included.
#[derive(Clone)]
pub struct Publication(Arc<Parts>);

struct Parts {
    id: String,
    topic: TopicArn,
    timestamp: Timestamp,
    message: Message,
    sequence_number: Option<String>,
    signature_version: SignatureVersion,
    carries_attributes: bool,
    recipient: Option<String>,
    /// One for each distinct text.
    memos: Box<[Memo]>,
}

impl Publication {
    /// Stamps `message` with the id and time at which `topic` accepted it.
    ///
    /// Attributes of a message with `MessageStructure=json` are not delivered, as Amazon SNS documents, unless
    /// [`Publication::with_attributes_beside_json_structure`] says so.
    pub fn new(id: impl Into<String>, topic: TopicArn, timestamp: Timestamp, message: Message) -> Self {
        let memos = (0..message.text_count()).map(|_| Memo::default()).collect();
        Self(Arc::new(Parts {
            id: id.into(),
            topic,
            timestamp,
            carries_attributes: !message.has_json_structure(),
            message,
            sequence_number: None,
            signature_version: SignatureVersion::default(),
            recipient: None,
            memos,
        }))
    }

    /// Signs envelopes with `version`.
    #[must_use]
    pub fn with_signature_version(self, version: SignatureVersion) -> Self {
        self.rebuilt(|parts| parts.signature_version = version)
    }

    /// Gives the place of the message among all messages of a store, which on a FIFO topic becomes its sequence number: 20
    /// decimal digits that grow with each message and are not consecutive. Standard topics have none.
    #[must_use]
    pub fn numbered(self, number: u64) -> Self {
        if self.topic().is_fifo() { self.with_sequence_number(Self::sequence_number_of(number)) } else { self }
    }

    /// The sequence number of the message to which a store gave this number.
    pub(crate) fn sequence_number_of(number: u64) -> String {
        /// What Amazon SNS's first sequence number is above, and how far apart they are.
        const FIRST: u128 = 10_000_000_000_000_000_000;
        const STEP: u128 = 1000;
        (FIRST + u128::from(number) * STEP).to_string()
    }

    /// Gives the place of the message in its FIFO topic: decimal digits.
    #[must_use]
    pub fn with_sequence_number(self, number: impl Into<String>) -> Self {
        self.rebuilt(|parts| parts.sequence_number = Some(number.into()))
    }

    /// Delivers the attributes of a message with `MessageStructure=json` too.
    #[must_use]
    pub fn with_attributes_beside_json_structure(self) -> Self {
        self.rebuilt(|parts| parts.carries_attributes = true)
    }

    /// Says that the message goes to one address and to nobody else.
    #[must_use]
    pub fn addressed_to(self, address: impl Into<String>) -> Self {
        self.rebuilt(|parts| parts.recipient = Some(address.into()))
    }

    /// The same publication with attributes that deliveries have where the publisher gave none of that name.
    pub(crate) fn with_default_attributes<'a>(self, defaults: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.rebuilt(|parts| parts.message = parts.message.with_default_attributes(defaults))
    }

    /// The same publication with a message of one text, of which nothing is rendered yet.
    pub(crate) fn with_one_text(self, text: String, subject: Option<String>) -> Result<Self, SnsError> {
        let message = self.message().with_one_text(text, subject)?;
        Ok(self.rebuilt(|parts| {
            parts.message = message;
            parts.memos = Box::new([Memo::default()]);
        }))
    }

    /// The same publication as a replay delivers it: with the attribute `Replayed`.
    pub(crate) fn replayed(self) -> Self {
        self.rebuilt(|parts| parts.message = parts.message.replayed())
    }

    /// The `MessageId`, the same for every subscriber and every retry.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The topic.
    pub fn topic(&self) -> &TopicArn {
        &self.0.topic
    }

    /// When the topic accepted the message.
    pub fn timestamp(&self) -> Timestamp {
        self.0.timestamp
    }

    /// The message.
    pub fn message(&self) -> &Message {
        &self.0.message
    }

    /// The place in a FIFO topic, in decimal digits.
    pub fn sequence_number(&self) -> Option<&str> {
        self.0.sequence_number.as_deref()
    }

    /// The one address that the message goes to, when it was not published to a topic: [`Publication::topic`] merely names its
    /// owner then.
    pub fn recipient(&self) -> Option<&str> {
        self.0.recipient.as_deref()
    }

    /// How its envelopes are signed.
    pub fn signature_version(&self) -> SignatureVersion {
        self.0.signature_version
    }

    /// Whether deliveries carry the message's attributes.
    pub fn carries_attributes(&self) -> bool {
        self.0.carries_attributes
    }

    pub(crate) fn memo(&self, text: TextIndex) -> &Memo {
        &self.0.memos[text.0]
    }

    /// A copy that is different by `change`, and so has nothing rendered for it yet.
    fn rebuilt(self, change: impl FnOnce(&mut Parts)) -> Self {
        let shared = &self.0;
        let mut parts = Parts {
            id: shared.id.clone(),
            topic: shared.topic.clone(),
            timestamp: shared.timestamp,
            message: shared.message.clone(),
            sequence_number: shared.sequence_number.clone(),
            signature_version: shared.signature_version,
            carries_attributes: shared.carries_attributes,
            recipient: shared.recipient.clone(),
            memos: shared.memos.iter().map(|_| Memo::default()).collect(),
        };
        change(&mut parts);
        Self(Arc::new(parts))
    }
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publication")
            .field("id", &self.0.id)
            .field("topic", &self.0.topic)
            .field("timestamp", &self.0.timestamp)
            .field("bytes", &self.0.message.size())
            .finish_non_exhaustive()
    }
}

/// What renderers computed for one text of one publication, kept for as long as the publication lives, so that an
/// envelope is rendered and signed once and not once for each subscriber.
///
/// Each renderer has its own slot, named by a number that it draws once. The lock is held to look the slot up, never while
/// something is computed.
#[derive(Default)]
pub struct Memo(Mutex<Vec<(u64, Arc<dyn Any + Send + Sync>)>>);

impl Memo {
    /// The slot of the renderer `owner`, made empty on first use. Put a cell in it that computes its content once.
    pub fn slot<T: Default + Send + Sync + 'static>(&self, owner: u64) -> Arc<T> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = slots.iter().filter(|(known, _)| *known == owner);
        if let Some(slot) = own.filter_map(|(_, slot)| Arc::clone(slot).downcast().ok()).next() {
            return slot;
        }
        let slot = Arc::new(T::default());
        slots.push((owner, Arc::clone(&slot) as _));
        slot
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}
