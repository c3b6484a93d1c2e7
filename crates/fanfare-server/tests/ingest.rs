//! Messages of other SNS servers, taken in over sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "test_mode/program.rs"]
mod program;

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use fanfare::wire::verify::SourceError;
use fanfare::wire::{Links, Renderer, Signer};
use fanfare::{
    Connectors, Fanfare, Host as _, Message, Notification, Protocol, Publication, Subscribe, SubscriptionArn,
    Timestamp, TopicArn,
};
use fanfare_server::emulate::{Choice, Kept, Outbox};
use fanfare_server::ingest::{SnsIngest, Source};
use fanfare_testkit::SimulatedHost;
use fanfare_testkit::vectors::{cases, document};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use program::Program;

/// A server that takes in the messages which Amazon SNS signed for the recorded topics, some minutes after it did.
struct Taking {
    base: String,
    client: reqwest::Client,
    host: Arc<SimulatedHost>,
    outbox: Outbox,
    /// Every URL that was asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Taking {
    /// With a topic `here` that a queue is subscribed to, unless there is none to be.
    async fn start(topic: Option<&str>, certificate: fn(&str) -> Result<String, SourceError>) -> Self {
        // The recorded messages are of 21:23 to 22:53.
        let now: jiff::Timestamp = "2022-07-28T22:55:00Z".parse().unwrap();
        let now = Timestamp::from_unix_ms(now.as_millisecond());
        let host = Arc::new(SimulatedHost::started_at(now, 1));
        let renderer = Renderer::new(Signer::ephemeral(), Links::new("http://127.0.0.1:9").unwrap());
        let outbox = Outbox::new([Protocol::Sqs], renderer, Arc::clone(&host));
        let connectors = Connectors::new().with(outbox.clone());
        let fanfare = Fanfare::builder().connectors(connectors).host(Arc::clone(&host)).open();
        if let Some(topic) = topic {
            let topic = fanfare.create_topic(topic).await.unwrap();
            let queue = Subscribe::to(Protocol::Sqs, "arn:aws:sqs:us-east-1:000000000000:queue").raw();
            fanfare.subscribe(&topic, queue).await.unwrap();
        }
        let mut origins: Vec<_> =
            cases("signed-messages", "positive").iter().map(|case| text(&case["message"]["TopicArn"])).collect();
        origins.dedup();
        let sources = origins.iter().map(|origin| format!("{origin}=here").parse::<Source>().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let documents = {
            let asked = Arc::clone(&asked);
            move |url: &str| {
                asked.lock().unwrap().push(url.to_owned());
                certificate(url)
            }
        };
        let ingest = SnsIngest::new(fanfare, Arc::clone(&host), sources, documents);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = ingest.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, client: reqwest::Client::builder().no_proxy().build().unwrap(), host, outbox, asked }
    }

    async fn genuine() -> Self {
        Self::start(Some("here"), |_| Ok(text(&document("signed-messages")["certificate_pem"]))).await
    }

    /// What a POST to a path comes to: the status and the reason.
    async fn post(&self, path: &str, body: &Value) -> (u16, String) {
        let request = self.client.post(format!("{}{path}", self.base)).body(body.to_string());
        let (status, said) = Program::json(request).await;
        (status, said["error"].as_str().unwrap_or_default().to_owned())
    }

    async fn take(&self, body: &Value) -> (u16, String) {
        self.post("/ingest/sns/here", body).await
    }

    async fn published(&self, count: usize) -> Vec<Kept> {
        let kept = self.outbox.wait(&Choice::default(), count, Duration::from_secs(20)).await;
        assert!(kept.len() >= count, "{} of {count} were published", kept.len());
        kept
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The first message that Amazon SNS signed, in the form of HTTP.
fn recorded() -> Value {
    let all = cases("signed-messages", "positive").into_iter();
    let mut all = all.filter(|case| case["casing"] == "http");
    all.next().unwrap()["message"].clone()
}

/// What a server signs that is taken for Amazon SNS, since it has the key of the certificate there.
struct Amazon {
    renderer: Renderer,
    topic: TopicArn,
}

impl Amazon {
    fn new() -> Self {
        let renderer = Renderer::new(SIGNER.clone(), Links::aws("us-east-2").unwrap());
        Self { renderer, topic: TopicArn::parse(&text(&recorded()["TopicArn"])).unwrap() }
    }

    async fn signs(&self, notification: Notification) -> Value {
        serde_json::from_slice(&self.renderer.body(&notification).await.unwrap()).unwrap()
    }

    /// What it answers a GET.
    fn document(_: &str) -> Result<String, SourceError> {
        Ok(SIGNER.ready_certificate().ok_or("nothing was signed yet")?.pem().to_owned())
    }
}

static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::ephemeral);

#[tokio::test]
async fn every_message_that_amazon_sns_signed_is_published_once_however_often_it_comes() {
    let taking = Taking::genuine().await;
    let all = cases("signed-messages", "positive").into_iter();
    let all: Vec<Value> =
        all.map(|case| case["message"].clone()).filter(|message| message["Type"] == "Notification").collect();
    assert!(
        all.len() >= 5 && all.iter().any(|message| message["Subject"] == "Hello world"),
        "there are recorded messages"
    );
    let mut ids: Vec<_> = all.iter().map(|message| text(&message["MessageId"])).collect();
    for message in all.iter().chain(&all) {
        assert_eq!(taking.take(message).await, (200, String::new()));
    }
    ids.sort();
    ids.dedup();
    let published = taking.published(ids.len()).await;
    assert_eq!(published.len(), ids.len());
    for message in &all {
        let id = text(&message["MessageId"]);
        let kept = published.iter().find(|kept| kept.attributes["Fanfare.Origin.MessageId"].value == id).unwrap();
        assert_eq!(kept.text, text(&message["Message"]));
        assert_eq!(kept.subject.as_deref(), message["Subject"].as_str());
        assert_eq!(kept.attributes["Fanfare.Origin.TopicArn"].value, text(&message["TopicArn"]));
        assert_ne!(kept.message_id, id);
    }
    let mut certificates = taking.asked();
    certificates.sort();
    let fetched = certificates.len();
    certificates.dedup();
    assert_eq!(fetched, certificates.len(), "each certificate is fetched once");
}

#[tokio::test]
async fn no_message_that_was_changed_is_published() {
    let taking = Taking::genuine().await;
    for case in cases("signed-messages", "negative") {
        if case["valid"] == true {
            continue;
        }
        let (status, why) = taking.take(&case["message"]).await;
        assert!((400..500).contains(&status), "{}: {status} {why}", case["mutated"]);
    }
    assert_eq!(taking.outbox.list(&Choice::default()), []);
}

#[tokio::test]
async fn a_subscription_confirms_itself_by_its_own_link_alone() {
    let (taking, amazon) = (Taking::start(Some("here"), Amazon::document).await, Amazon::new());
    let now = taking.host.now();
    let confirmation = Notification::subscription_confirmation("id", amazon.topic.clone(), now, "0123abcd");
    let confirmation = amazon.signs(confirmation).await;
    assert_eq!(taking.take(&confirmation).await, (200, String::new()));
    let link = format!(
        "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&TopicArn={}&Token=0123abcd",
        amazon.topic
    );
    assert_eq!(taking.asked()[1..], [link.as_str()]);

    let mut moved = confirmation.clone();
    moved["SubscribeURL"] = json!(link.replace("us-east-2", "us-east-2.evil"));
    assert_eq!(taking.take(&moved).await, (403, "the signature is wrong".to_owned()));
    assert_eq!(taking.asked().len(), 2);
}

#[tokio::test]
async fn a_confirmation_that_cannot_be_made_now_is_asked_for_again() {
    let document = |url: &str| match url.ends_with(".pem") {
        true => Amazon::document(url),
        false => Err("the server answered 500".into()),
    };
    let (taking, amazon) = (Taking::start(Some("here"), document).await, Amazon::new());
    let now = taking.host.now();
    let confirmation = Notification::subscription_confirmation("id", amazon.topic.clone(), now, "0123abcd");
    let (status, why) = taking.take(&amazon.signs(confirmation).await).await;
    assert_eq!((status, why.as_str()), (503, "the subscription could not be confirmed: the server answered 500"));
}

#[tokio::test]
async fn the_news_that_the_subscription_ended_is_taken_and_nothing_is_followed() {
    let (taking, amazon) = (Taking::start(Some("here"), Amazon::document).await, Amazon::new());
    let subscription = SubscriptionArn::parse(&format!("{}:5c1f8b52", amazon.topic)).unwrap();
    let news = Notification::unsubscribe_confirmation("id", &subscription, taking.host.now(), "0123abcd");
    assert_eq!(taking.take(&amazon.signs(news).await).await, (200, String::new()));
    assert_eq!(taking.asked().len(), 1);
}

#[tokio::test]
async fn a_message_with_as_many_attributes_as_a_queue_takes_gets_no_more_of_them() {
    let (taking, amazon) = (Taking::start(Some("here"), Amazon::document).await, Amazon::new());
    for count in [9, 10] {
        let message = (0..count).fold(Message::builder("x"), |message, n| message.number(&format!("a{n}"), n));
        let id = format!("id-{count}");
        let publication = Publication::new(&id, amazon.topic.clone(), taking.host.now(), message.build().unwrap());
        let message = amazon.signs(Notification::new(publication, "https")).await;
        assert_eq!(taking.take(&message).await, (200, String::new()));
    }
    let published = taking.published(2).await;
    assert_eq!((published[0].attributes.len(), published[1].attributes.len()), (10, 10));
    assert_eq!(published[0].attributes["Fanfare.Origin.TopicArn"].value, amazon.topic.as_str());
}

#[tokio::test]
async fn certificates_of_other_hosts_are_not_even_asked_for() {
    let taking = Taking::genuine().await;
    for host in [
        "https://sns.us-east-2.amazonaws.com.evil.example",
        "https://sns.us-east-2.evil-amazonaws.com",
        "https://sns.s3-us-west-2.amazonaws.com",
        "https://sns.us-east-2.amazonaws.com@evil.example",
        "https://sns.us-east-2.amazonaws.com:8443",
        "http://sns.us-east-2.amazonaws.com",
        // Another region of Amazon SNS does not speak for this one.
        "https://sns.us-west-2.amazonaws.com",
    ] {
        let mut message = recorded();
        let url = text(&message["SigningCertURL"]);
        message["SigningCertURL"] = json!(url.replace("https://sns.us-east-2.amazonaws.com", host));
        let refused = (403, "the certificate is not on the trusted server".to_owned());
        assert_eq!(taking.take(&message).await, refused, "{host}");
    }
    assert_eq!(taking.asked(), [] as [&str; 0]);
}

#[tokio::test]
async fn what_nobody_vouches_for_is_refused_for_good() {
    let taking = Taking::genuine().await;
    let message = recorded();
    let nothing = (404, "nothing is taken in for a topic elsewhere".to_owned());
    assert_eq!(taking.post("/ingest/sns/elsewhere", &message).await, nothing);

    let mut of_another = message.clone();
    of_another["TopicArn"] = json!("arn:aws:sns:us-east-2:295079676684:another");
    let why = "messages of arn:aws:sns:us-east-2:295079676684:another are not taken in for this topic";
    assert_eq!(taking.take(&of_another).await, (403, why.to_owned()));

    let raw = taking.client.post(format!("{}/ingest/sns/here", taking.base)).header("x-amz-sns-rawdelivery", "true");
    let (status, said) = Program::json(raw.body("hello")).await;
    let why = "a raw message carries no signature: turn RawMessageDelivery off";
    assert_eq!((status, &said["error"]), (400, &json!(why)));
    assert_eq!(taking.take(&json!("hello")).await, (400, "the body is no SNS message".to_owned()));

    let mut unsigned = message.clone();
    for key in ["Signature", "SignatureVersion", "SigningCertURL"] {
        unsigned.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(taking.take(&unsigned).await, (403, "the message is not signed".to_owned()));
    assert_eq!(taking.outbox.list(&Choice::default()), []);
}

#[tokio::test]
async fn a_message_that_is_older_than_what_is_remembered_is_refused() {
    let taking = Taking::genuine().await;
    let message = recorded();
    assert_eq!(taking.take(&message).await.0, 200);
    taking.host.jump_forward(Duration::from_secs(20 * 60));
    assert_eq!(taking.take(&message).await.0, 200);
    taking.host.jump_forward(Duration::from_secs(10 * 60));
    let (status, why) = taking.take(&message).await;
    assert_eq!(status, 403);
    assert!(why.starts_with("the message is of 2022-07-28T"), "{why}");
    assert_eq!(taking.published(1).await.len(), 1);
}

#[tokio::test]
async fn our_own_troubles_are_answered_so_that_the_message_comes_again() {
    let taking = Taking::start(Some("here"), |_| Err("no route to host".into())).await;
    let (status, why) = taking.take(&recorded()).await;
    assert_eq!((status, why.as_str()), (503, "the certificate is not available"));
    let taking = Taking::start(None, |_| Ok(text(&document("signed-messages")["certificate_pem"]))).await;
    let (status, why) = taking.take(&recorded()).await;
    assert_eq!((status, why.as_str()), (503, "Topic does not exist"));
}

/// Two programs: the one stands for Amazon SNS, the other takes in what it publishes.
#[tokio::test]
async fn a_topic_of_another_server_reaches_subscribers_here() {
    let there = Program::start(&["serve", "--memory", "--auth", "off", "--egress-allow", "127.0.0.0/8"]);
    let origin = there.topic("transcoded").await;
    let source = format!("{origin}=videos@{}", there.base);
    let other = format!("{origin}-not-made=pictures@{}", there.base);
    let here = Program::start(&["test", "--ingest", &source, "--ingest", &other]);
    let videos = here.topic("videos").await;
    here.topic("pictures").await;
    here.subscribe(&videos, "sms", "+15550100", &[]).await;

    let address = format!("{}/ingest/sns/videos", here.base);
    let subscription = there.subscribe(&origin, "http", &address, &[]).await;
    let state = async || {
        let attributes = [("SubscriptionArn", subscription.as_str())];
        let (_, xml) = there.call("GetSubscriptionAttributes", &attributes).await;
        xml.contains("<key>PendingConfirmation</key><value>false</value>")
    };
    // It confirms itself; how soon is not ours to know.
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !state().await {
        assert!(std::time::Instant::now() < deadline, "the subscription did not confirm itself");
        tokio::task::yield_now().await;
    }
    let parameters = [
        ("TopicArn", origin.as_str()),
        ("Message", "a video is ready"),
        ("Subject", "Transcoder"),
        ("MessageAttributes.entry.1.Name", "digest"),
        ("MessageAttributes.entry.1.Value.DataType", "Binary"),
        ("MessageAttributes.entry.1.Value.BinaryValue", "AAECAw=="),
    ];
    let id = there.done("Publish", &parameters, "MessageId").await;
    let kept = here.outbox("protocol=sms", 1).await.remove(0);
    assert_eq!(here.post("/ingest/sns/sounds", &json!({})).await.0, 404);
    assert_eq!((&kept["text"], &kept["subject"]), (&json!("a video is ready"), &json!("Transcoder")));
    let attributes = json!({
        "digest": { "Type": "Binary", "Value": "AAECAw==" },
        "Fanfare.Origin.TopicArn": { "Type": "String", "Value": origin },
        "Fanfare.Origin.MessageId": { "Type": "String", "Value": id },
    });
    assert_eq!(kept["attributes"], attributes);
}
