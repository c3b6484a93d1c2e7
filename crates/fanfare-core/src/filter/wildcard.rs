//! Patterns in which `*` stands for any characters.

use std::fmt;

use super::digits::Texts;
use super::pool::{Pool, Span};

/// A pattern in which `*` stands for any number of characters, also none; `\*` and `\\` stand for themselves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wildcard<'p> {
    /// The literal texts between the asterisks; one more than there are asterisks.
    literals: Texts<'p>,
}

/// A pattern that cannot be read; positions are byte offsets that count an opening quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WildcardError {
    Consecutive(usize),
    Escape(usize),
}

impl fmt::Display for WildcardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Consecutive(at) => write!(f, "Consecutive wildcard characters at pos {at}"),
            Self::Escape(at) => write!(f, "Invalid escape character at pos {at}"),
        }
    }
}

/// Reads a pattern, whose literals are added to the pool, and answers them as [`Wildcard::of`] has them.
pub(super) fn literals(pattern: &str, pool: &mut Pool<'_>) -> Result<Vec<Span>, WildcardError> {
    let mut literals = Vec::new();
    let mut literal = String::new();
    let mut chars = pattern.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '*' if matches!(chars.peek(), Some((_, '*'))) => return Err(WildcardError::Consecutive(at + 1)),
            '*' => literals.push(pool.add(&std::mem::take(&mut literal))),
            '\\' => match chars.next() {
                Some((_, escaped @ ('*' | '\\'))) => literal.push(escaped),
                _ => return Err(WildcardError::Escape(at + 1)),
            },
            c => literal.push(c),
        }
    }
    literals.push(pool.add(&literal));
    Ok(literals)
}

impl<'p> Wildcard<'p> {
    /// The pattern with these literal texts between its asterisks; at least one.
    pub(super) fn of(literals: Texts<'p>) -> Self {
        Self { literals }
    }

    /// What the whole text is, if the pattern has no asterisk.
    pub(super) fn whole(self) -> Option<&'p str> {
        (self.literals.len() == 1).then(|| self.literals.at(0))
    }

    /// What a text that fits begins and ends with.
    pub(super) fn ends(self) -> (&'p str, &'p str) {
        (self.literals.at(0), self.literals.at(self.literals.len() - 1))
    }

    /// Whether the whole of `text` fits the pattern. Each literal is looked for once, from left to right.
    pub(super) fn matches(self, text: &str) -> bool {
        if let Some(whole) = self.whole() {
            return text == whole;
        }
        let (first, last) = self.ends();
        let Some(mut text) = text.strip_prefix(first) else { return false };
        for literal in (1..self.literals.len() - 1).map(|place| self.literals.at(place)) {
            match text.find(literal) {
                Some(at) => text = &text[at + literal.len()..],
                None => return false,
            }
        }
        text.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::digits::{Digits, Reader};

    fn matches(pattern: &str, text: &str) -> bool {
        let mut pool = Pool::new("");
        let mut digits = Digits::new();
        digits.spans(&literals(pattern, &mut pool).unwrap());
        let piece = pool.parts().concat();
        Wildcard::of(Reader::new(digits.as_str(), &piece).texts()).matches(text)
    }

    #[test]
    fn the_text_of_two_literals_must_not_overlap() {
        assert!(matches("ab*ba", "abba"));
        assert!(!matches("ab*ba", "aba"));
        assert!(matches("*ab*ab*", "xababx"));
        assert!(!matches("*ab*ab*", "xabx"));
    }

    #[test]
    fn a_long_text_that_almost_fits_is_refused_at_once() {
        let pattern = format!("*{a}b*{a}b*{a}c", a = "a".repeat(1000));
        assert!(!matches(&pattern, &"a".repeat(200_000)));
    }

    #[test]
    fn a_backslash_must_escape_an_asterisk_or_itself() {
        let refused = |pattern| literals(pattern, &mut Pool::new("")).unwrap_err();
        assert_eq!(refused("a\\"), WildcardError::Escape(2));
        assert_eq!(refused("\\n"), WildcardError::Escape(1));
        assert!(matches("\\\\\\*", "\\*"));
        assert_eq!(refused("a***"), WildcardError::Consecutive(2));
    }
}
