//! The numbers that text messages can come from.

use std::fmt;
use std::str::FromStr;

use fanfare::sms::PhoneNumber;

/// A number that text messages can come from, and the country that it is of. As text: `NUMBER:COUNTRY`, such as
/// `+15551234567:US`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginationNumber {
    number: PhoneNumber,
    country: String,
}

impl OriginationNumber {
    /// The number, in the form of E.164.
    pub fn number(&self) -> &str {
        self.number.as_str()
    }

    /// The country: two capital letters of ISO 3166.
    pub fn country(&self) -> &str {
        &self.country
    }
}

/// A text that is no number with its country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOriginationNumber;

impl fmt::Display for InvalidOriginationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a phone number and its country, such as +15551234567:US")
    }
}

impl std::error::Error for InvalidOriginationNumber {}

impl FromStr for OriginationNumber {
    type Err = InvalidOriginationNumber;

    fn from_str(text: &str) -> Result<Self, InvalidOriginationNumber> {
        let (number, country) = text.split_once(':').ok_or(InvalidOriginationNumber)?;
        let right = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
        let number = PhoneNumber::parse_plain(number).filter(|_| right).ok_or(InvalidOriginationNumber)?;
        Ok(Self { number, country: country.to_owned() })
    }
}
