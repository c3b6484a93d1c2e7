//! Reads one JSON object of a delivery policy, naming every member by its path in what it refuses.

use serde_json::{Map, Value};

use super::DeliveryPolicyErrorKind::{InvalidValue, Malformed, MissingMember, UnknownMember, WrongType};
use super::{DeliveryPolicyError, DeliveryPolicyErrorKind};
use crate::json;

/// Parses the text of a policy, which must be a JSON object.
pub(super) fn parse_object(text: &str) -> Result<Map<String, Value>, DeliveryPolicyError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(DeliveryPolicyError::new(WrongType, "invalid JSON. The policy must be an object.")),
        Err(error) => {
            let complaint = json::complaint(text).unwrap_or_else(|| error.to_string());
            Err(DeliveryPolicyError::new(Malformed, format!("failed to parse JSON. {complaint}")))
        }
    }
}

/// One object of a policy and its path from the root, such as `http.defaultHealthyRetryPolicy`.
///
/// A member that is null counts as one that is not there: Amazon SNS itself prints such members.
pub(super) struct Section<'a> {
    path: String,
    members: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    /// The outermost object, whose members may be the `known` ones.
    pub(super) fn root(members: &'a Map<String, Value>, known: &[&str]) -> Result<Self, DeliveryPolicyError> {
        Self::new(String::new(), members, known)
    }

    /// The object `key`, whose members may be the `known` ones.
    pub(super) fn section(&self, key: &str, known: &[&str]) -> Result<Option<Self>, DeliveryPolicyError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(members)) => Self::new(self.path_of(key), members, known).map(Some),
            Some(_) => Err(self.error(WrongType, key, "must be an object")),
        }
    }

    fn new(path: String, members: &'a Map<String, Value>, known: &[&str]) -> Result<Self, DeliveryPolicyError> {
        let section = Self { path, members };
        match members.keys().find(|key| !known.contains(&key.as_str())) {
            None => Ok(section),
            // The words of an unknown member of a RedrivePolicy.
            Some(key) => Err(DeliveryPolicyError::new(
                UnknownMember,
                format!("invalid JSON. Attribute {} is unknown.", section.path_of(key)),
            )),
        }
    }

    /// The integer `key`, between `least` and `most`.
    pub(super) fn integer(&self, key: &str, least: u32, most: u32) -> Result<Option<u32>, DeliveryPolicyError> {
        match self.any_integer(key)? {
            None => Ok(None),
            Some(value) if value < i64::from(least) => {
                Err(self.error(InvalidValue, key, &format!("must be greater than or equal to {least}")))
            }
            Some(value) => match u32::try_from(value).ok().filter(|value| *value <= most) {
                None => Err(self.error(InvalidValue, key, &format!("must be less than or equal to {most}"))),
                value => Ok(value),
            },
        }
    }

    /// The integer `key`; one beyond 64 bits is the largest.
    pub(super) fn any_integer(&self, key: &str) -> Result<Option<i64>, DeliveryPolicyError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_i64().or(value.is_u64().then_some(i64::MAX)) {
            None => Err(self.error(WrongType, key, "must be an integer")),
            integer => Ok(integer),
        }
    }

    /// The text `key`.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, DeliveryPolicyError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.error(WrongType, key, "must be a string")),
        }
    }

    /// The boolean `key`.
    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, DeliveryPolicyError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(self.error(WrongType, key, "must be true or false")),
        }
    }

    /// Checks that `key` is an object, if it is there, whatever stands in it.
    pub(super) fn any_object(&self, key: &str) -> Result<(), DeliveryPolicyError> {
        match self.value(key) {
            None | Some(Value::Object(_)) => Ok(()),
            Some(_) => Err(self.error(WrongType, key, "must be an object")),
        }
    }

    /// Refuses a section in which `key` is not there.
    pub(super) fn require(&self, key: &str) -> Result<(), DeliveryPolicyError> {
        match self.value(key) {
            None => Err(self.error(MissingMember, key, "must be specified")),
            Some(_) => Ok(()),
        }
    }

    /// The error that says `what` about the member `key`.
    pub(super) fn error(&self, kind: DeliveryPolicyErrorKind, key: &str, what: &str) -> DeliveryPolicyError {
        DeliveryPolicyError::new(kind, format!("{} {what}", self.path_of(key)))
    }

    /// The path of the member `key` from the root of the policy.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The path of the section itself.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }
}
