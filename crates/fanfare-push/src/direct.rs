//! The direct way: to the push service that a device belongs to.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_core::{DeliveryError, Notification, Outcome};
use http::header::AUTHORIZATION;

use crate::classify::{self, Answer};
use crate::client::{any_version, http2};
use crate::config::{ConfigError, PushConfig};
use crate::device::Device;
use crate::exchange::{Deadline, post};
use crate::request::web_push::{self, Subscriber};
use crate::request::{apns, fcm};
use crate::session::{AppleKey, Google, Session, Sessions, Web};
use crate::tls::Tls;

/// Delivers to devices; all endpoints share one.
pub(crate) struct Direct {
    pub(crate) config: PushConfig,
    /// Made by the first delivery, since it takes a while. Held for a look or a change, never across a wait.
    clients: Mutex<Option<Arc<Clients>>>,
    sessions: Sessions,
}

/// What requests are made with.
pub(crate) struct Clients {
    pub(crate) tls: Tls,
    any_version: reqwest::Client,
    http2: reqwest::Client,
}

impl Clients {
    fn new(config: &PushConfig) -> Result<Self, ConfigError> {
        let tls = Tls::new(&config.trust)?;
        let (any_version, http2) = (any_version(config, &tls)?, http2(config, &tls, None)?);
        Ok(Self { tls, any_version, http2 })
    }
}

impl Direct {
    pub(crate) fn new(config: PushConfig) -> Result<Self, ConfigError> {
        config.check()?;
        Ok(Self { config, clients: Mutex::default(), sessions: Sessions::default() })
    }

    fn clients(&self) -> Result<Arc<Clients>, DeliveryError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*clients {
            return Ok(Arc::clone(made));
        }
        let made = Arc::new(Clients::new(&self.config).map_err(classify::no_client)?);
        Ok(Arc::clone(clients.insert(made)))
    }

    /// Tries once to deliver to `device`, before `deadline`.
    pub(crate) async fn deliver(&self, device: &Device, notification: &Notification, deadline: Deadline) -> Outcome {
        let clients = self.clients()?;
        let session = self.sessions.of(&device.application, &self.config, &clients.tls)?;
        match &*session {
            Session::AppleKey(key) => self.to_apple_by_key(&clients.http2, key, device, notification, deadline).await,
            Session::AppleCertificate { client, bundle_id } => {
                let request = self.for_apple(device, bundle_id, notification)?;
                classify::apns::outcome(&post(client, &self.config, request, deadline).await?)
            }
            Session::Google(google) => {
                self.to_google(&clients.any_version, google, device, notification, deadline).await
            }
            Session::Web(web) => self.to_browser(&clients.any_version, web, device, notification, deadline).await,
        }
    }

    fn for_apple(
        &self,
        device: &Device,
        bundle_id: &str,
        notification: &Notification,
    ) -> Result<crate::request::PushRequest, DeliveryError> {
        let platform = device.application.platform();
        let base = apns::base(platform, self.config.apns_url.as_ref());
        apns::request(&base, platform, &device.token, bundle_id, notification, self.config.host.now())
    }

    /// A token that has expired meanwhile is made anew, once.
    async fn to_apple_by_key(
        &self,
        client: &reqwest::Client,
        key: &AppleKey,
        device: &Device,
        notification: &Notification,
        deadline: Deadline,
    ) -> Outcome {
        let ask = async |stale| {
            let mut request = self.for_apple(device, &key.bundle_id, notification)?;
            let authorization = key.authorization(self.config.host.now(), stale)?;
            request.headers.insert(AUTHORIZATION, authorization.clone());
            let answer = post(client, &self.config, request, deadline).await?;
            Ok::<_, DeliveryError>((answer, authorization))
        };
        let (answer, authorization) = ask(None).await?;
        if !classify::apns::is_stale(&answer) {
            return classify::apns::outcome(&answer);
        }
        let (answer, _) = ask(Some(&authorization)).await?;
        classify::apns::outcome(&answer)
    }

    /// An access token that is not taken any more is asked for anew, once.
    async fn to_google(
        &self,
        client: &reqwest::Client,
        google: &Google,
        device: &Device,
        notification: &Notification,
        deadline: Deadline,
    ) -> Outcome {
        let config = &self.config;
        let ask = async |stale| {
            let base = fcm::base(config.fcm_url.as_ref());
            let project = &google.account.project_id;
            let mut request = fcm::request(&base, project, &device.token, notification, config.host.now())?;
            let token = google.authorization(client, config, deadline, stale);
            let authorization = deadline.or_too_slow(token).await?;
            request.headers.insert(AUTHORIZATION, authorization.clone());
            let answer: Answer = post(client, config, request, deadline).await?;
            Ok::<_, DeliveryError>((answer, authorization))
        };
        let (answer, authorization) = ask(None).await?;
        if !classify::fcm::is_stale(&answer) {
            return classify::fcm::outcome(&answer);
        }
        let (answer, _) = ask(Some(&authorization)).await?;
        classify::fcm::outcome(&answer)
    }

    async fn to_browser(
        &self,
        client: &reqwest::Client,
        web: &Web,
        device: &Device,
        notification: &Notification,
        deadline: Deadline,
    ) -> Outcome {
        let subscriber = Subscriber::parse(&device.token).map_err(web_push::unreadable)?;
        let (host, now) = (&*self.config.host, self.config.host.now());
        let mut request = web_push::request(&subscriber, notification, host, now)?;
        let origin = subscriber.endpoint.origin().ascii_serialization();
        request.headers.insert(AUTHORIZATION, web.authorization(&origin, now)?);
        classify::web_push::outcome(&post(client, &self.config, request, deadline).await?)
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direct").field("config", &self.config).field("sessions", &self.sessions).finish_non_exhaustive()
    }
}
