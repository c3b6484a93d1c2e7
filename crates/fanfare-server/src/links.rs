//! The pages behind the links in messages: confirm a subscription, end one, fetch the signing certificate.
//!
//! They are the two operations that Amazon SNS offers without a signature, and they answer with Amazon SNS's XML.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fanfare::wire::Signer;
use fanfare::{Fanfare, Host as _, SnsError, SnsErrorCode, SubscriptionArn, SystemHost, TopicArn};
use url::form_urlencoded;

/// The name space of Amazon SNS's answers.
const XMLNS: &str = "http://sns.amazonaws.com/doc/2010-03-31/";

/// The pages behind the links in messages of `fanfare`, signed by `signer`.
///
/// - `GET /?Action=ConfirmSubscription&TopicArn=...&Token=...`
/// - `GET /?Action=Unsubscribe&SubscriptionArn=...`: ends the subscription and tells its endpoint how to restore it.
/// - `GET /SimpleNotificationService-<32 hex>.pem`: the certificate whose key signs the messages.
pub fn router(fanfare: Fanfare, signer: Signer) -> Router {
    let pages = Arc::new(Pages { fanfare, signer });
    Router::new().route("/", get(act)).route("/{file}", get(certificate)).with_state(pages)
}

#[derive(Debug)]
struct Pages {
    fanfare: Fanfare,
    signer: Signer,
}

/// The parameters of a link. Of a repeated one the first counts.
#[derive(Debug, Default)]
struct Link {
    action: Option<String>,
    topic: Option<String>,
    token: Option<String>,
    subscription: Option<String>,
    authenticate: Option<String>,
}

impl Link {
    fn parse(query: &str) -> Self {
        let mut link = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "Action" => &mut link.action,
                "TopicArn" => &mut link.topic,
                "Token" => &mut link.token,
                "SubscriptionArn" => &mut link.subscription,
                "AuthenticateOnUnsubscribe" => &mut link.authenticate,
                _ => continue,
            };
            slot.get_or_insert_with(|| value.into_owned());
        }
        link
    }
}

async fn act(method: Method, State(pages): State<Arc<Pages>>, RawQuery(query): RawQuery) -> Response {
    // Whoever merely looks whether a link works does not mean to follow it.
    if method == Method::HEAD {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET")]).into_response();
    }
    let link = Link::parse(&query.unwrap_or_default());
    let answer = match link.action.as_deref() {
        Some("ConfirmSubscription") => pages.confirm(&link).await,
        Some("Unsubscribe") => pages.unsubscribe(&link).await,
        Some(_) | None => Err(SnsError::invalid_parameter(
            "Action Reason: a link confirms a subscription (ConfirmSubscription) or ends one (Unsubscribe)",
        )),
    };
    let request_id = request_id();
    let (status, body) = match answer {
        Ok(answer) => (StatusCode::OK, answer.to_xml(&request_id)),
        Err(error) => (status_of(error.code()), error_xml(&error, &request_id)),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

async fn certificate(State(pages): State<Arc<Pages>>, Path(file): Path<String>) -> Response {
    match pages.signer.certificate().await {
        Ok(certificate) if certificate.file_name() == file => {
            ([(header::CONTENT_TYPE, "application/x-pem-file")], certificate.pem().to_owned()).into_response()
        }
        Ok(_) => (StatusCode::NOT_FOUND, "there is no such file here\n").into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the certificate cannot be made\n").into_response(),
    }
}

/// What a link did.
#[derive(Debug)]
enum Answer {
    Confirmed(SubscriptionArn),
    Unsubscribed,
}

impl Pages {
    async fn confirm(&self, link: &Link) -> Result<Answer, SnsError> {
        if link.authenticate.as_deref() == Some("true") {
            return Err(SnsError::new(
                SnsErrorCode::AuthorizationError,
                "AuthenticateOnUnsubscribe needs a signed request, and a link is not signed",
            ));
        }
        let topic = TopicArn::parse(link.topic.as_deref().unwrap_or_default())
            .map_err(|_| SnsError::invalid_parameter("Topic"))?;
        let token = link.token.as_deref().unwrap_or_default();
        self.fanfare.confirm_subscription(&topic, token).await.map(Answer::Confirmed)
    }

    async fn unsubscribe(&self, link: &Link) -> Result<Answer, SnsError> {
        let Some(subscription) = &link.subscription else {
            return Err(SnsError::invalid_parameter("SubscriptionArn Reason: no value for required parameter"));
        };
        self.fanfare.unsubscribe_by_link(&SubscriptionArn::parse(subscription)?).await?;
        Ok(Answer::Unsubscribed)
    }
}

impl Answer {
    fn to_xml(&self, request_id: &str) -> String {
        let (operation, result) = match self {
            Self::Confirmed(arn) => (
                "ConfirmSubscription",
                format!(
                    "<ConfirmSubscriptionResult><SubscriptionArn>{}</SubscriptionArn></ConfirmSubscriptionResult>",
                    escaped(arn.as_str())
                ),
            ),
            Self::Unsubscribed => ("Unsubscribe", String::new()),
        };
        format!(
            "<{operation}Response xmlns=\"{XMLNS}\">{result}<ResponseMetadata><RequestId>{request_id}</RequestId>\
             </ResponseMetadata></{operation}Response>\n"
        )
    }
}

fn error_xml(error: &SnsError, request_id: &str) -> String {
    let kind = if error.code().http_status() < 500 { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{XMLNS}\"><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{request_id}</RequestId></ErrorResponse>\n",
        error.code().as_str(),
        escaped(error.message())
    )
}

fn status_of(code: SnsErrorCode) -> StatusCode {
    StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A text as it may stand in XML. Characters that XML cannot carry become U+FFFD.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '&' => xml.push_str("&amp;"),
            '"' => xml.push_str("&quot;"),
            '\t' | '\n' | '\r' => xml.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => xml.push('\u{FFFD}'),
            c => xml.push(c),
        }
    }
    xml
}

/// A random UUID.
fn request_id() -> String {
    let mut bytes = [0; 16];
    SystemHost.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_escaped_in_its_xml() {
        let error = SnsError::invalid_parameter("<a> & \"b\"\u{1}");
        assert_eq!(
            error_xml(&error, "r"),
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
             <Code>InvalidParameter</Code><Message>Invalid parameter: &lt;a&gt; &amp; &quot;b&quot;\u{FFFD}</Message>\
             </Error><RequestId>r</RequestId></ErrorResponse>\n"
        );
    }

    #[test]
    fn an_answer_without_a_result_has_no_result_element() {
        assert_eq!(
            Answer::Unsubscribed.to_xml("r"),
            "<UnsubscribeResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><ResponseMetadata>\
             <RequestId>r</RequestId></ResponseMetadata></UnsubscribeResponse>\n"
        );
    }
}
