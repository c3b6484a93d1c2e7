//! Envelopes: whatever is published arrives as it was.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_core::attribute::AttributeValue;
use fanfare_core::{Attributes, Message, Notification, Publication, SignatureVersion, Timestamp};
use fanfare_wire::{VerifiedMessage, VerifyErrorKind};
use serde_json::Value;

use super::parts::Parts;
use super::server::{self, BASE};

/// Renders a notification and reads it with a JSON reader and with a verifier.
///
/// The input's parts: letters that choose (`c` and `u` for the two confirmations, `r` for the raw format, `j` for
/// `MessageStructure=json`, `s` for a subject, `2` for a signature; without it, a message has a sequence number, and no
/// signature, which is quick), the text (for confirmations: the token), the subject, then for each attribute its name, type
/// and value.
///
/// Claims: the envelope has exactly the members that it should have, with the values that were published; a verifier
/// accepts a signed one and calls another unsigned, so that no key is there twice.
pub fn envelope(data: &[u8]) {
    let mut parts = Parts::new(data);
    let chosen = parts.next_bytes().unwrap_or_default();
    // Signatures of version 1 would take 20 ms each in an instrumented build.
    let version = chosen.contains(&b'2').then_some(SignatureVersion::V2);
    if chosen.contains(&b'c') || chosen.contains(&b'u') {
        return check_confirmation(chosen.contains(&b'c'), &parts.text());
    }
    let mut message = Message::builder(parts.text());
    let subject = parts.text();
    if chosen.contains(&b's') {
        message = message.subject(subject);
    }
    if chosen.contains(&b'j') {
        message = message.json_structure();
    }
    while let Some(name) = parts.next_text() {
        let data_type = parts.text();
        let value = parts.next_bytes().unwrap_or_default();
        let value = match data_type.starts_with("Binary") {
            true => AttributeValue::Binary(value.to_vec().into()),
            false => AttributeValue::Text(String::from_utf8_lossy(value).into_owned()),
        };
        message = message.attribute(&name, &data_type, value);
    }
    match message.build() {
        Ok(message) if chosen.contains(&b'r') => check_raw(message),
        Ok(message) => check_notification(message, version),
        Err(error) => assert!(!error.message().is_empty()),
    }
}

fn check_raw(message: Message) {
    let text = message.text_for("http").clone();
    let notification = Notification::new(publication(message), "http").for_subscription(server::subscription()).raw();
    assert_eq!(server::rendered(&notification), text);
}

fn check_notification(message: Message, version: Option<SignatureVersion>) {
    let publication = match version {
        Some(version) => publication(message.clone()).with_signature_version(version),
        None => publication(message.clone()).with_sequence_number("10000000000000001000"),
    };
    let notification = Notification::new(publication, "http").for_subscription(server::subscription());
    let body = server::rendered(&notification);
    let text = std::str::from_utf8(message.text_for("http")).expect("a text is made from a String");
    let none = Attributes::new();
    let attributes = if message.has_json_structure() { &none } else { message.attributes() };

    let mut found = Members::read(&body);
    found.take("Type", "Notification");
    found.take("Message", text);
    if let Some(subject) = message.subject() {
        found.take("Subject", subject);
    }
    if !attributes.is_empty() {
        check_attributes(&found.take_any("MessageAttributes"), attributes);
    }
    found.take("UnsubscribeURL", &format!("{BASE}/?Action=Unsubscribe&SubscriptionArn={}", server::subscription()));
    found.check_common(version);

    match (version, server::verified(&body)) {
        (Some(_), Ok(VerifiedMessage::Notification(verified))) => {
            assert_eq!(verified.text(), text);
            assert_eq!(verified.subject(), message.subject());
            assert_eq!(verified.unsigned_attributes().len(), attributes.len());
            verified.unsubscribe_url().expect("the link leads to the server that signed the message");
        }
        (None, Err(error)) => assert_eq!(error.kind(), VerifyErrorKind::Unsigned),
        (_, other) => panic!("a verifier says {other:?}"),
    }
}

fn check_confirmation(subscribes: bool, text: &str) {
    let (topic, time) = (server::topic(), Timestamp::EPOCH);
    let token: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let (kind, notification) = match subscribes {
        true => ("SubscriptionConfirmation", Notification::subscription_confirmation(ID, topic, time, &token)),
        false => (
            "UnsubscribeConfirmation",
            Notification::unsubscribe_confirmation(ID, &server::subscription(), time, &token),
        ),
    };
    let body = server::rendered(&notification.with_signature_version(SignatureVersion::V2));
    let link = format!("{BASE}/?Action=ConfirmSubscription&TopicArn={}&Token={token}", server::topic());

    let mut found = Members::read(&body);
    found.take("Type", kind);
    found.take("Token", &token);
    found.take("SubscribeURL", &link);
    found.take_any("Message");
    found.check_common(Some(SignatureVersion::V2));

    match (subscribes, server::verified(&body).expect("it is signed")) {
        (true, VerifiedMessage::SubscriptionConfirmation(verified))
        | (false, VerifiedMessage::UnsubscribeConfirmation(verified)) => {
            assert_eq!(verified.token(), token);
            assert_eq!(verified.subscribe_url().ok(), Some(&*link));
        }
        (_, other) => panic!("a verifier says {other:?}"),
    }
}

const ID: &str = "2c6f0f2e-3a2b-5b0c-9d1e-0d7f1c2b3a4d";

fn publication(message: Message) -> Publication {
    Publication::new(ID, server::topic(), Timestamp::EPOCH, message)
}

fn check_attributes(found: &Value, attributes: &Attributes) {
    assert_eq!(found.as_object().map(serde_json::Map::len), Some(attributes.len()));
    for (name, attribute) in attributes.iter() {
        assert_eq!(found[name]["Type"], attribute.data_type().as_str());
        let value = found[name]["Value"].as_str().expect("values are texts");
        match attribute.value() {
            AttributeValue::Text(text) => assert_eq!(value, text),
            AttributeValue::Binary(bytes) => assert_eq!(BASE64.decode(value).as_deref(), Ok(&bytes[..])),
            other => panic!("another kind of value: {other:?}"),
        }
    }
}

/// The members of an envelope that no claim was made about yet.
struct Members(serde_json::Map<String, Value>);

impl Members {
    fn read(body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Self(members),
            other => panic!("no json object: {other:?}"),
        }
    }

    fn take_any(&mut self, key: &str) -> Value {
        self.0.remove(key).unwrap_or_else(|| panic!("{key} is missing"))
    }

    fn take(&mut self, key: &str, expected: &str) {
        assert_eq!(self.take_any(key), expected, "{key}");
    }

    /// Checks what all kinds have, and that there is nothing else.
    fn check_common(mut self, version: Option<SignatureVersion>) {
        self.take("MessageId", ID);
        self.take("TopicArn", server::topic().as_str());
        self.take("Timestamp", "1970-01-01T00:00:00.000Z");
        match version {
            Some(version) => {
                self.take("SignatureVersion", version.as_str());
                let signature = self.take_any("Signature");
                let signature = BASE64.decode(signature.as_str().expect("a signature is text"));
                assert_eq!(signature.map(|bytes| bytes.len()), Ok(256));
                let url = self.take_any("SigningCertURL");
                assert!(url.as_str().is_some_and(|url| url.starts_with(BASE)), "{url}");
            }
            None => self.take("SequenceNumber", "10000000000000001000"),
        }
        assert!(self.0.is_empty(), "more members: {:?}", self.0);
    }
}
