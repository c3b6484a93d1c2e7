//! Cases about recognising repeated messages.

use fanfare_core::store::Appended;

use super::Subject;
use super::probe::{Probe, entry, keyed, names};

/// A repeated message is answered with the id and number of the first, and nothing of it is kept.
pub async fn a_repeated_message_answers_the_first<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let number = store.append(keyed("a", 0, "key", 300, &[1])).await;
    store.append(entry("between", 0, &[])).await;
    let repeated = store.offer(keyed("b", 299, "key", 599, &[1, 2])).await;
    assert_eq!(repeated, Appended::Duplicate { message_id: "a".to_owned(), number });
    assert_eq!(names(&store.take(1, 1_000, 10).await), ["a"]);
    assert_eq!(names(&store.take(2, 1_000, 10).await), [""; 0]);
    assert_eq!(store.counts().await, [1, 0, 1, 0, 0]);
    assert!(store.message("b").await.is_none(), "nothing of the repeated message is kept");
}

/// From the moment at which the window ends, the same key is a new message, which opens a window of its own.
pub async fn a_message_after_the_window_is_accepted<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let first = store.append(keyed("a", 0, "key", 300, &[1])).await;
    let second = store.append(keyed("b", 300, "key", 600, &[1])).await;
    assert!(first < second, "{first} comes before {second}");
    let repeated = store.offer(keyed("c", 599, "key", 899, &[1])).await;
    assert_eq!(repeated, Appended::Duplicate { message_id: "b".to_owned(), number: second });
}

/// The window ends when that of the first message does, however often it is repeated.
pub async fn repeated_messages_do_not_renew_the_window<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let number = store.append(keyed("a", 0, "key", 300, &[1])).await;
    for ms in [100, 200, 299] {
        let repeated = store.offer(keyed("again", ms, "key", ms + 300, &[1])).await;
        assert_eq!(repeated, Appended::Duplicate { message_id: "a".to_owned(), number });
    }
    store.append(keyed("b", 300, "key", 600, &[1])).await;
    assert_eq!(names(&store.take(1, 300, 10).await), ["a", "b"]);
}

/// Messages with other keys, or with none, are messages of their own.
pub async fn other_keys_are_other_messages<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(keyed("a", 0, "key", 300, &[1])).await;
    store.append(keyed("b", 0, "Key", 300, &[1])).await;
    store.append(keyed("c", 0, "key ", 300, &[1])).await;
    store.append(entry("d", 0, &[1])).await;
    assert_eq!(names(&store.take(1, 0, 10).await), ["a", "b", "c", "d"]);
}

/// Sweeping forgets windows that have ended, and none that is open.
pub async fn sweeping_leaves_open_windows<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let first = store.append(keyed("a", 0, "short", 300, &[])).await;
    store.append(keyed("b", 300, "short", 900, &[])).await;
    let long = store.append(keyed("c", 0, "long", 600, &[])).await;
    store.sweep(599).await;
    let repeated = store.offer(keyed("d", 599, "long", 900, &[])).await;
    assert_eq!(repeated, Appended::Duplicate { message_id: "c".to_owned(), number: long });
    let Appended::Duplicate { number, .. } = store.offer(keyed("e", 599, "short", 900, &[])).await else {
        panic!("the second window is open");
    };
    assert!(number > first, "the second window is of the second message");
    store.sweep(600).await;
    store.append(keyed("f", 600, "long", 900, &[])).await;
}
