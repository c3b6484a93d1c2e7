//! The suite that every endpoint passes, over HTTP and over HTTPS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare_core::{AttributeValue, Endpoint, Format};
use fanfare_http::HttpConfig;
use fanfare_testkit::conformance::{Behaviour, Received, ReceivedAttribute, Subject};
use fanfare_testkit::{HttpReceiver, ReceivedRequest, Reply};
use serde_json::Value;

const PASSWORD: &str = "s3cret-passw0rd";

/// A receiver, and the endpoint whose URL leads to it.
struct Subscriber {
    endpoint: Arc<dyn Endpoint>,
    receiver: HttpReceiver,
    accepted: Arc<Mutex<Vec<Received>>>,
}

impl Subscriber {
    fn new(receiver: HttpReceiver, config: HttpConfig) -> Self {
        let address = receiver.url("/in").replacen("://", &format!("://alice:{PASSWORD}@"), 1);
        let endpoint = given::endpoint(config.attempt_timeout(Duration::from_secs(5)), &address);
        let subscriber = Self { endpoint, receiver, accepted: Arc::default() };
        subscriber.receiver.reply_with(subscriber.accepting_unless(|_| false));
        subscriber
    }

    /// Takes and records what `is_refused` lets through.
    fn accepting_unless(&self, is_refused: impl Fn(&Received) -> bool + Send + Sync + 'static) -> Reply {
        let accepted = Arc::clone(&self.accepted);
        Reply::by(move |request| {
            let received = decoded(request);
            if is_refused(&received) {
                return Reply::status(400);
            }
            accepted.lock().unwrap().push(received);
            Reply::status(200)
        })
    }

    async fn behave(&self, behaviour: Behaviour) {
        let reply = match behaviour {
            Behaviour::Absent => return self.receiver.go_away().await,
            Behaviour::Accept => self.accepting_unless(|_| false),
            Behaviour::RefuseTextsWith(part) => self.accepting_unless(move |received| received.text.contains(&part)),
            Behaviour::FailForNow => Reply::status(503),
            Behaviour::Refuse => Reply::status(400),
            Behaviour::Throttle => Reply::status(429),
            Behaviour::ThrottleFor(delay) => Reply::status(429).header("Retry-After", delay.as_secs().to_string()),
            Behaviour::Silent => Reply::hang(),
            Behaviour::BreakOff => Reply::close(),
        };
        self.receiver.reply_with(reply);
        self.receiver.come_back().await;
    }
}

/// Reads a request by the rules of Amazon SNS, with nothing of the code under test.
fn decoded(request: &ReceivedRequest) -> Received {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/in"));
    let message_id = request.header("x-amz-sns-message-id").map(str::to_owned);
    if request.header("x-amz-sns-rawdelivery") == Some("true") {
        let text = request.text().to_owned();
        return Received { message_id, format: Format::Raw, text, subject: None, attributes: Vec::new() };
    }
    let envelope = request.json();
    assert_eq!(envelope["MessageId"].as_str(), message_id.as_deref());
    let string = |key: &str| envelope[key].as_str().map(str::to_owned);
    let attributes = envelope["MessageAttributes"].as_object().into_iter().flatten();
    Received {
        message_id,
        format: Format::Envelope,
        text: string("Message").unwrap(),
        subject: string("Subject"),
        attributes: attributes.map(|(name, attribute)| decoded_attribute(name, attribute)).collect(),
    }
}

fn decoded_attribute(name: &str, attribute: &Value) -> ReceivedAttribute {
    let data_type = attribute["Type"].as_str().unwrap();
    let value = attribute["Value"].as_str().unwrap();
    ReceivedAttribute {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        value: match data_type {
            "Binary" => AttributeValue::Binary(BASE64_STANDARD.decode(value).unwrap().into()),
            _ => AttributeValue::Text(value.to_owned()),
        },
    }
}

/// Makes a [`Subject`] of a way to start a [`Subscriber`], and answers every case for it.
macro_rules! passes {
    ($protocol:ident, $start:expr) => {
        mod $protocol {
            use super::*;

            struct Over(Subscriber);

            #[async_trait]
            impl Subject for Over {
                async fn start() -> Self {
                    Self($start.await)
                }

                fn endpoint(&self) -> Arc<dyn Endpoint> {
                    Arc::clone(&self.0.endpoint)
                }

                fn protocol(&self) -> &str {
                    stringify!($protocol)
                }

                async fn behave(&self, behaviour: Behaviour) {
                    self.0.behave(behaviour).await;
                }

                async fn attempts(&self) -> usize {
                    self.0.receiver.requests().len()
                }

                async fn wait_for_attempts(&self, count: usize) {
                    self.0.receiver.wait_for(count).await;
                }

                async fn received(&self) -> Vec<Received> {
                    self.0.accepted.lock().unwrap().clone()
                }

                fn secrets(&self) -> Vec<String> {
                    vec![PASSWORD.to_owned(), "alice".to_owned()]
                }

                fn accepted_status(&self) -> Option<u16> {
                    Some(200)
                }
            }

            fanfare_testkit::conformance! {
                subject: Over,
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
        }
    };
}

passes!(http, async { Subscriber::new(HttpReceiver::start().await, given::config()) });

#[cfg(feature = "https")]
passes!(https, async {
    let ca = fanfare_testkit::TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;
    Subscriber::new(receiver, given::config().ca_certificates(ca.certificate_pem()).unwrap().only_ca())
});
