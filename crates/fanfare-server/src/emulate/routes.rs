//! The outbox over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use fanfare::{MessageType, Protocol};
use serde_json::json;

use super::desk::{Asked, admitted, in_json};
use super::failure::Failure;
use super::kept::{Choice, Kept};
use super::outbox::Outbox;
use super::span;
use crate::auth::Mode;

/// How long somebody waits who does not say how long, and how long at the most.
const WAIT: Duration = Duration::from_secs(10);
const WAIT_MAX: Duration = Duration::from_secs(10 * 60);

/// What every answer is made from.
struct View {
    outbox: Outbox,
    mode: Mode,
}

/// Shows `outbox` to callers that `mode` lets in; [`emulate`](super) has the table. Errors are `{"error": "..."}`.
pub fn router(outbox: Outbox, mode: Mode) -> Router {
    let state = Arc::new(View { outbox, mode });
    Router::new()
        .route("/_fanfare/outbox", get(list).delete(clear))
        .route("/_fanfare/outbox/wait", get(wait))
        .route("/_fanfare/outbox/fail", post(fail))
        .with_state(state)
}

async fn list(State(view): State<Arc<View>>, request: Request) -> Response {
    admitted(&view.mode, request, async |head, _| {
        let mut asked = Asked::of(&head)?;
        let choice = choice(&mut asked)?;
        asked.nothing_more()?;
        Ok(listed(StatusCode::OK, view.outbox.list(&choice), &view.outbox, None))
    })
    .await
}

async fn wait(State(view): State<Arc<View>>, request: Request) -> Response {
    admitted(&view.mode, request, async |head, _| {
        let mut asked = Asked::of(&head)?;
        let choice = choice(&mut asked)?;
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
        let kept = view.outbox.wait(&choice, count, limit).await;
        let (status, error) = match kept.len() >= count {
            true => (StatusCode::OK, None),
            false => {
                let error = format!("{} of {count} deliveries were kept within {limit:?}", kept.len());
                (StatusCode::GATEWAY_TIMEOUT, Some(error))
            }
        };
        Ok(listed(status, kept, &view.outbox, error))
    })
    .await
}

async fn clear(State(view): State<Arc<View>>, request: Request) -> Response {
    admitted(&view.mode, request, async |head, _| {
        Asked::of(&head)?.nothing_more()?;
        view.outbox.clear();
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

async fn fail(State(view): State<Arc<View>>, request: Request) -> Response {
    admitted(&view.mode, request, async |_, body| {
        let failure: Failure =
            serde_json::from_slice(&body).map_err(|error| format!("the body is not right: {error}"))?;
        if failure.times == 0 {
            return Err("times must be at least 1".to_owned());
        }
        view.outbox.fail(failure).map_err(|error| error.message().to_owned())?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

/// The answer that shows `kept`.
fn listed(status: StatusCode, kept: Vec<Kept>, outbox: &Outbox, error: Option<String>) -> Response {
    let mut body = json!({ "messages": kept, "dropped": outbox.dropped() });
    if let Some(error) = error {
        body["error"] = error.into();
    }
    in_json(status, &body)
}

/// Which deliveries the parameters choose.
fn choice(asked: &mut Asked) -> Result<Choice, String> {
    let protocol = asked.take("protocol").map(|name| name.parse::<Protocol>());
    let kind = asked.take("type").map(|name| {
        let kinds =
            [MessageType::Notification, MessageType::SubscriptionConfirmation, MessageType::UnsubscribeConfirmation];
        kinds.into_iter().find(|kind| kind.as_str() == name).ok_or_else(|| format!("{name:?} is no type of message"))
    });
    Ok(Choice {
        protocol: protocol.transpose().map_err(|error| error.message().to_owned())?,
        destination: asked.take("destination"),
        topic: asked.take("topic"),
        message_type: kind.transpose()?,
        message_id: asked.take("messageId"),
        owner: None,
    })
}
