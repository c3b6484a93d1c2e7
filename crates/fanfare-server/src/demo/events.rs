//! The event documents that the demo publishes.

use fanfare::{Message, SnsError};

/// An event as its source would publish it.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) title: &'static str,
    source: &'static str,
    pub(super) document: &'static str,
}

/// In the order in which they are published.
pub(super) const EVENTS: [Event; 5] = [
    Event {
        title: "Elastic Transcoder: job completed",
        source: "transcoder",
        document: include_str!("../../events/elastic-transcoder-completed.json"),
    },
    Event {
        title: "Elastic Transcoder: job failed",
        source: "transcoder",
        document: include_str!("../../events/elastic-transcoder-error.json"),
    },
    Event { title: "S3: object created", source: "s3", document: include_str!("../../events/s3-object-created.json") },
    Event {
        title: "CloudWatch: alarm",
        source: "cloudwatch",
        document: include_str!("../../events/cloudwatch-alarm.json"),
    },
    Event { title: "SES: bounce", source: "ses", document: include_str!("../../events/ses-bounce.json") },
];

impl Event {
    /// What it says.
    pub(super) fn text(&self) -> &'static str {
        self.document
    }

    pub(super) fn message(&self) -> Result<Message, SnsError> {
        Message::builder(self.document).subject(self.title).string("source", self.source).build()
    }
}
