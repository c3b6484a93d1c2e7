//! The suite that every endpoint passes, over SQS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare_core::{AttributeValue, Endpoint, Format};
use fanfare_testkit::conformance::{Behaviour, Received, ReceivedAttribute, Subject};
use fanfare_testkit::sqs_receiver::sqs_error;
use fanfare_testkit::{QueuedMessage, Reply, SqsReceiver};
use serde_json::Value;

struct Queue {
    receiver: SqsReceiver,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for Queue {
    async fn start() -> Self {
        let receiver = SqsReceiver::start().await;
        let aws = given::config(&receiver.url()).attempt_timeout(Duration::from_secs(5)).unwrap();
        Self { endpoint: given::endpoint(aws, given::QUEUE), receiver }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "sqs"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let http = self.receiver.http();
        match behaviour {
            Behaviour::Absent => return http.go_away().await,
            Behaviour::Accept => self.receiver.refuse_messages(|_| false),
            Behaviour::RefuseTextsWith(part) => {
                self.receiver.refuse_messages(move |message| decoded(message).text.contains(&part));
            }
            Behaviour::FailForNow => http.reply_with(sqs_error(503, "ServiceUnavailable")),
            Behaviour::Refuse => http.reply_with(sqs_error(400, "InvalidMessageContents")),
            Behaviour::Throttle => http.reply_with(sqs_error(400, "RequestThrottled")),
            Behaviour::ThrottleFor(delay) => {
                let delay = delay.as_secs().to_string();
                http.reply_with(sqs_error(400, "RequestThrottled").header("Retry-After", delay));
            }
            Behaviour::Silent => http.reply_with(Reply::hang()),
            Behaviour::BreakOff => http.reply_with(Reply::close()),
        }
        http.come_back().await;
    }

    async fn attempts(&self) -> usize {
        self.receiver.http().requests().len()
    }

    async fn wait_for_attempts(&self, count: usize) {
        self.receiver.http().wait_for(count).await;
    }

    async fn received(&self) -> Vec<Received> {
        self.receiver.messages("orders").iter().map(decoded).collect()
    }

    fn secrets(&self) -> Vec<String> {
        vec![given::SECRET.to_owned(), given::KEY.to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(200)
    }
}

/// Reads a message by the rules of Amazon SNS, with nothing of the code under test.
fn decoded(message: &QueuedMessage) -> Received {
    let envelope: Option<Value> = serde_json::from_str(&message.body).ok();
    let Some(envelope) = envelope.filter(|envelope| envelope["MessageId"].is_string()) else {
        return Received {
            message_id: None,
            format: Format::Raw,
            text: message.body.clone(),
            subject: None,
            attributes: message.attributes.iter().map(|(name, kind, value)| attribute(name, kind, value)).collect(),
        };
    };
    assert_eq!(message.attributes, [], "in an envelope, no attribute stands beside it");
    let string = |key: &str| envelope[key].as_str().map(str::to_owned);
    let attributes = envelope["MessageAttributes"].as_object().into_iter().flatten();
    Received {
        message_id: string("MessageId"),
        format: Format::Envelope,
        text: string("Message").unwrap(),
        subject: string("Subject"),
        attributes: attributes
            .map(|(name, value)| attribute(name, value["Type"].as_str().unwrap(), value["Value"].as_str().unwrap()))
            .collect(),
    }
}

fn attribute(name: &str, data_type: &str, value: &str) -> ReceivedAttribute {
    let value = match data_type {
        "Binary" => AttributeValue::Binary(BASE64_STANDARD.decode(value).unwrap().into()),
        _ => AttributeValue::Text(value.to_owned()),
    };
    ReceivedAttribute { name: name.to_owned(), data_type: data_type.to_owned(), value }
}

fanfare_testkit::conformance! {
    subject: Queue,
    cases: {
        delivers_the_text_unchanged,
        delivers_unicode,
        delivers_control_characters,
        delivers_the_largest_message,
        a_message_of_any_size_is_delivered_or_rejected,
        delivers_the_subject,
        delivers_attributes_of_every_type,
        raw_delivery_carries_the_text_alone,
        an_accepted_notification_gives_a_receipt,
        a_passing_failure_is_retried,
        a_lasting_refusal_is_rejected,
        throttling_is_retried,
        throttling_carries_the_delay_that_the_peer_asks_for,
        a_peer_that_is_not_there_is_retried,
        a_peer_that_never_answers_ends_in_a_timeout,
        a_connection_that_breaks_is_retried,
        recovers_when_the_peer_comes_back,
        errors_are_one_lower_case_line,
        tries_once_for_each_call,
        keeps_the_message_id_on_every_attempt,
        delivers_concurrently_without_mixing,
        a_cancelled_delivery_leaves_the_endpoint_usable,
        display_and_debug_show_no_secret,
        names_its_protocol,
        settles_each_slot_of_a_batch,
        delivers_a_full_batch,
        leaves_settled_slots_alone,
    }
}
