//! Cuts an input into texts.

use std::borrow::Cow;

/// Stands between the parts of an input. No UTF-8 text has this byte, so every text can be a part.
const SEPARATOR: u8 = 0xff;

/// The parts of an input, in order; when there are no more, empty ones.
pub(super) struct Parts<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: Some(data) }
    }

    /// The next part, if there is one.
    pub(super) fn next_bytes(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let mut halves = rest.splitn(2, |byte| *byte == SEPARATOR);
        let part = halves.next();
        self.rest = halves.next();
        part
    }

    /// The next part as text; what is no UTF-8 is replaced.
    pub(super) fn next_text(&mut self) -> Option<Cow<'a, str>> {
        self.next_bytes().map(String::from_utf8_lossy)
    }

    /// The next part as text, or the empty text.
    pub(super) fn text(&mut self) -> Cow<'a, str> {
        self.next_text().unwrap_or_default()
    }
}
