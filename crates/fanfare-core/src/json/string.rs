//! Strings of JSON.

use std::borrow::Cow;

use super::error::describe;
use super::{JsonError, Kind, Reader, Token};

impl Reader<'_> {
    /// Reads the string that starts here, as the name of a field or as a value.
    pub(super) fn string(&mut self, kind: Kind) -> Result<(), JsonError> {
        self.at += 1;
        let seen = self.at;
        let mut unescaped: Option<String> = None;
        let mut plain = self.at;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let text = unescaped.get_or_insert_default();
                    text.push_str(&self.text[plain..self.at]);
                    text.push(self.escape()?);
                    plain = self.at;
                }
                Some(0..=0x1f) => return Err(self.control(kind)),
                Some(_) => self.at += 1,
                None if kind == Kind::Field => return Err(self.ended(" in field name")),
                None => return Err(self.ended(": was expecting closing quote for a string value")),
            }
        }
        let rest = &self.text[plain..self.at];
        let text = match unescaped {
            Some(text) => Cow::Owned(text + rest),
            None => Cow::Borrowed(rest),
        };
        self.at += 1;
        self.tokens.push(Token { kind, text, seen, end: self.at });
        Ok(())
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
