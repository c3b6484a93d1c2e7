//! What a request is refused with: a code, a status and a text, in JSON.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use fanfare::{Owner, SnsError, SnsErrorCode, TopicArn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Refusal;

/// Why a request was refused. Nothing was changed then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Amazon SNS's code where it has one, such as `NotFound` or `InvalidParameter`.
    #[schema(examples("NotFound"))]
    pub code: String,
    /// What is wrong, for people.
    #[schema(examples("Topic does not exist"))]
    pub message: String,
    /// The status of the response.
    #[serde(skip)]
    status: u16,
}

impl Problem {
    /// A part of the request that is not as it has to be; `detail` names it.
    pub(super) fn invalid(detail: impl fmt::Display) -> Self {
        SnsError::invalid_parameter(detail).into()
    }

    /// Something that is not there, or not the caller's.
    pub(super) fn not_found(what: &str) -> Self {
        SnsError::not_found(what).into()
    }

    /// A topic that is another account's, or in another region than the one that the request is for.
    pub(super) fn foreign(topic: &TopicArn, owner: &Owner) -> Self {
        let (account, region) = (owner.account(), owner.region());
        let message =
            format!("{topic} is not a topic of account {account} in {region}, for which the request is signed");
        SnsError::new(SnsErrorCode::AuthorizationError, message).into()
    }

    /// A request that no part of this API is for.
    pub(super) fn no_such_request(status: StatusCode, message: impl Into<String>) -> Self {
        Self { code: "InvalidAction".to_owned(), message: message.into(), status: status.as_u16() }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let (code, message) = (refusal.code().to_owned(), refusal.message().to_owned());
        Self { code, message, status: refusal.status() }
    }
}

impl From<SnsError> for Problem {
    fn from(error: SnsError) -> Self {
        Refusal::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self)).into_response()
    }
}
