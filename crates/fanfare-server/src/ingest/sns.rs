//! Messages of topics of other SNS servers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fanfare::wire::verify::{BODY_BYTES_MAX, ReceivedAttribute, VerifiedConfirmation, VerifiedNotification};
use fanfare::wire::{CertificateSource, VerifiedMessage, Verifier};
use fanfare::{AttributeValue, Fanfare, Host, Message, Timestamp};
use serde::Deserialize;
use url::Url;

use super::protection::accepted;
use super::refused::Refused;
use super::source::Source;
use crate::data_protection::DataProtection;

/// How long a sender may take for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);

/// How old a message may be: SNS servers try for an hour at the most to deliver one.
const AGE_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// How far the clock of the other server may be ahead.
const AHEAD_MAX: Duration = Duration::from_secs(15 * 60);

/// The attributes that say where a message comes from.
const ORIGIN_TOPIC: &str = "Fanfare.Origin.TopicArn";
const ORIGIN_ID: &str = "Fanfare.Origin.MessageId";

/// How many attributes a message may have that is delivered to a queue without its envelope.
const ATTRIBUTES_OF_RAW_MAX: usize = 10;

/// Takes in messages of topics of other SNS servers and publishes them here.
///
/// `POST /ingest/sns/<name of the topic here>` is what to subscribe there, over HTTPS and without raw delivery. The subscription
/// confirms itself. Of each message
///
/// - the signature is checked, and that the server of its [`Source`] made it; so is its age, of at most two hours;
/// - text, subject and attributes are kept; `Fanfare.Origin.TopicArn` and `Fanfare.Origin.MessageId` are added to the attributes
///   unless that makes them more than ten, which raw delivery to a queue could not carry;
/// - the `MessageId` is remembered for as long as it could be delivered again, and the message published once. Here it has a
///   `MessageId` of its own.
///
/// It answers 200 when the store has the message; a status from 400 to 499 when it never will, so that the other server gives
/// up, with `{"error": "..."}`; and 503 when it should be tried again.
#[derive(Clone)]
pub struct SnsIngest(Arc<Shared>, DataProtection);

struct Shared {
    fanfare: Fanfare,
    host: Arc<dyn Host>,
    sources: Vec<(Source, Arc<Verifier>)>,
    documents: Arc<dyn CertificateSource>,
}

/// One source of documents for all verifiers.
struct SharedDocuments(Arc<dyn CertificateSource>);

#[async_trait::async_trait]
impl CertificateSource for SharedDocuments {
    async fn certificate(&self, url: &str) -> Result<String, fanfare::wire::verify::SourceError> {
        self.0.certificate(url).await
    }
}

impl SnsIngest {
    /// Publishes messages of `sources` with `fanfare`, at the time of `host`. Certificates and links of confirmations are
    /// fetched with `documents`, always below the [`Source::server`] of the message.
    pub fn new(
        fanfare: Fanfare,
        host: impl Host,
        sources: impl IntoIterator<Item = Source>,
        documents: impl CertificateSource,
    ) -> Self {
        let documents: Arc<dyn CertificateSource> = Arc::new(documents);
        let mut known: Vec<(Source, Arc<Verifier>)> = Vec::new();
        for source in sources {
            // Topics of one server share its certificate.
            let shared = known.iter().find(|(known, _)| known.server() == source.server());
            let verifier = shared.map(|(_, verifier)| Arc::clone(verifier)).unwrap_or_else(|| {
                let documents = SharedDocuments(Arc::clone(&documents));
                Arc::new(Verifier::trusting(source.server(), documents).expect("a source's server has links"))
            });
            known.push((source, verifier));
        }
        let sources = known;
        Self(Arc::new(Shared { fanfare, host: Arc::new(host), sources, documents }), DataProtection::new())
    }

    /// Shares what is known of data protection policies. Without, each of them is read once more.
    #[must_use]
    pub fn protected_by(self, protection: DataProtection) -> Self {
        Self(self.0, protection)
    }

    /// The route that takes messages in.
    pub fn router(&self) -> Router {
        Router::new().route("/ingest/sns/{topic}", post(take)).with_state(self.clone())
    }

    async fn take(&self, topic: &str, headers: &HeaderMap, body: Body) -> Result<(), Refused> {
        let sources = self.sources(topic);
        if sources.is_empty() {
            return Err(Refused::finally(StatusCode::NOT_FOUND, format!("nothing is taken in for a topic {topic}")));
        }
        if headers.get("x-amz-sns-rawdelivery").is_some_and(|raw| raw == "true") {
            let why = "a raw message carries no signature: turn RawMessageDelivery off";
            return Err(Refused::finally(StatusCode::BAD_REQUEST, why));
        }
        let body = read(body).await?;
        // Nobody vouches for this yet: it only says which server has to.
        let stated: Stated = serde_json::from_slice(&body)
            .map_err(|_| Refused::finally(StatusCode::BAD_REQUEST, "the body is no SNS message"))?;
        let stated_source = sources.into_iter().find(|(source, _)| source.origin().as_str() == stated.topic);
        let Some((source, verifier)) = stated_source else {
            let why = format!("messages of {} are not taken in for this topic", stated.topic);
            return Err(Refused::finally(StatusCode::FORBIDDEN, why));
        };
        let message = verifier.verify(&body).await?;
        if message.topic() != source.origin() {
            return Err(Refused::finally(StatusCode::FORBIDDEN, "the message names two topics"));
        }
        self.check_age(message.timestamp())?;
        match &message {
            VerifiedMessage::Notification(notification) => self.publish(source, notification).await,
            VerifiedMessage::SubscriptionConfirmation(confirmation) => self.confirm(source, confirmation).await,
            VerifiedMessage::UnsubscribeConfirmation(_) => {
                tracing::warn!(origin = %source.origin(), topic = %source.topic(), "the other server ended the subscription");
                Ok(())
            }
            _ => Err(Refused::finally(StatusCode::BAD_REQUEST, "the message is of a kind that is not taken in")),
        }
    }

    /// What is taken in for the topics of that name.
    fn sources(&self, topic: &str) -> Vec<&(Source, Arc<Verifier>)> {
        self.0.sources.iter().filter(|(source, _)| source.topic().name() == topic).collect()
    }

    /// Refuses what is older than anything that could still be remembered, so that nobody can send it once more.
    fn check_age(&self, timestamp: &str) -> Result<(), Refused> {
        let invalid = || Refused::finally(StatusCode::BAD_REQUEST, "the message's time is none");
        let published: jiff::Timestamp = timestamp.parse().map_err(|_| invalid())?;
        let published = Timestamp::from_unix_ms(published.as_millisecond());
        let now = self.0.host.now();
        if now.since(published) > AGE_MAX || published.since(now) > AHEAD_MAX {
            let why = format!("the message is of {timestamp}, and here it is {now}");
            return Err(Refused::finally(StatusCode::FORBIDDEN, why));
        }
        Ok(())
    }

    /// Visits the link that confirms, after a look at where it leads.
    async fn confirm(&self, source: &Source, confirmation: &VerifiedConfirmation) -> Result<(), Refused> {
        let link = confirmation.subscribe_url()?;
        let leads_there = Url::parse(link).is_ok_and(|url| {
            let has = |name: &str, value: &str| {
                let mut named = url.query_pairs().filter(|(known, _)| known == name);
                named.next().is_some_and(|(_, given)| given == value) && named.next().is_none()
            };
            has("Action", "ConfirmSubscription")
                && has("TopicArn", source.origin().as_str())
                && has("Token", confirmation.token())
        });
        if !leads_there {
            return Err(Refused::finally(StatusCode::FORBIDDEN, "the link does not confirm this subscription"));
        }
        match self.0.documents.certificate(link).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Refused::for_now(format!("the subscription could not be confirmed: {error}"))),
        }
    }

    async fn publish(&self, source: &Source, notification: &VerifiedNotification) -> Result<(), Refused> {
        let mut message = Message::builder(notification.text());
        if let Some(subject) = notification.subject() {
            message = message.subject(subject);
        }
        let attributes = notification.unsigned_attributes();
        let mut count = attributes.len();
        for (name, attribute) in attributes {
            message = message.attribute(name, &attribute.data_type, value(name, attribute)?);
        }
        for (name, value) in [(ORIGIN_TOPIC, source.origin().as_str()), (ORIGIN_ID, notification.message_id())] {
            if notification.unsigned_attribute(name).is_none() && count < ATTRIBUTES_OF_RAW_MAX {
                message = message.string(name, value);
                count += 1;
            }
        }
        let key = format!("{}\n{}", source.origin(), notification.message_id());
        let topic = self.0.fanfare.topic(source.topic())?;
        let message = accepted(&self.1, &topic, source.origin().account(), message.build()?)?;
        self.0.fanfare.publish_once(source.topic(), message, &key, AGE_MAX + AHEAD_MAX).await?;
        Ok(())
    }
}

impl fmt::Debug for SnsIngest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources: Vec<_> = self.0.sources.iter().map(|(source, _)| source).collect();
        f.debug_struct("SnsIngest").field("sources", &sources).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Stated {
    #[serde(rename = "TopicArn")]
    topic: String,
}

async fn take(State(ingest): State<SnsIngest>, Path(topic): Path<String>, headers: HeaderMap, body: Body) -> Response {
    match ingest.take(&topic, &headers, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refused) => {
            tracing::warn!(topic, ?refused, "a message of another server was not taken in");
            refused.into_response()
        }
    }
}

/// The whole body, unless it is too long or too slow.
pub(super) async fn read(body: Body) -> Result<Bytes, Refused> {
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        // A body that breaks off ends here too, but then nobody reads the answer.
        Ok(Err(_)) => {
            let why = format!("a body has at most {BODY_BYTES_MAX} bytes");
            Err(Refused::finally(StatusCode::PAYLOAD_TOO_LARGE, why))
        }
        Err(_) => Err(Refused::for_now("the body did not arrive in time")),
    }
}

/// The value of an attribute as it was published.
fn value(name: &str, attribute: &ReceivedAttribute) -> Result<AttributeValue, Refused> {
    if !attribute.data_type.starts_with("Binary") {
        return Ok(AttributeValue::Text(attribute.value.clone()));
    }
    let decoded = BASE64.decode(&attribute.value);
    let invalid = |_| Refused::finally(StatusCode::BAD_REQUEST, format!("the attribute {name} is not in base64"));
    Ok(AttributeValue::Binary(Bytes::from(decoded.map_err(invalid)?)))
}
