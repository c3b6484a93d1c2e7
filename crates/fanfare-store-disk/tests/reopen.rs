//! What a store still knows when it is opened again, after it was closed and after the process was killed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::num::NonZeroUsize;
use std::path::Path;

use fanfare_core::store::{
    Appended, Change, Dedup, DeliveryId, DocumentRecord, Entry, Journal, LaneOrder, MessageState, Range, RegistryStore,
    Settlement, Stage,
};
use fanfare_core::subscription::SubscriptionId;
use fanfare_core::{Connectors, Fanfare, Limits, Message, Owner, Protocol};
use fanfare_store_disk::{DiskOptions, DiskStore};
use fanfare_testkit::{ScriptedConnector, Step};
use given::{Place, append, at, copy, counts, entry, ids, make_format_3, open, settle, take, topic};

/// Does something of every kind.
async fn fill(store: &DiskStore) {
    for (number, lanes) in [(1, &[1, 2][..]), (2, &[1]), (3, &[1]), (4, &[1]), (5, &[1, 3])] {
        append(store, entry(&format!("m{number}"), number, lanes)).await;
    }
    let archived = Entry { archive_until: Some(at(1_000_000)), ..entry("m6", 6, &[]) };
    append(store, archived).await;
    let dedup = Some(Dedup { key: "orders/7".into(), until: at(300_000) });
    append(store, Entry { dedup, ..entry("m7", 7, &[]) }).await;

    assert_eq!(ids(&take(store, 1, 10).await), ["m1", "m2", "m3", "m4", "m5"]);
    settle(store, 1, 10, 1, Settlement::Delivered).await;
    settle(store, 1, 10, 2, Settlement::Retry { at: at(5_000) }).await;
    settle(store, 1, 10, 3, Settlement::ToDeadLetter { reason: "410".into() }).await;
    settle(store, 1, 10, 4, Settlement::Dropped { reason: "403".into() }).await;
}

/// Claims that everything that `fill` did is there.
async fn claim_all(store: &DiskStore) {
    assert_eq!(counts(store).await, [7, 1, 5, 0, 1]);
    assert_eq!(store.state(SubscriptionId(1), 1).await.unwrap(), MessageState::Absent);
    assert_eq!(store.state(SubscriptionId(1), 2).await.unwrap(), MessageState::Pending { due: at(5_000) });
    let dead = store.dead_letters(SubscriptionId(1), NonZeroUsize::MAX).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].message_id.as_str()), (1, DeliveryId(4), "m4"));
    assert_eq!((dead[0].at, dead[0].reason.as_str()), (at(10), "403"));

    // What was due first comes first: the delivery that was taken and not settled, then the one for the dead letters.
    let taken = take(store, 1, 10).await;
    assert_eq!(ids(&taken), ["m5", "m3"]);
    assert_eq!((taken[0].stage, taken[0].attempts), (Stage::Endpoint, 0));
    assert_eq!((taken[1].stage, taken[1].attempts), (Stage::DeadLetter, 0));
    let retried = take(store, 1, 5_000).await;
    assert_eq!((ids(&retried), retried[0].attempts), (vec!["m2"], 1));
    assert_eq!(ids(&take(store, 2, 10).await), ["m1"]);
    assert_eq!(ids(&take(store, 3, 10).await), ["m5"]);

    let range = Range { topic: topic(), from: at(0), to: None };
    let archived = store.archived(&range, 0, NonZeroUsize::MAX).await.unwrap();
    assert_eq!(archived.iter().map(|message| message.number).collect::<Vec<_>>(), [6]);
    let dedup = Some(Dedup { key: "orders/7".into(), until: at(400_000) });
    let repeated = store.append(Entry { dedup, ..entry("m8", 100, &[1]) }).await.unwrap();
    assert_eq!(repeated, Appended::Duplicate { message_id: "m7".into(), number: 7 });
    assert_eq!(store.attempts("m2", None).await.unwrap().len(), 1);
    assert_eq!(append(store, entry("m9", 100, &[])).await, 8);
}

#[tokio::test]
async fn a_store_that_was_closed_knows_everything() {
    let place = Place::new();
    let store = open(&place.store());
    fill(&store).await;
    drop(store);
    claim_all(&open(&place.store())).await;
}

#[tokio::test]
async fn a_store_whose_process_was_killed_knows_everything_that_it_answered() {
    let place = Place::new();
    let store = open(&place.store());
    fill(&store).await;
    // What the files hold while the store is open is what a killed process leaves behind.
    copy(&place.store(), &place.other("killed"));
    claim_all(&open(&place.other("killed"))).await;
    assert!(fanfare_store_disk::check(place.other("killed")).unwrap().is_sound());
}

#[tokio::test]
async fn documents_survive() {
    let place = Place::new();
    let document = |id: &str| DocumentRecord { kind: "application".into(), id: id.into(), text: "a secret".into() };
    let store = open(&place.store());
    store.save(vec![Change::PutDocument(document("one")), Change::PutDocument(document("two"))]).await.unwrap();
    drop(store);

    let store = open(&place.store());
    assert_eq!(store.load().await.unwrap().documents, [document("one"), document("two")]);
    let removal = |id: &str| Change::RemoveDocument { kind: "application".into(), id: id.into() };
    store.save(vec![removal("one"), removal("two")]).await.unwrap();
    drop(store);
    assert_eq!(open(&place.store()).load().await.unwrap(), Default::default());
}

#[tokio::test]
async fn subscriptions_are_read_by_pages_each_once_in_the_order_of_their_ids() {
    let place = Place::new();
    let store = open(&place.store());
    let arn = |number| format!("{}:{number}", topic());
    let put = |number: u64| {
        let destination = r#"{"protocol": "sqs", "address": "arn:aws:sqs:us-east-1:000000000000:one"}"#;
        let arn = arn(number);
        let record =
            format!(r#"{{"id": {number}, "arn": "{arn}", "destination": {destination}, "state": "Confirmed"}}"#);
        Change::PutSubscription(serde_json::from_str(&record).unwrap())
    };
    store.save([5, 2, 7, 1, 9, 4, 3].into_iter().map(put).collect()).await.unwrap();
    let whole = store.load().await.unwrap();
    let pages = store.pages().unwrap();
    assert!(pages.all_but_subscriptions().await.unwrap().subscriptions.is_empty());
    let (mut read, mut after, mut lengths) = (Vec::new(), None, Vec::new());
    loop {
        let page = pages.subscriptions_after(after, NonZeroUsize::new(3).unwrap()).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last);
        lengths.push(page.len());
        read.extend(page.records().unwrap());
    }
    assert_eq!(lengths, [3, 3, 1]);
    assert_eq!(read.iter().map(|record| record.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 7, 9]);
    assert_eq!(read, whole.subscriptions);
}

#[tokio::test]
async fn a_number_is_not_used_again_when_its_message_is_forgotten() {
    let place = Place::new();
    let mut options = DiskOptions::default();
    options.recent_messages_max = 0;
    let store = DiskStore::open(place.store(), options).unwrap();
    assert_eq!(append(&store, entry("m1", 0, &[])).await, 1);
    assert_eq!(append(&store, entry("m2", 0, &[])).await, 2);
    store.sweep(at(1)).await.unwrap();
    assert!(store.message("m2").await.unwrap().is_none());
    drop(store);
    assert_eq!(append(&open(&place.store()), entry("m3", 0, &[])).await, 3);
}

#[tokio::test]
async fn the_order_of_groups_survives() {
    let place = Place::new();
    let grouped = |id: &str, group: &str| {
        let mut entry = entry(id, 0, &[1]);
        let message = Message::builder(id).group_id(group).build().unwrap();
        let publication = fanfare_core::Publication::new(id, topic(), at(0), message);
        entry.dispatch.publication = publication;
        entry
    };
    let store = open(&place.store());
    for (id, group) in [("m1", "a"), ("m2", "a"), ("m3", "b")] {
        append(&store, grouped(id, group)).await;
    }
    let all = NonZeroUsize::MAX;
    let heads = store.take(SubscriptionId(1), at(0), all, LaneOrder::Group).await.unwrap();
    assert_eq!(ids(&heads), ["m1", "m3"]);
    settle(&store, 1, 0, 1, Settlement::Delivered).await;
    drop(store);

    let store = open(&place.store());
    let heads = store.take(SubscriptionId(1), at(0), all, LaneOrder::Group).await.unwrap();
    assert_eq!(ids(&heads), ["m2", "m3"]);
}

#[tokio::test]
async fn a_settlement_whose_caller_has_gone_is_made_once() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1])).await;
    let taken = take(&store, 1, 0).await;
    let settled = |settlement| vec![fanfare_core::store::Settled { id: taken[0].id, settlement, attempt: None }];
    let mut gone = store.settle(SubscriptionId(1), at(0), settled(Settlement::Delivered));
    tokio::select! {
        biased;
        _ = &mut gone => panic!("a sync takes longer than one look"),
        () = std::future::ready(()) => {}
    }
    drop(gone);
    // The writer does one thing after the other: when this is done, so is that.
    append(&store, entry("m2", 0, &[])).await;
    assert_eq!(counts(&store).await, [1, 1, 0, 0, 0]);
    store.settle(SubscriptionId(1), at(0), settled(Settlement::Retry { at: at(0) })).await.unwrap();
    assert_eq!(ids(&take(&store, 1, 0).await), [""; 0]);
}

#[tokio::test]
async fn a_message_to_one_address_is_delivered_after_the_program_was_killed() {
    const NUMBER: &str = "+15551234567";
    let place = Place::new();
    let engine = async |phones: &ScriptedConnector, directory: &Path| {
        let connectors = Connectors::new().with(phones.clone());
        Fanfare::builder().connectors(connectors).open_store(open(directory)).await.unwrap()
    };
    let silent = ScriptedConnector::new(Protocol::Sms, Limits::ONE);
    silent.endpoint(NUMBER).always(Step::Hang);
    let home = place.store();
    let fanfare = engine(&silent, &home).await;
    let message = Message::text("hello").unwrap();
    let published = fanfare.publish_to(&Owner::default(), &Protocol::Sms, NUMBER, message).await.unwrap();
    silent.endpoint(NUMBER).wait_for(1).await;
    let killed = place.other("killed");
    copy(&home, &killed);

    let phones = ScriptedConnector::new(Protocol::Sms, Limits::ONE);
    let survivor = engine(&phones, &killed).await;
    let delivered = phones.endpoint(NUMBER).wait_for(1).await;
    let notification = &delivered[0].notification;
    assert_eq!((notification.text(), notification.message_id()), ("hello", published.message_id()));
    survivor.close().await;
}

#[tokio::test]
async fn a_store_of_the_format_before_fan_out_rows_goes_on_with_what_waits_in_it() {
    let place = Place::new();
    let store = open(&place.store());
    let grouped = |id: &str| {
        // What has a message group has a row for each delivery, as everything had before.
        let message = Message::builder(id).group_id("g").build().unwrap();
        let mut entry = entry(id, 0, &[1, 2]);
        entry.dispatch.publication = fanfare_core::Publication::new(id, topic(), at(0), message);
        entry
    };
    append(&store, grouped("m1")).await;
    append(&store, grouped("m2")).await;
    take(&store, 1, 0).await;
    settle(&store, 1, 0, 1, Settlement::Delivered).await;
    let attempts = store.attempts("m1", None).await.unwrap();
    drop(store);
    make_format_3(&place.store(), &[(1, attempts)]);
    let database = rusqlite::Connection::open(place.store().join("fanfare.db")).unwrap();
    database.execute_batch("DROP TABLE fan_out; PRAGMA user_version = 2").unwrap();
    drop(database);
    assert!(fanfare_store_disk::check(place.store()).unwrap().is_sound(), "an older store can be checked");

    let store = open(&place.store());
    assert_eq!(counts(&store).await, [4, 1, 3, 0, 0]);
    assert_eq!(store.attempts("m1", None).await.unwrap().len(), 1);
    append(&store, entry("m3", 1, &[1, 2])).await;
    assert_eq!(ids(&take(&store, 1, 1).await), ["m2", "m3"]);
    assert_eq!(ids(&take(&store, 2, 1).await), ["m1", "m2", "m3"]);
    assert!(fanfare_store_disk::check(place.store()).unwrap().is_sound());
}

#[tokio::test]
async fn a_store_of_the_format_before_the_log_goes_on_with_everything_in_it() {
    let place = Place::new();
    let store = open(&place.store());
    fill(&store).await;
    let mut attempts = Vec::new();
    for number in 1..=4 {
        attempts.push((number, store.attempts(&format!("m{number}"), None).await.unwrap()));
    }
    assert!(attempts.iter().all(|(_, attempts)| attempts.len() == 1));
    drop(store);
    make_format_3(&place.store(), &attempts);
    let report = fanfare_store_disk::check(place.store()).unwrap();
    assert_eq!((report.format, report.messages, report.attempts, report.problems), (3, 7, 4, Vec::new()));

    let store = open(&place.store());
    claim_all(&store).await;
    for (number, attempts) in attempts {
        assert_eq!(store.attempts(&format!("m{number}"), None).await.unwrap(), attempts);
    }
    assert_eq!(store.message("m7").await.unwrap().unwrap().number, 7);
    assert_eq!(fanfare_store_disk::check(place.store()).unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn a_message_is_found_by_its_id_among_thousands_before_and_after_reopening() {
    const MESSAGES: i64 = 4_200;
    let place = Place::new();
    let store = std::sync::Arc::new(open(&place.store()));
    let mut publishers = tokio::task::JoinSet::new();
    for first in 0..60 {
        let store = std::sync::Arc::clone(&store);
        publishers.spawn(async move {
            for number in 0..MESSAGES / 60 {
                append(&store, entry(&format!("p{}", first * (MESSAGES / 60) + number), 0, &[])).await;
            }
        });
    }
    publishers.join_all().await;
    let found = async |store: &DiskStore| {
        for number in [0, 1, 777, 4_095, 4_096, MESSAGES - 1] {
            let id = format!("p{number}");
            let message = store.message(&id).await.unwrap().expect("it is kept");
            assert_eq!(message.dispatch.publication.id(), id);
        }
        assert!(store.message(&format!("p{MESSAGES}")).await.unwrap().is_none());
    };
    found(&store).await;
    let blocks = rusqlite::Connection::open(place.store().join("fanfare.db")).unwrap();
    let blocks: i64 = blocks.query_row("SELECT count(*) FROM message_ids", [], |row| row.get(0)).unwrap();
    assert!(blocks > 0, "most are in a block");
    drop(std::sync::Arc::into_inner(store).unwrap());
    found(&open(&place.store())).await;
    assert_eq!(fanfare_store_disk::check(place.store()).unwrap().problems, [""; 0]);
}
