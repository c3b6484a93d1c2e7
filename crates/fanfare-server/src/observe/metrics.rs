//! The metrics: Amazon SNS's own by its counting rules, and what an operator of the server needs beside them.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fanfare::attempt::{Attempt, Next};
use fanfare::engine::DropCause;
use fanfare::filter::FilterReason;
use fanfare::store::Stage;
use fanfare::{Fanfare, MessageType, Observer, Protocol, Publication, Step, TopicArn};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::topics::Topics;
use crate::mobile::spent_this_month;

/// OpenMetrics, which is what Prometheus asks for first.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels by name; their number is bounded by the topics, and by what the program itself knows of the rest.
type Labels = Vec<(&'static str, Arc<str>)>;

type Counters = Family<Labels, Counter>;
type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Everything that is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    topics: Topics,
    accounts: Topics,
    published: Counters,
    published_per_account: Counters,
    publish_size: Histograms,
    delivered: Counters,
    failed: Counters,
    filtered_out: Counters,
    /// In the order of [`REASONS`].
    filtered_out_for: [Counters; REASONS.len()],
    redriven: Counters,
    failed_to_redrive: Counters,
    dropped: Counters,
    attempt_duration: Histograms,
    calls: Counters,
    call_duration: Histograms,
    state: State,
    registry: Mutex<Registry>,
    /// What the last delivery was counted by: mostly the next one is too.
    usual: Mutex<Option<Usual>>,
}

/// Where deliveries over one protocol of one topic are counted.
#[derive(Debug)]
struct Usual {
    topic: TopicArn,
    protocol: Protocol,
    duration: Histogram,
    delivered: Counter,
}

/// What is looked up when somebody asks.
#[derive(Debug, Default)]
struct State {
    waiting: Gauge,
    topics: Gauge,
    lanes_at_work: Gauge,
    lanes_queued: Gauge,
    lanes_failing: Gauge,
    pending_subscriptions: Gauge,
    filter_policies: Gauge,
    /// By region and account.
    spent_on_sms: Family<Labels, Gauge<f64, AtomicU64>>,
}

const REASONS: [(FilterReason, &str); 5] = [
    (FilterReason::MessageAttributes, "message_attributes"),
    (FilterReason::MessageBody, "message_body"),
    (FilterReason::InvalidAttributes, "invalid_attributes"),
    (FilterReason::NoMessageAttributes, "no_message_attributes"),
    (FilterReason::InvalidMessageBody, "invalid_message_body"),
];

impl Metrics {
    /// Metrics that tell `topics_max` topics apart.
    pub(super) fn new(topics_max: usize) -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(exponential_buckets(0.001, 4.0, 9));
        let bytes: fn() -> Histogram = || Histogram::new(exponential_buckets(256.0, 4.0, 7));
        let metrics = Self {
            topics: Topics::new(topics_max),
            accounts: Topics::new(topics_max),
            published: Family::default(),
            published_per_account: Family::default(),
            publish_size: Family::new_with_constructor(bytes),
            delivered: Family::default(),
            failed: Family::default(),
            filtered_out: Family::default(),
            filtered_out_for: Default::default(),
            redriven: Family::default(),
            failed_to_redrive: Family::default(),
            dropped: Family::default(),
            attempt_duration: Family::new_with_constructor(seconds),
            calls: Family::default(),
            call_duration: Family::new_with_constructor(seconds),
            state: State::default(),
            registry: Mutex::default(),
            usual: Mutex::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
        registry.register_with_unit("process_start_time", "When the server was started", Unit::Seconds, started);
        let own = registry.sub_registry_with_prefix("fanfare");
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        own.register("build", "The program", Info::new(version.to_vec()));
        let mut count = |name: &str, help: &str, counters: &Counters| own.register(name, help, counters.clone());
        count("number_of_messages_published", "NumberOfMessagesPublished", &self.published);
        count(
            "number_of_messages_published_per_account",
            "NumberOfMessagesPublishedPerAccount",
            &self.published_per_account,
        );
        count("number_of_notifications_delivered", "NumberOfNotificationsDelivered", &self.delivered);
        count("number_of_notifications_failed", "NumberOfNotificationsFailed", &self.failed);
        count("number_of_notifications_filtered_out", "NumberOfNotificationsFilteredOut", &self.filtered_out);
        for ((reason, name), counters) in REASONS.iter().zip(&self.filtered_out_for) {
            count(&format!("number_of_notifications_filtered_out_{name}"), reason.metric_name(), counters);
        }
        count("number_of_notifications_redriven_to_dlq", "NumberOfNotificationsRedrivenToDlq", &self.redriven);
        count(
            "number_of_notifications_failed_to_redrive_to_dlq",
            "NumberOfNotificationsFailedToRedriveToDlq",
            &self.failed_to_redrive,
        );
        count("notifications_dropped", "Notifications that were given up without an attempt", &self.dropped);
        count("api_calls", "Calls of operations, by the code of the answer", &self.calls);
        let mut time = |name: &str, help: &str, unit: Unit, histograms: &Histograms| {
            own.register_with_unit(name, help, unit, histograms.clone());
        };
        time("publish_size", "PublishSize", Unit::Bytes, &self.publish_size);
        time("attempt_duration", "How long attempts took", Unit::Seconds, &self.attempt_duration);
        time("api_call_duration", "How long calls of operations took", Unit::Seconds, &self.call_duration);
        let mut show = |name: &str, help: &str, gauge: &Gauge<i64, AtomicI64>| own.register(name, help, gauge.clone());
        show("waiting_deliveries", "Deliveries that wait for an attempt, or are in one", &self.state.waiting);
        show("approximate_number_of_topics", "ApproximateNumberOfTopics", &self.state.topics);
        show("approximate_number_of_filter_policies", "ApproximateNumberOfFilterPolicies", &self.state.filter_policies);
        show(
            "approximate_number_of_pending_subscriptions",
            "ApproximateNumberOfPendingSubscriptions",
            &self.state.pending_subscriptions,
        );
        show("lanes_at_work", "Subscriptions that are being delivered to", &self.state.lanes_at_work);
        show("lanes_queued", "Subscriptions that wait for others to be delivered to", &self.state.lanes_queued);
        show("lanes_failing", "Subscriptions whose endpoint keeps failing", &self.state.lanes_failing);
        own.register("sms_month_to_date_spent_usd", "SMSMonthToDateSpentUSD", self.state.spent_on_sms.clone());
    }

    /// Everything as text, as it stands now.
    pub(super) async fn text(&self, fanfare: &Fanfare) -> String {
        let amount = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        match fanfare.counters().await {
            Ok(counters) => drop(self.state.waiting.set(i64::try_from(counters.pending).unwrap_or(i64::MAX))),
            Err(error) => tracing::warn!(%error, "the store does not tell what waits"),
        }
        let activity = fanfare.activity();
        self.state.topics.set(amount(fanfare.topics().len()));
        let totals = fanfare.subscription_totals();
        self.state.pending_subscriptions.set(i64::try_from(totals.pending).unwrap_or(i64::MAX));
        self.state.filter_policies.set(i64::try_from(totals.filtered).unwrap_or(i64::MAX));
        self.state.spent_on_sms.clear();
        for spent in spent_this_month(fanfare) {
            let labels = vec![("region", spent.region.into()), ("account", spent.account.into())];
            self.state.spent_on_sms.get_or_create(&labels).set(spent.usd.as_f64());
        }
        self.state.lanes_at_work.set(amount(activity.lanes_at_work));
        self.state.lanes_queued.set(amount(activity.lanes_queued));
        self.state.lanes_failing.set(amount(activity.lanes_failing));
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry).expect("a String takes everything");
        text
    }

    /// Counts a call of an operation.
    pub(super) fn called(&self, operation: &'static str, code: &'static str, took: Duration) {
        self.calls.get_or_create(&vec![("operation", operation.into()), ("code", code.into())]).inc();
        self.call_duration.get_or_create(&vec![("operation", operation.into())]).observe(took.as_secs_f64());
    }

    /// What was published to a single address counts without a topic, by its protocol alone.
    fn of_topic(&self, publication: &Publication) -> Labels {
        match publication.recipient() {
            Some(_) => Vec::new(),
            None => vec![("topic", self.topics.label(publication.topic()))],
        }
    }

    fn attempted(&self, publication: &Publication, attempt: &Attempt) {
        let is_usual = attempt.failure.is_none()
            && attempt.message_type == MessageType::Notification
            && attempt.stage == Stage::Endpoint
            && publication.recipient().is_none();
        if is_usual { self.delivered(publication, attempt) } else { self.counted(publication, attempt) }
    }

    /// Counts an attempt as [`Metrics::counted`] does, by what the last one was counted by if that is the same.
    fn delivered(&self, publication: &Publication, attempt: &Attempt) {
        let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |usual: &&Usual| usual.protocol == attempt.protocol && usual.topic == *publication.topic();
        match usual.as_ref().filter(same) {
            Some(usual) => {
                usual.duration.observe(attempt.took.as_secs_f64());
                usual.delivered.inc();
            }
            None => {
                self.counted(publication, attempt);
                let protocol: Arc<str> = attempt.protocol.to_string().into();
                let of_protocol = vec![("protocol", Arc::clone(&protocol)), ("result", "success".into())];
                let mut labels = self.of_topic(publication);
                labels.push(("protocol", protocol));
                *usual = Some(Usual {
                    topic: publication.topic().clone(),
                    protocol: attempt.protocol.clone(),
                    duration: self.attempt_duration.get_or_create(&of_protocol).clone(),
                    delivered: self.delivered.get_or_create(&labels).clone(),
                });
            }
        }
    }

    fn counted(&self, publication: &Publication, attempt: &Attempt) {
        let protocol = attempt.protocol.to_string();
        let result = if attempt.failure.is_none() { "success" } else { "failure" };
        let labels = vec![("protocol", protocol.as_str().into()), ("result", result.into())];
        self.attempt_duration.get_or_create(&labels).observe(attempt.took.as_secs_f64());
        if attempt.message_type != MessageType::Notification {
            return;
        }
        let ended = !matches!(attempt.next, Next::Retry { .. });
        let counters = match (attempt.stage, attempt.failure.is_none()) {
            (Stage::Endpoint, true) => &self.delivered,
            (Stage::Endpoint, false) if ended || counts_each_attempt(&attempt.protocol) => &self.failed,
            (Stage::DeadLetter, true) => &self.redriven,
            (Stage::DeadLetter, false) if ended => &self.failed_to_redrive,
            _ => return,
        };
        let mut labels = self.of_topic(publication);
        if attempt.stage == Stage::Endpoint {
            labels.push(("protocol", protocol.into()));
        }
        counters.get_or_create(&labels).inc();
    }

    fn dropped(&self, publication: &Publication, cause: DropCause) {
        let mut labels = self.of_topic(publication);
        labels.push(("cause", cause.as_str().into()));
        self.dropped.get_or_create(&labels).inc();
    }
}

/// Over HTTP every failed attempt counts as a failed notification, retries included; elsewhere, giving up does.
fn counts_each_attempt(protocol: &Protocol) -> bool {
    matches!(protocol, Protocol::Http | Protocol::Https)
}

impl Observer for Metrics {
    fn observe(&self, step: &Step<'_>) {
        match *step {
            // Messages to topics alone count as published.
            Step::Published { publication, .. } if publication.recipient().is_none() => {
                let labels = self.of_topic(publication);
                self.published.get_or_create(&labels).inc();
                let account = self.accounts.name(publication.topic().account());
                self.published_per_account.get_or_create(&vec![("account", account)]).inc();
                #[allow(clippy::cast_precision_loss, reason = "a message has far fewer bytes")]
                self.publish_size.get_or_create(&labels).observe(publication.message().size() as f64);
            }
            Step::FilteredOut { publication, reason, count } => {
                let labels = self.of_topic(publication);
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                self.filtered_out.get_or_create(&labels).inc_by(count);
                let counters = REASONS.iter().zip(&self.filtered_out_for).find(|((known, _), _)| *known == reason);
                if let Some((_, counters)) = counters {
                    counters.get_or_create(&labels).inc_by(count);
                }
            }
            Step::Attempted { publication, attempt, .. } => self.attempted(publication, attempt),
            Step::Dropped { publication, cause, .. } => self.dropped(publication, cause),
            _ => {}
        }
    }
}
