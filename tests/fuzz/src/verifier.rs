//! The verifier: no body makes it panic, and none but the server's own messages are believed.

use std::sync::LazyLock;

use fanfare_core::{Message, Notification, Publication, SignatureVersion, Timestamp};
use fanfare_wire::VerifiedMessage;
use serde_json::Value;

use super::parts::Parts;
use super::server;

/// Verifies a body that anybody may have made.
///
/// An input whose first part is one digit alone edits that one of the server's genuine messages: the other parts are
/// pairs of a key and its new value, a text; a value of `-` removes the key, `+` gives it once more, and one that begins
/// with `=` is JSON instead. Any other input is the body itself.
///
/// Claims: what is believed says in every signed part what one of the server's messages says, in the edited case the one
/// that was edited; adding texts under keys that SNS does not know changes nothing.
pub fn verifier(data: &[u8]) {
    let mut parts = Parts::new(data);
    match parts.next_bytes() {
        Some([digit @ b'0'..=b'9']) => check_edited(usize::from(digit - b'0') % genuine().len(), parts),
        _ => {
            if let Ok(verified) = server::verified(data) {
                let signed = signed_parts(&verified);
                assert!(genuine().iter().any(|genuine| genuine.signed == signed), "believed: {signed:?}");
            }
        }
    }
}

fn check_edited(number: usize, mut edits: Parts<'_>) {
    let Genuine { body, signed } = &genuine()[number];
    let mut members: Vec<(String, String)> = body.clone();
    let mut harmless = true;
    while let Some(key) = edits.next_text() {
        harmless &= edit(&mut members, &key, &edits.text());
    }
    match server::verified(written(&members).as_bytes()) {
        Ok(verified) => assert_eq!(&signed_parts(&verified), signed, "another message is believed"),
        Err(error) => assert!(!harmless || members.len() > 64, "{error}"),
    }
}

/// Whether the edit cannot matter to a verifier.
fn edit(members: &mut Vec<(String, String)>, key: &str, value: &str) -> bool {
    let known = members.iter().position(|(name, _)| name == key);
    let json = match value.strip_prefix('=') {
        Some(json) if serde_json::from_str::<Value>(json).is_ok() => json.to_owned(),
        _ => Value::from(value).to_string(),
    };
    match (known, value) {
        (Some(at), "-") => drop(members.remove(at)),
        (Some(at), "+") => members.push(members[at].clone()),
        (Some(at), _) => members[at].1 = json,
        (None, _) => members.push((key.to_owned(), json)),
    }
    const MEANT: [&str; 4] = ["Subject", "Token", "Message", "Sign"];
    known.is_none()
        && !value.starts_with('=')
        && !MEANT.iter().any(|meant| key.starts_with(meant))
        && !key.to_lowercase().ends_with("url")
}

fn written(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, json)| format!("{}:{json}", Value::from(&**key))).collect();
    format!("{{{}}}", members.join(","))
}

/// A message of the server.
struct Genuine {
    /// Each key with its value in JSON.
    body: Vec<(String, String)>,
    signed: Signed,
}

/// What of a message is signed: type, id, topic, text, time, and either the subject or the link and the token.
#[derive(Debug, PartialEq)]
struct Signed {
    kind: &'static str,
    message_id: String,
    topic: String,
    text: String,
    timestamp: String,
    rest: [Option<String>; 2],
}

fn signed_parts(message: &VerifiedMessage) -> Signed {
    let confirmation = |verified: &fanfare_wire::verify::VerifiedConfirmation| {
        [verified.subscribe_url().ok().map(str::to_owned), Some(verified.token().to_owned())]
    };
    let (kind, rest) = match message {
        VerifiedMessage::Notification(verified) => ("Notification", [verified.subject().map(str::to_owned), None]),
        VerifiedMessage::SubscriptionConfirmation(verified) => ("SubscriptionConfirmation", confirmation(verified)),
        VerifiedMessage::UnsubscribeConfirmation(verified) => ("UnsubscribeConfirmation", confirmation(verified)),
        other => panic!("another kind: {other:?}"),
    };
    Signed {
        kind,
        message_id: message.message_id().to_owned(),
        topic: message.topic().to_string(),
        text: message.text().to_owned(),
        timestamp: message.timestamp().to_owned(),
        rest,
    }
}

/// The server's messages: plain ones with signatures of both versions, one whose text imitates the lines that are signed,
/// one with attributes and characters that JSON escapes, and the two confirmations.
fn genuine() -> &'static [Genuine] {
    static GENUINE: LazyLock<Vec<Genuine>> = LazyLock::new(|| {
        let imitation = "a\nMessageId\nb\nSubject\nc\nTimestamp\n1970-01-01T00:00:00.000Z\nTopicArn\n\
                         arn:aws:sns:us-east-1:000000000000:orders\nType\nNotification\n";
        let token = "0f".repeat(32);
        let (topic, time) = (server::topic(), Timestamp::EPOCH);
        vec![
            published(Message::builder("a parcel").subject("parcel"), SignatureVersion::V1),
            published(Message::builder("a parcel"), SignatureVersion::V2),
            published(Message::builder(imitation), SignatureVersion::V2),
            published(
                Message::builder("\"\\/\u{8}\u{0}é😀").subject("\"\\/").string("store", "\"a\""),
                SignatureVersion::V2,
            ),
            made(Notification::subscription_confirmation("5f", topic, time, &token)),
            made(Notification::unsubscribe_confirmation("6f", &server::subscription(), time, &token)),
        ]
    });
    &GENUINE
}

fn published(message: fanfare_core::MessageBuilder, version: SignatureVersion) -> Genuine {
    let message = message.build().expect("it is a message");
    let publication = Publication::new("2c6f0f2e", server::topic(), Timestamp::EPOCH, message);
    let notification = Notification::new(publication.with_signature_version(version), "http");
    made(notification.for_subscription(server::subscription()))
}

fn made(notification: Notification) -> Genuine {
    let body = server::rendered(&notification);
    let verified = server::verified(&body).expect("the server signed it");
    let members: serde_json::Map<String, Value> = serde_json::from_slice(&body).expect("it is a json object");
    let body = members.into_iter().map(|(key, value)| (key, value.to_string())).collect();
    Genuine { body, signed: signed_parts(&verified) }
}
