//! Strings of JSON.

use super::error::describe;
use super::{JsonError, Kind, Reader};

impl Reader<'_> {
    /// Reads the string that starts here, as the name of a field or as a value.
    pub(super) fn string(&mut self, kind: Kind) -> Result<Kind, JsonError> {
        self.at += 1;
        let start = self.at;
        let mut unescaped: Option<String> = None;
        let mut plain = self.at;
        loop {
            self.at = plain_end(self.text.as_bytes(), self.at);
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') if self.skimming => drop(self.escape()?),
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(&self.text[plain..self.at]);
                    text.push(self.escape()?);
                    plain = self.at;
                }
                Some(_) => return Err(self.control(kind)),
                None if kind == Kind::Field => return Err(self.ended(" in field name")),
                None => return Err(self.ended(": was expecting closing quote for a string value")),
            }
        }
        if let Some(text) = &mut unescaped {
            text.push_str(&self.text[plain..self.at]);
        }
        (self.token, self.unescaped) = ((start, self.at), unescaped);
        self.at += 1;
        self.seen = start;
        Ok(kind)
    }

    /// Reads an escape sequence, backslash included.
    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let Some(escaped) = self.text[self.at..].chars().next() else {
            return Err(self.ended(" in character escape sequence"));
        };
        self.at += escaped.len_utf8();
        Ok(match escaped {
            '"' | '\\' | '/' => escaped,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode()?,
            _ => {
                return Err(self.error(format!("Unrecognized character escape {}", describe(escaped)), self.at));
            }
        })
    }

    /// Reads four hexadecimal digits, and the second half of a surrogate pair if they are the first.
    ///
    /// Half a pair cannot be kept in Rust's text and becomes the replacement character.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let first = self.hex()?;
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        let after = self.at;
        if first < 0xdc00 && self.text[after..].starts_with("\\u") {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.unexpected("expected a hex-digit for character escape sequence"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// A control character stands in a string without having been escaped.
    fn control(&self, kind: Kind) -> JsonError {
        let code = self.byte().unwrap_or_default();
        let place = if kind == Kind::Field { "name" } else { "string value" };
        self.error(
            format!(
                "Illegal unquoted character ((CTRL-CHAR, code {code})): has to be escaped using backslash to be \
                 included in {place}"
            ),
            self.at + 1,
        )
    }
}

/// Where the plain part of a string that begins at `at` ends: at a quote, a backslash, a control character, or the end of the
/// text. Looks at eight bytes at a time.
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        let quotes = word ^ (ONES * b'"' as u64);
        let backslashes = word ^ (ONES * b'\\' as u64);
        // A byte that is too small borrows from its own highest bit; what it may do to those above does not matter, since the
        // first one counts.
        let ends = (quotes.wrapping_sub(ONES) & !quotes)
            | (backslashes.wrapping_sub(ONES) & !backslashes)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let ends = ends & HIGHS;
        if ends != 0 {
            return at + ends.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(is_end).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::plain_end;

    #[test]
    fn a_plain_part_ends_where_a_look_at_each_byte_ends_it() {
        let ends = [b'"', b'\\', 0, 0x1f];
        for length in 0..40 {
            for fill in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                let plain = vec![fill; length];
                assert_eq!(plain_end(&plain, 0), length);
                for (at, end) in (0..length).flat_map(|at| ends.map(|end| (at, end))) {
                    let mut text = plain.clone();
                    text[at] = end;
                    assert_eq!(plain_end(&text, 0), at, "{text:?}");
                    assert_eq!(plain_end(&text, at + 1), length, "{text:?}");
                }
            }
        }
    }
}
