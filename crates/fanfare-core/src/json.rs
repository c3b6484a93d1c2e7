//! JSON as Amazon SNS reads it: tokens with places, and refusals in the words of the parser behind it.
//!
//! The reader never recurses, so that no text can exhaust the stack, and refuses what nests deeper than `DEPTH_MAX`.

mod error;
mod number;
mod string;

use std::borrow::Cow;

pub(crate) use error::{JsonError, Location};

/// What is wrong with a text that ought to be JSON: a line that says what, and one that says where. Nothing when it is JSON,
/// whatever follows the first value.
///
/// Amazon SNS passes these words of its parser on in its errors.
///
/// ```
/// let complaint = fanfare_core::json::complaint("{oops}").unwrap_or_default();
/// assert_eq!(
///     complaint.lines().next(),
///     Some("Unexpected character ('o' (code 111)): was expecting double-quote to start field name"),
/// );
/// assert_eq!(fanfare_core::json::complaint("{}"), None);
/// ```
pub fn complaint(text: &str) -> Option<String> {
    let error = Document::read(text).err()?;
    Some(format!("{}\n at {}", error.message(), Location::of(text, error.offset())))
}

/// The deepest nesting of arrays and objects that is read.
const DEPTH_MAX: usize = 1000;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    StartObject,
    EndObject,
    StartArray,
    EndArray,
    Field,
    Text,
    Number,
    True,
    False,
    Null,
}

/// One token with its place, in byte offsets.
#[derive(Debug, Clone)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    /// The unescaped text of a field or a string, the source text of everything else.
    pub(crate) text: Cow<'a, str>,
    /// Where a reader stands that has seen that there is this token: a string has only been entered by then.
    pub(crate) seen: usize,
    /// Where the token ends.
    pub(crate) end: usize,
}

/// The tokens of the first JSON value of a text; none when the text is blank.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) tokens: Vec<Token<'a>>,
    /// Whether something other than white space follows the value.
    pub(crate) has_rest: bool,
}

impl<'a> Document<'a> {
    /// Reads the first JSON value of `text`.
    pub(crate) fn read(text: &'a str) -> Result<Self, JsonError> {
        let mut reader = Reader { text, at: 0, tokens: Vec::new(), open: Vec::new() };
        if reader.skip_space().is_some() {
            reader.value()?;
        }
        while let Some(container) = reader.open.last().copied() {
            match container.kind {
                Kind::StartObject => reader.next_in_object(container)?,
                _ => reader.next_in_array(container)?,
            }
        }
        let has_rest = reader.skip_space().is_some();
        Ok(Self { tokens: reader.tokens, has_rest })
    }
}

/// An array or object that has not been closed.
#[derive(Debug, Clone, Copy)]
struct Container {
    kind: Kind,
    /// The offset of its opening bracket.
    start: usize,
    empty: bool,
}

/// The state of reading.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
    open: Vec<Container>,
}

impl Reader<'_> {
    /// Reads one entry of the innermost object, or its end.
    fn next_in_object(&mut self, object: Container) -> Result<(), JsonError> {
        if self.closed(object, b'}', b']')? {
            return Ok(());
        }
        self.comma(object, "was expecting comma to separate Object entries")?;
        match self.skip_space() {
            Some(b'"') => {}
            Some(_) => return Err(self.unexpected("was expecting double-quote to start field name")),
            None => return Err(self.ended(" within/between Object entries")),
        }
        self.string(Kind::Field)?;
        match self.skip_space() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.unexpected("was expecting a colon to separate field name and value")),
            None => return Err(self.ended(" within/between Object entries")),
        }
        if self.skip_space().is_none() {
            return Err(self.ended(" within/between Object entries"));
        }
        self.value()
    }

    /// Reads one element of the innermost array, or its end.
    fn next_in_array(&mut self, array: Container) -> Result<(), JsonError> {
        if self.closed(array, b']', b'}')? {
            return Ok(());
        }
        self.comma(array, "was expecting comma to separate Array entries")?;
        if self.skip_space().is_none() {
            return Err(self.unclosed(array));
        }
        self.value()
    }

    /// Takes the end of the container if it is next.
    fn closed(&mut self, container: Container, own: u8, other: u8) -> Result<bool, JsonError> {
        let Some(byte) = self.skip_space() else { return Err(self.unclosed(container)) };
        if byte == other {
            self.at += 1;
            return Err(self.mismatched(container, char::from(other), char::from(own)));
        }
        if byte != own {
            return Ok(false);
        }
        let kind = if container.kind == Kind::StartObject { Kind::EndObject } else { Kind::EndArray };
        self.take(kind, 1);
        self.open.pop();
        Ok(true)
    }

    /// Takes the comma before every entry but the first.
    fn comma(&mut self, container: Container, expectation: &str) -> Result<(), JsonError> {
        if container.empty {
            if let Some(open) = self.open.last_mut() {
                open.empty = false;
            }
            return Ok(());
        }
        if self.byte() != Some(b',') {
            return Err(self.unexpected(expectation));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads a scalar, or enters an array or object.
    fn value(&mut self) -> Result<(), JsonError> {
        match self.byte() {
            Some(b'"') => self.string(Kind::Text),
            Some(b'{') => self.enter(Kind::StartObject),
            Some(b'[') => self.enter(Kind::StartArray),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(Kind::True, "true"),
            Some(b'f') => self.literal(Kind::False, "false"),
            Some(b'n') => self.literal(Kind::Null, "null"),
            _ => Err(self.no_value()),
        }
    }

    fn enter(&mut self, kind: Kind) -> Result<(), JsonError> {
        let start = self.at;
        self.take(kind, 1);
        if self.open.len() == DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.open.push(Container { kind, start, empty: true });
        Ok(())
    }

    fn literal(&mut self, kind: Kind, word: &str) -> Result<(), JsonError> {
        if self.word() != word {
            return Err(self.no_value());
        }
        self.take(kind, word.len());
        Ok(())
    }

    /// Takes the next `length` bytes as a token.
    fn take(&mut self, kind: Kind, length: usize) {
        let end = self.at + length;
        self.tokens.push(Token { kind, text: Cow::Borrowed(&self.text[self.at..end]), seen: end, end });
        self.at = end;
    }

    /// The word that starts here: letters, digits, `_` and `$`.
    fn word(&self) -> &str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Goes to the next byte that is no white space, and says which it is.
    fn skip_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_nested_arrays_are_refused_and_a_thousand_are_not() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Document::read(&nested(1000)).is_ok());
        let error = Document::read(&nested(10_000)).unwrap_err();
        assert!(error.message().starts_with("Document nesting depth (1001) exceeds the maximum allowed (1000"));
    }

    #[test]
    fn a_string_is_unescaped_and_a_lone_surrogate_replaced() {
        let document = Document::read(r#" "a\n\u00e9\ud83d\ude00\ud800x\/" rest"#).unwrap();
        assert_eq!(document.tokens[0].text, "a\né😀\u{fffd}x/");
        assert!(document.has_rest);
    }

    #[test]
    fn a_place_counts_lines_and_utf16_columns() {
        let text = "{\"😀\"\r\n:\n  x}";
        let error = Document::read(text).unwrap_err();
        assert!(Location::of(text, error.offset()).to_string().ends_with("line: 3, column: 4]"));
    }
}
