//! Keys, their certificates, and the threads that sign.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is the test's own")]

#[allow(dead_code, reason = "each test program uses its part of the fixture")]
mod fixture;

use std::process::Command;
use std::sync::LazyLock;

use bytes::Bytes;
use fanfare_core::{Host as _, SignatureVersion, SystemHost};
use fanfare_wire::{Certificate, KeyErrorKind, Signer, SigningKey};

/// A key of our own making; that takes a while, so there is one for all tests.
static MADE: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate("sns.example.org").expect("a key"));

#[tokio::test]
async fn both_versions_sign_what_the_certificate_verifies() {
    let signer = Signer::with_key(MADE.clone());
    let certificate = signer.certificate().await.unwrap();
    for version in [SignatureVersion::V1, SignatureVersion::V2] {
        let signature = signer.sign(version, Bytes::from_static(b"text")).await.unwrap();
        assert_eq!(signature.len(), 256);
        assert!(certificate.verifies(version, b"text", &signature));
        assert!(!certificate.verifies(version, b"texT", &signature));
    }
    assert_eq!(signer.signatures_made(), 2);
}

#[tokio::test]
async fn a_signature_of_one_version_is_none_of_the_other() {
    let signer = fixture::signer();
    let certificate = signer.certificate().await.unwrap();
    let signature = signer.sign(SignatureVersion::V1, Bytes::from_static(b"text")).await.unwrap();
    assert!(!certificate.verifies(SignatureVersion::V2, b"text", &signature));
}

#[tokio::test]
async fn an_ephemeral_signer_has_no_key_before_it_is_asked_for_one() {
    let signer = Signer::ephemeral();
    assert!(signer.ready_certificate().is_none());
    let certificate = signer.certificate().await.unwrap();
    assert_eq!(signer.ready_certificate().unwrap().file_name(), certificate.file_name());
    assert_eq!(signer.certificate_pem().await.unwrap(), certificate.pem());
    let signature = signer.sign(SignatureVersion::V2, Bytes::from_static(b"text")).await.unwrap();
    assert!(certificate.verifies(SignatureVersion::V2, b"text", &signature));
}

#[tokio::test]
async fn many_signatures_at_once_wait_their_turn() {
    let signer = fixture::signer();
    let certificate = signer.certificate().await.unwrap();
    let asked: Vec<_> = (0..200)
        .map(|number| {
            let signer = signer.clone();
            let text = Bytes::from(format!("text {number}"));
            tokio::spawn(async move { (signer.sign(SignatureVersion::V2, text.clone()).await.unwrap(), text) })
        })
        .collect();
    for answer in asked {
        let (signature, text) = answer.await.unwrap();
        assert!(certificate.verifies(SignatureVersion::V2, &text, &signature));
    }
}

#[test]
fn a_made_certificate_is_valid_now_and_for_ten_years() {
    let day = std::time::Duration::from_secs(24 * 60 * 60);
    let now = SystemHost.now();
    let certificate = MADE.certificate();
    assert!(certificate.is_valid_at(now));
    assert!(certificate.is_valid_at(now + day * 3_649));
    assert!(!certificate.is_valid_at(now + day * 3_651));
    assert!(!certificate.is_valid_at(now - day * 2));
}

#[test]
fn a_key_and_its_certificate_survive_as_pem() {
    let read = SigningKey::from_pem(&MADE.to_pem(), MADE.certificate().pem()).unwrap();
    assert_eq!(read.certificate().file_name(), MADE.certificate().file_name());
    assert_eq!(read.to_pem(), MADE.to_pem());
    assert!(read.to_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn a_certificate_is_named_after_its_hash() {
    let certificate = Certificate::from_pem(fixture::CERTIFICATE_PEM).unwrap();
    assert_eq!(certificate.file_name(), "SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem");
    assert_eq!(certificate.pem(), fixture::CERTIFICATE_PEM);
}

#[test]
fn a_certificate_that_comes_with_its_private_key_is_refused_since_it_would_be_published() {
    for both in [
        [fixture::CERTIFICATE_PEM, fixture::PRIVATE_KEY_PEM].concat(),
        [fixture::PRIVATE_KEY_PEM, fixture::CERTIFICATE_PEM].concat(),
    ] {
        let error = Certificate::from_pem(&both).unwrap_err();
        assert_eq!(error.to_string(), "the certificate comes with a private key");
    }
}

#[test]
fn of_a_chain_the_first_certificate_counts_and_all_are_served() {
    let chain = [fixture::CERTIFICATE_PEM, MADE.certificate().pem()].concat();
    let certificate = Certificate::from_pem(&chain).unwrap();
    assert_eq!(certificate.file_name(), Certificate::from_pem(fixture::CERTIFICATE_PEM).unwrap().file_name());
    assert_eq!(certificate.pem(), chain);
}

#[test]
fn a_certificate_of_another_key_is_refused() {
    let error = SigningKey::from_pem(fixture::PRIVATE_KEY_PEM, MADE.certificate().pem()).unwrap_err();
    assert_eq!(error.kind(), KeyErrorKind::Mismatch);
}

#[test]
fn what_is_no_key_or_no_certificate_is_refused() {
    let no_key = SigningKey::from_pem(fixture::CERTIFICATE_PEM, fixture::CERTIFICATE_PEM).unwrap_err();
    assert_eq!(no_key.kind(), KeyErrorKind::PrivateKey);
    let no_certificate = SigningKey::from_pem(fixture::PRIVATE_KEY_PEM, fixture::PRIVATE_KEY_PEM).unwrap_err();
    assert_eq!(no_certificate.kind(), KeyErrorKind::Certificate);
}

#[test]
fn a_name_that_cannot_stand_in_a_certificate_is_refused() {
    assert_eq!(SigningKey::generate("sns.exämple").unwrap_err().kind(), KeyErrorKind::Generation);
}

#[test]
fn a_printed_key_or_signer_tells_nothing_of_the_private_key() {
    let key = SigningKey::from_pem(fixture::PRIVATE_KEY_PEM, fixture::CERTIFICATE_PEM).unwrap();
    let certificate = "Certificate(\"SimpleNotificationService-f331f09b86663e8beeb260300b373cb5.pem\")";
    assert_eq!(format!("{key:?}"), format!("SigningKey {{ certificate: {certificate}, .. }}"));
    assert_eq!(
        format!("{:?}", Signer::with_key(key)),
        format!("Signer {{ key: Some(SigningKey {{ certificate: {certificate}, .. }}), .. }}")
    );
}

#[tokio::test]
#[ignore = "needs the openssl program"]
async fn openssl_verifies_the_signatures_of_a_made_key() {
    let signer = Signer::with_key(MADE.clone());
    let folder = std::env::temp_dir().join(format!("fanfare-wire-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    std::fs::write(path("certificate"), signer.certificate_pem().await.unwrap()).unwrap();
    std::fs::write(path("text"), "Message\na parcel\n").unwrap();
    let extracted = Command::new("openssl")
        .args(["x509", "-in", &path("certificate"), "-pubkey", "-noout", "-out", &path("public")])
        .status()
        .unwrap();
    assert!(extracted.success());
    for (version, hash) in [(SignatureVersion::V1, "-sha1"), (SignatureVersion::V2, "-sha256")] {
        let signature = signer.sign(version, Bytes::from_static(b"Message\na parcel\n")).await.unwrap();
        std::fs::write(path("signature"), signature).unwrap();
        let verified = Command::new("openssl")
            .args(["dgst", hash, "-verify", &path("public"), "-signature", &path("signature"), &path("text")])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&verified.stdout), "Verified OK\n", "{version:?}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
