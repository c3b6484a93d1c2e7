//! What becomes of changes that are under way together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod held_store;

use fanfare_core::{
    Connectors, Fanfare, FilterPolicy, FilterPolicyScope, Limits, Message, Protocol, Quotas, SnsError, SnsErrorCode,
    Subscribe, SubscriptionArn, TopicArn,
};
use fanfare_testkit::ScriptedConnector;
use futures_util::future::join_all;
use held_store::HeldStore;
use proptest::prelude::*;
use tokio::task::JoinHandle;

/// An engine on the store, with a topic; after this, the store holds what comes.
async fn open(store: &HeldStore, quotas: Quotas) -> (Fanfare, TopicArn) {
    let sqs = ScriptedConnector::new(Protocol::Sqs, Limits::ONE);
    let connectors = Connectors::new().with(sqs);
    let fanfare = Fanfare::builder().connectors(connectors).quotas(quotas).open_store(store.clone()).await.unwrap();
    store.let_through(1);
    let topic = fanfare.create_topic("orders").await.unwrap();
    (fanfare, topic)
}

fn queue(number: usize) -> Subscribe {
    Subscribe::to(Protocol::Sqs, format!("arn:aws:sqs:us-east-1:000000000000:queue-{number}"))
}

fn policy() -> FilterPolicy {
    FilterPolicy::parse(r#"{"a": [1]}"#, FilterPolicyScope::MessageAttributes).unwrap()
}

type Answer = Result<SubscriptionArn, SnsErrorCode>;

fn subscribe(fanfare: &Fanfare, topic: &TopicArn, subscribe: Subscribe) -> JoinHandle<Answer> {
    let (fanfare, topic) = (fanfare.clone(), topic.clone());
    tokio::spawn(async move { fanfare.subscribe(&topic, subscribe).await.map_err(|error| error.code()) })
}

async fn all(answers: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    join_all(answers).await.into_iter().map(Result::unwrap).collect()
}

fn listed(fanfare: &Fanfare, topic: &TopicArn) -> Vec<SubscriptionArn> {
    fanfare.subscriptions(topic).unwrap().iter().map(|known| known.arn().clone()).collect()
}

#[tokio::test]
async fn changes_of_different_things_come_to_the_store_together() {
    let store = HeldStore::new();
    let (fanfare, topic) = open(&store, Quotas::NONE).await;
    let before = store.come();
    let subscribed: Vec<_> = (0..20).map(|number| subscribe(&fanfare, &topic, queue(number))).collect();
    // Two of them share a lock now and then.
    store.wait_for(before + 10).await;
    store.let_all();
    assert!(all(subscribed).await.iter().all(Result::is_ok));
    assert_eq!(listed(&fanfare, &topic).len(), 20);
}

#[tokio::test]
async fn one_destination_that_is_subscribed_by_many_at_once_has_one_subscription() {
    let store = HeldStore::new();
    let (fanfare, topic) = open(&store, Quotas::NONE).await;
    let before = store.come();
    let subscribed: Vec<_> = (0..8).map(|_| subscribe(&fanfare, &topic, queue(1))).collect();
    store.wait_for(before + 1).await;
    store.let_all();
    let answers = all(subscribed).await;
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.is_ok()), "{answers:?}");
    assert_eq!(listed(&fanfare, &topic), [answers[0].clone().unwrap()]);
    assert_eq!(store.come(), before + 1);
}

#[tokio::test]
async fn a_topic_that_is_deleted_takes_along_what_is_being_subscribed_and_nothing_comes_after() {
    let store = HeldStore::new();
    let (fanfare, topic) = open(&store, Quotas::NONE).await;
    let before = store.come();
    let first = subscribe(&fanfare, &topic, queue(1));
    store.wait_for(before + 1).await;
    let deleted = tokio::spawn({
        let (fanfare, topic) = (fanfare.clone(), topic.clone());
        async move { fanfare.delete_topic(&topic).await }
    });
    tokio::task::yield_now().await;
    let second = subscribe(&fanfare, &topic, queue(2));
    tokio::task::yield_now().await;
    assert_eq!(store.come(), before + 1, "the deletion waits for what is under way");
    store.let_all();
    let first = first.await.unwrap().unwrap();
    deleted.await.unwrap().unwrap();
    assert_eq!(second.await.unwrap(), Err(SnsErrorCode::NotFound));
    assert_eq!(fanfare.subscription(&first).unwrap_err().code(), SnsErrorCode::NotFound);
    assert!(fanfare.topics().is_empty());
}

#[tokio::test]
async fn what_is_being_made_counts_against_quotas() {
    let store = HeldStore::new();
    let mut quotas = Quotas::NONE;
    (quotas.topics, quotas.subscriptions, quotas.filter_policies) = (3, 5, 2);
    let (fanfare, topic) = open(&store, quotas).await;
    let topics = (0..10).map(|number| {
        let fanfare = fanfare.clone();
        tokio::spawn(
            async move { fanfare.create_topic(&format!("other-{number}")).await.map_err(|error| error.code()) },
        )
    });
    let topics: Vec<_> = topics.collect();
    let subscribed: Vec<_> = (0..20).map(|number| subscribe(&fanfare, &topic, queue(number))).collect();
    tokio::task::yield_now().await;
    store.let_all();
    let refused = |answers: &[Answer], code| answers.iter().filter(|answer| **answer == Err(code)).count();
    let answers = all(subscribed).await;
    assert_eq!(refused(&answers, SnsErrorCode::SubscriptionLimitExceeded), 15);
    let made = join_all(topics).await.into_iter().map(Result::unwrap).filter(Result::is_ok);
    assert_eq!((made.count(), fanfare.topics().len()), (2, 3));
    let changed = answers.into_iter().flatten().map(|arn| {
        let fanfare = fanfare.clone();
        tokio::spawn(async move {
            let mut settings = fanfare.subscription(&arn).unwrap().settings().clone();
            settings.filter_policy = Some(policy());
            fanfare.change_subscription(&arn, settings).await.map(|()| arn).map_err(|error| error.code())
        })
    });
    let answers = all(changed.collect()).await;
    assert_eq!(refused(&answers, SnsErrorCode::FilterPolicyLimitExceeded), 3);
    assert_eq!(fanfare.subscription_counts(&topic).unwrap().filtered, 2);
}

#[tokio::test]
async fn what_the_store_refuses_leaves_nothing_behind() {
    let store = HeldStore::new();
    let mut quotas = Quotas::NONE;
    (quotas.topics, quotas.subscriptions, quotas.filter_policies) = (2, 1, 1);
    let (fanfare, topic) = open(&store, quotas).await;
    store.let_all();
    store.refuse(true);
    for _ in 0..3 {
        let refused = subscribe(&fanfare, &topic, queue(1).filter_policy(policy())).await.unwrap();
        assert_eq!(refused, Err(SnsErrorCode::InternalError));
        assert_eq!(fanfare.create_topic("other").await.unwrap_err().code(), SnsErrorCode::InternalError);
    }
    assert!(listed(&fanfare, &topic).is_empty());
    store.refuse(false);
    fanfare.create_topic("other").await.unwrap();
    let arn = subscribe(&fanfare, &topic, queue(1)).await.unwrap().unwrap();
    let filter = async || {
        let filter = |known: &fanfare_core::Subscription| {
            let mut settings = known.settings().clone();
            settings.filter_policy = Some(policy());
            Ok::<_, SnsError>(settings)
        };
        fanfare.update_subscription(&arn, filter).await
    };
    store.refuse(true);
    assert!(filter().await.is_err() && filter().await.is_err());
    assert!(fanfare.unsubscribe(&arn).await.is_err());
    assert!(fanfare.subscription(&arn).unwrap().filter_policy().is_none());
    store.refuse(false);
    filter().await.unwrap();
    assert_eq!(fanfare.subscription_counts(&topic).unwrap().filtered, 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_has_subscribed_all_the_same_and_holds_nobody_up() {
    let store = HeldStore::new();
    let mut quotas = Quotas::NONE;
    quotas.subscriptions = 1;
    let (fanfare, topic) = open(&store, quotas).await;
    let before = store.come();
    let gone = subscribe(&fanfare, &topic, queue(1));
    store.wait_for(before + 1).await;
    // This one waits for the turn of the first one.
    let waiting = subscribe(&fanfare, &topic, queue(1));
    tokio::task::yield_now().await;
    for caller in [gone, waiting] {
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
    }
    store.let_all();
    let again = subscribe(&fanfare, &topic, queue(1)).await.unwrap().unwrap();
    assert_eq!(listed(&fanfare, &topic), std::slice::from_ref(&again));
    assert_eq!(store.come(), before + 1);
    fanfare.unsubscribe(&again).await.unwrap();
    subscribe(&fanfare, &topic, queue(2)).await.unwrap().unwrap();
}

/// What somebody does with one of a few destinations.
#[derive(Debug, Clone, Copy)]
enum Act {
    Subscribe,
    SubscribeFiltered,
    Filter,
    Unsubscribe,
}

/// One destination as somebody knows it who has it to themselves: its subscription, and whether that has a filter policy.
type Known = Option<(SubscriptionArn, bool)>;

/// Does it and checks the answer against what is known.
async fn act(fanfare: &Fanfare, topic: &TopicArn, act: Act, number: usize, known: Known) -> Known {
    let code = |error: SnsError| error.code();
    match (act, known) {
        (Act::Subscribe | Act::SubscribeFiltered, known) => {
            let filtered = matches!(act, Act::SubscribeFiltered);
            let wanted = if filtered { queue(number).filter_policy(policy()) } else { queue(number) };
            let answer = fanfare.subscribe(topic, wanted).await.map_err(code);
            match known {
                None => return Some((answer.unwrap(), filtered)),
                Some((_, false)) if filtered => assert_eq!(answer, Err(SnsErrorCode::InvalidParameter)),
                Some((ref arn, _)) => assert_eq!(answer.as_ref(), Ok(arn)),
            }
            known
        }
        (Act::Filter, Some((arn, _))) => {
            let mut settings = fanfare.subscription(&arn).unwrap().settings().clone();
            settings.filter_policy = Some(policy());
            fanfare.change_subscription(&arn, settings).await.unwrap();
            Some((arn, true))
        }
        (Act::Unsubscribe, Some((arn, _))) => {
            fanfare.unsubscribe(&arn).await.unwrap();
            assert_eq!(fanfare.subscription(&arn).map(drop).map_err(code), Err(SnsErrorCode::NotFound));
            None
        }
        (_, None) => None,
    }
}

/// Does what is asked of each destination, one after the other, and answers what is known of it at last.
async fn walk(fanfare: Fanfare, topic: TopicArn, number: usize, acts: Vec<Act>) -> Known {
    let mut known = None;
    for one in acts {
        known = act(&fanfare, &topic, one, number, known).await;
        // Somebody else does the same at a destination that is everybody's, and to the topic.
        let shared = fanfare.subscribe(&topic, queue(SHARED)).await.unwrap();
        fanfare.unsubscribe(&shared).await.unwrap();
        let label = |topic: &fanfare_core::Topic| {
            Ok::<_, SnsError>(topic.settings().clone().attribute(format!("by-{number}"), "somebody"))
        };
        fanfare.update_topic(&topic, label).await.unwrap();
    }
    known
}

const SHARED: usize = 1000;

/// Every subscription of the topic, and whether it has a filter policy.
fn seen(fanfare: &Fanfare, topic: &TopicArn) -> Vec<(SubscriptionArn, bool)> {
    let known = fanfare.subscriptions(topic).unwrap();
    known.iter().map(|known| (known.arn().clone(), known.filter_policy().is_some())).collect()
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act =
        prop_oneof![Just(Act::Subscribe), Just(Act::SubscribeFiltered), Just(Act::Filter), Just(Act::Unsubscribe)];
    prop::collection::vec(act, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_has_a_destination_to_themselves_sees_their_own_changes_and_the_store_keeps_what_is_seen(
        walks in prop::collection::vec(acts(), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let store = HeldStore::new();
            let (fanfare, topic) = open(&store, Quotas::NONE).await;
            store.let_all();
            let walks = walks.into_iter().enumerate();
            let walks: Vec<_> =
                walks.map(|(number, acts)| tokio::spawn(walk(fanfare.clone(), topic.clone(), number, acts))).collect();
            let mut expected: Vec<_> = join_all(walks).await.into_iter().filter_map(Result::unwrap).collect();
            expected.sort();
            let mut found = seen(&fanfare, &topic);
            found.sort();
            assert_eq!(found, expected);
            let counts = fanfare.subscription_counts(&topic).unwrap();
            let filtered = expected.iter().filter(|(_, filtered)| *filtered).count();
            assert_eq!((counts.confirmed, counts.filtered), (expected.len() as u64, filtered as u64));
            let sqs = ScriptedConnector::new(Protocol::Sqs, Limits::ONE);
            let connectors = Connectors::new().with(sqs);
            let again = Fanfare::builder().connectors(connectors).open_store(store.clone()).await.unwrap();
            assert_eq!(seen(&again, &topic), seen(&fanfare, &topic));
            assert_eq!(again.subscription_counts(&topic).unwrap(), counts);
            let published = again.publish(&topic, Message::text("x").unwrap()).await.unwrap();
            assert_eq!(published.settled().await.delivered(), expected.len() - filtered);
        });
    }
}
