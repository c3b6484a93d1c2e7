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

    /// Adds a text.
    pub(super) fn add(&mut self, text: &str) -> Span {
        let start = self.text.len() + self.more.len();
        self.more.push_str(text);
        Span::new(start, text.len())
    }

    /// A text that stands somewhere in the policy's own, or else is added.
    pub(super) fn find_or_add(&mut self, text: &str) -> Span {
        match self.text.find(text) {
            Some(start) => Span::new(start, text.len()),
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

    /// The two parts that all texts make, one after the other.
    pub(super) fn parts(&self) -> [&str; 2] {
        [self.text, &self.more]
    }
}

impl Span {
    /// The `len` bytes from `start` on.
    pub(super) fn new(start: usize, len: usize) -> Self {
        Self { start: number(start), len: number(len) }
    }

    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    pub(super) fn len(self) -> usize {
        self.len as usize
    }

    /// The text there, in all texts of a policy one after the other.
    pub(super) fn of(self, texts: &str) -> &str {
        &texts[self.start()..self.start() + self.len()]
    }
}

fn number(of: usize) -> u32 {
    u32::try_from(of).expect("a policy has at most 256 KiB, and what is added to it is a few times that")
}
