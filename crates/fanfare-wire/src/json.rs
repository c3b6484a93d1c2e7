//! JSON text written exactly as Amazon SNS writes it.

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends `text` as it stands between the quotes of a JSON string.
///
/// Only quotes, backslashes and the 32 control characters are escaped; slashes, DEL and everything beyond ASCII stay as they
/// are. Hex digits are upper-case.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let letter = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0..=0x1f => b'u',
            _ => continue,
        };
        out.push_str(&text[written..at]);
        out.push('\\');
        out.push(char::from(letter));
        if letter == b'u' {
            out.push_str("00");
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
        written = at + 1;
    }
    out.push_str(&text[written..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_backslashes_and_control_characters_are_escaped_and_nothing_else() {
        let mut out = String::new();
        push_string(&mut out, "a\"b\\c/d\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}\u{2028}é😀");
        assert_eq!(out, "\"a\\\"b\\\\c/d\\b\\t\\n\\f\\r\\u0000\\u001F\u{7f}\u{2028}é😀\"");
    }
}
