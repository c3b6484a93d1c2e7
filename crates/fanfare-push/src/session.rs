//! What is kept between deliveries: credentials that were read, tokens that still hold, and connections.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use fanfare_core::{DeliveryError, Timestamp};
use http::HeaderValue;
use serde_json::json;
use tokio::sync::Mutex as AsyncMutex;

use crate::classify;
use crate::client::http2;
use crate::config::PushConfig;
use crate::credentials::{Credentials, ServiceAccount, Vapid};
use crate::device::Application;
use crate::google::AccessToken;
use crate::jwt;
use crate::request::authorization;
use crate::tls::Tls;

/// How many applications are remembered; beyond that, all are forgotten and read again.
const SESSIONS_MAX: usize = 1000;

/// How long a token for Apple is used, which takes none that is older than an hour, and no new ones within 20 minutes.
const APPLE_TOKEN_AGE_MAX: Duration = Duration::from_secs(50 * 60);

/// How long a token for a service of Web Push is used, and how long it holds (RFC 8292: at most a day).
const VAPID_TOKEN_AGE_MAX: Duration = Duration::from_secs(6 * 60 * 60);
const VAPID_TOKEN_LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// How many services of Web Push an application remembers tokens for.
const ORIGINS_MAX: usize = 100;

/// Sessions by the credentials that they were made of. Held for a look or a change, never across a wait.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<[u8; 32], Arc<Session>>>);

/// What is kept for one application.
pub(crate) enum Session {
    AppleKey(AppleKey),
    AppleCertificate { client: reqwest::Client, bundle_id: String },
    Google(Google),
    Web(Web),
}

/// A signing key for Apple, and the token that was made with it last.
pub(crate) struct AppleKey {
    key_id: String,
    team_id: String,
    key: aws_lc_rs::signature::EcdsaKeyPair,
    pub(crate) bundle_id: String,
    /// Held for a look or a change, never across a wait.
    last: Mutex<Option<Made>>,
}

/// A service account, and the access token that it got last.
pub(crate) struct Google {
    pub(crate) account: ServiceAccount,
    /// Held while a token is asked for, so that one delivery asks and the others wait.
    pub(crate) access: AsyncMutex<Option<AccessToken>>,
}

/// A key for Web Push, and the tokens that were made with it last, by the service that they are for.
pub(crate) struct Web {
    vapid: Vapid,
    /// Held for a look or a change, never across a wait.
    last: Mutex<HashMap<String, Made>>,
}

/// A header and when it was made.
#[derive(Clone)]
struct Made {
    header: HeaderValue,
    at: Timestamp,
}

impl Sessions {
    /// What is kept for `application`, whose credentials are read when they are seen for the first time.
    pub(crate) fn of(
        &self,
        application: &Application,
        config: &PushConfig,
        tls: &Tls,
    ) -> Result<Arc<Session>, DeliveryError> {
        let id = fingerprint(application);
        if let Some(known) = self.locked().get(&id) {
            return Ok(Arc::clone(known));
        }
        let session = Arc::new(Session::new(application, config, tls)?);
        let mut sessions = self.locked();
        if sessions.len() >= SESSIONS_MAX {
            sessions.clear();
        }
        Ok(Arc::clone(sessions.entry(id).or_insert(session)))
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<Session>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn new(application: &Application, config: &PushConfig, tls: &Tls) -> Result<Self, DeliveryError> {
        Ok(match Credentials::parse(application).map_err(classify::unusable)? {
            Credentials::AppleKey { key_id, team_id, key, bundle_id } => {
                Self::AppleKey(AppleKey { key_id, team_id, key, bundle_id, last: Mutex::default() })
            }
            Credentials::AppleCertificate { identity, bundle_id } => {
                let client = http2(config, tls, Some(&identity)).map_err(classify::no_client)?;
                Self::AppleCertificate { client, bundle_id }
            }
            Credentials::Google(account) => Self::Google(Google { account, access: AsyncMutex::default() }),
            Credentials::Vapid(vapid) => Self::Web(Web { vapid, last: Mutex::default() }),
        })
    }
}

impl AppleKey {
    /// The value of `authorization`: the token that was made last, unless it is too old or Apple did not take it (`stale`).
    pub(crate) fn authorization(
        &self,
        now: Timestamp,
        stale: Option<&HeaderValue>,
    ) -> Result<HeaderValue, DeliveryError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = last.as_ref().filter(|made| made.is_younger_than(APPLE_TOKEN_AGE_MAX, now))
            && stale != Some(&made.header)
        {
            return Ok(made.header.clone());
        }
        let header = json!({ "alg": "ES256", "kid": self.key_id });
        let claims = json!({ "iss": self.team_id, "iat": now.unix_ms() / 1000 });
        let token = jwt::es256(&self.key, &header, &claims).map_err(classify::unsigned)?;
        let header = authorization(&format!("bearer {token}"))?;
        *last = Some(Made { header: header.clone(), at: now });
        Ok(header)
    }
}

impl Web {
    /// The value of `Authorization` for the service at `origin` (RFC 8292).
    pub(crate) fn authorization(&self, origin: &str, now: Timestamp) -> Result<HeaderValue, DeliveryError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = last.get(origin).filter(|made| made.is_younger_than(VAPID_TOKEN_AGE_MAX, now)) {
            return Ok(made.header.clone());
        }
        let expires = (now + VAPID_TOKEN_LIFE).unix_ms() / 1000;
        let mut claims = json!({ "aud": origin, "exp": expires });
        if let Some(subject) = &self.vapid.subject {
            claims["sub"] = subject.as_str().into();
        }
        let header = json!({ "typ": "JWT", "alg": "ES256" });
        let token = jwt::es256(&self.vapid.key, &header, &claims).map_err(classify::unsigned)?;
        let header = authorization(&format!("vapid t={token}, k={}", self.vapid.public_key))?;
        if last.len() >= ORIGINS_MAX {
            last.clear();
        }
        last.insert(origin.to_owned(), Made { header: header.clone(), at: now });
        Ok(header)
    }
}

impl Made {
    /// A time before it was made is no age: the clock was set back, and the token may look too new to others.
    fn is_younger_than(&self, age: Duration, now: Timestamp) -> bool {
        self.at <= now && now.since(self.at) < age
    }
}

/// What tells the credentials of one application from those of another.
fn fingerprint(application: &Application) -> [u8; 32] {
    let parts = application.parts();
    let mut context = Context::new(&SHA256);
    let platform = parts.platform.as_str();
    for part in [platform, &parts.principal, &parts.credential, &parts.team_id, &parts.bundle_id] {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut id = [0; 32];
    id.copy_from_slice(context.finish().as_ref());
    id
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({})", self.locked().len())
    }
}
