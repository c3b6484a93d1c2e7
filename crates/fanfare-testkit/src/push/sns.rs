//! A stand-in for Amazon SNS, as far as publishing to endpoints goes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::form_urlencoded;

use crate::http_receiver::{HttpReceiver, ReceivedRequest, Reply};

/// The most bytes of a message.
const MESSAGE_BYTES_MAX: usize = 262_144;

/// Takes what is published to endpoints, as the query protocol of Amazon SNS writes it. Every endpoint exists unless it is
/// deleted or disabled.
pub struct SnsReceiver {
    http: HttpReceiver,
    sns: Arc<Sns>,
}

#[derive(Default)]
struct Sns {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    publications: Vec<SnsPublication>,
    deleted: Vec<String>,
    disabled: Vec<String>,
}

/// A message as Amazon SNS took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnsPublication {
    /// `TargetArn`.
    pub target: String,
    /// `Message`.
    pub message: String,
    /// `MessageStructure`.
    pub structure: Option<String>,
    /// Name, type and value of each attribute.
    pub attributes: Vec<(String, String, String)>,
    /// The region that the request was signed for.
    pub region: String,
}

impl SnsReceiver {
    /// Opens one at a free port.
    pub async fn start() -> Self {
        let receiver = Self { http: HttpReceiver::start().await, sns: Arc::default() };
        receiver.refuse(|_| None);
        receiver
    }

    /// What to give an SDK as endpoint URL.
    pub fn url(&self) -> String {
        self.http.url("")
    }

    /// The receiver underneath, to count requests, to go away or to behave badly.
    pub fn http(&self) -> &HttpReceiver {
        &self.http
    }

    /// Answers properly from now on, but those messages that `error` has a status and a code for are refused.
    pub fn refuse(&self, error: impl Fn(&SnsPublication) -> Option<(u16, String)> + Send + Sync + 'static) {
        let sns = Arc::clone(&self.sns);
        self.http.reply_with(Reply::by(move |request| sns.answer(request, &error)));
    }

    /// From now on there is no such endpoint.
    pub fn delete(&self, endpoint: &str) {
        self.sns.state().deleted.push(endpoint.to_owned());
    }

    /// From now on the endpoint is disabled.
    pub fn disable(&self, endpoint: &str) {
        self.sns.state().disabled.push(endpoint.to_owned());
    }

    /// What was taken, in order.
    pub fn publications(&self) -> Vec<SnsPublication> {
        self.sns.state().publications.clone()
    }
}

impl fmt::Debug for SnsReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnsReceiver({})", self.url())
    }
}

/// A refusal as Amazon SNS writes it.
pub fn sns_error(status: u16, code: &str) -> Reply {
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    answer(
        status,
        &format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{fault}</Type><Code>{code}</Code>\
             <Message>This is {code}.</Message></Error><RequestId>b25f48e8-84fd-11e6-80d9-574e0c4664cb</RequestId>\
             </ErrorResponse>"
        ),
    )
}

fn answer(status: u16, body: &str) -> Reply {
    Reply::status(status)
        .header("Content-Type", "text/xml")
        .header("x-amzn-RequestId", "b25f48e8-84fd-11e6-80d9-574e0c4664cb")
        .body(body.to_owned())
}

impl Sns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest, error: &impl Fn(&SnsPublication) -> Option<(u16, String)>) -> Reply {
        let Some(region) = request.header("authorization").and_then(signed_region) else {
            return sns_error(403, "MissingAuthenticationToken");
        };
        let Some(publication) = decoded(&request.body, region) else { return sns_error(400, "InvalidAction") };
        if publication.message.is_empty() || publication.message.len() > MESSAGE_BYTES_MAX {
            return sns_error(400, "InvalidParameter");
        }
        if let Some((status, code)) = error(&publication) {
            return sns_error(status, &code);
        }
        let mut state = self.state();
        if state.deleted.contains(&publication.target) {
            return sns_error(404, "NotFound");
        }
        if state.disabled.contains(&publication.target) {
            return sns_error(400, "EndpointDisabled");
        }
        let id = format!("00000000-0000-4000-8000-{:012}", state.publications.len());
        state.publications.push(publication);
        answer(
            200,
            &format!(
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}</MessageId>\
                 </PublishResult><ResponseMetadata><RequestId>b25f48e8-84fd-11e6-80d9-574e0c4664cb</RequestId>\
                 </ResponseMetadata></PublishResponse>"
            ),
        )
    }
}

/// The region in `Credential=<key>/<date>/<region>/sns/aws4_request`.
fn signed_region(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
    match scope.split(['/', ',', ' ']).collect::<Vec<_>>()[..] {
        [_, _, region, "sns", "aws4_request", ..] => Some(region),
        _ => None,
    }
}

fn decoded(body: &[u8], region: &str) -> Option<SnsPublication> {
    let form: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    if field("Action")? != "Publish" {
        return None;
    }
    let attribute = |number: usize| {
        let of = |rest: &str| field(&format!("MessageAttributes.entry.{number}.{rest}"));
        let value = of("Value.StringValue").or_else(|| of("Value.BinaryValue"))?;
        Some((of("Name")?, of("Value.DataType")?, value))
    };
    let mut attributes: Vec<_> = (1..).map_while(attribute).collect();
    attributes.sort();
    Some(SnsPublication {
        target: field("TargetArn")?,
        message: field("Message")?,
        structure: field("MessageStructure"),
        attributes,
        region: region.to_owned(),
    })
}
