//! Which certificates a verifier asks for, and which links it hands out.

#![allow(clippy::unwrap_used, reason = "what is unwrapped is the test's own")]

#[allow(dead_code, reason = "each test program uses its part of the fixture")]
mod fixture;

use fanfare_core::{Notification, Timestamp};
use fanfare_wire::{VerifiedMessage, Verifier, VerifyErrorKind};

use fixture::messages::{Counting, OWN, body_of, own_verifier, refused, rendered_at, topic, with};

const AMAZON: &str = "https://sns.us-east-1.amazonaws.com";

#[tokio::test]
async fn amazon_is_trusted_at_its_own_urls_alone() {
    let file = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem";
    let body = body_of(AMAZON, "text").await;
    let trusted = [
        "https://sns.us-east-1.amazonaws.com/",
        "https://sns.eu-central-2.amazonaws.com/",
        "https://sns.us-gov-west-1.amazonaws.com/",
        "https://sns.cn-north-1.amazonaws.com.cn/",
    ];
    for start in trusted {
        let genuine = with(&body, "SigningCertURL", Some(&format!("{start}{file}")));
        assert!(Verifier::amazon(Counting::default()).verify(genuine.as_bytes()).await.is_ok(), "{start}");
    }

    let untrusted = [
        // Not TLS, or not the web.
        format!("http://sns.us-east-1.amazonaws.com/{file}"),
        format!("ftp://sns.us-east-1.amazonaws.com/{file}"),
        format!("file:///{file}"),
        format!("//sns.us-east-1.amazonaws.com/{file}"),
        format!("sns.us-east-1.amazonaws.com/{file}"),
        file.to_owned(),
        String::new(),
        // Buckets that anybody may own.
        format!("https://sns.s3.amazonaws.com/{file}"),
        format!("https://sns.s3-us-west-2.amazonaws.com/{file}"),
        format!("https://sns.s3.us-west-2.amazonaws.com/{file}"),
        format!("https://s3.amazonaws.com/sns.us-east-1.amazonaws.com/{file}"),
        format!("https://sns.us-east-1.s3.amazonaws.com/{file}"),
        // Hosts that look alike.
        format!("https://sns.us-east-1.amazonaws.com.evil.example/{file}"),
        format!("https://sns.us-east-1.amazonaws.com./{file}"),
        format!("https://sns.us-east-1.amazonaws.com.cn/{file}"),
        format!("https://sns.cn-north-1.amazonaws.com/{file}"),
        format!("https://sns.us-east-1.amazonaws.co/{file}"),
        format!("https://sns-us-east-1.amazonaws.com/{file}"),
        format!("https://sns.us-east-1-amazonaws.com/{file}"),
        format!("https://sns.us-east-1xamazonaws.com/{file}"),
        format!("https://xsns.us-east-1.amazonaws.com/{file}"),
        format!("https://evil.sns.us-east-1.amazonaws.com/{file}"),
        format!("https://sns.evil.us-east-1.amazonaws.com/{file}"),
        format!("https://sns.us-east-1.amazonaws.com\u{2024}cn/{file}"),
        format!("https://sns.us-east-1.amаzonaws.com/{file}"),
        format!("https://sns..amazonaws.com/{file}"),
        format!("https://evil.example/{file}"),
        format!("https://evil.example/sns.us-east-1.amazonaws.com/{file}"),
        // Users and ports.
        format!("https://sns.us-east-1.amazonaws.com@evil.example/{file}"),
        format!("https://sns.us-east-1.amazonaws.com:443@evil.example/{file}"),
        format!("https://ann@sns.us-east-1.amazonaws.com/{file}"),
        format!("https://evil.example#@sns.us-east-1.amazonaws.com/{file}"),
        format!("https://evil.example?@sns.us-east-1.amazonaws.com/{file}"),
        format!("https://evil.example\\@sns.us-east-1.amazonaws.com/{file}"),
        format!("https://sns.us-east-1.amazonaws.com:8443/{file}"),
        format!("https://sns.us-east-1.amazonaws.com:443/{file}"),
        // Addresses.
        format!("https://169.254.169.254/{file}"),
        format!("https://127.0.0.1/{file}"),
        format!("https://[::1]/{file}"),
        format!("https://2852039166/{file}"),
        // Paths.
        format!("https://sns.us-east-1.amazonaws.com//{file}"),
        format!("https://sns.us-east-1.amazonaws.com/x/{file}"),
        format!("https://sns.us-east-1.amazonaws.com/x/../{file}"),
        format!("https://sns.us-east-1.amazonaws.com/%2e%2e/{file}"),
        format!("https://sns.us-east-1.amazonaws.com\\{file}"),
        format!("https://sns.us-east-1.amazonaws.com/{file}?x=.pem"),
        format!("https://sns.us-east-1.amazonaws.com/{file}#x.pem"),
        format!("https://sns.us-east-1.amazonaws.com/?x={file}"),
        format!("https://sns.us-east-1.amazonaws.com/{file}/"),
        format!("https://sns.us-east-1.amazonaws.com/{file}\0"),
        "https://sns.us-east-1.amazonaws.com/other.pem".to_owned(),
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-.pem".to_owned(),
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.html".to_owned(),
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01%2f.pem".to_owned(),
        // Spellings that some parsers mend.
        format!(" https://sns.us-east-1.amazonaws.com/{file}"),
        format!("https://sns.us-east-1.amazonaws.com/{file} "),
        format!("https:/sns.us-east-1.amazonaws.com/{file}"),
        format!("https:\\\\sns.us-east-1.amazonaws.com/{file}"),
        format!("HTTPS://sns.us-east-1.amazonaws.com/{file}"),
    ];
    let source = Counting::default();
    let verifier = Verifier::amazon(source.clone());
    for url in untrusted {
        let kind = refused(&verifier, with(&body, "SigningCertURL", Some(&url))).await;
        let control = url.chars().any(char::is_control);
        let wanted = if control { VerifyErrorKind::Malformed } else { VerifyErrorKind::UntrustedCertificateUrl };
        assert_eq!(kind, wanted, "{url}");
    }
    assert_eq!(source.count(), 0, "no certificate was asked for");
}

#[tokio::test]
async fn a_server_of_ones_own_is_trusted_and_nothing_beside_it() {
    let source = Counting::default();
    let verifier = Verifier::trusting("https://sns.example.com:8443/sns/", source.clone()).unwrap();
    let body = body_of("https://sns.example.com:8443/sns", "text").await;
    assert!(verifier.verify(body.as_bytes()).await.is_ok());
    assert_eq!(source.count(), 1);
    let untrusted = [
        "https://sns.example.com:8443/SimpleNotificationService-01.pem",
        "https://sns.example.com/sns/SimpleNotificationService-01.pem",
        "http://sns.example.com:8443/sns/SimpleNotificationService-01.pem",
        "https://sns.example.com:8443/sns/../SimpleNotificationService-01.pem",
        "https://sns.example.com:8443/sns/x/SimpleNotificationService-01.pem",
        "https://sns.example.com:8443@evil.example/sns/SimpleNotificationService-01.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-01.pem",
    ];
    for url in untrusted {
        let kind = refused(&verifier, with(&body, "SigningCertURL", Some(url))).await;
        assert_eq!(kind, VerifyErrorKind::UntrustedCertificateUrl, "{url}");
    }
    assert_eq!(source.count(), 1, "no certificate was asked for");
}

#[tokio::test]
async fn a_subscribe_link_that_leads_elsewhere_is_not_handed_out() {
    let elsewhere = [
        "https://evil.example",
        "https://sns.example.com.evil.example",
        "http://sns.example.com",
        "https://sns.example.com:8443",
    ];
    for base in elsewhere {
        let notification = Notification::subscription_confirmation("id", topic(), Timestamp::EPOCH, "2336412f37");
        let body = rendered_at(base, &notification).await;
        let file = fixture::signer().ready_certificate().unwrap();
        let body = with(&body, "SigningCertURL", Some(&format!("{OWN}/{}", file.file_name())));
        let Ok(VerifiedMessage::SubscriptionConfirmation(verified)) = own_verifier().verify(body.as_bytes()).await
        else {
            panic!("not verified: {body}")
        };
        assert_eq!(verified.subscribe_url().unwrap_err().kind(), VerifyErrorKind::ForeignLink, "{base}");
    }
}

#[tokio::test]
async fn an_unsubscribe_link_that_leads_elsewhere_is_not_handed_out() {
    let body = body_of(OWN, "text").await;
    let links = ["https://evil.example/?a", "https://sns.example.com@evil.example/", "https://sns.example.com/ x"];
    for link in links {
        let altered = with(&body, "UnsubscribeURL", Some(link));
        let Ok(VerifiedMessage::Notification(verified)) = own_verifier().verify(altered.as_bytes()).await else {
            panic!("not verified: {altered}")
        };
        assert_eq!(verified.unsubscribe_url().unwrap_err().kind(), VerifyErrorKind::ForeignLink, "{link}");
    }
}
