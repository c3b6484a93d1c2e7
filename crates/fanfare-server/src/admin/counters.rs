//! How many deliveries stand where.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::problem::Problem;
use crate::api::Api;

/// How many deliveries stand where, of all accounts together. The first number is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountersView {
    /// Deliveries that were called for: one for each message and matching subscription, and for each replayed one.
    pub matched: u64,
    /// Delivered.
    pub delivered: u64,
    /// Waiting for an attempt, or in one.
    pub waiting: u64,
    /// Taken by a dead-letter destination.
    pub dead_lettered: u64,
    /// Given up.
    pub dropped: u64,
}

/// Count deliveries
#[utoipa::path(get, path = "/fanfare/v1/counters", tag = "server", operation_id = "showCounters",
    responses((status = 200, body = CountersView, description = "The counters"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn show(State(api): State<Arc<Api>>, _: Admitted) -> Result<Json<CountersView>, Problem> {
    let counters = api.fanfare().counters().await?;
    Ok(Json(CountersView {
        matched: counters.matched,
        delivered: counters.delivered,
        waiting: counters.pending,
        dead_lettered: counters.dead_lettered,
        dropped: counters.dropped,
    }))
}
