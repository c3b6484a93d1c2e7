//! Into how many parts a text message is cut.

/// The alphabet of GSM 03.38 beside the ASCII letters and digits, and what takes two places in it.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Into how many parts `text` is cut: of 160 characters of the GSM alphabet if it is made of those, or else of 70 of UCS-2. Of a
/// text of several parts each carries a header, which leaves 153 and 67.
pub(super) fn parts(text: &str) -> u64 {
    let septets = text.chars().map(septets).sum::<Option<usize>>();
    let (length, alone, each) = match septets {
        Some(septets) => (septets, 160, 153),
        None => (text.encode_utf16().count(), 70, 67),
    };
    if length <= alone { 1 } else { length.div_ceil(each) as u64 }
}

/// How many places a character takes in the GSM alphabet; nothing when it is not in there.
fn septets(c: char) -> Option<usize> {
    match c {
        _ if c.is_ascii_alphanumeric() || BASIC.contains(c) => Some(1),
        _ if EXTENDED.contains(c) => Some(2),
        _ => None,
    }
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
            (&"ł".repeat(70), 1),
            (&"ł".repeat(71), 2),
            (&"ł".repeat(135), 3),
            (&"😀".repeat(35), 1),
            (&"😀".repeat(36), 2),
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), expected, "{} characters", text.chars().count());
        }
    }
}
