//! One subscriber's address.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use async_trait::async_trait;
use fanfare_core::{
    DeliveryError, Endpoint, Format, Limits, Notification, NotificationKind, Outcome, Protocol, SubscriptionArn,
};
use fanfare_wire::{Links, Renderer};

use crate::address::MailAddress;
use crate::classify;
use crate::relays::Relays;
use crate::request::Stationery;

/// What the endpoints of a connector share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) relays: Relays,
    pub(crate) stationery: Stationery,
    pub(crate) renderer: Renderer,
    pub(crate) per_second: Option<NonZeroU32>,
}

/// What an e-mail carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// `email`: the text.
    Text,
    /// `email-json`: the envelope.
    Envelope,
}

/// A mailbox that notifications are sent to.
///
/// `Display` is the address.
pub(crate) struct EmailEndpoint {
    pub(crate) recipient: MailAddress,
    pub(crate) content: Content,
    pub(crate) shared: Arc<Shared>,
}

#[async_trait]
impl Endpoint for EmailEndpoint {
    fn protocol(&self) -> Protocol {
        match self.content {
            Content::Text => Protocol::Email,
            Content::Envelope => Protocol::EmailJson,
        }
    }

    fn limits(&self) -> Limits {
        let limits = Limits::ONE.within(self.shared.relays.attempt_timeout());
        match self.shared.per_second {
            Some(rate) => limits.paced(rate),
            None => limits,
        }
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let envelope = match self.carries_envelope(notification) {
            true => Some(self.envelope(notification).await?),
            false => None,
        };
        let letter = self.shared.stationery.letter(notification, &self.recipient, envelope.as_deref())?;
        self.shared.relays.send(&letter).await
    }
}

impl EmailEndpoint {
    fn carries_envelope(&self, notification: &Notification) -> bool {
        self.content == Content::Envelope
            && notification.format() == Format::Envelope
            && matches!(notification.kind(), NotificationKind::Notification)
    }

    async fn envelope(&self, notification: &Notification) -> Result<String, DeliveryError> {
        let body = self.shared.renderer.body(notification).await.map_err(classify::unrendered)?;
        let envelope = String::from_utf8(body.into()).expect("an envelope is made from Strings");
        Ok(match notification.subscription() {
            Some(subscription) => with_page(envelope, self.shared.renderer.links(), subscription, &self.recipient),
            None => envelope,
        })
    }
}

/// The envelope with an `UnsubscribeURL` that leads to the page, for whoever looks through e-mails follows links, and the usual
/// one acts at once. It is not part of what is signed.
fn with_page(envelope: String, links: &Links, subscription: &SubscriptionArn, recipient: &MailAddress) -> String {
    // In a value, the quotes would be escaped.
    let member = |url: String| format!("\n  \"UnsubscribeURL\" : \"{url}\"");
    let page = links.unsubscribe_page_url(subscription, &recipient.to_string());
    envelope.replacen(&member(links.unsubscribe_url(subscription)), &member(page), 1)
}

impl fmt::Display for EmailEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recipient.fmt(f)
    }
}

impl fmt::Debug for EmailEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailEndpoint({}, {:?})", self.recipient, self.content)
    }
}
