//! What one match value of a policy accepts.

use std::borrow::Cow;
use std::net::IpAddr;

use super::address::{Cidr, parse_address};
use super::pool::Span;
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
///
/// Texts lie in the policy's piece of text, and what is larger than a number lies apart, because there may be millions.
#[derive(Debug, Clone)]
pub(super) enum Matcher {
    Text(Span),
    /// A text that is an IP address matches however the address is written.
    Address(Box<IpAddr>),
    /// Numbers are equal by value, as 64-bit floating point numbers; zero has no sign.
    Number(f64),
    True,
    False,
    Null,
    Prefix(Span),
    Suffix(Span),
    /// The text is folded.
    IgnoreCase(Span),
    /// The text is folded.
    PrefixIgnoreCase(Span),
    /// The text is folded.
    SuffixIgnoreCase(Span),
    Wildcard(Box<Wildcard>),
    Numeric(Box<NumericRange>),
    Cidr(Box<Cidr>),
    Exists,
    /// There is nothing at the path.
    Absent,
    AnythingBut(Box<Exclusion>),
}

const _: () = assert!(size_of::<Matcher>() <= 16, "a match value ought to be small");

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
    /// The match value of a plain string, which is `span`.
    pub(super) fn text(text: &str, span: Span) -> Self {
        parse_address(text).map_or(Self::Text(span), |address| Self::Address(Box::new(address)))
    }

    /// Whether the scalar satisfies the match value, whose texts lie in `piece`.
    pub(super) fn accepts(&self, value: &Value<'_>, piece: &str) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::AnythingBut(exclusion), value) => !exclusion.holds(value, piece),
            (Self::Number(number), Value::Number(value)) => number == value,
            (Self::Numeric(range), Value::Number(value)) => range.contains(*value),
            (Self::True, Value::True) | (Self::False, Value::False) | (Self::Null, Value::Null) => true,
            (matcher, Value::Text(text)) => matcher.accepts_text(text, piece),
            _ => false,
        }
    }

    fn accepts_text(&self, text: &str, piece: &str) -> bool {
        match self {
            Self::Text(literal) => text == literal.of(piece),
            Self::Address(address) => parse_address(text) == Some(**address),
            Self::Prefix(prefix) => text.starts_with(prefix.of(piece)),
            Self::Suffix(suffix) => text.ends_with(suffix.of(piece)),
            Self::IgnoreCase(literal) => text.chars().map(fold).eq(literal.of(piece).chars()),
            Self::PrefixIgnoreCase(prefix) => starts_with(text.chars(), prefix.of(piece).chars()),
            Self::SuffixIgnoreCase(suffix) => starts_with(text.chars().rev(), suffix.of(piece).chars().rev()),
            Self::Wildcard(wildcard) => wildcard.matches(text, piece),
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

    fn holds(&self, value: &Value<'_>, piece: &str) -> bool {
        match (self, value) {
            (Self::Numbers(numbers), Value::Number(value)) => {
                // The two zeros are neighbours in the order and equal to each other, so any search finds one of them.
                let at = numbers.partition_point(|number| number < value);
                numbers.get(at).is_some_and(|number| number == value)
            }
            (Self::Texts(texts), Value::Text(text)) => texts.contains(text, piece),
            (Self::IgnoreCase(texts), Value::Text(text)) => texts.contains(&folded(text), piece),
            (Self::Prefixes(prefixes), Value::Text(text)) => prefixes.begins(text, piece),
            (Self::Suffixes(suffixes), Value::Text(text)) => suffixes.begins(&reversed(text), piece),
            (Self::Wildcards(wildcards), Value::Text(text)) => {
                wildcards.iter().any(|wildcard| wildcard.matches(text, piece))
            }
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
    use crate::filter::pool::Pool;

    #[test]
    fn zero_has_no_sign_wherever_numbers_are_compared() {
        for (ours, theirs) in [(0.0, -0.0), (-0.0, 0.0)] {
            assert!(Matcher::Number(ours).accepts(&Value::Number(theirs), ""));
            let but = Matcher::AnythingBut(Box::new(Exclusion::numbers(vec![ours, 1.0, -1.0])));
            assert!(!but.accepts(&Value::Number(theirs), ""));
            assert!(but.accepts(&Value::Number(0.5), ""));
        }
    }

    #[test]
    fn an_address_matches_in_every_spelling_and_in_no_other_family() {
        let literal = Matcher::text("2001:db8::1", Pool::own(0, 0));
        assert!(literal.accepts(&Value::Text("2001:0DB8:0:0:0:0:0:1".into()), ""));
        let block = Matcher::Cidr(Box::new(Cidr::parse("0.0.0.0/0").unwrap()));
        assert!(!block.accepts(&Value::Text("::1".into()), ""));
        assert!(!block.accepts(&Value::Text("::ffff:10.0.0.1".into()), ""));
    }
}
