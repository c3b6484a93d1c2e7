//! The pages behind the links in messages: confirm a subscription, end one, fetch the signing certificate.
//!
//! They are the two operations that Amazon SNS offers without a signature, and they answer with Amazon SNS's XML.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use fanfare::wire::Signer;
use fanfare::{Fanfare, SnsError, SnsErrorCode, SubscriptionArn, TopicArn};

use crate::api::{Refusal, response};
use crate::pages::Page;
use crate::query::{self, Answer, Members};

/// The pages behind the links in messages of `fanfare`, signed by `signer`.
///
/// - `GET /?Action=ConfirmSubscription&TopicArn=...&Token=...`
/// - `GET /?Action=Unsubscribe&SubscriptionArn=...`: ends the subscription and tells its endpoint how to restore it.
/// - `/confirmation.html?TopicArn=...&Token=...&Endpoint=...` and `/unsubscribe.html?SubscriptionArn=...&Endpoint=...`: what the
///   links in e-mails lead to. GET shows a page with a button, and POST does what it says; for `unsubscribe.html` that is also
///   the one click of mail programs (RFC 8058).
/// - `GET /SimpleNotificationService-<32 hex>.pem`: the certificate whose key signs the messages.
pub fn router(fanfare: Fanfare, signer: Signer) -> Router {
    let pages = Arc::new(Pages::new(fanfare, signer));
    Router::new().route("/", get(act)).route("/{file}", any(file)).with_state(pages)
}

/// What the pages are made from.
#[derive(Debug)]
pub(crate) struct Pages {
    fanfare: Fanfare,
    signer: Signer,
}

async fn act(method: Method, State(pages): State<Arc<Pages>>, RawQuery(query): RawQuery) -> Response {
    // Whoever merely looks whether a link works does not mean to follow it.
    if method == Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let answer = match query::Request::parse(query.as_deref(), b"") {
        Ok(link) => pages.follow(&link).await,
        Err(error) => Err(error),
    };
    response(answer.map_err(Refusal::from))
}

async fn file(State(pages): State<Arc<Pages>>, Path(file): Path<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    match Page::at(head.uri.path()) {
        Some(page) => page.answer(&pages, &head.method, head.uri.query(), body).await,
        None if head.method == Method::GET || head.method == Method::HEAD => pages.certificate(&file).await,
        None => (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")]).into_response(),
    }
}

impl Pages {
    pub(crate) fn new(fanfare: Fanfare, signer: Signer) -> Self {
        Self { fanfare, signer }
    }

    pub(crate) fn fanfare(&self) -> &Fanfare {
        &self.fanfare
    }

    /// The certificate, if that is the file's name.
    pub(crate) async fn certificate(&self, file: &str) -> Response {
        match self.signer.certificate().await {
            Ok(certificate) if certificate.file_name() == file => {
                ([(header::CONTENT_TYPE, "application/x-pem-file")], certificate.pem().to_owned()).into_response()
            }
            Ok(_) => (StatusCode::NOT_FOUND, "there is no such file here\n").into_response(),
            Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the certificate cannot be made\n").into_response(),
        }
    }

    /// Does what a link asks for.
    pub(crate) async fn follow(&self, link: &query::Request) -> Result<Answer, SnsError> {
        match link.action() {
            Some("ConfirmSubscription") => self.confirm(link).await,
            Some("Unsubscribe") => self.unsubscribe(link).await,
            Some(_) | None => Err(SnsError::invalid_parameter(
                "Action Reason: a link confirms a subscription (ConfirmSubscription) or ends one (Unsubscribe)",
            )),
        }
    }

    /// Confirms the subscription that the link's token is for.
    pub(crate) async fn confirm(&self, link: &query::Request) -> Result<Answer, SnsError> {
        if link.text("AuthenticateOnUnsubscribe") == Some("true") {
            return Err(SnsError::new(
                SnsErrorCode::AuthorizationError,
                "AuthenticateOnUnsubscribe needs a signed request, and a link is not signed",
            ));
        }
        let topic = TopicArn::parse(link.text("TopicArn").unwrap_or_default())
            .map_err(|_| SnsError::invalid_parameter("Topic"))?;
        let token = link.text("Token").unwrap_or_default();
        let subscription = self.fanfare.confirm_subscription(&topic, token).await?;
        let result = Members::new().text("SubscriptionArn", subscription.as_str());
        Ok(Answer::with_result("ConfirmSubscription", result))
    }

    /// Ends the link's subscription.
    pub(crate) async fn unsubscribe(&self, link: &query::Request) -> Result<Answer, SnsError> {
        let Some(subscription) = link.text("SubscriptionArn") else {
            return Err(SnsError::invalid_parameter("SubscriptionArn Reason: no value for required parameter"));
        };
        self.fanfare.unsubscribe_by_link(&SubscriptionArn::parse(subscription)?).await?;
        Ok(Answer::without_result("Unsubscribe"))
    }
}
