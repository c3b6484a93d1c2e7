//! Calls of operations, counted and logged.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;

use super::metrics::Metrics;

/// What a response tells of its call, for those who count and log; clients do not see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    operation: Option<&'static str>,
    account: Option<String>,
    refusal: Option<(&'static str, String)>,
}

impl Told {
    /// The operation that was asked for.
    pub(crate) fn asks_for(&mut self, operation: &'static str) {
        self.operation = Some(operation);
    }

    /// The account that the caller proved to be of, or said to be of where nothing is checked.
    pub(crate) fn comes_from(&mut self, account: &str) {
        self.account = Some(account.to_owned());
    }

    /// The code and the text of the refusal.
    pub(crate) fn refused(&mut self, code: &'static str, message: &str) {
        self.refusal = Some((code, message.to_owned()));
    }
}

/// Counts and logs a call when its answer is there. What is no call of an operation passes through.
pub(super) async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut response = next.run(request).await;
    let Some(Told { operation, account, refusal }) = response.extensions_mut().remove::<Told>() else {
        return response;
    };
    let took = began.elapsed();
    let operation = operation.unwrap_or("none");
    let code = refusal.as_ref().map_or("OK", |(code, _)| code);
    metrics.called(operation, code, took);
    let request_id = response.headers().get("x-amzn-requestid").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let (account, duration_ms) = (account.as_deref().unwrap_or_default(), took.as_secs_f64() * 1e3);
    if response.status() >= StatusCode::INTERNAL_SERVER_ERROR {
        let error = refusal.map(|(_, message)| message).unwrap_or_default();
        tracing::error!(target: "fanfare::api", operation, account, code, request_id, duration_ms, error, "a call failed");
    } else {
        tracing::debug!(target: "fanfare::api", operation, account, code, request_id, duration_ms, "called");
    }
    response
}
