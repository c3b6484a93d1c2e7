//! The filter index against asking every policy: it finds the same subscribers and counts the others under the same reasons,
//! whatever came and went before.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod filter_cases;
#[path = "../benches/filter/workload.rs"]
mod workload;

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use fanfare_core::Attributes;
use fanfare_core::filter::{Event, FilterIndex, FilterPolicy, FilterPolicyScope, FilterReason, FilteredOut, Verdict};
use proptest::prelude::*;
use serde_json::Value;

use filter_cases::{Operators, attributes, body, policy};
use workload::Workload;

/// Each subscriber with its policy; without one, it wants everything.
type Subscribers = BTreeMap<u32, Option<FilterPolicy>>;

/// What happens to an index.
#[derive(Debug, Clone)]
enum Act {
    Insert(u32, FilterPolicyScope, Value),
    InsertEverything(u32),
    Remove(u32),
    Ask(Attributes, Body),
}

#[derive(Debug, Clone)]
enum Body {
    Json(Value),
    Text(String),
}

fn act() -> impl Strategy<Value = Act> {
    use FilterPolicyScope::{MessageAttributes, MessageBody};
    let key = || 0..20_u32;
    let text = prop_oneof![
        8 => body().prop_map(Body::Json),
        1 => "[\\[\\]{}\",:a-c0-9.\\\\u \n-]{0,30}".prop_map(|text| Body::Text(format!("{{{text}"))),
        1 => Just(Body::Text("no JSON".to_owned())),
        1 => Just(Body::Text(r#"{"a":{"b":["x"]},"a":"x","b":[{"c":1,"c":"x","a":"x"},{"c":5}],"a.b":"\u0078"} rest"#.to_owned())),
    ];
    prop_oneof![
        6 => (key(), policy(true, Operators::All)).prop_map(|(key, policy)| Act::Insert(key, MessageBody, policy)),
        3 => (key(), policy(false, Operators::All)).prop_map(|(key, policy)| Act::Insert(key, MessageAttributes, policy)),
        1 => key().prop_map(Act::InsertEverything),
        2 => key().prop_map(Act::Remove),
        8 => (attributes(), text).prop_map(|((attributes, _), body)| Act::Ask(attributes, body)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_index_finds_whom_asking_every_policy_finds(acts in prop::collection::vec(act(), 1..40)) {
        let index = FilterIndex::new();
        let mut subscribers = Subscribers::new();
        for act in acts {
            match act {
                Act::Insert(key, scope, policy) => {
                    // Policies beyond the limits are left out.
                    let Ok(policy) = FilterPolicy::parse(&policy.to_string(), scope) else { continue };
                    index.insert(key, Some(&policy));
                    subscribers.insert(key, Some(policy));
                }
                Act::InsertEverything(key) => {
                    index.insert(key, None);
                    subscribers.insert(key, None);
                }
                Act::Remove(key) => {
                    prop_assert_eq!(index.remove(&key), subscribers.remove(&key).is_some());
                }
                Act::Ask(attributes, body) => {
                    let body = match body {
                        Body::Json(value) => value.to_string(),
                        Body::Text(text) => text,
                    };
                    let event = Event::new(&attributes, &body);
                    let found = index.matches(&event);
                    let (keys, filtered_out) = ask_all(&subscribers, &event);
                    prop_assert_eq!(found.keys, keys, "{:?} of {} and {:?}", subscribers, body, attributes);
                    prop_assert_eq!(reasons(&found.filtered_out), filtered_out);
                }
            }
            prop_assert_eq!(index.len(), subscribers.len());
        }
        for key in subscribers.keys() {
            prop_assert!(index.remove(key));
        }
        prop_assert!(index.is_empty());
    }
}

/// The answer of every policy.
fn ask_all(subscribers: &Subscribers, event: &Event<'_>) -> (Vec<u32>, BTreeMap<&'static str, usize>) {
    let (mut keys, mut filtered_out) = (Vec::new(), BTreeMap::new());
    for (key, policy) in subscribers {
        match policy.as_ref().map_or(Verdict::Match, |policy| policy.matches(event)) {
            Verdict::Match => keys.push(*key),
            Verdict::FilteredOut(reason) => *filtered_out.entry(reason.metric_name()).or_insert(0) += 1,
        }
    }
    (keys, filtered_out)
}

fn reasons(filtered_out: &FilteredOut) -> BTreeMap<&'static str, usize> {
    filtered_out.iter().map(|(reason, count)| (reason.metric_name(), count)).collect()
}

fn parsed(text: &str) -> FilterPolicy {
    FilterPolicy::parse(text, FilterPolicyScope::MessageBody).unwrap()
}

fn found(index: &FilterIndex<u32>, body: &str) -> Vec<u32> {
    index.matches(&Event::new(&Attributes::new(), body)).keys
}

#[test]
fn thousands_of_policies_that_come_and_go_are_found_like_a_few() {
    for workload in [Workload::Tenants, Workload::Mixed] {
        let index = FilterIndex::new();
        let mut subscribers = Subscribers::new();
        for number in 0..6000_u32 {
            let policy = parsed(&workload.policy(u64::from(number % 5000)));
            index.insert(number, Some(&policy));
            subscribers.insert(number, Some(policy));
            if number % 3 == 0 {
                let gone = number / 2;
                assert_eq!(index.remove(&gone), subscribers.remove(&gone).is_some());
            }
        }
        let attributes = Attributes::new();
        let mut matches = 0;
        for number in 0..40 {
            let body = workload.event(number, 50);
            assert_eq!(body.len(), 148, "{body}");
            let event = Event::new(&attributes, &body);
            let (keys, filtered_out) = ask_all(&subscribers, &event);
            let found = index.matches(&event);
            matches += keys.len();
            assert_eq!((found.keys, reasons(&found.filtered_out)), (keys, filtered_out), "{body}");
        }
        assert!(matches > 10, "{workload:?}: {matches}");
    }
}

#[test]
fn ranges_are_found_at_their_ends_and_inside_however_many_there_are() {
    let index = FilterIndex::new();
    let mut subscribers = Subscribers::new();
    let bounds = [-1e300, -7.5, -1.0, -0.0, 0.0, 1e-300, 0.1, 1.0, 2.0, 3.0, 4.0, 1e9, 1.7e308];
    let mut key = 0;
    let mut add = |operand: String| {
        let policy = parsed(&format!(r#"{{"n":[{{"numeric":[{operand}]}}]}}"#));
        index.insert(key, Some(&policy));
        subscribers.insert(key, Some(policy));
        key += 1;
    };
    for (i, bottom) in bounds.into_iter().enumerate() {
        for operator in ["<", "<=", ">", ">=", "="] {
            add(format!(r#""{operator}",{bottom:e}"#));
        }
        for top in &bounds[i + 1..] {
            for (low, high) in [(">", "<"), (">=", "<="), (">", "<="), (">=", "<")] {
                if bottom < *top {
                    add(format!(r#""{low}",{bottom:e},"{high}",{top:e}"#));
                }
            }
        }
    }
    assert!(subscribers.len() > 300);
    let attributes = Attributes::new();
    let inside = bounds.windows(2).map(|pair| pair[0] / 2.0 + pair[1] / 2.0);
    for value in bounds.into_iter().chain(inside) {
        let body = format!(r#"{{"n":{value:e}}}"#);
        let event = Event::new(&attributes, &body);
        assert_eq!(index.matches(&event).keys, ask_all(&subscribers, &event).0, "{body}");
    }
    assert!(found(&index, r#"{"n":"1"}"#).is_empty());
    // An array with more numbers than are looked for one by one.
    let many: Vec<String> = (0..100).map(|n| format!("{n}")).collect();
    let body = format!(r#"{{"n":[{}]}}"#, many.join(","));
    let event = Event::new(&attributes, &body);
    assert_eq!(index.matches(&event).keys, ask_all(&subscribers, &event).0);
}

#[test]
fn fields_that_no_policy_names_are_not_kept_but_have_to_be_json() {
    let index = FilterIndex::new();
    index.insert(1, Some(&parsed(r#"{"a":{"b":["x"]}}"#)));
    index.insert(2, Some(&parsed(r#"{"c":[{"exists":false}]}"#)));
    assert_eq!(found(&index, r#"{"other":[{"a":{"b":"x"}}, "\u00e9"],"a":{"z":[],"b":"x"},"c":{}}"#), [1, 2]);
    assert_eq!(found(&index, r#"{"a.b":"x","c":{"d":1}}"#), [1, 2]);
    assert_eq!(found(&index, r#"{"a":{"b":"x"},"c":1}"#), [1]);
    for broken in [r#"{"z":tru,"a.b":"x"}"#, r#"{"a.b":"x","z":"\q"}"#, r#"{"a.b":"x","z":[1,]}"#, r#"{"a.b":"x""#] {
        let matches = index.matches(&Event::new(&Attributes::new(), broken));
        assert_eq!(matches.filtered_out.of(FilterReason::InvalidMessageBody), 2, "{broken}");
    }
    assert_eq!(found(&index, &format!(r#"{{"z":{}{},"a.b":"x"}}"#, "[".repeat(999), "]".repeat(999))), [1, 2]);
    assert!(found(&index, &format!(r#"{{"z":{}{},"a.b":"x"}}"#, "[".repeat(1000), "]".repeat(1000))).is_empty());
}

#[test]
fn a_policy_takes_the_place_of_the_one_before_it_whatever_their_scopes() {
    let index = FilterIndex::new();
    let on_attributes = FilterPolicy::parse(r#"{"a":["x"]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let mut attributes = Attributes::new();
    attributes.insert("a", "String", fanfare_core::AttributeValue::Text("x".to_owned())).unwrap();
    let keys = |body: &str| index.matches(&Event::new(&attributes, body)).keys;
    index.insert(1, Some(&on_attributes));
    assert_eq!(keys("{}"), [1]);
    index.insert(1, Some(&parsed(r#"{"b":["y"]}"#)));
    assert_eq!((keys("{}"), keys(r#"{"b":"y"}"#)), (vec![], vec![1]));
    index.insert(1, Some(&parsed("{}")));
    assert_eq!((keys("no JSON"), index.len()), (vec![1], 1));
    index.insert(1, Some(&on_attributes));
    assert_eq!((keys("no JSON"), index.len()), (vec![1], 1));
    assert!(index.remove(&1) && !index.remove(&1) && index.is_empty());
}

#[test]
fn a_policy_that_is_replaced_by_one_that_matches_too_is_found_at_every_moment() {
    let index = FilterIndex::new();
    for number in 0..200 {
        index.insert(number + 1, Some(&parsed(&Workload::Mixed.policy(u64::from(number)))));
    }
    let policies = [r#"{"a":["x"]}"#, r#"{"b":[{"prefix":"y"}]}"#, "{}"].map(parsed);
    index.insert(0, Some(&policies[0]));
    let (begun, stop) = (Barrier::new(2), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            begun.wait();
            for policy in policies.iter().cycle() {
                index.insert(0, Some(policy));
                if stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        begun.wait();
        for _ in 0..3000 {
            assert_eq!(found(&index, r#"{"a":"x","b":"yz"}"#).first(), Some(&0));
        }
        stop.store(true, Ordering::Relaxed);
    });
}
