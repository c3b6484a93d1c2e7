//! Cases about several notifications in one call.

use fanfare_core::{Disposition, Slot};

use super::attempt::{deliver_batch, numbered};
use super::subject::{Behaviour, Subject};

/// The most notifications that the cases put into a batch.
const BATCH_MAX: usize = 100;

/// Each slot gets its own outcome, and the peer what it took, when it refuses some of a batch. No batch is larger than
/// the endpoint's limits allow.
pub async fn settles_each_slot_of_a_batch(subject: &dyn Subject) {
    let endpoint = subject.endpoint();
    subject.behave(Behaviour::RefuseTextsWith("poison".to_owned())).await;
    let texts = ["a first", "a poison", "a third", "b fourth", "b poison", "b sixth"];
    let size = endpoint.limits().notifications.get();
    let mut settled = Vec::new();
    for (number, texts) in texts.chunks(size).enumerate() {
        let slots = texts.iter().enumerate().map(|(at, text)| Slot::new(numbered(subject, number * size + at, text)));
        let mut slots: Vec<_> = slots.collect();
        deliver_batch(&*endpoint, &mut slots).await;
        settled.extend(slots.into_iter().map(Slot::into_outcome));
    }
    for (text, outcome) in texts.iter().zip(settled) {
        match outcome {
            None => panic!("the slot of {text:?} was left open, and nothing is unknown about it"),
            Some(Ok(_)) => assert!(!text.contains("poison"), "{text:?} was refused, and yet has a receipt"),
            Some(Err(error)) => {
                assert!(text.contains("poison"), "{text:?} was taken, and yet has an error: {error:?}");
                assert_eq!(error.disposition(), Disposition::Reject, "the refusal of {text:?} lasts: {error:?}");
            }
        }
    }
    assert_eq!(received_texts(subject).await, ["a first", "a third", "b fourth", "b sixth"]);
}

/// A batch as large as the limits allow (of 100 at most) arrives whole, each notification once.
pub async fn delivers_a_full_batch(subject: &dyn Subject) {
    let endpoint = subject.endpoint();
    let size = endpoint.limits().notifications.get().min(BATCH_MAX);
    let texts: Vec<_> = (0..size).map(|number| format!("message {number:03}")).collect();
    let slots = texts.iter().enumerate().map(|(number, text)| Slot::new(numbered(subject, number, text)));
    let mut slots: Vec<_> = slots.collect();
    deliver_batch(&*endpoint, &mut slots).await;
    for (text, slot) in texts.iter().zip(slots) {
        let outcome = slot.into_outcome();
        assert!(matches!(outcome, Some(Ok(_))), "{text:?} has no receipt: {outcome:?}");
    }
    assert_eq!(received_texts(subject).await, texts);
}

/// A slot that an earlier call settled is not delivered again, and keeps its outcome.
pub async fn leaves_settled_slots_alone(subject: &dyn Subject) {
    let endpoint = subject.endpoint();
    let mut slots = ["first", "second"].map(|text| Slot::new(numbered(subject, text.len(), text)));
    subject.behave(Behaviour::Refuse).await;
    deliver_batch(&*endpoint, &mut slots[..1]).await;
    subject.behave(Behaviour::Accept).await;
    deliver_batch(&*endpoint, &mut slots).await;
    let [first, second] = slots.map(Slot::into_outcome);
    assert!(matches!(first, Some(Err(_))), "the first slot was settled with an error, and is now {first:?}");
    assert!(matches!(second, Some(Ok(_))), "the second slot has no receipt: {second:?}");
    assert_eq!(received_texts(subject).await, ["second"]);
}

/// The texts that the peer received, in the order of the alphabet: a batch promises no other.
async fn received_texts(subject: &dyn Subject) -> Vec<String> {
    let mut texts: Vec<_> = subject.received().await.into_iter().map(|received| received.text).collect();
    texts.sort();
    texts
}
