//! What the tests start from: a connector that may reach loopback, and a notification to deliver.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{
    Connector, Endpoint, Message, Notification, Outcome, Protocol, Publication, SubscriptionArn, Timestamp, TopicArn,
};
use fanfare_egress::EgressPolicy;
use fanfare_http::{HttpConfig, HttpConnector};
use fanfare_wire::{Links, Renderer, Signer};

pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:orders";
pub(crate) const SUBSCRIPTION: &str = "arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43";
pub(crate) const MESSAGE_ID: &str = "0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2";

/// A call that is not over after this long hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// Settings that allow loopback addresses.
pub(crate) fn config() -> HttpConfig {
    HttpConfig::new().egress(loopback()).attempt_timeout(PATIENCE / 2)
}

/// The usual policy, and loopback addresses.
pub(crate) fn loopback() -> EgressPolicy {
    EgressPolicy::internet().allow("127.0.0.0/8".parse().expect("it is a block"))
}

/// A connector with these settings.
pub(crate) fn connector(config: HttpConfig) -> HttpConnector {
    let links = Links::new("http://127.0.0.1:9911").expect("it is a base of links");
    HttpConnector::new(config, Renderer::new(Signer::ephemeral(), links)).expect("the settings can be used")
}

/// The endpoint at `address`, whose scheme names its protocol.
pub(crate) fn endpoint(config: HttpConfig, address: &str) -> Arc<dyn Endpoint> {
    let protocol: Protocol = address.split(':').next().unwrap_or_default().parse().expect("it has a scheme");
    connector(config).connect(&protocol, address).expect("it can be connected to")
}

/// A message alone: `hello`.
pub(crate) fn notification() -> Notification {
    let topic = TopicArn::parse(TOPIC).expect("it is an ARN");
    let message = Message::text("hello").expect("it is a message");
    Notification::new(Publication::new(MESSAGE_ID, topic, Timestamp::EPOCH, message), "http")
        .for_subscription(SubscriptionArn::parse(SUBSCRIPTION).expect("it is an ARN"))
        .raw()
}

/// Delivers to `endpoint`, which has to be done with it in time.
pub(crate) async fn deliver(endpoint: &dyn Endpoint) -> Outcome {
    tokio::time::timeout(PATIENCE, endpoint.deliver(&notification())).await.expect("the attempt ends by itself")
}
