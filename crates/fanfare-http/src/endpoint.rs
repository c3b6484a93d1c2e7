//! One subscriber's URL.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use fanfare_core::{DeliveryError, DeliveryErrorKind, Endpoint, Limits, Notification, Outcome, Protocol};
use fanfare_wire::Renderer;
use http::header::{AUTHORIZATION, HeaderMap};
use url::{Position, Url};

use crate::auth::{Credentials, Session};
use crate::classify;
use crate::exchange::{Deadline, Destination, Exchanged, Exchanger};
use crate::request;

/// A URL that notifications are posted to.
///
/// `Display` is the URL without user and password.
pub(crate) struct HttpEndpoint {
    pub(crate) protocol: Protocol,
    /// Without user and password.
    pub(crate) url: Url,
    pub(crate) destination: Destination,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) renderer: Renderer,
    pub(crate) exchanger: Arc<Exchanger>,
    /// How the last request that was let in authenticated itself. Held for a look or a change, never across a wait.
    pub(crate) session: Mutex<Option<Arc<Session>>>,
}

#[async_trait]
impl Endpoint for HttpEndpoint {
    fn protocol(&self) -> Protocol {
        self.protocol.clone()
    }

    fn limits(&self) -> Limits {
        Limits::ONE.within(self.exchanger.attempt_timeout())
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        // A literal address meets no name service: it is judged here, before each attempt.
        self.exchanger.egress().check_url(&self.url).map_err(classify::denied)?;
        let body = self.renderer.body(notification).await.map_err(classify::unrendered)?;
        let headers = request::headers(notification)?;
        let deadline = self.exchanger.deadline();

        if self.credentials.is_none() {
            // Whoever cannot say who is asking asks once.
            let request = self.destination.request(headers, body);
            return self.exchanger.post(&self.destination, request, deadline).await?.outcome();
        }
        // Apart, so that those who need no second request have no room for it in them.
        Box::pin(self.deliver_as_somebody(headers, body, deadline)).await
    }
}

impl HttpEndpoint {
    /// Posts with credentials, and once more when the receiver wants them in another way.
    async fn deliver_as_somebody(&self, headers: HeaderMap, body: Bytes, deadline: Deadline) -> Outcome {
        let known = self.session();
        let first = self.post(headers.clone(), &body, known.as_deref(), deadline).await?;
        if !first.is_unauthorized() {
            return first.outcome();
        }
        let Some(agreed) = self.agree(&first, known.as_deref()) else {
            self.remember(None);
            return first.outcome();
        };
        let second = self.post(headers, &body, Some(&agreed), deadline).await?;
        self.remember((!second.is_unauthorized()).then(|| Arc::new(agreed)));
        second.outcome()
    }

    async fn post(
        &self,
        mut headers: HeaderMap,
        body: &Bytes,
        session: Option<&Session>,
        deadline: Deadline,
    ) -> Result<Exchanged, DeliveryError> {
        if let (Some(session), Some(credentials)) = (session, &self.credentials) {
            let target = &self.url[Position::BeforePath..Position::AfterQuery];
            let authorization = session.authorize(credentials, "POST", target).ok_or_else(|| {
                DeliveryError::reject(
                    DeliveryErrorKind::Unauthorized,
                    "the endpoint's user name, or what its receiver asks for, cannot stand in a header",
                )
            })?;
            headers.insert(AUTHORIZATION, authorization);
        }
        let request = self.destination.request(headers, body.clone());
        self.exchanger.post(&self.destination, request, deadline).await
    }

    /// How to answer a 401, where there are credentials and an answer that may be taken.
    fn agree(&self, unauthorized: &Exchanged, known: Option<&Session>) -> Option<Session> {
        self.credentials.as_ref()?;
        let agreed = Session::agree(unauthorized.offers(), self.exchanger.host())?;
        known.is_none_or(|known| agreed.differs_from(known)).then_some(agreed)
    }

    fn session(&self) -> Option<Arc<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, session: Option<Arc<Session>>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = session;
    }
}

impl fmt::Display for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

impl fmt::Debug for HttpEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpEndpoint({})", self.url)
    }
}
