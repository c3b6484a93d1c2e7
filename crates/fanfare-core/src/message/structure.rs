//! `MessageStructure=json`: a text of its own for each protocol.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::Value;

use super::TextIndex;
use crate::error::SnsError;

/// The texts of a message; which one a subscriber gets is decided by its protocol's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Texts {
    /// Everybody gets the same.
    One(Bytes),
    /// Texts by key; the first is that of `default`.
    ByKey { keys: HashMap<String, usize>, texts: Vec<Bytes> },
}

impl Texts {
    /// Reads a JSON object of texts. Values that are no strings are ignored, and of a repeated key the last counts.
    pub(super) fn parse(published: &[u8]) -> Result<Self, SnsError> {
        let Ok(Value::Object(entries)) = serde_json::from_slice(published) else {
            return Err(SnsError::invalid_parameter("Message Structure - JSON message body failed to parse"));
        };
        let Some(Value::String(default)) = entries.get("default") else {
            return Err(SnsError::invalid_parameter("Message Structure - No default entry in JSON message body"));
        };
        let mut keys = HashMap::new();
        let mut texts = vec![Bytes::from(default.clone())];
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
