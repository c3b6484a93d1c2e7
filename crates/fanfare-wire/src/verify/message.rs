//! A message whose signature is right.

use fanfare_core::TopicArn;
use serde::Deserialize;

use super::body::{Confirmation, Received, ReceivedKind};
use super::error::{VerifyError, VerifyErrorKind};
use super::trust::is_link_of;

/// A message that the trusted server signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifiedMessage {
    /// A published message.
    Notification(VerifiedNotification),
    /// A request to confirm a subscription. A subscriber that asked for one confirms it; others had better not.
    SubscriptionConfirmation(VerifiedConfirmation),
    /// The news that a subscription has ended, with a link that restores it.
    UnsubscribeConfirmation(VerifiedConfirmation),
}

impl VerifiedMessage {
    /// Takes over what was received from the server whose links begin with `base`.
    pub(super) fn new(received: Received, base: String) -> Self {
        let Received { message_id, topic, message, timestamp, kind, .. } = received;
        let signed = Signed { base, message_id, topic, message, timestamp };
        match kind {
            ReceivedKind::Notification { subject, unsubscribe_url, attributes } => {
                Self::Notification(VerifiedNotification { signed, subject, unsubscribe_url, attributes })
            }
            ReceivedKind::SubscriptionConfirmation(confirmation) => {
                Self::SubscriptionConfirmation(VerifiedConfirmation::new(signed, confirmation))
            }
            ReceivedKind::UnsubscribeConfirmation(confirmation) => {
                Self::UnsubscribeConfirmation(VerifiedConfirmation::new(signed, confirmation))
            }
        }
    }

    /// The `MessageId`, the same on every repetition of the message.
    pub fn message_id(&self) -> &str {
        &self.signed().message_id
    }

    /// The topic.
    pub fn topic(&self) -> &TopicArn {
        &self.signed().topic
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.signed().message
    }

    /// When the message was published, such as `2026-01-02T03:04:05.678Z`: a subscriber that refuses old messages is safe
    /// from their repetition.
    pub fn timestamp(&self) -> &str {
        &self.signed().timestamp
    }

    fn signed(&self) -> &Signed {
        match self {
            Self::Notification(notification) => &notification.signed,
            Self::SubscriptionConfirmation(confirmation) | Self::UnsubscribeConfirmation(confirmation) => {
                &confirmation.signed
            }
        }
    }
}

/// What every kind of message has, and the server that signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signed {
    base: String,
    message_id: String,
    topic: TopicArn,
    message: String,
    timestamp: String,
}

/// A published message. Its text and subject are signed, its attributes are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedNotification {
    signed: Signed,
    subject: Option<String>,
    unsubscribe_url: Option<String>,
    attributes: Vec<(String, ReceivedAttribute)>,
}

impl VerifiedNotification {
    /// The `MessageId`, the same on every repetition of the message.
    pub fn message_id(&self) -> &str {
        &self.signed.message_id
    }

    /// The topic.
    pub fn topic(&self) -> &TopicArn {
        &self.signed.topic
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.signed.message
    }

    /// The subject.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When the message was published, such as `2026-01-02T03:04:05.678Z`.
    pub fn timestamp(&self) -> &str {
        &self.signed.timestamp
    }

    /// The attribute `name`. SNS does not sign attributes: whoever can change the body on its way can change them.
    pub fn unsigned_attribute(&self, name: &str) -> Option<&ReceivedAttribute> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, attribute)| attribute)
    }

    /// Every attribute, in the order of the body; not signed, like each of them.
    pub fn unsigned_attributes(&self) -> impl ExactSizeIterator<Item = (&str, &ReceivedAttribute)> {
        self.attributes.iter().map(|(name, attribute)| (name.as_str(), attribute))
    }

    /// The link that ends the subscription. It is not signed, but leads to the server that signed the message.
    ///
    /// # Errors
    /// [`VerifyErrorKind::ForeignLink`] when it would lead elsewhere; [`VerifyErrorKind::Malformed`] when there is none.
    pub fn unsubscribe_url(&self) -> Result<&str, VerifyError> {
        let link =
            self.unsubscribe_url.as_deref().ok_or_else(|| VerifyError::malformed("UnsubscribeURL is missing"))?;
        own_link(&self.signed, link)
    }
}

/// The news that a subscription waits to be confirmed, or has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedConfirmation {
    signed: Signed,
    subscribe_url: String,
    token: String,
}

impl VerifiedConfirmation {
    fn new(signed: Signed, Confirmation { subscribe_url, token }: Confirmation) -> Self {
        Self { signed, subscribe_url, token }
    }

    /// The topic.
    pub fn topic(&self) -> &TopicArn {
        &self.signed.topic
    }

    /// The token for `ConfirmSubscription`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The link that confirms or restores the subscription. It leads to the server that signed the message.
    ///
    /// # Errors
    /// [`VerifyErrorKind::ForeignLink`] when it would lead elsewhere.
    pub fn subscribe_url(&self) -> Result<&str, VerifyError> {
        own_link(&self.signed, &self.subscribe_url)
    }
}

fn own_link<'l>(signed: &Signed, link: &'l str) -> Result<&'l str, VerifyError> {
    if is_link_of(&signed.base, link) { Ok(link) } else { Err(VerifyErrorKind::ForeignLink.into()) }
}

/// An attribute as the body had it: nothing about it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct ReceivedAttribute {
    /// `Type`, such as `String` or `Number`.
    #[serde(rename = "Type")]
    pub data_type: String,
    /// `Value`; that of a `Binary` attribute is base64.
    pub value: String,
}
