//! One delivery that was kept instead of sent, and a choice among them.

use std::collections::BTreeMap;

use fanfare::wire::Links;
use fanfare::{MessageType, Notification, NotificationKind, Owner, Protocol, TopicArn};
use serde::Serialize;

/// One delivery that was kept instead of sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Kept {
    /// Counts from 1 over everything that was kept; a number that is gone was dropped or deleted.
    pub number: u64,
    /// The protocol over which it would have been sent.
    pub protocol: Protocol,
    /// Where it would have been sent to, as it was subscribed.
    pub destination: String,
    /// What it is for: a published message or a confirmation.
    #[serde(rename = "type", serialize_with = "by_name")]
    pub message_type: MessageType,
    /// The `MessageId`.
    pub message_id: String,
    /// The topic; none of what was published to an address by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_arn: Option<String>,
    /// The topic, or what stands for it, of which region and account count then.
    #[serde(skip)]
    pub(super) topic: TopicArn,
    /// The subscription, but not of those that are still to be confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_arn: Option<String>,
    /// The subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What the protocol would have carried: the envelope, the raw text, Lambda's event, or the text for the protocol.
    pub text: String,
    /// The `Content-Type` that a delivery policy asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The attributes of the message, by name.
    pub attributes: BTreeMap<String, KeptAttribute>,
    /// The place in a FIFO topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// The `MessageGroupId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_group_id: Option<String>,
    /// The `MessageDeduplicationId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_deduplication_id: Option<String>,
    /// The token of a confirmation, for `ConfirmSubscription`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The link of a confirmation: a GET confirms.
    #[serde(rename = "subscribeURL", skip_serializing_if = "Option::is_none")]
    pub subscribe_url: Option<String>,
    /// The link that ends the subscription.
    #[serde(rename = "unsubscribeURL", skip_serializing_if = "Option::is_none")]
    pub unsubscribe_url: Option<String>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// When it was kept, such as `2026-01-02T03:04:05.678Z`.
    pub time: String,
}

/// An attribute as envelopes show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct KeptAttribute {
    /// `Type`, such as `String` or `Number`.
    #[serde(rename = "Type")]
    pub data_type: String,
    /// `Value`; that of a `Binary` attribute is base64.
    pub value: String,
}

fn by_name<S: serde::Serializer>(kind: &MessageType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.as_str())
}

impl Kept {
    /// What would have gone out over `protocol` to `destination`, carrying `text`. The outbox gives it its number.
    pub(super) fn new(
        protocol: Protocol,
        destination: &str,
        notification: &Notification,
        text: String,
        links: &Links,
        time: String,
    ) -> Self {
        let token = match notification.kind() {
            NotificationKind::SubscriptionConfirmation { token }
            | NotificationKind::UnsubscribeConfirmation { token } => Some(token),
            _ => None,
        };
        let direct = notification.recipient().is_some();
        let pending = notification.kind().message_type() == MessageType::SubscriptionConfirmation;
        let subscription = notification.subscription().filter(|_| !pending && !direct);
        let attributes = notification.attributes().iter().map(|(name, attribute)| {
            let kept = KeptAttribute {
                data_type: attribute.data_type().as_str().to_owned(),
                value: attribute.to_text().into_owned(),
            };
            (name.to_owned(), kept)
        });
        Self {
            number: 0,
            protocol,
            destination: destination.to_owned(),
            message_type: notification.kind().message_type(),
            message_id: notification.message_id().to_owned(),
            topic_arn: (!direct).then(|| notification.topic().to_string()),
            topic: notification.topic().clone(),
            subscription_arn: subscription.map(ToString::to_string),
            subject: notification.subject().map(str::to_owned),
            text,
            content_type: notification.content_type().map(str::to_owned),
            attributes: attributes.collect(),
            sequence_number: notification.sequence_number().map(str::to_owned),
            message_group_id: notification.group_id().map(str::to_owned),
            message_deduplication_id: notification.deduplication_id().map(str::to_owned),
            token: token.map(|token| token.to_string()),
            subscribe_url: token.map(|token| links.subscribe_url(notification.topic(), token)),
            unsubscribe_url: subscription.filter(|_| token.is_none()).map(|arn| links.unsubscribe_url(arn)),
            attempt: notification.attempt().get(),
            time,
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let attributes =
            self.attributes.iter().map(|(name, kept)| name.len() + kept.data_type.len() + kept.value.len());
        size_of::<Self>() + self.text.len() + self.destination.len() + attributes.sum::<usize>()
    }
}

/// Which of the kept deliveries are meant. What is not said does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// Those over this protocol.
    pub protocol: Option<Protocol>,
    /// Those to this address, as it was subscribed.
    pub destination: Option<String>,
    /// Those of this topic: its ARN, or its name in whichever account and region.
    pub topic: Option<String>,
    /// Those of this kind: `Notification`, `SubscriptionConfirmation` or `UnsubscribeConfirmation`.
    pub message_type: Option<MessageType>,
    /// Those of this message.
    pub message_id: Option<String>,
    /// Those of this region and account.
    pub owner: Option<Owner>,
}

impl Choice {
    /// Whether `kept` is meant.
    pub fn means(&self, kept: &Kept) -> bool {
        let name = kept.topic_arn.as_deref().and_then(|arn| arn.rsplit(':').next());
        self.protocol.as_ref().is_none_or(|protocol| *protocol == kept.protocol)
            && self.destination.as_ref().is_none_or(|destination| *destination == kept.destination)
            && self.topic.as_deref().is_none_or(|topic| kept.topic_arn.as_deref() == Some(topic) || name == Some(topic))
            && self.message_type.is_none_or(|asked| asked == kept.message_type)
            && self.message_id.as_ref().is_none_or(|id| *id == kept.message_id)
            && self.owner.as_ref().is_none_or(|owner| kept.topic.belongs_to(owner))
    }
}
