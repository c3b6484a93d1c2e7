//! What the event topics of a platform application are told.

use fanfare::{Fanfare, Message, SnsError, Timestamp, TopicArn};
use serde_json::{Value, json};

use super::{Application, ApplicationArn, EndpointArn};

/// Something that happened to an endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event<'a> {
    Created,
    Deleted,
    Updated,
    /// A message that was published to the endpoint alone failed for good.
    Failed {
        message_id: &'a str,
        attempts: u32,
        failure: &'a str,
        message: &'a str,
    },
}

impl Event<'_> {
    /// The attribute of an application that names the topic.
    fn attribute(self) -> &'static str {
        match self {
            Self::Created => "EventEndpointCreated",
            Self::Deleted => "EventEndpointDeleted",
            Self::Updated => "EventEndpointUpdated",
            Self::Failed { .. } => "EventDeliveryFailure",
        }
    }

    fn name(self) -> &'static str {
        self.attribute().strip_prefix("Event").expect("every attribute of the kind begins so")
    }

    fn text(self, endpoint: &EndpointArn, application: &ApplicationArn, now: Timestamp) -> String {
        let mut text = json!({
            "EndpointArn": endpoint.as_str(),
            "EventType": self.name(),
            "Resource": application.as_str(),
            "Service": "SNS",
            "Time": now.to_string(),
        });
        if let Self::Failed { message_id, attempts, failure, message } = self {
            text["DeliveryAttempts"] = Value::from(attempts);
            text["FailureMessage"] = Value::from(message);
            text["FailureType"] = Value::from(failure);
            text["MessageId"] = Value::from(message_id);
        }
        text.to_string()
    }

    fn subject(self, application: &ApplicationArn) -> String {
        let subject = format!("{} event for app {} ({})", self.name(), application.name(), application.platform());
        // A subject has 99 characters at the most.
        subject.chars().take(99).collect()
    }
}

/// Publishes `event` to the topic that the application names for it, if it names one. That the topic is gone stops nobody.
pub(crate) async fn tell(fanfare: &Fanfare, application: &Application, endpoint: &EndpointArn, event: Event<'_>) {
    let Some(topic) = application.attribute(event.attribute()) else { return };
    let arn = endpoint.application();
    let message = Message::builder(event.text(endpoint, &arn, fanfare.now())).subject(event.subject(&arn));
    let published = async {
        fanfare.publish(&TopicArn::parse(topic)?, message.build()?).await?;
        Ok::<_, SnsError>(())
    };
    if let Err(error) = published.await {
        tracing::warn!(application = %arn, topic, event = event.name(), %error, "an event could not be published");
    }
}
