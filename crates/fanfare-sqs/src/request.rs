//! From a notification to a message of a queue: a pure function.

use std::collections::HashMap;

use aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use bytes::Bytes;
use fanfare_core::{
    AttributeValue, DeliveryError, DeliveryErrorKind, Format, MessageAttribute, Notification, NotificationKind,
};

use crate::queue::Queue;

/// The most attributes that a message of a queue can have.
const ATTRIBUTES_MAX: usize = 10;

/// What a queue is sent for one notification.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueueMessage {
    body: String,
    attributes: HashMap<String, MessageAttributeValue>,
    group_id: Option<String>,
    deduplication_id: Option<String>,
    /// Of AWS X-Ray; SQS does not count it.
    trace_header: Option<String>,
    /// The bytes of body and attributes, as SQS counts them.
    bytes: usize,
}

impl QueueMessage {
    /// The message that brings `notification`, rendered as `body`, to `queue`.
    ///
    /// - Raw: the attributes become attributes of the message, and the subject is lost. In an envelope all of it is inside.
    /// - A group's id goes along to FIFO queues, and from standard topics to standard queues (fair queues); a
    ///   deduplication id goes along to FIFO queues alone. To a FIFO queue, requests to confirm and the like are a group of their
    ///   own, because it takes nothing without one.
    /// - The publisher's X-Ray trace goes along; SQS has no place for another.
    ///
    /// # Errors
    /// `Unsupported`: more than 10 attributes with raw delivery, or a character that SQS does not take.
    pub(crate) fn of(notification: &Notification, body: &Bytes, queue: &Queue) -> Result<Self, DeliveryError> {
        let body = std::str::from_utf8(body).expect("bodies are rendered as UTF-8").to_owned();
        check_characters(&body)?;
        let mut bytes = body.len();
        let mut attributes = HashMap::new();
        if notification.format() == Format::Raw {
            if notification.attributes().len() > ATTRIBUTES_MAX {
                return Err(unsupported("a queue takes at most 10 attributes with raw delivery"));
            }
            bytes += notification.attributes().size();
            for (name, attribute) in notification.attributes().iter() {
                attributes.insert(name.to_owned(), value(attribute)?);
            }
        }
        let passes_group = queue.is_fifo() || !notification.topic().is_fifo();
        let of_its_own = queue.is_fifo() && *notification.kind() != NotificationKind::Notification;
        let group_id = notification.group_id().filter(|_| passes_group);
        let deduplication_id = notification.deduplication_id().filter(|_| queue.is_fifo());
        Ok(Self {
            body,
            attributes,
            group_id: group_id.or(of_its_own.then(|| notification.kind().as_str())).map(str::to_owned),
            deduplication_id: deduplication_id.or(of_its_own.then(|| notification.message_id())).map(str::to_owned),
            trace_header: notification.trace().xray_header().map(str::to_owned),
            bytes,
        })
    }

    /// The bytes that SQS counts.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The call that sends it alone.
    pub(crate) fn single(self, call: SendMessageFluentBuilder) -> SendMessageFluentBuilder {
        call.message_body(self.body)
            .set_message_attributes(some(self.attributes))
            .set_message_system_attributes(self.trace_header.map(system_attributes))
            .set_message_group_id(self.group_id)
            .set_message_deduplication_id(self.deduplication_id)
    }

    /// The entry `id` of a batch that sends it.
    pub(crate) fn entry(self, id: usize) -> SendMessageBatchRequestEntry {
        SendMessageBatchRequestEntry::builder()
            .id(id.to_string())
            .message_body(self.body)
            .set_message_attributes(some(self.attributes))
            .set_message_system_attributes(self.trace_header.map(system_attributes))
            .set_message_group_id(self.group_id)
            .set_message_deduplication_id(self.deduplication_id)
            .build()
            .expect("an entry has an id and a body")
    }
}

/// No attributes are none at all, as Amazon SNS sends them.
fn some(attributes: HashMap<String, MessageAttributeValue>) -> Option<HashMap<String, MessageAttributeValue>> {
    Some(attributes).filter(|attributes| !attributes.is_empty())
}

fn system_attributes(trace_header: String) -> HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue> {
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace_header);
    let value = value.build().expect("a value has a type");
    [(MessageSystemAttributeNameForSends::AwsTraceHeader, value)].into()
}

fn value(attribute: &MessageAttribute) -> Result<MessageAttributeValue, DeliveryError> {
    let value = MessageAttributeValue::builder().data_type(attribute.data_type().as_str());
    let value = match attribute.value() {
        AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes.as_ref())),
        _ => {
            let text = attribute.to_text();
            check_characters(&text)?;
            value.string_value(text)
        }
    };
    Ok(value.build().expect("a value has a type"))
}

/// SQS takes the characters that XML can carry.
fn check_characters(text: &str) -> Result<(), DeliveryError> {
    let foreign =
        |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(|c| foreign(*c)) {
        None => Ok(()),
        Some(c) => Err(unsupported(format!("a queue does not take the character U+{:04X}", u32::from(c)))),
    }
}

fn unsupported(context: impl Into<String>) -> DeliveryError {
    DeliveryError::reject(DeliveryErrorKind::Unsupported, context)
}

#[cfg(test)]
mod tests {
    use fanfare_core::{Disposition, Message, MessageBuilder, Publication, Timestamp, TopicArn};

    use super::*;

    const STANDARD: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
    const FIFO: &str = "arn:aws:sqs:us-east-1:000000000000:orders.fifo";

    fn notification(topic: &str, message: MessageBuilder) -> Notification {
        let topic = TopicArn::parse(&format!("arn:aws:sns:us-east-1:000000000000:{topic}")).unwrap();
        let publication = Publication::new("0f4b9a4e", topic, Timestamp::EPOCH, message.build().unwrap());
        Notification::new(publication, "sqs")
    }

    fn of(notification: &Notification, body: &str, queue: &str) -> Result<QueueMessage, DeliveryError> {
        QueueMessage::of(notification, &Bytes::copy_from_slice(body.as_bytes()), &Queue::parse(queue).unwrap())
    }

    fn many_attributes(count: usize) -> MessageBuilder {
        (0..count).fold(Message::builder("hello"), |message, at| message.string(&format!("a{at}"), "x"))
    }

    #[test]
    fn an_envelope_is_the_body_and_no_attribute_stands_beside_it() {
        let notification = notification("orders", many_attributes(11).subject("parcel"));
        let expected = QueueMessage {
            body: "{envelope}".to_owned(),
            attributes: HashMap::new(),
            group_id: None,
            deduplication_id: None,
            trace_header: None,
            bytes: 10,
        };
        assert_eq!(of(&notification, "{envelope}", STANDARD).unwrap(), expected);
    }

    #[test]
    fn raw_delivery_sends_the_text_and_attributes_with_their_types() {
        let message = Message::builder("hello")
            .subject("lost")
            .string("colour", "red")
            .attribute("price", "Number.float", AttributeValue::Text("1.50".to_owned()))
            .attribute("tags", "String.Array", AttributeValue::Text("[\"a\",1]".to_owned()))
            .binary("seal", vec![0, 255]);
        let sent = of(&notification("orders", message).raw(), "hello", STANDARD).unwrap();

        let text = |kind: &str, text: &str| {
            MessageAttributeValue::builder().data_type(kind).string_value(text).build().unwrap()
        };
        let seal = MessageAttributeValue::builder().data_type("Binary").binary_value(Blob::new([0, 255]));
        let expected = [
            ("colour", text("String", "red")),
            ("price", text("Number.float", "1.50")),
            ("tags", text("String.Array", "[\"a\",1]")),
            ("seal", seal.build().unwrap()),
        ];
        assert_eq!(sent.attributes, expected.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(sent.body, "hello");
        let counted = 5 + (6 + 6 + 3) + (5 + 12 + 4) + (4 + 12 + 7) + (4 + 6 + 2);
        assert_eq!(sent.bytes(), counted);
    }

    #[test]
    fn raw_delivery_takes_ten_attributes_and_no_more() {
        assert!(of(&notification("orders", many_attributes(10)).raw(), "hello", STANDARD).is_ok());
        let error = of(&notification("orders", many_attributes(11)).raw(), "hello", STANDARD).unwrap_err();
        assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::Unsupported, Disposition::Reject));
        assert_eq!(error.to_string(), "a queue takes at most 10 attributes with raw delivery");
    }

    #[test]
    fn ids_go_where_amazon_sns_sends_them() {
        let both = || Message::builder("hello").group_id("g").deduplication_id("d");
        for (topic, message, queue, group_id, deduplication_id) in [
            ("orders.fifo", both(), FIFO, Some("g"), Some("d")),
            ("orders.fifo", both(), STANDARD, None, None),
            ("orders", Message::builder("hello").group_id("g"), STANDARD, Some("g"), None),
            ("orders", Message::builder("hello"), STANDARD, None, None),
        ] {
            let sent = of(&notification(topic, message), "hello", queue).unwrap();
            assert_eq!(
                (sent.group_id.as_deref(), sent.deduplication_id.as_deref()),
                (group_id, deduplication_id),
                "{topic} to {queue}"
            );
        }
    }

    #[test]
    fn a_request_to_confirm_has_the_ids_without_which_a_fifo_queue_takes_nothing() {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders.fifo").unwrap();
        let request = Notification::subscription_confirmation("0f4b9a4e", topic, Timestamp::EPOCH, "a1");
        let sent = of(&request, "{envelope}", FIFO).unwrap();
        assert_eq!(sent.group_id.as_deref(), Some("SubscriptionConfirmation"));
        assert_eq!(sent.deduplication_id.as_deref(), Some("0f4b9a4e"));
        let sent = of(&request, "{envelope}", STANDARD).unwrap();
        assert_eq!((sent.group_id, sent.deduplication_id), (None, None));
    }

    #[test]
    fn characters_that_no_queue_takes_are_refused() {
        let plain = notification("orders", Message::builder("hello")).raw();
        for fine in ["\t\n\r", " ~\u{7f}\u{85}", "\u{d7ff}\u{e000}\u{fffd}", "\u{10000}\u{10ffff}"] {
            assert!(of(&plain, fine, STANDARD).is_ok(), "{fine:?}");
        }
        for (foreign, name) in [
            ("a\0", "U+0000"),
            ("\u{8}", "U+0008"),
            ("\u{b}", "U+000B"),
            ("\u{c}", "U+000C"),
            ("\u{1f}", "U+001F"),
            ("\u{fffe}", "U+FFFE"),
            ("\u{ffff}", "U+FFFF"),
        ] {
            let error = of(&plain, foreign, STANDARD).unwrap_err();
            assert_eq!(error.to_string(), format!("a queue does not take the character {name}"));
            assert_eq!(error.disposition(), Disposition::Reject);
        }
        let attribute = notification("orders", Message::builder("hello").string("bell", "\u{7}")).raw();
        let error = of(&attribute, "hello", STANDARD).unwrap_err();
        assert_eq!(error.to_string(), "a queue does not take the character U+0007");
    }
}
