//! The suite that every endpoint passes, for each way and each push service.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{Endpoint, Format, Host as _, Message, Notification, Platform, Publication, SystemHost, TopicArn};
use fanfare_push::PushConfig;
use fanfare_testkit::conformance::{Behaviour, Received, Subject};
use fanfare_testkit::push::sns_error;
use fanfare_testkit::{ApnsReceiver, FcmReceiver, Http2Reply, Reply, SnsReceiver, TestCa, WebPushReceiver};
use serde_json::Value;

/// A text as a device got it: pushes have no envelope, no subject and no attributes.
fn plain(message_id: Option<String>, text: &str) -> Received {
    Received { message_id, format: Format::Raw, text: text.to_owned(), subject: None, attributes: Vec::new() }
}

/// The notification of `message` as the engine gives it to a device: a push must not be older than four weeks.
fn fresh(id: &str, message: Message) -> Notification {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:conformance").unwrap();
    Notification::new(Publication::new(id, topic, SystemHost.now(), message), "application")
}

struct Apple {
    receiver: ApnsReceiver,
    endpoint: Arc<dyn Endpoint>,
    key: String,
}

#[async_trait]
impl Subject for Apple {
    async fn start() -> Self {
        let ca = TestCa::new();
        let receiver = ApnsReceiver::start(&ca).await;
        let devices = given::one(given::APPLE_DEVICE, given::of_apple(Platform::Apns, &receiver));
        let config = given::direct(devices, &ca).apns_url(&receiver.url()).unwrap();
        let endpoint = given::endpoint(config.attempt_timeout(Duration::from_secs(5)), "APNS");
        let key = receiver.signing_key().1;
        Self { receiver, endpoint, key }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "application"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let http = self.receiver.http();
        let refusal = |status, reason: &str| Http2Reply::status(status).body(format!("{{\"reason\":\"{reason}\"}}"));
        match behaviour {
            Behaviour::Absent => return http.go_away().await,
            Behaviour::Accept => self.receiver.refuse(|_| None),
            Behaviour::RefuseTextsWith(part) => self.receiver.refuse(move |notification| {
                let alert = notification.payload["aps"]["alert"].as_str().unwrap();
                alert.contains(&part).then(|| (400, "BadTopic".to_owned()))
            }),
            Behaviour::FailForNow => http.reply_with(refusal(503, "ServiceUnavailable")),
            Behaviour::Refuse => http.reply_with(refusal(400, "PayloadEmpty")),
            Behaviour::Throttle => http.reply_with(refusal(429, "TooManyRequests")),
            Behaviour::ThrottleFor(delay) => {
                let delay = delay.as_secs().to_string();
                http.reply_with(refusal(429, "TooManyRequests").header("retry-after", &delay));
            }
            Behaviour::Silent => http.reply_with(Http2Reply::hang()),
            Behaviour::BreakOff => http.reply_with(Http2Reply::break_off()),
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
        let received = self.receiver.notifications().into_iter().map(|notification| {
            let id = notification.header("id").map(str::to_owned);
            plain(id, notification.payload["aps"]["alert"].as_str().unwrap())
        });
        received.collect()
    }

    fn secrets(&self) -> Vec<String> {
        let key = self.key.lines().nth(1).unwrap().to_owned();
        vec![given::APPLE_DEVICE.to_owned(), key, "bearer ".to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(200)
    }

    fn notification(&self, id: &str, message: Message) -> Notification {
        fresh(id, message)
    }
}

struct Google {
    receiver: FcmReceiver,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for Google {
    async fn start() -> Self {
        let ca = TestCa::new();
        let receiver = FcmReceiver::start(&ca).await;
        let devices = given::one(given::GOOGLE_DEVICE, given::of_google(&receiver));
        let config = given::direct(devices, &ca).fcm_url(&receiver.url()).unwrap();
        Self { endpoint: given::endpoint(config.attempt_timeout(Duration::from_secs(5)), "GCM"), receiver }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "application"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let refusal =
            |status: u16, code: &'static str| move |_: &Value| Some((status, code.to_owned(), code.to_owned()));
        match behaviour {
            Behaviour::Absent => return self.receiver.http().go_away().await,
            Behaviour::Accept => self.receiver.refuse(|_| None),
            Behaviour::RefuseTextsWith(part) => self.receiver.refuse(move |message| {
                let text = message["data"]["default"].as_str().unwrap();
                text.contains(&part).then(|| (400, "INVALID_ARGUMENT".to_owned(), "INVALID_ARGUMENT".to_owned()))
            }),
            Behaviour::FailForNow => self.receiver.refuse(refusal(503, "UNAVAILABLE")),
            Behaviour::Refuse => self.receiver.refuse(refusal(400, "INVALID_ARGUMENT")),
            Behaviour::Throttle => self.receiver.refuse(refusal(429, "QUOTA_EXCEEDED")),
            Behaviour::ThrottleFor(delay) => {
                let delay = delay.as_secs().to_string();
                self.receiver.behave(move |_| Some(Http2Reply::status(429).header("retry-after", &delay)));
            }
            Behaviour::Silent => self.receiver.behave(|_| Some(Http2Reply::hang())),
            Behaviour::BreakOff => self.receiver.behave(|_| Some(Http2Reply::break_off())),
        }
        self.receiver.http().come_back().await;
    }

    async fn attempts(&self) -> usize {
        self.receiver.attempts()
    }

    async fn wait_for_attempts(&self, count: usize) {
        // A request for an access token may be among the requests, and comes first.
        let mut requests = count;
        while self.receiver.attempts() < count {
            self.receiver.http().wait_for(requests).await;
            requests += 1;
        }
    }

    async fn received(&self) -> Vec<Received> {
        let messages = self.receiver.messages();
        messages.iter().map(|message| plain(None, message["data"]["default"].as_str().unwrap())).collect()
    }

    fn secrets(&self) -> Vec<String> {
        let account: Value = serde_json::from_str(&self.receiver.service_account()).unwrap();
        let key = account["private_key"].as_str().unwrap().lines().nth(1).unwrap().to_owned();
        vec![given::GOOGLE_DEVICE.to_owned(), key, "ya29.".to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(200)
    }

    fn notification(&self, id: &str, message: Message) -> Notification {
        fresh(id, message)
    }
}

struct Browser {
    receiver: WebPushReceiver,
    endpoint: Arc<dyn Endpoint>,
    subscription: String,
    key: String,
}

#[async_trait]
impl Subject for Browser {
    async fn start() -> Self {
        let ca = TestCa::new();
        let receiver = WebPushReceiver::start_tls(&ca).await;
        let (subscription, key) = (receiver.subscribe(), given::vapid_key());
        let devices = given::one(&subscription, given::of_web(&key));
        let config = given::direct(devices, &ca).attempt_timeout(Duration::from_secs(5));
        Self { endpoint: given::endpoint(config, "WEBPUSH"), receiver, subscription, key }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "application"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let http = self.receiver.http();
        match behaviour {
            Behaviour::Absent => return http.go_away().await,
            Behaviour::Accept => self.receiver.refuse(|_| None),
            Behaviour::RefuseTextsWith(part) => {
                self.receiver.refuse(move |message| message.text.contains(&part).then_some(400));
            }
            Behaviour::FailForNow => http.reply_with(Reply::status(503)),
            Behaviour::Refuse => http.reply_with(Reply::status(400)),
            Behaviour::Throttle => http.reply_with(Reply::status(429)),
            Behaviour::ThrottleFor(delay) => {
                http.reply_with(Reply::status(429).header("Retry-After", delay.as_secs().to_string()));
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
        self.receiver.messages().iter().map(|message| plain(None, &message.text)).collect()
    }

    fn secrets(&self) -> Vec<String> {
        let subscription: Value = serde_json::from_str(&self.subscription).unwrap();
        let secret = subscription["keys"]["auth"].as_str().unwrap().to_owned();
        vec![secret, self.key.clone(), "/push/0".to_owned(), "vapid ".to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(201)
    }

    fn notification(&self, id: &str, message: Message) -> Notification {
        fresh(id, message)
    }
}

struct ThroughSns {
    receiver: SnsReceiver,
    endpoint: Arc<dyn Endpoint>,
}

#[async_trait]
impl Subject for ThroughSns {
    async fn start() -> Self {
        let receiver = SnsReceiver::start().await;
        let config = PushConfig::through_sns().sns_url(&receiver.url()).unwrap();
        Self { endpoint: given::endpoint(config, "ADM"), receiver }
    }

    fn endpoint(&self) -> Arc<dyn Endpoint> {
        Arc::clone(&self.endpoint)
    }

    fn protocol(&self) -> &str {
        "application"
    }

    async fn behave(&self, behaviour: Behaviour) {
        let http = self.receiver.http();
        match behaviour {
            Behaviour::Absent => return http.go_away().await,
            Behaviour::Accept => self.receiver.refuse(|_| None),
            Behaviour::RefuseTextsWith(part) => self.receiver.refuse(move |publication| {
                publication.message.contains(&part).then(|| (400, "InvalidParameter".to_owned()))
            }),
            Behaviour::FailForNow => http.reply_with(sns_error(500, "InternalError")),
            Behaviour::Refuse => http.reply_with(sns_error(400, "InvalidParameter")),
            Behaviour::Throttle => http.reply_with(sns_error(429, "Throttled")),
            Behaviour::ThrottleFor(delay) => {
                http.reply_with(sns_error(429, "Throttled").header("Retry-After", delay.as_secs().to_string()));
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
        self.receiver.publications().iter().map(|publication| plain(None, &publication.message)).collect()
    }

    fn secrets(&self) -> Vec<String> {
        vec![given::SECRET.to_owned(), "AKIAEXAMPLE".to_owned()]
    }

    fn accepted_status(&self) -> Option<u16> {
        Some(200)
    }

    fn notification(&self, id: &str, message: Message) -> Notification {
        fresh(id, message)
    }
}

mod apple {
    fanfare_testkit::conformance! {
        subject: super::Apple,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("apple takes payloads of 4,096 bytes"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a push has no subject"),
            delivers_attributes_of_every_type = ignore("attributes steer a push and do not reach the device"),
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

mod google {
    fanfare_testkit::conformance! {
        subject: super::Google,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("firebase takes payloads of 4,096 bytes"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a push has no subject"),
            delivers_attributes_of_every_type = ignore("attributes steer a push and do not reach the device"),
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
            keeps_the_message_id_on_every_attempt = ignore("firebase gives messages ids of its own"),
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

mod browser {
    fanfare_testkit::conformance! {
        subject: super::Browser,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message = ignore("services of web push take bodies of 4,096 bytes"),
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a push has no subject"),
            delivers_attributes_of_every_type = ignore("attributes steer a push and do not reach the browser"),
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
            keeps_the_message_id_on_every_attempt = ignore("web push has no ids of messages"),
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

mod through_sns {
    fanfare_testkit::conformance! {
        subject: super::ThroughSns,
        cases: {
            delivers_the_text_unchanged,
            delivers_unicode,
            delivers_control_characters,
            delivers_the_largest_message,
            a_message_of_any_size_is_delivered_or_rejected,
            delivers_the_subject = ignore("a push has no subject"),
            delivers_attributes_of_every_type = ignore("attributes steer a push and do not reach the device"),
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
            keeps_the_message_id_on_every_attempt = ignore("amazon sns gives messages ids of its own"),
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
