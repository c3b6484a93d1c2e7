//! Platform applications and their endpoints.

use std::collections::BTreeMap;

use fanfare_server::mobile::{Credentials, MobileSettings};

use crate::given::{ACCOUNT, Reply, Server, map};

fn attributes(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn create(server: &Server, platform: &str, entries: &[(&str, &str)]) -> Reply {
    let mut parameters = vec![("Name".to_owned(), "app"), ("Platform".to_owned(), platform)];
    parameters.extend(map("Attributes", entries));
    server.call("CreatePlatformApplication", &parameters).await
}

#[tokio::test]
async fn an_application_answers_its_attributes_and_never_its_credentials() {
    let server = Server::start().await;
    let arn = server.application("app").await;
    assert_eq!(arn, format!("arn:aws:sns:us-east-1:{ACCOUNT}:app/ADM/app"));
    let shown = server.call("GetPlatformApplicationAttributes", &[("PlatformApplicationArn", &arn)]).await.done();
    assert_eq!(shown.map(), attributes(&[("Enabled", "true")]));

    let mut set = vec![("PlatformApplicationArn".to_owned(), arn.as_str())];
    set.extend(map("Attributes", &[("SuccessFeedbackSampleRate", "50"), ("PlatformCredential", "s3cret")]));
    server.call("SetPlatformApplicationAttributes", &set).await.done();
    let listed = server.call::<&str>("ListPlatformApplications", &[]).await.done();
    assert_eq!(listed.one("PlatformApplicationArn"), arn);
    assert_eq!(listed.map(), attributes(&[("Enabled", "true"), ("SuccessFeedbackSampleRate", "50")]));
    assert!(!listed.xml.contains("s3cret") && !format!("{:?}", server.mobile).contains("s3cret"));
}

#[tokio::test]
async fn the_same_application_again_is_the_same_and_another_of_its_name_is_refused() {
    let server = Server::start().await;
    let arn = server.application("app").await;
    assert_eq!(server.application("app").await, arn);
    let other = create(&server, "ADM", &[("PlatformPrincipal", "dummy"), ("PlatformCredential", "other")]).await;
    let reason = "Invalid parameter: Attributes Reason: Platform application already exists with different attributes";
    assert_eq!(other.error(), (400, "InvalidParameter".into(), reason.into()));
}

#[tokio::test]
async fn credentials_that_cannot_be_right_are_refused_unless_nothing_is_sent() {
    let given = [("PlatformPrincipal", "dummy"), ("PlatformCredential", "dummy")];
    let server = Server::start().await;
    for platform in ["APNS", "APNS_SANDBOX", "GCM", "MPNS"] {
        let (status, code, message) = create(&server, platform, &given).await.error();
        assert_eq!((status, code.as_str()), (400, "InvalidParameter"), "{platform}");
        assert_eq!(message, "Invalid parameter: Attributes Reason: Platform credentials are invalid");
    }
    let mut settings = MobileSettings::new();
    settings.credentials = Credentials::Unchecked;
    let lenient = Server::start_with(settings).await;
    for platform in ["APNS", "APNS_SANDBOX", "GCM", "MPNS"] {
        create(&lenient, platform, &given).await.done();
    }
}

#[tokio::test]
async fn settings_of_an_application_that_cannot_have_an_effect_are_refused() {
    let server = Server::start().await;
    let arn = server.application("app").await;
    let elsewhere = "arn:aws:sns:eu-west-1:111111111111:events";
    let must_be_own = "must be the ARN of a topic of the same account and region";
    let cases = [
        ("EventEndpointCreated", "events", must_be_own),
        ("EventDeliveryFailure", elsewhere, must_be_own),
        ("SuccessFeedbackSampleRate", "101", "must be a whole number from 0 to 100"),
        ("Enabled", "maybe", "must be true or false"),
    ];
    for (name, value, must) in cases {
        let mut set = vec![("PlatformApplicationArn".to_owned(), arn.as_str())];
        set.extend(map("Attributes", &[(name, value)]));
        let (_, _, message) = server.call("SetPlatformApplicationAttributes", &set).await.error();
        assert_eq!(
            message,
            format!("Invalid parameter: Attributes Reason: Invalid value for attribute: {name}: {must}")
        );
    }
}

#[tokio::test]
async fn an_endpoint_is_registered_once_for_a_token_and_names_itself_to_whoever_asks_for_it_differently() {
    let server = Server::start().await;
    let application = server.application("app").await;
    let endpoint = server.endpoint(&application, "token_1").await;
    assert!(endpoint.starts_with(&format!("arn:aws:sns:us-east-1:{ACCOUNT}:endpoint/ADM/app/")), "{endpoint}");
    assert_eq!(server.endpoint_attributes(&endpoint).await, attributes(&[("Enabled", "true"), ("Token", "token_1")]));
    assert_eq!(server.endpoint(&application, "token_1").await, endpoint);

    let register = async |data: &str| {
        let parameters =
            [("PlatformApplicationArn", application.as_str()), ("Token", "token_1"), ("CustomUserData", data)];
        server.call("CreatePlatformEndpoint", &parameters).await
    };
    let (status, code, message) = register("user").await.error();
    assert_eq!((status, code.as_str()), (400, "InvalidParameter"));
    let expected = format!(
        "Invalid parameter: Token Reason: Endpoint {endpoint} already exists with the same Token, but different attributes."
    );
    assert_eq!(message, expected);
    // What SDKs do then: read the ARN out of the text, and set the attributes.
    server.set_endpoint(&endpoint, &[("CustomUserData", "user"), ("Enabled", "true")]).await.done();
    assert_eq!(register("user").await.done().one("EndpointArn"), endpoint);
}

#[tokio::test]
async fn the_user_data_of_the_map_comes_before_that_of_the_parameter() {
    let server = Server::start().await;
    let application = server.application("app").await;
    let mut parameters = vec![
        ("PlatformApplicationArn".to_owned(), application.as_str()),
        ("Token".to_owned(), "token_1"),
        ("CustomUserData".to_owned(), "parameter"),
    ];
    parameters.extend(map("Attributes", &[("CustomUserData", "map")]));
    let endpoint = server.call("CreatePlatformEndpoint", &parameters).await.done().one("EndpointArn");
    assert_eq!(server.endpoint_attributes(&endpoint).await["CustomUserData"], "map");
}

#[tokio::test]
async fn a_token_that_was_set_is_the_one_that_is_found_and_can_be_taken_once() {
    let server = Server::start().await;
    let application = server.application("app").await;
    let first = server.endpoint(&application, "old").await;
    let second = server.endpoint(&application, "other").await;
    server.set_endpoint(&first, &[("Token", "new")]).await.done();
    assert_eq!(server.endpoint(&application, "new").await, first);
    let third = server.endpoint(&application, "old").await;
    assert!(third != first && third != second);
    let (_, _, message) = server.set_endpoint(&second, &[("Token", "new")]).await.error();
    assert!(message.contains(&first), "{message}");
    // Another application has tokens of its own.
    let other = server.application("other").await;
    assert_ne!(server.endpoint(&other, "new").await, first);
}

#[tokio::test]
async fn tokens_of_apple_are_hexadecimal_and_kept_in_lower_case() {
    let mut settings = MobileSettings::new();
    settings.credentials = Credentials::Unchecked;
    let lenient = Server::start_with(settings).await;
    let credentials = [("PlatformPrincipal", "dummy"), ("PlatformCredential", "dummy")];
    let arn = create(&lenient, "APNS", &credentials).await.done().one("PlatformApplicationArn");
    let endpoint = lenient.endpoint(&arn, "ABCDEF0123").await;
    assert_eq!(lenient.endpoint_attributes(&endpoint).await["Token"], "abcdef0123");
    assert_eq!(lenient.endpoint(&arn, "abcdef0123").await, endpoint);
}

#[tokio::test]
async fn applications_and_endpoints_are_listed_a_hundred_at_a_time() {
    let server = Server::start().await;
    let mut applications = Vec::new();
    for number in 0..101 {
        applications.push(server.application(&format!("app-{number:03}")).await);
    }
    let first = server.call::<&str>("ListPlatformApplications", &[]).await.done();
    assert_eq!(first.all("PlatformApplicationArn"), applications[..100]);
    let rest = server.call("ListPlatformApplications", &[("NextToken", &first.one("NextToken"))]).await.done();
    assert_eq!(rest.all("PlatformApplicationArn"), applications[100..]);
    assert!(rest.all("NextToken").is_empty());

    let application = &applications[7];
    for number in 0..101 {
        server.endpoint(application, &format!("token-{number}")).await;
    }
    server.endpoint(&applications[8], "elsewhere").await;
    let list = async |token: &str| {
        let parameters = [("PlatformApplicationArn", application.as_str()), ("NextToken", token)];
        server.call("ListEndpointsByPlatformApplication", &parameters).await
    };
    let first = list("").await.done();
    assert_eq!(first.all("EndpointArn").len(), 100);
    let rest = list(&first.one("NextToken")).await.done();
    assert_eq!(rest.all("EndpointArn").len(), 1);
    assert!(rest.all("NextToken").is_empty());
    assert_eq!(list("eA==").await.error().2, "Invalid parameter: NextToken");
}

#[tokio::test]
async fn an_application_takes_its_endpoints_along_and_does_not_bring_them_back() {
    let server = Server::start().await;
    let application = server.application("app").await;
    let endpoint = server.endpoint(&application, "token_1").await;
    for _ in 0..2 {
        server.call("DeletePlatformApplication", &[("PlatformApplicationArn", &application)]).await.done();
    }
    let gone = server.call("GetEndpointAttributes", &[("EndpointArn", &endpoint)]).await;
    assert_eq!(gone.error(), (404, "NotFound".into(), "Endpoint does not exist".into()));
    assert_eq!(server.application("app").await, application);
    let listed =
        server.call("ListEndpointsByPlatformApplication", &[("PlatformApplicationArn", &application)]).await.done();
    assert!(listed.all("EndpointArn").is_empty());
    assert_ne!(server.endpoint(&application, "token_1").await, endpoint);
}

#[tokio::test]
async fn a_deleted_endpoint_leaves_its_subscriptions_behind() {
    let server = Server::start().await;
    let topic = server.topic("topic").await;
    let endpoint = server.endpoint(&server.application("app").await, "token_1").await;
    let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "application"), ("Endpoint", endpoint.as_str())];
    let subscription = server.call("Subscribe", &subscribe).await.done().one("SubscriptionArn");
    for _ in 0..2 {
        server.call("DeleteEndpoint", &[("EndpointArn", &endpoint)]).await.done();
    }
    let listed = server.call("ListSubscriptionsByTopic", &[("TopicArn", &topic)]).await.done();
    assert_eq!(listed.one("SubscriptionArn"), subscription);
}

#[tokio::test]
async fn what_belongs_to_another_account_or_region_is_refused_as_the_operation_has_it() {
    let server = Server::start().await;
    let application = server.application("app").await;
    let endpoint = server.endpoint(&application, "token_1").await;
    let by = |account, region| Some((account, region));
    let cases = [
        ("GetPlatformApplicationAttributes", "PlatformApplicationArn", &application, 403, "AuthorizationError"),
        ("DeletePlatformApplication", "PlatformApplicationArn", &application, 403, "AuthorizationError"),
        ("SetPlatformApplicationAttributes", "PlatformApplicationArn", &application, 403, "AuthorizationError"),
        ("ListEndpointsByPlatformApplication", "PlatformApplicationArn", &application, 404, "NotFound"),
        ("CreatePlatformEndpoint", "PlatformApplicationArn", &application, 404, "NotFound"),
        ("GetEndpointAttributes", "EndpointArn", &endpoint, 403, "AuthorizationError"),
        ("SetEndpointAttributes", "EndpointArn", &endpoint, 403, "AuthorizationError"),
        ("DeleteEndpoint", "EndpointArn", &endpoint, 403, "AuthorizationError"),
        ("Publish", "TargetArn", &endpoint, 403, "AuthorizationError"),
    ];
    for (operation, parameter, arn, status, code) in cases {
        let parameters = [(parameter, arn.as_str()), ("Message", "m"), ("Token", "t")];
        let refused = server.call_as(by("222222222222", "us-east-1"), operation, &parameters).await;
        assert_eq!((refused.status, refused.one("Code").as_str()), (status, code), "{operation}");
        let refused = server.call_as(by(ACCOUNT, "eu-west-1"), operation, &parameters).await;
        assert_eq!((refused.status, refused.one("Code").as_str()), (400, "InvalidParameter"), "{operation}");
    }
    let others = server.call_as::<&str>(by("222222222222", "us-east-1"), "ListPlatformApplications", &[]).await.done();
    assert!(others.all("PlatformApplicationArn").is_empty());
}

#[tokio::test]
async fn event_topics_are_told_of_endpoints() {
    let server = Server::start().await;
    let topic = server.topic("events").await;
    let queue = server.listener(&topic).await;
    let application = server.application("app").await;
    let mut set = vec![("PlatformApplicationArn".to_owned(), application.as_str())];
    set.extend(map(
        "Attributes",
        &[("EventEndpointCreated", &topic), ("EventEndpointUpdated", &topic), ("EventEndpointDeleted", &topic)],
    ));
    server.call("SetPlatformApplicationAttributes", &set).await.done();

    let endpoint = server.endpoint(&application, "token_1").await;
    server.endpoint(&application, "token_1").await;
    server.set_endpoint(&endpoint, &[("CustomUserData", "user")]).await.done();
    server.set_endpoint(&endpoint, &[("CustomUserData", "user")]).await.done();
    for _ in 0..2 {
        server.call("DeleteEndpoint", &[("EndpointArn", &endpoint)]).await.done();
    }
    queue.wait_for(3).await;
    let mut told: Vec<_> = queue
        .attempts()
        .iter()
        .map(|attempt| {
            let event: serde_json::Value = serde_json::from_str(attempt.text()).unwrap();
            assert_eq!(event["EndpointArn"], endpoint.as_str());
            assert_eq!(event["Resource"], application.as_str());
            assert_eq!(event["Service"], "SNS");
            let (kind, subject) = (event["EventType"].as_str().unwrap(), attempt.notification.subject());
            assert_eq!(subject, Some(format!("{kind} event for app app (ADM)").as_str()));
            kind.to_owned()
        })
        .collect();
    told.sort();
    assert_eq!(told, ["EndpointCreated", "EndpointDeleted", "EndpointUpdated"]);
}
