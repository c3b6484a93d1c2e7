//! What one match value of a policy accepts.

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{Cidr, parse_address};
use super::text_set::{PrefixSet, TextSet, fold, folded, reversed};
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
#[derive(Debug, Clone)]
pub(super) enum Matcher {
    Text(Box<str>),
    /// A text that is an IP address matches however the address is written.
    Address(IpAddr),
    /// Numbers are equal by value, as 64-bit floating point numbers; zero has no sign.
    Number(f64),
    True,
    False,
    Null,
    Prefix(Box<str>),
    Suffix(Box<str>),
    /// The text is folded.
    IgnoreCase(Box<str>),
    /// The text is folded.
    PrefixIgnoreCase(Box<str>),
    /// The text is folded.
    SuffixIgnoreCase(Box<str>),
    Wildcard(Wildcard),
    Numeric(NumericRange),
    Cidr(Cidr),
    Exists,
    /// There is nothing at the path.
    Absent,
    AnythingBut(Exclusion),
}

/// What `anything-but` leaves out; it accepts every scalar that is not of the kind at all.
#[derive(Debug, Clone)]
pub(super) enum Exclusion {
    Texts(TextSet),
    /// In order of value.
    Numbers(Box<[f64]>),
    /// The texts are folded.
    IgnoreCase(TextSet),
    Prefixes(PrefixSet),
    /// The texts are backwards.
    Suffixes(PrefixSet),
    Wildcards(Box<[Wildcard]>),
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

impl Matcher {
    /// The match value of a plain string.
    pub(super) fn text(text: &str) -> Self {
        parse_address(text).map_or_else(|| Self::Text(text.into()), Self::Address)
    }

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
            Self::Text(literal) => text == &**literal,
            Self::Address(address) => parse_address(text) == Some(*address),
            Self::Prefix(prefix) => text.starts_with(&**prefix),
            Self::Suffix(suffix) => text.ends_with(&**suffix),
            Self::IgnoreCase(literal) => text.chars().map(fold).eq(literal.chars()),
            Self::PrefixIgnoreCase(prefix) => starts_with(text.chars(), prefix.chars()),
            Self::SuffixIgnoreCase(suffix) => starts_with(text.chars().rev(), suffix.chars().rev()),
            Self::Wildcard(wildcard) => wildcard.matches(text),
            Self::Cidr(cidr) => parse_address(text).is_some_and(|address| cidr.contains(address)),
            _ => false,
        }
    }
}

impl Exclusion {
    /// Numbers to leave out.
    pub(super) fn numbers(mut numbers: Vec<f64>) -> Self {
        numbers.sort_unstable_by(f64::total_cmp);
        Self::Numbers(numbers.into())
    }

    fn holds(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Numbers(numbers), Value::Number(value)) => {
                // The two zeros are neighbours in the order and equal to each other, so any search finds one of them.
                let at = numbers.partition_point(|number| number < value);
                numbers.get(at).is_some_and(|number| number == value)
            }
            (Self::Texts(texts), Value::Text(text)) => texts.contains(text),
            (Self::IgnoreCase(texts), Value::Text(text)) => texts.contains(&folded(text)),
            (Self::Prefixes(prefixes), Value::Text(text)) => prefixes.begins(text),
            (Self::Suffixes(suffixes), Value::Text(text)) => suffixes.begins(&reversed(text)),
            (Self::Wildcards(wildcards), Value::Text(text)) => wildcards.iter().any(|wildcard| wildcard.matches(text)),
            _ => false,
        }
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

    #[test]
    fn zero_has_no_sign_wherever_numbers_are_compared() {
        for (ours, theirs) in [(0.0, -0.0), (-0.0, 0.0)] {
            assert!(Matcher::Number(ours).accepts(&Value::Number(theirs)));
            let but = Matcher::AnythingBut(Exclusion::numbers(vec![ours, 1.0, -1.0]));
            assert!(!but.accepts(&Value::Number(theirs)));
            assert!(but.accepts(&Value::Number(0.5)));
        }
    }

    #[test]
    fn an_address_matches_in_every_spelling_and_in_no_other_family() {
        let literal = Matcher::text("2001:db8::1");
        assert!(literal.accepts(&Value::Text("2001:0DB8:0:0:0:0:0:1".into())));
        let block = Matcher::Cidr(Cidr::parse("0.0.0.0/0").unwrap());
        assert!(!block.accepts(&Value::Text("::1".into())));
        assert!(!block.accepts(&Value::Text("::ffff:10.0.0.1".into())));
    }
}
