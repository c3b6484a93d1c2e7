//! HTTP gateways: what they are asked, what bounds there are, and where they tell receipts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::time::Duration;

use fanfare_core::{Connector as _, DeliveryErrorKind, Disposition, Message, Protocol, SubscriptionArn};
use fanfare_sms::{Callbacks, Reason, ReceiptState, SmsConfig, SmsConnector};
use fanfare_testkit::sms_gateway::twilio_error;
use fanfare_testkit::{HttpReceiver, Reply, SmsGateway};

use given::{NUMBER, built, endpoint, kannel, local, notification, twilio};

const SECRET: &[u8] = b"sixteen bytes or more";

async fn kannel_gateway() -> SmsGateway {
    SmsGateway::start_kannel(kannel::USER, kannel::PASSWORD).await
}

async fn twilio_gateway() -> SmsGateway {
    SmsGateway::start_twilio(twilio::ACCOUNT, twilio::TOKEN).await
}

#[tokio::test]
async fn kannel_is_asked_with_the_text_as_it_is_and_the_sender() {
    let gateway = kannel_gateway().await;
    let phone = endpoint(local(SmsConfig::kannel(kannel::config(&gateway))).sender("ACME").unwrap());
    let texts = ["Grüße & 100 % + mehr?", "東京 😀\n\"x\""];
    for text in texts {
        let receipt = phone.deliver(&notification(text)).await.unwrap();
        let words = "Message has been accepted by phone carrier: 0: Accepted for delivery";
        assert_eq!(receipt.response(), Some(words));
    }
    let messages = gateway.messages();
    assert_eq!(messages.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), texts);
    assert!(messages.iter().all(|message| message.to == NUMBER && message.from.as_deref() == Some("ACME")));
    let coding = |at: usize| messages[at].parameters.iter().find(|(name, _)| name == "coding").unwrap().1.clone();
    assert_eq!((coding(0), coding(1)), ("0".to_owned(), "2".to_owned()));
}

#[tokio::test]
async fn twilio_is_asked_with_the_account_and_answers_an_id() {
    let gateway = twilio_gateway().await;
    let phone = endpoint(local(SmsConfig::twilio(twilio::config(&gateway))));
    let message = Message::builder("Grüße & mehr")
        .string("AWS.MM.SMS.OriginationNumber", "+12025550100")
        .number("AWS.SNS.SMS.MaxPrice", "0.05");
    let receipt = phone.deliver(&built(message)).await.unwrap();
    let words = "Message has been accepted by phone carrier: SM00000000000000000000000000000001";
    assert_eq!((receipt.response(), receipt.status()), (Some(words), Some(201)));
    let taken = &gateway.messages()[0];
    let from = taken.from.as_deref();
    assert_eq!((taken.to.as_str(), taken.text.as_str(), from), (NUMBER, "Grüße & mehr", Some("+12025550100")));
    assert!(taken.parameters.contains(&("MaxPrice".to_owned(), "0.05".to_owned())));
}

#[tokio::test]
async fn somebody_who_opted_out_at_the_gateway_is_not_asked_again() {
    let gateway = twilio_gateway().await;
    gateway.http().reply_with(twilio_error(400, 21610));
    let error =
        endpoint(local(SmsConfig::twilio(twilio::config(&gateway)))).deliver(&notification("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::Rejected, Disposition::Reject));
    assert_eq!(error.to_string(), "phone number is opted out: the gateway was told to stop: 21610 This is 21610.");
    assert_eq!(error.response(), Some("Phone number is opted out"));
}

#[tokio::test]
async fn credentials_that_are_refused_are_the_operators_to_mend() {
    let wrong = SmsGateway::start_kannel("somebody", "else").await;
    let error =
        endpoint(local(SmsConfig::kannel(kannel::config(&wrong)))).deliver(&notification("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (DeliveryErrorKind::Misconfigured, Some(403)));
    let wrong = SmsGateway::start_twilio(twilio::ACCOUNT, "else").await;
    let error =
        endpoint(local(SmsConfig::twilio(twilio::config(&wrong)))).deliver(&notification("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (DeliveryErrorKind::Misconfigured, Some(401)));
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
}

#[tokio::test]
async fn a_gateway_at_a_private_address_has_to_be_allowed() {
    let gateway = kannel_gateway().await;
    let error = endpoint(SmsConfig::kannel(kannel::config(&gateway))).deliver(&notification("x")).await.unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::EgressDenied);
    let named = gateway.http().url_at("localhost", "/cgi-bin/sendsms");
    let named = fanfare_sms::KannelConfig::new(&named, kannel::USER, kannel::PASSWORD).unwrap();
    let error = endpoint(SmsConfig::kannel(named)).deliver(&notification("x")).await.unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::EgressDenied);
    assert_eq!(gateway.http().connections(), 0);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (gateway, elsewhere) = (kannel_gateway().await, HttpReceiver::start().await);
    gateway.http().reply_with(Reply::redirect(302, &elsewhere.url("/")));
    let error =
        endpoint(local(SmsConfig::kannel(kannel::config(&gateway)))).deliver(&notification("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (DeliveryErrorKind::Misconfigured, Some(302)));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn an_answer_has_bounds_in_time_and_size() {
    let gateway = kannel_gateway().await;
    let phone = endpoint(local(SmsConfig::kannel(kannel::config(&gateway))));
    gateway.http().reply_with(Reply::endless_body());
    // It said yes, and the rest is not read.
    phone.deliver(&notification("x")).await.unwrap();
    for slow in [Reply::hang(), Reply::status(202).body("0: Accepted").drip_body(Duration::from_secs(60))] {
        gateway.http().reply_with(slow);
        let error = phone.deliver(&notification("x")).await.unwrap_err();
        // Whether it was taken is not known: the engine tries again, and a phone may show it twice.
        assert_eq!(
            (error.kind(), error.disposition()),
            (DeliveryErrorKind::Timeout, Disposition::Retry { after: None })
        );
    }
}

#[tokio::test]
async fn receipts_come_in_by_the_links_that_gateways_were_given() {
    let callbacks = Callbacks::new("https://sns.example.com/sms", SECRET).unwrap();
    let subscription = "arn:aws:sns:us-east-1:000000000000:orders:0f4b9a4e-9d1c-4b5e-8f0f-c0a8b5f7d6e2";
    let notification = notification("hello").for_subscription(SubscriptionArn::parse(subscription).unwrap());
    let (kannel, twilio) = (kannel_gateway().await, twilio_gateway().await);
    let by_kannel = SmsConfig::kannel(kannel::config(&kannel).callbacks(callbacks.clone()));
    let by_twilio = SmsConfig::twilio(twilio::config(&twilio).callbacks(callbacks.clone()));
    for config in [by_kannel, by_twilio] {
        endpoint(local(config)).deliver(&notification).await.unwrap();
    }
    let link = |gateway: &SmsGateway| gateway.messages()[0].receipts.clone().unwrap();
    let path = |link: &str| {
        let rest = link.strip_prefix("https://sns.example.com/sms/").unwrap();
        let (gateway, token) = rest.split_once('/').unwrap();
        (gateway.to_owned(), token.split('?').next().unwrap().to_owned())
    };
    let (gateway, token) = path(&link(&kannel));
    let receipt = callbacks.read(&gateway, &token, [("state", "1"), ("id", "9")]).unwrap();
    assert_eq!(receipt.state, ReceiptState::Delivered);
    let sent = receipt.sent.unwrap();
    assert_eq!(sent.message_id, "00000000-0000-4000-8000-000000000001");
    assert_eq!(sent.subscription.unwrap().as_str(), subscription);

    let (gateway, token) = path(&link(&twilio));
    let parameters = [("MessageStatus", "undelivered"), ("ErrorCode", "30003"), ("MessageSid", "SM1")];
    let receipt = callbacks.read(&gateway, &token, parameters).unwrap();
    assert_eq!(receipt.state, ReceiptState::Failed(Reason::PhoneUnavailable));
}

#[test]
fn what_is_no_number_that_somebody_could_have_is_refused() {
    let config = || SmsConfig::kannel(fanfare_sms::KannelConfig::new("http://gw.example.com/x", "u", "p").unwrap());
    let connector = SmsConnector::new(config()).unwrap();
    for (address, words) in [
        ("", "Invalid parameter: SMS endpoint: "),
        ("nobody", "Invalid parameter: SMS endpoint: nobody"),
        ("+0155512345", "Invalid parameter: SMS endpoint: +0155512345"),
        ("+1234567890123456", "Invalid parameter: SMS endpoint: +1234567890123456"),
        ("+1202555", "Invalid parameter: PhoneNumber Reason: +1202555 is not valid to publish to"),
        ("+9991234567", "Invalid parameter: PhoneNumber Reason: +9991234567 is not valid to publish to"),
    ] {
        assert_eq!(connector.connect(&Protocol::Sms, address).unwrap_err().message(), words);
    }
    assert_eq!(connector.connect(&Protocol::Sms, "1/202-555.0123").unwrap().to_string(), NUMBER);
    assert!(connector.connect(&Protocol::Http, NUMBER).is_err());
    assert!(SmsConnector::new(config().attempt_timeout(Duration::ZERO)).is_err());
    assert!(SmsConnector::new(config().only_ca()).is_err());
}
