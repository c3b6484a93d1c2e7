//! Numbers in characters of one byte each, so that all that is known of a policy lies in one piece with its text.

use super::pool::Span;

/// Numbers being written.
#[derive(Debug)]
pub(super) struct Digits(String);

/// Numbers being read, in the order in which they were written, and the texts that they point to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'p> {
    digits: &'p [u8],
    texts: &'p str,
}

/// Texts that were written as a list. Each is found without a look at those before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Texts<'p> {
    digits: &'p [u8],
    /// How many digits each of the two numbers of a text takes.
    width: usize,
    texts: &'p str,
}

/// Floating point numbers that were written as a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floats<'p>(&'p [[u8; FLOAT]]);

/// A digit of a number that ends by itself counts below this, and has this on top if there are more.
const MORE: u8 = 64;
/// How many digits the bits of a floating point number take.
const FLOAT: usize = 10;

impl Digits {
    /// No digits, with room for those of a policy as most are.
    pub(super) fn new() -> Self {
        Self::with_capacity(64)
    }

    /// No digits, with room for so many.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self(String::with_capacity(capacity))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// How many digits there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds what was written elsewhere.
    pub(super) fn append(&mut self, written: &str) {
        self.0.push_str(written);
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Adds a number below 128, in one digit.
    pub(super) fn digit(&mut self, digit: u8) {
        debug_assert!(digit.is_ascii(), "{digit} is no digit");
        self.0.push(char::from(digit));
    }

    /// Adds a number that ends by itself: the smaller it is, the fewer digits it takes.
    pub(super) fn number(&mut self, mut number: usize) {
        let more = usize::from(MORE);
        while number >= more {
            self.digit(MORE | low(number % more));
            number /= more;
        }
        self.digit(low(number));
    }

    /// Adds a number in so many digits, see [`width`].
    pub(super) fn fixed(&mut self, mut number: u128, width: usize) {
        for _ in 0..width {
            #[allow(clippy::cast_possible_truncation, reason = "a digit has seven bits")]
            self.digit((number & 127) as u8);
            number >>= 7;
        }
    }

    /// Adds a floating point number, which takes few digits if it is a small whole one, as most are.
    pub(super) fn float(&mut self, number: f64) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is not the same is written otherwise"
        )]
        let whole = number as u32;
        if whole < u32::MAX && f64::from(whole).to_bits() == number.to_bits() {
            self.number(whole as usize + 1);
        } else {
            self.number(0);
            self.fixed(number.to_bits().into(), FLOAT);
        }
    }

    pub(super) fn span(&mut self, span: Span) {
        self.number(span.start());
        self.number(span.len());
    }

    pub(super) fn spans(&mut self, spans: &[Span]) {
        let width = width(spans.iter().map(|span| span.start().max(span.len())).max().unwrap_or_default());
        self.number(spans.len());
        self.digit(low(width));
        for span in spans {
            self.fixed(span.start() as u128, width);
            self.fixed(span.len() as u128, width);
        }
    }

    pub(super) fn floats(&mut self, numbers: &[f64]) {
        self.number(numbers.len());
        for number in numbers {
            self.fixed(number.to_bits().into(), FLOAT);
        }
    }
}

impl<'p> Reader<'p> {
    /// A reader of `digits`, whose texts lie in `texts`.
    pub(super) fn new(digits: &'p str, texts: &'p str) -> Self {
        Self { digits: digits.as_bytes(), texts }
    }

    /// How many digits have not been read.
    pub(super) fn len(&self) -> usize {
        self.digits.len()
    }

    /// A reader of what comes `digits` behind.
    pub(super) fn behind(&self, digits: usize) -> Self {
        Self { digits: &self.digits[digits..], ..*self }
    }

    pub(super) fn digit(&mut self) -> u8 {
        let (digit, rest) = self.digits.split_first().expect("a policy is read as it was written");
        self.digits = rest;
        *digit
    }

    pub(super) fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let digit = self.digit();
            number |= usize::from(digit % MORE) << shift;
            if digit < MORE {
                return number;
            }
            shift += MORE.ilog2();
        }
    }

    pub(super) fn fixed(&mut self, width: usize) -> u128 {
        self.take(width).iter().rev().fold(0, |number, digit| number << 7 | u128::from(*digit))
    }

    /// As [`Reader::fixed`], of a number that counts something.
    pub(super) fn short(&mut self, width: usize) -> usize {
        index(self.take(width))
    }

    pub(super) fn float(&mut self) -> f64 {
        match self.number().checked_sub(1) {
            #[allow(clippy::cast_precision_loss, reason = "only numbers below 2^32 are written this way")]
            Some(whole) => whole as f64,
            None => f64::from_bits(bits(self.take(FLOAT))),
        }
    }

    pub(super) fn span(&mut self) -> Span {
        let start = self.number();
        Span::new(start, self.number())
    }

    pub(super) fn text(&mut self) -> &'p str {
        let span = self.span();
        self.at(span)
    }

    /// The text there.
    pub(super) fn at(&self, span: Span) -> &'p str {
        span.of(self.texts)
    }

    pub(super) fn texts(&mut self) -> Texts<'p> {
        let len = self.number();
        let width = usize::from(self.digit());
        Texts { digits: self.take(len * width * 2), width, texts: self.texts }
    }

    pub(super) fn floats(&mut self) -> Floats<'p> {
        let len = self.number();
        Floats(self.take(len * FLOAT).as_chunks().0)
    }

    fn take(&mut self, len: usize) -> &'p [u8] {
        let (taken, rest) = self.digits.split_at(len);
        self.digits = rest;
        taken
    }
}

impl<'p> Texts<'p> {
    pub(super) fn len(&self) -> usize {
        self.digits.len() / (2 * self.width)
    }

    pub(super) fn at(&self, place: usize) -> &'p str {
        let (start, len) = self.digits[place * 2 * self.width..][..2 * self.width].split_at(self.width);
        Span::new(index(start), index(len)).of(self.texts)
    }

    /// How many texts there are in front of the first that is not `before`, if all of them are in front.
    pub(super) fn partition_point(&self, before: impl Fn(&str) -> bool) -> usize {
        partition_point(self.len(), |place| before(self.at(place)))
    }
}

impl Floats<'_> {
    pub(super) fn at(&self, place: usize) -> Option<f64> {
        self.0.get(place).map(|digits| f64::from_bits(bits(digits)))
    }

    /// As [`Texts::partition_point`].
    pub(super) fn partition_point(&self, before: impl Fn(f64) -> bool) -> usize {
        self.0.partition_point(|digits| before(f64::from_bits(bits(digits))))
    }
}

/// How many digits a number takes at least, but one in any case.
pub(super) fn width(number: usize) -> usize {
    number.checked_ilog2().map_or(1, |bits| bits as usize / 7 + 1)
}

fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn low(number: usize) -> u8 {
    u8::try_from(number).expect("a digit is a small number")
}

fn index(digits: &[u8]) -> usize {
    digits.iter().rev().fold(0, |number, digit| number << 7 | usize::from(*digit))
}

fn bits(digits: &[u8]) -> u64 {
    digits.iter().rev().fold(0, |bits, digit| bits << 7 | u64::from(*digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let numbers = [0, 1, 63, 64, 4095, 4096, 262_144, u32::MAX as usize];
        let whole = [0.0, 62.0, 63.0, 1e6, 4_294_967_295.0];
        let floats = [0.0, -0.0, -1.0, 1.5, 4_294_967_296.0, f64::INFINITY, f64::MIN, f64::from_bits(u64::MAX >> 12)];
        let mut digits = Digits::new();
        for number in numbers {
            digits.number(number);
            digits.fixed(number as u128, width(number));
        }
        digits.fixed(u128::MAX, 19);
        digits.floats(&floats);
        for number in whole.into_iter().chain(floats) {
            digits.float(number);
        }
        let mut reader = Reader::new(digits.as_str(), "");
        for number in numbers {
            assert_eq!((reader.number(), reader.fixed(width(number))), (number, number as u128));
        }
        assert_eq!(reader.fixed(19), u128::MAX);
        let read = reader.floats();
        for (place, number) in floats.into_iter().enumerate() {
            assert_eq!(read.at(place).map(f64::to_bits), Some(number.to_bits()));
        }
        assert_eq!(read.at(floats.len()), None);
        for number in whole.into_iter().chain(floats) {
            assert_eq!(reader.float().to_bits(), number.to_bits());
        }
        assert_eq!(reader.len(), 0);
    }

    #[test]
    fn a_text_of_a_list_is_found_wherever_it_lies() {
        let texts = format!("abc{}def", "-".repeat(200));
        let mut digits = Digits::new();
        digits.spans(&[]);
        digits.spans(&[Span::new(0, 2), Span::new(1, 2)]);
        digits.spans(&[Span::new(0, 3), Span::new(203, 3), Span::new(206, 0)]);
        let mut reader = Reader::new(digits.as_str(), &texts);
        assert_eq!(reader.texts().len(), 0);
        for expected in [&["ab", "bc"][..], &["abc", "def", ""]] {
            let texts = reader.texts();
            assert_eq!((0..texts.len()).map(|place| texts.at(place)).collect::<Vec<_>>(), expected);
        }
        assert_eq!(reader.len(), 0);
    }
}
