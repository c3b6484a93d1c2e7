//! The outbox over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use fanfare::{MessageType, Protocol};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::failure::Failure;
use super::kept::{Choice, Kept};
use super::outbox::Outbox;
use super::span;
use crate::api::{admit, response};
use crate::auth::Mode;

/// How long somebody waits who does not say how long, and how long at the most.
const WAIT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(10 * 60);

/// Shows `outbox` to callers that `mode` lets in; [`emulate`](super) has the table. Errors are `{"error": "..."}`.
pub fn router(outbox: Outbox, mode: Mode) -> Router {
    let state = Arc::new(Desk { outbox, mode });
    Router::new()
        .route("/_fanfare/outbox", get(list).delete(clear))
        .route("/_fanfare/outbox/wait", get(wait))
        .route("/_fanfare/outbox/fail", post(fail))
        .with_state(state)
}

struct Desk {
    outbox: Outbox,
    mode: Mode,
}

async fn list(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(request, async |desk, head, _| {
        let mut asked = Asked::of(&head)?;
        let choice = asked.choice()?;
        asked.nothing_more()?;
        Ok(listed(StatusCode::OK, desk.outbox.list(&choice), &desk.outbox, None))
    })
    .await
}

async fn wait(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(request, async |desk, head, _| {
        let mut asked = Asked::of(&head)?;
        let choice = asked.choice()?;
        let count = match asked.take("count") {
            None => 1,
            Some(count) => count.parse().map_err(|_| "count must be a whole number".to_owned())?,
        };
        let limit = match asked.take("timeout") {
            None => WAIT,
            Some(text) => span::parse(&text).filter(|limit| *limit <= WAIT_MAX).ok_or_else(|| {
                format!("timeout must be a span of time such as 10s, at most {} s", WAIT_MAX.as_secs())
            })?,
        };
        asked.nothing_more()?;
        let kept = desk.outbox.wait(&choice, count, limit).await;
        let (status, error) = match kept.len() >= count {
            true => (StatusCode::OK, None),
            false => {
                let error = format!("{} of {count} deliveries were kept within {limit:?}", kept.len());
                (StatusCode::GATEWAY_TIMEOUT, Some(error))
            }
        };
        Ok(listed(status, kept, &desk.outbox, error))
    })
    .await
}

async fn clear(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(request, async |desk, head, _| {
        Asked::of(&head)?.nothing_more()?;
        desk.outbox.clear();
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

async fn fail(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    desk.answer(request, async |desk, _, body| {
        let failure: Failure =
            serde_json::from_slice(&body).map_err(|error| format!("the body is not right: {error}"))?;
        if failure.times == 0 {
            return Err("times must be at least 1".to_owned());
        }
        desk.outbox.fail(failure).map_err(|error| error.message().to_owned())?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

impl Desk {
    /// Lets `act` answer a caller that is let in; what it cannot do is a bad request.
    async fn answer(
        &self,
        request: Request<Body>,
        act: impl AsyncFnOnce(&Self, Parts, Bytes) -> Result<Response, String>,
    ) -> Response {
        let (head, body) = request.into_parts();
        let body = match admit(&self.mode, &head, body).await {
            Ok((_, body)) => body,
            Err(refusal) => return response(Err(refusal)),
        };
        match act(self, head, body).await {
            Ok(answer) => answer,
            Err(error) => in_json(StatusCode::BAD_REQUEST, &json!({ "error": error })),
        }
    }
}

/// The answer that shows `kept`.
fn listed(status: StatusCode, kept: Vec<Kept>, outbox: &Outbox, error: Option<String>) -> Response {
    let mut body = json!({ "messages": kept, "dropped": outbox.dropped() });
    if let Some(error) = error {
        body["error"] = error.into();
    }
    in_json(status, &body)
}

fn in_json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// The parameters of a request that nobody has read yet.
struct Asked(Vec<(String, String)>);

impl Asked {
    /// # Errors
    /// A parameter that is given twice.
    fn of(head: &Parts) -> Result<Self, String> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
            // Amazon's signatures in URLs stand beside the parameters.
            if name.starts_with("X-Amz-") {
                continue;
            }
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(format!("{name} is given twice"));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1)
    }

    fn choice(&mut self) -> Result<Choice, String> {
        let protocol = self.take("protocol").map(|name| name.parse::<Protocol>());
        let kind = self.take("type").map(|name| {
            let kinds = [
                MessageType::Notification,
                MessageType::SubscriptionConfirmation,
                MessageType::UnsubscribeConfirmation,
            ];
            kinds
                .into_iter()
                .find(|kind| kind.as_str() == name)
                .ok_or_else(|| format!("{name:?} is no type of message"))
        });
        Ok(Choice {
            protocol: protocol.transpose().map_err(|error| error.message().to_owned())?,
            destination: self.take("destination"),
            topic: self.take("topic"),
            message_type: kind.transpose()?,
            message_id: self.take("messageId"),
        })
    }

    /// Refuses what nobody asked for: a name that was misspelled would list everything.
    fn nothing_more(self) -> Result<(), String> {
        match self.0.first() {
            Some((name, _)) => Err(format!("there is no parameter {name}")),
            None => Ok(()),
        }
    }
}
