//! Signatures of an independent implementation, over sockets: those that count, and what is done to them on the way.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use fanfare::Fanfare;
use fanfare::wire::Signer;
use fanfare_server::api;
use fanfare_server::auth::{Keys, Mode};
use tokio::net::TcpListener;

const LIST: &str = "Action=ListTopics&Version=2010-03-31";

/// Signatures count for 15 minutes before and after their time.
const NEAR: Duration = Duration::from_secs(14 * 60);
const FAR: Duration = Duration::from_secs(16 * 60);

/// A server that knows one key.
struct Server {
    base: String,
    client: reqwest::Client,
}

impl Server {
    async fn start() -> Self {
        let keys = Keys::new().with_key("AKIDEXAMPLE", "a-secret", "123456789012").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = api::router(Fanfare::in_memory(), Signer::ephemeral(), Mode::SigV4(keys));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// A POST of `form`, signed in its headers at `time` with `secret`.
    fn signed(&self, form: &str, secret: &str, time: SystemTime) -> http::Request<String> {
        let request = http::Request::post(format!("{}/", self.base));
        let request =
            request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned()).unwrap();
        signed(request, secret, time, SigningSettings::default())
    }

    /// A GET that is signed in its query string at `time`, for as long as `expires_in` says.
    fn presigned(&self, query: &str, time: SystemTime, expires_in: Duration) -> http::Request<String> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(expires_in);
        let request = http::Request::get(format!("{}/?{query}", self.base)).body(String::new()).unwrap();
        signed(request, "a-secret", time, settings)
    }

    /// The status, and the code of the refusal or else nothing.
    async fn answer(&self, request: &http::Request<String>) -> (u16, String) {
        let response = self.client.execute(request.clone().try_into().unwrap()).await.unwrap();
        let (status, xml) = (response.status().as_u16(), response.text().await.unwrap());
        let document = roxmltree::Document::parse(&xml).unwrap();
        let code = document.descendants().find(|node| node.tag_name().name() == "Code");
        (status, code.and_then(|code| code.text()).unwrap_or_default().to_owned())
    }
}

fn signed(
    mut request: http::Request<String>,
    secret: &str,
    time: SystemTime,
    settings: SigningSettings,
) -> http::Request<String> {
    let identity = Credentials::new("AKIDEXAMPLE", secret, None, None, "test").into();
    let parameters = v4::SigningParams::builder().identity(&identity).region("eu-west-1").name("sns").time(time);
    let parameters = parameters.settings(settings).build().unwrap().into();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let body = SignableBody::Bytes(request.body().as_bytes());
    let signable = SignableRequest::new(request.method().as_str(), request.uri().to_string(), headers, body).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}

fn good() -> (u16, String) {
    (200, String::new())
}

fn refused(code: &str) -> (u16, String) {
    (403, code.to_owned())
}

fn expired() -> (u16, String) {
    (400, "RequestExpired".to_owned())
}

#[tokio::test]
async fn a_signature_counts_near_its_time_and_as_often_as_it_comes() {
    let (server, now) = (Server::start().await, SystemTime::now());
    for time in [now, now - NEAR, now + NEAR] {
        let request = server.signed(LIST, "a-secret", time);
        // As with Amazon SNS, whoever can repeat a request word for word can do so while its signature counts.
        for _ in 0..3 {
            assert_eq!(server.answer(&request).await, good());
        }
    }
    for time in [now - FAR, now + FAR] {
        assert_eq!(server.answer(&server.signed(LIST, "a-secret", time)).await, expired());
    }
}

#[tokio::test]
async fn a_request_that_was_changed_after_it_was_signed_is_refused() {
    let (server, now) = (Server::start().await, SystemTime::now());
    let mismatch = refused("SignatureDoesNotMatch");
    assert_eq!(server.answer(&server.signed(LIST, "another", now)).await, mismatch);
    let sent = server.signed(LIST, "a-secret", now);
    assert_eq!(server.answer(&sent).await, good());

    let mut body = sent.clone();
    *body.body_mut() = "Action=CreateTopic&Name=mine&Version=2010-03-31".to_owned();
    assert_eq!(server.answer(&body).await, mismatch);
    let mut query = sent.clone();
    *query.uri_mut() = format!("{}/?Action=CreateTopic&Name=mine", server.base).parse().unwrap();
    assert_eq!(server.answer(&query).await, mismatch);
    let mut method = sent.clone();
    *method.method_mut() = http::Method::GET;
    assert_eq!(server.answer(&method).await, mismatch);
    let mut date = sent.clone();
    let later = server.signed(LIST, "a-secret", now + Duration::from_secs(60));
    date.headers_mut().insert("x-amz-date", later.headers()["x-amz-date"].clone());
    assert_eq!(server.answer(&date).await, mismatch);
    let mut region = sent.clone();
    let authorization = sent.headers()["authorization"].to_str().unwrap().replace("eu-west-1", "us-east-1");
    region.headers_mut().insert("authorization", authorization.parse().unwrap());
    assert_eq!(server.answer(&region).await, mismatch);
    let mut key = sent.clone();
    let authorization = sent.headers()["authorization"].to_str().unwrap().replace("AKIDEXAMPLE", "AKIDUNKNOWN");
    key.headers_mut().insert("authorization", authorization.parse().unwrap());
    assert_eq!(server.answer(&key).await, refused("InvalidClientTokenId"));
    let mut bare = sent.clone();
    bare.headers_mut().remove("authorization");
    assert_eq!(server.answer(&bare).await, refused("MissingAuthenticationToken"));
    // Nothing of this made a topic.
    let response = server.client.execute(sent.try_into().unwrap()).await.unwrap();
    assert!(!response.text().await.unwrap().contains(":mine"));
}

#[tokio::test]
async fn a_presigned_address_counts_until_it_expires() {
    let (server, now) = (Server::start().await, SystemTime::now());
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
    for _ in 0..2 {
        assert_eq!(server.answer(&server.presigned(LIST, now, minute)).await, good());
    }
    assert_eq!(server.answer(&server.presigned(LIST, now - hour, 2 * hour)).await, good());
    assert_eq!(server.answer(&server.presigned(LIST, now - hour, minute)).await, expired());
    for (was, is) in [("ListTopics", "ListSubscriptions"), ("X-Amz-Expires=60", "X-Amz-Expires=3600")] {
        let mut tampered = server.presigned(LIST, now, minute);
        let uri = tampered.uri().to_string();
        assert!(uri.contains(was), "{uri}");
        *tampered.uri_mut() = uri.replace(was, is).parse().unwrap();
        assert_eq!(server.answer(&tampered).await, refused("SignatureDoesNotMatch"), "{is}");
    }
}
