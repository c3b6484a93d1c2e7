//! What holds for every message and every body.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is the test's own")]

#[allow(dead_code, reason = "each test program uses its part of the fixture")]
mod fixture;

use std::sync::LazyLock;

use fanfare_core::attribute::AttributeValue;
use fanfare_core::{Message, Notification, Publication, SubscriptionArn, Timestamp, TopicArn};
use fanfare_wire::{Certificate, Links, Renderer, SigningKey, VerifiedMessage, Verifier};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

const BASE: &str = "https://sns.example.com";

fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Builder::new_current_thread().build().unwrap());
    RUNTIME.block_on(future)
}

fn verifier() -> Verifier {
    Verifier::trusting(BASE, |_: &str| Ok(fixture::CERTIFICATE_PEM.to_owned())).unwrap()
}

fn render(message: Message) -> Vec<u8> {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let arn = SubscriptionArn::new(&topic, "9f21");
    let publication = Publication::new("2c6f0f2e", topic, Timestamp::EPOCH, message);
    let renderer = Renderer::new(fixture::signer(), Links::new(BASE).unwrap());
    let notification = Notification::new(publication, "http").for_subscription(arn);
    block_on(renderer.body(&notification)).unwrap().to_vec()
}

/// Any text at all, with more than its share of what JSON escapes.
fn texts() -> impl Strategy<Value = String> {
    let chars =
        prop_oneof![any::<char>(), prop::char::range('\0', '\u{7f}'), prop::sample::select(vec!['"', '\\', '/'])];
    prop::collection::vec(chars, 1..60).prop_map(String::from_iter)
}

fn lines() -> impl Strategy<Value = String> {
    texts().prop_map(|text| text.replace(char::is_control, "x"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_published_is_what_a_json_reader_and_a_verifier_find(
        text in texts(),
        subject in prop::option::of(lines()),
        values in prop::collection::vec(texts(), 0..4),
        binary in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let mut message = Message::builder(text.clone()).binary("binary", binary.clone());
        for (number, value) in values.iter().enumerate() {
            message = message.attribute(&format!("a.{number}"), "String", AttributeValue::Text(value.clone()));
        }
        if let Some(subject) = &subject {
            message = message.subject(subject.clone());
        }
        let body = render(message.build().unwrap());

        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        prop_assert_eq!(&json["Message"], &text);
        prop_assert_eq!(json.get("Subject").and_then(|subject| subject.as_str()), subject.as_deref());
        for (number, value) in values.iter().enumerate() {
            prop_assert_eq!(&json["MessageAttributes"][format!("a.{number}")]["Value"], value);
        }
        prop_assert_eq!(json["MessageAttributes"].as_object().unwrap().len(), values.len() + 1);

        let verified = block_on(verifier().verify(&body)).unwrap();
        let VerifiedMessage::Notification(verified) = verified else { panic!("another kind: {verified:?}") };
        prop_assert_eq!(verified.text(), text);
        prop_assert_eq!(verified.subject(), subject.as_deref());
    }

    #[test]
    fn a_body_altered_anywhere_is_refused_or_says_the_same(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        static BODY: LazyLock<Vec<u8>> = LazyLock::new(|| {
            render(Message::builder("a parcel").subject("parcel").string("store", "example").build().unwrap())
        });
        let mut body = BODY.clone();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(verified) = block_on(verifier().verify(&body)) {
            let VerifiedMessage::Notification(verified) = verified else { panic!("another kind: {verified:?}") };
            prop_assert_eq!(verified.text(), "a parcel");
            prop_assert_eq!(verified.subject(), Some("parcel"));
            prop_assert_eq!(verified.message_id(), "2c6f0f2e");
            prop_assert_eq!(verified.topic().as_str(), "arn:aws:sns:us-east-1:000000000000:orders");
            prop_assert_eq!(verified.timestamp(), "1970-01-01T00:00:00.000Z");
        }
    }

    #[test]
    fn no_bytes_make_a_verifier_panic_or_believe(body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(block_on(verifier().verify(&body)).is_err());
    }

    #[test]
    fn no_altered_certificate_or_key_makes_its_reader_panic(at in any::<prop::sample::Index>(), byte in 0_u8..0x80) {
        let altered = |pem: &str| {
            let mut pem = pem.as_bytes().to_vec();
            let at = at.index(pem.len());
            pem[at] = byte;
            String::from_utf8(pem).unwrap()
        };
        if let Ok(certificate) = Certificate::from_pem(&altered(fixture::CERTIFICATE_PEM)) {
            prop_assert_eq!(certificate.file_name().len(), "SimpleNotificationService-.pem".len() + 32);
        }
        if let Ok(key) = SigningKey::from_pem(&altered(fixture::PRIVATE_KEY_PEM), fixture::CERTIFICATE_PEM) {
            prop_assert_eq!(key.to_pem(), fixture::PRIVATE_KEY_PEM);
        }
    }

    #[test]
    fn no_text_makes_the_links_panic(base in texts()) {
        if let Ok(links) = Links::new(&format!("https://{base}")) {
            prop_assert!(links.base().starts_with("https://"));
            prop_assert!(!links.base().contains(['"', '\\', '?', '#', ' ']));
        }
    }
}
