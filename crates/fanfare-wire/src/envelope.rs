//! The JSON envelope, in the bytes that Amazon SNS sends.

use bytes::Bytes;
use fanfare_core::{Attributes, Notification, NotificationKind, SignatureVersion, SubscriptionArn};

use crate::json::{push_escaped, push_string};
use crate::links::{Links, UNSUBSCRIBE};

/// What stands between two members.
const BETWEEN: &str = ",\n  ";

/// A message's signature, in the three forms that envelopes carry of it.
#[derive(Debug)]
pub(crate) struct Seal {
    pub(crate) version: SignatureVersion,
    /// Base64 with padding.
    pub(crate) signature: String,
    pub(crate) signing_cert_url: String,
}

/// An envelope but for the one thing that differs between subscribers: `UnsubscribeURL`, which comes between head and tail.
#[derive(Debug)]
pub(crate) struct Envelope {
    head: String,
    tail: String,
}

impl Envelope {
    /// Writes what all subscribers share. Without a seal, the three members of the signature are left out.
    pub(crate) fn new(notification: &Notification, seal: Option<&Seal>, links: &Links) -> Self {
        let token = match notification.kind() {
            NotificationKind::SubscriptionConfirmation { token }
            | NotificationKind::UnsubscribeConfirmation { token } => Some(&**token),
            _ => None,
        };
        let subscribe_url = token.map(|token| links.subscribe_url(notification.topic(), token));
        let timestamp = notification.timestamp().to_string();

        let mut head = String::with_capacity(notification.text().len() + 1536);
        head.push_str("{\n  \"Type\" : ");
        push_string(&mut head, notification.kind().as_str());
        let mut member = |key: &str, value: Option<&str>| {
            let Some(value) = value else { return };
            for text in [BETWEEN, "\"", key, "\" : "] {
                head.push_str(text);
            }
            push_string(&mut head, value);
        };
        member("MessageId", Some(notification.message_id()));
        member("SequenceNumber", notification.sequence_number());
        member("Token", token);
        member("TopicArn", Some(notification.topic().as_str()));
        member("Subject", notification.subject());
        member("Message", Some(notification.text()));
        member("SubscribeURL", subscribe_url.as_deref());
        member("Timestamp", Some(&timestamp));
        member("SignatureVersion", seal.map(|seal| seal.version.as_str()));
        member("Signature", seal.map(|seal| &*seal.signature));
        member("SigningCertURL", seal.map(|seal| &*seal.signing_cert_url));
        Self { head, tail: tail(notification.attributes()) }
    }

    /// The envelope for `subscription`, whose `UnsubscribeURL` it then has.
    pub(crate) fn body(&self, subscription: Option<&SubscriptionArn>, links: &Links) -> Bytes {
        const KEY: &str = "\"UnsubscribeURL\" : \"";
        let Self { head, tail } = self;
        let Some(arn) = subscription.map(SubscriptionArn::as_str) else {
            return Bytes::from([&**head, tail].concat());
        };
        let link = [links.base(), UNSUBSCRIBE, arn];
        let link_len: usize = link.iter().map(|text| text.len()).sum();
        let size = head.len() + BETWEEN.len() + KEY.len() + link_len + 1 + tail.len();
        let mut body = String::with_capacity(size);
        for text in [head, BETWEEN, KEY] {
            body.push_str(text);
        }
        for text in link {
            push_escaped(&mut body, text);
        }
        body.push('"');
        body.push_str(tail);
        Bytes::from(body)
    }
}

/// The attributes, each on a line of its own, and the end.
fn tail(attributes: &Attributes) -> String {
    let mut tail = String::new();
    for (at, (name, attribute)) in attributes.iter().enumerate() {
        tail.push_str(if at == 0 { ",\n  \"MessageAttributes\" : {\n    " } else { ",\n    " });
        push_string(&mut tail, name);
        tail.push_str(" : {\"Type\":");
        push_string(&mut tail, attribute.data_type().as_str());
        tail.push_str(",\"Value\":");
        push_string(&mut tail, &attribute.to_text());
        tail.push('}');
    }
    if !attributes.is_empty() {
        tail.push_str("\n  }");
    }
    tail.push_str("\n}");
    tail
}
