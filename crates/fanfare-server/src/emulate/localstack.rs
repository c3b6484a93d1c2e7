//! The requests by which tests look into LocalStack's SNS, in its shapes.

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use fanfare::{MessageType, Owner, Protocol, SubscriptionArn};
use serde_json::{Map, Value, json};

use super::desk::{Asked, admitted, in_json};
use super::kept::{Choice, Kept};
use super::test_server::TestServer;

pub(super) fn router(server: TestServer) -> Router {
    Router::new()
        .route("/_localstack/health", get(health))
        .route("/_aws/sns/sms-messages", get(list_sms).delete(delete_sms))
        .route("/_aws/sns/platform-endpoint-messages", get(list_push).delete(delete_push))
        .route("/_aws/sns/subscription-tokens/{arn}", get(token))
        .with_state(server)
}

async fn health(State(server): State<TestServer>, request: Request) -> Response {
    admitted(server.mode(), request, async |_, _| {
        let health = json!({
            "services": { "sns": "running" }, "edition": "fanfare", "version": env!("CARGO_PKG_VERSION"),
        });
        Ok(in_json(StatusCode::OK, &health))
    })
    .await
}

/// Which messages are asked for: those of an account in a region, or those to one address of it.
struct Selection {
    protocol: Protocol,
    address: Option<String>,
    owner: Owner,
}

impl Selection {
    fn of(head: &Parts, protocol: Protocol, address: &str) -> Result<Self, String> {
        let mut asked = Asked::of(head)?;
        let (address, account, region) = (asked.take(address), asked.take("accountId"), asked.take("region"));
        asked.nothing_more()?;
        // The ARN of an endpoint says where it belongs.
        let arn = address.as_deref().filter(|_| protocol == Protocol::Application).unwrap_or_default();
        let mut places = arn.split(':').skip(3).map(str::to_owned);
        let region = places.next().or(region).unwrap_or_else(|| "us-east-1".to_owned());
        let account = places.next().or(account).unwrap_or_else(|| "000000000000".to_owned());
        let owner = Owner::new(region, account).map_err(|error| error.message().to_owned())?;
        Ok(Self { protocol, address, owner })
    }

    fn choice(&self) -> Choice {
        Choice {
            protocol: Some(self.protocol.clone()),
            destination: self.address.clone(),
            message_type: Some(MessageType::Notification),
            owner: Some(self.owner.clone()),
            ..Choice::default()
        }
    }

    /// `messages` by address.
    fn listed(self, name: &str, messages: Vec<Kept>, shown: impl Fn(&Kept) -> Value) -> Value {
        let mut by_address: Map<String, Value> = self.address.into_iter().map(|address| (address, json!([]))).collect();
        for kept in messages {
            if let Value::Array(list) = by_address.entry(kept.destination.clone()).or_insert_with(|| json!([])) {
                list.push(shown(&kept));
            }
        }
        json!({ name: by_address, "region": self.owner.region() })
    }
}

async fn list_sms(State(server): State<TestServer>, request: Request) -> Response {
    admitted(server.mode(), request, async |head, _| {
        let selection = Selection::of(&head, Protocol::Sms, "phoneNumber")?;
        let messages = server.outbox().list(&selection.choice());
        let shown = |kept: &Kept| {
            json!({
                "PhoneNumber": kept.destination,
                "TopicArn": kept.topic_arn,
                "SubscriptionArn": kept.subscription_arn,
                "MessageId": kept.message_id,
                "Message": kept.text,
                "MessageAttributes": attributes(kept),
                "MessageStructure": null,
                "Subject": kept.subject,
            })
        };
        Ok(in_json(StatusCode::OK, &selection.listed("sms_messages", messages, shown)))
    })
    .await
}

async fn list_push(State(server): State<TestServer>, request: Request) -> Response {
    admitted(server.mode(), request, async |head, _| {
        let selection = Selection::of(&head, Protocol::Application, "endpointArn")?;
        let messages = server.outbox().list(&selection.choice());
        let shown = |kept: &Kept| {
            json!({
                "TargetArn": kept.destination,
                "TopicArn": kept.topic_arn,
                "Message": kept.text,
                "MessageAttributes": attributes(kept),
                "MessageStructure": null,
                "Subject": kept.subject,
                "MessageId": kept.message_id,
            })
        };
        Ok(in_json(StatusCode::OK, &selection.listed("platform_endpoint_messages", messages, shown)))
    })
    .await
}

async fn delete_sms(State(server): State<TestServer>, request: Request) -> Response {
    delete(&server, request, Protocol::Sms, "phoneNumber").await
}

async fn delete_push(State(server): State<TestServer>, request: Request) -> Response {
    delete(&server, request, Protocol::Application, "endpointArn").await
}

async fn delete(server: &TestServer, request: Request, protocol: Protocol, address: &str) -> Response {
    admitted(server.mode(), request, async |head, _| {
        server.outbox().remove(&Selection::of(&head, protocol, address)?.choice());
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

async fn token(State(server): State<TestServer>, Path(arn): Path<String>, request: Request) -> Response {
    admitted(server.mode(), request, async |_, _| {
        let missing = |status, error| in_json(status, &json!({ "error": error, "subscription_arn": arn }));
        let Ok(parsed) = SubscriptionArn::parse(&arn) else {
            return Ok(missing(StatusCode::BAD_REQUEST, "The provided SubscriptionARN is invalid"));
        };
        let known = server.fanfare().await.subscription(&parsed).ok();
        Ok(match known.as_deref().and_then(|subscription| subscription.token()) {
            Some(token) => in_json(StatusCode::OK, &json!({ "subscription_token": token, "subscription_arn": arn })),
            None => missing(StatusCode::NOT_FOUND, "The provided SubscriptionARN is not found"),
        })
    })
    .await
}

/// The attributes as they were published.
fn attributes(kept: &Kept) -> Value {
    let shown = kept.attributes.iter().map(|(name, attribute)| {
        let value = if attribute.data_type.starts_with("Binary") { "BinaryValue" } else { "StringValue" };
        (name.clone(), json!({ "DataType": attribute.data_type, value: attribute.value }))
    });
    Value::Object(shown.collect())
}
