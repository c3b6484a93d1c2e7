//! One statement of a policy.

use serde_json::{Map, Value};

use super::action::{Action, Actions};
use super::condition::Condition;
use super::context::Context;
use super::error::PolicyError;
use super::principal::Principals;

/// How many principals a statement may name.
const PRINCIPALS_MAX: usize = 200;

#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) effect: Effect,
    principals: Principals,
    /// Whether everybody but these is meant.
    others: bool,
    actions: Actions,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Allow,
    Deny,
}

impl Statement {
    /// Reads a statement about `topic`; `variables` says whether its conditions may have some.
    pub(super) fn parse(element: &Value, topic: &str, variables: bool) -> Result<Self, PolicyError> {
        let members = element.as_object().ok_or_else(|| PolicyError::malformed("a statement is not an object"))?;
        const KNOWN: [&str; 8] =
            ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"];
        if let Some(unknown) = members.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(PolicyError::malformed(format!("a statement has no {unknown:?} here")));
        }
        let sid = match members.get("Sid") {
            None => None,
            Some(Value::String(sid)) => Some(sid.clone()),
            Some(_) => return Err(PolicyError::malformed("a Sid is not a text")),
        };
        let effect = match members.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(PolicyError::malformed("Effect is neither Allow nor Deny")),
        };
        let (principals, others) = one_of(members, "Principal", "NotPrincipal")?;
        let principals = Principals::parse(principals)?;
        if principals.count() > PRINCIPALS_MAX {
            return Err(PolicyError::TooLarge(format!("a statement must have at most {PRINCIPALS_MAX} principals")));
        }
        let (actions, all_but) = one_of(members, "Action", "NotAction")?;
        let actions = Actions::parse(&texts(actions)?)?;
        let resources = members.get("Resource").ok_or_else(|| PolicyError::malformed("a statement has no Resource"))?;
        if texts(resources)?.iter().any(|resource| *resource != topic) {
            return Err(PolicyError::malformed("Resource is not this topic"));
        }
        let conditions = match members.get("Condition") {
            Some(element) => Condition::parse(element, variables)?,
            None => Vec::new(),
        };
        let actions = if all_but { actions.complement() } else { actions };
        Ok(Self { sid, effect, principals, others, actions, conditions })
    }

    /// Whether the statement is about this request.
    pub(super) fn applies(&self, action: Action, context: &Context) -> bool {
        self.actions.contains(action)
            && self.principals.contain(context.account(), context.arn()) != self.others
            && self.conditions.iter().all(|condition| condition.holds(context))
    }
}

/// The one element of the two that is there, and whether it is the second.
fn one_of<'a>(members: &'a Map<String, Value>, name: &str, other: &str) -> Result<(&'a Value, bool), PolicyError> {
    match (members.get(name), members.get(other)) {
        (Some(element), None) => Ok((element, false)),
        (None, Some(element)) => Ok((element, true)),
        _ => Err(PolicyError::malformed(format!("a statement must have one of {name} and {other}"))),
    }
}

/// One text, or a list of at least one.
pub(super) fn texts(element: &Value) -> Result<Vec<&str>, PolicyError> {
    let wrong = || PolicyError::malformed("something is neither a text nor a list of texts");
    match element {
        Value::String(text) => Ok(vec![text]),
        Value::Array(values) if !values.is_empty() => {
            values.iter().map(|value| value.as_str().ok_or_else(wrong)).collect()
        }
        _ => Err(wrong()),
    }
}
