//! Takers, settlers and publishers of one lane at the same time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fanfare_core::store::{Journal, LaneOrder, Settled, Settlement};
use fanfare_core::subscription::SubscriptionId;
use fanfare_store_disk::DiskStore;
use given::{Place, append, at, counts, entry, open, take};

const MESSAGES: u64 = 400;
const TAKERS: usize = 4;

/// Takes what is published to lane 1 meanwhile, settles it with `settlement`, and answers what was taken, sorted.
async fn taken_once_settled(store: &Arc<DiskStore>, settlement: Settlement) -> Vec<u64> {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let settled = Arc::new(AtomicU64::new(0));
    let takers = (0..TAKERS).map(|_| {
        let (store, taken, settled) = (Arc::clone(store), Arc::clone(&taken), Arc::clone(&settled));
        let settlement = settlement.clone();
        tokio::spawn(async move {
            let (lane, max) = (SubscriptionId(1), NonZeroUsize::new(3).unwrap());
            while settled.load(Ordering::SeqCst) < MESSAGES {
                let deliveries = store.take(lane, at(0), max, LaneOrder::Due).await.unwrap();
                taken.lock().unwrap().extend(deliveries.iter().map(|delivery| delivery.id.0));
                settled.fetch_add(deliveries.len() as u64, Ordering::SeqCst);
                let settle =
                    |settlement: &Settlement, id| Settled { id, settlement: settlement.clone(), attempt: None };
                let done = deliveries.iter().map(|delivery| settle(&settlement, delivery.id)).collect();
                store.settle(lane, at(0), done).await.unwrap();
            }
        })
    });
    let takers: Vec<_> = takers.collect();
    for number in 1..=MESSAGES {
        append(store, entry(&format!("m{number}"), 0, &[1, 2])).await;
    }
    for taker in takers {
        taker.await.unwrap();
    }
    let mut taken = taken.lock().unwrap().clone();
    taken.sort_unstable();
    taken
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_is_not_taken_again() {
    let place = Place::new();
    let store = Arc::new(open(&place.store()));
    let taken = taken_once_settled(&store, Settlement::Delivered).await;
    assert_eq!(taken, (1..=MESSAGES).collect::<Vec<_>>());
    assert_eq!(counts(&store).await, [2 * MESSAGES, MESSAGES, MESSAGES, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_retried_is_not_taken_before_its_time() {
    let place = Place::new();
    let store = Arc::new(open(&place.store()));
    let taken = taken_once_settled(&store, Settlement::Retry { at: at(10) }).await;
    assert_eq!(taken, (1..=MESSAGES).collect::<Vec<_>>());
    assert!(take(&store, 1, 9).await.is_empty());
    let again: BTreeSet<_> = take(&store, 1, 10).await.iter().map(|delivery| delivery.id.0).collect();
    assert_eq!(again, (1..=MESSAGES).collect());
}
