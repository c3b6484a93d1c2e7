//! Connectors hear of a message that will be delivered at once while the store keeps it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "other suites use the rest")]
mod given;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fanfare_core::{
    Connector, Connectors, Endpoint, Fanfare, Limits, Message, Notification, Protocol, SnsError, Subscribe, TopicArn,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, SimulatedHost, Step};

use given::gated::GatedStore;

/// What is foreseen: addresses are not in it, but texts are.
#[derive(Debug, Clone)]
struct Foresees {
    scripted: Arc<ScriptedConnector>,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Connector for Foresees {
    fn protocols(&self) -> Vec<Protocol> {
        self.scripted.protocols()
    }

    fn connect(&self, protocol: &Protocol, address: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        self.scripted.connect(protocol, address)
    }

    fn foresee(&self, _: &Protocol, notification: &Notification) {
        self.heard.lock().unwrap().push(notification.text().to_owned());
        assert_ne!(notification.text(), "panic");
    }
}

/// An engine over `store` whose topic has one subscriber.
struct Given {
    fanfare: Fanfare,
    topic: TopicArn,
    endpoint: ScriptedEndpoint,
    connector: Foresees,
}

impl Given {
    async fn over(store: &GatedStore, topic: &str) -> Self {
        let scripted = Arc::new(ScriptedConnector::new(Protocol::Http, Limits::ONE));
        let endpoint = scripted.endpoint("address");
        let connector = Foresees { scripted, heard: Arc::default() };
        let builder =
            Fanfare::builder().host(SimulatedHost::new(1)).connectors(Connectors::new().with(connector.clone()));
        let fanfare = builder.open_store(store.clone()).await.unwrap();
        let topic = fanfare.create_topic(topic).await.unwrap();
        fanfare.subscribe(&topic, Subscribe::to(Protocol::Http, "address").confirmed()).await.unwrap();
        Self { fanfare, topic, endpoint, connector }
    }

    async fn publish(&self, text: &str) {
        self.fanfare.publish(&self.topic, Message::text(text).unwrap()).await.unwrap();
    }

    fn heard(&self) -> Vec<String> {
        self.connector.heard.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn what_will_be_delivered_is_foreseen_while_the_store_keeps_it() {
    let store = GatedStore::new();
    let given = Given::over(&store, "orders").await;
    store.appending.close();
    let check = async {
        store.appending.waited_for().await;
        assert_eq!((given.heard(), given.endpoint.attempts().len()), (vec!["first".to_owned()], 0));
        store.appending.open();
    };
    tokio::join!(given.publish("first"), check);
    given.endpoint.wait_for(1).await;
    // The lane lingers, and another one begins anew.
    tokio::time::sleep(Duration::from_millis(100)).await;
    given.publish("second").await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    given.publish("third").await;
    assert_eq!(given.heard(), ["first", "second", "third"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_to_wait_is_not_foreseen() {
    let given = Given::over(&GatedStore::new(), "orders").await;
    given.endpoint.script([Step::Hang]);
    given.publish("at work").await;
    given.endpoint.wait_for(1).await;
    given.publish("behind").await;
    assert_eq!(given.heard(), ["at work"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_endpoint_that_fails_will_get_is_not_foreseen() {
    let given = Given::over(&GatedStore::new(), "orders").await;
    given.endpoint.always(Step::Retry);
    given.publish("fails").await;
    given.endpoint.wait_for(1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    given.publish("later").await;
    assert_eq!(given.heard(), ["fails"]);
}

#[tokio::test(start_paused = true)]
async fn what_no_lane_delivers_is_not_foreseen() {
    let given = Given::over(&GatedStore::new(), "orders").await;
    let arn = given.fanfare.subscriptions(&given.topic).unwrap().remove(0).arn().clone();
    given.fanfare.pause(&arn).await.unwrap();
    given.publish("kept").await;
    assert_eq!(given.heard(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_over_what_is_to_come_delivers_it_all_the_same() {
    let given = Given::over(&GatedStore::new(), "orders").await;
    given.publish("panic").await;
    assert_eq!(given.endpoint.wait_for(1).await[0].notification.text(), "panic");
    assert_eq!(given.heard(), ["panic"]);
}
