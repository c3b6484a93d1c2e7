//! Publishes to a queue and shows what it gets: the envelope of Amazon SNS, and the text alone with its attributes beside it.
//!
//! It starts a small SQS of its own. To see a real one, give it a queue's ARN and tell the SDK where to call and who you are:
//! ```text
//! pip install 'moto[server]' awscli && moto_server -p 5000 &
//! export AWS_ENDPOINT_URL=http://127.0.0.1:5000 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1
//! aws --endpoint-url http://127.0.0.1:5000 sqs create-queue --queue-name orders
//! cargo run -p fanfare-examples --example sqs --features sqs arn:aws:sqs:us-east-1:123456789012:orders
//! aws --endpoint-url http://127.0.0.1:5000 sqs receive-message --max-number-of-messages 2 --queue-url http://127.0.0.1:5000/123456789012/orders
//! ```
//! Without `AWS_ENDPOINT_URL` it is Amazon's own.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::aws::AwsConfig;
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe};
use fanfare_testkit::SqsReceiver;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let queues = SqsReceiver::start().await;
    let (queue, aws) = match std::env::args().nth(1) {
        // The environment and the profile say all, as with every AWS SDK.
        Some(arn) => (arn, AwsConfig::new()),
        None => {
            let own = AwsConfig::new().endpoint_url(&queues.url())?.access_key("example", "example");
            ("arn:aws:sqs:us-east-1:000000000000:orders".to_owned(), own)
        }
    };
    let adapters = Adapters::new("https://sns.example.com")?.aws(aws);
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();

    // One topic's subscribers differ in their endpoints, so that the two forms need two topics.
    let [enveloped, raw] = [fanfare.create_topic("orders").await?, fanfare.create_topic("orders-raw").await?];
    fanfare.subscribe(&enveloped, Subscribe::to(Protocol::Sqs, &queue)).await?;
    fanfare.subscribe(&raw, Subscribe::to(Protocol::Sqs, &queue).raw()).await?;

    let message = || {
        let message = Message::builder("a parcel left the house").subject("parcel");
        message.string("store", "example_corp").number("price", "120.50").build()
    };
    let mut delivered = 0;
    for topic in [&enveloped, &raw] {
        let report = fanfare.publish(topic, message()?).await?.settled().await;
        println!("{topic} to {queue}: {:?}", report.endings[0].1);
        delivered += report.delivered();
    }

    for message in queues.messages("orders") {
        println!("\n{}", message.body);
        for (name, data_type, value) in &message.attributes {
            println!("attribute {name} ({data_type}): {value}");
        }
    }
    if delivered == 2 { Ok(()) } else { Err("the queue did not take the messages".into()) }
}
