//! How relays are spoken to, and which one is asked.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::num::NonZeroUsize;
use std::time::Duration;

use fanfare_core::{Connector as _, DeliveryError, DeliveryErrorKind, Disposition, Protocol};
use fanfare_testkit::{SmtpReceiver, SmtpReply, SmtpStage, TestCa, refused_addr};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use given::{deliver, plain, relay};

/// A failed attempt that is to be repeated.
#[track_caller]
fn assert_retried(error: &DeliveryError, kind: DeliveryErrorKind) {
    assert_eq!((error.kind(), error.disposition()), (kind, Disposition::Retry { after: None }), "{error}");
}

#[tokio::test]
async fn a_login_goes_over_starttls_and_under_tls() {
    let ca = TestCa::new();
    for (receiver, scheme) in
        [(SmtpReceiver::start_starttls(&ca).await, "smtp"), (SmtpReceiver::start_tls(&ca).await, "smtps")]
    {
        receiver.require_login("ann@example.com", "s3cret: /%");
        let url = format!("{scheme}://ann%40example.com:s3cret%3A%20%2F%25@{}", receiver.addr());
        let config = given::config().relay(url.parse().unwrap()).hello("client.example.com");
        let config = config.ca_certificates(ca.certificate_pem()).unwrap();
        let receipt = deliver(&*given::endpoint(config)).await.unwrap();
        assert_eq!((receipt.status(), receipt.response()), (Some(250), Some("2.0.0 taken")));
        assert!(receipt.timing().connect.is_some());
        let mail = &receiver.mails()[0];
        assert!(mail.is_encrypted);
        assert_eq!((mail.user.as_deref(), mail.hello.as_str()), (Some("ann@example.com"), "client.example.com"));
    }
}

#[tokio::test]
async fn each_way_to_log_in_is_used_where_a_relay_offers_no_other() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let receiver = SmtpReceiver::start().await;
        receiver.require_login("ann@example.com", "s3cret: /%");
        receiver.offer_logins([mechanism]);
        let url = format!("smtp://ann%40example.com:s3cret%3A%20%2F%25@{}?starttls=off", receiver.addr());
        let endpoint = given::endpoint(given::config().relay(url.parse().unwrap()));
        deliver(&*endpoint).await.unwrap();
        assert_eq!(receiver.mails()[0].user.as_deref(), Some("ann@example.com"), "{mechanism}");
    }
    let receiver = SmtpReceiver::start().await;
    receiver.require_login("ann", "s3cret");
    receiver.offer_logins(["CRAM-MD5"]);
    let url = format!("smtp://ann:s3cret@{}?starttls=off", receiver.addr());
    let error = deliver(&*given::endpoint(given::config().relay(url.parse().unwrap()))).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Misconfigured);
    assert!(error.to_string().ends_with(": the relay offers no login by plain or login"), "{error}");
}

#[tokio::test]
async fn a_relay_without_starttls_is_told_nothing() {
    let receiver = SmtpReceiver::start().await;
    receiver.require_login("ann", "s3cret");
    let config = given::config().relay(relay("smtp", receiver.addr(), ""));
    let error = deliver(&*given::endpoint(config)).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Tls);
    assert_eq!((receiver.connections(), receiver.attempts()), (1, 0));
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_is_not_trusted_ends_the_attempt() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    let receiver = SmtpReceiver::start_tls(&ca).await;
    let config = given::config().relay(relay("smtps", receiver.addr(), ""));
    let config = config.ca_certificates(other.certificate_pem()).unwrap().only_ca();
    assert_retried(&deliver(&*given::endpoint(config)).await.unwrap_err(), DeliveryErrorKind::Tls);
    assert_eq!(receiver.attempts(), 0);
}

#[tokio::test]
async fn what_somebody_adds_behind_the_answer_to_starttls_is_not_taken_for_the_relays_words() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = given::config().relay(relay("smtp", listener.local_addr().unwrap(), ""));
    let relay = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        for answer in ["220 hello\r\n", "250-hello\r\n250 STARTTLS\r\n", "220 go ahead\r\n250 AUTH PLAIN\r\n"] {
            if !answer.starts_with("220 hello") {
                stream.read_line(&mut String::new()).await.unwrap();
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        rest
    });
    let error = deliver(&*given::endpoint(config)).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Protocol);
    assert_eq!(relay.await.unwrap(), b"", "no handshake begins");
}

#[tokio::test]
async fn a_peer_that_does_not_speak_smtp_is_tried_again() {
    for (scheme, rest) in [("smtp", ""), ("smtp", "?starttls=off")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = given::config().relay(relay(scheme, listener.local_addr().unwrap(), rest));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        assert_retried(&deliver(&*given::endpoint(config)).await.unwrap_err(), DeliveryErrorKind::Protocol);
    }
}

#[tokio::test]
async fn what_a_relay_holds_against_us_is_tried_again() {
    for (reply, kind) in [
        (SmtpReply::say(SmtpStage::Greeting, "554 5.7.1 not you"), DeliveryErrorKind::Misconfigured),
        (SmtpReply::say(SmtpStage::Greeting, "421 4.3.2 not now"), DeliveryErrorKind::Unavailable),
        (SmtpReply::close(SmtpStage::Greeting), DeliveryErrorKind::Interrupted),
        (SmtpReply::say(SmtpStage::Sender, "553 5.7.1 not your address"), DeliveryErrorKind::Misconfigured),
    ] {
        let receiver = SmtpReceiver::start().await;
        receiver.reply_with(reply.clone());
        let endpoint = given::endpoint(given::config().relay(plain(receiver.addr())));
        assert_retried(&deliver(&*endpoint).await.unwrap_err(), kind);
        receiver.reply_with(SmtpReply::accept());
        assert!(deliver(&*endpoint).await.is_ok(), "{reply:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_the_operators_to_mend_and_is_not_shown() {
    let receiver = SmtpReceiver::start().await;
    receiver.require_login("ann", "right");
    let wrong = format!("smtp://ann:s3cret@{}?starttls=off", receiver.addr()).parse().unwrap();
    let error = deliver(&*given::endpoint(given::config().relay(wrong))).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Misconfigured);
    assert_eq!(error.status(), Some(535));
    assert!(!format!("{error} {error:?}").contains("s3cret"));

    let without = SmtpReceiver::start().await;
    let needless = format!("smtp://ann:s3cret@{}?starttls=off", without.addr()).parse().unwrap();
    let error = deliver(&*given::endpoint(given::config().relay(needless))).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Misconfigured);
}

#[tokio::test]
async fn a_session_is_used_again_and_replaced_when_the_relay_has_ended_it() {
    let receiver = SmtpReceiver::start().await;
    let endpoint = given::endpoint(given::config().relay(plain(receiver.addr())));
    for _ in 0..3 {
        deliver(&*endpoint).await.unwrap();
    }
    assert_eq!(receiver.connections(), 1);
    receiver.script([SmtpReply::say(SmtpStage::Recipient, "550 5.1.1 nobody")]);
    deliver(&*endpoint).await.unwrap_err();
    deliver(&*endpoint).await.unwrap();
    assert_eq!(receiver.connections(), 1, "a refusal leaves the session as it is");
    receiver.go_away().await;
    receiver.come_back().await;
    deliver(&*endpoint).await.unwrap();
    assert_eq!(receiver.connections(), 2);
    receiver.script([SmtpReply::say(SmtpStage::Sender, "421 4.4.2 you were idle")]);
    deliver(&*endpoint).await.unwrap();
    assert_eq!((receiver.connections(), receiver.mails().len()), (3, 6));
}

#[tokio::test]
async fn a_session_that_was_idle_for_too_long_is_not_used_again() {
    let receiver = SmtpReceiver::start().await;
    let endpoint = given::endpoint(given::config().relay(plain(receiver.addr())).idle_timeout(Duration::ZERO));
    deliver(&*endpoint).await.unwrap();
    deliver(&*endpoint).await.unwrap();
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn there_are_never_more_connections_than_the_setting_says() {
    let receiver = SmtpReceiver::start().await;
    let config = given::config().relay(plain(receiver.addr())).connections_per_relay(NonZeroUsize::new(2).unwrap());
    let endpoint = given::endpoint(config);
    let mut deliveries = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let endpoint = endpoint.clone();
        deliveries.spawn(async move { deliver(&*endpoint).await.is_ok() });
    }
    assert!(deliveries.join_all().await.into_iter().all(|taken| taken));
    assert_eq!((receiver.mails().len(), receiver.connections()), (20, 2));
}

#[tokio::test]
async fn the_next_relay_is_asked_when_one_is_away_silent_or_refuses_us() {
    let second = SmtpReceiver::start().await;
    let away = given::config().relay(plain(refused_addr())).relay(plain(second.addr()));
    deliver(&*given::endpoint(away)).await.unwrap();
    assert_eq!(second.mails().len(), 1);

    for (count, reply) in [
        SmtpReply::hang(SmtpStage::Greeting),
        SmtpReply::say(SmtpStage::Greeting, "554 5.7.1 not you"),
        SmtpReply::say(SmtpStage::Sender, "451 4.3.0 out of order"),
        SmtpReply::say(SmtpStage::Recipient, "421 4.3.2 closing"),
        SmtpReply::close(SmtpStage::Recipient),
        SmtpReply::close(SmtpStage::Data),
    ]
    .into_iter()
    .enumerate()
    {
        let first = SmtpReceiver::start().await;
        first.reply_with(reply.clone());
        let both = given::config().relay(plain(first.addr())).relay(plain(second.addr()));
        let endpoint = given::endpoint(both.connect_timeout(Duration::from_millis(300)));
        deliver(&*endpoint).await.unwrap();
        assert_eq!((first.connections(), second.mails().len()), (1, count + 2), "{reply:?}");
    }
}

#[tokio::test]
async fn the_next_relay_is_asked_when_one_goes_silent_before_it_has_read_the_e_mail() {
    let limit = Duration::from_secs(2);
    let cases = [SmtpStage::Sender, SmtpStage::Recipient, SmtpStage::Data].map(async |stage| {
        let (first, second) = (SmtpReceiver::start().await, SmtpReceiver::start().await);
        first.reply_with(SmtpReply::hang(stage));
        let both = given::config().relay(plain(first.addr())).relay(plain(second.addr())).command_timeout(limit);
        let endpoint = given::endpoint(both);
        deliver(&*endpoint).await.unwrap();
        assert_eq!((first.attempts(), second.mails().len()), (1, 1), "{stage:?}");
        deliver(&*endpoint).await.unwrap();
        assert_eq!((first.attempts(), second.mails().len()), (1, 2), "it is asked last: {stage:?}");

        let alone = given::config().relay(plain(first.addr())).command_timeout(limit);
        let error = deliver(&*given::endpoint(alone)).await.unwrap_err();
        assert_retried(&error, DeliveryErrorKind::Timeout);
        assert!(error.to_string().ends_with(": no answer came within 2s"), "{error}");
    });
    let [sender, recipient, data] = cases;
    tokio::join!(sender, recipient, data);
}

#[tokio::test]
async fn a_relay_that_is_silent_once_it_has_the_e_mail_may_have_taken_it_and_no_other_one_is_asked() {
    let (first, second) = (SmtpReceiver::start().await, SmtpReceiver::start().await);
    first.reply_with(SmtpReply::hang(SmtpStage::Content));
    let both = given::config().relay(plain(first.addr())).relay(plain(second.addr()));
    let limits = both.command_timeout(Duration::from_secs(2)).attempt_timeout(Duration::from_secs(5));
    let error = deliver(&*given::endpoint(limits)).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Timeout);
    assert!(error.to_string().ends_with(": the relay was not done within 5s"), "{error}");
    assert_eq!((first.attempts(), second.connections()), (1, 0));
}

#[tokio::test]
async fn a_refusal_counts_although_the_relay_is_silent_after_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = given::config().relay(plain(listener.local_addr().unwrap())).command_timeout(Duration::from_secs(1));
    let relay = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 hello\r\n").await.unwrap();
        let mut line = String::new();
        while stream.read_line(&mut line).await.unwrap() > 0 {
            let answer = match &line[..4] {
                "RSET" => "",
                "RCPT" => "550 5.1.1 nobody\r\n",
                _ => "250 fine\r\n",
            };
            stream.write_all(answer.as_bytes()).await.unwrap();
            line.clear();
        }
    });
    let error = deliver(&*given::endpoint(config)).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::NotFound, Disposition::Reject), "{error}");
    relay.await.unwrap();
}

#[tokio::test]
async fn no_other_relay_is_asked_once_the_recipient_was_judged_or_the_e_mail_read() {
    let second = SmtpReceiver::start().await;
    for (reply, kind) in [
        (SmtpReply::say(SmtpStage::Recipient, "450 4.2.0 greylisted"), DeliveryErrorKind::Unavailable),
        (SmtpReply::say(SmtpStage::Recipient, "550 5.1.1 nobody"), DeliveryErrorKind::NotFound),
        (SmtpReply::say(SmtpStage::Content, "451 4.3.0 no room"), DeliveryErrorKind::Unavailable),
        (SmtpReply::close(SmtpStage::Content), DeliveryErrorKind::Interrupted),
    ] {
        let first = SmtpReceiver::start().await;
        first.reply_with(reply);
        let both = given::config().relay(plain(first.addr())).relay(plain(second.addr()));
        assert_eq!(deliver(&*given::endpoint(both)).await.unwrap_err().kind(), kind);
    }
    assert_eq!(second.connections(), 0);
}

#[tokio::test]
async fn a_relay_that_failed_lately_is_asked_after_the_others() {
    let (first, second) = (SmtpReceiver::start().await, SmtpReceiver::start().await);
    let both = given::config().relay(plain(first.addr())).relay(plain(second.addr()));
    let endpoint = given::endpoint(both);
    first.reply_with(SmtpReply::say(SmtpStage::Greeting, "421 4.3.2 not now"));
    deliver(&*endpoint).await.unwrap();
    first.reply_with(SmtpReply::accept());
    deliver(&*endpoint).await.unwrap();
    assert_eq!((first.connections(), second.mails().len()), (1, 2));
    second.go_away().await;
    deliver(&*endpoint).await.unwrap();
    assert_eq!((first.mails().len(), second.mails().len()), (1, 2), "it is asked when nobody else is left");
}

#[tokio::test]
async fn when_every_relay_fails_the_error_tells_of_the_first() {
    let second = SmtpReceiver::start().await;
    second.reply_with(SmtpReply::say(SmtpStage::Greeting, "554 5.7.1 not you"));
    let both = given::config().relay(plain(refused_addr())).relay(plain(second.addr()));
    let error = deliver(&*given::endpoint(both)).await.unwrap_err();
    assert_retried(&error, DeliveryErrorKind::Unreachable);
    assert!(error.to_string().starts_with(&format!("smtp://{}: no connection", refused_addr())), "{error}");
    assert_eq!(second.connections(), 1);
}

#[tokio::test]
async fn an_e_mail_that_the_relay_announces_not_to_take_is_not_sent() {
    let receiver = SmtpReceiver::start().await;
    receiver.announce_size(200);
    let endpoint = given::endpoint(given::config().relay(plain(receiver.addr())));
    let error = deliver(&*endpoint).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::Unsupported, Disposition::Reject));
    assert_eq!(receiver.attempts(), 0);

    let larger = SmtpReceiver::start().await;
    larger.announce_size(1 << 20);
    deliver(&*given::endpoint(given::config().relay(plain(larger.addr())))).await.unwrap();
    let mail = &larger.mails()[0];
    // The line break at the end is part of the message, whether it counts is of no matter.
    let size: usize = mail.parameters.strip_prefix("SIZE=").unwrap().parse().unwrap();
    assert_eq!(size, mail.content.len() - 2);
}

#[tokio::test]
async fn an_address_beyond_ascii_goes_to_relays_that_take_it_alone() {
    let receiver = SmtpReceiver::start().await;
    let connector = given::connector(given::config().relay(plain(receiver.addr())));
    let endpoint = connector.connect(&Protocol::Email, "änn@bücher.example").unwrap();
    deliver(&*endpoint).await.unwrap();
    let mail = &receiver.mails()[0];
    assert_eq!(mail.to, ["änn@xn--bcher-kva.example"]);
    assert_eq!(mail.parameters, "SMTPUTF8 BODY=8BITMIME");
    assert!(mail.text().unwrap().contains("Endpoint=%C3%A4nn%40b%C3%BCcher.example"));

    let receiver = SmtpReceiver::start().await;
    receiver.take_ascii_addresses_alone();
    let connector = given::connector(given::config().relay(plain(receiver.addr())));
    let error = deliver(&*connector.connect(&Protocol::Email, "änn@example.com").unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::Unsupported, Disposition::Reject));
    // With an international domain alone, everything is ASCII on the wire.
    deliver(&*connector.connect(&Protocol::Email, "ann@bücher.example").unwrap()).await.unwrap();
    assert_eq!(receiver.mails()[0].to, ["ann@xn--bcher-kva.example"]);
}
