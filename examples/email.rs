//! Publishes to a mailbox and shows what it gets: the text and a footer, with the headers that let mail programs unsubscribe.
//!
//! It starts a small mail server of its own. To see a real one, give it a relay's URL, the sender and the recipient:
//! ```text
//! cargo run -p fanfare-examples --example email --features email smtps://USER:PASSWORD@smtp.example.com alerts@example.com you@example.com
//! ```
//! or start one that shows what it gets: `pip install aiosmtpd && aiosmtpd -n -l 127.0.0.1:8025`, and give it
//! `smtp://127.0.0.1:8025?starttls=off`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::email::EmailConfig;
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe, TopicSettings};
use fanfare_testkit::SmtpReceiver;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let receiver = SmtpReceiver::start().await;
    let mut arguments = std::env::args().skip(1);
    let relay = arguments.next().unwrap_or_else(|| format!("smtp://{}?starttls=off", receiver.addr()));
    let sender = arguments.next().unwrap_or_else(|| "alerts@example.com".to_owned());
    let recipient = arguments.next().unwrap_or_else(|| "ann@example.com".to_owned());

    let email = EmailConfig::new(&sender)?.relay(relay.parse()?);
    let adapters = Adapters::new("https://sns.example.com")?.email(email);
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();

    // `confirmed` skips the request to confirm: this address is our own.
    let topic = fanfare.create_topic_with("orders", TopicSettings::new().display_name("Parcels")).await?;
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Email, &recipient).confirmed()).await?;

    let message = Message::builder("a parcel left the house").subject("Parcel № 7").build()?;
    let report = fanfare.publish(&topic, message).await?.settled().await;
    println!("{recipient}: {:?}", report.endings[0].1);

    for mail in receiver.mails() {
        println!("\n{}", String::from_utf8_lossy(&mail.content));
    }
    if report.delivered() == 1 { Ok(()) } else { Err("the relay did not take the e-mail".into()) }
}
