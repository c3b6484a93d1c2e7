//! Transcodes videos, and tells its subscribers what comes of each: see `README.md` beside it.
//!
//! Alone, it generates a clip, and a file that is no video, and starts small servers of its own for its subscribers:
//! ```text
//! cargo run -p fanfare-examples --example transcoder --features transcoder
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

mod bar;
mod document;
mod ffmpeg;
mod pipeline;
mod stand_ins;

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use fanfare::aws::AwsConfig;
use fanfare::email::EmailConfig;
use fanfare::lambda::{FunctionNames, LambdaConfig};
use fanfare::sqs::SqsConfig;
use fanfare::{Adapters, Fanfare, Protocol, Subscribe, TopicSettings};

use document::State;
use pipeline::Pipeline;
use stand_ins::StandIns;

/// Transcodes videos with ffmpeg, and publishes what comes of each to a topic for each state.
#[derive(Debug, Parser)]
struct Settings {
    /// The videos; without any, a clip that ffmpeg generates, and a file that is no video.
    inputs: Vec<PathBuf>,
    /// The folder for what is made.
    #[arg(long, value_name = "FOLDER", env = "TRANSCODER_OUTPUT", default_value = "target/transcoder")]
    output: PathBuf,
    /// The queue that keeps the history. Without it, one of the program's own.
    #[arg(long, value_name = "ARN", env = "TRANSCODER_QUEUE")]
    queue: Option<String>,
    /// The function that goes on with completed jobs. Without it, one of the program's own, which does nothing.
    #[arg(long, value_name = "ARN", env = "TRANSCODER_FUNCTION")]
    function: Option<String>,
    /// How Lambda is told the function: `cargo lambda watch` knows plain names alone.
    #[arg(long, value_enum, default_value_t = Names::Arn)]
    function_names: Names,
    /// The SMTP relay for e-mails. Without it, one of the program's own.
    #[arg(long, value_name = "URL", env = "TRANSCODER_RELAY")]
    relay: Option<String>,
    /// The sender of e-mails.
    #[arg(long, value_name = "ADDRESS", default_value = "transcoder@example.com")]
    sender: String,
    /// Whom errors are mailed to.
    #[arg(long, value_name = "ADDRESS", default_value = "operator@example.com")]
    operator: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Names {
    Arn,
    Plain,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse();
    let stand_ins = StandIns::start().await;
    let fanfare = open(&settings, &stand_ins)?;

    // 1. A topic for each state, so that everybody hears of what concerns them.
    let mut topics = Vec::new();
    for state in State::ALL {
        let name = format!("transcoder-{}", state.as_str().to_lowercase());
        let named = TopicSettings::new().display_name("Transcoder");
        topics.push((state, fanfare.create_topic_with(&name, named).await?));
    }

    // 2. The publisher: a pipeline that knows which topic hears of which state.
    let mut pipeline =
        Pipeline::new(&fanfare, "1407981661351-cttk8b", topics.iter().cloned().collect(), &settings.output);

    // 3. The subscribers: all states for the queue, one state each for the function and the operator.
    let queue = settings.queue.as_deref().unwrap_or(stand_ins::QUEUE);
    let function = settings.function.as_deref().unwrap_or(stand_ins::FUNCTION);
    for (state, topic) in &topics {
        fanfare.subscribe(topic, Subscribe::to(Protocol::Sqs, queue)).await?;
        let next = match state {
            State::Completed => Subscribe::to(Protocol::Lambda, function),
            // `confirmed` skips the request to confirm: the operator is our own.
            State::Error => Subscribe::to(Protocol::Email, &settings.operator).confirmed(),
            State::Progressing | State::Warning => continue,
        };
        fanfare.subscribe(topic, next).await?;
    }

    // 4. The work, which does not wait for who hears of it.
    for input in inputs(&settings).await? {
        pipeline.transcode(&input).await?;
    }

    // 5. What became of each notification.
    let is_whole = pipeline.show_endings().await?;
    stand_ins.show();
    fanfare.close().await;
    if is_whole { Ok(()) } else { Err("a subscriber did not take its notification".into()) }
}

/// The engine, with the way to each subscriber's server: by the variables of every AWS SDK, or to a stand-in.
fn open(settings: &Settings, stand_ins: &StandIns) -> Result<Fanfare, Box<dyn Error>> {
    let (mut aws, mut sqs, mut lambda) = (AwsConfig::new(), SqsConfig::new(), LambdaConfig::new());
    if settings.queue.is_none() {
        sqs = sqs.endpoint_url(&stand_ins.queues.url())?;
    }
    if settings.function.is_none() {
        lambda = lambda.endpoint_url(&stand_ins.functions.url())?;
    }
    if settings.queue.is_none() && settings.function.is_none() {
        aws = aws.access_key("example", "example");
    }
    if let Names::Plain = settings.function_names {
        lambda = lambda.function_names(FunctionNames::Plain);
    }
    let own = || format!("smtp://{}?starttls=off", stand_ins.mailboxes.addr());
    let email = EmailConfig::new(&settings.sender)?.relay(settings.relay.clone().unwrap_or_else(own).parse()?);
    let adapters = Adapters::new("https://sns.example.com")?.aws(aws).sqs(sqs).lambda(lambda).email(email);
    Ok(Fanfare::builder().connectors(adapters.connectors()?).open())
}

/// The videos that were asked for, or one that works and one that does not.
async fn inputs(settings: &Settings) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !settings.inputs.is_empty() {
        return Ok(settings.inputs.clone());
    }
    let uploads: &Path = &settings.output.join("uploads");
    tokio::fs::create_dir_all(uploads).await?;
    let (clip, notes) = (uploads.join("testsrc.mp4"), uploads.join("holiday-notes.txt"));
    ffmpeg::generate_clip(&clip).await?;
    tokio::fs::write(&notes, "Buy sun cream.\n").await?;
    Ok(vec![clip, notes])
}
