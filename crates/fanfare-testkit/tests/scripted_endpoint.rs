//! The scripted endpoint answers as it is told and remembers what it was asked.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use fanfare_core::{
    Batch, Connector, Disposition, Endpoint, Limits, Message, Notification, Protocol, Publication, Slot, Timestamp,
    TopicArn,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, Step};

fn notification(text: &str) -> Notification {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").expect("the ARN is well formed");
    let message = Message::text(text).expect("the text is valid");
    Notification::new(Publication::new(text, topic, Timestamp::EPOCH, message), "scripted")
}

#[tokio::test]
async fn each_step_has_its_outcome() {
    let endpoint = ScriptedEndpoint::new();
    let after = Some(Duration::from_secs(7));
    for (step, disposition) in [
        (Step::Retry, Disposition::Retry { after: None }),
        (Step::RetryAfter(Duration::from_secs(7)), Disposition::Retry { after }),
        (Step::Reject, Disposition::Reject),
        (Step::Disable, Disposition::Disable),
        (Step::LeaveOpen, Disposition::Retry { after: None }),
    ] {
        endpoint.script([step]);
        assert_eq!(endpoint.deliver(&notification("a")).await.unwrap_err().disposition(), disposition);
    }
    endpoint.deliver(&notification("a")).await.unwrap();
}

#[tokio::test]
async fn attempts_are_remembered_with_their_numbers() {
    let endpoint = ScriptedEndpoint::new();
    endpoint.deliver(&notification("a")).await.unwrap();
    endpoint.deliver(&notification("b").as_attempt(NonZeroU32::new(3).unwrap())).await.unwrap();
    let seen: Vec<_> = endpoint.attempts().iter().map(|at| (at.text().to_owned(), at.number(), at.call)).collect();
    assert_eq!(seen, [("a".to_owned(), 1, 0), ("b".to_owned(), 3, 1)]);
}

#[tokio::test]
async fn the_standing_step_can_depend_on_the_notification() {
    let endpoint = ScriptedEndpoint::new();
    endpoint.always_by(|notification| if notification.text() == "poison" { Step::Reject } else { Step::Accept });
    endpoint.deliver(&notification("poison")).await.unwrap_err();
    endpoint.deliver(&notification("bread")).await.unwrap();
}

#[tokio::test]
async fn held_notifications_go_on_when_they_are_released() {
    let endpoint = ScriptedEndpoint::new();
    endpoint.always(Step::Hold);
    let mut calls = tokio::task::JoinSet::new();
    for text in ["a", "b", "c"] {
        let endpoint = endpoint.clone();
        calls.spawn(async move { endpoint.deliver(&notification(text)).await });
    }
    endpoint.wait_for(3).await;
    assert_eq!(endpoint.in_flight(), 3);
    endpoint.release(1);
    calls.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(endpoint.in_flight(), 2);
    endpoint.release(2);
    calls.join_all().await;
    assert_eq!((endpoint.in_flight(), endpoint.in_flight_max()), (0, 3));
}

#[tokio::test]
async fn a_call_that_is_dropped_or_panics_is_not_running_any_more() {
    let endpoint = ScriptedEndpoint::new();
    endpoint.script([Step::Hang, Step::Panic]);
    let deliver = || {
        let endpoint = endpoint.clone();
        tokio::spawn(async move { endpoint.deliver(&notification("a")).await })
    };
    let hanging = deliver();
    endpoint.wait_for(1).await;
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    assert!(deliver().await.unwrap_err().is_panic());
    assert_eq!(endpoint.in_flight(), 0);
}

#[tokio::test]
async fn a_batch_is_one_call_and_may_leave_slots_open() {
    let limits = Limits::batches_of(NonZeroUsize::new(10).unwrap(), 262_144);
    let endpoint = ScriptedEndpoint::with("a queue", Protocol::Sqs, limits);
    endpoint.script([Step::Accept, Step::LeaveOpen, Step::Reject]);
    let mut slots = ["a", "b", "c"].map(|text| Slot::new(notification(text)));
    endpoint.deliver_batch(&mut Batch::new(&mut slots)).await;
    let [a, b, c] = slots.map(Slot::into_outcome);
    assert!(matches!((a, b, c), (Some(Ok(_)), None, Some(Err(_)))));
    assert_eq!(endpoint.attempts().iter().map(|attempt| attempt.call).collect::<Vec<_>>(), [0, 0, 0]);
    assert_eq!(
        (endpoint.protocol(), endpoint.limits(), endpoint.to_string()),
        (Protocol::Sqs, limits, "a queue".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_endpoint_takes_its_time() {
    let endpoint = ScriptedEndpoint::new();
    endpoint.always(Step::Slow(Duration::from_secs(29)));
    let start = tokio::time::Instant::now();
    endpoint.deliver(&notification("a")).await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(29));
}

#[tokio::test]
async fn a_connector_gives_the_same_endpoint_for_the_same_address() {
    let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE);
    let opened = connector.connect(&Protocol::Http, "http://a/").unwrap();
    opened.deliver(&notification("a")).await.unwrap();
    assert_eq!(connector.endpoint("http://a/").texts(), ["a"]);
    assert_eq!(connector.endpoint("http://b/").texts(), [""; 0]);
    assert!(connector.connect(&Protocol::Http, "").is_err());
}
