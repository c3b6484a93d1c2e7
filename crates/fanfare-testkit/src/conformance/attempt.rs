//! One attempt within a case: no call may last for ever, and what it came to is claimed in clear words.

use std::time::Duration;

use fanfare_core::{
    Batch, DeliveryError, Disposition, Endpoint, Message, MessageBuilder, Notification, Outcome, Receipt, Slot,
};

use super::subject::{Behaviour, Received, Subject};

/// How long one call may take before the suite gives the endpoint up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The id of the message number `number`.
pub(super) fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// The first notification of a case, with this text alone.
pub(super) fn notification(subject: &dyn Subject, text: &str) -> Notification {
    numbered(subject, 1, text)
}

/// The notification number `number` of a case, with this text alone.
pub(super) fn numbered(subject: &dyn Subject, number: usize, text: &str) -> Notification {
    built(subject, number, Message::builder(text))
}

/// The notification number `number` of a case.
pub(super) fn built(subject: &dyn Subject, number: usize, message: MessageBuilder) -> Notification {
    subject.notification(&id(number), message.build().expect("the message of a case is valid"))
}

/// Tries once, and gives the endpoint up when it does not come to an end.
pub(super) async fn deliver(endpoint: &dyn Endpoint, notification: &Notification) -> Outcome {
    match tokio::time::timeout(PATIENCE, endpoint.deliver(notification)).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("the call did not end by itself within {} s", PATIENCE.as_secs()),
    }
}

/// Tries once to deliver the open slots, and gives the endpoint up when it does not come to an end.
pub(super) async fn deliver_batch(endpoint: &dyn Endpoint, slots: &mut [Slot]) {
    if tokio::time::timeout(PATIENCE, endpoint.deliver_batch(&mut Batch::new(slots))).await.is_err() {
        panic!("the batch did not end by itself within {} s", PATIENCE.as_secs());
    }
}

/// Delivers and claims that it was taken.
pub(super) async fn accepted(endpoint: &dyn Endpoint, notification: &Notification) -> Receipt {
    match deliver(endpoint, notification).await {
        Ok(receipt) => receipt,
        Err(error) => panic!("the peer takes everything, and yet the outcome is an error: {error:?}"),
    }
}

/// Delivers to a peer of this behaviour, and claims that it failed.
pub(super) async fn failed(subject: &dyn Subject, behaviour: Behaviour) -> DeliveryError {
    subject.behave(behaviour.clone()).await;
    match deliver(&*subject.endpoint(), &notification(subject, "a message that fails")).await {
        Err(error) => error,
        Ok(receipt) => panic!("the peer was told to {behaviour:?}, and yet there is a receipt: {receipt:?}"),
    }
}

/// Claims that the engine is told to try again.
pub(super) fn assert_retried(error: &DeliveryError) {
    assert!(
        matches!(error.disposition(), Disposition::Retry { .. }),
        "the failure passes, and yet it is not retried: {error:?}"
    );
}

/// What the peer received, which must be one notification.
pub(super) async fn received_one(subject: &dyn Subject) -> Received {
    let mut received = subject.received().await;
    assert_eq!(received.len(), 1, "one notification was delivered, the peer received another number of them");
    received.remove(0)
}

/// Claims that a text arrived as it was, without printing long ones.
pub(super) fn assert_same_text(received: &str, sent: &str) {
    if received == sent {
        return;
    }
    let same = received.bytes().zip(sent.bytes()).take_while(|(a, b)| a == b).count();
    let excerpt = |text: &str| String::from_utf8_lossy(&text.as_bytes()[same..text.len().min(same + 40)]).into_owned();
    panic!(
        "the text changed on its way: {} bytes were sent and {} received; from byte {same} on, sent {:?}, received {:?}",
        sent.len(),
        received.len(),
        excerpt(sent),
        excerpt(received)
    );
}
