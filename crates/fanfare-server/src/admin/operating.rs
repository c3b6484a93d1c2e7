//! What operators do to a subscription: confirm, pause, resume, redrive, replay.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use fanfare::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::{Admitted, Asked, In, Place};
use super::paging::Latest;
use super::problem::Problem;
use super::subscriptions::{SubscriptionView, view};
use crate::api::Api;

/// How many dead letters were put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Redriven {
    /// How many.
    pub redriven: u64,
}

/// Which archived messages are delivered again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayRange {
    /// The first moment at which they were accepted.
    #[schema(format = DateTime, examples("2026-01-02T03:04:05.678Z"))]
    pub from: String,
    /// The last such moment. With one, the subscription gets nothing new afterwards, until it is replayed without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub to: Option<String>,
}

/// How many messages are delivered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// How many.
    pub replayed: u64,
}

/// A dead letter: what went to the dead-letter destination, or was given up where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterView {
    /// The message.
    pub message_id: String,
    /// When it was given up.
    #[schema(format = DateTime)]
    pub at: String,
    /// Why.
    pub reason: String,
}

/// Dead letters, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetterList {
    /// The dead letters.
    pub dead_letters: Vec<DeadLetterView>,
}

/// Confirm a subscription
///
/// Without the token that its endpoint was sent: the operator vouches for the endpoint. Again is no error.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/confirm", tag = "operating",
    operation_id = "confirmSubscription",
    params(Place),
    responses((status = 200, body = SubscriptionView, description = "It is confirmed"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn confirm(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    admitted: Admitted,
) -> Result<Json<SubscriptionView>, Problem> {
    let arn = admitted.subscription(&place)?;
    api.fanfare().confirm_unasked(&arn).await?;
    Ok(Json(view(&api, &admitted, &arn).await?))
}

/// Pause a subscription
///
/// What is published waits until it is resumed.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/pause", tag = "operating",
    operation_id = "pauseSubscription",
    params(Place),
    responses((status = 200, body = SubscriptionView, description = "It is paused"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn pause(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    admitted: Admitted,
) -> Result<Json<SubscriptionView>, Problem> {
    let arn = admitted.subscription(&place)?;
    api.fanfare().pause(&arn).await?;
    Ok(Json(view(&api, &admitted, &arn).await?))
}

/// Resume a subscription
///
/// Beginning with what has waited.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/resume", tag = "operating",
    operation_id = "resumeSubscription",
    params(Place),
    responses((status = 200, body = SubscriptionView, description = "It goes on"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn resume(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    admitted: Admitted,
) -> Result<Json<SubscriptionView>, Problem> {
    let arn = admitted.subscription(&place)?;
    api.fanfare().resume(&arn).await?;
    Ok(Json(view(&api, &admitted, &arn).await?))
}

/// Redrive a subscription
///
/// Its dead letters are put back as if they were new.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/redrive", tag = "operating",
    operation_id = "redriveSubscription",
    params(Place),
    responses((status = 200, body = Redriven, description = "How many dead letters were put back"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn redrive(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    admitted: Admitted,
) -> Result<Json<Redriven>, Problem> {
    let redriven = api.fanfare().redrive(&admitted.subscription(&place)?).await?;
    Ok(Json(Redriven { redriven }))
}

/// Replay archived messages to a subscription
///
/// Those that its filter policy wants, marked with the attribute `Replayed`. The topic must have an `ArchivePolicy`.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/replay", tag = "operating",
    operation_id = "replaySubscription",
    params(Place),
    request_body = ReplayRange,
    responses((status = 200, body = Replayed, description = "How many messages are delivered again"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn replay(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    admitted: Admitted<ReplayRange>,
) -> Result<Json<Replayed>, Problem> {
    let ReplayRange { from, to } = &admitted.body;
    let (from, to) = (time("from", from)?, to.as_deref().map(|to| time("to", to)).transpose()?);
    let replayed = api.fanfare().replay(&admitted.subscription(&place)?, from, to).await?;
    Ok(Json(Replayed { replayed }))
}

/// List the dead letters of a subscription
///
/// The oldest first.
#[utoipa::path(get, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}/dead-letters", tag = "operating",
    operation_id = "listDeadLetters",
    params(Place, Latest),
    responses((status = 200, body = DeadLetterList, description = "The dead letters"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn dead_letters(
    State(api): State<Arc<Api>>,
    In(place): In<Place>,
    Asked(latest): Asked<Latest>,
    admitted: Admitted,
) -> Result<Json<DeadLetterList>, Problem> {
    let dead = api.fanfare().dead_letters(&admitted.subscription(&place)?, latest.limit()).await?;
    let dead_letters = dead.into_iter().map(|dead| DeadLetterView {
        message_id: dead.message_id,
        at: dead.at.to_string(),
        reason: dead.reason,
    });
    Ok(Json(DeadLetterList { dead_letters: dead_letters.collect() }))
}

/// A time of RFC 3339.
fn time(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| Problem::invalid(format_args!("{name} Reason: must be a time such as 2026-01-02T03:04:05Z")))?;
    Ok(Timestamp::from_unix_ms(time.as_millisecond()))
}
