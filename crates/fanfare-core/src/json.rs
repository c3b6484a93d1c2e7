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
/// let complaint = fanfare_core::json::complaint("").unwrap_or_default();
/// assert_eq!(complaint.lines().next(), Some("No content to map due to end-of-input"));
/// ```
pub fn complaint(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some(format!("No content to map due to end-of-input\n at {}", Location::BEFORE_ALL));
    }
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
}

impl<'a> Document<'a> {
    /// Reads the first JSON value of `text`.
    pub(crate) fn read(text: &'a str) -> Result<Self, JsonError> {
        let mut reader = Reader::new(text);
        let mut tokens = Vec::new();
        while let Some(kind) = reader.advance()? {
            tokens.push(Token { kind, text: reader.take_text(), seen: reader.seen, end: reader.at });
        }
        Ok(Self { tokens })
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

/// Reads the first JSON value of a text token by token, keeping none of them.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Container>,
    next: Next,
    /// Where the text of the last token lies; of a string, without its quotes.
    token: (usize, usize),
    /// The text of the last token when it is not in the source word for word.
    unescaped: Option<String>,
    seen: usize,
    /// Whether escape sequences are only checked.
    skimming: bool,
}

/// What has to come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The first token.
    Beginning,
    /// The colon and the value of a field.
    FieldValue,
    /// The next entry of the innermost container, or its end.
    Entry,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            open: Vec::new(),
            next: Next::Beginning,
            token: (0, 0),
            unescaped: None,
            seen: 0,
            skimming: false,
        }
    }

    /// Reads the next token; nothing when the value has ended, or the text is blank.
    pub(crate) fn advance(&mut self) -> Result<Option<Kind>, JsonError> {
        match std::mem::replace(&mut self.next, Next::Entry) {
            Next::Beginning if self.skip_space().is_none() => Ok(None),
            Next::Beginning => self.value().map(Some),
            Next::FieldValue => self.field_value().map(Some),
            Next::Entry => match self.open.last().copied() {
                None => Ok(None),
                Some(object) if object.kind == Kind::StartObject => self.next_in_object(object).map(Some),
                Some(array) => self.next_in_array(array).map(Some),
            },
        }
    }

    /// The unescaped text of the last token if it is a field or a string, or else its source text. It is gone afterwards.
    pub(crate) fn take_text(&mut self) -> Cow<'a, str> {
        match self.unescaped.take() {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(&self.text[self.token.0..self.token.1]),
        }
    }

    /// Goes past the next value, which is checked like any other, without keeping anything of it.
    pub(crate) fn skip_value(&mut self) -> Result<(), JsonError> {
        self.skimming = true;
        let outside = self.open.len();
        loop {
            self.advance()?;
            // A field's value ends where nothing more is open than before, and a field is never its end.
            if self.open.len() <= outside && self.next == Next::Entry {
                break;
            }
        }
        self.skimming = false;
        Ok(())
    }

    /// Whether something other than white space follows here.
    pub(crate) fn has_rest(&mut self) -> bool {
        self.skip_space().is_some()
    }

    /// Reads the name of the next field of the innermost object, or the object's end.
    fn next_in_object(&mut self, object: Container) -> Result<Kind, JsonError> {
        if let Some(end) = self.closed(object, b'}', b']')? {
            return Ok(end);
        }
        self.comma(object, "was expecting comma to separate Object entries")?;
        match self.skip_space() {
            Some(b'"') => {}
            Some(_) => return Err(self.unexpected("was expecting double-quote to start field name")),
            None => return Err(self.ended(" within/between Object entries")),
        }
        self.next = Next::FieldValue;
        self.string(Kind::Field)
    }

    /// Reads what follows the name of a field.
    fn field_value(&mut self) -> Result<Kind, JsonError> {
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
    fn next_in_array(&mut self, array: Container) -> Result<Kind, JsonError> {
        if let Some(end) = self.closed(array, b']', b'}')? {
            return Ok(end);
        }
        self.comma(array, "was expecting comma to separate Array entries")?;
        if self.skip_space().is_none() {
            return Err(self.unclosed(array));
        }
        self.value()
    }

    /// Takes the end of the container if it is next.
    fn closed(&mut self, container: Container, own: u8, other: u8) -> Result<Option<Kind>, JsonError> {
        let Some(byte) = self.skip_space() else { return Err(self.unclosed(container)) };
        if byte == other {
            self.at += 1;
            return Err(self.mismatched(container, char::from(other), char::from(own)));
        }
        if byte != own {
            return Ok(None);
        }
        self.take(1);
        self.open.pop();
        Ok(Some(if container.kind == Kind::StartObject { Kind::EndObject } else { Kind::EndArray }))
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
    fn value(&mut self) -> Result<Kind, JsonError> {
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

    fn enter(&mut self, kind: Kind) -> Result<Kind, JsonError> {
        let start = self.at;
        self.take(1);
        if self.open.len() == DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.open.push(Container { kind, start, empty: true });
        Ok(kind)
    }

    fn literal(&mut self, kind: Kind, word: &str) -> Result<Kind, JsonError> {
        if self.word() != word {
            return Err(self.no_value());
        }
        self.take(word.len());
        Ok(kind)
    }

    /// Takes the next `length` bytes as a token.
    fn take(&mut self, length: usize) {
        let end = self.at + length;
        self.token = (self.at, end);
        self.unescaped = None;
        (self.seen, self.at) = (end, end);
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
    }

    #[test]
    fn a_place_counts_lines_and_utf16_columns() {
        let text = "{\"😀\"\r\n:\n  x}";
        let error = Document::read(text).unwrap_err();
        assert!(Location::of(text, error.offset()).to_string().ends_with("line: 3, column: 4]"));
    }
}
