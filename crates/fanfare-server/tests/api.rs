//! The operations as clients call them: over a socket, in form bodies and XML.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use fanfare::egress::EgressPolicy;
use fanfare::wire::Signer;
use fanfare::{Adapters, Fanfare, Owner};
use fanfare_server::api;
use fanfare_server::auth::{Keys, Mode};
use fanfare_testkit::HttpReceiver;
use tokio::net::TcpListener;
use url::form_urlencoded::Serializer;

const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:topic";
const FIFO: &str = "arn:aws:sns:us-east-1:000000000000:topic.fifo";

/// An operation, its parameters, and the status, code and message with which it is refused.
type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, u16, &'a str, &'a str);

/// A server on loopback.
struct Server {
    base: String,
    client: reqwest::Client,
}

/// What came back: a status and the elements of the XML by name, in order.
struct Reply {
    status: u16,
    request_id: Option<String>,
    xml: String,
}

impl Reply {
    /// The texts of every element of that name.
    fn all(&self, name: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(&self.xml).unwrap();
        let named = document.descendants().filter(|node| node.tag_name().name() == name);
        named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    fn one(&self, name: &str) -> String {
        let all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {}", self.xml);
        all[0].clone()
    }

    fn map(&self) -> BTreeMap<String, String> {
        self.all("key").into_iter().zip(self.all("value")).collect()
    }

    fn error(&self) -> (u16, String, String) {
        (self.status, self.one("Code"), self.one("Message"))
    }
}

impl Server {
    async fn start_with(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let signer = Signer::ephemeral();
        let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
        let adapters = Adapters::new(&base).unwrap().signer(signer.clone()).egress(egress);
        let fanfare = Fanfare::builder().connectors(adapters.connectors().unwrap()).open();
        let router = api::router(fanfare, signer, mode);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A server that believes everybody, with a standard topic and a FIFO topic.
    async fn start() -> Self {
        let server = Self::start_with(Mode::Off(Owner::default())).await;
        assert_eq!(server.call("CreateTopic", &[("Name", "topic")]).await.one("TopicArn"), TOPIC);
        let fifo =
            [("Name", "topic.fifo"), ("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")];
        assert_eq!(server.call("CreateTopic", &fifo).await.one("TopicArn"), FIFO);
        server
    }

    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Reply {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", "2010-03-31").extend_pairs(parameters);
        let request = self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        Self::reply(request.body(form.finish())).await
    }

    async fn get(&self, path: &str) -> Reply {
        Self::reply(self.client.get(format!("{}{path}", self.base))).await
    }

    async fn reply(request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let request_id = response.headers().get("x-amzn-requestid").map(|id| id.to_str().unwrap().to_owned());
        Reply { status, request_id, xml: response.text().await.unwrap() }
    }

    async fn topic_attributes(&self, topic: &str) -> BTreeMap<String, String> {
        self.call("GetTopicAttributes", &[("TopicArn", topic)]).await.map()
    }
}

#[tokio::test]
async fn a_page_of_another_origin_cannot_publish_where_no_signatures_are_checked() {
    let server = Server::start().await;
    let publish = format!("{}/?Action=Publish&Version=2010-03-31&TopicArn={TOPIC}&Message=hello", server.base);
    let from = |origin: &str| Server::reply(server.client.post(&publish).header("origin", origin));
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let reply = from(origin).await;
        assert_eq!((reply.status, reply.one("Code").as_str()), (403, "AuthorizationError"), "{origin}");
    }
    assert_eq!(from(&server.base).await.status, 200);
    // A name that its owner let lead to this machine once their page was loaded is the host and the origin alike.
    for rebound in ["attacker.example", "attacker.example:9911"] {
        let request = server.client.post(&publish).header("host", rebound);
        let reply = Server::reply(request.header("origin", format!("http://{rebound}"))).await;
        assert_eq!((reply.status, reply.one("Code").as_str()), (403, "AuthorizationError"), "{rebound}");
        let silent = server.client.get(&publish).header("host", rebound).header("sec-fetch-site", "same-origin");
        assert_eq!(Server::reply(silent).await.status, 403, "{rebound}");
    }
}

fn pairs<'a>(pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    pairs.to_vec()
}

#[tokio::test]
async fn a_fresh_topic_shows_the_attributes_of_amazon_sns_and_no_others() {
    let server = Server::start().await;
    let policy = concat!(
        r#"{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","#,
        r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","#,
        r#""SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","#,
        r#""SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"arn:aws:sns:us-east-1:000000000000:topic","#,
        r#""Condition":{"StringEquals":{"AWS:SourceOwner":"000000000000"}}}]}"#
    );
    let delivery = concat!(
        r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"#,
        r#""numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"#,
        r#""disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"#,
        r#""text/plain; charset=UTF-8"}}}"#
    );
    let expected = [
        ("DisplayName", ""),
        ("EffectiveDeliveryPolicy", delivery),
        ("Owner", "000000000000"),
        ("Policy", policy),
        ("SubscriptionsConfirmed", "0"),
        ("SubscriptionsDeleted", "0"),
        ("SubscriptionsPending", "0"),
        ("TopicArn", TOPIC),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(server.topic_attributes(TOPIC).await, expected);
    let fifo = server.topic_attributes(FIFO).await;
    assert_eq!((fifo["FifoTopic"].as_str(), fifo["ContentBasedDeduplication"].as_str()), ("true", "false"));
    assert_eq!(fifo.len(), 10);
}

#[tokio::test]
async fn attributes_that_are_set_are_shown_and_can_be_taken_back() {
    let server = Server::start().await;
    let set = async |topic, name, value| {
        let parameters = [("TopicArn", topic), ("AttributeName", name), ("AttributeValue", value)];
        assert_eq!(server.call("SetTopicAttributes", &parameters).await.status, 200, "{name}");
    };
    set(TOPIC, "DisplayName", "Parcels").await;
    set(TOPIC, "SignatureVersion", "2").await;
    set(TOPIC, "MaximumMessageSize", "262144").await;
    let shown = server.topic_attributes(TOPIC).await;
    assert_eq!(shown["DisplayName"], "Parcels");
    assert_eq!(shown["SignatureVersion"], "2");
    assert_eq!(shown["MaximumMessageSize"], "262144");
    set(FIFO, "ContentBasedDeduplication", "true").await;
    assert_eq!(server.topic_attributes(FIFO).await["ContentBasedDeduplication"], "true");
    set(FIFO, "ContentBasedDeduplication", "false").await;
    assert_eq!(server.topic_attributes(FIFO).await["ContentBasedDeduplication"], "false");
}

#[tokio::test]
async fn topics_are_listed_a_hundred_at_a_time_to_their_owner_alone() {
    let server = Server::start_with(Mode::Off(Owner::default())).await;
    for number in 0..101 {
        server.call("CreateTopic", &[("Name", &format!("topic-{number:03}"))]).await;
    }
    let first = server.call("ListTopics", &[]).await;
    assert_eq!(first.all("TopicArn").len(), 100);
    let rest = server.call("ListTopics", &[("NextToken", &first.one("NextToken"))]).await;
    assert_eq!(rest.all("TopicArn"), ["arn:aws:sns:us-east-1:000000000000:topic-100"]);
    assert_eq!(rest.all("NextToken"), [] as [&str; 0]);
    let other = [
        ("X-Amz-Credential", "111111111111/20260101/us-east-1/sns/aws4_request"),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
    ];
    let query = Serializer::new("/?Action=ListTopics&".to_owned()).extend_pairs(other).finish();
    assert_eq!(server.get(&query).await.all("TopicArn"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_subscriber_confirms_by_its_link_and_then_gets_what_is_published() {
    let server = Server::start().await;
    let receiver = HttpReceiver::start().await;
    let url = receiver.url("/in");
    let subscribe = [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", url.as_str())];
    let pending = server.call("Subscribe", &subscribe).await;
    assert_eq!(pending.one("SubscriptionArn"), "pending confirmation");
    let listed = server.call("ListSubscriptionsByTopic", &[("TopicArn", TOPIC)]).await;
    assert_eq!(listed.one("SubscriptionArn"), "PendingConfirmation");
    assert_eq!(server.topic_attributes(TOPIC).await["SubscriptionsPending"], "1");

    let request: serde_json::Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    let link = request["SubscribeURL"].as_str().unwrap().strip_prefix(&server.base).unwrap();
    let subscription = server.get(link).await.one("SubscriptionArn");
    let published = server.call("Publish", &[("TargetArn", TOPIC), ("Message", "m"), ("Subject", "s")]).await;
    assert_eq!(published.request_id.unwrap().len(), 36);
    let delivered: serde_json::Value = serde_json::from_slice(&receiver.wait_for(2).await[1].body).unwrap();
    assert_eq!((delivered["Message"].as_str(), delivered["Subject"].as_str()), (Some("m"), Some("s")));

    let certificate = delivered["SigningCertURL"].as_str().unwrap().strip_prefix(&server.base).unwrap();
    assert!(server.get(certificate).await.xml.starts_with("-----BEGIN CERTIFICATE-----"));
    let shown = server.call("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]).await.map();
    assert_eq!((shown["PendingConfirmation"].as_str(), shown["Endpoint"].as_str()), ("false", url.as_str()));
    assert_eq!(server.call("Unsubscribe", &[("SubscriptionArn", &subscription)]).await.status, 200);
    let gone = server.call("GetSubscriptionAttributes", &[("SubscriptionArn", &subscription)]).await;
    assert_eq!(gone.error(), (404, "NotFound".to_owned(), "Subscription does not exist".to_owned()));
}

#[tokio::test]
async fn a_scope_may_be_set_before_its_nested_policy_and_stays_hidden_until_then() {
    let server = Server::start().await;
    let receiver = HttpReceiver::start().await;
    let endpoint = format!("http://u:secret@{}/", receiver.addr());
    let subscribe =
        [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", endpoint.as_str()), ("ReturnSubscriptionArn", "true")];
    let arn = server.call("Subscribe", &subscribe).await.one("SubscriptionArn");
    let set = async |name, value| {
        let parameters = [("SubscriptionArn", arn.as_str()), ("AttributeName", name), ("AttributeValue", value)];
        server.call("SetSubscriptionAttributes", &parameters).await
    };
    let shown = async || server.call("GetSubscriptionAttributes", &[("SubscriptionArn", &arn)]).await.map();
    assert_eq!(set("FilterPolicyScope", "MessageBody").await.status, 200);
    assert_eq!(shown().await.get("FilterPolicyScope"), None);
    assert_eq!(set("FilterPolicy", r#"{"a":{"b":["c"]}}"#).await.status, 200);
    let attributes = shown().await;
    assert_eq!(attributes["FilterPolicyScope"], "MessageBody");
    assert_eq!(attributes["FilterPolicy"], r#"{"a":{"b":["c"]}}"#);
    assert_eq!(attributes["Endpoint"], format!("http://u:****@{}/", receiver.addr()));
    assert_eq!(set("FilterPolicy", "").await.status, 200);
    assert_eq!(shown().await.get("FilterPolicy"), None);
    assert_eq!(
        set("RawMessageDelivery", "test-ValUe").await.error().2,
        "Invalid parameter: RawMessageDelivery: Invalid value [test-ValUe]. Must be true or false."
    );
    assert_eq!(set("FakeAttribute", "v").await.error().2, "Invalid parameter: AttributeName");
    assert_eq!(
        set("RedrivePolicy", r#"{"deadLetterTargetArn":"fake-arn"}"#).await.error().2,
        "Invalid parameter: RedrivePolicy: deadLetterTargetArn is an invalid arn"
    );
    assert_eq!(
        set("RedrivePolicy", r#"{"maxReceiveCount":5}"#).await.error().2,
        "Invalid parameter: RedrivePolicy: invalid JSON. Attribute maxReceiveCount is unknown."
    );
}

#[tokio::test]
async fn a_second_subscription_must_ask_for_nothing_else() {
    let server = Server::start().await;
    let receiver = HttpReceiver::start().await;
    let url = receiver.url("/");
    let asking = async |attributes: &[(&str, &str)]| {
        let mut parameters = pairs(&[("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", url.as_str())]);
        parameters.push(("ReturnSubscriptionArn", "true"));
        let names: Vec<_> = (1..=attributes.len())
            .map(|n| (format!("Attributes.entry.{n}.key"), format!("Attributes.entry.{n}.value")))
            .collect();
        for ((key, value), (name, text)) in names.iter().zip(attributes) {
            parameters.extend([(key.as_str(), *name), (value.as_str(), *text)]);
        }
        server.call("Subscribe", &parameters).await
    };
    let first =
        asking(&[("RawMessageDelivery", "true"), ("FilterPolicy", r#"{"a":["b"]}"#)]).await.one("SubscriptionArn");
    assert_eq!(asking(&[]).await.one("SubscriptionArn"), first);
    assert_eq!(asking(&[("RawMessageDelivery", "True")]).await.one("SubscriptionArn"), first);
    assert_eq!(asking(&[("FilterPolicyScope", "MessageAttributes")]).await.one("SubscriptionArn"), first);
    for different in
        [("RawMessageDelivery", "false"), ("FilterPolicy", r#"{"a":["c"]}"#), ("FilterPolicyScope", "MessageBody")]
    {
        assert_eq!(
            asking(&[different]).await.error().2,
            "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
        );
    }
}

#[tokio::test]
async fn a_batch_answers_every_entry_and_a_fifo_topic_recognises_repeated_ones() {
    let server = Server::start().await;
    let batch = pairs(&[
        ("TopicArn", FIFO),
        ("PublishBatchRequestEntries.member.1.Id", "a"),
        ("PublishBatchRequestEntries.member.1.Message", "one"),
        ("PublishBatchRequestEntries.member.1.MessageGroupId", "g"),
        ("PublishBatchRequestEntries.member.1.MessageDeduplicationId", "d"),
        ("PublishBatchRequestEntries.member.2.Id", "b"),
        ("PublishBatchRequestEntries.member.2.Message", "two"),
        ("PublishBatchRequestEntries.member.2.MessageGroupId", "g"),
        ("PublishBatchRequestEntries.member.2.MessageDeduplicationId", "d"),
    ]);
    let reply = server.call("PublishBatch", &batch).await;
    assert_eq!(reply.all("Id"), ["a", "b"]);
    assert_eq!(reply.all("Failed"), [""]);
    let (ids, numbers) = (reply.all("MessageId"), reply.all("SequenceNumber"));
    assert_eq!((&ids[0], &numbers[0]), (&ids[1], &numbers[1]));
    assert_eq!(numbers[0].len(), 20);
}

#[tokio::test]
async fn tags_are_added_replaced_listed_and_removed() {
    let server = Server::start().await;
    let tag = |key, value| pairs(&[("ResourceArn", TOPIC), ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)]);
    assert!(server.call("TagResource", &tag("k", "v")).await.xml.contains("<TagResourceResult/>"));
    server.call("TagResource", &tag("k", "w")).await;
    server.call("TagResource", &tag("other", "")).await;
    server
        .call("UntagResource", &[("ResourceArn", TOPIC), ("TagKeys.member.1", "other"), ("TagKeys.member.2", "no")])
        .await;
    let listed = server.call("ListTagsForResource", &[("ResourceArn", TOPIC)]).await;
    assert_eq!((listed.one("Key"), listed.one("Value")), ("k".to_owned(), "w".to_owned()));
}

#[tokio::test]
async fn bad_calls_are_refused_in_amazon_snss_words() {
    let server = Server::start().await;
    let unknown = "arn:aws:sns:us-east-1:000000000000:nobody";
    let elsewhere = "arn:aws:sns:eu-west-1:000000000000:topic";
    let foreign = "arn:aws:sns:us-east-1:111111111111:topic";
    let long = "a".repeat(262_145);
    let name = "a".repeat(257);
    let cases: Vec<Case<'_>> = vec![
        ("GetTopicAttributes", pairs(&[("TopicArn", unknown)]), 404, "NotFound", "Topic does not exist"),
        (
            "GetTopicAttributes",
            pairs(&[("TopicArn", "test-topic")]),
            400,
            "InvalidParameter",
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (
            "GetTopicAttributes",
            pairs(&[("TopicArn", elsewhere)]),
            400,
            "InvalidParameter",
            "Invalid parameter: TopicArn",
        ),
        ("DeleteTopic", pairs(&[("TopicArn", elsewhere)]), 400, "InvalidParameter", "Invalid parameter: TopicArn"),
        (
            "Publish",
            pairs(&[("TopicArn", foreign), ("Message", "m")]),
            403,
            "AuthorizationError",
            "User: arn:aws:iam::000000000000:root is not authorized to perform: SNS:Publish on resource: arn:aws:sns:us-east-1:111111111111:topic because no identity-based policy allows the SNS:Publish action",
        ),
        ("CreateTopic", pairs(&[("Name", "")]), 400, "InvalidParameter", "Invalid parameter: Topic Name"),
        ("CreateTopic", pairs(&[("Name", &name)]), 400, "InvalidParameter", "Invalid parameter: Topic Name"),
        ("CreateTopic", pairs(&[("Name", "test.fifo")]), 400, "InvalidParameter", "Invalid parameter: Topic Name"),
        (
            "CreateTopic",
            pairs(&[("Name", "test"), ("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Topic Name",
        ),
        (
            "CreateTopic",
            pairs(&[("Name", "topic"), ("Attributes.entry.1.key", "DisplayName"), ("Attributes.entry.1.value", "x")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
        ),
        (
            "CreateTopic",
            pairs(&[("Name", "topic"), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Tags Reason: Topic already exists with different tags",
        ),
        (
            "CreateTopic",
            pairs(&[("Name", "new"), ("Attributes.entry.1.key", "Fake"), ("Attributes.entry.1.value", "x")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Attributes Reason: Unknown attribute Fake",
        ),
        (
            "SetTopicAttributes",
            pairs(&[("TopicArn", TOPIC), ("AttributeName", "FifoTopic"), ("AttributeValue", "false")]),
            400,
            "InvalidParameter",
            "Invalid parameter: AttributeName",
        ),
        (
            "TagResource",
            pairs(&[
                ("ResourceArn", TOPIC),
                ("Tags.member.1.Key", "k"),
                ("Tags.member.1.Value", "v"),
                ("Tags.member.2.Key", "k"),
                ("Tags.member.2.Value", "v"),
            ]),
            400,
            "InvalidParameter",
            "Invalid parameter: Duplicated keys are not allowed.",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", ""), ("Message", "m")]),
            400,
            "InvalidParameter",
            "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (
            "Publish",
            pairs(&[("TargetArn", "arn:aws:sns:us-east-1:000000000000:endpoint/APNS/a/b"), ("Message", "m")]),
            400,
            "InvalidParameter",
            "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified",
        ),
        (
            "Publish",
            pairs(&[("PhoneNumber", "+1a234"), ("Message", "m")]),
            400,
            "InvalidParameter",
            "Invalid parameter: PhoneNumber Reason: +1a234 is not valid to publish to",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", TOPIC), ("Message", "")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Empty message",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", TOPIC), ("Message", "m"), ("Subject", "")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Subject",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", TOPIC), ("Message", &long)]),
            400,
            "InvalidParameter",
            "Invalid parameter: Message too long",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", TOPIC), ("Message", r#"{"sqs":"x"}"#), ("MessageStructure", "json")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
        (
            "Publish",
            pairs(&[
                ("TopicArn", TOPIC),
                ("Message", "m"),
                ("MessageAttributes.entry.1.Name", "attr1"),
                ("MessageAttributes.entry.1.Value.StringValue", "v"),
            ]),
            400,
            "ValidationError",
            "1 validation error detected: Value null at 'messageAttributes.attr1.member.dataType' failed to satisfy constraint: Member must not be null",
        ),
        (
            "Publish",
            pairs(&[
                ("TopicArn", TOPIC),
                ("Message", "m"),
                ("MessageAttributes.entry.1.Name", "attr1"),
                ("MessageAttributes.entry.1.Value.DataType", "String"),
            ]),
            400,
            "ParameterValueInvalid",
            "The message attribute 'attr1' must contain non-empty message attribute value for message attribute type 'String'.",
        ),
        (
            "Publish",
            pairs(&[
                ("TopicArn", TOPIC),
                ("Message", "m"),
                ("MessageAttributes.entry.1.Name", "attr1"),
                ("MessageAttributes.entry.1.Value.DataType", "Number"),
                ("MessageAttributes.entry.1.Value.BinaryValue", "MTIz"),
            ]),
            400,
            "ParameterValueInvalid",
            "The message attribute 'attr1' with type 'Number' must use field 'String'.",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", FIFO), ("Message", "m")]),
            400,
            "InvalidParameter",
            "Invalid parameter: The MessageGroupId parameter is required for FIFO topics",
        ),
        (
            "Publish",
            pairs(&[("TopicArn", TOPIC), ("Message", "m"), ("MessageDeduplicationId", "d")]),
            400,
            "InvalidParameter",
            "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type",
        ),
        ("PublishBatch", pairs(&[("TopicArn", unknown)]), 404, "NotFound", "Topic does not exist"),
        (
            "PublishBatch",
            pairs(&[
                ("TopicArn", TOPIC),
                ("PublishBatchRequestEntries.member.1.Id", "message.id"),
                ("PublishBatchRequestEntries.member.1.Message", "m"),
            ]),
            400,
            "InvalidBatchEntryId",
            "The Id of a batch entry in the batch request contains an impermissible character: message.id",
        ),
        (
            "PublishBatch",
            pairs(&[
                ("TopicArn", FIFO),
                ("PublishBatchRequestEntries.member.1.Id", "1"),
                ("PublishBatchRequestEntries.member.2.Id", "1"),
            ]),
            400,
            "BatchEntryIdsNotDistinct",
            "Two or more batch entries in the request have the same Id.",
        ),
        (
            "PublishBatch",
            pairs(&[
                ("TopicArn", FIFO),
                ("PublishBatchRequestEntries.member.1.Id", "1"),
                ("PublishBatchRequestEntries.member.1.Message", "m"),
                ("PublishBatchRequestEntries.member.1.MessageGroupId", "g"),
            ]),
            400,
            "InvalidParameter",
            "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
        ),
        (
            "PublishBatch",
            pairs(&[
                ("TopicArn", TOPIC),
                ("PublishBatchRequestEntries.member.1.Id", "1"),
                ("PublishBatchRequestEntries.member.1.Message", &long[1..]),
                ("PublishBatchRequestEntries.member.2.Id", "2"),
                ("PublishBatchRequestEntries.member.2.Message", "m"),
            ]),
            400,
            "BatchRequestTooLong",
            "The length of all the messages put together is more than the limit.",
        ),
        (
            "Subscribe",
            pairs(&[("TopicArn", TOPIC), ("Protocol", "test-protocol"), ("Endpoint", "e")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Amazon SNS does not support this protocol string: test-protocol",
        ),
        (
            "Subscribe",
            pairs(&[("TopicArn", TOPIC), ("Protocol", "sqs"), ("Endpoint", "unknown")]),
            400,
            "InvalidParameter",
            "Invalid parameter: SQS endpoint ARN",
        ),
        (
            "Subscribe",
            pairs(&[
                ("TopicArn", TOPIC),
                ("Protocol", "sqs"),
                ("Endpoint", "arn:aws:sqs:us-east-1:111111111111:q.fifo"),
            ]),
            400,
            "InvalidParameter",
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ),
        (
            "Subscribe",
            pairs(&[("TopicArn", TOPIC), ("Protocol", "sms"), ("Endpoint", "+15--551234567")]),
            400,
            "InvalidParameter",
            "Invalid SMS endpoint: +15--551234567",
        ),
        (
            "Subscribe",
            pairs(&[("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", "https://127.0.0.1/")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Endpoint must match the specified protocol",
        ),
        (
            "Subscribe",
            pairs(&[("TopicArn", FIFO), ("Protocol", "http"), ("Endpoint", "http://127.0.0.1/")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Invalid protocol type: http",
        ),
        (
            "Subscribe",
            pairs(&[("TopicArn", unknown), ("Protocol", "email"), ("Endpoint", "a@example.com")]),
            404,
            "NotFound",
            "Topic does not exist",
        ),
        (
            "ConfirmSubscription",
            pairs(&[("TopicArn", TOPIC), ("Token", "randomtoken")]),
            400,
            "InvalidParameter",
            "Invalid token",
        ),
        (
            "ConfirmSubscription",
            pairs(&[("TopicArn", unknown), ("Token", "abc123")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Token",
        ),
        (
            "ConfirmSubscription",
            pairs(&[("TopicArn", elsewhere), ("Token", "abc123")]),
            400,
            "InvalidParameter",
            "Invalid parameter: Topic",
        ),
        (
            "Unsubscribe",
            pairs(&[]),
            400,
            "InvalidParameter",
            "Invalid parameter: SubscriptionArn Reason: no value for required parameter",
        ),
        (
            "Unsubscribe",
            pairs(&[("SubscriptionArn", "randomstring")]),
            400,
            "InvalidParameter",
            "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
        ),
        (
            "Unsubscribe",
            pairs(&[("SubscriptionArn", TOPIC)]),
            400,
            "InvalidParameter",
            "Invalid parameter: SubscriptionId",
        ),
        ("ListTopics", pairs(&[("NextToken", "x")]), 400, "InvalidParameter", "Invalid parameter: NextToken"),
        (
            "AddPermission",
            pairs(&[]),
            400,
            "InvalidParameter",
            "Invalid parameter: TopicArn Reason: no value for required parameter",
        ),
        ("Nonsense", pairs(&[]), 400, "InvalidAction", "Could not find operation Nonsense for version 2010-03-31"),
    ];
    for (action, parameters, status, code, message) in cases {
        let reply = server.call(action, &parameters).await;
        assert_eq!(reply.error(), (status, code.to_owned(), message.to_owned()), "{action}");
        assert_eq!(reply.one("Type"), "Sender");
    }
}

#[tokio::test]
async fn deleting_and_unsubscribing_what_is_not_there_succeeds() {
    let server = Server::start().await;
    assert_eq!(server.call("DeleteTopic", &[("TopicArn", TOPIC)]).await.status, 200);
    assert_eq!(server.call("DeleteTopic", &[("TopicArn", TOPIC)]).await.status, 200);
    let subscription = format!("{TOPIC}:6a7b8c9d-0000-4000-8000-000000000000");
    assert_eq!(server.call("Unsubscribe", &[("SubscriptionArn", &subscription)]).await.status, 200);
}

#[tokio::test]
async fn unsigned_calls_are_refused_but_for_the_links_in_messages() {
    let server = Server::start_with(Mode::SigV4(Keys::new().with_key("AKID", "secret", "000000000000").unwrap())).await;
    assert_eq!(server.call("ListTopics", &[]).await.error().1, "MissingAuthenticationToken");
    assert_eq!(server.call("Unsubscribe", &[("SubscriptionArn", TOPIC)]).await.error().1, "MissingAuthenticationToken");
    assert_eq!(server.get("/?Action=ListTopics").await.error().1, "MissingAuthenticationToken");
    let confirm = server.get(&format!("/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=abc123")).await;
    assert_eq!(confirm.error().2, "Invalid parameter: Token");
    assert_eq!(server.get("/healthz").await.xml, "ok\n");
}

#[tokio::test]
async fn a_body_that_is_too_long_is_refused_by_name() {
    let server = Server::start().await;
    let long = server.call("Publish", &[("TopicArn", TOPIC), ("Message", &"a".repeat(api::BODY_BYTES_MAX))]).await;
    assert_eq!(
        long.error(),
        (413, "RequestEntityTooLarge".to_owned(), "The body must have at most 4194304 bytes".to_owned())
    );
}

#[tokio::test]
async fn the_program_serves_until_it_is_told_to_stop_and_goes_on_where_it_was() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("serve-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    for listed in [0, 1] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_fanfare"))
            .args(["serve", "--listen", "127.0.0.1:0", "--auth", "off", "--data"])
            .arg(&folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        let server = Server { base, client: reqwest::Client::builder().no_proxy().build().unwrap() };
        assert_eq!(server.call("ListTopics", &[]).await.all("TopicArn").len(), listed);
        assert_eq!(server.call("CreateTopic", &[("Name", "topic")]).await.one("TopicArn"), TOPIC);
        assert!(Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap().success());
        let output = program.wait_with_output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stderr).unwrap().contains("signatures are NOT checked"));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_server_that_nobody_could_call_does_not_start() {
    let output = Command::new(env!("CARGO_BIN_EXE_fanfare")).args(["serve", "--memory"]).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "fanfare: nobody could call: give at least one --key ACCESS:SECRET:ACCOUNT, or --auth off\n");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = ["serve", "--memory", "--auth", "off", "--listen", &address];
    let output = Command::new(env!("CARGO_BIN_EXE_fanfare")).args(serve).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with(&format!("fanfare: cannot listen on {address}: ")), "{said}");
    assert!(said.ends_with(": choose another address with --listen\n"), "{said}");
}

#[tokio::test]
async fn the_program_serves_signed_calls_of_its_keys_and_reaches_allowed_addresses() {
    let key = format!("{ACCESS_KEY}:{SECRET}:123456789012");
    let mut program = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["serve", "--memory", "--listen", "127.0.0.1:0", "--public-url", "http://fanfare.example", "--key", &key])
        .args(["--egress-allow", "127.0.0.0/8"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
    let server = Server { base, client: reqwest::Client::builder().no_proxy().build().unwrap() };

    let create = "Action=CreateTopic&Version=2010-03-31&Name=topic";
    let topic = Server::reply(signed(&server, SECRET, create)).await.one("TopicArn");
    assert_eq!(topic, "arn:aws:sns:eu-west-1:123456789012:topic");
    let refused = Server::reply(signed(&server, "another", create)).await;
    assert_eq!((refused.status, refused.one("Code").as_str()), (403, "SignatureDoesNotMatch"));
    let receiver = HttpReceiver::start().await;
    let mut subscribe = Serializer::new("Action=Subscribe&Version=2010-03-31&Protocol=http".to_owned());
    let subscribe = subscribe.append_pair("TopicArn", &topic).append_pair("Endpoint", &receiver.url("/in")).finish();
    assert_eq!(Server::reply(signed(&server, SECRET, &subscribe)).await.status, 200);
    let request: serde_json::Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    assert!(request["SubscribeURL"].as_str().unwrap().starts_with("http://fanfare.example/"));

    assert!(Command::new("kill").args(["-TERM", &program.id().to_string()]).status().unwrap().success());
    assert!(program.wait().unwrap().success());
}

const ACCESS_KEY: &str = "AKIDEXAMPLE";
/// With a colon, which separates the parts of a `--key`.
const SECRET: &str = "a-secret:of-yours";

/// A POST of `body` with Signature Version 4, for the region `eu-west-1`.
fn signed(server: &Server, secret: &str, body: &str) -> reqwest::RequestBuilder {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let scope = format!("{}/eu-west-1/sns/aws4_request", &time[..8]);
    let host = server.base.strip_prefix("http://").unwrap();
    let names = "host;x-amz-date";
    let canonical = format!("POST\n/\n\nhost:{host}\nx-amz-date:{time}\n\n{names}\n{}", sha256(body));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(&canonical));
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part));
    let signature = hex(&hmac(&key, &text));
    let credential = format!("{ACCESS_KEY}/{scope}");
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
    let request = server.client.post(&server.base).header("content-type", "application/x-www-form-urlencoded");
    request.header("x-amz-date", time).header("authorization", authorization).body(body.to_owned())
}

fn sha256(text: &str) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref())
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
