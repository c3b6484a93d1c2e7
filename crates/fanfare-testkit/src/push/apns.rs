//! A stand-in for APNs.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::jwt::{now, pem, verified};
use crate::http_receiver::ReceivedRequest;
use crate::http2_receiver::{Http2Receiver, Http2Reply};
use crate::tls::TestCa;

/// The ids that come with the signing key.
const KEY_ID: &str = "ABC123DEFG";
const TEAM_ID: &str = "DEF123GHIJ";

/// How old a token may be, in seconds.
const TOKEN_AGE_MAX: i64 = 60 * 60;

/// The most bytes of a payload, and of one that announces a call.
const PAYLOAD_BYTES_MAX: usize = 4096;
const VOIP_BYTES_MAX: usize = 5120;

/// Takes notifications as APNs does, over HTTP/2 and TLS: it checks the token that they are sent with, the headers and the payload,
/// and refuses with Apple's reasons.
pub struct ApnsReceiver {
    http: Http2Receiver,
    apple: Arc<Apple>,
}

struct Apple {
    key: EcdsaKeyPair,
    asks_for_tokens: bool,
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    notifications: Vec<ApnsNotification>,
    unregistered: Vec<String>,
    expired: Option<String>,
}

/// A notification as APNs took it.
#[derive(Debug, Clone, PartialEq)]
pub struct ApnsNotification {
    /// The device's token.
    pub device: String,
    /// The headers whose names begin with `apns-`, by the rest of their names.
    pub headers: Vec<(String, String)>,
    /// The payload.
    pub payload: Value,
}

impl ApnsNotification {
    /// The header `apns-<name>`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl ApnsReceiver {
    /// Opens one that asks for tokens, with a certificate of `ca`.
    pub async fn start(ca: &TestCa) -> Self {
        Self::serve(Http2Receiver::start(ca).await, true)
    }

    /// Opens one that asks for certificates, which are to be of `ca` as its own is.
    pub async fn start_with_certificates(ca: &TestCa) -> Self {
        Self::serve(Http2Receiver::start_mutual(ca).await, false)
    }

    fn serve(http: Http2Receiver, asks_for_tokens: bool) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key can be made");
        let receiver = Self { http, apple: Arc::new(Apple { key, asks_for_tokens, state: Mutex::default() }) };
        receiver.refuse(|_| None);
        receiver
    }

    /// The URL to call instead of Apple's.
    pub fn url(&self) -> String {
        self.http.url("").trim_end_matches('/').to_owned()
    }

    /// The receiver underneath, to go away or to behave badly.
    pub fn http(&self) -> &Http2Receiver {
        &self.http
    }

    /// The id of the signing key that it knows, the key as Apple gives it out (`.p8`), and the id of the team.
    pub fn signing_key(&self) -> (String, String, String) {
        let key = self.apple.key.to_pkcs8v1().expect("a key can be written");
        (KEY_ID.to_owned(), pem("PRIVATE KEY", key.as_ref()), TEAM_ID.to_owned())
    }

    /// Answers properly from now on, but those notifications that `reason` has a status and a reason for are refused.
    pub fn refuse(&self, reason: impl Fn(&ApnsNotification) -> Option<(u16, String)> + Send + Sync + 'static) {
        let apple = Arc::clone(&self.apple);
        self.http.reply_with(Http2Reply::by(move |request| apple.answer(request, &reason)));
    }

    /// From now on there is no device of this token.
    pub fn unregister(&self, device: &str) {
        self.apple.state().unregistered.push(device.to_owned());
    }

    /// From now on the token that the last request was sent with has expired.
    pub fn expire_token(&self) {
        let last = self.http.requests().last().and_then(|request| request.header("authorization").map(str::to_owned));
        self.apple.state().expired = last;
    }

    /// What was taken, in order.
    pub fn notifications(&self) -> Vec<ApnsNotification> {
        self.apple.state().notifications.clone()
    }
}

impl fmt::Debug for ApnsReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApnsReceiver({})", self.url())
    }
}

fn refusal(status: u16, reason: &str) -> Http2Reply {
    Http2Reply::status(status).body(json!({ "reason": reason }).to_string())
}

impl Apple {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(
        &self,
        request: &ReceivedRequest,
        reason: &impl Fn(&ApnsNotification) -> Option<(u16, String)>,
    ) -> Http2Reply {
        let notification = match self.read(request) {
            Ok(notification) => notification,
            Err((status, reason)) => return refusal(status, reason),
        };
        if let Some((status, reason)) = reason(&notification) {
            return refusal(status, &reason);
        }
        let id = notification.header("id").unwrap_or("EABEAE54-14A8-11E5-B60B-1697F925EC7B").to_owned();
        self.state().notifications.push(notification);
        Http2Reply::status(200).header("apns-id", &id)
    }

    fn read(&self, request: &ReceivedRequest) -> Result<ApnsNotification, (u16, &'static str)> {
        if request.method != "POST" {
            return Err((405, "MethodNotAllowed"));
        }
        let device = request.target.strip_prefix("/3/device/").ok_or((404, "BadPath"))?;
        if self.asks_for_tokens {
            self.check_token(request.header("authorization"))?;
        }
        if device.is_empty() {
            return Err((400, "MissingDeviceToken"));
        }
        if !device.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err((400, "BadDeviceToken"));
        }
        let named = |(name, value): &(String, String)| Some((name.strip_prefix("apns-")?.to_owned(), value.clone()));
        let headers: Vec<_> = request.headers.iter().filter_map(named).collect();
        let mut names: Vec<_> = headers.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        if names.len() < headers.len() {
            return Err((400, "DuplicateHeaders"));
        }
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        check_headers(header, self.asks_for_tokens)?;
        let max = if header("push-type") == Some("voip") { VOIP_BYTES_MAX } else { PAYLOAD_BYTES_MAX };
        if request.body.is_empty() {
            return Err((400, "PayloadEmpty"));
        }
        if request.body.len() > max {
            return Err((413, "PayloadTooLarge"));
        }
        let payload: Value = serde_json::from_slice(&request.body).map_err(|_| (400, "PayloadEmpty"))?;
        if self.state().unregistered.iter().any(|gone| gone == device) {
            return Err((410, "Unregistered"));
        }
        Ok(ApnsNotification { device: device.to_owned(), headers: headers.clone(), payload })
    }

    fn check_token(&self, authorization: Option<&str>) -> Result<(), (u16, &'static str)> {
        let token = authorization.and_then(|value| value.strip_prefix("bearer "));
        let token = token.ok_or((403, "MissingProviderToken"))?;
        if self.state().expired.as_deref() == authorization {
            return Err((403, "ExpiredProviderToken"));
        }
        let verified = verified(token, &ECDSA_P256_SHA256_FIXED, self.key.public_key().as_ref());
        let verified = verified.ok_or((403, "InvalidProviderToken"))?;
        let named = (&verified.header["alg"], &verified.header["kid"], &verified.claims["iss"]);
        if named != (&json!("ES256"), &json!(KEY_ID), &json!(TEAM_ID)) {
            return Err((403, "InvalidProviderToken"));
        }
        match verified.claims["iat"].as_i64().map(|made| now() - made) {
            Some(age) if (-5..=TOKEN_AGE_MAX).contains(&age) => Ok(()),
            Some(_) => Err((403, "ExpiredProviderToken")),
            None => Err((403, "InvalidProviderToken")),
        }
    }
}

fn check_headers<'a>(header: impl Fn(&str) -> Option<&'a str>, needs_topic: bool) -> Result<(), (u16, &'static str)> {
    const TYPES: [&str; 12] = [
        "alert",
        "background",
        "complication",
        "controls",
        "fileprovider",
        "liveactivity",
        "location",
        "mdm",
        "pushtotalk",
        "voip",
        "widgets",
        "webpush",
    ];
    if needs_topic && header("topic").is_none() {
        return Err((400, "MissingTopic"));
    }
    if header("priority").is_some_and(|priority| !["1", "5", "10"].contains(&priority)) {
        return Err((400, "BadPriority"));
    }
    if header("push-type").is_some_and(|kind| !TYPES.contains(&kind)) {
        return Err((400, "InvalidPushType"));
    }
    if header("push-type") == Some("background") && header("priority") == Some("10") {
        return Err((400, "BadPriority"));
    }
    if header("expiration").is_some_and(|time| time.parse::<u64>().is_err()) {
        return Err((400, "BadExpirationDate"));
    }
    if header("collapse-id").is_some_and(|id| id.len() > 64) {
        return Err((400, "BadCollapseId"));
    }
    if header("id").is_some_and(|id| id.len() != 36 || id.split('-').count() != 5) {
        return Err((400, "BadMessageId"));
    }
    Ok(())
}
