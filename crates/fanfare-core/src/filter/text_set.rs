//! Sets of texts that are asked in few steps however many texts there are, and the folding of case.

use super::digits::Texts;
use super::pool::{Pool, Span};

/// The texts in their order, as [`contains`] asks for them.
pub(super) fn ordered(mut texts: Vec<Span>, pool: &Pool<'_>) -> Vec<Span> {
    texts.sort_unstable_by_key(|text| pool.at(*text));
    texts
}

/// Whether the text is one of those in order.
pub(super) fn contains(texts: Texts<'_>, text: &str) -> bool {
    let place = texts.partition_point(|known| known < text);
    place < texts.len() && texts.at(place) == text
}

/// Prefixes as [`begins`] asks for them: in order, and none begins with another; so only the nearest below a text can be its
/// prefix.
pub(super) fn ordered_prefixes(prefixes: Vec<Span>, pool: &Pool<'_>) -> Vec<Span> {
    let mut kept: Vec<Span> = Vec::with_capacity(prefixes.len());
    for prefix in ordered(prefixes, pool) {
        if !kept.last().is_some_and(|last| pool.at(prefix).starts_with(pool.at(*last))) {
            kept.push(prefix);
        }
    }
    kept
}

/// Whether the text begins with one of the prefixes.
pub(super) fn begins(prefixes: Texts<'_>, text: &str) -> bool {
    let above = prefixes.partition_point(|prefix| prefix <= text);
    above > 0 && text.starts_with(prefixes.at(above - 1))
}

/// The text backwards, character by character, so that its end can be looked for as a beginning.
pub(super) fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// The text with each character in the case that stands for both.
pub(super) fn folded(text: &str) -> String {
    text.chars().map(fold).collect()
}

/// The character in the case that stands for both: characters whose other case is several characters stay as they are.
pub(super) fn fold(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    match (chars.next(), chars.next()) {
        (Some(c), None) => Some(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::digits::{Digits, Reader};

    #[test]
    fn a_prefix_that_begins_with_another_hides_none() {
        let mut pool = Pool::new("");
        let prefixes = ["ab", "a", "abc", "x", "b"].map(|prefix| pool.add(prefix));
        let mut digits = Digits::new();
        digits.spans(&ordered_prefixes(prefixes.to_vec(), &pool));
        let piece = pool.parts().concat();
        let set = Reader::new(digits.as_str(), &piece).texts();
        assert_eq!(set.len(), 3);
        for text in ["a", "abz", "ac", "b", "xyz"] {
            assert!(begins(set, text), "{text}");
        }
        for text in ["", "c", "ya", "A"] {
            assert!(!begins(set, text), "{text}");
        }
    }

    #[test]
    fn folding_knows_more_than_ascii() {
        assert_eq!(folded("ŻÓŁĆ-Σς"), folded("żółć-σσ"));
        assert_eq!(folded("Straße"), "straße");
    }
}
