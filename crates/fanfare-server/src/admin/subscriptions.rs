//! Subscriptions: listing, making, looking at and ending them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use fanfare::subscription::{SubscriptionId, SubscriptionState};
use fanfare::{Subscription, SubscriptionArn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::{Admitted, Asked, In, OfTopic, Place};
use super::paging::Part;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::api::{Api, endpoint};

/// A subscription to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionInput {
    /// The protocol, as Amazon SNS spells it.
    #[schema(examples("https"))]
    pub protocol: String,
    /// The address, in the protocol's own form.
    #[schema(examples("https://example.com/orders"))]
    pub endpoint: String,
    /// Attributes as `Subscribe` takes them: `FilterPolicy`, `RawMessageDelivery` and so on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its endpoint to confirm it.
    Pending,
    /// It receives what is published.
    Confirmed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "pending",
            Self::Confirmed => "confirmed",
        })
    }
}

/// A subscription in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionSummary {
    /// Its ARN.
    pub arn: String,
    /// The last element of its ARN, by which this API knows it.
    pub id: String,
    /// The protocol.
    pub protocol: String,
    /// The address, a password in it hidden.
    pub endpoint: String,
    /// Where it stands.
    pub state: State,
    /// Whether deliveries wait until it is resumed.
    pub paused: bool,
}

/// A page of subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionList {
    /// The subscriptions.
    pub subscriptions: Vec<SubscriptionSummary>,
    /// What asks for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionView {
    /// Its ARN.
    pub arn: String,
    /// The last element of its ARN, by which this API knows it.
    pub id: String,
    /// The protocol.
    pub protocol: String,
    /// The address, a password in it hidden.
    pub endpoint: String,
    /// Where it stands.
    pub state: State,
    /// When it is given up if nobody confirms it; absent when it is confirmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires: Option<String>,
    /// Whether deliveries wait until it is resumed.
    pub paused: bool,
    /// Deliveries that wait for an attempt, or are in one.
    pub waiting: u64,
    /// Dead letters that can be redriven.
    pub dead: u64,
    /// Its attributes, as `GetSubscriptionAttributes` answers them.
    pub attributes: BTreeMap<String, String>,
}

/// List the subscriptions of a topic
#[utoipa::path(get, path = "/fanfare/v1/topics/{topic}/subscriptions", tag = "subscriptions",
    operation_id = "listSubscriptions", params(OfTopic, Part),
    responses((status = 200, body = SubscriptionList, description = "A page of subscriptions"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn list(
    Shared(api): Shared<Arc<Api>>,
    In(OfTopic { topic }): In<OfTopic>,
    Asked(part): Asked<Part>,
    admitted: Admitted,
) -> Result<Json<SubscriptionList>, Problem> {
    let (topic, after) = (admitted.topic(&topic)?, part.after(read_place)?);
    let subscriptions = api.fanfare().subscriptions_page(&topic, after, part.max())?;
    let (subscriptions, next) = part.page(subscriptions, |known| place(known));
    Ok(Json(SubscriptionList { subscriptions: subscriptions.iter().map(|known| summary(known)).collect(), next }))
}

/// Subscribe an endpoint
///
/// `Subscribe`: HTTP and e-mail endpoints are asked to confirm; a subscription that is there is answered.
#[utoipa::path(post, path = "/fanfare/v1/topics/{topic}/subscriptions", tag = "subscriptions",
    operation_id = "createSubscription", params(OfTopic),
    request_body = SubscriptionInput,
    responses((status = 201, body = SubscriptionView, description = "It is there"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn create(
    Shared(api): Shared<Arc<Api>>,
    In(OfTopic { topic }): In<OfTopic>,
    admitted: Admitted<SubscriptionInput>,
) -> Result<(StatusCode, Json<SubscriptionView>), Problem> {
    let SubscriptionInput { protocol, endpoint, attributes } = &admitted.body;
    let parameters = Parameters::new()
        .text("TopicArn", admitted.topic(&topic)?.as_str())
        .text("Protocol", protocol)
        .text("Endpoint", endpoint)
        .text("ReturnSubscriptionArn", "true")
        .map("Attributes", attributes);
    let answer = api.operate_for(&admitted.caller, "Subscribe", parameters.as_slice()).await?;
    let arn = SubscriptionArn::parse(answer.text("SubscriptionArn").unwrap_or_default())?;
    Ok((StatusCode::CREATED, Json(view(&api, &admitted, &arn).await?)))
}

/// Look at a subscription
#[utoipa::path(get, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}", tag = "subscriptions",
    operation_id = "showSubscription",
    params(Place),
    responses((status = 200, body = SubscriptionView, description = "The subscription"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn show(
    Shared(api): Shared<Arc<Api>>,
    In(asked): In<Place>,
    admitted: Admitted,
) -> Result<Json<SubscriptionView>, Problem> {
    let arn = admitted.subscription(&asked)?;
    Ok(Json(view(&api, &admitted, &arn).await?))
}

/// End a subscription
///
/// `Unsubscribe`: what waits for it is given up. A subscription that is not there is no error.
#[utoipa::path(delete, path = "/fanfare/v1/topics/{topic}/subscriptions/{id}", tag = "subscriptions",
    operation_id = "deleteSubscription",
    params(Place),
    responses((status = 204, description = "It has ended"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn delete(
    Shared(api): Shared<Arc<Api>>,
    In(place): In<Place>,
    admitted: Admitted,
) -> Result<StatusCode, Problem> {
    let parameters = Parameters::new().text("SubscriptionArn", admitted.subscription(&place)?.as_str());
    api.operate_for(&admitted.caller, "Unsubscribe", parameters.as_slice()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The place of a subscription in the list of its topic: lists are in the order in which subscriptions were made.
pub(super) fn place(known: &Subscription) -> String {
    known.id().0.to_string()
}

/// What [`place`] named.
pub(super) fn read_place(text: &str) -> Option<SubscriptionId> {
    text.parse().ok().map(SubscriptionId)
}

/// The last element of a subscription's ARN.
fn id(arn: &SubscriptionArn) -> &str {
    arn.as_str().rsplit_once(':').map_or(arn.as_str(), |(_, id)| id)
}

fn summary(known: &Subscription) -> SubscriptionSummary {
    SubscriptionSummary {
        arn: known.arn().to_string(),
        id: id(known.arn()).to_owned(),
        protocol: known.protocol().to_string(),
        endpoint: endpoint(known),
        state: match known.state() {
            SubscriptionState::Confirmed => State::Confirmed,
            _ => State::Pending,
        },
        paused: known.is_paused(),
    }
}

pub(super) async fn view<T>(
    api: &Api,
    admitted: &Admitted<T>,
    arn: &SubscriptionArn,
) -> Result<SubscriptionView, Problem> {
    let parameters = Parameters::new().text("SubscriptionArn", arn.as_str());
    let answer = api.operate_for(&admitted.caller, "GetSubscriptionAttributes", parameters.as_slice()).await?;
    let known = api.fanfare().subscription(arn)?;
    let counts = api.fanfare().lane_counts(arn).await?;
    let SubscriptionSummary { arn, id, protocol, endpoint, state, paused } = summary(&known);
    let expires = match known.state() {
        SubscriptionState::Pending { expires } => Some(expires.to_string()),
        _ => None,
    };
    let attributes = answer.map("Attributes").iter().cloned().collect();
    let (waiting, dead) = (counts.waiting, counts.dead);
    Ok(SubscriptionView { arn, id, protocol, endpoint, state, expires, paused, waiting, dead, attributes })
}
