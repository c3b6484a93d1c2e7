//! The Basic scheme of RFC 7617.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::Credentials;
use super::challenge::Challenge;

/// Whether `challenge` asks for Basic and names a realm.
pub(super) fn is_offer(challenge: &Challenge) -> bool {
    challenge.scheme == "basic" && challenge.parameter("realm").is_some()
}

/// The value of `Authorization`; characters outside of ASCII go as UTF-8.
pub(super) fn authorization(credentials: &Credentials) -> String {
    let pair = format!("{}:{}", credentials.user, credentials.password);
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authorization_of(user: &str, password: &str) -> String {
        authorization(&Credentials { user: user.to_owned(), password: password.to_owned() })
    }

    #[test]
    fn the_examples_of_rfc_7617_come_out() {
        assert_eq!(authorization_of("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(authorization_of("test", "123£"), "Basic dGVzdDoxMjPCow==");
    }
}
