//! Signatures that the vectors do not have: test keys, other paths and headers, limits of time, and what is not a signature.
//!
//! The signatures were made by botocore with the clock of the vectors.

use std::time::{Duration, UNIX_EPOCH};

use fanfare_server::auth::{AuthError, AuthErrorCode, Caller, Keys, Request, verify};
use http::request::Builder;
use proptest::prelude::*;

const BODY: &str = "Action=ListTopics&Version=2010-03-31";

/// 2026-01-02T03:04:05Z.
const SIGNED_S: u64 = 1_767_323_045;

const SIGNED_BY_TEST: &str = "d9fe5eef81909d928fba8317011454473f3a48480f56abfc361051f70419fbd6";

const WEEK: &str = "/?Action=ListTopics&X-Amz-Algorithm=AWS4-HMAC-SHA256\
    &X-Amz-Credential=test%2F20260102%2Fus-east-1%2Fsns%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=604800\
    &X-Amz-SignedHeaders=host&X-Amz-Signature=8955912bcfbb5919bd29d302e5b7aa45cc204868c3586d552a3a30d880af7934";

fn verified_at(now_s: u64, head: Builder, body: &str) -> Result<Caller, AuthError> {
    let (parts, ()) = head.body(()).expect("the test's request is one").into_parts();
    let keys = Keys::new().with_test_keys();
    verify(&Request::new(&parts, body.as_bytes()), &keys, UNIX_EPOCH + Duration::from_secs(now_s))
}

fn verified(head: Builder, body: &str) -> Result<Caller, AuthError> {
    verified_at(SIGNED_S, head, body)
}

fn post(uri: &str) -> Builder {
    http::Request::post(uri).header("Host", "localhost:4566").header("X-Amz-Date", "20260102T030405Z")
}

fn get(uri: &str) -> Builder {
    http::Request::get(uri).header("Host", "localhost:4566")
}

fn authorized(head: Builder, scope: &str, headers: &str, signature: &str) -> Builder {
    let value = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={headers}, Signature={signature}");
    head.header("Authorization", value)
}

fn form(scope: &str, signature: &str) -> Builder {
    let head = post("/").header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    authorized(head, scope, "content-type;host;x-amz-date", signature)
}

fn signed_by_test() -> Builder {
    form("test/20260102/us-east-1/sns/aws4_request", SIGNED_BY_TEST)
}

#[track_caller]
fn assert_refused(answer: Result<Caller, AuthError>, code: AuthErrorCode, message: &str) {
    let error = answer.expect_err("the request is refused");
    assert_eq!((error.code(), error.message()), (code, message));
}

#[test]
fn the_key_test_is_of_account_zero() {
    let caller = verified(signed_by_test(), BODY).unwrap();
    assert_eq!((caller.access_key(), caller.account(), caller.region()), (Some("test"), "000000000000", "us-east-1"));
}

#[test]
fn twelve_digits_are_a_key_of_that_account() {
    let head = form(
        "123456789012/20260102/eu-west-3/sns/aws4_request",
        "1997d7ccb3210c74544952e9217068be456de0359ccf9aaa5ac222a7378b9a7c",
    );
    let caller = verified(head, BODY).unwrap();
    assert_eq!((caller.account(), caller.region()), ("123456789012", "eu-west-3"));
}

#[test]
fn a_path_is_tidied_and_encoded_once_more() {
    let head = post("/a%20b//c/").header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let signature = "f919f6952dd49eaf0985e7457531534a630a074dfc51bbbdaa34121e921860c4";
    let head = authorized(head, "test/20260102/us-east-1/sns/aws4_request", "content-type;host;x-amz-date", signature);
    assert!(verified(head, BODY).is_ok());
}

#[test]
fn parameters_in_the_query_string_of_a_post_are_signed() {
    let signature = "15835fa5aa6c88e32c19235df36123bb480baaafe6b78e918a17505ded61fb01";
    let scope = "test/20260102/us-east-1/sns/aws4_request";
    let answer = |token: &str| {
        let head = post(&format!("/?Version=2010-03-31&Action=ListTopics&NextToken={token}"));
        verified(authorized(head, scope, "host;x-amz-date", signature), "")
    };
    assert!(answer("a%2Bb%20c%3D").is_ok());
    // The same token spelled otherwise, and another token.
    assert!(answer("a%2bb+c=").is_ok());
    assert_eq!(answer("a+b%20c%3D").unwrap_err().code(), AuthErrorCode::SignatureDoesNotMatch);
}

#[test]
fn doubled_and_folded_headers_are_signed_as_one() {
    let head = post("/").header("X-Two", "a \t b  c").header("X-Two", "  d ");
    let signature = "b37f7887a78da156801329d0bd7adc17109d29a698281c483031bb08a83d72e2";
    let scope = "test/20260102/us-east-1/sns/aws4_request";
    assert!(verified(authorized(head, scope, "host;x-amz-date;x-two", signature), BODY).is_ok());
}

#[test]
fn the_order_and_case_of_the_names_of_signed_headers_do_not_matter() {
    let head = post("/").header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let scope = "test/20260102/us-east-1/sns/aws4_request";
    assert!(verified(authorized(head, scope, "X-Amz-Date;Host;Content-Type", SIGNED_BY_TEST), BODY).is_ok());
}

#[test]
fn the_authority_of_http_2_is_the_signed_host() {
    let head = http::Request::post("http://localhost:4566/")
        .header("X-Amz-Date", "20260102T030405Z")
        .header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let scope = "test/20260102/us-east-1/sns/aws4_request";
    let head = authorized(head, scope, "content-type;host;x-amz-date", SIGNED_BY_TEST);
    assert!(verified(head, BODY).is_ok());
}

#[test]
fn fifteen_minutes_either_way_are_near_enough_and_a_second_more_is_not() {
    assert!(verified_at(SIGNED_S + 900, signed_by_test(), BODY).is_ok());
    assert!(verified_at(SIGNED_S - 900, signed_by_test(), BODY).is_ok());
    assert_refused(
        verified_at(SIGNED_S + 901, signed_by_test(), BODY),
        AuthErrorCode::RequestExpired,
        "Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z (20260102T031906Z - 900 s).",
    );
    assert_refused(
        verified_at(SIGNED_S - 901, signed_by_test(), BODY),
        AuthErrorCode::RequestExpired,
        "Signature not yet current: 20260102T030405Z is still later than 20260102T030404Z (20260102T024904Z + 900 s).",
    );
}

#[test]
fn a_presigned_request_lasts_as_long_as_it_says_up_to_a_week() {
    assert!(verified_at(SIGNED_S + 604_800, get(WEEK), "").is_ok());
    let late = verified_at(SIGNED_S + 604_801, get(WEEK), "");
    assert_eq!(late.unwrap_err().code(), AuthErrorCode::RequestExpired);
    for expires in ["604801", "0", "-1", "+5", "soon", "99999999999999999999"] {
        assert_refused(
            verified(get(&WEEK.replace("604800", expires)), ""),
            AuthErrorCode::IncompleteSignature,
            "X-Amz-Expires must be a number of seconds, 1 to 604800 (a week).",
        );
    }
}

#[test]
fn an_unsigned_request_is_told_so() {
    let text = "Request is missing Authentication Token";
    assert_refused(verified(post("/"), BODY), AuthErrorCode::MissingAuthenticationToken, text);
    assert_refused(verified(get("/?Action=ListTopics"), ""), AuthErrorCode::MissingAuthenticationToken, text);
}

#[test]
fn an_unknown_key_is_told_so() {
    assert_refused(
        verified(form("AKIDOTHER/20260102/us-east-1/sns/aws4_request", SIGNED_BY_TEST), BODY),
        AuthErrorCode::InvalidClientTokenId,
        "The security token included in the request is invalid.",
    );
}

#[test]
fn another_body_is_answered_in_the_words_of_aws() {
    assert_refused(
        verified(signed_by_test(), "Action=DeleteTopic"),
        AuthErrorCode::SignatureDoesNotMatch,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key \
         and signing method. Consult the service documentation for details.",
    );
}

#[test]
fn a_valid_signature_for_another_service_or_for_no_region_is_refused() {
    assert_refused(
        verified(
            form(
                "test/20260102/us-east-1/sqs/aws4_request",
                "f1155052609d1b283e1b994a742ef17f19458f23b58052cbca99732f7d2880ad",
            ),
            BODY,
        ),
        AuthErrorCode::SignatureDoesNotMatch,
        "Credential should be scoped to correct service: 'sns'.",
    );
    assert_refused(
        verified(
            form(
                "test/20260102/US EAST/sns/aws4_request",
                "763783cf21476fc8c3d63d271833c6657e3d7589cf118e3d7fda7404a3d4b072",
            ),
            BODY,
        ),
        AuthErrorCode::SignatureDoesNotMatch,
        "Credential should be scoped to a valid region.",
    );
}

#[test]
fn a_scope_of_another_day_or_another_terminator_is_told_so() {
    assert_refused(
        verified(form("test/20260103/us-east-1/sns/aws4_request", SIGNED_BY_TEST), BODY),
        AuthErrorCode::SignatureDoesNotMatch,
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260102T030405Z'.",
    );
    assert_refused(
        verified(form("test/20260102/us-east-1/sns/aws5_request", SIGNED_BY_TEST), BODY),
        AuthErrorCode::SignatureDoesNotMatch,
        "Credential should be scoped with a valid terminator: 'aws4_request'.",
    );
}

#[test]
fn a_session_token_that_is_not_signed_is_refused() {
    let text = "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization.";
    let head = signed_by_test().header("X-Amz-Security-Token", "token");
    assert_refused(verified(head, BODY), AuthErrorCode::IncompleteSignature, text);
    let head = get(WEEK).header("X-Amz-Security-Token", "token");
    assert_refused(verified(head, ""), AuthErrorCode::IncompleteSignature, text);
}

#[test]
fn a_host_that_is_not_signed_is_refused() {
    let scope = "test/20260102/us-east-1/sns/aws4_request";
    assert_refused(
        verified(authorized(post("/"), scope, "x-amz-date", SIGNED_BY_TEST), BODY),
        AuthErrorCode::IncompleteSignature,
        "'Host' must be a 'SignedHeader' in the AWS Authorization.",
    );
}

#[test]
fn an_authorization_header_with_a_part_missing_or_doubled_is_incomplete() {
    let whole = "AWS4-HMAC-SHA256 Credential=test/20260102/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0";
    let required = |name| format!("Authorization header requires '{name}' parameter, once and not empty.");
    let cases = [
        (whole.replace("Credential", "Other"), required("Credential")),
        (whole.replace("SignedHeaders=host", ""), required("SignedHeaders")),
        (whole.replace("Signature=0", "Signature="), required("Signature")),
        (format!("{whole}, Signature=0"), required("Signature")),
        (whole.replace("HMAC", "ECDSA"), "Authorization header requires algorithm 'AWS4-HMAC-SHA256'.".to_owned()),
        ("Basic dGVzdDp0ZXN0".to_owned(), "Authorization header requires algorithm 'AWS4-HMAC-SHA256'.".to_owned()),
        (
            whole.replace("/sns", ""),
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.".to_owned(),
        ),
    ];
    for (value, message) in cases {
        let answer = verified(post("/").header("Authorization", &value), BODY);
        assert_refused(answer, AuthErrorCode::IncompleteSignature, &message);
    }
}

#[test]
fn two_authorizations_or_two_dates_are_refused() {
    assert_refused(
        verified(signed_by_test().header("Authorization", "AWS4-HMAC-SHA256 Credential=x"), BODY),
        AuthErrorCode::IncompleteSignature,
        "There is more than one Authorization header.",
    );
    assert_refused(
        verified(signed_by_test().header("X-Amz-Date", "20260102T030405Z"), BODY),
        AuthErrorCode::IncompleteSignature,
        "Authorization header requires existence of one 'X-Amz-Date' header.",
    );
}

#[test]
fn a_presigned_request_with_a_part_missing_or_doubled_is_incomplete() {
    for name in ["X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Expires"] {
        let message = format!("AWS query-string requires '{name}' parameter, once and not empty.");
        let missing = get(&WEEK.replace(name, "Other"));
        assert_refused(verified(missing, ""), AuthErrorCode::IncompleteSignature, &message);
        let doubled = get(&format!("{WEEK}&{name}=1"));
        assert_refused(verified(doubled, ""), AuthErrorCode::IncompleteSignature, &message);
    }
}

proptest! {
    #[test]
    fn no_headers_and_no_query_string_make_it_panic(
        authorization in proptest::collection::vec((32_u8..=255).prop_filter("DEL", |byte| *byte != 127), 0..200),
        date in "[ -~]{0,20}",
        query in "[!-~&&[^#<>\"`{}|\\\\^]]{0,120}",
    ) {
        let head = get(&format!("/?{query}")).header("X-Amz-Date", &date).header("Authorization", authorization);
        prop_assert!(verified(head, "").is_err());
        let presigned = verified(get(&format!("/?{query}")), "");
        prop_assert!(presigned.is_err());
    }

    #[test]
    fn nearly_right_parts_make_no_panic_and_no_caller(
        credential in "[a-z0-9/;=, é]{0,40}",
        date in "[0-9]{8}T[0-9]{6}Z",
        headers in "[A-Za-z;, -]{0,30}",
        signature in "[0-9a-f]{0,80}",
    ) {
        let value = format!("AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={headers},Signature={signature}");
        let head = get("/").header("X-Amz-Date", &date).header("Authorization", &value);
        prop_assert!(verified(head, "").is_err());
        let scope = format!("test/{}/us-east-1/sns/aws4_request", &date[..8]);
        let head = get("/").header("X-Amz-Date", &date);
        let scoped = verified(authorized(head, &scope, &format!("host;{headers}"), &signature), "");
        prop_assert!(scoped.is_err());
    }
}
