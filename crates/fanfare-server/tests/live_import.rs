//! Topics and subscriptions taken over from another server of Amazon SNS's API: moto, from PyPI.
#![cfg(feature = "import")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::HttpReceiver;
use serde_json::Value;
use url::form_urlencoded::Serializer;

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:orders";

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is no concern of the test's.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// moto, with what it was asked to have.
struct Moto {
    _running: Running,
    base: String,
    client: reqwest::Client,
}

impl Moto {
    async fn start() -> Self {
        let python = std::env::var_os("FANFARE_PYTHON").expect("FANFARE_PYTHON is set by `cargo xtask test`");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let running = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let moto =
            Self { _running: Running(running), base, client: reqwest::Client::builder().no_proxy().build().unwrap() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while moto.client.get(format!("{}/moto-api/", moto.base)).send().await.is_err() {
            assert!(Instant::now() < deadline, "moto does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        moto
    }

    /// Does an operation, which has to succeed. moto looks at the credential for the service, and at no signature.
    async fn call(&self, action: &str, parameters: &[(&str, &str)]) {
        let credential =
            "AWS4-HMAC-SHA256 Credential=test/20260102/eu-west-1/sns/aws4_request, SignedHeaders=host, Signature=0";
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let request = self.client.post(&self.base).header("authorization", credential);
        let response =
            request.header("content-type", "application/x-www-form-urlencoded").body(form.finish()).send().await;
        let response = response.unwrap();
        assert!(response.status().is_success(), "{action}: {}", response.text().await.unwrap());
    }
}

/// A server of ours, to which topics come.
struct Target {
    _running: Running,
    base: String,
}

impl Target {
    fn start() -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--listen", "127.0.0.1:0", "--auth", "off", "--egress-allow", "127.0.0.0/8"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { _running: Running(program), base }
    }

    /// Whether a command succeeded, and what it said: first on standard output.
    fn run(&self, arguments: &[&str]) -> (bool, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(arguments)
            .env_clear()
            .envs([("FANFARE_URL", self.base.as_str()), ("AWS_REGION", "eu-west-1")])
            .envs([("AWS_ACCESS_KEY_ID", "123456789012"), ("AWS_SECRET_ACCESS_KEY", "test")])
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    }

    fn import(&self, moto: &Moto, more: &[&str]) -> (bool, String, String) {
        let import = ["import", "--from-region", "eu-west-1", "--from-endpoint", &moto.base];
        self.run(&[&import, more].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (succeeded, out, err) = self.run(&[arguments, &["--output", "json"]].concat());
        assert!(succeeded, "{err}");
        serde_json::from_str(&out).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto from PyPI, which `cargo xtask test` installs"]
async fn topics_and_subscriptions_are_taken_over_once() {
    let (moto, target, receiver) = (Moto::start().await, Target::start(), HttpReceiver::start().await);
    let display = [("Attributes.entry.1.key", "DisplayName"), ("Attributes.entry.1.value", "Orders")];
    let tag = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "shop")];
    moto.call("CreateTopic", &[&[("Name", "orders")], &display[..], &tag[..]].concat()).await;
    let fifo = [("Name", "bills.fifo"), ("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")];
    moto.call("CreateTopic", &fifo).await;
    let url = receiver.url("/in");
    let policy = r#"{"store":["a"]}"#;
    let filter = [("Attributes.entry.1.key", "FilterPolicy"), ("Attributes.entry.1.value", policy)];
    let http = [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", url.as_str())];
    moto.call("Subscribe", &[&http[..], &filter[..]].concat()).await;
    let queue = "arn:aws:sqs:eu-west-1:123456789012:queue";
    moto.call("Subscribe", &[("TopicArn", TOPIC), ("Protocol", "sqs"), ("Endpoint", queue)]).await;

    let (succeeded, plan, err) = target.import(&moto, &["--dry-run"]);
    assert!(succeeded, "{plan}{err}");
    assert!(
        plan.ends_with("4 to create, 0 there already, 0 not taken over.\nNothing was done: this was a dry run.\n"),
        "{plan}"
    );
    assert_eq!(target.json(&["topics", "list"]).as_array().unwrap().len(), 0);

    let (succeeded, plan, err) = target.import(&moto, &["--keep-confirmed"]);
    assert!(succeeded && plan.ends_with("\n4 created.\n"), "{plan}{err}");
    let topic = target.json(&["topics", "show", "orders"]);
    assert_eq!((&topic["arn"], &topic["tags"]["team"]), (&Value::from(TOPIC), &Value::from("shop")));
    assert_eq!(topic["attributes"]["DisplayName"], "Orders");
    assert_eq!(topic["subscriptions"]["confirmed"], 2);
    assert_eq!(target.json(&["topics", "show", "bills.fifo"])["fifo"], true);
    let known = target.json(&["subscriptions", "list", "orders"]);
    let http = known.as_array().unwrap().iter().find(|known| known["protocol"] == "http").unwrap();
    assert_eq!(http["endpoint"], Value::from(url));
    let name = format!("orders/{}", http["id"].as_str().unwrap());
    assert_eq!(target.json(&["subscriptions", "show", &name])["attributes"]["FilterPolicy"], policy);

    let (succeeded, plan, err) = target.import(&moto, &["--keep-confirmed"]);
    assert!(succeeded, "{err}");
    assert!(plan.ends_with("0 to create, 4 there already, 0 not taken over.\n0 created.\n"), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto from PyPI, which `cargo xtask test` installs"]
async fn endpoints_are_asked_to_confirm_unless_the_operator_vouches_for_them() {
    let (moto, target, receiver) = (Moto::start().await, Target::start(), HttpReceiver::start().await);
    moto.call("CreateTopic", &[("Name", "orders")]).await;
    let url = receiver.url("/in");
    moto.call("Subscribe", &[("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", &url)]).await;
    let (succeeded, plan, err) = target.import(&moto, &[]);
    assert!(succeeded, "{err}");
    assert!(plan.contains("its endpoint is asked to confirm"), "{plan}");
    assert_eq!(target.json(&["subscriptions", "list", "orders"])[0]["state"], "pending");
    // moto itself asks nobody.
    let asked = receiver.wait_for(1).await[0].text().to_owned();
    assert!(asked.contains(&format!("{}/?Action=ConfirmSubscription", target.base)), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs moto from PyPI, which `cargo xtask test` installs"]
async fn what_the_server_refuses_is_named_and_the_rest_is_made() {
    let (moto, target) = (Moto::start().await, Target::start());
    moto.call("CreateTopic", &[("Name", "orders")]).await;
    // The metadata of a cloud's machines is no place for subscribers.
    let metadata = [("Protocol", "http"), ("Endpoint", "http://169.254.169.254/latest"), ("TopicArn", TOPIC)];
    moto.call("Subscribe", &metadata).await;
    let (succeeded, plan, err) = target.import(&moto, &[]);
    assert!(!succeeded && plan.ends_with("\n1 created.\n"), "{plan}");
    assert!(err.starts_with("refused orders http http://169.254.169.254/latest: InvalidParameter: "), "{err}");
    assert!(err.ends_with("\nfanfare: 1 could not be created\n"), "{err}");
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let target = Target::start();
    let nobody = format!("http://{}", fanfare_testkit::refused_addr());
    let import = ["import", "--from-region", "eu-west-1", "--from-endpoint", &nobody];
    let (succeeded, _, err) = target.run(&import);
    assert!(!succeeded && err.starts_with("fanfare: the source cannot be asked for topics: "), "{err}");
}
