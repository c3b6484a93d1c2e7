//! What a store in memory does at its bounds, and what it leaves behind. All else is in the suite that every store passes.

mod held;
mod lane_bounds;
mod random_walk;

use super::uses::{DELIVERY_BYTES, Held, MESSAGE_OVERHEAD_BYTES};
use super::*;
use crate::message::Message;
use crate::notification::NotificationKind;
use crate::publication::Publication;
use crate::store::{Dedup, DeliveryId, Dispatch, Settlement, StoreErrorKind};

const LANE: SubscriptionId = SubscriptionId(1);
const OTHER: SubscriptionId = SubscriptionId(2);
const NOW: Timestamp = Timestamp::EPOCH;

/// A message of ten bytes.
fn entry(id: &str, lanes: &[SubscriptionId]) -> Entry {
    sized(id, 10, lanes)
}

fn sized(id: &str, bytes: usize, lanes: &[SubscriptionId]) -> Entry {
    let publication = Publication::new(id, topic(), NOW, Message::text("x".repeat(bytes)).unwrap());
    let dispatch = Dispatch { kind: NotificationKind::Notification, publication };
    Entry { dispatch, lanes: lanes.to_vec(), dedup: None, archive_until: None }
}

fn later() -> Timestamp {
    Timestamp::from_unix_ms(1_000)
}

fn topic() -> TopicArn {
    TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap()
}

fn archived(id: &str) -> Entry {
    Entry { archive_until: Some(later()), ..entry(id, &[]) }
}

/// What messages of ten bytes and their deliveries hold.
fn room_for(messages: usize, deliveries: usize) -> usize {
    messages * (10 + MESSAGE_OVERHEAD_BYTES) + deliveries * DELIVERY_BYTES
}

fn store(bounds: MemoryBounds) -> State {
    State::new(bounds)
}

fn take(state: &mut State, lane: SubscriptionId) -> Vec<DeliveryId> {
    state.take(lane, NOW, NonZeroUsize::MAX, LaneOrder::Due).into_iter().map(|delivery| delivery.id).collect()
}

fn settle_all(state: &mut State, lane: SubscriptionId, settlement: &Settlement) {
    let settled = |id| Settled { id, settlement: settlement.clone(), attempt: None };
    let settled = take(state, lane).into_iter().map(settled).collect();
    state.settle(lane, NOW, settled);
}

fn dropped() -> Settlement {
    Settlement::Dropped { reason: "no".to_owned() }
}

fn number(appended: Result<Appended, StoreError>) -> u64 {
    match appended.unwrap() {
        Appended::Accepted { number, .. } => number,
        other => panic!("{other:?}"),
    }
}

fn refused(appended: Result<Appended, StoreError>) -> Vec<SubscriptionId> {
    match appended.unwrap() {
        Appended::Accepted { refused, .. } => refused,
        other => panic!("{other:?}"),
    }
}

fn is_full(appended: Result<Appended, StoreError>) -> bool {
    appended.is_err_and(|error| error.kind() == StoreErrorKind::Full)
}

#[test]
fn a_dead_letter_that_was_replayed_meanwhile_is_not_put_back_twice() {
    let mut state = store(MemoryBounds::default());
    let number = number(state.append(Entry { lanes: vec![LANE], ..archived("a") }));
    settle_all(&mut state, LANE, &dropped());
    state.replay(LANE, NOW, &[number]).unwrap();
    assert_eq!(state.redrive(LANE, NOW), 1);
    assert_eq!(take(&mut state, LANE), [DeliveryId(number)]);
    assert_eq!(state.counters(), Counters { matched: 2, pending: 1, dropped: 1, ..Counters::default() });
}

#[test]
fn a_message_that_dies_again_is_one_dead_letter() {
    let mut state = store(MemoryBounds::default());
    let number = number(state.append(Entry { lanes: vec![LANE], ..archived("a") }));
    settle_all(&mut state, LANE, &dropped());
    state.replay(LANE, NOW, &[number]).unwrap();
    settle_all(&mut state, LANE, &dropped());
    assert_eq!(state.dead_letters(LANE, NonZeroUsize::MAX).len(), 1);
    assert_eq!(state.counters(), Counters { matched: 2, dropped: 2, ..Counters::default() });
}

#[test]
fn recent_messages_leave_by_number_and_by_bytes() {
    for bounds in [
        MemoryBounds { recent_messages: 2, ..MemoryBounds::default() },
        MemoryBounds { recent_bytes: 29, ..MemoryBounds::default() },
    ] {
        let mut state = store(bounds);
        for id in ["a", "b", "c"] {
            number(state.append(entry(id, &[])));
        }
        assert_eq!(["a", "b", "c"].map(|id| state.message(id).is_some()), [false, true, true]);
    }
}

#[test]
fn the_oldest_attempts_leave_the_log() {
    let mut state = store(MemoryBounds { attempts: 2, ..MemoryBounds::default() });
    for id in ["a", "b", "b"] {
        number(state.append(entry(id, &[LANE])));
        let subscription = SubscriptionArn::new(&topic(), "1");
        let attempt = Some(Attempt::delivered(id, subscription, 1, NOW));
        let delivered = |id| Settled { id, settlement: Settlement::Delivered, attempt: attempt.clone() };
        let settled = take(&mut state, LANE).into_iter().map(delivered).collect();
        state.settle(LANE, NOW, settled);
    }
    assert_eq!(["a", "b"].map(|id| state.attempts(id, None).len()), [0, 2]);
}

#[test]
fn dead_letters_leave_with_the_record_of_their_subscription() {
    let mut state = store(MemoryBounds::default());
    number(state.append(entry("a", &[LANE, OTHER])));
    settle_all(&mut state, LANE, &dropped());
    settle_all(&mut state, OTHER, &dropped());
    state.save(vec![Change::RemoveSubscription(LANE)]);
    assert_eq!(state.dead_letters(LANE, NonZeroUsize::MAX), []);
    assert_eq!(state.dead_letters(OTHER, NonZeroUsize::MAX).len(), 1);
}

#[test]
fn nothing_is_left_when_everything_has_ended() {
    let mut state = store(MemoryBounds { recent_messages: 0, dead_letters: 1, ..MemoryBounds::default() });
    let dedup = Some(Dedup { key: "key".to_owned(), until: later() });
    number(state.append(Entry { lanes: vec![LANE, OTHER], dedup, ..archived("a") }));
    number(state.append(entry("b", &[LANE, OTHER])));
    number(state.append(entry("nobody", &[])));
    state.take(LANE, NOW, NonZeroUsize::MIN, LaneOrder::Group);
    state.clear(LANE, NonZeroUsize::MAX);
    settle_all(&mut state, OTHER, &dropped());
    state.redrive(OTHER, NOW);
    settle_all(&mut state, OTHER, &Settlement::Discarded);
    let left = Settled { id: DeliveryId(1), settlement: Settlement::DeadLettered, attempt: None };
    state.settle(LANE, NOW, vec![left]);
    state.redrive(LANE, NOW);
    settle_all(&mut state, LANE, &Settlement::Delivered);
    state.sweep(later());
    assert!(state.is_bare(), "{state:?}");
}
