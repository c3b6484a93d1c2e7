//! The program sends e-mails by the relay that it is given, and says what is missing without one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use fanfare_testkit::SmtpReceiver;

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
    let text = request.text().unwrap();
    let link = text.lines().find(|line| line.starts_with(&program.base)).unwrap();
    assert!(link.contains("/confirmation.html?"), "{link}");
    assert!(program.client.post(link).send().await.unwrap().status().is_success());

    assert_eq!(program.call(&format!("Action=Publish&Message=hello&TopicArn={TOPIC}")).await.0, 200);
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
