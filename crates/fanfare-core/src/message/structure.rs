//! `MessageStructure=json`: a text of its own for each protocol.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::Value;

use super::TextIndex;
use crate::error::SnsError;
use crate::platform::Platform;
use crate::protocol::Protocol;

/// The texts of a message; which one a subscriber gets is decided by its protocol's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Texts {
    /// Everybody gets the same.
    One(Bytes),
    /// Texts by key; the first is that of `default`, which is empty when it was not given and need not be.
    ByKey { keys: HashMap<String, usize>, texts: Vec<Bytes> },
}

/// Whether there has to be a text for those who have none of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DefaultText {
    Required,
    Optional,
}

impl Texts {
    /// Reads a JSON object of texts. Values that are no strings are ignored, and of a repeated key the last counts.
    pub(super) fn parse(published: &[u8], default: DefaultText) -> Result<Self, SnsError> {
        let Ok(Value::Object(entries)) = serde_json::from_slice(published) else {
            return Err(SnsError::invalid_parameter("Message Structure - JSON message body failed to parse"));
        };
        let default = match entries.get("default") {
            Some(Value::String(default)) => default.clone(),
            _ if default == DefaultText::Optional => String::new(),
            _ => return Err(SnsError::invalid_parameter("Message Structure - No default entry in JSON message body")),
        };
        let mut keys = HashMap::new();
        let mut texts = vec![Bytes::from(default)];
        for (key, value) in entries {
            if let Value::String(text) = value
                && key != "default"
            {
                keys.insert(key, texts.len());
                texts.push(Bytes::from(text));
            }
        }
        Ok(Self::ByKey { keys, texts })
    }

    pub(super) fn select(&self, key: &str) -> TextIndex {
        match self {
            Self::One(_) => TextIndex(0),
            Self::ByKey { keys, .. } => TextIndex(keys.get(key).copied().unwrap_or(0)),
        }
    }

    /// The text for `address` of `protocol`: a device's has the keys of its platform.
    pub(super) fn select_for(&self, protocol: &Protocol, address: Option<&str>) -> TextIndex {
        self.select_on(protocol, Platform::of_address(protocol, address))
    }

    /// The text for whoever is on `platform` of `protocol`.
    pub(super) fn select_on(&self, protocol: &Protocol, platform: Option<Platform>) -> TextIndex {
        match (self, platform) {
            (Self::ByKey { keys, .. }, Some(platform)) => {
                let own = platform.structure_keys().iter().find_map(|key| keys.get(*key));
                TextIndex(own.copied().unwrap_or(0))
            }
            _ => self.select(protocol.as_str()),
        }
    }

    pub(super) fn at(&self, index: TextIndex) -> &Bytes {
        match self {
            Self::One(text) => text,
            Self::ByKey { texts, .. } => &texts[index.0],
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::ByKey { texts, .. } => texts.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAYLOADS: &str = r#"{"default":"d","APNS":"{\"aps\":{}}","FCM":"f","application":"a","sqs":"q","ADM":7}"#;

    fn text_for(published: &str, protocol: &Protocol, address: &str) -> String {
        let texts = Texts::parse(published.as_bytes(), DefaultText::Required).unwrap();
        let text = texts.at(texts.select_for(protocol, Some(address)));
        String::from_utf8(text.to_vec()).unwrap()
    }

    fn device(platform: &str) -> String {
        format!("arn:aws:sns:us-east-1:000000000000:endpoint/{platform}/app/uuid")
    }

    #[test]
    fn a_device_gets_the_payload_of_its_platform() {
        let text = |platform| text_for(PAYLOADS, &Protocol::Application, &device(platform));
        assert_eq!(text("APNS"), r#"{"aps":{}}"#);
        assert_eq!(text("GCM"), "f");
        assert_eq!(text("APNS_SANDBOX"), "a");
        assert_eq!(text("ADM"), "a");
    }

    #[test]
    fn firebase_goes_by_its_old_name_before_its_new_one() {
        let both = r#"{"default":"d","FCM":"new","GCM":"old"}"#;
        assert_eq!(text_for(both, &Protocol::Application, &device("GCM")), "old");
    }

    #[test]
    fn a_device_without_a_payload_of_its_own_gets_the_default() {
        let other = r#"{"default":"d","APNS":"x"}"#;
        assert_eq!(text_for(other, &Protocol::Application, &device("BAIDU")), "d");
    }

    #[test]
    fn an_address_that_looks_like_a_device_changes_nothing_for_other_protocols() {
        assert_eq!(text_for(PAYLOADS, &Protocol::Sqs, &device("APNS")), "q");
        assert_eq!(text_for(PAYLOADS, &Protocol::Lambda, &device("APNS")), "d");
    }

    #[test]
    fn the_default_can_be_left_out_only_where_that_is_allowed() {
        let alone = br#"{"ADM":"payload"}"#;
        let refused = Texts::parse(alone, DefaultText::Required).unwrap_err();
        assert_eq!(refused.message(), "Invalid parameter: Message Structure - No default entry in JSON message body");
        let texts = Texts::parse(alone, DefaultText::Optional).unwrap();
        assert_eq!(&texts.at(texts.select("ADM"))[..], b"payload");
        assert!(texts.at(texts.select("sqs")).is_empty());
    }
}
