//! Where deliveries do not go, whatever a subscriber writes, a name service answers or a receiver asks for.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare_core::{Connector, DeliveryErrorKind as Kind, Disposition, Protocol, SnsErrorCode};
use fanfare_egress::{EgressPolicy, HostName, NameScope, NameService};
use fanfare_http::HttpConfig;
use fanfare_testkit::{HttpReceiver, Reply};

const RETRY: Disposition = Disposition::Retry { after: None };

/// Answers each lookup with the next of these, and then with nothing.
#[derive(Debug)]
struct Answers(Mutex<VecDeque<Vec<IpAddr>>>);

#[async_trait::async_trait]
impl NameService for Answers {
    async fn addresses(&self, _: &HostName, _: NameScope) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().pop_front().ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A name service that gives these answers, one for each lookup.
fn answering<const N: usize>(answers: [&[&str]; N]) -> Arc<Answers> {
    let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Arc::new(Answers(Mutex::new(answers.into_iter().map(addresses).collect())))
}

/// Allows 127.0.0.1 and no other special address.
fn one_address() -> EgressPolicy {
    EgressPolicy::internet().allow("127.0.0.1".parse().unwrap())
}

fn refusal_of(config: HttpConfig, address: &str) -> String {
    let protocol = if address.starts_with("https") { Protocol::Https } else { Protocol::Http };
    let connector = given::connector(config);
    let error = connector.connect(&protocol, address).unwrap_err();
    assert_eq!(error.code(), SnsErrorCode::InvalidParameter);
    error.message().to_owned()
}

#[test]
fn inside_addresses_are_refused_when_they_are_subscribed() {
    for address in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://backend/",
        "http://metadata.google.internal/",
        "http://hooks.example:6379/",
        "http://my_host.example/",
    ] {
        let message = refusal_of(HttpConfig::new(), address);
        assert!(message.starts_with("Invalid parameter: Unreachable Endpoint"), "{address}: {message}");
    }
}

#[test]
fn metadata_services_are_refused_even_when_they_are_allowed() {
    let everything = EgressPolicy::internet().allow("0.0.0.0/0".parse().unwrap());
    let message = refusal_of(HttpConfig::new().egress(everything), "http://169.254.169.254/");
    assert!(message.starts_with("Invalid parameter: Unreachable Endpoint"), "{message}");
}

#[test]
fn a_scheme_that_is_not_the_protocols_is_refused_in_amazon_sns_words() {
    let connector = given::connector(given::config());
    for address in ["https://hooks.example/", "hooks.example", "ftp://hooks.example/", "file:///etc/passwd", ""] {
        let error = connector.connect(&Protocol::Http, address).unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: Endpoint must match the specified protocol", "{address}");
    }
}

#[test]
fn urls_that_parsers_read_differently_are_refused() {
    for address in [
        "http://a@b@hooks.example/",
        "http://1.1.1.1 &@2.2.2.2#@3.3.3.3/",
        "http:\\\\hooks.example\\",
        "http:/hooks.example/",
        "http://hooks.example/#fragment",
        "http://hooks.example:0/",
        "http://hooks.example:65536/",
        "http://hooks.example:/",
        "http://%68ooks.example/",
        "http://hooks.example/\u{0}",
        "http://",
    ] {
        let message = refusal_of(HttpConfig::new(), address);
        assert!(message.starts_with("Invalid parameter: Endpoint Reason: "), "{address}: {message}");
    }
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_when_it_is_delivered_to() {
    let receiver = HttpReceiver::start().await;
    let policy = EgressPolicy::internet().with_names(answering([&["127.0.0.1"]]));
    let endpoint = given::endpoint(given::config().egress(policy), &receiver.url_at("hooks.example", "/"));
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::EgressDenied, Disposition::Reject));
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_later_is_refused_from_then_on() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(200).closing());
    let policy = one_address().with_names(answering([&["127.0.0.1"], &["127.0.0.2"]]));
    let endpoint = given::endpoint(given::config().egress(policy), &receiver.url_at("hooks.example", "/"));
    given::deliver(&*endpoint).await.unwrap();
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::EgressDenied, Disposition::Reject));
    assert_eq!(receiver.connections(), 1);
}

#[tokio::test]
async fn one_inside_address_among_others_refuses_the_name() {
    let receiver = HttpReceiver::start().await;
    let policy = one_address().with_names(answering([&["127.0.0.1", "10.0.0.1"]]));
    let endpoint = given::endpoint(given::config().egress(policy), &receiver.url_at("hooks.example", "/"));
    assert_eq!(given::deliver(&*endpoint).await.unwrap_err().kind(), Kind::EgressDenied);
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_tried_again_later() {
    let policy = EgressPolicy::internet().with_names(answering([]));
    let endpoint = given::endpoint(given::config().egress(policy), "http://hooks.example/");
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Unreachable, RETRY));
    assert!(error.to_string().starts_with("the endpoint's name did not resolve: "), "{error}");
}

#[tokio::test]
async fn a_name_service_that_does_not_answer_is_timed_out() {
    #[derive(Debug)]
    struct Silence;
    #[async_trait::async_trait]
    impl NameService for Silence {
        async fn addresses(&self, _: &HostName, _: NameScope) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let policy = EgressPolicy::internet().with_names(Arc::new(Silence));
    let config = given::config().egress(policy).attempt_timeout(Duration::from_millis(300));
    let error = given::deliver(&*given::endpoint(config, "http://hooks.example/")).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Timeout, RETRY));
}

#[tokio::test]
async fn a_name_with_a_dead_address_is_reached_by_its_next_one() {
    let receiver = HttpReceiver::start().await;
    let policy = given::loopback().with_names(answering([&["127.0.0.2", "127.0.0.1"]]));
    let endpoint = given::endpoint(given::config().egress(policy), &receiver.url_at("hooks.example", "/"));
    given::deliver(&*endpoint).await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_allowed_may_lead_inside() {
    let receiver = HttpReceiver::start().await;
    let policy = EgressPolicy::internet().allow("my_receiver".parse().unwrap()).with_names(answering([&["127.0.0.1"]]));
    let endpoint = given::endpoint(given::config().egress(policy), &receiver.url_at("my_receiver", "/"));
    given::deliver(&*endpoint).await.unwrap();
    let host = format!("my_receiver:{}", receiver.addr().port());
    assert_eq!(receiver.requests()[0].header("host"), Some(host.as_str()));
}

#[tokio::test]
async fn a_policy_that_refuses_the_usual_ports_does_not_keep_names_from_resolving() {
    let receiver = HttpReceiver::start().await;
    let policy = one_address().deny_ports([80, 443]).with_names(answering([&["127.0.0.1"]]));
    let endpoint = given::endpoint(given::config().egress(policy), &receiver.url_at("hooks.example", "/"));
    given::deliver(&*endpoint).await.unwrap();
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let inside = HttpReceiver::start().await;
    for status in [301, 302, 303, 307, 308] {
        for location in [inside.url("/"), "file:///etc/passwd".to_owned(), "/".to_owned()] {
            let receiver = HttpReceiver::start().await;
            receiver.reply_with(Reply::redirect(status, &location));
            let endpoint = given::endpoint(given::config(), &receiver.url("/"));
            let error = given::deliver(&*endpoint).await.unwrap_err();
            assert_eq!((error.kind(), error.disposition()), (Kind::Rejected, Disposition::Reject));
            assert_eq!(receiver.requests().len(), 1);
        }
    }
    assert_eq!(inside.connections(), 0);
}

/// The environment belongs to the whole process, so the test runs itself once more in one that has proxies in it.
#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    const CHILD: &str = "FANFARE_TEST_WITH_PROXIES";
    if std::env::var_os(CHILD).is_some() {
        let receiver = HttpReceiver::start().await;
        given::deliver(&*given::endpoint(given::config(), &receiver.url("/"))).await.unwrap();
        assert_eq!(receiver.requests().len(), 1);
        return;
    }
    let proxy = HttpReceiver::start().await;
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "proxies_of_the_environment_are_ignored"]).env(CHILD, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url("/"));
    }
    let output = child.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(proxy.connections(), 0);
}
