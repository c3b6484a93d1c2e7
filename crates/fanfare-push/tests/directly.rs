//! What reaches Apple, Google and browsers, and what is made of their answers, over sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::sync::Arc;

use fanfare_core::{Connector as _, DeliveryErrorKind as Kind, Disposition, Endpoint, Message, Platform, Protocol};
use fanfare_egress::EgressPolicy;
use fanfare_push::{Application, Device, KnownDevices, PushConfig};
use fanfare_testkit::push::ApnsNotification;
use fanfare_testkit::{ApnsReceiver, FcmReceiver, Http2Reply, SimulatedHost, TestCa, WebPushReceiver};
use serde_json::json;

use given::{APPLE_DEVICE, BUNDLE, GOOGLE_DEVICE, direct, endpoint, notification, one, payload, text};

async fn apple(platform: Platform) -> (ApnsReceiver, Arc<dyn Endpoint>) {
    let ca = TestCa::new();
    let receiver = ApnsReceiver::start(&ca).await;
    let devices = one(APPLE_DEVICE, given::of_apple(platform, &receiver));
    let config = direct(devices, &ca).apns_url(&receiver.url()).unwrap();
    let endpoint = endpoint(config, platform.as_str());
    (receiver, endpoint)
}

async fn google() -> (FcmReceiver, Arc<dyn Endpoint>) {
    let ca = TestCa::new();
    let receiver = FcmReceiver::start(&ca).await;
    let devices = one(GOOGLE_DEVICE, given::of_google(&receiver));
    let config = direct(devices, &ca).fcm_url(&receiver.url()).unwrap();
    let endpoint = endpoint(config, "GCM");
    (receiver, endpoint)
}

async fn browser() -> (WebPushReceiver, Arc<dyn Endpoint>) {
    let ca = TestCa::new();
    let receiver = WebPushReceiver::start_tls(&ca).await;
    let devices = one(&receiver.subscribe(), given::of_web(&given::vapid_key()));
    let endpoint = endpoint(direct(devices, &ca), "WEBPUSH");
    (receiver, endpoint)
}

#[tokio::test]
async fn apple_gets_the_payload_with_what_the_attributes_ask_for_over_one_connection() {
    let (receiver, endpoint) = apple(Platform::ApnsSandbox).await;
    let body = r#"{"aps":{"content-available":1},"parcel":7}"#;
    let message = payload("APNS_SANDBOX", body).string("AWS.SNS.MOBILE.APNS.COLLAPSE_ID", "parcel-7");
    let receipt = endpoint.deliver(&notification("APNS_SANDBOX", message)).await.unwrap();
    assert_eq!(receipt.response(), Some(r#"{"apns-id":"0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2"}"#));
    endpoint.deliver(&text("APNS_SANDBOX", "hello")).await.unwrap();

    let [first, second]: [ApnsNotification; 2] = receiver.notifications().try_into().unwrap();
    assert_eq!((first.device.as_str(), &first.payload), (APPLE_DEVICE, &serde_json::from_str(body).unwrap()));
    assert_eq!((first.header("topic"), first.header("push-type")), (Some(BUNDLE), Some("background")));
    assert_eq!((first.header("priority"), first.header("collapse-id")), (Some("5"), Some("parcel-7")));
    assert_eq!((second.payload, second.headers.len()), (json!({"aps": {"alert": "hello"}}), 5));
    assert_eq!(receiver.http().connections(), 1);
}

#[tokio::test]
async fn a_token_for_apple_is_used_again_and_made_anew_when_apple_says_that_it_has_expired() {
    let (receiver, endpoint) = apple(Platform::Apns).await;
    for _ in 0..3 {
        endpoint.deliver(&text("APNS", "hello")).await.unwrap();
    }
    let tokens = |requests: Vec<fanfare_testkit::ReceivedRequest>| {
        let mut tokens: Vec<_> =
            requests.iter().map(|request| request.header("authorization").unwrap().to_owned()).collect();
        tokens.dedup();
        tokens.len()
    };
    assert_eq!(tokens(receiver.http().requests()), 1);
    receiver.expire_token();
    endpoint.deliver(&text("APNS", "hello")).await.unwrap();
    assert_eq!((receiver.notifications().len(), receiver.http().requests().len()), (4, 5));
    assert_eq!(tokens(receiver.http().requests()), 2);
}

#[tokio::test]
async fn a_token_for_apple_is_made_anew_before_it_is_an_hour_old() {
    let ca = TestCa::new();
    let receiver = ApnsReceiver::start(&ca).await;
    receiver.http().reply_with(Http2Reply::status(200));
    let host = Arc::new(SimulatedHost::new(7));
    let devices = one(APPLE_DEVICE, given::of_apple(Platform::Apns, &receiver));
    let config = direct(devices, &ca).apns_url(&receiver.url()).unwrap().host(Arc::clone(&host));
    let endpoint = endpoint(config, "APNS");
    let message = || notification("APNS", Message::builder("hello").string("AWS.SNS.MOBILE.APNS.TTL", "0"));
    for minutes in [0, 45, 10] {
        host.jump_forward(std::time::Duration::from_secs(minutes * 60));
        endpoint.deliver(&message()).await.unwrap();
    }
    let requests = receiver.http().requests();
    let [first, second, third] = [0, 1, 2].map(|number: usize| requests[number].header("authorization").unwrap());
    assert!(first == second && second != third);
}

#[tokio::test]
async fn apple_can_be_shown_a_certificate_instead() {
    let ca = TestCa::new();
    let receiver = ApnsReceiver::start_with_certificates(&ca).await;
    let identity = ca.client_identity("Apple Push Services: com.example.MyApp");
    let app = Application::new(Platform::Apns, identity.certificate_pem(), identity.private_key_pem());
    let config = |app| direct(one(APPLE_DEVICE, app), &ca).apns_url(&receiver.url()).unwrap();
    endpoint(config(app), "APNS").deliver(&text("APNS", "hello")).await.unwrap();
    let taken = receiver.notifications().remove(0);
    assert_eq!((taken.header("topic"), &taken.payload), (None, &json!({"aps": {"alert": "hello"}})));
    assert_eq!(receiver.http().requests()[0].header("authorization"), None);

    // Without one, there is no connection.
    let (key_id, key, team_id) = receiver.signing_key();
    let by_key = Application::new(Platform::Apns, key_id, key).apple(team_id, BUNDLE);
    let error = endpoint(config(by_key), "APNS").deliver(&text("APNS", "hello")).await.unwrap_err();
    assert!(matches!(error.disposition(), Disposition::Retry { .. }), "{error:?}");
}

#[tokio::test]
async fn a_device_that_apple_does_not_know_any_more_is_to_be_turned_off() {
    let (receiver, endpoint) = apple(Platform::Apns).await;
    receiver.unregister(APPLE_DEVICE);
    let error = endpoint.deliver(&text("APNS", "hello")).await.unwrap_err();
    assert_eq!((error.disposition(), error.status()), (Disposition::Disable, Some(410)));
    assert_eq!(error.to_string(), "apple does not know the device's token (any more): Unregistered");
}

#[tokio::test]
async fn streams_and_connections_that_a_push_service_ends_are_tried_again_on_new_ones() {
    let (receiver, endpoint) = apple(Platform::Apns).await;
    for ending in [Http2Reply::reset(), Http2Reply::go_away(), Http2Reply::break_off()] {
        receiver.http().reply_with(ending.clone());
        let error = endpoint.deliver(&text("APNS", "hello")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.disposition()),
            (Kind::Interrupted, Disposition::Retry { after: None }),
            "{ending:?}"
        );
        receiver.refuse(|_| None);
        endpoint.deliver(&text("APNS", "hello")).await.unwrap();
    }
    assert_eq!(receiver.notifications().len(), 3);
    assert_eq!(receiver.http().connections(), 3);
}

#[tokio::test]
async fn google_gives_one_access_token_for_many_messages_at_once() {
    let (receiver, endpoint) = google().await;
    let mut deliveries = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let endpoint = Arc::clone(&endpoint);
        deliveries.spawn(async move { endpoint.deliver(&text("GCM", "hello")).await });
    }
    assert!(deliveries.join_all().await.iter().all(Result::is_ok));
    assert_eq!((receiver.granted(), receiver.messages().len()), (1, 20));
    let message = &receiver.messages()[0];
    assert_eq!((&message["token"], &message["data"]), (&json!(GOOGLE_DEVICE), &json!({"default": "hello"})));
}

#[tokio::test]
async fn an_access_token_that_does_not_hold_any_more_is_asked_for_anew() {
    let (receiver, endpoint) = google().await;
    endpoint.deliver(&text("GCM", "hello")).await.unwrap();
    receiver.expire_access_tokens();
    endpoint.deliver(&text("GCM", "hello")).await.unwrap();
    assert_eq!((receiver.granted(), receiver.messages().len(), receiver.attempts()), (2, 2, 3));
}

#[tokio::test]
async fn a_service_account_that_google_does_not_know_is_final_and_shows_nothing() {
    let ca = TestCa::new();
    let receiver = FcmReceiver::start(&ca).await;
    let account = receiver.service_account().replace("push@parcels-7", "other@parcels-7");
    let devices = one(GOOGLE_DEVICE, Application::new(Platform::Gcm, "", account));
    let config = direct(devices, &ca).fcm_url(&receiver.url()).unwrap();
    let error = endpoint(config, "GCM").deliver(&text("GCM", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Unauthorized, Disposition::Reject));
    assert_eq!(error.to_string(), "google gives no access token for the service account: invalid_grant");
}

#[tokio::test]
async fn a_legacy_payload_reaches_firebase_in_its_new_form() {
    let (receiver, endpoint) = google().await;
    let legacy = r#"{"notification":{"title":"Parcel","android_channel_id":"p","badge":3},"data":{"parcel":7}}"#;
    endpoint.deliver(&notification("GCM", payload("GCM", legacy))).await.unwrap();
    let message = receiver.messages().remove(0);
    assert_eq!(message["android"]["notification"], json!({"title": "Parcel", "channel_id": "p"}));
    assert_eq!(message["apns"]["payload"]["aps"], json!({"alert": {"title": "Parcel"}, "badge": 3}));
    assert_eq!(message["data"], json!({"parcel": "7"}));
}

#[tokio::test]
async fn a_device_that_firebase_does_not_know_any_more_is_to_be_turned_off() {
    let (receiver, endpoint) = google().await;
    receiver.unregister(GOOGLE_DEVICE);
    let error = endpoint.deliver(&text("GCM", "hello")).await.unwrap_err();
    assert_eq!((error.disposition(), error.status()), (Disposition::Disable, Some(404)));
}

#[tokio::test]
async fn a_browser_reads_the_text_and_its_service_what_the_attributes_ask_for() {
    let (receiver, endpoint) = browser().await;
    let message = Message::builder("ein Paket → dich")
        .string("AWS.SNS.MOBILE.WEBPUSH.TTL", "3600")
        .string("AWS.SNS.MOBILE.WEBPUSH.URGENCY", "high")
        .string("AWS.SNS.MOBILE.WEBPUSH.TOPIC", "parcel-7");
    endpoint.deliver(&notification("WEBPUSH", message)).await.unwrap();
    let taken = receiver.messages().remove(0);
    assert_eq!((taken.text.as_str(), taken.browser), ("ein Paket → dich", 0));
    assert!((3590..=3600).contains(&taken.ttl), "{}", taken.ttl);
    assert_eq!((taken.urgency.as_deref(), taken.topic.as_deref()), (Some("high"), Some("parcel-7")));
    assert_eq!((taken.subject.as_deref(), taken.sender.len()), (Some(given::CONTACT), 87));
}

#[tokio::test]
async fn a_browser_that_has_unsubscribed_is_to_be_turned_off() {
    let (receiver, endpoint) = browser().await;
    receiver.unsubscribe(0);
    let error = endpoint.deliver(&text("WEBPUSH", "hello")).await.unwrap_err();
    assert_eq!((error.disposition(), error.status()), (Disposition::Disable, Some(410)));
    assert_eq!(error.to_string(), "the browser's subscription has ended: status 410");
}

#[tokio::test]
async fn no_address_that_a_token_or_an_account_names_gets_past_the_egress_rules() {
    let ca = TestCa::new();
    let (receiver, google) = (WebPushReceiver::start().await, FcmReceiver::start(&ca).await);
    let apple = ApnsReceiver::start(&ca).await;
    let cases = [
        ("WEBPUSH", one(&receiver.subscribe(), given::of_web(&given::vapid_key()))),
        ("GCM", one(GOOGLE_DEVICE, given::of_google(&google))),
        ("APNS", one(APPLE_DEVICE, given::of_apple(Platform::Apns, &apple))),
    ];
    for (platform, devices) in cases {
        let config = PushConfig::directly(devices).egress(EgressPolicy::internet()).apns_url(&apple.url()).unwrap();
        let error = endpoint(config, platform).deliver(&text(platform, "hello")).await.unwrap_err();
        assert_eq!((error.kind(), error.disposition()), (Kind::EgressDenied, Disposition::Reject), "{platform}");
    }
    assert_eq!((receiver.http().connections(), google.http().connections(), apple.http().connections()), (0, 0, 0));
}

#[tokio::test]
async fn what_a_push_service_redirects_is_refused() {
    let (receiver, endpoint) = browser().await;
    receiver.http().reply_with(fanfare_testkit::Reply::redirect(307, &receiver.http().url("/elsewhere")));
    let error = endpoint.deliver(&text("WEBPUSH", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Rejected, Disposition::Reject));
    assert_eq!(receiver.http().requests().len(), 1);
}

#[tokio::test]
async fn an_endless_answer_is_read_no_further_than_it_may_be() {
    let (receiver, endpoint) = browser().await;
    receiver.http().reply_with(fanfare_testkit::Reply::endless_body());
    assert_eq!(endpoint.deliver(&text("WEBPUSH", "hello")).await.unwrap().status(), Some(200));
}

#[tokio::test]
async fn credentials_that_cannot_be_read_and_devices_that_are_not_known_are_final() {
    let ca = TestCa::new();
    let of = async |devices: KnownDevices| {
        endpoint(direct(devices, &ca), "GCM").deliver(&text("GCM", "x")).await.unwrap_err()
    };
    let error = of(one(GOOGLE_DEVICE, Application::new(Platform::Gcm, "", "s3cret"))).await;
    assert_eq!((error.kind(), error.disposition()), (Kind::Unauthorized, Disposition::Reject));
    assert!(!format!("{error:?}").contains("s3cret"));
    let error = of(KnownDevices::new()).await;
    assert_eq!((error.kind(), error.disposition()), (Kind::NotFound, Disposition::Reject));
}

#[tokio::test]
async fn a_device_is_looked_up_for_each_delivery() {
    let ca = TestCa::new();
    let receiver = WebPushReceiver::start_tls(&ca).await;
    let (devices, app) = (KnownDevices::new(), given::of_web(&given::vapid_key()));
    let endpoint = endpoint(direct(devices.clone(), &ca), "WEBPUSH");
    for _ in 0..2 {
        devices.insert(given::arn("WEBPUSH"), Device::new(receiver.subscribe(), app.clone()));
        endpoint.deliver(&text("WEBPUSH", "hello")).await.unwrap();
    }
    let browsers: Vec<_> = receiver.messages().iter().map(|message| message.browser).collect();
    assert_eq!(browsers, [0, 1]);
    devices.remove(&given::arn("WEBPUSH"));
    assert_eq!(endpoint.deliver(&text("WEBPUSH", "hello")).await.unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn what_is_not_the_arn_of_an_endpoint_and_what_has_no_direct_way_is_refused() {
    let connector = given::connector(PushConfig::directly(KnownDevices::new()));
    for address in
        ["", "GCM", "arn:aws:sns:us-east-1:000000000000:topic", "arn:aws:sns:us-east-1:000000000000:app/GCM/app"]
    {
        let error = connector.connect(&Protocol::Application, address).unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: Application endpoint ARN", "{address}");
    }
    for platform in ["ADM", "BAIDU", "MPNS", "WNS"] {
        let error = connector.connect(&Protocol::Application, &given::arn(platform)).unwrap_err();
        assert_eq!(
            error.message(),
            format!(
                "Invalid parameter: Endpoint Reason: nothing goes to {platform} directly: let the application be one of Amazon \
                 SNS, and deliver through Amazon SNS"
            )
        );
    }
    assert!(connector.connect(&Protocol::Sqs, &given::arn("GCM")).is_err());
}
