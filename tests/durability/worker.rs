//! The program that is killed: an engine on a directory, which publishes and says on standard output what was answered.
//!
//! `fanfare-crash-worker DIRECTORY RUN [--load] [--sweep] [--backup=DIRECTORY] [--database-bytes=MAX] [NAME=URL ...]`
//!
//! It makes the topics, subscribes the URLs by the roles they are named after, and says `ready`. With `--load`, several tasks
//! publish from then on. Each publish is announced with `try TEXT`, and answered with `ack ID TEXT` or `refused TEXT: ERROR`,
//! each in one write. Commands on standard input:
//!
//! | command | what it does |
//! | --- | --- |
//! | `publish COUNT PUBLISHERS BYTES` | publishes from that many tasks, then says `done` |
//! | `bulk` | fills the log of the store with messages that nobody wants, then says `done` |
//! | `drain` | ends the load, says `drained`, and from then on `counters JSON` whenever something has happened |
//! | `state` | says `state JSON`: the counters and every dead letter |
//! | `why ID ROLE` | says `why JSON`: how the message stands there |
//! | `ping` | says `pong` |
//! | `exit` | closes the engine and ends |
//!
//! It ends when standard input does, so that it does not outlive a test.

mod load;

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use fanfare::retry::RetryPhase;
use fanfare::store::{Counters, Journal as _};
use fanfare::{
    Adapters, Destination, Fanfare, FilterPolicy, FilterPolicyScope, Host as _, Message, Protocol, RetrySchedule,
    Subscribe, SubscriptionArn, SystemHost, TopicArn,
};
use fanfare_store_disk::{DiskOptions, DiskStore};
use fanfare_tests::loopback;
use load::{Key, Kind, Role, Text, Topic, UNDERTAKER};
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// Messages of one run that may be on their way to their subscribers, so that the backlog stays small however many runs are
/// cut short.
const WINDOW: usize = 64;

/// What the store may keep of what nobody waits for: little, so that sweeps have something to do.
const FORGOTTEN_ABOVE: u64 = 256 << 10;

/// Messages of `bulk`, and the bytes of each: in all, more than the log may have before a sweep cuts it.
const BULK: usize = 80;
const BULK_BYTES: usize = 200_000;

/// More dead letters than a subscription ever has here.
const DEAD_LETTERS_MAX: NonZeroUsize = NonZeroUsize::new(1_000_000).expect("a million is not zero");

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    match work().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn work() -> Result<(), Failure> {
    let arguments = Arguments::read()?;
    let worker = Arc::new(Worker::open(&arguments).await?);
    say("ready");
    if let Some(to) = arguments.backup {
        let from = arguments.directory.clone();
        tokio::task::spawn_blocking(move || fanfare_store_disk::backup(from, to));
    }
    let mut load = JoinSet::new();
    if arguments.load {
        worker.publish_without_end(&mut load);
    }
    worker.obey(&mut load).await?;
    worker.fanfare.clone().close().await;
    Ok(())
}

struct Arguments {
    directory: PathBuf,
    run: u32,
    load: bool,
    sweep: bool,
    backup: Option<PathBuf>,
    database_bytes: Option<u64>,
    urls: BTreeMap<String, String>,
}

impl Arguments {
    fn read() -> Result<Self, Failure> {
        let mut words = std::env::args().skip(1);
        let directory = words.next().ok_or("the directory is missing")?.into();
        let run = words.next().ok_or("the number of the run is missing")?.parse()?;
        let mut read = Self {
            directory,
            run,
            load: false,
            sweep: false,
            backup: None,
            database_bytes: None,
            urls: BTreeMap::new(),
        };
        for word in words {
            match (word.as_str(), word.split_once('=')) {
                ("--load", _) => read.load = true,
                ("--sweep", _) => read.sweep = true,
                (_, Some(("--backup", to))) => read.backup = Some(to.into()),
                (_, Some(("--database-bytes", max))) => read.database_bytes = Some(max.parse()?),
                (_, Some((name, url))) => drop(read.urls.insert(name.to_owned(), url.to_owned())),
                (unknown, None) => return Err(format!("unknown argument {unknown}").into()),
            }
        }
        Ok(read)
    }
}

struct Worker {
    fanfare: Fanfare,
    run: u32,
    orders: TopicArn,
    ledger: TopicArn,
    subscriptions: BTreeMap<&'static str, SubscriptionArn>,
    /// The numbers of `publish` commands go on where the last one stopped.
    published: AtomicU32,
    stopping: AtomicBool,
    window: Arc<Semaphore>,
}

impl Worker {
    async fn open(arguments: &Arguments) -> Result<Self, Failure> {
        let mut options = DiskOptions::default();
        options.recent_bytes_max = FORGOTTEN_ABOVE;
        options.attempts_bytes_max = FORGOTTEN_ABOVE;
        options.database_bytes_max = arguments.database_bytes.unwrap_or(options.database_bytes_max);
        let store = DiskStore::open(&arguments.directory, options)?;
        if arguments.sweep {
            store.sweep(SystemHost.now()).await?;
        }
        let adapters = Adapters::new("http://127.0.0.1")?.http(loopback());
        let builder = Fanfare::builder().connectors(adapters.connectors()?).fifo_over_any_protocol();
        let fanfare = builder.open_store(store).await?;
        let orders = fanfare.create_topic(&Topic::Orders.to_string()).await?;
        let ledger = fanfare.create_topic(&Topic::Ledger.to_string()).await?;
        let mut worker = Self {
            fanfare,
            run: arguments.run,
            orders,
            ledger,
            subscriptions: BTreeMap::new(),
            published: AtomicU32::new(0),
            stopping: AtomicBool::new(false),
            window: Arc::new(Semaphore::new(WINDOW)),
        };
        for role in Role::ALL {
            if let Some(url) = arguments.urls.get(role.name()) {
                let subscribe = subscribe(role, url, arguments.urls.get(UNDERTAKER))?;
                let arn = worker.fanfare.subscribe(worker.arn(role.topic()), subscribe).await?;
                worker.subscriptions.insert(role.name(), arn);
            }
        }
        Ok(worker)
    }

    fn arn(&self, topic: Topic) -> &TopicArn {
        match topic {
            Topic::Orders => &self.orders,
            Topic::Ledger => &self.ledger,
        }
    }

    /// Starts the load: two tasks for orders, two for three groups of the ledger each.
    fn publish_without_end(self: &Arc<Self>, tasks: &mut JoinSet<()>) {
        let groups: [(Topic, &[&str]); 4] = [
            (Topic::Orders, &["orders-a"]),
            (Topic::Orders, &["orders-b"]),
            (Topic::Ledger, &["ledger-a", "ledger-b", "ledger-c"]),
            (Topic::Ledger, &["ledger-d", "ledger-e", "ledger-f"]),
        ];
        for (topic, groups) in groups {
            let worker = Arc::clone(self);
            tasks.spawn(async move {
                for n in 0.. {
                    for group in groups {
                        if worker.stopping.load(Ordering::SeqCst) {
                            return;
                        }
                        worker.publish_in_window(topic, group, n).await;
                    }
                }
            });
        }
    }

    /// Publishes when there is room in the window, where the message stays until everybody has it. Heavy ones do not count,
    /// as their subscriber may stay away.
    async fn publish_in_window(&self, topic: Topic, group: &str, n: u32) {
        let permit = Arc::clone(&self.window).acquire_owned().await.expect("the window is never closed");
        let published = self.publish(topic, group, n, 0).await;
        if let Some(published) = published.filter(|_| Kind::of(n) != Kind::Heavy) {
            tokio::spawn(async move {
                published.settled().await;
                drop(permit);
            });
        }
    }

    async fn publish(&self, topic: Topic, group: &str, n: u32, bytes: usize) -> Option<fanfare::Published> {
        let kind = Kind::of(n);
        let text = Text { topic, key: Key { group: group.to_owned(), run: self.run, n }, kind };
        let padded = format!("{text} {}", "x".repeat(bytes));
        let mut message = Message::builder(padded).string("kind", kind.to_string());
        if topic == Topic::Ledger {
            message = message.group_id(group).deduplication_id(format!("{group}-{}-{n}", self.run));
        }
        let message = message.build().expect("the message is one that Amazon SNS takes");
        say(&format!("try {text}"));
        match self.fanfare.publish(self.arn(topic), message).await {
            Ok(published) => {
                say(&format!("ack {} {text}", published.message_id()));
                Some(published)
            }
            Err(error) => {
                say(&format!("refused {text}: {error}"));
                None
            }
        }
    }

    async fn obey(self: &Arc<Self>, load: &mut JoinSet<()>) -> Result<(), Failure> {
        let mut commands = commands();
        while let Some(command) = commands.recv().await {
            match command.split(' ').collect::<Vec<_>>()[..] {
                ["publish", count, publishers, bytes] => {
                    let (count, publishers, bytes) = (count.parse()?, publishers.parse()?, bytes.parse()?);
                    let worker = Arc::clone(self);
                    load.spawn(async move { worker.publish_by_hand(count, publishers, bytes).await });
                }
                ["bulk"] => self.bulk().await?,
                ["drain"] => {
                    self.stopping.store(true, Ordering::SeqCst);
                    while load.join_next().await.is_some() {}
                    say("drained");
                    let fanfare = self.fanfare.clone();
                    tokio::spawn(async move { tell_counters(&fanfare).await });
                }
                ["state"] => say(&format!("state {}", self.state().await?)),
                ["why", id, role] => {
                    let subscription = self.subscriptions.get(role).ok_or("nobody has that role")?;
                    let standing = self.fanfare.why(id, subscription).await?.standing;
                    let (due, standing) = match standing {
                        fanfare::engine::Standing::Pending { due, .. } => (Some(due.unix_ms()), String::new()),
                        other => (None, format!("{other:?}")),
                    };
                    say(&format!("why {}", json!({ "due_ms": due, "otherwise": standing })));
                }
                ["ping"] => say("pong"),
                ["exit"] => break,
                _ => return Err(format!("unknown command {command}").into()),
            }
        }
        self.stopping.store(true, Ordering::SeqCst);
        load.shutdown().await;
        Ok(())
    }

    async fn publish_by_hand(self: Arc<Self>, count: u32, publishers: u32, bytes: usize) {
        let first = self.published.fetch_add(count, Ordering::SeqCst);
        let mut tasks = JoinSet::new();
        for publisher in 0..publishers {
            let worker = Arc::clone(&self);
            let topic = if publisher % 2 == 0 { Topic::Orders } else { Topic::Ledger };
            tasks.spawn(async move {
                for n in first..first + count / publishers {
                    worker.publish(topic, &format!("hand-{publisher}"), n, bytes).await;
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        say("done");
    }

    async fn bulk(self: &Arc<Self>) -> Result<(), Failure> {
        let topic = self.fanfare.create_topic("bulk").await?;
        let mut tasks = JoinSet::new();
        for _ in 0..BULK {
            let (worker, topic) = (Arc::clone(self), topic.clone());
            let message = Message::text("x".repeat(BULK_BYTES))?;
            tasks.spawn(async move { worker.fanfare.publish(&topic, message).await.map(drop) });
        }
        while let Some(published) = tasks.join_next().await {
            published??;
        }
        say("done");
        Ok(())
    }

    async fn state(&self) -> Result<serde_json::Value, Failure> {
        let mut dead = serde_json::Map::new();
        for (role, subscription) in &self.subscriptions {
            let letters = self.fanfare.dead_letters(subscription, DEAD_LETTERS_MAX).await?;
            let letters: Vec<_> = letters.iter().map(|dead| json!([dead.message_id, dead.reason])).collect();
            dead.insert((*role).to_owned(), letters.into());
        }
        Ok(json!({ "counters": counters_as_json(self.fanfare.counters().await?), "dead": dead }))
    }
}

/// What a role subscribes with.
fn subscribe(role: Role, url: &str, undertaker: Option<&String>) -> Result<Subscribe, Failure> {
    let subscribe = Subscribe::to(Protocol::Http, url).raw().confirmed();
    let only =
        |kind: &str| FilterPolicy::parse(&json!({ "kind": [kind] }).to_string(), FilterPolicyScope::MessageAttributes);
    let quickly = |retries| RetrySchedule::extended([RetryPhase::constant(retries, Duration::from_millis(20))]);
    Ok(match role {
        Role::Picky => subscribe.filter_policy(only("parcel")?),
        Role::Never => subscribe.filter_policy(only("elephant")?),
        Role::Away => {
            let often = RetrySchedule::extended([RetryPhase::constant(1_000_000, Duration::from_millis(200))])?;
            subscribe.filter_policy(only("heavy")?).retry(often)
        }
        Role::Flaky => {
            let subscribe = subscribe.retry(quickly(2)?);
            match undertaker {
                Some(url) => subscribe.dead_letters_to(Destination::address(Protocol::Http, url)),
                None => subscribe,
            }
        }
        Role::Ordered => subscribe,
        Role::Stubborn => subscribe.retry(quickly(3)?),
    })
}

/// Says the counters now, and again whenever something has happened to a delivery, which the counters show then.
async fn tell_counters(fanfare: &Fanfare) {
    let mut watch = fanfare.watch();
    loop {
        while watch.try_next().is_some() {}
        if let Ok(counters) = fanfare.counters().await {
            say(&format!("counters {}", counters_as_json(counters)));
        }
        if watch.next().await.is_none() {
            return;
        }
    }
}

fn counters_as_json(counters: Counters) -> serde_json::Value {
    let Counters { matched, delivered, pending, dead_lettered, dropped, .. } = counters;
    json!({
        "matched": matched, "delivered": delivered, "pending": pending,
        "dead_lettered": dead_lettered, "dropped": dropped,
    })
}

/// The lines of standard input. When it ends, nobody is there to judge.
fn commands() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Says a line in one write. A pipe takes a line of this length as a whole or not at all, whenever the program is killed.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let told = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    if told.is_err() {
        std::process::exit(1);
    }
}
