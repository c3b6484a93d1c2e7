//! Sets of texts that are asked in few steps however many texts there are, and the folding of case.

use std::collections::HashSet;

/// Texts to compare whole.
#[derive(Debug, Clone)]
pub(super) struct TextSet(HashSet<Box<str>>);

impl TextSet {
    pub(super) fn new(texts: impl IntoIterator<Item = String>) -> Self {
        Self(texts.into_iter().map(String::into_boxed_str).collect())
    }

    pub(super) fn contains(&self, text: &str) -> bool {
        self.0.contains(text)
    }
}

/// Texts that others may begin with.
#[derive(Debug, Clone)]
pub(super) struct PrefixSet {
    /// In order, and none begins with another: so only the nearest below a text can be its prefix.
    prefixes: Vec<Box<str>>,
}

impl PrefixSet {
    pub(super) fn new(mut prefixes: Vec<String>) -> Self {
        prefixes.sort_unstable();
        let mut kept: Vec<Box<str>> = Vec::with_capacity(prefixes.len());
        for prefix in prefixes {
            if !kept.last().is_some_and(|last| prefix.starts_with(&**last)) {
                kept.push(prefix.into_boxed_str());
            }
        }
        Self { prefixes: kept }
    }

    /// Whether `text` begins with one of the texts.
    pub(super) fn begins(&self, text: &str) -> bool {
        let above = self.prefixes.partition_point(|prefix| **prefix <= *text);
        above > 0 && text.starts_with(&*self.prefixes[above - 1])
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
        let set = PrefixSet::new(["ab", "a", "abc", "x", "b"].map(str::to_owned).to_vec());
        for text in ["a", "abz", "ac", "b", "xyz"] {
            assert!(set.begins(text), "{text}");
        }
        for text in ["", "c", "ya", "A"] {
            assert!(!set.begins(text), "{text}");
        }
    }

    #[test]
    fn folding_knows_more_than_ascii() {
        assert_eq!(folded("ŻÓŁĆ-Σς"), folded("żółć-σσ"));
        assert_eq!(folded("Straße"), "straße");
    }
}
