//! Cases about what a store remembers of messages.

use fanfare_core::store::Settlement;

use super::Subject;
use super::probe::{Probe, archived, at, entry};

/// Fills the log of recent messages, so that nothing older is there for its sake.
async fn crowd_out<S: Subject>(subject: &S, store: &Probe, round: &str) {
    for number in 0..=subject.bounds().recent_messages {
        store.append(entry(&format!("{round}-{number}"), 0, &[])).await;
    }
    store.sweep(1).await;
}

/// A message that was just delivered, or that nobody wanted, is found by its id, and an unknown one is not.
pub async fn recent_messages_are_remembered<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let wanted = store.append(entry("wanted", 3, &[1])).await;
    let unwanted = store.append(entry("unwanted", 4, &[])).await;
    let delivery = store.take_one(1, 3).await;
    store.settle(1, 3, &delivery, Settlement::Delivered).await;
    store.sweep(5).await;
    for (id, number, ms) in [("wanted", wanted, 3), ("unwanted", unwanted, 4)] {
        let message = store.message(id).await.expect("the message is recent");
        assert_eq!(message.number, number);
        assert_eq!(message.dispatch.publication.timestamp(), at(ms));
        let text = message.dispatch.publication.message().published_text().clone();
        assert_eq!(text, format!("the text of {id}"));
    }
    assert!(store.message("unknown").await.is_none(), "nobody published it");
}

/// A message that waits, is dead or is archived is remembered, however many come after it.
pub async fn messages_are_remembered_while_something_needs_them<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("dead", 0, &[1])).await;
    store.drop_one(1, 0, "no").await;
    store.append(entry("taken", 0, &[2])).await;
    let taken = store.take_one(2, 0).await;
    store.append(entry("waits", 0, &[1, 3])).await;
    store.append(archived("a.fifo", "archived", 0, 1_000_000)).await;
    let half = store.take_one(3, 0).await;
    store.settle(3, 0, &half, Settlement::Delivered).await;
    crowd_out(&subject, &store, "more").await;
    for id in ["dead", "taken", "waits", "archived"] {
        assert!(store.message(id).await.is_some(), "something needs the message {id:?}");
    }
    store.settle(2, 0, &taken, Settlement::Retry { at: at(0) }).await;
    assert_eq!(store.take_one(2, 0).await.dispatch.publication.message(), taken.dispatch.publication.message());
}

/// A message is forgotten when it is delivered, redriven and delivered, cleared, or leaves the archive, once newer ones
/// have crowded it out.
pub async fn messages_are_forgotten_when_nothing_needs_them<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("delivered", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 0, &delivery, Settlement::Delivered).await;
    store.append(entry("redriven", 0, &[1])).await;
    store.drop_one(1, 0, "no").await;
    store.append(entry("cleared", 0, &[2])).await;
    store.append(archived("a.fifo", "archived", 0, 1_000_000)).await;
    store.append(archived("b.fifo", "expired", 0, 100)).await;
    crowd_out(&subject, &store, "more").await;
    assert!(store.message("delivered").await.is_none(), "it was delivered");

    for id in ["redriven", "cleared", "archived", "expired"] {
        assert!(store.message(id).await.is_some(), "something needs the message {id:?}");
    }
    store.redrive(1, 0).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 0, &delivery, Settlement::Delivered).await;
    store.clear(2, 10).await;
    store.drop_archive("a.fifo").await;
    store.sweep(101).await;
    for id in ["redriven", "cleared", "archived", "expired"] {
        assert!(store.message(id).await.is_none(), "nothing needs the message {id:?}");
    }
}
