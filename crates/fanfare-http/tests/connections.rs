//! Which connections are kept for the next request, and which are not.

mod given;

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::{Connector as _, Endpoint, Protocol};
use fanfare_http::HttpConfig;
use fanfare_testkit::{HttpReceiver, Reply};
use given::{config, endpoint, notification};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Delivers to `path` of `receiver` so many times, one after the other.
async fn deliver(config: HttpConfig, receiver: &HttpReceiver, times: usize) {
    let endpoint = endpoint(config, &receiver.url("/"));
    for _ in 0..times {
        endpoint.deliver(&notification()).await.expect("the receiver takes everything");
    }
}

#[tokio::test]
async fn one_connection_carries_one_request_after_the_other() {
    let receiver = HttpReceiver::start().await;
    deliver(config(), &receiver, 5).await;
    assert_eq!((receiver.connections(), receiver.requests().len()), (1, 5));
}

#[tokio::test]
async fn requests_at_the_same_time_have_connections_of_their_own_and_leave_them_to_the_next() {
    let receiver = HttpReceiver::start().await;
    let endpoint = endpoint(config(), &receiver.url("/"));
    let deliver = async || assert!(endpoint.deliver(&notification()).await.is_ok());
    tokio::join!(deliver(), deliver(), deliver(), deliver());
    assert_eq!(receiver.connections(), 4);
    for _ in 0..5 {
        tokio::join!(deliver(), deliver());
    }
    assert_eq!(receiver.connections(), 4);
}

#[tokio::test]
async fn where_as_many_are_open_as_are_kept_one_is_waited_for_rather_than_opened_for_another_hosts() {
    let receivers = [HttpReceiver::start().await, HttpReceiver::start().await];
    let connector = given::connector(config().idle_connections(2));
    let endpoints = receivers.each_ref().map(|receiver| connector.connect(&Protocol::Http, &receiver.url("/")));
    let [busy, other] = endpoints.map(|endpoint| endpoint.expect("it can be connected to"));
    let deliver = async |endpoint: &Arc<dyn Endpoint>| assert!(endpoint.deliver(&notification()).await.is_ok());
    deliver(&other).await;
    deliver(&busy).await;
    for _ in 0..20 {
        tokio::join!(deliver(&busy), deliver(&busy), deliver(&busy), deliver(&busy));
    }
    deliver(&other).await;
    assert_eq!(receivers.each_ref().map(HttpReceiver::connections), [1, 1]);
}

#[tokio::test]
async fn no_more_are_kept_than_the_settings_say() {
    let receiver = HttpReceiver::start().await;
    deliver(config().idle_connections_per_host(0), &receiver, 3).await;
    assert_eq!(receiver.connections(), 3);
    deliver(config().idle_connections(0), &receiver, 3).await;
    assert_eq!(receiver.connections(), 6);
    deliver(config().idle_timeout(Duration::ZERO), &receiver, 3).await;
    assert_eq!(receiver.connections(), 9);
}

#[tokio::test]
async fn of_all_hosts_those_that_were_used_last_keep_their_connections() {
    let receivers = [HttpReceiver::start().await, HttpReceiver::start().await, HttpReceiver::start().await];
    // One connector, whose connections are shared by its endpoints.
    let connector = given::connector(config().idle_connections(2));
    let endpoints = receivers.each_ref().map(|receiver| connector.connect(&Protocol::Http, &receiver.url("/")));
    let endpoints = endpoints.map(|endpoint| endpoint.expect("it can be connected to"));
    for at in [0, 1, 2, 1, 2, 0] {
        endpoints[at].deliver(&notification()).await.expect("the receiver takes everything");
    }
    assert_eq!(receivers.each_ref().map(HttpReceiver::connections), [2, 1, 1]);
}

#[tokio::test]
async fn a_connection_that_the_receiver_closed_meanwhile_costs_no_attempt() {
    let receiver = HttpReceiver::start().await;
    let endpoint = endpoint(config(), &receiver.url("/"));
    for _ in 0..5 {
        endpoint.deliver(&notification()).await.expect("another connection is made");
        receiver.go_away().await;
        receiver.come_back().await;
    }
    receiver.reply_with(Reply::status(200).closing());
    for _ in 0..5 {
        endpoint.deliver(&notification()).await.expect("another connection is made");
    }
    assert_eq!((receiver.connections(), receiver.requests().len()), (10, 10));
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_ends_its_connection() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(200).body("0123456789"));
    deliver(config().answer_bytes_max(5), &receiver, 2).await;
    assert_eq!(receiver.connections(), 2);
}

#[tokio::test]
async fn connections_that_nobody_uses_are_closed_after_a_while() {
    const PATIENCE: Duration = Duration::from_secs(10);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback can be listened on");
    let address = format!("http://{}/", listener.local_addr().expect("it listens"));
    let receiver = async {
        let (mut stream, _) = listener.accept().await.expect("somebody connects");
        let mut request = [0; 4096];
        let length = stream.read(&mut request).await.expect("there is a request");
        assert!(length > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("somebody reads");
        // The rest of the request, if any, and then the end.
        while stream.read(&mut request).await.expect("the connection ends properly") > 0 {}
    };
    let endpoint = endpoint(config().idle_timeout(Duration::from_millis(100)), &address);
    let notification = notification();
    let (sent, closed) = tokio::join!(endpoint.deliver(&notification), tokio::time::timeout(PATIENCE, receiver));
    sent.expect("it was answered");
    closed.expect("the connection is closed by whoever does not use it");
}

#[tokio::test]
async fn many_requests_that_hang_hold_up_no_other_to_the_same_host() {
    const HANGING: usize = 100;
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::by(|request| match request.target.as_str() {
        "/hangs" => Reply::hang(),
        _ => Reply::status(200),
    }));
    let connector = given::connector(config().attempt_timeout(Duration::from_secs(60)));
    let endpoint =
        |path: &str| connector.connect(&Protocol::Http, &receiver.url(path)).expect("it can be connected to");
    let mut hanging = tokio::task::JoinSet::new();
    for _ in 0..HANGING {
        let endpoint = endpoint("/hangs");
        hanging.spawn(async move { endpoint.deliver(&notification()).await.is_ok() });
    }
    receiver.wait_for(HANGING).await;
    let healthy = endpoint("/works");
    for _ in 0..20 {
        healthy.deliver(&notification()).await.expect("it is answered");
    }
    assert_eq!(receiver.connections(), HANGING + 1, "those that work share what they have");
}
