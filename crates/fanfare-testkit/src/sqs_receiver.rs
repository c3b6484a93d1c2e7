//! Queues on loopback: a small SQS that takes messages, records them, and refuses what it is told to.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use crate::http_receiver::{HttpReceiver, ReceivedRequest, Reply};

/// What every request to SQS has before its action.
const TARGET: &str = "AmazonSQS.";

/// Queues of any name, on a loopback port of their own, which speak the JSON protocol of SQS as far as sending goes.
///
/// Every queue exists unless it is [`SqsReceiver::delete`]d. Requests that do not look like those of an SDK are answered
/// with an error, and what is taken is decoded from the wire.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_testkit::SqsReceiver;
///
/// let queues = SqsReceiver::start().await;
/// assert!(queues.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(queues.messages("orders"), []);
/// # });
/// ```
pub struct SqsReceiver {
    http: HttpReceiver,
    queues: Arc<Queues>,
}

#[derive(Default)]
struct Queues {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: Vec<QueuedMessage>,
    deleted: Vec<String>,
}

/// A message as a queue took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedMessage {
    /// The queue's name.
    pub queue: String,
    /// The body.
    pub body: String,
    /// Name, type and value of each attribute; of binary ones, the value in base64.
    pub attributes: Vec<(String, String, String)>,
    /// `MessageGroupId`.
    pub group_id: Option<String>,
    /// `MessageDeduplicationId`.
    pub deduplication_id: Option<String>,
    /// The system attribute `AWSTraceHeader`.
    pub trace_header: Option<String>,
    /// The region that the request was signed for.
    pub region: String,
}

impl QueuedMessage {
    /// The envelope in the body.
    ///
    /// # Panics
    /// When the body is not JSON.
    pub fn envelope(&self) -> Value {
        serde_json::from_str(&self.body).expect("the body is an envelope")
    }
}

impl SqsReceiver {
    /// Opens queues at a free port.
    pub async fn start() -> Self {
        Self::serve(HttpReceiver::start().await)
    }

    /// Opens queues at an address where some were before.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub async fn start_at(addr: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::serve(HttpReceiver::start_at(addr).await?))
    }

    fn serve(http: HttpReceiver) -> Self {
        let receiver = Self { http, queues: Arc::default() };
        receiver.refuse_messages(|_| false);
        receiver
    }

    /// What to give an SDK as endpoint URL.
    pub fn url(&self) -> String {
        self.http.url("")
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.http.addr()
    }

    /// The HTTP receiver underneath, to count requests, to go away, or to behave badly.
    pub fn http(&self) -> &HttpReceiver {
        &self.http
    }

    /// Answers properly from now on, and refuses the messages for which `is_refused` as those with characters that no queue
    /// takes; others of the same batch are taken.
    pub fn refuse_messages(&self, is_refused: impl Fn(&QueuedMessage) -> bool + Send + Sync + 'static) {
        let queues = Arc::clone(&self.queues);
        self.http.reply_with(Reply::by(move |request| queues.answer(request, &is_refused)));
    }

    /// From now on there is no queue of this name.
    pub fn delete(&self, queue: &str) {
        self.queues.state().deleted.push(queue.to_owned());
    }

    /// What the queue has taken, in order.
    pub fn messages(&self, queue: &str) -> Vec<QueuedMessage> {
        let state = self.queues.state();
        state.messages.iter().filter(|message| message.queue == queue).cloned().collect()
    }
}

impl fmt::Debug for SqsReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqsReceiver({})", self.url())
    }
}

/// A refusal as SQS writes it: the status and the body.
pub fn sqs_error(status: u16, code: &str) -> Reply {
    let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": format!("This is {code}.") });
    answer(status, &body)
}

fn answer(status: u16, body: &Value) -> Reply {
    Reply::status(status)
        .header("Content-Type", "application/x-amz-json-1.0")
        .header("x-amzn-RequestId", "b25f48e8-84fd-11e6-80d9-574e0c4664cb")
        .body(body.to_string())
}

impl Queues {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest, is_refused: &impl Fn(&QueuedMessage) -> bool) -> Reply {
        let action = request.header("x-amz-target").and_then(|target| target.strip_prefix(TARGET));
        let is_json = request.header("content-type") == Some("application/x-amz-json-1.0");
        let region = request.header("authorization").and_then(signed_region);
        let (Some(action), Some(region), true) = (action, region, is_json && request.target == "/") else {
            return sqs_error(400, "MissingAction");
        };
        let body = request.json();
        let queue = body["QueueUrl"].as_str().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
        if self.state().deleted.iter().any(|deleted| deleted == queue) {
            return sqs_error(400, "QueueDoesNotExist");
        }
        match action {
            "SendMessage" => {
                let message = decoded(queue, region, &body);
                if is_refused(&message) {
                    return sqs_error(400, "InvalidMessageContents");
                }
                answer(200, &self.take(message))
            }
            "SendMessageBatch" => {
                let (mut successful, mut failed) = (Vec::new(), Vec::new());
                for entry in body["Entries"].as_array().into_iter().flatten() {
                    let (id, message) = (entry["Id"].clone(), decoded(queue, region, entry));
                    if is_refused(&message) {
                        failed.push(json!({ "Id": id, "SenderFault": true, "Code": "InvalidMessageContents" }));
                    } else {
                        let mut taken = self.take(message);
                        taken["Id"] = id;
                        successful.push(taken);
                    }
                }
                answer(200, &json!({ "Successful": successful, "Failed": failed }))
            }
            _ => sqs_error(400, "UnsupportedOperation"),
        }
    }

    /// Keeps a message and says what SQS says of it.
    fn take(&self, message: QueuedMessage) -> Value {
        let md5: String = Md5::digest(&message.body).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut state = self.state();
        let id = format!("00000000-0000-4000-8000-{:012}", state.messages.len());
        state.messages.push(message);
        json!({ "MessageId": id, "MD5OfMessageBody": md5 })
    }
}

/// The region in `Credential=<key>/<date>/<region>/sqs/aws4_request`.
fn signed_region(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
    match scope.split(['/', ',', ' ']).collect::<Vec<_>>()[..] {
        [_, _, region, "sqs", "aws4_request", ..] => Some(region),
        _ => None,
    }
}

fn decoded(queue: &str, region: &str, message: &Value) -> QueuedMessage {
    let text = |key: &str| message[key].as_str().map(str::to_owned);
    let attributes = message["MessageAttributes"].as_object().into_iter().flatten().map(|(name, attribute)| {
        let value = attribute.get("StringValue").or(attribute.get("BinaryValue")).and_then(Value::as_str);
        let data_type = attribute["DataType"].as_str().unwrap_or_default();
        (name.clone(), data_type.to_owned(), value.unwrap_or_default().to_owned())
    });
    QueuedMessage {
        queue: queue.to_owned(),
        body: text("MessageBody").unwrap_or_default(),
        attributes: attributes.collect(),
        group_id: text("MessageGroupId"),
        deduplication_id: text("MessageDeduplicationId"),
        trace_header: message["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"].as_str().map(str::to_owned),
        region: region.to_owned(),
    }
}
