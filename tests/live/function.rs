//! A Lambda function as others write one: the runtime and the event's types are AWS's own. It appends the identifier and the text of
//! each message to the file that it is given, and fails the first time that it sees a text with `fail` in it.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;

use aws_lambda_events::sns::SnsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let file = std::env::args().nth(1).ok_or("the file is the first argument")?;
    let failed: Mutex<HashSet<String>> = Mutex::default();
    let (file, failed) = (&file, &failed);
    run(service_fn(async move |event: LambdaEvent<SnsEvent>| handle(&event.payload, file, failed))).await
}

fn handle(event: &SnsEvent, file: &str, failed: &Mutex<HashSet<String>>) -> Result<usize, Error> {
    for record in &event.records {
        let sns = &record.sns;
        let is_whole = record.event_source == "aws:sns" && sns.sns_message_type == "Notification";
        if !is_whole || sns.signature.is_empty() || !sns.signing_cert_url.contains("SimpleNotificationService-") {
            return Err("this is not an event of SNS".into());
        }
        let first_time = failed.lock().map_err(|_| "a thread panicked")?.insert(sns.message_id.clone());
        if sns.message.contains("fail") && first_time {
            return Err("there is no room left".into());
        }
        let mut lines = OpenOptions::new().create(true).append(true).open(file)?;
        lines.write_all(format!("{} {}\n", sns.message_id, sns.message).as_bytes())?;
    }
    Ok(event.records.len())
}
