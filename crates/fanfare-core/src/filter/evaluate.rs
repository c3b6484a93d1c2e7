//! Whether a message satisfies a policy.

use std::collections::BTreeMap;

use super::event::Event;
use super::flatten::{Leaf, Scope, ScopeId};
use super::rules::{Condition, Rules};
use super::scope::FilterPolicyScope;
use super::verdict::FilterReason;

/// Why a message does not satisfy a policy.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No policy of that scope can match the message.
    Unusable(FilterReason),
    /// Each alternative fails, in their order.
    Mismatch(FilterReason, Vec<Failure>),
}

/// What fails in an alternative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The condition with that number in the policy.
    Condition(usize),
    /// Every condition is met, but not all of them within the same elements of arrays.
    Together,
}

impl Refusal {
    pub(super) fn reason(&self) -> FilterReason {
        match self {
            Self::Unusable(reason) | Self::Mismatch(reason, _) => *reason,
        }
    }
}

/// A message that can be asked for the scalars that the conditions of a policy look at.
pub(super) trait Leaves<'a> {
    /// The scalars that the condition, which has that number in its policy, looks at.
    fn leaves(&self, number: usize, condition: &Condition<'_>) -> &[Leaf<'a>];

    /// The array element with that number.
    fn element(&self, id: ScopeId) -> Scope;
}

/// Asks the policy about the message.
pub(super) fn evaluate(rules: Rules<'_>, event: &Event<'_>) -> Result<(), Refusal> {
    if rules.conditions_len() == 0 {
        return Ok(());
    }
    let flattened = event.flattened(rules.scope()).map_err(Refusal::Unusable)?;
    let mut failures = Vec::new();
    for alternative in 0..rules.alternatives_len() {
        match satisfies(&rules, alternative, flattened) {
            Ok(()) => return Ok(()),
            Err(failure) => failures.push(failure),
        }
    }
    let reason = match rules.scope() {
        FilterPolicyScope::MessageAttributes => FilterReason::MessageAttributes,
        FilterPolicyScope::MessageBody => FilterReason::MessageBody,
    };
    Err(Refusal::Mismatch(reason, failures))
}

/// Whether the policy, which is not empty, wants the message.
pub(super) fn holds<'a>(rules: Rules<'_>, message: &impl Leaves<'a>) -> bool {
    (0..rules.alternatives_len()).any(|alternative| satisfies(&rules, alternative, message).is_ok())
}

/// Whether all conditions of the alternative are met, by scalars that can stand together.
fn satisfies<'a>(rules: &Rules<'_>, alternative: usize, message: &impl Leaves<'a>) -> Result<(), Failure> {
    let mut candidates = Vec::new();
    let mut open: u32 = 0;
    for (place, number) in rules.alternative(alternative).enumerate() {
        let condition = rules.condition(number);
        let leaves = message.leaves(number, &condition);
        if leaves.is_empty() {
            if condition.accepts_absence() {
                continue;
            }
            return Err(Failure::Condition(number));
        }
        let before = candidates.len();
        let mut free = false;
        for leaf in leaves.iter().filter(|leaf| condition.accepts(&leaf.value)) {
            if leaf.scope == ScopeId::MESSAGE {
                free = true;
                break;
            }
            candidates.push((leaf.scope, place));
        }
        if free {
            // A scalar outside of all arrays goes with everything.
            candidates.truncate(before);
        } else if candidates.len() == before {
            return Err(Failure::Condition(number));
        } else {
            open |= 1 << place;
        }
    }
    if open.count_ones() < 2 || together(&candidates, open, message) { Ok(()) } else { Err(Failure::Together) }
}

/// Whether the conditions of `open`, a bit each, can be met by candidates such that of each array at most one element
/// is used.
///
/// From the innermost elements outwards, each element learns which sets of conditions can be met inside it: of an
/// array, those of any one element; of what lies side by side, all unions. Takes time in proportion to the candidates
/// and their depth.
fn together<'a>(candidates: &[(ScopeId, usize)], open: u32, message: &impl Leaves<'a>) -> bool {
    let mut elements: BTreeMap<ScopeId, Element> = BTreeMap::new();
    for (scope, condition) in candidates {
        let element = elements.entry(*scope).or_default();
        element.sets = element.sets.join(Sets::either(1 << condition));
    }
    while let Some((id, element)) = elements.pop_last() {
        let sets = element.arrays.iter().fold(element.sets, |sets, (_, array)| sets.join(*array));
        if id == ScopeId::MESSAGE {
            return sets.contain(open);
        }
        let scope = message.element(id);
        let arrays = &mut elements.entry(scope.parent).or_default().arrays;
        // The elements of an array come one after the other, so the array is the latest or new.
        match arrays.iter_mut().rev().find(|(array, _)| *array == scope.array) {
            Some((_, known)) => *known = known.or(sets),
            None => arrays.push((scope.array, sets)),
        }
    }
    false
}

/// What is known of an array element.
#[derive(Debug, Default)]
struct Element {
    /// What its own scalars can meet.
    sets: Sets,
    /// What each of its arrays can meet.
    arrays: Vec<(u32, Sets)>,
}

/// Sets of conditions: a set is a number below 32 with a bit for each condition, and is in here if that bit is.
///
/// Five conditions are the most, because a policy has at most that many keys.
#[derive(Debug, Clone, Copy)]
struct Sets(u32);

const _: () = assert!(super::limits::KEYS_MAX <= 5, "a set of conditions must be a number below 32");

impl Default for Sets {
    /// The empty set alone.
    fn default() -> Self {
        Self(1)
    }
}

impl Sets {
    /// The empty set and this one.
    fn either(set: u32) -> Self {
        Self(1 | 1 << set)
    }

    fn contain(self, set: u32) -> bool {
        self.0 >> set & 1 == 1
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The unions of one set of each.
    fn join(self, other: Self) -> Self {
        let sets = |all: u32| (0..u32::BITS).filter(move |set| all >> set & 1 == 1);
        let mut unions = 0;
        for ours in sets(self.0) {
            for theirs in sets(other.0) {
                unions |= 1 << (ours | theirs);
            }
        }
        Self(unions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{AttributeValue, Attributes};
    use crate::filter::{FilterPolicy, Verdict};

    fn on_body(policy: &str, body: &str) -> Verdict {
        let attributes = Attributes::new();
        FilterPolicy::parse(policy, FilterPolicyScope::MessageBody).unwrap().matches(&Event::new(&attributes, body))
    }

    fn on_attribute(policy: &str, data_type: &str, value: &str) -> Verdict {
        let mut attributes = Attributes::new();
        attributes.insert("k", data_type, AttributeValue::Text(value.to_owned())).unwrap();
        let policy = FilterPolicy::parse(policy, FilterPolicyScope::MessageAttributes).unwrap();
        policy.matches(&Event::new(&attributes, ""))
    }

    #[test]
    fn every_way_to_be_filtered_out_has_its_reason() {
        let out = Verdict::FilteredOut;
        assert_eq!(on_body(r#"{"k":["a"]}"#, r#"{"k":"b"}"#), out(FilterReason::MessageBody));
        for body in ["", "text", "[]", "5", "\"{}\"", "{\"k\":", "{\"k\":nul}"] {
            assert_eq!(on_body(r#"{"k":[{"exists":false}]}"#, body), out(FilterReason::InvalidMessageBody), "{body}");
        }
        assert_eq!(on_attribute(r#"{"k":["a"]}"#, "String", "b"), out(FilterReason::MessageAttributes));
        for array in ["one hundred", "['a']", "[\"a\"", "{\"a\":1}", "[1] 2"] {
            let verdict = on_attribute(r#"{"other":[{"exists":false}]}"#, "String.Array", array);
            assert_eq!(verdict, out(FilterReason::InvalidAttributes), "{array}");
        }
        let policy = FilterPolicy::parse(r#"{"k":[{"exists":false}]}"#, FilterPolicyScope::MessageAttributes).unwrap();
        let none = Attributes::new();
        assert_eq!(policy.matches(&Event::new(&none, "{}")), out(FilterReason::NoMessageAttributes));
    }

    #[test]
    fn of_a_name_that_a_body_repeats_the_last_counts() {
        let body = r#"{"k":{"x":["a"]},"z":1,"k":"b","o":[{"k":1,"k":2}]}"#;
        assert_eq!(on_body(r#"{"k":["b"],"z":[1],"o":{"k":[2]}}"#, body), Verdict::Match);
        assert!(!on_body(r#"{"k":{"x":["a"]}}"#, body).is_match());
        assert!(!on_body(r#"{"o":{"k":[1]}}"#, body).is_match());
    }

    #[test]
    fn nested_arrays_keep_their_elements_apart() {
        let policy = r#"{"r":{"a":["1"],"b":["2"]}}"#;
        assert!(!on_body(policy, r#"{"r":[[{"a":"1"}],[{"b":"2"}]]}"#).is_match());
        assert!(!on_body(policy, r#"{"r":[[{"a":"1"},{"b":"2"}]]}"#).is_match());
        assert!(on_body(policy, r#"{"r":[[{"a":"1","b":"2"}]]}"#).is_match());
        // A scalar of an array is in no element of it.
        assert!(on_body(r#"{"r":["x"],"r.a":["1"]}"#, r#"{"r":["x",{"a":"1"}]}"#).is_match());
    }

    #[test]
    fn five_conditions_on_an_array_of_objects_that_each_have_one_of_them_end_soon() {
        let names = ["a", "b", "c", "d", "e"];
        let conditions: Vec<String> = names.iter().map(|name| format!("\"{name}\":[1]")).collect();
        let policy = format!("{{\"r\":{{{}}}}}", conditions.join(","));
        // The depth counts for every key, so five keys one level down have 32 combinations.
        let elements: Vec<String> = (0..50_000).map(|i| format!("{{\"{}\":1}}", names[i % 5])).collect();
        let apart = format!("{{\"r\":[{}]}}", elements.join(","));
        assert!(!on_body(&policy, &apart).is_match());
        let together = format!("{{\"r\":[{},{{{}}}]}}", elements.join(","), r#""a":1,"b":1,"c":1,"d":1,"e":1"#);
        assert!(on_body(&policy, &together).is_match());
    }

    #[test]
    fn a_long_list_of_exclusions_meets_a_long_array() {
        let list = |of: std::ops::Range<usize>| of.map(|i| format!("\"{i}x\"")).collect::<Vec<_>>().join(",");
        let values = list(0..20_000);
        let body = format!("{{\"k\":[{values}]}}");
        let more = format!("{{\"k\":[{values},\"new\"]}}");
        for exclusion in
            [format!("[{values}]"), format!("{{\"prefix\":[{values}]}}"), format!("{{\"suffix\":[{values}]}}")]
        {
            let policy = format!("{{\"k\":[{{\"anything-but\":{exclusion}}}]}}");
            assert!(!on_body(&policy, &body).is_match());
            assert!(on_body(&policy, &more).is_match());
        }
    }
}
