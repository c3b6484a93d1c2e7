//! Filter policies against a naive evaluator: random policies and messages, both scopes.
//!
//! The evaluator shares nothing with the implementation: it works on `serde_json` values, expands `$or` by brute force,
//! lists every scalar with the array elements around it, and tries every way to pick one scalar for each condition.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filter_cases;

use std::net::IpAddr;

use fanfare_core::Attributes;
use fanfare_core::filter::{Event, FilterPolicy, FilterPolicyScope, FilterReason, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use filter_cases::{Operators, attributes, body, policy};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_policy_on_the_body_matches_exactly_when_the_naive_evaluator_says_so(
        policy in policy(true, Operators::Documented).prop_filter("each path once", naive::paths_are_distinct),
        bodies in prop::collection::vec(body(), 1..6),
    ) {
        let Some(parsed) = parse(&policy, FilterPolicyScope::MessageBody)? else { return Ok(()) };
        for body in bodies {
            let text = body.to_string();
            let attributes = Attributes::new();
            let event = Event::new(&attributes, &text);
            let expected = if naive::matches(&policy, &body) {
                Verdict::Match
            } else {
                Verdict::FilteredOut(FilterReason::MessageBody)
            };
            prop_assert_eq!(parsed.matches(&event), expected, "{} on {}", policy, body);
            prop_assert_eq!(parsed.explain(&event).is_none(), expected == Verdict::Match);
        }
    }

    #[test]
    fn a_policy_on_attributes_matches_exactly_when_the_naive_evaluator_says_so(
        policy in policy(false, Operators::Documented).prop_filter("each path once", naive::paths_are_distinct),
        messages in prop::collection::vec(attributes(), 1..6),
    ) {
        let Some(parsed) = parse(&policy, FilterPolicyScope::MessageAttributes)? else { return Ok(()) };
        for (attributes, as_json) in messages {
            let event = Event::new(&attributes, "");
            let expected = if attributes.is_empty() {
                Verdict::FilteredOut(FilterReason::NoMessageAttributes)
            } else if naive::matches(&policy, &as_json) {
                Verdict::Match
            } else {
                Verdict::FilteredOut(FilterReason::MessageAttributes)
            };
            prop_assert_eq!(parsed.matches(&event), expected, "{} on {}", policy, as_json);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]{}\",:a0-9eE.\\\\u$* \n+-]{0,60}") {
        let _ = FilterPolicy::parse(&text, FilterPolicyScope::MessageBody);
        let policy = FilterPolicy::parse(r#"{"a":[{"exists":true}]}"#, FilterPolicyScope::MessageBody).unwrap();
        let attributes = Attributes::new();
        policy.matches(&Event::new(&attributes, &text));
    }

    #[test]
    fn a_text_that_another_reader_of_json_refuses_is_refused(text in "[\\[\\]{}\",:a0-9eE. -]{0,20}") {
        let text = format!("{{{text}");
        let ours = FilterPolicy::parse(&text, FilterPolicyScope::MessageBody)
            .map_or_else(|error| !error.first_line().starts_with("failed to parse JSON. "), |_| true);
        // Of what follows the first value nobody speaks.
        let theirs = serde_json::Deserializer::from_str(&text).into_iter::<Value>().next().is_some_and(|v| v.is_ok());
        prop_assert_eq!(ours, theirs, "{}", text);
    }
}

/// The policy read, or nothing if it is beyond a limit.
fn parse(policy: &Value, scope: FilterPolicyScope) -> Result<Option<FilterPolicy>, TestCaseError> {
    match FilterPolicy::parse(&policy.to_string(), scope) {
        Ok(policy) => Ok(Some(policy)),
        Err(error) => match error.first_line() {
            "Filter policy is too complex" | "Filter policy can not have more than 5 keys" => Ok(None),
            line => Err(TestCaseError::fail(format!("{line}: {policy}"))),
        },
    }
}

/// The naive evaluator.
mod naive {
    use super::*;

    type Conditions = Vec<(String, Vec<Value>)>;
    /// A scalar, and the array elements around it: which array, which element.
    type Scalar = (Value, Vec<(String, usize)>);

    pub(super) fn matches(policy: &Value, message: &Value) -> bool {
        let mut scalars = Vec::new();
        list(message, "", "$", &[], &mut scalars);
        alternatives(policy, "").iter().any(|conditions| all_met(conditions, &scalars, &[]))
    }

    pub(super) fn paths_are_distinct(policy: &Value) -> bool {
        alternatives(policy, "").iter().all(|conditions| {
            let mut paths: Vec<&String> = conditions.iter().map(|(path, _)| path).collect();
            paths.sort();
            paths.windows(2).all(|pair| pair[0] != pair[1])
        })
    }

    fn alternatives(object: &Value, prefix: &str) -> Vec<Conditions> {
        let mut found: Vec<Conditions> = vec![vec![]];
        for (key, value) in object.as_object().unwrap() {
            let more: Vec<Conditions> = match (key.as_str(), value) {
                ("$or", Value::Array(branches)) => branches.iter().flat_map(|b| alternatives(b, prefix)).collect(),
                (_, Value::Array(list)) => vec![vec![(joined(prefix, key), list.clone())]],
                _ => alternatives(value, &joined(prefix, key)),
            };
            found = found.iter().flat_map(|old| more.iter().map(|new| [old.clone(), new.clone()].concat())).collect();
        }
        found
    }

    /// Lists the scalars of a value; `place` names every array by where it is.
    fn list(value: &Value, path: &str, place: &str, around: &[(String, usize)], out: &mut Vec<(String, Scalar)>) {
        match value {
            Value::Object(members) => {
                for (key, member) in members {
                    list(member, &joined(path, key), &format!("{place}/{key}"), around, out);
                }
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let mut inside = around.to_vec();
                    if element.is_object() || element.is_array() {
                        inside.push((place.to_owned(), index));
                    }
                    list(element, path, &format!("{place}[{index}]"), &inside, out);
                }
            }
            scalar => out.push((path.to_owned(), (scalar.clone(), around.to_vec()))),
        }
    }

    /// Tries every scalar for the first condition, and so on, keeping to one element of each array.
    fn all_met(conditions: &[(String, Vec<Value>)], scalars: &[(String, Scalar)], used: &[(String, usize)]) -> bool {
        let [(path, wanted), rest @ ..] = conditions else { return true };
        let present: Vec<&Scalar> = scalars.iter().filter(|(p, _)| p == path).map(|(_, scalar)| scalar).collect();
        if present.is_empty() {
            return wanted.contains(&json!({"exists": false})) && all_met(rest, scalars, used);
        }
        present.iter().any(|(value, around)| {
            let clash = around.iter().any(|(array, i)| used.iter().any(|(other, j)| array == other && i != j));
            !clash
                && wanted.iter().any(|wanted| meets(wanted, value))
                && all_met(rest, scalars, &[used, around.as_slice()].concat())
        })
    }

    fn meets(wanted: &Value, value: &Value) -> bool {
        let Some(operator) = wanted.as_object() else { return same(wanted, value) };
        let (name, operand) = operator.iter().next().unwrap();
        match name.as_str() {
            "exists" => operand == true,
            "anything-but" => match operand {
                Value::Object(inner) => {
                    let (name, operand) = inner.iter().next().unwrap();
                    listed(operand).iter().all(|one| !meets(&json!({ name: one }), value))
                }
                operand => listed(operand).iter().all(|one| !equal(one, value)),
            },
            "numeric" => {
                let Some(value) = value.as_f64() else { return false };
                operand.as_array().unwrap().chunks(2).all(|pair| {
                    let bound = pair[1].as_f64().unwrap();
                    match pair[0].as_str().unwrap() {
                        "=" => value == bound,
                        "<" => value < bound,
                        "<=" => value <= bound,
                        ">" => value > bound,
                        _ => value >= bound,
                    }
                })
            }
            name => match (value.as_str(), operand.as_str()) {
                (Some(value), Some(operand)) => text_meets(name, operand, value),
                _ => false,
            },
        }
    }

    fn text_meets(name: &str, operand: &str, value: &str) -> bool {
        match name {
            "prefix" => value.starts_with(operand),
            "suffix" => value.ends_with(operand),
            "equals-ignore-case" => value.to_lowercase() == operand.to_lowercase(),
            "wildcard" => fits(&operand.chars().collect::<Vec<_>>(), &value.chars().collect::<Vec<_>>()),
            "cidr" => {
                let (network, bits) = operand.split_once('/').unwrap();
                let bits: usize = bits.parse().unwrap();
                match (address(network), address(value)) {
                    (Some(network), Some(value)) => network.len() == value.len() && network[..bits] == value[..bits],
                    _ => false,
                }
            }
            _ => panic!("unknown operator {name}"),
        }
    }

    fn fits(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            (['*', rest @ ..], _) => (0..=text.len()).any(|skipped| fits(rest, &text[skipped..])),
            (['\\', c, pattern @ ..], [first, text @ ..]) | ([c, pattern @ ..], [first, text @ ..]) => {
                c == first && fits(pattern, text)
            }
            (pattern, text) => pattern.is_empty() && text.is_empty(),
        }
    }

    /// The bits of an address.
    fn address(text: &str) -> Option<Vec<bool>> {
        let octets = match text.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        Some(octets.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1)).collect())
    }

    /// A literal of a policy and a scalar.
    fn same(wanted: &Value, value: &Value) -> bool {
        let addresses = wanted.as_str().and_then(address).zip(value.as_str().and_then(address));
        equal(wanted, value) || addresses.is_some_and(|(wanted, value)| wanted == value)
    }

    fn equal(wanted: &Value, value: &Value) -> bool {
        match (wanted.as_f64(), value.as_f64()) {
            (Some(wanted), Some(value)) => wanted == value,
            _ => wanted == value,
        }
    }

    fn listed(operand: &Value) -> Vec<Value> {
        operand.as_array().cloned().unwrap_or_else(|| vec![operand.clone()])
    }

    fn joined(prefix: &str, key: &str) -> String {
        if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
    }
}
