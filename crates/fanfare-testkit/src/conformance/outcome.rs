//! Cases about what an attempt comes to.

use std::time::Duration;

use fanfare_core::{DeliveryErrorKind, Disposition};

use super::attempt::{accepted, assert_retried, failed, notification};
use super::subject::{Behaviour, Subject};

/// A notification that the peer took gives a receipt, with the protocol's status number if it has one.
pub async fn an_accepted_notification_gives_a_receipt(subject: &dyn Subject) {
    let receipt = accepted(&*subject.endpoint(), &notification(subject, "a parcel left the house")).await;
    assert_eq!(receipt.status(), subject.accepted_status());
}

/// A peer that cannot take anything now is tried again.
pub async fn a_passing_failure_is_retried(subject: &dyn Subject) {
    assert_retried(&failed(subject, Behaviour::FailForNow).await);
}

/// A peer that refuses the notification for good is not asked again, and stays in use for others.
pub async fn a_lasting_refusal_is_rejected(subject: &dyn Subject) {
    let error = failed(subject, Behaviour::Refuse).await;
    assert_eq!(error.disposition(), Disposition::Reject, "the refusal lasts: {error:?}");
}

/// A peer that asks for fewer is tried again, and is known as one that does.
pub async fn throttling_is_retried(subject: &dyn Subject) {
    let error = failed(subject, Behaviour::Throttle).await;
    assert_retried(&error);
    assert_eq!(error.kind(), DeliveryErrorKind::Throttled, "{error:?}");
}

/// The time that a peer asks for reaches the engine.
pub async fn throttling_carries_the_delay_that_the_peer_asks_for(subject: &dyn Subject) {
    let delay = Duration::from_secs(7);
    let error = failed(subject, Behaviour::ThrottleFor(delay)).await;
    assert_eq!(error.disposition(), Disposition::Retry { after: Some(delay) }, "{error:?}");
}

/// A peer that is not there is tried again, and is known as unreachable.
pub async fn a_peer_that_is_not_there_is_retried(subject: &dyn Subject) {
    let error = failed(subject, Behaviour::Absent).await;
    assert_retried(&error);
    assert_eq!(error.kind(), DeliveryErrorKind::Unreachable, "{error:?}");
}

/// A peer that never answers is given up within the endpoint's own time limit, and tried again.
pub async fn a_peer_that_never_answers_ends_in_a_timeout(subject: &dyn Subject) {
    let error = failed(subject, Behaviour::Silent).await;
    assert_retried(&error);
    assert_eq!(error.kind(), DeliveryErrorKind::Timeout, "{error:?}");
}

/// A connection that breaks before the answer leaves it open whether the peer has the notification: it is tried again.
pub async fn a_connection_that_breaks_is_retried(subject: &dyn Subject) {
    assert_retried(&failed(subject, Behaviour::BreakOff).await);
}

/// An endpoint whose peer was away, silent or broken delivers as soon as the peer is well.
pub async fn recovers_when_the_peer_comes_back(subject: &dyn Subject) {
    for trouble in [Behaviour::Absent, Behaviour::BreakOff, Behaviour::FailForNow] {
        failed(subject, trouble).await;
        subject.behave(Behaviour::Accept).await;
        accepted(&*subject.endpoint(), &notification(subject, "a message after the trouble")).await;
    }
    assert_eq!(subject.received().await.len(), 3);
}

/// Errors print as one line that begins in lower case, fit to stand behind another error's words.
pub async fn errors_are_one_lower_case_line(subject: &dyn Subject) {
    for behaviour in [Behaviour::FailForNow, Behaviour::Refuse, Behaviour::Absent, Behaviour::BreakOff] {
        let text = failed(subject, behaviour.clone()).await.to_string();
        assert!(!text.trim().is_empty(), "an error says what happened: {behaviour:?}");
        assert!(!text.contains(char::is_control), "an error is one line: {text:?}");
        assert!(!text.starts_with(char::is_uppercase), "an error begins in lower case: {text:?}");
    }
}
