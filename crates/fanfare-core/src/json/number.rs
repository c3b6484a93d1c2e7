//! Numbers of JSON.

use super::{JsonError, Kind, Reader};

impl Reader<'_> {
    /// Reads the number that starts here.
    pub(super) fn number(&mut self) -> Result<Kind, JsonError> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        self.digits("expected digit (0-9) to follow minus sign, for valid numeric value")?;
        if self.text.as_bytes()[whole] == b'0' && self.at - whole > 1 {
            return Err(self.error("Invalid numeric value: Leading zeroes not allowed".to_owned(), whole + 1));
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits("Decimal point not followed by a digit")?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits("Exponent indicator not followed by a digit")?;
        }
        let length = self.at - start;
        self.at = start;
        self.take(length);
        Ok(Kind::Number)
    }

    /// Goes past at least one digit.
    fn digits(&mut self, expectation: &str) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected_in_number(expectation)) } else { Ok(()) }
    }
}
