//! The text of a message that its signature covers.

/// What of a message is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedParts<'a> {
    /// `MessageId`.
    pub message_id: &'a str,
    /// `TopicArn`.
    pub topic_arn: &'a str,
    /// `Message`, as it was before it was escaped for JSON.
    pub message: &'a str,
    /// `Timestamp`, as the message carries it.
    pub timestamp: &'a str,
    /// `Type`, and what only this type of message has.
    pub kind: SignedKind<'a>,
}

/// A type of message, and what only this type has.
///
/// Exhaustive: each type has its own canonical string, so a new one must be thought about wherever messages are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedKind<'a> {
    /// A published message.
    Notification {
        /// `Subject`, when the publisher gave one.
        subject: Option<&'a str>,
    },
    /// A request to confirm a subscription.
    SubscriptionConfirmation {
        /// `SubscribeURL`.
        subscribe_url: &'a str,
        /// `Token`.
        token: &'a str,
    },
    /// The news that a subscription has ended.
    UnsubscribeConfirmation {
        /// `SubscribeURL`.
        subscribe_url: &'a str,
        /// `Token`.
        token: &'a str,
    },
}

/// The string that Amazon SNS signs: for each signed key, in the order of their bytes, the key, a line feed, the value and a
/// line feed; the last line ends with one too.
///
/// `UnsubscribeURL`, `MessageAttributes` and `SequenceNumber` are not signed.
pub fn canonical_string(parts: &SignedParts<'_>) -> String {
    let SignedParts { message_id, topic_arn, message, timestamp, kind } = *parts;
    let mut out = String::with_capacity(message.len() + 1024);
    let mut line = |key: &str, value: &str| {
        for text in [key, "\n", value, "\n"] {
            out.push_str(text);
        }
    };
    line("Message", message);
    line("MessageId", message_id);
    let type_name = match kind {
        SignedKind::Notification { subject } => {
            if let Some(subject) = subject {
                line("Subject", subject);
            }
            line("Timestamp", timestamp);
            "Notification"
        }
        SignedKind::SubscriptionConfirmation { subscribe_url, token } => {
            line("SubscribeURL", subscribe_url);
            line("Timestamp", timestamp);
            line("Token", token);
            "SubscriptionConfirmation"
        }
        SignedKind::UnsubscribeConfirmation { subscribe_url, token } => {
            line("SubscribeURL", subscribe_url);
            line("Timestamp", timestamp);
            line("Token", token);
            "UnsubscribeConfirmation"
        }
    };
    line("TopicArn", topic_arn);
    line("Type", type_name);
    out
}
