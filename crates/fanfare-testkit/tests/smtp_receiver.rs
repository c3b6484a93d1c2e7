//! What the SMTP receiver says to a client that writes every byte itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use fanfare_testkit::{SmtpReceiver, SmtpReply, SmtpStage};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Says all of it, and answers the codes that came back.
async fn codes(receiver: &SmtpReceiver, said: &str) -> Vec<u16> {
    let mut client = TcpStream::connect(receiver.addr()).await.unwrap();
    client.write_all(said.as_bytes()).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answers = String::new();
    client.read_to_string(&mut answers).await.unwrap();
    let last_lines = answers.lines().filter(|line| line.as_bytes().get(3) == Some(&b' '));
    last_lines.map(|line| line[..3].parse().unwrap()).collect()
}

/// The conversation that hands over `content`.
fn mail(content: &str) -> String {
    format!("EHLO me\r\nMAIL FROM:<ann@example.com> SIZE=9\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n{content}\r\n.\r\n")
}

#[tokio::test]
async fn an_e_mail_is_kept_as_it_came_with_its_envelope() {
    let receiver = SmtpReceiver::start().await;
    let content = "Message-ID: <1@example.com>\r\nSubject: =?utf-8?B?w6k=?=\r\n\r\n..dots\r\nend";
    assert_eq!(codes(&receiver, &mail(content)).await, [220, 250, 250, 250, 354, 250]);
    let [mail] = &receiver.mails()[..] else { panic!("there is one e-mail") };
    assert_eq!((mail.from.as_str(), mail.parameters.as_str()), ("ann@example.com", "SIZE=9"));
    assert_eq!(mail.to, ["bob@example.com"]);
    assert_eq!(mail.message_id().as_deref(), Some("1@example.com"));
    assert_eq!(mail.subject().as_deref(), Some("é"));
    assert_eq!(mail.raw_header("Subject").as_deref(), Some("=?utf-8?B?w6k=?="));
    assert_eq!(mail.text().as_deref(), Some(".dots\nend\n"));
    assert_eq!((mail.is_encrypted, mail.user.as_deref(), mail.hello.as_str()), (false, None, "me"));
}

#[tokio::test]
async fn what_smtp_does_not_allow_in_an_e_mail_is_refused() {
    let receiver = SmtpReceiver::start().await;
    for content in ["a\nb", "a\rb", &"x".repeat(999), "é"] {
        let codes = codes(&receiver, &mail(content)).await;
        assert!(codes.last().is_some_and(|code| *code >= 500), "{content:?}: {codes:?}");
    }
    assert!(receiver.mails().is_empty());
    assert_eq!(receiver.attempts(), 4);
    codes(&receiver, &mail(&"x".repeat(998))).await;
    assert_eq!(receiver.mails().len(), 1);
}

#[tokio::test]
async fn replies_take_the_place_of_the_usual_answer_at_their_stage() {
    let receiver = SmtpReceiver::start().await;
    receiver.script([
        SmtpReply::say(SmtpStage::Sender, "450 4.7.1 later"),
        SmtpReply::say(SmtpStage::Recipient, "550 5.1.1 nobody"),
        SmtpReply::say(SmtpStage::Data, "451 4.3.0 no room"),
        SmtpReply::say(SmtpStage::Content, "554 5.7.1 not that"),
        SmtpReply::say(SmtpStage::Sender, "421 4.3.2 closing"),
        SmtpReply::close(SmtpStage::Recipient),
    ]);
    assert_eq!(codes(&receiver, "EHLO me\r\nMAIL FROM:<>\r\nRSET\r\n").await, [220, 250, 450, 250]);
    assert_eq!(
        codes(&receiver, "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@c>\r\nQUIT\r\n").await,
        [220, 250, 250, 550, 221]
    );
    assert_eq!(
        codes(&receiver, "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@c>\r\nDATA\r\n").await,
        [220, 250, 250, 250, 451]
    );
    assert_eq!(codes(&receiver, &mail("hi")).await, [220, 250, 250, 250, 354, 554]);
    assert_eq!(codes(&receiver, "EHLO me\r\nMAIL FROM:<>\r\n").await, [220, 250, 421]);
    assert_eq!(codes(&receiver, "EHLO me\r\nMAIL FROM:<>\r\nRCPT TO:<b@c>\r\n").await, [220, 250, 250]);
    receiver.reply_with(SmtpReply::say(SmtpStage::Greeting, "554 5.3.2 not today"));
    assert_eq!(codes(&receiver, "").await, [554]);
}

#[tokio::test]
async fn a_login_is_asked_for_and_checked() {
    let receiver = SmtpReceiver::start().await;
    receiver.require_login("ann", "s3cret");
    let (right, wrong) = ("AGFubgBzM2NyZXQ=", "AGFubgBvdGhlcg==");
    assert_eq!(codes(&receiver, "EHLO me\r\nMAIL FROM:<>\r\n").await, [220, 250, 530]);
    assert_eq!(codes(&receiver, &format!("EHLO me\r\nAUTH PLAIN {wrong}\r\n")).await, [220, 250, 535]);
    assert_eq!(codes(&receiver, &format!("EHLO me\r\nAUTH PLAIN {right}\r\n")).await, [220, 250, 235]);
    let login = "EHLO me\r\nAUTH LOGIN\r\nYW5u\r\nczNjcmV0\r\nMAIL FROM:<>\r\n";
    assert_eq!(codes(&receiver, login).await, [220, 250, 334, 334, 235, 250]);
}
