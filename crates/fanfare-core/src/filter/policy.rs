//! A filter policy that has been read and found good.

use std::fmt;
use std::sync::Arc;

use super::alternatives::expand;
use super::error::FilterPolicyError;
use super::evaluate::{self, Refusal};
use super::event::Event;
use super::explain::explain;
use super::limits::{self, check_keys, check_size, check_wildcards};
use super::parse::parse;
use super::rules::{self, Rules};
use super::scope::FilterPolicyScope;
use super::verdict::Verdict;

/// Which messages a subscription wants: Amazon SNS's `FilterPolicy` with its `FilterPolicyScope`.
///
/// A policy names at most five keys and has at most 150 combinations. Cloning it copies a pointer. Two policies are
/// equal when their texts and scopes are.
#[derive(Clone, PartialEq, Eq)]
pub struct FilterPolicy(Arc<str>);

impl FilterPolicy {
    /// Reads a policy and applies Amazon SNS's rules and limits.
    ///
    /// `{}` is accepted: it is the policy that wants everything. What follows the first JSON value is ignored.
    ///
    /// # Errors
    /// With Amazon SNS's texts, in this order: text that is no JSON or nests deeper than 1,000 levels; what breaks the
    /// grammar; nesting under [`FilterPolicyScope::MessageAttributes`]; more than 5 keys; more than 150 combinations;
    /// more than 3 wildcards in a pattern or 100 wildcard points. First of all, text of more than 256 KiB.
    pub fn parse(text: &str, scope: FilterPolicyScope) -> Result<Self, FilterPolicyError> {
        check_size(text)?;
        let parsed = parse(text)?;
        if parsed.nested && scope == FilterPolicyScope::MessageAttributes {
            return Err(FilterPolicyError::scope(
                "Filter policy scope MessageAttributes does not support nested filter policy".to_owned(),
            ));
        }
        let keys = check_keys(&parsed.conditions)?;
        let alternatives = expand(&parsed, &keys, limits::COMBINATIONS_MAX)?;
        let mut used: Vec<usize> = Vec::new();
        let mut places = vec![None; parsed.conditions.len()];
        for &number in alternatives.iter().flatten() {
            places[number].get_or_insert_with(|| {
                used.push(number);
                u16::try_from(used.len() - 1).expect("the limit on combinations bounds the conditions")
            });
        }
        check_wildcards(&used, &parsed.conditions)?;
        Ok(Self(rules::written(text, scope, parsed, &used, &alternatives, &places).into()))
    }

    /// The policy exactly as it was given.
    pub fn text(&self) -> &str {
        self.rules().text()
    }

    /// What part of a message the policy looks at.
    pub fn scope(&self) -> FilterPolicyScope {
        self.rules().scope()
    }

    /// Whether this is `{}`, which wants every message, also one without attributes or with a text that is no JSON.
    pub fn is_empty(&self) -> bool {
        self.rules().conditions_len() == 0
    }

    /// Whether the subscription wants the message.
    pub fn matches(&self, event: &Event<'_>) -> Verdict {
        match evaluate::evaluate(self.rules(), event) {
            Ok(()) => Verdict::Match,
            Err(refusal) => Verdict::FilteredOut(refusal.reason()),
        }
    }

    /// Why the message is filtered out, in one line for people; nothing when it is not.
    ///
    /// For example `key "store": none of ["a"] matched "b"`. The line names the conditions and quotes the values that
    /// they refused, a few of them and shortened. Its wording is no interface.
    pub fn explain(&self, event: &Event<'_>) -> Option<String> {
        let refusal: Refusal = evaluate::evaluate(self.rules(), event).err()?;
        Some(explain(self.rules(), event, refusal))
    }

    /// What the policy says.
    pub(super) fn rules(&self) -> Rules<'_> {
        Rules::of(&self.0)
    }
}

impl fmt::Debug for FilterPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterPolicy").field("text", &self.text()).field("scope", &self.scope()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attributes;
    use FilterPolicyScope::{MessageAttributes, MessageBody};

    fn refusal(text: &str) -> String {
        FilterPolicy::parse(text, MessageBody).unwrap_err().first_line().to_owned()
    }

    fn matches_body(policy: &str, body: &str) -> bool {
        let attributes = Attributes::new();
        FilterPolicy::parse(policy, MessageBody).unwrap().matches(&Event::new(&attributes, body)).is_match()
    }

    #[test]
    fn the_text_is_kept_as_it_was_given() {
        let text = " {\"k\" : [ 1.0 ]} rest";
        let policy = FilterPolicy::parse(text, MessageBody).unwrap();
        assert_eq!(policy.text(), text);
        assert_eq!(policy, FilterPolicy::parse(text, MessageBody).unwrap());
        assert_ne!(policy, FilterPolicy::parse(text, MessageAttributes).unwrap());
    }

    #[test]
    fn the_empty_policy_wants_even_what_no_policy_can_look_at() {
        let attributes = Attributes::new();
        let event = Event::new(&attributes, "no JSON");
        for scope in [MessageAttributes, MessageBody] {
            let policy = FilterPolicy::parse(" { } ", scope).unwrap();
            assert!(policy.is_empty());
            assert_eq!(policy.matches(&event), Verdict::Match);
            assert_eq!(policy.explain(&event), None);
        }
    }

    #[test]
    fn a_nested_policy_on_attributes_is_refused_without_the_usual_prefix() {
        let error = FilterPolicy::parse(r#"{"a":{"b":["c"]}}"#, MessageAttributes).unwrap_err();
        assert_eq!(
            error.set_attributes_error().message(),
            "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy"
        );
        assert_eq!(
            error.subscribe_error().message(),
            "Invalid parameter: Attributes Reason: Filter policy scope MessageAttributes does not support nested \
             filter policy"
        );
    }

    #[test]
    fn a_broken_rule_is_named_before_a_limit_and_broken_json_before_both() {
        let keys = r#""a":["v"],"b":["v"],"c":["v"],"d":["v"],"e":["v"],"f":["v"]"#;
        assert_eq!(refusal(&format!("{{{keys}}}")), "Filter policy can not have more than 5 keys");
        assert_eq!(refusal(&format!("{{{keys},\"g\":[]}}")), "Empty arrays are not allowed");
        assert_eq!(
            refusal(&format!("{{{keys},\"g\":[],}}")),
            "failed to parse JSON. Unexpected character ('}' (code 125)): was expecting double-quote to start field name"
        );
    }

    #[test]
    fn the_same_key_in_two_spellings_counts_once_and_the_last_list_wins() {
        let policy = r#"{"a.b":["x"],"a":{"b":["y"]},"c":["1"],"d":["1"],"e":["1"],"f":["1"]}"#;
        assert!(matches_body(policy, r#"{"a":{"b":"y"},"c":"1","d":"1","e":"1","f":"1"}"#));
        assert!(!matches_body(policy, r#"{"a":{"b":"x"},"c":"1","d":"1","e":"1","f":"1"}"#));
        assert!(matches_body(r#"{"a":["x"],"a":["y"]}"#, r#"{"a":"y"}"#));
        assert!(!matches_body(r#"{"a":["x"],"a":["y"]}"#, r#"{"a":"x"}"#));
    }

    #[test]
    fn an_or_that_is_none_makes_every_or_an_ordinary_key() {
        assert!(matches_body(r#"{"$or":[{"prefix":"x"},{"suffix":"y"}]}"#, r#"{"$or":"ay"}"#));
        assert!(matches_body(r#"{"a":{"$or":["p","q"]}}"#, r#"{"a":{"$or":"q"}}"#));
        assert_eq!(refusal(r#"{"$or":[{"a":["1"]},{"b":["2"]}],"c":{"$or":["x"]}}"#), "Unrecognized match type a");
    }

    #[test]
    fn each_of_very_many_alternatives_has_its_own_conditions() {
        let name = |number: usize| format!("{number}-{}", "x".repeat(number));
        let branch = |number: usize| format!(r#"{{"a":["{}"],"b":{{"c":[{number}]}}}}"#, name(number));
        // The depth counts for every key, so each branch has 2 combinations.
        let branches: Vec<String> = (0..75).map(branch).collect();
        let policy = format!(r#"{{"$or":[{}]}}"#, branches.join(","));
        let matches = |a: usize, c: usize| matches_body(&policy, &format!(r#"{{"a":"{}","b":{{"c":{c}}}}}"#, name(a)));
        for number in 0..75 {
            assert!(matches(number, number) && !matches(number, number + 1), "{number}");
        }
    }

    #[test]
    fn an_or_that_doubles_the_alternatives_again_and_again_is_refused_without_making_them() {
        let or = r#""$or":[{"a":["1"]},{"b":["1"]}]"#;
        let policy = format!("{{{}}}", vec![or; 60].join(","));
        assert_eq!(refusal(&policy), "Filter policy is too complex");
        let nested = (0..400).fold(r#"{"a":["1"]}"#.to_owned(), |inner, _| {
            format!(r#"{{"$or":[{inner},{inner2}]}}"#, inner2 = r#"{"b":["1"]}"#)
        });
        assert_eq!(refusal(&nested), "Filter policy is too complex");
    }

    #[test]
    fn ten_thousand_levels_are_refused_in_a_policy_and_filtered_out_in_a_body() {
        let deep = |depth: usize, inner: &str| "{\"a\":".repeat(depth) + inner + &"}".repeat(depth);
        assert_eq!(
            refusal(&deep(10_000, "[1]")),
            "failed to parse JSON. Document nesting depth (1001) exceeds the maximum allowed (1000, from \
             `StreamReadConstraints.getMaxNestingDepth()`)"
        );
        assert_eq!(refusal(&deep(999, "[1]")), "Filter policy is too complex");
        let attributes = Attributes::new();
        let policy = FilterPolicy::parse(r#"{"b":[{"exists":false}]}"#, MessageBody).unwrap();
        let verdict = |body: &str| policy.matches(&Event::new(&attributes, body));
        assert_eq!(verdict(&deep(10_000, "1")), Verdict::FilteredOut(crate::filter::FilterReason::InvalidMessageBody));
        assert_eq!(verdict(&deep(1000, "1")), Verdict::Match);
    }

    #[test]
    fn a_long_key_above_many_others_costs_no_more_than_the_text() {
        let name = "n".repeat(100_000);
        let leaves: Vec<String> = (0..10_000).map(|i| format!("\"{i}\":[1]")).collect();
        let policy = format!("{{\"{name}\":{{{}}}}}", leaves.join(","));
        assert_eq!(refusal(&policy), "Filter policy can not have more than 5 keys");
        assert!(matches_body(&format!("{{\"{name}.7\":[1]}}"), &policy));
    }

    #[test]
    fn the_largest_policy_is_256_kib() {
        let policy = |bytes: usize| format!("{{\"k\":[\"{}\"]}}", "v".repeat(bytes - 10));
        assert_eq!(policy(262_144).len(), 262_144);
        assert!(FilterPolicy::parse(&policy(262_144), MessageBody).is_ok());
        assert_eq!(refusal(&policy(262_145)), "Filter policy can not be larger than 256 KB");
    }

    #[test]
    fn wildcard_points_are_added_up_over_the_keys_and_limited() {
        let patterns = |count: usize| vec![r#"{"wildcard":"*a"}"#; count].join(",");
        // 10 patterns of 1 point each: 10 x 10 = 100 points.
        assert!(FilterPolicy::parse(&format!("{{\"k\":[{}]}}", patterns(10)), MessageBody).is_ok());
        assert_eq!(
            refusal(&format!("{{\"k\":[{}],\"l\":[{}]}}", patterns(10), patterns(1))),
            "Filter policy is too complex"
        );
        assert_eq!(
            refusal(r#"{"k":[{"anything-but":{"wildcard":"a*b*c*d*"}}]}"#),
            "Filter policy wildcard patterns can not have more than 3 wildcards"
        );
    }
}
