//! The suite that every endpoint passes, over SMTP in the clear, with STARTTLS and under TLS.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare_core::{AttributeValue, Connector as _, Endpoint, Format, Protocol};
use fanfare_email::EmailConfig;
use fanfare_testkit::conformance::{Behaviour, Received, ReceivedAttribute, Subject};
use fanfare_testkit::{ReceivedMail, SmtpReceiver, SmtpReply, SmtpStage, TestCa};
use serde_json::Value;

const PASSWORD: &str = "s3cret-passw0rd";

/// A mail server, and the endpoint whose e-mails go through it.
struct Mailbox {
    endpoint: Arc<dyn Endpoint>,
    receiver: SmtpReceiver,
}

impl Mailbox {
    async fn plain(protocol: Protocol) -> Self {
        Self::at(SmtpReceiver::start().await, protocol, "smtp", "?starttls=off", given::config())
    }

    async fn starttls(protocol: Protocol) -> Self {
        let ca = TestCa::new();
        let config = given::config().ca_certificates(ca.certificate_pem()).unwrap().only_ca();
        Self::at(SmtpReceiver::start_starttls(&ca).await, protocol, "smtp", "", config)
    }

    async fn tls(protocol: Protocol) -> Self {
        let ca = TestCa::new();
        let config = given::config().ca_certificates(ca.certificate_pem()).unwrap().only_ca();
        Self::at(SmtpReceiver::start_tls(&ca).await, protocol, "smtps", "", config)
    }

    fn at(receiver: SmtpReceiver, protocol: Protocol, scheme: &str, rest: &str, config: EmailConfig) -> Self {
        receiver.require_login("alice", PASSWORD);
        let relay = format!("{scheme}://alice:{PASSWORD}@{}{rest}", receiver.addr());
        let config = config.relay(relay.parse().unwrap()).attempt_timeout(Duration::from_secs(5));
        let endpoint = given::connector(config).connect(&protocol, "ann@example.com").unwrap();
        Self { endpoint, receiver }
    }

    async fn behave(&self, behaviour: Behaviour) {
        let reply = match behaviour {
            Behaviour::Absent => return self.receiver.go_away().await,
            Behaviour::Accept => SmtpReply::accept(),
            Behaviour::RefuseTextsWith(part) => SmtpReply::by(move |mail| match decoded(mail).text.contains(&part) {
                true => SmtpReply::say(SmtpStage::Content, "554 5.7.1 not that"),
                false => SmtpReply::accept(),
            }),
            Behaviour::FailForNow => SmtpReply::say(SmtpStage::Content, "451 4.3.0 not now"),
            Behaviour::Refuse => SmtpReply::say(SmtpStage::Recipient, "550 5.1.1 no such user"),
            Behaviour::Throttle => SmtpReply::say(SmtpStage::Sender, "450 4.7.1 too many"),
            Behaviour::ThrottleFor(_) => panic!("SMTP has no way to say for how long"),
            Behaviour::Silent => SmtpReply::hang(SmtpStage::Content),
            Behaviour::BreakOff => SmtpReply::close(SmtpStage::Content),
        };
        self.receiver.reply_with(reply);
        self.receiver.come_back().await;
    }
}

/// Reads an e-mail by Amazon SNS's rules, with nothing of the code under test.
fn decoded(mail: &ReceivedMail) -> Received {
    assert_eq!((mail.from.as_str(), &mail.to[..]), ("alerts@example.com", &["ann@example.com".to_owned()][..]));
    let id = mail.message_id().unwrap();
    let message_id = Some(id.split(['.', '@']).next().unwrap().to_owned());
    let body = mail.text().unwrap();
    let (text, _) = body.rsplit_once("\n\n--\n").unwrap();
    let subject = mail.subject();
    let envelope: Result<Value, _> = serde_json::from_str(text);
    let Some(envelope) = envelope.ok().filter(|envelope| envelope["MessageId"].is_string()) else {
        return Received { message_id, format: Format::Raw, text: text.to_owned(), subject, attributes: Vec::new() };
    };
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

/// Makes a [`Subject`] of a way to start a [`Mailbox`], and answers every case for it.
macro_rules! passes {
    ($name:ident, $protocol:literal, $start:expr, $($attributes:tt)*) => {
        mod $name {
            use super::*;

            struct Over(Mailbox);

            #[async_trait]
            impl Subject for Over {
                async fn start() -> Self {
                    Self($start($protocol.parse().unwrap()).await)
                }

                fn endpoint(&self) -> Arc<dyn Endpoint> {
                    Arc::clone(&self.0.endpoint)
                }

                fn protocol(&self) -> &str {
                    $protocol
                }

                async fn behave(&self, behaviour: Behaviour) {
                    self.0.behave(behaviour).await;
                }

                async fn attempts(&self) -> usize {
                    self.0.receiver.attempts()
                }

                async fn wait_for_attempts(&self, count: usize) {
                    self.0.receiver.wait_for_attempts(count).await;
                }

                async fn received(&self) -> Vec<Received> {
                    self.0.receiver.mails().iter().map(decoded).collect()
                }

                fn secrets(&self) -> Vec<String> {
                    vec![PASSWORD.to_owned(), "alice".to_owned()]
                }

                fn accepted_status(&self) -> Option<u16> {
                    Some(250)
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
                    delivers_attributes_of_every_type $($attributes)*,
                    raw_delivery_carries_the_text_alone,
                    an_accepted_notification_gives_a_receipt,
                    a_passing_failure_is_retried,
                    a_lasting_refusal_is_rejected,
                    throttling_is_retried,
                    throttling_carries_the_delay_that_the_peer_asks_for = ignore("SMTP has no way to say for how long"),
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

passes!(email, "email", Mailbox::starttls, = ignore("plain e-mails carry no attributes, as with Amazon SNS"));

passes!(email_in_the_clear, "email", Mailbox::plain, = ignore("plain e-mails carry no attributes, as with Amazon SNS"));

#[cfg(feature = "email-json")]
passes!(email_json, "email-json", Mailbox::tls,);
