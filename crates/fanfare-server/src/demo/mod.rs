//! `fanfare demo`: a publisher and its subscribers on loopback, and every delivery as it happens.

mod confirm;
mod data;
mod events;
mod receiver;
mod screen;
mod subscribers;

use std::io::{Write as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fanfare::egress::EgressPolicy;
use fanfare::engine::{Progress, Report, Watch};
use fanfare::http::HttpConfig;
use fanfare::subscription::SubscriptionState;
use fanfare::{Adapters, Fanfare, Host as _, MessageType, Protocol, SubscriptionArn, SystemHost, Timestamp, TopicArn};
use fanfare_server::links;
use fanfare_testkit::TestCa;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use data::Data;
use events::{EVENTS, Event};
use screen::Screen;
use subscribers::{Subscriber, Wish};

/// How long the demo waits for a message to end everywhere, before it says what is missing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Anything that stops the demo, in words.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Runs the demo. The exit status says whether everything arrived.
pub(crate) async fn run(directory: Option<PathBuf>) -> ExitCode {
    let screen = Screen::new();
    let data = Data::at(directory);
    match Demo::set_up(&screen, &data).await {
        Ok(demo) => {
            let status = demo.play().await;
            data.done();
            status
        }
        Err(trouble) => {
            // Nobody is left to tell when the terminal is gone.
            let _ = writeln!(stderr().lock(), "fanfare: the demo could not run: {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// A running engine with its topic and subscribers.
struct Demo<'a> {
    screen: &'a Screen,
    fanfare: Fanfare,
    topic: TopicArn,
    subscribers: Vec<Subscriber>,
    /// The pages behind the links, which hold a handle of the engine.
    pages: JoinHandle<()>,
    /// Notifications that wait from an earlier demo.
    leftovers: u64,
    /// Notifications that earlier demos gave up.
    dropped_before: u64,
    watch: Watch,
}

/// What has become of the messages so far.
#[derive(Debug, Default)]
struct Tally {
    expected: usize,
    delivered: usize,
    dead_lettered: usize,
    filtered_out: usize,
    retried: usize,
    leftovers: usize,
    missing: Vec<String>,
}

impl<'a> Demo<'a> {
    async fn set_up(screen: &'a Screen, data: &Data) -> Result<Self, Trouble> {
        screen.title("Fanfare demo: publish once, reach every subscriber");
        screen.line("");
        let store = data.open()?;
        let leftovers = data.leftovers(&store).await?;
        let ca = TestCa::new();
        let mut subscribers = subscribers::all(&ca, &leftovers).await?;
        let signer = fanfare::kept_signer(&store)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let egress = EgressPolicy::internet().allow("127.0.0.0/8".parse()?);
        let http = HttpConfig::new().egress(egress.clone()).ca_certificates(ca.certificate_pem())?;
        let adapters = Adapters::new(&base)?.signer(signer.clone()).http(http);
        let adapters = subscribers::reachable(adapters, &subscribers, &egress)?;
        let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open_store(store).await?;
        let watch = fanfare.watch();
        let router = links::router(fanfare.clone(), signer);
        let pages = tokio::spawn(async move {
            // Serving ends with the demo.
            let _ = axum::serve(listener, router).await;
        });

        let topic = fanfare.create_topic("media-events").await?;
        screen.line(format_args!("topic {topic}"));
        screen.line(format_args!("kept in {}", data.directory().display()));
        let dead_letters =
            subscribers.iter().find(|s| matches!(s.wish, Wish::DeadLetters)).map(Subscriber::destination);
        let dead_letters = dead_letters.ok_or("nobody takes the dead letters")?;
        for subscriber in &mut subscribers {
            let state = match subscriber.subscribe(&dead_letters)? {
                Some(subscribe) => {
                    let arn = fanfare.subscribe(&topic, subscribe).await?;
                    let confirmed = fanfare.subscription(&arn)?.state() == SubscriptionState::Confirmed;
                    subscriber.arn = Some(arn);
                    if confirmed && leftovers.is_from_earlier(&subscriber.receiver.address(subscriber.name)) {
                        "subscribed since an earlier run"
                    } else if confirmed {
                        "subscribed"
                    } else {
                        confirm::confirm(&subscriber.receiver, subscriber.name, &base).await?
                    }
                }
                None => "ready",
            };
            screen.subscribed(subscriber.name, subscriber.protocol().as_str(), subscriber.about, state);
        }
        let (dropped_before, leftovers) = (leftovers.dropped, leftovers.pending);
        Ok(Self { screen, fanfare, topic, subscribers, pages, leftovers, dropped_before, watch })
    }

    async fn play(mut self) -> ExitCode {
        let began = Instant::now();
        let mut tally = Tally::default();
        if let Err(trouble) = self.finish_leftovers(&mut tally).await {
            tally.missing.push(format!("left over from an earlier run: {trouble}"));
        }
        for event in &EVENTS {
            if let Err(trouble) = self.publish(event, &mut tally).await {
                tally.missing.push(format!("{}: {trouble}", event.title));
            }
        }
        let took = began.elapsed().as_millis();
        match self.fanfare.counters().await {
            Ok(counters) if counters.balance() => {}
            other => tally.missing.push(format!("the counters do not balance: {other:?}")),
        }
        let status = self.conclude(&tally, took);
        self.pages.abort();
        self.fanfare.close().await;
        status
    }

    /// Shows how what an earlier demo left is delivered, which began when the store was opened.
    async fn finish_leftovers(&mut self, tally: &mut Tally) -> Result<(), Trouble> {
        if self.leftovers == 0 {
            return Ok(());
        }
        self.screen.line("");
        self.screen.title(&format!("Left over from an earlier run: {} waiting", self.leftovers));
        tally.expected += usize::try_from(self.leftovers)?;
        let (accepted, deadline) = (SystemHost.now(), Instant::now() + PATIENCE);
        let counters = loop {
            let counters = self.fanfare.counters().await?;
            while let Some(progress) = self.watch.try_next() {
                self.show(&progress, accepted, tally);
            }
            if counters.pending == 0 || Instant::now() > deadline {
                break counters;
            }
            if let Ok(Some(progress)) = tokio::time::timeout(PATIENCE, self.watch.next()).await {
                self.show(&progress, accepted, tally);
            }
        };
        let lost = counters.pending + (counters.dropped - self.dropped_before);
        tally.leftovers = usize::try_from(self.leftovers.saturating_sub(lost))?;
        if lost > 0 {
            tally.missing.push(format!("left over from an earlier run: {lost} did not arrive"));
        }
        Ok(())
    }

    /// Publishes one event and shows what happens until it has ended everywhere.
    async fn publish(&self, event: &Event, tally: &mut Tally) -> Result<(), Trouble> {
        self.screen.line("");
        let mut watch = self.fanfare.watch();
        let accepted = SystemHost.now();
        let published = self.fanfare.publish(&self.topic, event.message()?).await?;
        self.screen.title(&format!("{}  (MessageId {})", event.title, published.message_id()));
        let settled = tokio::time::timeout(PATIENCE, published.settled());
        tokio::pin!(settled);
        let report = loop {
            tokio::select! {
                report = &mut settled => break report,
                Some(progress) = watch.next() => self.show(&progress, accepted, tally),
            }
        };
        let report = report.map_err(|_| format!("it had not ended everywhere after {PATIENCE:?}"))?;
        self.show_rest(&mut watch, accepted, tally);
        self.count(published.message_id(), &report, event, tally);
        Ok(())
    }

    fn show_rest(&self, watch: &mut Watch, accepted: Timestamp, tally: &mut Tally) {
        while let Some(progress) = watch.try_next() {
            self.show(&progress, accepted, tally);
        }
    }

    fn show(&self, progress: &Progress, accepted: Timestamp, tally: &mut Tally) {
        match progress {
            Progress::Attempted(attempt) if attempt.message_type == MessageType::Notification => {
                tally.retried += usize::from(attempt.number == 2);
                let since = (attempt.started + attempt.took).since(accepted);
                self.screen.attempt(self.name_of(&attempt.subscription), attempt, since);
            }
            Progress::FilteredOut { subscription, because, .. } => {
                let name = self.name_of(subscription);
                let protocol = self.subscriber(subscription).map(Subscriber::protocol);
                let protocol = protocol.as_ref().map_or("", Protocol::as_str);
                self.screen.filtered_out(name, protocol, because);
            }
            Progress::Dropped { subscription, reason, .. } => {
                self.screen.problem(&format!("{}: {reason}", self.name_of(subscription)));
            }
            _ => {}
        }
    }

    /// Believes the receivers, not the engine: what they do not have is missing.
    fn count(&self, message_id: &str, report: &Report, event: &Event, tally: &mut Tally) {
        tally.filtered_out += report.filtered_out();
        tally.expected += report.endings.len();
        for (subscription, ending) in &report.endings {
            let dead = matches!(ending, fanfare::engine::Ending::DeadLettered);
            let receiver = match ending {
                fanfare::engine::Ending::DeadLettered => {
                    self.subscribers.iter().find(|s| matches!(s.wish, Wish::DeadLetters))
                }
                _ => self.subscriber(subscription),
            };
            match receiver {
                Some(receiver) if receiver.has(message_id, event.text()) && dead => tally.dead_lettered += 1,
                Some(receiver) if receiver.has(message_id, event.text()) => tally.delivered += 1,
                _ => tally.missing.push(format!("{} at {}: {ending:?}", event.title, self.name_of(subscription))),
            }
        }
    }

    fn conclude(&self, tally: &Tally, took_ms: u128) -> ExitCode {
        let Tally { expected, delivered, dead_lettered, filtered_out, retried, leftovers, missing } = tally;
        self.screen.line("");
        self.screen.line(format_args!(
            "{delivered} at their subscribers ({retried} after failed attempts), {dead_lettered} as dead letters, \
             {filtered_out} filtered out"
        ));
        if *leftovers > 0 {
            self.screen.line(format_args!("{leftovers} more that an earlier run had left"));
        }
        for missing in missing {
            self.screen.problem(missing);
        }
        let mut protocols: Vec<_> = self.subscribers.iter().map(Subscriber::protocol).collect();
        protocols.sort_unstable();
        protocols.dedup();
        let arrived = delivered + dead_lettered + leftovers;
        let good = missing.is_empty() && arrived == *expected;
        self.screen.verdict(
            good,
            &format!(
                "delivered {arrived} of {expected} notifications over {} protocols in {took_ms} ms",
                protocols.len()
            ),
        );
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn subscriber(&self, arn: &SubscriptionArn) -> Option<&Subscriber> {
        self.subscribers.iter().find(|subscriber| subscriber.arn.as_ref() == Some(arn))
    }

    fn name_of(&self, arn: &SubscriptionArn) -> &'static str {
        self.subscriber(arn).map_or("?", |subscriber| subscriber.name)
    }
}
