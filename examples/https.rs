//! Delivers over TLS to a receiver whose certificate a private CA has signed, without the engine: connect an address,
//! deliver a notification, read the outcome.
//!
//! `cargo run -p fanfare-examples --example https --features https`
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::egress::EgressPolicy;
use fanfare::http::{HttpConfig, HttpConnector};
use fanfare::wire::{Links, Renderer, Signer};
use fanfare::{Connector, Message, Notification, Protocol, Publication, Timestamp, TopicArn};
use fanfare_testkit::{HttpReceiver, TestCa};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ca = TestCa::new();
    let receiver = HttpReceiver::start_tls(&ca).await;

    let renderer = Renderer::new(Signer::ephemeral(), Links::new("https://sns.example.com")?);
    let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse()?);
    let trusting = HttpConfig::new().egress(egress.clone()).ca_certificates(ca.certificate_pem())?;
    let stranger = HttpConfig::new().egress(egress);

    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders")?;
    let message = Message::text("a parcel left the house")?;
    let publication = Publication::new("4d4dc071-ddbf-465d-bba8-08f81c89da64", topic, Timestamp::EPOCH, message);
    let notification = Notification::new(publication, "https");

    let endpoint =
        HttpConnector::new(trusting, renderer.clone())?.connect(&Protocol::Https, &receiver.url("/orders"))?;
    let receipt = endpoint.deliver(&notification).await?;
    println!("with the CA:    delivered, status {:?}", receipt.status());

    let endpoint = HttpConnector::new(stranger, renderer)?.connect(&Protocol::Https, &receiver.url("/orders"))?;
    match endpoint.deliver(&notification).await {
        Ok(_) => Err("a certificate that nobody vouches for was taken".into()),
        Err(error) => {
            println!("without the CA: {error} ({:?}, {:?})", error.kind(), error.disposition());
            Ok(())
        }
    }
}
