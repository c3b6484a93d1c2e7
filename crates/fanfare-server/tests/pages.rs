//! The pages behind the links in e-mails: a look changes nothing, the button acts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

use std::net::SocketAddr;

use axum::Router;
use fanfare::subscription::SubscriptionState;
use fanfare::wire::{Links, Signer};
use fanfare::{Connectors, Fanfare, Limits, NotificationKind, Owner, Protocol, Subscribe, SubscriptionArn, TopicArn};
use fanfare_server::auth::Mode;
use fanfare_server::{api, links};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint};
use reqwest::{Client, Method, Response, StatusCode};
use tokio::net::TcpListener;

const ADDRESS: &str = "ann+a@example.com";

/// A pending subscription of an address, and the pages.
struct Scene {
    fanfare: Fanfare,
    mailbox: ScriptedEndpoint,
    topic: TopicArn,
    subscription: SubscriptionArn,
    links: Links,
    client: Client,
}

impl Scene {
    async fn new(router: impl FnOnce(Fanfare, Signer) -> Router, path: &str) -> Self {
        let connector = ScriptedConnector::new(Protocol::Email, Limits::ONE);
        let mailbox = connector.endpoint(ADDRESS);
        let fanfare = Fanfare::builder().connectors(Connectors::new().with(connector)).open();
        let addr = serve(router(fanfare.clone(), Signer::ephemeral())).await;
        let topic = fanfare.create_topic("orders").await.unwrap();
        let subscription = fanfare.subscribe(&topic, Subscribe::to(Protocol::Email, ADDRESS)).await.unwrap();
        let links = Links::new(&format!("http://{addr}{path}")).unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { fanfare, mailbox, topic, subscription, links, client }
    }

    /// With the pages alone, as a program that embeds the engine serves them.
    async fn with_links() -> Self {
        Self::new(links::router, "").await
    }

    /// The link in the e-mail number `count`.
    async fn confirmation(&self, count: usize) -> String {
        let attempts = self.mailbox.wait_for(count).await;
        match attempts[count - 1].notification.kind() {
            NotificationKind::SubscriptionConfirmation { token }
            | NotificationKind::UnsubscribeConfirmation { token } => {
                self.links.confirmation_page_url(&self.topic, token, ADDRESS)
            }
            other => panic!("it asks for nothing: {other:?}"),
        }
    }

    fn end(&self) -> String {
        self.links.unsubscribe_page_url(&self.subscription, ADDRESS)
    }

    async fn confirm(&self) {
        let url = self.confirmation(1).await;
        assert_eq!(self.request(Method::POST, &url).await.status(), StatusCode::OK);
        assert_eq!(self.state(), Some(SubscriptionState::Confirmed));
    }

    async fn request(&self, method: Method, url: &str) -> Response {
        self.client.request(method, url).send().await.unwrap()
    }

    fn state(&self) -> Option<SubscriptionState> {
        self.fanfare.subscription(&self.subscription).ok().map(|subscription| subscription.state())
    }

    fn is_pending(&self) -> bool {
        matches!(self.state(), Some(SubscriptionState::Pending { .. }))
    }

    fn has_ended(&self) -> bool {
        matches!(self.state(), None | Some(SubscriptionState::Ended { .. }))
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

#[tokio::test]
async fn a_look_at_a_link_confirms_nothing_and_the_button_confirms() {
    let scene = Scene::with_links().await;
    let url = scene.confirmation(1).await;
    for method in [Method::GET, Method::HEAD, Method::GET] {
        assert_eq!(scene.request(method, &url).await.status(), StatusCode::OK);
    }
    assert!(scene.is_pending());
    let page = scene.request(Method::GET, &url).await.text().await.unwrap();
    for part in ["<form method=\"post\"><button", "arn:aws:sns:us-east-1:000000000000:orders", ADDRESS] {
        assert!(page.contains(part), "{part} is not on {page}");
    }
    let done = scene.request(Method::POST, &url).await;
    assert_eq!(done.status(), StatusCode::OK);
    assert!(done.text().await.unwrap().contains("You are subscribed"));
    assert_eq!(scene.state(), Some(SubscriptionState::Confirmed));
    assert_eq!(scene.request(Method::POST, &url).await.status(), StatusCode::OK, "again is no error");
}

#[tokio::test]
async fn a_look_at_a_link_ends_nothing_and_the_button_ends_and_the_way_back_works() {
    let scene = Scene::with_links().await;
    scene.confirm().await;
    let page = scene.request(Method::GET, &scene.end()).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(page.text().await.unwrap().contains("<form method=\"post\"><button"));
    assert_eq!(scene.state(), Some(SubscriptionState::Confirmed));

    let done = scene.request(Method::POST, &scene.end()).await.text().await.unwrap();
    assert!(done.contains("You get no more messages") && done.contains("undo"), "{done}");
    assert!(scene.has_ended());
    let again = scene.request(Method::GET, &scene.end()).await.text().await.unwrap();
    assert!(again.contains("You get no more messages") && !again.contains("<button"), "{again}");

    let back = scene.confirmation(2).await;
    assert_eq!(scene.request(Method::POST, &back).await.status(), StatusCode::OK);
    assert_eq!(scene.state(), Some(SubscriptionState::Confirmed));
}

#[tokio::test]
async fn one_click_of_a_mail_program_ends_a_subscription() {
    let scene = Scene::with_links().await;
    scene.confirm().await;
    let form = scene.client.post(scene.end()).header("Content-Type", "application/x-www-form-urlencoded");
    let done = form.body("List-Unsubscribe=One-Click").send().await.unwrap();
    assert_eq!(done.status(), StatusCode::OK);
    assert!(scene.has_ended());
}

#[tokio::test]
async fn the_server_of_the_api_has_the_pages_too_also_behind_a_path() {
    for path in ["", "/aws/sns"] {
        let router = |fanfare, signer| api::router(fanfare, signer, Mode::Off(Owner::default()));
        let scene = Scene::new(router, path).await;
        let url = scene.confirmation(1).await;
        assert_eq!(scene.request(Method::GET, &url).await.status(), StatusCode::OK);
        assert!(scene.is_pending());
        scene.confirm().await;
        assert_eq!(scene.request(Method::POST, &scene.end()).await.status(), StatusCode::OK);
        assert!(scene.has_ended());
    }
}

#[tokio::test]
async fn the_pages_load_nothing_are_framed_by_nobody_and_stay_in_no_cache() {
    let scene = Scene::with_links().await;
    let url = scene.confirmation(1).await;
    let page = scene.request(Method::GET, &url).await;
    let header = |name: &str| page.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html; charset=utf-8");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    let policy = header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn whoever_makes_up_a_link_cannot_make_the_page_say_something() {
    let scene = Scene::with_links().await;
    let base = scene.links.base();
    for (query, status) in [
        ("TopicArn=arn:aws:sns:us-east-1:000000000000:orders&Token=ab&Endpoint=<script>alert(1)</script>@x", 200),
        ("TopicArn=arn:aws:sns:us-east-1:000000000000:orders&Token=ab&Endpoint=call%200800%20@x", 200),
        ("TopicArn=<script>alert(1)</script>&Token=ab", 400),
        ("TopicArn=arn:aws:sns:us-east-1:000000000000:orders", 400),
        ("", 400),
    ] {
        let page = scene.request(Method::GET, &format!("{base}/confirmation.html?{query}")).await;
        assert_eq!(page.status(), status, "{query}");
        let text = page.text().await.unwrap();
        assert!(!text.contains("<script") && !text.contains("0800"), "{text}");
    }
}

#[tokio::test]
async fn a_link_that_fits_nothing_is_answered_in_words_and_changes_nothing() {
    let scene = Scene::with_links().await;
    scene.confirm().await;
    let base = scene.links.base();
    let stranger = scene.links.unsubscribe_page_url(&scene.subscription, "bob@example.com");
    for (method, url, status) in [
        (Method::POST, scene.links.confirmation_page_url(&scene.topic, "abcdef", ADDRESS), StatusCode::BAD_REQUEST),
        (Method::POST, stranger.clone(), StatusCode::BAD_REQUEST),
        (Method::GET, stranger, StatusCode::BAD_REQUEST),
        (Method::POST, format!("{base}/unsubscribe.html"), StatusCode::BAD_REQUEST),
        (Method::GET, format!("{base}/unsubscribe.html?SubscriptionArn=%3Cb%3E"), StatusCode::BAD_REQUEST),
        (Method::PUT, scene.end(), StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, scene.end(), StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answer = scene.request(method.clone(), &url).await;
        assert_eq!(answer.status(), status, "{method} {url}");
        let text = answer.text().await.unwrap();
        assert!(status == StatusCode::METHOD_NOT_ALLOWED || text.contains("That did not work"), "{text}");
        assert!(!text.contains("<b>"), "{text}");
    }
    let long = scene.client.post(scene.end()).body(vec![b'x'; 20_000]).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(scene.state(), Some(SubscriptionState::Confirmed));
}
