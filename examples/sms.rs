//! Publishes to a phone and shows what it displays: a name before the text, in as many parts as that needs.
//!
//! It starts a small network of its own that speaks SMPP. To write to a real phone, give it the way there and the number:
//! ```text
//! cargo run -p fanfare-examples --example sms --features sms smpps://SYSTEM_ID:PASSWORD@smsc.example.com:3550 +12025550123
//! cargo run -p fanfare-examples --example sms --features sms kannel+http://USER:PASSWORD@kannel.example.com:13013/cgi-bin/sendsms +12025550123
//! cargo run -p fanfare-examples --example sms --features sms twilio://ACCOUNT:TOKEN@api.twilio.com +12025550123
//! cargo run -p fanfare-examples --example sms --features sms sns://us-east-1 +12025550123
//! ```
//! A network that somebody else wrote is started by `npm install smpp && NODE_PATH=node_modules node tests/live/smpp_server.js 2775`,
//! and prints what it gets; the way there is `smpp://fanfare:s3cret@127.0.0.1:2775`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::egress::EgressPolicy;
use fanfare::sms::SmsConfig;
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe, TopicSettings};
use fanfare_testkit::SmppReceiver;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let network = SmppReceiver::start().await;
    let mut arguments = std::env::args().skip(1);
    let way = arguments.next().unwrap_or_else(|| format!("smpp://fanfare:s3cret@{}", network.addr()));
    let number = arguments.next().unwrap_or_else(|| "+12025550123".to_owned());

    // Only public addresses are connected to, unless they are allowed.
    let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse()?);
    let sms: SmsConfig = way.parse()?;
    let adapters = Adapters::new("https://sns.example.com")?.sms(sms.egress(egress));
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();

    let topic = fanfare.create_topic_with("orders", TopicSettings::new().display_name("Parcels")).await?;
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Sms, &number)).await?;

    let message = Message::text("Paket № 7 ist unterwegs → Zürich. Es wird heute zwischen 14 und 16 Uhr zugestellt.")?;
    let report = fanfare.publish(&topic, message).await?.settled().await;
    println!("{number}: {:?}", report.endings[0].1);

    for shown in network.messages() {
        println!("\n{} (in {} parts)", shown.text, shown.parts);
    }
    if report.delivered() == 1 { Ok(()) } else { Err("nobody took the message".into()) }
}
