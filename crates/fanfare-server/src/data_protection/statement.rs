//! One statement of a data protection policy.

use std::ops::Range;
use std::sync::Arc;

use super::custom::Custom;
use super::document;
use super::error::DataProtectionError;
use super::managed::{ARN_PREFIX, Managed};
use super::operation::Operation;
use super::policy::Direction;
use crate::access::Principals;

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) direction: Direction,
    principals: Principals,
    /// Whether everybody but these is meant.
    others: bool,
    identifiers: Vec<Identifier>,
    pub(super) operation: Operation,
}

#[derive(Debug, Clone)]
pub(super) enum Identifier {
    Managed(&'static Managed),
    Custom(Arc<Custom>),
}

impl Statement {
    pub(super) fn parse(written: document::Statement, custom: &[Arc<Custom>]) -> Result<Self, DataProtectionError> {
        let direction = match written.data_direction.as_str() {
            "Inbound" => Direction::Inbound,
            "Outbound" => Direction::Outbound,
            _ => return Err(DataProtectionError::new("DataDirection must be Inbound or Outbound")),
        };
        let (names, others) = match (&written.principal, &written.no_principal) {
            (Some(names), None) => (names, false),
            (None, Some(names)) => (names, true),
            _ => return Err(DataProtectionError::new("a statement must have one of Principal and NoPrincipal")),
        };
        if names.is_empty() {
            return Err(DataProtectionError::new("a statement must name a principal"));
        }
        let principals = Principals::of(names.iter().map(String::as_str))
            .map_err(|error| DataProtectionError::new(error.to_string()))?;
        if written.data_identifier.is_empty() {
            return Err(DataProtectionError::new("a statement must name a data identifier"));
        }
        let identifiers = written.data_identifier.iter().map(|name| Identifier::named(name, custom));
        let identifiers = identifiers.collect::<Result<_, _>>()?;
        let operation = Operation::parse(written.operation)?;
        if direction == Direction::Outbound && matches!(operation, Operation::Audit(_)) {
            return Err(DataProtectionError::new("an Audit looks at Inbound messages alone"));
        }
        Ok(Self { sid: written.sid, direction, principals, others, identifiers, operation })
    }

    /// Whether the statement is about what the principal `arn` of `account` publishes or gets.
    pub(super) fn is_about(&self, direction: Direction, account: &str, arn: &str) -> bool {
        self.direction == direction && self.principals.contain(account, arn) != self.others
    }

    /// The names of what stands in `text`, each with how many times it does.
    pub(super) fn counts<'a, 't>(&'a self, text: &'t str) -> impl Iterator<Item = (&'a str, usize)> + use<'a, 't> {
        let counted = self.identifiers.iter().map(|identifier| (identifier.name(), identifier.find(text).len()));
        counted.filter(|(_, count)| *count > 0)
    }

    /// What stands in `text`, in order and without overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut ranges: Vec<_> = self.identifiers.iter().flat_map(|identifier| identifier.find(text)).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start < last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

impl Identifier {
    fn named(name: &str, custom: &[Arc<Custom>]) -> Result<Self, DataProtectionError> {
        if let Some(managed) = name.strip_prefix(ARN_PREFIX) {
            return Managed::named(managed).map(Self::Managed).ok_or_else(|| {
                let known: Vec<_> = Managed::names().collect();
                DataProtectionError::new(format!(
                    "this server cannot find {managed}; of the managed data identifiers it finds {}",
                    known.join(", ")
                ))
            });
        }
        let custom = custom.iter().find(|custom| custom.name == name);
        custom.map(|custom| Self::Custom(Arc::clone(custom))).ok_or_else(|| {
            DataProtectionError::new(format!(
                "{name} is neither a managed data identifier ({ARN_PREFIX}...) nor one of the Configuration"
            ))
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Managed(managed) => managed.name,
            Self::Custom(custom) => &custom.name,
        }
    }

    fn find(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::Managed(managed) => managed.find(text),
            Self::Custom(custom) => custom.find(text),
        }
    }
}
