//! What a policy says, in one piece of memory, because there may be millions.
//!
//! The piece is [digits](Digits) that say what was read, the text as it was given, and what its conditions compare with and does
//! not stand in it word for word. The digits say, in this order:
//! - the scope, the length of the text, and how many digits follow;
//! - how many conditions and alternatives there are, and how many digits the table has for each number;
//! - the alternatives, if there are several: the numbers of the conditions of each, filled up with [`NONE`];
//! - the table: where behind it each condition begins;
//! - the conditions that count, in the order in which alternatives name them first: key, list, how many match values, and these.
//!
//! The same text and scope always make the same piece.

use super::alternatives::Alternative;
use super::digits::{Digits, Reader, width};
use super::limits::KEYS_MAX;
use super::matcher::{Matcher, Value};
use super::parse::Parsed;
use super::paths::PathId;
use super::pool::Span;
use super::scope::FilterPolicyScope;

/// In how many digits an alternative gives the number of a condition.
const NUMBER: usize = 2;
/// No condition.
const NONE: usize = (1 << (7 * NUMBER)) - 1;

/// What a policy says, read as far as to find each condition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'p> {
    scope: FilterPolicyScope,
    text: &'p str,
    conditions: usize,
    alternatives: usize,
    /// At the alternatives, or the table.
    reader: Reader<'p>,
    /// How many digits a number of the table has.
    width: usize,
}

/// One key's list of match values, any of which will do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition<'p> {
    key: Span,
    source: Span,
    values: usize,
    /// At the match values.
    reader: Reader<'p>,
}

/// The piece of a policy with the conditions that are `used`; `places` says which of them each is.
pub(super) fn written(
    text: &str,
    scope: FilterPolicyScope,
    parsed: Parsed<'_>,
    used: &[usize],
    alternatives: &[Alternative],
    places: &[Option<u16>],
) -> String {
    let Parsed { paths, mut pool, matchers, conditions, .. } = parsed;
    let mut keys: Vec<(PathId, Span)> = Vec::with_capacity(KEYS_MAX);
    let (mut written, mut starts) = (Digits::new(), Vec::with_capacity(used.len()));
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
    let mut digits = Digits::new();
    let width = width(starts.last().copied().unwrap_or_default());
    digits.number(used.len());
    digits.number(alternatives.len());
    digits.digit(u8::try_from(width).expect("a number has few digits"));
    for alternative in alternatives.iter().filter(|_| alternatives.len() > 1) {
        let numbers = alternative.iter().map(|number| places[*number].expect("a condition of an alternative is used"));
        for number in numbers.map(usize::from).chain(std::iter::repeat(NONE)).take(KEYS_MAX) {
            digits.fixed(number as u128, NUMBER);
        }
    }
    for start in starts {
        digits.fixed(start as u128, width);
    }
    let parts = [digits.as_str(), written.as_str()].into_iter().chain(pool.parts());
    // The head has some ten digits at most.
    let mut piece = Digits::with_capacity(16 + parts.clone().map(str::len).sum::<usize>());
    piece.digit((scope == FilterPolicyScope::MessageBody).into());
    piece.number(text.len());
    piece.number(digits.len() + written.len());
    parts.for_each(|part| piece.append(part));
    piece.into_string()
}

impl<'p> Rules<'p> {
    /// What the policy says that is this piece.
    pub(super) fn of(piece: &'p str) -> Self {
        let mut head = Reader::new(piece, "");
        let scope = match head.digit() {
            0 => FilterPolicyScope::MessageAttributes,
            _ => FilterPolicyScope::MessageBody,
        };
        let (text_len, digits_len) = (head.number(), head.number());
        let (digits, texts) = piece[piece.len() - head.len()..].split_at(digits_len);
        let mut reader = Reader::new(digits, texts);
        let (conditions, alternatives) = (reader.number(), reader.number());
        let width = reader.digit().into();
        Self { scope, text: &texts[..text_len], conditions, alternatives, reader, width }
    }

    /// The policy as it was given.
    pub(super) fn text(&self) -> &'p str {
        self.text
    }

    pub(super) fn scope(&self) -> FilterPolicyScope {
        self.scope
    }

    /// How many alternatives there are, one of which the message must satisfy; none when the policy is empty.
    pub(super) fn alternatives_len(&self) -> usize {
        self.alternatives
    }

    /// The numbers of the conditions of an alternative, which must all be met and are each for another key.
    pub(super) fn alternative(&self, number: usize) -> impl Iterator<Item = usize> + use<'p> {
        // One alternative has all conditions.
        let mut listed = (self.alternatives > 1).then(|| self.reader.behind(number * KEYS_MAX * NUMBER));
        let len = if listed.is_some() { KEYS_MAX } else { self.conditions };
        let numbers = (0..len).map(move |place| listed.as_mut().map_or(place, |listed| listed.short(NUMBER)));
        numbers.take_while(|number| *number != NONE)
    }

    /// How many conditions there are.
    pub(super) fn conditions_len(&self) -> usize {
        self.conditions
    }

    /// The condition with that number.
    pub(super) fn condition(&self, number: usize) -> Condition<'p> {
        let listed = if self.alternatives > 1 { self.alternatives * KEYS_MAX * NUMBER } else { 0 };
        let table = self.reader.behind(listed);
        let start = table.behind(number * self.width).short(self.width);
        let mut reader = table.behind(self.conditions * self.width + start);
        Condition { key: reader.span(), source: reader.span(), values: reader.number(), reader }
    }
}

impl<'p> Condition<'p> {
    /// The key, with dots.
    pub(super) fn key(&self) -> &'p str {
        self.reader.at(self.key)
    }

    /// The list as the policy has it.
    pub(super) fn source(&self) -> &'p str {
        self.reader.at(self.source)
    }

    /// How many match values there are.
    pub(super) fn values(&self) -> usize {
        self.values
    }

    /// The match values.
    pub(super) fn matchers(&self) -> impl Iterator<Item = Matcher<'p>> + use<'p> {
        let mut reader = self.reader;
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
