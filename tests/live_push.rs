//! Pushes to servers that others wrote, and a client that others wrote against our own stand-in.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/aws_server.rs"]
mod aws_server;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use fanfare::attempt::Attempt;
use fanfare::aws::AwsConfig;
use fanfare::egress::EgressPolicy;
use fanfare::push::{Application, Device, KnownDevices, PushConfig};
use fanfare::{
    Adapters, DeliveryErrorKind, Fanfare, Host as _, Message, Platform, Protocol, Subscribe, SystemHost, TopicArn,
};
use fanfare_testkit::{ApnsReceiver, TestCa};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use aws_server::{AwsServer, Kind, free_port, installed, wait_until_it_listens};

/// How long something may take that should happen.
const PATIENCE: Duration = Duration::from_secs(60);
const BASE: &str = "https://sns.example.com";

fn scripts() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("live")
}

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(scripts().join(script)).env("NODE_PATH", installed("FANFARE_NODE_MODULES"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Publishes to `topic` and gives the last attempt to deliver it.
async fn attempt(fanfare: &Fanfare, topic: &TopicArn, message: Message) -> Attempt {
    let published = fanfare.publish(topic, message).await.unwrap();
    tokio::time::timeout(PATIENCE, published.settled()).await.expect("the message ends everywhere");
    fanfare.attempts(published.message_id(), None).await.unwrap().pop().unwrap()
}

/// An engine with a topic that `endpoint` is subscribed to.
async fn subscribed(config: PushConfig, aws: AwsConfig, endpoint: &str) -> (Fanfare, TopicArn) {
    let adapters = Adapters::new(BASE).unwrap().aws(aws).application(config);
    let fanfare = Fanfare::builder().connectors(adapters.connectors().unwrap()).open();
    let topic = fanfare.create_topic("parcels").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Application, endpoint)).await.unwrap();
    (fanfare, topic)
}

/// The service of npm's web-push-testing, whose browsers decrypt.
struct WebPushTesting {
    base: String,
    _child: Child,
}

impl WebPushTesting {
    async fn start() -> Self {
        let port = free_port();
        let mut child = node("web_push_server.js").arg(port.to_string()).stdout(Stdio::null()).spawn().unwrap();
        wait_until_it_listens(&mut child, port).await;
        Self { base: format!("http://127.0.0.1:{port}"), _child: child }
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let call = client().post(format!("{}{path}", self.base)).header("content-type", "application/json");
        let answer =
            call.body(body.to_string()).send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
        serde_json::from_str(&answer).unwrap_or_default()
    }
}

/// A private key for Web Push and its public key, those of the example in RFC 8291.
const KEY: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const PUBLIC_KEY: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs web-push-testing from npm"]
async fn a_browser_that_others_wrote_decrypts_what_it_gets_and_its_end_is_noticed() {
    let server = WebPushTesting::start().await;
    let options = json!({ "userVisibleOnly": "true", "applicationServerKey": PUBLIC_KEY });
    let subscription = server.call("/subscribe", options).await["data"].clone();
    let hash = subscription["clientHash"].as_str().unwrap().to_owned();
    let endpoint = "arn:aws:sns:us-east-1:000000000000:endpoint/WEBPUSH/shop/theirs";
    let devices = KnownDevices::new();
    let application = Application::new(Platform::WebPush, "mailto:ops@example.com", KEY);
    devices.insert(endpoint, Device::new(subscription.to_string(), application));
    let config = PushConfig::directly(devices).egress(EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap()));
    let (fanfare, topic) = subscribed(config, AwsConfig::new(), endpoint).await;

    let texts = ["a parcel left the house".to_owned(), "żółć → 東京 😀".to_owned(), "x".repeat(3993)];
    for text in &texts {
        let attempt = attempt(&fanfare, &topic, Message::text(text.clone()).unwrap()).await;
        assert_eq!((attempt.status, &attempt.failure), (Some(201), &None));
    }
    let taken = server.call("/get-notifications", json!({ "clientHash": hash })).await;
    assert_eq!(taken["data"]["messages"], json!(texts));

    server.call(&format!("/expire-subscription/{hash}"), json!({})).await;
    let gone = attempt(&fanfare, &topic, Message::text("nobody is there").unwrap()).await;
    assert_eq!((gone.status, gone.failure.unwrap().kind), (Some(410), DeliveryErrorKind::NotFound));
    fanfare.close().await;
}

/// A call of SNS at `server`, and the text of that element in the answer.
async fn sns(server: &AwsServer, body: &str, element: &str) -> String {
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0";
    let call = client().post(server.url()).header("authorization", scope);
    let call = call.header("content-type", "application/x-www-form-urlencoded").body(body.to_owned());
    let xml = call.send().await.unwrap().error_for_status().unwrap().text().await.unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let found = document.descendants().find(|node| node.tag_name().name() == element);
    found.and_then(|node| node.text()).unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs moto from PyPI"]
async fn an_sns_that_others_wrote_takes_pushes_and_says_when_an_endpoint_is_off_or_gone() {
    let server = AwsServer::start(Kind::Moto, Vec::new()).await;
    let create = "Action=CreatePlatformApplication&Name=shop&Platform=GCM&Attributes.entry.1.key=PlatformCredential&\
                  Attributes.entry.1.value=key";
    let application = sns(&server, create, "PlatformApplicationArn").await;
    let create = format!("Action=CreatePlatformEndpoint&PlatformApplicationArn={application}&Token=a-token");
    let endpoint = sns(&server, &create, "EndpointArn").await;
    let (fanfare, topic) = subscribed(PushConfig::through_sns(), server.config(), &endpoint).await;

    let message = Message::builder(r#"{"default":"d","GCM":"{\"data\":{}}"}"#).json_structure();
    let message = message.string("AWS.SNS.MOBILE.GCM.TTL", "3600").build().unwrap();
    let taken = attempt(&fanfare, &topic, message).await;
    assert_eq!((taken.status, &taken.failure), (Some(200), &None));
    assert!(taken.response.unwrap().contains("snsMessageId"));

    let off = format!(
        "Action=SetEndpointAttributes&EndpointArn={endpoint}&Attributes.entry.1.key=Enabled&Attributes.entry.1.value=false"
    );
    sns(&server, &off, "RequestId").await;
    let failure = attempt(&fanfare, &topic, Message::text("off").unwrap()).await.failure.unwrap();
    assert_eq!(failure.text, "the endpoint is disabled: EndpointDisabled");
    sns(&server, &format!("Action=DeleteEndpoint&EndpointArn={endpoint}"), "RequestId").await;
    let failure = attempt(&fanfare, &topic, Message::text("gone").unwrap()).await.failure.unwrap();
    assert_eq!(failure.text, "there is no such endpoint: NotFound");
    fanfare.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs @parse/node-apn from npm"]
async fn our_stand_in_for_apple_takes_and_refuses_what_a_client_that_others_wrote_sends() {
    let ca = TestCa::new();
    let receiver = Arc::new(ApnsReceiver::start(&ca).await);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("apn-{}", SystemHost.now().unix_ms()));
    std::fs::create_dir_all(&folder).unwrap();
    let authority = folder.join("ca.pem");
    std::fs::write(&authority, ca.certificate_pem()).unwrap();
    let (key_id, key, team_id) = receiver.signing_key();
    receiver.unregister("bb");
    let send = async |key: &str, notes: &[Value]| {
        let mut child = node("apn_client.js");
        child
            .arg(format!("127.0.0.1:{}", receiver.http().addr().port()))
            .arg(&authority)
            .args([key, &key_id, &team_id]);
        let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
        let lines: Vec<_> = notes.iter().map(Value::to_string).collect();
        child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).await.unwrap();
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the client ends").unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let note = |device: &str, topic: Option<&str>| json!({ "device": device, "topic": topic, "alert": "a parcel", "pushType": "alert" });
    let came =
        send(&key, &[note("aa", Some("com.example.app")), note("bb", Some("com.example.app")), note("aa", None)]).await;
    assert_eq!(came[0], json!({ "sent": 1 }));
    assert_eq!(came[1]["failure"], json!({ "status": 410, "reason": "Unregistered" }));
    assert_eq!(came[2]["failure"], json!({ "status": 400, "reason": "MissingTopic" }));
    let taken = receiver.notifications();
    assert_eq!((taken.len(), &taken[0].payload["aps"]["alert"]), (1, &json!("a parcel")));

    let strangers = ApnsReceiver::start(&ca).await.signing_key().1;
    let came = send(&strangers, &[note("aa", Some("com.example.app"))]).await;
    assert_eq!(came[0]["failure"], json!({ "status": 403, "reason": "InvalidProviderToken" }));
    std::fs::remove_dir_all(&folder).unwrap();
}
