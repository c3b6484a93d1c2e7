//! What a receiver does with an e-mail, or with whoever wants to hand one over.

use std::fmt;
use std::sync::Arc;

use super::ReceivedMail;

/// A point of the conversation at which something can be said, or go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SmtpStage {
    /// A connection was made.
    Greeting,
    /// The client logs in.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`.
    Data,
    /// The e-mail is there to its last line.
    Content,
}

/// What a receiver does with one e-mail: takes it, or something else at one stage of the conversation.
#[derive(Clone)]
pub struct SmtpReply(pub(super) Act);

#[derive(Clone)]
pub(super) enum Act {
    Take,
    Say(SmtpStage, String),
    Hang(SmtpStage),
    Close(SmtpStage),
    By(Arc<dyn Fn(&ReceivedMail) -> SmtpReply + Send + Sync>),
}

impl SmtpReply {
    /// Takes it.
    pub fn accept() -> Self {
        Self(Act::Take)
    }

    /// Says `line`, such as `550 5.1.1 no such user`, in place of the usual answer at `stage`. After `421` the connection
    /// is closed.
    pub fn say(stage: SmtpStage, line: impl Into<String>) -> Self {
        Self(Act::Say(stage, line.into()))
    }

    /// Never answers at `stage`.
    pub fn hang(stage: SmtpStage) -> Self {
        Self(Act::Hang(stage))
    }

    /// Closes the connection at `stage` in place of an answer.
    pub fn close(stage: SmtpStage) -> Self {
        Self(Act::Close(stage))
    }

    /// Asks `choose` once the e-mail is there to its last line; a reply for an earlier stage takes it.
    pub fn by(choose: impl Fn(&ReceivedMail) -> Self + Send + Sync + 'static) -> Self {
        Self(Act::By(Arc::new(choose)))
    }
}

impl fmt::Debug for SmtpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Act::Take => f.write_str("accept"),
            Act::Say(stage, line) => write!(f, "say {line:?} at {stage:?}"),
            Act::Hang(stage) => write!(f, "hang at {stage:?}"),
            Act::Close(stage) => write!(f, "close at {stage:?}"),
            Act::By(_) => f.write_str("by choice"),
        }
    }
}
