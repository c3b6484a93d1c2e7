//! The program sends e-mails by the relay that it is given, and says what is missing without one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::{ReceivedMail, SmtpReceiver, TestCa, refused_addr};
use serde_json::Value;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:orders";

/// The running program, which ends with the test.
struct Program {
    child: Child,
    base: String,
    client: reqwest::Client,
}

impl Program {
    fn start(flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        command.args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0"]).args(flags);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn call(&self, query: &str) -> (u16, String) {
        let answer = self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        let answer = answer.body(query.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn subscribe(&self, protocol: &str) -> (u16, String) {
        assert_eq!(self.call("Action=CreateTopic&Name=orders").await.0, 200);
        self.call(&format!("Action=Subscribe&Protocol={protocol}&Endpoint=ann%40example.com&TopicArn={TOPIC}")).await
    }

    /// Presses the button of the request to confirm.
    async fn confirm(&self, request: &ReceivedMail) {
        let text = request.text().unwrap();
        let link = text.lines().find(|line| line.starts_with(&self.base)).unwrap();
        assert!(link.contains("/confirmation.html?"), "{link}");
        assert!(self.client.post(link).send().await.unwrap().status().is_success());
    }

    /// Publishes, and answers the `MessageId`.
    async fn publish(&self, text: &str) -> String {
        let (status, answer) = self.call(&format!("Action=Publish&Message={text}&TopicArn={TOPIC}")).await;
        assert_eq!(status, 200, "{answer}");
        let (_, id) = answer.split_once("<MessageId>").unwrap();
        id.split('<').next().unwrap().to_owned()
    }

    /// When a message was accepted, and when its first attempt began, once the log has it.
    async fn attempted(&self, id: &str) -> (jiff::Timestamp, jiff::Timestamp) {
        let said = async |path: &str| -> Value {
            let answer = self.client.get(format!("{}/fanfare/v1/messages/{id}{path}", self.base)).send().await.unwrap();
            serde_json::from_str(&answer.text().await.unwrap()).unwrap()
        };
        let time = |value: &Value| value.as_str().map(|time| time.parse().unwrap());
        let accepted = time(&said("").await["accepted"]).unwrap();
        let began = Instant::now();
        loop {
            if let Some(started) = time(&said("/attempts").await["attempts"][0]["started"]) {
                return (accepted, started);
            }
            assert!(began.elapsed() < Duration::from_secs(30), "no attempt for {id} is in the log");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A file for the program to read, removed in the end.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, text: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("email-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn without_a_relay_an_address_is_refused_with_the_settings_that_are_missing() {
    let program = Program::start(&[]);
    for protocol in ["email", "email-json"] {
        let (status, answer) = program.subscribe(protocol).await;
        assert_eq!(status, 400);
        let said = format!(
            "<Message>Invalid parameter: Protocol Reason: this server does not deliver over {protocol}: start it with --smtp URL \
             and --email-from ADDRESS</Message>"
        );
        assert!(answer.contains(&said), "{answer}");
    }
}

#[tokio::test]
async fn with_a_relay_the_settings_are_heeded_from_the_request_to_confirm_to_the_message() {
    let relay = SmtpReceiver::start().await;
    let url = format!("smtp://{}?starttls=off", relay.addr());
    let from = ["--email-from", "alerts@example.com", "--email-name", "Example Alerts"];
    let program = Program::start(&[&["--smtp", &url][..], &from].concat());
    assert_eq!(program.subscribe("email").await.0, 200);
    let request = relay.wait_for(1).await.remove(0);
    assert_eq!(request.sender(), Some((Some("Example Alerts".to_owned()), "alerts@example.com".to_owned())));
    program.confirm(&request).await;
    program.publish("hello").await;
    let message = relay.wait_for(2).await.remove(1);
    assert!(message.text().unwrap().starts_with("hello\n\n--\n"));
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_in_amazon_sns_s_words() {
    let relay = SmtpReceiver::start().await;
    let url = format!("smtp://{}?starttls=off", relay.addr());
    let program = Program::start(&["--smtp", &url, "--email-from", "alerts@example.com"]);
    assert_eq!(program.call("Action=CreateTopic&Name=orders").await.0, 200);
    let subscribe = format!("Action=Subscribe&Protocol=email&Endpoint=ann%0D%0Ab%40example.com&TopicArn={TOPIC}");
    let (status, answer) = program.call(&subscribe).await;
    assert!(status == 400 && answer.contains("<Message>Invalid parameter: Email address</Message>"), "{answer}");
}

/// The example of RFC 8410.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----\n\
                       MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                       -----END PRIVATE KEY-----\n";

#[tokio::test]
async fn a_relay_with_a_certificate_of_ones_own_authority_gets_signed_e_mails_over_tls() {
    let ca = TestCa::new();
    let relay = SmtpReceiver::start_starttls(&ca).await;
    let (authority, key) = (TestFile::new("ca.pem", &ca.certificate_pem()), TestFile::new("dkim.pem", ED25519));
    let url = format!("smtp://{}", relay.addr());
    let program = Program::start(
        &[
            &["--smtp", &url, "--email-from", "alerts@example.com", "--smtp-ca", authority.path()][..],
            &["--dkim-key", key.path(), "--dkim-selector", "s1", "--dkim-domain", "example.com"],
        ]
        .concat(),
    );
    assert_eq!(program.subscribe("email").await.0, 200);
    let request = relay.wait_for(1).await.remove(0);
    assert!(request.is_encrypted);
    let signature = request.raw_header("DKIM-Signature").unwrap();
    for part in ["a=ed25519-sha256;", "d=example.com;", "s=s1;"] {
        assert!(signature.contains(part), "{part}: {signature}");
    }
}

#[tokio::test]
async fn the_second_relay_is_used_while_the_first_one_is_away() {
    let second = SmtpReceiver::start().await;
    let [away, there] = [refused_addr(), second.addr()].map(|addr| format!("smtp://{addr}?starttls=off"));
    let program = Program::start(&["--smtp", &away, "--smtp", &there, "--email-from", "alerts@example.com"]);
    assert_eq!(program.subscribe("email").await.0, 200);
    assert_eq!(second.wait_for(1).await[0].to, ["ann@example.com"]);
}

#[tokio::test]
async fn a_subscription_gets_no_more_e_mails_a_second_than_the_setting_says() {
    const COUNT: u16 = 4;

    let relay = SmtpReceiver::start().await;
    let url = format!("smtp://{}?starttls=off", relay.addr());
    let program = Program::start(&["--smtp", &url, "--email-from", "alerts@example.com", "--email-per-second", "1"]);
    assert_eq!(program.subscribe("email").await.0, 200);
    program.confirm(&relay.wait_for(1).await[0]).await;
    let mut ids = Vec::new();
    for number in 0..COUNT {
        ids.push(program.publish(&format!("number-{number}")).await);
    }
    relay.wait_for(1 + usize::from(COUNT)).await;

    // By the program's own log: none of them can begin before the first was accepted, and each takes its second. However slow
    // the machine is, they only come later.
    let (mut accepted, mut started) = (Vec::new(), Vec::new());
    for id in &ids {
        let (at, began) = program.attempted(id).await;
        accepted.push(at);
        started.push(began);
    }
    let (first, last) = (accepted[0], *started.iter().max().unwrap());
    let least = Duration::from_secs(u64::from(COUNT) - 1);
    assert!(Duration::try_from(last - first).unwrap() >= least, "{accepted:?} {started:?}");
}
