//! What goes beyond Amazon SNS, as a small JSON API: the same topics and subscriptions, and what operators ask of them.
//!
//! It lies beside Amazon SNS's API at [`BASE`], behind the same door: requests are signed with the same keys for the same
//! service, and a caller sees the topics of its account in the region that it signs for. Where Amazon SNS has an operation,
//! that operation is what happens here too, with its checks and its errors; every refusal is a [`Problem`].
//!
//! [`document`] describes all of it in OpenAPI, and is made from the same declarations as the routes.

mod admitted;
mod attempts;
mod counters;
mod document;
mod filter;
mod operating;
mod opt_outs;
mod paging;
mod parameters;
mod problem;
mod publish;
mod subscriptions;
mod topics;
mod why;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{any, get};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::Api;

pub use attempts::{AttemptList, AttemptView};
pub use counters::CountersView;
pub use document::document;
pub use filter::{FilterTrial, FilterVerdict};
pub use operating::{DeadLetterList, DeadLetterView, Redriven, ReplayRange, Replayed};
pub use problem::Problem;
pub use publish::{AttributeInput, MessageInput, PublishedView};
pub use subscriptions::{State, SubscriptionInput, SubscriptionList, SubscriptionSummary, SubscriptionView};
pub use topics::{SubscriptionNumbers, TopicInput, TopicList, TopicSummary, TopicView};
pub use why::{Explained, MessageView, Outcome};

/// The path under which everything lies.
pub const BASE: &str = "/fanfare/v1";

/// Serves the API.
pub(crate) fn router(api: Arc<Api>) -> Router {
    let (router, _) = described().split_for_parts();
    let rest = format!("{BASE}/{{*rest}}");
    router
        .route(&format!("{BASE}/openapi.json"), get(document::show))
        .route(&rest, any(async || nothing_there()))
        .method_not_allowed_fallback(async || no_such_method())
        .with_state(api)
}

/// Every request that there is, with its description.
fn described() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(topics::list, topics::create))
        .routes(routes!(topics::show, topics::delete))
        .routes(routes!(publish::publish))
        .routes(routes!(subscriptions::list, subscriptions::create))
        .routes(routes!(subscriptions::show, subscriptions::delete))
        .routes(routes!(operating::confirm))
        .routes(routes!(operating::pause))
        .routes(routes!(operating::resume))
        .routes(routes!(operating::redrive))
        .routes(routes!(operating::replay))
        .routes(routes!(operating::dead_letters))
        .routes(routes!(attempts::of_subscription))
        .routes(routes!(why::show))
        .routes(routes!(attempts::of_message))
        .routes(routes!(filter::try_out))
        .routes(routes!(opt_outs::opt_out))
        .routes(routes!(counters::show))
}

fn nothing_there() -> Problem {
    Problem::no_such_request(
        StatusCode::NOT_FOUND,
        format!("There is nothing here: {BASE}/openapi.json tells what there is"),
    )
}

fn no_such_method() -> Problem {
    Problem::no_such_request(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("There is no such method here: {BASE}/openapi.json tells which there are"),
    )
}
