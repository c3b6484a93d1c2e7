//! A topic: what publishers publish to.

use crate::arn::TopicArn;
use crate::error::SnsError;
use crate::publication::SignatureVersion;
use crate::retry::TopicDeliveryPolicy;

/// The largest message that a topic takes when nothing else is set, in bytes.
pub const MAXIMUM_MESSAGE_SIZE_DEFAULT: usize = 262_144;

/// What `MaximumMessageSize` may be, in bytes.
const MAXIMUM_MESSAGE_SIZES: std::ops::RangeInclusive<usize> = 1024..=1_048_576;

/// A topic and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Topic {
    arn: TopicArn,
    settings: TopicSettings,
}

impl Topic {
    pub(crate) fn new(arn: TopicArn, settings: TopicSettings) -> Self {
        Self { arn, settings }
    }

    /// The topic's name in the world.
    pub fn arn(&self) -> &TopicArn {
        &self.arn
    }

    /// How envelopes are signed.
    pub fn signature_version(&self) -> SignatureVersion {
        self.settings.signature_version
    }

    /// The policy that HTTP subscriptions follow unless they have one of their own.
    pub fn delivery_policy(&self) -> Option<&TopicDeliveryPolicy> {
        self.settings.delivery_policy.as_ref()
    }

    /// The most bytes of text and attributes that a message may have.
    pub fn maximum_message_size(&self) -> usize {
        self.settings.maximum_message_size.unwrap_or(MAXIMUM_MESSAGE_SIZE_DEFAULT)
    }

    pub(crate) fn settings(&self) -> &TopicSettings {
        &self.settings
    }
}

/// The settings with which a topic is created; the default is Amazon SNS's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TopicSettings {
    signature_version: SignatureVersion,
    delivery_policy: Option<TopicDeliveryPolicy>,
    maximum_message_size: Option<usize>,
}

impl TopicSettings {
    /// Amazon SNS's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Signs envelopes with `version` (`SignatureVersion`).
    #[must_use]
    pub fn signature_version(mut self, version: SignatureVersion) -> Self {
        self.signature_version = version;
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
}
