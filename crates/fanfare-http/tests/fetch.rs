//! Documents fetched from servers that may mean no good.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::error::Error as _;
use std::time::Duration;

use fanfare_http::{Fetcher, HttpConfig};
use fanfare_testkit::{HttpReceiver, Reply};

const SCHEMES: &[&str] = &["https", "http"];

fn fetcher(config: HttpConfig) -> Fetcher {
    Fetcher::new(config).unwrap()
}

/// What a fetch that gets nothing says, with what is underneath.
async fn refused(fetcher: &Fetcher, url: &str) -> String {
    let error = fetcher.get(url, SCHEMES).await.unwrap_err();
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(under) = cause {
        said.push_str(&format!(": {under}"));
        cause = under.source();
    }
    said
}

#[tokio::test]
async fn a_document_comes_with_its_status_by_one_plain_get() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(404).body("nothing here"));
    let fetched = fetcher(given::config()).get(&receiver.url("/a.pem?b=c"), SCHEMES).await.unwrap();
    assert_eq!((fetched.status, &fetched.body[..]), (404, &b"nothing here"[..]));
    let request = &receiver.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/a.pem?b=c"));
    assert!(request.body.is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (receiver, elsewhere) = (HttpReceiver::start().await, HttpReceiver::start().await);
    receiver.reply_with(Reply::redirect(302, &elsewhere.url("/")));
    assert_eq!(fetcher(given::config()).get(&receiver.url("/"), SCHEMES).await.unwrap().status, 302);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_not_connected_to() {
    let receiver = HttpReceiver::start().await;
    let fetcher = fetcher(HttpConfig::new());
    for url in [receiver.url("/"), receiver.url_at("localhost", "/")] {
        let said = refused(&fetcher, &url).await;
        assert!(
            said.starts_with("the address may not be connected to") || said.starts_with("there is no answer"),
            "{said}"
        );
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn only_the_schemes_that_are_asked_for_are_spoken() {
    let receiver = HttpReceiver::start().await;
    let error = fetcher(given::config()).get(&receiver.url("/"), &["https"]).await.unwrap_err();
    assert_eq!(error.to_string(), "the url is not right");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_answer_without_an_end_is_cut_off() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::endless_body());
    let said = refused(&fetcher(given::config().answer_bytes_max(10_000)), &receiver.url("/")).await;
    assert_eq!(said, "the answer is too long");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::hang());
    let said = refused(&fetcher(given::config().attempt_timeout(Duration::from_millis(100))), &receiver.url("/")).await;
    assert_eq!(said, "the answer took too long");
}

#[tokio::test]
async fn what_went_wrong_does_not_repeat_the_url_whose_query_may_be_secret() {
    let refused_addr = fanfare_testkit::refused_addr();
    let said = refused(&fetcher(given::config()), &format!("http://{refused_addr}/?Token=secret")).await;
    assert!(said.starts_with("there is no answer: ") && !said.contains("secret"), "{said}");
}
