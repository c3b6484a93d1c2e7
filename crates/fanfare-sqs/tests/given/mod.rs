//! What the tests start from: an endpoint of a queue, and notifications to send to it.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;

use fanfare_aws::{Aws, AwsConfig};
use fanfare_core::{Connector as _, Endpoint, Message, Notification, Protocol, Publication, Timestamp, TopicArn};
use fanfare_sqs::{SqsConfig, SqsConnector};
use fanfare_wire::{Links, Renderer, Signer};

pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
pub(crate) const KEY: &str = "AKIAEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

pub(crate) fn config(url: &str) -> AwsConfig {
    AwsConfig::new().endpoint_url(url).unwrap().access_key(KEY, SECRET)
}

pub(crate) fn connector(aws: AwsConfig, config: SqsConfig) -> SqsConnector {
    let renderer = Renderer::new(Signer::ephemeral(), Links::new("https://sns.example.com").unwrap());
    SqsConnector::new(config, Aws::new(aws), renderer)
}

pub(crate) fn endpoint(aws: AwsConfig, queue: &str) -> Arc<dyn Endpoint> {
    connector(aws, SqsConfig::new()).connect(&Protocol::Sqs, queue).unwrap()
}

/// The notification of a message on a standard topic.
pub(crate) fn notification(id: usize, message: Message) -> Notification {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let id = format!("00000000-0000-4000-8000-{id:012}");
    Notification::new(Publication::new(id, topic, Timestamp::EPOCH, message), "sqs")
}
