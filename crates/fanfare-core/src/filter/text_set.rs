//! Sets of texts that are asked in few steps however many texts there are, and the folding of case.

use super::pool::{Pool, Span};

/// Texts to compare whole, in their order.
#[derive(Debug, Clone)]
pub(super) struct TextSet(Box<[Span]>);

impl TextSet {
    pub(super) fn new(mut texts: Vec<Span>, pool: &Pool<'_>) -> Self {
        texts.sort_unstable_by_key(|text| pool.at(*text));
        Self(texts.into())
    }

    pub(super) fn contains(&self, text: &str, piece: &str) -> bool {
        self.0.binary_search_by_key(&text, |known| known.of(piece)).is_ok()
    }
}

/// Texts that others may begin with.
#[derive(Debug, Clone)]
pub(super) struct PrefixSet {
    /// In order, and none begins with another: so only the nearest below a text can be its prefix.
    prefixes: Box<[Span]>,
}

impl PrefixSet {
    pub(super) fn new(mut prefixes: Vec<Span>, pool: &Pool<'_>) -> Self {
        prefixes.sort_unstable_by_key(|prefix| pool.at(*prefix));
        let mut kept: Vec<Span> = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            if !kept.last().is_some_and(|last| pool.at(prefix).starts_with(pool.at(*last))) {
                kept.push(prefix);
            }
        }
        Self { prefixes: kept.into() }
    }

    /// Whether `text` begins with one of the texts.
    pub(super) fn begins(&self, text: &str, piece: &str) -> bool {
        let above = self.prefixes.partition_point(|prefix| prefix.of(piece) <= text);
        above > 0 && text.starts_with(self.prefixes[above - 1].of(piece))
    }
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

    #[test]
    fn a_prefix_that_begins_with_another_hides_none() {
        let mut pool = Pool::new("");
        let prefixes = ["ab", "a", "abc", "x", "b"].map(|prefix| pool.add(prefix));
        let set = PrefixSet::new(prefixes.to_vec(), &pool);
        let piece = pool.finish();
        for text in ["a", "abz", "ac", "b", "xyz"] {
            assert!(set.begins(text, &piece), "{text}");
        }
        for text in ["", "c", "ya", "A"] {
            assert!(!set.begins(text, &piece), "{text}");
        }
    }

    #[test]
    fn folding_knows_more_than_ascii() {
        assert_eq!(folded("ŻÓŁĆ-Σς"), folded("żółć-σσ"));
        assert_eq!(folded("Straße"), "straße");
    }
}
