//! Logged attempts: of a message, of a subscription.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fanfare::Attempt;
use fanfare::attempt::Next;
use fanfare::store::Stage;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::{Admitted, Asked, In, OfMessage, Place};
use super::paging::Latest;
use super::problem::Problem;
use crate::api::Api;
use crate::auth::Caller;

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// The message.
    pub message_id: String,
    /// The ARN of the subscription.
    pub subscription: String,
    /// The protocol.
    pub protocol: String,
    /// The endpoint, for people; without secrets.
    pub endpoint: String,
    /// Whether this was for the dead-letter destination and not for the endpoint.
    pub to_dead_letters: bool,
    /// Which attempt of its kind this was, from 1.
    pub number: u32,
    /// When it began.
    #[schema(format = DateTime)]
    pub started: String,
    /// For how many milliseconds it had been due by then.
    pub queued_ms: u64,
    /// How many milliseconds it took.
    pub took_ms: u64,
    /// The protocol's status number, when there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The start of what the endpoint answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
    /// What went wrong, in words; absent when it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What kind of thing went wrong, in one word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("unreachable"))]
    pub error_kind: Option<String>,
    /// When the next attempt follows, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub next: Option<String>,
    /// Why it was given up, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_up: Option<String>,
}

/// Attempts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptList {
    /// The attempts.
    pub attempts: Vec<AttemptView>,
}

/// List the attempts for a message
///
/// At all subscriptions, the oldest first, as far as the log goes back.
#[utoipa::path(get, path = "/fanfare/v1/messages/{id}/attempts", tag = "messages", operation_id = "listMessageAttempts",
    params(OfMessage),
    responses((status = 200, body = AttemptList, description = "The attempts"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn of_message(
    State(api): State<Arc<Api>>,
    In(OfMessage { id }): In<OfMessage>,
    admitted: Admitted,
) -> Result<Json<AttemptList>, Problem> {
    let attempts = own(&api, &admitted.caller, &id).await?;
    if attempts.is_empty() && !is_known(&api, &admitted.caller, &id).await? {
        return Err(Problem::not_found("Message"));
    }
    Ok(Json(AttemptList { attempts: attempts.iter().map(view).collect() }))
}

/// List the latest attempts for a subscription
///
/// Of all messages, the newest first, as far as the log goes back.
#[utoipa::path(get, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/attempts", tag = "subscriptions",
    operation_id = "listSubscriptionAttempts", params(Place, Latest),
    responses((status = 200, body = AttemptList, description = "The attempts"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn of_subscription(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    Asked(latest): Asked<Latest>,
    admitted: Admitted,
) -> Result<Json<AttemptList>, Problem> {
    let attempts = api.fanfare().latest_attempts(&admitted.subscription(&place)?, latest.limit()).await?;
    Ok(Json(AttemptList { attempts: attempts.iter().map(view).collect() }))
}

/// The attempts for a message that were made for subscriptions of the caller's topics.
pub(super) async fn own(api: &Api, caller: &Caller, message_id: &str) -> Result<Vec<Attempt>, Problem> {
    let mut attempts = api.fanfare().attempts(message_id, None).await?;
    attempts.retain(|attempt| attempt.subscription.topic().belongs_to(caller.owner()));
    Ok(attempts)
}

/// The same attempts by the ARN of their subscription.
pub(super) fn by_subscription(attempts: &[Attempt]) -> HashMap<&str, Vec<&Attempt>> {
    let mut sorted: HashMap<&str, Vec<&Attempt>> = HashMap::new();
    for attempt in attempts {
        sorted.entry(attempt.subscription.as_str()).or_default().push(attempt);
    }
    sorted
}

async fn is_known(api: &Api, caller: &Caller, message_id: &str) -> Result<bool, Problem> {
    let message = api.fanfare().message(message_id).await?;
    Ok(message.is_some_and(|message| message.topic().belongs_to(caller.owner())))
}

fn view(attempt: &Attempt) -> AttemptView {
    let ms = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (next, given_up) = match &attempt.next {
        Next::Retry { at } => (Some(at.to_string()), None),
        Next::Dropped { reason } => (None, Some(reason.clone())),
        _ => (None, None),
    };
    AttemptView {
        message_id: attempt.message_id.clone(),
        subscription: attempt.subscription.to_string(),
        protocol: attempt.protocol.to_string(),
        endpoint: attempt.endpoint.clone(),
        to_dead_letters: attempt.stage == Stage::DeadLetter,
        number: attempt.number,
        started: attempt.started.to_string(),
        queued_ms: ms(attempt.queued),
        took_ms: ms(attempt.took),
        status: attempt.status,
        response: attempt.response.clone(),
        error: attempt.failure.as_ref().map(|failure| failure.text.clone()),
        error_kind: attempt.failure.as_ref().map(|failure| failure.kind.as_str().to_owned()),
        next,
        given_up,
    }
}
