//! Pushes to a browser and shows what it reads, and what the service behind it is told.
//!
//! It starts a small service of Web Push of its own. To see another one, name the push subscription of a browser, which a page gets
//! from `registration.pushManager.subscribe` with the key that is printed; or let npm's `web-push-testing` play the browser:
//! ```text
//! npx web-push-testing --port 8990 start
//! curl -H 'content-type: application/json' http://localhost:8990/subscribe \
//!     -d '{"userVisibleOnly": "true", "applicationServerKey": "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"}'
//! cargo run -p fanfare-examples --example application --features application '{"endpoint": "...", "keys": {"p256dh": "...", "auth": "..."}}'
//! curl -H 'content-type: application/json' http://localhost:8990/get-notifications -d '{"clientHash": "..."}'
//! ```
//! To go through Amazon SNS instead, name one of its endpoints; the environment and the profile say who you are:
//! ```text
//! pip install 'moto[server]' awscli && moto_server -p 5000 &
//! export AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1
//! aws sns create-platform-application --name shop --platform GCM --attributes PlatformCredential=key
//! aws sns create-platform-endpoint --platform-application-arn arn:aws:sns:us-east-1:123456789012:app/GCM/shop --token any
//! cargo run -p fanfare-examples --example application --features application arn:aws:sns:us-east-1:123456789012:endpoint/GCM/shop/...
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::egress::EgressPolicy;
use fanfare::push::{Application, Device, KnownDevices, PushConfig};
use fanfare::{Adapters, Fanfare, Message, Platform, Protocol, Subscribe};
use fanfare_testkit::WebPushReceiver;

/// Everybody's key, from the example of RFC 8291: make your own, as with `npx web-push generate-vapid-keys`.
const KEY: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const PUBLIC_KEY: &str = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let browsers = WebPushReceiver::start().await;
    let named = std::env::args().nth(1);
    let (endpoint, config) = match named {
        Some(arn) if arn.starts_with("arn:") => (arn, PushConfig::through_sns()),
        subscription => {
            let application = Application::new(Platform::WebPush, "mailto:ops@example.com", KEY);
            let endpoint = "arn:aws:sns:us-east-1:000000000000:endpoint/WEBPUSH/shop/browser".to_owned();
            let devices = KnownDevices::new();
            devices.insert(&endpoint, Device::new(subscription.unwrap_or_else(|| browsers.subscribe()), application));
            // Services of Web Push are public; this one is on loopback.
            let loopback = EgressPolicy::internet().allow("127.0.0.0/8".parse()?).allow("localhost".parse()?);
            println!("the key for a browser to subscribe with is {PUBLIC_KEY}");
            (endpoint, PushConfig::directly(devices).egress(loopback))
        }
    };
    let adapters = Adapters::new("https://sns.example.com")?.application(config);
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();

    let topic = fanfare.create_topic("parcels").await?;
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Application, &endpoint)).await?;
    // A text for everybody, and a payload for browsers alone; the attributes steer the delivery.
    let texts = r#"{"default": "a parcel left the house", "WEBPUSH": "{\"title\": \"Parcel\", \"body\": \"It left the house.\"}"}"#;
    let message = Message::builder(texts)
        .json_structure()
        .string("AWS.SNS.MOBILE.WEBPUSH.TTL", "3600")
        .string("AWS.SNS.MOBILE.WEBPUSH.URGENCY", "high")
        .build()?;
    let report = fanfare.publish(&topic, message).await?.settled().await;
    println!("{topic} to {endpoint}: {:?}", report.endings[0].1);

    for message in browsers.messages() {
        println!("the browser reads: {}", message.text);
        println!("its service keeps it for {} s, urgency {:?}", message.ttl, message.urgency.unwrap_or_default());
    }
    if report.delivered() == 1 { Ok(()) } else { Err("the push was not taken".into()) }
}
