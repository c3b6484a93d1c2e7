//! The filter index against asking every policy.

use std::collections::BTreeMap;

use fanfare_core::attribute::AttributeValue;
use fanfare_core::filter::{Event, FilterIndex, FilteredOut, Verdict};
use fanfare_core::{Attributes, FilterPolicy, FilterPolicyScope};

use super::parts::Parts;

/// How many subscribers there are.
const KEYS: usize = 16;

/// Files policies and takes them out again, and asks about a message after each.
///
/// The input's parts: the message's text; the name, type and value of an attribute; then changes. A change begins with `b` or
/// `a` for a policy on the message's text or on its attributes, which gets the place of the subscriber whose turn it is;
/// anything else takes that subscriber out.
///
/// Claims: the index finds those whose policies match and no others, in order, and counts the others under the same reasons;
/// what is taken out was there, and nothing is left when all have gone.
pub fn filter_index(data: &[u8]) {
    let mut parts = Parts::new(data);
    let body = parts.text();
    let mut attributes = Attributes::new();
    let (name, data_type, value) = (parts.text(), parts.text(), parts.text());
    // Without an attribute when it is refused.
    let _ = attributes.insert(&name, &data_type, AttributeValue::Text(value.into_owned()));

    let index = FilterIndex::new();
    let mut subscribers = BTreeMap::new();
    let mut turn = 0;
    while let Some(change) = parts.next_text() {
        let key = turn % KEYS;
        turn += 1;
        let scope = match change.as_bytes().first() {
            Some(b'b') => FilterPolicyScope::MessageBody,
            Some(b'a') => FilterPolicyScope::MessageAttributes,
            _ => {
                assert_eq!(index.remove(&key), subscribers.remove(&key).is_some());
                continue;
            }
        };
        if let Ok(policy) = FilterPolicy::parse(&change[1..], scope) {
            index.insert(key, Some(&policy));
            subscribers.insert(key, policy);
            check(&index, &subscribers, &attributes, &body);
        }
    }
    check(&index, &subscribers, &attributes, &body);
    assert_eq!(index.len(), subscribers.len());
    for key in subscribers.keys() {
        assert!(index.remove(key));
    }
    assert!(index.is_empty());
    check(&index, &BTreeMap::new(), &attributes, &body);
}

fn check(index: &FilterIndex<usize>, subscribers: &BTreeMap<usize, FilterPolicy>, attributes: &Attributes, body: &str) {
    let event = Event::new(attributes, body);
    let found = index.matches(&event);
    let mut wanted = Vec::new();
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for (key, policy) in subscribers {
        match policy.matches(&event) {
            Verdict::Match => wanted.push(*key),
            Verdict::FilteredOut(reason) => *left_out.entry(reason.metric_name()).or_insert(0) += 1,
        }
    }
    assert_eq!(found.keys, wanted, "{subscribers:?}");
    assert_eq!(by_name(&found.filtered_out), left_out, "{subscribers:?}");
}

fn by_name(filtered_out: &FilteredOut) -> BTreeMap<&'static str, usize> {
    filtered_out.iter().map(|(reason, count)| (reason.metric_name(), count)).collect()
}
