//! Where messages go and how many of them at a time, over a socket.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::time::Duration;

use fanfare_aws::AwsConfig;
use fanfare_core::engine::Ending;
use fanfare_core::{
    Batch, Connector as _, Connectors, DeliveryError, DeliveryErrorKind, Destination, Disposition, Endpoint, Fanfare,
    Message, Outcome, Protocol, Receipt, Slot, Subscribe, TraceContext,
};
use fanfare_sqs::SqsConfig;
use fanfare_testkit::sqs_receiver::sqs_error;
use fanfare_testkit::{Reply, SqsReceiver};

use given::{QUEUE, config, connector, endpoint, notification};

async fn deliver_all(endpoint: &dyn Endpoint, texts: impl IntoIterator<Item = String>) -> Vec<Outcome> {
    let message = |text| Message::text(text).unwrap();
    let slot = |(id, text)| Slot::new(notification(id, message(text)).raw());
    let mut slots: Vec<_> = texts.into_iter().enumerate().map(slot).collect();
    endpoint.deliver_batch(&mut Batch::new(&mut slots)).await;
    slots.into_iter().map(|slot| slot.into_outcome().expect("every slot is settled")).collect()
}

fn rejected(outcome: &Outcome) -> &DeliveryError {
    let error = outcome.as_ref().unwrap_err();
    assert_eq!(error.disposition(), Disposition::Reject, "{error:?}");
    error
}

fn actions(queues: &SqsReceiver) -> Vec<String> {
    let target = |request: &fanfare_testkit::ReceivedRequest| request.header("x-amz-target").unwrap().to_owned();
    queues.http().requests().iter().map(target).collect()
}

#[tokio::test]
async fn ten_messages_go_in_one_call() {
    let queues = SqsReceiver::start().await;
    let endpoint = endpoint(config(&queues.url()), QUEUE);
    assert_eq!(endpoint.limits().notifications.get(), 10);
    let outcomes = deliver_all(&*endpoint, (0..10).map(|at| format!("message {at}"))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(actions(&queues), ["AmazonSQS.SendMessageBatch"]);
    assert_eq!(queues.messages("orders").len(), 10);
}

#[tokio::test]
async fn a_call_carries_no_more_bytes_than_are_allowed() {
    let queues = SqsReceiver::start().await;
    let endpoint = endpoint(config(&queues.url()), QUEUE);
    // Two fit exactly, the third does not.
    let sizes = [131_072, 131_072, 1, 262_144, 300_000];
    let outcomes = deliver_all(&*endpoint, sizes.map(|size| "x".repeat(size))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let mut calls = actions(&queues);
    calls.sort();
    let single = "AmazonSQS.SendMessage";
    assert_eq!(calls, [single, single, single, "AmazonSQS.SendMessageBatch"]);
    let mut taken: Vec<_> = queues.messages("orders").iter().map(|message| message.body.len()).collect();
    taken.sort_unstable();
    assert_eq!(taken, [1, 131_072, 131_072, 262_144, 300_000]);
}

#[tokio::test]
async fn batches_can_be_made_larger_and_turned_off() {
    let queues = SqsReceiver::start().await;
    let open = |sqs| connector(config(&queues.url()), sqs).connect(&Protocol::Sqs, QUEUE).unwrap();
    let texts = || ["x".repeat(200_000), "y".repeat(200_000)];
    deliver_all(&*open(SqsConfig::new().batch_bytes_max(1_048_576)), texts()).await;
    assert_eq!(actions(&queues), ["AmazonSQS.SendMessageBatch"]);
    let one_by_one = open(SqsConfig::new().without_batches());
    assert_eq!(one_by_one.limits().notifications.get(), 1);
    deliver_all(&*one_by_one, texts()).await;
    assert_eq!(actions(&queues)[1..], ["AmazonSQS.SendMessage", "AmazonSQS.SendMessage"]);
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_costs_the_bad_message_alone() {
    let queues = SqsReceiver::start().await;
    queues.refuse_messages(|message| message.body == "bad");
    queues.http().script([sqs_error(400, "InvalidParameterValue")]);
    let endpoint = endpoint(config(&queues.url()), QUEUE);
    let outcomes = deliver_all(&*endpoint, ["good", "bad", "fine"].map(str::to_owned)).await;
    assert!(outcomes[0].is_ok() && outcomes[2].is_ok(), "{outcomes:?}");
    assert_eq!(rejected(&outcomes[1]).kind(), DeliveryErrorKind::Unsupported);
    assert_eq!(queues.http().requests().len(), 4);
}

#[tokio::test]
async fn a_queue_that_is_gone_rejects_the_whole_batch_with_one_call() {
    let queues = SqsReceiver::start().await;
    queues.delete("orders");
    let endpoint = endpoint(config(&queues.url()), QUEUE);
    let outcomes = deliver_all(&*endpoint, (0..3).map(|at| format!("message {at}"))).await;
    for outcome in &outcomes {
        let error = rejected(outcome);
        assert_eq!(error.kind(), DeliveryErrorKind::NotFound);
        assert_eq!(error.to_string(), "there is no such queue: QueueDoesNotExist");
        assert_eq!((error.status(), error.response()), (Some(400), Some("This is QueueDoesNotExist.")));
    }
    assert_eq!(queues.http().requests().len(), 1);
}

#[tokio::test]
async fn what_no_queue_takes_raw_comes_to_the_dead_letter_queue_in_the_envelope() {
    let queues = SqsReceiver::start().await;
    let connectors = Connectors::new().with(connector(config(&queues.url()), SqsConfig::new()));
    let fanfare = Fanfare::builder().connectors(connectors).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let dead_letters = Destination::address(Protocol::Sqs, "arn:aws:sqs:us-east-1:000000000000:dead");
    let subscribe = Subscribe::to(Protocol::Sqs, QUEUE).raw().dead_letters_to(dead_letters);
    fanfare.subscribe(&topic, subscribe).await.unwrap();

    let many = (0..11).fold(Message::builder("many"), |message, at| message.string(&format!("a{at}"), "x"));
    for message in [many, Message::builder("a bell: \u{7}")] {
        let report = fanfare.publish(&topic, message.build().unwrap()).await.unwrap().settled().await;
        assert!(matches!(report.endings[..], [(_, Ending::DeadLettered)]), "{report:?}");
    }
    let [many, bell] = &queues.messages("dead")[..] else { panic!("{:?}", queues.messages("dead")) };
    assert_eq!(many.envelope()["Message"], "many");
    assert_eq!(many.envelope()["MessageAttributes"].as_object().unwrap().len(), 11);
    assert!(many.attributes.is_empty());
    assert_eq!(bell.envelope()["Message"], "a bell: \u{7}");
    assert_eq!(queues.messages("orders"), []);

    // What can be raw stays raw.
    queues.delete("orders");
    let message = Message::builder("one").string("colour", "red").build().unwrap();
    fanfare.publish(&topic, message).await.unwrap().settled().await;
    let raw = &queues.messages("dead")[2];
    assert_eq!((raw.body.as_str(), raw.attributes.len()), ("one", 1));
    fanfare.close().await;
}

#[tokio::test]
async fn an_entry_that_the_answer_forgets_is_tried_again() {
    let queues = SqsReceiver::start().await;
    let answer = r#"{"Successful":[{"Id":"1","MessageId":"m-1","MD5OfMessageBody":"0"}],"Failed":[]}"#;
    queues.http().script([Reply::status(200).body(answer)]);
    let endpoint = endpoint(config(&queues.url()), QUEUE);
    let outcomes = deliver_all(&*endpoint, ["first", "second"].map(str::to_owned)).await;
    let error = outcomes[0].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (DeliveryErrorKind::Protocol, Disposition::Retry { after: None }));
    let expected = Receipt::new().with_status(200).with_response(r#"{"sqsRequestId":"","sqsMessageId":"m-1"}"#);
    assert_eq!(outcomes[1].as_ref().unwrap(), &expected);
}

#[tokio::test]
async fn the_request_goes_to_the_queues_own_region_and_names_it_by_its_url() {
    let queues = SqsReceiver::start().await;
    let connector = connector(config(&queues.url()), SqsConfig::new());
    for region in ["eu-west-1", "us-east-1"] {
        let arn = format!("arn:aws:sqs:{region}:123456789012:orders");
        let endpoint = connector.connect(&Protocol::Sqs, &arn).unwrap();
        endpoint.deliver(&notification(1, Message::text("hello").unwrap())).await.unwrap();
    }
    let regions: Vec<_> = queues.messages("orders").into_iter().map(|message| message.region).collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    assert_eq!(
        queues.http().requests()[0].json()["QueueUrl"],
        "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
    );
}

#[tokio::test]
async fn the_publishers_trace_goes_along_alone_and_in_a_batch() {
    let queues = SqsReceiver::start().await;
    let endpoint = endpoint(config(&queues.url()), QUEUE);
    let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1";
    let traced = |id| notification(id, Message::text("hello").unwrap().traced(TraceContext::new().xray(header)));
    endpoint.deliver(&traced(0)).await.unwrap();
    let mut slots = [Slot::new(traced(1)), Slot::new(notification(2, Message::text("hello").unwrap()))];
    endpoint.deliver_batch(&mut Batch::new(&mut slots)).await;
    let headers: Vec<_> = queues.messages("orders").into_iter().map(|message| message.trace_header).collect();
    assert_eq!(headers, [Some(header.to_owned()), Some(header.to_owned()), None]);
}

#[tokio::test]
async fn the_adapters_own_endpoint_url_comes_before_that_of_all_of_aws() {
    let (queues, others) = (SqsReceiver::start().await, SqsReceiver::start().await);
    let own = SqsConfig::new().endpoint_url(&queues.url()).unwrap();
    let endpoint = connector(config(&others.url()), own).connect(&Protocol::Sqs, QUEUE).unwrap();
    endpoint.deliver(&notification(1, Message::text("hello").unwrap())).await.unwrap();
    assert_eq!((queues.messages("orders").len(), others.messages("orders").len()), (1, 0));
}

#[tokio::test]
async fn a_temporary_key_brings_its_token() {
    let queues = SqsReceiver::start().await;
    let aws = AwsConfig::new().endpoint_url(&queues.url()).unwrap();
    let temporary = aws.clone().temporary_key(given::KEY, given::SECRET, "FwoGZXIvYXdzEXAMPLE");
    for config in [temporary, aws.access_key(given::KEY, given::SECRET)] {
        endpoint(config, QUEUE).deliver(&notification(1, Message::text("hello").unwrap())).await.unwrap();
    }
    let requests = queues.http().requests();
    let tokens: Vec<_> = requests.iter().map(|request| request.header("x-amz-security-token")).collect();
    assert_eq!(tokens, [Some("FwoGZXIvYXdzEXAMPLE"), None]);
    assert!(requests[0].header("authorization").unwrap().contains("x-amz-security-token"), "the token is signed");
}

/// The variable that tells the test below that it was started by itself.
const IN_A_PROFILE: &str = "FANFARE_TEST_IN_A_PROFILE";

#[tokio::test]
async fn a_profile_says_where_aws_is_and_who_we_are() {
    let profile = AwsConfig::new().profile("ops");
    if std::env::var_os(IN_A_PROFILE).is_some() {
        endpoint(profile, QUEUE).deliver(&notification(1, Message::text("hello").unwrap())).await.unwrap();
        return;
    }
    // A process has one environment, which all tests share: so the delivery is made by a process of its own.
    let (queues, others) = (SqsReceiver::start().await, SqsReceiver::start().await);
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("profile-{}", std::process::id()));
    let section = |name: &str, url: &str, key: &str| {
        format!("[{name}]\nendpoint_url = {url}\naws_access_key_id = {key}\naws_secret_access_key = wJalrXUtnFEMI\n")
    };
    let sections = section("default", &others.url(), "AKIDOTHER") + &section("profile ops", &queues.url(), "AKIDOPS");
    std::fs::write(&file, sections).unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_")) {
        child.env_remove(name);
    }
    child.args(["--exact", "a_profile_says_where_aws_is_and_who_we_are"]).env(IN_A_PROFILE, "1");
    child.env("AWS_CONFIG_FILE", &file).env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent");
    let output = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    std::fs::remove_file(&file).unwrap();

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((queues.messages("orders").len(), others.messages("orders").len()), (1, 0));
    let request = &queues.http().requests()[0];
    assert!(request.header("authorization").unwrap().contains("Credential=AKIDOPS/"), "{request:?}");
}

#[tokio::test]
async fn without_an_answer_nothing_waits_longer_than_the_time_limit() {
    let queues = SqsReceiver::start().await;
    queues.http().reply_with(Reply::hang());
    let aws = config(&queues.url()).attempt_timeout(Duration::from_millis(200)).unwrap();
    let endpoint = endpoint(aws, QUEUE);
    assert_eq!(endpoint.limits().attempt, Some(Duration::from_millis(400)));
    let outcomes = deliver_all(&*endpoint, ["first", "second"].map(str::to_owned)).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind(), DeliveryErrorKind::Timeout);
    }
    assert_eq!(queues.http().requests().len(), 1);
}

#[tokio::test]
async fn credentials_that_are_not_there_are_an_operators_matter() {
    let queues = SqsReceiver::start().await;
    // A profile that no file has: neither the environment nor the machine's metadata is asked.
    let aws = AwsConfig::new().endpoint_url(&queues.url()).unwrap().profile("fanfare-tests-know-no-such-profile");
    let error = endpoint(aws, QUEUE).deliver(&notification(1, Message::text("hello").unwrap())).await.unwrap_err();
    assert_eq!(error.kind(), DeliveryErrorKind::Misconfigured, "{error}");
    assert_eq!(error.disposition(), Disposition::Retry { after: None });
    assert_eq!(queues.http().requests().len(), 0);
}

#[test]
fn what_is_not_the_arn_of_a_queue_is_refused_in_amazons_words() {
    let connector = connector(AwsConfig::new(), SqsConfig::new());
    for address in
        ["", "orders", "http://127.0.0.1/000000000000/orders", "arn:aws:sqs:evil.example#:000000000000:orders"]
    {
        let error = connector.connect(&Protocol::Sqs, address).unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: SQS endpoint ARN", "{address}");
    }
    assert!(connector.connect(&Protocol::Lambda, QUEUE).is_err());
}
