//! Amazon SNS's operations over HTTP, for SDKs and the AWS CLI: topics, subscriptions, publishing, tags,
//! phones and devices.
//!
//! [`router`] is the door. Each request goes the same way: who calls ([`auth`]), what is asked for
//! ([`query`](crate::query)), the operation itself (`topics`, `subscriptions`, `publish`, `tags`), and the answer in XML.
//!
//! A caller works on the topics of one account in one region: the account of the access key, and the region that the request is
//! signed for. With topics of other accounts it does what their policies allow ([`access`](crate::access)). What this server does
//! not have, an operation or an attribute, it refuses by name.

mod admitted;
mod call;
mod data_protection;
mod direct;
mod large_messages;
mod operations;
mod paging;
mod permissions;
mod platform_applications;
mod platform_endpoints;
mod publish;
mod publish_batch;
mod refusal;
mod replay_policy;
mod response;
mod sms;
mod sms_sandbox;
mod subscription_attributes;
mod subscriptions;
mod tags;
mod topic_attributes;
mod topics;

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use fanfare::wire::Signer;
use fanfare::{Fanfare, TraceContext};
use http_body_util::LengthLimitError;

use crate::access::Policy;
use crate::admin;
use crate::auth::{self, Mode, PublicHost};
use crate::data_protection::DataProtection;
use crate::links::Pages;
use crate::mobile::{Mobile, MobileSettings};
use crate::observe::Told;
use crate::pages::Page;
use crate::query::{Answer, Request};
use crate::readings::Readings;

use call::Call;

pub(crate) use call::account_principal;
pub(crate) use refusal::Refusal;
pub(crate) use response::response;
pub(crate) use subscription_attributes::endpoint;

/// The most bytes that the body of a request may have: enough for the largest message (1 MiB), all of it percent-encoded.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves the topics of `fanfare`, whose messages `signer` signs, to callers that `mode` lets in.
///
/// - Operations come by POST or GET, at `/` or any other path.
/// - The unsigned GETs behind the links in messages are answered as [`links`](crate::links) has them, and so is the
///   certificate, `SimpleNotificationService-<32 hex>.pem` at any path.
/// - The pages with a button behind the links in e-mails lie there, too, at any path that ends in their names.
/// - `GET /healthz` answers 200 while the server runs.
/// - What goes beyond Amazon SNS lies under [`admin::BASE`].
///
/// Bodies are limited to [`BODY_BYTES_MAX`].
pub fn router(fanfare: Fanfare, signer: Signer, mode: Mode) -> Router {
    router_with(fanfare, signer, mode, Mobile::new(MobileSettings::new()), DataProtection::new())
}

/// As [`router`], with phones and devices as `mobile` has them, and data protection policies that hold for deliveries too: the
/// guards of both ([`Mobile::guard`], [`DataProtection::guard`]) belong before the connectors of `fanfare`, to which this binds
/// them.
pub fn router_with(fanfare: Fanfare, signer: Signer, mode: Mode, mobile: Mobile, protection: DataProtection) -> Router {
    mobile.bind(&fanfare);
    protection.bind(&fanfare);
    let pages = Pages::new(fanfare.clone(), signer);
    let api = Arc::new(Api { fanfare, mode, pages, mobile, protection, policies: Readings::default() });
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        // What is served beside the operations stands there; what is not, is not there.
        .route("/_fanfare/{*path}", any(async || StatusCode::NOT_FOUND))
        .fallback(serve)
        .with_state(Arc::clone(&api))
        .merge(admin::router(api))
}

/// What every operation works with.
#[derive(Debug)]
pub(crate) struct Api {
    fanfare: Fanfare,
    mode: Mode,
    pages: Pages,
    mobile: Mobile,
    protection: DataProtection,
    policies: Readings<Policy>,
}

async fn serve(State(api): State<Arc<Api>>, request: axum::extract::Request) -> Response {
    let (head, body) = request.into_parts();
    if let Some(page) = Page::at(head.uri.path()) {
        return page.answer(&api.pages, &head.method, head.uri.query(), body).await;
    }
    if head.method != Method::GET && head.method != Method::POST {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, POST")]).into_response();
    }
    if head.method == Method::GET
        && let Some((_, file)) = head.uri.path().rsplit_once('/')
        && !file.is_empty()
        && head.uri.query().is_none()
    {
        return api.pages.certificate(file).await;
    }
    let mut told = Told::default();
    let done = api.answer(&head, body, &mut told).await;
    if let Err(refusal) = &done {
        told.refused(refusal.code(), refusal.message());
    }
    let mut response = response(done);
    response.extensions_mut().insert(told);
    response
}

impl Api {
    async fn answer(&self, head: &Parts, body: Body, told: &mut Told) -> Result<Answer, Refusal> {
        let body = read(head, body).await?;
        let request = Request::parse(head.uri.query(), &body)?;
        if is_link(head, &request) {
            let answer = self.pages.follow(&request).await?;
            told.asks_for(answer.operation());
            return Ok(answer);
        }
        if matches!(self.mode, Mode::Off(_)) {
            refuse_foreign_pages(head)?;
        }
        let caller = self.mode.caller(&auth::Request::new(head, &body), SystemTime::now())?;
        told.comes_from(caller.account());
        let operation = operations::operation(&request)?;
        told.asks_for(operation);
        self.operate(&Call { api: self, operation, caller: &caller, request: &request, trace: trace(head) }).await
    }

    async fn operate(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        match call.operation {
            "CreateTopic" => self.create_topic(call).await,
            "DeleteTopic" => self.delete_topic(call).await,
            "ListTopics" => self.list_topics(call),
            "GetTopicAttributes" => self.get_topic_attributes(call).await,
            "SetTopicAttributes" => self.set_topic_attributes(call).await,
            "AddPermission" => self.add_permission(call).await,
            "RemovePermission" => self.remove_permission(call).await,
            "PutDataProtectionPolicy" => self.put_data_protection_policy(call).await,
            "GetDataProtectionPolicy" => self.get_data_protection_policy(call),
            "Publish" => self.publish(call).await,
            "PublishBatch" => self.publish_batch(call).await,
            "Subscribe" => self.subscribe(call).await,
            "ConfirmSubscription" => self.confirm_subscription(call).await,
            "Unsubscribe" => self.unsubscribe(call).await,
            "ListSubscriptions" => self.list_subscriptions(call),
            "ListSubscriptionsByTopic" => self.list_subscriptions_by_topic(call),
            "GetSubscriptionAttributes" => self.get_subscription_attributes(call),
            "SetSubscriptionAttributes" => self.set_subscription_attributes(call).await,
            "TagResource" => self.tag_resource(call).await,
            "UntagResource" => self.untag_resource(call).await,
            "ListTagsForResource" => self.list_tags_for_resource(call),
            "CreatePlatformApplication" => self.create_platform_application(call).await,
            "DeletePlatformApplication" => self.delete_platform_application(call).await,
            "GetPlatformApplicationAttributes" => self.get_platform_application_attributes(call).await,
            "SetPlatformApplicationAttributes" => self.set_platform_application_attributes(call).await,
            "ListPlatformApplications" => self.list_platform_applications(call).await,
            "CreatePlatformEndpoint" => self.create_platform_endpoint(call).await,
            "DeleteEndpoint" => self.delete_endpoint(call).await,
            "GetEndpointAttributes" => self.get_endpoint_attributes(call).await,
            "SetEndpointAttributes" => self.set_endpoint_attributes(call).await,
            "ListEndpointsByPlatformApplication" => self.list_endpoints_by_platform_application(call).await,
            "SetSMSAttributes" => self.set_sms_attributes(call).await,
            "GetSMSAttributes" => self.get_sms_attributes(call).await,
            "CheckIfPhoneNumberIsOptedOut" => self.check_if_phone_number_is_opted_out(call).await,
            "ListPhoneNumbersOptedOut" => self.list_phone_numbers_opted_out(call).await,
            "OptInPhoneNumber" => self.opt_in_phone_number(call).await,
            "ListOriginationNumbers" => self.list_origination_numbers(call),
            "GetSMSSandboxAccountStatus" => Ok(self.get_sms_sandbox_account_status(call)),
            "CreateSMSSandboxPhoneNumber" => self.create_sms_sandbox_phone_number(call).await,
            "VerifySMSSandboxPhoneNumber" => self.verify_sms_sandbox_phone_number(call).await,
            "DeleteSMSSandboxPhoneNumber" => self.delete_sms_sandbox_phone_number(call).await,
            "ListSMSSandboxPhoneNumbers" => self.list_sms_sandbox_phone_numbers(call).await,
            other => Err(operations::not_here(other)),
        }
    }
}

/// The trace that a request says it is part of. Of a header that comes twice nothing can be believed, but for `tracestate`, whose
/// parts may come one by one.
fn trace(head: &Parts) -> TraceContext {
    let values = |name: &str| -> Vec<&str> {
        head.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    };
    let state = values("tracestate").join(",");
    let mut trace = TraceContext::new();
    if let [parent] = values("traceparent")[..] {
        trace = trace.w3c(parent, Some(state.as_str()));
    }
    if let [header] = values("x-amzn-trace-id")[..] {
        trace = trace.xray(header);
    }
    trace
}

/// Who calls what stands beside the operations, and the whole body of the request, under the checks that operations have.
pub(crate) async fn admit(mode: &Mode, head: &Parts, body: Body) -> Result<(auth::Caller, Bytes), Refusal> {
    let body = read(head, body).await?;
    if matches!(mode, Mode::Off(_)) {
        refuse_foreign_pages(head)?;
    }
    let caller = mode.caller(&auth::Request::new(head, &body), SystemTime::now())?;
    Ok((caller, body))
}

/// The whole body, unless it is too long or too slow.
async fn read(head: &Parts, body: Body) -> Result<Bytes, Refusal> {
    let too_long = || {
        let message = format!("The body must have at most {BODY_BYTES_MAX} bytes");
        Refusal::new("RequestEntityTooLarge", StatusCode::PAYLOAD_TOO_LARGE.as_u16(), message)
    };
    let stated = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > BODY_BYTES_MAX as u64) {
        return Err(too_long());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if error.source().is_some_and(|source| source.is::<LengthLimitError>()) => Err(too_long()),
        // Its chunks are none. A body that breaks off ends here too, but then nobody reads the answer.
        Ok(Err(_)) => {
            Err(Refusal::new("MalformedHttpRequest", StatusCode::BAD_REQUEST.as_u16(), "The body cannot be read"))
        }
        Err(_) => Err(Refusal::new("RequestTimeout", 408, "The body did not arrive in time")),
    }
}

/// Refuses what a web page of another origin sends through its reader's browser, which no signature keeps out.
fn refuse_foreign_pages(head: &Parts) -> Result<(), Refusal> {
    match PublicHost::is_foreign(head) {
        false => Ok(()),
        true => Err(Refusal::new(
            "AuthorizationError",
            StatusCode::FORBIDDEN.as_u16(),
            "Web pages may not call a server that checks no signatures: start it with a key",
        )),
    }
}

/// Whether somebody follows a link from a message: one of the two operations that need no signature, and there is none.
fn is_link(head: &Parts, request: &Request) -> bool {
    let signed = head.headers.contains_key(header::AUTHORIZATION)
        || ["X-Amz-Signature", "X-Amz-Credential", "X-Amz-Algorithm"].iter().any(|part| request.has(part));
    head.method == Method::GET && !signed && matches!(request.action(), Some("ConfirmSubscription" | "Unsubscribe"))
}
