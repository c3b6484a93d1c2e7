//! The bytes that subscribers get, and how often they are signed.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is the test's own")]

#[allow(dead_code, reason = "each test program uses its part of the fixture")]
mod fixture;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use fanfare_core::attribute::AttributeValue;
use fanfare_core::{Message, Notification, Publication, SignatureVersion, SubscriptionArn, Timestamp, TopicArn};
use fanfare_wire::{Links, Renderer, Signer};

const ID: &str = "2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10";
const TIME_MS: i64 = 1_767_323_045_678;
const TOKEN: &str = "2336412f37fb687f5d51e6e241d44a2c";

fn topic() -> TopicArn {
    TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap()
}

fn subscription() -> SubscriptionArn {
    SubscriptionArn::new(&topic(), "9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d")
}

fn publication(message: Message) -> Publication {
    Publication::new(ID, topic(), Timestamp::from_unix_ms(TIME_MS), message)
}

fn renderer_of(signer: Signer) -> Renderer {
    Renderer::new(signer, Links::new("https://sns.example.com").unwrap())
}

async fn rendered(notification: &Notification) -> String {
    let body = renderer_of(fixture::signer()).body(notification).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn an_envelope_of_a_text_alone_has_nine_members() {
    let publication = publication(Message::text("a parcel left the house").unwrap());
    let notification = Notification::new(publication, "http").for_subscription(subscription());
    let expected = r#"{
  "Type" : "Notification",
  "MessageId" : "2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10",
  "TopicArn" : "arn:aws:sns:us-east-1:000000000000:orders",
  "Message" : "a parcel left the house",
  "Timestamp" : "2026-01-02T03:04:05.678Z",
  "SignatureVersion" : "1",
  "Signature" : "ZdSblasrNM5fbGhpPJpTumm6lJU5xMhDFLi0mET8L0Gi7JqnuYS4OVt07xNHBnCXsBP4eTsJ2dY4kmd58/U3s5rTb8nS4Q/XJmmw82K3NgmAwiJ8oaSJ/0dRi15HORJ/JiCWQWpLb2zBYa1BhCvL2muCU/LucMRDqWh+QLq1lSNYgBF1didlQSBxaj0pf12Su66FY57kUsg7Ywa4NVCX2sxRh3rX0RVlDU/8fu7YxpamnKRyAmO8KgTks364ZJ4kVcnM1Y1dZG8hhqOF+XVnjURgAR+xH2/RE8iu8vxTdASEsgGcrZ+hLDKxn8mkyk2ZTYa+Yo6KDKPlG/ZtaFxZTg==",
  "SigningCertURL" : "https://sns.example.com/SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem",
  "UnsubscribeURL" : "https://sns.example.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d"
}"#;
    assert_eq!(rendered(&notification).await, expected);
}

#[tokio::test]
async fn an_envelope_escapes_as_amazon_does_and_has_each_attribute_on_a_line() {
    let message = Message::builder("first line\nsecond \"line\" \\ /\ttab ö§ 日本 😀 \u{1}\u{1f}\u{7f}")
        .subject("\"Grüße\"")
        .string("store", "a \"corp\"")
        .attribute("price.eur", "Number.float", AttributeValue::Text("120.50".into()))
        .binary("blob", vec![2, 3, 4])
        .attribute("tags", "String.Array", AttributeValue::Text(r#"["a",1]"#.into()))
        .build()
        .unwrap();
    let publication = publication(message).with_signature_version(SignatureVersion::V2);
    let notification = Notification::new(publication, "sqs").for_subscription(subscription());
    let expected = r#"{
  "Type" : "Notification",
  "MessageId" : "2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10",
  "TopicArn" : "arn:aws:sns:us-east-1:000000000000:orders",
  "Subject" : "\"Grüße\"",
  "Message" : "first line\nsecond \"line\" \\ /\ttab ö§ 日本 😀 \u0001\u001F@DEL@",
  "Timestamp" : "2026-01-02T03:04:05.678Z",
  "SignatureVersion" : "2",
  "Signature" : "Qsec1Z4b3cgRwvPpBL9tJqb/F83RwPfi1YBx4R70Po3iG75nijFaZFligyGh1lnv39xJ+hA8pCsiSsEkfzlJy68cFS8QugRk8wRPx8QagXn5r4Acosdy3S24lzwdBYpvIt6ZqH672lmSWGZb0Zuudc9zs01PKgkSOQJVUb3Iws0g2z3e3Idy0EFt/KYsMGxWrbl4qOb8XZjOhFj9VVG1ZFv5V2N25yReyUJGko6GebFd9uaC1mxCXi1itokg6rFXITlun/RIED7E6ItP4V23W9D56gumgDBQaPdZ8nFXah8naaWA+W24omoaHer5TpKQp0WTp4yfWfikzevXNz8vpA==",
  "SigningCertURL" : "https://sns.example.com/SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem",
  "UnsubscribeURL" : "https://sns.example.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d",
  "MessageAttributes" : {
    "blob" : {"Type":"Binary","Value":"AgME"},
    "price.eur" : {"Type":"Number.float","Value":"120.50"},
    "store" : {"Type":"String","Value":"a \"corp\""},
    "tags" : {"Type":"String.Array","Value":"[\"a\",1]"}
  }
}"#;
    assert_eq!(rendered(&notification).await, expected.replace("@DEL@", "\u{7f}"));
}

#[tokio::test]
async fn an_envelope_with_a_sequence_number_is_not_signed() {
    let signer = fixture::new_signer();
    let message = Message::builder("one").subject("s").group_id("g").string("a", "b").build().unwrap();
    let publication = publication(message).with_sequence_number("10000000000000003000");
    let notification = Notification::new(publication, "sqs").for_subscription(subscription());
    let body = renderer_of(signer.clone()).body(&notification).await.unwrap();
    let expected = r#"{
  "Type" : "Notification",
  "MessageId" : "2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10",
  "SequenceNumber" : "10000000000000003000",
  "TopicArn" : "arn:aws:sns:us-east-1:000000000000:orders",
  "Subject" : "s",
  "Message" : "one",
  "Timestamp" : "2026-01-02T03:04:05.678Z",
  "UnsubscribeURL" : "https://sns.example.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d",
  "MessageAttributes" : {
    "a" : {"Type":"String","Value":"b"}
  }
}"#;
    assert_eq!(std::str::from_utf8(&body).unwrap(), expected);
    assert_eq!(signer.signatures_made(), 0);
}

#[tokio::test]
async fn a_subscription_confirmation_has_the_token_and_the_link() {
    let time = Timestamp::from_unix_ms(TIME_MS);
    let notification = Notification::subscription_confirmation(ID, topic(), time, TOKEN);
    let expected = r#"{
  "Type" : "SubscriptionConfirmation",
  "MessageId" : "2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10",
  "Token" : "2336412f37fb687f5d51e6e241d44a2c",
  "TopicArn" : "arn:aws:sns:us-east-1:000000000000:orders",
  "Message" : "You have chosen to subscribe to the topic arn:aws:sns:us-east-1:000000000000:orders.\nTo confirm the subscription, visit the SubscribeURL included in this message.",
  "SubscribeURL" : "https://sns.example.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:000000000000:orders&Token=2336412f37fb687f5d51e6e241d44a2c",
  "Timestamp" : "2026-01-02T03:04:05.678Z",
  "SignatureVersion" : "1",
  "Signature" : "NSL8eOqHtoKecuusAegChHy2iBNAk0Y7n7HHQww4DoUK92Iut14kY/xByS/D48MwApPqMPvZouRdDL0zegMPVUi1Kv4p0VpfiB9YziSuJm43GYP1Jysq2fCLVHOBtmpkJaBDcITTWjPYYAZCaYcQInd/qc4LBZrMqUQHb78y3i/q6SzoBAT9sqCGhuERB44juVcsS37rCc97ySaCyT/Vik7vtNUkjmiRUmXFpI8hX7xBzOyA/vKAFlYdtIt6/4bj3pKAj0MD0j54uVfUjInNXnze71EE5l2+5argzdit6Rb5D++6YBzklCYOzRdsGPlp7w07r++n1z8d3EMZMXKIig==",
  "SigningCertURL" : "https://sns.example.com/SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem"
}"#;
    assert_eq!(rendered(&notification).await, expected);
    assert_eq!(rendered(&notification.for_subscription(subscription()).raw()).await, expected);
}

#[tokio::test]
async fn an_unsubscribe_confirmation_has_a_link_that_confirms_again() {
    let time = Timestamp::from_unix_ms(TIME_MS);
    let notification = Notification::unsubscribe_confirmation(ID, &subscription(), time, TOKEN);
    let expected = r#"{
  "Type" : "UnsubscribeConfirmation",
  "MessageId" : "2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10",
  "Token" : "2336412f37fb687f5d51e6e241d44a2c",
  "TopicArn" : "arn:aws:sns:us-east-1:000000000000:orders",
  "Message" : "You have chosen to deactivate subscription arn:aws:sns:us-east-1:000000000000:orders:9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d.\nTo cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
  "SubscribeURL" : "https://sns.example.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:000000000000:orders&Token=2336412f37fb687f5d51e6e241d44a2c",
  "Timestamp" : "2026-01-02T03:04:05.678Z",
  "SignatureVersion" : "1",
  "Signature" : "G15JAMdIoFg/SYXQ3e98jIXfNsb2wHQ3JUMm4LUqxrc4QL2w3rCzchao9qFe72zUqlUWqLve0K10/DVPN9hj8Q1/SpZa+0TBDeV5vCdmVGtMI0xQHrJNK62OEnwhTbxeaEuvXIBT5ySRb/7t4/PNFwnAEHYG44nkgfiChwzWkDfBIo+K85IAqg6pxCKHcImLUHwwzLnwVeGx+GG3YYd8by8VwAfzmnrbrIoLkSkbSAb1Jdox7jxVD8hbxhxLz5Wk+r9pAfZ97sp3lec1hvyM8Ldn8h2JtLYJIQdjapp261fSpLFhnqtFMHEpRZEVUFnYGTZSlVRUNdXLhys8mGLolg==",
  "SigningCertURL" : "https://sns.example.com/SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem"
}"#;
    assert_eq!(rendered(&notification).await, expected);
}

#[tokio::test]
async fn a_notification_without_a_subscription_has_no_unsubscribe_link() {
    let notification = Notification::new(publication(Message::text("one").unwrap()), "http");
    let body = rendered(&notification).await;
    assert!(body.ends_with(".pem\"\n}"), "{body}");
    assert!(!body.contains("UnsubscribeURL"));
}

#[tokio::test]
async fn a_raw_body_is_the_text_itself_and_is_not_copied() {
    let signer = fixture::new_signer();
    let publication = publication(Message::text("{\"raw\": \"ö\"}").unwrap());
    let notification = Notification::new(publication, "sqs").for_subscription(subscription()).raw();
    let body = renderer_of(signer.clone()).body(&notification).await.unwrap();
    assert_eq!(body, "{\"raw\": \"ö\"}");
    assert_eq!(body.as_ptr(), notification.text_bytes().as_ptr());
    assert_eq!(signer.signatures_made(), 0);
}

#[tokio::test]
async fn a_hundred_subscribers_share_one_signature_and_have_links_of_their_own() {
    let signer = fixture::new_signer();
    let renderer = renderer_of(signer.clone());
    let publication = publication(Message::text("one").unwrap());
    let bodies = (0..100).map(|number| {
        let (renderer, publication) = (renderer.clone(), publication.clone());
        tokio::spawn(async move {
            let arn = SubscriptionArn::new(&topic(), &format!("subscriber-{number}"));
            renderer.body(&Notification::new(publication, "http").for_subscription(arn)).await.unwrap()
        })
    });
    for (number, body) in bodies.collect::<Vec<_>>().into_iter().enumerate() {
        let body = body.await.unwrap();
        let link = format!(":orders:subscriber-{number}\"\n}}");
        assert!(std::str::from_utf8(&body).unwrap().ends_with(&link), "{body:?}");
    }
    assert_eq!(signer.signatures_made(), 1);
}

#[tokio::test]
async fn each_distinct_text_of_a_message_is_signed_once() {
    let signer = fixture::new_signer();
    let renderer = renderer_of(signer.clone());
    let message = Message::builder(r#"{"default": "for all", "sqs": "for queues"}"#).json_structure().build().unwrap();
    let publication = publication(message);
    for (protocol, text) in [("http", "for all"), ("sqs", "for queues"), ("email-json", "for all")] {
        let notification = Notification::new(publication.clone(), protocol);
        for _retry in 0..3 {
            let body = renderer.body(&notification).await.unwrap();
            let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value["Message"], text);
        }
    }
    assert_eq!(signer.signatures_made(), 2);
}

#[tokio::test]
async fn renderers_with_other_links_do_not_mix_up_their_envelopes() {
    let notification = Notification::new(publication(Message::text("one").unwrap()), "http");
    let one = Renderer::new(fixture::signer(), Links::new("https://one.example").unwrap());
    let two = Renderer::new(fixture::signer(), Links::new("https://two.example").unwrap());
    for (renderer, start) in
        [(&one, "https://one.example/S"), (&two, "https://two.example/S"), (&one, "https://one.example/S")]
    {
        let body = renderer.body(&notification).await.unwrap();
        let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(value["SigningCertURL"].as_str().unwrap().starts_with(start), "{value}");
    }
}

#[tokio::test]
async fn a_subscriber_that_gives_up_waiting_does_not_spoil_the_envelope_for_the_next() {
    let renderer = renderer_of(fixture::new_signer());
    let gives_up = |notification: &Notification| {
        let mut given_up = pin!(renderer.body(notification));
        given_up.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
    };
    // A signing thread can be quicker than the one that asks, so that there is nothing left to give up.
    let notifications = (0..1000).map(|_| Notification::new(publication(Message::text("one").unwrap()), "http"));
    let notification = notifications.into_iter().find(gives_up).expect("one signature takes longer than asking for it");
    let body = renderer.body(&notification).await.unwrap();
    assert!(body.starts_with(b"{\n  \"Type\" : \"Notification\""));
}

async fn rendered_event(notification: &Notification) -> String {
    let event = renderer_of(fixture::signer()).event(notification).await.unwrap();
    String::from_utf8(event.to_vec()).unwrap()
}

#[tokio::test]
async fn an_event_of_a_text_alone_says_that_there_is_no_subject_and_no_attribute() {
    let publication = publication(Message::text("a parcel left the house").unwrap());
    let notification = Notification::new(publication, "lambda").for_subscription(subscription());
    let expected = concat!(
        r#"{"Records":[{"EventSource":"aws:sns","EventVersion":"1.0","#,
        r#""EventSubscriptionArn":"arn:aws:sns:us-east-1:000000000000:orders:9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d","#,
        r#""Sns":{"Type":"Notification","MessageId":"2c6f0f2e-8f5a-4a0e-9b0e-3c1d5a7e9f10","#,
        r#""TopicArn":"arn:aws:sns:us-east-1:000000000000:orders","Subject":null,"#,
        r#""Message":"a parcel left the house","Timestamp":"2026-01-02T03:04:05.678Z","SignatureVersion":"1","#,
        r#""Signature":"ZdSblasrNM5fbGhpPJpTumm6lJU5xMhDFLi0mET8L0Gi7JqnuYS4OVt07xNHBnCXsBP4eTsJ2dY4kmd58/U3s5rTb8nS4Q/XJmmw82K3NgmAwiJ8oaSJ/0dRi15HORJ/JiCWQWpLb2zBYa1BhCvL2muCU/LucMRDqWh+QLq1lSNYgBF1didlQSBxaj0pf12Su66FY57kUsg7Ywa4NVCX2sxRh3rX0RVlDU/8fu7YxpamnKRyAmO8KgTks364ZJ4kVcnM1Y1dZG8hhqOF+XVnjURgAR+xH2/RE8iu8vxTdASEsgGcrZ+hLDKxn8mkyk2ZTYa+Yo6KDKPlG/ZtaFxZTg==","#,
        r#""SigningCertUrl":"https://sns.example.com/SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem","#,
        r#""UnsubscribeUrl":"https://sns.example.com/?Action=Unsubscribe&SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21b6c2-0d2e-4c55-8a1c-5f3f6a7b8c9d","#,
        r#""MessageAttributes":{}}}]}"#,
    );
    assert_eq!(rendered_event(&notification).await, expected);
}

#[tokio::test]
async fn an_event_carries_subject_and_attributes_and_is_never_raw() {
    let message = Message::builder("say \"yes\"")
        .subject("Grüße")
        .binary("blob", vec![2, 3, 4])
        .number("price", "120.50")
        .build()
        .unwrap();
    let event = rendered_event(&Notification::new(publication(message), "lambda").raw()).await;
    let (_, rest) = event.split_once(r#""Subject":"#).unwrap();
    assert!(rest.starts_with(r#""Grüße","Message":"say \"yes\"","Timestamp""#), "{rest}");
    let attributes = r#""MessageAttributes":{"blob":{"Type":"Binary","Value":"AgME"},"price":{"Type":"Number","Value":"120.50"}}}}]}"#;
    assert!(rest.ends_with(attributes), "{rest}");
}

#[tokio::test]
async fn an_event_of_a_fifo_topic_is_not_signed() {
    let publication = publication(Message::text("hello").unwrap()).with_sequence_number("10000000000000001000");
    let event = rendered_event(&Notification::new(publication, "lambda")).await;
    assert!(event.contains(r#""SequenceNumber":"10000000000000001000","TopicArn""#), "{event}");
    assert!(event.contains(r#""Timestamp":"2026-01-02T03:04:05.678Z","UnsubscribeUrl":"""#), "{event}");
}

#[tokio::test]
async fn what_is_foreseen_is_signed_before_anybody_asks_and_once() {
    let signer = fixture::new_signer();
    let renderer = renderer_of(signer.clone());
    let publication = publication(Message::text("one").unwrap());
    let notification = Notification::new(publication.clone(), "http").for_subscription(subscription());
    renderer.foresee_body(&notification);
    renderer.foresee_body(&Notification::new(publication.clone(), "sqs"));
    let signed = async {
        while signer.signatures_made() == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), signed).await.expect("nobody has to ask");
    let body = renderer.body(&notification).await.unwrap();
    let unforeseen = Publication::new(ID, topic(), Timestamp::from_unix_ms(TIME_MS), Message::text("one").unwrap());
    let unforeseen = Notification::new(unforeseen, "http").for_subscription(subscription());
    assert_eq!(body, rendered(&unforeseen).await);
    renderer.foresee_event(&notification);
    renderer.event(&Notification::new(publication, "lambda")).await.unwrap();
    assert_eq!(signer.signatures_made(), 1);
}

#[tokio::test]
async fn what_is_not_signed_is_not_foreseen() {
    let signer = fixture::new_signer();
    let renderer = renderer_of(signer.clone());
    let raw = Notification::new(publication(Message::text("one").unwrap()), "http").raw();
    let fifo = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders.fifo").unwrap();
    let message = Message::builder("one").group_id("g").deduplication_id("d").build().unwrap();
    let of_fifo = Notification::new(Publication::new(ID, fifo, Timestamp::EPOCH, message), "sqs");
    renderer.foresee_body(&raw);
    renderer.foresee_body(&of_fifo);
    renderer.foresee_event(&of_fifo);
    // Signatures are made in the order in which they were asked for, by as many threads as there are cores.
    for number in 0..64 {
        let publication = publication(Message::text(number.to_string()).unwrap());
        renderer.body(&Notification::new(publication, "http")).await.unwrap();
    }
    assert_eq!(signer.signatures_made(), 64);
}
