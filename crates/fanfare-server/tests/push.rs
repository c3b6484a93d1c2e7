//! The program pushes to the devices of its platform applications, by the settings that it is given.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use fanfare_testkit::{ApnsReceiver, FcmReceiver, SnsReceiver, TestCa, WebPushReceiver};
use serde_json::json;
use url::form_urlencoded::Serializer;

/// The running program, which ends with the test.
struct Program {
    child: Child,
    base: String,
    client: reqwest::Client,
}

impl Program {
    fn start(flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
        command.args(["serve", "--memory", "--auth", "off", "--listen", "127.0.0.1:0"]).args(flags);
        command.envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base = line.trim().strip_prefix("fanfare listens on ").unwrap().to_owned();
        Self { child, base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A call, and the text of that element in the answer.
    async fn call(&self, action: &str, parameters: &[(&str, &str)], element: &str) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", action).extend_pairs(parameters);
        let answer = self.client.post(&self.base).header("content-type", "application/x-www-form-urlencoded");
        let answer = answer.body(form.finish()).send().await.unwrap();
        let (status, xml) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{action}: {xml}");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let found = document.descendants().find(|node| node.tag_name().name() == element);
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    }

    /// Makes an application with one endpoint, publishes to it, and gives its ARN.
    async fn push(&self, platform: &str, attributes: &[(&str, &str)], token: &str) -> String {
        let mut parameters = vec![("Name".to_owned(), "app"), ("Platform".to_owned(), platform)];
        for (number, (name, value)) in attributes.iter().enumerate() {
            parameters.push((format!("Attributes.entry.{}.key", number + 1), name));
            parameters.push((format!("Attributes.entry.{}.value", number + 1), value));
        }
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let app = self.call("CreatePlatformApplication", &parameters, "PlatformApplicationArn").await;
        let parameters = [("PlatformApplicationArn", app.as_str()), ("Token", token)];
        let endpoint = self.call("CreatePlatformEndpoint", &parameters, "EndpointArn").await;
        self.publish(&endpoint).await;
        endpoint
    }

    async fn publish(&self, endpoint: &str) {
        self.call("Publish", &[("TargetArn", endpoint), ("Message", "a parcel left the house")], "MessageId").await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder that goes when the test is over, with the certificate of `ca` in it.
struct Authority(std::path::PathBuf);

impl Authority {
    fn of(ca: &TestCa) -> Self {
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("push-{}.pem", std::process::id()));
        std::fs::write(&file, ca.certificate_pem()).unwrap();
        Self(file)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn a_platform_applications_credentials_are_all_that_is_needed() {
    let browsers = WebPushReceiver::start().await;
    let program = Program::start(&["--egress-allow", "127.0.0.0/8"], &[]);
    let key = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
    let attributes = [("PlatformPrincipal", "mailto:ops@example.com"), ("PlatformCredential", key)];
    program.push("WEBPUSH", &attributes, &browsers.subscribe()).await;
    browsers.http().wait_for(1).await;
    assert_eq!(browsers.messages()[0].text, "a parcel left the house");
}

#[tokio::test]
async fn other_hosts_are_called_in_place_of_apples_and_googles_and_another_authority_is_trusted() {
    let ca = TestCa::new();
    let (apple, google, authority) =
        (ApnsReceiver::start(&ca).await, FcmReceiver::start(&ca).await, Authority::of(&ca));
    let (apns_url, fcm_url, file) = (apple.url(), google.url(), authority.0.to_str().unwrap());
    let flags = ["--egress-allow", "127.0.0.0/8", "--apns-url", &apns_url, "--fcm-url", &fcm_url, "--push-ca", file];
    let program = Program::start(&flags, &[]);
    let (key_id, key, team_id) = apple.signing_key();
    let attributes = [
        ("PlatformPrincipal", key_id.as_str()),
        ("PlatformCredential", &key),
        ("ApplePlatformTeamID", &team_id),
        ("ApplePlatformBundleID", "com.example.MyApp"),
    ];
    program.push("APNS", &attributes, "aa").await;
    apple.http().wait_for(1).await;
    assert_eq!(apple.notifications()[0].payload, json!({ "aps": { "alert": "a parcel left the house" } }));
    program.push("GCM", &[("PlatformCredential", &google.service_account())], "tablet").await;
    google.http().wait_for(2).await;
    assert_eq!(google.messages()[0]["data"]["default"], "a parcel left the house");
}

#[tokio::test]
async fn endpoints_of_amazon_sns_are_called_there_as_the_environment_says() {
    let sns = SnsReceiver::start().await;
    let aws = [
        ("AWS_ENDPOINT_URL_SNS", sns.url()),
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s3cret".to_owned()),
    ];
    let aws: Vec<_> = aws.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let program = Program::start(&["--push-through-sns"], &aws);
    let endpoint = "arn:aws:sns:us-east-1:000000000000:endpoint/ADM/app/of-amazon";
    program.publish(endpoint).await;
    sns.http().wait_for(1).await;
    assert_eq!(sns.publications()[0].target, endpoint);
}
