//! The description of this API in OpenAPI.

use std::sync::LazyLock;

use axum::Json;
use axum::response::IntoResponse;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Info, License, OpenApi};

use super::described;

/// The name of the one way to prove who calls.
const SIGNED: &str = "sigv4";

/// The description of this API in OpenAPI, which the server answers at [`BASE`](super::BASE)`/openapi.json`.
pub fn document() -> OpenApi {
    let mut document = described().into_openapi();
    let mut info = Info::new("Fanfare", env!("CARGO_PKG_VERSION"));
    info.description =
        Some("What goes beyond Amazon SNS: the topics and subscriptions, and what operators ask of them.".to_owned());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    document.info = info;
    let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "Authorization",
        "AWS Signature Version 4 for the service `sns`, unless the server runs with `--auth off`",
    )));
    document.components.get_or_insert_with(Components::new).add_security_scheme(SIGNED, scheme);
    document.security = Some(vec![SecurityRequirement::new(SIGNED, [""; 0])]);
    document
}

/// Anybody may read it: it is the same on every server.
pub(super) async fn show() -> impl IntoResponse {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);
    Json(DOCUMENT.clone())
}
