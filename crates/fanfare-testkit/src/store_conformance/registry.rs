//! Cases about the records of topics and subscriptions, and about documents.

use fanfare_core::store::{Change, DocumentRecord, RegistryRecords, SubscriptionRecord, TopicRecord};
use fanfare_core::subscription::SubscriptionId;
use serde_json::json;

use super::Subject;
use super::probe::{Probe, subscription, topic};

/// A record as it is written down, so that fields that it does not name keep their defaults.
macro_rules! record {
    ($($json:tt)*) => { serde_json::from_value(json!($($json)*)).expect("the record is well formed") };
}

/// The record of a topic, with most of its fields.
pub(super) fn topic_record(name: &str) -> TopicRecord {
    record!({
        "arn": topic(name).as_str(),
        "signature_version": "2",
        "delivery_policy": "{\"http\": {\"disableSubscriptionOverrides\": true}}",
        "maximum_message_size": 2048,
        "content_based_deduplication": true,
        "deduplicates_by_group": true,
        "archive_days": 30,
        "attributes": {"Policy": "{}"},
    })
}

/// The record of a subscription, with most of its fields.
pub(super) fn subscription_record(id: u64) -> SubscriptionRecord {
    record!({
        "id": id,
        "arn": subscription(id).as_str(),
        "destination": {"protocol": "https", "address": "https://user:password@example.com/zażółć"},
        "state": {"Pending": {"expires": 1_767_323_045_070_i64}},
        "paused": true,
        "filter_policy": {"text": "{\"store\": [\"example_corp\"]}", "scope": "MessageAttributes"},
        "raw": true,
        "dead_letters": {"protocol": "sqs", "address": "arn:aws:sqs:us-east-1:000000000000:dead"},
        "stopped_after": 1_767_323_045_071_i64,
        "replay": {"from": 1_767_323_045_000_i64, "begun": 1_767_323_045_070_i64, "status": "Completed"},
        "principal": "arn:aws:iam::123456789012:root",
        "confirmation": "Guarded",
        "attributes": {"SubscriptionRoleArn": "arn:aws:iam::123456789012:role/r"},
    })
}

fn document(kind: &str, id: &str) -> DocumentRecord {
    DocumentRecord { kind: kind.into(), id: id.into(), text: format!("the {kind} of zażółć \"{id}\"") }
}

fn removal(kind: &str, id: &str) -> Change {
    Change::RemoveDocument { kind: kind.into(), id: id.into() }
}

/// The records with the topics in the order of their ARNs.
async fn sorted(store: &Probe) -> RegistryRecords {
    let mut records = store.load().await;
    records.topics.sort_by(|a, b| a.arn.cmp(&b.arn));
    records
}

/// A new store has no records.
pub async fn a_new_registry_is_empty<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    assert_eq!(store.load().await, RegistryRecords::default());
}

/// Records of each kind come back as they were saved: subscriptions by id, documents by kind and id.
pub async fn records_of_every_kind_come_back<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.save(vec![Change::PutTopic(topic_record("b.fifo")), Change::PutTopic(topic_record("a"))]).await;
    for id in [300, 2, (1 << 63) - 1] {
        store.save(vec![Change::PutSubscription(subscription_record(id))]).await;
    }
    for (kind, id) in [("b", "two"), ("b", "one"), ("a", "two")] {
        store.save(vec![Change::PutDocument(document(kind, id))]).await;
    }
    let expected = RegistryRecords {
        topics: vec![topic_record("a"), topic_record("b.fifo")],
        subscriptions: [2, 300, (1 << 63) - 1].map(subscription_record).to_vec(),
        documents: vec![document("a", "two"), document("b", "one"), document("b", "two")],
    };
    assert_eq!(sorted(&store).await, expected);
}

/// A record that is saved again takes the place of the one before.
pub async fn records_are_replaced<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let (mut topic, mut subscription) = (topic_record("a"), subscription_record(7));
    let mut text = document("settings", "one");
    store.save(vec![Change::PutTopic(topic.clone()), Change::PutSubscription(subscription.clone())]).await;
    store.save(vec![Change::PutDocument(text.clone())]).await;
    topic.archive_days = None;
    subscription.paused = false;
    text.text = String::new();
    store.save(vec![Change::PutTopic(topic.clone()), Change::PutSubscription(subscription.clone())]).await;
    store.save(vec![Change::PutDocument(text.clone())]).await;
    let expected = RegistryRecords { topics: vec![topic], subscriptions: vec![subscription], documents: vec![text] };
    assert_eq!(store.load().await, expected);
}

/// Removed records are gone, others stay: also those of the same id and another kind.
pub async fn removed_records_are_gone<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store
        .save(vec![
            Change::PutTopic(topic_record("a")),
            Change::PutTopic(topic_record("b")),
            Change::PutSubscription(subscription_record(1)),
            Change::PutSubscription(subscription_record(2)),
            Change::PutDocument(document("a", "one")),
            Change::PutDocument(document("a", "two")),
            Change::PutDocument(document("b", "one")),
        ])
        .await;
    store.save(vec![Change::RemoveTopic(topic("a")), Change::RemoveSubscription(SubscriptionId(1))]).await;
    store.save(vec![removal("a", "one")]).await;
    let expected = RegistryRecords {
        topics: vec![topic_record("b")],
        subscriptions: vec![subscription_record(2)],
        documents: vec![document("a", "two"), document("b", "one")],
    };
    assert_eq!(store.load().await, expected);
}

/// Removing what is not there is no error and changes nothing.
pub async fn removing_what_is_not_there_is_no_error<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.save(vec![Change::PutSubscription(subscription_record(1))]).await;
    store
        .save(vec![Change::RemoveTopic(topic("a")), Change::RemoveSubscription(SubscriptionId(2)), removal("a", "one")])
        .await;
    store.save(Vec::new()).await;
    let expected = RegistryRecords { subscriptions: vec![subscription_record(1)], ..RegistryRecords::default() };
    assert_eq!(store.load().await, expected);
}

/// The changes of one call are made one after the other.
pub async fn changes_of_one_call_are_made_in_order<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let changed = SubscriptionRecord { paused: false, ..subscription_record(2) };
    store
        .save(vec![
            Change::PutSubscription(subscription_record(1)),
            Change::RemoveSubscription(SubscriptionId(1)),
            Change::RemoveSubscription(SubscriptionId(2)),
            Change::PutSubscription(subscription_record(2)),
            Change::PutSubscription(changed.clone()),
        ])
        .await;
    let expected = RegistryRecords { subscriptions: vec![changed], ..RegistryRecords::default() };
    assert_eq!(store.load().await, expected);
}
