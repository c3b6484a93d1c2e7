//! Patterns in which `*` stands for any characters.

use std::fmt;

use super::pool::{Pool, Span};

/// A pattern in which `*` stands for any number of characters, also none; `\*` and `\\` stand for themselves.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    /// The literal texts between the asterisks; one more than there are asterisks.
    literals: Box<[Span]>,
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

impl Wildcard {
    /// Reads a pattern, whose literals are added to the pool.
    pub(super) fn parse(pattern: &str, pool: &mut Pool<'_>) -> Result<Self, WildcardError> {
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
        Ok(Self { literals: literals.into() })
    }

    /// How many asterisks the pattern has.
    pub(super) fn asterisks(&self) -> usize {
        self.literals.len() - 1
    }

    /// What the whole text is, if the pattern has no asterisk.
    pub(super) fn whole<'p>(&self, piece: &'p str) -> Option<&'p str> {
        if let [whole] = &*self.literals { Some(whole.of(piece)) } else { None }
    }

    /// What a text that fits begins and ends with.
    pub(super) fn ends<'p>(&self, piece: &'p str) -> (&'p str, &'p str) {
        match &*self.literals {
            [first, .., last] => (first.of(piece), last.of(piece)),
            literals => literals.first().map_or(("", ""), |whole| (whole.of(piece), whole.of(piece))),
        }
    }

    /// Whether the whole of `text` fits the pattern. Each literal is looked for once, from left to right.
    pub(super) fn matches(&self, text: &str, piece: &str) -> bool {
        let [first, rest @ ..] = &*self.literals else { return false };
        let [between @ .., last] = rest else { return text == first.of(piece) };
        let Some(mut text) = text.strip_prefix(first.of(piece)) else { return false };
        for literal in between {
            let literal = literal.of(piece);
            match text.find(literal) {
                Some(at) => text = &text[at + literal.len()..],
                None => return false,
            }
        }
        text.ends_with(last.of(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let mut pool = Pool::new("");
        let wildcard = Wildcard::parse(pattern, &mut pool).unwrap();
        wildcard.matches(text, &pool.finish())
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
        let refused = |pattern| Wildcard::parse(pattern, &mut Pool::new("")).unwrap_err();
        assert_eq!(refused("a\\"), WildcardError::Escape(2));
        assert_eq!(refused("\\n"), WildcardError::Escape(1));
        assert!(matches("\\\\\\*", "\\*"));
        assert_eq!(refused("a***"), WildcardError::Consecutive(2));
    }
}
