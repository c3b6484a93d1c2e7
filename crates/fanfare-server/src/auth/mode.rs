//! Whether callers must prove who they are.

use std::time::SystemTime;

use fanfare::Owner;

use super::caller::Caller;
use super::claim;
use super::credential::Credential;
use super::error::AuthError;
use super::keys::{self, Keys};
use super::request::Request;
use super::verify::verify;

/// Whether callers must prove who they are.
///
/// Exhaustive: a server either checks signatures or does not.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Every request must carry a valid signature of one of these keys.
    SigV4(Keys),
    /// Nothing is checked. A caller is whoever the request says, by the key and the region of its credential scope; where the request
    /// says nothing, it is this account in this region.
    Off(Owner),
}

impl Mode {
    /// The caller of a request that arrived at `now`.
    ///
    /// # Errors
    /// With [`Mode::SigV4`] those of [`verify`]; with [`Mode::Off`] none.
    pub fn caller(&self, request: &Request<'_>, now: SystemTime) -> Result<Caller, AuthError> {
        match self {
            Self::SigV4(keys) => verify(request, keys, now),
            Self::Off(assumed) => Ok(believed(request, assumed)),
        }
    }
}

/// The caller by the request's own words. The region is the request's when it could be one, and the account follows from the access key
/// by the rule of [`Keys::with_test_keys`]; whatever else is missing comes from `assumed`.
fn believed(request: &Request<'_>, assumed: &Owner) -> Caller {
    let Some(Credential { access_key, region, .. }) = claim::stated_credential(request) else {
        return Caller::new(None, assumed.clone(), request.origin);
    };
    let account = keys::test_account(&access_key).unwrap_or(assumed.account()).to_owned();
    let owner = Owner::new(region, account.clone())
        .or_else(|_| Owner::new(assumed.region(), account))
        .expect("the assumed region is a region and both accounts have 12 digits");
    Caller::new(Some(access_key), owner, request.origin)
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;

    fn caller(uri: &str, authorization: Option<&str>) -> (Option<String>, String, String) {
        let mut request = http::Request::builder().uri(uri);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let mode = Mode::Off(Owner::new("eu-central-1", "111111111111").unwrap());
        let caller = mode.caller(&Request::new(&parts, b""), SystemTime::UNIX_EPOCH).unwrap();
        (caller.access_key().map(str::to_owned), caller.account().to_owned(), caller.region().to_owned())
    }

    fn expected(access_key: Option<&str>, account: &str, region: &str) -> (Option<String>, String, String) {
        (access_key.map(str::to_owned), account.to_owned(), region.to_owned())
    }

    #[test]
    fn without_checks_an_unsigned_request_is_the_assumed_callers() {
        assert_eq!(caller("/", None), expected(None, "111111111111", "eu-central-1"));
    }

    #[test]
    fn without_checks_the_scope_tells_region_and_account() {
        let header = "AWS4-HMAC-SHA256 Credential=222222222222/20260102/ap-south-1/sns/aws4_request, SignedHeaders=host, Signature=0";
        assert_eq!(caller("/", Some(header)), expected(Some("222222222222"), "222222222222", "ap-south-1"));
        let test = header.replace("222222222222", "test");
        assert_eq!(caller("/", Some(&test)), expected(Some("test"), "000000000000", "ap-south-1"));
    }

    #[test]
    fn without_checks_a_presigned_request_tells_region_and_account_too() {
        let uri = "/?Action=ListTopics&X-Amz-Credential=222222222222%2F20260102%2Fap-south-1%2Fsns%2Faws4_request";
        assert_eq!(caller(uri, None), expected(Some("222222222222"), "222222222222", "ap-south-1"));
    }

    #[test]
    fn without_checks_another_key_belongs_to_the_assumed_account() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/ap-south-1/sns/aws4_request";
        assert_eq!(caller("/", Some(header)), expected(Some("AKIDEXAMPLE"), "111111111111", "ap-south-1"));
    }

    #[test]
    fn without_checks_what_cannot_be_a_region_is_the_assumed_one() {
        let header = "AWS4-HMAC-SHA256 Credential=222222222222/20260102/a b:c/sns/aws4_request";
        assert_eq!(caller("/", Some(header)), expected(Some("222222222222"), "222222222222", "eu-central-1"));
    }

    #[test]
    fn without_checks_another_scheme_says_nothing() {
        assert_eq!(caller("/", Some("Bearer 1/2/3/4/5")), expected(None, "111111111111", "eu-central-1"));
    }
}
