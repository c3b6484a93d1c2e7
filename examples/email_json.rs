//! Publishes to a program's mailbox and reads what it gets: Amazon SNS's envelope, for machines, above the footer.
//!
//! It starts a small mail server of its own. To see a real one, give it a relay's URL, the sender and the recipient:
//! ```text
//! cargo run -p fanfare-examples --example email_json --features email-json smtp://USER:PASSWORD@smtp.example.com alerts@example.com inbox@example.com
//! ```
//! or start one that shows what it gets, and give it `smtp://127.0.0.1:8025?starttls=off`:
//! ```text
//! pip install aiosmtpd && aiosmtpd -n -l 127.0.0.1:8025 &
//! cargo run -p fanfare-examples --example email_json --features email-json 'smtp://127.0.0.1:8025?starttls=off'
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::email::EmailConfig;
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe};
use fanfare_testkit::SmtpReceiver;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let receiver = SmtpReceiver::start().await;
    let mut arguments = std::env::args().skip(1);
    let relay = arguments.next().unwrap_or_else(|| format!("smtp://{}?starttls=off", receiver.addr()));
    let sender = arguments.next().unwrap_or_else(|| "alerts@example.com".to_owned());
    let recipient = arguments.next().unwrap_or_else(|| "inbox@example.com".to_owned());

    let adapters = Adapters::new("https://sns.example.com")?.email(EmailConfig::new(&sender)?.relay(relay.parse()?));
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();
    let topic = fanfare.create_topic("orders").await?;
    fanfare.subscribe(&topic, Subscribe::to(Protocol::EmailJson, &recipient).confirmed()).await?;

    let message = Message::builder("a parcel left the house").string("store", "example_corp").build()?;
    let report = fanfare.publish(&topic, message).await?.settled().await;
    println!("{recipient}: {:?}", report.endings[0].1);

    for mail in receiver.mails() {
        // The decoded body: the envelope ends where the footer begins.
        let text = mail.text().ok_or("the e-mail has no text")?;
        let (envelope, footer) = text.split_once("\n\n--\n").ok_or("the e-mail has no footer")?;
        println!("\nthe envelope:\n{envelope}\n\nthe footer:\n{footer}");
    }
    if report.delivered() == 1 { Ok(()) } else { Err("the relay did not take the e-mail".into()) }
}
