//! The publisher: it has a topic for each state, and tells there what comes of each job.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fanfare::{Fanfare, Message, Published, TopicArn};

use crate::bar::Bar;
use crate::document::{Document, Job, State};
use crate::ffmpeg::{self, Failure, Video};

/// Transcodes one video after the other.
#[derive(Debug)]
pub(crate) struct Pipeline<'a> {
    fanfare: &'a Fanfare,
    id: String,
    /// Which topic hears of which state.
    notifications: BTreeMap<State, TopicArn>,
    /// The folder that stands for the bucket of outputs.
    output: PathBuf,
    published: Vec<(String, Published)>,
}

impl<'a> Pipeline<'a> {
    pub(crate) fn new(fanfare: &'a Fanfare, id: &str, notifications: BTreeMap<State, TopicArn>, output: &Path) -> Self {
        Self { fanfare, id: id.to_owned(), notifications, output: output.to_owned(), published: Vec::new() }
    }

    /// Transcodes `input`. That a file cannot be transcoded is no error of the program: subscribers hear of it.
    pub(crate) async fn transcode(&mut self, input: &Path) -> Result<(), Box<dyn Error>> {
        let job = Job::new(self.next_id()?, &self.id, input);
        self.publish(&job, &job.progressing()).await?;
        let document = match self.work(&job).await? {
            Ok(result) => job.completed(&result),
            Err(words) => job.error(&words),
        };
        self.publish(&job, &document).await
    }

    /// Does the work, and answers the result, or ffmpeg's words on why there is none.
    async fn work(&mut self, job: &Job) -> Result<Result<Video, String>, Box<dyn Error>> {
        let source = match ffmpeg::probe(&job.input).await {
            Ok(source) => source,
            Err(Failure::File(words)) => return Ok(Err(words)),
            Err(Failure::Program(error)) => return Err(error.into()),
        };
        if !source.has_sound {
            self.publish(job, &job.warning("The media file has no sound, and so has the result none.")).await?;
        }
        let result = self.output.join(job.output_key());
        if let Some(folder) = result.parent() {
            tokio::fs::create_dir_all(folder).await?;
        }
        let bar = Bar::new(&job.input.display().to_string(), source.duration);
        let made = match ffmpeg::transcode(&job.input, &result, bar).await {
            Ok(()) => ffmpeg::probe(&result).await,
            Err(failure) => Err(failure),
        };
        match made {
            Ok(video) => Ok(Ok(video)),
            Err(Failure::File(words)) => Ok(Err(words)),
            Err(Failure::Program(error)) => Err(error.into()),
        }
    }

    /// Publishes `document` to its state's topic. Then the message is in the engine's hands, and the work goes on.
    async fn publish(&mut self, job: &Job, document: &Document) -> Result<(), Box<dyn Error>> {
        let state = document.state.as_str();
        let text = serde_json::to_string_pretty(document)?;
        let message = Message::builder(text).subject(format!("Job {}: {state}", job.id)).build()?;
        let published = self.fanfare.publish(&self.notifications[&document.state], message).await?;
        println!("published {state} of {} as {}", job.input.display(), published.message_id());
        self.published.push((format!("{state} of {}", job.input.display()), published));
        Ok(())
    }

    /// Waits until each notification has ended, shows how, and answers whether every subscriber has its own.
    pub(crate) async fn show_endings(&self) -> Result<bool, Box<dyn Error>> {
        let mut is_whole = true;
        for (name, published) in &self.published {
            let report = published.settled().await;
            for (arn, ending) in &report.endings {
                println!("{name} to {}: {ending:?}", self.fanfare.subscription(arn)?.protocol());
            }
            is_whole &= report.delivered() == report.endings.len() && report.pending == 0;
        }
        Ok(is_whole)
    }

    /// Ids as Elastic Transcoder has them: the time in milliseconds, and something that tells jobs apart.
    fn next_id(&self) -> Result<String, Box<dyn Error>> {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        Ok(format!("{now_ms}-{:06}", self.published.len()))
    }
}
