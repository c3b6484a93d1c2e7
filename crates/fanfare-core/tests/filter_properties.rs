//! Filter policies against a naive evaluator: random policies and messages, both scopes.
//!
//! The evaluator shares nothing with the implementation: it works on `serde_json` values, expands `$or` by brute force,
//! lists every scalar with the array elements around it, and tries every way to pick one scalar for each condition.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::IpAddr;

use fanfare_core::attribute::{AttributeValue, Attributes};
use fanfare_core::filter::{Event, FilterPolicy, FilterPolicyScope, FilterReason, Verdict};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_policy_on_the_body_matches_exactly_when_the_naive_evaluator_says_so(
        policy in policy(true),
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
        policy in policy(false),
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

fn key() -> impl Strategy<Value = String> {
    select(vec!["a", "a", "a", "b", "b", "c", "d", "a.b"]).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    let few = vec!["", "x", "xy", "yx", "xyx", "X", "Ż", "ż", "*", "\\", "5", "10.0.0.1", "10.0.9.1", "::1", "0::1"];
    select(few).prop_map(str::to_owned)
}

/// Text that SNS allows where it forbids the empty one.
fn some_text() -> impl Strategy<Value = String> {
    text().prop_filter("not empty", |text| !text.is_empty())
}

fn number() -> impl Strategy<Value = Value> {
    select(vec!["0", "-0.0", "5", "5.0", "50e-1", "5.5", "-5", "1e3", "1000", "0.1"])
        .prop_map(|number| serde_json::from_str(number).unwrap())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(Value::from),
        3 => number(),
        1 => select(vec![json!(true), json!(false), json!(null)]),
    ]
}

fn wildcard() -> impl Strategy<Value = String> {
    select(vec!["*", "x*", "*x", "x*x", "*y*", "xy", "", "\\*", "\\\\", "*\\**", "x*y*x"]).prop_map(str::to_owned)
}

fn list_or_one(texts: impl Strategy<Value = String> + Clone + 'static) -> impl Strategy<Value = Value> {
    prop_oneof![texts.clone().prop_map(Value::from), prop::collection::vec(texts, 1..4).prop_map(Value::from)]
}

fn numeric() -> impl Strategy<Value = Value> {
    let bounds = (select(vec![">", ">="]), -6..6, select(vec!["<", "<="]), 1..9);
    prop_oneof![
        (select(vec!["=", "<", "<=", ">", ">="]), number()).prop_map(|(op, n)| json!([op, n])),
        bounds.prop_map(|(low, bottom, high, width)| json!([low, bottom, high, bottom + width])),
    ]
}

fn match_value() -> impl Strategy<Value = Value> {
    let anything_but = prop_oneof![
        scalar().prop_filter("text or number", |v| v.is_string() || v.is_number()),
        prop::collection::vec(text(), 1..4).prop_map(Value::from),
        prop::collection::vec(number(), 1..4).prop_map(Value::from),
        list_or_one(some_text().boxed()).prop_map(|v| json!({"prefix": v})),
        list_or_one(some_text().boxed()).prop_map(|v| json!({"suffix": v})),
        list_or_one(wildcard().boxed()).prop_map(|v| json!({"wildcard": v})),
        list_or_one(text().boxed()).prop_map(|v| json!({"equals-ignore-case": v})),
    ];
    prop_oneof![
        6 => scalar(),
        1 => text().prop_map(|v| json!({"prefix": v})),
        1 => text().prop_map(|v| json!({"suffix": v})),
        1 => text().prop_map(|v| json!({"equals-ignore-case": v})),
        1 => wildcard().prop_map(|v| json!({"wildcard": v})),
        2 => numeric().prop_map(|v| json!({"numeric": v})),
        2 => any::<bool>().prop_map(|v| json!({"exists": v})),
        1 => select(vec!["10.0.0.0/24", "10.0.8.0/22", "::/120", "0.0.0.0/0"]).prop_map(|v| json!({"cidr": v})),
        4 => anything_but.prop_map(|v| json!({"anything-but": v})),
    ]
}

/// A policy. Which of several lists for one path counts is a matter of their order and not of matching, so such
/// policies are left out.
fn policy(nested: bool) -> impl Strategy<Value = Value> {
    let leaf = prop::collection::vec(match_value(), 1..5).prop_map(Value::from).boxed();
    let value = if nested {
        let or = or(object(&["a", "b"], leaf.clone(), 1..2)).prop_map(|or| json!({ "$or": or }));
        prop_oneof![4 => leaf.clone(), 3 => object(&["a", "b", "b.c"], leaf.clone(), 1..3), 1 => or].boxed()
    } else {
        leaf.clone()
    };
    let branch = with_or(object(&["b", "c"], value.clone(), 1..3), or(object(&["d", "a.b"], leaf, 1..2)), 0.2);
    with_or(object(&["a", "a.b", "d"], value, 0..3), or(branch), 0.5)
        .prop_filter("some key", |policy| !policy.as_object().unwrap().is_empty())
        .prop_filter("each path once", naive::paths_are_distinct)
}

fn object(
    keys: &'static [&'static str],
    value: BoxedStrategy<Value>,
    size: std::ops::Range<usize>,
) -> BoxedStrategy<Value> {
    let key = select(keys).prop_map(str::to_owned);
    prop::collection::btree_map(key, value, size).prop_map(|members| members.into_iter().collect()).boxed()
}

fn or(branch: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop::collection::vec(branch, 2..4).prop_map(Value::from).boxed()
}

fn with_or(object: BoxedStrategy<Value>, or: BoxedStrategy<Value>, probability: f64) -> BoxedStrategy<Value> {
    (object, prop::option::weighted(probability, or))
        .prop_map(|(mut object, or)| {
            object.as_object_mut().unwrap().extend(or.map(|branches| ("$or".to_owned(), branches)));
            object
        })
        .boxed()
}

fn body() -> impl Strategy<Value = Value> {
    let value = scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key(), inner.clone(), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            prop::collection::vec(prop::collection::btree_map(key(), inner, 1..4), 1..4).prop_map(|objects| {
                objects.into_iter().map(|members| Value::Object(members.into_iter().collect())).collect()
            }),
        ]
    });
    prop::collection::btree_map(key(), value, 0..6)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

/// Attributes, and the object that they stand for.
fn attributes() -> impl Strategy<Value = (Attributes, Value)> {
    let value = prop_oneof![
        some_text().prop_map(|v| ("String", v.clone(), Some(Value::from(v)))),
        number().prop_map(|v| ("Number", v.to_string(), Some(v))),
        prop::collection::vec(scalar(), 0..4).prop_map(|v| ("String.Array", json!(v).to_string(), Some(json!(v)))),
        Just(("Binary", "bytes".to_owned(), None)),
    ];
    prop::collection::btree_map(key(), value, 0..4).prop_map(|members: BTreeMap<_, _>| {
        let (mut attributes, mut object) = (Attributes::new(), Map::new());
        for (name, (data_type, text, value)) in members {
            let published = match value {
                None => AttributeValue::Binary(text.into_bytes().into()),
                Some(_) => AttributeValue::Text(text),
            };
            attributes.insert(&name, data_type, published).unwrap();
            object.extend(value.map(|value| (name, value)));
        }
        (attributes, Value::Object(object))
    })
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
