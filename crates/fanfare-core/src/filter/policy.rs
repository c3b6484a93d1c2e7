//! A filter policy that has been read and found good.
//!
//! It is one piece of memory, because there may be millions: [digits](Digits) that say what was read, the text as it was given,
//! and what its conditions compare with and does not stand in it word for word. The digits say, in this order:
//! - the scope, the length of the text, and how many digits follow;
//! - how many conditions and alternatives there are, and how many digits the table has for each number;
//! - the alternatives, if there are several: the numbers of the conditions of each, filled up with [`NONE`];
//! - the table: where behind it each condition begins;
//! - the conditions that count, in the order in which alternatives name them first: key, list, how many match values, and these.
//!
//! The same text and scope always make the same piece.

use std::fmt;
use std::sync::Arc;

use super::alternatives::{Alternative, expand};
use super::digits::{Digits, Reader, width};
use super::error::FilterPolicyError;
use super::evaluate::{self, Refusal};
use super::event::Event;
use super::explain::explain;
use super::limits::{self, KEYS_MAX, check_keys, check_size, check_wildcards};
use super::matcher::{Matcher, Value};
use super::parse::{Parsed, parse};
use super::paths::PathId;
use super::pool::Span;
use super::scope::FilterPolicyScope;
use super::verdict::Verdict;

/// Which messages a subscription wants: Amazon SNS's `FilterPolicy` with its `FilterPolicyScope`.
///
/// A policy names at most five keys and has at most 150 combinations. Cloning it copies a pointer. Two policies are
/// equal when their texts and scopes are.
#[derive(Clone, PartialEq, Eq)]
pub struct FilterPolicy(Arc<str>);

/// A policy's parts.
#[derive(Clone, Copy)]
struct Parts<'p> {
    scope: FilterPolicyScope,
    text_len: usize,
    digits: &'p str,
    /// The policy's text and what was added to it.
    piece: &'p str,
}

/// What the digits begin with.
#[derive(Clone, Copy)]
struct Head {
    conditions: usize,
    alternatives: usize,
    /// How many digits a number of the table has.
    width: usize,
}

/// In how many digits an alternative gives the number of a condition.
const NUMBER: usize = 2;
/// No condition.
const NONE: usize = (1 << (7 * NUMBER)) - 1;

/// One key's list of match values, any of which will do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition<'p> {
    /// The key, with dots.
    pub(super) key: &'p str,
    /// The list as the policy has it.
    pub(super) source: &'p str,
    /// How many match values there are.
    pub(super) values: usize,
    matchers: Reader<'p>,
}

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
        Ok(Self::written(text, scope, parsed, &used, &alternatives, &places))
    }

    /// The policy exactly as it was given.
    pub fn text(&self) -> &str {
        let Parts { piece, text_len, .. } = self.parts();
        &piece[..text_len]
    }

    /// What part of a message the policy looks at.
    pub fn scope(&self) -> FilterPolicyScope {
        self.parts().scope
    }

    /// Whether this is `{}`, which wants every message, also one without attributes or with a text that is no JSON.
    pub fn is_empty(&self) -> bool {
        self.conditions_len() == 0
    }

    /// Whether the subscription wants the message.
    pub fn matches(&self, event: &Event<'_>) -> Verdict {
        match evaluate::evaluate(self, event) {
            Ok(()) => Verdict::Match,
            Err(refusal) => Verdict::FilteredOut(refusal.reason()),
        }
    }

    /// Why the message is filtered out, in one line for people; nothing when it is not.
    ///
    /// For example `key "store": none of ["a"] matched "b"`. The line names the conditions and quotes the values that
    /// they refused, a few of them and shortened. Its wording is no interface.
    pub fn explain(&self, event: &Event<'_>) -> Option<String> {
        let refusal: Refusal = evaluate::evaluate(self, event).err()?;
        Some(explain(self, event, refusal))
    }

    /// How many alternatives there are, one of which the message must satisfy; none when the policy is empty.
    pub(super) fn alternatives_len(&self) -> usize {
        self.head().0.alternatives
    }

    /// The numbers of the conditions of an alternative, which must all be met and are each for another key.
    pub(super) fn alternative(&self, number: usize) -> impl Iterator<Item = usize> {
        let (head, reader) = self.head();
        let listed = (head.alternatives > 1).then(|| reader.behind(number * KEYS_MAX * NUMBER));
        let len = if listed.is_some() { KEYS_MAX } else { head.conditions };
        let numbers = (0..len).scan(listed, |listed, place| match listed {
            Some(listed) => Some(listed.short(NUMBER)),
            None => Some(place),
        });
        numbers.take_while(|number| *number != NONE)
    }

    /// How many conditions there are.
    pub(super) fn conditions_len(&self) -> usize {
        self.head().0.conditions
    }

    /// The condition with that number.
    pub(super) fn condition(&self, number: usize) -> Condition<'_> {
        let (head, reader) = self.head();
        let table = reader.behind(head.alternatives_digits());
        let start = table.behind(number * head.width).short(head.width);
        let mut reader = table.behind(head.conditions * head.width + start);
        Condition { key: reader.text(), source: reader.text(), values: reader.number(), matchers: reader }
    }

    fn parts(&self) -> Parts<'_> {
        let mut reader = Reader::new(&self.0, "");
        let scope =
            if reader.digit() == 0 { FilterPolicyScope::MessageAttributes } else { FilterPolicyScope::MessageBody };
        let (text_len, digits_len) = (reader.number(), reader.number());
        let (digits, piece) = self.0[self.0.len() - reader.len()..].split_at(digits_len);
        Parts { scope, text_len, digits, piece }
    }

    /// What the digits begin with, and a reader of those behind.
    fn head(&self) -> (Head, Reader<'_>) {
        let Parts { digits, piece, .. } = self.parts();
        let mut reader = Reader::new(digits, piece);
        let (conditions, alternatives) = (reader.number(), reader.number());
        (Head { conditions, alternatives, width: reader.digit().into() }, reader)
    }

    /// Puts a policy together of its conditions that are `used`; `places` says which of them each is.
    fn written(
        text: &str,
        scope: FilterPolicyScope,
        parsed: Parsed<'_>,
        used: &[usize],
        alternatives: &[Alternative],
        places: &[Option<u16>],
    ) -> Self {
        let Parsed { paths, mut pool, matchers, conditions, .. } = parsed;
        let mut keys: Vec<(PathId, Span)> = Vec::with_capacity(KEYS_MAX);
        let (mut written, mut starts) = (Digits::default(), Vec::with_capacity(used.len()));
        for condition in used.iter().map(|number| &conditions[*number]) {
            let known = keys.iter().find(|(path, _)| *path == condition.path);
            let key = known.map_or_else(|| pool.find_or_add(&paths.name(condition.path)), |(_, key)| *key);
            if known.is_none() {
                keys.push((condition.path, key));
            }
            starts.push(written.len());
            written.span(key);
            written.span(condition.source);
            written.number(condition.values);
            written.append(&matchers.as_str()[condition.matchers.clone()]);
        }
        let mut digits = Digits::default();
        let width = width(starts.last().copied().unwrap_or_default());
        digits.number(used.len());
        digits.number(alternatives.len());
        digits.digit(u8::try_from(width).expect("a number has few digits"));
        for alternative in alternatives.iter().filter(|_| alternatives.len() > 1) {
            let numbers =
                alternative.iter().map(|number| places[*number].expect("a condition of an alternative is used"));
            for number in numbers.map(usize::from).chain(std::iter::repeat(NONE)).take(KEYS_MAX) {
                digits.fixed(number as u128, NUMBER);
            }
        }
        for start in starts {
            digits.fixed(start as u128, width);
        }
        let mut head = Digits::default();
        head.digit((scope == FilterPolicyScope::MessageBody).into());
        head.number(text.len());
        head.number(digits.len() + written.len());
        let [own, more] = pool.parts();
        Self([head.as_str(), digits.as_str(), written.as_str(), own, more].concat().into())
    }
}

impl Head {
    fn alternatives_digits(self) -> usize {
        if self.alternatives > 1 { self.alternatives * KEYS_MAX * NUMBER } else { 0 }
    }
}

impl<'p> Condition<'p> {
    /// The match values.
    pub(super) fn matchers(&self) -> impl Iterator<Item = Matcher<'p>> + use<'p> {
        let mut reader = self.matchers;
        (0..self.values).map(move |_| Matcher::read(&mut reader))
    }

    /// Whether the scalar satisfies one of the match values.
    pub(super) fn accepts(&self, value: &Value<'_>) -> bool {
        self.matchers().any(|matcher| matcher.accepts(value))
    }

    /// Whether the condition is met when there is nothing at the path.
    pub(super) fn accepts_absence(&self) -> bool {
        self.matchers().any(|matcher| matches!(matcher, Matcher::Absent))
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
