//! What Amazon SNS is asked to deliver, and which notifications go there, over sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use fanfare_core::{DeliveryErrorKind as Kind, Disposition};
use fanfare_push::{KnownDevices, PushConfig};
use fanfare_testkit::{SnsReceiver, TestCa, WebPushReceiver};

use given::{arn, direct, endpoint, notification, one, payload, text};

fn through(sns: &SnsReceiver) -> PushConfig {
    PushConfig::through_sns().sns_url(&sns.url()).unwrap()
}

#[tokio::test]
async fn a_payload_goes_to_the_endpoint_in_its_region_with_what_steers_it() {
    let sns = SnsReceiver::start().await;
    let message = payload("GCM", r#"{"data":{}}"#).string("AWS.SNS.MOBILE.GCM.TTL", "3600").string("store", "x");
    let receipt = endpoint(through(&sns), "GCM").deliver(&notification("GCM", message)).await.unwrap();
    let ids = "{\"snsRequestId\":\"b25f48e8-84fd-11e6-80d9-574e0c4664cb\",\
               \"snsMessageId\":\"00000000-0000-4000-8000-000000000000\"}";
    assert_eq!(receipt.response(), Some(ids));
    let taken = sns.publications().remove(0);
    assert_eq!((taken.target.as_str(), taken.region.as_str()), (arn("GCM").as_str(), "eu-west-1"));
    assert_eq!(taken.structure.as_deref(), Some("json"));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&taken.message).unwrap()["GCM"], r#"{"data":{}}"#);
    let [(name, data_type, value)] = &taken.attributes[..] else { panic!("{taken:?}") };
    assert_eq!((name.as_str(), data_type.as_str()), ("AWS.SNS.MOBILE.GCM.TTL", "String"));
    assert!((3590..=3600).contains(&value.parse::<u64>().unwrap()), "{value}");
}

#[tokio::test]
async fn every_platform_that_amazon_sns_has_can_go_there() {
    let sns = SnsReceiver::start().await;
    for platform in ["ADM", "APNS", "BAIDU", "GCM", "MPNS", "WNS"] {
        endpoint(through(&sns), platform).deliver(&text(platform, "hello")).await.unwrap();
    }
    assert_eq!(sns.publications().len(), 6);
}

#[tokio::test]
async fn an_endpoint_that_is_off_is_to_be_turned_off_and_one_that_is_gone_is_final() {
    let sns = SnsReceiver::start().await;
    let endpoint = endpoint(through(&sns), "GCM");
    sns.disable(&arn("GCM"));
    let error = endpoint.deliver(&text("GCM", "hello")).await.unwrap_err();
    assert_eq!(
        (error.disposition(), error.to_string().as_str()),
        (Disposition::Disable, "the endpoint is disabled: EndpointDisabled")
    );
    sns.delete(&arn("GCM"));
    let error = endpoint.deliver(&text("GCM", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::NotFound, Disposition::Reject));
}

#[tokio::test]
async fn devices_that_are_known_are_reached_directly_and_others_through_amazon_sns() {
    let (ca, sns) = (TestCa::new(), SnsReceiver::start().await);
    let browsers = WebPushReceiver::start_tls(&ca).await;
    let devices = one(&browsers.subscribe(), given::of_web(&given::vapid_key()));
    let both = |devices: KnownDevices| direct(devices, &ca).others_through_sns().sns_url(&sns.url()).unwrap();
    endpoint(both(devices.clone()), "WEBPUSH").deliver(&text("WEBPUSH", "hello")).await.unwrap();
    endpoint(both(devices.clone()), "GCM").deliver(&text("GCM", "hello")).await.unwrap();
    endpoint(both(devices), "ADM").deliver(&text("ADM", "hello")).await.unwrap();
    let targets: Vec<_> = sns.publications().into_iter().map(|publication| publication.target).collect();
    assert_eq!((browsers.messages().len(), targets), (1, vec![arn("GCM"), arn("ADM")]));
}
