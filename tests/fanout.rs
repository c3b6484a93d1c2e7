//! A published message on its way to real HTTP subscribers, with the handshake that Amazon SNS has.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use fanfare::email::EmailConfig;
use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::wire::Signer;
use fanfare::{
    Adapters, Destination, FilterPolicy, FilterPolicyScope, Message, Notification, Protocol, Publication, Subscribe,
    SubscriptionArn, Timestamp, TopicArn,
};
use fanfare_testkit::{HttpReceiver, ReceivedRequest, Reply};
use fanfare_tests::{Served, loopback};
use std::time::Duration;

async fn served() -> (Served, TopicArn) {
    let served = Served::start(loopback(), |builder| builder).await;
    let topic = served.fanfare.create_topic("orders").await.unwrap();
    (served, topic)
}

async fn visit(url: &str) -> (u16, String) {
    let response = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

fn kinds(requests: &[ReceivedRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.header("x-amz-sns-message-type").unwrap()).collect()
}

fn soon(retries: u32) -> RetrySchedule {
    RetrySchedule::extended([RetryPhase::constant(retries, Duration::from_millis(20))]).unwrap()
}

#[tokio::test]
async fn an_address_gets_nothing_but_the_request_to_confirm_until_it_confirms() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    let url = receiver.url("/inbox");
    served.fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, &url)).await.unwrap();
    let requests = receiver.wait_for(1).await;
    let early = served.fanfare.publish(&topic, Message::text("too early").unwrap()).await.unwrap();
    assert!(early.settled().await.endings.is_empty());

    let (status, xml) = visit(requests[0].json()["SubscribeURL"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    assert!(
        xml.contains("<ConfirmSubscriptionResult><SubscriptionArn>arn:aws:sns:us-east-1:000000000000:orders:"),
        "{xml}"
    );
    let report = served.fanfare.publish(&topic, Message::text("in time").unwrap()).await.unwrap().settled().await;
    assert_eq!(report.delivered(), 1);

    let requests = receiver.requests();
    assert_eq!(kinds(&requests), ["SubscriptionConfirmation", "Notification"]);
    assert_eq!(requests[1].json()["Message"], "in time");
    assert_eq!(requests[0].header("x-amz-sns-subscription-arn"), None);
    assert!(requests[1].header("x-amz-sns-subscription-arn").unwrap().starts_with(topic.as_str()));
}

#[tokio::test]
async fn the_unsubscribe_link_ends_deliveries_and_its_answer_can_restore_them() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    let url = receiver.url("/");
    served.fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, &url).confirmed()).await.unwrap();
    let publish = async |text: &str| {
        let message = Message::text(text).unwrap();
        served.fanfare.publish(&topic, message).await.unwrap().settled().await.delivered()
    };
    assert_eq!(publish("one").await, 1);
    let unsubscribe = receiver.requests()[0].json()["UnsubscribeURL"].as_str().unwrap().to_owned();
    let (status, xml) = visit(&unsubscribe).await;
    assert_eq!(status, 200);
    assert!(xml.starts_with("<UnsubscribeResponse"), "{xml}");
    let farewell = receiver.wait_for(2).await;
    assert_eq!(publish("two").await, 0);

    assert_eq!(kinds(&farewell), ["Notification", "UnsubscribeConfirmation"]);
    assert_eq!(visit(farewell[1].json()["SubscribeURL"].as_str().unwrap()).await.0, 200);
    assert_eq!(publish("three").await, 1);
}

#[tokio::test]
async fn links_that_name_nothing_known_are_refused_with_the_texts_of_sns() {
    let (served, topic) = served().await;
    let base = &served.base;
    let cases = [
        (format!("{base}/?Action=ConfirmSubscription&TopicArn={topic}&Token=abc123"), "Invalid parameter: Token"),
        (format!("{base}/?Action=ConfirmSubscription&TopicArn={topic}&Token=xyz"), "Invalid token"),
        (format!("{base}/?Action=ConfirmSubscription&TopicArn=orders&Token=abc123"), "Invalid parameter: Topic"),
        (format!("{base}/?Action=Unsubscribe&SubscriptionArn={topic}"), "Invalid parameter: SubscriptionId"),
    ];
    for (url, message) in cases {
        let (status, xml) = visit(&url).await;
        assert_eq!(status, 400, "{url}");
        assert!(xml.contains(&format!("<Code>InvalidParameter</Code><Message>{message}</Message>")), "{xml}");
    }
    let unknown = format!("{base}/?Action=Unsubscribe&SubscriptionArn={topic}:7f3d36d5-0000-4000-8000-000000000000");
    assert_eq!(visit(&unknown).await.0, 200);
}

#[tokio::test]
async fn looking_at_an_unsubscribe_link_without_following_it_ends_nothing() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/")).confirmed();
    let subscription = served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let url = format!("{}/?Action=Unsubscribe&SubscriptionArn={subscription}", served.base);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    assert_eq!(client.head(&url).send().await.unwrap().status().as_u16(), 405);
    assert!(served.fanfare.subscription(&subscription).is_ok());
}

#[tokio::test]
async fn a_link_that_asks_for_authentication_is_refused_as_it_is_not_signed() {
    let (served, topic) = served().await;
    let (base, query) = (&served.base, "AuthenticateOnUnsubscribe=true");
    let (status, xml) = visit(&format!("{base}/?Action=ConfirmSubscription&TopicArn={topic}&Token=ab&{query}")).await;
    assert_eq!(status, 403);
    assert!(xml.contains("<Code>AuthorizationError</Code>"), "{xml}");
}

#[tokio::test]
async fn a_filter_policy_decides_who_gets_a_message() {
    let (served, topic) = served().await;
    let (shop, press) = (HttpReceiver::start().await, HttpReceiver::start().await);
    let policy = |text| FilterPolicy::parse(text, FilterPolicyScope::MessageAttributes).unwrap();
    let subscribe = |receiver: &HttpReceiver, text| {
        Subscribe::to(Protocol::Http, receiver.url("/")).filter_policy(policy(text)).confirmed()
    };
    served.fanfare.subscribe(&topic, subscribe(&shop, r#"{"kind": ["order"]}"#)).await.unwrap();
    served.fanfare.subscribe(&topic, subscribe(&press, r#"{"kind": ["news"]}"#)).await.unwrap();

    let message = Message::builder("sold").string("kind", "order").build().unwrap();
    let report = served.fanfare.publish(&topic, message).await.unwrap().settled().await;

    assert_eq!((report.delivered(), report.filtered_out()), (1, 1));
    assert_eq!(shop.requests().len(), 1);
    assert_eq!(press.requests().len(), 0);
}

#[tokio::test]
async fn raw_delivery_carries_the_text_and_says_so_in_a_header() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/")).raw().confirmed();
    served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let message = Message::builder("just this").subject("gone").string("kind", "order").build().unwrap();
    served.fanfare.publish(&topic, message).await.unwrap().settled().await;

    let request = &receiver.requests()[0];
    assert_eq!(request.text(), "just this");
    assert_eq!(request.header("x-amz-sns-rawdelivery"), Some("true"));
}

#[tokio::test]
async fn a_failing_subscriber_is_retried_until_it_takes_the_message_under_the_same_id() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    receiver.script([Reply::status(503), Reply::status(500)]);
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/")).retry(soon(5)).confirmed();
    let subscription = served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let published = served.fanfare.publish(&topic, Message::text("persistent").unwrap()).await.unwrap();
    let report = published.settled().await;

    assert_eq!(ending(&report, &subscription), "Delivered { attempts: 3 }");
    let ids: Vec<_> =
        receiver.requests().iter().map(|r| r.header("x-amz-sns-message-id").unwrap().to_owned()).collect();
    assert_eq!(ids, [published.message_id(); 3]);
}

#[tokio::test]
async fn an_attempt_says_what_took_how_long_and_a_reused_connection_took_none() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/")).confirmed();
    let subscription = served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let mut attempts = Vec::new();
    for text in ["one", "two"] {
        let published = served.fanfare.publish(&topic, Message::text(text).unwrap()).await.unwrap();
        published.settled().await;
        attempts.extend(served.fanfare.attempts(published.message_id(), Some(&subscription)).await.unwrap());
    }
    assert_eq!(receiver.connections(), 1);
    assert!(attempts[0].timing.connect.is_some() && attempts[1].timing.connect.is_none(), "{attempts:?}");
    for attempt in attempts {
        let first_byte = attempt.timing.first_byte.unwrap();
        assert!(attempt.timing.connect.is_none_or(|connect| connect <= first_byte), "{attempt:?}");
        assert_eq!(attempt.dwell(), attempt.started.since(attempt.accepted));
    }
}

#[tokio::test]
async fn what_a_subscriber_never_takes_becomes_a_dead_letter_as_it_would_have_been_delivered() {
    let (served, topic) = served().await;
    let (gone, morgue) = (HttpReceiver::start().await, HttpReceiver::start().await);
    gone.reply_with(Reply::status(500));
    let subscribe = Subscribe::to(Protocol::Http, gone.url("/"))
        .retry(soon(2))
        .dead_letters_to(Destination::address(Protocol::Http, morgue.url("/dead")))
        .confirmed();
    served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let report = served.fanfare.publish(&topic, Message::text("lost").unwrap()).await.unwrap().settled().await;

    assert_eq!((report.dead_lettered(), report.delivered()), (1, 0));
    assert_eq!(gone.requests().len(), 3);
    assert_eq!(morgue.requests()[0].body, gone.requests()[0].body);
    let counters = served.fanfare.counters().await.unwrap();
    assert_eq!((counters.matched, counters.dead_lettered, counters.pending), (1, 1, 0));
}

#[tokio::test]
async fn a_refusal_is_not_retried() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(404));
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/")).retry(soon(5)).confirmed();
    served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let report = served.fanfare.publish(&topic, Message::text("refused").unwrap()).await.unwrap().settled().await;
    assert_eq!(report.dropped(), 1);
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_hundred_subscribers_share_one_signature() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    for number in 0..100 {
        let subscribe = Subscribe::to(Protocol::Http, receiver.url(&format!("/{number}"))).confirmed();
        served.fanfare.subscribe(&topic, subscribe).await.unwrap();
    }
    let report = served.fanfare.publish(&topic, Message::text("to all").unwrap()).await.unwrap().settled().await;
    assert_eq!(report.delivered(), 100);
    assert_eq!(served.signer.signatures_made(), 1);
}

#[tokio::test]
async fn each_protocol_gets_its_own_text_of_a_json_message() {
    let (served, topic) = served().await;
    let receiver = HttpReceiver::start().await;
    served.fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, receiver.url("/")).confirmed()).await.unwrap();
    let text = r#"{"default": "for the rest", "http": "for http", "sqs": "for queues"}"#;
    let message = Message::builder(text).json_structure().string("kind", "order").build().unwrap();
    served.fanfare.publish(&topic, message).await.unwrap().settled().await;

    let envelope = receiver.requests()[0].json();
    assert_eq!(envelope["Message"], "for http");
    assert_eq!(envelope.get("MessageAttributes"), None);
}

#[tokio::test]
async fn a_private_address_cannot_be_subscribed_unless_it_is_allowed() {
    let served = Served::start(fanfare::http::HttpConfig::new(), |builder| builder).await;
    let topic = served.fanfare.create_topic("orders").await.unwrap();
    let receiver = HttpReceiver::start().await;
    let subscribe = Subscribe::to(Protocol::Http, receiver.url("/")).confirmed();
    let error = served.fanfare.subscribe(&topic, subscribe).await.unwrap_err();
    assert!(error.message().starts_with("Invalid parameter: Unreachable Endpoint"), "{error}");
    assert_eq!(receiver.connections(), 0);
}

fn ending(report: &fanfare::engine::Report, subscription: &SubscriptionArn) -> String {
    format!("{:?}", report.ending(subscription).unwrap())
}

#[tokio::test]
async fn every_adapter_that_delivers_signatures_begins_them_when_it_hears_of_a_message() {
    let signer = Signer::ephemeral();
    let adapters = Adapters::new("https://sns.example.com").unwrap().signer(signer.clone());
    let email = EmailConfig::new("alerts@example.com").unwrap().relay("smtp://127.0.0.1:1".parse().unwrap());
    let connectors = adapters.email(email).connectors().unwrap();
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let hear = |protocol: &Protocol| {
        let message = Message::text("hello").unwrap();
        let publication = Publication::new(protocol.as_str(), topic.clone(), Timestamp::EPOCH, message);
        let notification = Notification::new(publication, protocol.as_str());
        connectors.foresee(protocol, &notification);
        notification
    };
    // Held, or else nobody would want the signature any more.
    let _unsigned = hear(&Protocol::Email);
    let mut held = Vec::new();
    for protocol in [Protocol::Http, Protocol::Https, Protocol::EmailJson, Protocol::Sqs, Protocol::Lambda] {
        held.push(hear(&protocol));
        let expected = held.len() as u64;
        let signed = async {
            while signer.signatures_made() < expected {
                tokio::task::yield_now().await;
            }
        };
        let deadline = Duration::from_secs(60);
        tokio::time::timeout(deadline, signed).await.unwrap_or_else(|_| panic!("{protocol} begins nothing"));
        assert_eq!(signer.signatures_made(), expected, "after {protocol}");
    }
}
