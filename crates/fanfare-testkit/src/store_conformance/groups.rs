//! Cases about lanes in which the messages of a group come one after the other.

use fanfare_core::store::{LaneOrder, Settlement};

use super::Subject;
use super::probe::{Probe, at, in_group, names};

/// Of a group one delivery is taken at a time, and the next when that is settled for good.
pub async fn nothing_of_a_group_is_taken_before_its_predecessor_is_settled<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let ends = [
        Settlement::Delivered,
        Settlement::DeadLettered,
        Settlement::Dropped { reason: "no".to_owned() },
        Settlement::Discarded,
        Settlement::Delivered,
    ];
    for number in 0..ends.len() {
        store.append(in_group(&format!("m{number}"), 0, Some("g"), &[1])).await;
    }
    for (number, end) in ends.into_iter().enumerate() {
        let taken = store.take_grouped(1, 0, 10).await;
        assert_eq!(names(&taken), [format!("m{number}")]);
        assert_eq!(names(&store.take_grouped(1, 0, 10).await), [""; 0]);
        store.settle(1, 0, &taken[0], end).await;
    }
    assert_eq!(names(&store.take_grouped(1, 0, 10).await), [""; 0]);
}

/// A delivery that waits for its next attempt, or is on its way to the dead letters, holds back what follows.
pub async fn a_retry_and_a_dead_letter_on_its_way_hold_their_group_back<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(in_group("a", 0, Some("g"), &[1])).await;
    store.append(in_group("b", 0, Some("g"), &[1])).await;
    let taken = store.take_grouped(1, 0, 10).await;
    store.settle(1, 0, &taken[0], Settlement::Retry { at: at(1_000) }).await;
    assert_eq!(names(&store.take_grouped(1, 999, 10).await), [""; 0]);
    let taken = store.take_grouped(1, 1_000, 10).await;
    assert_eq!(names(&taken), ["a"]);
    store.settle(1, 1_000, &taken[0], Settlement::ToDeadLetter { reason: "no".to_owned() }).await;
    let taken = store.take_grouped(1, 1_000, 10).await;
    assert_eq!(names(&taken), ["a"]);
    assert_eq!(names(&store.take_grouped(1, 1_000, 10).await), [""; 0]);
    store.settle(1, 1_000, &taken[0], Settlement::DeadLettered).await;
    assert_eq!(names(&store.take_grouped(1, 1_000, 10).await), ["b"]);
}

/// A group that is held back leaves the other groups of its lane, and itself in other lanes, alone.
pub async fn other_groups_go_on<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for (id, group) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a"), ("b2", "b"), ("c1", "c")] {
        store.append(in_group(id, 0, Some(group), &[1, 2])).await;
    }
    let taken = store.take_grouped(1, 0, 2).await;
    assert_eq!(names(&taken), ["a1", "b1"]);
    assert_eq!(names(&store.take_grouped(1, 0, 10).await), ["c1"]);
    store.settle(1, 0, &taken[1], Settlement::Delivered).await;
    assert_eq!(names(&store.take_grouped(1, 0, 10).await), ["b2"]);
    assert_eq!(names(&store.take_grouped(2, 0, 10).await), ["a1", "b1", "c1"]);
}

/// Messages that have no group come one after the other.
pub async fn messages_without_a_group_are_a_group<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for (id, group) in [("a", None), ("b", None), ("c", Some("g"))] {
        store.append(in_group(id, 0, group, &[1])).await;
    }
    let taken = store.take_grouped(1, 0, 10).await;
    assert_eq!(names(&taken), ["a", "c"]);
    store.settle(1, 0, &taken[0], Settlement::Delivered).await;
    assert_eq!(names(&store.take_grouped(1, 0, 10).await), ["b"]);
}

/// A lane in this order has work when the first delivery is due that nothing of its group holds back.
pub async fn next_due_passes_over_what_a_group_holds_back<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for (id, ms, group) in [("a1", 10, "a"), ("a2", 20, "a"), ("b1", 30, "b")] {
        store.append(in_group(id, ms, Some(group), &[1])).await;
    }
    assert_eq!(store.next_due(1, LaneOrder::Group).await, Some(10));
    let taken = store.take_grouped(1, 10, 10).await;
    assert_eq!(names(&taken), ["a1"]);
    assert_eq!(store.next_due(1, LaneOrder::Group).await, Some(30));
    store.settle(1, 11, &taken[0], Settlement::Retry { at: at(40) }).await;
    assert_eq!(store.next_due(1, LaneOrder::Group).await, Some(30));
    assert_eq!(names(&store.take_grouped(1, 30, 10).await), ["b1"]);
    assert_eq!(store.next_due(1, LaneOrder::Group).await, Some(40));
    let taken = store.take_grouped(1, 40, 10).await;
    assert_eq!(store.next_due(1, LaneOrder::Group).await, None);
    store.settle(1, 41, &taken[0], Settlement::Delivered).await;
    assert_eq!(store.next_due(1, LaneOrder::Group).await, Some(20));
}
