//! A worker under load is killed again and again, at any moment and at every labelled point of the store, and loses nothing.

use std::io::Write as _;
use std::time::Duration;

use tokio::time::Instant;

use crate::book::Said;
use crate::oracle::{Tally, Violation};
use crate::power::Unsynced;
use crate::receivers::Presence;
use crate::scene::Scene;
use crate::worker_process::{SIGABRT, SIGKILL, Worker};

/// How long a worker lives after its first acknowledgement, and how long one that is killed while it starts.
const LIFE_MS: std::ops::Range<u64> = 5..150;
const START_MS: std::ops::Range<u64> = 0..60;

/// After how many kills everything is judged.
const JUDGED_EVERY: u32 = 100;

/// The labels that every run with load comes by, many times.
const UNDER_LOAD: [&str; 5] =
    ["before-write", "between-fan-out-rows", "after-accept-before-commit", "after-commit-before-reply", "after-reply"];

/// Up to which time a label is passed by before the worker dies there.
const LABEL_TIMES: std::ops::Range<u64> = 1..60;

/// Steps of a sweep that every sweep makes.
const SWEEP_STEPS: std::ops::Range<u64> = 1..6;

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_fifteen_kills() {
    Campaign::new("few-kills").await.run(15).await;
}

#[tokio::test]
#[ignore = "kills the program 500 times, which takes minutes"]
async fn nothing_acknowledged_is_lost_by_hundreds_of_kills() {
    let kills = setting("FANFARE_KILLS").unwrap_or(500);
    Campaign::new("kills").await.run(kills.try_into().unwrap()).await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_losses_of_power() {
    let mut campaign = Campaign::new("power").await;
    campaign.crash_while_the_store_is_made().await;
    for _ in 0..12 {
        campaign.lose_power().await;
    }
    campaign.judge_with_everybody_here().await;
    campaign.scene.clean_up();
}

/// What the losses of power are judged by can tell them.
#[tokio::test]
async fn a_disk_that_only_says_that_it_syncs_is_found_out() {
    let mut scene = Scene::new("lies").await;
    scene.receivers.set_away(Presence::Gone);
    let unsynced = Unsynced::of(&scene);
    let mut worker = scene.start_with(&[], |command| unsynced.attach(command));
    assert_eq!(scene.publish(&mut worker, 20, 1, 0).await.acked, 20);
    unsynced.lie();
    assert_eq!(scene.publish(&mut worker, 20, 1, 0).await.acked, 20);
    scene.kill(worker).await;
    unsynced.lose(|| true);

    scene.receivers.set_away(Presence::Here);
    let worker = scene.start(&[]);
    let violations = scene.verdict(worker).await.expect_err("what was acknowledged is gone");
    let lost = |violation: &Violation| matches!(violation, Violation::Lost { subscriber: "away", .. });
    assert_eq!(violations.iter().filter(|violation| lost(violation)).count(), 2, "{violations:?}");
    scene.clean_up();
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_by_a_crash_at_any_labelled_point() {
    let mut campaign = Campaign::new("labels").await;
    campaign.crash_while_the_store_is_made().await;
    for label in UNDER_LOAD {
        campaign.crash_under_load(label, 3).await;
    }
    campaign.crash_in_a_sweep(2).await;
    campaign.crash_before_a_checkpoint().await;
    campaign.crash_in_a_backup().await;
    let tally = campaign.judge_with_everybody_here().await;
    assert!(tally.acked >= UNDER_LOAD.len(), "{tally:?}");
    campaign.scene.clean_up();
}

/// Kills, and what they have come to so far.
struct Campaign {
    scene: Scene,
    dice: Dice,
    seed: u64,
    kills: u32,
}

impl Campaign {
    async fn new(name: &str) -> Self {
        let seed = setting("FANFARE_SEED").unwrap_or_else(Dice::any_seed);
        tell(&format!("{name}: FANFARE_SEED={seed}"));
        let scene = Scene::new(name).await;
        scene.receivers.set_away(Presence::Gone);
        Self { scene, dice: Dice(seed), seed, kills: 0 }
    }

    async fn run(mut self, kills: u32) {
        self.crash_while_the_store_is_made().await;
        let mut judged_at = 0;
        while self.kills < kills {
            match self.dice.below(100) {
                0..12 => self.kill_at_the_start().await,
                12..26 => {
                    let label = UNDER_LOAD[self.dice.below(UNDER_LOAD.len() as u64) as usize];
                    let time = self.dice.within(LABEL_TIMES);
                    self.crash_under_load(label, time).await;
                }
                26..29 => {
                    let step = self.dice.within(SWEEP_STEPS);
                    self.crash_in_a_sweep(step).await;
                }
                29 => self.crash_before_a_checkpoint().await,
                30..32 => self.crash_in_a_backup().await,
                32..52 => self.lose_power().await,
                _ => self.kill_under_load().await,
            }
            if self.kills >= judged_at + JUDGED_EVERY {
                judged_at = self.kills;
                self.scene.settle_and_judge().await;
            }
        }
        self.scene.settle_and_judge().await;
        let tally = self.judge_with_everybody_here().await;
        let Tally { acked, kept_unanswered, delivered, duplicates, dead, .. } = tally;
        let (kills, seed) = (self.kills, self.seed);
        tell(&format!(
            "{kills} kills, {acked} acked, {kept_unanswered} kept without an answer, {delivered} delivered, {duplicates} \
             duplicates, {dead} dead letters, 0 lost, seed {seed}"
        ));
        assert!(acked >= kills as usize / 2, "the worker hardly published anything");
        self.scene.clean_up();
    }

    /// The last judgement: who was away is there, and nothing waits any more.
    async fn judge_with_everybody_here(&mut self) -> Tally {
        self.scene.receivers.set_away(Presence::Here);
        let tally = self.scene.settle_and_judge().await;
        assert_eq!(tally.pending, 0);
        tally
    }

    async fn kill_under_load(&mut self) {
        let life = Duration::from_millis(self.dice.within(LIFE_MS));
        let mut worker = self.scene.start(&["--load"]);
        self.first_ack(&mut worker).await;
        self.read_for(&mut worker, life).await;
        self.scene.kill(worker).await;
        self.kills += 1;
    }

    /// Kills a worker under load, and loses what it has not synced: all of it or some sectors.
    async fn lose_power(&mut self) {
        let life = Duration::from_millis(self.dice.within(LIFE_MS));
        let unsynced = Unsynced::of(&self.scene);
        let mut worker = self.scene.start_with(&["--load"], |command| unsynced.attach(command));
        self.first_ack(&mut worker).await;
        self.read_for(&mut worker, life).await;
        self.scene.kill(worker).await;
        let all = self.dice.below(4) == 0;
        unsynced.lose(|| all || self.dice.below(2) == 0);
        self.kills += 1;
    }

    async fn kill_at_the_start(&mut self) {
        let life = Duration::from_millis(self.dice.within(START_MS));
        let mut worker = self.scene.start(&["--load"]);
        self.read_for(&mut worker, life).await;
        self.scene.kill(worker).await;
        self.kills += 1;
    }

    /// Reads until the worker has lived for that long, which is what a kill at a random moment takes.
    async fn read_for(&mut self, worker: &mut Worker, life: Duration) {
        let end = Instant::now() + life;
        while let Ok(Some(line)) = tokio::time::timeout_at(end, worker.line()).await {
            self.scene.book.read(&line);
        }
    }

    async fn first_ack(&mut self, worker: &mut Worker) {
        let ack = self.scene.read_until(worker, |said| *said == Said::Acked).await;
        if ack.is_none() {
            worker.ended_by(SIGKILL).await;
        }
    }

    /// The steps in which a store is made are passed once in its life: on an empty directory, before anything else.
    async fn crash_while_the_store_is_made(&mut self) {
        for label in ["during-migration", "during-creation"] {
            self.crash(label, 1, &["--load"]).await;
        }
    }

    async fn crash_under_load(&mut self, label: &str, time: u64) {
        self.crash(label, time, &["--load"]).await;
    }

    async fn crash_in_a_sweep(&mut self, step: u64) {
        self.crash("during-sweep", step, &["--sweep"]).await;
    }

    /// A sweep cuts the log when it has grown, which a burst of large messages sees to.
    async fn crash_before_a_checkpoint(&mut self) {
        let mut worker = self.scene.start(&[]);
        worker.tell("bulk").await;
        self.scene.answer(&mut worker, "done").await;
        self.scene.kill(worker).await;
        self.kills += 1;
        self.crash("before-checkpoint", 1, &["--sweep"]).await;
    }

    async fn crash_in_a_backup(&mut self) {
        let copy = self.scene.beside(&format!("copy-{}", self.kills));
        self.crash("during-backup", 1, &["--load", &format!("--backup={}", copy.display())]).await;
    }

    /// Lets a worker die at a labelled point.
    async fn crash(&mut self, label: &str, time: u64, arguments: &[&str]) {
        let worker = self.scene.start_with(arguments, |command| {
            command.env("FANFARE_CRASH_AT", format!("{label}:{time}"));
        });
        self.scene.bury(worker, SIGABRT).await;
        self.kills += 1;
    }
}

/// Random numbers that a seed brings back (SplitMix64).
struct Dice(u64);

impl Dice {
    fn any_seed() -> u64 {
        use std::hash::{BuildHasher as _, RandomState};
        RandomState::new().hash_one(0) >> 32
    }

    fn within(&mut self, range: std::ops::Range<u64>) -> u64 {
        range.start + self.below(range.end - range.start)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Tells past the test harness, which would keep it to itself.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
