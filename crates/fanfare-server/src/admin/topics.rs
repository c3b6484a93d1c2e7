//! Topics: listing, making, looking at and deleting them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use fanfare::{Topic, TopicArn};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::{Admitted, Asked, In, OfTopic};
use super::paging::Part;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::api::Api;

/// A topic to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopicInput {
    /// The name; one that ends in `.fifo` makes a FIFO topic.
    #[schema(examples("orders"))]
    pub name: String,
    /// Attributes as `CreateTopic` takes them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// A topic in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicSummary {
    /// Its ARN.
    pub arn: String,
    /// Its name, by which this API knows it.
    pub name: String,
    /// Whether it keeps messages in order.
    pub fifo: bool,
}

/// A page of topics, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicList {
    /// The topics.
    pub topics: Vec<TopicSummary>,
    /// What asks for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TopicView {
    /// Its ARN.
    pub arn: String,
    /// Its name, by which this API knows it.
    pub name: String,
    /// Whether it keeps messages in order.
    pub fifo: bool,
    /// How many subscriptions it has.
    pub subscriptions: SubscriptionNumbers,
    /// Its attributes, as `GetTopicAttributes` answers them.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// How many subscriptions a topic has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionNumbers {
    /// Those that receive what is published.
    pub confirmed: u64,
    /// Those that wait to be confirmed.
    pub pending: u64,
}

/// List topics
///
/// The topics of the caller's account in the region that the request is signed for, by name.
#[utoipa::path(get, path = "/fanfare/v1/topics", tag = "topics", operation_id = "listTopics", params(Part),
    responses((status = 200, body = TopicList, description = "A page of topics"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Asked(part): Asked<Part>,
    admitted: Admitted,
) -> Result<Json<TopicList>, Problem> {
    let after = part.after(|name| admitted.topic(name).ok())?;
    let topics = api.fanfare().topics_page(admitted.caller.owner(), after.as_ref(), part.max());
    let (topics, next) = part.page(topics, |topic| topic.arn().name().to_owned());
    Ok(Json(TopicList { topics: topics.iter().map(|topic| summary(topic)).collect(), next }))
}

/// Make a topic
///
/// `CreateTopic`: a topic that is there with the same attributes is answered.
#[utoipa::path(post, path = "/fanfare/v1/topics", tag = "topics", operation_id = "createTopic", request_body = TopicInput,
    responses((status = 201, body = TopicView, description = "It was made"),
        (status = 200, body = TopicView, description = "It was there already"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    admitted: Admitted<TopicInput>,
) -> Result<(StatusCode, Json<TopicView>), Problem> {
    let TopicInput { name, attributes, tags } = &admitted.body;
    let arn = admitted.topic(name)?;
    let mut attributes = attributes.clone();
    if arn.is_fifo() {
        attributes.entry("FifoTopic".to_owned()).or_insert_with(|| "true".to_owned());
    }
    let status = if api.fanfare().topic(&arn).is_ok() { StatusCode::OK } else { StatusCode::CREATED };
    let parameters = Parameters::new().text("Name", name).map("Attributes", &attributes).pairs("Tags", tags);
    api.operate_for(&admitted.caller, "CreateTopic", parameters.as_slice()).await?;
    Ok((status, Json(view(&api, &admitted, &arn).await?)))
}

/// Look at a topic
#[utoipa::path(get, path = "/fanfare/v1/topics/{topic}", tag = "topics", operation_id = "showTopic",
    params(OfTopic),
    responses((status = 200, body = TopicView, description = "The topic"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn show(
    State(api): State<Arc<Api>>,
    In(OfTopic { topic }): In<OfTopic>,
    admitted: Admitted,
) -> Result<Json<TopicView>, Problem> {
    let arn = admitted.topic(&topic)?;
    Ok(Json(view(&api, &admitted, &arn).await?))
}

/// Delete a topic
///
/// `DeleteTopic`: its subscriptions end, and what waits for them is given up. A topic that is not there is no error.
#[utoipa::path(delete, path = "/fanfare/v1/topics/{topic}", tag = "topics", operation_id = "deleteTopic",
    params(OfTopic),
    responses((status = 204, description = "It is gone"),
        (status = "default", body = Problem, description = "Refused")))]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    In(OfTopic { topic }): In<OfTopic>,
    admitted: Admitted,
) -> Result<StatusCode, Problem> {
    let parameters = Parameters::new().text("TopicArn", admitted.topic(&topic)?.as_str());
    api.operate_for(&admitted.caller, "DeleteTopic", parameters.as_slice()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn summary(topic: &Topic) -> TopicSummary {
    let arn = topic.arn();
    TopicSummary { arn: arn.to_string(), name: arn.name().to_owned(), fifo: arn.is_fifo() }
}

async fn view<T>(api: &Api, admitted: &Admitted<T>, arn: &TopicArn) -> Result<TopicView, Problem> {
    let parameters = Parameters::new().text("TopicArn", arn.as_str());
    let answer = api.operate_for(&admitted.caller, "GetTopicAttributes", parameters.as_slice()).await?;
    let attributes = answer.map("Attributes").iter().cloned().collect();
    let (topic, counts) = (api.fanfare().topic(arn)?, api.fanfare().subscription_counts(arn)?);
    let TopicSummary { arn, name, fifo } = summary(&topic);
    let subscriptions = SubscriptionNumbers { confirmed: counts.confirmed, pending: counts.pending };
    let tags = topic.settings().tags_set().clone();
    Ok(TopicView { arn, name, fifo, subscriptions, attributes, tags })
}
