//! Publishes to a Lambda function and shows the event that it is invoked with.
//!
//! It starts a small Lambda of its own. To see a function at work, let `cargo lambda watch` take the invocations, which knows
//! functions by the package that it stands beside, an empty one here. The function, which writes its messages to a file, asks
//! it for them:
//! ```text
//! pip install cargo-lambda
//! (cd "$(mktemp -d)" && cargo new --quiet --vcs none thumbnails && cd thumbnails &&
//!     cargo lambda watch --only-lambda-apis -A 127.0.0.1 -P 9000) &
//! export AWS_LAMBDA_FUNCTION_NAME=thumbnails AWS_LAMBDA_FUNCTION_VERSION=1 AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128
//! export AWS_LAMBDA_LOG_GROUP_NAME=none AWS_LAMBDA_LOG_STREAM_NAME=none
//! AWS_LAMBDA_RUNTIME_API=http://127.0.0.1:9000/.rt/thumbnails cargo run -p fanfare-tests --bin fanfare-test-function messages &
//! export AWS_ENDPOINT_URL_LAMBDA=http://127.0.0.1:9000 AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
//! cargo run -p fanfare-examples --example lambda --features lambda arn:aws:lambda:us-east-1:000000000000:function:thumbnails plain
//! ```
//! Without `AWS_ENDPOINT_URL_LAMBDA` and `plain` it is Amazon's own.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use fanfare::aws::AwsConfig;
use fanfare::lambda::{FunctionNames, LambdaConfig};
use fanfare::{Adapters, Fanfare, Message, Protocol, Subscribe};
use fanfare_testkit::LambdaReceiver;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = LambdaReceiver::start().await;
    let (function, aws) = match std::env::args().nth(1) {
        // The environment and the profile say all, as with every AWS SDK.
        Some(arn) => (arn, AwsConfig::new()),
        None => {
            let own = AwsConfig::new().endpoint_url(&functions.url())?.access_key("example", "example");
            ("arn:aws:lambda:us-east-1:000000000000:function:thumbnails:live".to_owned(), own)
        }
    };
    let names = match std::env::args().nth(2).as_deref() {
        Some("plain") => FunctionNames::Plain,
        _ => FunctionNames::Arn,
    };
    let lambda = LambdaConfig::new().function_names(names);
    let adapters = Adapters::new("https://sns.example.com")?.aws(aws).lambda(lambda);
    let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();

    let topic = fanfare.create_topic("uploads").await?;
    fanfare.subscribe(&topic, Subscribe::to(Protocol::Lambda, &function)).await?;

    let message = Message::builder("a picture has come in").string("bucket", "pictures").build()?;
    let report = fanfare.publish(&topic, message).await?.settled().await;
    println!("{function}: {:?}", report.endings[0].1);

    for invocation in functions.invocations("thumbnails") {
        println!("\nversion or alias: {:?}\n{:#}", invocation.qualifier, invocation.event);
    }
    if report.delivered() == 1 { Ok(()) } else { Err("the function did not take the event".into()) }
}
