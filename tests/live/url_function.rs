//! A Lambda function behind a function URL, as others write one: the request that came to the URL is its event. It visits the
//! `SubscribeURL` of a request to confirm, and appends type, identifier and text of each notification to the file that it is given.

use std::fs::OpenOptions;
use std::io::Write as _;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};

/// As far as it is of interest here, what an HTTP request to a function URL becomes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    body: String,
    is_base64_encoded: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let file = std::env::args().nth(1).ok_or("the file is the first argument")?;
    let file = &file;
    run(service_fn(async move |event: LambdaEvent<Request>| handle(&event.payload, file).await)).await
}

async fn handle(request: &Request, file: &str) -> Result<Value, Error> {
    if request.is_base64_encoded {
        return Err("the body should be text".into());
    }
    let envelope: Value = serde_json::from_str(&request.body)?;
    let member = |name: &str| envelope[name].as_str().unwrap_or_default();
    if member("Type") == "SubscriptionConfirmation" {
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.get(member("SubscribeURL")).send().await?.error_for_status()?;
    }
    let mut lines = OpenOptions::new().create(true).append(true).open(file)?;
    let text = member("Message").lines().next().unwrap_or_default();
    lines.write_all(format!("{} {} {text}\n", member("Type"), member("MessageId")).as_bytes())?;
    Ok(json!({ "statusCode": 200, "headers": {}, "cookies": [] }))
}
