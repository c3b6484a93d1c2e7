//! A piece of text that may be what is looked for, with what stands around it.

use std::ops::Range;

/// A piece of text that may be what is looked for, with what stands around it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

/// How many bytes before a candidate are searched for a word that tells what it is.
const NEAR_BYTES: usize = 48;

impl<'a> Candidate<'a> {
    pub(super) fn new(text: &'a str, range: Range<usize>) -> Self {
        Self { text, start: range.start, end: range.end }
    }

    pub(super) fn as_str(&self) -> &'a str {
        &self.text[self.start..self.end]
    }

    pub(super) fn before(&self) -> Option<char> {
        self.text[..self.start].chars().next_back()
    }

    pub(super) fn after(&self) -> Option<char> {
        self.text[self.end..].chars().next()
    }

    /// Whether it is not a part of a longer word or number.
    pub(super) fn stands_alone(&self) -> bool {
        let continues = |c: char| c.is_alphanumeric() || c == '_';
        !self.before().is_some_and(continues) && !self.after().is_some_and(continues)
    }

    /// Whether it is not a part of a longer row of digits, be they joined by `joints`.
    pub(super) fn is_whole_number(&self, joints: &[char]) -> bool {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let (mut left, mut right) = (self.text[..self.start].chars(), self.text[self.end..].chars());
        let left = (left.next_back(), left.next_back());
        let right = (right.next(), right.next());
        let joined =
            |(next, beyond): (Option<char>, Option<char>)| next.is_some_and(|c| joints.contains(&c)) && digit(beyond);
        self.stands_alone() && !joined(left) && !joined(right)
    }

    /// Whether one of these words stands shortly before it, in any case.
    pub(super) fn follows_one_of(&self, words: &[&str]) -> bool {
        let from = self.text.floor_char_boundary(self.start.saturating_sub(NEAR_BYTES));
        let near = self.text[from..self.start].to_lowercase();
        words.iter().any(|word| near.contains(word))
    }

    /// Its digits.
    pub(super) fn digits(&self) -> Vec<u32> {
        self.as_str().chars().filter_map(|c| c.to_digit(10)).collect()
    }

    /// Its letters and digits, in upper case.
    pub(super) fn alphanumerics(&self) -> String {
        self.as_str().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
    }
}
