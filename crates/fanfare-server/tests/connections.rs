//! What clients may do with their connections: keep still, be many, and stay when the server stops.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use fanfare_server::connections::Connections;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use url::form_urlencoded::Serializer;

/// How long what has to happen may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Long enough that no test sees it pass.
const FOR_EVER: Duration = Duration::from_secs(3_600);

/// A request whose connection stays open after it, and one that is the last of its connection.
const CALL: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const LAST_CALL: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

struct Server {
    address: SocketAddr,
    serving: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

async fn serve(connections: Connections, router: Router) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, (stop, stopped)) = (listener.local_addr().unwrap(), oneshot::channel());
    let serving = tokio::spawn(connections.serve(listener, router, async { drop(stopped.await) }));
    Server { address, serving, stop }
}

fn greeting() -> Router {
    Router::new().route("/", get(async || "hello"))
}

async fn connect(address: SocketAddr, says: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(says).await.unwrap();
    stream
}

async fn soon<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, happens).await.unwrap_or_else(|_| panic!("{what} does not happen"))
}

/// Everything that comes until the server closes the connection.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // One that is cut off ends too.
    let _ = soon("the end of the connection", stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

/// Reads one answer of [`greeting`] and leaves the connection open.
async fn answered(stream: &mut TcpStream) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 1024]);
    while !bytes.ends_with(b"hello") {
        let count = soon("an answer", stream.read(&mut piece)).await.unwrap();
        assert_ne!(count, 0, "the connection ended before its answer");
        bytes.extend_from_slice(&piece[..count]);
    }
}

#[tokio::test]
async fn a_client_that_keeps_still_is_left() {
    let server = serve(Connections::default().patience(Duration::from_millis(50)), greeting()).await;
    let silent = connect(server.address, b"").await;
    let half = connect(server.address, b"GET / HTTP/1.1\r\nHo").await;
    let mut kept = connect(server.address, CALL).await;
    answered(&mut kept).await;
    assert_eq!(rest(silent).await, "");
    assert!(!rest(half).await.contains("hello"));
    assert_eq!(rest(kept).await, "");
    assert!(rest(connect(server.address, LAST_CALL).await).await.ends_with("hello"));
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_left() {
    let long = Router::new().route("/long", get(async || vec![b'x'; 64 << 20])).merge(greeting());
    let connections = Connections::default().most(NonZeroUsize::MIN).patience(Duration::from_millis(50));
    let server = serve(connections, long).await;
    let stalled = connect(server.address, b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n").await;
    // The only place is free again when the other client was left.
    assert!(rest(connect(server.address, LAST_CALL).await).await.ends_with("hello"));
    assert!(rest(stalled).await.len() < 64 << 20);
}

#[tokio::test]
async fn no_more_connections_are_served_at_a_time_than_there_may_be() {
    let (calls, most_calls, gate) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (calls, most_calls, gate) = (Arc::clone(&calls), Arc::clone(&most_calls), Arc::clone(&gate));
        move || async move {
            most_calls.fetch_max(calls.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let _pass = gate.acquire().await.unwrap();
            calls.fetch_sub(1, Ordering::SeqCst);
            "hello"
        }
    };
    let connections = Connections::default().most(NonZeroUsize::new(2).unwrap()).patience(FOR_EVER);
    let server = serve(connections, Router::new().route("/", get(handler))).await;
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(connect(server.address, LAST_CALL).await);
    }
    let both_at_work = async {
        while calls.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
    };
    soon("both places being taken", both_at_work).await;
    gate.add_permits(2);
    for client in clients {
        assert!(rest(client).await.ends_with("hello"));
    }
    assert_eq!(most_calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_stops_closes_idle_connections_at_once_and_finishes_calls() {
    let (begun, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let handler = {
        let (begun, gate) = (Arc::clone(&begun), Arc::clone(&gate));
        move || async move {
            begun.add_permits(1);
            let _pass = gate.acquire().await.unwrap();
            "done"
        }
    };
    let router = greeting().route("/long", get(handler));
    let server = serve(Connections::default().patience(FOR_EVER), router).await;
    let mut idle = connect(server.address, CALL).await;
    answered(&mut idle).await;
    let silent = connect(server.address, b"").await;
    let called = connect(server.address, b"GET /long HTTP/1.1\r\nHost: h\r\n\r\n").await;
    drop(soon("the call", begun.acquire()).await.unwrap());
    server.stop.send(()).unwrap();
    assert_eq!(rest(idle).await, "");
    assert_eq!(rest(silent).await, "");
    assert!(!server.serving.is_finished());
    gate.add_permits(1);
    assert!(rest(called).await.ends_with("done"));
    soon("the end of the server", server.serving).await.unwrap();
}

/// The program with no more than 64 open files; it ends with the test.
struct Program {
    child: Child,
    address: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended already is no concern of the test's.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(flags: &str) -> Program {
    let program = env!("CARGO_BIN_EXE_fanfare");
    let command = format!("ulimit -n 64 && exec '{program}' serve --memory --auth off --listen 127.0.0.1:0 {flags}");
    let mut child = Command::new("sh").args(["-c", &command]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("fanfare listens on http://").unwrap().parse().unwrap();
    Program { child, address }
}

#[tokio::test]
async fn a_program_without_descriptors_for_another_connection_serves_again_when_there_are_some() {
    // More than it has descriptors for, so that the system refuses them.
    let program = start("--connections 1000 --client-timeout 3600");
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(connect(program.address, b"GET /healthz HTTP/1.1\r\nHo").await);
    }
    drop(held);
    let call = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    assert!(rest(connect(program.address, call).await).await.ends_with("ok\n"));
}

#[tokio::test]
async fn a_program_leaves_half_of_its_descriptors_to_deliveries() {
    let program = start("--client-timeout 1");
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(connect(program.address, b"").await);
    }
    let open = || std::fs::read_dir(format!("/proc/{}/fd", program.child.id())).unwrap().count();
    let call = b"GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let mut most = 0;
    let mut answer = tokio::spawn(rest(connect(program.address, call).await));
    // It waits behind all of the others, who are left one after the other.
    let answer = loop {
        tokio::select! {
            answer = &mut answer => break answer.unwrap(),
            () = tokio::task::yield_now() => most = most.max(open()),
        }
    };
    assert!(answer.ends_with("ok\n"), "{answer}");
    assert!((32..56).contains(&most), "{most} descriptors");
}

/// What a call is answered, whose request has these headers.
async fn called(program: &Program, headers: &str, query: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    let head = format!("GET /?{query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n");
    rest(connect(program.address, head.as_bytes()).await).await
}

#[tokio::test]
async fn a_proxy_that_is_trusted_says_how_a_request_came_and_nobody_else_does() {
    let topic = "arn:aws:sns:us-east-1:000000000000:orders";
    let policy = json!({ "Statement": [
        { "Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": topic,
          "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
        { "Effect": "Deny", "Principal": "*", "Action": "SNS:Publish", "Resource": topic,
          "Condition": { "NotIpAddress": { "aws:SourceIp": "203.0.113.0/24" } } },
    ] })
    .to_string();
    let from_afar = "X-Forwarded-For: 203.0.113.9\r\n";
    let secure = "X-Forwarded-Proto: https\r\n";
    for (flags, is_believed) in
        [("--trusted-proxy 127.0.0.0/8", true), ("--trusted-proxy 192.0.2.1", false), ("", false)]
    {
        let program = start(flags);
        assert!(called(&program, "", &[("Action", "CreateTopic"), ("Name", "orders")]).await.contains(" 200 OK"));
        let set = [
            ("Action", "SetTopicAttributes"),
            ("TopicArn", topic),
            ("AttributeName", "Policy"),
            ("AttributeValue", &policy),
        ];
        assert!(called(&program, "", &set).await.contains(" 200 OK"));
        let publish = [("Action", "Publish"), ("TopicArn", topic), ("Message", "m")];
        for (headers, is_allowed) in [
            (format!("{from_afar}{secure}"), is_believed),
            (from_afar.to_owned(), false),
            (secure.to_owned(), false),
            (format!("X-Forwarded-For: 203.0.113.9, 198.51.100.7\r\n{secure}"), false),
            (String::new(), false),
        ] {
            let answer = called(&program, &headers, &publish).await;
            let status = if is_allowed { " 200 OK" } else { " 403 Forbidden" };
            assert!(answer.contains(status), "{flags} {headers}: {answer}");
        }
    }
}
