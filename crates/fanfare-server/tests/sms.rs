//! The program sends text messages by the way that it is given, keeps what networks say later, and says what is missing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::{SmppBehaviour, SmppReceiver, SmsGateway};
use serde_json::Value;

const NUMBER: &str = "+12025550123";
const LOOPBACK: [&str; 2] = ["--egress-allow", "127.0.0.0/8"];

/// How long something may take that nobody tells the end of.
const PATIENCE: Duration = Duration::from_secs(10);

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

    /// Publishes to the number, and gives the `MessageId`.
    async fn publish(&self, text: &str) -> String {
        let (status, answer) = self.call(&format!("Action=Publish&PhoneNumber=%2B12025550123&Message={text}")).await;
        assert_eq!(status, 200, "{answer}");
        answer.split_once("<MessageId>").unwrap().1.split_once("</MessageId>").unwrap().0.to_owned()
    }

    /// What is told of a message, once it has `words` in it.
    async fn told(&self, message_id: &str, words: &str) -> String {
        let began = Instant::now();
        loop {
            let url = format!("{}/fanfare/v1/messages/{message_id}", self.base);
            let told: Value =
                serde_json::from_str(&self.client.get(url).send().await.unwrap().text().await.unwrap()).unwrap();
            let because = told["subscriptions"][0]["because"].as_str().unwrap_or_default().to_owned();
            if because.contains(words) {
                return because;
            }
            assert!(began.elapsed() < PATIENCE, "{told}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What SIGTERM asks for, and that it is done.
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn without_a_way_a_number_is_refused_with_the_setting_that_is_missing() {
    let program = Program::start(&[]);
    let (status, answer) = program.call("Action=Publish&PhoneNumber=%2B12025550123&Message=hello").await;
    assert_eq!(status, 400);
    let said = "<Message>Invalid parameter: PhoneNumber Reason: this server has nothing that delivers over sms: start it with \
                --sms URL, or for tests, start it with --outbox sms</Message>";
    assert!(answer.contains(said), "{answer}");
}

#[tokio::test]
async fn over_smpp_the_settings_are_heeded_and_what_the_network_says_is_told_and_logged() {
    let network = SmppReceiver::start().await;
    network.only("fanfare", "s3cret");
    network.tell("DELIVRD");
    let folder = Folder::new("smpp");
    let url = format!("smpp://fanfare:s3cret@{}", network.addr());
    let flags = ["--sms", &url, "--sms-sender", "ACME", "--sms-receipts", "--sms-price", "0.0075"];
    let program = Program::start(&[&flags[..], &LOOPBACK, &["--delivery-log", folder.0.to_str().unwrap()]].concat());
    let role = "arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Flogs";
    let set = format!(
        "Action=SetSMSAttributes&attributes.entry.1.key=DeliveryStatusIAMRole&attributes.entry.1.value={role}\
         &attributes.entry.2.key=DeliveryStatusSuccessSamplingRate&attributes.entry.2.value=100\
         &attributes.entry.3.key=DefaultSMSType&attributes.entry.3.value=Transactional"
    );
    assert_eq!(program.call(&set).await.0, 200);

    let id = program.publish(&"hello+".repeat(40)).await;
    let because = program.told(&id, "its network said: the phone has it (DELIVRD)").await;
    assert!(because.starts_with("the endpoint took it"), "{because}");
    let message = &network.messages()[0];
    assert_eq!((message.to.as_str(), message.from.as_str(), message.parts), ("12025550123", "ACME", 2));

    network.behave(SmppBehaviour::Status(0x0b));
    let id = program.publish("nobody").await;
    program.told(&id, "invalid phone number: the smsc knows no such number").await;
    program.stop();

    let good = folder.lines("DirectPublishToPhoneNumber.log");
    assert_eq!(good.len(), 2);
    for line in &good {
        assert_eq!(line["status"], "SUCCESS");
        assert_eq!(
            (&line["delivery"]["destination"], &line["delivery"]["numberOfMessageParts"]),
            (&NUMBER.into(), &2.into())
        );
        assert_eq!(line["delivery"]["priceInUSD"], 0.015);
    }
    // The network can be quicker to tell of the phone than the store is to keep that the network has the message.
    let of = |is_receipt: bool| {
        let mut lines = good.iter().map(|line| &line["delivery"]);
        lines.find(|line| line["dwellTimeMsUntilDeviceAck"].is_u64() == is_receipt).expect("there is one of each")
    };
    let (taken, received) = (of(false), of(true));
    assert!(taken["providerResponse"].as_str().unwrap().starts_with("Message has been accepted by phone carrier: "));
    assert!(taken["dwellTimeMs"].is_u64() && taken["smsType"] == "Transactional", "{taken}");
    assert!(received["dwellTimeMsUntilDeviceAck"].is_u64(), "{received}");
    let bad = folder.lines("DirectPublishToPhoneNumber/Failure.log");
    assert_eq!((bad.len(), &bad[0]["delivery"]["providerResponse"]), (1, &"Invalid phone number".into()));

    // Every member of theirs is one that Amazon SNS has.
    let recorded = concat!(env!("CARGO_MANIFEST_DIR"), "/../fanfare-testkit/vectors/delivery-logs.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(recorded).unwrap()).unwrap();
    for line in good.iter().chain(&bad) {
        for part in ["notification", "delivery"] {
            for name in line[part].as_object().unwrap().keys() {
                assert!(recorded["sms_success"][part].get(name).is_some(), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn gateways_tell_receipts_by_their_links() {
    let kannel = SmsGateway::start_kannel("fanfare", "s3cret").await;
    let url = kannel.url().replacen("http://", "kannel+http://fanfare:s3cret@", 1);
    let program = Program::start(&[&["--sms", &url, "--sms-receipts"][..], &LOOPBACK].concat());
    let id = program.publish("hello").await;
    program.told(&id, "the endpoint took it").await;
    let link = kannel.messages()[0].receipts.clone().unwrap();
    assert!(link.starts_with(&format!("{}/_fanfare/sms/kannel/", program.base)), "{link}");
    let told = link.replace("%d", "16").replace("%F", "9").replace("%A", "rejected");
    assert_eq!(program.client.get(&told).send().await.unwrap().status(), 204);
    program.told(&id, "the phone has it not: Phone carrier has blocked this message (rejected)").await;
    // A link that nobody was given changes nothing, and gives nothing away.
    let forged = told.replace("/kannel/", "/kannel/x");
    assert_eq!(program.client.get(forged.replace("state=16", "state=1")).send().await.unwrap().status(), 204);
    program.told(&id, "the phone has it not").await;

    let account = "AC0123456789abcdef0123456789abcdef";
    let twilio = SmsGateway::start_twilio(account, "s3cret").await;
    let url = twilio.url().replacen("http://", &format!("twilio+http://{account}:s3cret@"), 1);
    let program = Program::start(&[&["--sms", &url, "--sms-receipts"][..], &LOOPBACK].concat());
    let id = program.publish("hello").await;
    program.told(&id, "the endpoint took it").await;
    let link = twilio.messages()[0].receipts.clone().unwrap();
    let form = "MessageSid=SM1&MessageStatus=delivered";
    let post = program.client.post(&link).header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(post.send().await.unwrap().status(), 204);
    program.told(&id, "the phone has it").await;
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused_and_show_no_secret() {
    for (flags, words) in [
        (&["--sms", "http://zoe:s3cret@gateway.example.com"][..], "--sms: the way to phones must begin with smpp://"),
        (
            &["--sms", "smpp://zoe:s3cret-too-long@smsc.example.com"],
            "--sms: the password of a network must have at most 8",
        ),
        (
            &["--sms", "smpp://zoe:s3cret@smsc", "--sms-sender", "far-too-long"],
            "--sms-sender: \"far-too-long\": the sender is",
        ),
        (&["--sms", "sns://us-east-1", "--sms-receipts"], "--sms-receipts: amazon sns tells no receipts"),
        (&["--sms-receipts"], "--sms-receipts: it has no use without --sms"),
        (&["--sms", "smpp://zoe:s3cret@smsc", "--sms-ca", "/nonexistent.pem"], "--sms-ca: /nonexistent.pem: "),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        let output = command.args(["config", "check", "--memory", "--auth", "off"]).args(flags).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
        assert!(!output.status.success() && said.contains(words), "{flags:?}: {said}");
        assert!(!said.contains("s3cret"), "{said}");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    let fine = ["config", "check", "--memory", "--auth", "off", "--sms", "smpp://zoe:s3cret@smsc.example.com"];
    let output = command.args(fine).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("sms") && !said.contains("s3cret"), "{said}");
}

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sms-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.0.join("sns/us-east-1/000000000000").join(file)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
