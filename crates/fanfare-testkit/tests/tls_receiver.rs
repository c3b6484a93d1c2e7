//! Receivers that speak TLS show the identity they were given, and check their clients' where they should.

use std::io;
use std::sync::Arc;

use fanfare_testkit::{HttpReceiver, Identity, TestCa};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Asks `receiver` over TLS, trusting `ca` alone, and gives its answer.
async fn ask(receiver: &HttpReceiver, ca: &TestCa, client: Option<&Identity>) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(
            CertificateDer::from_pem_slice(ca.certificate_pem().as_bytes())
                .expect("what the authority issues is well formed"),
        )
        .expect("what the authority issues is well formed");
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("what the authority issues is well formed")
        .with_root_certificates(roots);
    let config = match client {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certificate = CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes())
                .expect("what the authority issues is well formed");
            let key = PrivateKeyDer::from_pem_slice(identity.private_key_pem().as_bytes())
                .expect("what the authority issues is well formed");
            builder.with_client_auth_cert(vec![certificate], key).expect("what the authority issues is well formed")
        }
    };
    let tcp = TcpStream::connect(receiver.addr()).await?;
    let name = ServerName::try_from("127.0.0.1").expect("what the authority issues is well formed");
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_is_answered() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;
    assert!(receiver.url("/a").starts_with("https://127.0.0.1:"));
    assert_eq!(ask(&receiver, &ca, None).await.unwrap(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn a_client_that_trusts_another_authority_sends_nothing() {
    let receiver = HttpReceiver::start_tls(&TestCa::new()).await;
    let error = ask(&receiver, &TestCa::new(), None).await.unwrap_err();
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    assert_eq!(receiver.requests(), []);
}

#[tokio::test]
async fn wrong_names_and_expired_certificates_are_shown_as_they_are() {
    let ca = TestCa::new();
    for (identity, complaint) in [
        (ca.server_identity(&["elsewhere.test"]), "not valid for name"),
        (ca.expired_server_identity(&["127.0.0.1"]), "expired"),
    ] {
        let receiver = HttpReceiver::start_tls_as(&identity).await;
        let error = ask(&receiver, &ca, None).await.unwrap_err();
        assert!(error.to_string().contains(complaint), "{error}");
    }
}

#[tokio::test]
async fn a_receiver_that_demands_a_certificate_refuses_clients_without_one() {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_mutual_tls(&ca).await;
    ask(&receiver, &ca, None).await.unwrap_err();
    ask(&receiver, &ca, Some(&TestCa::new().client_identity("stranger"))).await.unwrap_err();
    assert_eq!(receiver.requests(), []);
    ask(&receiver, &ca, Some(&ca.client_identity("publisher"))).await.unwrap();
    assert_eq!(receiver.requests().len(), 1);
}
