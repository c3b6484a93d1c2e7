//! What is kept, in a form that can be written down: JSON with names that stay.
//!
//! Fields are only ever added, with a default, so that a store that was written by an older version can be read.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::Dispatch;
use crate::arn::{SubscriptionArn, TopicArn};
use crate::attribute::AttributeValue;
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::message::Message;
use crate::notification::NotificationKind;
use crate::protocol::Protocol;
use crate::publication::{Publication, SignatureVersion};
use crate::trace::TraceContext;

/// A topic as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the topic's own, see `TopicSettings`")]
pub struct TopicRecord {
    pub arn: TopicArn,
    #[serde(default)]
    pub made: Timestamp,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Nothing when it was not set, which is another thing than the default that was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature_version: Option<SignatureVersion>,
    /// `DeliveryPolicy` as Amazon SNS prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_policy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_message_size: Option<usize>,
    #[serde(default)]
    pub content_based_deduplication: bool,
    /// Whether deduplication ids count within their message group alone (`FifoThroughputScope`); nothing when it was not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deduplicates_by_group: Option<bool>,
    /// Whether repeated messages are recognised on a standard topic.
    #[serde(default)]
    pub deduplicates: bool,
    /// `MessageRetentionPeriod` of the `ArchivePolicy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive_days: Option<u16>,
    /// Attributes that the engine keeps and does not read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// A subscription as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the subscription's own, see `Subscription`")]
pub struct SubscriptionRecord {
    pub id: u64,
    pub arn: SubscriptionArn,
    pub destination: DestinationRecord,
    pub state: StateRecord,
    /// Tokens that confirm or restore it, each with the time at which it no longer does.
    #[serde(default)]
    pub tokens: Vec<(String, Timestamp)>,
    #[serde(default)]
    pub paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_policy: Option<FilterRecord>,
    #[serde(default)]
    pub raw: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub cloud_event: bool,
    /// `DeliveryPolicy` as Amazon SNS prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_policy: Option<String>,
    /// The phases of a schedule of its own: retries, backoff function, first and last delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Vec<(u32, String, Duration, Duration)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<DestinationRecord>,
    /// The last moment of a replay after which nothing new is delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_after: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<ReplayRecord>>,
    /// Who subscribed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    #[serde(default)]
    pub confirmation: ConfirmationRecord,
    /// Attributes that the engine keeps and does not read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// A replay as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see `Replay`")]
pub struct ReplayRecord {
    pub from: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    pub begun: Timestamp,
    pub status: ReplayStatusRecord,
}

/// How a replay goes as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see `ReplayStatus`")]
pub enum ReplayStatusRecord {
    InProgress,
    Completed,
    Failed,
}

/// How a subscription was confirmed as it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see `Confirmation`")]
pub enum ConfirmationRecord {
    #[default]
    ByToken,
    Authenticated,
    Guarded,
}

/// A small record of somebody else's as it is kept: what a server or an adapter keeps beside topics and subscriptions.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// What sort of document it is.
    pub kind: String,
    /// Its name among those of its kind.
    pub id: String,
    /// What it says, in a form that its owner reads.
    pub text: String,
}

impl fmt::Debug for DocumentRecord {
    /// The text may hold credentials, so it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentRecord").field("kind", &self.kind).field("id", &self.id).finish_non_exhaustive()
    }
}

/// A destination as it is kept. It may hold a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see `Destination::Address`")]
pub struct DestinationRecord {
    pub protocol: Protocol,
    pub address: String,
}

impl fmt::Debug for DestinationRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} address", self.protocol)
    }
}

/// A filter policy as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see `FilterPolicy`")]
pub struct FilterRecord {
    pub text: String,
    /// `MessageAttributes` or `MessageBody`.
    pub scope: String,
}

/// The state of a subscription as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "see `SubscriptionState`")]
pub enum StateRecord {
    Pending { expires: Timestamp },
    Confirmed,
    Ended { expires: Timestamp },
}

/// A record that cannot be read: written by a newer version, or damaged.
#[derive(Debug)]
pub struct CorruptRecord(Box<dyn Error + Send + Sync>);

impl CorruptRecord {
    pub(crate) fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for CorruptRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a record cannot be read: {}", self.0)
    }
}

impl Error for CorruptRecord {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The error itself has been told.
        self.0.source()
    }
}

impl From<SnsError> for CorruptRecord {
    fn from(error: SnsError) -> Self {
        Self::new(error)
    }
}

/// A message as it is kept.
#[derive(Serialize, Deserialize)]
struct DispatchRecord<'a> {
    #[serde(borrow)]
    kind: KindRecord<'a>,
    id: &'a str,
    topic: TopicArn,
    at: Timestamp,
    #[serde(borrow)]
    text: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_false")]
    json_structure: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Name, type and value; binary values in base64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<(String, String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dedup: Option<String>,
    signature: SignatureVersion,
    carries_attributes: bool,
    /// The one address that it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// The trace that publishing it was part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<std::borrow::Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    xray: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
enum KindRecord<'a> {
    Notification,
    SubscriptionConfirmation(&'a str),
    UnsubscribeConfirmation(&'a str),
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Dispatch {
    /// The message as JSON, for a store to keep. The number that the store gives it is not part of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let publication = &self.publication;
        let message = publication.message();
        let text = std::str::from_utf8(message.published_text()).expect("a text is made from a String");
        let attributes = message.attributes().iter();
        let record = DispatchRecord {
            kind: match &self.kind {
                NotificationKind::Notification => KindRecord::Notification,
                NotificationKind::SubscriptionConfirmation { token } => KindRecord::SubscriptionConfirmation(token),
                NotificationKind::UnsubscribeConfirmation { token } => KindRecord::UnsubscribeConfirmation(token),
            },
            id: publication.id(),
            topic: publication.topic().clone(),
            at: publication.timestamp(),
            text: text.into(),
            json_structure: message.has_json_structure(),
            subject: message.subject().map(str::to_owned),
            attributes: attributes
                .map(|(name, a)| (name.to_owned(), a.data_type().as_str().to_owned(), a.to_text().into_owned()))
                .collect(),
            group: message.group_id().map(str::to_owned),
            dedup: message.deduplication_id().map(str::to_owned),
            signature: publication.signature_version(),
            carries_attributes: publication.carries_attributes(),
            to: publication.recipient().map(str::to_owned),
            traceparent: message.trace().traceparent().map(Into::into),
            tracestate: message.trace().tracestate().map(Into::into),
            xray: message.trace().xray_header().map(Into::into),
        };
        serde_json::to_vec(&record).expect("a record of strings and numbers is JSON")
    }

    /// Reads what [`Dispatch::to_bytes`] wrote, and gives the publication the number that the store gave it.
    ///
    /// # Errors
    /// When the bytes are damaged or from a newer version.
    pub fn from_bytes(bytes: &[u8], number: u64) -> Result<Self, CorruptRecord> {
        let record: DispatchRecord<'_> = serde_json::from_slice(bytes).map_err(CorruptRecord::new)?;
        let mut builder = Message::builder(record.text);
        if record.json_structure {
            // What was accepted without a text for everybody stays acceptable.
            builder = builder.json_structure_for_one();
        }
        if let Some(subject) = record.subject {
            builder = builder.subject(subject);
        }
        for (name, data_type, value) in record.attributes {
            let value = match data_type.starts_with("Binary") {
                true => AttributeValue::Binary(BASE64.decode(value).map_err(CorruptRecord::new)?.into()),
                false => AttributeValue::Text(value),
            };
            builder = builder.attribute(&name, &data_type, value);
        }
        if let Some(group) = record.group {
            builder = builder.group_id(group);
        }
        if let Some(dedup) = record.dedup {
            builder = builder.deduplication_id(dedup);
        }
        let mut trace = TraceContext::new();
        if let Some(parent) = &record.traceparent {
            trace = trace.w3c(parent, record.tracestate.as_deref());
        }
        if let Some(header) = &record.xray {
            trace = trace.xray(header);
        }
        let message = builder.build()?.traced(trace);
        let mut publication = Publication::new(record.id, record.topic, record.at, message)
            .with_signature_version(record.signature)
            .numbered(number);
        if record.carries_attributes {
            publication = publication.with_attributes_beside_json_structure();
        }
        if let Some(address) = record.to {
            publication = publication.addressed_to(address);
        }
        let kind = match record.kind {
            KindRecord::Notification => NotificationKind::Notification,
            KindRecord::SubscriptionConfirmation(token) => {
                NotificationKind::SubscriptionConfirmation { token: token.into() }
            }
            KindRecord::UnsubscribeConfirmation(token) => {
                NotificationKind::UnsubscribeConfirmation { token: token.into() }
            }
        };
        Ok(Self { kind, publication })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dispatch(message: Message) -> Dispatch {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders.fifo").unwrap();
        let publication = Publication::new("id-1", topic, Timestamp::from_unix_ms(1_767_323_045_070), message);
        let token = "ab12".into();
        Dispatch { kind: NotificationKind::UnsubscribeConfirmation { token }, publication }
    }

    #[test]
    fn a_message_comes_back_as_it_was_kept_with_its_number() {
        let message = Message::builder("{\"default\": \"żółć\\n\", \"sqs\": \"q\"}")
            .json_structure()
            .subject("a \"quoted\" subject")
            .string("s", "ą")
            .number("n", 5)
            .binary("b", vec![0, 255])
            .group_id("g")
            .deduplication_id("d")
            .build()
            .unwrap();
        let kept = dispatch(message);
        let back = Dispatch::from_bytes(&kept.to_bytes(), 3).unwrap();
        assert_eq!(back.kind, kept.kind);
        assert_eq!(back.publication.message(), kept.publication.message());
        assert_eq!(back.publication.id(), "id-1");
        assert_eq!(back.publication.timestamp(), kept.publication.timestamp());
        assert_eq!(back.publication.carries_attributes(), kept.publication.carries_attributes());
        assert_eq!(back.publication.sequence_number(), Some("10000000000000003000"));
    }

    #[test]
    fn a_message_comes_back_with_its_trace_and_one_without_keeps_none() {
        let trace = TraceContext::new()
            .w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("a=\"1\""))
            .xray("Root=1-5759e988-bd862e3fe1be46a994272793");
        let kept = dispatch(Message::text("x").unwrap().traced(trace.clone())).to_bytes();
        assert_eq!(Dispatch::from_bytes(&kept, 1).unwrap().publication.message().trace(), &trace);
        let kept = String::from_utf8(dispatch(Message::text("x").unwrap()).to_bytes()).unwrap();
        assert!(!kept.contains("trace") && !kept.contains("xray"), "{kept}");
    }

    #[test]
    fn a_message_to_one_address_comes_back_with_it() {
        let message = Message::builder("{\"ADM\": \"payload\"}").json_structure_for_one().build().unwrap();
        let mut kept = dispatch(message);
        kept.publication = kept.publication.addressed_to("+15551234567");
        let back = Dispatch::from_bytes(&kept.to_bytes(), 3).unwrap();
        assert_eq!(back.publication.recipient(), Some("+15551234567"));
        assert_eq!(back.publication.message(), kept.publication.message());
    }

    #[test]
    fn damaged_bytes_are_an_error_that_says_so() {
        let kept = dispatch(Message::text("x").unwrap()).to_bytes();
        for length in 0..kept.len() {
            assert!(Dispatch::from_bytes(&kept[..length], 1).is_err(), "{length} bytes");
        }
    }
}
