//! Cases about what is there when a store is opened again.

use fanfare_core::store::{Appended, Change, LaneOrder, Settlement, Stage};

use super::Subject;
use super::probe::{Probe, archived, at, dead, entry, in_group, keyed, names, reopened, whole};
use super::registry::{subscription_record, topic_record};

/// A store that can be opened again says that it outlives the process, and no other does.
pub async fn a_store_says_whether_it_outlives_the_process<S: Subject>(subject: S) {
    let says = subject.store().outlives_the_process();
    assert_eq!(subject.reopen().await.is_some(), says);
}

/// Deliveries and counters are there as they were, in their order.
pub async fn what_was_appended_survives_reopening<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for (id, group) in [("a", "g"), ("b", "h"), ("c", "g")] {
        store.append(in_group(id, 0, Some(group), &[1, 2])).await;
    }
    let before = store.message("a").await.expect("the message is recent");
    let (_subject, store) = reopened(subject, store).await;
    assert_eq!(store.counts().await, [6, 0, 6, 0, 0]);
    assert_eq!(store.waiting().await, [(1, at(0)), (2, at(0))]);
    assert_eq!(names(&store.take_grouped(1, 0, 10).await), ["a", "b"]);
    let taken = store.take(2, 0, 10).await;
    assert_eq!(names(&taken), ["a", "b", "c"]);
    assert_eq!(taken[0].dispatch.publication.message(), before.dispatch.publication.message());
    assert_eq!(taken[0].id.0, before.number);
}

/// What was taken and not settled waits again, with its stage, its attempts and its time.
pub async fn taken_deliveries_come_back_after_reopening<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    store.append(entry("b", 0, &[1])).await;
    let taken = store.take(1, 0, 10).await;
    store.attempted(1, 0, &taken[0], Settlement::Retry { at: at(10) }).await;
    store.attempted(1, 0, &taken[1], Settlement::ToDeadLetter { reason: "no".to_owned() }).await;
    assert_eq!(store.take(1, 10, 10).await.len(), 2);
    let (_subject, store) = reopened(subject, store).await;
    assert_eq!(store.next_due(1, LaneOrder::Due).await, Some(0));
    let taken = store.take(1, 10, 10).await;
    assert_eq!(names(&taken), ["b", "a"]);
    assert_eq!((taken[0].stage, taken[0].attempts), (Stage::DeadLetter, 0));
    assert_eq!((taken[1].stage, taken[1].attempts), (Stage::Endpoint, 1));
    store.settle(1, 10, &taken[0], Settlement::DeadLettered).await;
    assert_eq!(store.dead_letters(1, 10).await, [dead(&taken[0], 10, "no")]);
    assert_eq!(store.counts().await, [2, 0, 1, 1, 0]);
}

/// Each settlement stands: what was delivered is gone, retries wait for their time, dead letters can be redriven.
pub async fn settlements_survive_reopening<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for id in ["delivered", "retried", "dropped", "dead", "discarded"] {
        store.append(entry(id, 0, &[1])).await;
    }
    let taken = store.take(1, 0, 10).await;
    store.settle(1, 1, &taken[0], Settlement::Delivered).await;
    store.settle(1, 1, &taken[1], Settlement::Retry { at: at(1_000) }).await;
    store.settle(1, 2, &taken[2], Settlement::Dropped { reason: "refused".to_owned() }).await;
    store.settle(1, 3, &taken[3], Settlement::ToDeadLetter { reason: "gone".to_owned() }).await;
    store.settle(1, 4, &taken[4], Settlement::Discarded).await;
    let moved = store.take_one(1, 5).await;
    store.settle(1, 5, &moved, Settlement::DeadLettered).await;
    let (subject, store) = reopened(subject, store).await;
    assert_eq!(store.counts().await, [5, 1, 1, 1, 2]);
    assert_eq!(names(&store.take(1, 999, 10).await), [""; 0]);
    assert_eq!(store.next_due(1, LaneOrder::Due).await, Some(1_000));
    let dead = [dead(&taken[2], 2, "refused"), dead(&taken[3], 5, "gone")];
    assert_eq!(store.dead_letters(1, 10).await, dead);
    assert_eq!(store.redrive(1, 500).await, 2);
    let (_subject, store) = reopened(subject, store).await;
    assert_eq!(store.counts().await, [5, 1, 3, 0, 1]);
    assert_eq!(names(&store.take(1, 1_000, 10).await), ["dropped", "dead", "retried"]);
}

/// Numbers go on where they were, also when nothing was left.
pub async fn numbers_go_on_after_reopening<S: Subject>(subject: S) {
    let (mut subject, mut last) = (subject, 0);
    for round in 0..3 {
        let store = Probe::of(&subject);
        let number = store.append(entry(&format!("m{round}"), 0, &[1])).await;
        assert!(number > last, "{number} comes after {last}");
        last = number;
        let delivery = store.take_one(1, 0).await;
        store.settle(1, 0, &delivery, Settlement::Delivered).await;
        store.sweep(10).await;
        (subject, _) = reopened(subject, store).await;
    }
}

/// Repeated messages are recognised, until the window ends.
pub async fn deduplication_survives_reopening<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let number = store.append(keyed("a", 0, "key", 300, &[1])).await;
    let (_subject, store) = reopened(subject, store).await;
    let repeated = store.offer(keyed("b", 299, "key", 599, &[1])).await;
    assert_eq!(repeated, Appended::Duplicate { message_id: "a".to_owned(), number });
    store.append(keyed("c", 300, "key", 600, &[1])).await;
    assert_eq!(names(&store.take(1, 300, 10).await), ["a", "c"]);
}

/// Archives, replayed deliveries, logged attempts and recent messages are there.
pub async fn archives_and_attempts_survive_reopening<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let number = store.append(archived("a.fifo", "a", 0, 1_000_000)).await;
    store.append(archived("a.fifo", "b", 0, 100)).await;
    store.append(entry("c", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    store.attempted(1, 0, &delivery, Settlement::Delivered).await;
    store.replay(1, 0, &[number]).await;
    let (subject, store) = reopened(subject, store).await;
    assert_eq!(store.archived_names(&whole("a.fifo")).await, ["a", "b"]);
    assert_eq!(store.attempts("c", Some(1)).await, [(Stage::Endpoint, 1)]);
    assert!(store.message("c").await.is_some(), "the message is recent");
    let delivery = store.take_one(1, 0).await;
    assert!(delivery.replayed, "the delivery comes from a replay");
    store.settle(1, 0, &delivery, Settlement::Delivered).await;
    store.sweep(101).await;
    let (_subject, store) = reopened(subject, store).await;
    assert_eq!(store.archived_names(&whole("a.fifo")).await, ["a"]);
    store.replay(2, 102, &[number]).await;
    assert_eq!(names(&store.take(2, 102, 10).await), ["a"]);
}

/// Records are there as they were saved.
pub async fn the_registry_survives_reopening<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let changes = vec![Change::PutTopic(topic_record("a")), Change::PutSubscription(subscription_record(3))];
    store.save(changes).await;
    let (_subject, store) = reopened(subject, store).await;
    let records = store.load().await;
    assert_eq!(records.topics, [topic_record("a")]);
    assert_eq!(records.subscriptions, [subscription_record(3)]);
}
