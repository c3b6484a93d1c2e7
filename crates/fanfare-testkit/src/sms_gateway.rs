//! HTTP gateways to phones, on loopback: one that speaks as Kannel's `sendsms`, and one that speaks as Twilio.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::http_receiver::{HttpReceiver, ReceivedRequest, Reply};

/// A gateway to phones on a loopback port of its own, which checks what it is asked, and decodes it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_testkit::SmsGateway;
///
/// let gateway = SmsGateway::start_kannel("ann", "s3cret").await;
/// assert!(gateway.url().ends_with("/cgi-bin/sendsms"));
/// assert_eq!(gateway.messages(), []);
/// # });
/// ```
pub struct SmsGateway {
    http: HttpReceiver,
    shared: Arc<Shared>,
}

struct Shared {
    dialect: Dialect,
    user: String,
    secret: String,
    /// Held for a look or a change, never across a wait.
    messages: Mutex<Vec<GatewayMessage>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Kannel,
    Twilio,
}

/// A message as a gateway took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GatewayMessage {
    /// The phone.
    pub to: String,
    /// The sender; nothing where the gateway chooses.
    pub from: Option<String>,
    /// The text.
    pub text: String,
    /// Where receipts are to be told.
    pub receipts: Option<String>,
    /// Everything that was said, in its order, but the password.
    pub parameters: Vec<(String, String)>,
}

impl SmsGateway {
    /// Opens a gateway that speaks as Kannel's `sendsms`, with one user.
    pub async fn start_kannel(user: &str, password: &str) -> Self {
        Self::start(Dialect::Kannel, user, password).await
    }

    /// Opens a gateway that speaks as Twilio, with one account.
    pub async fn start_twilio(account: &str, token: &str) -> Self {
        Self::start(Dialect::Twilio, account, token).await
    }

    async fn start(dialect: Dialect, user: &str, secret: &str) -> Self {
        let (user, secret) = (user.to_owned(), secret.to_owned());
        let shared = Arc::new(Shared { dialect, user, secret, messages: Mutex::default() });
        let gateway = Self { http: HttpReceiver::start().await, shared };
        gateway.refuse_texts(|_| false);
        gateway
    }

    /// What to give an adapter as the gateway's URL.
    pub fn url(&self) -> String {
        match self.shared.dialect {
            Dialect::Kannel => self.http.url("/cgi-bin/sendsms"),
            Dialect::Twilio => self.http.url(""),
        }
    }

    /// The HTTP receiver underneath, to count requests, to go away, or to behave badly.
    pub fn http(&self) -> &HttpReceiver {
        &self.http
    }

    /// Answers properly from now on, and refuses the texts for which `is_refused`.
    pub fn refuse_texts(&self, is_refused: impl Fn(&str) -> bool + Send + Sync + 'static) {
        let shared = Arc::clone(&self.shared);
        self.http.reply_with(Reply::by(move |request| shared.answer(request, &is_refused)));
    }

    /// The messages that were taken, in order.
    pub fn messages(&self) -> Vec<GatewayMessage> {
        self.shared.messages().clone()
    }
}

impl fmt::Debug for SmsGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmsGateway({})", self.url())
    }
}

/// An error as Twilio writes it.
pub fn twilio_error(status: u16, code: u32) -> Reply {
    let body = format!("{{\"code\": {code}, \"message\": \"This is {code}.\", \"status\": {status}}}");
    Reply::status(status).header("Content-Type", "application/json").body(body)
}

impl Shared {
    fn messages(&self) -> MutexGuard<'_, Vec<GatewayMessage>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest, is_refused: &impl Fn(&str) -> bool) -> Reply {
        match self.dialect {
            Dialect::Kannel => self.kannel(request, is_refused),
            Dialect::Twilio => self.twilio(request, is_refused),
        }
    }

    fn kannel(&self, request: &ReceivedRequest, is_refused: &impl Fn(&str) -> bool) -> Reply {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if request.method != "GET" || path != "/cgi-bin/sendsms" {
            return Reply::status(404).body("Unknown request.");
        }
        let mut parameters = decoded(query);
        let mut take = |name: &str| {
            let at = parameters.iter().position(|(known, _)| known == name)?;
            Some(parameters.remove(at).1)
        };
        let right = take("username").as_ref() == Some(&self.user) && take("password").as_ref() == Some(&self.secret);
        if !right {
            return Reply::status(403).body("Authorization failed for sendsms");
        }
        let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let Some(to) = value("to") else { return Reply::status(400).body("Missing receiver number, rejected") };
        let text = value("text").unwrap_or_default();
        if is_refused(&text) || value("charset").as_deref() != Some("UTF-8") {
            return Reply::status(400).body("Charset or body misformed, rejected");
        }
        let (from, receipts) = (value("from"), value("dlr-url"));
        self.messages().push(GatewayMessage { to, from, text, receipts, parameters });
        Reply::status(202).body("0: Accepted for delivery")
    }

    fn twilio(&self, request: &ReceivedRequest, is_refused: &impl Fn(&str) -> bool) -> Reply {
        let credentials = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.user, self.secret)));
        if request.header("authorization") != Some(&credentials) {
            return twilio_error(401, 20003);
        }
        let path = format!("/2010-04-01/Accounts/{}/Messages.json", self.user);
        if request.method != "POST" || request.target != path {
            return twilio_error(404, 20404);
        }
        let parameters = decoded(request.text());
        let value = |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let (Some(to), text) = (value("To"), value("Body").unwrap_or_default()) else {
            return twilio_error(400, 21604);
        };
        if is_refused(&text) {
            return twilio_error(400, 21610);
        }
        let (from, receipts) = (value("From"), value("StatusCallback"));
        let mut messages = self.messages();
        messages.push(GatewayMessage { to, from, text, receipts, parameters });
        let body = format!("{{\"sid\": \"SM{:032x}\", \"status\": \"queued\", \"error_code\": null}}", messages.len());
        Reply::status(201).header("Content-Type", "application/json").body(body)
    }
}

/// The names and values of a query or a form.
fn decoded(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// A text without its escapes; a `+` stands for a space.
fn plain(text: &str) -> String {
    let text = text.replace('+', " ");
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = if byte.is_some() { &tail[2..] } else { tail };
        bytes.push(byte.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
