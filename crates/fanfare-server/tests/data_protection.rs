//! Data protection policies as publishers and subscribers meet them: over sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod door;

use std::io::Write;
use std::sync::{Arc, Mutex};

use door::{Door, OTHER, OWNER, TOPIC, refused};
use fanfare_server::data_protection::{DataProtectionPolicy, Direction, managed_identifiers};
use fanfare_testkit::HttpReceiver;
use proptest::prelude::*;
use serde_json::{Value, json};

const EMAIL: &str = "arn:aws:dataprotection::aws:data-identifier/EmailAddress";
const CARD: &str = "arn:aws:dataprotection::aws:data-identifier/CreditCardNumber";

/// A statement about e-mail addresses of everybody, with other members in the place of its own.
fn statement(direction: &str, operation: Value, members: Value) -> Value {
    let mut statement = json!({
        "DataDirection": direction, "Principal": ["*"], "DataIdentifier": [EMAIL], "Operation": operation,
    });
    statement.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    statement
}

fn policy(statements: &[Value]) -> String {
    json!({ "Name": "guard", "Version": "2021-06-01", "Statement": statements }).to_string()
}

fn deny() -> Value {
    json!({ "Deny": {} })
}

fn mask(character: &str) -> Value {
    json!({ "Deidentify": { "MaskConfig": { "MaskWithCharacter": character } } })
}

fn redact() -> Value {
    json!({ "Deidentify": { "RedactConfig": {} } })
}

async fn put(door: &Door, policy: &str) -> door::Reply {
    door.owner("PutDataProtectionPolicy", &[("ResourceArn", TOPIC), ("DataProtectionPolicy", policy)]).await
}

/// A confirmed subscription of an account, and the number of requests that its receiver has got.
async fn subscribed(door: &Door, account: &str) -> HttpReceiver {
    let receiver = HttpReceiver::start().await;
    let url = receiver.url("/in");
    let subscribe = [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", url.as_str())];
    assert_eq!(door.call(account, "Subscribe", &subscribe).await.status, 200);
    let request: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    assert_eq!(door.follow(request["SubscribeURL"].as_str().unwrap()).await.status, 200);
    receiver
}

/// The message that a subscriber got after its confirmation, as the number of it from 1.
async fn message(receiver: &HttpReceiver, number: usize) -> Value {
    serde_json::from_slice(&receiver.wait_for(1 + number).await[number].body).unwrap()
}

async fn publish(door: &Door, text: &str) -> door::Reply {
    door.owner("Publish", &[("TopicArn", TOPIC), ("Message", text)]).await
}

#[tokio::test]
async fn a_message_with_what_is_denied_is_not_accepted() {
    let door = Door::open().await;
    let receiver = subscribed(&door, OWNER).await;
    let both = statement("Inbound", deny(), json!({ "DataIdentifier": [EMAIL, CARD] }));
    assert_eq!(put(&door, &policy(&[both])).await.status, 200);
    let message_of_refusal = format!(
        "User: arn:aws:iam::{OWNER}:root is not authorized to perform: SNS:Publish on resource: {TOPIC} because the data \
         protection policy denies CreditCardNumber, EmailAddress"
    );
    let refusal = publish(&door, "ann@example.com paid with 4111 1111 1111 1111").await;
    assert_eq!(refusal.error(), refused(403, "AuthorizationError", &message_of_refusal));
    let subject = [("TopicArn", TOPIC), ("Message", "m"), ("Subject", "ann@example.com")];
    assert_eq!(door.owner("Publish", &subject).await.status, 403);

    let batch = [
        ("TopicArn", TOPIC),
        ("PublishBatchRequestEntries.member.1.Id", "denied"),
        ("PublishBatchRequestEntries.member.1.Message", "to ann@example.com"),
        ("PublishBatchRequestEntries.member.2.Id", "fine"),
        ("PublishBatchRequestEntries.member.2.Message", "to ann"),
    ];
    let reply = door.owner("PublishBatch", &batch).await;
    assert_eq!((reply.status, reply.all("Id")), (200, vec!["fine".to_owned(), "denied".to_owned()]));
    assert_eq!((reply.one("Code").as_str(), reply.one("SenderFault").as_str()), ("AuthorizationError", "true"));
    assert_eq!(message(&receiver, 1).await["Message"], "to ann");
}

#[tokio::test]
async fn what_is_masked_when_it_comes_in_is_kept_and_delivered_masked() {
    let door = Door::open().await;
    let receiver = subscribed(&door, OWNER).await;
    let custom = json!({
        "Name": "guard", "Version": "2021-06-01", "Description": "d",
        "Configuration": { "CustomDataIdentifier": [{ "Name": "EmployeeId", "Regex": "EID-\\d{3}" }] },
        "Statement": [
            statement("Inbound", mask("#"), json!({ "Sid": "mask" })),
            statement("Inbound", redact(), json!({ "Sid": "redact", "DataIdentifier": ["EmployeeId"] })),
        ],
    });
    assert_eq!(put(&door, &custom.to_string()).await.status, 200);
    let parameters = [("TopicArn", TOPIC), ("Message", "EID-123 is ann@example.com"), ("Subject", "for a@b.example")];
    assert_eq!(door.owner("Publish", &parameters).await.status, 200);
    let delivered = message(&receiver, 1).await;
    assert_eq!(
        (&delivered["Message"], &delivered["Subject"]),
        (&json!(" is ###############"), &json!("for ###########"))
    );

    let structured = r#"{"default":"d","http":"\"a@b.example\"","n":1}"#;
    let parameters = [("TopicArn", TOPIC), ("Message", structured), ("MessageStructure", "json")];
    assert_eq!(door.owner("Publish", &parameters).await.status, 200);
    assert_eq!(message(&receiver, 2).await["Message"], "\"###########\"");

    let nothing_left = publish(&door, "EID-123").await;
    assert_eq!(nothing_left.error(), refused(400, "InvalidParameter", "Invalid parameter: Empty message"));
}

#[tokio::test]
async fn a_delivery_is_masked_for_those_whom_a_statement_names_and_signed_as_it_is() {
    let door = Door::open().await;
    let everybody = json!({
        "Statement": { "Effect": "Allow", "Principal": "*", "Action": "SNS:Subscribe", "Resource": TOPIC },
    });
    assert_eq!(door.set("Policy", &everybody.to_string()).await.status, 200);
    let (own, foreign) = (subscribed(&door, OWNER).await, subscribed(&door, OTHER).await);
    let others = statement("Outbound", mask("#"), json!({ "Principal": [OTHER] }));
    assert_eq!(put(&door, &policy(&[others])).await.status, 200);
    assert_eq!(publish(&door, "from ann@example.com").await.status, 200);
    let (own, foreign) = (message(&own, 1).await, message(&foreign, 1).await);
    assert_eq!(own["Message"], "from ann@example.com");
    assert_eq!(foreign["Message"], "from ###############");
    assert_eq!(own["MessageId"], foreign["MessageId"]);
    assert_ne!(own["Signature"], foreign["Signature"]);
}

#[tokio::test]
async fn a_delivery_of_what_is_denied_does_not_reach_those_whom_a_statement_names() {
    let door = Door::open().await;
    let everybody = json!({
        "Statement": { "Effect": "Allow", "Principal": "*", "Action": "SNS:Subscribe", "Resource": TOPIC },
    });
    assert_eq!(door.set("Policy", &everybody.to_string()).await.status, 200);
    let (own, foreign) = (subscribed(&door, OWNER).await, subscribed(&door, OTHER).await);
    let all_but_the_owner = json!({
        "DataDirection": "Outbound", "NoPrincipal": [OWNER], "DataIdentifier": [EMAIL], "Operation": deny(),
    });
    assert_eq!(put(&door, &policy(&[all_but_the_owner])).await.status, 200);
    assert_eq!(publish(&door, "from ann@example.com").await.status, 200);
    assert_eq!(message(&own, 1).await["Message"], "from ann@example.com");
    // What comes next comes first to whom the other did not come.
    assert_eq!(publish(&door, "from ann").await.status, 200);
    assert_eq!(message(&foreign, 1).await["Message"], "from ann");
}

#[tokio::test]
async fn a_policy_is_kept_shown_replaced_and_taken_away() {
    let door = Door::open().await;
    let get = async || door.owner("GetDataProtectionPolicy", &[("ResourceArn", TOPIC)]).await;
    assert_eq!(get().await.all("DataProtectionPolicy"), [] as [&str; 0]);
    let (first, second) =
        (policy(&[statement("Inbound", deny(), json!({}))]), policy(&[statement("Inbound", redact(), json!({}))]));
    for text in [&first, &second] {
        assert_eq!(put(&door, text).await.status, 200);
        assert_eq!(get().await.one("DataProtectionPolicy"), *text);
    }
    let attributes = door.owner("GetTopicAttributes", &[("TopicArn", TOPIC)]).await.map();
    assert!(!attributes.contains_key("DataProtectionPolicy"));
    assert_eq!(door.set("DataProtectionPolicy", &first).await.one("Message"), "Invalid parameter: AttributeName");
    assert_eq!(put(&door, "").await.status, 200);
    assert_eq!(get().await.all("DataProtectionPolicy"), [] as [&str; 0]);
    let foreign = door.other("GetDataProtectionPolicy", &[("ResourceArn", TOPIC)]).await;
    assert_eq!(foreign.one("Code"), "AuthorizationError");
    let missing = [("ResourceArn", "arn:aws:sns:us-east-1:111111111111:missing"), ("DataProtectionPolicy", &first)];
    let not_found = refused(404, "NotFound", "Topic does not exist");
    assert_eq!(door.owner("PutDataProtectionPolicy", &missing).await.error(), not_found);
}

#[tokio::test]
async fn a_topic_is_made_with_its_data_protection() {
    let door = Door::open().await;
    let (own, other) =
        (policy(&[statement("Inbound", deny(), json!({}))]), policy(&[statement("Inbound", redact(), json!({}))]));
    let create =
        async |policy: &str| door.owner("CreateTopic", &[("Name", "made"), ("DataProtectionPolicy", policy)]).await;
    let arn = create(&own).await.one("TopicArn");
    let publish = [("TopicArn", arn.as_str()), ("Message", "ann@example.com")];
    assert_eq!(door.owner("Publish", &publish).await.status, 403);
    assert_eq!(create(&own).await.status, 200);
    assert_eq!(create("").await.status, 200);
    let message = "Invalid parameter: Attributes Reason: Topic already exists with different attributes";
    assert_eq!(create(&other).await.error(), refused(400, "InvalidParameter", message));
}

#[tokio::test]
async fn what_cannot_be_enforced_is_refused_by_name() {
    let door = Door::open().await;
    let inbound = |members: Value| policy(&[statement("Inbound", deny(), members)]);
    let audit = |members: Value| {
        let mut audit = json!({ "SampleRate": "99", "FindingsDestination": {
            "CloudWatchLogs": { "LogGroup": "/aws/vendedlogs/g" },
        } });
        audit.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        json!({ "Audit": audit })
    };
    let custom = |name: &str, regex: &str| {
        json!({ "Name": "n", "Version": "2021-06-01", "Statement": [statement("Inbound", deny(), json!({}))],
            "Configuration": { "CustomDataIdentifier": [{ "Name": name, "Regex": regex }] } })
        .to_string()
    };
    let known = managed_identifiers().collect::<Vec<_>>().join(", ");
    let unknown = format!("this server cannot find Name; of the managed data identifiers it finds {known}");
    let table = [
        (inbound(json!({ "DataIdentifier": [EMAIL.replace("EmailAddress", "Name")] })), unknown.as_str()),
        (
            inbound(json!({ "DataIdentifier": ["EmployeeId"] })),
            "EmployeeId is neither a managed data identifier (arn:aws:dataprotection::aws:data-identifier/...) nor one of \
             the Configuration",
        ),
        (inbound(json!({ "DataDirection": "Sideways" })), "DataDirection must be Inbound or Outbound"),
        (inbound(json!({ "Principal": ["bob"] })), "\"bob\" is not a principal"),
        (inbound(json!({ "Principal": [] })), "a statement must name a principal"),
        (inbound(json!({ "DataIdentifier": [] })), "a statement must name a data identifier"),
        (inbound(json!({ "Operation": {} })), "an Operation must have one of Deny, Deidentify and Audit"),
        (
            inbound(json!({ "Operation": { "Deidentify": {} } })),
            "a Deidentify must have one of MaskConfig and RedactConfig",
        ),
        (inbound(json!({ "Operation": mask("##") })), "MaskWithCharacter must be one printable ASCII character"),
        (
            inbound(json!({ "Operation": audit(json!({ "SampleRate": 100 })) })),
            "SampleRate must be a whole number from 0 to 99",
        ),
        (
            inbound(json!({ "Operation": audit(json!({ "FindingsDestination": { "S3": { "Bucket": "b" } } })) })),
            "an Audit here has CloudWatchLogs destinations alone: findings go to this server's log, not to S3 or Firehose",
        ),
        (policy(&[statement("Outbound", audit(json!({})), json!({}))]), "an Audit looks at Inbound messages alone"),
        (
            policy(&[
                statement("Inbound", audit(json!({})), json!({})),
                statement("Inbound", audit(json!({})), json!({})),
            ]),
            "a policy must have at most one Audit statement",
        ),
        (policy(&[]), "a policy must have a statement"),
        (
            policy(&[
                statement("Inbound", deny(), json!({ "Sid": "s" })),
                statement("Inbound", deny(), json!({ "Sid": "s" })),
            ]),
            "two statements have the same Sid",
        ),
        (policy(&[]).replace("2021-06-01", "2020-01-01"), "Version must be 2021-06-01"),
        (
            custom("look", "(?=a)"),
            "the Regex of look cannot be used: look-around and back-references are not supported, or it is malformed",
        ),
        (custom("large", r"\w{1000}{1000}"), "the Regex of large cannot be used: it is too large when compiled"),
        (custom("empty", "a*"), "the Regex of empty matches where there is nothing"),
        (custom("long", &"a".repeat(201)), "the Regex of long must have 1 to 200 characters"),
        (custom("a b", "a"), "the name of a custom data identifier must be 1 to 128 letters, digits, '_' or '-'"),
        ("x".repeat(30_721), "a policy must have at most 30720 characters"),
    ];
    for (document, reason) in table {
        let message = format!("Invalid parameter: DataProtectionPolicy Reason: {reason}");
        assert_eq!(put(&door, &document).await.error(), refused(400, "InvalidParameter", &message), "{document}");
    }
    for malformed in ["{", "[]", r#"{"Name":"n"}"#, &inbound(json!({ "Unheard": 1 }))] {
        let (status, code, _) = put(&door, malformed).await.error();
        assert_eq!((status, code.as_str()), (400, "InvalidParameter"), "{malformed}");
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn an_audit_logs_what_was_found_by_name_and_lets_it_pass() {
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let door = Door::open().await;
    let audit = json!({ "Audit": {
        "SampleRate": "50",
        "FindingsDestination": { "CloudWatchLogs": { "LogGroup": "/aws/vendedlogs/found" } },
    } });
    assert_eq!(put(&door, &policy(&[statement("Inbound", audit, json!({ "Sid": "look" }))])).await.status, 200);
    for number in 0..4 {
        assert_eq!(publish(&door, &format!("ann{number}@example.com, bob@example.com")).await.status, 200);
    }
    let text = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("fanfare::data_protection")).collect();
    assert_eq!(lines.len(), 2, "half of them: {text}");
    for part in ["sid=\"look\"", "log_group=\"/aws/vendedlogs/found\"", "found=\"EmailAddress=2\"", TOPIC] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
    assert!(!text.contains("example.com"));
}

/// A policy with everything that can be found.
fn everything() -> DataProtectionPolicy {
    let names: Vec<_> =
        managed_identifiers().map(|name| format!("arn:aws:dataprotection::aws:data-identifier/{name}")).collect();
    let all = statement("Inbound", mask("*"), json!({ "DataIdentifier": names }));
    DataProtectionPolicy::parse(&policy(&[all])).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_document_makes_it_panic(text in ".{0,200}") {
        let _ = DataProtectionPolicy::parse(&text);
    }

    #[test]
    fn masking_keeps_the_number_of_characters(
        text in "([0-9]{1,9}|[a-zA-Z]{1,4}|[ .,@:/+_=-]|ü|DE|secret|exp|-----BEGIN PRIVATE KEY-----){0,40}",
    ) {
        static EVERYTHING: std::sync::LazyLock<DataProtectionPolicy> = std::sync::LazyLock::new(everything);
        let treat = |text: &str| EVERYTHING.treat(Direction::Inbound, OWNER, "", &[text]).unwrap();
        if let Some(masked) = treat(&text) {
            prop_assert_eq!(masked[0].chars().count(), text.chars().count());
            prop_assert!(masked[0].contains('*'));
        }
    }
}
