//! What an operator decides about phones and devices.

use super::sms::{OriginationNumber, Receipts, Usd};

/// Whether credentials and tokens of push services have to look like what the service gives out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Credentials {
    /// They have to: what the service would refuse is refused when it is given.
    #[default]
    Checked,
    /// Anything will do: for tests, where nothing is sent.
    Unchecked,
}

/// What becomes of messages to platform endpoints that are not kept here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnknownEndpoints {
    /// They are refused: there is no such endpoint.
    #[default]
    Refused,
    /// The connector is given them, which may know somebody who has the endpoint, as Amazon SNS may.
    PassedOn,
}

/// Whether text messages go to verified numbers alone, as for new accounts of Amazon SNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sandbox {
    /// They go to any number.
    #[default]
    Off,
    /// They go to numbers that an account has verified, and to nobody else.
    On,
}

/// What an operator decides about phones and devices.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct MobileSettings {
    /// How credentials and tokens of push services are checked.
    pub credentials: Credentials,
    /// What becomes of messages to platform endpoints that are not kept here.
    pub unknown_endpoints: UnknownEndpoints,
    /// Whether accounts are in the SMS sandbox.
    pub sandbox: Sandbox,
    /// What a part of a text message costs. Without a price, nothing is spent and `MonthlySpendLimit` cannot be set.
    pub sms_price: Option<Usd>,
    /// The numbers that text messages can come from (`ListOriginationNumbers`). When there are any, a message that asks for
    /// another one is refused.
    pub origination_numbers: Vec<OriginationNumber>,
    /// Where receipts of networks are kept.
    pub receipts: Receipts,
}

impl MobileSettings {
    /// Any number may be written to, at no price that is known, and credentials are checked.
    pub fn new() -> Self {
        Self::default()
    }
}
