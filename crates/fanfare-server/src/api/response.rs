//! From what a call came to, to the HTTP response.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fanfare::{Host as _, SystemHost};

use super::refusal::Refusal;
use crate::query::{Answer, CONTENT_TYPE, error_xml};

/// The response, under a request id of its own.
pub(crate) fn response(done: Result<Answer, Refusal>) -> Response {
    let request_id = request_id();
    let (status, body) = match done {
        Ok(answer) => (StatusCode::OK, answer.to_xml(&request_id)),
        Err(refusal) => {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error_xml(refusal.response(), &request_id))
        }
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// A random UUID.
fn request_id() -> String {
    let mut bytes = [0; 16];
    SystemHost.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}
