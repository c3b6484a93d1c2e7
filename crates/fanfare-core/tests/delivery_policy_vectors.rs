//! Delivery policies and retry schedules against what Amazon SNS was recorded to answer: one named test for each case.

use std::time::Duration;

use fanfare_core::retry::{
    EffectiveDeliveryPolicy, EffectiveTopicPolicy, RetrySchedule, SubscriptionDeliveryPolicy, TopicDeliveryPolicy,
};
use fanfare_testkit::vectors::{cases, document};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

fn main() {
    let echoes = cases("delivery-policy", "cases");
    let schedules = document("delivery-policy")["retry_schedules"].take();
    let Value::Object(schedules) = schedules else { panic!("the vectors have schedules by name") };
    assert!(!echoes.is_empty() && !schedules.is_empty(), "there is something to test");

    let mut trials = Vec::new();
    for (position, case) in echoes.into_iter().enumerate() {
        let resource = text(&case["resource"]).to_owned();
        let name = format!("{resource} policy {position} is stored and takes effect as recorded");
        trials.push(Trial::test(name, move || match resource.as_str() {
            "topic" => topic_echo(&case),
            "subscription" => subscription_echo(&case),
            other => Err(format!("no resource {other:?} is known").into()),
        }));
    }
    for (name, expected) in schedules {
        trials.push(Trial::test(format!("schedule {name} is as documented"), move || match name.as_str() {
            "http_default" => listed(&RetrySchedule::http_default(), &expected),
            "linear_example" => listed(&scheduled(&expected["policy"]), &expected),
            "aws_managed" => phased(&RetrySchedule::aws_managed(), &expected),
            "customer_managed" => phased(&RetrySchedule::customer_managed(), &expected),
            other => Err(format!("no schedule {other:?} is known").into()),
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The attribute as a caller would send it.
fn set_text(case: &Value) -> String {
    match &case["set_text"] {
        Value::Null => case["set"].to_string(),
        given => text(given).to_owned(),
    }
}

fn topic_echo(case: &Value) -> Result<(), Failed> {
    // The empty text removes the attribute, which is up to the caller.
    let policy = Some(set_text(case)).filter(|set| !set.is_empty());
    let policy = policy.map(|set| TopicDeliveryPolicy::parse(&set)).transpose()?;
    assert_printed(policy.as_ref().map(TopicDeliveryPolicy::to_json), &case["get_DeliveryPolicy"]);
    let effective = EffectiveTopicPolicy::of(policy.as_ref());
    assert_printed(Some(effective.to_json()), &case["get_EffectiveDeliveryPolicy"]);
    Ok(())
}

fn subscription_echo(case: &Value) -> Result<(), Failed> {
    let topic = match &case["topic_DeliveryPolicy"] {
        Value::Null => None,
        set => Some(TopicDeliveryPolicy::parse(&set.to_string())?),
    };
    let raw = case["raw_delivery"].as_bool().expect("the case says whether delivery is raw");
    let policy = SubscriptionDeliveryPolicy::parse(&set_text(case), raw.into())?;
    assert_printed(Some(policy.to_json()), &case["get_DeliveryPolicy"]);
    let effective = EffectiveDeliveryPolicy::of(topic.as_ref(), Some(&policy));
    assert_printed(Some(effective.to_json()), &case["get_EffectiveDeliveryPolicy"]);
    Ok(())
}

/// The vectors keep the order of keys, so that the texts must agree and not the values alone.
fn assert_printed(printed: Option<String>, expected: &Value) {
    let expected = Some(expected).filter(|value| !value.is_null()).map(Value::to_string);
    assert_eq!(printed, expected);
}

fn scheduled(healthy: &Value) -> RetrySchedule {
    let text = json!({ "healthyRetryPolicy": healthy }).to_string();
    let policy = SubscriptionDeliveryPolicy::parse(&text, false.into()).expect("the example is valid");
    EffectiveDeliveryPolicy::of(None, Some(&policy)).schedule()
}

fn listed(schedule: &RetrySchedule, expected: &Value) -> Result<(), Failed> {
    let seconds: Vec<Duration> = list(&expected["delays_s"]).iter().map(seconds).collect();
    assert_eq!(schedule.delays().collect::<Vec<_>>(), seconds);
    if !expected["retries"].is_null() {
        assert_eq!(u64::from(schedule.retries()), number(&expected["retries"]));
    }
    Ok(())
}

/// Walks the schedule from phase to phase of the vector.
fn phased(schedule: &RetrySchedule, expected: &Value) -> Result<(), Failed> {
    let mut delays = schedule.delays();
    for phase in list(&expected["phases"]) {
        let count = usize::try_from(number(&phase["retries"]))?;
        let found: Vec<Duration> = delays.by_ref().take(count).collect();
        assert_eq!(found.len(), count, "{phase}");
        if phase["function"].is_null() {
            assert!(found.iter().all(|delay| *delay == seconds(&phase["delay_s"])), "{phase}");
        } else {
            assert_eq!(found.first(), Some(&seconds(&phase["from_s"])), "{phase}");
            assert_eq!(found.last(), Some(&seconds(&phase["to_s"])), "{phase}");
            assert!(found.is_sorted(), "{phase}");
        }
    }
    assert_eq!(delays.next(), None);
    assert_eq!(u64::from(schedule.retries()), number(&expected["total_attempts"]));

    // The documentation rounds "over 23 days" and "over 6 hours"; the phases alone take at least as long.
    let documented = match &expected["days"] {
        Value::Null => Duration::from_secs(3600 * number(&expected["hours"])),
        days => Duration::from_secs(24 * 3600 * number(days)),
    };
    let total = schedule.total_delay();
    assert!(documented <= total && total <= documented.mul_f64(1.2), "{documented:?} documented, {total:?} found");
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().expect("the vector has a text here")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("the vector has a list here")
}

fn number(value: &Value) -> u64 {
    value.as_u64().expect("the vector has a number here")
}

fn seconds(value: &Value) -> Duration {
    Duration::from_secs(number(value))
}
