//! A topic's data protection policy as a whole.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::custom::{CUSTOM_MAX, Custom};
use super::document::Document;
use super::error::DataProtectionError;
use super::operation::Operation;
use super::statement::Statement;
use super::treatment::treated;

/// How many characters a document may have.
const CHARS_MAX: usize = 30_720;

/// The one version.
const VERSION: &str = "2021-06-01";

/// Which way messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "a topic has two sides")]
pub enum Direction {
    /// From publishers to the topic.
    Inbound,
    /// From the topic to subscribers.
    Outbound,
}

/// A topic's data protection policy.
///
/// ```
/// use fanfare_server::data_protection::{DataProtectionPolicy, Direction};
///
/// let policy = DataProtectionPolicy::parse(
///     r#"{"Name": "addresses", "Version": "2021-06-01", "Statement": [{"DataDirection": "Outbound", "Principal": ["*"],
///         "DataIdentifier": ["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
///         "Operation": {"Deidentify": {"MaskConfig": {"MaskWithCharacter": "x"}}}}]}"#,
/// )?;
/// let treat = |direction| policy.treat(direction, "", "", &["from ann@example.com"]);
/// assert_eq!(treat(Direction::Outbound), Ok(Some(vec!["from xxxxxxxxxxxxxxx".to_owned()])));
/// assert_eq!(treat(Direction::Inbound), Ok(None));
/// # Ok::<(), fanfare_server::data_protection::DataProtectionError>(())
/// ```
#[derive(Debug)]
pub struct DataProtectionPolicy {
    name: String,
    statements: Vec<Statement>,
}

/// A message has what a policy denies: the names of the data identifiers, never the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What was found, each once.
    pub identifiers: Vec<String>,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the data protection policy denies {}", self.identifiers.join(", "))
    }
}

/// What an `Audit` statement has to say of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'a> {
    /// The policy's name.
    pub policy: &'a str,
    /// The statement's, if it has one.
    pub sid: Option<&'a str>,
    /// The log group that it names for this.
    pub log_group: &'a str,
    /// What was found, by name, and how many times. Empty when the statement wants to be told of that.
    pub counts: BTreeMap<&'a str, usize>,
}

impl DataProtectionPolicy {
    /// Reads a policy.
    ///
    /// - `Name`, `Version` (`2021-06-01`) and `Statement` have to be there; `Description` and `Configuration`, with up to 10
    ///   entries in `CustomDataIdentifier`, may be.
    /// - A statement has `DataDirection`, `Principal` or `NoPrincipal`, `DataIdentifier` and `Operation`, and may have a `Sid` of
    ///   its own. One statement at most is an `Audit`.
    ///
    /// # Errors
    /// For the first thing that is wrong, or that this server cannot enforce.
    pub fn parse(text: &str) -> Result<Self, DataProtectionError> {
        if text.chars().count() > CHARS_MAX {
            return Err(DataProtectionError::new(format!("a policy must have at most {CHARS_MAX} characters")));
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| DataProtectionError::new(error.to_string()))?;
        if document.version != VERSION {
            return Err(DataProtectionError::new(format!("Version must be {VERSION}")));
        }
        let custom = document.configuration.map(|configuration| configuration.custom_data_identifier);
        let custom = custom.unwrap_or_default();
        if custom.len() > CUSTOM_MAX {
            return Err(DataProtectionError::new(format!(
                "a policy must have at most {CUSTOM_MAX} custom data identifiers"
            )));
        }
        let custom = custom.iter().map(|written| Custom::parse(written).map(Arc::new));
        let custom: Vec<Arc<Custom>> = custom.collect::<Result<_, _>>()?;
        let mut names = HashSet::new();
        if !custom.iter().all(|custom| names.insert(&custom.name)) {
            return Err(DataProtectionError::new("two custom data identifiers have the same name"));
        }
        if document.statement.is_empty() {
            return Err(DataProtectionError::new("a policy must have a statement"));
        }
        let statements = document.statement.into_iter().map(|written| Statement::parse(written, &custom));
        let statements: Vec<Statement> = statements.collect::<Result<_, _>>()?;
        let mut sids = HashSet::new();
        if !statements.iter().filter_map(|statement| statement.sid.as_ref()).all(|sid| sids.insert(sid)) {
            return Err(DataProtectionError::new("two statements have the same Sid"));
        }
        if statements.iter().filter(|statement| matches!(statement.operation, Operation::Audit(_))).count() > 1 {
            return Err(DataProtectionError::new("a policy must have at most one Audit statement"));
        }
        Ok(Self { name: document.name, statements })
    }

    /// What becomes of the texts of a message that the principal `arn` of `account` publishes or gets: other texts, in the same
    /// order; or nothing when they stay as they are.
    ///
    /// # Errors
    /// [`Denied`] when they may not pass.
    pub fn treat(
        &self,
        direction: Direction,
        account: &str,
        arn: &str,
        texts: &[&str],
    ) -> Result<Option<Vec<String>>, Denied> {
        let about = || self.statements.iter().filter(|statement| statement.is_about(direction, account, arn));
        let mut denied: Vec<String> = Vec::new();
        for statement in about().filter(|statement| matches!(statement.operation, Operation::Deny)) {
            denied.extend(texts.iter().flat_map(|text| statement.counts(text)).map(|(name, _)| name.to_owned()));
        }
        if !denied.is_empty() {
            denied.sort_unstable();
            denied.dedup();
            return Err(Denied { identifiers: denied });
        }
        let mut changed: Option<Vec<String>> = None;
        for statement in about() {
            let Operation::Deidentify(replacement) = statement.operation else { continue };
            for (i, original) in texts.iter().enumerate() {
                let text = changed.as_ref().map_or(*original, |texts| texts[i].as_str());
                let found = statement.find(text);
                if !found.is_empty() {
                    let text = treated(text, &found, replacement);
                    changed.get_or_insert_with(|| texts.iter().map(|text| (*text).to_owned()).collect())[i] = text;
                }
            }
        }
        Ok(changed)
    }

    /// What the `Audit` statement has to say of a message that the principal `arn` of `account` publishes, if it is one of its
    /// sample.
    pub fn audit(&self, account: &str, arn: &str, texts: &[&str]) -> Option<Finding<'_>> {
        self.statements.iter().find_map(|statement| {
            let Operation::Audit(audit) = &statement.operation else { return None };
            if !statement.is_about(Direction::Inbound, account, arn) || !audit.samples() {
                return None;
            }
            let mut counts = BTreeMap::new();
            for text in texts {
                for (name, count) in statement.counts(text) {
                    *counts.entry(name).or_default() += count;
                }
            }
            let log_group = if counts.is_empty() { &audit.no_findings } else { &audit.findings };
            let (policy, sid) = (self.name.as_str(), statement.sid.as_deref());
            log_group.as_deref().map(|log_group| Finding { policy, sid, log_group, counts })
        })
    }

    /// Whether a statement is about deliveries.
    pub fn is_about_deliveries(&self) -> bool {
        self.statements.iter().any(|statement| statement.direction == Direction::Outbound)
    }

    /// Which statements are about deliveries to the principal `arn` of `account`, so that others for whom it is the same ones
    /// get the same.
    pub(super) fn outbound_for(&self, account: &str, arn: &str) -> Vec<usize> {
        let all = self.statements.iter().enumerate();
        all.filter(|(_, statement)| statement.is_about(Direction::Outbound, account, arn)).map(|(i, _)| i).collect()
    }
}
