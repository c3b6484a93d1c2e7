//! Functions on loopback: a small Lambda that takes asynchronous invocations and records them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::http_receiver::{HttpReceiver, ReceivedRequest, Reply};

/// What stands before and after a function's name in the path of a request.
const PATH: (&str, &str) = ("/2015-03-31/functions/", "/invocations");

/// Functions of any name, on a loopback port of their own, which take what Lambda's Invoke takes.
///
/// Every function exists unless it is [`LambdaReceiver::delete`]d. Requests that do not look like those of an SDK are
/// answered with an error, and what is taken is decoded from the wire.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use fanfare_testkit::LambdaReceiver;
///
/// let functions = LambdaReceiver::start().await;
/// assert!(functions.url().starts_with("http://127.0.0.1:"));
/// assert_eq!(functions.invocations("thumbnails"), []);
/// # });
/// ```
pub struct LambdaReceiver {
    http: HttpReceiver,
    functions: Arc<Functions>,
}

#[derive(Default)]
struct Functions {
    /// Held for a look or a change, never across a wait.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    invocations: Vec<Invocation>,
    deleted: Vec<String>,
}

/// An invocation as Lambda took it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The function as the request names it: an ARN or a plain name.
    pub named: String,
    /// The function's plain name.
    pub function: String,
    /// The version or alias, be it in the ARN or beside the name.
    pub qualifier: Option<String>,
    /// The event.
    pub event: Value,
    /// The region that the request was signed for.
    pub region: String,
    /// `X-Amzn-Trace-Id`.
    pub trace_header: Option<String>,
}

impl LambdaReceiver {
    /// Opens functions at a free port.
    pub async fn start() -> Self {
        Self::serve(HttpReceiver::start().await)
    }

    /// Opens functions at an address where some were before.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub async fn start_at(addr: SocketAddr) -> std::io::Result<Self> {
        Ok(Self::serve(HttpReceiver::start_at(addr).await?))
    }

    fn serve(http: HttpReceiver) -> Self {
        let receiver = Self { http, functions: Arc::default() };
        receiver.refuse_events(|_| false);
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

    /// Answers properly from now on, and refuses the events for which `is_refused`.
    pub fn refuse_events(&self, is_refused: impl Fn(&Invocation) -> bool + Send + Sync + 'static) {
        let functions = Arc::clone(&self.functions);
        self.http.reply_with(Reply::by(move |request| functions.answer(request, &is_refused)));
    }

    /// From now on there is no function of this plain name.
    pub fn delete(&self, function: &str) {
        self.functions.state().deleted.push(function.to_owned());
    }

    /// What the function of this plain name was invoked with, in order.
    pub fn invocations(&self, function: &str) -> Vec<Invocation> {
        let state = self.functions.state();
        state.invocations.iter().filter(|invocation| invocation.function == function).cloned().collect()
    }
}

impl fmt::Debug for LambdaReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LambdaReceiver({})", self.url())
    }
}

/// A refusal as Lambda writes it: the status, the code in a header, and a body that explains.
pub fn lambda_error(status: u16, code: &str) -> Reply {
    Reply::status(status)
        .header("Content-Type", "application/json")
        .header("x-amzn-ErrorType", code)
        .header("x-amzn-RequestId", "b25f48e8-84fd-11e6-80d9-574e0c4664cb")
        .body(json!({ "Type": "User", "Message": format!("This is {code}.") }).to_string())
}

impl Functions {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &ReceivedRequest, is_refused: &impl Fn(&Invocation) -> bool) -> Reply {
        let Some(invocation) = decoded(request) else {
            return lambda_error(400, "InvalidParameterValueException");
        };
        if self.state().deleted.contains(&invocation.function) {
            return lambda_error(404, "ResourceNotFoundException");
        }
        if is_refused(&invocation) {
            return lambda_error(400, "InvalidRequestContentException");
        }
        self.state().invocations.push(invocation);
        Reply::status(202).header("x-amzn-RequestId", "b25f48e8-84fd-11e6-80d9-574e0c4664cb")
    }
}

/// An asynchronous invocation with an event; nothing when the request is something else.
fn decoded(request: &ReceivedRequest) -> Option<Invocation> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let named = percent_decoded(path.strip_prefix(PATH.0)?.strip_suffix(PATH.1)?)?;
    let is_event = request.method == "POST" && request.header("x-amz-invocation-type") == Some("Event");
    let region = signed_region(request.header("authorization")?)?.to_owned();
    if !is_event {
        return None;
    }
    let (function, inside) = match named.split(':').collect::<Vec<_>>()[..] {
        [name] => (name.to_owned(), None),
        ["arn", _, "lambda", _, _, "function", name] => (name.to_owned(), None),
        ["arn", _, "lambda", _, _, "function", name, qualifier] => (name.to_owned(), Some(qualifier.to_owned())),
        _ => return None,
    };
    let beside = query.split('&').find_map(|pair| pair.strip_prefix("Qualifier=")).and_then(percent_decoded);
    Some(Invocation {
        qualifier: inside.or(beside),
        event: serde_json::from_slice(&request.body).ok()?,
        trace_header: request.header("x-amzn-trace-id").map(str::to_owned),
        named,
        function,
        region,
    })
}

/// The region in `Credential=<key>/<date>/<region>/lambda/aws4_request`.
fn signed_region(authorization: &str) -> Option<&str> {
    let (_, scope) = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
    match scope.split(['/', ',', ' ']).collect::<Vec<_>>()[..] {
        [_, _, region, "lambda", "aws4_request", ..] => Some(region),
        _ => None,
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let (first, rest) = text.split_once('%').unwrap_or((text, ""));
    let mut decoded = first.as_bytes().to_vec();
    for part in rest.split('%').filter(|part| !part.is_empty()) {
        decoded.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        decoded.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(decoded).ok()
}
