//! How topics, subscriptions and documents are listed, counted and changed in part.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{
    Confirmation, Connectors, Fanfare, Host, Limits, NotificationKind, Owner, Protocol, SnsError, SnsErrorCode,
    Subscribe, SubscriptionCounts, Timestamp, TopicArn, TopicSettings,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint};

const OTHER_ACCOUNT: &str = "arn:aws:iam::123456789012:root";

fn open() -> (Fanfare, ScriptedEndpoint) {
    let http = ScriptedConnector::new(Protocol::Http, Limits::ONE);
    let endpoint = http.endpoint("address");
    let sqs = ScriptedConnector::new(Protocol::Sqs, Limits::ONE);
    (Fanfare::builder().connectors(Connectors::new().with(http).with(sqs)).open(), endpoint)
}

fn queue(name: &str) -> Subscribe {
    Subscribe::to(Protocol::Sqs, format!("arn:aws:sqs:us-east-1:000000000000:{name}"))
}

fn counted(confirmed: u64, pending: u64, deleted: u64) -> [u64; 3] {
    [confirmed, pending, deleted]
}

fn counts(fanfare: &Fanfare, topic: &TopicArn) -> [u64; 3] {
    let SubscriptionCounts { confirmed, pending, deleted, .. } = fanfare.subscription_counts(topic).unwrap();
    [confirmed, pending, deleted]
}

#[tokio::test]
async fn pages_of_topics_are_those_of_one_account_in_one_region() {
    let (fanfare, _) = open();
    let owner = Owner::new("eu-west-1", "123456789012").unwrap();
    for other in [Owner::new("eu-west-1", "123456789013").unwrap(), Owner::new("eu-west-2", "123456789012").unwrap()] {
        fanfare.create_topic_of(&other, "a", TopicSettings::new()).await.unwrap();
    }
    for name in ["c", "a", "b"] {
        fanfare.create_topic_of(&owner, name, TopicSettings::new()).await.unwrap();
    }
    let names = |after: Option<&TopicArn>, max| {
        let page = fanfare.topics_page(&owner, after, max);
        page.iter().map(|topic| topic.arn().name().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(None, 2), ["a", "b"]);
    let b = TopicArn::parse("arn:aws:sns:eu-west-1:123456789012:b").unwrap();
    assert_eq!(names(Some(&b), 2), ["c"]);
    // A topic that has gone still has its place.
    fanfare.delete_topic(&b).await.unwrap();
    assert_eq!(names(Some(&b), 2), ["c"]);
}

#[tokio::test]
async fn subscriptions_are_counted_through_confirmation_end_and_a_new_topic_of_the_name() {
    let (fanfare, endpoint) = open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, "address")).await.unwrap();
    let one = fanfare.subscribe(&topic, queue("one")).await.unwrap();
    assert_eq!(counts(&fanfare, &topic), counted(1, 1, 0));

    let attempts = endpoint.wait_for(1).await;
    let NotificationKind::SubscriptionConfirmation { token } = attempts[0].notification.kind() else { panic!() };
    fanfare.confirm_subscription(&topic, token).await.unwrap();
    assert_eq!(counts(&fanfare, &topic), counted(2, 0, 0));
    fanfare.unsubscribe(&one).await.unwrap();
    assert_eq!(counts(&fanfare, &topic), counted(1, 0, 1));

    fanfare.delete_topic(&topic).await.unwrap();
    fanfare.create_topic("orders").await.unwrap();
    assert_eq!(counts(&fanfare, &topic), counted(0, 0, 0));
}

#[tokio::test]
async fn an_account_finds_its_subscriptions_to_topics_of_others_page_by_page() {
    let (fanfare, _) = open();
    let (first, second) = (fanfare.create_topic("first").await.unwrap(), fanfare.create_topic("second").await.unwrap());
    fanfare.subscribe(&first, queue("own")).await.unwrap();
    for (topic, name) in [(&first, "a"), (&second, "b"), (&second, "c")] {
        fanfare.subscribe(topic, queue(name).by(OTHER_ACCOUNT)).await.unwrap();
    }
    let owner = Owner::new("us-east-1", "123456789012").unwrap();
    let page = fanfare.subscriptions_of(&owner, None, 2);
    assert_eq!(page.iter().map(|known| known.topic()).collect::<Vec<_>>(), [first.clone(), second.clone()]);
    assert_eq!(page[0].principal(), Some(OTHER_ACCOUNT));
    let rest = fanfare.subscriptions_of(&owner, Some((&second, page[1].id())), 2);
    assert_eq!(rest.len(), 1);
    let own = fanfare.subscriptions_of(&Owner::default(), None, 9);
    assert_eq!(own.len(), 1);
    // Those made in one millisecond come in any order, but each once.
    let page = fanfare.subscriptions_page(&first, None, 1).unwrap();
    let rest = fanfare.subscriptions_page(&first, Some(page[0].id()), 9).unwrap();
    assert_eq!((page.len(), rest.len()), (1, 1));
    assert_ne!(page[0].arn(), rest[0].arn());
}

#[tokio::test]
async fn changes_of_parts_undo_nothing_of_one_another() {
    let (fanfare, _) = open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let set = |name: String| {
        let fanfare = fanfare.clone();
        let topic = topic.clone();
        tokio::spawn(async move {
            let set = |topic: &fanfare_core::Topic| Ok::<_, SnsError>(topic.settings().clone().attribute(name, "1"));
            fanfare.update_topic(&topic, set).await.unwrap();
        })
    };
    let changes: Vec<_> = (0..20).map(|n| set(format!("a{n}"))).collect();
    for change in changes {
        change.await.unwrap();
    }
    assert_eq!(fanfare.topic(&topic).unwrap().settings().attributes().len(), 20);
}

#[tokio::test]
async fn a_refused_change_changes_nothing() {
    let (fanfare, _) = open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let arn = fanfare.subscribe(&topic, queue("one")).await.unwrap();
    let refused = fanfare.update_subscription(&arn, |_| Err(SnsError::invalid_parameter("it"))).await;
    assert_eq!(refused.unwrap_err().message(), "Invalid parameter: it");
    assert!(fanfare.subscription(&arn).unwrap().settings().attributes.is_empty());
}

#[tokio::test]
async fn a_guarded_subscription_is_not_ended_by_its_link() {
    let (fanfare, endpoint) = open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let arn = fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, "address")).await.unwrap();
    let attempts = endpoint.wait_for(1).await;
    let NotificationKind::SubscriptionConfirmation { token } = attempts[0].notification.kind() else { panic!() };
    fanfare.confirm_subscription_with(&topic, token, Confirmation::Guarded).await.unwrap();
    let refused = fanfare.unsubscribe_by_link(&arn).await.unwrap_err();
    assert_eq!(refused.code(), SnsErrorCode::AuthorizationError);
    assert_eq!(counts(&fanfare, &topic), counted(1, 0, 0));
    fanfare.unsubscribe(&arn).await.unwrap();
    assert_eq!(counts(&fanfare, &topic), counted(0, 0, 1));
}

#[tokio::test]
async fn documents_are_listed_by_kind_in_the_order_of_their_ids_and_removed() {
    let (fanfare, _) = open();
    let documents = fanfare.documents();
    for (kind, id) in [("x", "c"), ("x", "a"), ("y", "a"), ("x", "b")] {
        documents.update(kind, id, |known| Ok::<_, SnsError>(Some(format!("{known:?}")))).await.unwrap();
    }
    let ids = |after, max| documents.page("x", after, max).iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids(None, 2), ["a", "b"]);
    assert_eq!(ids(Some("b"), 2), ["c"]);
    documents.update("x", "b", |known| Ok::<_, SnsError>(known.and(None))).await.unwrap();
    assert_eq!((ids(None, 9), documents.count("x"), documents.count("y")), (vec!["a".into(), "c".into()], 2, 1));
    let refused = documents.update("x", "a", |_| Err(SnsError::invalid_parameter("it"))).await;
    assert!(refused.is_err());
    assert_eq!(documents.text("x", "a").as_deref(), Some("None"));
}

/// A clock that stands still, and numbers of eight bytes that are always the same.
#[derive(Debug, Default)]
struct Standstill(AtomicU64);

#[async_trait]
impl Host for Standstill {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(1_767_323_045_000)
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }

    async fn sleep_until(&self, _: Timestamp) {
        std::future::pending().await
    }

    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let random = if bytes.len() == number.len() { [7; 8] } else { number };
        bytes.iter_mut().zip(random.iter().cycle()).for_each(|(byte, random)| *byte = *random);
    }
}

#[tokio::test]
async fn subscriptions_that_draw_the_same_number_at_the_same_time_do_not_replace_each_other() {
    let sqs = ScriptedConnector::new(Protocol::Sqs, Limits::ONE);
    let fanfare = Fanfare::builder().host(Standstill::default()).connectors(Connectors::new().with(sqs)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    for name in ["one", "two", "three"] {
        fanfare.subscribe(&topic, queue(name)).await.unwrap();
    }
    assert_eq!(counts(&fanfare, &topic), counted(3, 0, 0));
    assert_eq!(fanfare.subscriptions_page(&topic, None, 9).unwrap().len(), 3);
}
