//! Invocations of functions behind servers that others wrote.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/aws_server.rs"]
mod aws_server;
#[path = "live/lambda_watch.rs"]
mod lambda_watch;

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fanfare::attempt::Next;
use fanfare::aws::AwsConfig;
use fanfare::engine::{Progress, Report, Watch};
use fanfare::lambda::{FunctionNames, LambdaConfig};
use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::subscription::SubscriptionState;
use fanfare::{Adapters, Fanfare, Message, Protocol, Published, Subscribe, TopicArn};
use fanfare_tests::{Served, loopback};
use serde_json::{Value, json};

use aws_server::{AwsServer, Kind, Prepared, recording};
use lambda_watch::LambdaWatch;

/// How long something may take that should happen.
const PATIENCE: Duration = Duration::from_secs(60);
const BASE: &str = "https://sns.example.com";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:thumbnails";

fn engine(aws: AwsConfig, names: FunctionNames) -> Fanfare {
    let lambda = LambdaConfig::new().function_names(names);
    let adapters = Adapters::new(BASE).unwrap().aws(aws).lambda(lambda);
    Fanfare::builder().connectors(adapters.connectors().unwrap()).open()
}

/// A retry each tenth of a second.
fn soon() -> RetrySchedule {
    RetrySchedule::extended([RetryPhase::constant(10_000, Duration::from_millis(100))]).unwrap()
}

async fn publish(fanfare: &Fanfare, topic: &TopicArn, numbers: std::ops::Range<usize>) -> Vec<Published> {
    let mut published = Vec::new();
    for number in numbers {
        published.push(fanfare.publish(topic, Message::text(format!("message {number:02}")).unwrap()).await.unwrap());
    }
    published
}

async fn all_delivered(published: &[Published]) {
    for message in published {
        assert_eq!(settled(message).await.delivered(), 1);
    }
}

async fn settled(published: &Published) -> Report {
    tokio::time::timeout(PATIENCE, published.settled()).await.expect("the message ends everywhere")
}

async fn a_failed_attempt(watch: &mut Watch) {
    let failed = async {
        loop {
            if let Progress::Attempted(attempt) = watch.next().await.expect("the engine runs")
                && matches!(attempt.next, Next::Retry { .. })
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.expect("an attempt fails");
}

fn expected(numbers: std::ops::Range<usize>) -> BTreeSet<String> {
    numbers.map(|number| format!("message {number:02}")).collect()
}

/// What makes moto have the function `thumbnails` with an alias `live`, run nothing of it, and record from then on.
fn a_function_of_moto() -> Vec<Prepared> {
    let json = [("Content-Type", "application/json")];
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let role = "Action=CreateRole&Version=2010-05-08&RoleName=runner&AssumeRolePolicyDocument=%7B%7D";
    let function = json!({
        "FunctionName": "thumbnails", "Runtime": "python3.12", "Handler": "index.handler", "Publish": true,
        "Role": "arn:aws:iam::123456789012:role/runner", "Code": { "ZipFile": BASE64_STANDARD.encode("no code") },
    });
    let alias = json!({ "Name": "live", "FunctionVersion": "1" });
    let functions = "/2015-03-31/functions";
    vec![
        Prepared::new("none", "/moto-api/config", &json, r#"{"lambda": {"use_docker": false}}"#),
        Prepared::new("iam", "/", &form, role),
        Prepared::new("lambda", functions, &json, &function.to_string()),
        Prepared::new("lambda", &format!("{functions}/thumbnails/aliases"), &json, &alias.to_string()),
        Prepared::new("none", "/moto-api/recorder/start-recording", &json, ""),
    ]
}

/// An invocation as moto has recorded it.
struct Recorded {
    path: String,
    invocation_type: String,
    event: Value,
}

fn recorded(server: &AwsServer) -> Vec<Recorded> {
    let lines = std::fs::read_to_string(recording(server.port())).unwrap_or_default();
    let requests = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let invocations = requests.filter(|request| request["url"].as_str().unwrap().contains("/invocations"));
    let read = |request: Value| {
        let body = BASE64_STANDARD.decode(request["body"].as_str().unwrap()).unwrap();
        let (_, path) = request["url"].as_str().unwrap().split_once("/2015-03-31/functions/").unwrap();
        let headers = request["headers"].as_object().unwrap();
        let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-amz-invocation-type")).unwrap().1;
        Recorded {
            path: path.to_owned(),
            invocation_type: kind.as_str().unwrap().to_owned(),
            event: serde_json::from_slice(&body).unwrap(),
        }
    };
    invocations.map(read).collect()
}

#[tokio::test]
#[ignore = "needs moto from PyPI"]
async fn moto_records_one_event_invocation_for_each_function_and_alias() {
    let server = AwsServer::start(Kind::Moto, a_function_of_moto()).await;
    let fanfare = engine(server.config(), FunctionNames::Arn);
    let topic = fanfare.create_topic("uploads").await.unwrap();
    let mut subscriptions = Vec::new();
    for address in [FUNCTION.to_owned(), format!("{FUNCTION}:live")] {
        subscriptions.push(fanfare.subscribe(&topic, Subscribe::to(Protocol::Lambda, address)).await.unwrap());
    }
    let message = Message::builder("żółć \"quoted\" 😀").string("bucket", "pictures").build().unwrap();
    let published = fanfare.publish(&topic, message).await.unwrap();
    assert_eq!(settled(&published).await.delivered(), 2);

    let mut recorded = recorded(&server);
    recorded.sort_by_key(|invocation| invocation.path.len());
    let paths: Vec<_> = recorded.iter().map(|invocation| &*invocation.path).collect();
    let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Athumbnails";
    assert_eq!(paths, [format!("{arn}/invocations"), format!("{arn}%3Alive/invocations")]);
    for (invocation, subscription) in recorded.iter().zip(&subscriptions) {
        assert_eq!(invocation.invocation_type, "Event");
        let [record] = &invocation.event["Records"].as_array().unwrap()[..] else { panic!("{}", invocation.event) };
        assert_eq!((&record["EventSource"], &record["EventVersion"]), (&"aws:sns".into(), &"1.0".into()));
        assert_eq!(record["EventSubscriptionArn"], subscription.as_str());
        let sns = &record["Sns"];
        assert_eq!((&sns["Type"], &sns["Subject"]), (&"Notification".into(), &Value::Null));
        assert_eq!(
            (&sns["MessageId"], &sns["Message"]),
            (&published.message_id().into(), &"żółć \"quoted\" 😀".into())
        );
        assert_eq!(sns["MessageAttributes"], json!({ "bucket": { "Type": "String", "Value": "pictures" } }));
        assert!(sns["SigningCertUrl"].as_str().unwrap().starts_with(BASE));
        assert!(sns["UnsubscribeUrl"].as_str().unwrap().ends_with(subscription.as_str()));
    }
    fanfare.close().await;
}

#[tokio::test]
#[ignore = "needs moto from PyPI"]
async fn nothing_is_lost_while_moto_is_away() {
    let mut server = AwsServer::start(Kind::Moto, a_function_of_moto()).await;
    let fanfare = engine(server.config(), FunctionNames::Arn);
    let topic = fanfare.create_topic("uploads").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Lambda, FUNCTION).retry(soon())).await.unwrap();
    let first = publish(&fanfare, &topic, 0..10).await;
    all_delivered(&first).await;
    server.stop().await;
    let mut watch = fanfare.watch();
    let second = publish(&fanfare, &topic, 10..25).await;
    a_failed_attempt(&mut watch).await;
    server.start_again().await;
    let third = publish(&fanfare, &topic, 25..30).await;
    all_delivered(&second).await;
    all_delivered(&third).await;

    let text = |invocation: Recorded| invocation.event["Records"][0]["Sns"]["Message"].as_str().unwrap().to_owned();
    let texts: BTreeSet<_> = recorded(&server).into_iter().map(text).collect();
    assert_eq!(texts, expected(0..30));
    assert!(fanfare.counters().await.unwrap().balance());
    fanfare.close().await;
}

/// How the function behind `cargo lambda watch` is called, which knows plain names alone.
fn local(watch: &LambdaWatch) -> Fanfare {
    let aws = AwsConfig::new().endpoint_url(&watch.url()).unwrap().access_key("test", "test");
    engine(aws, FunctionNames::Plain)
}

#[tokio::test]
#[ignore = "needs cargo-lambda from PyPI"]
async fn a_function_of_the_lambda_runtime_reads_the_event_and_is_called_again_when_it_fails() {
    let watch = LambdaWatch::start("thumbnails").await;
    let fanfare = local(&watch);
    let topic = fanfare.create_topic("uploads").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Lambda, FUNCTION).retry(soon())).await.unwrap();
    let mut attempts = fanfare.watch();

    let good = fanfare.publish(&topic, Message::text("żółć 😀").unwrap()).await.unwrap();
    assert_eq!(settled(&good).await.delivered(), 1);
    assert_eq!(watch.lines(1).await, [format!("{} żółć 😀", good.message_id())]);

    let bad = fanfare.publish(&topic, Message::text("this will fail once").unwrap()).await.unwrap();
    assert_eq!(settled(&bad).await.delivered(), 1);
    assert_eq!(watch.lines(2).await[1], format!("{} this will fail once", bad.message_id()));
    let mut statuses = Vec::new();
    while let Some(progress) = attempts.try_next() {
        if let Progress::Attempted(attempt) = progress {
            statuses.push(attempt.status);
        }
    }
    assert_eq!(statuses, [Some(200), Some(500), Some(200)]);
    fanfare.close().await;
}

#[tokio::test]
#[ignore = "needs cargo-lambda from PyPI"]
async fn nothing_is_lost_while_the_function_and_its_service_are_away() {
    let mut watch = LambdaWatch::start("thumbnails").await;
    let fanfare = local(&watch);
    let topic = fanfare.create_topic("uploads").await.unwrap();
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Lambda, FUNCTION).retry(soon())).await.unwrap();
    let first = publish(&fanfare, &topic, 0..5).await;
    all_delivered(&first).await;
    watch.stop().await;
    let mut attempts = fanfare.watch();
    let second = publish(&fanfare, &topic, 5..12).await;
    a_failed_attempt(&mut attempts).await;
    watch.start_again().await;
    let third = publish(&fanfare, &topic, 12..15).await;
    all_delivered(&second).await;
    all_delivered(&third).await;

    let lines = watch.lines(15).await;
    let texts: BTreeSet<_> = lines.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(texts, expected(0..15));
    assert!(fanfare.counters().await.unwrap().balance());
    fanfare.close().await;
}

#[tokio::test]
#[ignore = "needs cargo-lambda from PyPI"]
async fn a_function_behind_its_url_is_an_endpoint_of_http_that_confirms_itself() {
    let function = env!("CARGO_BIN_EXE_fanfare-test-url-function");
    let watch = LambdaWatch::start_program("inbox", function, Vec::new()).await;
    let served = Served::start(loopback(), |builder| builder).await;
    let topic = served.fanfare.create_topic("orders").await.unwrap();
    // At Amazon it is https://ID.lambda-url.REGION.on.aws/, and the protocol https.
    let url = format!("{}/lambda-url/inbox/", watch.url());
    let subscription = served.fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, url)).await.unwrap();
    let request = watch.lines(1).await.remove(0);
    assert!(request.starts_with("SubscriptionConfirmation "), "{request}");
    let state = served.fanfare.subscription(&subscription).unwrap().state();
    assert_eq!(state, SubscriptionState::Confirmed);

    let published = served.fanfare.publish(&topic, Message::text("żółć 😀").unwrap()).await.unwrap();
    assert_eq!(settled(&published).await.delivered(), 1);
    assert_eq!(watch.lines(2).await[1], format!("Notification {} żółć 😀", published.message_id()));
    served.fanfare.close().await;
}
