//! Cases about messages that a topic keeps to be replayed.

use fanfare_core::store::{Entry, Range, Settlement};

use super::Subject;
use super::probe::{Probe, archived, at, entry, names, topic, whole};

/// A range has the messages of its topic that were accepted from its first to its last millisecond, both included.
pub async fn archived_messages_are_found_by_time<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for (name, id, ms) in [
        ("a.fifo", "early", 99),
        ("a.fifo", "first", 100),
        ("b.fifo", "other", 150),
        ("a.fifo", "between", 150),
        ("a.fifo", "last", 200),
        ("a.fifo", "late", 201),
    ] {
        store.append(archived(name, id, ms, 1_000_000)).await;
    }
    store.append(entry("elsewhere", 150, &[])).await;
    let range = Range { topic: topic("a.fifo"), from: at(100), to: Some(at(200)) };
    assert_eq!(store.archived_names(&range).await, ["first", "between", "last"]);
    let open = Range { to: None, ..range.clone() };
    assert_eq!(store.archived_names(&open).await, ["first", "between", "last", "late"]);
    assert_eq!(store.archived_names(&whole("orders")).await, [""; 0]);
}

/// Archived messages come in the order of their numbers, as many as asked for, after the number asked for.
pub async fn the_archive_is_paged_by_number<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let mut numbers = Vec::new();
    // The clock is set back on the way: the order is that of the numbers.
    for (id, ms) in [("a", 10), ("b", 30), ("c", 20), ("d", 20), ("e", 40)] {
        numbers.push(store.append(archived("a.fifo", id, ms, 1_000_000)).await);
    }
    let mut after = 0;
    let mut pages = Vec::new();
    for _ in 0..numbers.len() {
        let page = store.archived(&whole("a.fifo"), after, 2).await;
        let Some(last) = page.last() else { break };
        after = last.number;
        let sequence = last.dispatch.publication.sequence_number().map(str::to_owned);
        assert!(sequence.is_some(), "a message of a FIFO topic has its sequence number");
        pages.push(page.into_iter().map(|message| message.number).collect::<Vec<_>>());
    }
    assert_eq!(pages, [&numbers[..2], &numbers[2..4], &numbers[4..]]);
}

/// A replayed message is due at once, says that it is replayed, and counts as called for once more.
pub async fn replayed_messages_are_delivered_again<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let kept = Entry { lanes: entry("", 0, &[1]).lanes, ..archived("a.fifo", "a", 0, 1_000_000) };
    let first = store.append(kept).await;
    let second = store.append(archived("a.fifo", "b", 0, 1_000_000)).await;
    let delivery = store.take_one(1, 0).await;
    assert!(!delivery.replayed, "the first delivery is no replay");
    store.settle(1, 0, &delivery, Settlement::Delivered).await;

    store.replay(1, 500, &[first, second]).await;
    assert_eq!(store.counts().await, [3, 1, 2, 0, 0]);
    assert_eq!(names(&store.take(1, 499, 10).await), [""; 0]);
    let taken = store.take(1, 500, 10).await;
    assert_eq!(names(&taken), ["a", "b"]);
    assert_eq!(taken.iter().map(|delivery| delivery.replayed).collect::<Vec<_>>(), [true, true]);
    store.settle(1, 500, &taken[0], Settlement::Retry { at: at(600) }).await;
    assert!(store.take_one(1, 600).await.replayed, "a retry is replayed still");
    assert_eq!(names(&store.take(2, 1_000, 10).await), [""; 0]);
}

/// What waits in the lane, or is taken from it, is not put there a second time.
pub async fn replaying_passes_over_what_waits_already<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let mut numbers = Vec::new();
    for id in ["a", "b", "c"] {
        numbers.push(store.append(archived("a.fifo", id, 0, 1_000_000)).await);
    }
    store.replay(1, 10, &numbers[..2]).await;
    let taken = store.take(1, 10, 1).await;
    store.replay(1, 20, &numbers).await;
    assert_eq!(store.counts().await, [3, 0, 3, 0, 0]);
    assert_eq!(names(&taken), ["a"]);
    assert_eq!(names(&store.take(1, 20, 10).await), ["b", "c"]);
}

/// Messages that were never archived, or whose time in the archive is over, are passed over; sweeping takes them out.
pub async fn what_has_left_the_archive_is_not_replayed<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let plain = store.append(entry("plain", 0, &[])).await;
    let short = store.append(archived("a.fifo", "short", 0, 100)).await;
    let long = store.append(archived("a.fifo", "long", 0, 1_000_000)).await;
    store.replay(1, 101, &[plain, short, long, long + 1_000]).await;
    assert_eq!(names(&store.take(1, 101, 10).await), ["long"]);
    assert_eq!(store.counts().await, [1, 0, 1, 0, 0]);
    store.sweep(101).await;
    assert_eq!(store.archived_names(&whole("a.fifo")).await, ["long"]);
}

/// Ending a topic's archive takes its messages out; what waits to be delivered, and other topics, are left alone.
pub async fn dropping_an_archive_leaves_other_topics<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let gone = store.append(archived("a.fifo", "a", 0, 1_000_000)).await;
    let waits = store.append(archived("a.fifo", "b", 0, 1_000_000)).await;
    let other = store.append(archived("b.fifo", "c", 0, 1_000_000)).await;
    store.replay(1, 0, &[waits]).await;
    store.drop_archive("a.fifo").await;
    store.drop_archive("never.fifo").await;
    assert_eq!(store.archived_names(&whole("a.fifo")).await, [""; 0]);
    assert_eq!(store.archived_names(&whole("b.fifo")).await, ["c"]);
    store.replay(1, 0, &[gone, other]).await;
    assert_eq!(names(&store.take(1, 0, 10).await), ["b", "c"]);
}
