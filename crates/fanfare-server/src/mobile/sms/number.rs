//! Phone numbers as Amazon SNS asks for them, in its words.

use fanfare::SnsError;
use fanfare::sms::PhoneNumber;

/// Reads a number; the `+` may be left out.
///
/// # Errors
/// `InvalidParameter`, as Amazon SNS words it where it asks about numbers.
pub(crate) fn read_number(text: &str) -> Result<PhoneNumber, SnsError> {
    let wrong = || SnsError::invalid_parameter("PhoneNumber Reason: input incorrectly formatted");
    PhoneNumber::parse_plain(text).ok_or_else(wrong)
}

/// Reads the number that a message goes to.
///
/// # Errors
/// `InvalidParameter`, as Amazon SNS words it where it publishes.
pub(crate) fn number_to_publish_to(text: &str) -> Result<PhoneNumber, SnsError> {
    let wrong = || SnsError::invalid_parameter(format_args!("PhoneNumber Reason: {text} is not valid to publish to"));
    PhoneNumber::parse_plain(text).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_refused_in_the_words_for_its_place() {
        let refused = read_number("+1a234").unwrap_err();
        assert_eq!(refused.message(), "Invalid parameter: PhoneNumber Reason: input incorrectly formatted");
        let refused = number_to_publish_to("+1a234").unwrap_err();
        assert_eq!(refused.message(), "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to");
        assert_eq!(read_number("15551234567").unwrap(), number_to_publish_to("+15551234567").unwrap());
    }
}
