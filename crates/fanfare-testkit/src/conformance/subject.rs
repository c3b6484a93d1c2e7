//! What the suite needs to know of an endpoint and its peer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use fanfare_core::{AttributeValue, Endpoint, Format, Message, Notification, Publication, Timestamp, TopicArn};

/// An endpoint under test together with the peer that it delivers to, which does as it is told.
///
/// Decode what the peer received without the code under test: else both may be wrong in the same way.
#[async_trait]
pub trait Subject: Send + Sync + 'static {
    /// Starts a peer for one case, which accepts everything, and opens an endpoint to it.
    ///
    /// Configure the endpoint's own time limit to about a second, so that a case that waits for it is quick.
    async fn start() -> Self
    where
        Self: Sized;

    /// The endpoint; each call gives the same one.
    fn endpoint(&self) -> Arc<dyn Endpoint>;

    /// The protocol's name that the endpoint should give.
    fn protocol(&self) -> &str;

    /// From now on, the peer treats each attempt this way. Attempts that it left hanging stay so.
    async fn behave(&self, behaviour: Behaviour);

    /// How often the peer has been asked to take a notification, whatever came of it.
    async fn attempts(&self) -> usize;

    /// Waits until [`Subject::attempts`] is at least `count`; no need to give up, the case has a deadline.
    async fn wait_for_attempts(&self, count: usize);

    /// What the peer accepted, in order, decoded from the wire.
    async fn received(&self) -> Vec<Received>;

    /// What the endpoint knows and must not show: passwords, keys, tokens. At least one, or the case about them is to be
    /// ignored with the reason.
    fn secrets(&self) -> Vec<String>;

    /// The status number of a receipt, for protocols that have one.
    fn accepted_status(&self) -> Option<u16> {
        None
    }

    /// The notification of `message` under the id `id`, as this endpoint gets it from an engine.
    fn notification(&self, id: &str, message: Message) -> Notification {
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:conformance").expect("the ARN is well formed");
        let accepted = Timestamp::from_unix_ms(1_767_323_045_678);
        Notification::new(Publication::new(id, topic, accepted, message), self.protocol())
    }
}

/// How a peer treats attempts. It is exhaustive because a subject must answer every case; what a protocol has no way to
/// express may panic, and the cases that ask for it are ignored with that reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// It takes every notification.
    Accept,
    /// It takes those whose text does not contain this, and refuses the others for good.
    RefuseTextsWith(String),
    /// It says that it cannot take any now, as with HTTP's `503`.
    FailForNow,
    /// It refuses every notification for good, as with HTTP's `400`.
    Refuse,
    /// It asks for fewer, as with HTTP's `429`, and does not say when to come back.
    Throttle,
    /// It asks for fewer, and to wait this many whole seconds.
    ThrottleFor(Duration),
    /// It is not there: connections are refused.
    Absent,
    /// It takes a notification and never answers.
    Silent,
    /// It takes a notification and breaks the connection before it answers.
    BreakOff,
}

/// A notification as the peer decoded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The `MessageId`, where the protocol carries one.
    pub message_id: Option<String>,
    /// Whether it came in an envelope, judged by what is on the wire alone; protocols without the difference say
    /// [`Format::Raw`].
    pub format: Format,
    /// The text.
    pub text: String,
    /// The subject, where there is one.
    pub subject: Option<String>,
    /// The attributes, in any order.
    pub attributes: Vec<ReceivedAttribute>,
}

/// An attribute as the peer decoded it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedAttribute {
    /// The name.
    pub name: String,
    /// The type as the publisher wrote it, such as `Number.float`.
    pub data_type: String,
    /// The decoded value.
    pub value: AttributeValue,
}
