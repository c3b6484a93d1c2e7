//! Opt-outs: noting that somebody wants no text messages, as when `STOP` came from their phone.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;

use super::admitted::{Admitted, In};
use super::problem::Problem;
use crate::api::Api;

/// Which phone number is meant, from the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfNumber {
    /// The number, such as `+15551234567`.
    number: String,
}

/// Opt a phone number out
///
/// It gets no text messages of the account any more: `Publish` to it is refused, and what topics bring it fails for good. Amazon
/// SNS's operations list it and opt it in again. Again is no error.
#[utoipa::path(put, path = "/fanfare/v1/opt-outs/{number}", tag = "operating", operation_id = "optOutPhoneNumber",
    params(OfNumber),
    responses((status = 204, description = "It is noted"), (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn opt_out(
    State(api): State<Arc<Api>>,
    In(OfNumber { number }): In<OfNumber>,
    admitted: Admitted,
) -> Result<StatusCode, Problem> {
    api.mobile().opt_out(admitted.caller.owner(), &number).await?;
    Ok(StatusCode::NO_CONTENT)
}
