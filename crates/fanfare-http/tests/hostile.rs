//! Receivers that are broken, or mean harm.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails, also in what it starts from")]

mod given;

use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind, Disposition, Outcome, Receipt, Timestamp};
use fanfare_http::HttpConfig;
use fanfare_testkit::{HttpReceiver, Reply, refused_addr};

/// The time limit of attempts that end by it: what a receiver can cost at most.
const LIMIT: Duration = Duration::from_millis(500);

const RETRY: Disposition = Disposition::Retry { after: None };

/// What a delivery to a receiver that does this comes to.
async fn outcome_of(reply: Reply) -> Outcome {
    outcome_in(given::config(), reply).await
}

async fn outcome_in(config: HttpConfig, reply: Reply) -> Outcome {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(reply);
    given::deliver(&*given::endpoint(config, &receiver.url("/"))).await
}

async fn receipt_of(reply: Reply) -> Receipt {
    outcome_of(reply).await.unwrap()
}

/// Kind, disposition and status of the error that a reply causes.
async fn verdict_of(reply: Reply) -> (Kind, Disposition, Option<u16>) {
    verdict(&outcome_of(reply).await.unwrap_err())
}

/// The same, when the receiver has little time.
async fn verdict_in_time(reply: Reply) -> (Kind, Disposition, Option<u16>) {
    verdict(&outcome_in(given::config().attempt_timeout(LIMIT), reply).await.unwrap_err())
}

fn verdict(error: &DeliveryError) -> (Kind, Disposition, Option<u16>) {
    (error.kind(), error.disposition(), error.status())
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let endpoint = given::endpoint(given::config(), &format!("http://{}/", refused_addr()));
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!((error.kind(), error.disposition()), (Kind::Unreachable, RETRY));
}

#[tokio::test]
async fn a_receiver_that_never_reads_is_timed_out() {
    assert_eq!(verdict_in_time(Reply::never_read()).await, (Kind::Timeout, RETRY, None));
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_timed_out() {
    let error = outcome_in(given::config().attempt_timeout(LIMIT), Reply::hang()).await.unwrap_err();
    assert_eq!(verdict(&error), (Kind::Timeout, RETRY, None));
    assert_eq!(error.to_string(), "the exchange was not over within 500ms");
}

#[tokio::test]
async fn a_storm_of_interim_answers_is_timed_out() {
    assert_eq!(verdict_in_time(Reply::informational_storm()).await, (Kind::Timeout, RETRY, None));
}

#[tokio::test]
async fn a_head_that_drips_is_timed_out() {
    let reply = Reply::status(200).drip_head(Duration::from_millis(50));
    assert_eq!(verdict_in_time(reply).await, (Kind::Timeout, RETRY, None));
}

#[tokio::test]
async fn a_body_that_drips_is_timed_out() {
    let reply = Reply::status(200).body("slow").drip_body(Duration::from_secs(10));
    assert_eq!(verdict_in_time(reply).await, (Kind::Timeout, RETRY, Some(200)));
}

#[tokio::test]
async fn a_refusal_whose_body_drips_is_a_refusal() {
    let reply = Reply::status(410).body("gone").drip_body(Duration::from_secs(10));
    assert_eq!(verdict_in_time(reply).await, (Kind::NotFound, Disposition::Reject, Some(410)));
}

#[tokio::test]
async fn a_body_that_never_ends_is_left_and_its_status_counts() {
    let receipt = receipt_of(Reply::endless_body()).await;
    assert_eq!(receipt.status(), Some(200));
    assert_eq!(receipt.response(), Some("x".repeat(1024).as_str()));
}

#[tokio::test]
async fn after_a_body_that_never_ends_the_next_delivery_takes_another_connection() {
    let receiver = HttpReceiver::start().await;
    receiver.script([Reply::endless_body(), Reply::status(200)]);
    let endpoint = given::endpoint(given::config(), &receiver.url("/"));
    given::deliver(&*endpoint).await.unwrap();
    given::deliver(&*endpoint).await.unwrap();
    let connections: Vec<usize> = receiver.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 1]);
}

#[tokio::test]
async fn a_body_longer_than_the_limit_counts_as_read() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(200).body("a body of 21 bytes ..").drip_body(Duration::from_millis(1)));
    let endpoint = given::endpoint(given::config().answer_bytes_max(4), &receiver.url("/"));
    let receipt = given::deliver(&*endpoint).await.unwrap();
    let response = receipt.response().unwrap();
    assert!((5..21).contains(&response.len()), "{response}");
}

#[tokio::test]
async fn a_gibibyte_that_is_announced_and_never_comes_is_timed_out() {
    assert_eq!(verdict_in_time(Reply::huge_content_length()).await, (Kind::Timeout, RETRY, Some(200)));
}

#[tokio::test]
async fn a_connection_reset_after_the_head_is_an_interruption() {
    assert_eq!(verdict_of(Reply::reset_after_head()).await, (Kind::Interrupted, RETRY, None));
}

#[tokio::test]
async fn a_connection_reset_in_the_request_is_an_interruption() {
    assert_eq!(verdict_of(Reply::reset_mid_body()).await, (Kind::Interrupted, RETRY, None));
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_is_an_interruption() {
    assert_eq!(verdict_of(Reply::close()).await, (Kind::Interrupted, RETRY, None));
}

#[tokio::test]
async fn a_yes_that_breaks_off_is_an_interruption() {
    let reply = Reply::status(200).body("half of this").reset_mid_answer();
    assert_eq!(verdict_of(reply).await, (Kind::Interrupted, RETRY, Some(200)));
}

#[tokio::test]
async fn a_refusal_that_breaks_off_is_a_refusal() {
    let reply = Reply::status(404).body("half of this").reset_mid_answer();
    assert_eq!(verdict_of(reply).await, (Kind::NotFound, Disposition::Reject, Some(404)));
}

#[tokio::test]
async fn chunks_without_a_proper_size_are_no_http() {
    assert_eq!(verdict_of(Reply::bad_chunking()).await, (Kind::Protocol, RETRY, Some(200)));
}

#[tokio::test]
async fn two_lengths_that_differ_are_no_http() {
    assert_eq!(verdict_of(Reply::conflicting_content_length()).await, (Kind::Protocol, RETRY, None));
}

#[tokio::test]
async fn garbage_in_the_reason_phrase_is_no_http() {
    assert_eq!(verdict_of(Reply::garbage_reason()).await, (Kind::Protocol, RETRY, None));
}

#[tokio::test]
async fn another_protocols_greeting_is_no_http() {
    assert_eq!(verdict_of(Reply::raw("220 mail.example ESMTP\r\n")).await, (Kind::Protocol, RETRY, None));
    assert_eq!(verdict_of(Reply::raw("SSH-2.0-OpenSSH_9.2\r\n")).await, (Kind::Protocol, RETRY, None));
}

#[tokio::test]
async fn switching_to_another_protocol_is_no_answer() {
    let reply = Reply::raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n");
    assert_eq!(verdict_of(reply).await, (Kind::Protocol, RETRY, Some(101)));
}

#[tokio::test]
async fn a_header_of_64_kib_is_read() {
    assert_eq!(receipt_of(Reply::large_header()).await.status(), Some(200));
}

#[tokio::test]
async fn an_answer_before_the_request_is_read_counts() {
    assert_eq!(receipt_of(Reply::status(200).early()).await.status(), Some(200));
    let reply = Reply::status(413).early();
    assert_eq!(verdict_of(reply).await, (Kind::Rejected, Disposition::Reject, Some(413)));
}

#[tokio::test]
async fn a_compressed_answer_stays_compressed() {
    let reply = Reply::status(200).header("Content-Encoding", "gzip").body(vec![0x1f_u8, 0x8b, 8, 0, 0, 0, 0, 0]);
    let receipt = receipt_of(reply).await;
    assert_eq!((receipt.status(), receipt.response()), (Some(200), None));
    let reply = Reply::status(200).header("Content-Encoding", "br").body("not brotli");
    assert_eq!(receipt_of(reply).await.status(), Some(200));
}

#[tokio::test]
async fn retry_after_is_read_in_all_its_forms() {
    #[derive(Debug)]
    struct Noon;
    #[async_trait::async_trait]
    impl fanfare_core::Host for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_ms(1_767_268_800_000)
        }
        fn uptime(&self) -> Duration {
            Duration::ZERO
        }

        async fn sleep_until(&self, _: Timestamp) {}
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }
    for (status, value, seconds) in [
        (429, "7", Some(7)),
        (503, "120", Some(120)),
        (503, "315360000", Some(315_360_000)),
        (503, "Thu, 01 Jan 2026 12:01:00 GMT", Some(60)),
        (503, "Thu, 01 Jan 2026 11:00:00 GMT", Some(0)),
        (503, "-5", None),
        (503, "in a while", None),
        (429, "", None),
    ] {
        let receiver = HttpReceiver::start().await;
        receiver.reply_with(Reply::status(status).header("Retry-After", value));
        let endpoint = given::endpoint(given::config().host(Noon), &receiver.url("/"));
        let error = given::deliver(&*endpoint).await.unwrap_err();
        let after = seconds.map(Duration::from_secs);
        assert_eq!(error.disposition(), Disposition::Retry { after }, "{status} {value:?}");
    }
}

#[tokio::test]
async fn what_a_receiver_sets_is_neither_sent_back_nor_shown() {
    let receiver = HttpReceiver::start().await;
    receiver.reply_with(Reply::status(500).header("Set-Cookie", "session=s3cret").body("no"));
    let endpoint = given::endpoint(given::config(), &receiver.url("/"));
    let error = given::deliver(&*endpoint).await.unwrap_err();
    assert_eq!(error.response(), Some("no"));
    assert!(!format!("{error} {error:?} {endpoint:?}").contains("s3cret"));
    given::deliver(&*endpoint).await.unwrap_err();
    assert!(receiver.requests().iter().all(|request| request.header("cookie").is_none()));
}

#[tokio::test]
async fn a_request_is_made_once_whatever_is_answered() {
    for reply in [Reply::status(500), Reply::status(429), Reply::close(), Reply::status(408), Reply::status(421)] {
        let receiver = HttpReceiver::start().await;
        receiver.reply_with(reply);
        let endpoint = given::endpoint(given::config(), &receiver.url("/"));
        given::deliver(&*endpoint).await.unwrap_err();
        assert_eq!(receiver.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_endpoint_recovers_when_its_receiver_does() {
    let receiver = HttpReceiver::start().await;
    let endpoint = given::endpoint(given::config(), &receiver.url("/"));
    given::deliver(&*endpoint).await.unwrap();
    receiver.go_away().await;
    assert_eq!(given::deliver(&*endpoint).await.unwrap_err().disposition(), RETRY);
    receiver.come_back().await;
    given::deliver(&*endpoint).await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_is_dropped_leaves_the_endpoint_usable() {
    let receiver = HttpReceiver::start().await;
    receiver.script([Reply::hang()]);
    let endpoint = given::endpoint(given::config(), &receiver.url("/"));
    let notification = given::notification();
    tokio::select! {
        outcome = endpoint.deliver(&notification) => panic!("{outcome:?}"),
        _ = receiver.wait_for(1) => {}
    }
    given::deliver(&*endpoint).await.unwrap();
    assert_eq!(receiver.requests().len(), 2);
}
