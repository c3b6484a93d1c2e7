//! Deliveries received through nginx under TLS, and judged by validators that others wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "live/nginx.rs"]
mod nginx;
#[path = "live/validator.rs"]
mod validator;

use fanfare::{Message, Protocol, SignatureVersion, Subscribe, TopicSettings};
use fanfare_testkit::{HttpReceiver, TestCa};
use fanfare_tests::{Served, loopback};

use nginx::Nginx;
use validator::Validator;

/// An engine whose links and whose only subscriber are behind nginx.
struct Front {
    served: Served,
    receiver: HttpReceiver,
    nginx: Nginx,
}

impl Front {
    /// `base` is what links begin with; without one, nginx's own address.
    async fn start(base: Option<&str>) -> Self {
        let ca = TestCa::new();
        let receiver = HttpReceiver::start().await;
        let port = Nginx::free_port();
        let own = format!("https://127.0.0.1:{port}");
        let http = loopback().ca_certificates(ca.certificate_pem()).unwrap();
        let served = Served::start_at(base.unwrap_or(&own), http, |builder| builder).await;
        let nginx = Nginx::start(port, &ca, receiver.addr(), served.pages).await;
        Self { served, receiver, nginx }
    }

    /// Subscribes the receiver through nginx and answers the request to confirm, exactly as it came in.
    async fn subscribe(&self, version: SignatureVersion) -> (fanfare::TopicArn, String) {
        let settings = TopicSettings::new().signature_version(version);
        let topic = self.served.fanfare.create_topic_with("orders", settings).await.unwrap();
        let subscribe = Subscribe::to(Protocol::Https, format!("{}/inbox", self.nginx.url()));
        self.served.fanfare.subscribe(&topic, subscribe).await.unwrap();
        let requests = self.receiver.wait_for(1).await;
        (topic, requests[0].text().to_owned())
    }

    async fn visit(&self, confirmation: &str) {
        let message: serde_json::Value = serde_json::from_str(confirmation).unwrap();
        let url = message["SubscribeURL"].as_str().unwrap();
        let ca = reqwest::Certificate::from_pem(self.nginx.ca_pem().as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_merge([ca]).build().unwrap();
        client.get(url).send().await.unwrap().error_for_status().unwrap();
    }

    /// Publishes and answers the envelope, exactly as it came in.
    async fn publish(&self, topic: &fanfare::TopicArn, message: Message) -> String {
        let report = self.served.fanfare.publish(topic, message).await.unwrap().settled().await;
        assert_eq!(report.delivered(), 1, "{report:?}");
        self.receiver.requests().last().unwrap().text().to_owned()
    }
}

fn message() -> Message {
    Message::builder("żółć\n\"quoted\" \\ \u{1F600}\ttab")
        .subject("a parcel")
        .string("store", "example")
        .build()
        .unwrap()
}

fn tampered(envelope: &str) -> String {
    let mut message: serde_json::Value = serde_json::from_str(envelope).unwrap();
    message["Message"] = "something else".into();
    message.to_string()
}

async fn the_handshake_and_a_message_pass(validator: &Validator, version: SignatureVersion) {
    let front = Front::start(None).await;
    let (topic, confirmation) = front.subscribe(version).await;
    assert_eq!(validator.judge(&front.nginx, &confirmation).await, "valid");
    front.visit(&confirmation).await;
    let envelope = front.publish(&topic, message()).await;
    assert_eq!(validator.judge(&front.nginx, &envelope).await, "valid");
    let verdict = validator.judge(&front.nginx, &tampered(&envelope)).await;
    assert!(verdict.starts_with("invalid"), "{verdict}");
}

#[tokio::test]
#[ignore = "needs nginx, and sns-validator from npm"]
async fn sns_validator_accepts_signatures_of_version_1() {
    the_handshake_and_a_message_pass(&Validator::sns_validator(), SignatureVersion::V1).await;
}

#[tokio::test]
#[ignore = "needs nginx, and sns-validator from npm"]
async fn sns_validator_accepts_signatures_of_version_2() {
    the_handshake_and_a_message_pass(&Validator::sns_validator(), SignatureVersion::V2).await;
}

#[tokio::test]
#[ignore = "needs nginx, and aws-sns-message-validator from PyPI"]
async fn the_python_validator_accepts_signatures_of_version_1() {
    the_handshake_and_a_message_pass(&Validator::python(), SignatureVersion::V1).await;
}

/// This validator checks the whole address of the certificate against Amazon's, and UnsubscribeConfirmation too, where
/// sns-validator forgets the token.
#[tokio::test]
#[ignore = "needs nginx, and sns-payload-validator from npm"]
async fn a_strict_validator_accepts_a_server_whose_links_have_the_shape_of_amazons() {
    let front = Front::start(Some("https://sns.us-east-1.amazonaws.com")).await;
    let validator = Validator::sns_payload_validator();
    for (count, version) in [(1, SignatureVersion::V1), (2, SignatureVersion::V2)] {
        let settings = TopicSettings::new().signature_version(version);
        let topic = front.served.fanfare.create_topic_with(&format!("orders-{count}"), settings).await.unwrap();
        let subscribe = Subscribe::to(Protocol::Https, format!("{}/inbox", front.nginx.url())).confirmed();
        let subscription = front.served.fanfare.subscribe(&topic, subscribe).await.unwrap();
        let envelope = front.publish(&topic, message()).await;
        assert_eq!(validator.judge(&front.nginx, &envelope).await, "valid");
        assert!(validator.judge(&front.nginx, &tampered(&envelope)).await.starts_with("invalid"));

        front.served.fanfare.unsubscribe_by_link(&subscription).await.unwrap();
        let farewell = front.receiver.wait_for(2 * count).await.pop().unwrap();
        assert_eq!(farewell.header("x-amz-sns-message-type"), Some("UnsubscribeConfirmation"));
        assert_eq!(validator.judge(&front.nginx, farewell.text()).await, "valid");
    }
}
