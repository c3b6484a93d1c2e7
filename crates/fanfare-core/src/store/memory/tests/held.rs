//! What everything together holds, and what happens when that is as much as it may be.

use super::*;

#[test]
fn a_message_counts_once_and_each_delivery_a_little() {
    let mut state = store(MemoryBounds::default());
    number(state.append(entry("a", &[LANE, OTHER])));
    assert_eq!(state.held(), Held { needed: 10 + 1024 + 2 * 256, dead: 0 });
    settle_all(&mut state, OTHER, &dropped());
    assert_eq!(state.held(), Held { needed: 10 + 1024 + 256, dead: 256 });
    settle_all(&mut state, LANE, &Settlement::Delivered);
    assert_eq!(state.held(), Held { needed: 0, dead: 10 + 1024 + 256 });
    state.redrive(OTHER, NOW);
    assert_eq!(state.held(), Held { needed: 10 + 1024 + 256, dead: 0 });
    state.clear(OTHER, NonZeroUsize::MAX);
    assert_eq!(state.held(), Held::default());
}

#[test]
fn an_archived_message_counts_until_it_leaves_and_its_replays_a_little() {
    let mut state = store(MemoryBounds::default());
    let number = number(state.append(archived("a")));
    assert_eq!(state.held(), Held { needed: 10 + 1024, dead: 0 });
    state.replay(LANE, NOW, &[number]).unwrap();
    assert_eq!(state.held(), Held { needed: 10 + 1024 + 256, dead: 0 });
    state.sweep(later());
    assert_eq!(state.held(), Held { needed: 10 + 1024 + 256, dead: 0 });
    settle_all(&mut state, LANE, &Settlement::Delivered);
    assert_eq!(state.held(), Held::default());
}

#[test]
fn a_message_that_is_only_remembered_holds_nothing() {
    let mut state = store(MemoryBounds { bytes: 0, ..MemoryBounds::default() });
    number(state.append(entry("a", &[])));
    assert_eq!(state.held(), Held::default());
    assert!(state.message("a").is_some());
}

#[test]
fn a_full_store_refuses_until_deliveries_settle() {
    let mut state = store(MemoryBounds { bytes: room_for(2, 3), ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    assert!(is_full(state.append(entry("b", &[LANE, OTHER, SubscriptionId(3)]))));
    number(state.append(entry("c", &[LANE, OTHER])));
    assert!(is_full(state.append(entry("d", &[LANE]))));
    settle_all(&mut state, OTHER, &Settlement::Delivered);
    assert!(is_full(state.append(entry("d", &[LANE]))), "the message of the delivery that ended is needed still");
    settle_all(&mut state, LANE, &Settlement::Delivered);
    number(state.append(entry("d", &[LANE])));
    assert_eq!(state.counters(), Counters { matched: 4, delivered: 3, pending: 1, ..Counters::default() });
}

#[test]
fn a_large_message_to_thousands_of_subscribers_is_one_message() {
    let mut state = store(MemoryBounds { bytes: 4 << 20, ..MemoryBounds::default() });
    let lanes: Vec<_> = (0..5_000).map(SubscriptionId).collect();
    number(state.append(sized("a", 256 << 10, &lanes)));
    assert_eq!(state.held(), Held { needed: (256 << 10) + 1024 + 5_000 * 256, dead: 0 });
}

#[test]
fn a_message_that_is_refused_opens_no_deduplication_window() {
    let mut state = store(MemoryBounds { bytes: room_for(1, 1), ..MemoryBounds::default() });
    let keyed =
        |id, lanes: &[_]| Entry { dedup: Some(Dedup { key: "key".to_owned(), until: later() }), ..entry(id, lanes) };
    assert!(is_full(state.append(keyed("a", &[LANE, OTHER]))));
    assert!(state.message("a").is_none());
    number(state.append(keyed("b", &[LANE])));
}

#[test]
fn archived_messages_fill_the_store_until_they_leave() {
    let mut state = store(MemoryBounds { bytes: room_for(2, 0), ..MemoryBounds::default() });
    number(state.append(archived("a")));
    number(state.append(archived("b")));
    assert!(is_full(state.append(archived("c"))));
    state.drop_archive(&topic());
    number(state.append(archived("c")));
}

#[test]
fn the_oldest_dead_letters_of_all_lanes_make_room() {
    let mut state = store(MemoryBounds { bytes: room_for(3, 3), ..MemoryBounds::default() });
    for (id, lane, ms) in [("a", OTHER, 1), ("b", LANE, 2), ("c", LANE, 3)] {
        let id = DeliveryId(number(state.append(entry(id, &[lane]))));
        assert_eq!(take(&mut state, lane), [id]);
        let settled = Settled { id, settlement: dropped(), attempt: None };
        state.settle(lane, Timestamp::from_unix_ms(ms), vec![settled]);
    }
    number(state.append(entry("d", &[LANE, SubscriptionId(3)])));
    assert_eq!(state.dead_letters(OTHER, NonZeroUsize::MAX), []);
    let left = state.dead_letters(LANE, NonZeroUsize::MAX);
    assert_eq!(left.into_iter().map(|dead| dead.message_id).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn dead_letters_stay_when_they_could_not_make_enough_room() {
    let mut state = store(MemoryBounds { bytes: room_for(2, 2), ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    settle_all(&mut state, LANE, &dropped());
    number(state.append(entry("b", &[LANE])));
    assert!(is_full(state.append(entry("c", &[LANE, OTHER]))));
    assert_eq!(state.dead_letters(LANE, NonZeroUsize::MAX).len(), 1);
}

#[test]
fn a_dead_letter_whose_message_is_needed_elsewhere_does_not_count_as_room_for_a_message() {
    let mut state = store(MemoryBounds { bytes: room_for(1, 2), ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE, OTHER])));
    settle_all(&mut state, OTHER, &dropped());
    assert!(is_full(state.append(entry("b", &[LANE]))));
    assert_eq!(state.dead_letters(OTHER, NonZeroUsize::MAX).len(), 1);
}

#[test]
fn a_replay_into_a_full_lane_or_a_full_store_puts_nothing_in() {
    let mut state = store(MemoryBounds { lane_deliveries: 1, bytes: room_for(3, 2), ..MemoryBounds::default() });
    let numbers = ["a", "b", "c"].map(|id| number(state.append(archived(id))));
    assert_eq!(state.replay(LANE, NOW, &numbers[..2]).unwrap_err().kind(), StoreErrorKind::Full);
    assert_eq!(take(&mut state, LANE), []);
    state.replay(LANE, NOW, &numbers[..1]).unwrap();
    state.replay(OTHER, NOW, &numbers[..1]).unwrap();
    assert_eq!(state.replay(SubscriptionId(3), NOW, &numbers[..1]).unwrap_err().kind(), StoreErrorKind::Full);
}
