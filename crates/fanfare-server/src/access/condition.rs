//! The conditions of a statement.

use serde_json::Value;

use super::context::Context;
use super::error::PolicyError;
use super::operator::{Operator, boolean};

/// One operator on one key.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    key: String,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    /// `Null`: whether the key is absent.
    Absent(Vec<bool>),
    Value {
        operator: Operator,
        when_absent: WhenAbsent,
    },
}

/// What an operator says of a key that is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WhenAbsent {
    Holds,
    Fails,
}

impl Condition {
    /// The conditions of an element `Condition`, all of which have to hold. `variables` says whether values may have some.
    pub(super) fn parse(element: &Value, variables: bool) -> Result<Vec<Self>, PolicyError> {
        let operators = element.as_object().ok_or_else(|| PolicyError::malformed("Condition is not an object"))?;
        let mut conditions = Vec::new();
        for (operator, keys) in operators {
            let keys =
                keys.as_object().ok_or_else(|| PolicyError::malformed(format!("{operator} is not an object")))?;
            for (key, values) in keys {
                if key.is_empty() {
                    return Err(PolicyError::malformed("a condition key is empty"));
                }
                let test = Test::parse(operator, &texts(values)?, variables)?;
                conditions.push(Self { key: key.clone(), test });
            }
        }
        Ok(conditions)
    }

    pub(super) fn holds(&self, context: &Context) -> bool {
        let value = context.get(&self.key);
        match (&self.test, value) {
            (Test::Absent(wanted), value) => wanted.contains(&value.is_none()),
            (Test::Value { when_absent, .. }, None) => *when_absent == WhenAbsent::Holds,
            // Every key that is known here has one value, of which all is the same as any.
            (Test::Value { operator, .. }, Some(value)) => operator.passes(value, context),
        }
    }
}

impl Test {
    fn parse(name: &str, values: &[String], variables: bool) -> Result<Self, PolicyError> {
        if name == "Null" {
            let wanted: Option<Vec<bool>> = values.iter().map(|value| boolean(value)).collect();
            return wanted.map(Self::Absent).ok_or_else(|| PolicyError::malformed("Null takes true or false"));
        }
        let (quantified, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Some(WhenAbsent::Holds), name),
            Some(("ForAnyValue", name)) => (Some(WhenAbsent::Fails), name),
            _ => (None, name),
        };
        let (if_exists, name) = match name.strip_suffix("IfExists") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let operator = Operator::parse(name, values, variables)?;
        let when_absent = match quantified {
            _ if if_exists => WhenAbsent::Holds,
            Some(of_none) => of_none,
            None if operator.negated => WhenAbsent::Holds,
            None => WhenAbsent::Fails,
        };
        Ok(Self::Value { operator, when_absent })
    }
}

/// One value, or several; numbers and booleans as they are written.
fn texts(values: &Value) -> Result<Vec<String>, PolicyError> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(PolicyError::malformed("a condition's value is not a text")),
    };
    match values {
        Value::Array(values) if values.is_empty() => Err(PolicyError::malformed("a condition without values")),
        Value::Array(values) => values.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Whether a condition holds when the key `k` has this value.
    fn holds(operator: &str, wanted: Value, value: Option<&str>) -> bool {
        let conditions = Condition::parse(&json!({ operator: { "K": wanted } }), true).unwrap();
        let context = match value {
            Some(value) => Context::nobody().with("k", value),
            None => Context::nobody(),
        };
        conditions.iter().all(|condition| condition.holds(&context))
    }

    #[test]
    fn operators_say_what_iam_says() {
        let table = [
            ("StringEquals", json!("a"), "a", true),
            ("StringEquals", json!("a"), "A", false),
            ("StringEquals", json!("a*"), "a*", true),
            ("StringEquals", json!("a*"), "ab", false),
            ("StringEquals", json!(["a", "b"]), "b", true),
            ("StringNotEquals", json!(["a", "b"]), "b", false),
            ("StringNotEquals", json!(["a", "b"]), "c", true),
            ("StringEqualsIgnoreCase", json!("Straße"), "STRAßE", true),
            ("StringNotEqualsIgnoreCase", json!("a"), "A", false),
            ("StringLike", json!("*@example.com"), "a@example.com", true),
            ("StringLike", json!("*@example.com"), "a@example.org", false),
            ("StringNotLike", json!("*@example.com"), "a@example.org", true),
            ("ArnEquals", json!("arn:aws:s3:::b*"), "arn:aws:s3:::bucket", true),
            ("ArnLike", json!("arn:aws:*:b*"), "arn:aws:s3:::bucket", false),
            ("ArnNotEquals", json!("arn:aws:s3:::b*"), "arn:aws:s3:::bucket", false),
            ("ArnNotLike", json!("arn:aws:s3:::b*"), "arn:aws:s3:::other", true),
            ("Bool", json!(true), "true", true),
            ("Bool", json!("False"), "true", false),
            ("Bool", json!("true"), "perhaps", false),
            ("NumericEquals", json!(10), "10.0", true),
            ("NumericNotEquals", json!("10"), "11", true),
            ("NumericLessThan", json!(10), "10", false),
            ("NumericLessThanEquals", json!(10), "10", true),
            ("NumericGreaterThan", json!(10), "10.5", true),
            ("NumericGreaterThanEquals", json!(10), "9", false),
            ("NumericGreaterThan", json!(10), "many", false),
            ("DateEquals", json!("2030-01-01T00:00:00Z"), "2030-01-01T00:00:00.000Z", true),
            ("DateNotEquals", json!("2030-01-01"), "2030-01-01T00:00:00Z", false),
            ("DateLessThan", json!("2030-01-01T00:00:00Z"), "2029-12-31T23:59:59Z", true),
            ("DateLessThanEquals", json!("1893456000"), "2030-01-01T00:00:00Z", true),
            ("DateGreaterThan", json!("2030-01-01T00:00:00+01:00"), "2029-12-31T23:30:00Z", true),
            ("DateGreaterThanEquals", json!("2030-01-01"), "2029-12-31T00:00:00Z", false),
            ("IpAddress", json!("192.0.2.0/24"), "192.0.2.200", true),
            ("IpAddress", json!("192.0.2.0/24"), "::ffff:192.0.2.200", true),
            ("IpAddress", json!(["192.0.2.1", "2001:db8::/32"]), "2001:db8::1", true),
            ("IpAddress", json!("192.0.2.1"), "192.0.2.2", false),
            ("NotIpAddress", json!("192.0.2.0/24"), "192.0.3.1", true),
            ("Null", json!("true"), "there", false),
            ("Null", json!(false), "there", true),
            ("ForAnyValue:StringEquals", json!(["a", "b"]), "b", true),
            ("ForAllValues:StringLike", json!(["a*", "b*"]), "c", false),
            ("ForAnyValue:StringNotEqualsIfExists", json!("a"), "a", false),
        ];
        for (operator, wanted, value, expected) in table {
            assert_eq!(holds(operator, wanted.clone(), Some(value)), expected, "{operator} {wanted} {value}");
        }
    }

    #[test]
    fn an_absent_key_satisfies_only_what_asks_for_nothing() {
        let table = [
            ("StringEquals", false),
            ("StringLike", false),
            ("StringNotEquals", true),
            ("ArnNotLike", true),
            ("StringEqualsIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAllValues:StringNotEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
            ("ForAnyValue:StringEqualsIfExists", true),
        ];
        for (operator, expected) in table {
            assert_eq!(holds(operator, json!("a"), None), expected, "{operator}");
        }
        assert!(!holds("Bool", json!("false"), None));
        assert!(holds("Null", json!("true"), None));
        assert!(!holds("Null", json!("false"), None));
    }

    #[test]
    fn unknown_operators_and_values_that_do_not_fit_are_refused() {
        let refused = [
            json!({ "StringMatches": { "k": "v" } }),
            json!({ "stringequals": { "k": "v" } }),
            json!({ "NotStringEquals": { "k": "v" } }),
            json!({ "BoolNotEquals": { "k": "true" } }),
            json!({ "BinaryEquals": { "k": "AA==" } }),
            json!({ "ForEachValue:StringEquals": { "k": "v" } }),
            json!({ "NumericAbout": { "k": "1" } }),
            json!({ "NumericEquals": { "k": "NaN" } }),
            json!({ "DateLessThan": { "k": "soon" } }),
            json!({ "IpAddress": { "k": "192.0.2.0/33" } }),
            json!({ "Bool": { "k": "perhaps" } }),
            json!({ "Null": { "k": "perhaps" } }),
            json!({ "StringEquals": { "k": [] } }),
            json!({ "StringEquals": { "k": null } }),
            json!({ "StringEquals": { "k": { "a": "b" } } }),
            json!({ "StringEquals": { "": "v" } }),
            json!({ "StringEquals": "v" }),
            json!("StringEquals"),
        ];
        for element in refused {
            assert!(matches!(Condition::parse(&element, true), Err(PolicyError::Malformed(_))), "{element}");
        }
    }
}
