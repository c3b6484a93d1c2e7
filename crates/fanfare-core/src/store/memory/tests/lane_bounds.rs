//! What one lane holds, and what happens when that is as much as it may be.

use super::*;

#[test]
fn a_lane_with_too_many_bytes_refuses_for_itself_alone() {
    let mut state = store(MemoryBounds { lane_bytes: 25, ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    assert_eq!(refused(state.append(entry("b", &[LANE, OTHER]))), []);
    assert_eq!(refused(state.append(entry("c", &[LANE, OTHER]))), [LANE]);
    assert_eq!(refused(state.append(sized("small", 5, &[LANE, OTHER]))), []);
    assert_eq!(state.lane_bytes(LANE), 25);
    assert_eq!(state.counters(), Counters { matched: 7, pending: 6, dropped: 1, ..Counters::default() });
}

#[test]
fn a_lane_with_too_many_deliveries_refuses_for_itself_alone() {
    let mut state = store(MemoryBounds { lane_deliveries: 2, ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    assert_eq!(refused(state.append(entry("b", &[LANE, OTHER]))), []);
    assert_eq!(refused(state.append(entry("c", &[LANE, OTHER]))), [LANE]);
    assert_eq!(state.counters(), Counters { matched: 5, pending: 4, dropped: 1, ..Counters::default() });
}

#[test]
fn an_empty_lane_takes_one_delivery_however_large() {
    let mut state = store(MemoryBounds { lane_bytes: 25, ..MemoryBounds::default() });
    assert_eq!(refused(state.append(sized("large", 26, &[LANE]))), []);
    assert_eq!(refused(state.append(sized("small", 1, &[LANE]))), [LANE]);
    settle_all(&mut state, LANE, &dropped());
    assert_eq!(refused(state.append(sized("large", 26, &[LANE]))), [], "a dead letter is no delivery");
}

#[test]
fn the_bytes_of_a_lane_come_free_however_its_deliveries_end() {
    type End = fn(&mut State);
    let endings: [(&str, End); 5] = [
        ("delivered", |state| settle_all(state, LANE, &Settlement::Delivered)),
        ("discarded", |state| settle_all(state, LANE, &Settlement::Discarded)),
        ("dropped", |state| settle_all(state, LANE, &dropped())),
        ("dead-lettered", |state| settle_all(state, LANE, &Settlement::DeadLettered)),
        ("cleared", |state| assert_eq!(state.clear(LANE, NonZeroUsize::MAX).len(), 2)),
    ];
    for (name, end) in endings {
        let mut state = store(MemoryBounds { lane_bytes: 20, ..MemoryBounds::default() });
        number(state.append(entry("a", &[LANE])));
        number(state.append(entry("b", &[LANE])));
        assert_eq!(refused(state.append(entry("c", &[LANE]))), [LANE], "{name}");
        end(&mut state);
        assert_eq!(state.lane_bytes(LANE), 0, "{name}");
        assert_eq!(refused(state.append(entry("d", &[LANE]))), [], "{name}");
    }
}

#[test]
fn deliveries_that_are_tried_again_keep_their_bytes_in_the_lane() {
    let mut state = store(MemoryBounds { lane_bytes: 10, ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    settle_all(&mut state, LANE, &Settlement::Retry { at: NOW });
    assert_eq!(refused(state.append(entry("b", &[LANE]))), [LANE]);
    settle_all(&mut state, LANE, &Settlement::ToDeadLetter { reason: "no".to_owned() });
    assert_eq!(refused(state.append(entry("c", &[LANE]))), [LANE]);
}

#[test]
fn redriven_dead_letters_come_back_into_a_full_lane() {
    let mut state = store(MemoryBounds { lane_bytes: 10, ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    settle_all(&mut state, LANE, &dropped());
    number(state.append(entry("b", &[LANE])));
    assert_eq!(state.redrive(LANE, NOW), 1);
    assert_eq!(state.lane_bytes(LANE), 20);
    assert_eq!(refused(state.append(entry("c", &[LANE]))), [LANE]);
}

#[test]
fn replayed_deliveries_leave_the_bytes_of_a_lane_to_new_ones() {
    let mut state = store(MemoryBounds { lane_bytes: 10, ..MemoryBounds::default() });
    number(state.append(entry("a", &[LANE])));
    let numbers = ["b", "c"].map(|id| number(state.append(archived(id))));
    state.replay(LANE, NOW, &numbers).unwrap();
    assert_eq!(state.lane_bytes(LANE), 10);
    settle_all(&mut state, LANE, &dropped());
    state.redrive(LANE, NOW);
    assert_eq!(state.lane_bytes(LANE), 10);
}
