//! Cases about the times at which deliveries are due.

use fanfare_core::store::{LaneOrder, Settlement};

use super::Subject;
use super::probe::{Probe, at, entry, names};

/// A delivery is due from the moment at which its message was accepted, and not before.
pub async fn a_delivery_is_due_when_it_is_accepted<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 10, &[1])).await;
    assert_eq!(names(&store.take(1, 9, 10).await), [""; 0]);
    assert_eq!(names(&store.take(1, 10, 10).await), ["a"]);
}

/// A delivery that is to be tried again is hidden until the millisecond of its time.
pub async fn a_retry_is_hidden_until_its_time<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 5, &delivery, Settlement::Retry { at: at(1_000) }).await;
    assert_eq!(names(&store.take(1, 999, 10).await), [""; 0]);
    assert_eq!(store.counts().await, [1, 0, 1, 0, 0]);
    assert_eq!(names(&store.take(1, 1_000, 10).await), ["a"]);
}

/// Among what is due, what has been due for longest is taken first, be it new or tried before.
pub async fn what_has_been_due_for_longest_comes_first<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    store.append(entry("b", 0, &[1])).await;
    let taken = store.take(1, 0, 10).await;
    store.settle(1, 1, &taken[0], Settlement::Retry { at: at(30) }).await;
    store.settle(1, 1, &taken[1], Settlement::Retry { at: at(10) }).await;
    store.append(entry("c", 20, &[1])).await;
    store.append(entry("d", 40, &[1])).await;
    assert_eq!(names(&store.take(1, 30, 1).await), ["b"]);
    assert_eq!(names(&store.take(1, 50, 10).await), ["c", "a", "d"]);
}

/// Each attempt counts for its stage; putting a delivery back without one does not.
pub async fn attempts_are_counted_for_each_stage<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let mut counted = Vec::new();
    for _ in 0..2 {
        let delivery = store.take_one(1, 0).await;
        counted.push(delivery.attempts);
        store.attempted(1, 0, &delivery, Settlement::Retry { at: at(0) }).await;
    }
    let delivery = store.take_one(1, 0).await;
    counted.push(delivery.attempts);
    store.settle(1, 0, &delivery, Settlement::Retry { at: at(0) }).await;
    let delivery = store.take_one(1, 0).await;
    counted.push(delivery.attempts);
    store.attempted(1, 0, &delivery, Settlement::ToDeadLetter { reason: "enough".to_owned() }).await;
    let delivery = store.take_one(1, 0).await;
    counted.push(delivery.attempts);
    store.attempted(1, 0, &delivery, Settlement::Retry { at: at(0) }).await;
    counted.push(store.take_one(1, 0).await.attempts);
    assert_eq!(counted, [0, 1, 2, 2, 0, 1]);
}

/// A lane tells when the first delivery that waits is due, past or future, whatever is taken.
pub async fn next_due_tells_of_the_first_that_is_not_taken<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    assert_eq!(store.next_due(1, LaneOrder::Due).await, None);
    store.append(entry("a", 10, &[1])).await;
    store.append(entry("b", 20, &[1])).await;
    assert_eq!(store.next_due(1, LaneOrder::Due).await, Some(10));
    let delivery = store.take_one(1, 10).await;
    assert_eq!(store.next_due(1, LaneOrder::Due).await, Some(20));
    store.settle(1, 12, &delivery, Settlement::Retry { at: at(15) }).await;
    assert_eq!(store.next_due(1, LaneOrder::Due).await, Some(15));
    assert_eq!(store.take(1, 100, 10).await.len(), 2);
    assert_eq!(store.next_due(1, LaneOrder::Due).await, None);
    assert_eq!(store.next_due(2, LaneOrder::Due).await, None);
}
