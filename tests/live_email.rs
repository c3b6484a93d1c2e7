//! E-mails through Postfix, read by Python: over STARTTLS, after a login, signed, put off and while the server is away.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "live/postfix.rs"]
mod postfix;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare::attempt::Next;
use fanfare::email::{Dkim, EmailConfig};
use fanfare::engine::{Progress, Watch};
use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::subscription::SubscriptionState;
use fanfare::wire::Signer;
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe, SubscriptionArn, TopicArn, TopicSettings};
use fanfare_server::links;
use fanfare_testkit::TestCa;
use serde_json::Value;
use tokio::net::TcpListener;

use postfix::Postfix;

/// An engine that sends by Postfix, and the pages behind its links.
struct Scene {
    postfix: Postfix,
    fanfare: Fanfare,
    topic: TopicArn,
    base: String,
}

impl Scene {
    async fn start() -> Self {
        Self::signing(None, "").await
    }

    /// With a key, and what the DNS would say of it.
    async fn signing(dkim: Option<Dkim>, record: &str) -> Self {
        let ca = TestCa::new();
        let postfix = Postfix::start(&ca, record).await;
        let email = EmailConfig::new("alerts@example.com").unwrap().relay(postfix.url().parse().unwrap());
        let email = email.ca_certificates(ca.certificate_pem()).unwrap().only_ca().per_second(None);
        let email = match dkim {
            Some(dkim) => email.dkim(dkim),
            None => email,
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let signer = Signer::ephemeral();
        let adapters = Adapters::new(&base).unwrap().signer(signer.clone()).email(email);
        let fanfare = Fanfare::builder().connectors(adapters.connectors().unwrap()).open();
        let router = links::router(fanfare.clone(), signer);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let settings = TopicSettings::new().display_name("Zürich Parcels");
        let topic = fanfare.create_topic_with("orders", settings).await.unwrap();
        Self { postfix, fanfare, topic, base }
    }

    /// Retried soon, where nobody wants to wait for Amazon SNS's 10 seconds.
    async fn subscribe(&self, protocol: Protocol, address: &str) -> SubscriptionArn {
        let soon = RetrySchedule::extended([RetryPhase::constant(600, Duration::from_millis(100))]).unwrap();
        let subscribe = Subscribe::to(protocol, address).retry(soon);
        self.fanfare.subscribe(&self.topic, subscribe).await.unwrap()
    }

    /// Reads the request to confirm, looks at its page, and presses the button.
    async fn confirm(&self, mailbox: &str, arn: &SubscriptionArn) {
        let state = || self.fanfare.subscription(arn).unwrap().state();
        let request = self.postfix.wait_for(mailbox, 1).await.remove(0);
        let link =
            request["text"].as_str().unwrap().lines().find(|line| line.starts_with(&self.base)).unwrap().to_owned();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        assert!(client.get(&link).send().await.unwrap().status().is_success());
        assert!(matches!(state(), SubscriptionState::Pending { .. }), "a look confirms nothing");
        assert!(client.post(&link).send().await.unwrap().status().is_success());
        assert_eq!(state(), SubscriptionState::Confirmed);
    }
}

/// The Python with the packages of the tests.
fn python() -> PathBuf {
    let python = std::env::var_os("FANFARE_PYTHON").map(PathBuf::from);
    python.expect("FANFARE_PYTHON is not set: run this test by `cargo xtask test`")
}

/// How long something may take that should happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an attempt that is to be repeated.
async fn a_failed_attempt(watch: &mut Watch) {
    let failed = async {
        while !matches!(watch.next().await.unwrap(), Progress::Attempted(a) if matches!(a.next, Next::Retry { .. })) {}
    };
    tokio::time::timeout(PATIENCE, failed).await.expect("an attempt fails");
}

/// What signs e-mails.
#[derive(Debug, Clone, Copy)]
enum KeyKind {
    Rsa,
    Ed25519,
}

/// A private key in PEM, and the record of its public half.
fn dkim_key(kind: KeyKind) -> (String, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("dkim-{}-{kind:?}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("key.pem");
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).arg(&file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    match kind {
        KeyKind::Rsa => openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"]),
        KeyKind::Ed25519 => openssl(&["genpkey", "-algorithm", "ED25519", "-out"]),
    };
    let public = openssl(&["pkey", "-pubout", "-outform", "DER", "-in"]);
    let key = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let record = match kind {
        KeyKind::Rsa => format!("v=DKIM1; k=rsa; p={}", BASE64_STANDARD.encode(public)),
        // The record has the 32 bytes of the key alone (RFC 8463), which stand last.
        KeyKind::Ed25519 => format!("v=DKIM1; k=ed25519; p={}", BASE64_STANDARD.encode(&public[public.len() - 32..])),
    };
    (key, record)
}

#[tokio::test]
#[ignore = "needs postfix, and dkimpy from PyPI"]
async fn both_protocols_arrive_confirmed_by_the_button_over_starttls_and_signed() {
    let (key, record) = dkim_key(KeyKind::Rsa);
    let scene = Scene::signing(Some(Dkim::new("example.com", "s1", &key).unwrap()), &record).await;
    let [ann, inbox] = [
        scene.subscribe(Protocol::Email, "ann@example.com").await,
        scene.subscribe(Protocol::EmailJson, "inbox@example.com").await,
    ];
    scene.confirm("ann", &ann).await;
    scene.confirm("inbox", &inbox).await;

    let text = "żółć 🦀\nFrom here on\n.\n\ttab \nend";
    let message = Message::builder(text).subject("Paket № 7").string("store", "example").build().unwrap();
    let report = scene.fanfare.publish(&scene.topic, message).await.unwrap().settled().await;
    assert_eq!(report.delivered(), 2, "{report:?}");
    let mail = scene.postfix.wait_for("ann", 2).await.into_iter().find(|mail| mail["subject"] == "Paket № 7").unwrap();
    assert_eq!(mail["from"], serde_json::json!(["Zürich Parcels", "alerts@example.com"]));
    assert_eq!(mail["to"], "ann@example.com");
    assert!(mail["text"].as_str().unwrap().starts_with(&format!("{text}\n\n--\n")), "{mail}");
    assert!(mail["list_unsubscribe"].as_str().unwrap().starts_with(&format!("<{}/unsubscribe.html?", scene.base)));
    assert!(mail["received"].as_str().unwrap().contains("ESMTPSA"), "over TLS, after a login: {mail}");
    assert_eq!(mail["defects"], serde_json::json!([]));

    let json =
        scene.postfix.wait_for("inbox", 2).await.into_iter().find(|mail| mail["subject"] == "Paket № 7").unwrap();
    let (envelope, _) = json["text"].as_str().unwrap().split_once("\n\n--\n").unwrap();
    let envelope: Value = serde_json::from_str(envelope).unwrap();
    assert_eq!((&envelope["Message"], &envelope["Type"]), (&Value::from(text), &Value::from("Notification")));
    assert_eq!(envelope["MessageAttributes"]["store"]["Value"], "example");
    for mail in [mail, json] {
        assert_eq!(mail["signed"], true, "by {record}: {mail}");
    }
}

#[tokio::test]
#[ignore = "needs postfix, and dkimpy and PyNaCl from PyPI"]
async fn a_signature_by_ed25519_is_right_and_by_another_key_it_is_not() {
    let (key, record) = dkim_key(KeyKind::Ed25519);
    let (_, other) = dkim_key(KeyKind::Ed25519);
    for (record, is_right) in [(record, true), (other, false)] {
        let scene = Scene::signing(Some(Dkim::new("example.com", "s1", &key).unwrap()), &record).await;
        scene.subscribe(Protocol::Email, "ann@example.com").await;
        let request = scene.postfix.wait_for("ann", 1).await.remove(0);
        assert_eq!(request["signed"], is_right, "by {record}: {request}");
    }
}

#[tokio::test]
#[ignore = "needs postfix"]
async fn what_the_server_has_taken_is_its_own_to_bring_on_however_long_it_takes() {
    let scene = Scene::start().await;
    let ann = Subscribe::to(Protocol::Email, "ann@example.com").confirmed();
    scene.fanfare.subscribe(&scene.topic, ann).await.unwrap();
    let mut watch = scene.fanfare.watch();

    scene.postfix.keep_back(true);
    let published = scene.fanfare.publish(&scene.topic, Message::text("patience").unwrap()).await.unwrap();
    assert_eq!(published.settled().await.delivered(), 1);
    scene.postfix.wait_until_logged("status=deferred (deferred transport)", 1).await;
    assert_eq!(scene.postfix.deferred(), ["ann@example.com"]);
    assert_eq!(scene.postfix.logged("status=sent"), 0);

    scene.postfix.keep_back(false);
    scene.postfix.flush();
    let mails = scene.postfix.wait_for("ann", 1).await;
    scene.postfix.wait_until_logged("removed", 1).await;
    assert!(mails[0]["text"].as_str().unwrap().starts_with("patience\n"), "{mails:?}");
    assert_eq!(scene.postfix.deferred(), [""; 0], "nothing is left that could come once more");
    let mut statuses = Vec::new();
    while let Some(progress) = watch.try_next() {
        if let Progress::Attempted(attempt) = progress {
            statuses.push(attempt.status);
        }
    }
    assert_eq!(statuses, [Some(250)], "it was handed over once");
    assert_eq!(scene.postfix.wait_for("ann", 1).await.len(), 1);
}

#[tokio::test]
#[ignore = "needs postfix"]
async fn what_the_server_puts_off_is_tried_again_and_what_it_refuses_is_not() {
    let scene = Scene::start().await;
    let ann = scene.subscribe(Protocol::Email, "ann@example.com").await;
    scene.confirm("ann", &ann).await;
    let nobody = Subscribe::to(Protocol::Email, "nobody@example.com").confirmed();
    scene.fanfare.subscribe(&scene.topic, nobody).await.unwrap();

    scene.postfix.put_off(&["ann@example.com"]);
    let published = scene.fanfare.publish(&scene.topic, Message::text("patience").unwrap()).await.unwrap();
    scene.postfix.wait_until_logged("450 4.2.0", 2).await;
    scene.postfix.put_off(&[]);
    let report = published.settled().await;
    assert_eq!((report.delivered(), report.dropped()), (1, 1), "{report:?}");
    assert_eq!(scene.postfix.wait_for("ann", 2).await.len(), 2);
    assert_eq!(scene.postfix.logged("550 5.1.1 <nobody@example.com>"), 1, "a refusal is final");
}

#[tokio::test]
#[ignore = "needs postfix"]
async fn nothing_is_lost_while_the_server_is_stopped_in_the_middle() {
    const COUNT: usize = 60;

    let scene = Scene::start().await;
    let ann = scene.subscribe(Protocol::Email, "ann@example.com").await;
    scene.confirm("ann", &ann).await;
    let (mut published, mut watch) = (Vec::new(), scene.fanfare.watch());
    for number in 0..COUNT {
        let message = Message::text(format!("message {number}")).unwrap();
        published.push(scene.fanfare.publish(&scene.topic, message).await.unwrap());
        if number == COUNT / 2 {
            scene.postfix.wait_for("ann", 2).await;
            scene.postfix.stop();
            watch = scene.fanfare.watch();
        }
    }
    a_failed_attempt(&mut watch).await;
    scene.postfix.run();
    for published in published {
        assert_eq!(published.settled().await.delivered(), 1);
    }
    assert!(scene.fanfare.counters().await.unwrap().balance());
    let expected: BTreeSet<_> = (0..COUNT).map(|number| format!("message {number}")).collect();
    // A mail whose answer was lost comes twice, so that the count alone says nothing.
    let mut count = COUNT + 1;
    loop {
        let mails = scene.postfix.wait_for("ann", count).await;
        let texts = mails.iter().filter_map(|mail| mail["text"].as_str()?.lines().next().map(str::to_owned));
        let missing: Vec<_> = expected.difference(&texts.collect()).cloned().collect();
        if missing.is_empty() {
            return;
        }
        count = mails.len() + 1;
    }
}
