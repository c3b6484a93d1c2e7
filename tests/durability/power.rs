//! Losses of power: a worker is killed, and of what it wrote and did not sync, nothing or some sectors are there afterwards.
//!
//! The files of the database are covered. The few others, which are made once, and the names in the directory are not.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::scene::Scene;
use crate::shared_library::library;

/// What a disk writes as a whole or not at all.
const SECTOR: u64 = 512;

/// Notes on what a worker has not synced.
#[derive(Debug)]
pub(crate) struct Unsynced {
    notes: PathBuf,
    store: PathBuf,
}

/// One change that was not synced: what was there before.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    offset: u64,
    before: Vec<u8>,
    file_length: u64,
    touched: u64,
}

impl Unsynced {
    pub(crate) fn of(scene: &Scene) -> Self {
        let notes = scene.beside("unsynced");
        fs::create_dir_all(&notes).unwrap();
        Self { notes, store: scene.directory().to_owned() }
    }

    /// Has the worker note what it has not synced.
    pub(crate) fn attach(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library("power.c")).env("FANFARE_UNSYNCED", &self.notes);
        command.env("FANFARE_LIES", self.notes.with_extension("lies"));
    }

    /// From now on, a sync answers that all is well and does nothing.
    pub(crate) fn lie(&self) {
        fs::write(self.notes.with_extension("lies"), "").unwrap();
    }

    /// Undoes what is not synced, sector by sector where `is_lost` says so. The worker must be dead.
    pub(crate) fn lose(&self, mut is_lost: impl FnMut() -> bool) {
        for entry in fs::read_dir(&self.notes).unwrap() {
            let notes = entry.unwrap().path();
            let changes = changes(&fs::read(&notes).unwrap());
            let file = self.store.join(notes.file_name().unwrap());
            if !changes.is_empty() && file.exists() {
                undo(&file, &changes, &mut is_lost);
            }
            fs::remove_file(notes).unwrap();
        }
    }
}

fn undo(path: &Path, changes: &[Change], is_lost: &mut impl FnMut() -> bool) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let length = if is_lost() { changes[0].file_length } else { file.metadata().unwrap().len() };
    for bytes in synced_sectors(changes).into_values().filter(|_| is_lost()) {
        for (at, before) in bytes {
            file.write_all_at(&[before], at).unwrap();
        }
    }
    file.set_len(length).unwrap();
}

/// The sectors that changed, each with what its changed bytes were before the first change. What did not exist reads as zero.
fn synced_sectors(changes: &[Change]) -> BTreeMap<u64, BTreeMap<u64, u8>> {
    let mut sectors: BTreeMap<u64, BTreeMap<u64, u8>> = BTreeMap::new();
    for Change { offset, before, touched, .. } in changes {
        let bytes = before.iter().copied().chain(std::iter::repeat(0));
        for (at, byte) in (*offset..offset + touched).zip(bytes) {
            sectors.entry(at / SECTOR).or_default().entry(at).or_insert(byte);
        }
    }
    sectors
}

fn changes(mut notes: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    // The last note may be cut short by the kill: its change was not made then.
    while let Some((head, rest)) = notes.split_at_checked(32) {
        let number = |index: usize| u64::from_ne_bytes(head[8 * index..8 * index + 8].try_into().unwrap());
        let Some((before, rest)) = rest.split_at_checked(number(1).try_into().unwrap()) else { break };
        changes.push(Change { offset: number(0), before: before.to_vec(), file_length: number(2), touched: number(3) });
        notes = rest;
    }
    changes
}

#[test]
fn what_was_synced_last_comes_back() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("undone-{}", std::process::id()));
    fs::write(&path, b"abXYZW").unwrap();
    let change =
        |offset, before: &[u8], file_length, touched| Change { offset, before: before.to_vec(), file_length, touched };
    // "abcd" became "abXY", then "abXYZ", then "abXYZW" by writing its end again.
    let changes = [change(2, b"cd", 4, 2), change(4, b"", 4, 1), change(3, b"YZ", 5, 3)];
    undo(&path, &changes, &mut || false);
    assert_eq!(fs::read(&path).unwrap(), b"abXYZW");
    undo(&path, &changes, &mut || true);
    assert_eq!(fs::read(&path).unwrap(), b"abcd");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_note_that_was_cut_short_is_no_change() {
    let mut notes = Vec::new();
    for number in [2_u64, 2, 4, 2] {
        notes.extend(number.to_ne_bytes());
    }
    notes.extend(b"cd");
    let whole = Change { offset: 2, before: b"cd".to_vec(), file_length: 4, touched: 2 };
    assert_eq!(changes(&notes), [whole]);
    notes.pop();
    assert_eq!(changes(&notes), []);
}
