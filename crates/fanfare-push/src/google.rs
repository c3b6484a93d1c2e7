//! Access tokens of Google's: a service account signs what it wants, and gets a token for an hour (RFC 7523).

use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Timestamp};
use fanfare_egress::Target;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, HeaderMap};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded::Serializer;

use crate::classify;
use crate::config::PushConfig;
use crate::credentials::ServiceAccount;
use crate::exchange::{Deadline, post};
use crate::jwt;
use crate::request::{PushRequest, authorization};
use crate::session::Google;

/// What a token is wanted for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";

/// The kind of what is shown for it.
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// How long an assertion holds.
const ASSERTION_LIFE: Duration = Duration::from_secs(60 * 60);

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// A token, and how long it holds.
pub(crate) struct AccessToken {
    header: HeaderValue,
    made: Timestamp,
    expires: Timestamp,
}

impl Google {
    /// The value of `Authorization`: that of the last token, unless it is too old or was not taken (`stale`).
    pub(crate) async fn authorization(
        &self,
        client: &reqwest::Client,
        config: &PushConfig,
        deadline: Deadline,
        stale: Option<&HeaderValue>,
    ) -> Result<HeaderValue, DeliveryError> {
        let mut access = self.access.lock().await;
        let now = config.host.now();
        if let Some(token) = access.as_ref().filter(|token| token.holds(now))
            && stale != Some(&token.header)
        {
            return Ok(token.header.clone());
        }
        let token = asked_for(&self.account, client, config, deadline).await?;
        Ok(access.insert(token).header.clone())
    }
}

impl AccessToken {
    fn holds(&self, now: Timestamp) -> bool {
        self.made <= now && now + MARGIN < self.expires
    }
}

async fn asked_for(
    account: &ServiceAccount,
    client: &reqwest::Client,
    config: &PushConfig,
    deadline: Deadline,
) -> Result<AccessToken, DeliveryError> {
    #[derive(Deserialize)]
    struct Granted {
        access_token: String,
        expires_in: Option<u64>,
    }

    let now = config.host.now();
    let answer = post(client, config, request(account, now)?, deadline).await?;
    let granted = serde_json::from_slice::<Granted>(&answer.body).ok().filter(|_| (200..=299).contains(&answer.status));
    let Some(Granted { access_token, expires_in }) = granted else { return Err(classify::fcm::no_access(&answer)) };
    let life = expires_in.map_or(ASSERTION_LIFE, Duration::from_secs);
    Ok(AccessToken { header: authorization(&format!("Bearer {access_token}"))?, made: now, expires: now + life })
}

/// The request for a token. Where to ask stands in the service account, which is somebody else's text.
fn request(account: &ServiceAccount, now: Timestamp) -> Result<PushRequest, DeliveryError> {
    let target = Target::parse(&account.token_uri, &["https", "http"]).ok();
    let target = target.filter(|target| target.url().username().is_empty()).ok_or_else(|| {
        DeliveryError::reject(Kind::Unauthorized, "the service account's token_uri is not a URL to post to")
    })?;
    let seconds = |time: Timestamp| time.unix_ms() / 1000;
    let header = match &account.key_id {
        Some(id) => json!({ "alg": "RS256", "typ": "JWT", "kid": id }),
        None => json!({ "alg": "RS256", "typ": "JWT" }),
    };
    let claims = json!({
        "iss": account.client_email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": seconds(now),
        "exp": seconds(now + ASSERTION_LIFE),
    });
    let assertion = jwt::rs256(&account.key, &header, &claims).map_err(classify::unsigned)?;
    let body =
        Serializer::new(String::new()).append_pair("grant_type", GRANT).append_pair("assertion", &assertion).finish();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    Ok(PushRequest { url: target.into_url(), headers, body: body.into() })
}
