//! A topic: what publishers publish to.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::publication::SignatureVersion;
use crate::retry::TopicDeliveryPolicy;
use crate::store::{CorruptRecord, TopicRecord};

/// The largest message that a topic takes when nothing else is set, in bytes.
pub const MAXIMUM_MESSAGE_SIZE_DEFAULT: usize = 262_144;

/// What `MaximumMessageSize` may be, in bytes.
const MAXIMUM_MESSAGE_SIZES: std::ops::RangeInclusive<usize> = 1024..=1_048_576;

/// What `MessageRetentionPeriod` may be, in days.
const ARCHIVE_DAYS: std::ops::RangeInclusive<u16> = 1..=365;

/// A topic and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    arn: TopicArn,
    /// When it was made, which tells it apart from an earlier one of its name.
    made: Timestamp,
    settings: TopicSettings,
}

/// Which messages count as repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DeduplicationScope {
    /// Those with the same deduplication id anywhere in the topic.
    #[default]
    Topic,
    /// Those with the same deduplication id in the same message group.
    MessageGroup,
}

impl Topic {
    pub(crate) fn new(arn: TopicArn, made: Timestamp, settings: TopicSettings) -> Self {
        Self { arn, made, settings }
    }

    /// When it was made.
    pub fn made(&self) -> Timestamp {
        self.made
    }

    /// The topic's name in the world.
    pub fn arn(&self) -> &TopicArn {
        &self.arn
    }

    /// How envelopes are signed.
    pub fn signature_version(&self) -> SignatureVersion {
        self.settings.signature_version.unwrap_or_default()
    }

    /// The policy that HTTP subscriptions follow unless they have one of their own.
    pub fn delivery_policy(&self) -> Option<&TopicDeliveryPolicy> {
        self.settings.delivery_policy.as_ref()
    }

    /// The most bytes of text and attributes that a message may have.
    pub fn maximum_message_size(&self) -> usize {
        self.settings.maximum_message_size.unwrap_or(MAXIMUM_MESSAGE_SIZE_DEFAULT)
    }

    /// Whether repeated messages are recognised: always on FIFO topics.
    pub fn deduplicates(&self) -> bool {
        self.arn.is_fifo() || self.settings.deduplicates
    }

    /// Whether a message without a deduplication id gets one from its text.
    pub fn deduplicates_by_content(&self) -> bool {
        self.settings.content_based_deduplication
    }

    /// Which messages count as repeated.
    pub fn deduplication_scope(&self) -> DeduplicationScope {
        self.settings.deduplication_scope.unwrap_or_default()
    }

    /// For how long messages can be replayed.
    pub fn archive_period(&self) -> Option<Duration> {
        self.settings.archive_days.map(|days| Duration::from_secs(u64::from(days) * 24 * 60 * 60))
    }

    /// What e-mails and text messages name as their sender (`DisplayName`); empty when nothing is set.
    pub fn display_name(&self) -> &str {
        &self.settings.display_name
    }

    /// Whether deliveries are the same as with `other`, of this topic: its tags alone may be others.
    pub(crate) fn differs_in_labels_alone(&self, other: &Self) -> bool {
        self.settings == other.settings.clone().tags(self.settings.tags.clone())
    }

    /// The settings, to begin others with.
    pub fn settings(&self) -> &TopicSettings {
        &self.settings
    }

    pub(crate) fn to_record(&self) -> TopicRecord {
        let settings = &self.settings;
        TopicRecord {
            arn: self.arn.clone(),
            made: self.made,
            display_name: settings.display_name.clone(),
            tags: settings.tags.clone(),
            signature_version: settings.signature_version,
            delivery_policy: settings.delivery_policy.as_ref().map(TopicDeliveryPolicy::to_json),
            maximum_message_size: settings.maximum_message_size,
            content_based_deduplication: settings.content_based_deduplication,
            deduplicates_by_group: settings.deduplication_scope.map(|scope| scope == DeduplicationScope::MessageGroup),
            deduplicates: settings.deduplicates,
            archive_days: settings.archive_days,
            attributes: settings.attributes.clone(),
        }
    }

    pub(crate) fn from_record(record: TopicRecord) -> Result<Self, CorruptRecord> {
        let delivery_policy = record.delivery_policy.map(|text| TopicDeliveryPolicy::parse(&text));
        let settings = TopicSettings {
            display_name: record.display_name,
            tags: record.tags,
            signature_version: record.signature_version,
            delivery_policy: delivery_policy.transpose().map_err(CorruptRecord::new)?,
            maximum_message_size: record.maximum_message_size,
            content_based_deduplication: record.content_based_deduplication,
            deduplication_scope: record.deduplicates_by_group.map(|by_group| match by_group {
                true => DeduplicationScope::MessageGroup,
                false => DeduplicationScope::Topic,
            }),
            deduplicates: record.deduplicates,
            archive_days: record.archive_days,
            attributes: record.attributes,
        };
        Ok(Self { arn: record.arn, made: record.made, settings })
    }
}

/// The settings with which a topic is created; the default is Amazon SNS's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TopicSettings {
    display_name: String,
    tags: BTreeMap<String, String>,
    signature_version: Option<SignatureVersion>,
    delivery_policy: Option<TopicDeliveryPolicy>,
    maximum_message_size: Option<usize>,
    content_based_deduplication: bool,
    deduplication_scope: Option<DeduplicationScope>,
    deduplicates: bool,
    archive_days: Option<u16>,
    attributes: BTreeMap<String, String>,
}

impl TopicSettings {
    /// Amazon SNS's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the sender of e-mails and text messages (`DisplayName`).
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = name.into();
        self
    }

    /// Labels for people and their tools (`Tags`).
    #[must_use]
    pub fn tags(mut self, tags: BTreeMap<String, String>) -> Self {
        self.tags = tags;
        self
    }

    /// The labels that are set.
    pub fn tags_set(&self) -> &BTreeMap<String, String> {
        &self.tags
    }

    /// Keeps an attribute that the engine does not read: for the program around it.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// Keeps that attribute no more.
    #[must_use]
    pub fn without_attribute(mut self, name: &str) -> Self {
        self.attributes.remove(name);
        self
    }

    /// The attributes that the engine keeps and does not read.
    pub fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// The signature version if one was set, be it the default.
    pub fn signature_version_set(&self) -> Option<SignatureVersion> {
        self.signature_version
    }

    /// The size of messages if one was set, be it the default; in bytes.
    pub fn maximum_message_size_set(&self) -> Option<usize> {
        self.maximum_message_size
    }

    /// Which messages count as repeated if that was set, be it the default.
    pub fn deduplication_scope_set(&self) -> Option<DeduplicationScope> {
        self.deduplication_scope
    }

    /// For how many days messages are kept for replay.
    pub fn archive_days(&self) -> Option<u16> {
        self.archive_days
    }

    /// Lets HTTP subscriptions follow Amazon SNS's defaults again.
    #[must_use]
    pub fn without_delivery_policy(mut self) -> Self {
        self.delivery_policy = None;
        self
    }

    /// Signs envelopes with `version` (`SignatureVersion`).
    #[must_use]
    pub fn signature_version(mut self, version: SignatureVersion) -> Self {
        self.signature_version = Some(version);
        self
    }

    /// Gives HTTP subscriptions a policy to follow (`DeliveryPolicy`).
    #[must_use]
    pub fn delivery_policy(mut self, policy: TopicDeliveryPolicy) -> Self {
        self.delivery_policy = Some(policy);
        self
    }

    /// Takes messages of at most `bytes` bytes, 1,024 to 1,048,576 (`MaximumMessageSize`).
    ///
    /// # Errors
    /// `InvalidParameter` that names the bounds.
    pub fn maximum_message_size(mut self, bytes: usize) -> Result<Self, SnsError> {
        if !MAXIMUM_MESSAGE_SIZES.contains(&bytes) {
            return Err(SnsError::invalid_parameter(format_args!(
                "MaximumMessageSize Reason: must be {} to {} bytes, not {bytes}",
                MAXIMUM_MESSAGE_SIZES.start(),
                MAXIMUM_MESSAGE_SIZES.end()
            )));
        }
        self.maximum_message_size = Some(bytes);
        Ok(self)
    }

    /// Keeps no messages for replay.
    #[must_use]
    pub fn without_archive(mut self) -> Self {
        self.archive_days = None;
        self
    }

    /// Recognises repeated messages by the SHA-256 of their text where the publisher gives no deduplication id
    /// (`ContentBasedDeduplication`). On a standard topic this turns deduplication on, which is an extension.
    #[must_use]
    pub fn content_based_deduplication(mut self) -> Self {
        self.content_based_deduplication = true;
        self.deduplicates = true;
        self
    }

    /// Recognises repeated messages by the ids that publishers give alone, on a FIFO topic.
    #[must_use]
    pub fn without_content_based_deduplication(mut self) -> Self {
        self.content_based_deduplication = false;
        self.deduplicates = false;
        self
    }

    /// Recognises repeated messages on a standard topic by the deduplication ids that publishers give. An extension; FIFO
    /// topics always do.
    #[must_use]
    pub fn deduplication(mut self) -> Self {
        self.deduplicates = true;
        self
    }

    /// Says which messages count as repeated (`FifoThroughputScope`).
    #[must_use]
    pub fn deduplication_scope(mut self, scope: DeduplicationScope) -> Self {
        self.deduplication_scope = Some(scope);
        self
    }

    /// Keeps messages for replay, for 1 to 365 days (`ArchivePolicy`). On standard topics this is an extension.
    ///
    /// # Errors
    /// `InvalidParameter` that names the bounds.
    pub fn archive(mut self, days: u16) -> Result<Self, SnsError> {
        if !ARCHIVE_DAYS.contains(&days) {
            return Err(SnsError::invalid_parameter(format_args!(
                "ArchivePolicy Reason: MessageRetentionPeriod must be {} to {} days, not {days}",
                ARCHIVE_DAYS.start(),
                ARCHIVE_DAYS.end()
            )));
        }
        self.archive_days = Some(days);
        Ok(self)
    }
}
