//! Every recorded refusal of an operation on phones and devices.

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
