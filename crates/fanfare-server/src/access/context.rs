//! What is known of a request when a policy is evaluated.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;

/// What is known of a request when a policy is evaluated: who calls, and the values of condition keys.
#[derive(Debug, Clone)]
pub struct Context {
    account: String,
    arn: String,
    /// By key in lower case.
    values: BTreeMap<String, String>,
}

impl Context {
    /// A request of the account `account`, 12 digits, by the principal `arn`.
    pub fn of(account: &str, arn: &str) -> Self {
        Self { account: account.to_owned(), arn: arn.to_owned(), values: BTreeMap::new() }
            .with("aws:PrincipalAccount", account)
            .with("aws:PrincipalArn", arn)
            .with("AWS:SourceOwner", account)
    }

    /// A request of which nothing is known.
    pub(super) fn nobody() -> Self {
        Self { account: String::new(), arn: String::new(), values: BTreeMap::new() }
    }

    /// Gives a condition key a value. The case of a key does not matter.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.values.insert(key.to_ascii_lowercase(), value.into());
        self
    }

    /// Gives the keys `aws:CurrentTime` and `aws:EpochTime` their values.
    #[must_use]
    pub fn at(self, now: SystemTime) -> Self {
        // A clock outside of all years is none.
        let Ok(now) = Timestamp::try_from(now) else { return self };
        self.with("aws:CurrentTime", now.to_string()).with("aws:EpochTime", now.as_second().to_string())
    }

    /// The account that calls.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The principal that calls.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The value of a condition key, unless it is absent.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(&key.to_ascii_lowercase()).map(String::as_str)
    }
}
