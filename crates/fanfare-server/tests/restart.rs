//! A server that is stopped while it delivers, and started again on what it kept.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fanfare_testkit::{HttpReceiver, Reply};
use url::form_urlencoded::Serializer;

/// How long what has to happen may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// How many publish at the same time, and how many deliveries there are when the server is stopped.
const PUBLISHERS: usize = 4;
const DELIVERIES: usize = 25;

/// A directory that goes when the test is over.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("restart-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The program over a directory; it ends with the test.
struct Program {
    child: Child,
    base: String,
}

impl Program {
    fn start(directory: &Directory) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--auth", "off", "--listen", "127.0.0.1:0", "--egress-allow", "127.0.0.0/8", "--data"])
            .arg(&directory.0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, base }
    }

    /// Asks it to stop, and waits until it has.
    fn stop(mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already is no concern of the test's.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of an element in the answer to a call that succeeds; nothing when the server is going or gone.
async fn call(base: &str, action: &str, parameters: &[(&str, &str)], element: &str) -> Option<String> {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let operation = [("Action", action), ("Version", "2010-03-31")];
    let form = Serializer::new(String::new()).extend_pairs(operation).extend_pairs(parameters).finish();
    let request = client.post(base).header("content-type", "application/x-www-form-urlencoded").body(form);
    let response = request.send().await.ok()?.error_for_status().ok()?;
    let xml = response.text().await.ok()?;
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    Some(rest.split_once('<')?.0.to_owned())
}

/// The ids of the messages that a receiver got, from its request `from` on.
fn taken(receiver: &HttpReceiver, from: usize) -> BTreeSet<String> {
    let messages = receiver.requests().into_iter().skip(from).map(|request| request.json());
    let messages = messages.filter(|message| message["Type"] == "Notification");
    messages.map(|message| message["MessageId"].as_str().unwrap().to_owned()).collect()
}

async fn soon(what: &str, happens: impl Future<Output = ()>) {
    tokio::time::timeout(DEADLINE, happens).await.unwrap_or_else(|_| panic!("{what} does not happen"));
}

/// Subscribes a receiver over HTTP, confirmed, which is tried again every second.
async fn subscribe(base: &str, topic: &str, receiver: &HttpReceiver) {
    let url = receiver.url("/in");
    let policy = r#"{"healthyRetryPolicy":{"numRetries":100,"minDelayTarget":1,"maxDelayTarget":1}}"#;
    let parameters = [
        ("TopicArn", topic),
        ("Protocol", "http"),
        ("Endpoint", url.as_str()),
        ("Attributes.entry.1.key", "DeliveryPolicy"),
        ("Attributes.entry.1.value", policy),
    ];
    call(base, "Subscribe", &parameters, "SubscriptionArn").await.unwrap();
    let token = receiver.wait_for(1).await[0].json()["Token"].as_str().unwrap().to_owned();
    let confirm = [("TopicArn", topic), ("Token", &token)];
    call(base, "ConfirmSubscription", &confirm, "SubscriptionArn").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_while_it_delivers_loses_nothing() {
    let directory = Directory::new("stopped");
    let program = Program::start(&directory);
    let topic = call(&program.base, "CreateTopic", &[("Name", "orders")], "TopicArn").await.unwrap();
    let (quick, failing, slow) =
        (HttpReceiver::start().await, HttpReceiver::start().await, HttpReceiver::start().await);
    for receiver in [&quick, &failing, &slow] {
        subscribe(&program.base, &topic, receiver).await;
    }
    let works = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&works);
    failing.reply_with(Reply::by(move |_| Reply::status(if state.load(Ordering::SeqCst) { 200 } else { 500 })));
    slow.reply_with(Reply::status(200).after(Duration::from_millis(200)));

    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let (base, topic) = (program.base.clone(), topic.clone());
            tokio::spawn(async move {
                let (mut accepted, mut number) = (BTreeSet::new(), 0);
                loop {
                    let text = format!("{publisher}-{number}");
                    let publish = [("TopicArn", topic.as_str()), ("Message", &text)];
                    let Some(id) = call(&base, "Publish", &publish, "MessageId").await else { return accepted };
                    assert!(accepted.insert(id));
                    number += 1;
                }
            })
        })
        .collect();
    soon("deliveries", async { drop(quick.wait_for(DELIVERIES).await) }).await;
    tokio::task::spawn_blocking(|| program.stop()).await.unwrap();
    let mut accepted = BTreeSet::new();
    for publisher in publishers {
        accepted.extend(publisher.await.unwrap());
    }
    assert!(accepted.len() >= DELIVERIES - PUBLISHERS, "{} messages", accepted.len());
    let before = failing.requests().len();
    works.store(true, Ordering::SeqCst);

    let again = Program::start(&directory);
    // What the failing one got before, it did not take.
    for (name, receiver, from) in [("quick", &quick, 0), ("failing", &failing, before), ("slow", &slow, 0)] {
        let arrived = async {
            let mut known = receiver.requests().len();
            while !accepted.is_subset(&taken(receiver, from)) {
                known += 1;
                receiver.wait_for(known).await;
            }
        };
        soon(&format!("everything at the {name} receiver"), arrived).await;
    }
    tokio::task::spawn_blocking(|| again.stop()).await.unwrap();
}
