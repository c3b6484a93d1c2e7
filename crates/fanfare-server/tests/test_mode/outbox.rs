//! Deliveries that are listed instead of sent.

use fanfare::wire::{Links, Renderer, Signer};
use fanfare::{Connector as _, Message, Notification, Protocol, Publication, SystemHost, Timestamp, TopicArn};
use fanfare_server::emulate::{Choice, Outbox};
use serde_json::{Value, json};

use crate::program::Program;

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
const DEAD_LETTERS: &str = "arn:aws:sqs:us-east-1:000000000000:dead-letters";

fn program() -> Program {
    Program::start(&["serve", "--memory", "--auth", "off", "--outbox", "email,email-json,sms,sqs,lambda,http"])
}

/// A message of its own for each protocol, with a subject and an attribute.
async fn publish(program: &Program, topic: &str) -> String {
    let message = json!({ "default": "to whom it may concern", "sms": "short", "email": "Dear Ann" }).to_string();
    let parameters = [("TopicArn", topic), ("Message", &message), ("MessageStructure", "json"), ("Subject", "News")];
    program.done("Publish", &parameters, "MessageId").await
}

#[tokio::test]
async fn a_delivery_is_listed_as_its_protocol_would_have_carried_it() {
    let program = program();
    let topic = program.topic("news").await;
    program.subscribe(&topic, "sms", "+15550100", &[]).await;
    let queue = program.subscribe(&topic, "sqs", QUEUE, &[]).await;
    let message_id = publish(&program, &topic).await;

    let texted = program.outbox("protocol=sms", 1).await;
    let time = texted[0]["time"].as_str().unwrap();
    assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    let expected = json!({
        "number": texted[0]["number"], "time": time, "protocol": "sms", "destination": "+15550100",
        "type": "Notification", "messageId": message_id, "topicArn": topic,
        "subscriptionArn": texted[0]["subscriptionArn"], "unsubscribeURL": texted[0]["unsubscribeURL"],
        "subject": "News", "text": "short", "attributes": {}, "attempt": 1,
    });
    assert_eq!(texted[0], expected);

    let queued = program.outbox("protocol=sqs&topic=news", 1).await;
    assert_eq!(queued[0]["subscriptionArn"], queue);
    let envelope: Value = serde_json::from_str(queued[0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(envelope["Type"], "Notification");
    assert_eq!(envelope["Message"], "to whom it may concern");
    assert_eq!(envelope["UnsubscribeURL"], queued[0]["unsubscribeURL"]);
}

#[tokio::test]
async fn attributes_are_listed_and_a_raw_delivery_has_the_text_alone() {
    let program = program();
    let topic = program.topic("news").await;
    let raw = [("Attributes.entry.1.key", "RawMessageDelivery"), ("Attributes.entry.1.value", "true")];
    program.subscribe(&topic, "sqs", QUEUE, &raw).await;
    let parameters = [
        ("TopicArn", topic.as_str()),
        ("Message", "hello"),
        ("MessageAttributes.entry.1.Name", "size"),
        ("MessageAttributes.entry.1.Value.DataType", "Number"),
        ("MessageAttributes.entry.1.Value.StringValue", "42"),
    ];
    let message_id = program.done("Publish", &parameters, "MessageId").await;
    let queued = program.outbox(&format!("messageId={message_id}"), 1).await;
    assert_eq!(queued[0]["text"], "hello");
    assert_eq!(queued[0]["attributes"], json!({ "size": { "Type": "Number", "Value": "42" } }));
}

#[tokio::test]
async fn a_function_is_listed_with_the_event_that_it_would_be_invoked_with() {
    let program = program();
    let topic = program.topic("news").await;
    let function = "arn:aws:lambda:us-east-1:000000000000:function:read";
    let subscription = program.subscribe(&topic, "lambda", function, &[]).await;
    let message_id = publish(&program, &topic).await;
    let invoked = program.outbox("protocol=lambda", 1).await;
    let event: Value = serde_json::from_str(invoked[0]["text"].as_str().unwrap()).unwrap();
    let record = &event["Records"][0];
    assert_eq!(record["EventSource"], "aws:sns");
    assert_eq!(record["EventSubscriptionArn"], subscription);
    assert_eq!((&record["Sns"]["MessageId"], &record["Sns"]["Subject"]), (&json!(message_id), &json!("News")));
    assert!(record["Sns"]["SigningCertUrl"].is_string() && record["Sns"]["SigningCertURL"].is_null());
}

#[tokio::test]
async fn a_subscriber_by_email_is_confirmed_with_what_the_outbox_lists() {
    let program = program();
    let topic = program.topic("news").await;
    let by_link = program.subscribe(&topic, "email", "ann@example.com", &[]).await;
    let by_token = program.subscribe(&topic, "email-json", "bob@example.com", &[]).await;
    let to = async |address: &str| {
        program.outbox(&format!("destination={address}&type=SubscriptionConfirmation"), 1).await.remove(0)
    };

    let link = to("ann@example.com").await["subscribeURL"].as_str().unwrap().to_owned();
    assert!(program.client.get(link).send().await.unwrap().status().is_success());
    let token = to("bob@example.com").await["token"].as_str().unwrap().to_owned();
    let confirm = [("TopicArn", topic.as_str()), ("Token", token.as_str())];
    assert_eq!(program.done("ConfirmSubscription", &confirm, "SubscriptionArn").await, by_token);

    publish(&program, &topic).await;
    let mails = program.outbox("type=Notification", 2).await;
    let to_ann = mails.iter().find(|mail| mail["destination"] == "ann@example.com").unwrap();
    assert_eq!((&to_ann["text"], &to_ann["subscriptionArn"]), (&json!("Dear Ann"), &json!(by_link)));
    let to_bob = mails.iter().find(|mail| mail["destination"] == "bob@example.com").unwrap();
    let envelope: Value = serde_json::from_str(to_bob["text"].as_str().unwrap()).unwrap();
    assert_eq!((&envelope["Subject"], &envelope["Message"]), (&json!("News"), &json!("to whom it may concern")));
}

#[tokio::test]
async fn a_rejected_delivery_becomes_a_dead_letter_that_is_listed() {
    let program = program();
    let topic = program.topic("orders").await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"{DEAD_LETTERS}"}}"#);
    let redrive = [("Attributes.entry.1.key", "RedrivePolicy"), ("Attributes.entry.1.value", redrive.as_str())];
    program.subscribe(&topic, "sms", "+15550100", &redrive).await;
    program.subscribe(&topic, "sms", "+15550101", &[]).await;
    let failure = json!({ "protocol": "sms", "destination": "+15550100", "kind": "reject" });
    assert_eq!(program.post("/_fanfare/outbox/fail", &failure).await.0, 204);

    let first = publish(&program, &topic).await;
    let dead = program.outbox(&format!("destination={DEAD_LETTERS}"), 1).await;
    assert_eq!(dead[0]["messageId"], first);
    let second = publish(&program, &topic).await;
    let taken = program.outbox("destination=%2B15550100", 1).await;
    assert_eq!(taken[0]["messageId"], second);
    assert_eq!(program.outbox("destination=%2B15550101", 2).await[0]["messageId"], first);
}

#[tokio::test]
async fn a_delivery_that_fails_for_a_while_is_listed_with_the_attempt_that_went_through() {
    let program = program();
    let topic = program.topic("orders").await;
    let policy = concat!(
        r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":1,"numRetries":2,"numNoDelayRetries":2,"#,
        r#""numMinDelayRetries":0,"numMaxDelayRetries":0,"backoffFunction":"linear"}}"#
    );
    let policy = [("Attributes.entry.1.key", "DeliveryPolicy"), ("Attributes.entry.1.value", policy)];
    program.subscribe(&topic, "http", "http://hooks.example/in", &policy).await;
    let asked = program.outbox("protocol=http", 1).await;
    program.client.get(asked[0]["subscribeURL"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(program.post("/_fanfare/outbox/fail", &json!({ "times": 2, "kind": "retry" })).await.0, 204);
    publish(&program, &topic).await;
    assert_eq!(program.outbox("protocol=http&type=Notification", 1).await[0]["attempt"], 3);
}

#[tokio::test]
async fn waiting_in_vain_ends_with_what_there_is() {
    let program = program();
    let topic = program.topic("orders").await;
    program.subscribe(&topic, "sms", "+15550100", &[]).await;
    publish(&program, &topic).await;
    program.outbox("protocol=sms", 1).await;
    let (status, body) = program.get("/_fanfare/outbox/wait?count=2&timeout=0.05").await;
    assert_eq!((status, &body["error"]), (504, &json!("1 of 2 deliveries were kept within 50ms")));
    assert_eq!(body["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_kept_can_be_forgotten_with_the_failures_that_were_asked_for() {
    let program = program();
    let topic = program.topic("orders").await;
    program.subscribe(&topic, "sms", "+15550100", &[]).await;
    publish(&program, &topic).await;
    assert_eq!(program.outbox("protocol=sms", 1).await[0]["number"], 1);
    program.post("/_fanfare/outbox/fail", &json!({ "times": 9, "kind": "reject" })).await;
    let delete = program.client.delete(format!("{}/_fanfare/outbox", program.base));
    assert_eq!(Program::json(delete).await.0, 204);
    assert_eq!(program.get("/_fanfare/outbox").await, (200, json!({ "messages": [], "dropped": 0 })));
    publish(&program, &topic).await;
    assert_eq!(program.outbox("protocol=sms", 1).await[0]["number"], 2);
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_by_name() {
    let program = program();
    let refused = async |path: &str| {
        let (status, body) = program.get(path).await;
        assert_eq!(status, 400, "{path}");
        body["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused("/_fanfare/outbox?protcol=sms").await, "there is no parameter protcol");
    assert_eq!(refused("/_fanfare/outbox?topic=a&topic=b").await, "topic is given twice");
    assert_eq!(refused("/_fanfare/outbox?type=Hello").await, "\"Hello\" is no type of message");
    assert_eq!(refused("/_fanfare/outbox/wait?count=-1").await, "count must be a whole number");
    let timeout = "timeout must be a span of time such as 10s, at most 600 s";
    assert_eq!(refused("/_fanfare/outbox/wait?timeout=1h").await, timeout);
    for body in [json!({ "kind": "explode" }), json!({ "kind": "retry", "time": 2 }), json!({}), json!([])] {
        assert_eq!(program.post("/_fanfare/outbox/fail", &body).await.0, 400, "{body}");
    }
    let never = program.post("/_fanfare/outbox/fail", &json!({ "kind": "retry", "times": 0 })).await;
    assert_eq!(never, (400, json!({ "error": "times must be at least 1" })));
}

#[tokio::test]
async fn addresses_that_amazon_sns_would_refuse_are_refused() {
    let program = program();
    let topic = program.topic("orders").await;
    for (protocol, address, message) in [
        ("email", "ann", "Invalid parameter: Email address"),
        ("sms", "+1--2", "Invalid SMS endpoint: +1--2"),
        ("sqs", "queue", "Invalid parameter: SQS endpoint ARN"),
        ("http", "https://hooks.example", "Invalid parameter: Endpoint must match the specified protocol"),
    ] {
        let subscribe = [("TopicArn", topic.as_str()), ("Protocol", protocol), ("Endpoint", address)];
        let (status, xml) = program.call("Subscribe", &subscribe).await;
        assert!(status == 400 && xml.contains(&format!("<Message>{message}</Message>")), "{protocol}: {xml}");
    }
}

#[tokio::test]
async fn a_web_page_of_another_origin_is_refused_and_so_is_an_unsigned_look_where_signatures_count() {
    let program = program();
    let outbox = |base: &str| format!("{base}/_fanfare/outbox");
    let foreign = program.client.delete(outbox(&program.base)).header("origin", "https://evil.example");
    assert_eq!(Program::json(foreign).await.0, 403);
    let own = program.client.delete(outbox(&program.base)).header("origin", &program.base);
    assert_eq!(Program::json(own).await.0, 204);
    let checking = Program::start(&["serve", "--memory", "--key", "AKID:secret:123456789012", "--outbox", "sms"]);
    assert_eq!(Program::json(checking.client.get(outbox(&checking.base))).await.0, 403);
}

#[tokio::test]
async fn there_is_no_outbox_unless_it_is_asked_for() {
    let program = Program::start(&["serve", "--memory", "--auth", "off"]);
    assert_eq!(program.get("/_fanfare/outbox").await.0, 404);
    assert_eq!(program.get("/_fanfare/outbox/wait?count=1").await.0, 404);
    assert_eq!(program.post("/_fanfare/outbox/fail", &json!({ "kind": "retry" })).await.0, 404);
}

#[tokio::test]
async fn an_outbox_that_is_full_drops_the_oldest_and_counts_them() {
    let renderer = Renderer::new(Signer::ephemeral(), Links::new("http://127.0.0.1:9").unwrap());
    let outbox = Outbox::new([Protocol::Sms], renderer, SystemHost);
    let endpoint = outbox.connect(&Protocol::Sms, "+15550100").unwrap();
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
    let publication = Publication::new("id", topic, Timestamp::EPOCH, Message::text("hello").unwrap());
    let notification = Notification::new(publication, "sms");
    for _ in 0..10_003 {
        endpoint.deliver(&notification).await.unwrap();
    }
    let kept = outbox.list(&Choice::default());
    assert_eq!((kept.len(), outbox.dropped(), kept[0].number), (10_000, 3, 4));
}
