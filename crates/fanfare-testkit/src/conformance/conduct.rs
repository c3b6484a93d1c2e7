//! Cases about how an endpoint behaves towards the engine.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::{Context, Waker};

use tokio::task::JoinSet;

use super::attempt::{accepted, deliver, failed, id, notification, numbered};
use super::subject::{Behaviour, Subject};

/// How many deliveries run at once.
const AT_ONCE: usize = 50;

/// A call asks the peer once: the schedule of retries is the engine's.
pub async fn tries_once_for_each_call(subject: &dyn Subject) {
    failed(subject, Behaviour::FailForNow).await;
    assert_eq!(subject.attempts().await, 1, "one call is one attempt");
    subject.behave(Behaviour::Accept).await;
    accepted(&*subject.endpoint(), &notification(subject, "a message that succeeds")).await;
    assert_eq!(subject.attempts().await, 2, "one more call is one more attempt");
}

/// Each attempt carries the same message id, so that the peer can tell a repetition.
pub async fn keeps_the_message_id_on_every_attempt(subject: &dyn Subject) {
    let endpoint = subject.endpoint();
    let first = notification(subject, "a message that is delivered twice");
    accepted(&*endpoint, &first).await;
    let second = first.as_attempt(NonZeroU32::MIN.saturating_add(1));
    accepted(&*endpoint, &second).await;
    let ids: Vec<_> = subject.received().await.into_iter().map(|received| received.message_id).collect();
    assert_eq!(ids, [Some(id(1)), Some(id(1))]);
}

/// Calls that run at the same time arrive all, each once, and each with its own id and text.
pub async fn delivers_concurrently_without_mixing(subject: &dyn Subject) {
    let text = |number: usize| format!("message {number} {}", number.to_string().repeat(100));
    let mut deliveries = JoinSet::new();
    for number in 0..AT_ONCE {
        let endpoint = subject.endpoint();
        let notification = numbered(subject, number, &text(number));
        deliveries.spawn(async move { deliver(&*endpoint, &notification).await });
    }
    for outcome in deliveries.join_all().await {
        assert!(outcome.is_ok(), "the peer takes everything: {outcome:?}");
    }
    let mut received = subject.received().await;
    received.sort_by_key(|received| received.text.split(' ').nth(1).and_then(|number| number.parse::<usize>().ok()));
    let texts: Vec<_> = received.iter().map(|received| received.text.clone()).collect();
    assert_eq!(texts, (0..AT_ONCE).map(text).collect::<Vec<_>>());
    for (number, received) in received.into_iter().enumerate() {
        if let Some(message_id) = received.message_id {
            assert_eq!(message_id, id(number), "the id of one message came with the text of another");
        }
    }
}

/// A call that is dropped, before it has begun to wait or while the peer is silent, does no harm to the next.
pub async fn a_cancelled_delivery_leaves_the_endpoint_usable(subject: &dyn Subject) {
    let endpoint = subject.endpoint();
    subject.behave(Behaviour::Silent).await;
    let cancelled = numbered(subject, 1, "a message that is cut off");
    {
        let mut delivery = pin!(endpoint.deliver(&cancelled));
        let _ = delivery.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    let before = subject.attempts().await;
    tokio::select! {
        biased;
        outcome = deliver(&*endpoint, &cancelled) => panic!("the peer is silent, and yet there is an outcome: {outcome:?}"),
        () = subject.wait_for_attempts(before + 1) => {}
    }
    subject.behave(Behaviour::Accept).await;
    for number in 2..5 {
        accepted(&*endpoint, &numbered(subject, number, "a message after it")).await;
    }
    // What was cut off may have arrived all the same: the engine takes it as unknown, and tries it again.
    let received = subject.received().await;
    let after = received.iter().filter(|received| received.text == "a message after it");
    assert_eq!(after.count(), 3);
}

/// Neither the endpoint nor its receipts and errors show a password, key or token.
pub async fn display_and_debug_show_no_secret(subject: &dyn Subject) {
    let secrets = subject.secrets();
    assert!(!secrets.is_empty(), "name a secret, or ignore this case and say why there is none");
    let endpoint = subject.endpoint();
    let receipt = accepted(&*endpoint, &notification(subject, "a message that succeeds")).await;
    let mut shown =
        vec![format!("{endpoint}"), format!("{endpoint:?}"), format!("{endpoint:#?}"), format!("{receipt:?}")];
    for behaviour in [Behaviour::FailForNow, Behaviour::Refuse, Behaviour::Absent, Behaviour::BreakOff] {
        let error = failed(subject, behaviour).await;
        shown.extend([error.to_string(), format!("{error:?}")]);
    }
    for text in shown {
        assert!(!text.is_empty(), "an endpoint has a name to show");
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a secret is shown: {text}");
        }
    }
}

/// The endpoint gives the protocol's name as Amazon SNS spells it.
pub async fn names_its_protocol(subject: &dyn Subject) {
    assert_eq!(subject.endpoint().protocol().as_str(), subject.protocol());
}
