//! Small servers of the program's own, for the subscribers that it was not given.

use fanfare_testkit::{LambdaReceiver, SmtpReceiver, SqsReceiver};

/// The queue that is used unless another one was given.
pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:transcoder-history";
/// The function that is used unless another one was given.
pub(crate) const FUNCTION: &str = "arn:aws:lambda:us-east-1:000000000000:function:thumbnails";

/// Receivers that keep what they get.
#[derive(Debug)]
pub(crate) struct StandIns {
    pub(crate) queues: SqsReceiver,
    pub(crate) functions: LambdaReceiver,
    pub(crate) mailboxes: SmtpReceiver,
}

impl StandIns {
    pub(crate) async fn start() -> Self {
        Self {
            queues: SqsReceiver::start().await,
            functions: LambdaReceiver::start().await,
            mailboxes: SmtpReceiver::start().await,
        }
    }

    /// Shows what they got.
    pub(crate) fn show(&self) {
        for message in self.queues.messages("transcoder-history") {
            println!("\nthe queue has\n{}", message.body);
        }
        for invocation in self.functions.invocations("thumbnails") {
            println!("\nthe function was invoked with\n{:#}", invocation.event);
        }
        for mail in self.mailboxes.mails() {
            println!("\nthe operator got\n{}", String::from_utf8_lossy(&mail.content));
        }
    }
}
