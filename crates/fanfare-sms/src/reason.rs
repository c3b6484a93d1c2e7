//! Why a text message did not reach a phone, in the words of Amazon SNS's delivery logs.

use std::fmt;

/// Why a text message did not reach a phone: the classes, and the words, of Amazon SNS's delivery logs. None of them passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "see what they print")]
pub enum Reason {
    BlockedAsSpam,
    BlacklistedDestination,
    InvalidNumber,
    InvalidBody,
    BlockedByCarrier,
    CarrierUnavailable,
    PhoneBlocksMessages,
    BlacklistedPhone,
    PhoneUnavailable,
    OptedOut,
    TooExpensive,
    Unknown,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 12] = [
        Self::BlockedAsSpam,
        Self::BlacklistedDestination,
        Self::InvalidNumber,
        Self::InvalidBody,
        Self::BlockedByCarrier,
        Self::CarrierUnavailable,
        Self::PhoneBlocksMessages,
        Self::BlacklistedPhone,
        Self::PhoneUnavailable,
        Self::OptedOut,
        Self::TooExpensive,
        Self::Unknown,
    ];

    /// As Amazon SNS words it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockedAsSpam => "Blocked as spam by phone carrier",
            Self::BlacklistedDestination => "Destination is blacklisted",
            Self::InvalidNumber => "Invalid phone number",
            Self::InvalidBody => "Message body is invalid",
            Self::BlockedByCarrier => "Phone carrier has blocked this message",
            Self::CarrierUnavailable => "Phone carrier is currently unreachable/unavailable",
            Self::PhoneBlocksMessages => "Phone has blocked SMS",
            Self::BlacklistedPhone => "Phone is blacklisted",
            Self::PhoneUnavailable => "Phone is currently unreachable/unavailable",
            Self::OptedOut => "Phone number is opted out",
            Self::TooExpensive => "This delivery would exceed max price",
            Self::Unknown => "Unknown error attempting to reach phone",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use fanfare_testkit::vectors;

    use super::*;

    #[test]
    fn the_reasons_are_those_of_amazon_sns() {
        let documented = vectors::cases("delivery-logs", "sms_failure_reasons");
        let ours: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(documented, ours);
    }
}
