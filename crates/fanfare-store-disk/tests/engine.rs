//! What an engine finds when it is opened again over the same directory.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use fanfare_core::{Confirmation, Connectors, Fanfare, Limits, Protocol, SnsError, Subscribe, TopicSettings};
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
