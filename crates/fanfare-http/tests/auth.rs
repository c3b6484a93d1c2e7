//! What is shown to receivers that ask who is there, and that it is shown to nobody else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::time::Duration;

use fanfare_core::{DeliveryErrorKind as Kind, Disposition, Endpoint};
use fanfare_http::HttpConfig;
use fanfare_testkit::{HttpReceiver, ReceivedRequest, Reply};
use md5::{Digest as _, Md5};
use sha2::Sha256;

/// The receiver's URL with a user and a password in it.
fn with_password(receiver: &HttpReceiver, user_info: &str, path: &str) -> String {
    receiver.url(path).replacen("://", &format!("://{user_info}@"), 1)
}

fn endpoint(receiver: &HttpReceiver) -> std::sync::Arc<dyn Endpoint> {
    given::endpoint(given::config(), &with_password(receiver, "alice:s3cret", "/in?a=b"))
}

fn asks_for(challenge: &str) -> Reply {
    Reply::status(401).header("WWW-Authenticate", challenge).body("who is there?")
}

/// The `Authorization` header of each request so far.
fn authorizations(receiver: &HttpReceiver) -> Vec<Option<String>> {
    receiver.requests().iter().map(|request| request.header("authorization").map(str::to_owned)).collect()
}

/// `alice:s3cret`, as coreutils' `base64` has it.
const BASIC: &str = "Basic YWxpY2U6czNjcmV0";

#[tokio::test]
async fn a_receiver_that_does_not_ask_is_not_shown_the_password() {
    let receiver = HttpReceiver::start().await;
    given::deliver(&*endpoint(&receiver)).await.unwrap();
    assert_eq!(authorizations(&receiver), [None]);
}

#[tokio::test]
async fn a_receiver_that_asks_for_basic_gets_the_same_request_with_the_password() {
    let receiver = HttpReceiver::start().await;
    receiver.script([asks_for("Basic realm=\"hooks\"")]);
    given::deliver(&*endpoint(&receiver)).await.unwrap();
    assert_eq!(authorizations(&receiver), [None, Some(BASIC.to_owned())]);
    let requests = receiver.requests();
    assert_eq!((requests[0].text(), requests[1].text()), ("hello", "hello"));
    assert_eq!(requests[0].header("x-amz-sns-message-id"), requests[1].header("x-amz-sns-message-id"));
    assert_eq!((requests[0].connection, requests[1].connection), (0, 0));
}

#[tokio::test]
async fn what_a_receiver_asked_for_is_remembered() {
    let receiver = HttpReceiver::start().await;
    receiver.script([asks_for("Basic realm=\"hooks\"")]);
    let endpoint = endpoint(&receiver);
    given::deliver(&*endpoint).await.unwrap();
    given::deliver(&*endpoint).await.unwrap();
    assert_eq!(authorizations(&receiver), [None, Some(BASIC.to_owned()), Some(BASIC.to_owned())]);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_refused() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(asks_for("Basic realm=\"hooks\""));
    let error = given::deliver(&*endpoint(&receiver)).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Unauthorized, Disposition::Reject));
    assert_eq!((error.status(), error.response()), (Some(401), Some("who is there?")));
    assert_eq!(authorizations(&receiver), [None, Some(BASIC.to_owned())]);
}

#[tokio::test]
async fn a_remembered_password_that_is_refused_is_not_repeated_and_forgotten() {
    let receiver = HttpReceiver::start().await;
    receiver.script([
        asks_for("Basic realm=\"hooks\""),
        Reply::status(200),
        asks_for("Basic realm=\"hooks\""),
        Reply::status(200),
    ]);
    let endpoint = endpoint(&receiver);
    given::deliver(&*endpoint).await.unwrap();
    assert_eq!(given::deliver(&*endpoint).await.unwrap_err().kind(), Kind::Unauthorized);
    given::deliver(&*endpoint).await.unwrap();
    assert_eq!(authorizations(&receiver), [None, Some(BASIC.to_owned()), Some(BASIC.to_owned()), None]);
}

#[tokio::test]
async fn without_a_password_a_receiver_that_asks_is_not_asked_again() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(asks_for("Basic realm=\"hooks\""));
    let endpoint = given::endpoint(given::config(), &receiver.url("/"));
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Unauthorized, Disposition::Reject));
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_challenge_that_names_no_realm_or_no_known_scheme_is_not_answered() {
    for challenge in ["Basic", "Bearer realm=\"hooks\"", "Negotiate", "", "Digest realm=\"hooks\"", "\u{ff}\"=,"] {
        let receiver = HttpReceiver::start().await;
        receiver.reply_with(asks_for(challenge));
        let error = given::deliver(&*endpoint(&receiver)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unauthorized, "{challenge}");
        assert_eq!(authorizations(&receiver), [None], "{challenge}");
    }
}

#[tokio::test]
async fn other_refusals_do_not_bring_the_password_out() {
    for status in [400, 403, 407, 500] {
        let receiver = HttpReceiver::start().await;
        receiver.reply_with(Reply::status(status).header("WWW-Authenticate", "Basic realm=\"hooks\""));
        given::deliver(&*endpoint(&receiver)).await.unwrap_err();
        assert_eq!(authorizations(&receiver), [None], "{status}");
    }
}

#[tokio::test]
async fn a_password_is_percent_decoded() {
    let receiver = HttpReceiver::start().await;
    receiver.script([asks_for("Basic realm=\"hooks\"")]);
    let address = with_password(&receiver, "Aladdin:open%20sesame", "/");
    given::deliver(&*given::endpoint(given::config(), &address)).await.unwrap();
    assert_eq!(authorizations(&receiver)[1].as_deref(), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

#[tokio::test]
async fn the_time_limit_holds_for_both_requests_together() {
    let receiver = HttpReceiver::start().await;
    receiver.script([asks_for("Basic realm=\"hooks\""), Reply::hang()]);
    let config = given::config().attempt_timeout(Duration::from_millis(300));
    let endpoint = given::endpoint(config, &with_password(&receiver, "alice:s3cret", "/"));
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert_eq!(receiver.requests().len(), 2);
}

/// The value of `name` in the `Authorization` header of `request`, without quotes.
fn parameter(request: &ReceivedRequest, name: &str) -> String {
    let header = request.header("authorization").unwrap().strip_prefix("Digest ").unwrap();
    let found = header.split(", ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {header}")).trim_matches('"').to_owned()
}

fn hex_md5(text: String) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_sha256(text: String) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a receiver computes to check the response (RFC 7616, section 3.4.1).
fn expected_response(request: &ReceivedRequest, nonce: &str, hash: fn(String) -> String) -> String {
    let secret = hash("alice:hooks:s3cret".to_owned());
    let target = hash("POST:/in?a=b".to_owned());
    let (count, client_nonce) = (parameter(request, "nc"), parameter(request, "cnonce"));
    hash(format!("{secret}:{nonce}:{count}:{client_nonce}:auth:{target}"))
}

#[tokio::test]
async fn digest_with_md5_proves_the_password_without_showing_it() {
    let receiver = HttpReceiver::start().await;
    receiver.script([asks_for("Digest realm=\"hooks\", nonce=\"n1\", qop=\"auth,auth-int\", opaque=\"o\"")]);
    given::deliver(&*endpoint(&receiver)).await.unwrap();
    let request = &receiver.requests()[1];
    assert_eq!(parameter(request, "response"), expected_response(request, "n1", hex_md5));
    for (name, value) in [("username", "alice"), ("realm", "hooks"), ("nonce", "n1"), ("uri", "/in?a=b")] {
        assert_eq!(parameter(request, name), value);
    }
    for (name, value) in [("nc", "00000001"), ("qop", "auth"), ("opaque", "o")] {
        assert_eq!(parameter(request, name), value);
    }
    assert!(!request.header("authorization").unwrap().contains("s3cret"));
}

#[tokio::test]
async fn digest_with_sha_256_is_preferred_to_md5_and_basic() {
    let receiver = HttpReceiver::start().await;
    let challenge = "Basic realm=\"hooks\"";
    receiver.script([asks_for(challenge)
        .header("WWW-Authenticate", "Digest realm=\"hooks\", nonce=\"n1\", qop=\"auth\", algorithm=MD5")
        .header("WWW-Authenticate", "Digest realm=\"hooks\", nonce=\"n2\", qop=\"auth\", algorithm=SHA-256")]);
    given::deliver(&*endpoint(&receiver)).await.unwrap();
    let request = &receiver.requests()[1];
    assert_eq!(parameter(request, "algorithm"), "SHA-256");
    assert_eq!(parameter(request, "response"), expected_response(request, "n2", hex_sha256));
}

#[tokio::test]
async fn later_requests_count_on_under_the_same_nonce() {
    let receiver = HttpReceiver::start().await;
    receiver.script([asks_for("Digest realm=\"hooks\", nonce=\"n1\", qop=\"auth\"")]);
    let endpoint = endpoint(&receiver);
    given::deliver(&*endpoint).await.unwrap();
    given::deliver(&*endpoint).await.unwrap();
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!((parameter(&requests[1], "nc"), parameter(&requests[2], "nc")), ("00000001".into(), "00000002".into()));
    assert_eq!(parameter(&requests[2], "response"), expected_response(&requests[2], "n1", hex_md5));
}

#[tokio::test]
async fn a_stale_nonce_is_replaced_within_the_same_attempt() {
    let receiver = HttpReceiver::start().await;
    receiver.script([
        asks_for("Digest realm=\"hooks\", nonce=\"n1\", qop=\"auth\""),
        Reply::status(200),
        asks_for("Digest realm=\"hooks\", nonce=\"n2\", qop=\"auth\", stale=true"),
        Reply::status(200),
    ]);
    let endpoint = endpoint(&receiver);
    given::deliver(&*endpoint).await.unwrap();
    given::deliver(&*endpoint).await.unwrap();
    let requests = receiver.requests();
    assert_eq!((parameter(&requests[2], "nonce"), parameter(&requests[3], "nonce")), ("n1".into(), "n2".into()));
    assert_eq!(parameter(&requests[3], "nc"), "00000001");
}

#[tokio::test]
async fn a_receiver_that_asks_for_ever_is_answered_once_in_each_attempt() {
    let receiver = HttpReceiver::start().await;
    let count = std::sync::atomic::AtomicU32::new(0);
    receiver.reply_with(Reply::by(move |_| {
        let nonce = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        asks_for(&format!("Digest realm=\"hooks\", nonce=\"{nonce}\", qop=\"auth\", stale=true"))
    }));
    let endpoint = endpoint(&receiver);
    assert_eq!(given::deliver(&*endpoint).await.unwrap_err().kind(), Kind::Unauthorized);
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn user_and_password_are_shown_nowhere() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(asks_for("Basic realm=\"hooks\""));
    let endpoint = endpoint(&receiver);
    let error = given::deliver(&*endpoint).await.unwrap_err();
    let address = receiver.url("/in?a=b");
    assert_eq!(endpoint.to_string(), address);
    assert_eq!(format!("{endpoint:?}"), format!("HttpEndpoint({address})"));
    for shown in [format!("{error}"), format!("{error:?}"), format!("{endpoint:?}")] {
        assert!(!shown.contains("alice") && !shown.contains("s3cret") && !shown.contains(BASIC), "{shown}");
    }
    for request in receiver.requests() {
        assert_eq!(request.target, "/in?a=b");
        assert_eq!(request.header("host"), Some(receiver.addr().to_string().as_str()));
        assert_eq!(request.header("referer"), None);
    }
}

#[tokio::test]
async fn a_failed_connection_does_not_show_the_url_with_the_password() {
    let receiver = HttpReceiver::start().await;
    let address = with_password(&receiver, "alice:s3cret", "/in?key=k3y");
    receiver.go_away().await;
    let error = given::deliver(&*given::endpoint(given::config(), &address)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    for shown in [format!("{error}"), format!("{error:?}")] {
        assert!(!shown.contains("s3cret") && !shown.contains("k3y"), "{shown}");
    }
}

#[test]
fn a_refused_address_is_not_quoted() {
    use fanfare_core::Connector as _;

    let connector = given::connector(HttpConfig::new());
    for address in
        ["http://alice:s3cret@127.0.0.1/", "http://alice:s3cret@hooks.example/#x", "http://s3cret@x.example/"]
    {
        let error = connector.connect(&fanfare_core::Protocol::Http, address).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
