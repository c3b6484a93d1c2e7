//! What arrives in a mailbox, read by a parser that others wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::{Connector as _, Endpoint, Message, Notification, Protocol, Publication, Timestamp, TopicArn};
use fanfare_email::{EmailConfig, EmailConnector};
use fanfare_testkit::{ReceivedMail, SmtpReceiver};
use fanfare_wire::verify::SourceError;
use fanfare_wire::{CertificateSource, Links, Renderer, Signer, Verifier};
use serde_json::Value;

use given::{BASE, SUBSCRIPTION, plain};

/// What comes of `notification` at `ann@example.com`.
async fn received(config: EmailConfig, notification: &Notification) -> ReceivedMail {
    let receiver = SmtpReceiver::start().await;
    let endpoint = given::endpoint(config.relay(plain(receiver.addr())));
    endpoint.deliver(notification).await.unwrap();
    receiver.mails().remove(0)
}

fn titled(subject: &str) -> Notification {
    let topic = TopicArn::parse(given::TOPIC).unwrap();
    let message = Message::builder("hello").subject(subject).build().unwrap();
    Notification::new(Publication::new(given::MESSAGE_ID, topic, Timestamp::EPOCH, message), "email")
}

#[tokio::test]
async fn mail_programs_find_how_to_unsubscribe_and_that_nobody_wrote_it() {
    let mail = received(given::config(), &given::notification()).await;
    let link = format!("{BASE}/unsubscribe.html?SubscriptionArn={SUBSCRIPTION}&Endpoint=ann%40example.com");
    assert_eq!(mail.raw_header("List-Unsubscribe"), Some(format!("<{link}>")));
    assert_eq!(mail.raw_header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert_eq!(mail.raw_header("Auto-Submitted").as_deref(), Some("auto-generated"));
    let text = mail.text().unwrap();
    assert!(text.starts_with("hello\n\n--\n") && text.contains(&format!("\n{link}\n")), "{text}");
}

#[tokio::test]
async fn the_topics_name_stands_before_the_address_unless_it_could_be_taken_for_one() {
    for (display_name, sender) in [
        ("Orders", "Orders"),
        ("Zürich → 東京, \"7\"", "Zürich → 東京, \"7\""),
        ("security@bank.example", "Example Alerts"),
        ("", "Example Alerts"),
    ] {
        let notification = given::notification().with_display_name(display_name);
        let mail = received(given::config().name("Example Alerts"), &notification).await;
        assert_eq!(mail.sender(), Some((Some(sender.to_owned()), "alerts@example.com".to_owned())));
    }
}

#[tokio::test]
async fn a_subject_arrives_as_it_was_published() {
    for subject in [
        "Parcel 7",
        "Straße nach Zürich → 東京 🦀",
        "=?utf-8?Q?no?=",
        &"=?東京?= ".repeat(11),
        "a,b;c:\"d\" <e@f>",
        &"x".repeat(99),
    ] {
        let mail = received(given::config(), &titled(subject)).await;
        assert_eq!(mail.subject().as_deref(), Some(subject));
    }
}

#[tokio::test]
async fn one_message_to_two_subscriptions_of_a_mailbox_has_two_message_ids() {
    let first = received(given::config(), &given::notification()).await;
    let other = given::SUBSCRIPTION.replace("5c1f8b52", "00000000");
    let other = given::notification().for_subscription(fanfare_core::SubscriptionArn::parse(&other).unwrap());
    let second = received(given::config(), &other).await;
    assert_ne!(first.message_id(), second.message_id());
    assert!(second.message_id().unwrap().starts_with(given::MESSAGE_ID));
}

/// The signer's own certificate.
#[derive(Debug)]
struct Own(Signer);

#[async_trait]
impl CertificateSource for Own {
    async fn certificate(&self, _: &str) -> Result<String, SourceError> {
        Ok(self.0.certificate().await?.pem().to_owned())
    }
}

#[cfg(feature = "email-json")]
#[tokio::test]
async fn the_envelope_of_email_json_verifies_and_its_unsubscribe_url_leads_to_the_page() {
    let receiver = SmtpReceiver::start().await;
    let signer = Signer::ephemeral();
    let renderer = Renderer::new(signer.clone(), Links::new(BASE).unwrap());
    let connector = EmailConnector::new(given::config().relay(plain(receiver.addr())), renderer).unwrap();
    let endpoint = connector.connect(&Protocol::EmailJson, "ann@example.com").unwrap();
    let topic = TopicArn::parse(given::TOPIC).unwrap();
    // The text speaks of the very link, and is left as it is.
    let link = format!("\n  \"UnsubscribeURL\" : \"{BASE}/?Action=Unsubscribe&SubscriptionArn={SUBSCRIPTION}\"");
    let message = Message::builder(link.clone()).string("colour", "red").build().unwrap();
    let publication = Publication::new(given::MESSAGE_ID, topic, Timestamp::EPOCH, message);
    let notification = Notification::new(publication, "email-json")
        .for_subscription(fanfare_core::SubscriptionArn::parse(SUBSCRIPTION).unwrap());
    endpoint.deliver(&notification).await.unwrap();

    let body = receiver.mails()[0].text().unwrap();
    let (envelope, _) = body.split_once("\n\n--\n").unwrap();
    let verifier = Verifier::trusting(BASE, Own(signer)).unwrap();
    verifier.verify(envelope.as_bytes()).await.unwrap();
    let envelope: Value = serde_json::from_str(envelope).unwrap();
    assert_eq!(envelope["Message"], link);
    assert_eq!(envelope["MessageAttributes"]["colour"]["Value"], "red");
    let page = format!("{BASE}/unsubscribe.html?SubscriptionArn={SUBSCRIPTION}&Endpoint=ann%40example.com");
    assert_eq!(envelope["UnsubscribeURL"], page);
}

#[tokio::test]
async fn an_endpoint_asks_for_ten_notifications_a_second_unless_set_otherwise() {
    let rate =
        |config: EmailConfig| given::endpoint(config.relay(plain(fanfare_testkit::refused_addr()))).limits().per_second;
    assert_eq!(rate(given::config()).map(NonZeroU32::get), Some(10));
    assert_eq!(rate(given::config().per_second(NonZeroU32::new(3))).map(NonZeroU32::get), Some(3));
    assert_eq!(rate(given::config().per_second(None)), None);
}

#[tokio::test]
async fn what_is_no_address_is_refused_in_amazon_sns_s_form() {
    let connector = given::connector(given::config().relay(plain(fanfare_testkit::refused_addr())));
    for address in ["", "ann", "ann@example.com\r\nBcc: bob@example.com", "Ann <ann@example.com>", "a@b@c"] {
        let error = connector.connect(&Protocol::Email, address).unwrap_err();
        assert_eq!(error.to_string(), "InvalidParameter: Invalid parameter: Email address", "{address:?}");
    }
    let endpoint: Arc<dyn Endpoint> = connector.connect(&Protocol::Email, "\"a b\"@bücher.example").unwrap();
    assert_eq!(endpoint.to_string(), "\"a b\"@bücher.example");
    assert!(connector.connect(&Protocol::Http, "http://example.com").is_err());
}
