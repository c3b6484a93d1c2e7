//! Publishing to one phone or device, and subscribing one.

use fanfare::{Message, Protocol, TopicArn};
use fanfare_testkit::Step;
use serde_json::Value;

use crate::given::{ACCOUNT, Server, map};

const NUMBER: &str = "+15551234567";

#[tokio::test]
async fn a_message_to_a_number_comes_with_what_the_account_says_and_what_itself_says() {
    let server = Server::start().await;
    let defaults = [("DefaultSenderID", "ACME"), ("DefaultSMSType", "Promotional")];
    server.call("SetSMSAttributes", &map("attributes", &defaults)).await.done();
    let published = server.call("Publish", &[("PhoneNumber", NUMBER), ("Message", "hello")]).await.done();
    let own = [
        ("PhoneNumber", NUMBER),
        ("Message", "again"),
        ("MessageAttributes.entry.1.Name", "AWS.SNS.SMS.SMSType"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "Transactional"),
    ];
    let phone = server.phones.endpoint(NUMBER);
    assert_eq!(phone.wait_for(1).await[0].notification.message_id(), published.one("MessageId"));
    server.call("Publish", &own).await.done();
    let attempts = phone.wait_for(2).await;
    let attribute = |number: usize, name: &str| {
        attempts[number].notification.attributes().get(name).map(|attribute| attribute.to_text().into_owned())
    };
    assert_eq!(attempts[0].text(), "hello");
    assert_eq!(attribute(0, "AWS.SNS.SMS.SenderID").as_deref(), Some("ACME"));
    assert_eq!(attribute(0, "AWS.SNS.SMS.SMSType").as_deref(), Some("Promotional"));
    assert_eq!(attribute(1, "AWS.SNS.SMS.SMSType").as_deref(), Some("Transactional"));
}

#[tokio::test]
async fn the_json_api_tells_why_a_message_to_a_number_did_not_arrive() {
    let server = Server::start().await;
    server.phones.endpoint(NUMBER).script([Step::Hold]);
    let published = server.call("Publish", &[("PhoneNumber", NUMBER), ("Message", "hello")]).await.done();
    server.phones.endpoint(NUMBER).wait_for(1).await;
    let path = format!("/messages/{}", published.one("MessageId"));
    let (status, told) = server.json(reqwest::Method::GET, &path).await;
    assert_eq!(status, 200, "{told}");
    assert_eq!(told["subscriptions"].as_array().unwrap().len(), 1);
    let standing = &told["subscriptions"][0];
    assert_eq!((standing["endpoint"].as_str(), standing["protocol"].as_str()), (Some(NUMBER), Some("sms")));
    assert_eq!(standing["outcome"], "waiting");
}

#[tokio::test]
async fn a_message_that_cannot_be_a_text_message_is_refused() {
    let server = Server::start().await;
    let publish = async |message: &str, name: &str, value: &str| {
        let parameters = [
            ("PhoneNumber", NUMBER),
            ("Message", message),
            ("MessageAttributes.entry.1.Name", name),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", value),
        ];
        server.call("Publish", &parameters).await
    };
    let sender = "Invalid parameter: MessageAttributes Reason: AWS.SNS.SMS.SenderID must be 1 to 11 letters and digits, with \
                  at least one letter";
    let cases = [
        ("hello", "AWS.SNS.SMS.SenderID", "12345", sender),
        ("hello", "AWS.SNS.SMS.SenderID", "far-too-long", sender),
        (
            "hello",
            "AWS.SNS.SMS.SMSType",
            "Urgent",
            "Invalid parameter: MessageAttributes Reason: AWS.SNS.SMS.SMSType must be Promotional or Transactional",
        ),
        (
            "hello",
            "AWS.SNS.SMS.MaxPrice",
            "cheap",
            "Invalid parameter: MessageAttributes Reason: AWS.SNS.SMS.MaxPrice must be an amount in US dollars",
        ),
        ("", "AWS.SNS.SMS.SenderID", "ACME", "Invalid parameter: Empty message"),
        (&"x".repeat(1601), "AWS.SNS.SMS.SenderID", "ACME", "Invalid parameter: Message too long"),
    ];
    for (message, name, value, expected) in cases {
        assert_eq!(publish(message, name, value).await.error().2, expected);
    }
    publish(&"x".repeat(1600), "AWS.SNS.SMS.SenderID", "ACME").await.done();
    assert_eq!(server.phones.endpoint(NUMBER).wait_for(1).await.len(), 1);
}

#[tokio::test]
async fn a_message_to_a_device_carries_the_payload_of_its_platform() {
    let server = Server::start().await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let publish = async |structure: &[(&str, &str)], message: &str| {
        let mut parameters = vec![("TargetArn", endpoint.as_str()), ("Message", message)];
        parameters.extend(structure);
        server.call("Publish", &parameters).await
    };
    let json = [("MessageStructure", "json")];
    publish(&[], "plain").await.done();
    publish(&json, r#"{"default":"d","ADM":"{\"data\":{}}"}"#).await.done();
    // A message to one device needs no text for everybody else.
    publish(&json, r#"{"ADM":"alone"}"#).await.done();
    publish(&json, r#"{"default":"d","APNS":"other"}"#).await.done();
    let refused = publish(&json, r#"{"APNS":"other"}"#).await.error();
    assert_eq!(refused.2, "Invalid parameter: Message Structure - No default entry in JSON message body");
    let device = server.devices.endpoint(&endpoint);
    device.wait_for(4).await;
    let mut texts = device.texts();
    texts.sort();
    assert_eq!(texts, ["alone", "d", "plain", r#"{"data":{}}"#]);
}

#[tokio::test]
async fn a_device_that_is_turned_off_or_whose_application_is_gets_nothing() {
    let server = Server::start().await;
    let application = server.application("app").await;
    let endpoint = server.endpoint(&application, "token_1").await;
    // The state is looked at before the message, of which there is none here.
    let publish = async || server.call("Publish", &[("TargetArn", &endpoint)]).await.error();
    server.set_endpoint(&endpoint, &[("Enabled", "false")]).await.done();
    assert_eq!(publish().await, (400, "EndpointDisabled".into(), "Endpoint is disabled".into()));
    server.set_endpoint(&endpoint, &[("Enabled", "true")]).await.done();
    let mut set = vec![("PlatformApplicationArn".to_owned(), application.as_str())];
    set.extend(map("Attributes", &[("Enabled", "false")]));
    server.call("SetPlatformApplicationAttributes", &set).await.done();
    let disabled = (400, "PlatformApplicationDisabled".into(), "PlatformApplication is disabled".into());
    assert_eq!(publish().await, disabled);
}

/// The reason of the only failure of a message that a topic brings to `endpoint`.
async fn failure_by_topic(server: &Server, endpoint: &str, message: Message, before: impl AsyncFnOnce()) -> String {
    let topic = server.topic("topic").await;
    let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "application"), ("Endpoint", endpoint)];
    server.call("Subscribe", &subscribe).await.done();
    before().await;
    let published = server.fanfare.publish(&TopicArn::parse(&topic).unwrap(), message).await.unwrap();
    assert_eq!(published.settled().await.dropped(), 1);
    let attempts = server.fanfare.attempts(published.message_id(), None).await.unwrap();
    assert_eq!(attempts.len(), 1);
    attempts[0].failure.as_ref().unwrap().text.clone()
}

#[tokio::test]
async fn what_a_topic_brings_to_a_device_that_is_off_or_gone_fails_for_good_with_its_reason() {
    let text = || Message::text("hello").unwrap();
    let server = Server::start().await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let turn_off = async || drop(server.set_endpoint(&endpoint, &[("Enabled", "false")]).await.done());
    assert_eq!(failure_by_topic(&server, &endpoint, text(), turn_off).await, "Endpoint is disabled");

    let server = Server::start().await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let delete = async || drop(server.call("DeleteEndpoint", &[("EndpointArn", &endpoint)]).await.done());
    assert_eq!(failure_by_topic(&server, &endpoint, text(), delete).await, "Endpoint does not exist");
    assert!(server.devices.endpoint(&endpoint).attempts().is_empty());
}

#[tokio::test]
async fn a_message_that_is_too_old_for_its_time_to_live_is_not_sent() {
    let server = Server::start().await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let message = Message::builder("hello").string("AWS.SNS.MOBILE.ADM.TTL", "0").build().unwrap();
    let reason = failure_by_topic(&server, &endpoint, message, async || {}).await;
    assert_eq!(reason, "the time to live of the message has passed");
    assert!(server.devices.endpoint(&endpoint).attempts().is_empty());
}

#[tokio::test]
async fn a_device_that_the_push_service_does_not_know_any_more_is_turned_off_and_that_is_told() {
    let server = Server::start().await;
    let events = server.topic("events").await;
    let listener = server.listener(&events).await;
    let application = server.application("app").await;
    let mut set = vec![("PlatformApplicationArn".to_owned(), application.as_str())];
    set.extend(map("Attributes", &[("EventDeliveryFailure", &events), ("EventEndpointUpdated", &events)]));
    server.call("SetPlatformApplicationAttributes", &set).await.done();
    let endpoint = server.endpoint(&application, "token_1").await;
    server.devices.endpoint(&endpoint).script([Step::Disable]);

    let published = server.call("Publish", &[("TargetArn", endpoint.as_str()), ("Message", "hello")]).await.done();
    let told = listener.wait_for(2).await;
    assert_eq!(server.endpoint_attributes(&endpoint).await["Enabled"], "false");
    let again = server.call("Publish", &[("TargetArn", endpoint.as_str()), ("Message", "hello")]).await;
    assert_eq!(again.one("Code"), "EndpointDisabled");

    let events: Vec<Value> = told.iter().map(|attempt| serde_json::from_str(attempt.text()).unwrap()).collect();
    let failure = events.iter().find(|event| event["EventType"] == "DeliveryFailure").unwrap();
    assert_eq!(failure["MessageId"], published.one("MessageId"));
    assert_eq!(failure["FailureType"], "InvalidPlatformToken");
    assert_eq!(failure["FailureMessage"], "Platform token associated with the endpoint is not valid.");
    assert_eq!(failure["DeliveryAttempts"], 1);
    assert!(failure["Time"].as_str().unwrap().ends_with('Z'));
    assert!(events.iter().any(|event| event["EventType"] == "EndpointUpdated"));

    server.set_endpoint(&endpoint, &[("Enabled", "true"), ("Token", "token_2")]).await.done();
    server.call("Publish", &[("TargetArn", endpoint.as_str()), ("Message", "hello")]).await.done();
    server.devices.endpoint(&endpoint).wait_for(2).await;
}

#[tokio::test]
async fn where_nothing_delivers_to_phones_and_devices_they_are_refused_with_the_setting_that_is_missing() {
    let server = Server::start_without_connectors().await;
    let topic = server.topic("topic").await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let calls = [
        ("Publish", vec![("PhoneNumber", NUMBER), ("Message", "m")], "PhoneNumber", "sms"),
        ("Publish", vec![("TargetArn", &endpoint), ("Message", "m")], "TargetArn", "application"),
        ("Subscribe", vec![("TopicArn", &topic), ("Protocol", "sms"), ("Endpoint", NUMBER)], "Protocol", "sms"),
        (
            "Subscribe",
            vec![("TopicArn", &topic), ("Protocol", "application"), ("Endpoint", &endpoint)],
            "Protocol",
            "application",
        ),
        ("CreateSMSSandboxPhoneNumber", vec![("PhoneNumber", NUMBER)], "PhoneNumber", "sms"),
    ];
    for (operation, parameters, parameter, protocol) in calls {
        let way = if protocol == "sms" { " start it with --sms URL, or" } else { "" };
        let expected = format!(
            "Invalid parameter: {parameter} Reason: this server has nothing that delivers over {protocol}:{way} for tests, \
             start it with --outbox {protocol}"
        );
        assert_eq!(server.call(operation, &parameters).await.error(), (400, "InvalidParameter".into(), expected));
    }
}

#[tokio::test]
async fn an_endpoint_of_another_region_is_not_found() {
    let server = Server::start().await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let publish = [("TargetArn", endpoint.as_str()), ("Message", "m")];
    let refused = server.call_as(Some((ACCOUNT, "eu-west-1")), "Publish", &publish).await.error();
    assert_eq!(refused.2, "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified");
    assert_eq!(server.fanfare.protocols(), [Protocol::Sms, Protocol::Application]);
}
