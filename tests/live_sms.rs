//! Text messages by the programs that others wrote: a Kannel with its fake network, npm's SMPP server, and moto for Amazon SNS.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/aws_server.rs"]
mod aws_server;
#[path = "live/kannel.rs"]
mod kannel;
#[path = "live/smpp_server.rs"]
mod smpp_server;

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare::aws::Aws;
use fanfare::egress::EgressPolicy;
use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::sms::{Callbacks, DeliveryReceipt, KannelConfig, ReceiptObserver, ReceiptState, SmsConfig, SnsConfig};
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe, TopicArn, TopicSettings};
use serde_json::Value;
use tokio::net::TcpListener;

use aws_server::{AwsServer, Kind, Prepared, recording};
use kannel::{Kannel, PASSWORD, USER};
use smpp_server::SmppServer;

const NUMBER: &str = "+12025550123";

/// How long a receipt may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Receipts as they come.
#[derive(Debug, Clone, Default)]
struct Receipts(Arc<Mutex<Vec<DeliveryReceipt>>>);

impl ReceiptObserver for Receipts {
    fn observe(&self, receipt: &DeliveryReceipt) {
        self.0.lock().unwrap().push(receipt.clone());
    }
}

impl Receipts {
    /// Waits for so many, and gives the `MessageId` and the state of each.
    async fn wait(&self, count: usize) -> BTreeSet<(String, String)> {
        let began = Instant::now();
        loop {
            let receipts = self.0.lock().unwrap().clone();
            if receipts.len() >= count {
                let told =
                    |receipt: DeliveryReceipt| (receipt.sent.unwrap().message_id, format!("{:?}", receipt.state));
                return receipts.into_iter().map(told).collect();
            }
            assert!(began.elapsed() < PATIENCE, "there are {receipts:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// An engine that sends by `config`, with a phone that is tried again soon.
async fn engine(config: SmsConfig) -> (Fanfare, TopicArn) {
    let loopback = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
    let config = config.egress(loopback).attempt_timeout(Duration::from_secs(5));
    let adapters = Adapters::new("https://sns.example.com").unwrap().sms(config);
    let fanfare = Fanfare::builder().connectors(adapters.connectors().unwrap()).open();
    let topic = fanfare.create_topic_with("orders", TopicSettings::new().display_name("ACME")).await.unwrap();
    let soon = RetrySchedule::extended([RetryPhase::constant(1000, Duration::from_millis(100))]).unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Sms, NUMBER).retry(soon)).await.unwrap();
    (fanfare, topic)
}

/// Tells `receipts` what comes in at a URL of ours, and answers that URL.
async fn callbacks(receipts: Receipts) -> Callbacks {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    let callbacks = Callbacks::new(&url, b"a secret of the live tests").unwrap();
    let reader = callbacks.clone();
    let take = async move |Path((gateway, token)): Path<(String, String)>, RawQuery(query): RawQuery| {
        let query = query.unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        if let Some(receipt) = reader.read(&gateway, &token, pairs) {
            receipts.observe(&receipt);
        }
    };
    let router = Router::new().route("/told/{gateway}/{token}", get(take));
    tokio::spawn(async move { axum::serve(listener, router).await });
    callbacks
}

/// Runs the test of this name again, in a network namespace of its own. Answers whether this is that run.
fn in_namespace(test: &str) -> bool {
    const MARK: &str = "FANFARE_OWN_NAMESPACE";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let script = "ip link set lo up && exec \"$0\" \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", script]).arg(std::env::current_exe().unwrap());
    let status = command.args(["--ignored", "--exact", test, "--nocapture"]).env(MARK, "1").status().unwrap();
    assert!(status.success(), "the test failed in its namespace");
    false
}

#[test]
#[ignore = "starts Debian's Kannel, which `cargo xtask test` installs, in a network namespace, which takes root"]
fn kannel_takes_texts_tells_receipts_and_loses_nothing_while_it_is_away() {
    if !in_namespace("kannel_takes_texts_tells_receipts_and_loses_nothing_while_it_is_away") {
        return;
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(by_kannel());
}

async fn by_kannel() {
    let mut kannel = Kannel::start();
    let receipts = Receipts::default();
    let config = KannelConfig::new(&Kannel::url(), USER, PASSWORD).unwrap();
    let config = config.callbacks(callbacks(receipts.clone()).await);
    let (fanfare, topic) = engine(SmsConfig::kannel(config)).await;

    let message = Message::builder("Grüße für 5 € [x]").string("AWS.SNS.SMS.SenderID", "ACME").build().unwrap();
    let first = fanfare.publish(&topic, message).await.unwrap();
    let shown = kannel.wait(|shown| !shown.is_empty()).await;
    assert_eq!((shown[0].from.as_str(), shown[0].to.as_str()), ("ACME", NUMBER));
    assert_eq!(shown[0].text, "ACME> Grüße für 5 € [x]");

    // Of one that is longer than a part, Kannel makes parts that belong together.
    let words = "東京 😀 ".repeat(200);
    let long = fanfare.publish(&topic, Message::text(words.clone()).unwrap()).await.unwrap();
    let whole = format!("ACME> {words}");
    let shown = kannel.wait(|shown| shown.get(1).is_some_and(|part| shown.len() == 1 + part.header[4] as usize)).await;
    // It tears characters that take two places, so that the parts are put together before they are read.
    let units: Vec<u16> = shown[1..].iter().flat_map(kannel::Shown::units).collect();
    assert_eq!(String::from_utf16(&units).unwrap(), whole);
    assert!(shown[1..].iter().all(|part| part.header[..3] == [5, 0, 3]));

    let told = receipts.wait(2).await;
    for message in [&first, &long] {
        assert!(told.contains(&(message.message_id().to_owned(), "Delivered".to_owned())), "{told:?}");
    }

    kannel.stop();
    let mut published = Vec::new();
    for number in 0..5 {
        published.push(fanfare.publish(&topic, Message::text(format!("while away {number}")).unwrap()).await.unwrap());
    }
    // It is away for at least one attempt.
    let id = published[0].message_id().to_owned();
    while fanfare.attempts(&id, None).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kannel.start_again();
    for message in published {
        assert_eq!(tokio::time::timeout(PATIENCE, message.settled()).await.unwrap().delivered(), 1);
    }
    let away = |shown: &[kannel::Shown]| {
        shown
            .iter()
            .filter(|part| part.text.contains("while away"))
            .map(|part| part.text.clone())
            .collect::<BTreeSet<_>>()
    };
    kannel.wait(|shown| away(shown).len() == 5).await;
    fanfare.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts npm's package smpp, which `cargo xtask test` installs"]
async fn a_network_takes_long_texts_over_smpp_throttles_and_tells_receipts() {
    let network = SmppServer::start().await;
    let receipts = Receipts::default();
    let config: SmsConfig = network.url().parse().unwrap();
    let config = config.receipts(receipts.clone(), Callbacks::new("https://unused.example", &[0; 16]).unwrap());
    let (fanfare, topic) = engine(config.sender("ACME").unwrap()).await;

    let words = "東京 😀 ".repeat(50);
    let long = fanfare.publish(&topic, Message::text(words.clone()).unwrap()).await.unwrap();
    let throttled = fanfare.publish(&topic, Message::text("Grüße [throttle] €").unwrap()).await.unwrap();
    let refused = fanfare.publish(&topic, Message::text("for nobody").unwrap()).await.unwrap();
    let throttled_id = throttled.message_id().to_owned();
    let told = receipts.wait(2).await;
    assert_eq!(
        told,
        [&long, &throttled].map(|m| (m.message_id().to_owned(), format!("{:?}", ReceiptState::Delivered))).into()
    );
    assert_eq!((long.settled().await.delivered(), throttled.settled().await.delivered()), (1, 1));
    assert_eq!(refused.settled().await.dropped(), 1);

    let (parts, plain): (Vec<Value>, _) = network
        .parts()
        .into_iter()
        .partition(|part| part["header"].as_array().is_some_and(|header| !header.is_empty()));
    let texts = |parts: &[Value]| parts.iter().map(|part| part["text"].as_str().unwrap()).collect::<String>();
    assert_eq!(texts(&parts), format!("ACME> {words}"));
    assert!(parts.len() > 1 && parts.iter().all(|part| part["coding"] == 8));
    assert_eq!(texts(&plain), "ACME> Grüße [throttle] €");
    assert_eq!(plain[0]["to"], serde_json::json!([1, 1, "12025550123"]));
    assert_eq!(plain[0]["from"], serde_json::json!([5, 0, "ACME"]));
    let attempts = fanfare.attempts(&throttled_id, None).await.unwrap();
    assert_eq!((attempts.len(), attempts[0].status), (2, Some(0x58)));
    fanfare.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts npm's package smpp, which `cargo xtask test` installs"]
async fn nothing_is_lost_while_a_network_is_away_in_the_middle() {
    let mut network = SmppServer::start().await;
    let (fanfare, topic) = engine(network.url().parse().unwrap()).await;
    let text = |number: usize| format!("message {number}");
    let mut published = Vec::new();
    for number in 0..60 {
        if number == 20 {
            network.wait(|parts| !parts.is_empty()).await;
            network.stop().await;
        }
        if number == 40 {
            network.start_again().await;
        }
        published.push(fanfare.publish(&topic, Message::text(text(number)).unwrap()).await.unwrap());
    }
    for message in published {
        let report = tokio::time::timeout(Duration::from_secs(60), message.settled()).await.unwrap();
        assert_eq!(report.delivered(), 1);
    }
    let wanted: BTreeSet<String> = (0..60).map(|number| format!("ACME> {}", text(number))).collect();
    let taken =
        |parts: &[Value]| parts.iter().map(|part| part["text"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    let parts = network.wait(|parts| taken(parts).len() >= 60).await;
    assert_eq!(taken(&parts), wanted);
    fanfare.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "starts moto, which `cargo xtask test` installs"]
async fn amazon_sns_as_moto_has_it_takes_a_message_for_a_number_with_its_attributes() {
    let json = [("Content-Type", "application/json")];
    let record = Prepared::new("none", "/moto-api/recorder/start-recording", &json, "");
    let server = AwsServer::start(Kind::Moto, vec![record]).await;
    let sns = SnsConfig::new(Aws::new(server.config())).region("eu-west-1");
    let (fanfare, topic) = engine(SmsConfig::sns(sns)).await;
    let message = Message::builder("Grüße & mehr")
        .string("AWS.SNS.SMS.SenderID", "ACME")
        .string("AWS.SNS.SMS.SMSType", "Transactional");
    let published = fanfare.publish(&topic, message.build().unwrap()).await.unwrap();
    let id = published.message_id().to_owned();
    assert_eq!(published.settled().await.delivered(), 1);

    let attempts = fanfare.attempts(&id, None).await.unwrap();
    let response = attempts[0].response.as_deref().unwrap();
    assert!(response.starts_with("Message has been accepted by phone carrier: "), "{response}");
    let lines = std::fs::read_to_string(recording(server.port())).unwrap();
    let request: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let body = request["body"].as_str().unwrap();
    let body = match request["body_encoded"].as_bool() {
        Some(true) => String::from_utf8(BASE64_STANDARD.decode(body).unwrap()).unwrap(),
        _ => body.to_owned(),
    };
    for pair in ["PhoneNumber=%2B12025550123", "Message=ACME%3E%20Gr%C3%BC%C3%9Fe%20%26%20mehr"] {
        assert!(body.split('&').any(|known| known == pair), "{body}");
    }
    for value in ["AWS.SNS.SMS.SenderID", "Value.StringValue=ACME", "Value.StringValue=Transactional"] {
        assert!(body.contains(value), "{body}");
    }
    fanfare.close().await;
}
