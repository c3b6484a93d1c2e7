//! What an engine finds when it is opened again over the same directory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::num::NonZeroUsize;

use fanfare_core::engine::Progress;
use fanfare_core::{Confirmation, Connectors, Fanfare, Limits, Message, Protocol, SnsError, Subscribe, TopicSettings};
use fanfare_testkit::ScriptedConnector;

use given::{Place, open};

const OTHER_ACCOUNT: &str = "arn:aws:iam::123456789012:root";

#[tokio::test]
async fn what_is_kept_of_topics_subscriptions_and_documents_comes_back_with_the_store() {
    let place = Place::new();
    let sqs = || Connectors::new().with(ScriptedConnector::new(Protocol::Sqs, Limits::ONE));
    let fanfare = Fanfare::builder().connectors(sqs()).open_store(open(&place.store())).await.unwrap();
    let settings = TopicSettings::new().attribute("KmsMasterKeyId", "alias/aws/sns");
    let queue = Subscribe::to(Protocol::Sqs, "arn:aws:sqs:us-east-1:000000000000:one");
    let topic = fanfare.create_topic_with("orders", settings.clone()).await.unwrap();
    let arn = fanfare.subscribe(&topic, queue.by(OTHER_ACCOUNT)).await.unwrap();
    fanfare.documents().update("kind", "b", |_| Ok::<_, SnsError>(Some("text".into()))).await.unwrap();
    fanfare.close().await;

    let fanfare = Fanfare::builder().connectors(sqs()).open_store(open(&place.store())).await.unwrap();
    assert_eq!(*fanfare.topic(&topic).unwrap().settings(), settings);
    let known = fanfare.subscription(&arn).unwrap();
    assert_eq!((known.principal(), known.confirmation()), (Some(OTHER_ACCOUNT), Confirmation::Authenticated));
    assert_eq!(known.owner(), "123456789012");
    assert_eq!(fanfare.documents().text("kind", "b").as_deref(), Some("text"));
}

#[tokio::test]
async fn what_waits_for_a_protocol_that_is_missing_after_a_restart_waits_on() {
    let place = Place::new();
    let sqs = ScriptedConnector::new(Protocol::Sqs, Limits::ONE);
    let endpoint = sqs.endpoint("arn:aws:sqs:us-east-1:000000000000:one");
    let connectors = || Connectors::new().with(sqs.clone());
    let fanfare = Fanfare::builder().connectors(connectors()).open_store(open(&place.store())).await.unwrap();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let queue = Subscribe::to(Protocol::Sqs, "arn:aws:sqs:us-east-1:000000000000:one");
    let arn = fanfare.subscribe(&topic, queue).await.unwrap();
    fanfare.pause(&arn).await.unwrap();
    fanfare.publish(&topic, Message::text("kept").unwrap()).await.unwrap();
    fanfare.close().await;

    let fanfare = Fanfare::builder().open_store(open(&place.store())).await.unwrap();
    let mut watch = fanfare.watch();
    fanfare.resume(&arn).await.unwrap();
    let Some(Progress::Attempted(attempt)) = watch.next().await else { panic!("an attempt is made") };
    assert_eq!(attempt.message_id, fanfare.latest_attempts(&arn, NonZeroUsize::MIN).await.unwrap()[0].message_id);
    fanfare.close().await;

    let fanfare = Fanfare::builder().connectors(connectors()).open_store(open(&place.store())).await.unwrap();
    endpoint.wait_for(1).await;
    assert_eq!(endpoint.texts(), ["kept"]);
    fanfare.close().await;
}
