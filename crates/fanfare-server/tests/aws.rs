//! The program delivers to queues and functions, which it finds by the variables of every AWS SDK.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare_testkit::{HttpReceiver, LambdaReceiver, Reply, SqsReceiver};

/// A running `fanfare serve`, ended when it is dropped.
struct Program {
    child: Child,
    url: String,
}

impl Program {
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with(variables, &[])
    }

    fn start_with(variables: &[(&str, &str)], flags: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FANFARE_") || name.starts_with("AWS_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0"]).args(flags);
        let mut child = command.envs(variables.iter().copied()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.find_map(|line| line.strip_prefix("fanfare listens on ").map(str::to_owned)).unwrap();
        Self { child, url }
    }

    /// Calls the API and answers the element `wanted` of what it says.
    async fn call(&self, action: &str, parameters: &[(&str, &str)], wanted: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let pairs = [("Action", action)].into_iter().chain(parameters.iter().copied());
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        let request = client.post(&self.url).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.body(body.finish()).send().await.unwrap().text().await.unwrap();
        let (_, rest) = answer.split_once(&format!("<{wanted}>")).unwrap_or_else(|| panic!("{action}: {answer}"));
        rest.split('<').next().unwrap().to_owned()
    }

    /// Waits until what the program says of a message has these words in it.
    async fn until_explained(&self, id: &str, words: &str) -> String {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let began = Instant::now();
        loop {
            let answer = client.get(format!("{}/fanfare/v1/messages/{id}", self.url)).send().await.unwrap();
            let text = answer.text().await.unwrap();
            if text.contains(words) {
                return text;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{text}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn the_program_finds_queues_and_functions_by_the_variables_of_every_sdk() {
    let (queues, functions) = (SqsReceiver::start().await, LambdaReceiver::start().await);
    queues.delete("nowhere");
    let program = Program::start(&[
        ("AWS_ENDPOINT_URL_SQS", &queues.url()),
        ("AWS_ENDPOINT_URL_LAMBDA", &functions.url()),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
    ]);
    let topic = program.call("CreateTopic", &[("Name", "orders")], "TopicArn").await;
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#;
    for (protocol, endpoint, redrive) in [
        ("sqs", "arn:aws:sqs:us-east-1:000000000000:orders", None),
        ("sqs", "arn:aws:sqs:us-east-1:000000000000:nowhere", Some(redrive)),
        ("lambda", "arn:aws:lambda:us-east-1:000000000000:function:thumbnails", None),
    ] {
        let mut parameters = vec![("TopicArn", &*topic), ("Protocol", protocol), ("Endpoint", endpoint)];
        if let Some(redrive) = redrive {
            parameters.push(("Attributes.entry.1.key", "RedrivePolicy"));
            parameters.push(("Attributes.entry.1.value", redrive));
        }
        let arn = program.call("Subscribe", &parameters, "SubscriptionArn").await;
        assert!(arn.starts_with(&topic), "{arn}");
    }
    let id = program.call("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;

    // One to each queue, and the one that `nowhere` cannot take to the dead letters.
    queues.http().wait_for(3).await;
    functions.http().wait_for(1).await;
    let [sent] = &queues.messages("orders")[..] else { panic!("{:?}", queues.messages("orders")) };
    assert_eq!((&sent.envelope()["MessageId"], &sent.envelope()["Message"]), (&id.as_str().into(), &"hello".into()));
    assert_eq!(queues.messages("dead")[0].envelope()["MessageId"], id);
    assert_eq!(functions.invocations("thumbnails")[0].event["Records"][0]["Sns"]["MessageId"], id);
}

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

/// Where the queues are and who we are, by the variables.
fn queues_at(url: &str) -> [(&str, &str); 3] {
    [("AWS_ENDPOINT_URL_SQS", url), ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")]
}

#[tokio::test]
async fn functions_are_named_as_the_setting_says() {
    const NAMES: &str = "FANFARE_LAMBDA_FUNCTION_NAMES";

    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("lambda-{}.toml", std::process::id()));
    std::fs::write(&file, "lambda_function_names = \"plain\"\n").unwrap();
    let by_arn = "/2015-03-31/functions/\
                  arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Athumbnails%3Alive/invocations";
    let by_name = "/2015-03-31/functions/thumbnails/invocations?Qualifier=live";
    for (variable, flags, target) in [
        ("", &[][..], by_arn),
        ("", &["--lambda-function-names", "plain"][..], by_name),
        ("plain", &[][..], by_name),
        ("", &["--config", file.to_str().unwrap()][..], by_name),
        ("arn", &["--config", file.to_str().unwrap()][..], by_arn),
    ] {
        let functions = LambdaReceiver::start().await;
        let program = Program::start_with(
            &[
                (NAMES, variable),
                ("AWS_ENDPOINT_URL_LAMBDA", &functions.url()),
                ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
            ],
            flags,
        );
        let topic = program.call("CreateTopic", &[("Name", "uploads")], "TopicArn").await;
        let function = "arn:aws:lambda:us-east-1:000000000000:function:thumbnails:live";
        let parameters = [("TopicArn", &*topic), ("Protocol", "lambda"), ("Endpoint", function)];
        program.call("Subscribe", &parameters, "SubscriptionArn").await;
        program.call("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;
        assert_eq!(functions.http().wait_for(1).await[0].target, target, "{variable:?} {flags:?}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn one_variable_says_where_all_of_aws_is_and_a_profile_does_without_any() {
    let queues = SqsReceiver::start().await;
    let url = queues.url();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("aws-{}", std::process::id()));
    let keys = "aws_access_key_id = AKIDOPS\naws_secret_access_key = wJalrXUtnFEMI\n";
    std::fs::write(&file, format!("[profile ops]\nendpoint_url = {url}\n{keys}")).unwrap();
    let by_variable =
        [("AWS_ENDPOINT_URL", &*url), ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")];
    let by_profile = [
        ("AWS_CONFIG_FILE", file.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
        ("AWS_PROFILE", "ops"),
    ];
    for (count, (variables, key)) in [(by_variable, "AKIAEXAMPLE"), (by_profile, "AKIDOPS")].into_iter().enumerate() {
        let program = Program::start(&variables);
        let topic = program.call("CreateTopic", &[("Name", "orders")], "TopicArn").await;
        let parameters = [("TopicArn", &*topic), ("Protocol", "sqs"), ("Endpoint", QUEUE)];
        program.call("Subscribe", &parameters, "SubscriptionArn").await;
        program.call("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;
        let request = &queues.http().wait_for(count + 1).await[count];
        assert!(request.header("authorization").unwrap().contains(&format!("Credential={key}/")), "{request:?}");
    }
    assert_eq!(queues.messages("orders").len(), 2);
    std::fs::remove_file(&file).unwrap();
}

#[tokio::test]
async fn a_dead_letter_that_was_refused_says_so_and_what_came_before_it() {
    let queues = SqsReceiver::start().await;
    let program = Program::start(&queues_at(&queues.url()));
    let topic = program.call("CreateTopic", &[("Name", "orders")], "TopicArn").await;
    let parameters = [
        ("TopicArn", &*topic),
        ("Protocol", "sqs"),
        ("Endpoint", QUEUE),
        ("Attributes.entry.1.key", "RawMessageDelivery"),
        ("Attributes.entry.1.value", "true"),
        ("Attributes.entry.2.key", "RedrivePolicy"),
        ("Attributes.entry.2.value", r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead"}"#),
    ];
    program.call("Subscribe", &parameters, "SubscriptionArn").await;
    // More attributes than a queue takes.
    let attributes: Vec<_> = (1..=11)
        .flat_map(|at| {
            [("Name", format!("a{at}")), ("Value.DataType", "String".into()), ("Value.StringValue", "x".into())]
                .map(|(part, value)| (format!("MessageAttributes.entry.{at}.{part}"), value))
        })
        .collect();
    let mut publish = vec![("TopicArn", &*topic), ("Message", "hello")];
    publish.extend(attributes.iter().map(|(name, value)| (&**name, &**value)));

    let id = program.call("Publish", &publish, "MessageId").await;
    program.until_explained(&id, "the dead-letter destination has it").await;
    assert_eq!(queues.messages("dead")[0].envelope()["MessageId"], id);

    queues.delete("dead");
    let id = program.call("Publish", &publish, "MessageId").await;
    let explained = program.until_explained(&id, "the dead-letter destination did not take it").await;
    for words in [
        "\"outcome\":\"dropped\"",
        "not to be retried: there is no such queue: QueueDoesNotExist; before that, the endpoint: ",
        "the endpoint: a queue takes at most 10 attributes with raw delivery",
    ] {
        assert!(explained.contains(words), "{words}: {explained}");
    }
}

#[tokio::test]
async fn a_machine_whose_metadata_never_answers_holds_up_neither_the_start_nor_an_attempt() {
    let (queues, metadata) = (SqsReceiver::start().await, HttpReceiver::start().await);
    metadata.reply_with(Reply::hang());
    let began = Instant::now();
    let program = Program::start(&[
        ("AWS_ENDPOINT_URL_SQS", &queues.url()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata.url("")),
        ("AWS_CONFIG_FILE", "/nonexistent"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
    ]);
    let topic = program.call("CreateTopic", &[("Name", "orders")], "TopicArn").await;
    let queue = "arn:aws:sqs:us-east-1:000000000000:orders";
    let parameters = [("TopicArn", &*topic), ("Protocol", "sqs"), ("Endpoint", queue)];
    program.call("Subscribe", &parameters, "SubscriptionArn").await;
    assert_eq!(metadata.requests().len(), 0, "nothing is looked up before it is needed");
    let id = program.call("Publish", &[("TopicArn", &topic), ("Message", "hello")], "MessageId").await;

    let explained = program.until_explained(&id, "there are no credentials to sign with").await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}: {explained}", began.elapsed());
    assert_ne!(metadata.requests().len(), 0, "the machine was asked in the end");
    assert_eq!(queues.http().requests().len(), 0);
}

#[tokio::test]
async fn what_names_no_function_is_refused_at_subscribe() {
    let program = Program::start(&[]);
    let topic = program.call("CreateTopic", &[("Name", "orders")], "TopicArn").await;
    for (endpoint, text) in [
        ("thumbnails", "Invalid parameter: Lambda endpoint ARN"),
        (
            "https://abcdefg.lambda-url.us-east-1.on.aws/",
            "Invalid parameter: Lambda endpoint ARN Reason: a function url is an endpoint of the protocol https",
        ),
    ] {
        let parameters = [("TopicArn", &*topic), ("Protocol", "lambda"), ("Endpoint", endpoint)];
        assert_eq!(program.call("Subscribe", &parameters, "Message").await, text);
    }
}
