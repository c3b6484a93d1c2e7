//! What a protocol would carry of a notification.

use fanfare::wire::{RenderError, Renderer};
use fanfare::{Notification, Protocol};

/// The body or text with which `protocol` would deliver `notification`: the envelope or the raw text where that is what it
/// carries, Lambda's event, or the text that was selected for the protocol.
pub(super) async fn carried(
    protocol: &Protocol,
    notification: &Notification,
    renderer: &Renderer,
) -> Result<String, RenderError> {
    let body = match protocol {
        Protocol::Sms => return Ok(fanfare::sms::body(notification).as_str().to_owned()),
        Protocol::Email | Protocol::Application => notification.text_bytes().clone(),
        Protocol::Lambda => renderer.event(notification).await?,
        _ => renderer.body(notification).await?,
    };
    Ok(String::from_utf8_lossy(&body).into_owned())
}
