//! A topic's access policy as a whole.

use std::collections::HashSet;

use fanfare::TopicArn;
use serde_json::Value;

use super::action::Action;
use super::context::Context;
use super::error::PolicyError;
use super::statement::{Effect, Statement};

/// How many bytes a document may have.
const BYTES_MAX: usize = 30 * 1024;

/// How many statements a document may have.
const STATEMENTS_MAX: usize = 100;

/// What a policy says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "IAM has these three")]
pub enum Decision {
    /// A statement denies it.
    Denied,
    /// A statement allows it, and none denies it.
    Allowed,
    /// No statement is about it.
    Silent,
}

/// A topic's access policy.
///
/// ```
/// use fanfare_server::access::{Action, Context, Decision, Policy};
///
/// let topic = fanfare::TopicArn::parse("arn:aws:sns:us-east-1:111111111111:orders")?;
/// let policy = Policy::parse(
///     r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "222222222222"},
///         "Action": "SNS:Subscribe", "Resource": "arn:aws:sns:us-east-1:111111111111:orders",
///         "Condition": {"StringLike": {"sns:Endpoint": "*@example.com"}}}}"#,
///     &topic,
/// )?;
/// let caller = Context::of("222222222222", "arn:aws:iam::222222222222:root");
/// let asks = caller.clone().with("sns:Endpoint", "parcels@example.com");
/// assert_eq!(policy.decide(Action::Subscribe, &asks), Decision::Allowed);
/// assert_eq!(policy.decide(Action::Subscribe, &caller), Decision::Silent);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    statements: Vec<Statement>,
}

impl Policy {
    /// Reads the policy of `topic`.
    ///
    /// - `Version`, `2008-10-17` or `2012-10-17`, and `Id` may be left out; `Statement` is one statement or a list of 1 to 100.
    /// - A statement has `Effect`, `Principal` or `NotPrincipal`, `Action` or `NotAction`, `Resource`, which is the topic itself,
    ///   and may have `Condition` and a `Sid` of its own. There is no other element.
    ///
    /// # Errors
    /// [`PolicyError`] for the first thing that is wrong.
    pub fn parse(text: &str, topic: &TopicArn) -> Result<Self, PolicyError> {
        if text.len() > BYTES_MAX {
            return Err(PolicyError::TooLarge(format!("a policy must have at most {BYTES_MAX} bytes")));
        }
        let document: Value = serde_json::from_str(text).map_err(|error| PolicyError::malformed(error.to_string()))?;
        let members = document.as_object().ok_or_else(|| PolicyError::malformed("a policy is not an object"))?;
        if let Some(unknown) = members.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str())) {
            return Err(PolicyError::malformed(format!("a policy has no {unknown:?}")));
        }
        let variables = match members.get("Version").map(Value::as_str) {
            None | Some(Some("2008-10-17")) => false,
            Some(Some("2012-10-17")) => true,
            Some(_) => return Err(PolicyError::malformed("there is no such Version")),
        };
        if members.get("Id").is_some_and(|id| !id.is_string()) {
            return Err(PolicyError::malformed("Id is not a text"));
        }
        let statements = match members.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
            Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
            _ => return Err(PolicyError::malformed("a policy has no Statement")),
        };
        if statements.len() > STATEMENTS_MAX {
            return Err(PolicyError::TooLarge(format!("a policy must have at most {STATEMENTS_MAX} statements")));
        }
        let parse = |statement| Statement::parse(statement, topic.as_str(), variables);
        let statements: Vec<Statement> = statements.iter().map(parse).collect::<Result<_, _>>()?;
        let mut sids = HashSet::new();
        if !statements.iter().filter_map(|statement| statement.sid.as_ref()).all(|sid| sids.insert(sid)) {
            return Err(PolicyError::malformed("two statements have the same Sid"));
        }
        Ok(Self { statements })
    }

    /// What the policy says of a request to do `action`.
    pub fn decide(&self, action: Action, context: &Context) -> Decision {
        let mut decision = Decision::Silent;
        for statement in self.statements.iter().filter(|statement| statement.applies(action, context)) {
            match statement.effect {
                Effect::Deny => return Decision::Denied,
                Effect::Allow => decision = Decision::Allowed,
            }
        }
        decision
    }
}

/// The policy of a topic that has none of its own: its owner's account may do everything.
pub fn default_policy(topic: &TopicArn) -> String {
    let account = topic.account();
    format!(
        r#"{{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"{topic}","Condition":{{"StringEquals":{{"AWS:SourceOwner":"{account}"}}}}}}]}}"#
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Decision::{Allowed, Denied, Silent};
    use super::*;

    const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:t";
    const OTHER: &str = "222222222222";

    fn topic() -> TopicArn {
        TopicArn::parse(TOPIC).unwrap()
    }

    fn parse(document: &Value) -> Result<Policy, PolicyError> {
        Policy::parse(&document.to_string(), &topic())
    }

    fn context(account: &str) -> Context {
        Context::of(account, &format!("arn:aws:iam::{account}:root"))
    }

    /// A statement that lets everybody publish, with other members in the place of its own.
    fn statement(members: Value) -> Value {
        let mut statement = json!({ "Effect": "Allow", "Principal": "*", "Action": "SNS:Publish", "Resource": TOPIC });
        for (name, value) in members.as_object().unwrap() {
            statement[name] = value.clone();
        }
        statement.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        statement
    }

    fn decision(statements: Value, action: Action, context: &Context) -> Decision {
        parse(&json!({ "Version": "2012-10-17", "Statement": statements })).unwrap().decide(action, context)
    }

    #[test]
    fn a_denial_wins_and_what_nobody_mentions_is_left_open() {
        let allow = statement(json!({}));
        let deny = statement(json!({ "Effect": "Deny", "Principal": { "AWS": OTHER } }));
        let other = context(OTHER);
        assert_eq!(decision(json!([allow]), Action::Publish, &other), Allowed);
        assert_eq!(decision(json!(allow), Action::Subscribe, &other), Silent);
        assert_eq!(decision(json!([deny, allow]), Action::Publish, &other), Denied);
        assert_eq!(decision(json!([allow, deny]), Action::Publish, &other), Denied);
        assert_eq!(decision(json!([allow, deny]), Action::Publish, &context("333333333333")), Allowed);
        assert_eq!(decision(json!([deny]), Action::Publish, &context("333333333333")), Silent);
    }

    #[test]
    fn actions_are_named_in_any_case_with_wildcards_or_by_what_they_are_not() {
        let table = [
            (json!({ "Action": "sns:publish" }), Allowed),
            (json!({ "Action": "SNS:*" }), Allowed),
            (json!({ "Action": "*" }), Allowed),
            (json!({ "Action": ["SNS:Subscribe", "Sns:Pub*"] }), Allowed),
            (json!({ "Action": "SNS:Subscrib?" }), Silent),
            (json!({ "Action": null, "NotAction": "SNS:Publish" }), Silent),
            (json!({ "Action": null, "NotAction": ["SNS:Subscribe", "SNS:Receive"] }), Allowed),
        ];
        for (members, expected) in table {
            let decided = decision(statement(members.clone()), Action::Publish, &context(OTHER));
            assert_eq!(decided, expected, "{members}");
        }
        for action in ["SNS:Fly", "sqs:SendMessage", "Publish", "SNS:", ""] {
            let error = parse(&json!({ "Statement": statement(json!({ "Action": action })) })).unwrap_err();
            assert_eq!(error.message(), "Policy statement action out of service scope!", "{action}");
        }
    }

    #[test]
    fn everybody_but_some_can_be_meant() {
        let deny = statement(json!({ "Effect": "Deny", "Principal": null, "NotPrincipal": { "AWS": OTHER } }));
        assert_eq!(decision(json!(deny), Action::Publish, &context(OTHER)), Silent);
        assert_eq!(decision(json!(deny), Action::Publish, &context("333333333333")), Denied);
    }

    #[test]
    fn every_condition_must_hold() {
        let both = statement(json!({ "Action": "SNS:Subscribe", "Condition": {
            "StringEquals": { "sns:Protocol": ["https", "email"] },
            "StringLike": { "SNS:Endpoint": "*example.com*" },
            "Bool": { "aws:SecureTransport": "true" },
        } }));
        let asks = |protocol: &str, endpoint: &str, secure: &str| {
            let context = context(OTHER).with("sns:Protocol", protocol).with("sns:Endpoint", endpoint);
            decision(json!(both), Action::Subscribe, &context.with("aws:SecureTransport", secure))
        };
        assert_eq!(asks("https", "https://example.com/in", "true"), Allowed);
        assert_eq!(asks("http", "http://example.com/in", "true"), Silent);
        assert_eq!(asks("https", "https://example.org/in", "true"), Silent);
        assert_eq!(asks("https", "https://example.com/in", "false"), Silent);
    }

    #[test]
    fn a_permission_for_another_service_or_organization_lets_no_account_in() {
        let conditions = [
            json!({ "ArnLike": { "aws:SourceArn": "arn:aws:s3:*:*:bucket" } }),
            json!({ "StringEquals": { "aws:SourceAccount": OTHER } }),
            json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1234567890" } }),
        ];
        for condition in conditions {
            let allow = statement(json!({ "Condition": condition }));
            assert_eq!(decision(json!(allow), Action::Publish, &context(OTHER)), Silent, "{condition}");
        }
    }

    #[test]
    fn variables_are_filled_in_by_version_2012_alone() {
        let allow = statement(json!({ "Action": "SNS:Subscribe",
            "Condition": { "StringLike": { "sns:Endpoint": "arn:aws:sqs:*:${aws:PrincipalAccount}:*" } } }));
        let own = context(OTHER).with("sns:Endpoint", "arn:aws:sqs:us-east-1:222222222222:q");
        let decided = |version: &str| {
            let document = json!({ "Version": version, "Statement": allow });
            parse(&document).unwrap().decide(Action::Subscribe, &own)
        };
        assert_eq!(decided("2012-10-17"), Allowed);
        assert_eq!(decided("2008-10-17"), Silent);
    }

    #[test]
    fn the_default_policy_lets_its_owner_do_everything_and_nobody_else() {
        let policy = Policy::parse(&default_policy(&topic()), &topic()).unwrap();
        for action in Action::ALL.into_iter().filter(|action| *action != Action::Receive) {
            assert_eq!(policy.decide(action, &context("111111111111")), Allowed, "{action:?}");
            assert_eq!(policy.decide(action, &context(OTHER)), Silent, "{action:?}");
        }
    }

    #[test]
    fn malformed_documents_are_refused_in_the_words_of_amazon_sns() {
        let ok = statement(json!({}));
        let refused = [
            json!("text"),
            json!([]),
            json!({}),
            json!({ "Statement": [] }),
            json!({ "Statement": null }),
            json!({ "Statement": "x" }),
            json!({ "Statement": [[]] }),
            json!({ "Version": "2020-01-01", "Statement": ok }),
            json!({ "Version": 1, "Statement": ok }),
            json!({ "Id": 1, "Statement": ok }),
            json!({ "Statement": ok, "Comment": "x" }),
            json!({ "Statement": [statement(json!({ "Sid": "a" })), statement(json!({ "Sid": "a" }))] }),
            json!({ "Statement": statement(json!({ "Sid": 1 })) }),
            json!({ "Statement": statement(json!({ "Effect": "Permit" })) }),
            json!({ "Statement": statement(json!({ "Effect": null })) }),
            json!({ "Statement": statement(json!({ "Principal": null })) }),
            json!({ "Statement": statement(json!({ "NotPrincipal": "*" })) }),
            json!({ "Statement": statement(json!({ "Action": null })) }),
            json!({ "Statement": statement(json!({ "Action": [] })) }),
            json!({ "Statement": statement(json!({ "Action": 1 })) }),
            json!({ "Statement": statement(json!({ "NotAction": "SNS:Publish" })) }),
            json!({ "Statement": statement(json!({ "Resource": "*" })) }),
            json!({ "Statement": statement(json!({ "Resource": null })) }),
            json!({ "Statement": statement(json!({ "Resource": [TOPIC, "arn:aws:sns:us-east-1:111111111111:u"] })) }),
            json!({ "Statement": statement(json!({ "NotResource": TOPIC })) }),
            json!({ "Statement": statement(json!({ "Condition": { "Unheard": { "a": "b" } } })) }),
        ];
        for document in refused {
            assert_eq!(parse(&document).unwrap_err().message(), "Policy Error: null", "{document}");
        }
        for text in ["", "{", "{}{}", &"[".repeat(20_000)] {
            assert_eq!(Policy::parse(text, &topic()).unwrap_err().message(), "Policy Error: null");
        }
    }

    #[test]
    fn a_policy_may_be_so_large_and_no_larger() {
        let many = |count: usize| json!({ "Statement": vec![statement(json!({})); count] });
        assert!(parse(&many(100)).is_ok());
        assert_eq!(
            parse(&many(101)).unwrap_err().message(),
            "Policy Reason: a policy must have at most 100 statements"
        );
        let principals =
            |count| json!({ "Statement": statement(json!({ "Principal": { "AWS": vec![OTHER; count] } })) });
        assert!(parse(&principals(200)).is_ok());
        assert_eq!(
            parse(&principals(201)).unwrap_err().message(),
            "Policy Reason: a statement must have at most 200 principals"
        );
        let mut text = json!({ "Statement": statement(json!({})) }).to_string();
        text.push_str(&" ".repeat(30 * 1024 - text.len()));
        assert!(Policy::parse(&text, &topic()).is_ok());
        text.push(' ');
        let error = Policy::parse(&text, &topic()).unwrap_err();
        assert_eq!(error.message(), "Policy Reason: a policy must have at most 30720 bytes");
    }
}
