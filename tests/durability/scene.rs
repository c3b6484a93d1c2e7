//! A directory, its receivers and what is known of it so far: everything that outlives a worker.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::process::Command;

use crate::book::{Book, Said};
use crate::load::{Kind, Role, UNDERTAKER};
use crate::oracle::{self, Counters, History, Tally, View, Violation};
use crate::receivers::{Presence, Receivers};
use crate::worker_process::{PROGRAM, SIGKILL, Worker};

/// No schedule of the worker's waits longer, jitter included.
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// How many violations are shown.
const SHOWN: usize = 20;

/// A store that workers come to and are torn away from.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) receivers: Receivers,
    pub(crate) book: Book,
    directory: PathBuf,
    run: u32,
}

/// What the publishes of one command came to.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) acked: usize,
    /// The errors.
    pub(crate) refused: Vec<String>,
}

impl Scene {
    /// A scene with a directory of its own, which is removed when all has gone well.
    pub(crate) async fn new(name: &str) -> Self {
        let directory =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("durability-{name}-{}", std::process::id()));
        Self::at(directory.join("store")).await
    }

    /// A scene on the store in `directory`.
    pub(crate) async fn at(directory: PathBuf) -> Self {
        fs::create_dir_all(directory.parent().unwrap()).unwrap();
        Self { receivers: Receivers::start().await, book: Book::default(), directory, run: 0 }
    }

    /// The directory of the store. What lies beside it is the test's.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file or directory beside the store.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.with_file_name(name)
    }

    /// Forgets the directory, as nothing in it is of interest.
    pub(crate) fn clean_up(self) {
        fs::remove_dir_all(self.directory.parent().unwrap()).unwrap();
    }

    /// Starts a worker on the directory, with the receivers as its subscribers.
    pub(crate) fn start(&mut self, arguments: &[&str]) -> Worker {
        self.start_with(arguments, |_| {})
    }

    /// Starts a worker in surroundings of the test's own.
    pub(crate) fn start_with(&mut self, arguments: &[&str], set_up: impl FnOnce(&mut Command)) -> Worker {
        let mut command = self.command(&[]);
        command.args(self.receivers.arguments()).args(arguments);
        set_up(&mut command);
        Worker::start(command)
    }

    /// The command line of the next worker, without subscribers; `before` comes before it.
    pub(crate) fn command(&mut self, before: &[&str]) -> Command {
        self.run += 1;
        self.receivers.expect(self.run);
        let mut words = before.iter().chain([&PROGRAM]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).arg(&self.directory).arg(self.run.to_string());
        command
    }

    /// Reads the worker until it says something that `is_it`, and gives that; nothing when it has ended before that.
    pub(crate) async fn read_until(&mut self, worker: &mut Worker, is_it: impl Fn(&Said) -> bool) -> Option<Said> {
        while let Some(line) = worker.line().await {
            let said = self.book.read(&line);
            if is_it(&said) {
                return Some(said);
            }
        }
        None
    }

    /// Reads the worker until it says a line that begins with `word`, and gives the rest of it.
    pub(crate) async fn answer(&mut self, worker: &mut Worker, word: &str) -> String {
        let is_it = |said: &Said| matches!(said, Said::Other(line) if line.split(' ').next() == Some(word));
        match self.read_until(worker, is_it).await {
            Some(Said::Other(line)) => line[word.len()..].trim_start().to_owned(),
            _ => self.died(worker, word).await,
        }
    }

    async fn died(&self, worker: &mut Worker, word: &str) -> ! {
        let status = worker.ended().await;
        let mut said = String::new();
        while let Some(line) = worker.error().await {
            let _ = writeln!(said, "{line}");
        }
        panic!("the worker ended with {status} and has not said {word:?}: {said}")
    }

    /// Has the worker publish `count` messages of `bytes` bytes from `publishers` tasks.
    pub(crate) async fn publish(
        &mut self,
        worker: &mut Worker,
        count: usize,
        publishers: usize,
        bytes: usize,
    ) -> Published {
        worker.tell(&format!("publish {count} {publishers} {bytes}")).await;
        let mut published = Published::default();
        loop {
            match self.read_until(worker, |said| *said != Said::Begun).await {
                Some(Said::Acked) => published.acked += 1,
                Some(Said::Refused(error)) => published.refused.push(error),
                Some(Said::Other(line)) if line == "done" => return published,
                Some(_) => {}
                None => self.died(worker, "done").await,
            }
        }
    }

    /// How many acknowledgements come before the line `word`.
    pub(crate) async fn acks_until(&mut self, worker: &mut Worker, word: &str) -> usize {
        let mut acks = 0;
        loop {
            let is_it = |said: &Said| *said == Said::Acked || *said == Said::Other(word.to_owned());
            match self.read_until(worker, is_it).await {
                Some(Said::Acked) => acks += 1,
                Some(_) => return acks,
                None => self.died(worker, word).await,
            }
        }
    }

    /// Kills the worker, and reads what it said before.
    pub(crate) async fn kill(&mut self, mut worker: Worker) {
        worker.kill();
        self.bury(worker, SIGKILL).await;
    }

    /// Reads what a worker said that dies by `signal`.
    pub(crate) async fn bury(&mut self, mut worker: Worker, signal: i32) {
        self.read_until(&mut worker, |_| false).await;
        worker.ended_by(signal).await;
        self.receivers.cut().await;
    }

    /// Has the worker close its engine.
    pub(crate) async fn stop(&mut self, mut worker: Worker) {
        worker.tell("exit").await;
        self.read_until(&mut worker, |_| false).await;
        let status = worker.ended().await;
        assert!(status.success(), "the worker ended with {status}");
        self.receivers.cut().await;
    }

    /// Opens the store once more without any fault, lets everything be delivered that can be, and judges all there was.
    pub(crate) async fn settle_and_judge(&mut self) -> Tally {
        let worker = self.start(&[]);
        self.drain_and_judge(worker).await
    }

    /// Lets `worker` deliver everything that can be delivered, ends it, and judges all there was.
    pub(crate) async fn drain_and_judge(&mut self, worker: Worker) -> Tally {
        self.verdict(worker).await.unwrap_or_else(|violations| {
            let shown: Vec<_> = violations.iter().take(SHOWN).map(|violation| format!("{violation:?}")).collect();
            let directory = self.directory.display();
            panic!("{} promises broken by the store in {directory}:\n{}", violations.len(), shown.join("\n"))
        })
    }

    /// As [`Scene::drain_and_judge`], and leaves it to the caller what follows.
    pub(crate) async fn verdict(&mut self, mut worker: Worker) -> Result<Tally, BTreeSet<Violation>> {
        worker.tell("drain").await;
        let at_most = self.book.wanted_at_most(Role::Away);
        loop {
            let counters = counters(&serde_json::from_str(&self.answer(&mut worker, "counters").await).unwrap());
            let only_away = match self.receivers.away() {
                Presence::Here => counters.pending == 0,
                // What waits is never less than what waits for who is away, and that is never less than what is known of it.
                Presence::Gone => counters.pending <= at_most && counters.pending == self.known_to_wait_for_away(),
            };
            if only_away {
                break;
            }
        }
        let history = History { publishes: self.book.publishes(), subscribers: self.receivers.subscribers() };
        let view = self.view(&mut worker, &history).await;
        self.stop(worker).await;
        oracle::judge(&history, &view)
    }

    /// Asks the engine how things stand.
    async fn view(&mut self, worker: &mut Worker, history: &History) -> View {
        worker.tell("state").await;
        let state: serde_json::Value = serde_json::from_str(&self.answer(worker, "state").await).unwrap();
        let mut dead = BTreeMap::new();
        for role in Role::ALL {
            for letter in state["dead"][role.name()].as_array().unwrap() {
                let [id, reason] = [0, 1].map(|index| letter[index].as_str().unwrap().to_owned());
                dead.insert((role.name(), id), reason);
            }
        }
        let mut pending = BTreeMap::new();
        for place in oracle::not_taken(history).into_iter().filter(|place| !dead.contains_key(place)) {
            worker.tell(&format!("why {} {}", place.1, place.0)).await;
            let why: serde_json::Value = serde_json::from_str(&self.answer(worker, "why").await).unwrap();
            if let Some(due_ms) = why["due_ms"].as_i64() {
                pending.insert(place, due_ms);
            }
        }
        let latest = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + LONGEST_DELAY;
        let due_by_ms = latest.as_millis().try_into().unwrap();
        View { counters: counters(&state["counters"]), dead, pending, due_by_ms }
    }

    /// How many messages are known to wait for [`Role::Away`], who was never there: acknowledged, or sent to another who wants
    /// them.
    fn known_to_wait_for_away(&self) -> u64 {
        let publishes = self.book.publishes();
        let acked = publishes.iter().filter(|(_, publish)| publish.id.is_some()).map(|(key, _)| key.clone());
        let sent = [Role::Flaky.name(), UNDERTAKER].into_iter().flat_map(|name| self.receivers.sent_to(name));
        let wanted = |key: &crate::load::Key| {
            publishes.get(key).is_some_and(|publish| publish.wanted_by.contains(&Role::Away.name()))
        };
        let known: BTreeSet<_> =
            acked.chain(sent).filter(|key| Kind::of(key.n) == Kind::Heavy && wanted(key)).collect();
        known.len() as u64
    }
}

fn counters(json: &serde_json::Value) -> Counters {
    let [matched, delivered, pending, dead_lettered, dropped] =
        ["matched", "delivered", "pending", "dead_lettered", "dropped"].map(|name| json[name].as_u64().unwrap());
    Counters { matched, delivered, pending, dead_lettered, dropped }
}
