//! What a message to many lanes costs, and what becomes of its deliveries before and after their first attempt.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::num::NonZeroUsize;

use fanfare_core::store::{Journal, LaneOrder, MessageState, Settlement};
use fanfare_core::subscription::SubscriptionId;
use fanfare_store_disk::{DiskStore, check};
use given::{Place, append, at, copy, counts, entry, ids, open, settle, take};

/// Rows of a table of `store`, once everything that it answered is in its tables.
async fn rows(store: &DiskStore, table: &str) -> i64 {
    counts(store).await;
    let directory = store.directory();
    let database = rusqlite::Connection::open(directory.join("fanfare.db")).unwrap();
    database.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_message_to_a_hundred_lanes_is_one_row_until_all_have_it() {
    let place = Place::new();
    let store = open(&place.store());
    let lanes: Vec<_> = (1..=100).collect();
    append(&store, entry("m1", 0, &lanes)).await;
    assert_eq!((rows(&store, "fan_out").await, rows(&store, "delivery").await), (1, 0));
    for &lane in &lanes {
        assert_eq!(ids(&take(&store, lane, 0).await), ["m1"]);
    }
    for &lane in &lanes[1..] {
        settle(&store, lane, 0, 1, Settlement::Delivered).await;
    }
    assert_eq!(rows(&store, "fan_out").await, 1);
    assert_eq!(store.state(SubscriptionId(1), 1).await.unwrap(), MessageState::Pending { due: at(0) });
    assert_eq!(store.state(SubscriptionId(2), 1).await.unwrap(), MessageState::Absent);
    settle(&store, 1, 0, 1, Settlement::Delivered).await;
    assert_eq!((rows(&store, "fan_out").await, rows(&store, "delivery").await), (0, 0));
    assert_eq!(counts(&store).await, [100, 100, 0, 0, 0]);
    assert!(check(place.store()).unwrap().is_sound());
}

#[tokio::test]
async fn a_message_to_thousands_of_lanes_is_a_row_for_each_thousand() {
    let place = Place::new();
    let store = open(&place.store());
    // Not in order, as subscriptions need not be.
    let lanes: Vec<_> = (1..=2_500).rev().collect();
    append(&store, entry("m1", 0, &lanes)).await;
    assert_eq!(rows(&store, "fan_out").await, 3);
    for lane in [1, 1_024, 1_025, 2_500] {
        take(&store, lane, 0).await;
        settle(&store, lane, 0, 1, Settlement::Delivered).await;
    }
    drop(store);
    let store = open(&place.store());
    assert_eq!(counts(&store).await, [2_500, 4, 2_496, 0, 0]);
    assert_eq!(store.waiting().await.unwrap().len(), 2_496);
    assert_eq!(ids(&take(&store, 1_025, 0).await), [""; 0]);
    assert_eq!(ids(&take(&store, 1_026, 0).await), ["m1"]);
    assert!(check(place.store()).unwrap().is_sound());
}

#[tokio::test]
async fn what_fails_goes_on_by_itself_and_the_rest_of_its_message_does_not_mind() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2, 3, 4, 5])).await;
    for lane in 1..=5 {
        take(&store, lane, 0).await;
    }
    settle(&store, 1, 7, 1, Settlement::Retry { at: at(9_000) }).await;
    settle(&store, 2, 7, 1, Settlement::ToDeadLetter { reason: "410".into() }).await;
    settle(&store, 3, 7, 1, Settlement::Dropped { reason: "403".into() }).await;
    settle(&store, 4, 7, 1, Settlement::Discarded).await;
    assert_eq!((rows(&store, "fan_out").await, rows(&store, "delivery").await), (1, 2));
    assert_eq!(counts(&store).await, [5, 0, 3, 0, 2]);
    let state = async |lane| store.state(SubscriptionId(lane), 1).await.unwrap();
    assert_eq!(state(1).await, MessageState::Pending { due: at(9_000) });
    assert_eq!(state(2).await, MessageState::Pending { due: at(7) });
    assert!(matches!(state(3).await, MessageState::Dead(_)));
    assert_eq!(state(5).await, MessageState::Pending { due: at(0) });
    settle(&store, 5, 7, 1, Settlement::Delivered).await;
    assert_eq!(rows(&store, "fan_out").await, 0);
    let again = take(&store, 1, 9_000).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["m1"], 1));
    assert!(check(place.store()).unwrap().is_sound());
}

#[tokio::test]
async fn what_was_taken_when_the_process_was_killed_is_there_again() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    append(&store, entry("m2", 1, &[1])).await;
    take(&store, 1, 1).await;
    settle(&store, 1, 1, 1, Settlement::Delivered).await;
    copy(&place.store(), &place.other("killed"));

    let store = open(&place.other("killed"));
    assert_eq!(ids(&take(&store, 1, 1).await), ["m2"]);
    assert_eq!(ids(&take(&store, 2, 1).await), ["m1"]);
    settle(&store, 1, 1, 2, Settlement::Delivered).await;
    settle(&store, 2, 1, 1, Settlement::Delivered).await;
    assert_eq!(counts(&store).await, [3, 3, 0, 0, 0]);
    assert!(check(place.other("killed")).unwrap().is_sound());
}

#[tokio::test]
async fn a_lane_that_falls_behind_keeps_its_order_and_no_more_than_a_bound_in_memory() {
    const MESSAGES: u64 = 1_100;
    let place = Place::new();
    let store = open(&place.store());
    for number in 0..MESSAGES {
        append(&store, entry(&format!("m{number}"), number.cast_signed(), &[1])).await;
    }
    assert_eq!((rows(&store, "fan_out").await, rows(&store, "delivery").await), (1_024, 76));
    let lane = SubscriptionId(1);
    assert_eq!(store.lane_counts(lane).await.unwrap().waiting, MESSAGES);
    let mut taken = Vec::new();
    while taken.len() < MESSAGES as usize {
        let more = store.take(lane, at(5_000), NonZeroUsize::new(100).unwrap(), LaneOrder::Due).await.unwrap();
        taken.extend(more.iter().map(|delivery| delivery.id.0));
    }
    assert_eq!(taken, (1..=MESSAGES).collect::<Vec<_>>());
    assert_eq!(store.next_due(lane, LaneOrder::Due).await.unwrap(), None);
    assert_eq!(store.lane_counts(lane).await.unwrap().waiting, MESSAGES, "what is taken waits still");
}

#[tokio::test]
async fn what_is_due_first_comes_first_with_and_without_rows() {
    let place = Place::new();
    let store = open(&place.store());
    for (number, ms) in [(1, 10), (2, 20), (3, 30)] {
        append(&store, entry(&format!("m{number}"), ms, &[1])).await;
    }
    take(&store, 1, 10).await;
    settle(&store, 1, 10, 1, Settlement::Retry { at: at(25) }).await;
    assert_eq!(store.next_due(SubscriptionId(1), LaneOrder::Due).await.unwrap(), Some(at(20)));
    assert_eq!(ids(&take(&store, 1, 24).await), ["m2"]);
    assert_eq!(store.next_due(SubscriptionId(1), LaneOrder::Due).await.unwrap(), Some(at(25)));
    assert_eq!(ids(&take(&store, 1, 30).await), ["m1", "m3"]);
}

#[tokio::test]
async fn attempts_that_are_settled_together_share_a_row_and_are_told_apart() {
    let place = Place::new();
    let store = open(&place.store());
    let mut messages = 0;
    // Whether they meet in a batch is up to the system. They do sooner or later.
    loop {
        messages += 1;
        assert!(messages <= 1000, "there is a row for each of {} attempts", 3 * (messages - 1));
        let before = rows(&store, "attempt").await;
        append(&store, entry(&format!("m{messages}"), 0, &[1, 2, 3])).await;
        for lane in 1..=3 {
            take(&store, lane, 0).await;
        }
        tokio::join!(
            settle(&store, 1, 0, messages, Settlement::Delivered),
            settle(&store, 2, 0, messages, Settlement::Retry { at: at(1) }),
            settle(&store, 3, 0, messages, Settlement::Delivered),
        );
        if rows(&store, "attempt").await - before < 3 {
            break;
        }
    }
    assert_eq!(store.attempts(&format!("m{messages}"), None).await.unwrap().len(), 3);
    let report = check(place.store()).unwrap();
    assert_eq!((report.attempts, report.problems), (3 * messages, Vec::new()));
}
