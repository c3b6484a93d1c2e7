//! CloudEvents over HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use fanfare::wire::CloudEvent;
use fanfare::wire::cloud_event::{BATCH_MEDIA_TYPE, EVENT_MEDIA_TYPE};
use fanfare::{Fanfare, TopicArn, TopicName};
use serde_json::json;

use super::protection::accepted;
use super::refused::Refused;
use super::sns::read;
use super::token::TopicToken;
use crate::access::{Action, Context, Decision, Policy};
use crate::api::{admit, response};
use crate::auth::{Caller, Mode, Transport};
use crate::data_protection::DataProtection;

/// The most events of a batch.
const EVENTS_MAX: usize = 100;

/// For how long an event is recognised that comes again, as for FIFO topics.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// Takes in CloudEvents 1.0 over HTTP and publishes them: what they become is told in
/// [`cloud_event`](fanfare::wire::cloud_event).
///
/// `POST /ingest/cloudevents/<topic>` takes them in the binary mode, in the structured one in JSON, and in batches of at most
/// 100 in JSON. The caller is signed for like those of `Publish`, and the topic is of their account and region; or it has a
/// [`TopicToken`], which says which topic.
///
/// - An event whose source and id came within the last five minutes is not published again.
/// - On a FIFO topic, the extension `partitionkey` is the message group, and the id is the deduplication id.
/// - The answer is 200 and `{"messageIds": [...]}` when the store has all of them. One event of a batch that is not right keeps
///   all of it out.
#[derive(Clone)]
pub struct CloudEventsIngest(Arc<Shared>, DataProtection);

struct Shared {
    fanfare: Fanfare,
    mode: Mode,
    tokens: Vec<TopicToken>,
}

impl CloudEventsIngest {
    /// Publishes with `fanfare` what those send whom `mode` or one of `tokens` lets in.
    pub fn new(fanfare: Fanfare, mode: Mode, tokens: impl IntoIterator<Item = TopicToken>) -> Self {
        Self(Arc::new(Shared { fanfare, mode, tokens: tokens.into_iter().collect() }), DataProtection::new())
    }

    /// Shares what is known of data protection policies. Without, each of them is read once more.
    #[must_use]
    pub fn protected_by(self, protection: DataProtection) -> Self {
        Self(self.0, protection)
    }

    /// The route that takes events in.
    pub fn router(&self) -> Router {
        Router::new().route("/ingest/cloudevents/{topic}", post(take)).with_state(self.clone())
    }

    async fn publish(&self, topic: &TopicArn, head: &Parts, body: Bytes) -> Result<Vec<String>, Refused> {
        let bad = |error: fanfare::wire::CloudEventError| Refused::finally(StatusCode::BAD_REQUEST, error.to_string());
        let events = events(&head.headers, body).map_err(bad)?;
        if events.len() > EVENTS_MAX {
            let why = format!("a batch has at most {EVENTS_MAX} events");
            return Err(Refused::finally(StatusCode::PAYLOAD_TOO_LARGE, why));
        }
        let known = self.0.fanfare.topic(topic)?;
        let messages = events.iter().map(|event| {
            let message = event.to_message();
            let group = event.text("partitionkey").filter(|_| topic.is_fifo());
            let message = match (group, topic.is_fifo()) {
                (Some(group), true) => message.group_id(group).deduplication_id(event.id()),
                _ => message,
            };
            accepted(&self.1, &known, topic.account(), message.build()?)
        });
        let messages = messages.collect::<Result<Vec<_>, Refused>>()?;
        let mut ids = Vec::with_capacity(messages.len());
        for (event, message) in events.iter().zip(messages) {
            let published = match topic.is_fifo() {
                true => self.0.fanfare.publish(topic, message).await?,
                false => {
                    let key = format!("{}\n{}", event.source(), event.id());
                    self.0.fanfare.publish_once(topic, message, &key, WINDOW).await?
                }
            };
            ids.push(published.message_id().to_owned());
        }
        Ok(ids)
    }

    /// Whether the topic's policy keeps its owner from publishing, who may unless it does. One that cannot be read does.
    fn is_denied(&self, topic: &TopicArn, caller: &Caller) -> bool {
        let Ok(known) = self.0.fanfare.topic(topic) else { return false };
        let Some(text) = known.settings().attributes().get("Policy") else { return false };
        let Ok(policy) = Policy::parse(text, topic) else { return true };
        let arn = format!("arn:aws:iam::{}:root", caller.account());
        let is_secure = caller.origin().transport == Transport::Tls;
        let mut context = Context::of(caller.account(), &arn)
            .at(SystemTime::now())
            .with("aws:RequestedRegion", caller.region())
            .with("aws:SecureTransport", is_secure.to_string());
        if let Some(address) = caller.origin().address {
            context = context.with("aws:SourceIp", address.to_string());
        }
        policy.decide(Action::Publish, &context) == Decision::Denied
    }

    /// The topic that a token is for; nothing when the request has none.
    fn by_token(&self, name: &str, headers: &HeaderMap) -> Option<Result<TopicArn, Refused>> {
        let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = given.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let known = self.0.tokens.iter().find(|known| known.topic().name() == name && known.is(token.trim()));
        let refused = || Refused::finally(StatusCode::UNAUTHORIZED, "the token is not one for this topic");
        Some(known.map(|known| known.topic().clone()).ok_or_else(refused))
    }
}

impl fmt::Debug for CloudEventsIngest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudEventsIngest").field("tokens", &self.0.tokens).finish_non_exhaustive()
    }
}

async fn take(State(ingest): State<CloudEventsIngest>, Path(name): Path<String>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let (topic, body) = match ingest.by_token(&name, &head.headers) {
        Some(Err(refused)) => return refused.into_response(),
        Some(Ok(topic)) => match read(body).await {
            Ok(body) => (topic, body),
            Err(refused) => return refused.into_response(),
        },
        None => {
            let (caller, body) = match admit(&ingest.0.mode, &head, body).await {
                Ok(admitted) => admitted,
                Err(refusal) => return response(Err(refusal)),
            };
            let topic = match TopicName::parse(&name) {
                Ok(name) => TopicArn::new(caller.owner(), &name),
                Err(error) => return Refused::from(error).into_response(),
            };
            if ingest.is_denied(&topic, &caller) {
                let why = "the topic's policy denies the publishing";
                return Refused::finally(StatusCode::FORBIDDEN, why).into_response();
            }
            (topic, body)
        }
    };
    match ingest.publish(&topic, &head, body).await {
        Ok(ids) => {
            let body = json!({ "messageIds": ids }).to_string();
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(refused) => refused.into_response(),
    }
}

/// The events of a request, in whichever mode they came.
fn events(headers: &HeaderMap, body: Bytes) -> Result<Vec<CloudEvent>, fanfare::wire::CloudEventError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(BATCH_MEDIA_TYPE) {
        return CloudEvent::batch_from_json(&body);
    }
    if media_type.eq_ignore_ascii_case(EVENT_MEDIA_TYPE) {
        return Ok(vec![CloudEvent::from_json(&body)?]);
    }
    let attributes = headers.iter().filter_map(|(name, value)| {
        let name = name.as_str().strip_prefix("ce-")?;
        Some((name.to_owned(), decoded(value.as_bytes())))
    });
    Ok(vec![CloudEvent::from_parts(attributes, content_type, body)?])
}

/// The value of a header, in which octets may be percent-encoded. What is no UTF-8 then becomes replacement characters.
fn decoded(value: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, tail @ ..] = rest {
        let digit =
            |at: usize| tail.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        rest = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high * 16 + low);
                &tail[2..]
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
