//! What the tests start from: settings with one relay or several, and a notification to deliver.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{
    Connector, Endpoint, Message, Notification, Outcome, Protocol, Publication, SubscriptionArn, Timestamp, TopicArn,
};
use fanfare_email::{EmailConfig, EmailConnector, Relay};
use fanfare_wire::{Links, Renderer, Signer};

pub(crate) const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:orders";
pub(crate) const SUBSCRIPTION: &str = "arn:aws:sns:us-east-1:111111111111:orders:5c1f8b52-6f6e-4a05-8cb9-7cf5b0fd0a43";
pub(crate) const MESSAGE_ID: &str = "0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2";
pub(crate) const BASE: &str = "https://sns.example.com";

/// A call that is not over after this long hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Settings without a relay.
pub(crate) fn config() -> EmailConfig {
    EmailConfig::new("alerts@example.com").expect("it is an address").attempt_timeout(PATIENCE / 2)
}

/// The relay that `url` says, at this address.
pub(crate) fn relay(scheme: &str, addr: SocketAddr, rest: &str) -> Relay {
    format!("{scheme}://{addr}{rest}").parse().expect("it is a relay")
}

/// A relay that is spoken to in the clear.
pub(crate) fn plain(addr: SocketAddr) -> Relay {
    relay("smtp", addr, "?starttls=off")
}

/// A connector with these settings.
pub(crate) fn connector(config: EmailConfig) -> EmailConnector {
    let links = Links::new(BASE).expect("it is a base of links");
    EmailConnector::new(config, Renderer::new(Signer::ephemeral(), links)).expect("the settings can be used")
}

/// Ann's mailbox.
pub(crate) fn endpoint(config: EmailConfig) -> Arc<dyn Endpoint> {
    connector(config).connect(&Protocol::Email, "ann@example.com").expect("it is an address")
}

/// A message alone: `hello`.
pub(crate) fn notification() -> Notification {
    let topic = TopicArn::parse(TOPIC).expect("it is an ARN");
    let message = Message::text("hello").expect("it is a message");
    Notification::new(Publication::new(MESSAGE_ID, topic, Timestamp::EPOCH, message), "email")
        .for_subscription(SubscriptionArn::parse(SUBSCRIPTION).expect("it is an ARN"))
}

/// Delivers to `endpoint`, which has to be done with it in time.
pub(crate) async fn deliver(endpoint: &dyn Endpoint) -> Outcome {
    tokio::time::timeout(PATIENCE, endpoint.deliver(&notification())).await.expect("the attempt ends by itself")
}
