//! The access keys that a server accepts.

use std::collections::HashMap;
use std::fmt;

use fanfare::Owner;

/// The account of the test key `test`.
const TEST_ACCOUNT: &str = "000000000000";

/// The secret of every test key.
const TEST_SECRET: &str = "test";

/// The access keys that a server accepts, each with its secret and the account that it belongs to.
///
/// `Debug` shows ids and accounts, never a secret.
#[derive(Clone, Default)]
pub struct Keys {
    by_id: HashMap<String, Key>,
    test_keys: bool,
}

#[derive(Clone)]
struct Key {
    secret: String,
    account: String,
}

impl Keys {
    /// No key at all: every request is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the key `access_key` with its `secret`, which belongs to `account`.
    ///
    /// # Errors
    /// When the id is not 1 to 128 characters of `A-Z a-z 0-9 _ - .`, the secret is empty, the account is not made of 12 digits, or the
    /// id is there already.
    pub fn with_key(mut self, access_key: &str, secret: &str, account: &str) -> Result<Self, InvalidKey> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
        if !(1..=128).contains(&access_key.len()) || !access_key.bytes().all(allowed) {
            return Err(InvalidKey("an access key's id must be 1 to 128 letters, digits, '_', '-' or '.'".to_owned()));
        }
        if secret.is_empty() {
            return Err(InvalidKey(format!("the secret of access key {access_key} is empty")));
        }
        if !is_account(account) {
            return Err(InvalidKey(format!("the account of access key {access_key} is not made of 12 digits")));
        }
        let key = Key { secret: secret.to_owned(), account: account.to_owned() };
        match self.by_id.insert(access_key.to_owned(), key) {
            Some(_) => Err(InvalidKey(format!("access key {access_key} is given twice"))),
            None => Ok(self),
        }
    }

    /// Also accepts, with the secret `test`: the key `test`, of account `000000000000`, and any 12 digits as a key of the account of
    /// that number. A key that was added by itself keeps its own secret and account.
    ///
    /// Everybody knows that secret: this is for tests.
    pub fn with_test_keys(mut self) -> Self {
        self.test_keys = true;
        self
    }

    /// Secret and account of a key.
    pub(super) fn find<'a>(&'a self, access_key: &'a str) -> Option<(&'a str, &'a str)> {
        match self.by_id.get(access_key) {
            Some(Key { secret, account }) => Some((secret, account)),
            None if self.test_keys => test_account(access_key).map(|account| (TEST_SECRET, account)),
            None => None,
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts: HashMap<_, _> = self.by_id.iter().map(|(id, key)| (id, &key.account)).collect();
        f.debug_struct("Keys").field("accounts", &accounts).field("test_keys", &self.test_keys).finish_non_exhaustive()
    }
}

/// A key that cannot be one. The text says why, without the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidKey(String);

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidKey {}

/// The account of a test key.
pub(super) fn test_account(access_key: &str) -> Option<&str> {
    match access_key {
        "test" => Some(TEST_ACCOUNT),
        number if is_account(number) => Some(number),
        _ => None,
    }
}

fn is_account(text: &str) -> bool {
    Owner::new(Owner::default().region(), text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_keys_are_kept_apart() {
        let keys = Keys::new().with_key("AKID1", "s1", "111111111111").unwrap();
        let keys = keys.with_key("AKID2", "s2", "222222222222").unwrap();
        assert_eq!(keys.find("AKID1"), Some(("s1", "111111111111")));
        assert_eq!(keys.find("AKID2"), Some(("s2", "222222222222")));
        assert_eq!(keys.find("AKID3"), None);
    }

    #[test]
    fn test_keys_are_accepted_only_when_asked_for() {
        assert_eq!(Keys::new().find("test"), None);
        assert_eq!(Keys::new().find("123456789012"), None);
        let keys = Keys::new().with_test_keys();
        assert_eq!(keys.find("test"), Some(("test", "000000000000")));
        assert_eq!(keys.find("123456789012"), Some(("test", "123456789012")));
        assert_eq!(keys.find("12345678901"), None);
        assert_eq!(keys.find("AKIDEXAMPLE"), None);
    }

    #[test]
    fn a_key_of_its_own_wins_over_the_test_keys() {
        let keys = Keys::new().with_test_keys().with_key("test", "other", "111111111111").unwrap();
        assert_eq!(keys.find("test"), Some(("other", "111111111111")));
    }

    #[test]
    fn keys_that_cannot_be_keys_are_refused() {
        let refused = |id: &str, secret: &str, account: &str| {
            let keys = Keys::new().with_key("AKID", "s", "111111111111").unwrap();
            keys.with_key(id, secret, account).map(|_| ()).unwrap_err().to_string()
        };
        let id = "an access key's id must be 1 to 128 letters, digits, '_', '-' or '.'";
        assert_eq!(refused("", "s", "111111111111"), id);
        assert_eq!(refused("a/b", "s", "111111111111"), id);
        assert_eq!(refused(&"a".repeat(129), "s", "111111111111"), id);
        assert_eq!(refused("A", "", "111111111111"), "the secret of access key A is empty");
        assert_eq!(refused("A", "hush", "1111"), "the account of access key A is not made of 12 digits");
        assert_eq!(refused("AKID", "t", "111111111111"), "access key AKID is given twice");
    }

    #[test]
    fn debug_shows_no_secret() {
        let keys = Keys::new().with_key("AKID1", "hush-hush", "111111111111").unwrap();
        assert_eq!(format!("{keys:?}"), r#"Keys { accounts: {"AKID1": "111111111111"}, test_keys: false, .. }"#);
    }
}
