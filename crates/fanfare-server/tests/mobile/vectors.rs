//! Every recorded refusal of an operation on phones and devices.

use fanfare::Owner;
use fanfare_testkit::vectors::cases;
use serde_json::Value;

use crate::given::{ACCOUNT, Server};

/// What is there before a bad request comes, under the names that stand for it in the recordings.
struct Before {
    server: Server,
    topic: String,
    application: String,
    endpoint: String,
    disabled: String,
    gone: String,
    gone_endpoint: String,
}

impl Before {
    async fn new() -> Self {
        let server = Server::start().await;
        let application = server.application("app").await;
        let endpoint = server.endpoint(&application, "token_1").await;
        let disabled = server.endpoint(&application, "token_2").await;
        server.set_endpoint(&disabled, &[("Enabled", "false")]).await.done();
        let gone = server.application("gone").await;
        server.call("DeletePlatformApplication", &[("PlatformApplicationArn", gone.as_str())]).await.done();
        let gone_endpoint = server.endpoint(&application, "token_3").await;
        server.call("DeleteEndpoint", &[("EndpointArn", gone_endpoint.as_str())]).await.done();
        let topic = server.topic("topic").await;
        Self { server, topic, application, endpoint, disabled, gone, gone_endpoint }
    }

    /// What a placeholder stands for.
    fn filled(&self, parameter: &str, value: &str) -> String {
        match value {
            "<unknown>" if parameter == "EndpointArn" => self.gone_endpoint.clone(),
            "<unknown>" => format!("arn:aws:sns:us-east-1:{ACCOUNT}:app/ADM/unknown"),
            "<deleted>" => self.gone.clone(),
            "<deleted endpoint ARN>" => self.gone_endpoint.clone(),
            "<endpoint with Enabled=false>" => self.disabled.clone(),
            "<2049 bytes>" => "x".repeat(2049),
            "<sns ARN whose last part has the wrong number of slashes>" => self.application.clone(),
            other => other.to_owned(),
        }
    }

    fn message(&self, text: &str) -> String {
        let recorded = "arn:aws:sns:us-east-1:111111111111:endpoint/ADM/<platform_application>/<resource:1>";
        text.replace(recorded, &self.endpoint).replace("<ENDPOINT-ARN>", &self.gone_endpoint)
    }
}

fn is_ours(case: &Value) -> bool {
    let (operation, parameters) = (case["operation"].as_str().unwrap(), &case["params"]);
    ["Platform", "EndpointAttributes", "DeleteEndpoint", "SMS", "Phone", "Origination"]
        .iter()
        .any(|part| operation.contains(part))
        || parameters.get("TargetArn").is_some()
        || parameters.get("PhoneNumber").is_some()
        || parameters["Protocol"] == "application"
}

/// The parameters as clients send them, with what the recording leaves out.
fn parameters(before: &Before, operation: &str, recorded: &Value) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    for (name, value) in recorded.as_object().unwrap() {
        match value {
            Value::String(value) => parameters.push((name.clone(), before.filled(name, value))),
            Value::Object(entries) => {
                for (number, (key, value)) in entries.iter().enumerate() {
                    let number = number + 1;
                    parameters.push((format!("{name}.entry.{number}.key"), key.clone()));
                    let value = before.filled(key, value.as_str().unwrap());
                    parameters.push((format!("{name}.entry.{number}.value"), value));
                }
            }
            other => panic!("no parameter is sent as {other}"),
        }
    }
    let mut add = |name: &str, value: &str| {
        if recorded.get(name).is_none() {
            parameters.push((name.to_owned(), value.to_owned()));
        }
    };
    match operation {
        "CreatePlatformEndpoint" => add("PlatformApplicationArn", &before.application),
        "GetEndpointAttributes" => add("EndpointArn", &before.endpoint),
        "SetEndpointAttributes" => add("EndpointArn", &before.endpoint),
        "Subscribe" => add("TopicArn", &before.topic),
        "CreatePlatformApplication" => add("Name", "app"),
        _ => {}
    }
    parameters
}

#[tokio::test]
async fn every_recorded_refusal_is_given_with_its_code_status_and_text() {
    let ours: Vec<_> = cases("api-errors", "cases").into_iter().filter(is_ours).collect();
    assert_eq!(ours.len(), 38);
    for case in ours {
        let before = Before::new().await;
        let operation = case["operation"].as_str().unwrap();
        let parameters = parameters(&before, operation, &case["params"]);
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name, value.as_str())).collect();
        let refused = before.server.call(operation, &parameters).await;
        assert_ne!(refused.status, 200, "{case}");
        let expected = (
            u16::try_from(case["http_status"].as_u64().unwrap()).unwrap(),
            case["code"].as_str().unwrap().to_owned(),
            before.message(case["message"].as_str().unwrap()),
        );
        assert_eq!(refused.error(), expected, "{case}");
    }
}

/// The operations whose answers of Amazon SNS are known, with how the server comes to the same.
#[tokio::test]
async fn answers_have_the_form_of_amazon_snss() {
    let server = Server::start().await;
    server.application("a").await;
    let owner = Owner::new("us-east-1", ACCOUNT).unwrap();
    for number in 0..101 {
        server.mobile.opt_out(&owner, &format!("+1555123{:04}", 4567 + number)).await.unwrap();
    }
    let number = ("phoneNumber", "+15551234567");
    let endpoint = server.endpoint(&format!("arn:aws:sns:us-east-1:{ACCOUNT}:app/ADM/a"), "t").await;
    let application = format!("arn:aws:sns:us-east-1:{ACCOUNT}:app/ADM/a");
    let calls = [
        ("GetSMSAttributes", vec![]),
        ("CheckIfPhoneNumberIsOptedOut", vec![number]),
        ("ListPhoneNumbersOptedOut", vec![]),
        ("ListPlatformApplications", vec![]),
        ("ListEndpointsByPlatformApplication", vec![("PlatformApplicationArn", application.as_str())]),
    ];
    for (operation, parameters) in calls {
        let known = cases("query-responses", "cases").into_iter().find(|case| case["operation"] == operation).unwrap();
        let form = |xml: &str| {
            // Of a list that is longer than in the recording, the first item is compared.
            let first = xml.find("</member>").zip(xml.rfind("</member>"));
            let xml = first.map_or(xml.to_owned(), |(first, last)| format!("{}{}", &xml[..first], &xml[last..]));
            let document = roxmltree::Document::parse(&xml).unwrap();
            let nodes = document.descendants().filter(|node| node.is_element());
            nodes
                .map(|node| {
                    let (name, text) = (node.tag_name().name(), node.text().unwrap_or_default());
                    let varies = ["RequestId", "nextToken", "EndpointArn"].contains(&name);
                    let text = text.replace("123456789012", ACCOUNT);
                    format!("{}/{name}={}", node.ancestors().count(), if varies { "" } else { &text })
                })
                .collect::<Vec<_>>()
        };
        let answer = server.call(operation, &parameters).await.done();
        assert_eq!(form(&answer.xml), form(known["xml"].as_str().unwrap()), "{operation} {endpoint}");
    }
}

/// A subscription of a phone, as `GetSubscriptionAttributes` shows it.
#[tokio::test]
async fn a_phone_is_subscribed_at_once_with_the_recorded_attributes() {
    let server = Server::start().await;
    let topic = server.topic("topic").await;
    let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "sms"), ("Endpoint", "+123123123")];
    let subscription = server.call("Subscribe", &subscribe).await.done().one("SubscriptionArn");
    let shown =
        server.call("GetSubscriptionAttributes", &[("SubscriptionArn", subscription.as_str())]).await.done().map();
    let expected = [
        ("ConfirmationWasAuthenticated", "true"),
        ("Endpoint", "+123123123"),
        ("Owner", ACCOUNT),
        ("PendingConfirmation", "false"),
        ("Protocol", "sms"),
        ("RawMessageDelivery", "false"),
    ];
    for (name, value) in expected {
        assert_eq!(shown.get(name).map(String::as_str), Some(value), "{name}");
    }
}

#[tokio::test]
async fn names_and_numbers_are_taken_and_refused_as_recorded() {
    let server = Server::start().await;
    let topic = server.topic("topic").await;
    let mut seen = 0;
    for case in cases("validation", "cases") {
        let input = case["input"].as_str().unwrap_or_default();
        let reply = match case["what"].as_str().unwrap() {
            "publish-phone-number" => server.call("Publish", &[("PhoneNumber", input), ("Message", "m")]).await,
            "sms-endpoint" => {
                server
                    .call("Subscribe", &[("TopicArn", topic.as_str()), ("Protocol", "sms"), ("Endpoint", input)])
                    .await
            }
            "platform-application-name" => {
                let credentials = [("PlatformPrincipal", "dummy"), ("PlatformCredential", "dummy")];
                let mut parameters = vec![("Name".to_owned(), input), ("Platform".to_owned(), "ADM")];
                parameters.extend(crate::given::map("Attributes", &credentials));
                server.call("CreatePlatformApplication", &parameters).await
            }
            _ => continue,
        };
        seen += 1;
        match case["valid"].as_bool().unwrap() {
            true => assert_eq!(reply.status, 200, "{case}: {}", reply.xml),
            false => {
                let (_, code, message) = reply.error();
                assert_eq!(code, case["code"].as_str().unwrap(), "{case}");
                assert_eq!(message, case["message"].as_str().unwrap(), "{case}");
            }
        }
    }
    assert!(seen >= 14, "{seen} cases");
}
