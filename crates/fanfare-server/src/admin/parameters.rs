//! Builds the parameters of Amazon SNS's operations.

use std::collections::BTreeMap;

/// The parameters of one operation.
#[derive(Debug, Default)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn text(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    pub(super) fn optional(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A map, as `name.entry.N.key` and `name.entry.N.value`.
    pub(super) fn map(self, name: &str, entries: &BTreeMap<String, String>) -> Self {
        (1..).zip(entries).fold(self, |parameters, (n, (key, value))| {
            parameters.text(format!("{name}.entry.{n}.key"), key).text(format!("{name}.entry.{n}.value"), value)
        })
    }

    /// A list of pairs, as `name.member.N.Key` and `name.member.N.Value`.
    pub(super) fn pairs(self, name: &str, entries: &BTreeMap<String, String>) -> Self {
        (1..).zip(entries).fold(self, |parameters, (n, (key, value))| {
            parameters.text(format!("{name}.member.{n}.Key"), key).text(format!("{name}.member.{n}.Value"), value)
        })
    }

    pub(super) fn as_slice(&self) -> &[(String, String)] {
        &self.0
    }
}
