//! Delivery policies: reading, printing and merging them, and the retries that they come to.

use std::time::Duration;

use fanfare_core::retry::{
    DeliveryPolicyError, EffectiveDeliveryPolicy, EffectiveTopicPolicy, RawMessageDelivery, RetrySchedule,
    SubscriptionDeliveryPolicy, TopicDeliveryPolicy, jittered,
};

use super::parts::Parts;

/// The longest that retries may take over HTTP, all delays together.
const HOUR: Duration = Duration::from_secs(3600);

/// Reads the policy of a subscription and that of its topic, and lays one over the other.
///
/// The input's parts: the subscription's policy, the topic's.
///
/// Claims: what is printed can be read again and is then the same; retries are as many as the policy says and take an hour
/// at most; what holds in the end is one of what the two policies and the defaults say.
pub fn delivery_policy(data: &[u8]) {
    let mut parts = Parts::new(data);
    let (subscription_text, topic_text) = (parts.text(), parts.text());
    let topic = accepted(TopicDeliveryPolicy::parse(&topic_text));
    if let Some(topic) = &topic {
        assert_eq!(TopicDeliveryPolicy::parse(&topic.to_json()).as_ref(), Ok(topic));
        let effective = EffectiveTopicPolicy::of(Some(topic));
        let printed = TopicDeliveryPolicy::parse(&effective.to_json()).expect("what holds is printed as a policy");
        assert_eq!(EffectiveTopicPolicy::of(Some(&printed)), effective);
    }
    for raw in [RawMessageDelivery::Off, RawMessageDelivery::On] {
        let subscription = accepted(SubscriptionDeliveryPolicy::parse(&subscription_text, raw));
        if let Some(subscription) = &subscription {
            assert_eq!(SubscriptionDeliveryPolicy::parse(&subscription.to_json(), raw).as_ref(), Ok(subscription));
            assert_eq!(subscription.check_raw(raw), Ok(()));
            assert_eq!(subscription.check_raw(RawMessageDelivery::On), Ok(()), "raw delivery takes every content type");
        }
        check_effective(topic.as_ref(), subscription.as_ref(), raw);
    }
}

fn accepted<P>(parsed: Result<P, DeliveryPolicyError>) -> Option<P> {
    if let Err(error) = &parsed {
        assert!(error.to_string().starts_with("DeliveryPolicy: "), "{error}");
        assert!(error.for_subscribe().message().contains(&error.to_string()));
    }
    parsed.ok()
}

fn check_effective(
    topic: Option<&TopicDeliveryPolicy>,
    subscription: Option<&SubscriptionDeliveryPolicy>,
    raw: RawMessageDelivery,
) {
    let effective = EffectiveDeliveryPolicy::of(topic, subscription);
    if topic.is_some_and(TopicDeliveryPolicy::disable_subscription_overrides) {
        assert_eq!(effective, EffectiveDeliveryPolicy::of(topic, None));
    } else if let Some(own) = subscription.and_then(SubscriptionDeliveryPolicy::healthy_retry_policy) {
        assert_eq!(effective.schedule(), own.schedule());
        assert_eq!(effective.schedule().retries(), own.num_retries());
        let (shortest, longest) = (own.min_delay_target().into(), own.max_delay_target().into());
        let bounds = Duration::from_secs(shortest)..=Duration::from_secs(longest);
        assert!(own.schedule().delays().all(|delay| delay.is_zero() || bounds.contains(&delay)));
    }
    let printed =
        SubscriptionDeliveryPolicy::parse(&effective.to_json(), raw).expect("what holds is printed as a policy");
    assert_eq!(EffectiveDeliveryPolicy::of(None, Some(&printed)), effective);
    check_schedule(&effective.schedule());
}

fn check_schedule(schedule: &RetrySchedule) {
    let delays: Vec<Duration> = schedule.delays().collect();
    assert_eq!(delays.len(), usize::try_from(schedule.retries()).expect("a policy has at most 100 retries"));
    assert_eq!(delays.iter().sum::<Duration>(), schedule.total_delay());
    assert!(schedule.total_delay() <= HOUR);
    for (retry, delay) in (1..).zip(&delays) {
        assert_eq!(schedule.delay(retry), Some(*delay));
        assert_eq!(jittered(*delay, 0), *delay);
        assert!(jittered(*delay, u64::MAX) <= *delay + *delay / 10);
    }
    assert_eq!(schedule.delay(schedule.retries() + 1), None);
}
