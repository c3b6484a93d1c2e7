//! Cases about what is given up.

use fanfare_core::store::{MessageState, Settlement, Stage};

use super::Subject;
use super::probe::{Probe, at, dead, entry, names};

/// A delivery that is given up at the endpoint is due at once for the dead-letter destination, without an attempt there.
pub async fn a_delivery_on_its_way_to_the_dead_letters_starts_afresh<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    assert_eq!((delivery.stage, delivery.attempts, delivery.replayed), (Stage::Endpoint, 0, false));
    store.attempted(1, 50, &delivery, Settlement::ToDeadLetter { reason: "gone".to_owned() }).await;
    assert_eq!(store.counts().await, [1, 0, 1, 0, 0]);
    assert_eq!(store.dead_letters(1, 10).await, []);
    let delivery = store.take_one(1, 50).await;
    assert_eq!((delivery.stage, delivery.attempts, delivery.replayed), (Stage::DeadLetter, 0, false));
    store.attempted(1, 50, &delivery, Settlement::Retry { at: at(60) }).await;
    let delivery = store.take_one(1, 60).await;
    assert_eq!((delivery.stage, delivery.attempts), (Stage::DeadLetter, 1));
    store.attempted(1, 70, &delivery, Settlement::DeadLettered).await;
    assert_eq!(store.counts().await, [1, 0, 0, 1, 0]);
    assert_eq!(store.dead_letters(1, 10).await, [dead(&delivery, 70, "gone")]);
}

/// Dead letters of both kinds are listed with reason and time, the oldest first, as many as asked for.
pub async fn dead_letters_are_listed_oldest_first<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for id in ["a", "b", "c"] {
        store.append(entry(id, 0, &[1])).await;
    }
    let taken = store.take(1, 0, 10).await;
    store.settle(1, 30, &taken[2], Settlement::Dropped { reason: "first".to_owned() }).await;
    store.settle(1, 40, &taken[0], Settlement::Dropped { reason: "second".to_owned() }).await;
    store.settle(1, 50, &taken[1], Settlement::ToDeadLetter { reason: "third".to_owned() }).await;
    let moved = store.take_one(1, 50).await;
    store.settle(1, 50, &moved, Settlement::Dropped { reason: "fourth".to_owned() }).await;
    let all = [dead(&taken[2], 30, "first"), dead(&taken[0], 40, "second"), dead(&taken[1], 50, "fourth")];
    assert_eq!(store.dead_letters(1, 10).await, all);
    assert_eq!(store.dead_letters(1, 2).await, all[..2]);
    assert_eq!(store.dead_letters(2, 10).await, []);
    assert_eq!(store.counts().await, [3, 0, 0, 0, 3]);
}

/// A lane that has as many dead letters as it may loses the oldest, and the counters do not change by it.
pub async fn the_oldest_dead_letters_leave_first<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let room = subject.bounds().dead_letters.expect("dead letters have a bound");
    let mut expected = Vec::new();
    for number in 0..room + 2 {
        let ms = i64::try_from(number).expect("the bound is small");
        store.append(entry(&format!("m{number}"), 0, &[1])).await;
        let delivery = store.drop_one(1, ms, "no").await;
        expected.push(dead(&delivery, ms, "no"));
    }
    let all = room as u64 + 2;
    store.sweep(1_000).await;
    assert_eq!(store.counts().await, [all, 0, 0, 0, all]);
    assert_eq!(store.dead_letters(1, room + 10).await, expected[2..]);
    assert_eq!(store.redrive(1, 1_000).await, room as u64);
}

/// Dead letters that are redriven are due at once at the endpoint, as if nobody had tried.
pub async fn redriven_dead_letters_are_fresh_deliveries<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    store.append(entry("b", 0, &[1])).await;
    let taken = store.take(1, 0, 10).await;
    store.attempted(1, 0, &taken[0], Settlement::Dropped { reason: "no".to_owned() }).await;
    store.attempted(1, 0, &taken[1], Settlement::ToDeadLetter { reason: "no".to_owned() }).await;
    let moved = store.take_one(1, 0).await;
    store.attempted(1, 0, &moved, Settlement::DeadLettered).await;

    assert_eq!(store.redrive(1, 500).await, 2);
    assert_eq!(store.dead_letters(1, 10).await, []);
    assert_eq!(store.redrive(1, 500).await, 0);
    assert_eq!(names(&store.take(1, 499, 10).await), [""; 0]);
    let taken = store.take(1, 500, 10).await;
    assert_eq!(names(&taken), ["a", "b"]);
    for delivery in &taken {
        assert_eq!((delivery.stage, delivery.attempts), (Stage::Endpoint, 0));
    }
}

/// What is redriven is pending again instead of given up, and is not called for twice.
pub async fn redriving_moves_the_counters_back<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1, 2])).await;
    store.append(entry("b", 0, &[1])).await;
    let taken = store.take(1, 0, 10).await;
    store.settle(1, 0, &taken[0], Settlement::Dropped { reason: "no".to_owned() }).await;
    store.settle(1, 0, &taken[1], Settlement::ToDeadLetter { reason: "no".to_owned() }).await;
    let moved = store.take_one(1, 0).await;
    store.settle(1, 0, &moved, Settlement::DeadLettered).await;
    assert_eq!(store.counts().await, [3, 0, 1, 1, 1]);
    store.redrive(1, 0).await;
    assert_eq!(store.counts().await, [3, 0, 3, 0, 0]);
    for delivery in store.take(1, 0, 10).await {
        store.settle(1, 0, &delivery, Settlement::Delivered).await;
    }
    assert_eq!(store.counts().await, [3, 2, 1, 0, 0]);
}

/// A message is pending in a lane while it waits or is taken, dead among the dead letters, and otherwise absent.
pub async fn the_state_tells_where_a_message_stands<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let number = store.append(entry("a", 5, &[1, 2])).await;
    assert_eq!(store.state(1, number).await, MessageState::Pending { due: at(5) });
    assert_eq!(store.state(3, number).await, MessageState::Absent);
    assert_eq!(store.state(1, number + 1).await, MessageState::Absent);
    let delivery = store.take_one(1, 9).await;
    assert_eq!(store.state(1, number).await, MessageState::Pending { due: at(5) });
    store.settle(1, 10, &delivery, Settlement::Retry { at: at(70) }).await;
    assert_eq!(store.state(1, number).await, MessageState::Pending { due: at(70) });
    let delivery = store.drop_one(1, 80, "no").await;
    assert_eq!(store.state(1, number).await, MessageState::Dead(dead(&delivery, 80, "no")));
    store.redrive(1, 90).await;
    assert_eq!(store.state(1, number).await, MessageState::Pending { due: at(90) });
    let delivery = store.take_one(1, 90).await;
    store.settle(1, 90, &delivery, Settlement::Delivered).await;
    assert_eq!(store.state(1, number).await, MessageState::Absent);
    assert_eq!(store.state(2, number).await, MessageState::Pending { due: at(5) });
}

/// A lane tells how many deliveries it holds, taken ones included, and how many dead letters.
pub async fn a_lane_tells_how_much_it_holds<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    assert_eq!(store.lane_counts(1).await, [0, 0]);
    for id in ["a", "b", "c"] {
        store.append(entry(id, 0, &[1, 2])).await;
    }
    assert_eq!(store.lane_counts(1).await, [3, 0]);
    let taken = store.take(1, 0, 2).await;
    assert_eq!(store.lane_counts(1).await, [3, 0]);
    store.settle(1, 10, &taken[0], Settlement::Dropped { reason: "no".to_owned() }).await;
    store.settle(1, 10, &taken[1], Settlement::Delivered).await;
    assert_eq!(store.lane_counts(1).await, [1, 1]);
    store.redrive(1, 20).await;
    assert_eq!(store.lane_counts(1).await, [2, 0]);
    assert_eq!(store.lane_counts(2).await, [3, 0]);
}
