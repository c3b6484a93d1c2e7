//! The JSON API as its clients call it: over a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;
use std::time::{Duration, Instant};

use fanfare::egress::EgressPolicy;
use fanfare::wire::Signer;
use fanfare::{Adapters, Fanfare, Owner, Protocol, Subscribe, TopicArn};
use fanfare_server::auth::{Keys, Mode};
use fanfare_server::{admin, api};
use fanfare_testkit::{HttpReceiver, Reply};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A server on loopback, with a subscriber that answers 200 unless told otherwise.
struct Server {
    base: String,
    client: reqwest::Client,
    receiver: HttpReceiver,
    fanfare: Fanfare,
}

impl Server {
    async fn start_with(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let signer = Signer::ephemeral();
        let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse().unwrap());
        let adapters = Adapters::new(&base).unwrap().signer(signer.clone()).egress(egress);
        let builder = Fanfare::builder().connectors(adapters.connectors().unwrap()).fifo_over_any_protocol();
        let fanfare = builder.open();
        let router = api::router(fanfare.clone(), signer, mode);
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { base, client, receiver: HttpReceiver::start().await, fanfare }
    }

    /// A server that believes everybody.
    async fn start() -> Self {
        Self::start_with(Mode::Off(Owner::default())).await
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/fanfare/v1{path}", self.base))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        answer(self.request(Method::POST, path).body(body.to_string())).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        answer(self.request(Method::DELETE, path)).await
    }

    async fn topic(&self, name: &str) {
        assert_eq!(self.post("/topics", &json!({ "name": name })).await.0, 201);
    }

    /// Subscribes the receiver's `path`, confirmed, and answers the path of the subscription.
    async fn subscribed(&self, topic: &str, path: &str, attributes: Value) -> String {
        let (id, pending) = self.pending(topic, path, attributes).await;
        assert_eq!(pending["state"], "pending");
        let place = format!("/topics/{topic}/subscriptions/{id}");
        let (status, confirmed) = self.post(&format!("{place}/confirm"), &json!({})).await;
        assert_eq!((status, &confirmed["state"]), (200, &json!("confirmed")));
        place
    }

    async fn pending(&self, topic: &str, path: &str, attributes: Value) -> (String, Value) {
        let asked = json!({ "protocol": "http", "endpoint": self.receiver.url(path), "attributes": attributes });
        let (status, view) = self.post(&format!("/topics/{topic}/subscriptions"), &asked).await;
        assert_eq!(status, 201, "{view}");
        // The request to confirm waits in the same queue.
        let id = view["id"].as_str().unwrap();
        let place = format!("/topics/{topic}/subscriptions/{id}");
        self.until(&place, |shown| shown["waiting"] == 0).await;
        (id.to_owned(), view)
    }

    /// What a path answers, once it is as it should be.
    async fn until(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let (status, shown) = self.get(path).await;
            assert_eq!(status, 200, "{shown}");
            if is_so(&shown) {
                return shown;
            }
            assert!(Instant::now() < deadline, "it stays so: {shown}");
            tokio::task::yield_now().await;
        }
    }

    async fn publish(&self, topic: &str, message: Value) -> String {
        let (status, published) = self.post(&format!("/topics/{topic}/messages"), &message).await;
        assert_eq!(status, 201, "{published}");
        published["message_id"].as_str().unwrap().to_owned()
    }

    /// What became of a message at the one subscription of its topic, once it is `outcome`.
    async fn explained(&self, message_id: &str, outcome: &str) -> Value {
        let is_so = |message: &Value| message["subscriptions"][0]["outcome"] == outcome;
        self.until(&format!("/messages/{message_id}"), is_so).await["subscriptions"][0].clone()
    }
}

/// The status and the JSON of an answer; `null` when it has no body.
async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) })
}

fn problem(code: &str, message: &str) -> Value {
    json!({ "code": code, "message": message })
}

#[tokio::test]
async fn a_topic_is_made_once_and_shown_listed_and_deleted() {
    let server = Server::start().await;
    let asked = json!({ "name": "orders", "attributes": { "DisplayName": "Orders" }, "tags": { "team": "shop" } });
    let (status, topic) = server.post("/topics", &asked).await;
    assert_eq!(status, 201);
    assert_eq!(topic["arn"], "arn:aws:sns:us-east-1:000000000000:orders");
    assert_eq!((&topic["name"], &topic["fifo"]), (&json!("orders"), &json!(false)));
    assert_eq!(topic["subscriptions"], json!({ "confirmed": 0, "pending": 0 }));
    assert_eq!((&topic["attributes"]["DisplayName"], &topic["tags"]), (&json!("Orders"), &json!({ "team": "shop" })));
    assert_eq!(server.post("/topics", &asked).await, (200, topic.clone()));
    assert_eq!(server.get("/topics/orders").await, (200, topic));

    let list =
        json!({ "topics": [{ "arn": "arn:aws:sns:us-east-1:000000000000:orders", "name": "orders", "fifo": false }] });
    assert_eq!(server.get("/topics").await, (200, list));
    assert_eq!(server.delete("/topics/orders").await, (204, Value::Null));
    assert_eq!(server.delete("/topics/orders").await, (204, Value::Null));
    assert_eq!(server.get("/topics").await, (200, json!({ "topics": [] })));
    assert_eq!(server.get("/topics/orders").await, (404, problem("NotFound", "Topic does not exist")));
}

#[tokio::test]
async fn a_name_that_ends_in_fifo_is_enough_for_a_fifo_topic() {
    let server = Server::start().await;
    let (status, topic) = server.post("/topics", &json!({ "name": "orders.fifo" })).await;
    assert_eq!((status, &topic["fifo"], &topic["attributes"]["FifoTopic"]), (201, &json!(true), &json!("true")));
    let message = json!({ "message": "one", "group_id": "g", "deduplication_id": "d" });
    let (status, published) = server.post("/topics/orders.fifo/messages", &message).await;
    assert_eq!((status, published["sequence_number"].as_str().unwrap().len()), (201, 20));
}

#[tokio::test]
async fn lists_come_in_pages_that_follow_one_another() {
    let server = Server::start().await;
    for name in ["c", "a", "e", "b", "d"] {
        server.topic(name).await;
    }
    let mut names = Vec::new();
    let mut path = "/topics?limit=2".to_owned();
    loop {
        let (status, page) = server.get(&path).await;
        assert_eq!(status, 200);
        names.push(page["topics"].as_array().unwrap().iter().map(|topic| topic["name"].clone()).collect::<Vec<_>>());
        match page["next"].as_str() {
            Some(next) => path = format!("/topics?limit=2&next={next}"),
            None => break,
        }
    }
    assert_eq!(json!(names), json!([["a", "b"], ["c", "d"], ["e"]]));

    for n in 0..3 {
        server.pending("a", &format!("/{n}"), json!({})).await;
    }
    let (_, first) = server.get("/topics/a/subscriptions?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let (_, second) = server.get(&format!("/topics/a/subscriptions?limit=2&next={next}")).await;
    assert_eq!(first["subscriptions"].as_array().unwrap().len(), 2);
    assert_eq!((second["subscriptions"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
}

#[tokio::test]
async fn what_an_operator_asks_for_wrongly_is_refused_by_name() {
    let server = Server::start().await;
    let limit = problem("InvalidParameter", "Invalid parameter: limit Reason: must be 1 to 1000");
    for text in ["0", "1001", "x", "-1"] {
        assert_eq!(server.get(&format!("/topics?limit={text}")).await, (400, limit.clone()), "{text}");
    }
    let next = problem("InvalidParameter", "Invalid parameter: next Reason: it is not what a page answered");
    assert_eq!(server.get("/topics?next=%25").await, (400, next));
    let unknown = problem("InvalidParameter", "Invalid parameter: page Reason: there is no such parameter");
    assert_eq!(server.get("/topics?page=2").await, (400, unknown));
    let name = problem("InvalidParameter", "Invalid parameter: Topic Name");
    assert_eq!(server.post("/topics", &json!({ "name": "not a name" })).await, (400, name.clone()));
    assert_eq!(server.get("/topics/not%20a%20name").await, (400, name));

    let refused = |body: &'static str| answer(server.request(Method::POST, "/topics").body(body));
    let (status, said) = refused(r#"{"name":"a","colour":"red"}"#).await;
    assert_eq!((status, &said["code"]), (400, &json!("InvalidParameter")));
    assert!(said["message"].as_str().unwrap().contains("unknown field `colour`"), "{said}");
    for body in ["", "[]", "{", r#"{"name":1}"#, "\u{0}"] {
        assert_eq!(refused(body).await.0, 400, "{body}");
    }
    let (status, said) = answer(server.request(Method::POST, "/topics").body(vec![b' '; 4 * 1024 * 1024 + 1])).await;
    assert_eq!((status, &said["code"]), (413, &json!("RequestEntityTooLarge")));
    assert_eq!(server.get("/nothing").await.0, 404);
    assert_eq!(server.get("/nothing").await.1["code"], "InvalidAction");
    let (status, said) = answer(server.request(Method::PUT, "/topics")).await;
    assert_eq!((status, &said["code"]), (405, &json!("InvalidAction")));
}

#[tokio::test]
async fn a_subscription_is_shown_with_what_it_holds_and_ended() {
    let server = Server::start().await;
    server.topic("orders").await;
    let (id, pending) = server.pending("orders", "/in", json!({ "RawMessageDelivery": "true" })).await;
    let arn = format!("arn:aws:sns:us-east-1:000000000000:orders:{id}");
    assert_eq!(
        (&pending["arn"], &pending["state"], &pending["paused"]),
        (&json!(arn), &json!("pending"), &json!(false))
    );
    assert_eq!((&pending["protocol"], &pending["endpoint"]), (&json!("http"), &json!(server.receiver.url("/in"))));
    assert_eq!(pending["attributes"]["RawMessageDelivery"], "true");
    assert!(pending["expires"].as_str().unwrap().ends_with('Z'));

    let place = format!("/topics/orders/subscriptions/{id}");
    let (_, confirmed) = server.post(&format!("{place}/confirm"), &json!({})).await;
    assert_eq!((&confirmed["state"], &confirmed["expires"]), (&json!("confirmed"), &Value::Null));
    assert_eq!(server.get("/topics/orders").await.1["subscriptions"], json!({ "confirmed": 1, "pending": 0 }));
    let (_, paused) = server.post(&format!("{place}/pause"), &Value::Null).await;
    assert_eq!(paused["code"], "InvalidParameter", "a body that is there has to be an object");
    let (_, paused) = answer(server.request(Method::POST, &format!("{place}/pause"))).await;
    assert_eq!(paused["paused"], true);
    server.publish("orders", json!({ "message": "one" })).await;
    let (_, shown) = server.get(&place).await;
    assert_eq!((&shown["waiting"], &shown["dead"]), (&json!(1), &json!(0)));

    assert_eq!(server.delete(&place).await.0, 204);
    let gone = (404, problem("NotFound", "Subscription does not exist"));
    assert_eq!(server.get(&place).await, gone);
    for act in ["confirm", "pause", "resume", "redrive"] {
        assert_eq!(server.post(&format!("{place}/{act}"), &json!({})).await, gone, "{act}");
    }
    for list in ["attempts", "dead-letters"] {
        assert_eq!(server.get(&format!("{place}/{list}")).await, gone, "{list}");
    }
}

#[tokio::test]
async fn a_delivered_message_says_so_with_its_attempts() {
    let server = Server::start().await;
    server.topic("orders").await;
    let place = server.subscribed("orders", "/in", json!({})).await;
    let attributes =
        json!({ "store": { "type": "String", "value": "x" }, "blob": { "type": "Binary", "value": "AAE=" } });
    let message = json!({ "message": "one", "subject": "greetings", "attributes": attributes });
    let id = server.publish("orders", message).await;
    let explained = server.explained(&id, "delivered").await;
    let because = explained["because"].as_str().unwrap();
    assert!(because.starts_with("the endpoint took it 20") && because.contains("at attempt 1, in "), "{because}");

    let (_, message) = server.get(&format!("/messages/{id}")).await;
    assert_eq!(
        (&message["topic"], &message["subject"]),
        (&json!("arn:aws:sns:us-east-1:000000000000:orders"), &json!("greetings"))
    );
    let (_, attempts) = server.get(&format!("/messages/{id}/attempts")).await;
    let attempt = &attempts["attempts"][0];
    assert_eq!((&attempt["message_id"], &attempt["number"], &attempt["status"]), (&json!(id), &json!(1), &json!(200)));
    let (_, latest) = server.get(&format!("{place}/attempts?limit=1")).await;
    assert_eq!(latest["attempts"], attempts["attempts"]);

    let delivered = server.receiver.requests().into_iter().find(|request| request.text().contains(&id)).unwrap();
    let envelope: Value = serde_json::from_str(delivered.text()).unwrap();
    assert_eq!(envelope["MessageAttributes"]["blob"], json!({ "Type": "Binary", "Value": "AAE=" }));
    let (_, counters) = server.get("/counters").await;
    assert_eq!(counters, json!({ "matched": 1, "delivered": 1, "waiting": 0, "dead_lettered": 0, "dropped": 0 }));
}

#[tokio::test]
async fn a_message_that_does_not_arrive_says_why() {
    let server = Server::start().await;
    server.topic("filtered").await;
    server.subscribed("filtered", "/a", json!({ "FilterPolicy": r#"{"store":["a"]}"# })).await;
    let message = json!({ "message": "x", "attributes": { "store": { "type": "String", "value": "b" } } });
    let id = server.publish("filtered", message).await;
    let because = "the filter policy as it is now leaves it out: key \"store\": none of [\"a\"] matched \"b\"";
    assert_eq!(server.explained(&id, "filtered_out").await["because"], because);

    server.topic("paused").await;
    let place = server.subscribed("paused", "/b", json!({})).await;
    server.post(&format!("{place}/pause"), &json!({})).await;
    let id = server.publish("paused", json!({ "message": "x" })).await;
    let explained = server.explained(&id, "waiting").await;
    assert_eq!(explained["because"], "it waits: the subscription is paused");
    server.post(&format!("{place}/resume"), &json!({})).await;
    server.explained(&id, "delivered").await;

    server.topic("pending").await;
    server.pending("pending", "/c", json!({})).await;
    let id = server.publish("pending", json!({ "message": "x" })).await;
    let because = "the subscription is not confirmed, so that it gets nothing";
    assert_eq!(server.explained(&id, "not_confirmed").await["because"], because);

    server.topic("late").await;
    let id = server.publish("late", json!({ "message": "x" })).await;
    server
        .until(&format!("/messages/{id}"), |message| {
            // A later millisecond than that of the message.
            jiff::Timestamp::now().as_millisecond()
                > message["accepted"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
        })
        .await;
    server.subscribed("late", "/d", json!({})).await;
    let because = server.explained(&id, "subscribed_later").await["because"].as_str().unwrap().to_owned();
    assert!(because.ends_with(", after the message was published"), "{because}");

    let (status, said) = server.get("/messages/00000000-0000-4000-8000-000000000000").await;
    assert_eq!((status, said), (404, problem("NotFound", "Message does not exist")));
    assert_eq!(server.get("/messages/00000000-0000-4000-8000-000000000000/attempts").await.0, 404);
}

#[tokio::test]
async fn a_message_that_waits_tells_its_error_and_when_it_is_due() {
    let server = Server::start().await;
    server.topic("orders").await;
    server.subscribed("orders", "/in", json!({})).await;
    server.receiver.reply_with(Reply::status(503));
    let id = server.publish("orders", json!({ "message": "x" })).await;
    let was_tried = |message: &Value| message["subscriptions"][0]["attempts"] == 1;
    let explained = server.until(&format!("/messages/{id}"), was_tried).await["subscriptions"][0].clone();
    assert_eq!(explained["outcome"], "waiting");
    let error = explained["last_error"].as_str().unwrap();
    assert!(error.contains("503"), "{error}");
    assert!(explained["because"].as_str().unwrap().ends_with(error), "{explained}");
    assert!(explained["due"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn what_was_given_up_is_listed_and_redriven() {
    let server = Server::start().await;
    server.topic("orders").await;
    let place = server.subscribed("orders", "/in", json!({})).await;
    server.receiver.reply_with(Reply::status(404));
    let id = server.publish("orders", json!({ "message": "x" })).await;
    let explained = server.explained(&id, "dropped").await;
    assert!(explained["because"].as_str().unwrap().starts_with("given up 20"), "{explained}");
    let (_, letters) = server.get(&format!("{place}/dead-letters")).await;
    assert_eq!(letters["dead_letters"][0]["message_id"], json!(id));
    assert_eq!(server.get(&place).await.1["dead"], 1);

    server.receiver.reply_with(Reply::status(200));
    assert_eq!(server.post(&format!("{place}/redrive"), &json!({})).await, (200, json!({ "redriven": 1 })));
    server.explained(&id, "delivered").await;
    assert_eq!(server.get(&format!("{place}/dead-letters")).await.1, json!({ "dead_letters": [] }));
}

#[tokio::test]
async fn archived_messages_are_replayed() {
    let server = Server::start().await;
    let archive = json!({ "ArchivePolicy": r#"{"MessageRetentionPeriod":"1"}"# });
    assert_eq!(server.post("/topics", &json!({ "name": "a.fifo", "attributes": archive })).await.0, 201);
    let message = json!({ "message": "kept", "group_id": "g", "deduplication_id": "d" });
    let id = server.publish("a.fifo", message).await;
    // The API has queues alone on FIFO topics; the engine was told to take any endpoint.
    let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:a.fifo").unwrap();
    let subscribe = Subscribe::to(Protocol::Http, server.receiver.url("/in")).confirmed();
    let arn = server.fanfare.subscribe(&topic, subscribe).await.unwrap();
    let place = format!("/topics/a.fifo/subscriptions/{}", arn.as_str().rsplit_once(':').unwrap().1);
    let replay = format!("{place}/replay");
    let (status, replayed) = server.post(&replay, &json!({ "from": "2020-01-01T00:00:00Z" })).await;
    assert_eq!((status, replayed), (200, json!({ "replayed": 1 })));
    server.explained(&id, "delivered").await;

    let time =
        problem("InvalidParameter", "Invalid parameter: from Reason: must be a time such as 2026-01-02T03:04:05Z");
    assert_eq!(server.post(&replay, &json!({ "from": "yesterday" })).await, (400, time));
    let backwards = json!({ "from": "2020-01-02T00:00:00Z", "to": "2020-01-01T00:00:00Z" });
    assert_eq!(server.post(&replay, &backwards).await.0, 400);
    server.topic("plain").await;
    let plain = server.subscribed("plain", "/in", json!({})).await;
    let (status, said) = server.post(&format!("{plain}/replay"), &json!({ "from": "2020-01-01T00:00:00Z" })).await;
    let without = "Invalid parameter: ReplayPolicy Reason: the topic has no ArchivePolicy";
    assert_eq!((status, said), (400, problem("InvalidParameter", without)));
}

#[tokio::test]
async fn what_amazon_sns_refuses_is_refused_in_its_words() {
    let server = Server::start().await;
    server.topic("orders").await;
    let (status, said) = server.post("/topics/orders/messages", &json!({ "message": "" })).await;
    assert_eq!((status, said), (400, problem("InvalidParameter", "Invalid parameter: Empty message")));
    let asked = json!({ "protocol": "carrier-pigeon", "endpoint": "loft" });
    let (status, said) = server.post("/topics/orders/subscriptions", &asked).await;
    assert_eq!((status, &said["code"]), (400, &json!("InvalidParameter")));
    let asked = json!({ "name": "other", "attributes": { "Colour": "red" } });
    let (status, said) = server.post("/topics", &asked).await;
    let unknown = "Invalid parameter: Attributes Reason: Unknown attribute Colour";
    assert_eq!((status, said), (400, problem("InvalidParameter", unknown)));
}

#[tokio::test]
async fn a_filter_policy_is_tried_without_a_topic() {
    let server = Server::start().await;
    let trial = json!({ "policy": { "price": [{ "numeric": [">", 5] }] }, "scope": "MessageBody", "message": r#"{"price":7}"# });
    assert_eq!(server.post("/filter", &trial).await, (200, json!({ "matches": true })));
    let attributes = json!({ "store": { "type": "String", "value": "b" } });
    let trial = json!({ "policy": r#"{"store":["a"]}"#, "attributes": attributes });
    let because = r#"key "store": none of ["a"] matched "b""#;
    let expected = json!({ "matches": false, "reason": "MessageAttributes", "because": because });
    assert_eq!(server.post("/filter", &trial).await, (200, expected));
    let (status, said) = server.post("/filter", &json!({ "policy": { "store": "a" } })).await;
    assert_eq!((status, &said["code"]), (400, &json!("InvalidParameter")));
    assert!(said["message"].as_str().unwrap().starts_with("Invalid parameter: FilterPolicy: "), "{said}");
}

#[tokio::test]
async fn callers_see_the_topics_of_their_account_and_region_alone() {
    let server = Server::start().await;
    server.topic("orders").await;
    server.subscribed("orders", "/in", json!({})).await;
    let id = server.publish("orders", json!({ "message": "x" })).await;
    server.explained(&id, "delivered").await;
    for (account, region) in [("222222222222", "us-east-1"), ("000000000000", "eu-west-1")] {
        let credential = format!("AWS4-HMAC-SHA256 Credential={account}/20260102/{region}/sns/aws4_request");
        let get = |path: &str| answer(server.request(Method::GET, path).header("authorization", &credential));
        assert_eq!(get("/topics").await.1, json!({ "topics": [] }));
        assert_eq!(get("/topics/orders").await.0, 404);
        assert_eq!(get("/topics/orders/subscriptions").await.0, 404);
        let arn = "/topics/arn:aws:sns:us-east-1:000000000000:orders";
        let (status, said) = get(arn).await;
        assert_eq!((status, &said["code"]), (403, &json!("AuthorizationError")));
        assert_eq!(server.get(arn).await.0, 200);
        assert_eq!(get(&format!("/messages/{id}")).await.0, 404);
        assert_eq!(get(&format!("/messages/{id}/attempts")).await.0, 404);
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_where_no_signatures_are_checked() {
    let server = Server::start().await;
    let create = server.request(Method::POST, "/topics").header("origin", "https://evil.example");
    let (status, said) = answer(create.body(r#"{"name":"orders"}"#)).await;
    assert_eq!((status, &said["code"]), (403, &json!("AuthorizationError")));
    assert_eq!(server.get("/topics").await.1, json!({ "topics": [] }));
}

#[tokio::test]
async fn unsigned_requests_are_refused_where_signatures_are_checked() {
    let keys = Keys::new().with_key("AKIDEXAMPLE", "a-secret", "123456789012").unwrap();
    let server = Server::start_with(Mode::SigV4(keys)).await;
    for path in ["/topics", "/counters", "/messages/x", "/topics/a/subscriptions"] {
        let (status, said) = server.get(path).await;
        assert_eq!((status, &said["code"]), (403, &json!("MissingAuthenticationToken")), "{path}");
    }
    assert_eq!(server.post("/filter", &json!({ "policy": {} })).await.0, 403);
}

/// Every request of the API, as the document must have them.
const REQUESTS: [(&str, &str); 21] = [
    ("get", "/fanfare/v1/counters"),
    ("post", "/fanfare/v1/filter"),
    ("get", "/fanfare/v1/messages/{id}"),
    ("get", "/fanfare/v1/messages/{id}/attempts"),
    ("put", "/fanfare/v1/opt-outs/{number}"),
    ("get", "/fanfare/v1/topics"),
    ("post", "/fanfare/v1/topics"),
    ("delete", "/fanfare/v1/topics/{topic}"),
    ("get", "/fanfare/v1/topics/{topic}"),
    ("post", "/fanfare/v1/topics/{topic}/messages"),
    ("get", "/fanfare/v1/topics/{topic}/subscriptions"),
    ("post", "/fanfare/v1/topics/{topic}/subscriptions"),
    ("delete", "/fanfare/v1/topics/{topic}/subscriptions/{id}"),
    ("get", "/fanfare/v1/topics/{topic}/subscriptions/{id}"),
    ("get", "/fanfare/v1/topics/{topic}/subscriptions/{id}/attempts"),
    ("post", "/fanfare/v1/topics/{topic}/subscriptions/{id}/confirm"),
    ("get", "/fanfare/v1/topics/{topic}/subscriptions/{id}/dead-letters"),
    ("post", "/fanfare/v1/topics/{topic}/subscriptions/{id}/pause"),
    ("post", "/fanfare/v1/topics/{topic}/subscriptions/{id}/redrive"),
    ("post", "/fanfare/v1/topics/{topic}/subscriptions/{id}/replay"),
    ("post", "/fanfare/v1/topics/{topic}/subscriptions/{id}/resume"),
];

#[tokio::test]
async fn the_document_has_every_request_and_the_server_has_each_of_them() {
    let server = Server::start().await;
    let (status, document) = server.get("/openapi.json").await;
    assert_eq!(status, 200);
    assert_eq!(document, serde_json::to_value(admin::document()).unwrap());
    let mut requests = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        requests.extend(methods.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())));
    }
    requests.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    assert_eq!(requests, REQUESTS.map(|(method, path)| (method.to_owned(), path.to_owned())));
    for (method, path) in REQUESTS {
        let path = path.strip_prefix("/fanfare/v1").unwrap().replace(['{', '}'], "");
        let (_, said) = answer(server.request(method.to_uppercase().parse().unwrap(), &path)).await;
        assert_ne!(said["code"], "InvalidAction", "{method} {path}");
    }
}

#[tokio::test]
#[ignore = "needs curl"]
async fn requests_that_curl_signs_with_a_known_key_are_let_in_and_others_are_not() {
    let keys = Keys::new().with_key("AKIDEXAMPLE", "a-secret", "123456789012").unwrap();
    let server = Server::start_with(Mode::SigV4(keys)).await;
    let curl = |secret: &'static str, more: &[&str], path: &str| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--noproxy", "*", "--aws-sigv4", "aws:amz:eu-west-1:sns"]);
        command.args(["--user", &format!("AKIDEXAMPLE:{secret}")]).args(more);
        command.arg(format!("{}/fanfare/v1{path}", server.base));
        tokio::task::spawn_blocking(move || {
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
        })
    };
    let json = ["--header", "content-type: application/json", "--data"];
    let create = [&json[..], &[r#"{"name":"orders.fifo"}"#]].concat();
    let made = curl("a-secret", &create, "/topics").await.unwrap();
    assert_eq!(made["arn"], "arn:aws:sns:eu-west-1:123456789012:orders.fifo");
    let listed = curl("a-secret", &[], "/topics?limit=10").await.unwrap();
    assert_eq!(listed["topics"][0]["name"], "orders.fifo");
    let shown = curl("a-secret", &[], "/topics/orders.fifo").await.unwrap();
    assert_eq!(shown, made);
    assert_eq!(curl("another", &[], "/topics").await.unwrap()["code"], "SignatureDoesNotMatch");
    curl("a-secret", &["--request", "DELETE"], "/topics/orders.fifo").await.unwrap();
    assert_eq!(curl("a-secret", &[], "/topics").await.unwrap(), json!({ "topics": [] }));
}
