//! Statements that come and go one at a time, by `AddPermission` and `RemovePermission`.

use fanfare::TopicArn;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::action::Action;
use super::error::PolicyError;
use super::policy::Policy;

/// A policy's members in the order in which Amazon SNS writes them, each as it was written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<RawValue>>,
    statement: Box<RawValue>,
}

/// What `AddPermission` adds: the accounts that may do the actions, under a label of its own.
#[derive(Debug, Clone, Copy)]
pub struct Permission<'a> {
    /// The statement's `Sid`.
    pub label: &'a str,
    /// Accounts, 12 digits each.
    pub accounts: &'a [&'a str],
    /// What they may do.
    pub actions: &'a [Action],
}

/// The policy of `topic` with one more statement at its end, in the form in which Amazon SNS writes it. The other statements stay
/// as they were written.
///
/// # Errors
/// [`PolicyError`] when that is no policy: an account cannot be one, or it becomes too large.
pub fn with_permission(policy: &str, topic: &TopicArn, permission: &Permission<'_>) -> Result<String, PolicyError> {
    let mut document = Document::read(policy)?;
    let mut statements = document.statements()?;
    statements.push(permission.statement(topic)?);
    document.statement = raw(&statements)?;
    let text = document.write()?;
    Policy::parse(&text, topic)?;
    Ok(text)
}

/// The policy without the statement of that `Sid`, which need not be there; nothing when no statement is left.
///
/// # Errors
/// [`PolicyError`] when `policy` is no policy.
pub fn without_permission(policy: &str, label: &str) -> Result<Option<String>, PolicyError> {
    let mut document = Document::read(policy)?;
    let mut statements = document.statements()?;
    let before = statements.len();
    statements.retain(|statement| sid(statement).as_deref() != Some(label));
    if statements.len() == before {
        return Ok(Some(policy.to_owned()));
    }
    if statements.is_empty() {
        return Ok(None);
    }
    document.statement = raw(&statements)?;
    document.write().map(Some)
}

/// Whether the policy has a statement of that `Sid`.
pub(crate) fn has_statement(policy: &str, label: &str) -> Result<bool, PolicyError> {
    let statements = Document::read(policy)?.statements()?;
    Ok(statements.iter().any(|statement| sid(statement).as_deref() == Some(label)))
}

impl Document {
    fn read(policy: &str) -> Result<Self, PolicyError> {
        serde_json::from_str(policy).map_err(|error| PolicyError::malformed(error.to_string()))
    }

    fn statements(&self) -> Result<Vec<Box<RawValue>>, PolicyError> {
        let text = self.statement.get();
        let one_or_more = if text.starts_with('[') { text } else { &format!("[{text}]") };
        serde_json::from_str(one_or_more).map_err(|error| PolicyError::malformed(error.to_string()))
    }

    fn write(&self) -> Result<String, PolicyError> {
        serde_json::to_string(self).map_err(|error| PolicyError::malformed(error.to_string()))
    }
}

impl Permission<'_> {
    fn statement(&self, topic: &TopicArn) -> Result<Box<RawValue>, PolicyError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Added<'a> {
            sid: &'a str,
            effect: &'a str,
            principal: Value,
            action: Value,
            resource: &'a str,
        }
        let partition = topic.as_str().split(':').nth(1).unwrap_or("aws");
        let root = |account: &&str| Value::from(format!("arn:{partition}:iam::{account}:root"));
        let action = |action: &Action| Value::from(format!("SNS:{}", action.as_str()));
        raw(&Added {
            sid: self.label,
            effect: "Allow",
            principal: json!({ "AWS": one_or_list(self.accounts.iter().map(root).collect()) }),
            action: one_or_list(self.actions.iter().map(action).collect()),
            resource: topic.as_str(),
        })
    }
}

fn one_or_list(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}

fn sid(statement: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Labelled {
        #[serde(rename = "Sid")]
        sid: Option<String>,
    }
    serde_json::from_str::<Labelled>(statement.get()).ok()?.sid
}

fn raw(value: &impl Serialize) -> Result<Box<RawValue>, PolicyError> {
    serde_json::value::to_raw_value(value).map_err(|error| PolicyError::malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = r#"{ "Sid": "own",  "Effect":"Allow","Principal":"*","Action":"SNS:Publish","Resource":"arn:aws:sns:us-east-1:111111111111:t" }"#;

    fn topic() -> TopicArn {
        TopicArn::parse("arn:aws:sns:us-east-1:111111111111:t").unwrap()
    }

    fn add(policy: &str, label: &str, accounts: &[&str], actions: &[Action]) -> Result<String, PolicyError> {
        with_permission(policy, &topic(), &Permission { label, accounts, actions })
    }

    #[test]
    fn a_permission_is_added_as_amazon_sns_writes_it_and_the_rest_stays_as_it_was() {
        let policy = format!(r#"{{"Statement": {STATEMENT}, "Version": "2012-10-17"}}"#);
        let one = add(&policy, "one", &["222222222222"], &[Action::Publish]).unwrap();
        let added = r#"{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"SNS:Publish","Resource":"arn:aws:sns:us-east-1:111111111111:t"}"#;
        assert_eq!(one, format!(r#"{{"Version":"2012-10-17","Statement":[{STATEMENT},{added}]}}"#));
        let two = add(&one, "two", &["222222222222", "333333333333"], &[Action::Publish, Action::Subscribe]).unwrap();
        let added = r#"{"Sid":"two","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::222222222222:root","arn:aws:iam::333333333333:root"]},"Action":["SNS:Publish","SNS:Subscribe"],"Resource":"arn:aws:sns:us-east-1:111111111111:t"}"#;
        assert!(two.ends_with(&format!(",{added}]}}")), "{two}");
        assert!(has_statement(&two, "two").unwrap() && !has_statement(&one, "two").unwrap());
        assert_eq!(without_permission(&two, "two").unwrap(), Some(one.clone()));
        assert_eq!(without_permission(&one, "nobody").unwrap(), Some(one));
        assert_eq!(without_permission(&policy, "own").unwrap(), None);
    }

    #[test]
    fn an_account_that_cannot_be_is_not_found() {
        let error = add(&super::super::default_policy(&topic()), "l", &["2222"], &[Action::Publish]).unwrap_err();
        assert_eq!(error.message(), "Policy Error: PrincipalNotFound");
    }
}
