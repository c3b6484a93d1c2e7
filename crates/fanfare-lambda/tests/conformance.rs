//! The suite that every endpoint passes, over Lambda.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare_core::{AttributeValue, Endpoint, Format};
use fanfare_testkit::conformance::{Behaviour, Received, ReceivedAttribute, Subject};
use fanfare_testkit::lambda_receiver::lambda_error;
use fanfare_testkit::{LambdaReceiver, Reply};
use serde_json::Value;

struct Function {
    receiver: LambdaReceiver,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for Function {
    async fn start() -> Self {
        let receiver = LambdaReceiver::start().await;
        let aws = given::config(&receiver.url()).attempt_timeout(Duration::from_secs(5)).unwrap();
        Self { endpoint: given::endpoint(aws, given::FUNCTION), receiver }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "lambda"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let http = self.receiver.http();
        match behaviour {
            Behaviour::Absent => return http.go_away().await,
            Behaviour::Accept => self.receiver.refuse_events(|_| false),
            Behaviour::RefuseTextsWith(part) => {
                self.receiver.refuse_events(move |invocation| decoded(&invocation.event).text.contains(&part));
            }
            Behaviour::FailForNow => http.reply_with(lambda_error(500, "ServiceException")),
            Behaviour::Refuse => http.reply_with(lambda_error(400, "InvalidRequestContentException")),
            Behaviour::Throttle => http.reply_with(lambda_error(429, "TooManyRequestsException")),
            Behaviour::ThrottleFor(delay) => {
                let delay = delay.as_secs().to_string();
                http.reply_with(lambda_error(429, "TooManyRequestsException").header("Retry-After", delay));
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
        self.receiver.invocations("thumbnails").iter().map(|invocation| decoded(&invocation.event)).collect()
    }

    fn secrets(&self) -> Vec<String> {
        vec![given::SECRET.to_owned(), given::KEY.to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(202)
    }
}

/// Reads an event by the rules of Amazon SNS, with nothing of the code under test.
fn decoded(event: &Value) -> Received {
    let records = event["Records"].as_array().unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!((&records[0]["EventSource"], &records[0]["EventVersion"]), (&"aws:sns".into(), &"1.0".into()));
    let sns = records[0]["Sns"].as_object().unwrap();
    assert!(sns["Subject"].is_string() || sns["Subject"].is_null());
    let string = |key: &str| sns[key].as_str().map(str::to_owned);
    let attributes = sns["MessageAttributes"].as_object().unwrap().iter().map(|(name, attribute)| {
        let [data_type, value] = ["Type", "Value"].map(|key| attribute[key].as_str().unwrap());
        let value = match data_type {
            "Binary" => AttributeValue::Binary(BASE64_STANDARD.decode(value).unwrap().into()),
            _ => AttributeValue::Text(value.to_owned()),
        };
        ReceivedAttribute { name: name.clone(), data_type: data_type.to_owned(), value }
    });
    Received {
        message_id: string("MessageId"),
        format: Format::Envelope,
        text: string("Message").unwrap(),
        subject: string("Subject"),
        attributes: attributes.collect(),
    }
}

fanfare_testkit::conformance! {
    subject: Function,
    cases: {
        delivers_the_text_unchanged,
        delivers_unicode,
        delivers_control_characters,
        delivers_the_largest_message,
        a_message_of_any_size_is_delivered_or_rejected,
        delivers_the_subject,
        delivers_attributes_of_every_type,
        raw_delivery_carries_the_text_alone = ignore("a function's event is never raw"),
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
