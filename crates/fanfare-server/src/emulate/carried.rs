//! What a protocol would carry of a notification.

use bytes::Bytes;
use fanfare::wire::{RenderError, Renderer};
use fanfare::{Notification, Protocol};
use serde_json::{Value, json};

/// The body or text with which `protocol` would deliver `notification`: the envelope or the raw text where that is what it
/// carries, Lambda's event, or the text that was selected for the protocol.
pub(super) async fn carried(
    protocol: &Protocol,
    notification: &Notification,
    renderer: &Renderer,
) -> Result<String, RenderError> {
    let body = match protocol {
        Protocol::Email | Protocol::Sms | Protocol::Application => notification.text_bytes().clone(),
        Protocol::Lambda => event(&renderer.body(notification).await?, notification),
        _ => renderer.body(notification).await?,
    };
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// The event that AWS Lambda is invoked with: the envelope, with two of its links spelled differently.
fn event(envelope: &[u8], notification: &Notification) -> Bytes {
    let Ok(Value::Object(mut sns)) = serde_json::from_slice(envelope) else {
        return Bytes::copy_from_slice(envelope);
    };
    for (name, of_lambda) in [("SigningCertURL", "SigningCertUrl"), ("UnsubscribeURL", "UnsubscribeUrl")] {
        if let Some(link) = sns.remove(name) {
            sns.insert(of_lambda.to_owned(), link);
        }
    }
    sns.entry("Subject").or_insert(Value::Null);
    sns.entry("MessageAttributes").or_insert(json!({}));
    let subscription = notification.subscription().map(|arn| arn.as_str());
    let record = json!({
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": sns,
    });
    Bytes::from(json!({ "Records": [record] }).to_string())
}
