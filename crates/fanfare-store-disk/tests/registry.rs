//! What an engine makes of the subscriptions that a store keeps: of very many, and of damaged ones.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::collections::BTreeMap;
use std::path::Path;

use fanfare_core::store::{StoreError, StoreErrorKind};
use fanfare_core::{
    Connectors, Destination, Fanfare, FilterPolicy, FilterPolicyScope, Limits, Message, Protocol, SnsError, Subscribe,
    SubscriptionArn, TopicArn,
};
use fanfare_testkit::ScriptedConnector;
use given::{Place, open};
use rusqlite::{Connection, params};

async fn start(directory: &Path) -> Result<Fanfare, StoreError> {
    let sqs = ScriptedConnector::new(Protocol::Sqs, Limits::ONE);
    Fanfare::builder().connectors(Connectors::new().with(sqs)).open_store(open(directory)).await
}

fn queue(number: usize) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:queue-{number}")
}

fn tenant(number: usize) -> FilterPolicy {
    FilterPolicy::parse(&format!(r#"{{"tenant": [{number}]}}"#), FilterPolicyScope::MessageBody).unwrap()
}

/// Everything that is said of a topic's subscriptions, the ended ones by their number alone.
fn told(fanfare: &Fanfare, topic: &TopicArn) -> (String, BTreeMap<String, String>) {
    let subscriptions = fanfare.subscriptions(topic).unwrap();
    let told = subscriptions.iter().map(|known| (known.arn().to_string(), format!("{known:?}")));
    (format!("{:?}", fanfare.subscription_counts(topic).unwrap()), told.collect())
}

fn subscriber(number: usize) -> Subscribe {
    let mut subscribe = Subscribe::to(Protocol::Sqs, queue(number)).confirmed();
    if number.is_multiple_of(2) {
        subscribe = subscribe.filter_policy(tenant(number % 100));
    }
    if number.is_multiple_of(5) {
        subscribe = subscribe.by(format!("arn:aws:iam::{:012}:root", number % 7));
    }
    subscribe
}

/// Many more than are read at a time.
const SUBSCRIPTIONS: usize = 2500;

/// Many more subscriptions than are read at a time, of three topics in turn.
async fn crowd(fanfare: &Fanfare) -> Vec<(TopicArn, Vec<SubscriptionArn>)> {
    let mut crowd = Vec::new();
    for name in ["a", "b", "c"] {
        crowd.push((fanfare.create_topic(name).await.unwrap(), Vec::new()));
    }
    let numbers: Vec<_> = (0..SUBSCRIPTIONS).collect();
    for together in numbers.chunks(100) {
        let subscribing = together.iter().map(|&number| {
            let (fanfare, topic) = (fanfare.clone(), crowd[number % 3].0.clone());
            tokio::spawn(async move { fanfare.subscribe(&topic, subscriber(number)).await.unwrap() })
        });
        let subscribing: Vec<_> = subscribing.collect();
        for (number, subscribed) in together.iter().zip(subscribing) {
            crowd[number % 3].1.push(subscribed.await.unwrap());
        }
    }
    crowd
}

#[tokio::test]
async fn very_many_subscriptions_come_back_as_they_were_and_can_be_changed() {
    let place = Place::new();
    let fanfare = start(&place.store()).await.unwrap();
    let crowd = crowd(&fanfare).await;
    // Some have ended, of which one was made anew: the older one has the smaller id.
    let (a, of_a) = &crowd[0];
    for ended in &of_a[..40] {
        fanfare.unsubscribe(ended).await.unwrap();
    }
    let anew = fanfare.subscribe(a, Subscribe::to(Protocol::Sqs, queue(0))).await.unwrap();
    assert_ne!(anew, of_a[0]);
    let before: Vec<_> = crowd.iter().map(|(topic, _)| told(&fanfare, topic)).collect();
    let totals = fanfare.subscription_totals();
    fanfare.close().await;

    let fanfare = start(&place.store()).await.unwrap();
    assert_eq!(crowd.iter().map(|(topic, _)| told(&fanfare, topic)).collect::<Vec<_>>(), before);
    assert_eq!(fanfare.subscription_totals(), totals);
    // Each is found by its name, and by its place.
    let at = |number| fanfare.subscription_to(a, &Destination::address(Protocol::Sqs, queue(number)));
    assert_eq!(at(0).unwrap().arn(), &anew);
    assert!(at(3).is_none(), "it has ended");
    for (place, arn) in of_a.iter().enumerate().skip(40) {
        assert_eq!(fanfare.subscription(arn).unwrap().arn(), arn);
        assert_eq!(at(3 * place).unwrap().arn(), arn);
    }
    assert_eq!(fanfare.subscribe(a, Subscribe::to(Protocol::Sqs, queue(300))).await.unwrap(), of_a[100]);
    // Those of topic `c` for tenant 2 are numbers 2, 302, 602 and so on; one is to go, and one to be changed.
    let (c, of_c) = &crowd[2];
    let wanted = async |fanfare: &Fanfare, expected: u64| {
        let before = fanfare.counters().await.unwrap().matched;
        fanfare.publish(c, Message::text(r#"{"tenant": 2}"#).unwrap()).await.unwrap();
        assert_eq!(fanfare.counters().await.unwrap().matched - before, expected);
    };
    let unfiltered = (0..SUBSCRIPTIONS).filter(|number| number % 3 == 2 && number % 2 == 1).count() as u64;
    let of_tenant = (0..SUBSCRIPTIONS).filter(|number| number % 3 == 2 && number % 100 == 2).count() as u64;
    wanted(&fanfare, unfiltered + of_tenant).await;
    fanfare.unsubscribe(&of_c[0]).await.unwrap();
    wanted(&fanfare, unfiltered + of_tenant - 1).await;
    let to_another = |known: &fanfare_core::Subscription| {
        let mut settings = known.settings().clone();
        settings.filter_policy = Some(tenant(3));
        Ok::<_, SnsError>(settings)
    };
    fanfare.update_subscription(&of_c[100], to_another).await.unwrap();
    wanted(&fanfare, unfiltered + of_tenant - 2).await;
    fanfare.close().await;
}

#[tokio::test]
async fn a_record_of_a_subscription_that_is_damaged_is_named_and_nothing_panics() {
    let place = Place::new();
    let fanfare = start(&place.store()).await.unwrap();
    crowd(&fanfare).await;
    fanfare.close().await;
    let database = Connection::open(place.store().join("fanfare.db")).unwrap();
    let sql = "SELECT id, record FROM subscription WHERE record LIKE '%tenant%' ORDER BY id LIMIT 1 OFFSET 1100";
    let (id, whole): (i64, String) = database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let put = |record: &str| {
        let sql = "UPDATE subscription SET record = ? WHERE id = ?";
        assert_eq!(database.execute(sql, params![record, id]).unwrap(), 1);
    };
    let half = &whole[..whole.len() / 2];
    let damaged = [
        (String::new(), "it is not one JSON object"),
        ("{}".to_owned(), "missing field"),
        (half.to_owned(), "a record cannot be read"),
        (format!("{whole}{whole}"), "it is not one JSON object"),
        (format!("{whole}]"), "it is not one JSON object"),
        (whole.replace(&id.to_string(), "7"), "it says that it is that of 7"),
        (whole.replace("arn:aws:sns:", "arn:aws:sms:"), "Invalid parameter: SubscriptionId"),
        (whole.replace("\"sqs\"", "\"SQS\""), "cannot name a custom protocol"),
        (whole.replace("{\\\"tenant", "{\\\"tenant\\\": [], \\\""), "Empty arrays are not allowed"),
        (whole.replace("\"MessageBody\"", "\"Body\""), "FilterPolicyScope"),
        (whole.replace("\"Confirmed\"", "\"Lost\""), "unknown variant `Lost`"),
    ];
    for (record, why) in damaged {
        assert_ne!(record, whole, "{why}");
        put(&record);
        let refused = start(&place.store()).await.expect_err("it is damaged");
        assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
        let told = refused.to_string();
        assert!(told.contains(&format!("the record of subscription {id} cannot be used")), "{told}");
        assert_eq!(told.matches(why).count(), 1, "{why}: {told}");
    }
    put(&format!(" {whole} "));
    start(&place.store()).await.unwrap().close().await;
}
