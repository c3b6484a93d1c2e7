//! What a verifier believes, and above all what it does not.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is the test's own")]

#[allow(dead_code, reason = "each test program uses its part of the fixture")]
mod fixture;

use std::sync::Arc;

use fanfare_core::{Message, Notification, Publication, SignatureVersion, SubscriptionArn, Timestamp};
use fanfare_testkit::vectors::document;
use fanfare_wire::verify::{BODY_BYTES_MAX, SourceError};
use fanfare_wire::{VerifiedMessage, Verifier, VerifyErrorKind};
use serde_json::Value;

use fixture::messages::{Counting, OWN, body_of, own_verifier, publication, refused, rendered_at, topic, with};

#[tokio::test]
async fn a_rendered_notification_verifies_in_both_versions() {
    for version in [SignatureVersion::V1, SignatureVersion::V2] {
        let publication = publication("line\n\"ö😀\"").with_signature_version(version);
        let notification =
            Notification::new(publication, "http").for_subscription(SubscriptionArn::new(&topic(), "9f21"));
        let body = rendered_at(OWN, &notification).await;
        let Ok(VerifiedMessage::Notification(verified)) = own_verifier().verify(body.as_bytes()).await else {
            panic!("not verified: {body}")
        };
        assert_eq!(verified.text(), "line\n\"ö😀\"");
        assert_eq!(verified.subject(), Some("parcel"));
        assert_eq!(verified.message_id(), "2c6f0f2e");
        assert_eq!(verified.topic(), &topic());
        assert_eq!(verified.timestamp(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            verified.unsubscribe_url().unwrap(),
            "https://sns.example.com/?Action=Unsubscribe\
             &SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21"
        );
        let attribute = verified.unsigned_attribute("store").unwrap();
        assert_eq!((&*attribute.data_type, &*attribute.value), ("String", "example"));
        assert_eq!(verified.unsigned_attributes().len(), 1);
    }
}

#[tokio::test]
async fn a_confirmation_gives_its_token_and_its_link() {
    let notification = Notification::subscription_confirmation("id", topic(), Timestamp::EPOCH, "2336412f37");
    let body = rendered_at(OWN, &notification).await;
    let Ok(VerifiedMessage::SubscriptionConfirmation(verified)) = own_verifier().verify(body.as_bytes()).await else {
        panic!("not verified: {body}")
    };
    assert_eq!(verified.token(), "2336412f37");
    assert_eq!(verified.topic(), &topic());
    assert_eq!(
        verified.subscribe_url().unwrap(),
        "https://sns.example.com/?Action=ConfirmSubscription\
         &TopicArn=arn:aws:sns:us-east-1:000000000000:orders&Token=2336412f37"
    );
}

#[tokio::test]
async fn an_unsubscribe_confirmation_verifies_and_its_token_is_signed() {
    let arn = SubscriptionArn::new(&topic(), "9f21");
    let notification = Notification::unsubscribe_confirmation("id", &arn, Timestamp::EPOCH, "2336412f37");
    let body = rendered_at(OWN, &notification).await;
    let verified = own_verifier().verify(body.as_bytes()).await.unwrap();
    assert!(matches!(verified, VerifiedMessage::UnsubscribeConfirmation(_)));
    let altered = with(&body, "Token", Some("2336412f38"));
    assert_eq!(refused(&own_verifier(), altered).await, VerifyErrorKind::WrongSignature);
}

#[tokio::test]
async fn a_confirmation_passed_off_as_another_kind_is_refused() {
    let arn = SubscriptionArn::new(&topic(), "9f21");
    let notification = Notification::unsubscribe_confirmation("id", &arn, Timestamp::EPOCH, "2336412f37");
    let body = rendered_at(OWN, &notification).await;
    for kind in ["SubscriptionConfirmation", "Notification"] {
        assert_eq!(refused(&own_verifier(), with(&body, "Type", Some(kind))).await, VerifyErrorKind::WrongSignature);
    }
}

#[tokio::test]
async fn a_message_cut_into_lines_in_other_places_is_refused() {
    // The publisher wrote a text whose lines look like those of the string to sign.
    let text = "forged\nMessageId\nforged-id\nSubject\nforged";
    let body = body_of(OWN, text).await;
    assert!(own_verifier().verify(body.as_bytes()).await.is_ok());
    let forged = with(&body, "Message", Some("forged"));
    let forged = with(&forged, "MessageId", Some("forged-id"));
    let forged = with(&forged, "Subject", Some("forged\nMessageId\n2c6f0f2e\nSubject\nparcel"));
    assert_eq!(refused(&own_verifier(), forged).await, VerifyErrorKind::Malformed);
}

#[tokio::test]
async fn a_body_that_a_proxy_wrote_anew_verifies_as_long_as_the_values_are_the_same() {
    let body = body_of(OWN, "text  ö").await;
    let compact = serde_json::from_str::<Value>(&body).unwrap().to_string();
    assert!(own_verifier().verify(compact.as_bytes()).await.is_ok());
    assert_eq!(refused(&own_verifier(), compact.replace("  ö", " ö")).await, VerifyErrorKind::WrongSignature);
    assert_eq!(refused(&own_verifier(), compact.replace("ö", "o\u{308}")).await, VerifyErrorKind::WrongSignature);
}

#[tokio::test]
async fn a_signature_that_is_cut_or_is_not_base64_is_refused() {
    let body = body_of(OWN, "text").await;
    let wrong = [("", VerifyErrorKind::WrongSignature), ("AAAA", VerifyErrorKind::WrongSignature)];
    for (signature, kind) in wrong.into_iter().chain([("*", VerifyErrorKind::Malformed)]) {
        assert_eq!(refused(&own_verifier(), with(&body, "Signature", Some(signature))).await, kind, "{signature:?}");
    }
}

#[tokio::test]
async fn a_message_without_a_signature_is_refused() {
    let publication = publication("text").with_sequence_number("10000000000000003000");
    let body = rendered_at(OWN, &Notification::new(publication, "sqs")).await;
    assert_eq!(refused(&own_verifier(), body).await, VerifyErrorKind::Unsigned);
}

#[tokio::test]
async fn a_key_that_is_missing_is_named() {
    let body = body_of(OWN, "text").await;
    for key in ["Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "SigningCertURL"] {
        let error = own_verifier().verify(with(&body, key, None).as_bytes()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the body is no sns message: {key} is missing"));
    }
}

#[tokio::test]
async fn bodies_that_are_no_object_of_distinct_keys_are_refused() {
    let body = body_of(OWN, "text").await;
    let start = body.strip_prefix("{").unwrap();
    let bodies = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        format!("[{body}]"),
        format!("{body}{body}"),
        format!("\u{feff}{body}"),
        body[..body.len() - 1].to_owned(),
        format!("{{\"Message\": \"text\", {start}"),
        format!("{{\"Message\": null, {start}"),
        format!("{{\"unknown\": 1, \"unknown\": 1, {start}"),
        format!("{{\"SigningCertUrl\": \"https://evil.example\", {start}"),
        body.replace("\"Message\" : \"text\"", "\"Message\" : [\"text\"]"),
        body.replace("\"Message\" : \"text\"", "\"Message\" : \"\\ud800\""),
        body.replace("\"store\" : {", "\"store\" : {\"Type\" : \"String\", "),
        body.replace("\"store\" : {", "\"store\" : {\"Type\" : \"a\", \"Value\" : \"b\"}, \"store\" : {"),
        "[".repeat(1_000_000),
        "{\"MessageAttributes\":".repeat(100_000),
    ];
    for body in bodies {
        assert_ne!(body, format!("{{{start}"));
        let start: String = body.chars().take(60).collect();
        assert_eq!(refused(&own_verifier(), body).await, VerifyErrorKind::Malformed, "{start}");
    }
    assert_eq!(refused(&own_verifier(), b"{\"Message\": \"\xff\"}").await, VerifyErrorKind::Malformed);
}

#[tokio::test]
async fn unknown_keys_are_passed_over_however_deep() {
    let body = body_of(OWN, "text").await;
    let deep = format!("{{\"Later\": {}{}, {}", "[".repeat(100_000), "]".repeat(100_000), &body[1..]);
    assert!(own_verifier().verify(deep.as_bytes()).await.is_ok());
    let many: String = (0..100).map(|number| format!("\"Later{number}\": 1, ")).collect();
    assert_eq!(refused(&own_verifier(), format!("{{{many}{}", &body[1..])).await, VerifyErrorKind::Malformed);
}

#[tokio::test]
async fn the_largest_message_verifies_and_a_larger_body_is_refused() {
    let message = Message::text("\u{1}".repeat(1_048_576)).unwrap();
    let publication = Publication::new("id", topic(), Timestamp::EPOCH, message);
    let body = rendered_at(OWN, &Notification::new(publication, "http")).await;
    assert!(body.len() > 6 * 1_048_576);
    assert!(own_verifier().verify(body.as_bytes()).await.is_ok());
    assert_eq!(refused(&own_verifier(), vec![b' '; BODY_BYTES_MAX + 1]).await, VerifyErrorKind::TooLarge);
}

#[tokio::test]
async fn an_error_repeats_nothing_of_the_body() {
    let bodies = ["\"secret\"", "{\"Message\": {\"secret\": 1}}", "{\"secret\": 1, \"secret\": 2}"];
    for body in bodies {
        let error = own_verifier().verify(body.as_bytes()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_signature_version_that_is_unknown_or_unwanted_is_refused() {
    let body = body_of(OWN, "text").await;
    for version in ["", "0", "3", "01"] {
        let altered = with(&body, "SignatureVersion", Some(version));
        assert_eq!(refused(&own_verifier(), altered).await, VerifyErrorKind::UnsupportedVersion);
    }
    let strict = own_verifier().refusing_sha1();
    assert_eq!(refused(&strict, body).await, VerifyErrorKind::UnsupportedVersion);
    let modern = Notification::new(publication("text").with_signature_version(SignatureVersion::V2), "http");
    assert!(strict.verify(rendered_at(OWN, &modern).await.as_bytes()).await.is_ok());
}

#[tokio::test]
async fn one_verifier_serves_many_tasks() {
    let verifier = Arc::new(own_verifier());
    let tasks = ["one", "two", "three"].map(|text| {
        let verifier = Arc::clone(&verifier);
        tokio::spawn(async move {
            let body = body_of(OWN, text).await;
            assert_eq!(verifier.verify(body.as_bytes()).await.unwrap().text(), text);
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_certificate_that_proved_right_is_not_asked_for_again() {
    let source = Counting::default();
    let verifier = Verifier::trusting(OWN, source.clone()).unwrap();
    let body = body_of(OWN, "text").await;
    let forged = with(&body, "Message", Some("forged"));
    assert_eq!(refused(&verifier, &forged).await, VerifyErrorKind::WrongSignature);
    assert_eq!(source.count(), 1);
    for _message in 0..3 {
        verifier.verify(body.as_bytes()).await.unwrap();
        assert_eq!(source.count(), 2, "what a forged message brought was not kept");
    }
    assert_eq!(refused(&verifier, &forged).await, VerifyErrorKind::WrongSignature);
    assert_eq!(source.count(), 2);
}

#[tokio::test]
async fn the_oldest_of_many_certificates_is_forgotten() {
    let source = Counting::default();
    let verifier = Verifier::trusting(OWN, source.clone()).unwrap();
    let body = body_of(OWN, "text").await;
    let numbered = |number: u32| {
        with(&body, "SigningCertURL", Some(&format!("{OWN}/SimpleNotificationService-{number:032x}.pem")))
    };
    for number in 0..33 {
        verifier.verify(numbered(number).as_bytes()).await.unwrap();
    }
    assert_eq!(source.count(), 33);
    verifier.verify(numbered(1).as_bytes()).await.unwrap();
    assert_eq!(source.count(), 33);
    verifier.verify(numbered(0).as_bytes()).await.unwrap();
    assert_eq!(source.count(), 34);
}

#[tokio::test]
async fn a_certificate_that_is_not_available_is_told_apart_from_one_that_is_wrong() {
    let body = body_of(OWN, "text").await;
    let elliptic = rcgen::generate_simple_self_signed([String::from("sns.example.com")]).unwrap().cert.pem();
    let answers: [(Result<String, &str>, VerifyErrorKind); 5] = [
        (Err("no route"), VerifyErrorKind::CertificateUnavailable),
        (Ok("<html>".to_owned()), VerifyErrorKind::CertificateUnreadable),
        (Ok(fixture::CERTIFICATE_PEM.replace("MII", "MIJ")), VerifyErrorKind::CertificateUnreadable),
        (Ok(elliptic), VerifyErrorKind::CertificateUnreadable),
        (Ok(amazon_certificate()), VerifyErrorKind::WrongSignature),
    ];
    for (answer, kind) in answers {
        let verifier = Verifier::trusting(OWN, move |_: &str| answer.clone().map_err(SourceError::from)).unwrap();
        assert_eq!(refused(&verifier, &body).await, kind);
    }
}

#[tokio::test]
async fn dates_of_certificates_count_only_when_a_time_is_given() {
    // Valid from 2021-09-07 to 2022-08-17.
    let pem = amazon_certificate();
    let verifier = Verifier::amazon(move |_: &str| Ok(pem.clone()));
    let body = document("signed-messages")["positive"][0]["message"].to_string();
    let in_july_2022 = Timestamp::from_unix_ms(1_659_043_438_317);
    let in_2026 = Timestamp::from_unix_ms(1_767_323_045_678);
    verifier.verify(body.as_bytes()).await.unwrap();
    verifier.verify_at(body.as_bytes(), in_july_2022).await.unwrap();
    for time in [in_2026, Timestamp::EPOCH, Timestamp::from_unix_ms(-1), Timestamp::from_unix_ms(i64::MAX)] {
        let error = verifier.verify_at(body.as_bytes(), time).await.unwrap_err();
        assert_eq!(error.kind(), VerifyErrorKind::CertificateExpired);
    }
}

fn amazon_certificate() -> String {
    document("signed-messages")["certificate_pem"].as_str().unwrap().to_owned()
}
