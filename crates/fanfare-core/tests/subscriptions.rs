//! How subscriptions are made, confirmed, repeated and ended.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use fanfare_core::engine::Ending;
use fanfare_core::retry::{RetryPhase, SubscriptionDeliveryPolicy};
use fanfare_core::{
    Confirmation, Connectors, Destination, Fanfare, FilterPolicy, FilterPolicyScope, Limits, Message, NotificationKind,
    Owner, Protocol, Quotas, RetrySchedule, SnsError, SnsErrorCode, Subscribe, SubscriptionArn, TopicArn,
    TopicSettings,
};
use fanfare_testkit::{ScriptedConnector, ScriptedEndpoint, SimulatedHost, Step};

struct Bench {
    fanfare: Fanfare,
    topic: TopicArn,
    endpoint: ScriptedEndpoint,
    host: Arc<SimulatedHost>,
}

impl Bench {
    async fn new() -> Self {
        let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE);
        let endpoint = connector.endpoint("address");
        let host = Arc::new(SimulatedHost::new(3));
        let fanfare = Fanfare::builder().host(Arc::clone(&host)).connectors(Connectors::new().with(connector)).open();
        let topic = fanfare.create_topic("orders").await.unwrap();
        Self { fanfare, topic, endpoint, host }
    }

    async fn subscribe(&self) -> SubscriptionArn {
        self.fanfare.subscribe(&self.topic, address()).await.unwrap()
    }

    async fn publish(&self) -> usize {
        self.fanfare.publish(&self.topic, Message::text("x").unwrap()).await.unwrap().settled().await.delivered()
    }

    /// The token of the `count`th message to the endpoint.
    async fn token(&self, count: usize) -> String {
        let attempts = self.endpoint.wait_for(count).await;
        match attempts[count - 1].notification.kind() {
            NotificationKind::SubscriptionConfirmation { token }
            | NotificationKind::UnsubscribeConfirmation { token } => token.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

fn address() -> Subscribe {
    Subscribe::to(Protocol::Http, "address")
}

#[tokio::test(start_paused = true)]
async fn a_token_confirms_and_confirms_again() {
    let bench = Bench::new().await;
    let arn = bench.subscribe().await;
    let token = bench.token(1).await;
    assert_eq!(token.len(), 288);
    assert_eq!(bench.publish().await, 0);
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap(), arn);
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap(), arn);
    assert_eq!(bench.publish().await, 1);
}

#[tokio::test(start_paused = true)]
async fn the_name_of_the_topic_does_not_count_in_a_confirmation_but_its_region_and_account_do() {
    let bench = Bench::new().await;
    bench.subscribe().await;
    let token = bench.token(1).await;
    for other in ["arn:aws:sns:eu-west-1:000000000000:orders", "arn:aws:sns:us-east-1:111111111111:orders"] {
        let error = bench.fanfare.confirm_subscription(&TopicArn::parse(other).unwrap(), &token).await.unwrap_err();
        assert_eq!(error.message(), "Invalid parameter: Topic");
    }
    let renamed = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:renamed").unwrap();
    assert!(bench.fanfare.confirm_subscription(&renamed, &token).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_too_old_confirms_nothing_and_the_subscription_is_gone() {
    let bench = Bench::new().await;
    let arn = bench.subscribe().await;
    let token = bench.token(1).await;
    bench.host.jump_forward(Duration::from_secs(48 * 3600));
    let error = bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: Token");
    assert_eq!(bench.fanfare.subscription(&arn).unwrap_err().message(), "Subscription does not exist");
}

#[tokio::test(start_paused = true)]
async fn subscribing_a_pending_address_again_sends_the_request_again() {
    let bench = Bench::new().await;
    let arn = bench.subscribe().await;
    let first = bench.token(1).await;
    assert_eq!(bench.subscribe().await, arn);
    let second = bench.token(2).await;
    assert_ne!(first, second);
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &first).await.unwrap(), arn);
    assert_eq!(bench.subscribe().await, arn);
    assert_eq!(bench.publish().await, 1);
    assert_eq!(bench.endpoint.attempts().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_to_confirm_that_fails_is_retried() {
    let bench = Bench::new().await;
    bench.endpoint.script([Step::Retry, Step::Retry]);
    let soon = RetrySchedule::extended([RetryPhase::constant(3, Duration::from_secs(1))]).unwrap();
    bench.fanfare.subscribe(&bench.topic, address().retry(soon)).await.unwrap();
    let attempts = bench.endpoint.wait_for(3).await;
    assert_eq!(attempts[0].notification.message_id(), attempts[2].notification.message_id());
    assert!(attempts[2].notification.subscription().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_same_destination_with_other_settings_is_refused() {
    let bench = Bench::new().await;
    let policy = |text| FilterPolicy::parse(text, FilterPolicyScope::MessageAttributes).unwrap();
    let arn = bench.fanfare.subscribe(&bench.topic, address().filter_policy(policy(r#"{"a": [1]}"#))).await.unwrap();
    assert_eq!(bench.subscribe().await, arn);
    let other = address().filter_policy(policy(r#"{"a": [2]}"#));
    let error = bench.fanfare.subscribe(&bench.topic, other).await.unwrap_err();
    assert_eq!(
        error.message(),
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    );
}

#[tokio::test(start_paused = true)]
async fn ending_a_subscription_gives_up_what_waits_and_is_no_error_twice() {
    let bench = Bench::new().await;
    bench.endpoint.always(Step::Retry);
    let arn = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    let published = bench.fanfare.publish(&bench.topic, Message::text("x").unwrap()).await.unwrap();
    bench.endpoint.wait_for(1).await;
    tokio::task::yield_now().await;
    bench.fanfare.unsubscribe(&arn).await.unwrap();
    bench.fanfare.unsubscribe(&arn).await.unwrap();
    let report = published.settled().await;
    assert_eq!(report.ending(&arn), Some(&Ending::Dropped { reason: "the subscription has ended".to_owned() }));
    let counters = bench.fanfare.counters().await.unwrap();
    assert_eq!((counters.pending, counters.dropped), (0, 1));
    assert!(bench.fanfare.subscriptions(&bench.topic).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn ending_by_link_tells_the_endpoint_which_can_restore_it() {
    let bench = Bench::new().await;
    let arn = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    bench.fanfare.unsubscribe_by_link(&arn).await.unwrap();
    let token = bench.token(1).await;
    let farewell = &bench.endpoint.attempts()[0].notification;
    assert_eq!(farewell.kind().as_str(), "UnsubscribeConfirmation");
    assert_eq!(farewell.subscription(), Some(&arn));
    assert_eq!(bench.publish().await, 0);
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap(), arn);
    assert_eq!(bench.publish().await, 1);
}

#[tokio::test(start_paused = true)]
async fn the_end_by_somebody_else_is_told_to_the_endpoint_which_can_restore_it() {
    let bench = Bench::new().await;
    let arn = bench.fanfare.subscribe(&bench.topic, address()).await.unwrap();
    let token = bench.token(1).await;
    bench.fanfare.confirm_subscription_with(&bench.topic, &token, Confirmation::Guarded).await.unwrap();
    bench.fanfare.unsubscribe_and_tell(&arn).await.unwrap();
    let token = bench.token(2).await;
    assert_eq!(bench.endpoint.attempts()[1].notification.kind().as_str(), "UnsubscribeConfirmation");
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap(), arn);
    assert_eq!(bench.publish().await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_still_asks_for_a_confirmation_is_dropped_when_there_is_one() {
    for is_confirmed in [true, false] {
        let bench = Bench::new().await;
        let soon = RetrySchedule::extended([RetryPhase::constant(3, Duration::from_secs(1))]).unwrap();
        bench.endpoint.script([Step::Retry]);
        let arn = bench.fanfare.subscribe(&bench.topic, address().retry(soon)).await.unwrap();
        let token = bench.token(1).await;
        if is_confirmed {
            bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap();
        }
        // On a clock that does not wait.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let requests = bench.endpoint.attempts().len();
        assert_eq!(requests, if is_confirmed { 1 } else { 2 });
        assert_eq!(bench.fanfare.lane_counts(&arn).await.unwrap().waiting, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_or_function_of_another_account_is_asked_unless_its_owner_subscribes_it() {
    let of = |account: &str| format!("arn:aws:iam::{account}:root");
    let (own, other, third) = ("000000000000", "111111111111", "222222222222");
    let queue = |account: &str| format!("arn:aws:sqs:us-east-1:{account}:queue");
    let function = |account: &str| format!("arn:aws:lambda:us-east-1:{account}:function:read");
    for (protocol, address, principal, is_asked) in [
        (Protocol::Sqs, queue(own), Some(own), false),
        (Protocol::Sqs, queue(other), Some(own), true),
        (Protocol::Sqs, queue(other), Some(other), false),
        (Protocol::Sqs, queue(other), Some(third), true),
        (Protocol::Sqs, queue(own), Some(third), false),
        (Protocol::Sqs, queue(other), None, false),
        (Protocol::Lambda, function(own), Some(own), false),
        (Protocol::Lambda, function(other), Some(own), true),
        (Protocol::Lambda, function(other), Some(other), false),
    ] {
        let connector = ScriptedConnector::new(protocol.clone(), Limits::ONE);
        let endpoint = connector.endpoint(&address);
        let fanfare = Fanfare::builder().connectors(Connectors::new().with(connector)).open();
        let topic = fanfare.create_topic("orders").await.unwrap();
        let subscribe = Subscribe::to(protocol, &address);
        let subscribe = match principal {
            Some(account) => subscribe.by(of(account)),
            None => subscribe,
        };
        let arn = fanfare.subscribe(&topic, subscribe).await.unwrap();
        let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap().settled().await;
        assert_eq!(published.delivered(), usize::from(!is_asked), "{address} by {principal:?}");
        let first = &endpoint.wait_for(1).await[0].notification;
        let NotificationKind::SubscriptionConfirmation { token } = first.kind() else {
            assert!(!is_asked, "{address} by {principal:?} is asked");
            continue;
        };
        assert!(is_asked, "{address} by {principal:?} is not asked");
        assert_eq!(fanfare.confirm_subscription(&topic, token).await.unwrap(), arn);
        let published = fanfare.publish(&topic, Message::text("x").unwrap()).await.unwrap().settled().await;
        assert_eq!(published.delivered(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_exceed_a_quota_is_refused_and_what_is_there_stays() {
    let mut quotas = Quotas::NONE;
    (quotas.topics, quotas.fifo_topics, quotas.subscriptions) = (2, 1, 3);
    (quotas.pending_subscriptions, quotas.filter_policies) = (1, 1);
    let connector = ScriptedConnector::new(Protocol::Http, Limits::ONE);
    let fanfare = Fanfare::builder().connectors(Connectors::new().with(connector)).quotas(quotas).open();
    let code = |refused: Result<TopicArn, SnsError>| refused.unwrap_err().code();
    let topic = fanfare.create_topic("a").await.unwrap();
    fanfare.create_topic("b").await.unwrap();
    fanfare.create_topic("c.fifo").await.unwrap();
    assert_eq!(code(fanfare.create_topic("d").await), SnsErrorCode::TopicLimitExceeded);
    assert_eq!(code(fanfare.create_topic("e.fifo").await), SnsErrorCode::TopicLimitExceeded);
    assert_eq!(fanfare.create_topic("a").await.unwrap(), topic);
    let another = Owner::new("us-east-1", "111111111111").unwrap();
    fanfare.create_topic_of(&another, "d", TopicSettings::new()).await.unwrap();
    fanfare.delete_topic(&TopicArn::parse("arn:aws:sns:us-east-1:000000000000:b").unwrap()).await.unwrap();
    fanfare.create_topic("d").await.unwrap();

    let policy = || FilterPolicy::parse(r#"{"a": [1]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let to = |address: &str| Subscribe::to(Protocol::Http, address);
    let subscribe =
        async |subscribe: Subscribe| fanfare.subscribe(&topic, subscribe).await.map_err(|error| error.code());
    let pending = subscribe(to("1")).await.unwrap();
    assert_eq!(subscribe(to("2")).await, Err(SnsErrorCode::SubscriptionLimitExceeded));
    assert_eq!(subscribe(to("1")).await, Ok(pending.clone()));
    let filtered = subscribe(to("2").filter_policy(policy()).confirmed()).await.unwrap();
    let one_more = to("3").filter_policy(policy()).confirmed();
    assert_eq!(subscribe(one_more.clone()).await, Err(SnsErrorCode::FilterPolicyLimitExceeded));
    let plain = subscribe(to("3").confirmed()).await.unwrap();
    assert_eq!(subscribe(to("4").confirmed()).await, Err(SnsErrorCode::SubscriptionLimitExceeded));
    let mut settings = fanfare.subscription(&plain).unwrap().settings().clone();
    settings.filter_policy = Some(policy());
    let refused = fanfare.change_subscription(&plain, settings.clone()).await.unwrap_err();
    assert_eq!(refused.code(), SnsErrorCode::FilterPolicyLimitExceeded);
    assert_eq!(fanfare.subscription_totals().filtered, 1);
    fanfare.unsubscribe(&filtered).await.unwrap();
    assert_eq!(fanfare.subscription_totals().filtered, 0);
    fanfare.change_subscription(&plain, settings).await.unwrap();
    assert_eq!(fanfare.subscription_totals().filtered, 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_link_does_not_restore_what_was_subscribed_anew() {
    let bench = Bench::new().await;
    let old = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    bench.fanfare.unsubscribe_by_link(&old).await.unwrap();
    let token = bench.token(1).await;
    let new = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap(), new);
    assert_eq!(bench.publish().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_link_does_not_restore_a_subscription_of_a_topic_that_was_deleted() {
    let bench = Bench::new().await;
    let old = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    bench.fanfare.unsubscribe_by_link(&old).await.unwrap();
    let token = bench.token(1).await;
    bench.fanfare.delete_topic(&bench.topic).await.unwrap();
    bench.fanfare.create_topic("orders").await.unwrap();
    let error = bench.fanfare.confirm_subscription(&bench.topic, &token).await.unwrap_err();
    assert_eq!(error.message(), "Invalid parameter: Token");
}

#[tokio::test(start_paused = true)]
async fn only_the_last_three_tokens_of_a_pending_subscription_confirm_it_and_each_for_its_time() {
    let bench = Bench::new().await;
    for _ in 0..4 {
        bench.subscribe().await;
    }
    let first = bench.token(1).await;
    bench.endpoint.wait_for(4).await;
    assert!(bench.fanfare.confirm_subscription(&bench.topic, &first).await.is_err());
    let fourth = bench.token(4).await;
    bench.host.jump_forward(Duration::from_secs(40 * 3600));
    bench.subscribe().await;
    bench.host.jump_forward(Duration::from_secs(10 * 3600));
    assert!(bench.fanfare.confirm_subscription(&bench.topic, &fourth).await.is_err());
    let fifth = bench.token(5).await;
    assert!(bench.fanfare.confirm_subscription(&bench.topic, &fifth).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_when_its_subscription_ends_is_not_put_off() {
    let bench = Bench::new().await;
    bench.endpoint.always(Step::Hold);
    let arn = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    let published = bench.fanfare.publish(&bench.topic, Message::text("x").unwrap()).await.unwrap();
    bench.endpoint.wait_for(1).await;
    bench.fanfare.unsubscribe(&arn).await.unwrap();
    // The attempt never ends by itself; the engine ends it, and would try again.
    let report = published.settled().await;
    assert_eq!(report.ending(&arn), Some(&Ending::Dropped { reason: "the subscription has ended".to_owned() }));
}

#[tokio::test(start_paused = true)]
async fn a_second_request_may_leave_out_what_is_there() {
    let bench = Bench::new().await;
    let policy = FilterPolicy::parse(r#"{"a": [1]}"#, FilterPolicyScope::MessageAttributes).unwrap();
    let whole = address().filter_policy(policy.clone()).raw().confirmed();
    let arn = bench.fanfare.subscribe(&bench.topic, whole).await.unwrap();
    assert_eq!(bench.fanfare.subscribe(&bench.topic, address().filter_policy(policy)).await.unwrap(), arn);
    assert_eq!(bench.fanfare.subscribe(&bench.topic, address().raw()).await.unwrap(), arn);
}

#[tokio::test(start_paused = true)]
async fn subscribing_again_after_the_end_makes_a_new_subscription() {
    let bench = Bench::new().await;
    let old = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    bench.fanfare.unsubscribe(&old).await.unwrap();
    let new = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    assert_ne!(old, new);
    bench.host.jump_forward(Duration::from_secs(3600));
    assert_eq!(bench.fanfare.subscriptions(&bench.topic).unwrap().len(), 1);
    assert_eq!(bench.publish().await, 1);
}

#[tokio::test(start_paused = true)]
async fn deleting_a_topic_takes_its_subscriptions_along() {
    let bench = Bench::new().await;
    bench.endpoint.always(Step::Retry);
    let arn = bench.fanfare.subscribe(&bench.topic, address().confirmed()).await.unwrap();
    let published = bench.fanfare.publish(&bench.topic, Message::text("x").unwrap()).await.unwrap();
    bench.endpoint.wait_for(1).await;
    tokio::task::yield_now().await;
    bench.fanfare.delete_topic(&bench.topic).await.unwrap();
    bench.fanfare.delete_topic(&bench.topic).await.unwrap();
    assert_eq!(published.settled().await.dropped(), 1);
    assert_eq!(bench.fanfare.subscription(&arn).unwrap_err().message(), "Subscription does not exist");
    let again = bench.fanfare.create_topic("orders").await.unwrap();
    assert!(bench.fanfare.subscriptions(&again).unwrap().is_empty());
}

#[tokio::test]
async fn settings_that_do_not_fit_the_protocol_are_refused() {
    let connector = ScriptedConnector::new(Protocol::Sms, Limits::ONE);
    let fanfare = Fanfare::builder().connectors(Connectors::new().with(connector)).open();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let to = |protocol| Subscribe::to(protocol, "address");
    let csv = r#"{"requestPolicy": {"headerContentType": "text/csv"}}"#;
    let csv = SubscriptionDeliveryPolicy::parse(csv, true.into()).unwrap();
    let cases = [
        (to(Protocol::Sms).raw(), "Invalid parameter: Delivery protocol [sms] does not support raw message delivery."),
        (
            to(Protocol::Sms).delivery_policy(csv),
            "Invalid parameter: Attributes Reason: DeliveryPolicy: only http and https subscriptions have one, not sms",
        ),
        (
            to(Protocol::Http),
            "Invalid parameter: Protocol Reason: no connector here delivers over http: enable the feature of that name \
             where there is one, or add a connector",
        ),
        (
            to(Protocol::Sms).dead_letters_to(Destination::address(Protocol::Sqs, "arn:aws:sqs:...")),
            "Invalid parameter: Protocol Reason: no connector here delivers over sqs: enable the feature of that name \
             where there is one, or add a connector",
        ),
    ];
    for (subscribe, text) in cases {
        assert_eq!(fanfare.subscribe(&topic, subscribe).await.unwrap_err().message(), text);
    }
    assert!(fanfare.subscriptions(&topic).unwrap().is_empty());
}

#[tokio::test]
async fn a_topic_is_found_again_unless_its_settings_differ() {
    use fanfare_core::{SignatureVersion, TopicSettings};
    let fanfare = Fanfare::in_memory();
    let second = || TopicSettings::new().signature_version(SignatureVersion::V2);
    let arn = fanfare.create_topic_with("orders", second()).await.unwrap();
    assert_eq!(fanfare.create_topic("orders").await.unwrap(), arn);
    assert_eq!(fanfare.create_topic_with("orders", second()).await.unwrap(), arn);
    let other = second().maximum_message_size(2048).unwrap();
    assert_eq!(
        fanfare.create_topic_with("orders", other).await.unwrap_err().message(),
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes"
    );
    assert_eq!(fanfare.topics().len(), 1);
}

#[tokio::test]
async fn an_endpoint_of_the_programs_own_is_known_by_its_identity() {
    let fanfare = Fanfare::in_memory();
    let topic = fanfare.create_topic("orders").await.unwrap();
    let endpoint: Arc<dyn fanfare_core::Endpoint> = Arc::new(ScriptedEndpoint::new());
    let one = fanfare.subscribe(&topic, Subscribe::endpoint(Arc::clone(&endpoint))).await.unwrap();
    let two = fanfare.subscribe(&topic, Subscribe::endpoint(Arc::clone(&endpoint))).await.unwrap();
    let other = fanfare.subscribe(&topic, Subscribe::endpoint(Arc::new(ScriptedEndpoint::new()))).await.unwrap();
    assert_eq!(one, two);
    assert_ne!(one, other);
}

#[tokio::test(start_paused = true)]
async fn an_operator_confirms_without_the_token() {
    let bench = Bench::new().await;
    let arn = bench.subscribe().await;
    assert_eq!(bench.publish().await, 0);
    bench.fanfare.confirm_unasked(&arn).await.unwrap();
    bench.fanfare.confirm_unasked(&arn).await.unwrap();
    assert_eq!(bench.publish().await, 1);
    // The endpoint may still answer the message that it was sent.
    assert_eq!(bench.fanfare.confirm_subscription(&bench.topic, &bench.token(1).await).await.unwrap(), arn);

    let other = SubscriptionArn::new(&bench.topic, "00000000-0000-4000-8000-000000000000");
    let refused = bench.fanfare.confirm_unasked(&other).await.unwrap_err();
    assert_eq!(refused.to_string(), "NotFound: Subscription does not exist");
}

#[tokio::test(start_paused = true)]
async fn an_operator_confirms_nothing_whose_time_has_passed() {
    let bench = Bench::new().await;
    let arn = bench.subscribe().await;
    bench.host.jump_forward(Duration::from_secs(3 * 24 * 60 * 60));
    let refused = bench.fanfare.confirm_unasked(&arn).await.unwrap_err();
    assert_eq!(refused.to_string(), "NotFound: Subscription does not exist");
}
