//! Messages to one phone number or device, without a topic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use fanfare_core::attempt::Next;
use fanfare_core::engine::{Ending, Progress, Standing};
use fanfare_core::{Connectors, Fanfare, Limits, Message, Owner, Platform, Protocol, SnsErrorCode};
use fanfare_testkit::{ScriptedConnector, SimulatedHost, Step};

const NUMBER: &str = "+15551234567";
const DEVICE: &str = "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/uuid";

fn owner() -> Owner {
    Owner::new("eu-west-1", "123456789012").unwrap()
}

/// An engine that reaches phones and devices, and what plays them.
fn given() -> (Fanfare, ScriptedConnector, ScriptedConnector) {
    let (sms, push) = (
        ScriptedConnector::new(Protocol::Sms, Limits::ONE),
        ScriptedConnector::new(Protocol::Application, Limits::ONE),
    );
    let connectors = Connectors::new().with(sms.clone()).with(push.clone());
    (Fanfare::builder().connectors(connectors).open(), sms, push)
}

#[tokio::test]
async fn a_message_to_a_phone_number_arrives_there_and_nowhere_else() {
    let (fanfare, sms, _) = given();
    let published =
        fanfare.publish_to(&owner(), &Protocol::Sms, NUMBER, Message::text("hello").unwrap()).await.unwrap();
    let report = published.settled().await;
    assert_eq!(report.endings.len(), 1);
    assert_eq!(report.endings[0].0.as_str(), "arn:aws:sns:eu-west-1:123456789012:DirectPublishToPhoneNumber:direct");
    assert_eq!(report.endings[0].1, Ending::Delivered { attempts: 1 });
    let attempts = sms.endpoint(NUMBER).attempts();
    assert_eq!(attempts.len(), 1);
    let notification = &attempts[0].notification;
    assert_eq!((notification.text(), notification.recipient()), ("hello", Some(NUMBER)));
    assert_eq!(notification.message_id(), published.message_id());
    assert_eq!(notification.subscription(), None);
    assert!(sms.endpoint("+15550000000").attempts().is_empty());
    assert_eq!(fanfare.counters().await.unwrap().delivered, 1);
}

#[tokio::test]
async fn no_topic_and_no_subscription_is_seen_for_it() {
    let (fanfare, _, _) = given();
    let message = Message::text("hello").unwrap();
    fanfare.publish_to(&Owner::default(), &Protocol::Sms, NUMBER, message).await.unwrap().settled().await;
    assert!(fanfare.topics().is_empty());
}

#[tokio::test]
async fn a_device_gets_the_payload_of_its_platform_and_the_default_may_be_left_out() {
    let (fanfare, _, push) = given();
    let message = Message::builder(r#"{"FCM":"payload","ADM":"other"}"#).json_structure_for_one().build().unwrap();
    fanfare.publish_to(&owner(), &Protocol::Application, DEVICE, message).await.unwrap().settled().await;
    assert_eq!(push.endpoint(DEVICE).texts(), ["payload"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_fails_is_retried_as_those_of_subscriptions_are_and_its_attempts_are_told() {
    let sms = ScriptedConnector::new(Protocol::Sms, Limits::ONE);
    let connectors = Connectors::new().with(sms.clone());
    let fanfare = Fanfare::builder().connectors(connectors).host(SimulatedHost::new(1)).open();
    let mut watch = fanfare.watch();
    sms.endpoint(NUMBER).script([Step::Retry, Step::Accept]);
    let message = Message::text("hello").unwrap();
    let published = fanfare.publish_to(&owner(), &Protocol::Sms, NUMBER, message).await.unwrap();
    assert_eq!(published.settled().await.endings[0].1, Ending::Delivered { attempts: 2 });
    let Some(Progress::Attempted(first)) = watch.next().await else { panic!("the first attempt is not told") };
    assert_eq!(first.subscription.topic().name(), "DirectPublishToPhoneNumber");
    assert_eq!((first.endpoint.as_str(), first.protocol), (NUMBER, Protocol::Sms));
    assert!(matches!(first.next, Next::Retry { .. }));
    assert_eq!(fanfare.attempts(published.message_id(), None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_message_that_is_refused_ends_with_its_reason() {
    let (fanfare, sms, _) = given();
    sms.endpoint(NUMBER).script([Step::Reject]);
    let message = Message::text("hello").unwrap();
    let report = fanfare.publish_to(&owner(), &Protocol::Sms, NUMBER, message).await.unwrap().settled().await;
    assert!(matches!(&report.endings[0].1, Ending::Dropped { reason } if reason.starts_with("not to be retried")));
    assert!(fanfare.counters().await.unwrap().balance());
}

#[test]
fn a_time_to_live_is_worked_out_as_amazon_sns_documents() {
    let seconds = |value: &serde_json::Value| value.as_u64().map(Duration::from_secs);
    let cases = fanfare_testkit::vectors::cases("mobile-push", "ttl");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let mut message = Message::builder("payload");
        if let Some(ttl) = case["ttl_attr"].as_str() {
            message = message.string("AWS.SNS.MOBILE.GCM.TTL", ttl);
        }
        let (message, dwell) = (message.build().unwrap(), seconds(&case["dwell_s"]).unwrap());
        let ttl = Platform::Gcm.time_to_live(message.attributes(), seconds(&case["body_ttl"]), dwell);
        assert_eq!(ttl, seconds(&case["result_ttl"]), "{case}");
    }
}

#[test]
fn every_attribute_that_is_reserved_for_devices_is_taken() {
    for name in fanfare_testkit::vectors::cases("mobile-push", "reserved_message_attributes") {
        Message::builder("payload").string(name.as_str().unwrap(), "1").build().unwrap();
    }
}

#[tokio::test]
async fn why_a_message_did_not_arrive_can_be_asked() {
    let (fanfare, sms, _) = given();
    let publish = async |step| {
        sms.endpoint(NUMBER).script([step]);
        let message = Message::text("hello").unwrap();
        fanfare.publish_to(&owner(), &Protocol::Sms, NUMBER, message).await.unwrap()
    };
    let delivered = publish(Step::Accept).await;
    delivered.settled().await;
    let (protocol, explanation) = fanfare.why_directly(delivered.message_id()).await.unwrap().unwrap();
    assert_eq!((protocol, explanation.standing), (Protocol::Sms, Standing::Delivered));
    let refused = publish(Step::Reject).await;
    refused.settled().await;
    let (_, explanation) = fanfare.why_directly(refused.message_id()).await.unwrap().unwrap();
    assert!(matches!(&explanation.standing, Standing::Dead(dead) if dead.reason.starts_with("not to be retried")));
    assert_eq!(explanation.attempts.len(), 1);
    let waiting = publish(Step::Hold).await;
    let (_, explanation) = fanfare.why_directly(waiting.message_id()).await.unwrap().unwrap();
    assert!(matches!(explanation.standing, Standing::Pending { .. }));
    assert!(fanfare.why_directly("nothing").await.unwrap().is_none());
}

#[tokio::test]
async fn what_cannot_go_to_one_address_is_refused() {
    let (fanfare, _, _) = given();
    let text = || Message::text("hello").unwrap();
    let large = Message::text("x".repeat(262_145)).unwrap();
    let numbered = Message::builder("x").deduplication_id("1").build().unwrap();
    let cases = [
        (Protocol::Http, text(), "TargetArn Reason: nobody publishes to single addresses of http"),
        (Protocol::Sms, large, "Message too long"),
        (
            Protocol::Sms,
            numbered,
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this \
             topic type",
        ),
    ];
    for (protocol, message, expected) in cases {
        let refused = fanfare.publish_to(&owner(), &protocol, NUMBER, message).await.unwrap_err();
        assert_eq!(refused.code(), SnsErrorCode::InvalidParameter);
        assert_eq!(refused.message(), format!("Invalid parameter: {expected}"));
    }
    let without = Fanfare::in_memory();
    let refused = without.publish_to(&owner(), &Protocol::Sms, NUMBER, text()).await.unwrap_err();
    assert!(refused.message().contains("no connector here delivers over sms"), "{}", refused.message());
}

#[tokio::test]
async fn a_handle_that_does_not_keep_the_engine_running_ends_with_it() {
    let fanfare = Fanfare::in_memory();
    let weak = fanfare.downgrade();
    assert!(weak.upgrade().is_some());
    drop(fanfare);
    assert!(weak.upgrade().is_none());
}
