//! Access policies as callers of two accounts meet them: over a socket, in form bodies and XML.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod door;

use door::{Door, OTHER, OWNER, TOPIC, refused};
use fanfare_testkit::HttpReceiver;
use proptest::prelude::*;
use serde_json::{Value, json};

const DEFAULT: &str = concat!(
    r#"{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","#,
    r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","#,
    r#""SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","#,
    r#""SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"arn:aws:sns:us-east-1:111111111111:topic","#,
    r#""Condition":{"StringEquals":{"AWS:SourceOwner":"111111111111"}}}]}"#
);

/// Every operation that a policy has a say in, with parameters that make it succeed.
const OPERATIONS: [(&str, &[(&str, &str)]); 9] = [
    ("GetTopicAttributes", &[("TopicArn", TOPIC)]),
    ("SetTopicAttributes", &[("TopicArn", TOPIC), ("AttributeName", "DisplayName"), ("AttributeValue", "d")]),
    ("RemovePermission", &[("TopicArn", TOPIC), ("Label", "nobody")]),
    ("Subscribe", &[("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", "http://127.0.0.1:18080/")]),
    ("ListSubscriptionsByTopic", &[("TopicArn", TOPIC)]),
    ("Publish", &[("TopicArn", TOPIC), ("Message", "m")]),
    (
        "PublishBatch",
        &[
            ("TopicArn", TOPIC),
            ("PublishBatchRequestEntries.member.1.Id", "a"),
            ("PublishBatchRequestEntries.member.1.Message", "m"),
        ],
    ),
    (
        "AddPermission",
        &[("TopicArn", TOPIC), ("Label", "l"), ("AWSAccountId.member.1", OTHER), ("ActionName.member.1", "Publish")],
    ),
    ("DeleteTopic", &[("TopicArn", TOPIC)]),
];

/// A statement that lets the other account publish, with other members in the place of its own.
fn statement(members: Value) -> Value {
    let mut statement =
        json!({ "Effect": "Allow", "Principal": { "AWS": OTHER }, "Action": "SNS:Publish", "Resource": TOPIC });
    statement.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    statement
}

fn policy(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// The topic's policy, as its owner sees it.
async fn shown(door: &Door) -> String {
    door.owner("GetTopicAttributes", &[("TopicArn", TOPIC)]).await.map()["Policy"].clone()
}

#[tokio::test]
async fn another_account_may_do_nothing_with_a_topic_until_its_policy_allows_it() {
    for (operation, parameters) in OPERATIONS {
        let door = Door::open().await;
        let action = if operation == "PublishBatch" { "Publish" } else { operation };
        let message = format!(
            "User: arn:aws:iam::222222222222:root is not authorized to perform: SNS:{action} on resource: {TOPIC} because \
             no identity-based policy allows the SNS:{action} action"
        );
        let refusal = refused(403, "AuthorizationError", &message);
        assert_eq!(door.other(operation, parameters).await.error(), refusal, "{operation}");
        let others =
            OPERATIONS.iter().map(|(name, _)| *name).filter(|name| *name != operation && *name != "PublishBatch");
        let others: Vec<_> = others.filter(|name| *name != action).map(|name| format!("SNS:{name}")).collect();
        assert_eq!(door.set("Policy", &policy(&[statement(json!({ "Action": others }))])).await.status, 200);
        assert_eq!(door.other(operation, parameters).await.error(), refusal, "{operation} beside all others");
        let allow = policy(&[statement(json!({ "Action": format!("sns:{action}") }))]);
        assert_eq!(door.set("Policy", &allow).await.status, 200);
        assert_eq!(door.other(operation, parameters).await.status, 200, "{operation}");
    }
}

#[tokio::test]
async fn a_denial_holds_for_the_owner_too() {
    let door = Door::open().await;
    let deny = statement(json!({ "Effect": "Deny", "Principal": "*" }));
    assert_eq!(door.set("Policy", &policy(&[deny, statement(json!({}))])).await.status, 200);
    let publish = [("TopicArn", TOPIC), ("Message", "m")];
    for account in [OWNER, OTHER] {
        let message = format!(
            "User: arn:aws:iam::{account}:root is not authorized to perform: SNS:Publish on resource: {TOPIC} with an \
             explicit deny in a resource-based policy"
        );
        let reply = door.call(account, "Publish", &publish).await;
        assert_eq!(reply.error(), refused(403, "AuthorizationError", &message));
    }
    assert_eq!(door.set("Policy", "").await.status, 200);
    assert_eq!(door.owner("Publish", &publish).await.status, 200);
}

#[tokio::test]
async fn what_no_policy_can_allow_stays_with_the_owner() {
    let door = Door::open().await;
    door.set("Policy", &policy(&[statement(json!({ "Action": "SNS:*" }))])).await;
    for (operation, parameters) in [
        ("TagResource", vec![("ResourceArn", TOPIC), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")]),
        ("ListTagsForResource", vec![("ResourceArn", TOPIC)]),
    ] {
        assert_eq!(door.other(operation, &parameters).await.one("Code"), "AuthorizationError", "{operation}");
        assert_eq!(door.owner(operation, &parameters).await.status, 200, "{operation}");
    }
}

#[tokio::test]
async fn a_policy_is_shown_as_it_was_set_until_the_default_is_restored() {
    let door = Door::open().await;
    assert_eq!(shown(&door).await, DEFAULT);
    let own = format!("{{ \"Statement\":\n {} }}", statement(json!({ "Sid": "one" })));
    assert_eq!(door.set("Policy", &own).await.status, 200);
    assert_eq!(shown(&door).await, own);
    assert_eq!(door.set("Policy", "").await.status, 200);
    assert_eq!(shown(&door).await, DEFAULT);
    assert_eq!(door.set("Policy", &own).await.status, 200);
    assert_eq!(door.set("Policy", DEFAULT).await.status, 200);
    assert_eq!(shown(&door).await, DEFAULT);
}

#[tokio::test]
async fn a_topic_is_made_with_its_policy() {
    let door = Door::open().await;
    let resource = "arn:aws:sns:us-east-1:111111111111:made";
    let own = policy(&[statement(json!({ "Resource": resource }))]);
    let create = |policy: &'static str, text: String| {
        let parameters = [
            ("Name".to_owned(), "made".to_owned()),
            ("Attributes.entry.1.key".to_owned(), policy.to_owned()),
            ("Attributes.entry.1.value".to_owned(), text),
        ];
        let door = &door;
        async move {
            let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            door.owner("CreateTopic", &parameters).await
        }
    };
    let malformed = create("Policy", policy(&[statement(json!({}))])).await;
    assert_eq!(malformed.error(), refused(400, "InvalidParameter", "Invalid parameter: Policy Error: null"));
    assert_eq!(create("Policy", own.clone()).await.one("TopicArn"), resource);
    let publish = [("TopicArn", resource), ("Message", "m")];
    assert_eq!(door.other("Publish", &publish).await.status, 200);
    assert_eq!(create("Policy", own).await.status, 200, "the same policy again");
    let other = create("Policy", policy(&[statement(json!({ "Resource": resource, "Sid": "x" }))])).await;
    let message = "Invalid parameter: Attributes Reason: Topic already exists with different attributes";
    assert_eq!(other.error(), refused(400, "InvalidParameter", message));
}

#[tokio::test]
async fn documents_that_are_no_policies_are_refused_in_the_words_of_amazon_sns() {
    let door = Door::open().await;
    let table = [
        ("{".to_owned(), "Invalid parameter: Policy Error: null"),
        (policy(&[]), "Invalid parameter: Policy Error: null"),
        (policy(&[statement(json!({ "Resource": "*" }))]), "Invalid parameter: Policy Error: null"),
        (
            policy(&[statement(json!({ "Principal": { "AWS": "arn:aws:iam::1:root" } }))]),
            "Invalid parameter: Policy Error: PrincipalNotFound",
        ),
        (
            policy(&[statement(json!({ "Action": "SNS:Fly" }))]),
            "Invalid parameter: Policy statement action out of service scope!",
        ),
    ];
    for (document, message) in table {
        let reply = door.set("Policy", &document).await;
        assert_eq!(reply.error(), refused(400, "InvalidParameter", message), "{document}");
    }
    assert_eq!(shown(&door).await, DEFAULT);
}

#[tokio::test]
async fn a_subscription_is_allowed_by_its_protocol_and_endpoint_and_belongs_to_who_made_it() {
    let door = Door::open().await;
    let receiver = HttpReceiver::start().await;
    let url = receiver.url("/in");
    let condition = json!({ "StringEquals": { "SNS:Protocol": "http" }, "StringLike": { "SNS:Endpoint": "http://127.0.0.1:*/in" } });
    let allow = statement(json!({ "Action": "SNS:Subscribe", "Condition": condition }));
    assert_eq!(door.set("Policy", &policy(&[allow])).await.status, 200);
    let subscribe = async |protocol: &str, endpoint: &str| {
        let parameters =
            [("TopicArn", TOPIC), ("Protocol", protocol), ("Endpoint", endpoint), ("ReturnSubscriptionArn", "true")];
        door.other("Subscribe", &parameters).await
    };
    assert_eq!(subscribe("http", &receiver.url("/else")).await.one("Code"), "AuthorizationError");
    assert_eq!(subscribe("https", "https://127.0.0.1:1/in").await.one("Code"), "AuthorizationError");
    let arn = subscribe("http", &url).await.one("SubscriptionArn");

    let by_arn = [("SubscriptionArn", arn.as_str())];
    let shown = door.other("GetSubscriptionAttributes", &by_arn).await.map();
    assert_eq!((shown["Owner"].as_str(), shown["PendingConfirmation"].as_str()), (OTHER, "true"));
    assert_eq!(shown["SubscriptionPrincipal"], "arn:aws:iam::222222222222:root");
    assert_eq!(door.owner("GetSubscriptionAttributes", &by_arn).await.status, 200);
    let stranger = door.call("333333333333", "GetSubscriptionAttributes", &by_arn).await;
    assert_eq!(stranger.one("Code"), "AuthorizationError");
    assert_eq!(door.other("ListSubscriptions", &[]).await.one("Owner"), OTHER);
    assert_eq!(door.owner("ListSubscriptions", &[]).await.all("Owner"), [] as [&str; 0]);
    assert_eq!(door.call("333333333333", "Unsubscribe", &by_arn).await.one("Code"), "AuthorizationError");
    assert_eq!(door.other("Unsubscribe", &by_arn).await.status, 200);
    assert_eq!(door.other("GetSubscriptionAttributes", &by_arn).await.one("Code"), "AuthorizationError");
    assert_eq!(door.owner("GetSubscriptionAttributes", &by_arn).await.one("Code"), "NotFound");
}

#[tokio::test]
async fn conditions_know_where_a_request_comes_from_and_when() {
    let door = Door::open().await;
    let table = [
        (json!({ "IpAddress": { "aws:SourceIp": "127.0.0.0/8" } }), 200),
        (json!({ "IpAddress": { "aws:SourceIp": "192.0.2.0/24" } }), 403),
        (json!({ "Bool": { "aws:SecureTransport": "false" } }), 200),
        (json!({ "Bool": { "aws:SecureTransport": "true" } }), 403),
        (json!({ "DateGreaterThan": { "aws:CurrentTime": "2020-01-01T00:00:00Z" } }), 200),
        (json!({ "DateLessThan": { "aws:CurrentTime": "2020-01-01T00:00:00Z" } }), 403),
        (json!({ "NumericGreaterThan": { "aws:EpochTime": 1_577_836_800 } }), 200),
        (json!({ "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::222222222222:*" } }), 200),
        (json!({ "StringEquals": { "aws:PrincipalAccount": OWNER } }), 403),
        (json!({ "StringEquals": { "AWS:SourceOwner": OTHER } }), 200),
        (json!({ "StringEquals": { "aws:RequestedRegion": "us-east-1" } }), 200),
        (json!({ "ArnEquals": { "aws:SourceArn": "arn:aws:s3:::bucket" } }), 403),
        (json!({ "StringEquals": { "aws:SourceAccount": OTHER } }), 403),
        (json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1234567890" } }), 403),
        (json!({ "Null": { "aws:PrincipalOrgID": "true" } }), 200),
    ];
    for (condition, status) in table {
        let allow = statement(json!({ "Principal": "*", "Condition": condition }));
        assert_eq!(door.set("Policy", &policy(&[allow])).await.status, 200, "{condition}");
        let publish = [("TopicArn", TOPIC), ("Message", "m")];
        assert_eq!(door.other("Publish", &publish).await.status, status, "{condition}");
    }
}

#[tokio::test]
async fn permissions_come_and_go_one_at_a_time() {
    let door = Door::open().await;
    let add = async |label: &str, account: &str, action: &str| {
        let parameters = [
            ("TopicArn", TOPIC),
            ("Label", label),
            ("AWSAccountId.member.1", account),
            ("ActionName.member.1", action),
        ];
        door.owner("AddPermission", &parameters).await
    };
    let publish = [("TopicArn", TOPIC), ("Message", "m")];
    assert_eq!(add("partner", OTHER, "Publish").await.status, 200);
    let statement = concat!(
        r#"{"Sid":"partner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"#,
        r#""Action":"SNS:Publish","Resource":"arn:aws:sns:us-east-1:111111111111:topic"}"#
    );
    assert_eq!(shown(&door).await, DEFAULT.replace("}]}", &format!("}},{statement}]}}")));
    assert_eq!(door.other("Publish", &publish).await.status, 200);
    assert_eq!(door.call("333333333333", "Publish", &publish).await.status, 403);

    let known = refused(400, "InvalidParameter", "Invalid parameter: Statement already exists");
    assert_eq!(add("partner", OTHER, "Fly").await.error(), known);
    let scope = "Invalid parameter: Policy statement action out of service scope!";
    assert_eq!(add("l", OTHER, "Fly").await.error(), refused(400, "InvalidParameter", scope));
    let nobody = "Invalid parameter: Policy Error: PrincipalNotFound";
    assert_eq!(add("l", "2222", "Publish").await.error(), refused(400, "InvalidParameter", nobody));

    for _ in 0..2 {
        let parameters = [("TopicArn", TOPIC), ("Label", "partner")];
        assert_eq!(door.owner("RemovePermission", &parameters).await.status, 200);
        assert_eq!(shown(&door).await, DEFAULT);
    }
    assert_eq!(door.other("Publish", &publish).await.status, 403);
}

#[tokio::test]
async fn permissions_on_a_topic_that_is_not_there_are_told_so() {
    let door = Door::open().await;
    let missing = ("TopicArn", "arn:aws:sns:us-east-1:111111111111:missing");
    let not_found = refused(404, "NotFound", "Topic does not exist");
    for operation in ["AddPermission", "RemovePermission"] {
        assert_eq!(door.owner(operation, &[missing, ("Label", "l")]).await.error(), not_found, "{operation}");
    }
    let no_accounts = door.owner("AddPermission", &[("TopicArn", TOPIC), ("Label", "l")]).await;
    let message = "1 validation error detected: Value null at 'aWSAccountId' failed to satisfy constraint: Member must not be null";
    assert_eq!(no_accounts.error(), refused(400, "ValidationError", message));
}

#[tokio::test]
async fn a_subscription_confirmed_with_authenticate_on_unsubscribe_does_not_end_by_its_link() {
    let door = Door::open().await;
    let receiver = HttpReceiver::start().await;
    let subscribe = [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", &receiver.url("/in"))];
    assert_eq!(door.owner("Subscribe", &subscribe).await.status, 200);
    let request: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    let token = request["Token"].as_str().unwrap();
    let link = format!("{}&AuthenticateOnUnsubscribe=true", request["SubscribeURL"].as_str().unwrap());
    assert_eq!(door.follow(&link).await.one("Code"), "AuthorizationError");
    let confirm = [("TopicArn", TOPIC), ("Token", token), ("AuthenticateOnUnsubscribe", "true")];
    let arn = door.owner("ConfirmSubscription", &confirm).await.one("SubscriptionArn");

    let by_arn = [("SubscriptionArn", arn.as_str())];
    let shown = door.owner("GetSubscriptionAttributes", &by_arn).await.map();
    assert_eq!(shown["ConfirmationWasAuthenticated"], "true");
    let link = format!("{}/?Action=Unsubscribe&SubscriptionArn={arn}", door.base);
    let reply = door.follow(&link).await;
    assert_eq!((reply.status, reply.one("Code").as_str()), (403, "AuthorizationError"));
    assert_eq!(door.owner("GetSubscriptionAttributes", &by_arn).await.status, 200);
    assert_eq!(door.owner("Unsubscribe", &by_arn).await.status, 200);
    assert_eq!(door.owner("GetSubscriptionAttributes", &by_arn).await.status, 404);
}

#[tokio::test]
async fn a_subscription_confirmed_by_its_link_was_not_confirmed_by_anybody_known() {
    let door = Door::open().await;
    let receiver = HttpReceiver::start().await;
    let subscribe = [("TopicArn", TOPIC), ("Protocol", "http"), ("Endpoint", &receiver.url("/in"))];
    door.owner("Subscribe", &subscribe).await;
    let request: Value = serde_json::from_slice(&receiver.wait_for(1).await[0].body).unwrap();
    let arn = door.follow(request["SubscribeURL"].as_str().unwrap()).await.one("SubscriptionArn");
    let shown = door.owner("GetSubscriptionAttributes", &[("SubscriptionArn", &arn)]).await.map();
    assert_eq!(shown["ConfirmationWasAuthenticated"], "false");
    let link = format!("{}/?Action=Unsubscribe&SubscriptionArn={arn}", door.base);
    assert_eq!(door.follow(&link).await.status, 200);
}

mod any_document {
    use fanfare::TopicArn;
    use fanfare_server::access::{Action, Context, Policy};

    use super::*;

    /// JSON out of the words of policies, so that much of it nearly is one.
    fn json_like() -> impl Strategy<Value = Value> {
        let word = prop::sample::select(vec![
            "2012-10-17",
            "Allow",
            "Deny",
            "*",
            "SNS:Publish",
            "sns:*",
            TOPIC,
            OTHER,
            "true",
            "10",
            "192.0.2.0/24",
            "${aws:PrincipalArn}",
            "${",
            "a*?b",
            "2030-01-01",
            "arn:aws:iam::222222222222:root",
            "ü",
        ]);
        let key = prop::sample::select(vec![
            "Version",
            "Id",
            "Statement",
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "AWS",
            "Service",
            "Action",
            "NotAction",
            "Resource",
            "Condition",
            "StringLike",
            "ForAllValues:StringNotLikeIfExists",
            "ArnLike",
            "Bool",
            "NumericLessThan",
            "DateEquals",
            "IpAddress",
            "Null",
            "sns:Endpoint",
            "aws:SourceIp",
        ]);
        let leaf = prop_oneof![word.prop_map(Value::from), any::<bool>().prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn decide(text: &str, endpoint: &str) {
        let topic = TopicArn::parse(TOPIC).unwrap();
        let Ok(policy) = Policy::parse(text, &topic) else { return };
        let context = Context::of(OTHER, "arn:aws:iam::222222222222:root").with("sns:Endpoint", endpoint);
        for action in Action::ALL {
            policy.decide(action, &context);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}", endpoint in ".{0,40}") {
            decide(&text, &endpoint);
        }

        #[test]
        fn nothing_that_looks_like_a_policy_makes_it_panic(document in json_like(), endpoint in ".{0,40}") {
            decide(&document.to_string(), &endpoint);
        }

        #[test]
        fn no_condition_makes_it_panic(condition in json_like(), endpoint in ".{0,40}") {
            decide(&policy(&[statement(json!({ "Condition": condition }))]), &endpoint);
        }
    }
}
