//! What the JSON API uses of this one: the same door, and the same operations.

use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use fanfare::{Fanfare, TraceContext};
use url::form_urlencoded::Serializer;

use super::call::Call;
use super::refusal::Refusal;
use super::{Api, read, refuse_foreign_pages};
use crate::auth::{self, Caller, Mode};
use crate::mobile::Mobile;
use crate::query::{Answer, Request};

impl Api {
    /// The engine.
    pub(crate) fn fanfare(&self) -> &Fanfare {
        &self.fanfare
    }

    /// Phones and devices.
    pub(crate) fn mobile(&self) -> &Mobile {
        &self.mobile
    }

    /// Who sent a request, and its whole body.
    pub(crate) async fn admit(&self, head: &Parts, body: Body) -> Result<(Caller, Bytes), Refusal> {
        let body = read(head, body).await?;
        if matches!(self.mode, Mode::Off(_)) {
            refuse_foreign_pages(head)?;
        }
        let caller = self.mode.caller(&auth::Request::new(head, &body), SystemTime::now())?;
        Ok((caller, body))
    }

    /// Does one of Amazon SNS's operations for `caller`, with all its checks.
    pub(crate) async fn operate_for(
        &self,
        caller: &Caller,
        operation: &'static str,
        parameters: &[(String, String)],
    ) -> Result<Answer, Refusal> {
        let form = Serializer::new(String::new()).extend_pairs(parameters).finish();
        let request = Request::parse(None, form.as_bytes())?;
        self.operate(&Call { api: self, operation, caller, request: &request, trace: TraceContext::new() }).await
    }
}
