//! A request that was let in.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use fanfare::{SubscriptionArn, TopicArn, TopicName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::form_urlencoded;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::api::{Api, Refusal};
use crate::auth::Caller;

/// A request that was let in: who sent it, and what its body says. Whatever a handler does, it does for the caller.
pub(super) struct Admitted<T = Nothing> {
    pub(super) caller: Caller,
    pub(super) body: T,
}

/// The body of a request that needs none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl<T: DeserializeOwned> FromRequest<Arc<Api>> for Admitted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Arc<Api>) -> Result<Self, Problem> {
        let (head, body) = request.into_parts();
        let (caller, body) = api.admit(&head, body).await?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        let body =
            serde_json::from_slice(text).map_err(|error| Problem::invalid(format_args!("Body Reason: {error}")))?;
        Ok(Self { caller, body })
    }
}

impl<T> Admitted<T> {
    /// The caller's topic of that name or ARN; whether it is there is another question.
    pub(super) fn topic(&self, text: &str) -> Result<TopicArn, Problem> {
        let owner = self.caller.owner();
        if !text.starts_with("arn:") {
            return Ok(TopicArn::new(owner, &TopicName::parse(text)?));
        }
        let arn = TopicArn::parse(text)?;
        match arn.belongs_to(owner) {
            true => Ok(arn),
            false => Err(Problem::foreign(&arn, owner)),
        }
    }

    /// The subscription to a topic of the caller's with that id, the last element of its ARN; whether it is there is another
    /// question.
    pub(super) fn subscription(&self, Place { topic, id }: &Place) -> Result<SubscriptionArn, Problem> {
        let topic = self.topic(topic)?;
        SubscriptionArn::parse(&format!("{topic}:{id}")).map_err(|_| Problem::not_found("Subscription"))
    }
}

/// Which topic is meant, from the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfTopic {
    /// The topic's name, or its ARN.
    pub(super) topic: String,
}

/// Which subscription is meant, from the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Place {
    /// The topic's name, or its ARN.
    topic: String,
    /// The last element of the subscription's ARN.
    id: String,
}

/// Which message is meant, from the path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfMessage {
    /// The `MessageId`.
    pub(super) id: String,
}

/// What a path says: as [`Path`], and refused in JSON.
pub(super) struct In<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Api>> for In<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, api: &Arc<Api>) -> Result<Self, Problem> {
        let Path(value) = Path::from_request_parts(head, api)
            .await
            .map_err(|error| Problem::from(Refusal::invalid_parameter(format_args!("Path Reason: {error}"))))?;
        Ok(Self(value))
    }
}

/// What a query string says. Each parameter may come once, and none that is not known.
pub(super) struct Asked<T>(pub(super) T);

/// What can be read from a query string.
pub(super) trait FromQuery: Default + Send {
    /// Takes one parameter; nothing when it has no such parameter.
    fn take(&mut self, name: &str, value: &str) -> Option<Result<(), Problem>>;
}

impl<T: FromQuery> FromRequestParts<Arc<Api>> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Parts, _: &Arc<Api>) -> Result<Self, Problem> {
        let mut asked = T::default();
        for (name, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
            // A presigned request carries its signature here.
            if name.starts_with("X-Amz-") {
                continue;
            }
            asked
                .take(&name, &value)
                .unwrap_or_else(|| Err(Problem::invalid(format_args!("{name} Reason: there is no such parameter"))))?;
        }
        Ok(Self(asked))
    }
}
