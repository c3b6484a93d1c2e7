//! Cases about appending, taking, settling and clearing.

use fanfare_core::message::MESSAGE_BYTES_MAX;
use fanfare_core::store::{Appended, LaneOrder, Settlement};
use fanfare_core::subscription::SubscriptionId;
use fanfare_core::{Message, NotificationKind, SignatureVersion};

use super::Subject;
use super::probe::{Probe, at, carrying, entry, in_group, names, renumbered};

/// Deliveries of one time are taken in the order in which they were appended.
pub async fn appended_deliveries_are_taken_in_order<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for id in ["a", "b", "c", "d"] {
        store.append(entry(id, 0, &[1])).await;
    }
    assert_eq!(names(&store.take(1, 0, 2).await), ["a", "b"]);
    assert_eq!(names(&store.take(1, 0, 10).await), ["c", "d"]);
}

/// A message is handed out with all that it was published with, and with the sequence number of its number.
pub async fn a_message_comes_back_as_it_was_published<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let message = Message::builder(r#"{"default": "zażółć\n\u0001", "sqs": "for queues"}"#)
        .json_structure()
        .subject("a \"subject\"")
        .string("string", "ą")
        .number("number", "1.50")
        .binary("binary", vec![0, 255, 10])
        .group_id("group")
        .deduplication_id("key")
        .build()
        .expect("the message is valid");
    let mut sent = carrying(message.clone(), "orders.fifo", "a", 7, &[1]);
    sent.dispatch.publication = sent.dispatch.publication.with_signature_version(SignatureVersion::V2);
    let number = store.append(sent).await;

    let delivery = store.take_one(1, 7).await;
    let publication = &delivery.dispatch.publication;
    assert_eq!(delivery.id.0, number);
    assert_eq!(delivery.dispatch.kind, NotificationKind::Notification);
    assert_eq!(publication.message(), &message);
    assert_eq!((publication.id(), publication.timestamp()), ("a", at(7)));
    assert_eq!(publication.topic().name(), "orders.fifo");
    assert_eq!(publication.signature_version(), SignatureVersion::V2);
    assert!(!publication.carries_attributes(), "a JSON structure takes the attributes' place");
    let sequence = 10_000_000_000_000_000_000_u128 + u128::from(number) * 1000;
    assert_eq!(publication.sequence_number(), Some(sequence.to_string().as_str()));
}

/// A message of the most bytes that a message may have comes back whole.
pub async fn the_largest_message_is_kept_whole<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let message = Message::text("0123456789abcdef".repeat(MESSAGE_BYTES_MAX / 16)).expect("the message is valid");
    store.append(carrying(message.clone(), "orders", "a", 0, &[1, 2])).await;
    for lane in [1, 2] {
        let delivery = store.take_one(lane, 0).await;
        assert!(delivery.dispatch.publication.message() == &message, "the text changed");
    }
}

/// A lane hands out no more deliveries than asked for, and the others later.
pub async fn no_more_are_taken_than_asked_for<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for id in ["a", "b", "c"] {
        store.append(entry(id, 0, &[1])).await;
    }
    for id in ["a", "b", "c"] {
        assert_eq!(names(&store.take(1, 0, 1).await), [id]);
    }
    assert_eq!(names(&store.take(1, 0, 1).await), [""; 0]);
}

/// What was taken is not handed out again, and counts as pending, until it is settled; a settled one is gone.
pub async fn a_taken_delivery_is_hidden_until_it_is_settled<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    assert_eq!(names(&store.take(1, 1_000_000, 10).await), [""; 0]);
    assert_eq!(store.counts().await, [1, 0, 1, 0, 0]);
    store.settle(1, 10, &delivery, Settlement::Retry { at: at(20) }).await;
    let delivery = store.take_one(1, 20).await;
    store.settle(1, 20, &delivery, Settlement::Delivered).await;
    assert_eq!(names(&store.take(1, 1_000_000, 10).await), [""; 0]);
    assert_eq!(store.counts().await, [1, 1, 0, 0, 0]);
}

/// A delivery that is settled again stays as it was settled first, and counts once.
pub async fn settling_again_does_nothing<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 0, &delivery, Settlement::Delivered).await;
    for again in [
        Settlement::Delivered,
        Settlement::Retry { at: at(0) },
        Settlement::ToDeadLetter { reason: "late".to_owned() },
        Settlement::DeadLettered,
        Settlement::Dropped { reason: "late".to_owned() },
        Settlement::Discarded,
    ] {
        store.settle(1, 0, &delivery, again).await;
    }
    assert_eq!(store.counts().await, [1, 1, 0, 0, 0]);
    assert_eq!(names(&store.take(1, 10, 10).await), [""; 0]);
    assert_eq!(store.dead_letters(1, 10).await, []);
}

/// Settling a delivery that waits, one of another lane, or one that never was, changes nothing.
pub async fn settling_what_was_not_taken_does_nothing<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let taken = store.take_one(1, 0).await;
    let waits = store.append(entry("b", 0, &[1])).await;
    for (lane, number) in [(1, waits), (2, taken.id.0), (1, waits + 1_000), (3, waits)] {
        store.settle(lane, 0, &renumbered(&taken, number), Settlement::Delivered).await;
    }
    assert_eq!(store.counts().await, [2, 0, 2, 0, 0]);
    assert_eq!(names(&store.take(1, 0, 10).await), ["b"]);
    store.settle(1, 0, &taken, Settlement::Delivered).await;
    assert_eq!(store.counts().await, [2, 1, 1, 0, 0]);
}

/// A message that nobody wants is accepted with a number, and calls for no delivery.
pub async fn an_entry_without_lanes_is_accepted<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let first = store.append(entry("a", 0, &[])).await;
    let second = store.append(entry("b", 0, &[])).await;
    assert!(first < second, "{first} comes before {second}");
    assert_eq!(store.counts().await, [0; 5]);
    assert_eq!(store.waiting().await, []);
}

/// Each message has a larger number than all before it, also when nothing of them is left.
pub async fn numbers_grow<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let mut last = 0;
    for round in 0..20 {
        let number = store.append(entry(&format!("m{round}"), 0, &[1])).await;
        assert!(number > last, "{number} comes after {last}");
        last = number;
        let delivery = store.take_one(1, 0).await;
        store.settle(1, 0, &delivery, Settlement::Delivered).await;
    }
}

/// Confirmation messages are delivered as any other, with their token, and the counters leave them out.
pub async fn confirmations_are_not_counted<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let subscribed = NotificationKind::SubscriptionConfirmation { token: "ab12".into() };
    let ended = NotificationKind::UnsubscribeConfirmation { token: "cd34".into() };
    for (id, kind) in [("a", &subscribed), ("b", &ended)] {
        let mut confirmation = entry(id, 0, &[1]);
        confirmation.dispatch.kind = kind.clone();
        store.append(confirmation).await;
    }
    let taken = store.take(1, 0, 10).await;
    assert_eq!(names(&taken), ["a", "b"]);
    assert_eq!([&taken[0].dispatch.kind, &taken[1].dispatch.kind], [&subscribed, &ended]);
    assert_eq!(store.counts().await, [0; 5]);
    store.settle(1, 0, &taken[0], Settlement::Delivered).await;
    store.settle(1, 0, &taken[1], Settlement::Dropped { reason: "gone".to_owned() }).await;
    assert_eq!(store.redrive(1, 0).await, 1);
    assert_eq!(store.clear(1, 10).await.len(), 1);
    assert_eq!(store.counts().await, [0; 5]);
}

/// What happens to a message in one lane leaves it alone in the others.
pub async fn lanes_are_independent<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    const FAR: u64 = (1 << 63) - 1;
    store.append(entry("a", 0, &[1, 2, FAR])).await;
    store.append(entry("b", 0, &[2])).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 0, &delivery, Settlement::Dropped { reason: "no".to_owned() }).await;
    assert_eq!(names(&store.clear(FAR, 10).await), ["a"]);
    let taken = store.take(2, 0, 10).await;
    assert_eq!(names(&taken), ["a", "b"]);
    assert_eq!(names(&store.take(1, 0, 10).await), [""; 0]);
    assert_eq!(store.dead_letters(2, 10).await, []);
    store.settle(2, 0, &taken[0], Settlement::Delivered).await;
    assert_eq!(store.counts().await, [4, 1, 1, 0, 2]);
}

/// A lane that has no room refuses a message that other lanes take, and has room again when deliveries settle.
pub async fn a_full_lane_refuses_for_itself_alone<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let room = subject.bounds().lane_deliveries.expect("lanes have a bound");
    let taken_max = 3;
    for number in 0..room {
        store.append(entry(&format!("m{number}"), 0, &[1])).await;
    }
    let taken = store.take(1, 0, taken_max).await;
    let Appended::Accepted { refused, .. } = store.offer(entry("late", 0, &[1, 2])).await else {
        panic!("the message is accepted for lane 2");
    };
    assert_eq!(refused, [SubscriptionId(1)]);
    assert_eq!(names(&store.take(2, 0, 10).await), ["late"]);
    let all = room as u64;
    assert_eq!(store.counts().await, [all + 2, 0, all + 1, 0, 1]);
    store.settle(1, 0, &taken[0], Settlement::Delivered).await;
    store.append(entry("in time", 0, &[1])).await;
    assert_eq!(store.counts().await, [all + 3, 1, all + 1, 0, 1]);
}

/// Clearing gives up what waits, as many as asked for, due or not; what is taken can still be settled.
pub async fn clearing_leaves_what_is_taken<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for id in ["a", "b", "c", "d"] {
        store.append(in_group(id, 0, Some("g"), &[1])).await;
    }
    let taken = store.take(1, 0, 2).await;
    store.settle(1, 0, &taken[0], Settlement::Retry { at: at(1_000_000) }).await;
    let mut cleared = names(&store.clear(1, 2).await);
    assert_eq!(cleared.len(), 2);
    assert_eq!(store.counts().await, [4, 0, 2, 0, 2]);
    cleared.extend(names(&store.clear(1, 10).await));
    cleared.sort_unstable();
    assert_eq!(cleared, ["a", "c", "d"]);
    assert_eq!(names(&store.clear(1, 10).await), [""; 0]);
    assert_eq!(store.counts().await, [4, 0, 1, 0, 3]);
    assert_eq!(store.dead_letters(1, 10).await, []);
    store.settle(1, 0, &taken[1], Settlement::Delivered).await;
    assert_eq!(store.counts().await, [4, 1, 0, 0, 3]);
}

/// A delivery that is not wanted any more counts as dropped and is no dead letter.
pub async fn a_discarded_delivery_leaves_its_count_alone<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 0, &[1])).await;
    let delivery = store.take_one(1, 0).await;
    store.settle(1, 0, &delivery, Settlement::Discarded).await;
    assert_eq!(store.counts().await, [1, 0, 0, 0, 1]);
    assert_eq!(store.dead_letters(1, 10).await, []);
    assert_eq!(store.redrive(1, 0).await, 0);
}

/// Each lane in which something waits is listed with the time at which its first is due, due or not.
pub async fn waiting_lists_each_lane_with_its_first_time<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    store.append(entry("a", 5, &[1, 3])).await;
    store.append(entry("b", 9, &[1, 2])).await;
    assert_eq!(store.waiting().await, [(1, at(5)), (2, at(9)), (3, at(5))]);
    let delivery = store.take_one(3, 5).await;
    store.settle(3, 6, &delivery, Settlement::Retry { at: at(700_000) }).await;
    assert_eq!(store.waiting().await, [(1, at(5)), (2, at(9)), (3, at(700_000))]);
    let delivery = store.take_one(2, 9).await;
    store.settle(2, 9, &delivery, Settlement::Delivered).await;
    store.clear(1, 10).await;
    assert_eq!(store.waiting().await, [(3, at(700_000))]);
    assert_eq!(store.next_due(1, LaneOrder::Due).await, None);
}
