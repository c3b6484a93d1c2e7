//! What operators see of a running server: metrics, readiness, logs, delivery status, and traces that go along.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::HttpReceiver;
use fanfare_testkit::http_receiver::Reply;
use serde_json::Value;
use url::form_urlencoded::Serializer;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:orders";
const ROLE: &str = "arn:aws:iam::000000000000:role/feedback";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// How long anything may take to be seen.
const DEADLINE: Duration = Duration::from_secs(20);

/// The program, serving.
struct Program {
    child: Child,
    base: String,
    client: reqwest::Client,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0", "--egress-allow", "127.0.0.0/8"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// The status and the XML of the answer to a call, with these headers.
    async fn call_with(&self, action: &str, parameters: &[(&str, &str)], headers: &[(&str, &str)]) -> (u16, String) {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let mut request = self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.body(form.finish()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        let (status, xml) = self.call_with(action, parameters, &[]).await;
        assert_eq!(status, 200, "{xml}");
        xml
    }

    async fn get(&self, path: &str) -> (u16, String) {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Subscribes a receiver and follows the link that it gets, which is its first request.
    async fn subscribe(&self, receiver: &HttpReceiver, attributes: &[(&str, &str)]) {
        let url = receiver.url("/in");
        let mut parameters = vec![("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", url.as_str())];
        let names: Vec<(String, String)> = (1..=attributes.len())
            .map(|n| (format!("Attributes.entry.{n}.key"), format!("Attributes.entry.{n}.value")))
            .collect();
        for ((key, value), (name, text)) in names.iter().zip(attributes) {
            parameters.extend([(key.as_str(), *name), (value.as_str(), *text)]);
        }
        self.call("Subscribe", &parameters).await;
        let link = receiver.wait_for(1).await[0].json()["SubscribeURL"].as_str().unwrap().to_owned();
        assert_eq!(self.client.get(link).send().await.unwrap().status().as_u16(), 200);
    }

    async fn metrics(&self) -> BTreeMap<String, f64> {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200);
        samples(&text)
    }

    /// The metrics once one of them has that value.
    async fn metrics_when(&self, name: &str, value: f64) -> BTreeMap<String, f64> {
        let began = Instant::now();
        loop {
            let metrics = self.metrics().await;
            if metrics.get(name) == Some(&value) {
                return metrics;
            }
            assert!(began.elapsed() < DEADLINE, "{name} is not {value}: {metrics:#?}");
        }
    }

    fn terminate(&self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
    }

    fn stop(self) -> Output {
        self.terminate();
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success());
        output
    }
}

/// Reads OpenMetrics text and refuses what a strict parser would: samples without a family, families that come twice, samples
/// that come twice, counters that are not called `_total`, buckets that shrink, and a text without an end.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut families: BTreeMap<String, String> = BTreeMap::new();
    let (mut samples, mut family, mut bucket) = (BTreeMap::new(), String::new(), (String::new(), 0.0));
    let body = text.strip_suffix("# EOF\n").expect("the text has an end");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} comes twice");
            family = name.to_owned();
            continue;
        }
        if line.starts_with("# HELP ") || line.starts_with("# UNIT ") {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        let (bare, labels) = name.split_once('{').unwrap_or((name, ""));
        let suffixes: &[&str] = match families[&family].as_str() {
            "counter" => &["_total"],
            "histogram" => &["_sum", "_count", "_bucket"],
            "info" => &["_info"],
            "gauge" => &[""],
            other => panic!("{other}"),
        };
        let known = suffixes.iter().any(|suffix| bare == format!("{family}{suffix}"))
            || (families[&family] == "info" && bare == family);
        assert!(known, "{bare} is not of {family}");
        let value: f64 = value.parse().unwrap();
        if bare.ends_with("_bucket") {
            let series = labels.split(',').filter(|label| !label.starts_with("le=")).collect::<String>();
            assert!(bucket.0 != format!("{bare}{series}") || value >= bucket.1, "{line}");
            bucket = (format!("{bare}{series}"), value);
        }
        assert!(samples.insert(name.to_owned(), value).is_none(), "{name} comes twice");
    }
    samples
}

fn of_orders(name: &str, more: &str) -> String {
    format!("fanfare_{name}{{topic=\"{TOPIC}\"{more}}}")
}

#[tokio::test]
async fn metrics_count_by_amazon_snss_rules() {
    let program = Program::start(&[]);
    program.call("CreateTopic", &[("Name", "orders")]).await;
    let (good, bad, picky) = (HttpReceiver::start().await, HttpReceiver::start().await, HttpReceiver::start().await);
    program.subscribe(&good, &[]).await;
    let policy =
        r#"{"healthyRetryPolicy":{"numRetries":2,"numNoDelayRetries":2,"minDelayTarget":1,"maxDelayTarget":1}}"#;
    program.subscribe(&bad, &[("DeliveryPolicy", policy)]).await;
    program.subscribe(&picky, &[("FilterPolicy", r#"{"colour":["red"]}"#)]).await;
    bad.reply_with(Reply::status(500));

    program.call("Publish", &[("TopicArn", TOPIC), ("Message", "a parcel")]).await;
    let entries = [
        ("TopicArn", TOPIC),
        ("PublishBatchRequestEntries.member.1.Id", "1"),
        ("PublishBatchRequestEntries.member.1.Message", "two"),
        ("PublishBatchRequestEntries.member.2.Id", "2"),
        ("PublishBatchRequestEntries.member.2.Message", "three"),
    ];
    program.call("PublishBatch", &entries).await;
    let (status, _) = program
        .call_with("Publish", &[("TopicArn", "arn:aws:sns:us-east-1:000000000000:none"), ("Message", "x")], &[])
        .await;
    assert_eq!(status, 404);

    // Three messages, each tried three times.
    let failed = of_orders("number_of_notifications_failed_total", ",protocol=\"http\"");
    let metrics = program.metrics_when(&failed, 9.0).await;
    let delivered = of_orders("number_of_notifications_delivered_total", ",protocol=\"http\"");
    let metrics =
        if metrics.get(&delivered) == Some(&3.0) { metrics } else { program.metrics_when(&delivered, 3.0).await };
    let of = |name: &str| metrics.get(&of_orders(name, "")).copied();
    assert_eq!(of("number_of_messages_published_total"), Some(3.0));
    assert_eq!(of("publish_size_bytes_count"), Some(3.0));
    assert_eq!(of("publish_size_bytes_sum"), Some(16.0));
    assert_eq!(of("number_of_notifications_filtered_out_total"), Some(3.0));
    assert_eq!(of("number_of_notifications_filtered_out_no_message_attributes_total"), Some(3.0));
    assert_eq!(of("number_of_notifications_redriven_to_dlq_total"), None);
    let calls = |operation: &str, code: &str| {
        metrics.get(&format!("fanfare_api_calls_total{{operation=\"{operation}\",code=\"{code}\"}}")).copied()
    };
    assert_eq!(calls("Publish", "OK"), Some(1.0));
    assert_eq!(calls("Publish", "NotFound"), Some(1.0));
    assert_eq!(calls("PublishBatch", "OK"), Some(1.0));
    assert_eq!(calls("ConfirmSubscription", "OK"), Some(3.0));
    assert_eq!(metrics["fanfare_approximate_number_of_topics"], 1.0);
    assert_eq!(metrics[r#"fanfare_attempt_duration_seconds_count{protocol="http",result="failure"}"#], 9.0);
    assert!(metrics["process_start_time_seconds"] > 1.7e9);
    program.metrics_when("fanfare_waiting_deliveries", 0.0).await;
    program.stop();
}

#[tokio::test]
async fn topics_beyond_the_bound_are_counted_together() {
    let program = Program::start(&["--metrics-topics", "1"]);
    for name in ["orders", "more", "and-more"] {
        program.call("CreateTopic", &[("Name", name)]).await;
        let topic = format!("arn:aws:sns:us-east-1:000000000000:{name}");
        program.call("Publish", &[("TopicArn", &topic), ("Message", "x")]).await;
    }
    let metrics = program.metrics().await;
    let published: Vec<_> =
        metrics.iter().filter(|(name, _)| name.starts_with("fanfare_number_of_messages_published_total")).collect();
    let expected = [
        (of_orders("number_of_messages_published_total", ""), 1.0),
        ("fanfare_number_of_messages_published_total{topic=\"other\"}".to_owned(), 2.0),
    ];
    assert_eq!(published, expected.iter().map(|(name, value)| (name, value)).collect::<Vec<_>>());
    program.stop();
}

#[tokio::test]
async fn a_server_that_stops_says_so_before_it_takes_no_more_calls() {
    let program = Program::start(&["--shutdown-delay", "600"]);
    assert_eq!(program.get("/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(program.get("/healthz").await, (200, "ok\n".to_owned()));
    program.terminate();
    let began = Instant::now();
    while program.get("/readyz").await != (503, "the server is stopping\n".to_owned()) {
        assert!(began.elapsed() < DEADLINE);
    }
    assert_eq!(program.get("/healthz").await.0, 200);
    program.call("CreateTopic", &[("Name", "orders")]).await;
    // Asked a second time, it does not wait any more.
    program.stop();
}

#[tokio::test]
async fn the_trace_of_a_call_arrives_at_the_receiver() {
    let program = Program::start(&[]);
    program.call("CreateTopic", &[("Name", "orders")]).await;
    let receiver = HttpReceiver::start().await;
    program.subscribe(&receiver, &[]).await;
    let confirmation = &receiver.requests()[0];
    assert_eq!((confirmation.header("traceparent"), confirmation.header("x-amzn-trace-id")), (None, None));

    let xray = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let headers = [("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2"), ("X-Amzn-Trace-Id", xray)];
    let message = [("TopicArn", TOPIC), ("Message", "traced")];
    assert_eq!(program.call_with("Publish", &message, &headers).await.0, 200);
    let traced = receiver.wait_for(2).await.remove(1);
    assert_eq!(traced.header("traceparent"), Some(PARENT));
    assert_eq!(traced.header("tracestate"), Some("a=1,b=2"));
    assert_eq!(traced.header("x-amzn-trace-id"), Some(xray));
    assert!(!traced.text().contains("4bf92f35"));

    let batch = [
        ("TopicArn", TOPIC),
        ("PublishBatchRequestEntries.member.1.Id", "1"),
        ("PublishBatchRequestEntries.member.1.Message", "traced"),
    ];
    let twice = [("traceparent", PARENT), ("traceparent", PARENT), ("X-Amzn-Trace-Id", xray)];
    assert_eq!(program.call_with("PublishBatch", &batch, &twice).await.0, 200);
    let in_batch = receiver.wait_for(3).await.remove(2);
    assert_eq!((in_batch.header("traceparent"), in_batch.header("x-amzn-trace-id")), (None, Some(xray)));
    program.stop();
}

#[tokio::test]
async fn attributes_of_traces_and_delivery_status_are_kept_and_what_they_cannot_be_is_refused() {
    let program = Program::start(&[]);
    program.call("CreateTopic", &[("Name", "orders")]).await;
    let set = async |name: &str, value: &str| {
        let parameters = [("TopicArn", TOPIC), ("AttributeName", name), ("AttributeValue", value)];
        program.call_with("SetTopicAttributes", &parameters, &[]).await
    };
    let kept = [
        ("TracingConfig", "PassThrough"),
        ("HTTPSuccessFeedbackRoleArn", ROLE),
        ("HTTPSuccessFeedbackSampleRate", "100"),
        ("SQSFailureFeedbackRoleArn", ROLE),
        ("LambdaSuccessFeedbackSampleRate", "0"),
        ("FirehoseFailureFeedbackRoleArn", ROLE),
        ("ApplicationFailureFeedbackRoleArn", ROLE),
    ];
    for (name, value) in kept {
        assert_eq!(set(name, value).await.0, 200, "{name}");
    }
    let shown = program.call("GetTopicAttributes", &[("TopicArn", TOPIC)]).await;
    for (name, value) in kept {
        assert!(shown.contains(&format!("<key>{name}</key><value>{value}</value>")), "{name} in {shown}");
    }
    for (name, value, message) in [
        ("TracingConfig", "Active", "TracingConfig: Active is not supported by this server, PassThrough is"),
        ("TracingConfig", "On", "TracingConfig"),
        ("HTTPSuccessFeedbackSampleRate", "101", "HTTPSuccessFeedbackSampleRate"),
        ("HTTPSuccessFeedbackSampleRate", "many", "HTTPSuccessFeedbackSampleRate"),
        ("HTTPFailureFeedbackRoleArn", "arn:aws:sns:us-east-1:000000000000:orders", "HTTPFailureFeedbackRoleArn"),
        ("HTTPFailureFeedbackRoleArn", "arn:aws:iam::1:role/x", "HTTPFailureFeedbackRoleArn"),
    ] {
        let (status, xml) = set(name, value).await;
        assert_eq!(status, 400);
        assert!(xml.contains(&format!("<Message>Invalid parameter: {message}</Message>")), "{xml}");
    }
    assert_eq!(set("HTTPSuccessFeedbackRoleArn", "").await.0, 200);
    let shown = program.call("GetTopicAttributes", &[("TopicArn", TOPIC)]).await;
    assert!(!shown.contains("HTTPSuccessFeedbackRoleArn"));
    program.stop();
}

/// A folder that goes when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("observe-{}-{name}", std::process::id()));
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

/// The names in an object and in the objects of it.
fn shape(value: &Value) -> BTreeSet<String> {
    let Some(members) = value.as_object() else { return BTreeSet::new() };
    let deep = |(name, value): (&String, &Value)| -> Vec<String> {
        let under = shape(value).into_iter().map(|inner| format!("{name}.{inner}"));
        std::iter::once(name.clone()).chain(under).collect()
    };
    members.iter().flat_map(deep).collect()
}

/// Publishes to a receiver that works and one that does not, for a topic that asks for logs, and stops the server.
async fn publish_with_logs(arguments: &[&str], attributes: &[(&str, &str)], messages: usize) -> Output {
    let program = Program::start(arguments);
    program.call("CreateTopic", &[("Name", "orders")]).await;
    for (name, value) in attributes {
        let parameters = [("TopicArn", TOPIC), ("AttributeName", name), ("AttributeValue", value)];
        program.call("SetTopicAttributes", &parameters).await;
    }
    let (good, bad) = (HttpReceiver::start().await, HttpReceiver::start().await);
    program.subscribe(&good, &[]).await;
    program.subscribe(&bad, &[]).await;
    bad.reply_with(Reply::status(403).body("no entry"));
    for _ in 0..messages {
        program.call("Publish", &[("TopicArn", TOPIC), ("Message", "secret-of-the-publisher")]).await;
    }
    #[allow(clippy::cast_precision_loss, reason = "a few messages")]
    let all = messages as f64;
    program.metrics_when(&of_orders("number_of_notifications_failed_total", ",protocol=\"http\""), all).await;
    program.metrics_when(&of_orders("number_of_notifications_delivered_total", ",protocol=\"http\""), all).await;
    program.stop()
}

const LOGGED: [(&str, &str); 3] = [
    ("HTTPSuccessFeedbackRoleArn", ROLE),
    ("HTTPSuccessFeedbackSampleRate", "100"),
    ("HTTPFailureFeedbackRoleArn", ROLE),
];

#[tokio::test]
async fn delivery_status_is_logged_in_amazon_snss_shape() {
    let folder = Folder::new("status");
    publish_with_logs(&["--delivery-log", folder.0.to_str().unwrap()], &LOGGED, 1).await;
    let (good, bad) = (folder.lines("orders.log"), folder.lines("orders/Failure.log"));
    assert_eq!((good.len(), bad.len()), (1, 1));

    let recorded =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fanfare-testkit/vectors/delivery-logs.json"));
    let recorded: Value = serde_json::from_str(&recorded.unwrap()).unwrap();
    let mut expected = shape(&recorded["lambda_success_recorded"]);
    expected.insert("delivery.attempts".to_owned());
    assert_eq!(shape(&good[0]), expected);
    assert_eq!(shape(&bad[0]), expected);
    assert_eq!(good[0]["status"], "SUCCESS");
    assert_eq!(good[0]["delivery"]["statusCode"], 200);
    assert_eq!(good[0]["delivery"]["attempts"], 1);
    assert_eq!(good[0]["notification"]["topicArn"], TOPIC);
    // Of the text above, by md5sum.
    assert_eq!(good[0]["notification"]["messageMD5Sum"], "adfdda1c4ed0dad5f41dffeef710a4dd");
    let time = good[0]["notification"]["timestamp"].as_str().unwrap();
    assert!(jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M:%S%.3f", time).is_ok(), "{time}");
    assert_eq!((&bad[0]["status"], &bad[0]["delivery"]["statusCode"]), (&"FAILURE".into(), &403.into()));
    assert_eq!(bad[0]["delivery"]["providerResponse"], "no entry");
}

#[tokio::test]
async fn delivery_status_of_a_platform_application_is_logged_in_amazon_snss_shape() {
    let folder = Folder::new("application");
    let program = Program::start(&["--outbox", "application", "--delivery-log", folder.0.to_str().unwrap()]);
    let application = [
        ("Name", "shop"),
        ("Platform", "GCM"),
        ("Attributes.entry.1.key", "PlatformCredential"),
        ("Attributes.entry.1.value", "a-key"),
        ("Attributes.entry.2.key", "SuccessFeedbackRoleArn"),
        ("Attributes.entry.2.value", ROLE),
        ("Attributes.entry.3.key", "SuccessFeedbackSampleRate"),
        ("Attributes.entry.3.value", "100"),
        ("Attributes.entry.4.key", "FailureFeedbackRoleArn"),
        ("Attributes.entry.4.value", ROLE),
    ];
    program.call("CreatePlatformApplication", &application).await;
    let arn = "arn:aws:sns:us-east-1:000000000000:app/GCM/shop";
    let device = [("PlatformApplicationArn", arn), ("Token", "a-token")];
    let made = program.call("CreatePlatformEndpoint", &device).await;
    let endpoint = made.split("<EndpointArn>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    program.call("CreateTopic", &[("Name", "orders")]).await;
    program.call("Subscribe", &[("TopicArn", TOPIC), ("Protocol", "application"), ("Endpoint", &endpoint)]).await;

    program.call("Publish", &[("TargetArn", &endpoint), ("Message", "one")]).await;
    program.call("Publish", &[("TopicArn", TOPIC), ("Message", "two")]).await;
    let delivered = "number_of_notifications_delivered_total";
    program.metrics_when(&format!("fanfare_{delivered}{{protocol=\"application\"}}"), 1.0).await;
    program.metrics_when(&of_orders(delivered, ",protocol=\"application\""), 1.0).await;
    fail(&program, "application", &endpoint).await;
    program.call("Publish", &[("TargetArn", &endpoint), ("Message", "three")]).await;
    let failed = "fanfare_number_of_notifications_failed_total{protocol=\"application\"}";
    program.metrics_when(failed, 1.0).await;
    program.stop();

    let recorded =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../fanfare-testkit/vectors/delivery-logs.json"));
    let recorded: Value = serde_json::from_str(&recorded.unwrap()).unwrap();
    let (good, bad) = (folder.lines("app/GCM/shop.log"), folder.lines("app/GCM/shop/Failure.log"));
    assert_eq!((good.len(), bad.len()), (2, 1));
    for (line, kind) in
        [(&good[0], "application_success"), (&good[1], "application_success"), (&bad[0], "application_failure")]
    {
        // Nothing answers for the outbox, so that there is no status.
        let mut expected = shape(&recorded[kind]);
        expected.remove("delivery.statusCode");
        assert_eq!(shape(line), expected);
        assert_eq!(line["status"], recorded[kind]["status"]);
        assert_eq!(line["delivery"]["destination"], endpoint.as_str());
        assert_eq!((&line["delivery"]["token"], &line["delivery"]["attempts"]), (&"a-token".into(), &1.into()));
    }
    assert!(!folder.0.join("sns/us-east-1/000000000000/orders.log").exists());
}

#[tokio::test]
async fn findings_of_data_protection_are_logged_unless_somebody_says_otherwise() {
    for (arguments, count) in [(&[][..], 1), (&["--log-level", "warn"], 0)] {
        let program = Program::start(arguments);
        program.call("CreateTopic", &[("Name", "orders")]).await;
        let policy = r#"{"Name":"n","Version":"2021-06-01","Statement":[{"DataDirection":"Inbound","Principal":["*"],
            "DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],
            "Operation":{"Audit":{"SampleRate":"99",
            "FindingsDestination":{"CloudWatchLogs":{"LogGroup":"/aws/vendedlogs/found"}}}}}]}"#;
        let put = [("ResourceArn", TOPIC), ("DataProtectionPolicy", policy)];
        program.call("PutDataProtectionPolicy", &put).await;
        // Of a hundred messages, one is left out.
        for _ in 0..2 {
            program.call("Publish", &[("TopicArn", TOPIC), ("Message", "write to ann@example.com")]).await;
        }
        let error = String::from_utf8(program.stop().stderr).unwrap();
        let found = error.lines().filter(|line| line.contains("fanfare::data_protection")).count();
        assert_eq!(found.min(1), count, "{error}");
        assert!(!error.contains("ann@example.com"));
    }
}

/// Amazon SNS's own metrics, and where they are here; the first one of a pair is what CloudWatch calls it.
const CLOUDWATCH: [(&str, &str); 19] = [
    ("NumberOfMessagesPublished", "number_of_messages_published"),
    ("NumberOfNotificationsDelivered", "number_of_notifications_delivered"),
    ("NumberOfNotificationsFailed", "number_of_notifications_failed"),
    ("NumberOfNotificationsFilteredOut", "number_of_notifications_filtered_out"),
    ("NumberOfNotificationsFilteredOut-MessageAttributes", "number_of_notifications_filtered_out_message_attributes"),
    ("NumberOfNotificationsFilteredOut-MessageBody", "number_of_notifications_filtered_out_message_body"),
    ("NumberOfNotificationsFilteredOut-InvalidAttributes", "number_of_notifications_filtered_out_invalid_attributes"),
    (
        "NumberOfNotificationsFilteredOut-NoMessageAttributes",
        "number_of_notifications_filtered_out_no_message_attributes",
    ),
    (
        "NumberOfNotificationsFilteredOut-InvalidMessageBody",
        "number_of_notifications_filtered_out_invalid_message_body",
    ),
    ("NumberOfNotificationsRedrivenToDlq", "number_of_notifications_redriven_to_dlq"),
    ("NumberOfNotificationsFailedToRedriveToDlq", "number_of_notifications_failed_to_redrive_to_dlq"),
    ("PublishSize", "publish_size_bytes"),
    ("SMSMonthToDateSpentUSD", "sms_month_to_date_spent_usd"),
    // Of what was delivered and what failed, with `protocol="sms"`.
    ("SMSSuccessRate", "number_of_notifications_delivered"),
    ("NumberOfMessagesPublishedPerAccount", "number_of_messages_published_per_account"),
    ("ApproximateNumberOfTopics", "approximate_number_of_topics"),
    ("ApproximateNumberOfFilterPolicies", "approximate_number_of_filter_policies"),
    ("ApproximateNumberOfPendingSubscriptions", "approximate_number_of_pending_subscriptions"),
    ("CallCount", "api_calls"),
];

/// Subscribes a queue of that name.
async fn subscribe_queue(program: &Program, name: &str, attributes: &[(&str, &str)]) -> String {
    let queue = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
    let mut parameters = vec![("TopicArn", TOPIC), ("Protocol", "sqs"), ("Endpoint", queue.as_str())];
    let names: Vec<(String, String)> = (1..=attributes.len())
        .map(|n| (format!("Attributes.entry.{n}.key"), format!("Attributes.entry.{n}.value")))
        .collect();
    for ((key, value), (name, text)) in names.iter().zip(attributes) {
        parameters.extend([(key.as_str(), *name), (value.as_str(), *text)]);
    }
    let xml = program.call("Subscribe", &parameters).await;
    xml.split("<SubscriptionArn>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Publishes a text with one attribute.
async fn publish_with(program: &Program, text: &str, (name, kind, value): (&str, &str, &str)) {
    let parameters = [
        ("TopicArn", TOPIC),
        ("Message", text),
        ("MessageAttributes.entry.1.Name", name),
        ("MessageAttributes.entry.1.Value.DataType", kind),
        ("MessageAttributes.entry.1.Value.StringValue", value),
    ];
    program.call("Publish", &parameters).await;
}

/// Has the next attempt over `protocol` to `destination` fail for good.
async fn fail(program: &Program, protocol: &str, destination: &str) {
    let body = format!(r#"{{"protocol":"{protocol}","destination":"{destination}","times":1,"kind":"reject"}}"#);
    let request = program.client.post(format!("{}/_fanfare/outbox/fail", program.base)).body(body);
    assert!(request.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn every_metric_of_amazon_sns_is_there_and_counts() {
    let program = Program::start(&["--outbox", "sms,sqs", "--sms-price", "0.0075"]);
    program.call("CreateTopic", &[("Name", "orders")]).await;
    let policy = r#"{"a":["b"]}"#;
    let by_attributes = subscribe_queue(&program, "attributes", &[("FilterPolicy", policy)]).await;
    let body = [("FilterPolicyScope", "MessageBody"), ("FilterPolicy", policy)];
    subscribe_queue(&program, "body", &body).await;
    let dead = "arn:aws:sqs:us-east-1:000000000000:dead";
    let redrive = format!(r#"{{"deadLetterTargetArn":"{dead}"}}"#);
    subscribe_queue(&program, "failing", &[("RedrivePolicy", &redrive)]).await;
    let failing = "arn:aws:sqs:us-east-1:000000000000:failing";
    let asked = [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", "http://127.0.0.1:18080/")];
    program.call("Subscribe", &asked).await;

    program.call("Publish", &[("TopicArn", TOPIC), ("Message", "no JSON, no attributes")]).await;
    let delivered = of_orders("number_of_notifications_delivered_total", ",protocol=\"sqs\"");
    program.metrics_when(&delivered, 1.0).await;
    fail(&program, "sqs", failing).await;
    publish_with(&program, r#"{"a":"z"}"#, ("a", "String", "z")).await;
    program.metrics_when(&of_orders("number_of_notifications_redriven_to_dlq_total", ""), 1.0).await;
    fail(&program, "sqs", failing).await;
    fail(&program, "sqs", dead).await;
    publish_with(&program, r#"{"a":"z"}"#, ("a", "String.Array", "no JSON")).await;
    program.metrics_when(&of_orders("number_of_notifications_failed_to_redrive_to_dlq_total", ""), 1.0).await;
    for _ in 0..2 {
        program.call("Publish", &[("PhoneNumber", "+15550100123"), ("Message", "x")]).await;
    }
    let spent = "fanfare_sms_month_to_date_spent_usd{region=\"us-east-1\",account=\"000000000000\"}";
    let metrics = program.metrics_when(spent, 0.015).await;
    let metrics = if metrics.contains_key("fanfare_number_of_notifications_delivered_total{protocol=\"sms\"}") {
        metrics
    } else {
        program.metrics_when("fanfare_number_of_notifications_delivered_total{protocol=\"sms\"}", 2.0).await
    };

    for (cloudwatch, name) in CLOUDWATCH {
        let counts = metrics.iter().any(|(sample, value)| {
            let bare = sample.split('{').next().unwrap();
            let names = [format!("fanfare_{name}"), format!("fanfare_{name}_total"), format!("fanfare_{name}_count")];
            names.iter().any(|name| name == bare) && *value > 0.0
        });
        assert!(counts, "{cloudwatch} is not there as fanfare_{name}: {metrics:#?}");
    }
    assert_eq!(metrics["fanfare_approximate_number_of_filter_policies"], 2.0);
    assert_eq!(metrics["fanfare_approximate_number_of_pending_subscriptions"], 1.0);
    assert_eq!(metrics["fanfare_number_of_messages_published_per_account_total{account=\"000000000000\"}"], 3.0);
    program.call("Unsubscribe", &[("SubscriptionArn", &by_attributes)]).await;
    program.metrics_when("fanfare_approximate_number_of_filter_policies", 1.0).await;
    program.stop();
}

#[tokio::test]
async fn delivery_status_is_logged_for_those_alone_who_ask_for_it() {
    let folder = Folder::new("asked");
    let arguments = ["--delivery-log", folder.0.to_str().unwrap()];
    publish_with_logs(&arguments, &[("HTTPSuccessFeedbackRoleArn", ROLE), ("HTTPSuccessFeedbackSampleRate", "0")], 2)
        .await;
    assert!(!folder.0.join("sns").exists());
    publish_with_logs(&arguments, &LOGGED[2..], 2).await;
    assert_eq!(folder.lines("orders/Failure.log").len(), 2);
    assert!(!folder.0.join("sns/us-east-1/000000000000/orders.log").exists());
}

#[tokio::test]
async fn files_of_delivery_status_stay_within_their_size() {
    let folder = Folder::new("size");
    let arguments = ["--delivery-log", folder.0.to_str().unwrap(), "--delivery-log-bytes", "1000"];
    publish_with_logs(&arguments, &LOGGED, 12).await;
    let files: BTreeSet<String> = std::fs::read_dir(folder.0.join("sns/us-east-1/000000000000"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, ["orders", "orders.log", "orders.log.1"].map(str::to_owned).into());
    let old = std::fs::metadata(folder.0.join("sns/us-east-1/000000000000/orders.log.1")).unwrap().len();
    assert!((1000..2000).contains(&old), "{old} bytes");
    assert!(folder.lines("orders.log").len() + folder.lines("orders.log.1").len() < 12);
}

#[tokio::test]
async fn the_log_has_calls_failures_and_delivery_status_as_json_and_no_message() {
    let level = "warn,fanfare::api=debug,fanfare::delivery=info";
    let output = publish_with_logs(&["--log-format", "json", "--log-level", level], &LOGGED, 1).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("secret-of-the-publisher"), "{error}");
    // Nothing else stands between them, not even what is said at the start.
    let lines: Vec<Value> = error.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["message"].as_str().unwrap().starts_with("--auth off: signatures are NOT checked"), "{error}");
    let of = |target: &str| lines.iter().filter(|line| line["target"] == target).collect::<Vec<_>>();
    let calls: Vec<_> = of("fanfare::api").iter().map(|line| line["operation"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        calls,
        [
            "CreateTopic",
            "SetTopicAttributes",
            "SetTopicAttributes",
            "SetTopicAttributes",
            "Subscribe",
            "ConfirmSubscription",
            "Subscribe",
            "ConfirmSubscription",
            "Publish"
        ]
    );
    let publish = of("fanfare::api")[8].clone();
    assert_eq!((&publish["account"], &publish["code"]), (&"000000000000".into(), &"OK".into()));
    assert_eq!(publish["request_id"].as_str().unwrap().len(), 36);
    assert!(publish["duration_ms"].as_f64().unwrap() > 0.0);
    let failed = of("fanfare::attempt");
    assert_eq!(failed.len(), 1);
    assert_eq!((&failed[0]["level"], &failed[0]["kind"]), (&"WARN".into(), &"unauthorized".into()));
    let statuses: BTreeSet<String> = of("fanfare::delivery")
        .iter()
        .map(|line| serde_json::from_str::<Value>(line["message"].as_str().unwrap()).unwrap()["status"].to_string())
        .collect();
    assert_eq!(statuses, ["\"FAILURE\"", "\"SUCCESS\""].map(str::to_owned).into());
}
