//! Cases about the records of topics, subscriptions and platform applications.

use fanfare_core::store::{
    Change, PlatformApplicationRecord, PlatformEndpointRecord, RegistryRecords, SubscriptionRecord, TopicRecord,
};
use fanfare_core::subscription::SubscriptionId;
use serde_json::json;

use super::Subject;
use super::probe::{Probe, subscription, topic};

const APPLICATION: &str = "arn:aws:sns:us-east-1:000000000000:app/GCM/phones";

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
    })
}

fn application_record(arn: &str) -> PlatformApplicationRecord {
    record!({"arn": arn, "attributes": {"PlatformCredential": "a secret", "Enabled": "true"}})
}

fn endpoint_record(name: &str, application: &str) -> PlatformEndpointRecord {
    record!({
        "arn": format!("arn:aws:sns:us-east-1:000000000000:endpoint/GCM/phones/{name}"),
        "application": application,
        "token": format!("token of {name}"),
        "custom_user_data": "a user",
        "enabled": true,
    })
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

/// Records of each kind come back as they were saved: subscriptions by id, platform records by ARN.
pub async fn records_of_every_kind_come_back<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.save(vec![Change::PutTopic(topic_record("b.fifo")), Change::PutTopic(topic_record("a"))]).await;
    for id in [300, 2, (1 << 63) - 1] {
        store.save(vec![Change::PutSubscription(subscription_record(id))]).await;
    }
    store.save(vec![Change::PutPlatformApplication(application_record(APPLICATION))]).await;
    for name in ["two", "one"] {
        store.save(vec![Change::PutPlatformEndpoint(endpoint_record(name, APPLICATION))]).await;
    }
    let expected = RegistryRecords {
        topics: vec![topic_record("a"), topic_record("b.fifo")],
        subscriptions: [2, 300, (1 << 63) - 1].map(subscription_record).to_vec(),
        platform_applications: vec![application_record(APPLICATION)],
        platform_endpoints: ["one", "two"].map(|name| endpoint_record(name, APPLICATION)).to_vec(),
    };
    assert_eq!(sorted(&store).await, expected);
}

/// A record that is saved again takes the place of the one before.
pub async fn records_are_replaced<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let (mut topic, mut subscription) = (topic_record("a"), subscription_record(7));
    let (mut application, mut endpoint) = (application_record(APPLICATION), endpoint_record("one", APPLICATION));
    store.save(vec![Change::PutTopic(topic.clone()), Change::PutSubscription(subscription.clone())]).await;
    store.save(vec![Change::PutPlatformApplication(application.clone())]).await;
    store.save(vec![Change::PutPlatformEndpoint(endpoint.clone())]).await;
    topic.archive_days = None;
    subscription.paused = false;
    application.attributes.remove("PlatformCredential");
    endpoint.enabled = false;
    store.save(vec![Change::PutTopic(topic.clone()), Change::PutSubscription(subscription.clone())]).await;
    store.save(vec![Change::PutPlatformApplication(application.clone())]).await;
    store.save(vec![Change::PutPlatformEndpoint(endpoint.clone())]).await;
    let expected = RegistryRecords {
        topics: vec![topic],
        subscriptions: vec![subscription],
        platform_applications: vec![application],
        platform_endpoints: vec![endpoint],
    };
    assert_eq!(store.load().await, expected);
}

/// Removed records are gone, others stay; an application takes its endpoints along.
pub async fn removed_records_are_gone<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    const OTHER: &str = "arn:aws:sns:us-east-1:000000000000:app/GCM/tablets";
    store
        .save(vec![
            Change::PutTopic(topic_record("a")),
            Change::PutTopic(topic_record("b")),
            Change::PutSubscription(subscription_record(1)),
            Change::PutSubscription(subscription_record(2)),
            Change::PutPlatformApplication(application_record(APPLICATION)),
            Change::PutPlatformApplication(application_record(OTHER)),
            Change::PutPlatformEndpoint(endpoint_record("one", APPLICATION)),
            Change::PutPlatformEndpoint(endpoint_record("two", OTHER)),
            Change::PutPlatformEndpoint(endpoint_record("three", OTHER)),
        ])
        .await;
    store.save(vec![Change::RemoveTopic(topic("a")), Change::RemoveSubscription(SubscriptionId(1))]).await;
    store.save(vec![Change::RemovePlatformApplication(APPLICATION.to_owned())]).await;
    store.save(vec![Change::RemovePlatformEndpoint(endpoint_record("three", OTHER).arn)]).await;
    let expected = RegistryRecords {
        topics: vec![topic_record("b")],
        subscriptions: vec![subscription_record(2)],
        platform_applications: vec![application_record(OTHER)],
        platform_endpoints: vec![endpoint_record("two", OTHER)],
    };
    assert_eq!(store.load().await, expected);
}

/// Removing what is not there is no error and changes nothing.
pub async fn removing_what_is_not_there_is_no_error<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.save(vec![Change::PutSubscription(subscription_record(1))]).await;
    store
        .save(vec![
            Change::RemoveTopic(topic("a")),
            Change::RemoveSubscription(SubscriptionId(2)),
            Change::RemovePlatformApplication(APPLICATION.to_owned()),
            Change::RemovePlatformEndpoint(endpoint_record("one", APPLICATION).arn),
        ])
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
