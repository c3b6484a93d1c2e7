//! From a notification to the body that its subscriber gets.

use std::error::Error;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use fanfare_core::{Format, Notification, NotificationKind};
use tokio::sync::OnceCell;

use crate::CloudEvent;
use crate::canonical::{SignedKind, SignedParts, canonical_string};
use crate::envelope::{Envelope, Seal};
use crate::event::event;
use crate::links::Links;
use crate::signer::{Begun, SignError, Signer};

/// Renders notifications as Amazon SNS does. Cloning copies a pointer.
///
/// A text is signed and escaped once, whoever asks first; everybody else gets a copy with an `UnsubscribeURL` of their own.
#[derive(Debug, Clone)]
pub struct Renderer(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    /// Names this renderer's slot in a publication's memo.
    id: u64,
    signer: Signer,
    links: Links,
}

/// What is kept for one text of one publication. Every rendering of the text shares the seal.
#[derive(Default)]
struct Rendered {
    /// A signature that was begun before anybody asked for it.
    foreseen: Mutex<Option<Begun>>,
    seal: OnceCell<Seal>,
    envelope: OnceCell<Envelope>,
    event: OnceCell<Bytes>,
}

impl Renderer {
    /// Renders with signatures of `signer` and with `links`.
    pub fn new(signer: Signer, links: Links) -> Self {
        Self(Arc::new(Parts { id: new_id(), signer, links }))
    }

    /// Begins to sign what [`Renderer::body`] is about to be asked for, so that it waits less: for a message that is being
    /// stored, say. Does nothing where nothing is signed, nor while the signer has enough to do.
    pub fn foresee_body(&self, notification: &Notification) {
        if notification.format() == Format::Envelope {
            self.foresee(notification);
        }
    }

    /// As [`Renderer::foresee_body`], for what [`Renderer::event`] is about to be asked for.
    pub fn foresee_event(&self, notification: &Notification) {
        self.foresee(notification);
    }

    fn foresee(&self, notification: &Notification) {
        // What is of a FIFO topic is not signed.
        if notification.topic().is_fifo() {
            return;
        }
        let rendered = notification.memo().slot::<Rendered>(self.0.id);
        let mut foreseen = rendered.foreseen.lock().unwrap_or_else(PoisonError::into_inner);
        if foreseen.is_none() && !rendered.seal.initialized() {
            let text = || text_to_sign(notification, &self.0.links).into();
            *foreseen = self.0.signer.begin(notification.signature_version(), text);
        }
    }

    /// The body for the subscriber that `notification` goes to, over HTTP, SQS, or as the JSON part of an email.
    ///
    /// - In the raw format: the text, shared and not copied.
    /// - As a CloudEvent: JSON, see [`cloud_event`](crate::cloud_event); shared, and not signed.
    /// - Else the envelope: pretty-printed JSON in UTF-8. Those with a sequence number (FIFO) are not signed. A notification
    ///   without a subscription has no `UnsubscribeURL`.
    ///
    /// Dropping the future loses nothing: the next caller goes on.
    ///
    /// # Errors
    /// [`RenderError`] when the envelope cannot be signed now.
    pub async fn body(&self, notification: &Notification) -> Result<Bytes, RenderError> {
        if notification.format() == Format::Raw {
            return Ok(notification.text_bytes().clone());
        }
        let links = &self.0.links;
        let rendered = notification.memo().slot::<Rendered>(self.0.id);
        if notification.format() == Format::CloudEvent {
            let event = async || Bytes::from(CloudEvent::of(notification).to_json());
            return Ok(rendered.event.get_or_init(event).await.clone());
        }
        let envelope = match rendered.envelope.get() {
            Some(envelope) => envelope,
            // Apart, so that the many who find it made have no room for it in them.
            None => Box::pin(self.envelope(notification, &rendered)).await?,
        };
        let subscription = match notification.kind() {
            NotificationKind::Notification => notification.subscription(),
            _ => None,
        };
        Ok(envelope.body(subscription, links))
    }

    /// The event for the Lambda function that `notification` goes to: compact JSON in UTF-8, the message never raw.
    ///
    /// `SignatureVersion` is the one of the signature; Amazon SNS was seen to write `1` in each event. Events of FIFO topics,
    /// which Amazon SNS does not have, are not signed and carry the sequence number.
    ///
    /// Dropping the future loses nothing: the next caller goes on.
    ///
    /// # Errors
    /// [`RenderError`] when the event cannot be signed now.
    pub async fn event(&self, notification: &Notification) -> Result<Bytes, RenderError> {
        let rendered = notification.memo().slot::<Rendered>(self.0.id);
        let seal = self.seal(notification, &rendered).await?;
        Ok(event(notification, seal, &self.0.links))
    }

    /// The links that are in the bodies.
    pub fn links(&self) -> &Links {
        &self.0.links
    }

    /// The signer, whose certificate is to be served at [`Links::signing_cert_url`].
    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// What all subscribers share, made now if it is the first of its text.
    async fn envelope<'r>(
        &self,
        notification: &Notification,
        rendered: &'r Rendered,
    ) -> Result<&'r Envelope, RenderError> {
        let seal = self.seal(notification, rendered).await?;
        Ok(rendered.envelope.get_or_init(async || Envelope::new(notification, seal, &self.0.links)).await)
    }

    /// The signature of a notification, made now if it is the first of its text; none for those of FIFO topics.
    async fn seal<'r>(
        &self,
        notification: &Notification,
        rendered: &'r Rendered,
    ) -> Result<Option<&'r Seal>, RenderError> {
        if notification.sequence_number().is_some() {
            return Ok(None);
        }
        let sealed = rendered.seal.get_or_try_init(|| self.new_seal(notification, rendered)).await;
        sealed.map(Some).map_err(RenderError)
    }

    async fn new_seal(&self, notification: &Notification, rendered: &Rendered) -> Result<Seal, SignError> {
        let Parts { signer, links, .. } = &*self.0;
        let version = notification.signature_version();
        let foreseen = rendered.foreseen.lock().unwrap_or_else(PoisonError::into_inner).take();
        let signature = match foreseen {
            Some(begun) => begun.signature().await?,
            None => signer.sign(version, text_to_sign(notification, links).into()).await?,
        };
        let signature = BASE64.encode(signature);
        let signing_cert_url = links.signing_cert_url(signer.certificate().await?.file_name());
        Ok(Seal { version, signature, signing_cert_url })
    }
}

fn text_to_sign(notification: &Notification, links: &Links) -> String {
    let subscribe_url;
    let kind = match notification.kind() {
        NotificationKind::SubscriptionConfirmation { token } => {
            subscribe_url = links.subscribe_url(notification.topic(), token);
            SignedKind::SubscriptionConfirmation { subscribe_url: &subscribe_url, token }
        }
        NotificationKind::UnsubscribeConfirmation { token } => {
            subscribe_url = links.subscribe_url(notification.topic(), token);
            SignedKind::UnsubscribeConfirmation { subscribe_url: &subscribe_url, token }
        }
        // Whatever carries no token is signed like a published message.
        _ => SignedKind::Notification { subject: notification.subject() },
    };
    canonical_string(&SignedParts {
        message_id: notification.message_id(),
        topic_arn: notification.topic().as_str(),
        message: notification.text(),
        timestamp: &notification.timestamp().to_string(),
        kind,
    })
}

/// A number that no other renderer has, of whatever crate: hashed with a random key, since others may count from 1 too.
fn new_id() -> u64 {
    static RENDERERS: AtomicU64 = AtomicU64::new(0);
    std::hash::RandomState::new().hash_one(RENDERERS.fetch_add(1, Ordering::Relaxed))
}

/// A body that could not be rendered because it could not be signed; [`SignError`], its source, says whether that may pass.
#[derive(Debug)]
pub struct RenderError(SignError);

impl RenderError {
    /// Why there is no signature.
    pub fn sign_error(&self) -> &SignError {
        &self.0
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the envelope is not signed")
    }
}

impl Error for RenderError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
