//! What the requests beside the operations have in common: who may make them, their parameters, and JSON.

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::api::{admit, response};
use crate::auth::Mode;

/// Lets `act` answer a caller that `mode` lets in. What cannot be done is a bad request: `{"error": "..."}`.
pub(super) async fn admitted(
    mode: &Mode,
    request: Request<Body>,
    act: impl AsyncFnOnce(Parts, Bytes) -> Result<Response, String>,
) -> Response {
    let (head, body) = request.into_parts();
    let body = match admit(mode, &head, body).await {
        Ok((_, body)) => body,
        Err(refusal) => return response(Err(refusal)),
    };
    match act(head, body).await {
        Ok(answer) => answer,
        Err(error) => in_json(StatusCode::BAD_REQUEST, &json!({ "error": error })),
    }
}

pub(super) fn in_json(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// The parameters of a request that nobody has read yet.
pub(super) struct Asked(Vec<(String, String)>);

impl Asked {
    /// # Errors
    /// A parameter that is given twice.
    pub(super) fn of(head: &Parts) -> Result<Self, String> {
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

    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1)
    }

    /// Refuses what nobody asked for: a name that was misspelled would list everything.
    pub(super) fn nothing_more(self) -> Result<(), String> {
        match self.0.first() {
            Some((name, _)) => Err(format!("there is no parameter {name}")),
            None => Ok(()),
        }
    }
}
