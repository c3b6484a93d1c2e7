//! What the tests of this crate start from.
#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsBigEndian as _, EcPrivateKeyBin};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use fanfare_aws::{Aws, AwsConfig};
use fanfare_core::{
    Connector as _, Endpoint, Host as _, Message, MessageBuilder, Notification, Platform, Protocol, Publication,
    SystemHost, TopicArn,
};
use fanfare_egress::EgressPolicy;
use fanfare_push::{Application, Device, KnownDevices, PushConfig, PushConnector};
use fanfare_testkit::{ApnsReceiver, FcmReceiver, TestCa};

pub(crate) const APPLE_DEVICE: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0";
pub(crate) const GOOGLE_DEVICE: &str = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1";
pub(crate) const BUNDLE: &str = "com.example.MyApp";
pub(crate) const CONTACT: &str = "mailto:ops@example.com";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI-bPxRfiCYEXAMPLEKEY";

pub(crate) fn arn(platform: &str) -> String {
    format!("arn:aws:sns:eu-west-1:000000000000:endpoint/{platform}/app/5e3e9847")
}

/// Settings by which loopback may be connected to, and `ca` is trusted.
pub(crate) fn direct(devices: KnownDevices, ca: &TestCa) -> PushConfig {
    let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
    let config = PushConfig::directly(devices).egress(egress);
    config.ca_certificates(ca.certificate_pem()).unwrap().only_ca()
}

pub(crate) fn aws() -> AwsConfig {
    AwsConfig::new().access_key("AKIAEXAMPLE", SECRET).attempt_timeout(Duration::from_secs(1)).unwrap()
}

pub(crate) fn connector(config: PushConfig) -> PushConnector {
    PushConnector::new(config, Aws::new(aws())).unwrap()
}

pub(crate) fn endpoint(config: PushConfig, platform: &str) -> Arc<dyn Endpoint> {
    connector(config).connect(&Protocol::Application, &arn(platform)).unwrap()
}

/// The one device of `application`, under the ARN of its platform.
pub(crate) fn one(token: &str, application: Application) -> KnownDevices {
    let devices = KnownDevices::new();
    devices.insert(arn(application.platform().as_str()), Device::new(token, application));
    devices
}

pub(crate) fn of_apple(platform: Platform, receiver: &ApnsReceiver) -> Application {
    let (key_id, key, team_id) = receiver.signing_key();
    Application::new(platform, key_id, key).apple(team_id, BUNDLE)
}

pub(crate) fn of_google(receiver: &FcmReceiver) -> Application {
    Application::new(Platform::Gcm, "", receiver.service_account())
}

/// A private key as it is written for Web Push.
pub(crate) fn vapid_key() -> String {
    let key = PrivateKey::generate(&ECDH_P256).unwrap();
    let bytes: EcPrivateKeyBin<'_> = key.as_be_bytes().unwrap();
    BASE64URL.encode(bytes.as_ref())
}

pub(crate) fn of_web(key: &str) -> Application {
    Application::new(Platform::WebPush, CONTACT, key)
}

pub(crate) fn notification(platform: &str, message: MessageBuilder) -> Notification {
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:parcels").unwrap();
    let id = "0f4b9a4e-9d1c-5b5e-8f0f-c0a8b5f7d6e2";
    Notification::new(Publication::new(id, topic, SystemHost.now(), message.build().unwrap()), platform)
}

pub(crate) fn text(platform: &str, text: &str) -> Notification {
    notification(platform, Message::builder(text))
}

pub(crate) fn payload(platform: &str, payload: &str) -> MessageBuilder {
    Message::builder(serde_json::json!({ "default": "hello", platform: payload }).to_string()).json_structure()
}
