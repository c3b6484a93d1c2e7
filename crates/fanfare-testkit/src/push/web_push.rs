//! A stand-in for a service of Web Push, and for the browsers behind it, which decrypt what they get.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::json;

use super::jwt::{now, verified};
use crate::http_receiver::{HttpReceiver, ReceivedRequest, Reply};
use crate::tls::TestCa;

/// How long a token may hold, in seconds (RFC 8292).
const TOKEN_LIFE_MAX: i64 = 24 * 60 * 60;

/// The most bytes of a body.
const BODY_BYTES_MAX: usize = 4096;

/// Takes messages as the services behind browsers do (RFC 8030, 8291, 8292): it checks who sends, and its browsers decrypt.
pub struct WebPushReceiver {
    http: HttpReceiver,
    service: Arc<Service>,
}

struct Service {
    origin: String,
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    browsers: Vec<Browser>,
    messages: Vec<WebPushMessage>,
}

/// One subscription of a browser.
struct Browser {
    private: PrivateKey,
    public: Vec<u8>,
    secret: [u8; 16],
    is_there: bool,
}

/// A message as a browser decrypted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPushMessage {
    /// Which browser it was for, from 0.
    pub browser: usize,
    /// What was encrypted.
    pub text: String,
    /// `TTL`, in seconds.
    pub ttl: u64,
    /// `Urgency`.
    pub urgency: Option<String>,
    /// `Topic`.
    pub topic: Option<String>,
    /// `sub` of the token that it was sent with.
    pub subject: Option<String>,
    /// The public key of whoever sent it, in base64url.
    pub sender: String,
}

impl WebPushReceiver {
    /// Opens one that speaks plain HTTP.
    pub async fn start() -> Self {
        Self::serve(HttpReceiver::start().await)
    }

    /// Opens one with a certificate of `ca`.
    pub async fn start_tls(ca: &TestCa) -> Self {
        Self::serve(HttpReceiver::start_tls(ca).await)
    }

    /// Opens one that speaks plain HTTP at an address where one was before.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub async fn start_at(addr: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::serve(HttpReceiver::start_at(addr).await?))
    }

    fn serve(http: HttpReceiver) -> Self {
        let service = Service { origin: http.url(""), state: Mutex::default() };
        let receiver = Self { http, service: Arc::new(service) };
        receiver.refuse(|_| None);
        receiver
    }

    /// The receiver underneath, to count requests, to go away or to behave badly.
    pub fn http(&self) -> &HttpReceiver {
        &self.http
    }

    /// Lets a browser subscribe, and gives what its page would hand on: its push subscription as JSON.
    pub fn subscribe(&self) -> String {
        let private = PrivateKey::generate(&ECDH_P256).expect("a key can be made");
        let public = private.compute_public_key().expect("a key has a public part").as_ref().to_vec();
        let mut secret = [0; 16];
        aws_lc_rs::rand::fill(&mut secret).expect("the system has random bytes to give");
        let mut state = self.service.state();
        let subscription = json!({
            "endpoint": format!("{}/push/{}", self.service.origin, state.browsers.len()),
            "expirationTime": null,
            "keys": { "p256dh": BASE64URL.encode(&public), "auth": BASE64URL.encode(secret) },
        });
        state.browsers.push(Browser { private, public, secret, is_there: true });
        subscription.to_string()
    }

    /// Ends the subscription of that browser.
    pub fn unsubscribe(&self, browser: usize) {
        if let Some(browser) = self.service.state().browsers.get_mut(browser) {
            browser.is_there = false;
        }
    }

    /// Answers properly from now on, but those messages that `status` has a status for are refused.
    pub fn refuse(&self, status: impl Fn(&WebPushMessage) -> Option<u16> + Send + Sync + 'static) {
        let service = Arc::clone(&self.service);
        self.http.reply_with(Reply::by(move |request| match service.read(request) {
            Err(status) => Reply::status(status),
            Ok(message) => match status(&message) {
                Some(status) => Reply::status(status),
                None => service.take(message),
            },
        }));
    }

    /// What was taken, in order.
    pub fn messages(&self) -> Vec<WebPushMessage> {
        self.service.state().messages.clone()
    }
}

impl fmt::Debug for WebPushReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebPushReceiver({})", self.service.origin)
    }
}

impl Service {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, message: WebPushMessage) -> Reply {
        let mut state = self.state();
        state.messages.push(message);
        Reply::status(201).header("Location", format!("{}/message/{}", self.origin, state.messages.len()))
    }

    /// Reads a request, or says with which status it is refused.
    fn read(&self, request: &ReceivedRequest) -> Result<WebPushMessage, u16> {
        let browser =
            request.target.strip_prefix("/push/").and_then(|number| number.parse::<usize>().ok()).ok_or(404_u16)?;
        if request.method != "POST" {
            return Err(405);
        }
        if request.body.len() > BODY_BYTES_MAX {
            return Err(413);
        }
        let ttl = request.header("ttl").and_then(|ttl| ttl.parse().ok()).ok_or(400_u16)?;
        if request.header("content-encoding") != Some("aes128gcm") {
            return Err(400);
        }
        let (sender, subject) = self.sender(request.header("authorization").ok_or(401_u16)?).ok_or(403_u16)?;
        let state = self.state();
        let known = state.browsers.get(browser).ok_or(404_u16)?;
        if !known.is_there {
            return Err(410);
        }
        let text = decrypted(&request.body, &known.private, &known.public, &known.secret).ok_or(400_u16)?;
        let text = String::from_utf8(text).map_err(|_| 400_u16)?;
        let header = |name: &str| request.header(name).map(str::to_owned);
        Ok(WebPushMessage { browser, text, ttl, urgency: header("urgency"), topic: header("topic"), subject, sender })
    }

    /// The key of whoever sends, and its `sub`, if the token holds.
    fn sender(&self, authorization: &str) -> Option<(String, Option<String>)> {
        let parts = authorization.strip_prefix("vapid ")?.split(',').map(str::trim);
        let parts: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let part = |name: &str| parts.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let (token, key) = (part("t")?, part("k")?);
        let verified = verified(token, &ECDSA_P256_SHA256_FIXED, &BASE64URL.decode(key).ok()?)?;
        let life = verified.claims["exp"].as_i64()? - now();
        let holds = verified.header["alg"] == "ES256"
            && verified.claims["aud"] == self.origin
            && (0..=TOKEN_LIFE_MAX).contains(&life);
        holds.then(|| (key.to_owned(), verified.claims["sub"].as_str().map(str::to_owned)))
    }
}

/// What the browser of these keys reads, by the steps that RFC 8291 (section 3.4) and RFC 8188 (section 2) write down.
fn decrypted(body: &[u8], private: &PrivateKey, public: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let (salt, rest) = body.split_at_checked(16)?;
    let (size, rest) = rest.split_at_checked(4)?;
    let (length, rest) = rest.split_first()?;
    let (sender, record) = rest.split_at_checked(usize::from(*length))?;
    let size = u32::from_be_bytes(size.try_into().ok()?);
    // One record alone: no longer than records are.
    if usize::try_from(size).ok()? < record.len() {
        return None;
    }
    let shared = agree(private, UnparsedPublicKey::new(&ECDH_P256, sender), (), |shared| Ok(shared.to_vec())).ok()?;
    let mac = |key: &[u8], parts: &[&[u8]]| sign(&Key::new(HMAC_SHA256, key), &parts.concat()).as_ref().to_vec();
    let combined = mac(secret, &[&shared]);
    let input = mac(&combined, &[b"WebPush: info\0", public, sender, &[1]]);
    let drawn = mac(salt, &[&input]);
    let key = mac(&drawn, &[b"Content-Encoding: aes128gcm\0\x01"]);
    let nonce = mac(&drawn, &[b"Content-Encoding: nonce\0\x01"]);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).ok()?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).ok()?;
    let mut record = record.to_vec();
    let plain = key.open_in_place(nonce, Aad::empty(), &mut record).ok()?;
    // The last record ends in a 2, and then padding.
    let end = plain.iter().rposition(|byte| *byte != 0).filter(|end| plain[*end] == 2)?;
    Some(plain[..end].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_reads_the_example_of_rfc_8291() {
        let bytes = |text: &str| BASE64URL.decode(text).expect("the RFC's values are base64url");
        let body = bytes(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y\
             l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );
        let private = bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94");
        let private = PrivateKey::from_private_key(&ECDH_P256, &private).expect("it is a key");
        let public = bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let text = decrypted(&body, &private, &public, &bytes("BTBZMqHH6r4Tts7J_aSIgg"));
        assert_eq!(text.as_deref(), Some(&b"When I grow up, I want to be a watermelon"[..]));
    }
}
