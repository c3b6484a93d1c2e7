//! Reading a message that nobody vouches for yet.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fanfare_core::{SignatureVersion, TopicArn};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::error::{VerifyError, VerifyErrorKind};
use super::message::ReceivedAttribute;
use crate::canonical::{SignedKind, SignedParts};

/// The most bytes that a body may have: 8 MiB. The largest message that a topic can take fits, 1 MiB of characters that JSON
/// writes with six bytes each.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The most keys that a body may have; Amazon SNS uses thirteen.
const KEYS_MAX: usize = 64;

/// The keys whose values are texts.
const TEXT_KEYS: [&str; 12] = [
    "Type",
    "MessageId",
    "TopicArn",
    "Subject",
    "Message",
    "Timestamp",
    "SignatureVersion",
    "Signature",
    "SigningCertURL",
    "UnsubscribeURL",
    "SubscribeURL",
    "Token",
];

/// A message as it was received, with everything that a signed message must have.
pub(super) struct Received {
    pub(super) message_id: String,
    pub(super) topic: TopicArn,
    pub(super) message: String,
    pub(super) timestamp: String,
    pub(super) kind: ReceivedKind,
    pub(super) version: SignatureVersion,
    pub(super) signature: Vec<u8>,
    pub(super) signing_cert_url: String,
}

pub(super) enum ReceivedKind {
    Notification {
        subject: Option<String>,
        unsubscribe_url: Option<String>,
        attributes: Vec<(String, ReceivedAttribute)>,
    },
    SubscriptionConfirmation(Confirmation),
    UnsubscribeConfirmation(Confirmation),
}

pub(super) struct Confirmation {
    pub(super) subscribe_url: String,
    pub(super) token: String,
}

impl Received {
    /// Reads a body: keys in HTTP's or in Lambda's spelling, each once; null means absent; unknown keys are passed over.
    pub(super) fn parse(body: &[u8]) -> Result<Self, VerifyError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(VerifyErrorKind::TooLarge.into());
        }
        // The reader's own error may repeat the message; where it is says enough.
        let mut members: Members = serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            VerifyError::malformed(format!("not a json object of distinct sns keys (line {line}, column {column})"))
        })?;
        if !members.texts.contains_key("Signature") {
            return Err(VerifyErrorKind::Unsigned.into());
        }
        let version = members.take("SignatureVersion")?.parse().map_err(|_| VerifyErrorKind::UnsupportedVersion)?;
        let kind = match &*members.take("Type")? {
            "Notification" => ReceivedKind::Notification {
                subject: members.take_if_present("Subject")?,
                unsubscribe_url: members.take_if_present("UnsubscribeURL")?,
                attributes: std::mem::take(&mut members.attributes),
            },
            "SubscriptionConfirmation" => ReceivedKind::SubscriptionConfirmation(members.take_confirmation()?),
            "UnsubscribeConfirmation" => ReceivedKind::UnsubscribeConfirmation(members.take_confirmation()?),
            _ => return Err(VerifyError::malformed("Type is unknown")),
        };
        Ok(Self {
            message_id: members.take("MessageId")?,
            topic: TopicArn::parse(&members.take("TopicArn")?)
                .map_err(|_| VerifyError::malformed("TopicArn is no topic's"))?,
            message: members.take("Message")?,
            timestamp: members.take("Timestamp")?,
            kind,
            version,
            signature: BASE64
                .decode(members.take("Signature")?)
                .map_err(|_| VerifyError::malformed("Signature is not base64"))?,
            signing_cert_url: members.take("SigningCertURL")?,
        })
    }

    /// What of it is signed.
    pub(super) fn signed_parts(&self) -> SignedParts<'_> {
        let kind = match &self.kind {
            ReceivedKind::Notification { subject, .. } => SignedKind::Notification { subject: subject.as_deref() },
            ReceivedKind::SubscriptionConfirmation(Confirmation { subscribe_url, token }) => {
                SignedKind::SubscriptionConfirmation { subscribe_url, token }
            }
            ReceivedKind::UnsubscribeConfirmation(Confirmation { subscribe_url, token }) => {
                SignedKind::UnsubscribeConfirmation { subscribe_url, token }
            }
        };
        SignedParts {
            message_id: &self.message_id,
            topic_arn: self.topic.as_str(),
            message: &self.message,
            timestamp: &self.timestamp,
            kind,
        }
    }
}

/// The members of the JSON object that mean something, in HTTP's spelling.
struct Members {
    texts: BTreeMap<&'static str, String>,
    attributes: Vec<(String, ReceivedAttribute)>,
}

impl Members {
    fn take(&mut self, key: &'static str) -> Result<String, VerifyError> {
        self.take_if_present(key)?.ok_or_else(|| VerifyError::malformed(format!("{key} is missing")))
    }

    /// Takes a text, which is a single line unless it is the message.
    ///
    /// The signature is over lines of keys and values. If other values than the message could have lines, then a publisher
    /// could write a message that, cut in other places, is signed as another message with another id, time and subject.
    fn take_if_present(&mut self, key: &'static str) -> Result<Option<String>, VerifyError> {
        let text = self.texts.remove(key);
        if key != "Message" && text.as_ref().is_some_and(|text| text.chars().any(char::is_control)) {
            return Err(VerifyError::malformed(format!("{key} has a control character")));
        }
        Ok(text)
    }

    fn take_confirmation(&mut self) -> Result<Confirmation, VerifyError> {
        Ok(Confirmation { subscribe_url: self.take("SubscribeURL")?, token: self.take("Token")? })
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an sns message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members { texts: BTreeMap::new(), attributes: Vec::new() };
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let key = in_http_spelling(key);
            if let Some(name) = TEXT_KEYS.iter().find(|name| **name == key) {
                if let Some(text) = map.next_value::<Option<String>>()? {
                    members.texts.insert(name, text);
                }
            } else if key == "MessageAttributes" {
                members.attributes = map.next_value::<Option<ReceivedAttributes>>()?.unwrap_or_default().0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if seen.len() == KEYS_MAX || !seen.insert(key) {
                return Err(A::Error::custom("a key is given twice, or there are too many"));
            }
        }
        Ok(members)
    }
}

/// Lambda events spell the end of three keys `Url`.
fn in_http_spelling(mut key: String) -> String {
    if matches!(&*key, "SigningCertUrl" | "UnsubscribeUrl" | "SubscribeUrl") {
        key.truncate(key.len() - 2);
        key.push_str("RL");
    }
    key
}

/// The value of `MessageAttributes`.
#[derive(Default)]
struct ReceivedAttributes(Vec<(String, ReceivedAttribute)>);

impl<'de> Deserialize<'de> for ReceivedAttributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AttributesVisitor)
    }
}

struct AttributesVisitor;

impl<'de> Visitor<'de> for AttributesVisitor {
    type Value = ReceivedAttributes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("message attributes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ReceivedAttributes, A::Error> {
        let mut attributes = Vec::new();
        let mut seen = HashSet::new();
        while let Some((name, attribute)) = map.next_entry::<String, ReceivedAttribute>()? {
            if !seen.insert(name.clone()) {
                return Err(A::Error::custom("an attribute is given twice"));
            }
            attributes.push((name, attribute));
        }
        Ok(ReceivedAttributes(attributes))
    }
}
