//! The texts of a policy in one piece.

/// The texts of a policy in the making: its own text, and behind it what does not stand in it word for word.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    text: &'a str,
    more: String,
}

/// A text in a [`Pool`], or in the piece that it became.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl<'a> Pool<'a> {
    /// A pool with the policy's own text.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, more: String::new() }
    }

    /// The `len` bytes of the policy's own text from `start` on.
    pub(super) fn own(start: usize, len: usize) -> Span {
        Span { start: number(start), len: number(len) }
    }

    /// Adds a text.
    pub(super) fn add(&mut self, text: &str) -> Span {
        let start = self.text.len() + self.more.len();
        self.more.push_str(text);
        Self::own(start, text.len())
    }

    /// A text that stands somewhere in the policy's own, or else is added.
    pub(super) fn find_or_add(&mut self, text: &str) -> Span {
        match self.text.find(text) {
            Some(start) => Self::own(start, text.len()),
            None => self.add(text),
        }
    }

    /// The text there.
    pub(super) fn at(&self, span: Span) -> &str {
        match (span.start as usize).checked_sub(self.text.len()) {
            _ if span.len == 0 => "",
            Some(start) => &self.more[start..start + span.len as usize],
            None => span.of(self.text),
        }
    }

    /// All texts in one piece.
    pub(super) fn finish(&self) -> Box<str> {
        if self.more.is_empty() { self.text.into() } else { [self.text, &self.more].concat().into_boxed_str() }
    }
}

impl Span {
    /// The text in the finished piece.
    pub(super) fn of(self, piece: &str) -> &str {
        let start = self.start as usize;
        &piece[start..start + self.len as usize]
    }
}

fn number(of: usize) -> u32 {
    u32::try_from(of).expect("a policy has at most 256 KiB, and what is added to it is a few times that")
}
