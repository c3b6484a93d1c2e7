//! What is wrong with a text that is no JSON, and where.

use std::fmt;

use super::{Container, DEPTH_MAX, Kind, Reader};

const VALUE_EXPECTED: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// A text that is no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonError {
    message: String,
    offset: usize,
    non_number: bool,
}

impl JsonError {
    /// What is wrong.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The byte offset that the error points at.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Whether the text has one of the words for numbers that JSON has not, such as `NaN`.
    pub(crate) fn is_non_number(&self) -> bool {
        self.non_number
    }

    /// A text without any value.
    pub(crate) fn blank() -> Self {
        Self { message: "Filter is not an object".to_owned(), offset: 0, non_number: false }
    }
}

/// A place in a text: line and column from 1, the column in UTF-16 units, as the parser behind Amazon SNS counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    line: usize,
    column: usize,
}

impl Location {
    /// Where the parser stands that has seen nothing.
    pub(crate) const BEFORE_ALL: Self = Self { line: 1, column: 0 };

    /// The place of the byte `offset` of `text`.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let bytes = before.as_bytes();
        // `\n`, `\r` and `\r\n` each end one line.
        let ends_line = |&i: &usize| bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
        let line = 1 + (0..bytes.len()).filter(ends_line).count();
        let last = (0..bytes.len()).rev().find(|i| matches!(bytes[*i], b'\n' | b'\r')).map_or(0, |i| i + 1);
        Self { line, column: 1 + before[last..].encode_utf16().count() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]",
            self.line, self.column
        )
    }
}

impl Reader<'_> {
    /// The next character is not one that may stand here.
    pub(super) fn unexpected(&self, expectation: &str) -> JsonError {
        match self.text[self.at..].chars().next() {
            Some(c) => self.error(format!("Unexpected character ({}): {expectation}", describe(c)), self.at),
            None => self.ended(""),
        }
    }

    /// The next character is not one that may stand here in a number.
    pub(super) fn unexpected_in_number(&self, expectation: &str) -> JsonError {
        match self.text[self.at..].chars().next() {
            Some(c) => {
                self.error(format!("Unexpected character ({}) in numeric value: {expectation}", describe(c)), self.at)
            }
            None => self.ended(" within number"),
        }
    }

    /// There is no value here.
    pub(super) fn no_value(&self) -> JsonError {
        let word = self.word();
        let end = self.at + word.len();
        match word {
            "" => self.unexpected(&format!("expected a valid value {VALUE_EXPECTED}")),
            "NaN" | "INF" | "Infinity" => JsonError {
                message: format!(
                    "Non-standard token '{word}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
                ),
                offset: end,
                non_number: true,
            },
            _ => self.error(format!("Unrecognized token '{word}': was expecting {VALUE_EXPECTED}"), end),
        }
    }

    /// The text ends too early.
    pub(super) fn ended(&self, what: &str) -> JsonError {
        self.error(format!("Unexpected end-of-input{what}"), self.text.len())
    }

    /// The text ends before the container does.
    pub(super) fn unclosed(&self, container: Container) -> JsonError {
        let start = Location::of(self.text, container.start);
        self.ended(&format!(": expected close marker for {} (start marker at {start})", name(container)))
    }

    /// An array is closed like an object, or the other way round.
    pub(super) fn mismatched(&self, container: Container, found: char, expected: char) -> JsonError {
        let start = Location::of(self.text, container.start);
        self.error(
            format!(
                "Unexpected close marker '{found}': expected '{expected}' (for {} starting at {start})",
                name(container)
            ),
            self.at,
        )
    }

    /// There are too many arrays and objects inside each other.
    pub(super) fn too_deep(&self) -> JsonError {
        self.error(
            format!(
                "Document nesting depth ({}) exceeds the maximum allowed ({DEPTH_MAX}, from \
                 `StreamReadConstraints.getMaxNestingDepth()`)",
                DEPTH_MAX + 1
            ),
            self.at,
        )
    }

    pub(super) fn error(&self, message: String, offset: usize) -> JsonError {
        JsonError { message, offset, non_number: false }
    }
}

/// A character the way the parser behind Amazon SNS names it.
pub(super) fn describe(c: char) -> String {
    let code = u32::from(c);
    if c.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if code > 255 {
        format!("'{c}' (code {code} / 0x{code:x})")
    } else {
        format!("'{c}' (code {code})")
    }
}

fn name(container: Container) -> &'static str {
    if container.kind == Kind::StartObject { "Object" } else { "Array" }
}
