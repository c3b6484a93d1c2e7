//! The pages behind the links in e-mails: a button that confirms a subscription, or ends one.
//!
//! Programs that look through e-mails follow the links in them. So a GET shows a page and changes nothing, and only the POST of
//! its button acts. The links of Amazon SNS's API act on a GET, as there; see [`links`](crate::links).

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use fanfare::subscription::SubscriptionState;
use fanfare::wire::{CONFIRMATION_PAGE, UNSUBSCRIBE_PAGE};
use fanfare::{Destination, SnsError, SnsErrorCode, SubscriptionArn, TopicArn};

use crate::links::Pages;
use crate::query::Request;

mod html;

use html::Content;

/// The most bytes that a button sends, or a mail program (`List-Unsubscribe=One-Click`).
const BODY_BYTES_MAX: usize = 16 << 10;

/// How long a client may take to send them.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// A page with a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// `/confirmation.html?TopicArn=...&Token=...&Endpoint=...`
    Confirmation,
    /// `/unsubscribe.html?SubscriptionArn=...&Endpoint=...`
    Unsubscribe,
}

impl Page {
    /// The page at `path`, whatever a proxy in front has left before its name.
    pub(crate) fn at(path: &str) -> Option<Self> {
        if path.ends_with(CONFIRMATION_PAGE) {
            Some(Self::Confirmation)
        } else if path.ends_with(UNSUBSCRIBE_PAGE) {
            Some(Self::Unsubscribe)
        } else {
            None
        }
    }

    /// Shows the page, or does what its button says.
    pub(crate) async fn answer(self, pages: &Pages, method: &Method, query: Option<&str>, body: Body) -> Response {
        let link = match Request::parse(query, b"") {
            Ok(link) => link,
            Err(error) => return shown(StatusCode::BAD_REQUEST, &broken(&error)),
        };
        let content = match (*method == Method::POST, self) {
            (true, _) if !was_read(body).await => return StatusCode::PAYLOAD_TOO_LARGE.into_response(),
            (true, Self::Confirmation) => confirmed(pages, &link).await,
            (true, Self::Unsubscribe) => ended(pages, &link).await,
            (false, _) if *method != Method::GET && *method != Method::HEAD => {
                return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD, POST")]).into_response();
            }
            (false, Self::Confirmation) => ask_to_confirm(&link),
            (false, Self::Unsubscribe) => ask_to_end(pages, &link),
        };
        match content {
            Ok(content) => shown(StatusCode::OK, &content),
            Err(error) => {
                let status = StatusCode::from_u16(error.code().http_status());
                shown(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &broken(&error))
            }
        }
    }
}

/// Whether the body came to its end, which says no more than that there was a POST.
async fn was_read(body: Body) -> bool {
    matches!(tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await, Ok(Ok(_)))
}

fn ask_to_confirm(link: &Request) -> Result<Content, SnsError> {
    let topic = topic(link)?;
    if link.text("Token").unwrap_or_default().is_empty() {
        return Err(SnsError::invalid_parameter("Token"));
    }
    Ok(Content {
        title: "Do you want these messages?".to_owned(),
        lines: vec!["Somebody asked for the messages of this topic to be sent to this address.".to_owned()],
        facts: facts(&topic, address(link)),
        button: Some("Yes, send them to me".to_owned()),
        last: Some("If you do not want them, close this page. Nothing is sent without your yes.".to_owned()),
    })
}

async fn confirmed(pages: &Pages, link: &Request) -> Result<Content, SnsError> {
    pages.confirm(link).await?;
    Ok(Content {
        title: "You are subscribed".to_owned(),
        lines: vec!["Messages of this topic are sent to you from now on.".to_owned()],
        facts: facts(&topic(link)?, address(link)),
        button: None,
        last: Some("Each of them has a link with which you can end it.".to_owned()),
    })
}

fn ask_to_end(pages: &Pages, link: &Request) -> Result<Content, SnsError> {
    let (arn, address, state) = subscription(pages, link)?;
    if state != Some(SubscriptionState::Confirmed) {
        return Ok(Content { button: None, last: None, ..farewell(&arn, address) });
    }
    Ok(Content {
        title: "No more messages?".to_owned(),
        lines: vec!["Messages of this topic are sent to this address.".to_owned()],
        facts: facts(&arn.topic(), address),
        button: Some("Send me no more".to_owned()),
        last: Some("If you want to go on getting them, close this page.".to_owned()),
    })
}

async fn ended(pages: &Pages, link: &Request) -> Result<Content, SnsError> {
    let (arn, address, state) = subscription(pages, link)?;
    pages.unsubscribe(link).await?;
    // Who had ended it before was told then.
    let last = (state == Some(SubscriptionState::Confirmed))
        .then(|| "If that was not meant: a last message brings you a link with which you can undo it.".to_owned());
    Ok(Content { last, ..farewell(&arn, address) })
}

fn farewell(arn: &SubscriptionArn, address: Option<String>) -> Content {
    Content {
        title: "You get no more messages".to_owned(),
        lines: vec!["No messages of this topic are sent to this address by this subscription.".to_owned()],
        facts: facts(&arn.topic(), address),
        button: None,
        last: None,
    }
}

/// The subscription of a link that fits it: its address, where it has one, and its state, unless it is forgotten.
fn subscription(
    pages: &Pages,
    link: &Request,
) -> Result<(SubscriptionArn, Option<String>, Option<SubscriptionState>), SnsError> {
    let arn = SubscriptionArn::parse(link.text("SubscriptionArn").unwrap_or_default())?;
    let Ok(known) = pages.fanfare().subscription(&arn) else { return Ok((arn, None, None)) };
    let address = match known.destination() {
        Destination::Address { address, .. } => Some(address.clone()),
        _ => None,
    };
    if link.text("Endpoint").is_some_and(|given| address.as_deref() != Some(given)) {
        return Err(SnsError::invalid_parameter("Endpoint"));
    }
    // The address of a subscriber by HTTP may hold a password.
    Ok((arn, address.filter(|_| link.text("Endpoint").is_some()), Some(known.state())))
}

fn topic(link: &Request) -> Result<TopicArn, SnsError> {
    TopicArn::parse(link.text("TopicArn").unwrap_or_default()).map_err(|_| SnsError::invalid_parameter("Topic"))
}

/// The address in a link, if it looks like one: whoever makes up a link cannot make the page say something.
fn address(link: &Request) -> Option<String> {
    let is_address = |text: &&str| {
        text.len() <= 254
            && text.split('@').count() == 2
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"/".contains(c))
    };
    link.text("Endpoint").filter(is_address).map(str::to_owned)
}

fn facts(topic: &TopicArn, address: Option<String>) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Topic", topic.to_string())];
    facts.extend(address.map(|address| ("Address", address)));
    facts
}

fn broken(error: &SnsError) -> Content {
    let what = match error.code() {
        SnsErrorCode::InvalidParameter | SnsErrorCode::NotFound => {
            "The link is not complete, or too old. Look whether all of it was copied, or ask for another one."
        }
        SnsErrorCode::AuthorizationError => "Only the owner can do this, and a link does not show who you are.",
        _ => "Please try again in a few minutes.",
    };
    Content {
        title: "That did not work".to_owned(),
        lines: vec![what.to_owned()],
        facts: vec![("Reason", error.message().to_owned())],
        button: None,
        last: None,
    }
}

/// The page with the headers that keep it to itself: it loads nothing, is framed by nobody, sends no address on and stays in
/// no cache.
fn shown(status: StatusCode, content: &Content) -> Response {
    let name = HeaderName::from_static;
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, html::policy()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::X_FRAME_OPTIONS, "DENY".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (name("x-robots-tag"), "noindex".to_owned()),
    ];
    (status, headers, content.html()).into_response()
}
