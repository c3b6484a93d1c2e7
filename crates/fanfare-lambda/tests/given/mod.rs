//! What the tests start from: an endpoint of a function, and notifications to send to it.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;

use fanfare_aws::{Aws, AwsConfig};
use fanfare_core::{Connector as _, Endpoint, Message, Notification, Protocol, Publication, Timestamp, TopicArn};
use fanfare_lambda::{LambdaConfig, LambdaConnector};
use fanfare_wire::{Links, Renderer, Signer};

pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:thumbnails";
pub(crate) const KEY: &str = "AKIAEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";

pub(crate) fn config(url: &str) -> AwsConfig {
    AwsConfig::new().endpoint_url(url).unwrap().access_key(KEY, SECRET)
}

pub(crate) fn connector(aws: AwsConfig, config: LambdaConfig) -> LambdaConnector {
    let renderer = Renderer::new(Signer::ephemeral(), Links::new("https://sns.example.com").unwrap());
    LambdaConnector::new(config, Aws::new(aws), renderer)
}

pub(crate) fn endpoint(aws: AwsConfig, function: &str) -> Arc<dyn Endpoint> {
    connector(aws, LambdaConfig::new()).connect(&Protocol::Lambda, function).unwrap()
}

/// The notification of a message with this text.
pub(crate) fn notification(text: &str) -> Notification {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let id = "00000000-0000-4000-8000-000000000001";
    Notification::new(Publication::new(id, topic, Timestamp::EPOCH, Message::text(text).unwrap()), "lambda")
}
