//! Why a message did not arrive, or did: at each subscription of its topic.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fanfare::attempt::Next;
use fanfare::engine::Standing;
use fanfare::{Attempt, Subscription, TopicArn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::{Admitted, Asked, In, OfMessage};
use super::attempts::{by_subscription, own};
use super::paging::Part;
use super::problem::Problem;
use super::subscriptions::{place, read_place};
use crate::api::{Api, endpoint};

/// A message, and how it stands at the subscriptions of its topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageView {
    /// Its `MessageId`.
    pub message_id: String,
    /// The ARN of its topic.
    pub topic: String,
    /// When the topic accepted it; absent when only its attempts are still known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub accepted: Option<String>,
    /// Its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What its text and attributes come to, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its place in a FIFO topic, in decimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
    /// A page of the topic's subscriptions. Those that have ended since come with the first page, if attempts were made for
    /// them.
    pub subscriptions: Vec<Explained>,
    /// What asks for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What became of a message at one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    /// The ARN of the subscription.
    pub subscription: String,
    /// The protocol.
    pub protocol: String,
    /// The address, a password in it hidden.
    pub endpoint: String,
    /// What became of it, as a class.
    pub outcome: Outcome,
    /// What became of it and why, in words.
    pub because: String,
    /// How many attempts the log has.
    pub attempts: usize,
    /// When the next attempt is or was due, if it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub due: Option<String>,
    /// What went wrong in the last attempt, if something did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// What became of a message at a subscription, as a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The endpoint has it.
    Delivered,
    /// It waits for an attempt, or is in one.
    Waiting,
    /// It was given up, and the dead-letter destination has it.
    DeadLettered,
    /// It was given up.
    Dropped,
    /// The filter policy leaves it out.
    FilteredOut,
    /// The subscription is not confirmed.
    NotConfirmed,
    /// The subscription was made after it was published.
    SubscribedLater,
    /// Nothing is known of it any more.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Delivered => "delivered",
            Self::Waiting => "waiting",
            Self::DeadLettered => "dead-lettered",
            Self::Dropped => "dropped",
            Self::FilteredOut => "filtered out",
            Self::NotConfirmed => "not confirmed",
            Self::SubscribedLater => "subscribed later",
            Self::Unknown => "unknown",
        })
    }
}

/// Ask why a message did not arrive
///
/// What became of it at each subscription of its topic, and why.
#[utoipa::path(get, path = "/fanfare/v1/messages/{id}", tag = "messages", operation_id = "showMessage",
    params(OfMessage, Part),
    responses((status = 200, body = MessageView, description = "The message, and how it stands"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    In(OfMessage { id: message_id }): In<OfMessage>,
    Asked(part): Asked<Part>,
    admitted: Admitted,
) -> Result<Json<MessageView>, Problem> {
    let message = api.fanfare().message(&message_id).await?;
    let message = message.filter(|message| message.topic().belongs_to(admitted.caller.owner()));
    let attempts = own(&api, &admitted.caller, &message_id).await?;
    let topic: TopicArn = match (&message, attempts.first()) {
        (Some(message), _) => message.topic().clone(),
        (None, Some(attempt)) => attempt.subscription.topic(),
        (None, None) => return Err(Problem::not_found("Message")),
    };
    let mut subscriptions = Vec::new();
    let recipient = message.as_ref().and_then(|message| message.recipient());
    if let Some(address) = recipient {
        if let Some((protocol, explanation)) = api.fanfare().why_directly(&message_id).await? {
            let place = (format!("{topic}:direct"), protocol.to_string(), address.to_owned());
            subscriptions.push(explained_at(place, &explanation.standing, &explanation.attempts));
        }
    } else if part.is_first() {
        let by_subscription = by_subscription(&attempts);
        subscriptions.extend(by_subscription.values().filter_map(|attempts| {
            let last = attempts.last()?;
            let is_there = api.fanfare().subscription(&last.subscription).is_ok();
            (!is_there).then(|| ended_since(last, attempts.len()))
        }));
        subscriptions.sort_unstable_by(|a, b| a.subscription.cmp(&b.subscription));
    }
    let after = part.after(read_place)?;
    // A topic that was deleted has no subscriptions.
    let known = api.fanfare().subscriptions_page(&topic, after, part.max()).unwrap_or_default();
    let (page, next) = part.page(known, |known| place(known));
    for known in &page {
        // One that ended in between is left out.
        if let Ok(explanation) = api.fanfare().why(&message_id, known.arn()).await {
            subscriptions.push(explained(known, &explanation.standing, &explanation.attempts));
        }
    }
    for explained in &mut subscriptions {
        if let Some(told) = api.mobile().settings().receipts.told(&message_id, &explained.subscription) {
            explained.because.push_str(&format!("; {told}"));
        }
    }
    Ok(Json(MessageView {
        message_id,
        topic: topic.to_string(),
        accepted: message.as_ref().map(|message| message.timestamp().to_string()),
        subject: message.as_ref().and_then(|message| message.message().subject().map(str::to_owned)),
        bytes: message.as_ref().map(|message| message.message().size() as u64),
        sequence_number: message.as_ref().and_then(|message| message.sequence_number().map(str::to_owned)),
        subscriptions,
        next,
    }))
}

fn explained(known: &Subscription, standing: &Standing, attempts: &[Attempt]) -> Explained {
    let place = (known.arn().to_string(), known.protocol().to_string(), endpoint(known));
    explained_at(place, standing, attempts)
}

/// What became of it at a subscription, or at the one address that it was published to: the ARN that it is told for, the
/// protocol and the address.
fn explained_at(
    (subscription, protocol, endpoint): (String, String, String),
    standing: &Standing,
    attempts: &[Attempt],
) -> Explained {
    let last = attempts.last();
    let due = match standing {
        Standing::Pending { due, .. } => Some(due.to_string()),
        _ => None,
    };
    let (outcome, because) = match standing {
        Standing::Delivered => (Outcome::Delivered, delivered(last)),
        Standing::Pending { paused: true, .. } => (Outcome::Waiting, "it waits: the subscription is paused".to_owned()),
        Standing::Pending { .. } => (Outcome::Waiting, waiting(last)),
        Standing::Dead(dead) if attempts.iter().any(|attempt| attempt.next == Next::DeadLettered) => {
            (Outcome::DeadLettered, format!("the dead-letter destination has it: {}", dead.reason))
        }
        Standing::Dead(dead) => {
            (Outcome::Dropped, format!("given up {}: {}{}", dead.at, dead.reason, before_that(attempts)))
        }
        Standing::FilteredOut { because, .. } => {
            (Outcome::FilteredOut, format!("the filter policy as it is now leaves it out: {because}"))
        }
        Standing::NotConfirmed => {
            (Outcome::NotConfirmed, "the subscription is not confirmed, so that it gets nothing".to_owned())
        }
        Standing::SubscribedLater { made } => {
            (Outcome::SubscribedLater, format!("the subscription was made {made}, after the message was published"))
        }
        _ => last.and_then(ended).unwrap_or_else(|| {
            let text = "no delivery of it is known: the subscription was confirmed later or had another filter policy, or \
                        the message is too old";
            (Outcome::Unknown, text.to_owned())
        }),
    };
    Explained {
        subscription,
        protocol,
        endpoint,
        outcome,
        because,
        attempts: attempts.len(),
        due,
        last_error: last.and_then(|last| Some(last.failure.as_ref()?.text.clone())),
    }
}

/// What the log says of a subscription that is there no more.
fn ended_since(last: &Attempt, attempts: usize) -> Explained {
    let (outcome, because) = ended(last).unwrap_or_else(|| (Outcome::Dropped, "the subscription has ended".to_owned()));
    Explained {
        subscription: last.subscription.to_string(),
        protocol: last.protocol.to_string(),
        endpoint: last.endpoint.clone(),
        outcome,
        because,
        attempts,
        due: None,
        last_error: last.failure.as_ref().map(|failure| failure.text.clone()),
    }
}

/// How it ended by its last attempt, if that was the end.
fn ended(last: &Attempt) -> Option<(Outcome, String)> {
    match &last.next {
        Next::Delivered => Some((Outcome::Delivered, delivered(Some(last)))),
        Next::DeadLettered => Some((Outcome::DeadLettered, "the dead-letter destination has it".to_owned())),
        Next::Dropped { reason } => Some((Outcome::Dropped, format!("given up: {reason}"))),
        _ => None,
    }
}

/// Why it had gone to the dead-letter destination, which did not take it either.
fn before_that(attempts: &[Attempt]) -> String {
    let given_up = attempts.iter().rev().find(|attempt| attempt.next == Next::ToDeadLetter);
    let failure = given_up.and_then(|attempt| attempt.failure.as_ref());
    failure.map(|failure| format!("; before that, the endpoint: {}", failure.text)).unwrap_or_default()
}

fn delivered(last: Option<&Attempt>) -> String {
    match last {
        Some(last) => {
            let (at, took) = (last.started + last.took, last.took.as_millis());
            format!("the endpoint took it {at}, at attempt {}, in {took} ms", last.number)
        }
        None => "the endpoint took it".to_owned(),
    }
}

fn waiting(last: Option<&Attempt>) -> String {
    match last.map(|last| (last, &last.failure)) {
        Some((last, Some(failure))) => format!("attempt {} failed: {}", last.number, failure.text),
        _ => "it waits for its turn, or is in its first attempt".to_owned(),
    }
}
