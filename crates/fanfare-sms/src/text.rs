//! The text of a message, and the parts that it is cut into.

use crate::alphabet::{self, Alphabet};

/// The most characters of one text message.
pub const CHARS_MAX: usize = 1600;

/// The octets of the header by which parts belong together.
const HEADER_OCTETS: usize = 6;

/// The text of a message with the alphabet that it needs.
///
/// - Where all of its characters are in the alphabet of GSM 03.38, a message of one part has 160 places; `^{}\[~]|€` and the
///   form feed take two. Else it is in UCS-2, and a message of one part has 70 places, of which characters beyond the basic
///   plane take two.
/// - A text of several parts has 153 or 67 places in each, because each carries a header. It is cut behind white space where
///   there is some, so that no word is torn; nothing is left out, and no character is cut in two.
///
/// ```
/// use fanfare_sms::Text;
///
/// assert_eq!(Text::new("a".repeat(160)).parts().len(), 1);
/// assert_eq!(Text::new("a".repeat(161)).parts().len(), 2);
/// assert_eq!(Text::new("ł".repeat(71)).parts().len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    text: String,
    alphabet: Alphabet,
}

impl Text {
    /// The text as it is to be sent.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let alphabet = Alphabet::of(&text);
        Self { text, alphabet }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it has more characters than one message may have.
    pub fn is_too_long(&self) -> bool {
        self.text.chars().count() > CHARS_MAX
    }

    /// The parts that it is cut into, at least one.
    pub fn parts(&self) -> Vec<&str> {
        self.parts_behind(HEADER_OCTETS)
    }

    /// The parts that it is cut into where the header of each takes so many octets.
    pub(crate) fn parts_behind(&self, header_octets: usize) -> Vec<&str> {
        let (alone, each) = (self.alphabet.room(0), self.alphabet.room(header_octets));
        let mut left: usize = self.text.chars().map(|c| self.alphabet.places(c)).sum();
        if left <= alone {
            return vec![&self.text];
        }
        let (mut parts, mut rest) = (Vec::new(), self.text.as_str());
        while left > each {
            let Cut { at, places } = self.cut(rest, each);
            let (part, after) = rest.split_at(at);
            parts.push(part);
            (rest, left) = (after, left - places);
        }
        parts.push(rest);
        parts
    }

    /// Which alphabet the text needs.
    pub(crate) fn alphabet(&self) -> Alphabet {
        self.alphabet
    }

    /// A part as it goes over the air, without a header: a septet in each byte, or UCS-2 with the higher byte first.
    pub(crate) fn encode(&self, part: &str) -> Vec<u8> {
        match self.alphabet {
            Alphabet::Gsm => part.chars().filter_map(alphabet::septets).flatten().collect(),
            Alphabet::Ucs2 => part.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// Where to cut `text`, of which no more than `room` places fit: behind the last white space, or else where it is full.
    fn cut(&self, text: &str, room: usize) -> Cut {
        let (mut taken, mut full, mut behind_space) = (0, Cut { at: 0, places: 0 }, None);
        for (at, c) in text.char_indices() {
            taken += self.alphabet.places(c);
            if taken > room {
                break;
            }
            full = Cut { at: at + c.len_utf8(), places: taken };
            if c.is_whitespace() {
                behind_space = Some(full);
            }
        }
        behind_space.unwrap_or(full)
    }
}

/// A place to cut at, and the places of the alphabet before it.
#[derive(Debug, Clone, Copy)]
struct Cut {
    at: usize,
    places: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_the_alphabet_that_it_needs() {
        let cases = [
            ("", 1),
            (&"a".repeat(160), 1),
            (&"a".repeat(161), 2),
            (&"a".repeat(306), 2),
            (&"a".repeat(307), 3),
            (&"€".repeat(80), 1),
            (&"€".repeat(81), 2),
            // Of 153 places, 76 characters of two fit.
            (&"€".repeat(152), 2),
            (&"€".repeat(153), 3),
            (&"ł".repeat(70), 1),
            (&"ł".repeat(71), 2),
            (&"ł".repeat(135), 3),
            (&"😀".repeat(35), 1),
            (&"😀".repeat(36), 2),
            (&"😀".repeat(66), 2),
            (&"😀".repeat(67), 3),
            (&"a".repeat(1600), 11),
            (&"ł".repeat(1600), 24),
        ];
        for (text, expected) in cases {
            assert_eq!(Text::new(text.to_owned()).parts().len(), expected, "{} characters", text.chars().count());
        }
    }

    #[test]
    fn a_text_is_cut_behind_white_space_and_nothing_is_left_out() {
        let text = Text::new(format!("{} {} {}", "a".repeat(100), "b".repeat(100), "c".repeat(10)));
        assert_eq!(text.parts(), [format!("{} ", "a".repeat(100)), format!("{} {}", "b".repeat(100), "c".repeat(10))]);
        // A word that fits nowhere is torn all the same.
        let text = Text::new(format!("a {}", "b".repeat(200)));
        assert_eq!(text.parts(), ["a ".to_owned(), "b".repeat(153), "b".repeat(47)]);
        for words in ["ein Wort ", "słowo 😀 ", "€[] ", "\u{c}|", "x"] {
            let text = Text::new(words.repeat(150));
            assert_eq!(text.parts().concat(), text.as_str());
            let each = text.alphabet().room(HEADER_OCTETS);
            for part in text.parts() {
                let bytes = text.encode(part).len();
                let places = if text.alphabet() == Alphabet::Ucs2 { bytes / 2 } else { bytes };
                assert!(places <= each, "{places} places");
            }
        }
    }

    #[test]
    fn a_text_of_more_than_1600_characters_is_too_long_however_many_bytes_they_take() {
        assert!(!Text::new("ł".repeat(1600)).is_too_long());
        assert!(Text::new("a".repeat(1601)).is_too_long());
    }

    #[test]
    fn parts_are_written_as_gsm_03_38_and_as_ucs_2_have_it() {
        let encoded = |text: &str| Text::new(text).encode(text);
        assert_eq!(encoded("Hi @£€{}"), [0x48, 0x69, 0x20, 0x00, 0x01, 0x1b, 0x65, 0x1b, 0x28, 0x1b, 0x29]);
        assert_eq!(encoded("äöñüà§¿¡"), [0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x5f, 0x60, 0x40]);
        assert_eq!(encoded("a😀"), [0x00, 0x61, 0xd8, 0x3d, 0xde, 0x00]);
    }
}
