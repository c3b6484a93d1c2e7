//! One conversation with a relay in SMTP: it begins with a login where there is one, and hands over one e-mail after the
//! other.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};

use crate::classify::{Cause, Fault, Stage};
use crate::relay::Relay;
use crate::request::Letter;
use crate::stream::Stream;

/// A conversation with a relay that takes e-mails.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    /// The most bytes of an e-mail, where the relay says (RFC 1870).
    size_max: Option<usize>,
    announces_size: bool,
    /// How long it took to begin; told once.
    pub(crate) connect: Option<Duration>,
}

/// A relay's word that it has an e-mail.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) code: u16,
    pub(crate) text: String,
    pub(crate) connect: Option<Duration>,
}

impl Session {
    /// Begins a conversation: connection, TLS, greeting, login.
    pub(crate) async fn open(relay: &Relay, tls: Option<&Arc<ClientConfig>>, hello: &ClientId) -> Result<Self, Fault> {
        let began = Instant::now();
        let stream = Stream::open(relay, tls, &hello.to_string()).await?;
        let at = |stage| move |error| Fault::of(stage, &error);
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await.map_err(at(Stage::Greeting))?;
        if let Some(login) = &relay.login {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
                return Err(Fault::new(Stage::Login, Cause::NoLogin));
            }
            let credentials = Credentials::new(login.user.clone(), login.password.clone());
            connection.auth(&mechanisms, &credentials).await.map_err(at(Stage::Login))?;
        }
        // The library does not keep what was said of sizes, and a relay may take more of those whom it knows.
        let offers = connection.command(Ehlo::new(hello.clone())).await.map_err(at(Stage::Greeting))?;
        let size = offers.message().find_map(announced_size);
        Ok(Self {
            connection,
            announces_size: size.is_some(),
            size_max: size.flatten(),
            connect: Some(began.elapsed()),
        })
    }

    /// Hands `letter` over. Each answer before the relay reads it may take as long as `limit`; for the last one, nobody but
    /// the caller sets a limit.
    pub(crate) async fn send(&mut self, letter: &Letter, limit: Duration) -> Result<Accepted, Fault> {
        let connect = self.connect.take();
        let mut parameters = Vec::new();
        if self.announces_size {
            let size = letter.bytes().len();
            if let Some(max) = self.size_max.filter(|max| size > *max) {
                return Err(Fault::new(Stage::Sender, Cause::TooLarge { size, max }));
            }
            parameters.push(MailParameter::Size(size));
        }
        if !letter.is_ascii() {
            let offers = self.connection.server_info();
            if !offers.supports_feature(Extension::SmtpUtfEight) || !offers.supports_feature(Extension::EightBitMime) {
                return Err(Fault::new(Stage::Sender, Cause::NoUnicode));
            }
            parameters.extend([MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]);
        }
        let mail = Mail::new(Some(letter.sender().clone()), parameters);
        completed(Stage::Sender, self.ask(Stage::Sender, mail, limit).await?)?;
        let recipient = Rcpt::new(letter.recipient().clone(), Vec::new());
        completed(Stage::Recipient, self.ask(Stage::Recipient, recipient, limit).await?)?;
        self.ask(Stage::Data, Data, limit).await?;
        let answer = self.connection.message(letter.bytes()).await;
        let answer = answer.map_err(|error| Fault::of(Stage::Content, &error))?;
        let (code, text) = completed(Stage::Content, answer)?;
        Ok(Accepted { code, text, connect })
    }

    /// Lets the relay forget an e-mail that it did not take. Answers whether the conversation can go on.
    pub(crate) async fn reset(&mut self, limit: Duration) -> bool {
        matches!(timeout(limit, self.connection.command(Rset)).await, Ok(Ok(_)))
    }

    /// Says `command`, which belongs to `stage`, and waits `limit` for the answer.
    async fn ask(&mut self, stage: Stage, command: impl Display + Send, limit: Duration) -> Result<Response, Fault> {
        match timeout(limit, self.connection.command(command)).await {
            Ok(answer) => answer.map_err(|error| Fault::of(stage, &error)),
            Err(_) => Err(Fault::new(stage, Cause::TooSlow(limit))),
        }
    }
}

/// The code and the text of an answer that says that something is done.
fn completed(stage: Stage, answer: Response) -> Result<(u16, String), Fault> {
    let code: u16 = answer.code().into();
    let text = answer.message().collect::<Vec<_>>().join(" ");
    match answer.code().severity {
        Severity::PositiveCompletion => Ok((code, text)),
        _ => Err(Fault::new(stage, Cause::Malformed(format!("it answered {code}").into()))),
    }
}

/// What a line of the answer to `EHLO` says of sizes: nothing, that they are checked, or the most that is taken.
fn announced_size(line: &str) -> Option<Option<usize>> {
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|word| word.eq_ignore_ascii_case("SIZE"))?;
    Some(words.next().and_then(|max| max.parse().ok()).filter(|max| *max > 0))
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("size_max", &self.size_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_that_a_relay_takes_is_read() {
        assert_eq!(announced_size("SIZE 10240000"), Some(Some(10_240_000)));
        assert_eq!(announced_size("size 1000"), Some(Some(1000)));
        assert_eq!(announced_size("SIZE"), Some(None));
        assert_eq!(announced_size("SIZE 0"), Some(None));
        assert_eq!(announced_size("SIZES 10"), None);
        assert_eq!(announced_size("8BITMIME"), None);
    }
}
