//! What accounts say about text messages, who wants none, and the sandbox.

use std::time::Duration;

use fanfare::{Owner, Protocol};
use fanfare_server::mobile::{MobileSettings, Sandbox};

use crate::given::{ACCOUNT, Reply, Server, map};

const NUMBER: &str = "+15551234567";

fn owner() -> Owner {
    Owner::new("us-east-1", ACCOUNT).unwrap()
}

async fn set(server: &Server, attributes: &[(&str, &str)]) -> Reply {
    server.call("SetSMSAttributes", &map("attributes", attributes)).await
}

async fn in_sandbox() -> Server {
    let mut settings = MobileSettings::new();
    settings.sandbox = Sandbox::On;
    Server::start_with(settings).await
}

#[tokio::test]
async fn a_fresh_account_shows_its_limit_and_then_what_it_set_by_region() {
    let server = Server::start().await;
    let shown = server.call::<&str>("GetSMSAttributes", &[]).await.done();
    assert_eq!(shown.map(), [("MonthlySpendLimit".to_owned(), "1".to_owned())].into());
    set(&server, &[("DefaultSMSType", "Transactional"), ("DefaultSenderID", "ACME")]).await.done();
    let shown = server.call::<&str>("GetSMSAttributes", &[]).await.done();
    assert_eq!(shown.map().len(), 3);
    let chosen = [("attributes.member.1", "DefaultSMSType"), ("attributes.member.2", "UsageReportS3Bucket")];
    let shown = server.call("GetSMSAttributes", &chosen).await.done();
    assert_eq!(shown.map(), [("DefaultSMSType".to_owned(), "Transactional".to_owned())].into());
    let elsewhere = server.call_as::<&str>(Some((ACCOUNT, "eu-west-1")), "GetSMSAttributes", &[]).await.done();
    assert_eq!(elsewhere.map().len(), 1);
}

#[tokio::test]
async fn attributes_that_cannot_be_or_cannot_have_an_effect_are_refused_and_nothing_is_set() {
    let server = Server::start().await;
    let cases = [
        ("DefaultSenderID", "aaaaaaaaaaaa", "DefaultSenderID is invalid"),
        ("DefaultSenderID", "123456", "DefaultSenderID is invalid"),
        ("DefaultSMSType", "", "DefaultSMSType is invalid"),
        ("DeliveryStatusSuccessSamplingRate", "101", "DeliveryStatusSuccessSamplingRate is invalid"),
        (
            "MonthlySpendLimit",
            "5",
            "Invalid parameter: MonthlySpendLimit Reason: this server does not know what a message costs: set --sms-price",
        ),
        (
            "UsageReportS3Bucket",
            "bucket",
            "Invalid parameter: UsageReportS3Bucket Reason: this server writes no usage reports",
        ),
    ];
    for (name, value, expected) in cases {
        let refused = set(&server, &[("DefaultSMSType", "Transactional"), (name, value)]).await;
        assert_eq!(refused.error(), (400, "InvalidParameter".into(), expected.into()), "{name}={value}");
    }
    assert_eq!(server.call::<&str>("GetSMSAttributes", &[]).await.done().map().len(), 1);
}

#[tokio::test]
async fn who_opted_out_is_listed_gets_nothing_and_can_be_opted_in_once_in_thirty_days() {
    let server = Server::start().await;
    let is_opted_out =
        async || server.call("CheckIfPhoneNumberIsOptedOut", &[("phoneNumber", NUMBER)]).await.done().one("isOptedOut");
    let publish = async || server.call("Publish", &[("PhoneNumber", NUMBER), ("Message", "hello")]).await;
    let opt_in = async || server.call("OptInPhoneNumber", &[("phoneNumber", NUMBER)]).await;
    assert_eq!(is_opted_out().await, "false");
    opt_in().await.done();

    server.mobile.opt_out(&owner(), NUMBER).await.unwrap();
    server.mobile.opt_out(&owner(), NUMBER).await.unwrap();
    assert_eq!(is_opted_out().await, "true");
    let listed = server.call::<&str>("ListPhoneNumbersOptedOut", &[]).await.done();
    assert_eq!(listed.all("member"), [NUMBER]);
    assert_eq!(publish().await.error(), (400, "OptedOut".into(), "Phone number is opted out".into()));

    opt_in().await.done();
    assert_eq!(is_opted_out().await, "false");
    publish().await.done();

    server.mobile.opt_out(&owner(), NUMBER).await.unwrap();
    let reason = "Invalid parameter: PhoneNumber Reason: a phone number can be opted in once in 30 days";
    assert_eq!(opt_in().await.error(), (400, "InvalidParameter".into(), reason.into()));
    server.host.jump_forward(Duration::from_secs(30 * 24 * 60 * 60));
    opt_in().await.done();
    assert_eq!(is_opted_out().await, "false");
}

#[tokio::test]
async fn an_operator_notes_opt_outs_through_the_json_api() {
    let server = Server::start().await;
    for _ in 0..2 {
        assert_eq!(server.json(reqwest::Method::PUT, "/opt-outs/+15551234567").await.0, 204);
    }
    let listed = server.call::<&str>("ListPhoneNumbersOptedOut", &[]).await.done();
    assert_eq!(listed.all("member"), [NUMBER]);
    let (status, problem) = server.json(reqwest::Method::PUT, "/opt-outs/nobody").await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("InvalidParameter")));
}

#[tokio::test]
async fn a_topic_brings_nothing_to_who_opted_out_and_the_reason_is_kept() {
    let server = Server::start().await;
    let topic = server.topic("topic").await;
    for number in ["+1555/123.4567", "+15550000000"] {
        let subscribe = [("TopicArn", topic.as_str()), ("Protocol", "sms"), ("Endpoint", number)];
        server.call("Subscribe", &subscribe).await.done();
    }
    server.mobile.opt_out(&owner(), NUMBER).await.unwrap();
    let topic = fanfare::TopicArn::parse(&topic).unwrap();
    let published = server.fanfare.publish(&topic, fanfare::Message::text("hello").unwrap()).await.unwrap();
    let report = published.settled().await;
    assert_eq!((report.delivered(), report.dropped()), (1, 1));
    assert!(server.phones.endpoint(NUMBER).attempts().is_empty());
    let attempts = server.fanfare.attempts(published.message_id(), None).await.unwrap();
    let failures: Vec<_> = attempts.iter().filter_map(|attempt| attempt.failure.as_ref()).collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].text, "Phone number is opted out");
}

#[tokio::test]
async fn opted_out_numbers_are_listed_a_hundred_at_a_time_to_their_account_alone() {
    let server = Server::start().await;
    for number in 0..101 {
        server.mobile.opt_out(&owner(), &format!("+1555000{number:04}")).await.unwrap();
    }
    let first = server.call::<&str>("ListPhoneNumbersOptedOut", &[]).await.done();
    assert_eq!(first.all("member").len(), 100);
    let rest = server.call("ListPhoneNumbersOptedOut", &[("nextToken", &first.one("nextToken"))]).await.done();
    assert_eq!(rest.all("member"), ["+15550000100"]);
    assert!(rest.all("nextToken").is_empty());
    let other = Some(("222222222222", "us-east-1"));
    assert!(server.call_as::<&str>(other, "ListPhoneNumbersOptedOut", &[]).await.done().all("member").is_empty());
}

#[tokio::test]
async fn accounts_are_out_of_the_sandbox_unless_the_operator_says_otherwise() {
    let free = Server::start().await;
    assert_eq!(free.call::<&str>("GetSMSSandboxAccountStatus", &[]).await.done().one("IsInSandbox"), "false");
    let sandbox = in_sandbox().await;
    assert_eq!(sandbox.call::<&str>("GetSMSSandboxAccountStatus", &[]).await.done().one("IsInSandbox"), "true");
}

/// The password in the message that came to the phone last.
async fn password(server: &Server, count: usize) -> String {
    let texts = server.phones.endpoint(NUMBER).wait_for(count).await;
    let text = texts.last().unwrap().text().to_owned();
    text.chars().filter(char::is_ascii_digit).collect()
}

#[tokio::test]
async fn in_the_sandbox_a_number_is_written_to_once_it_is_verified() {
    let server = in_sandbox().await;
    let publish = async || server.call("Publish", &[("PhoneNumber", NUMBER), ("Message", "hello")]).await;
    let status = async || {
        let listed = server.call::<&str>("ListSMSSandboxPhoneNumbers", &[]).await.done();
        listed.all("PhoneNumber").into_iter().zip(listed.all("Status")).collect::<Vec<_>>()
    };
    let verify = async |password: &str| {
        server.call("VerifySMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER), ("OneTimePassword", password)]).await
    };
    let reason = format!(
        "Invalid parameter: PhoneNumber Reason: the account is in the SMS sandbox, and {NUMBER} is not verified"
    );
    assert_eq!(publish().await.error(), (400, "InvalidParameter".into(), reason));

    let create = [("PhoneNumber", NUMBER), ("LanguageCode", "de-DE")];
    server.call("CreateSMSSandboxPhoneNumber", &create).await.done();
    let sent = password(&server, 1).await;
    assert!(server.phones.endpoint(NUMBER).texts()[0].starts_with("Ihr Bestätigungscode lautet "));
    assert_eq!(status().await, [(NUMBER.to_owned(), "Pending".to_owned())]);
    assert_eq!(publish().await.status, 400);
    let wrong = if sent == "000000" { "000001" } else { "000000" };
    let refused = verify(wrong).await;
    assert_eq!((refused.status, refused.one("Code").as_str()), (400, "VerificationException"));

    verify(&sent).await.done();
    assert_eq!(status().await, [(NUMBER.to_owned(), "Verified".to_owned())]);
    publish().await.done();
    assert_eq!(server.phones.endpoint(NUMBER).wait_for(2).await[1].text(), "hello");

    server.call("DeleteSMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER)]).await.done();
    assert!(status().await.is_empty());
    assert_eq!(publish().await.status, 400);
}

#[tokio::test]
async fn a_password_counts_for_a_quarter_of_an_hour_and_is_not_found_by_trying() {
    let server = in_sandbox().await;
    let verify = async |password: &str| {
        server
            .call("VerifySMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER), ("OneTimePassword", password)])
            .await
            .status
    };
    let create = async || server.call("CreateSMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER)]).await.done();
    create().await;
    let sent = password(&server, 1).await;
    for _ in 0..5 {
        assert_eq!(verify(if sent == "000000" { "000001" } else { "000000" }).await, 400);
    }
    assert_eq!(verify(&sent).await, 400);

    create().await;
    let sent = password(&server, 2).await;
    server.host.jump_forward(Duration::from_secs(15 * 60 + 60));
    assert_eq!(verify(&sent).await, 400);

    create().await;
    assert_eq!(verify(&password(&server, 3).await).await, 200);
}

#[tokio::test]
async fn requests_about_the_sandbox_that_cannot_be_are_refused() {
    let server = in_sandbox().await;
    let call = async |operation, parameters: &[(&str, &str)]| {
        let refused = server.call(operation, parameters).await;
        (refused.status, refused.one("Code"))
    };
    let unknown = (404, "ResourceNotFound".to_owned());
    assert_eq!(call("DeleteSMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER)]).await, unknown);
    let verify = [("PhoneNumber", NUMBER), ("OneTimePassword", "123456")];
    assert_eq!(call("VerifySMSSandboxPhoneNumber", &verify).await, unknown);
    let invalid = (400, "InvalidParameter".to_owned());
    assert_eq!(call("CreateSMSSandboxPhoneNumber", &[("PhoneNumber", "nobody")]).await, invalid);
    let language = [("PhoneNumber", NUMBER), ("LanguageCode", "pl-PL")];
    assert_eq!(call("CreateSMSSandboxPhoneNumber", &language).await, invalid);
    let short = [("PhoneNumber", NUMBER), ("OneTimePassword", "12")];
    assert_eq!(call("VerifySMSSandboxPhoneNumber", &short).await, invalid);
    assert_eq!(call("ListSMSSandboxPhoneNumbers", &[("MaxResults", "101")]).await, (400, "ValidationError".to_owned()));
    server.mobile.opt_out(&owner(), NUMBER).await.unwrap();
    assert_eq!(call("CreateSMSSandboxPhoneNumber", &[("PhoneNumber", NUMBER)]).await, (400, "OptedOut".to_owned()));
    for number in 0..10 {
        let number = format!("+1555000{number:04}");
        server.call("CreateSMSSandboxPhoneNumber", &[("PhoneNumber", number.as_str())]).await.done();
    }
    let eleventh = call("CreateSMSSandboxPhoneNumber", &[("PhoneNumber", "+15559999999")]).await;
    assert_eq!(eleventh, (400, "UserError".to_owned()));
    let page = server.call("ListSMSSandboxPhoneNumbers", &[("MaxResults", "4")]).await.done();
    assert_eq!(page.all("PhoneNumber").len(), 4);
    let token = page.one("NextToken");
    let rest = server.call("ListSMSSandboxPhoneNumbers", &[("NextToken", token.as_str())]).await.done();
    assert_eq!(rest.all("PhoneNumber").len(), 6);
}

#[tokio::test]
async fn origination_numbers_are_those_of_the_operator_and_no_other_can_be_asked_for() {
    let none = Server::start().await;
    assert!(none.call::<&str>("ListOriginationNumbers", &[]).await.done().all("PhoneNumber").is_empty());
    let mut settings = MobileSettings::new();
    settings.origination_numbers = vec!["+15550000002:US".parse().unwrap(), "+15550000001:CA".parse().unwrap()];
    let server = Server::start_with(settings).await;
    let first = server.call("ListOriginationNumbers", &[("MaxResults", "1")]).await.done();
    assert_eq!((first.one("PhoneNumber"), first.one("Iso2CountryCode")), ("+15550000001".into(), "CA".into()));
    let rest = server.call("ListOriginationNumbers", &[("NextToken", &first.one("NextToken"))]).await.done();
    assert_eq!(rest.all("PhoneNumber"), ["+15550000002"]);
    let publish = async |origin: &str| {
        let name = "AWS.MM.SMS.OriginationNumber";
        let parameters = [
            ("PhoneNumber", NUMBER),
            ("Message", "hello"),
            ("MessageAttributes.entry.1.Name", name),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", origin),
        ];
        server.call("Publish", &parameters).await.status
    };
    assert_eq!(publish("+15550000001").await, 200);
    assert_eq!(publish("+15550000003").await, 400);
}

#[tokio::test]
async fn the_month_is_over_when_its_money_is_spent() {
    let mut settings = MobileSettings::new();
    settings.sms_price = Some("0.5".parse().unwrap());
    let server = Server::start_with(settings).await;
    set(&server, &[("MonthlySpendLimit", "2")]).await.done();
    let publish = async |text: &str, most: Option<&str>| {
        let mut message = fanfare::Message::builder(text);
        if let Some(most) = most {
            message = message.number("AWS.SNS.SMS.MaxPrice", most);
        }
        let message = message.build().unwrap();
        let published = server.fanfare.publish_to(&owner(), &Protocol::Sms, NUMBER, message).await.unwrap();
        published.settled().await.endings[0].1.clone()
    };
    let delivered = fanfare::engine::Ending::Delivered { attempts: 1 };
    let dropped = |reason: &str| fanfare::engine::Ending::Dropped { reason: format!("not to be retried: {reason}") };
    // A text of two parts costs twice as much, more than this message may.
    let long = "x".repeat(161);
    assert_eq!(publish(&long, Some("0.9")).await, dropped("This delivery would exceed max price"));
    assert_eq!(publish(&long, Some("1")).await, delivered);
    server.phones.endpoint(NUMBER).script([fanfare_testkit::Step::Reject]);
    // What was not sent costs nothing.
    assert!(matches!(publish("hello", None).await, fanfare::engine::Ending::Dropped { .. }));
    assert_eq!(publish("hello", None).await, delivered);
    assert_eq!(publish("hello", None).await, delivered);
    assert_eq!(publish("hello", None).await, dropped("No quota left for account"));
    server.host.jump_forward(Duration::from_secs(31 * 24 * 60 * 60));
    assert_eq!(publish("hello", None).await, delivered);
}
