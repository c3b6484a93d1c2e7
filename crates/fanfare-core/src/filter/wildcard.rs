//! Patterns in which `*` stands for any characters.

use std::fmt;

/// A pattern in which `*` stands for any number of characters, also none; `\*` and `\\` stand for themselves.
#[derive(Debug, Clone)]
pub(super) struct Wildcard {
    /// The literal texts between the asterisks; one more than there are asterisks.
    literals: Vec<Box<str>>,
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
    /// Reads a pattern.
    pub(super) fn parse(pattern: &str) -> Result<Self, WildcardError> {
        let mut literals = Vec::new();
        let mut literal = String::new();
        let mut chars = pattern.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '*' if matches!(chars.peek(), Some((_, '*'))) => return Err(WildcardError::Consecutive(at + 1)),
                '*' => literals.push(std::mem::take(&mut literal).into_boxed_str()),
                '\\' => match chars.next() {
                    Some((_, escaped @ ('*' | '\\'))) => literal.push(escaped),
                    _ => return Err(WildcardError::Escape(at + 1)),
                },
                c => literal.push(c),
            }
        }
        literals.push(literal.into_boxed_str());
        Ok(Self { literals })
    }

    /// How many asterisks the pattern has.
    pub(super) fn asterisks(&self) -> usize {
        self.literals.len() - 1
    }

    /// Whether the whole of `text` fits the pattern. Each literal is looked for once, from left to right.
    pub(super) fn matches(&self, text: &str) -> bool {
        let [first, rest @ ..] = self.literals.as_slice() else { return false };
        let [between @ .., last] = rest else { return text == &**first };
        let Some(mut text) = text.strip_prefix(&**first) else { return false };
        for literal in between {
            match text.find(&**literal) {
                Some(at) => text = &text[at + literal.len()..],
                None => return false,
            }
        }
        text.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Wildcard::parse(pattern).unwrap().matches(text)
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
        assert_eq!(Wildcard::parse("a\\").unwrap_err(), WildcardError::Escape(2));
        assert_eq!(Wildcard::parse("\\n").unwrap_err(), WildcardError::Escape(1));
        assert!(matches("\\\\\\*", "\\*"));
        assert_eq!(Wildcard::parse("a***").unwrap_err(), WildcardError::Consecutive(2));
    }
}
