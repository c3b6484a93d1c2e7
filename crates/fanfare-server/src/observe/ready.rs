//! Whether calls would be served now.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use fanfare::Fanfare;

/// How long the store may take to show that it works.
const STORE_LIMIT: Duration = Duration::from_secs(5);

/// 200, or 503 with the reason in words.
pub(super) async fn answer(stopping: bool, fanfare: &Fanfare) -> Response {
    match reason_against(stopping, fanfare).await {
        None => "ready\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn reason_against(stopping: bool, fanfare: &Fanfare) -> Option<String> {
    if stopping || fanfare.is_closing() {
        return Some("the server is stopping".to_owned());
    }
    match tokio::time::timeout(STORE_LIMIT, fanfare.counters()).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => {
            // The particulars are the operator's: whoever asks here need not be one.
            tracing::error!(%error, "not ready");
            Some("the store does not work".to_owned())
        }
        Err(_) => Some(format!("the store did not answer within {STORE_LIMIT:?}")),
    }
}
