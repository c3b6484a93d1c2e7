//! A phone number.

use std::fmt;

use phonenumber::metadata::{DATABASE, Descriptors};
use serde::{Deserialize, Serialize};

/// The most digits of a phone number (E.164).
const DIGITS_MAX: usize = 15;

/// A phone number in the form of E.164: `+`, and 2 to 15 digits that do not begin with 0.
///
/// ```
/// use fanfare_sms::PhoneNumber;
///
/// let number = PhoneNumber::parse("+12/02-555.0123").expect("a subscription may have separators");
/// assert_eq!(number.as_str(), "+12025550123");
/// assert!(number.is_possible());
/// // No number of North America is that short.
/// assert!(!PhoneNumber::parse("+12025550").is_some_and(|number| number.is_possible()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number of which nothing is left out but perhaps the `+`, and into which nothing is put.
    pub fn parse_plain(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let right = (2..=DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        right.then(|| Self(format!("+{digits}")))
    }

    /// Reads the address of a subscription, which may have `-`, `.` or `/` between digits.
    pub fn parse(address: &str) -> Option<Self> {
        Self::parse_plain(&address.replace(['-', '.', '/'], ""))
    }

    /// The number, `+` included.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits: the number without the `+`.
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }

    /// Whether there is such a country code, and a number of that country can have so many digits. Whether somebody has the
    /// number is not known, and neither whether the range was given out: what is known of ranges is soon out of date.
    pub fn is_possible(&self) -> bool {
        let digits = self.digits();
        // No country code begins another.
        (1..=3.min(digits.len())).any(|length| {
            let regions = digits[..length].parse::<u16>().ok().and_then(|code| DATABASE.by_code(&code));
            let national = u16::try_from(digits.len() - length).unwrap_or(u16::MAX);
            regions.is_some_and(|regions| regions.iter().any(|region| has_numbers_of(region.descriptors(), national)))
        })
    }
}

/// Whether a region has numbers with so many digits, of a kind that can get text messages.
fn has_numbers_of(region: &Descriptors, digits: u16) -> bool {
    let kinds = [region.mobile(), region.fixed_line(), region.voip(), region.pager(), region.personal_number()];
    kinds.into_iter().flatten().any(|kind| kind.possible_length().contains(&digits))
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_other_texts_are_not() {
        for (text, number) in [("+15551234567", "+15551234567"), ("15551234567", "+15551234567"), ("+49123", "+49123")]
        {
            assert_eq!(PhoneNumber::parse_plain(text).unwrap().as_str(), number);
        }
        for text in
            ["", "+", "+1", "+0155512345", "+1a234", "NAA+15551234567", "+1555 123", "+1234567890123456", "++155"]
        {
            assert_eq!(PhoneNumber::parse_plain(text), None, "{text}");
        }
    }

    #[test]
    fn a_subscription_may_write_its_number_with_separators() {
        assert_eq!(PhoneNumber::parse("+12/34-567.890").unwrap().as_str(), "+1234567890");
        assert_eq!(PhoneNumber::parse_plain("+12/34-567.890"), None);
        assert_eq!(PhoneNumber::parse("nobody"), None);
    }

    #[test]
    fn a_number_is_possible_where_its_country_has_numbers_of_that_length() {
        for (number, is_possible) in [
            ("+12025550123", true),
            ("+15551234567", true),
            ("+447700900123", true),
            ("+4915112345678", true),
            ("+97150123456", true),
            // The longest that there are, and one digit more than North America has.
            ("+881612345678", true),
            ("+120255501234", false),
            ("+1202555012", false),
            // No country has this code.
            ("+9991234567", false),
            ("+210123456789", false),
        ] {
            assert_eq!(PhoneNumber::parse(number).unwrap().is_possible(), is_possible, "{number}");
        }
    }
}
