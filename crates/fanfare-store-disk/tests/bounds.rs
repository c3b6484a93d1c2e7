//! What a store costs and when it forgets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::store::{Journal, Settlement, StoreErrorKind};
use fanfare_core::subscription::SubscriptionId;
use fanfare_store_disk::{DiskOptions, DiskStore, check};
use given::{Place, append, at, counts, entry, ids, open, settle, sized, take};

fn bounded(place: &Place, change: impl FnOnce(&mut DiskOptions)) -> DiskStore {
    let mut options = DiskOptions::default();
    change(&mut options);
    DiskStore::open(place.store(), options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_that_come_together_share_a_commit() {
    const PUBLISHERS: usize = 64;
    const EACH: usize = 20;
    let place = Place::new();
    let store = Arc::new(open(&place.store()));
    let before = store.commits();
    let publishers = (0..PUBLISHERS).map(|publisher| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for message in 0..EACH {
                append(&store, sized(&format!("{publisher}-{message}"), 0, &[1, 2, 3, 4], 1024)).await;
            }
        })
    });
    for publisher in publishers.collect::<Vec<_>>() {
        publisher.await.unwrap();
    }
    let (commits, messages) = (store.commits() - before, (PUBLISHERS * EACH) as u64);
    assert!(commits <= messages / 4, "{commits} commits for {messages} messages");
    assert_eq!(counts(&store).await, [4 * messages, 0, 4 * messages, 0, 0]);
}

#[tokio::test]
async fn a_full_store_refuses_messages_and_settles_until_there_is_room_again() {
    let place = Place::new();
    let store = bounded(&place, |options| options.database_bytes_max = 1 << 20);
    let mut number = 0;
    let full = loop {
        match store.append(sized(&format!("m{number}"), 0, &[1], 10_000)).await {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full.kind(), StoreErrorKind::Full);
    assert!((60..105).contains(&number), "{number} messages of 10,000 bytes fit into 1 MiB");
    assert_eq!(counts(&store).await, [number, 0, number, 0, 0]);

    let taken = take(&store, 1, 0).await;
    for delivery in &taken {
        settle(&store, 1, 0, delivery.id.0, Settlement::Delivered).await;
    }
    store.sweep(at(1)).await.unwrap();
    append(&store, sized("again", 1, &[1], 10_000)).await;
    assert_eq!(counts(&store).await, [number + 1, number, 1, 0, 0]);
}

#[tokio::test]
async fn space_comes_back() {
    let place = Place::new();
    let store = bounded(&place, |options| options.recent_messages_max = 0);
    for number in 0..150 {
        append(&store, sized(&format!("m{number}"), 0, &[1], 200_000)).await;
    }
    store.sweep(at(1)).await.unwrap();
    let size = |name: &str| fs::metadata(place.store().join(name)).unwrap().len();
    assert!(size("fanfare.db") + size("fanfare.db-wal") > 30_000_000);

    while !store.clear(SubscriptionId(1), NonZeroUsize::new(50).unwrap()).await.unwrap().is_empty() {}
    store.sweep(at(2)).await.unwrap();
    assert!(size("fanfare.db") < 6_000_000, "{} bytes", size("fanfare.db"));
    assert_eq!(size("fanfare.db-wal"), 0, "the log was cut");
    assert_eq!(counts(&store).await, [150, 0, 0, 0, 150]);
    assert!(check(place.store()).unwrap().is_sound());
}

#[tokio::test]
async fn old_attempts_are_forgotten_and_then_the_messages_they_are_of() {
    let place = Place::new();
    let store = bounded(&place, |options| {
        options.attempts_age_max = Duration::from_millis(100);
        options.recent_messages_max = 0;
    });
    append(&store, entry("m1", 0, &[1])).await;
    take(&store, 1, 0).await;
    settle(&store, 1, 0, 1, Settlement::Delivered).await;
    append(&store, entry("m2", 50, &[1])).await;
    take(&store, 1, 50).await;
    settle(&store, 1, 50, 2, Settlement::Delivered).await;

    store.sweep(at(99)).await.unwrap();
    assert!(store.message("m1").await.unwrap().is_none(), "nothing needs its text");
    assert_eq!(store.attempts("m1", None).await.unwrap().len(), 1, "its attempts are not old");
    store.sweep(at(100)).await.unwrap();
    assert_eq!(store.attempts("m1", None).await.unwrap().len(), 0);
    assert_eq!(store.attempts("m2", None).await.unwrap().len(), 1);
    let report = check(place.store()).unwrap();
    assert_eq!((report.attempts, report.problems), (1, Vec::new()));
}

#[tokio::test]
async fn the_log_of_attempts_keeps_to_its_bytes() {
    let place = Place::new();
    let store = bounded(&place, |options| options.attempts_bytes_max = 2_000);
    for number in 1..=200 {
        append(&store, entry(&format!("m{number}"), 0, &[1])).await;
        take(&store, 1, 0).await;
        settle(&store, 1, 0, number, Settlement::Delivered).await;
    }
    store.sweep(at(1)).await.unwrap();
    assert_eq!(store.attempts("m1", None).await.unwrap().len(), 0);
    assert_eq!(store.attempts("m200", None).await.unwrap().len(), 1);
    let report = check(place.store()).unwrap();
    assert!((15..40).contains(&report.attempts), "{} attempts", report.attempts);
    assert!(report.is_sound());
}

#[tokio::test]
async fn messages_that_nobody_needs_are_forgotten_by_age_and_by_bytes() {
    let place = Place::new();
    let store = bounded(&place, |options| {
        options.recent_age_max = Duration::from_secs(60);
        options.recent_bytes_max = 50_000;
    });
    for number in 1..=10 {
        append(&store, sized(&format!("m{number}"), number * 1_000, &[], 9_000)).await;
    }
    store.sweep(at(10_000)).await.unwrap();
    assert!(store.message("m5").await.unwrap().is_none(), "newer ones take its room");
    assert!(store.message("m6").await.unwrap().is_some());
    store.sweep(at(66_000)).await.unwrap();
    assert!(store.message("m6").await.unwrap().is_none(), "it is a minute old");
    assert!(store.message("m7").await.unwrap().is_some());
}

#[tokio::test]
async fn dead_letters_are_forgotten_by_age_and_stay_counted() {
    let place = Place::new();
    let store = bounded(&place, |options| options.dead_letters_age_max = Duration::from_secs(10));
    for (id, ms) in [("m1", 0), ("m2", 5_000)] {
        let number = append(&store, entry(id, ms, &[1])).await;
        take(&store, 1, ms).await;
        settle(&store, 1, ms, number, Settlement::Dropped { reason: "no".into() }).await;
    }
    store.sweep(at(10_000)).await.unwrap();
    let dead = store.dead_letters(SubscriptionId(1), NonZeroUsize::MAX).await.unwrap();
    assert_eq!(dead.iter().map(|dead| dead.message_id.as_str()).collect::<Vec<_>>(), ["m2"]);
    assert_eq!(counts(&store).await, [2, 0, 0, 0, 2]);
    assert_eq!(store.redrive(SubscriptionId(1), at(10_000)).await.unwrap(), 1);
    assert_eq!(ids(&take(&store, 1, 10_000).await), ["m2"]);
    assert_eq!(counts(&store).await, [2, 0, 1, 0, 1]);
}

#[tokio::test]
async fn lanes_of_a_message_share_it() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    drop(store);
    let store = open(&place.store());
    let texts = [take(&store, 1, 0).await, take(&store, 2, 0).await]
        .map(|taken| taken[0].dispatch.publication.message().published_text().as_ptr());
    assert_eq!(texts[0], texts[1], "both point to one text, for which one envelope is signed");
}
