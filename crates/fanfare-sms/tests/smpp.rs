//! The session with a network, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare_core::{Connector as _, DeliveryErrorKind, Disposition, Endpoint, Message, Protocol};
use fanfare_sms::{
    DeliveryReceipt, LongMessages, Reason, ReceiptObserver, ReceiptState, SmppConfig, SmsConfig, SmsConnector,
};
use fanfare_testkit::{SmppBehaviour, SmppReceiver, TestCa, refused_addr};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use given::smpp::{PASSWORD, SYSTEM_ID, config};
use given::{NUMBER, built, endpoint, local, notification};

/// Receipts as they come.
#[derive(Debug, Clone, Default)]
struct Receipts(Arc<(Mutex<Vec<DeliveryReceipt>>, Notify)>);

impl ReceiptObserver for Receipts {
    fn observe(&self, receipt: &DeliveryReceipt) {
        self.0.0.lock().unwrap().push(receipt.clone());
        self.0.1.notify_waiters();
    }
}

impl Receipts {
    async fn one(&self) -> DeliveryReceipt {
        let one = async {
            loop {
                let changed = self.0.1.notified();
                if let Some(receipt) = self.0.0.lock().unwrap().pop() {
                    return receipt;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), one).await.unwrap()
    }
}

fn phone(config: SmppConfig) -> Arc<dyn Endpoint> {
    endpoint(local(SmsConfig::smpp(config)))
}

#[tokio::test]
async fn all_phones_share_one_session_which_begins_with_the_first_message_and_ends_with_the_connector() {
    let network = SmppReceiver::start().await;
    let connector = SmsConnector::new(local(SmsConfig::smpp(config(&network)))).unwrap();
    let phones = ["+12025550123", "+12025550124"].map(|number| connector.connect(&Protocol::Sms, number).unwrap());
    assert_eq!(network.binds(), 0);
    for phone in &phones {
        phone.deliver(&notification("hello")).await.unwrap();
    }
    assert_eq!((network.binds(), network.sessions()), (1, 1));
    let to: Vec<_> = network.messages().into_iter().map(|message| message.to).collect();
    assert_eq!(to, ["12025550123", "12025550124"]);
    drop((connector, phones));
    network.wait_for_the_end().await;
}

#[tokio::test]
async fn a_long_message_arrives_whole_however_its_parts_belong_together() {
    for how in [LongMessages::Header8, LongMessages::Header16, LongMessages::Parameters] {
        let network = SmppReceiver::start().await;
        let phone = phone(config(&network).long_messages(how));
        let texts = ["東京 😀 ".repeat(100), "[Grüße] für 5 € ".repeat(60)];
        for text in &texts {
            phone.deliver(&notification(text)).await.unwrap();
        }
        let messages = network.messages();
        assert_eq!(messages.iter().map(|message| &message.text).collect::<Vec<_>>(), texts.iter().collect::<Vec<_>>());
        assert!(messages.iter().all(|message| message.parts > 5), "{how:?}");
    }
}

#[tokio::test]
async fn who_sends_is_said_with_the_right_type() {
    let network = SmppReceiver::start().await;
    let phone = phone(config(&network));
    for sender in ["ACME", "+12025550100", "12345"] {
        let name = if sender == "ACME" { "AWS.SNS.SMS.SenderID" } else { "AWS.MM.SMS.OriginationNumber" };
        phone.deliver(&built(Message::builder("hello").string(name, sender))).await.unwrap();
    }
    let from: Vec<_> = network.messages().into_iter().map(|message| (message.from, message.from_type)).collect();
    let expected = [("ACME", (5, 0)), ("12025550100", (1, 1)), ("12345", (3, 0))];
    assert_eq!(from, expected.map(|(from, kind)| (from.to_owned(), kind)));
}

#[tokio::test]
async fn what_a_network_says_later_is_told_with_the_message_that_it_means() {
    let network = SmppReceiver::start().await;
    let receipts = Receipts::default();
    let phone = phone(config(&network).receipts(receipts.clone()));
    for (told, state) in [
        ("DELIVRD", ReceiptState::Delivered),
        ("UNDELIV", ReceiptState::Failed(Reason::Unknown)),
        ("EXPIRED", ReceiptState::Failed(Reason::PhoneUnavailable)),
        ("REJECTD", ReceiptState::Failed(Reason::BlockedByCarrier)),
    ] {
        network.tell(told);
        // Of three parts, each with a receipt.
        phone.deliver(&notification(&"a b ".repeat(100))).await.unwrap();
        let receipt = receipts.one().await;
        assert_eq!((receipt.state, receipt.told.as_str()), (state, told));
        let sent = receipt.sent.unwrap();
        assert_eq!(sent.message_id, "00000000-0000-4000-8000-000000000001");
        assert_eq!((sent.number.as_str(), sent.parts), (NUMBER, 3));
    }
}

#[tokio::test]
async fn a_session_that_ended_is_opened_again_by_itself_and_old_messages_are_remembered() {
    let network = SmppReceiver::start().await;
    let receipts = Receipts::default();
    let phone = phone(config(&network).receipts(receipts.clone()));
    phone.deliver(&notification("hello")).await.unwrap();
    network.go_away().await;
    network.come_back().await;
    // Nobody sends anything.
    network.wait_for_binds(2).await;
    network.tell_of(&network.messages()[0].ids[0], "DELIVRD");
    assert_eq!(receipts.one().await.state, ReceiptState::Delivered);
}

#[tokio::test]
async fn a_network_that_does_not_answer_whether_it_is_there_is_left() {
    let network = SmppReceiver::start().await;
    let phone = phone(config(&network).enquire_link(Duration::from_millis(20)));
    phone.deliver(&notification("hello")).await.unwrap();
    network.behave(SmppBehaviour::Deaf);
    network.wait_for_binds(2).await;
    network.behave(SmppBehaviour::Accept);
    phone.deliver(&notification("hello again")).await.unwrap();
}

#[tokio::test]
async fn a_password_that_is_refused_is_the_operators_to_mend() {
    let network = SmppReceiver::start().await;
    network.only(SYSTEM_ID, "another");
    let phone = phone(config(&network));
    let error = phone.deliver(&notification("hello")).await.unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::Misconfigured);
    assert!(matches!(error.disposition(), Disposition::Retry { .. }));
    assert!(error.to_string().starts_with("the smsc does not let us in with these settings"), "{error}");
    network.only(SYSTEM_ID, PASSWORD);
    phone.deliver(&notification("hello")).await.unwrap();
}

#[tokio::test]
async fn a_network_that_is_away_is_not_asked_by_every_message_and_says_when_it_is() {
    let config = SmppConfig::new(&format!("smpp://{}", refused_addr()), SYSTEM_ID, PASSWORD).unwrap();
    let config = config.reconnect(Duration::from_secs(3600), Duration::from_secs(3600)).unwrap();
    let phone = phone(config);
    let first = phone.deliver(&notification("hello")).await.unwrap_err();
    assert_eq!(first.kind(), DeliveryErrorKind::Unreachable);
    let second = phone.deliver(&notification("hello")).await.unwrap_err();
    let Disposition::Retry { after: Some(after) } = second.disposition() else { panic!("{second:?}") };
    assert!(after > Duration::from_secs(3500) && after <= Duration::from_secs(3600), "{after:?}");
}

#[tokio::test]
async fn a_network_at_a_private_address_has_to_be_allowed() {
    let network = SmppReceiver::start().await;
    let phone = endpoint(SmsConfig::smpp(config(&network)));
    let error = phone.deliver(&notification("hello")).await.unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::EgressDenied);
    assert_eq!(network.binds(), 0);
}

#[tokio::test]
async fn a_session_is_under_tls_where_that_is_asked_for() {
    let ca = TestCa::new();
    let network = SmppReceiver::start_tls(&ca).await;
    assert!(network.url().starts_with("smpps://"));
    let trusting = |config: SmsConfig| config.ca_certificates(ca.certificate_pem()).unwrap().only_ca();
    endpoint(trusting(local(SmsConfig::smpp(config(&network))))).deliver(&notification("hello")).await.unwrap();

    let strange = TestCa::new();
    let wary = local(SmsConfig::smpp(config(&network))).ca_certificates(strange.certificate_pem()).unwrap().only_ca();
    let error = endpoint(wary).deliver(&notification("hello")).await.unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::Tls);
    assert_eq!(network.messages().len(), 1);
}

#[tokio::test]
async fn no_more_requests_wait_for_responses_than_the_window_has() {
    let network = SmppReceiver::start().await;
    let phone = phone(config(&network).window(3.try_into().unwrap()).unwrap());
    phone.deliver(&notification("hello")).await.unwrap();
    network.behave(SmppBehaviour::Silent);
    let mut deliveries = JoinSet::new();
    for _ in 0..8 {
        let phone = Arc::clone(&phone);
        deliveries.spawn(async move { phone.deliver(&notification("hello")).await });
    }
    // They end with their time, all at once.
    let error = deliveries.join_next().await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::Timeout);
    assert_eq!(network.attempts(), 1 + 3);
}

#[tokio::test]
async fn a_burst_that_is_larger_than_the_window_does_not_stop_the_session() {
    let network = SmppReceiver::start().await;
    for window in [1, 2, 10, 60] {
        let phone = phone(config(&network).window(window.try_into().unwrap()).unwrap());
        let mut deliveries = JoinSet::new();
        for number in 0..60 {
            let phone = Arc::clone(&phone);
            let text = format!("message {number} {}", "and so on ".repeat(20));
            deliveries.spawn(async move { phone.deliver(&notification(&text)).await });
        }
        assert!(deliveries.join_all().await.iter().all(Result::is_ok), "with a window of {window}");
    }
    assert_eq!(network.messages().len(), 4 * 60);
}
