//! What the tests start from: the ways to phones, with their other sides, and notifications to send.

#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod kannel;
pub(crate) mod smpp;
pub(crate) mod sns;
pub(crate) mod twilio;

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{
    Connector as _, Endpoint, Format, Message, MessageBuilder, Notification, Protocol, Publication, Timestamp, TopicArn,
};
use fanfare_egress::EgressPolicy;
use fanfare_sms::{SmsConfig, SmsConnector};
use fanfare_testkit::conformance::Received;

pub(crate) const NUMBER: &str = "+12025550123";

/// `config` for loopback, and for tests that wait for its time limit.
pub(crate) fn local(config: SmsConfig) -> SmsConfig {
    let loopback = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
    config.egress(loopback).attempt_timeout(Duration::from_secs(1))
}

pub(crate) fn endpoint(config: SmsConfig) -> Arc<dyn Endpoint> {
    SmsConnector::new(config).unwrap().connect(&Protocol::Sms, NUMBER).unwrap()
}

/// The notification of a message with this text.
pub(crate) fn notification(text: &str) -> Notification {
    built(Message::builder(text))
}

pub(crate) fn built(message: MessageBuilder) -> Notification {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let id = "00000000-0000-4000-8000-000000000001";
    Notification::new(Publication::new(id, topic, Timestamp::EPOCH, message.build().unwrap()), "sms")
}

/// A text as the suite wants it: a phone gets nothing else.
pub(crate) fn received(text: String) -> Received {
    Received { message_id: None, format: Format::Raw, text, subject: None, attributes: Vec::new() }
}
