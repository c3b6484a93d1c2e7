//! Events from the CloudEvents SDK for Python, and deliveries read by it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Stdio;

use fanfare::{Format, Message, Owner, Protocol, Subscribe, SubscriptionSettings};
use fanfare_server::auth::Mode;
use fanfare_server::ingest::CloudEventsIngest;
use fanfare_testkit::{HttpReceiver, ReceivedRequest};
use fanfare_tests::{Served, loopback};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::process::Command;

/// What the script prints.
async fn python(arguments: &[&str], input: &str) -> String {
    let python = std::env::var_os("FANFARE_PYTHON").expect("FANFARE_PYTHON is set by `cargo xtask test`");
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/live/cloudevents.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The event of a delivery, as the SDK reads it.
async fn read(delivery: &ReceivedRequest) -> Value {
    let content_type = delivery.header("content-type").unwrap();
    let received = json!({ "headers": { "content-type": content_type }, "body": delivery.text() });
    serde_json::from_str(&python(&["read"], &received.to_string()).await).unwrap()
}

/// An engine with a topic, one receiver of its events, and where events are taken in.
async fn taking() -> (Served, HttpReceiver, String) {
    let served = Served::start(loopback(), |builder| builder).await;
    let topic = served.fanfare.create_topic("events").await.unwrap();
    let receiver = HttpReceiver::start().await;
    let mut settings = SubscriptionSettings::default();
    settings.format = Format::CloudEvent;
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/in")).settings(settings).confirmed();
    served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let ingest = CloudEventsIngest::new(served.fanfare.clone(), Mode::Off(Owner::default()), []);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/ingest/cloudevents/events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, ingest.router()).await });
    (served, receiver, url)
}

#[tokio::test]
#[ignore = "needs cloudevents from PyPI, which `cargo xtask test` installs"]
async fn events_of_the_sdk_come_in_by_both_modes_and_go_out_as_it_reads_them() {
    let (_served, receiver, url) = taking().await;
    assert_eq!(python(&["send", &url], "").await, "200\n200\n");
    let mut read_back = Vec::new();
    for delivery in receiver.wait_for(2).await {
        read_back.push(read(&delivery).await);
    }
    read_back.sort_by_key(|event| event["attributes"]["id"].to_string());
    for (event, name) in read_back.iter().zip(["binary", "structured"]) {
        let attributes = &event["attributes"];
        assert_eq!((&attributes["id"], &attributes["type"]), (&json!(name), &json!("com.example.made")));
        assert_eq!(attributes["source"], "https://example.com/żółć?a=b");
        assert_eq!((&attributes["subject"], &attributes["number"]), (&json!("Euro € 😀"), &json!("5")));
        assert_eq!(event["data"], json!({ "of": name }));
    }
}

#[tokio::test]
#[ignore = "needs cloudevents from PyPI, which `cargo xtask test` installs"]
async fn the_sdk_reads_a_message_as_an_event_of_its_topic() {
    let (served, receiver, _) = taking().await;
    let topic = served.fanfare.topics().remove(0).arn().clone();
    let message = Message::builder("żółć\n\"quoted\"").subject("News").string("store", "example").build().unwrap();
    let published = served.fanfare.publish(&topic, message).await.unwrap();
    let event = read(&receiver.wait_for(1).await[0]).await;
    let attributes = &event["attributes"];
    assert_eq!(attributes["id"], published.message_id());
    assert_eq!(
        (&attributes["source"], &attributes["type"]),
        (&json!(topic.as_str()), &json!("fanfare.sns.notification"))
    );
    assert_eq!((&attributes["subject"], &attributes["store"]), (&json!("News"), &json!("example")));
    assert_eq!(event["data"], "żółć\n\"quoted\"");
}
