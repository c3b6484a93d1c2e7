//! A message on its way to one endpoint.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::arn::{SubscriptionArn, TopicArn};
use crate::attribute::Attributes;
use crate::error::SnsError;
use crate::host::Timestamp;
use crate::message::{Message, TextIndex};
use crate::protocol::Protocol;
use crate::publication::{Memo, Publication, SignatureVersion};
use crate::store::Stage;
use crate::trace::TraceContext;

/// What a notification is for; Amazon SNS's `Type`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotificationKind {
    /// It carries a published message.
    Notification,
    /// It asks the endpoint to confirm a subscription with this token.
    SubscriptionConfirmation {
        /// The token, lower-case hex.
        token: Arc<str>,
    },
    /// It tells the endpoint that its subscription has ended and can be restored with this token.
    UnsubscribeConfirmation {
        /// The token, lower-case hex.
        token: Arc<str>,
    },
}

impl NotificationKind {
    /// The kind without its token.
    pub fn message_type(&self) -> MessageType {
        match self {
            Self::Notification => MessageType::Notification,
            Self::SubscriptionConfirmation { .. } => MessageType::SubscriptionConfirmation,
            Self::UnsubscribeConfirmation { .. } => MessageType::UnsubscribeConfirmation,
        }
    }

    /// The name as it stands in `Type` and in the `x-amz-sns-message-type` header.
    pub fn as_str(&self) -> &'static str {
        self.message_type().as_str()
    }
}

/// What a notification is for, without its token: Amazon SNS's `Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs, reason = "see `NotificationKind`")]
pub enum MessageType {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl MessageType {
    /// The name as it stands in `Type` and in the `x-amz-sns-message-type` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

/// Whether an endpoint gets the message alone (`RawMessageDelivery`), inside Amazon SNS's JSON envelope, or as an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// The signed JSON envelope.
    #[default]
    Envelope,
    /// The message's text and nothing else.
    Raw,
    /// A CloudEvent in the structured mode: JSON, not signed. HTTP and HTTPS alone; an extension.
    CloudEvent,
}

/// What a subscription says about the form of its notifications.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) subscription: Option<SubscriptionArn>,
    pub(crate) format: Format,
    pub(crate) content_type: Option<String>,
    pub(crate) display_name: Option<String>,
}

/// A message on its way to one endpoint: which text, in which form, for which subscription, and the how-manieth attempt.
///
/// An engine makes them; to use an adapter alone, make one with [`Notification::new`]:
/// ```
/// use fanfare_core::{Message, Notification, Publication, Timestamp, TopicArn};
///
/// let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders")?;
/// let message = Message::text("a parcel left the house")?;
/// let publication = Publication::new("7f0d…", topic, Timestamp::EPOCH, message);
/// let notification = Notification::new(publication, "http");
/// assert_eq!(notification.text(), "a parcel left the house");
/// # Ok::<(), fanfare_core::SnsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Notification {
    kind: NotificationKind,
    publication: Publication,
    text: TextIndex,
    is_own_text: bool,
    form: Arc<Form>,
    stage: Stage,
    attempt: NonZeroU32,
}

impl Notification {
    /// A first attempt to deliver `publication` in an envelope, with the text for the `MessageStructure` key `key`
    /// (a protocol's name).
    pub fn new(publication: Publication, key: &str) -> Self {
        let text = publication.message().select(key);
        let is_own_text = publication.message().is_own_text(text);
        Self {
            kind: NotificationKind::Notification,
            publication,
            text,
            is_own_text,
            form: Arc::default(),
            stage: Stage::Endpoint,
            attempt: NonZeroU32::MIN,
        }
    }

    /// A request to confirm a subscription to `topic` with `token`, in Amazon SNS's words.
    pub fn subscription_confirmation(id: &str, topic: TopicArn, timestamp: Timestamp, token: &str) -> Self {
        let text = format!(
            "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL \
             included in this message."
        );
        let kind = NotificationKind::SubscriptionConfirmation { token: token.into() };
        Self::announcement(kind, id, topic, timestamp, text)
    }

    /// Tells that `subscription` has ended and how to restore it, in Amazon SNS's words.
    pub fn unsubscribe_confirmation(
        id: &str,
        subscription: &SubscriptionArn,
        timestamp: Timestamp,
        token: &str,
    ) -> Self {
        let text = format!(
            "You have chosen to deactivate subscription {subscription}.\nTo cancel this operation and restore the \
             subscription, visit the SubscribeURL included in this message."
        );
        let kind = NotificationKind::UnsubscribeConfirmation { token: token.into() };
        Self::announcement(kind, id, subscription.topic(), timestamp, text).for_subscription(subscription.clone())
    }

    /// A notification of the engine's own making.
    fn announcement(kind: NotificationKind, id: &str, topic: TopicArn, timestamp: Timestamp, text: String) -> Self {
        let message = Message::text(text).expect("an announcement is a valid message");
        Self::of_kind(kind, Publication::new(id, topic, timestamp, message), "default")
    }

    /// Names the subscription that it goes to.
    #[must_use]
    pub fn for_subscription(self, arn: SubscriptionArn) -> Self {
        self.with_form(|form| form.subscription = Some(arn))
    }

    /// Delivers the message's text alone.
    #[must_use]
    pub fn raw(self) -> Self {
        self.with_form(|form| form.format = Format::Raw)
    }

    /// Delivers the envelope, whatever the subscription asks for.
    #[must_use]
    pub fn enveloped(self) -> Self {
        self.with_form(|form| form.format = Format::Envelope)
    }

    /// Makes it a dead letter: it was given up at the subscription's endpoint, and goes to the dead-letter destination.
    #[must_use]
    pub fn as_dead_letter(self) -> Self {
        self.at_stage(Stage::DeadLetter)
    }

    /// Asks for this `Content-Type` where the protocol has one.
    #[must_use]
    pub fn with_content_type(self, content_type: impl Into<String>) -> Self {
        self.with_form(|form| form.content_type = Some(content_type.into()))
    }

    /// Names the sender where the protocol shows one (the topic's `DisplayName`); an empty name is none.
    #[must_use]
    pub fn with_display_name(self, name: impl Into<String>) -> Self {
        let name = Some(name.into()).filter(|name| !name.is_empty());
        self.with_form(|form| form.display_name = name)
    }

    /// Signs the envelope with `version`.
    #[must_use]
    pub fn with_signature_version(mut self, version: SignatureVersion) -> Self {
        self.publication = self.publication.with_signature_version(version);
        self
    }

    /// Adds attributes for those names that the publisher gave none for.
    #[must_use]
    pub fn with_default_attributes<'a>(mut self, defaults: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.publication = self.publication.with_default_attributes(defaults);
        self
    }

    /// Counts this as attempt number `attempt`, from 1.
    #[must_use]
    pub fn as_attempt(mut self, attempt: NonZeroU32) -> Self {
        self.attempt = attempt;
        self
    }

    /// The same notification with another text for its endpoint, and another subject or none. It is rendered and signed anew.
    ///
    /// # Errors
    /// `InvalidParameter` when the text is empty or too long, or the subject cannot be one.
    pub fn reworded(&self, text: impl Into<String>, subject: Option<String>) -> Result<Self, SnsError> {
        let publication = self.publication.clone().with_one_text(text.into(), subject)?;
        let text = publication.message().select("default");
        Ok(Self { publication, text, ..self.clone() })
    }

    /// The same notification with the text and subject of `other`, which is one of the same message, and with what is rendered
    /// of it.
    #[must_use]
    pub fn in_the_words_of(&self, other: &Self) -> Self {
        Self { publication: other.publication.clone(), text: other.text, ..self.clone() }
    }

    /// What it is for.
    pub fn kind(&self) -> &NotificationKind {
        &self.kind
    }

    /// The `MessageId`.
    pub fn message_id(&self) -> &str {
        self.publication.id()
    }

    /// The topic.
    pub fn topic(&self) -> &TopicArn {
        self.publication.topic()
    }

    /// When the message was accepted.
    pub fn timestamp(&self) -> Timestamp {
        self.publication.timestamp()
    }

    /// The subject.
    pub fn subject(&self) -> Option<&str> {
        self.publication.message().subject()
    }

    /// The text selected for this subscriber.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.text_bytes()).expect("a text is made from a String")
    }

    /// Whether the publisher wrote the text for this subscriber's protocol or platform (`MessageStructure=json`), and not for
    /// everybody: to a push platform such a text is a payload, and any other is shown to people.
    pub fn is_own_text(&self) -> bool {
        self.is_own_text
    }

    /// The text selected for this subscriber, to share without copying.
    pub fn text_bytes(&self) -> &Bytes {
        self.publication.message().text_at(self.text)
    }

    /// The attributes that this delivery carries: none when the message gave each protocol its own text and the engine
    /// follows Amazon SNS's documentation.
    pub fn attributes(&self) -> &Attributes {
        static NONE: std::sync::LazyLock<Attributes> = std::sync::LazyLock::new(Attributes::new);
        if self.publication.carries_attributes() { self.publication.message().attributes() } else { &NONE }
    }

    /// Every attribute of the message, whether this delivery carries it or not: those that steer a delivery, such as
    /// `AWS.SNS.SMS.SenderID`, count also where [`Notification::attributes`] has none.
    pub fn published_attributes(&self) -> &Attributes {
        self.publication.message().attributes()
    }

    /// The one address that the message was published to; nothing when it was published to a topic.
    pub fn recipient(&self) -> Option<&str> {
        self.publication.recipient()
    }

    /// The place in a FIFO topic, in decimal digits. Envelopes that carry one are not signed.
    pub fn sequence_number(&self) -> Option<&str> {
        self.publication.sequence_number()
    }

    /// The message group.
    pub fn group_id(&self) -> Option<&str> {
        self.publication.message().group_id()
    }

    /// The deduplication id.
    pub fn deduplication_id(&self) -> Option<&str> {
        self.publication.message().deduplication_id()
    }

    /// The trace that publishing the message was part of. An adapter passes on what its protocol has a place for:
    /// [`TraceContext::headers`] over HTTP, [`TraceContext::xray_header`] as the message system attribute `AWSTraceHeader` to
    /// SQS and as the header `X-Amzn-Trace-Id` to Lambda. What the topic does not pass on is not in it.
    pub fn trace(&self) -> &TraceContext {
        self.publication.message().trace()
    }

    /// The subscription that it goes to.
    pub fn subscription(&self) -> Option<&SubscriptionArn> {
        self.form.subscription.as_ref()
    }

    /// Whether the endpoint gets the envelope or the text alone. Confirmations always come in an envelope.
    pub fn format(&self) -> Format {
        match self.kind {
            NotificationKind::Notification => self.form.format,
            _ => Format::Envelope,
        }
    }

    /// The `Content-Type` that the delivery policy asks for; confirmations keep the protocol's own.
    pub fn content_type(&self) -> Option<&str> {
        match self.kind {
            NotificationKind::Notification => self.form.content_type.as_deref(),
            _ => None,
        }
    }

    /// The sender's name for people, where the topic has one (`DisplayName`).
    pub fn display_name(&self) -> Option<&str> {
        self.form.display_name.as_deref()
    }

    /// How the envelope is signed.
    pub fn signature_version(&self) -> SignatureVersion {
        self.publication.signature_version()
    }

    /// Whether it was given up at the subscription's endpoint and goes to the dead-letter destination, behind which there is
    /// nothing: an adapter had better bring it over in another form than not at all.
    pub fn is_dead_letter(&self) -> bool {
        self.stage == Stage::DeadLetter
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> NonZeroU32 {
        self.attempt
    }

    /// What renderers keep for the text that this notification carries, shared with every other notification of it.
    pub fn memo(&self) -> &Memo {
        self.publication.memo(self.text)
    }

    /// A first attempt to deliver `publication` as what it is for.
    pub(crate) fn of_kind(kind: NotificationKind, publication: Publication, key: &str) -> Self {
        Self { kind, ..Self::new(publication, key) }
    }

    /// The same with the text for `address` of `protocol`, or for the one address that the message was published to.
    pub(crate) fn for_address(self, protocol: &Protocol, address: Option<&str>) -> Self {
        let text = self.publication.message().select_for(protocol, self.recipient().or(address));
        let is_own_text = self.publication.message().is_own_text(text);
        Self { text, is_own_text, ..self }
    }

    pub(crate) fn at_stage(self, stage: Stage) -> Self {
        Self { stage, ..self }
    }

    pub(crate) fn publication(&self) -> &Publication {
        &self.publication
    }

    pub(crate) fn in_form(mut self, form: Arc<Form>) -> Self {
        self.form = form;
        self
    }

    fn with_form(mut self, change: impl FnOnce(&mut Form)) -> Self {
        change(Arc::make_mut(&mut self.form));
        self
    }
}
