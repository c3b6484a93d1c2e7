//! What a subscriber of the demo receives with, one variant for each kind.

use std::sync::Arc;

use fanfare::Protocol;
use fanfare_testkit::{
    HttpReceiver, LambdaReceiver, ReceivedRequest, SmppReceiver, SmtpReceiver, SqsReceiver, WebPushReceiver,
};

/// The region and account of the demo's queues, functions and browsers.
const AWS_PLACE: &str = "us-east-1:000000000000";

/// The number of the demo's phone.
const PHONE: &str = "+12025550123";

/// A receiver that decodes what it gets without the code that sent it.
#[derive(Debug)]
pub(super) enum Receiver {
    /// `http` and `https`.
    Web(HttpReceiver),
    /// `sqs`: one queue among others.
    Queue(Arc<SqsReceiver>),
    /// `lambda`.
    Function(LambdaReceiver),
    /// `email` or `email-json`: one mailbox of a server.
    Mail(Arc<SmtpReceiver>, Protocol),
    /// `sms`: a network with one phone.
    Phone(SmppReceiver),
    /// `application`: a browser, which decrypts what its push service hands it.
    Browser(WebPushReceiver),
}

impl Receiver {
    /// The address that `name` is subscribed with.
    pub(super) fn address(&self, name: &str) -> String {
        match self {
            Self::Web(receiver) => receiver.url(&path_of(name)),
            Self::Queue(_) => format!("arn:aws:sqs:{AWS_PLACE}:{name}"),
            Self::Function(_) => format!("arn:aws:lambda:{AWS_PLACE}:function:{name}"),
            Self::Mail(..) => format!("{name}@example.com"),
            Self::Phone(_) => PHONE.to_owned(),
            Self::Browser(_) => format!("arn:aws:sns:{AWS_PLACE}:endpoint/WEBPUSH/demo/{name}"),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        match self {
            Self::Web(receiver) if receiver.url("/").starts_with("https:") => Protocol::Https,
            Self::Web(_) => Protocol::Http,
            Self::Queue(_) => Protocol::Sqs,
            Self::Function(_) => Protocol::Lambda,
            Self::Mail(_, protocol) => protocol.clone(),
            Self::Phone(_) => Protocol::Sms,
            Self::Browser(_) => Protocol::Application,
        }
    }

    /// Whether the message came in for `name`: by its id, or where there is none, by its text.
    pub(super) fn has(&self, name: &str, message_id: &str, text: &str) -> bool {
        match self {
            Self::Web(receiver) => receiver
                .requests()
                .iter()
                .any(|r| is_notification(r) && r.header("x-amz-sns-message-id") == Some(message_id)),
            Self::Queue(receiver) => {
                receiver.messages(name).iter().any(|message| message.envelope()["MessageId"] == message_id)
            }
            Self::Function(receiver) => receiver
                .invocations(name)
                .iter()
                .any(|invocation| invocation.event["Records"][0]["Sns"]["MessageId"] == message_id),
            Self::Mail(receiver, _) => receiver.mails().iter().any(|mail| {
                mail.to == [self.address(name)] && mail.message_id().is_some_and(|id| id.starts_with(message_id))
            }),
            Self::Phone(receiver) => receiver.messages().iter().any(|message| message.text == text),
            Self::Browser(receiver) => receiver.messages().iter().any(|message| message.text == text),
        }
    }
}

/// The path of a receiver's URL.
pub(super) fn path_of(name: &str) -> String {
    format!("/{name}")
}

pub(super) fn is_notification(request: &ReceivedRequest) -> bool {
    request.header("x-amz-sns-message-type") == Some("Notification")
}
