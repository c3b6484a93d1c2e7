//! A phone number.

use std::fmt;

use fanfare::SnsError;
use serde::{Deserialize, Serialize};

/// The most digits of a phone number (E.164).
const DIGITS_MAX: usize = 15;

/// A phone number in the form of E.164: `+`, and up to 15 digits that do not begin with 0.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number; the `+` may be left out.
    ///
    /// # Errors
    /// `InvalidParameter`, as Amazon SNS words it where it asks about numbers.
    pub(crate) fn parse(text: &str) -> Result<Self, SnsError> {
        Self::of(text).ok_or_else(|| SnsError::invalid_parameter("PhoneNumber Reason: input incorrectly formatted"))
    }

    /// Reads the number that a message goes to.
    ///
    /// # Errors
    /// `InvalidParameter`, as Amazon SNS words it where it publishes.
    pub(crate) fn to_publish_to(text: &str) -> Result<Self, SnsError> {
        let reason =
            || SnsError::invalid_parameter(format_args!("PhoneNumber Reason: {text} is not valid to publish to"));
        Self::of(text).ok_or_else(reason)
    }

    /// The number that a subscription's address means, which may have single `-`, `.` or `/` between digits.
    pub(crate) fn of_subscription(address: &str) -> Option<Self> {
        Self::of(&address.replace(['-', '.', '/'], ""))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn of(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        let right = (2..=DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        right.then(|| Self(format!("+{digits}")))
    }
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
    fn numbers_are_read_and_other_texts_refused() {
        for (text, number) in [("+15551234567", "+15551234567"), ("15551234567", "+15551234567"), ("+49123", "+49123")]
        {
            assert_eq!(PhoneNumber::parse(text).unwrap().as_str(), number);
        }
        for text in
            ["", "+", "+1", "+0155512345", "+1a234", "NAA+15551234567", "+1555 123", "+1234567890123456", "++155"]
        {
            let refused = PhoneNumber::parse(text).unwrap_err();
            assert_eq!(refused.message(), "Invalid parameter: PhoneNumber Reason: input incorrectly formatted");
        }
        let refused = PhoneNumber::to_publish_to("+1a234").unwrap_err();
        assert_eq!(refused.message(), "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to");
    }

    #[test]
    fn a_subscription_may_write_its_number_with_separators() {
        assert_eq!(PhoneNumber::of_subscription("+12/34-567.890").unwrap().as_str(), "+1234567890");
        assert_eq!(PhoneNumber::of_subscription("nobody"), None);
    }
}
