//! One subscriber never delays another, whatever it does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::time::Duration;

use fanfare::{Fanfare, Message, Protocol, Subscribe, SubscriptionArn, TopicArn};
use fanfare_testkit::{HttpReceiver, Reply};
use fanfare_tests::{Served, loopback};

/// Messages that each subscriber gets.
const MESSAGES: usize = 200;

/// Longer than the test can take: no healthy delivery may wait for an attempt of a sick subscriber to end.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3600);

async fn subscribe(fanfare: &Fanfare, topic: &TopicArn, receiver: &HttpReceiver) -> SubscriptionArn {
    fanfare.subscribe(topic, Subscribe::to(Protocol::Http, receiver.url("/")).confirmed()).await.unwrap()
}

/// Publishes to four healthy subscribers and one that answers with `sick`, and waits until the healthy ones have it all.
async fn four_of_five_are_served_beside(sick: Reply) {
    let served = Served::start(loopback().attempt_timeout(ATTEMPT_TIMEOUT), |builder| builder).await;
    let topic = served.fanfare.create_topic("orders").await.unwrap();
    let patient = HttpReceiver::start().await;
    patient.reply_with(sick);
    subscribe(&served.fanfare, &topic, &patient).await;
    let mut healthy = Vec::new();
    for _ in 0..4 {
        let receiver = HttpReceiver::start().await;
        subscribe(&served.fanfare, &topic, &receiver).await;
        healthy.push(receiver);
    }
    for number in 0..MESSAGES {
        served.fanfare.publish(&topic, Message::text(format!("message {number}")).unwrap()).await.unwrap();
    }
    for receiver in &healthy {
        let mut texts: Vec<_> = receiver
            .wait_for(MESSAGES)
            .await
            .iter()
            .map(|r| r.json()["Message"].as_str().unwrap().to_owned())
            .collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), MESSAGES);
    }
    let counters = served.fanfare.counters().await.unwrap();
    assert_eq!(counters.matched, 5 * MESSAGES as u64);
    assert_eq!(counters.matched, counters.delivered + counters.pending + counters.dead_lettered + counters.dropped);
}

#[tokio::test]
async fn a_subscriber_that_never_answers_delays_nobody() {
    four_of_five_are_served_beside(Reply::hang()).await;
}

#[tokio::test]
async fn a_subscriber_that_never_reads_delays_nobody() {
    four_of_five_are_served_beside(Reply::never_read()).await;
}

#[tokio::test]
async fn a_subscriber_that_drips_its_answer_delays_nobody() {
    four_of_five_are_served_beside(Reply::status(200).drip_head(Duration::from_secs(60))).await;
}

#[tokio::test]
async fn a_subscriber_that_floods_its_answer_delays_nobody() {
    four_of_five_are_served_beside(Reply::endless_body()).await;
}

#[tokio::test]
async fn a_subscriber_that_breaks_every_connection_delays_nobody() {
    four_of_five_are_served_beside(Reply::reset_after_head()).await;
}

#[tokio::test]
async fn a_subscriber_that_is_not_there_delays_nobody() {
    let served = Served::start(loopback(), |builder| builder).await;
    let topic = served.fanfare.create_topic("orders").await.unwrap();
    let nobody = format!("http://{}/", fanfare_testkit::refused_addr());
    let absent = Subscribe::to(Protocol::Http, nobody).confirmed();
    served.fanfare.subscribe(&topic, absent).await.unwrap();
    let receiver = HttpReceiver::start().await;
    subscribe(&served.fanfare, &topic, &receiver).await;
    for number in 0..MESSAGES {
        served.fanfare.publish(&topic, Message::text(format!("message {number}")).unwrap()).await.unwrap();
    }
    assert_eq!(receiver.wait_for(MESSAGES).await.len(), MESSAGES);
}
