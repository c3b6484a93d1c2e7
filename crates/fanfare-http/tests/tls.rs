//! Whom the TLS client trusts, and what it shows of itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::time::Duration;

use fanfare_core::{DeliveryErrorKind as Kind, Disposition};
use fanfare_http::{HttpConfig, HttpConnector};
use fanfare_testkit::{HttpReceiver, Reply, TestCa};
use fanfare_wire::{Links, Renderer, Signer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

const RETRY: Disposition = Disposition::Retry { after: None };

/// Settings that trust `ca` alone.
fn trusting(ca: &TestCa) -> HttpConfig {
    given::config().ca_certificates(ca.certificate_pem()).unwrap().only_ca()
}

async fn kind_of(config: HttpConfig, receiver: &HttpReceiver) -> Kind {
    let endpoint = given::endpoint(config, &receiver.url("/"));
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!(error.disposition(), RETRY);
    assert!(receiver.requests().is_empty());
    error.kind()
}

#[tokio::test]
async fn a_receiver_with_a_certificate_of_a_trusted_authority_is_delivered_to() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;
    let endpoint = given::endpoint(trusting(&ca), &receiver.url("/in"));
    assert_eq!(given::deliver(&*endpoint).await.unwrap().status(), Some(200));
    assert_eq!((receiver.requests()[0].target.as_str(), receiver.requests()[0].text()), ("/in", "hello"));
}

#[tokio::test]
async fn an_authority_can_be_trusted_beside_those_of_the_system() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;
    let config = given::config().ca_certificates(ca.certificate_pem()).unwrap();
    given::deliver(&*given::endpoint(config, &receiver.url("/"))).await.unwrap();
}

#[tokio::test]
async fn deliveries_to_one_receiver_share_a_connection() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;
    let endpoint = given::endpoint(trusting(&ca), &receiver.url("/"));
    for _ in 0..3 {
        given::deliver(&*endpoint).await.unwrap();
    }
    assert_eq!((receiver.requests().len(), receiver.connections()), (3, 1));
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let receiver = HttpReceiver::start_tls(&TestCa::new()).await;
    assert_eq!(kind_of(trusting(&TestCa::new()), &receiver).await, Kind::Tls);
    assert_eq!(
        kind_of(given::config().ca_certificates(TestCa::new().certificate_pem()).unwrap(), &receiver).await,
        Kind::Tls
    );
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls_as(&ca.server_identity(&["elsewhere.example"])).await;
    assert_eq!(kind_of(trusting(&ca), &receiver).await, Kind::Tls);
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls_as(&ca.expired_server_identity(&["127.0.0.1"])).await;
    assert_eq!(kind_of(trusting(&ca), &receiver).await, Kind::Tls);
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_receiver_that_demands_one() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_mutual_tls(&ca).await;
    let identity = ca.client_identity("fanfare");
    let config = trusting(&ca).client_certificate(identity.certificate_pem(), identity.private_key_pem()).unwrap();
    given::deliver(&*given::endpoint(config, &receiver.url("/"))).await.unwrap();
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn without_the_client_certificate_that_a_receiver_demands_there_is_no_session() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_mutual_tls(&ca).await;
    assert_eq!(kind_of(trusting(&ca), &receiver).await, Kind::Tls);
}

#[tokio::test]
async fn a_peer_that_answers_a_handshake_in_plain_http_is_refused() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("https://{}/", listener.local_addr().unwrap());
    let endpoint = given::endpoint(trusting(&TestCa::new()), &address);
    let peer = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        connection
    };
    let (outcome, _connection) = tokio::join!(given::deliver(&*endpoint), peer);
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Tls, RETRY));
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_tried_again() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("https://{}/", listener.local_addr().unwrap());
    let endpoint = given::endpoint(trusting(&TestCa::new()), &address);
    let peer = async { drop(listener.accept().await.unwrap()) };
    let (outcome, ()) = tokio::join!(given::deliver(&*endpoint), peer);
    assert_eq!(outcome.unwrap_err().disposition(), RETRY);
}

#[tokio::test]
async fn a_handshake_that_stalls_is_timed_out() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::never_read());
    let address = receiver.url("/").replace("http:", "https:");
    let config = trusting(&TestCa::new()).attempt_timeout(Duration::from_millis(500));
    let error = given::deliver(&*given::endpoint(config, &address)).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Timeout, RETRY));
}

#[tokio::test]
async fn no_cryptographic_provider_is_installed_for_the_process() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;
    given::deliver(&*given::endpoint(trusting(&ca), &receiver.url("/"))).await.unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
}

#[test]
fn a_text_without_certificates_or_keys_is_refused_and_not_quoted() {
    let ca = TestCa::new();
    assert!(given::config().ca_certificates("").is_err());
    assert!(given::config().ca_certificates("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").is_err());
    let error = given::config().client_certificate(ca.certificate_pem(), "s3cret").unwrap_err();
    assert_eq!(error.to_string(), "there is no private key in the PEM text of the client's key");
    assert!(!format!("{error:?}").contains("s3cret"));
}

fn refusal_of(config: HttpConfig) -> String {
    let renderer = Renderer::new(Signer::ephemeral(), Links::new("http://127.0.0.1:9911").unwrap());
    HttpConnector::new(config, renderer).unwrap_err().to_string()
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    let ca = TestCa::new();
    let (one, other) = (ca.client_identity("one"), ca.client_identity("other"));
    let config = trusting(&ca).client_certificate(one.certificate_pem(), other.private_key_pem()).unwrap();
    assert_eq!(refusal_of(config), "the client's certificate and key cannot be used");
}

#[test]
fn to_trust_nobody_is_refused() {
    assert_eq!(
        refusal_of(given::config().only_ca()),
        "without the system's CA certificates, at least one must be given"
    );
}

#[test]
fn settings_show_no_key() {
    let ca = TestCa::new();
    let identity = ca.client_identity("fanfare");
    let config = trusting(&ca).client_certificate(identity.certificate_pem(), identity.private_key_pem()).unwrap();
    let shown = format!("{config:?}");
    assert!(shown.contains("Trust { authorities: 1, system: LeftOut, client_certificate: true, .. }"), "{shown}");
}
