//! A process that dies at a labelled point, as if it were killed there, and what the next one finds.
//!
//! Each case starts this program again, as the process that dies.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_core::store::{Journal, Settlement, StoreErrorKind};
use fanfare_store_disk::{DiskOptions, DiskStore, check};
use given::{Place, append, at, counts, entry, open, refusal, settle, sized, take};
use libtest_mimic::{Arguments, Failed, Trial};

/// Tells the process that dies where its store is.
const DIRECTORY: &str = "FANFARE_TEST_CRASH_IN";

fn main() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return block_on(act(Path::new(&directory)));
    }
    let nothing = [0, 0, 0, 0, 0];
    let waiting = [3, 0, 3, 0, 0];
    let settled = [3, 1, 2, 0, 0];
    let cases = [
        ("a command that was not begun is not there", "before-write", nothing),
        ("an append that was not logged is not there", "after-accept-before-commit", nothing),
        ("an append that was written by a process that died is there", "before-log-sync", waiting),
        ("an append that was committed is there", "after-commit-before-reply", waiting),
        ("an append that was answered is there", "after-reply", waiting),
        ("a settlement that was not committed is not there", "after-accept-before-commit:2", waiting),
        ("a settlement that was committed is there", "after-commit-before-reply:2", settled),
        ("a settlement that was written by a process that died is there", "before-log-sync:2", settled),
        ("what was logged is there before it is applied", "before-apply", settled),
        ("what was logged is there when a part of it was applied", "between-fan-out-rows", settled),
        ("what was logged is there when all of it was applied and not committed", "during-apply", settled),
        ("what was applied is there once", "after-apply", settled),
        ("what was applied again is there once", "after-apply:2", settled),
        ("a sweep can end at its first step", "during-sweep:1", settled),
        ("a sweep can end at a later step", "during-sweep:7", settled),
        ("the log can be found again uncut", "before-checkpoint", settled),
        ("a copy can be left unfinished", "during-backup", settled),
    ];
    let mut trials: Vec<_> = cases
        .into_iter()
        .map(|(name, label, expected)| Trial::test(name, move || block_on(finds(label, expected))))
        .collect();
    for label in ["during-migration", "during-creation"] {
        let name = format!("a store is made by the next process when the first died {label}");
        trials.push(Trial::test(name, move || block_on(makes(label))));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Makes a store if there is none, appends a message for three lanes, settles one of its deliveries, forgets large messages,
/// and copies the store: dies on the way.
async fn act(directory: &Path) {
    let mut options = DiskOptions::default();
    options.recent_messages_max = 0;
    let store = DiskStore::open(directory, options).unwrap();
    append(&store, entry("new", 0, &[1, 2, 3])).await;
    let number = take(&store, 1, 0).await[0].id.0;
    settle(&store, 1, 0, number, Settlement::Delivered).await;
    for number in 0..40 {
        append(&store, sized(&format!("large-{number}"), 0, &[], 200_000)).await;
    }
    store.sweep(at(0)).await.unwrap();
    store.backup(copy_of(directory)).unwrap();
}

/// A process that dies at `label` leaves a sound store that holds as much as `expected`.
async fn finds(label: &str, expected: [u64; 5]) -> Result<(), Failed> {
    let place = Place::new();
    {
        let _alone = alone();
        drop(open(&place.store()));
    }
    die(&place.store(), label);
    let store = open(&place.store());
    assert_eq!(counts(&store).await, expected);
    assert_eq!(check(place.store()).unwrap().problems, [""; 0]);
    if label == "during-backup" {
        let refused = refusal(&copy_of(&place.store()));
        assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
        assert!(refused.to_string().contains("a copy that was not finished"), "{refused}");
    }
    Ok(())
}

/// A process that dies at `label` while it makes a store leaves a directory that the next one makes a store.
async fn makes(label: &str) -> Result<(), Failed> {
    let place = Place::new();
    die(&place.store(), label);
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1])).await;
    assert_eq!(counts(&store).await, [1, 0, 1, 0, 0]);
    assert_eq!(check(place.store()).unwrap().problems, [""; 0]);
    Ok(())
}

fn die(directory: &Path, label: &str) {
    const ABORTED: i32 = 6;
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.env(DIRECTORY, directory).env("FANFARE_CRASH_AT", label);
    process.stdout(Stdio::null()).stderr(Stdio::piped());
    let started = {
        let _alone = alone();
        process.spawn().unwrap()
    };
    let output = started.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), Some(ABORTED), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Held while a process is started, and while a store is closed that has to be closed: what is open in this process is open
/// for a moment in one that it starts, locks included.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn copy_of(directory: &Path) -> std::path::PathBuf {
    directory.with_file_name("copy")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
