//! From a published message to the endpoints of its subscribers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use fanfare_core::attempt::Next;
use fanfare_core::engine::Progress;
use fanfare_core::filter::FilterReason;
use fanfare_core::{
    Connectors, Fanfare, FilterPolicy, FilterPolicyScope, Limits, Message, Protocol, SignatureVersion, SnsErrorCode,
    Subscribe, TopicArn, TopicSettings,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, Step};

fn endpoint() -> (ScriptedEndpoint, Subscribe) {
    let endpoint = ScriptedEndpoint::new();
    let subscribe = Subscribe::endpoint(Arc::new(endpoint.clone()));
    (endpoint, subscribe)
}

fn policy(text: &str) -> FilterPolicy {
    FilterPolicy::parse(text, FilterPolicyScope::MessageAttributes).unwrap()
}

async fn publish(fanfare: &Fanfare, topic: &TopicArn, text: &str) -> fanfare_core::engine::Report {
    fanfare.publish(topic, Message::text(text).unwrap()).await.unwrap().settled().await
}

#[tokio::test]
async fn every_subscriber_gets_the_message_once_under_the_same_id() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (one, subscribe_one) = endpoint();
    let (two, subscribe_two) = endpoint();
    fanfare.subscribe(&topic, subscribe_one).await.unwrap();
    fanfare.subscribe(&topic, subscribe_two).await.unwrap();

    let published = fanfare.publish(&topic, Message::text("a parcel").unwrap()).await.unwrap();
    let report = published.settled().await;

    assert_eq!(report.delivered(), 2);
    for endpoint in [one, two] {
        let attempts = endpoint.attempts();
        assert_eq!(attempts.len(), 1);
        assert_eq!(attempts[0].text(), "a parcel");
        assert_eq!(attempts[0].notification.message_id(), published.message_id());
    }
}

#[tokio::test]
async fn a_publish_without_subscribers_succeeds_and_later_subscribers_do_not_get_it() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    assert!(publish(&fanfare, &topic, "early").await.endings.is_empty());
    let (late, subscribe) = endpoint();
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    publish(&fanfare, &topic, "late").await;
    assert_eq!(late.texts(), ["late"]);
}

#[tokio::test]
async fn a_filtered_out_message_says_which_condition_failed() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (picky, subscribe) = endpoint();
    let arn = fanfare.subscribe(&topic, subscribe.filter_policy(policy(r#"{"store": ["a"]}"#))).await.unwrap();
    let mut watch = fanfare.watch();
    let message = Message::builder("x").string("store", "b").build().unwrap();
    let report = fanfare.publish(&topic, message).await.unwrap().settled().await;

    assert_eq!((report.endings.as_slice(), report.filtered_out()), ([].as_slice(), 1));
    assert_eq!(report.filtered_out.of(FilterReason::MessageAttributes), 1);
    assert_eq!(picky.attempts().len(), 0);
    match watch.try_next() {
        Some(Progress::FilteredOut { subscription, because, .. }) => {
            assert_eq!((subscription, because.as_str()), (arn, r#"key "store": none of ["a"] matched "b""#));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_policy_on_the_body_sees_the_text_selected_for_its_protocol() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (scripted, subscribe) = endpoint();
    let body = FilterPolicy::parse(r#"{"kind": ["mine"]}"#, FilterPolicyScope::MessageBody).unwrap();
    fanfare.subscribe(&topic, subscribe.filter_policy(body)).await.unwrap();
    let text = r#"{"default": "{\"kind\": \"other\"}", "scripted": "{\"kind\": \"mine\"}"}"#;
    let message = Message::builder(text).json_structure().build().unwrap();
    let report = fanfare.publish(&topic, message).await.unwrap().settled().await;
    assert_eq!(report.delivered(), 1);
    assert_eq!(scripted.texts(), [r#"{"kind": "mine"}"#]);
}

#[tokio::test]
async fn policies_on_the_body_are_each_asked_about_the_text_that_their_subscription_would_get() {
    let protocols = [Protocol::Http, Protocol::Sqs, Protocol::Lambda];
    let connectors = protocols.clone().map(|protocol| ScriptedConnector::new(protocol, Limits::ONE));
    let connectors = connectors.into_iter().fold(Connectors::new(), Connectors::with);
    let fanfare = Fanfare::builder().connectors(connectors).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let mut arns = Vec::new();
    for protocol in protocols {
        for kind in ["a", "b"] {
            let policy = format!(r#"{{"kind": ["{kind}"]}}"#);
            let policy = FilterPolicy::parse(&policy, FilterPolicyScope::MessageBody).unwrap();
            let subscribe = Subscribe::to(protocol.clone(), format!("{protocol}-{kind}")).confirmed();
            arns.push(fanfare.subscribe(&topic, subscribe.filter_policy(policy)).await.unwrap());
        }
    }
    let on_attributes = Subscribe::to(Protocol::Http, "attributes").confirmed();
    let on_attributes = on_attributes.filter_policy(policy(r#"{"store": ["a"]}"#));
    fanfare.subscribe(&topic, on_attributes).await.unwrap();
    let everything = Subscribe::to(Protocol::Sqs, "everything").confirmed();
    let everything = fanfare.subscribe(&topic, everything).await.unwrap();

    let texts = r#"{"default": "no JSON", "http": "{\"kind\": \"a\"}", "sqs": "{\"kind\": \"b\"}"}"#;
    let message = Message::builder(texts).json_structure().build().unwrap();
    let report = fanfare.publish(&topic, message).await.unwrap().settled().await;
    let mut delivered: Vec<_> = report.endings.iter().map(|(arn, _)| arn).collect();
    delivered.sort();
    let mut wanted = vec![&arns[0], &arns[3], &everything];
    wanted.sort();
    assert_eq!(delivered, wanted);
    let filtered_out: Vec<_> = report.filtered_out.iter().collect();
    let reasons =
        [(FilterReason::MessageBody, 2), (FilterReason::NoMessageAttributes, 1), (FilterReason::InvalidMessageBody, 2)];
    assert_eq!(filtered_out, reasons);

    // With one text for all of them.
    let message = Message::builder(r#"{"kind": "b"}"#).string("store", "a").build().unwrap();
    let report = fanfare.publish(&topic, message).await.unwrap().settled().await;
    assert_eq!((report.delivered(), report.filtered_out.of(FilterReason::MessageBody)), (5, 3));
}

#[tokio::test]
async fn only_confirmed_subscriptions_can_leave_a_message_out() {
    let connectors = Connectors::new().with(ScriptedConnector::new(Protocol::Http, Limits::ONE));
    let fanfare = Fanfare::builder().connectors(connectors).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let picky = || policy(r#"{"store": ["a"]}"#);
    let pending = Subscribe::to(Protocol::Http, "pending").filter_policy(picky());
    let pending = fanfare.subscribe(&topic, pending).await.unwrap();
    let ended = Subscribe::to(Protocol::Http, "ended").filter_policy(picky()).confirmed();
    let ended = fanfare.subscribe(&topic, ended).await.unwrap();
    fanfare.unsubscribe(&ended).await.unwrap();
    assert_eq!(publish(&fanfare, &topic, "x").await.filtered_out(), 0);
    fanfare.confirm_unasked(&pending).await.unwrap();
    assert_eq!(publish(&fanfare, &topic, "y").await.filtered_out(), 1);
}

#[tokio::test]
async fn attributes_beside_texts_for_each_protocol_stay_behind_unless_asked_for() {
    let message = || {
        let builder = Message::builder(r#"{"default": "x"}"#).json_structure();
        builder.string("store", "a").build().unwrap()
    };
    for (carries, builder) in [(0, Fanfare::builder()), (1, Fanfare::builder().attributes_beside_json_structure())] {
        let fanfare = builder.open();
        let topic = fanfare.create_topic("orders").await.unwrap();
        let (endpoint, subscribe) = endpoint();
        fanfare.subscribe(&topic, subscribe.filter_policy(policy(r#"{"store": ["a"]}"#))).await.unwrap();
        fanfare.publish(&topic, message()).await.unwrap().settled().await;
        assert_eq!(endpoint.attempts()[0].notification.attributes().len(), carries);
    }
}

#[tokio::test]
async fn the_topic_decides_how_envelopes_are_signed_and_how_large_messages_may_be() {
    let fanfare = Fanfare::in_memory();
    let settings = TopicSettings::new().signature_version(SignatureVersion::V2).maximum_message_size(1024).unwrap();
    let topic = fanfare.create_topic_with("orders", settings).await.unwrap();
    let (endpoint, subscribe) = endpoint();
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    publish(&fanfare, &topic, &"x".repeat(1024)).await;
    assert_eq!(endpoint.attempts()[0].notification.signature_version(), SignatureVersion::V2);
    let error = fanfare.publish(&topic, Message::text("x".repeat(1025)).unwrap()).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: Message too long");
}

#[tokio::test]
async fn a_message_to_an_unknown_topic_is_refused() {
    let fanfare = Fanfare::in_memory();
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:nowhere").unwrap();
    let error = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (SnsErrorCode::NotFound, "Topic does not exist"));
}

#[tokio::test]
async fn a_deduplication_id_is_refused_on_a_standard_topic_that_does_not_ask_for_it() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let message = Message::builder("x").deduplication_id("1").build().unwrap();
    let error = fanfare.publish(&topic, message).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is \
         not valid for this topic type"
    );
}

#[tokio::test]
async fn a_closed_engine_accepts_nothing_and_lets_those_who_wait_go() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    endpoint.always(Step::Retry);
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap();
    endpoint.wait_for(1).await;
    let other = fanfare.clone();
    fanfare.close().await;
    assert_eq!(published.settled().await.pending, 1);
    let error = other.publish(&topic, Message::text("y").unwrap()).await.unwrap_err();
    assert_eq!(error.code(), SnsErrorCode::InternalError);
}

#[tokio::test]
async fn whoever_waits_is_let_go_when_the_last_handle_is_dropped_and_a_watch_ends() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    endpoint.always(Step::Hang);
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    let mut watch = fanfare.watch();
    let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap();
    drop(fanfare);
    assert_eq!(published.settled().await.pending, 1);
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_publisher_that_goes_away_while_the_store_writes_leaves_nothing_undelivered() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    for _ in 0..50 {
        let mut publishing = Box::pin(fanfare.publish(&topic, Message::text("x").unwrap()));
        // It begins, and is dropped before it has answered.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(publishing.as_mut().poll(&mut context).is_pending());
    }
    assert_eq!(endpoint.wait_for(50).await.len(), 50);
    assert_eq!(fanfare.counters().await.unwrap().delivered, 50);
}

#[tokio::test]
async fn closing_within_a_limit_cuts_a_hanging_attempt_off() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    endpoint.always(Step::Hang);
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap();
    endpoint.wait_for(1).await;
    fanfare.close_within(std::time::Duration::from_millis(20)).await;
    assert_eq!(published.settled().await.pending, 1);
}

#[test]
fn a_publisher_on_a_runtime_that_ends_leaves_no_lane_behind() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let lasting = runtime();
    let (endpoint, subscribe) = endpoint();
    let (fanfare, topic) = lasting.block_on(async {
        let fanfare = Fanfare::in_memory();
        let topic = fanfare.create_topic("orders").await.unwrap();
        fanfare.subscribe(&topic, subscribe).await.unwrap();
        (fanfare, topic)
    });
    for _ in 0..3 {
        let passing = runtime();
        passing.block_on(fanfare.publish(&topic, Message::text("x").unwrap())).unwrap();
    }
    assert_eq!(lasting.block_on(endpoint.wait_for(3)).len(), 3);
}

#[tokio::test]
async fn each_step_of_a_notification_is_told() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    endpoint.script([Step::Reject]);
    let arn = fanfare.subscribe(&topic, subscribe).await.unwrap();
    let mut watch = fanfare.watch();
    publish(&fanfare, &topic, "x").await;
    match watch.try_next() {
        Some(Progress::Attempted(attempt)) => {
            assert_eq!(attempt.subscription, arn);
            assert_eq!(attempt.protocol, Protocol::custom("scripted").unwrap());
            assert_eq!((attempt.number, attempt.endpoint.as_str()), (1, "scripted"));
            assert!(attempt.failure.is_some());
            assert!(matches!(attempt.next, Next::Dropped { .. }), "{:?}", attempt.next);
        }
        other => panic!("{other:?}"),
    }
    assert!(watch.try_next().is_none());
}

#[tokio::test]
async fn a_listener_that_falls_behind_learns_how_much_it_missed() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (_, subscribe) = endpoint();
    fanfare.subscribe(&topic, subscribe.filter_policy(policy(r#"{"store": ["a"]}"#))).await.unwrap();
    let mut watch = fanfare.watch();
    for _ in 0..5000 {
        fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap();
    }
    assert!(matches!(watch.try_next(), Some(Progress::Missed(904))));
}

#[tokio::test]
async fn closing_waits_for_what_is_under_way_and_begins_nothing_more() {
    let fanfare = Fanfare::builder().lane_concurrency(std::num::NonZeroUsize::MIN).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    endpoint.always(Step::Hold);
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    let first = fanfare.publish(&topic, Message::text("first").unwrap()).await.unwrap();
    endpoint.wait_for(1).await;
    fanfare.publish(&topic, Message::text("second").unwrap()).await.unwrap();
    let observer = fanfare.clone();
    let closing = tokio::spawn(fanfare.close());
    tokio::task::yield_now().await;
    endpoint.release(2);
    closing.await.unwrap();

    assert_eq!(first.settled().await.delivered(), 1);
    assert_eq!(endpoint.texts(), ["first"]);
    let counters = observer.counters().await.unwrap();
    assert_eq!((counters.delivered, counters.pending), (1, 1));
}

#[tokio::test]
async fn the_counters_balance_while_messages_end_in_every_way() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let (endpoint, subscribe) = endpoint();
    endpoint.always_by(|notification| match notification.text().len() % 3 {
        0 => Step::Reject,
        1 => Step::Hang,
        _ => Step::Accept,
    });
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    for length in 1..=30 {
        fanfare.publish(&topic, Message::text("x".repeat(length)).unwrap()).await.unwrap();
    }
    endpoint.wait_for(26).await;
    let counters = fanfare.counters().await.unwrap();
    assert_eq!(counters.matched, 30);
    assert_eq!(counters.matched, counters.delivered + counters.pending + counters.dead_lettered + counters.dropped);
}

#[tokio::test]
async fn a_notification_names_its_sender_as_the_topic_does_at_the_time() {
    let fanfare = Fanfare::in_memory();
    let settings = TopicSettings::new().display_name("Orders");
    let topic = fanfare.create_topic_with("orders", settings.clone()).await.unwrap();
    let (endpoint, subscribe) = endpoint();
    fanfare.subscribe(&topic, subscribe).await.unwrap();
    publish(&fanfare, &topic, "named").await;
    fanfare.change_topic(&topic, settings.clone().display_name("Parcels")).await.unwrap();
    publish(&fanfare, &topic, "named otherwise").await;
    fanfare.change_topic(&topic, settings.display_name("")).await.unwrap();
    publish(&fanfare, &topic, "unnamed").await;
    let attempts = endpoint.attempts();
    let names: Vec<_> = attempts.iter().map(|attempt| attempt.notification.display_name()).collect();
    assert_eq!(names, [Some("Orders"), Some("Parcels"), None]);
}
