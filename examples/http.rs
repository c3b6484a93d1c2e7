//! Publishes to an HTTP subscriber and shows what it gets: the headers and the envelope of Amazon SNS.
//!
//! Give it the URL of a receiver of your own, or let it start one: `cargo run -p fanfare-examples --example http --features http [URL]`.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::egress::EgressPolicy;
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe};
use fanfare_testkit::HttpReceiver;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let receiver = HttpReceiver::start().await;
    let url = std::env::args().nth(1).unwrap_or_else(|| receiver.url("/orders"));

    // By default only public addresses are connected to; a receiver on this machine has to be allowed.
    let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse()?).allow("localhost".parse()?);
    let adapters = Adapters::new("https://sns.example.com")?.egress(egress);
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();

    // `confirmed` skips the handshake: this address is our own.
    let topic = fanfare.create_topic("orders").await?;
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, &url).confirmed()).await?;

    let message =
        Message::builder("a parcel left the house").subject("parcel").string("store", "example_corp").build()?;
    let report = fanfare.publish(&topic, message).await?.settled().await;
    println!("{url}: {:?}", report.endings[0].1);

    for request in receiver.requests() {
        println!("\n{} {}", request.method, request.target);
        for (name, value) in &request.headers {
            println!("{name}: {value}");
        }
        println!("\n{}", request.text());
    }
    if report.delivered() == 1 { Ok(()) } else { Err("the receiver did not take the message".into()) }
}
