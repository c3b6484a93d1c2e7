//! What one match value of a policy accepts.

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{Cidr, parse_address};
use super::digits::{Floats, Reader, Texts};
use super::text_set::{begins, contains, fold, folded, reversed};
use super::wildcard::Wildcard;

/// A scalar of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    True,
    False,
    Null,
}

/// One match value. Each accepts or refuses a scalar that is there, but for [`Matcher::Absent`].
///
/// It is read from the policy when it is asked, and points to the texts there.
#[derive(Debug, Clone, Copy)]
pub(super) enum Matcher<'p> {
    Text(&'p str),
    /// A text that is an IP address matches however the address is written.
    Address(IpAddr),
    /// Numbers are equal by value, as 64-bit floating point numbers; zero has no sign.
    Number(f64),
    True,
    False,
    Null,
    Prefix(&'p str),
    Suffix(&'p str),
    /// The text is folded.
    IgnoreCase(&'p str),
    /// The text is folded.
    PrefixIgnoreCase(&'p str),
    /// The text is folded.
    SuffixIgnoreCase(&'p str),
    Wildcard(Wildcard<'p>),
    Numeric(NumericRange),
    Cidr(Cidr),
    Exists,
    /// There is nothing at the path.
    Absent,
    AnythingBut(Exclusion<'p>),
}

/// What `anything-but` leaves out; it accepts every scalar that is not of the kind at all.
#[derive(Debug, Clone, Copy)]
pub(super) enum Exclusion<'p> {
    /// In order.
    Texts(Texts<'p>),
    /// In order of value.
    Numbers(Floats<'p>),
    /// The texts are folded, and in order.
    IgnoreCase(Texts<'p>),
    /// In order, and none begins with another.
    Prefixes(Texts<'p>),
    /// The texts are backwards, in order, and none begins with another.
    Suffixes(Texts<'p>),
    Wildcards(Wildcards<'p>),
}

/// Several patterns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wildcards<'p> {
    pub(super) len: usize,
    /// The literal texts of each.
    pub(super) patterns: Reader<'p>,
}

/// Numbers between two bounds, either of which may be missing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NumericRange {
    pub(super) bottom: Option<NumericBound>,
    pub(super) top: Option<NumericBound>,
}

/// An end of a range, which may belong to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumericBound {
    pub(super) value: f64,
    pub(super) open: bool,
}

impl Matcher<'_> {
    /// Whether the scalar satisfies the match value.
    pub(super) fn accepts(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::AnythingBut(exclusion), value) => !exclusion.holds(value),
            (Self::Number(number), Value::Number(value)) => number == value,
            (Self::Numeric(range), Value::Number(value)) => range.contains(*value),
            (Self::True, Value::True) | (Self::False, Value::False) | (Self::Null, Value::Null) => true,
            (matcher, Value::Text(text)) => matcher.accepts_text(text),
            _ => false,
        }
    }

    fn accepts_text(&self, text: &str) -> bool {
        match self {
            Self::Text(literal) => text == *literal,
            Self::Address(address) => parse_address(text) == Some(*address),
            Self::Prefix(prefix) => text.starts_with(prefix),
            Self::Suffix(suffix) => text.ends_with(suffix),
            Self::IgnoreCase(literal) => text.chars().map(fold).eq(literal.chars()),
            Self::PrefixIgnoreCase(prefix) => starts_with(text.chars(), prefix.chars()),
            Self::SuffixIgnoreCase(suffix) => starts_with(text.chars().rev(), suffix.chars().rev()),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(cidr) => parse_address(text).is_some_and(|address| cidr.contains(address)),
            _ => false,
        }
    }
}

impl Exclusion<'_> {
    fn holds(&self, value: &Value<'_>) -> bool {
        match (*self, value) {
            (Self::Numbers(numbers), Value::Number(value)) => {
                // The two zeros are neighbours in the order and equal to each other, so any search finds one of them.
                let at = numbers.partition_point(|number| number < *value);
                numbers.at(at).is_some_and(|number| number == *value)
            }
            (Self::Texts(texts), Value::Text(text)) => contains(texts, text),
            (Self::IgnoreCase(texts), Value::Text(text)) => contains(texts, &folded(text)),
            (Self::Prefixes(prefixes), Value::Text(text)) => begins(prefixes, text),
            (Self::Suffixes(suffixes), Value::Text(text)) => begins(suffixes, &reversed(text)),
            (Self::Wildcards(wildcards), Value::Text(text)) => wildcards.any_matches(text),
            _ => false,
        }
    }
}

impl Wildcards<'_> {
    fn any_matches(self, text: &str) -> bool {
        let mut patterns = self.patterns;
        (0..self.len).any(|_| Wildcard::of(patterns.texts()).matches(text))
    }
}

impl NumericRange {
    fn contains(&self, value: f64) -> bool {
        let above = self.bottom.is_none_or(|b| if b.open { value > b.value } else { value >= b.value });
        let below = self.top.is_none_or(|t| if t.open { value < t.value } else { value <= t.value });
        above && below
    }
}

/// Whether the characters, folded, begin with the folded prefix.
fn starts_with(mut chars: impl Iterator<Item = char>, prefix: impl Iterator<Item = char>) -> bool {
    prefix.into_iter().all(|expected| chars.next().map(fold) == Some(expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::digits::Digits;

    fn accepts(write: impl FnOnce(&mut Digits), value: &Value<'_>) -> bool {
        let mut digits = Digits::new();
        write(&mut digits);
        Matcher::read(&mut Reader::new(digits.as_str(), "")).accepts(value)
    }

    #[test]
    fn zero_has_no_sign_wherever_numbers_are_compared() {
        for (ours, theirs) in [(0.0, -0.0), (-0.0, 0.0)] {
            assert!(accepts(|digits| digits.number_value(ours), &Value::Number(theirs)));
            assert!(!accepts(|digits| digits.but_numbers(vec![ours, 1.0, -1.0]), &Value::Number(theirs)));
            assert!(accepts(|digits| digits.but_numbers(vec![ours, 1.0, -1.0]), &Value::Number(0.5)));
        }
    }

    #[test]
    fn an_address_matches_in_every_spelling_and_in_no_other_family() {
        let literal = parse_address("2001:db8::1").unwrap();
        assert!(accepts(|digits| digits.address(literal), &Value::Text("2001:0DB8:0:0:0:0:0:1".into())));
        let block = Cidr::parse("0.0.0.0/0").unwrap();
        assert!(accepts(|digits| digits.cidr(&block), &Value::Text("10.0.0.1".into())));
        for other in ["::1", "::ffff:10.0.0.1"] {
            assert!(!accepts(|digits| digits.cidr(&block), &Value::Text(other.into())));
        }
    }
}
