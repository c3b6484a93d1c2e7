//! The alphabets of text messages.

/// The alphabet of GSM 03.38 in the order of its septets, without the escape (0x1b), which is no character.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ\
                     ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The character that begins those of the extension.
const ESCAPE: u8 = 0x1b;

/// What stands behind an escape.
const EXTENDED: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// What a part has room for over the air.
const OCTETS: usize = 140;

/// An alphabet that text messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// That of GSM 03.38 with its extension.
    Gsm,
    /// UCS-2 with surrogates.
    Ucs2,
}

impl Alphabet {
    /// The alphabet that `text` needs.
    pub(crate) fn of(text: &str) -> Self {
        if text.chars().all(|c| septets(c).is_some()) { Self::Gsm } else { Self::Ucs2 }
    }

    /// How many places `c` takes.
    pub(crate) fn places(self, c: char) -> usize {
        match self {
            Self::Gsm => septets(c).map_or(0, |septets| septets.into_iter().count()),
            Self::Ucs2 => c.len_utf16(),
        }
    }

    /// How many places a part has behind a header of so many octets.
    pub(crate) fn room(self, header_octets: usize) -> usize {
        let octets = OCTETS.saturating_sub(header_octets);
        match self {
            Self::Gsm => octets * 8 / 7,
            Self::Ucs2 => octets / 2,
        }
    }
}

/// The one or two septets of a character; nothing when it is not in the alphabet of GSM.
pub(crate) fn septets(c: char) -> Option<impl IntoIterator<Item = u8>> {
    // Letters, digits and spaces, which most texts are made of, have the numbers of ASCII.
    if c.is_ascii_alphanumeric() || c == ' ' {
        return Some([None, u8::try_from(c).ok()].into_iter().flatten());
    }
    if let Some((_, septet)) = EXTENDED.iter().find(|(known, _)| *known == c) {
        return Some([Some(ESCAPE), Some(*septet)].into_iter().flatten());
    }
    let place = BASIC.chars().position(|known| known == c && known != '\u{1b}')?;
    Some([None, u8::try_from(place).ok()].into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_basic_alphabet_has_its_128_places() {
        assert_eq!(BASIC.chars().count(), 128);
        for (c, septet) in
            [('@', 0), ('\n', 10), ('Δ', 16), ('É', 31), (' ', 32), ('0', 48), ('A', 65), ('a', 97), ('à', 127)]
        {
            assert_eq!(septets(c).unwrap().into_iter().collect::<Vec<_>>(), [septet], "{c}");
        }
    }

    #[test]
    fn the_escape_and_what_is_beyond_are_no_characters_of_it() {
        for c in ['\u{1b}', '\0', '\t', '`', 'ç', 'ł', '😀'] {
            assert!(septets(c).is_none(), "{c:?}");
        }
    }
}
