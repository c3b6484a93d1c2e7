//! The commands for operators, as they are typed: the program against a server of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::{HttpReceiver, Reply};
use serde_json::Value;

const KEY: &str = "AKIDEXAMPLE:a-secret:123456789012";

/// A server that checks signatures; it ends with the test.
struct Server {
    program: Child,
    base: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is no concern of the test's.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// What a command came to.
#[derive(Debug, PartialEq, Eq)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Server {
    fn start() -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--listen", "127.0.0.1:0", "--key", KEY, "--egress-allow", "127.0.0.0/8"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { program, base }
    }

    /// The program with the server's key and nothing else of the test's environment that could matter.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = fanfare(arguments);
        command.env("FANFARE_URL", &self.base).env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        command.env("AWS_SECRET_ACCESS_KEY", "a-secret");
        command
    }

    fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments))
    }

    /// What a command prints that has to succeed.
    fn out(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{arguments:?}");
        done.out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.out(&[arguments, &["--output", "json"]].concat())).unwrap()
    }

    /// What a command prints once it holds `text`.
    fn until(&self, arguments: &[&str], text: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let out = self.out(arguments);
            if out.contains(text) {
                return out;
            }
            assert!(Instant::now() < deadline, "{text:?} never stands in {out}");
        }
    }

    /// Subscribes an endpoint, confirmed, and answers it as TOPIC/ID once the request to confirm was tried.
    fn subscribed(&self, topic: &str, url: &str, more: &[&str]) -> String {
        let create = [&["subscriptions", "create", topic, "http", url, "--confirmed"], more].concat();
        let name = format!("{topic}/{}", self.json(&create)["id"].as_str().unwrap());
        self.until(&["subscriptions", "show", &name, "--output", "json"], "\"waiting\": 0,");
        name
    }
}

fn fanfare(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn done(mut command: Command) -> Done {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

fn filter(arguments: &[&str]) -> Done {
    done(fanfare(&[&["filter"], arguments].concat()))
}

#[test]
fn topics_are_made_listed_shown_and_deleted() {
    let server = Server::start();
    let none = "There are no topics. Make one with `fanfare topics create NAME`.\n";
    let nothing = Done { code: 0, out: String::new(), err: none.to_owned() };
    assert_eq!(server.run(&["topics", "list"]), nothing);
    let shown = server.out(&["topics", "create", "orders", "--attribute", "DisplayName=Orders", "--tag", "team=shop"]);
    let expected = "\
topic          arn:aws:sns:us-east-1:123456789012:orders
subscriptions  0 confirmed, 0 pending
DisplayName    Orders
tags           team=shop
";
    assert_eq!(shown, expected);
    server.out(&["topics", "create", "bills.fifo"]);
    let list = "\
TOPIC       ARN
bills.fifo  arn:aws:sns:us-east-1:123456789012:bills.fifo
orders      arn:aws:sns:us-east-1:123456789012:orders
";
    assert_eq!(server.out(&["topics", "list"]), list);
    assert_eq!(server.out(&["topics", "show", "arn:aws:sns:us-east-1:123456789012:orders"]), expected);
    assert_eq!(server.json(&["topics", "show", "orders"])["tags"]["team"], "shop");

    let one = server.run(&["topics", "list", "--limit", "1"]);
    assert_eq!((one.out.lines().count(), one.err.as_str()), (2, "There are more: ask for them with --limit.\n"));
    server.out(&["topics", "delete", "bills.fifo"]);
    server.out(&["topics", "delete", "orders"]);
    assert_eq!(server.run(&["topics", "list"]), nothing);
}

#[test]
fn lists_longer_than_a_page_are_shown_whole() {
    let server = Server::start();
    server.out(&["topics", "create", "orders"]);
    for n in 0..3 {
        let url = format!("http://127.0.0.1:8080/{n}");
        server.out(&["subscriptions", "create", "orders", "http", &url]);
    }
    let list = server.run(&["subscriptions", "list", "orders", "--limit", "2"]);
    assert_eq!(list.out.lines().count(), 3);
    let endpoints: Vec<_> =
        server.out(&["subscriptions", "list", "orders"]).lines().map(|line| line[38..].to_owned()).collect();
    assert_eq!(
        endpoints,
        [
            "STATE    PROTOCOL  ENDPOINT",
            "pending  http      http://127.0.0.1:8080/0",
            "pending  http      http://127.0.0.1:8080/1",
            "pending  http      http://127.0.0.1:8080/2"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_published_and_asked_after() {
    let (server, receiver) = (Server::start(), HttpReceiver::start().await);
    receiver.reply_with(Reply::by(|request| Reply::status(if request.target == "/gone" { 404 } else { 200 })));
    server.out(&["topics", "create", "orders"]);
    let well = server.subscribed("orders", &receiver.url("/well"), &[]);
    let picky = r#"FilterPolicy={"store":["a"]}"#;
    server.subscribed("orders", &receiver.url("/picky"), &["--attribute", picky]);
    let gone = server.subscribed("orders", &receiver.url("/gone"), &[]);

    let attributes = ["--attribute", "store=b", "--attribute", "price:Number=5"];
    let publish = [&["publish", "orders", "hello", "--subject", "greetings"], &attributes[..]].concat();
    let id = server.out(&publish).trim().to_owned();
    server.until(&["why", &id], "dropped  ");
    let why = server.until(&["why", &id], "delivered  ");
    let lines: Vec<_> = why.lines().collect();
    assert_eq!(lines[0], format!("message   {id}"));
    assert_eq!(lines[1], "topic     arn:aws:sns:us-east-1:123456789012:orders");
    assert!(lines[2].starts_with("accepted  20"), "{why}");
    assert_eq!((lines[3], lines[4]), ("subject   greetings", "size      29 bytes"));
    assert_eq!(lines[6], format!("delivered         http {}", receiver.url("/well")));
    assert!(lines[7].starts_with("                  the endpoint took it 20"), "{why}");
    assert_eq!(lines[9], format!("filtered out      http {}", receiver.url("/picky")));
    let because = "the filter policy as it is now leaves it out: key \"store\": none of [\"a\"] matched \"b\"";
    assert_eq!(lines[10].trim(), because);
    assert_eq!(lines[12], format!("dropped           http {}", receiver.url("/gone")));

    let attempts = server.out(&["attempts", &id]);
    assert_eq!(attempts.lines().count(), 3, "{attempts}");
    assert!(server.out(&["attempts", &well]).contains("200     delivered\n"));
    assert!(server.out(&["subscriptions", "dead-letters", &gone]).contains(&id));
    receiver.reply_with(Reply::status(200));
    assert_eq!(server.out(&["redrive", &gone]), "2 dead letters put back\n");
    server.until(&["why", &id], &format!("delivered         http {}", receiver.url("/gone")));
    let counters = "matched        2\ndelivered      2\nwaiting        0\ndead-lettered  0\ndropped        0\n";
    assert_eq!(server.out(&["counters"]), counters);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_paused_and_resumed() {
    let (server, receiver) = (Server::start(), HttpReceiver::start().await);
    server.out(&["topics", "create", "orders"]);
    let name = server.subscribed("orders", &receiver.url("/in"), &[]);
    assert!(server.out(&["pause", &name]).contains("state         paused\n"));
    let id = server.out(&["publish", "orders", "hello"]).trim().to_owned();
    assert!(server.out(&["why", &id]).contains("it waits: the subscription is paused"));
    server.out(&["resume", &name]);
    server.until(&["why", &id], "delivered  ");
    let refused = server.run(&["replay", &name, "--from", "2026-01-01T00:00:00Z"]);
    let without = "fanfare: InvalidParameter: Invalid parameter: ReplayPolicy Reason: the topic has no ArchivePolicy\n";
    assert_eq!((refused.code, refused.err.as_str()), (1, without));
    server.out(&["subscriptions", "delete", &name]);
    let gone = server.run(&["subscriptions", "show", &name]);
    assert_eq!((gone.code, gone.err.as_str()), (1, "fanfare: NotFound: Subscription does not exist\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_read_from_standard_input() {
    let (server, receiver) = (Server::start(), HttpReceiver::start().await);
    server.out(&["topics", "create", "orders"]);
    server.subscribed("orders", &receiver.url("/in"), &["--attribute", "RawMessageDelivery=true"]);
    let mut command = server.command(&["publish", "orders"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all("żółć\nin two lines\n".as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let requests = receiver.wait_for(2).await;
    assert_eq!(requests[1].text(), "żółć\nin two lines");
}

#[test]
fn who_may_not_ask_is_told_what_to_do() {
    let server = Server::start();
    let mut unsigned = fanfare(&["topics", "list"]);
    unsigned.env("FANFARE_URL", &server.base);
    let said = "fanfare: MissingAuthenticationToken: Request is missing Authentication Token\n\
                This server checks signatures: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that it was started \
                with.\n";
    assert_eq!(done(unsigned), Done { code: 1, out: String::new(), err: said.to_owned() });
    let mut wrong = server.command(&["topics", "list"]);
    wrong.env("AWS_SECRET_ACCESS_KEY", "another");
    let refused = done(wrong);
    assert!(refused.err.starts_with("fanfare: SignatureDoesNotMatch: "), "{refused:?}");
    let advice = "\nSet AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key that the server was started with.\n";
    assert!(refused.err.ends_with(advice), "{refused:?}");
    let mut half = server.command(&["topics", "list"]);
    half.env_remove("AWS_SECRET_ACCESS_KEY");
    assert_eq!(done(half).err, "fanfare: AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not\n");
    let foreign = server.run(&["topics", "delete", "arn:aws:sns:us-east-1:999999999999:orders"]);
    assert!(foreign.err.starts_with("fanfare: AuthorizationError: "), "{foreign:?}");
}

#[test]
fn a_server_that_is_not_there_is_named_with_what_to_do() {
    let nobody = fanfare_testkit::refused_addr();
    let url = format!("http://{nobody}");
    let said = format!(
        "fanfare: no server answers at {url}: start one with `fanfare serve --memory --auth off`, or name another with --url or \
         FANFARE_URL\n"
    );
    let done = done(fanfare(&["topics", "list", "--url", &url]));
    assert_eq!(done, Done { code: 1, out: String::new(), err: said });
}

#[test]
fn a_filter_policy_is_tried_and_its_failing_condition_named() {
    let no = |line: &str| Done { code: 1, out: format!("no match  {line}\n"), err: String::new() };
    let yes = |scope: &str| Done { code: 0, out: format!("match  ({scope})\n"), err: String::new() };
    assert_eq!(filter(&[r#"{"store":["a"]}"#, r#"{"store":"a"}"#]), yes("MessageBody"));
    let because = r#"key "store": none of ["a"] matched "b"  (MessageBody)"#;
    assert_eq!(filter(&[r#"{"store":["a"]}"#, r#"{"store":"b"}"#]), no(because));
    let attributes = r#"{"store":"a","price":4,"tags":["x","y"]}"#;
    assert_eq!(filter(&[r#"{"tags":["y"]}"#, "--attributes", attributes]), yes("MessageAttributes"));
    let because = r#"key "price": none of [{"numeric":[">",5]}] matched 4  (MessageAttributes)"#;
    assert_eq!(filter(&[r#"{"price":[{"numeric":[">",5]}]}"#, "--attributes", attributes]), no(because));
    let as_the_aws_cli = r#"{"store":{"DataType":"String","StringValue":"a"}}"#;
    assert_eq!(filter(&[r#"{"store":["a"]}"#, "--attributes", as_the_aws_cli]), yes("MessageAttributes"));
    let both = [r#"{"store":["a"]}"#, r#"{"store":"a"}"#, "--attributes", "{}", "--scope", "MessageBody"];
    assert_eq!(filter(&both), yes("MessageBody"));
    let json = filter(&[r#"{"store":["a"]}"#, "{}", "--output", "json"]);
    let verdict: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &verdict["reason"]), (1, &Value::from("MessageBody")));
}

#[test]
fn a_filter_policy_that_cannot_be_tried_is_an_error_of_its_own() {
    for (arguments, said) in [
        (vec![r#"{"store":"a"}"#, "{}"], "Invalid parameter: FilterPolicy: \"store\" must be an object or an array\n"),
        (vec!["{", "{}"], "Invalid parameter: FilterPolicy: failed to parse JSON."),
        (
            vec!["{}", "{}", "--scope", "Everything"],
            "Invalid parameter: FilterPolicyScope: Invalid value [Everything].",
        ),
        (vec!["{}", "--attributes", "[]"], "--attributes: "),
        (
            vec!["{}", "--attributes", r#"{"a":null}"#],
            "--attributes: the value of a must be a text, a number or an array\n",
        ),
        (vec!["@/there/is/no/such/file", "{}"], "POLICY @/there/is/no/such/file cannot be read: "),
    ] {
        let done = filter(&arguments);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{done:?}");
        assert!(done.err.starts_with(&format!("fanfare: {said}")), "{done:?}");
    }
}
