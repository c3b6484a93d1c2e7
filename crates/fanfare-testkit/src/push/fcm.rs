//! A stand-in for FCM HTTP v1, and for the place where Google gives out access tokens.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::jwt::{now, pem, verified};
use crate::http_receiver::ReceivedRequest;
use crate::http2_receiver::{Http2Receiver, Http2Reply};
use crate::tls::TestCa;

/// The project and the account that it knows.
const PROJECT: &str = "parcels-7";
const EMAIL: &str = "push@parcels-7.iam.gserviceaccount.com";

/// What a token has to be wanted for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// Takes messages as FCM HTTP v1 does, over HTTP/2 and TLS: it gives access tokens to its service account, checks them, refuses
/// messages with members that FCM does not have, and answers errors as Google writes them.
pub struct FcmReceiver {
    http: Http2Receiver,
    google: Arc<Google>,
}

struct Google {
    token_uri: String,
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    granted: u64,
    first_valid: u64,
    attempts: usize,
    messages: Vec<Value>,
    unregistered: Vec<String>,
}

/// One for all, since making one takes a while.
fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key can be made"))
}

impl FcmReceiver {
    /// Opens one with a certificate of `ca`.
    pub async fn start(ca: &TestCa) -> Self {
        let http = Http2Receiver::start(ca).await;
        let google = Arc::new(Google { token_uri: http.url("/token"), state: Mutex::default() });
        let receiver = Self { http, google };
        receiver.refuse(|_| None);
        receiver
    }

    /// The URL to call instead of Google's.
    pub fn url(&self) -> String {
        self.http.url("").trim_end_matches('/').to_owned()
    }

    /// The receiver underneath, to go away or to behave badly. Requests for access tokens are among its requests.
    pub fn http(&self) -> &Http2Receiver {
        &self.http
    }

    /// The JSON text of the service account that it knows.
    pub fn service_account(&self) -> String {
        let key = key().as_der().expect("a key can be written");
        json!({
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "7f3a",
            "private_key": pem("PRIVATE KEY", key.as_ref()),
            "client_email": EMAIL,
            "token_uri": self.google.token_uri,
        })
        .to_string()
    }

    /// Answers properly from now on, but those messages that `error` has a status, a status of Google's and a code of FCM's for are
    /// refused.
    pub fn refuse(&self, error: impl Fn(&Value) -> Option<(u16, String, String)> + Send + Sync + 'static) {
        self.behave(move |message| error(message).map(|(status, google, own)| refusal(status, &google, Some(&own))));
    }

    /// Answers properly from now on, except where `reply` has something else. Access tokens are given out all the same.
    pub fn behave(&self, reply: impl Fn(&Value) -> Option<Http2Reply> + Send + Sync + 'static) {
        let google = Arc::clone(&self.google);
        self.http.reply_with(Http2Reply::by(move |request| google.answer(request, &reply)));
    }

    /// From now on there is no device of this token.
    pub fn unregister(&self, device: &str) {
        self.google.state().unregistered.push(device.to_owned());
    }

    /// From now on no access token holds that was given out before.
    pub fn expire_access_tokens(&self) {
        let mut state = self.google.state();
        state.first_valid = state.granted + 1;
    }

    /// How many access tokens were given out.
    pub fn granted(&self) -> u64 {
        self.google.state().granted
    }

    /// How often it was asked to take a message, whatever came of it.
    pub fn attempts(&self) -> usize {
        self.google.state().attempts
    }

    /// What was taken, in order: the member `message` of each request.
    pub fn messages(&self) -> Vec<Value> {
        self.google.state().messages.clone()
    }
}

impl fmt::Debug for FcmReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FcmReceiver({})", self.url())
    }
}

/// An error as Google writes it.
fn refusal(status: u16, google: &str, own: Option<&str>) -> Http2Reply {
    let details =
        own.map(|code| json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code }));
    let details: Vec<_> = details.into_iter().collect();
    let error = json!({ "code": status, "message": "It was refused.", "status": google, "details": details });
    Http2Reply::status(status).header("content-type", "application/json").body(json!({ "error": error }).to_string())
}

impl Google {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest, reply: &impl Fn(&Value) -> Option<Http2Reply>) -> Http2Reply {
        if request.target == "/token" {
            return self.grant(request);
        }
        self.state().attempts += 1;
        if request.method != "POST" || request.target != format!("/v1/projects/{PROJECT}/messages:send") {
            return refusal(404, "NOT_FOUND", None);
        }
        if !self.is_valid(request.header("authorization")) {
            return refusal(401, "UNAUTHENTICATED", None);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let Some((message, device)) = checked(&body) else {
            return refusal(400, "INVALID_ARGUMENT", Some("INVALID_ARGUMENT"));
        };
        if let Some(reply) = reply(&message) {
            return reply;
        }
        if self.state().unregistered.contains(&device) {
            return refusal(404, "NOT_FOUND", Some("UNREGISTERED"));
        }
        let mut state = self.state();
        state.messages.push(message);
        let name = json!({ "name": format!("projects/{PROJECT}/messages/0:{}", state.messages.len()) });
        Http2Reply::status(200).header("content-type", "application/json").body(name.to_string())
    }

    fn grant(&self, request: &ReceivedRequest) -> Http2Reply {
        let form: Vec<(String, String)> = form_urlencoded::parse(&request.body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let is_grant = field("grant_type") == Some("urn:ietf:params:oauth:grant-type:jwt-bearer");
        let public = key().public_key().as_ref();
        let assertion = field("assertion").and_then(|token| verified(token, &RSA_PKCS1_2048_8192_SHA256, public));
        let is_right = assertion.is_some_and(|assertion| {
            let claims = &assertion.claims;
            let life = claims["exp"].as_i64().zip(claims["iat"].as_i64());
            assertion.header["alg"] == "RS256"
                && (&claims["iss"], &claims["scope"]) == (&json!(EMAIL), &json!(SCOPE))
                && claims["aud"] == self.token_uri
                && life.is_some_and(|(end, made)| made <= now() + 5 && end > now() && end - made <= 3600)
        });
        if !is_grant || !is_right {
            let error = json!({ "error": "invalid_grant", "error_description": "Invalid JWT Signature." });
            return Http2Reply::status(400).header("content-type", "application/json").body(error.to_string());
        }
        let mut state = self.state();
        state.granted += 1;
        let granted =
            json!({ "access_token": format!("ya29.{}", state.granted), "expires_in": 3599, "token_type": "Bearer" });
        Http2Reply::status(200).header("content-type", "application/json").body(granted.to_string())
    }

    fn is_valid(&self, authorization: Option<&str>) -> bool {
        let number = authorization.and_then(|value| value.strip_prefix("Bearer ya29.")?.parse::<u64>().ok());
        let state = self.state();
        number.is_some_and(|number| (state.first_valid.max(1)..=state.granted).contains(&number))
    }
}

/// The message in a request and the token of its device, if FCM would take it: no members that it does not have, and texts where
/// it wants texts.
fn checked(body: &Value) -> Option<(Value, String)> {
    let body = body.as_object()?;
    only(body, &["validate_only", "message"])?;
    let message = body.get("message")?.as_object()?;
    only(
        message,
        &["name", "data", "notification", "android", "webpush", "apns", "fcm_options", "token", "topic", "condition"],
    )?;
    let targets = ["token", "topic", "condition"].iter().filter(|name| message.contains_key(**name)).count();
    let device = message.get("token")?.as_str().filter(|token| !token.is_empty() && targets == 1)?;
    texts(message.get("data"))?;
    part(message.get("notification"), &["title", "body", "image"])?;
    if let Some(android) = message.get("android") {
        let android = android.as_object()?;
        only(
            android,
            &[
                "collapse_key",
                "priority",
                "ttl",
                "restricted_package_name",
                "data",
                "notification",
                "fcm_options",
                "direct_boot_ok",
                "bandwidth_constrained_ok",
                "restricted_satellite_ok",
            ],
        )?;
        texts(android.get("data"))?;
        if let Some(ttl) = android.get("ttl") {
            ttl.as_str()?.strip_suffix('s')?.parse::<f64>().ok()?;
        }
        part(
            android.get("notification"),
            &[
                "title",
                "body",
                "icon",
                "color",
                "sound",
                "tag",
                "click_action",
                "body_loc_key",
                "body_loc_args",
                "title_loc_key",
                "title_loc_args",
                "channel_id",
                "ticker",
                "image",
                "sticky",
                "visibility",
            ],
        )?;
    }
    if let Some(apns) = message.get("apns") {
        only(apns.as_object()?, &["headers", "payload", "fcm_options", "live_activity_token"])?;
    }
    if let Some(webpush) = message.get("webpush") {
        let webpush = webpush.as_object()?;
        only(webpush, &["headers", "data", "notification", "fcm_options"])?;
        texts(webpush.get("data"))?;
    }
    Some((Value::Object(message.clone()), device.to_owned()))
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Option<()> {
    object.keys().all(|name| known.contains(&name.as_str())).then_some(())
}

fn part(value: Option<&Value>, known: &[&str]) -> Option<()> {
    value.map_or(Some(()), |value| only(value.as_object()?, known))
}

fn texts(value: Option<&Value>) -> Option<()> {
    value.map_or(Some(()), |value| value.as_object()?.values().all(Value::is_string).then_some(()))
}
