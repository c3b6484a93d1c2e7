//! Cases about what arrives.

use bytes::Bytes;
use fanfare_core::{AttributeValue, DeliveryErrorKind, Disposition, Format, Message};

use super::attempt::{accepted, assert_same_text, built, deliver, id, notification, received_one};
use super::subject::{ReceivedAttribute, Subject};

/// The most bytes of a message that Amazon SNS takes.
const LARGEST_BYTES: usize = 262_144;

/// The most bytes of a message that any topic takes.
const HUGE_BYTES: usize = 1_048_576;

/// A text arrives once, with its spaces, line breaks and quotes, under its message's id.
pub async fn delivers_the_text_unchanged(subject: &dyn Subject) {
    let text = " a parcel \"left\"\tthe <house> & it's\nunder way \\o/ \\n %41 {\"a\": [1, null]} .\n.\nend ";
    accepted(&*subject.endpoint(), &notification(subject, text)).await;
    let received = received_one(subject).await;
    assert_same_text(&received.text, text);
    if let Some(message_id) = received.message_id {
        assert_eq!(message_id, id(1));
    }
}

/// Characters of every length in UTF-8 arrive, also those that combine, join, turn direction or look like ends of lines.
pub async fn delivers_unicode(subject: &dyn Subject) {
    let text = "Zürich → 東京 🦀 👩‍👩‍👧 e\u{301} \u{feff}\u{200f}שלום\u{2028}\u{2029}\u{85}\u{a0}\u{fffd} \u{10ffff} ß";
    accepted(&*subject.endpoint(), &notification(subject, text)).await;
    assert_same_text(&received_one(subject).await.text, text);
}

/// Control characters arrive: NUL, escape, a lone carriage return and the rest.
pub async fn delivers_control_characters(subject: &dyn Subject) {
    let text: String = (0..0x20).chain([0x7f]).map(|code| format!("{code}={}", char::from(code))).collect();
    accepted(&*subject.endpoint(), &notification(subject, &text)).await;
    assert_same_text(&received_one(subject).await.text, &text);
}

/// The largest message that Amazon SNS takes, 262,144 bytes, arrives whole.
pub async fn delivers_the_largest_message(subject: &dyn Subject) {
    let text = counting_text(LARGEST_BYTES);
    accepted(&*subject.endpoint(), &notification(subject, &text)).await;
    assert_same_text(&received_one(subject).await.text, &text);
}

/// A message of 1,048,576 bytes, which larger topics take, either arrives whole or is rejected as what cannot be
/// expressed: trying again would not make it smaller.
pub async fn a_message_of_any_size_is_delivered_or_rejected(subject: &dyn Subject) {
    let text = counting_text(HUGE_BYTES);
    match deliver(&*subject.endpoint(), &notification(subject, &text)).await {
        Ok(_) => assert_same_text(&received_one(subject).await.text, &text),
        Err(error) => {
            assert_eq!(error.disposition(), Disposition::Reject, "a message that is too large stays so: {error:?}");
            let kinds = [DeliveryErrorKind::Unsupported, DeliveryErrorKind::Rejected];
            assert!(kinds.contains(&error.kind()), "{error:?}");
        }
    }
}

/// A subject of the greatest length arrives, with characters beyond ASCII.
pub async fn delivers_the_subject(subject: &dyn Subject) {
    let words = format!("Paket № 7: \"unterwegs\", <bald> da → {}", "s".repeat(63));
    assert_eq!(words.chars().count(), 99);
    let message = Message::builder("a parcel left the house").subject(words.clone());
    accepted(&*subject.endpoint(), &built(subject, 1, message)).await;
    assert_eq!(received_one(subject).await.subject, Some(words));
}

/// Attributes of each type, labelled ones included, arrive with their types and values.
pub async fn delivers_attributes_of_every_type(subject: &dyn Subject) {
    let text = |value: &str| AttributeValue::Text(value.to_owned());
    let attributes = [
        ("array", "String.Array", text("[\"a\", 1, true, null]")),
        ("binary", "Binary", AttributeValue::Binary(Bytes::from_static(&[0, 1, 0x7f, 0x80, 0xff, b'\n']))),
        ("label.ed", "Number.float", text("-1.50e3")),
        ("number", "Number", text("120.50")),
        ("string", "String", text("Zürich → \"東京\"")),
    ];
    let mut message = Message::builder("a parcel left the house");
    for (name, data_type, value) in attributes.clone() {
        message = message.attribute(name, data_type, value);
    }
    accepted(&*subject.endpoint(), &built(subject, 1, message)).await;
    let mut received = received_one(subject).await.attributes;
    received.sort_by(|a, b| a.name.cmp(&b.name));
    let sent = attributes.map(|(name, data_type, value)| ReceivedAttribute {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        value,
    });
    assert_eq!(received, sent);
}

/// With `RawMessageDelivery` the peer gets the text and no envelope, also when the text looks like one.
pub async fn raw_delivery_carries_the_text_alone(subject: &dyn Subject) {
    let text = "{\"Type\": \"Notification\", \"Message\": \"not\\u0020mine\"}";
    accepted(&*subject.endpoint(), &notification(subject, text).raw()).await;
    let received = received_one(subject).await;
    assert_eq!(received.format, Format::Raw);
    assert_same_text(&received.text, text);
}

/// A text of just so many bytes, in which each place looks different.
fn counting_text(bytes: usize) -> String {
    let mut text: String = (0..bytes / 8).map(|line| format!("{line:07}\n")).collect();
    text.extend(std::iter::repeat_n('.', bytes - text.len()));
    text
}
