//! One connection of the receiver: the server's side of SMTP, strict about what it is sent.

use std::future::pending;
use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::reply::Act;
use super::{ReceivedMail, Shared, SmtpReply, SmtpStage};

/// The most bytes of a command; RFC 5321 asks for 512, and for more where extensions do.
const COMMAND_BYTES_MAX: u64 = 16 << 10;

/// The most bytes of a line of an e-mail, its end included (RFC 5321, 4.5.3.1.6).
const LINE_BYTES_MAX: usize = 1000;

/// The most bytes of an e-mail.
const MAIL_BYTES_MAX: u64 = 64 << 20;

/// What a session begins with.
pub(super) struct Opening {
    pub(super) number: usize,
    pub(super) is_encrypted: bool,
    pub(super) offers_tls: bool,
    /// Whether the greeting was said before, in the clear.
    pub(super) was_greeted: bool,
}

/// How a session ended.
pub(super) enum Ended {
    /// The client wants TLS from here on.
    StartTls,
    Over,
}

/// A conversation.
struct Session<'a, S> {
    stream: &'a mut BufReader<S>,
    shared: &'a Shared,
    opening: Opening,
    hello: String,
    user: Option<String>,
    mail: Option<(ReceivedMail, SmtpReply)>,
}

/// Whether the conversation goes on.
enum Next {
    Command,
    End(Ended),
}

/// Holds the conversation until either side ends it, or the client wants TLS.
pub(super) async fn hold<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    shared: &Shared,
    opening: Opening,
) -> io::Result<Ended> {
    let mut session = Session { stream, shared, opening, hello: String::new(), user: None, mail: None };
    if !session.opening.was_greeted {
        let standing = shared.standing();
        let greeted = session.answer(&standing, SmtpStage::Greeting, "220 receiver.example ESMTP").await?;
        if let Next::End(ended) = greeted {
            return Ok(ended);
        }
    }
    loop {
        let Some(line) = session.line().await? else { return Ok(Ended::Over) };
        if let Next::End(ended) = session.obey(&line).await? {
            return Ok(ended);
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<'_, S> {
    async fn obey(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.greet(rest).await,
            "STARTTLS" if self.opening.offers_tls => {
                self.say("220 2.0.0 go ahead").await?;
                Ok(Next::End(Ended::StartTls))
            }
            "AUTH" => self.log_in(rest).await,
            "MAIL" => self.begin(rest).await,
            "RCPT" => self.name_recipient(rest).await,
            "DATA" => self.take().await,
            "RSET" => {
                self.mail = None;
                self.say("250 2.0.0 forgotten").await
            }
            "NOOP" => self.say("250 2.0.0 nothing done").await,
            "QUIT" => {
                self.say("221 2.0.0 goodbye").await?;
                Ok(Next::End(Ended::Over))
            }
            _ => self.say("500 5.5.1 what is that?").await,
        }
    }

    async fn greet(&mut self, name: &str) -> io::Result<Next> {
        self.hello = name.to_owned();
        let size = self.shared.size_max().map(|bytes| format!("SIZE {bytes}"));
        let offers = [
            Some("8BITMIME".to_owned()),
            Some("ENHANCEDSTATUSCODES".to_owned()),
            size,
            self.shared.takes_unicode_addresses().then(|| "SMTPUTF8".to_owned()),
            self.opening.offers_tls.then(|| "STARTTLS".to_owned()),
            self.shared.login().map(|_| format!("AUTH {}", self.shared.mechanisms().join(" "))),
        ];
        let mut answer = "250-receiver.example".to_owned();
        for offer in offers.into_iter().flatten() {
            answer.push_str("\r\n250-");
            answer.push_str(&offer);
        }
        answer.push_str("\r\n250 HELP");
        self.say(&answer).await
    }

    async fn log_in(&mut self, rest: &str) -> io::Result<Next> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        if !self.shared.mechanisms().contains(&mechanism) {
            return self.say("504 5.5.4 not that way").await;
        }
        let given = match mechanism.as_str() {
            "PLAIN" => {
                let answer = if initial.is_empty() { self.ask("").await? } else { initial.to_owned() };
                let decoded = decoded(&answer);
                let mut parts = decoded.split('\0').skip(1).map(str::to_owned);
                parts.next().zip(parts.next())
            }
            "LOGIN" => {
                let user = self.ask("Username:").await?;
                let password = self.ask("Password:").await?;
                Some((decoded(&user), decoded(&password)))
            }
            _ => None,
        };
        let standing = self.shared.standing();
        if given.is_some() && given == self.shared.login() {
            self.user = given.map(|(user, _)| user);
            return self.answer(&standing, SmtpStage::Login, "235 2.7.0 welcome").await;
        }
        self.say("535 5.7.8 who are you?").await
    }

    async fn ask(&mut self, question: &str) -> io::Result<String> {
        self.say(&format!("334 {}", BASE64_STANDARD.encode(question))).await?;
        Ok(self.line().await?.unwrap_or_default())
    }

    async fn begin(&mut self, rest: &str) -> io::Result<Next> {
        let reply = self.shared.next_reply();
        self.shared.count_attempt();
        if self.shared.login().is_some() && self.user.is_none() {
            return self.say("530 5.7.0 log in first").await;
        }
        let Some((from, parameters)) = bracketed(rest, "FROM:") else { return self.say("501 5.1.7 from whom?").await };
        let mail = ReceivedMail {
            hello: self.hello.clone(),
            from,
            parameters,
            is_encrypted: self.opening.is_encrypted,
            user: self.user.clone(),
            connection: self.opening.number,
            ..ReceivedMail::default()
        };
        let next = self.answer(&reply, SmtpStage::Sender, "250 2.1.0 go on").await?;
        self.mail = Some((mail, reply));
        Ok(next)
    }

    async fn name_recipient(&mut self, rest: &str) -> io::Result<Next> {
        let Some((mail, reply)) = &mut self.mail else { return self.say("503 5.5.1 MAIL first").await };
        let Some((to, _)) = bracketed(rest, "TO:") else { return self.say("501 5.1.3 to whom?").await };
        mail.to.push(to);
        let reply = reply.clone();
        self.answer(&reply, SmtpStage::Recipient, "250 2.1.5 go on").await
    }

    async fn take(&mut self) -> io::Result<Next> {
        let Some((mut mail, reply)) = self.mail.take().filter(|(mail, _)| !mail.to.is_empty()) else {
            return self.say("503 5.5.1 RCPT first").await;
        };
        if let Some(next) = self.go_astray(&reply, SmtpStage::Data).await? {
            return Ok(next);
        }
        self.say("354 go ahead").await?;
        if let Err(complaint) = self.content(&mut mail.content).await? {
            return self.say(complaint).await;
        }
        if !mail.content.is_ascii() && !mail.parameters.contains("BODY=8BITMIME") {
            return self.say("554 5.6.1 a message of 7 bits has none beyond them").await;
        }
        let chosen = match &reply.0 {
            Act::By(choose) => choose(&mail),
            _ => reply,
        };
        if let Act::Take = chosen.0 {
            self.shared.record(mail);
            return self.say("250 2.0.0 taken").await;
        }
        match self.go_astray(&chosen, SmtpStage::Content).await? {
            Some(next) => Ok(next),
            // A reply for another stage was taken when that was there.
            None => {
                self.shared.record(mail);
                self.say("250 2.0.0 taken").await
            }
        }
    }

    /// Reads an e-mail to its last line, or says what is wrong with it.
    async fn content(&mut self, content: &mut Vec<u8>) -> io::Result<Result<(), &'static str>> {
        let mut complaint = None;
        loop {
            let mut line = Vec::new();
            let room = MAIL_BYTES_MAX.saturating_sub(content.len() as u64);
            (&mut *self.stream).take(room).read_until(b'\n', &mut line).await?;
            if !line.ends_with(b"\n") {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if line == b".\r\n" {
                return Ok(complaint.map_or(Ok(()), Err));
            }
            let body = line.strip_suffix(b"\r\n");
            if body.is_none_or(|body| body.contains(&b'\r')) {
                complaint = Some("554 5.6.0 a line ends in CR LF, and neither stands alone");
            }
            if line.len() > LINE_BYTES_MAX {
                complaint = Some("500 5.5.2 the line is too long");
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    /// The usual answer at `stage`, unless `reply` has something else for it.
    async fn answer(&mut self, reply: &SmtpReply, stage: SmtpStage, usual: &str) -> io::Result<Next> {
        match self.go_astray(reply, stage).await? {
            Some(next) => Ok(next),
            None => self.say(usual).await,
        }
    }

    /// What `reply` has for `stage` in place of the usual answer.
    async fn go_astray(&mut self, reply: &SmtpReply, stage: SmtpStage) -> io::Result<Option<Next>> {
        match &reply.0 {
            Act::Say(at, line) if *at == stage => {
                let line = line.clone();
                self.say(&line).await?;
                let closes = line.starts_with("421") || stage == SmtpStage::Greeting;
                Ok(Some(if closes { Next::End(Ended::Over) } else { Next::Command }))
            }
            Act::Hang(at) if *at == stage => pending().await,
            Act::Close(at) if *at == stage => Ok(Some(Next::End(Ended::Over))),
            _ => Ok(None),
        }
    }

    async fn say(&mut self, answer: &str) -> io::Result<Next> {
        self.stream.write_all(answer.as_bytes()).await?;
        self.stream.write_all(b"\r\n").await?;
        self.stream.flush().await?;
        Ok(Next::Command)
    }

    /// A command, or nothing when the client has gone.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        (&mut *self.stream).take(COMMAND_BYTES_MAX).read_line(&mut line).await?;
        Ok(line.strip_suffix("\r\n").map(str::to_owned))
    }
}

/// The address in brackets behind `keyword`, and what follows.
fn bracketed(text: &str, keyword: &str) -> Option<(String, String)> {
    let head = text.get(..keyword.len()).filter(|head| head.eq_ignore_ascii_case(keyword))?;
    let rest = text[head.len()..].trim_start().strip_prefix('<')?;
    let (address, parameters) = rest.rsplit_once('>')?;
    Some((address.to_owned(), parameters.trim().to_owned()))
}

fn decoded(text: &str) -> String {
    String::from_utf8_lossy(&BASE64_STANDARD.decode(text).unwrap_or_default()).into_owned()
}
