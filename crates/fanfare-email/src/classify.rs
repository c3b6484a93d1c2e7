//! From an answer or a fault to an outcome: the one place where it is decided what is tried again.
//!
//! What a relay answers of the e-mail or of its recipient counts as in SMTP: 4xx passes, 5xx stays. What it answers of us, when
//! we connect, log in or name the sender, is the operator's to mend, and is tried again.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind, Disposition};
use fanfare_wire::RenderError;
use lettre::transport::smtp::Error as SmtpError;

use crate::relay::Relay;

/// How far a conversation had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Connecting,
    Tls,
    Greeting,
    Login,
    /// `MAIL FROM`
    Sender,
    /// `RCPT TO`
    Recipient,
    /// `DATA`
    Data,
    /// The e-mail itself.
    Content,
}

/// What went wrong in a conversation, and when.
#[derive(Debug)]
pub(crate) struct Fault {
    stage: Stage,
    cause: Cause,
}

#[derive(Debug)]
pub(crate) enum Cause {
    /// The relay said no.
    Answer { code: u16, text: String },
    /// There is no connection, or no more.
    Network(io::Error),
    /// The handshake failed, or the certificate is not acceptable.
    Tls(io::Error),
    /// The relay does not offer TLS, and we do not speak without.
    NoTls,
    /// The relay offers no login that we know.
    NoLogin,
    /// What came is not SMTP.
    Malformed(Box<dyn Error + Send + Sync>),
    /// No session, or no answer, in this time.
    TooSlow(Duration),
    /// The relay takes at most so many bytes.
    TooLarge { size: usize, max: usize },
    /// The relay takes no addresses beyond ASCII.
    NoUnicode,
}

impl Fault {
    pub(crate) fn new(stage: Stage, cause: Cause) -> Self {
        Self { stage, cause }
    }

    /// What the library tells of a fault.
    pub(crate) fn of(stage: Stage, error: &SmtpError) -> Self {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        let cause = match error.status() {
            Some(code) => Cause::Answer { code: code.into(), text },
            None => match chain(error).find_map(|link| link.downcast_ref::<io::Error>()) {
                Some(error) => Cause::Network(io::Error::new(error.kind(), error.to_string())),
                None => Cause::Malformed(text.into()),
            },
        };
        Self { stage, cause }
    }

    /// Whether a session that was kept had ended before it was used again.
    pub(crate) fn is_stale(&self) -> bool {
        self.stage == Stage::Sender && matches!(self.cause, Cause::Network(_) | Cause::Answer { code: 421, .. })
    }

    /// Whether the session can go on with another e-mail.
    pub(crate) fn leaves_the_session_whole(&self) -> bool {
        match self.cause {
            Cause::Answer { code, .. } => code != 421,
            Cause::TooLarge { .. } | Cause::NoUnicode => true,
            _ => false,
        }
    }

    /// Whether another relay might do better: this one did not come to read the e-mail, for a reason of its own.
    pub(crate) fn is_the_relays_own(&self) -> bool {
        match (self.stage, &self.cause) {
            (Stage::Content, _) => false,
            (_, Cause::TooLarge { .. } | Cause::NoUnicode) => true,
            (Stage::Recipient | Stage::Data, Cause::Answer { code, .. }) => *code == 421,
            _ => true,
        }
    }
}

/// The outcome of a fault that ended an attempt at `relay`.
pub(crate) fn failure(relay: &Relay, fault: Fault) -> DeliveryError {
    use DeliveryErrorKind as Kind;

    let Fault { stage, cause } = fault;
    let retry = |kind, what: &str| DeliveryError::retry(kind, format!("{relay}: {what}"));
    let reject = |kind, what: fmt::Arguments<'_>| DeliveryError::reject(kind, format!("{relay}: {what}"));
    match cause {
        Cause::Answer { code, text } => answer(relay, stage, code, &text),
        Cause::Network(error) => match (stage, error.kind()) {
            (_, io::ErrorKind::TimedOut) => retry(Kind::Timeout, "the relay was too slow"),
            (Stage::Connecting, _) => retry(Kind::Unreachable, "no connection to the relay"),
            _ => retry(Kind::Interrupted, "the connection to the relay broke"),
        }
        .with_source(error),
        Cause::Tls(error) => retry(Kind::Tls, "no tls session with the relay").with_source(error),
        Cause::NoTls => retry(Kind::Tls, "the relay does not offer starttls, without which it is told nothing"),
        Cause::NoLogin => retry(Kind::Misconfigured, "the relay offers no login by plain or login"),
        Cause::Malformed(error) => retry(Kind::Protocol, "the relay answered what smtp does not allow")
            .with_source(one_line(&error.to_string())),
        Cause::TooSlow(limit) => {
            let what = if stage == Stage::Connecting { "no session began" } else { "no answer came" };
            DeliveryError::retry(Kind::Timeout, format!("{relay}: {what} within {limit:?}"))
        }
        Cause::TooLarge { size, max } => {
            reject(Kind::Unsupported, format_args!("the e-mail has {size} bytes, and the relay takes {max}"))
        }
        Cause::NoUnicode => reject(Kind::Unsupported, format_args!("the relay takes no addresses beyond ascii")),
    }
}

/// An attempt that was not over within `limit`.
pub(crate) fn too_slow(relay: &Relay, limit: Duration) -> DeliveryError {
    let context = format!("{relay}: the relay was not done within {limit:?}");
    DeliveryError::retry(DeliveryErrorKind::Timeout, context)
}

/// An envelope that could not be made, as when the signing key is out of order.
pub(crate) fn unrendered(error: RenderError) -> DeliveryError {
    DeliveryError::retry(DeliveryErrorKind::Misconfigured, "the envelope could not be made").with_source(error)
}

/// The outcome of a refusal.
fn answer(relay: &Relay, stage: Stage, code: u16, text: &str) -> DeliveryError {
    use DeliveryErrorKind as Kind;

    const RETRY: Disposition = Disposition::Retry { after: None };
    let text = one_line(text);
    let is_about_us = matches!(stage, Stage::Connecting | Stage::Tls | Stage::Greeting | Stage::Login | Stage::Sender);
    let (kind, disposition, what) = match code {
        400..=499 if asks_for_fewer(&text) => (Kind::Throttled, RETRY, "the relay asks for fewer, or for patience"),
        400..=499 => (Kind::Unavailable, RETRY, "the relay cannot take it now"),
        // Whoever asks for a login asks the operator, at whatever point.
        530 | 534 | 535 | 538 => (Kind::Misconfigured, RETRY, "the relay does not let us in"),
        552 | 523 => (Kind::Unsupported, Disposition::Reject, "the e-mail is too large, or the mailbox is full"),
        500..=599 if is_about_us => (Kind::Misconfigured, RETRY, "the relay takes nothing from us"),
        550 | 551 | 553 | 521 | 556 if stage == Stage::Recipient => {
            (Kind::NotFound, Disposition::Reject, "there is no such address")
        }
        500..=599 => (Kind::Rejected, Disposition::Reject, "the relay refused the e-mail"),
        _ => (Kind::Protocol, RETRY, "the relay answered what smtp does not allow"),
    };
    DeliveryError::new(kind, disposition, format!("{relay}: {what}: {code} {text}"))
        .with_status(code)
        .with_response(text)
}

/// Whether a passing refusal is about how many or how soon, by its enhanced code (RFC 3463): a policy, as with greylisting and
/// limits on rates (`4.7.x`), congestion (`4.4.5`), or too many recipients (`4.5.3`).
fn asks_for_fewer(text: &str) -> bool {
    let enhanced = text.split(' ').next().unwrap_or_default();
    enhanced.starts_with("4.7.") || matches!(enhanced, "4.4.5" | "4.5.3")
}

/// What a relay says, on one line and without characters that do something to terminals.
fn one_line(text: &str) -> String {
    let mut line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.truncate(line.floor_char_boundary(fanfare_core::delivery::RESPONSE_BYTES_MAX));
    line.trim().to_owned()
}

/// `error` and all that lies beneath it.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    fn beneath<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        error.source()
    }
    std::iter::successors(Some(error), |link| beneath(*link))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Disposition = Disposition::Retry { after: None };
    const REJECT: Disposition = Disposition::Reject;

    fn relay() -> Relay {
        Relay::starttls("smtp.example.com").unwrap()
    }

    fn said(stage: Stage, code: u16, text: &str) -> Fault {
        Fault::new(stage, Cause::Answer { code, text: text.to_owned() })
    }

    #[test]
    fn what_an_answer_of_the_recipient_or_the_e_mail_comes_to() {
        use DeliveryErrorKind as Kind;

        for (stage, code, text, kind, disposition) in [
            (Stage::Recipient, 421, "4.3.2 closing", Kind::Unavailable, RETRY),
            (Stage::Recipient, 421, "4.7.0 too many messages", Kind::Throttled, RETRY),
            (Stage::Recipient, 450, "4.2.0 mailbox busy", Kind::Unavailable, RETRY),
            (Stage::Recipient, 450, "4.7.1 greylisted", Kind::Throttled, RETRY),
            (Stage::Content, 451, "4.3.0 local error", Kind::Unavailable, RETRY),
            (Stage::Data, 451, "", Kind::Unavailable, RETRY),
            (Stage::Recipient, 452, "4.2.2 mailbox full", Kind::Unavailable, RETRY),
            (Stage::Recipient, 452, "4.5.3 too many recipients", Kind::Throttled, RETRY),
            (Stage::Content, 452, "4.3.1 no room", Kind::Unavailable, RETRY),
            (Stage::Content, 454, "4.4.5 congested", Kind::Throttled, RETRY),
            (Stage::Data, 454, "4.3.0 no tls now", Kind::Unavailable, RETRY),
            (Stage::Recipient, 500, "5.5.1 what?", Kind::Rejected, REJECT),
            (Stage::Recipient, 501, "5.1.3 bad address", Kind::Rejected, REJECT),
            (Stage::Data, 503, "5.5.1 bad sequence", Kind::Rejected, REJECT),
            (Stage::Recipient, 521, "5.1.10 takes no mail", Kind::NotFound, REJECT),
            (Stage::Content, 523, "5.3.4 too large", Kind::Unsupported, REJECT),
            (Stage::Recipient, 530, "5.7.0 log in", Kind::Misconfigured, RETRY),
            (Stage::Recipient, 534, "5.7.9 another login", Kind::Misconfigured, RETRY),
            (Stage::Data, 535, "5.7.8 wrong", Kind::Misconfigured, RETRY),
            (Stage::Content, 541, "5.7.1 spam", Kind::Rejected, REJECT),
            (Stage::Recipient, 550, "5.1.1 no such user", Kind::NotFound, REJECT),
            (Stage::Content, 550, "5.7.1 not that", Kind::Rejected, REJECT),
            (Stage::Recipient, 551, "5.1.6 moved", Kind::NotFound, REJECT),
            (Stage::Recipient, 552, "5.2.2 full", Kind::Unsupported, REJECT),
            (Stage::Sender, 552, "5.3.4 too large", Kind::Unsupported, REJECT),
            (Stage::Content, 552, "5.3.4 too large", Kind::Unsupported, REJECT),
            (Stage::Recipient, 553, "5.1.3 no", Kind::NotFound, REJECT),
            (Stage::Content, 554, "5.7.1 no", Kind::Rejected, REJECT),
            (Stage::Recipient, 554, "5.7.1 relay access denied", Kind::Rejected, REJECT),
            (Stage::Recipient, 556, "5.1.10 takes no mail", Kind::NotFound, REJECT),
            (Stage::Recipient, 600, "", Kind::Protocol, RETRY),
        ] {
            let error = failure(&relay(), said(stage, code, text));
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{code} at {stage:?}");
            assert_eq!((error.status(), error.response()), (Some(code), Some(text)), "{code} at {stage:?}");
        }
    }

    #[test]
    fn what_is_said_of_us_is_tried_again_since_the_operator_can_mend_it() {
        use DeliveryErrorKind as Kind;

        for (stage, code, kind) in [
            (Stage::Greeting, 421, Kind::Unavailable),
            (Stage::Greeting, 521, Kind::Misconfigured),
            (Stage::Greeting, 554, Kind::Misconfigured),
            (Stage::Greeting, 502, Kind::Misconfigured),
            (Stage::Tls, 454, Kind::Unavailable),
            (Stage::Tls, 501, Kind::Misconfigured),
            (Stage::Login, 454, Kind::Unavailable),
            (Stage::Login, 504, Kind::Misconfigured),
            (Stage::Login, 530, Kind::Misconfigured),
            (Stage::Login, 534, Kind::Misconfigured),
            (Stage::Login, 535, Kind::Misconfigured),
            (Stage::Sender, 450, Kind::Unavailable),
            (Stage::Sender, 530, Kind::Misconfigured),
            (Stage::Sender, 550, Kind::Misconfigured),
            (Stage::Sender, 553, Kind::Misconfigured),
            (Stage::Sender, 555, Kind::Misconfigured),
        ] {
            let error = failure(&relay(), said(stage, code, "no"));
            assert_eq!((error.kind(), error.disposition()), (kind, RETRY), "{code} at {stage:?}");
        }
    }

    #[test]
    fn what_came_to_no_answer_is_tried_again_and_what_no_relay_can_carry_is_not() {
        use DeliveryErrorKind as Kind;

        let io = |kind| io::Error::from(kind);
        for (stage, cause, kind, disposition) in [
            (Stage::Connecting, Cause::Network(io(io::ErrorKind::ConnectionRefused)), Kind::Unreachable, RETRY),
            (Stage::Connecting, Cause::Network(io(io::ErrorKind::TimedOut)), Kind::Timeout, RETRY),
            (Stage::Connecting, Cause::TooSlow(Duration::from_secs(1)), Kind::Timeout, RETRY),
            (Stage::Recipient, Cause::TooSlow(Duration::from_secs(1)), Kind::Timeout, RETRY),
            (Stage::Greeting, Cause::Network(io(io::ErrorKind::UnexpectedEof)), Kind::Interrupted, RETRY),
            (Stage::Content, Cause::Network(io(io::ErrorKind::ConnectionReset)), Kind::Interrupted, RETRY),
            (Stage::Tls, Cause::Tls(io(io::ErrorKind::InvalidData)), Kind::Tls, RETRY),
            (Stage::Tls, Cause::NoTls, Kind::Tls, RETRY),
            (Stage::Login, Cause::NoLogin, Kind::Misconfigured, RETRY),
            (Stage::Greeting, Cause::Malformed("HTTP/1.1".into()), Kind::Protocol, RETRY),
            (Stage::Sender, Cause::TooLarge { size: 2, max: 1 }, Kind::Unsupported, REJECT),
            (Stage::Sender, Cause::NoUnicode, Kind::Unsupported, REJECT),
        ] {
            let story = format!("{cause:?} at {stage:?}");
            let error = failure(&relay(), Fault::new(stage, cause));
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{story}");
        }
        let error = too_slow(&relay(), Duration::from_secs(60));
        assert_eq!((error.kind(), error.disposition()), (Kind::Timeout, RETRY));
    }

    #[test]
    fn an_answer_of_many_lines_becomes_one_without_control_characters() {
        let error = failure(&relay(), said(Stage::Content, 554, "5.7.1 no\r\n\u{1b}[2Jreally\0 not"));
        assert_eq!(
            error.to_string(),
            "smtp://smtp.example.com:587: the relay refused the e-mail: 554 5.7.1 no   [2Jreally  not"
        );
    }

    #[test]
    fn another_relay_is_asked_when_this_one_is_at_fault_and_has_not_read_the_e_mail() {
        let broken = || Cause::Network(io::ErrorKind::BrokenPipe.into());
        for (fault, elsewhere) in [
            (Fault::new(Stage::Connecting, broken()), true),
            (said(Stage::Greeting, 554, "no"), true),
            (said(Stage::Login, 535, "no"), true),
            (said(Stage::Sender, 451, "later"), true),
            (said(Stage::Recipient, 421, "closing"), true),
            (Fault::new(Stage::Recipient, broken()), true),
            (Fault::new(Stage::Data, Cause::TooSlow(Duration::from_secs(1))), true),
            (Fault::new(Stage::Sender, Cause::TooLarge { size: 2, max: 1 }), true),
            (said(Stage::Recipient, 450, "greylisted"), false),
            (said(Stage::Recipient, 550, "nobody"), false),
            (said(Stage::Data, 451, "later"), false),
            (said(Stage::Content, 421, "closing"), false),
            (Fault::new(Stage::Content, broken()), false),
        ] {
            assert_eq!(fault.is_the_relays_own(), elsewhere, "{fault:?}");
        }
    }
}
