//! Policies and messages at random, made of so few keys and values that they often meet.

use std::collections::BTreeMap;

use fanfare_core::attribute::{AttributeValue, Attributes};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Which operators policies have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(dead_code, reason = "each test asks for one of them")]
pub(crate) enum Operators {
    /// Those that Amazon SNS documents.
    Documented,
    /// Those that its engine knows besides, too.
    All,
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

fn match_value(operators: Operators) -> impl Strategy<Value = Value> {
    let anything_but = prop_oneof![
        scalar().prop_filter("text or number", |v| v.is_string() || v.is_number()),
        prop::collection::vec(text(), 1..4).prop_map(Value::from),
        prop::collection::vec(number(), 1..4).prop_map(Value::from),
        list_or_one(some_text().boxed()).prop_map(|v| json!({"prefix": v})),
        list_or_one(some_text().boxed()).prop_map(|v| json!({"suffix": v})),
        list_or_one(wildcard().boxed()).prop_map(|v| json!({"wildcard": v})),
        list_or_one(text().boxed()).prop_map(|v| json!({"equals-ignore-case": v})),
    ];
    let others = match operators {
        Operators::All => prop_oneof![
            text().prop_map(|v| json!({"exactly": v})),
            text().prop_map(|v| json!({"prefix": {"equals-ignore-case": v}})),
            text().prop_map(|v| json!({"suffix": {"equals-ignore-case": v}})),
        ]
        .boxed(),
        Operators::Documented => scalar().boxed(),
    };
    prop_oneof![
        6 => scalar(),
        1 => others,
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

/// A policy, in which one path may have several lists.
pub(crate) fn policy(nested: bool, operators: Operators) -> impl Strategy<Value = Value> {
    let leaf = prop::collection::vec(match_value(operators), 1..5).prop_map(Value::from).boxed();
    let value = if nested {
        let or = or(object(&["a", "b"], leaf.clone(), 1..2)).prop_map(|or| json!({ "$or": or }));
        prop_oneof![4 => leaf.clone(), 3 => object(&["a", "b", "b.c"], leaf.clone(), 1..3), 1 => or].boxed()
    } else {
        leaf.clone()
    };
    let branch = with_or(object(&["b", "c"], value.clone(), 1..3), or(object(&["d", "a.b"], leaf, 1..2)), 0.2);
    with_or(object(&["a", "a.b", "d"], value, 0..3), or(branch), 0.5)
        .prop_filter("some key", |policy| !policy.as_object().unwrap().is_empty())
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

pub(crate) fn body() -> impl Strategy<Value = Value> {
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
pub(crate) fn attributes() -> impl Strategy<Value = (Attributes, Value)> {
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
