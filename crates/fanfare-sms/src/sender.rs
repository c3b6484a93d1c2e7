//! What a text message shows as its sender.

/// The most characters of a name.
const NAME_CHARS_MAX: usize = 11;

/// The digits that numbers have which networks give out themselves (short codes), at the most.
const SHORT_CODE_DIGITS_MAX: usize = 8;

/// What a text message shows as its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sender {
    /// A name, as `AWS.SNS.SMS.SenderID` has it: 1 to 11 letters and digits, with at least one letter.
    Name(String),
    /// A number in the form of E.164, with its `+`.
    Number(String),
    /// A short code of a network: up to 8 digits.
    ShortCode(String),
}

impl Sender {
    /// Reads a name, a short code, or a number with or without its `+`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::of_name(text).or_else(|| Self::of_number(text))
    }

    /// Reads a name.
    pub fn of_name(text: &str) -> Option<Self> {
        let right = (1..=NAME_CHARS_MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric())
            && text.bytes().any(|b| b.is_ascii_alphabetic());
        right.then(|| Self::Name(text.to_owned()))
    }

    /// Reads a short code or a number.
    pub fn of_number(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !(3..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let is_short = digits.len() == text.len() && digits.len() <= SHORT_CODE_DIGITS_MAX;
        match is_short {
            true => Some(Self::ShortCode(digits.to_owned())),
            false => Some(Self::Number(format!("+{digits}"))),
        }
    }

    /// As it is written: a number with its `+`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Name(text) | Self::Number(text) | Self::ShortCode(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_a_name_a_number_or_a_short_code() {
        let of = |text: &str| Sender::parse(text);
        for name in ["ACME", "A1", "1a", "elevenchars"] {
            assert_eq!(of(name), Some(Sender::Name(name.to_owned())));
        }
        assert_eq!(of("+12025550123"), Some(Sender::Number("+12025550123".to_owned())));
        assert_eq!(of("12025550123"), Some(Sender::Number("+12025550123".to_owned())));
        assert_eq!(of("+12345"), Some(Sender::Number("+12345".to_owned())));
        assert_eq!(of("12345"), Some(Sender::ShortCode("12345".to_owned())));
        for nobody in ["", "12", "far-too-long", "twelve12chars", "ACME Inc", "Zoë", "+", "1234567890123456"] {
            assert_eq!(of(nobody), None, "{nobody}");
        }
    }
}
