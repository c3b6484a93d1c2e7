//! Delivery status logs, as Amazon SNS writes them for topics that ask for them.
//!
//! A topic asks by its attributes: `<kind>SuccessFeedbackRoleArn` has successes logged, as many percent of them as
//! `<kind>SuccessFeedbackSampleRate` says (none without it), and `<kind>FailureFeedbackRoleArn` has every failure logged. `line` is the shape of a
//! line, `files` where lines go.

mod files;
mod line;

use std::fmt;
use std::path::Path;

use fanfare::attempt::{Attempt, Next};
use fanfare::store::Stage;
use fanfare::{Host as _, MessageType, Observer, Protocol, Publication, Step, SystemHost, Topic, TopicArn};

use files::Files;
pub(crate) use line::moment;

/// Writes a line when a delivery has succeeded or was given up, for topics that ask for it.
#[derive(Debug)]
pub struct DeliveryLog(Option<Files>);

/// Why a directory cannot be written to.
#[derive(Debug)]
pub struct DeliveryLogError(pub(super) std::io::Error);

impl fmt::Display for DeliveryLogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the directory for delivery logs cannot be used")
    }
}

impl std::error::Error for DeliveryLogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl DeliveryLog {
    /// Lines go to the structured log, under the target `fanfare::delivery`.
    pub fn structured() -> Self {
        Self(None)
    }

    /// Lines go to files below `directory`: `sns/<region>/<account>/<topic>.log`, failures to `<topic>/Failure.log` beside it, and
    /// those of platform applications to `sns/<region>/<account>/app/<platform>/<name>.log` and `<name>/Failure.log`. A file
    /// that has reached `file_bytes_max` is kept as `.1` until the next one has.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn in_directory(directory: &Path, file_bytes_max: u64) -> Result<Self, DeliveryLogError> {
        Files::start(directory, file_bytes_max).map(|files| Self(Some(files))).map_err(DeliveryLogError)
    }

    /// Waits until everything is written.
    pub async fn close(&self) {
        if let Some(files) = &self.0 {
            files.flush().await;
        }
    }

    fn write(&self, publication: &Publication, attempt: &Attempt, failed: bool) {
        self.line(publication.topic(), failed, line::line(publication, attempt, &random_uuid()));
    }

    /// Writes a line of the log of `topic`, or of what stands for it.
    pub(crate) fn line(&self, topic: &TopicArn, failed: bool, line: String) {
        match &self.0 {
            Some(files) => files.write(topic, failed, line),
            None => tracing::info!(target: "fanfare::delivery", topic = topic.as_str(), "{line}"),
        }
    }
}

impl DeliveryLog {
    /// Writes a line of a log group that is not a topic's, such as `sns/<region>/<account>/app/<platform>/<name>`.
    pub(crate) fn line_of_group(&self, group: &str, failed: bool, line: String) {
        match &self.0 {
            Some(files) => files.write_of_group(group, failed, line),
            None => tracing::info!(target: "fanfare::delivery", group, "{line}"),
        }
    }
}

impl Observer for DeliveryLog {
    fn observe(&self, step: &Step<'_>) {
        let Step::Attempted { publication, attempt, topic: Some(topic) } = *step else { return };
        if attempt.message_type != MessageType::Notification || attempt.stage != Stage::Endpoint {
            return;
        }
        // Most topics ask for nothing.
        if topic.settings().attributes().is_empty() {
            return;
        }
        match attempt.next {
            Next::Delivered if wants_success(topic, &attempt.protocol) => self.write(publication, attempt, false),
            Next::ToDeadLetter | Next::Dropped { .. } if wants_failure(topic, &attempt.protocol) => {
                self.write(publication, attempt, true);
            }
            _ => {}
        }
    }
}

fn wants_success(topic: &Topic, protocol: &Protocol) -> bool {
    attribute(topic, protocol, "SuccessFeedbackRoleArn").is_some()
        && is_sampled(attribute(topic, protocol, "SuccessFeedbackSampleRate").and_then(|rate| rate.parse().ok()))
}

fn wants_failure(topic: &Topic, protocol: &Protocol) -> bool {
    attribute(topic, protocol, "FailureFeedbackRoleArn").is_some()
}

fn attribute<'a>(topic: &'a Topic, protocol: &Protocol, name: &str) -> Option<&'a str> {
    let kind = match protocol {
        Protocol::Http | Protocol::Https => "HTTP",
        Protocol::Sqs => "SQS",
        Protocol::Lambda => "Lambda",
        Protocol::Application => "Application",
        // Amazon SNS has it, and a program may bring it.
        other if other.as_str() == "firehose" => "Firehose",
        _ => return None,
    };
    topic.settings().attributes().get(&format!("{kind}{name}")).map(String::as_str)
}

/// Whether one of so many percent is drawn.
pub(crate) fn is_sampled(percent: Option<u32>) -> bool {
    match percent.unwrap_or(0) {
        0 => false,
        percent => {
            let mut bytes = [0; 4];
            SystemHost.fill(&mut bytes);
            u32::from_le_bytes(bytes) % 100 < percent
        }
    }
}

fn random_uuid() -> String {
    let mut bytes = [0; 16];
    SystemHost.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_sample_rate_about_so_many_are_drawn() {
        let drawn = |percent| (0..10_000).filter(|_| is_sampled(percent)).count();
        assert_eq!((drawn(None), drawn(Some(0)), drawn(Some(100))), (0, 0, 10_000));
        assert!((2_000..=3_000).contains(&drawn(Some(25))));
    }
}
