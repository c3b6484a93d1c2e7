//! Cases about the log of attempts.

use fanfare_core::store::{Settlement, Stage};

use super::Subject;
use super::probe::{Probe, at, attempt, entry, settled, subscription};

/// The attempts for a message are told in the order in which they were made, each as it was logged.
pub async fn attempts_are_logged_in_order<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    for ms in [0, 10] {
        let delivery = store.take_one(1, ms).await;
        store.attempted(1, ms, &delivery, Settlement::Retry { at: at(ms + 10) }).await;
    }
    let delivery = store.take_one(1, 20).await;
    store.attempted(1, 20, &delivery, Settlement::ToDeadLetter { reason: "no".to_owned() }).await;
    let delivery = store.take_one(1, 20).await;
    let mut last = attempt(1, &delivery, 21);
    last.status = Some(202);
    last.response = Some("\"taken\"\n".to_owned());
    last.endpoint = "the endpoint".to_owned();
    let end = settled(&delivery, Settlement::DeadLettered);
    store.settle_all(1, 22, vec![fanfare_core::store::Settled { attempt: Some(last.clone()), ..end }]).await;
    let expected = [(Stage::Endpoint, 1), (Stage::Endpoint, 2), (Stage::Endpoint, 3), (Stage::DeadLetter, 1)];
    assert_eq!(store.attempts("a", None).await, expected);
    let whole = store.0.attempts("a", None).await.expect("the store reads its log");
    assert_eq!(whole[3], last);
    assert_eq!(store.attempts("b", None).await, []);
}

/// The attempts for a message at one subscription are told alone, and those for other messages not at all.
pub async fn attempts_are_told_apart_by_subscription<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1, 2])).await;
    store.append(entry("b", 0, &[2])).await;
    for lane in [1, 2] {
        for delivery in store.take(lane, 0, 10).await {
            store.attempted(lane, 0, &delivery, Settlement::Retry { at: at(1) }).await;
        }
    }
    for delivery in store.take(2, 1, 1).await {
        store.attempted(2, 1, &delivery, Settlement::Delivered).await;
    }
    assert_eq!(store.attempts("a", Some(1)).await, [(Stage::Endpoint, 1)]);
    assert_eq!(store.attempts("a", Some(2)).await, [(Stage::Endpoint, 1), (Stage::Endpoint, 2)]);
    assert_eq!(store.attempts("a", Some(3)).await, []);
    assert_eq!(store.attempts("b", None).await, [(Stage::Endpoint, 1)]);
    let whole = store.0.attempts("a", None).await.expect("the store reads its log");
    let subscriptions: Vec<_> = whole.into_iter().map(|attempt| attempt.subscription).collect();
    assert_eq!(subscriptions, [subscription(1), subscription(2), subscription(2)]);
}

/// Settling without an attempt, or what was settled before, adds nothing to the log.
pub async fn attempts_of_what_is_settled_already_are_not_logged<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 0, &delivery, Settlement::Retry { at: at(0) }).await;
    assert_eq!(store.attempts("a", None).await, []);
    let delivery = store.take_one(1, 0).await;
    store.attempted(1, 0, &delivery, Settlement::Delivered).await;
    store.attempted(1, 0, &delivery, Settlement::Delivered).await;
    store.attempted(2, 0, &delivery, Settlement::Delivered).await;
    assert_eq!(store.attempts("a", None).await, [(Stage::Endpoint, 1)]);
}

/// The latest attempts for a subscription are told alone, whatever the messages, the newest first, as many as asked for.
pub async fn the_latest_attempts_of_a_subscription_come_first<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for (id, ms) in [("a", 0), ("b", 1), ("c", 2)] {
        store.append(entry(id, ms, &[1, 2])).await;
        for lane in [1, 2] {
            let delivery = store.take_one(lane, ms).await;
            store.attempted(lane, ms, &delivery, Settlement::Delivered).await;
        }
    }
    assert_eq!(store.latest_attempts(1, 10).await, ["c", "b", "a"]);
    assert_eq!(store.latest_attempts(2, 2).await, ["c", "b"]);
    assert_eq!(store.latest_attempts(3, 10).await, [""; 0]);
}
