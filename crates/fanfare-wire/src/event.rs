//! The event that a Lambda function gets, in the bytes that Amazon SNS sends.

use bytes::Bytes;
use fanfare_core::{Notification, SubscriptionArn};

use crate::envelope::Seal;
use crate::json::push_string;
use crate::links::Links;

/// Compact JSON of one record. What HTTP's envelope leaves out when there is none is here in any case: the subject, and the
/// attributes. The certificate's and the subscription's link are spelled otherwise than there.
///
/// Without a seal, the three members of the signature are left out. Without a subscription, its name and its link are empty.
pub(crate) fn event(notification: &Notification, seal: Option<&Seal>, links: &Links) -> Bytes {
    let arn = notification.subscription().map(SubscriptionArn::as_str).unwrap_or_default();
    let unsubscribe_url = notification.subscription().map(|arn| links.unsubscribe_url(arn)).unwrap_or_default();
    let timestamp = notification.timestamp().to_string();

    let mut out = String::with_capacity(notification.text().len() + 1536);
    out.push_str(r#"{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"#);
    push_string(&mut out, arn);
    out.push_str(r#","Sns":{"Type":"#);
    push_string(&mut out, notification.kind().as_str());
    let mut member = |key: &str, value: Option<&str>| {
        for text in [",\"", key, "\":"] {
            out.push_str(text);
        }
        match value {
            Some(value) => push_string(&mut out, value),
            None => out.push_str("null"),
        }
    };
    member("MessageId", Some(notification.message_id()));
    if let Some(number) = notification.sequence_number() {
        member("SequenceNumber", Some(number));
    }
    member("TopicArn", Some(notification.topic().as_str()));
    member("Subject", notification.subject());
    member("Message", Some(notification.text()));
    member("Timestamp", Some(&timestamp));
    if let Some(seal) = seal {
        member("SignatureVersion", Some(seal.version.as_str()));
        member("Signature", Some(&seal.signature));
        member("SigningCertUrl", Some(&seal.signing_cert_url));
    }
    member("UnsubscribeUrl", Some(&unsubscribe_url));
    out.push_str(r#","MessageAttributes":{"#);
    for (at, (name, attribute)) in notification.attributes().iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_string(&mut out, name);
        out.push_str(r#":{"Type":"#);
        push_string(&mut out, attribute.data_type().as_str());
        out.push_str(r#","Value":"#);
        push_string(&mut out, &attribute.to_text());
        out.push('}');
    }
    out.push_str("}}}]}");
    Bytes::from(out)
}
