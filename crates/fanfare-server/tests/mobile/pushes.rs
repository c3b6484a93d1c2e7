//! Pushes from the API to push services, over sockets: applications, endpoints and messages as an SDK writes them.

use fanfare::aws::{Aws, AwsConfig};
use fanfare::egress::EgressPolicy;
use fanfare::push::{KnownDevices, PushConfig, PushConnector};
use fanfare::{Connectors, Host as _, Protocol, SystemHost};
use fanfare_server::mobile::{MobileSettings, UnknownEndpoints};
use fanfare_testkit::{ApnsReceiver, FcmReceiver, SimulatedHost, SnsReceiver, TestCa, WebPushReceiver};
use serde_json::{Value, json};

use crate::given::{ACCOUNT, Server, map};

/// The key of the example in RFC 8291.
const VAPID_KEY: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const APPLE_DEVICE: &str = "00FC13ADFF785122B4AD28809A3420982341241421348097878E577C991DE8F0";

/// Settings by which loopback may be connected to, and `ca` is trusted.
fn loopback(ca: &TestCa) -> PushConfig {
    let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
    PushConfig::directly(KnownDevices::new()).egress(egress).ca_certificates(ca.certificate_pem()).unwrap().only_ca()
}

async fn server(settings: MobileSettings, config: PushConfig) -> Server {
    let push = PushConnector::new(config, Aws::new(AwsConfig::new().access_key("key", "s3cret"))).unwrap();
    // Push services look at the time.
    let host = SimulatedHost::started_at(SystemHost.now(), 7);
    Server::serve_with(settings, host, move |mobile| Connectors::new().with(push.serving(mobile.devices()))).await
}

/// The ARN of a new application.
async fn application(server: &Server, platform: &str, attributes: &[(&str, &str)]) -> String {
    let mut parameters = vec![("Name".to_owned(), "app"), ("Platform".to_owned(), platform)];
    parameters.extend(map("Attributes", attributes));
    server.call("CreatePlatformApplication", &parameters).await.done().one("PlatformApplicationArn")
}

fn of_web<'a>() -> [(&'a str, &'a str); 2] {
    [("PlatformPrincipal", "mailto:ops@example.com"), ("PlatformCredential", VAPID_KEY)]
}

async fn publish(server: &Server, endpoint: &str, message: &str) {
    server.call("Publish", &[("TargetArn", endpoint), ("Message", message)]).await.done();
}

/// Waits until something holds that a message brings about.
async fn until(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.expect("it comes about");
}

#[tokio::test]
async fn a_browser_is_reached_directly_and_by_topic_and_turned_off_when_it_has_unsubscribed() {
    let ca = TestCa::new();
    let browsers = WebPushReceiver::start_tls(&ca).await;
    let server = server(MobileSettings::new(), loopback(&ca)).await;
    let (topic, events) = (server.topic("parcels").await, server.topic("events").await);
    let listener = server.listener(&events).await;
    let own = [of_web()[0], of_web()[1], ("EventDeliveryFailure", &events), ("EventEndpointUpdated", &events)];
    let app = application(&server, "WEBPUSH", &own).await;
    let endpoint = server.endpoint(&app, &browsers.subscribe()).await;
    let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "application"), ("Endpoint", &endpoint)];
    server.call("Subscribe", &subscribe).await.done();

    publish(&server, &endpoint, "directly").await;
    browsers.http().wait_for(1).await;
    server.call("Publish", &[("TopicArn", topic.as_str()), ("Message", "by topic")]).await.done();
    browsers.http().wait_for(2).await;
    until(async || browsers.messages().len() == 2).await;
    let texts: Vec<_> = browsers.messages().into_iter().map(|message| message.text).collect();
    assert_eq!(texts, ["directly", "by topic"]);

    browsers.unsubscribe(0);
    publish(&server, &endpoint, "nobody is there").await;
    let told = listener.wait_for(2).await;
    let told: Vec<Value> = told.iter().map(|attempt| serde_json::from_str(attempt.text()).unwrap()).collect();
    let failure = told.iter().find(|event| event["EventType"] == "DeliveryFailure").unwrap();
    assert_eq!((&failure["FailureType"], &failure["EndpointArn"]), (&json!("InvalidPlatformToken"), &json!(endpoint)));
    assert!(told.iter().any(|event| event["EventType"] == "EndpointUpdated"));
    assert_eq!(server.endpoint_attributes(&endpoint).await["Enabled"], "false");
    let refused = server.call("Publish", &[("TargetArn", endpoint.as_str()), ("Message", "again")]).await;
    assert_eq!(refused.one("Code"), "EndpointDisabled");

    // A new subscription of the browser repairs the endpoint.
    server.set_endpoint(&endpoint, &[("Enabled", "true"), ("Token", &browsers.subscribe())]).await.done();
    publish(&server, &endpoint, "here again").await;
    until(async || browsers.messages().len() == 3).await;
    assert_eq!(browsers.messages()[2].browser, 1);
}

#[tokio::test]
async fn apple_and_google_get_the_payloads_of_their_platforms() {
    let ca = TestCa::new();
    let (apple, google) = (ApnsReceiver::start(&ca).await, FcmReceiver::start(&ca).await);
    let config = loopback(&ca).apns_url(&apple.url()).unwrap().fcm_url(&google.url()).unwrap();
    let server = server(MobileSettings::new(), config).await;
    let (key_id, key, team_id) = apple.signing_key();
    let attributes = [
        ("PlatformPrincipal", key_id.as_str()),
        ("PlatformCredential", &key),
        ("ApplePlatformTeamID", &team_id),
        ("ApplePlatformBundleID", "com.example.MyApp"),
    ];
    let phone = server.endpoint(&application(&server, "APNS", &attributes).await, APPLE_DEVICE).await;
    let account = google.service_account();
    let tablet =
        server.endpoint(&application(&server, "GCM", &[("PlatformCredential", &account)]).await, "tablet").await;
    let topic = server.topic("parcels").await;
    for endpoint in [&phone, &tablet] {
        let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "application"), ("Endpoint", endpoint)];
        server.call("Subscribe", &subscribe).await.done();
    }
    let message = json!({
        "default": "a parcel",
        "APNS": json!({"aps": {"alert": "for the phone"}}).to_string(),
        "GCM": json!({"fcmV1Message": {"message": {"notification": {"title": "for the tablet"}}}}).to_string(),
    });
    let publish = [("TopicArn", topic.as_str()), ("MessageStructure", "json"), ("Message", &message.to_string())];
    server.call("Publish", &publish).await.done();
    until(async || apple.notifications().len() == 1 && google.messages().len() == 1).await;
    let taken = apple.notifications().remove(0);
    assert_eq!(
        (taken.device, taken.payload),
        (APPLE_DEVICE.to_lowercase(), json!({"aps": {"alert": "for the phone"}}))
    );
    let taken = google.messages().remove(0);
    assert_eq!((&taken["token"], &taken["notification"]["title"]), (&json!("tablet"), &json!("for the tablet")));
}

#[tokio::test]
async fn what_a_push_service_could_not_use_is_refused_when_it_is_given() {
    let server = server(MobileSettings::new(), loopback(&TestCa::new())).await;
    let mut parameters = vec![("Name".to_owned(), "app"), ("Platform".to_owned(), "WEBPUSH")];
    parameters.extend(map("Attributes", &[("PlatformPrincipal", "mailto:a@example.com"), ("PlatformCredential", "x")]));
    let refused = server.call("CreatePlatformApplication", &parameters).await.error();
    assert_eq!(refused.2, "Invalid parameter: Attributes Reason: Platform credentials are invalid");
    let app = application(&server, "WEBPUSH", &of_web()).await;
    let refused = server
        .call("CreatePlatformEndpoint", &[("PlatformApplicationArn", app.as_str()), ("Token", "x")])
        .await
        .error();
    assert!(
        refused.2.starts_with("Invalid parameter: Token Reason: a browser's token is its push subscription"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn platforms_that_nothing_goes_to_directly_are_refused_with_the_way_that_there_is() {
    let server = server(MobileSettings::new(), loopback(&TestCa::new())).await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let refused = server.call("Publish", &[("TargetArn", endpoint.as_str()), ("Message", "m")]).await.error();
    assert_eq!(
        refused.2,
        "Invalid parameter: Endpoint Reason: nothing goes to ADM directly: let the application be one of Amazon SNS, and \
         deliver through Amazon SNS"
    );
}

#[tokio::test]
async fn endpoints_of_amazon_sns_are_reached_there_where_that_is_set() {
    let (ca, sns) = (TestCa::new(), SnsReceiver::start().await);
    let foreign = format!("arn:aws:sns:us-east-1:{ACCOUNT}:endpoint/GCM/app/of-amazon");
    let refusing = server(MobileSettings::new(), loopback(&ca)).await;
    let refused = refusing.call("Publish", &[("TargetArn", foreign.as_str()), ("Message", "m")]).await.error();
    assert_eq!(refused.2, "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified");

    let mut settings = MobileSettings::new();
    settings.unknown_endpoints = UnknownEndpoints::PassedOn;
    let config = loopback(&ca).others_through_sns().sns_url(&sns.url()).unwrap();
    let server = server(settings, config).await;
    let topic = server.topic("parcels").await;
    let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "application"), ("Endpoint", &foreign)];
    server.call("Subscribe", &subscribe).await.done();
    publish(&server, &foreign, "directly").await;
    server.call("Publish", &[("TopicArn", topic.as_str()), ("Message", "by topic")]).await.done();
    until(async || sns.publications().len() == 2).await;
    assert!(sns.publications().iter().all(|publication| publication.target == foreign));
    // Somebody else's endpoint is not the caller's to publish to.
    let other = foreign.replace(ACCOUNT, "222222222222");
    let refused = server.call("Publish", &[("TargetArn", other.as_str()), ("Message", "m")]).await;
    assert_eq!(refused.one("Code"), "AuthorizationError");
    assert_eq!(server.fanfare.protocols(), [Protocol::Application]);
}
