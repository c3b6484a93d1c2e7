//! The receiver does to a bare socket what its replies say.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use fanfare_testkit::{HttpReceiver, Reply, refused_addr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const POST: &[u8] = b"POST /hook?a=1 HTTP/1.1\r\nhost: x\r\nX-Mixed: Case\r\nContent-Length: 5\r\n\r\nhello";

/// Sends `request` on a connection of its own.
async fn send(addr: SocketAddr, request: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(addr).await.expect("the receiver listens");
    client.write_all(request).await.expect("the receiver reads");
    client
}

/// Everything that comes until the connection ends.
async fn read_all(client: &mut TcpStream) -> io::Result<String> {
    let mut bytes = Vec::new();
    client.read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads as much as `expected` has and compares.
async fn expect(client: &mut TcpStream, expected: &str) {
    let mut bytes = vec![0; expected.len()];
    client.read_exact(&mut bytes).await.expect("the receiver answers");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
}

/// What `reply` makes a client see that posts once and reads to the end.
async fn seen_with(reply: Reply) -> io::Result<String> {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(reply);
    read_all(&mut send(receiver.addr(), POST).await).await
}

#[tokio::test]
async fn a_request_is_recorded_as_it_came() {
    let receiver = HttpReceiver::start().await;
    let _client = send(receiver.addr(), POST).await;
    let [request] = receiver.wait_for(1).await.try_into().unwrap();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hook?a=1"));
    let headers = [("host", "x"), ("X-Mixed", "Case"), ("Content-Length", "5")];
    assert_eq!(request.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(request.header("x-mixed"), Some("Case"));
    assert_eq!(request.text(), "hello");
}

#[tokio::test]
async fn a_chunked_body_is_recorded_without_its_framing() {
    let receiver = HttpReceiver::start().await;
    let request =
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: t\r\n\r\n";
    let _client = send(receiver.addr(), request).await;
    assert_eq!(receiver.wait_for(1).await[0].body, b"hello");
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let receiver = HttpReceiver::start().await;
    let mut client = send(receiver.addr(), POST).await;
    expect(&mut client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    client.write_all(POST).await.unwrap();
    expect(&mut client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(receiver.connections(), 1);
    assert_eq!(receiver.requests().len(), 2);
    let _other = send(receiver.addr(), POST).await;
    assert_eq!(receiver.wait_for(3).await[2].connection, 1);
}

#[tokio::test]
async fn the_script_is_used_once_and_then_the_standing_reply() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(204));
    receiver.script([Reply::status(503).body("later"), Reply::status(429).header("Retry-After", "7")]);
    let mut client = send(receiver.addr(), POST).await;
    expect(&mut client, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nlater").await;
    client.write_all(POST).await.unwrap();
    expect(&mut client, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
    client.write_all(POST).await.unwrap();
    expect(&mut client, "HTTP/1.1 204 No Content\r\n\r\n").await;
}

#[tokio::test]
async fn a_reply_can_depend_on_the_request() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::by(|request| {
        Reply::status(if request.header("authorization").is_some() { 200 } else { 401 })
    }));
    let mut client = send(receiver.addr(), POST).await;
    expect(&mut client, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").await;
    client.write_all(b"GET / HTTP/1.1\r\nAuthorization: Digest\r\n\r\n").await.unwrap();
    expect(&mut client, "HTTP/1.1 200 OK\r\n").await;
}

#[tokio::test]
async fn a_client_that_asks_whether_to_go_on_is_told_so() {
    let receiver = HttpReceiver::start().await;
    let head = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let mut client = send(receiver.addr(), head).await;
    expect(&mut client, "HTTP/1.1 100 Continue\r\n\r\n").await;
    client.write_all(b"hi").await.unwrap();
    expect(&mut client, "HTTP/1.1 200 OK\r\n").await;
    assert_eq!(receiver.requests()[0].body, b"hi");
}

#[tokio::test]
async fn an_early_answer_comes_before_the_body() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(413).early());
    let mut client = send(receiver.addr(), b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n").await;
    expect(&mut client, "HTTP/1.1 413 Scripted\r\nContent-Length: 0\r\n\r\n").await;
    client.write_all(b"hello").await.unwrap();
    client.write_all(POST).await.unwrap();
    expect(&mut client, "HTTP/1.1 413 Scripted\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(receiver.requests().len(), 2);
    assert_eq!(receiver.requests()[0].body, b"");
}

#[tokio::test]
async fn a_closing_answer_ends_the_connection() {
    let seen = seen_with(Reply::status(200).closing()).await.unwrap();
    assert_eq!(seen, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

#[tokio::test]
async fn a_redirect_names_the_place() {
    let seen = seen_with(Reply::redirect(307, "http://127.0.0.1:1/").closing()).await.unwrap();
    assert!(seen.starts_with("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/\r\n"), "{seen}");
}

#[tokio::test]
async fn a_hanging_peer_records_the_request_and_says_nothing() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::hang());
    let client = send(receiver.addr(), POST).await;
    receiver.wait_for(1).await;
    assert_eq!(client.try_read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_peer_that_never_reads_records_nothing() {
    let receiver = HttpReceiver::start().await;
    receiver.script([Reply::never_read()]);
    let deaf = send(receiver.addr(), POST).await;
    let polite = send(receiver.addr(), POST).await;
    // One of the two connections met the reply that never reads; the other was served.
    assert_eq!(receiver.wait_for(1).await.len(), 1);
    assert_eq!(receiver.connections(), 2);
    drop((deaf, polite));
}

#[tokio::test]
async fn a_peer_that_closes_sends_nothing_first() {
    assert_eq!(seen_with(Reply::close()).await.unwrap(), "");
}

#[tokio::test]
async fn a_reset_is_seen_as_a_reset() {
    let replies = [
        Reply::reset_after_head(),
        Reply::reset_mid_body(),
        Reply::status(200).body("a long enough answer").reset_mid_answer(),
    ];
    for reply in replies {
        let what = format!("{reply:?}");
        let error = seen_with(reply).await.expect_err(&what);
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{what}");
    }
}

#[tokio::test]
async fn a_reset_in_the_body_records_half_of_it() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::reset_mid_body());
    let _client = send(receiver.addr(), POST).await;
    assert_eq!(receiver.wait_for(1).await[0].body, b"he");
}

#[tokio::test]
async fn malformed_answers_go_out_as_written() {
    let seen = seen_with(Reply::bad_chunking()).await.unwrap();
    assert!(seen.ends_with("5\r\nhello\r\nxyz\r\nworld\r\n0\r\n\r\n"), "{seen}");
    let seen = seen_with(Reply::conflicting_content_length()).await.unwrap();
    assert_eq!(seen, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 11\r\n\r\nhello world");
    let seen = seen_with(Reply::garbage_reason().closing()).await.unwrap();
    assert!(seen.starts_with("HTTP/1.1 200 \u{0}\u{fffd}\u{fffd} garbage"), "{seen:?}");
    let seen = seen_with(Reply::large_header().closing()).await.unwrap();
    assert_eq!(seen.lines().nth(1).unwrap().len(), "X-Large: ".len() + 65_536);
}

#[tokio::test]
async fn a_huge_announcement_is_followed_by_a_few_bytes() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::huge_content_length());
    let mut client = send(receiver.addr(), POST).await;
    expect(&mut client, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\na beginning").await;
}

#[tokio::test]
async fn an_endless_body_and_a_storm_go_on() {
    for (reply, more) in [(Reply::endless_body(), "4000\r\nxxxx"), (Reply::informational_storm(), "103 Early Hints")] {
        let receiver = HttpReceiver::start().await;
        receiver.reply_with(reply);
        let mut client = send(receiver.addr(), POST).await;
        let mut bytes = vec![0; 8 << 20];
        client.read_exact(&mut bytes).await.unwrap();
        assert!(String::from_utf8_lossy(&bytes[7 << 20..]).contains(more));
    }
}

#[tokio::test]
async fn a_dripped_answer_arrives_whole() {
    let pause = Duration::from_micros(1);
    let seen = seen_with(Reply::status(200).body("slow").drip_head(pause).drip_body(pause).closing()).await.unwrap();
    assert_eq!(seen, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nslow");
}

#[tokio::test]
async fn nobody_is_at_a_refused_address() {
    let error = TcpStream::connect(refused_addr()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(refused_addr(), refused_addr());
}

#[tokio::test]
async fn a_receiver_that_went_away_comes_back_at_the_same_address() {
    let receiver = HttpReceiver::start().await;
    let mut client = send(receiver.addr(), POST).await;
    expect(&mut client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    receiver.go_away().await;
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)), "the connection has ended");
    let error = TcpStream::connect(receiver.addr()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    receiver.come_back().await;
    let mut client = send(receiver.addr(), POST).await;
    expect(&mut client, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn a_dropped_receiver_ends_its_connections() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::hang());
    let mut client = send(receiver.addr(), POST).await;
    receiver.wait_for(1).await;
    drop(receiver);
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)), "the connection has ended");
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "waited 10 s for 1 requests")]
async fn waiting_for_a_request_that_never_comes_ends_with_a_clear_word() {
    HttpReceiver::start().await.wait_for(1).await;
}
