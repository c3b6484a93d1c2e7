//! The log before the database: what a process leaves in it, what is made of it, and what is said of one that is damaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fanfare_core::store::{Journal, LaneOrder, MessageState, Settlement, StoreErrorKind};
use fanfare_core::subscription::SubscriptionId;
use fanfare_store_disk::{DiskStore, backup, check};
use given::{Place, append, at, copy, counts, entry, ids, open, refusal, settle, sized, take};

fn log_of(directory: &Path) -> PathBuf {
    directory.join("fanfare.db-log")
}

/// How many frames of its log the database in `directory` holds.
fn applied(directory: &Path) -> i64 {
    let database = rusqlite::Connection::open(directory.join("fanfare.db")).unwrap();
    database.query_row("SELECT applied FROM log", [], |row| row.get(0)).unwrap()
}

/// What a killed process leaves that has just done `act`: the directory, of which the last `frames` frames are in the log
/// alone. A process that was held up applies them first, and is tried again.
async fn killed(act: impl AsyncFn(&DiskStore), frames: i64) -> (Place, PathBuf) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let place = Place::new();
        let store = open(&place.store());
        act(&store).await;
        let left = place.other("killed");
        copy(&place.store(), &left);
        drop(store);
        if applied(&left) + frames == applied(&place.store()) {
            return (place, left);
        }
        assert!(Instant::now() < deadline, "what is logged is applied at once");
    }
}

/// Two messages to two lanes, the first of which has one; each change by itself.
async fn two_messages(store: &DiskStore) {
    append(store, entry("m1", 0, &[1, 2])).await;
    assert_eq!(take(store, 1, 0).await.len(), 1);
    settle(store, 1, 0, 1, Settlement::Delivered).await;
    append(store, entry("m2", 1, &[1, 2])).await;
}

/// Where the last byte of each frame lies that is not zero, by reading the lengths in their heads.
fn ends(log: &[u8]) -> Vec<usize> {
    let (mut ends, mut at) = (Vec::new(), 0);
    while let length @ 1.. = u32::from_le_bytes(log[at..at + 4].try_into().unwrap()) {
        ends.push(at + 24 + length as usize);
        at = (at + 24 + length as usize).next_multiple_of(8);
    }
    ends
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_kill() {
    let (_place, left) = killed(two_messages, 3).await;
    let store = open(&left);
    assert_eq!(counts(&store).await, [4, 1, 3, 0, 0]);
    assert_eq!(store.state(SubscriptionId(1), 1).await.unwrap(), MessageState::Absent);
    assert_eq!(ids(&take(&store, 1, 9).await), ["m2"]);
    assert_eq!(ids(&take(&store, 2, 9).await), ["m1", "m2"]);
    assert_eq!(store.attempts("m1", None).await.unwrap().len(), 1);
    assert_eq!(append(&store, entry("m3", 2, &[])).await, 3);
    assert_eq!(check(&left).unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn a_frame_that_was_torn_is_there_wholly_or_not_at_all() {
    let (place, left) = killed(two_messages, 3).await;
    let whole = fs::read(log_of(&left)).unwrap();
    let ends = ends(&whole);
    assert_eq!(ends.len(), 3);
    let lengths = (0..ends[2]).step_by(61).chain(ends.iter().flat_map(|end| [end - 1, *end]));
    for (turn, length) in lengths.enumerate() {
        let torn = place.other(&format!("torn-{turn}"));
        copy(&left, &torn);
        fs::write(log_of(&torn), &whole[..length]).unwrap();
        let store = open(&torn);
        let whole_frames = ends.iter().filter(|end| **end <= length).count();
        let expected = [[0, 0, 0, 0, 0], [2, 0, 2, 0, 0], [2, 1, 1, 0, 0], [4, 1, 3, 0, 0]][whole_frames];
        assert_eq!(counts(&store).await, expected, "cut at {length}");
        // What is written next takes the place of what was torn.
        append(&store, entry("m3", 2, &[3])).await;
        drop(store);
        let store = open(&torn);
        assert_eq!(ids(&take(&store, 3, 9).await), ["m3"]);
        assert_eq!(check(&torn).unwrap().problems, [""; 0]);
        fs::remove_dir_all(torn).unwrap();
    }
}

#[tokio::test]
async fn damage_before_what_was_acknowledged_is_told_and_nothing_is_changed() {
    let (_place, left) = killed(two_messages, 3).await;
    let whole = fs::read(log_of(&left)).unwrap();
    let ends = ends(&whole);
    for (position, damaged_at) in [(3, 0), (ends[0] - 1, 0), (ends[0] + 20, ends[0].next_multiple_of(8))] {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        fs::write(log_of(&left), &damaged).unwrap();
        let told = format!("fanfare.db-log is damaged at byte {damaged_at} and holds acknowledged changes behind that");
        let refused = refusal(&left);
        assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
        assert!(refused.to_string().contains(&told), "{refused}");
        assert_eq!(check(&left).unwrap().problems, [told]);
        assert_eq!(fs::read(log_of(&left)).unwrap(), damaged);
    }
    let mut damaged = whole;
    damaged[ends[2] - 1] ^= 0x10;
    fs::write(log_of(&left), &damaged).unwrap();
    assert_eq!(counts(&open(&left)).await, [2, 1, 1, 0, 0], "the last frame may have been torn");
}

#[tokio::test]
async fn a_log_without_what_is_before_it_is_refused() {
    let (place, left) = killed(two_messages, 3).await;
    let (ends, whole) = (ends(&fs::read(log_of(&left)).unwrap()), fs::read(log_of(&left)).unwrap());
    fs::write(log_of(&left), &whole[ends[0].next_multiple_of(8)..]).unwrap();
    let refused = refusal(&left);
    assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
    assert!(refused.to_string().contains("follows a later state of fanfare.db"), "{refused}");
    drop(place);
}

#[tokio::test]
async fn what_was_applied_before_is_not_applied_again() {
    let act = async |store: &DiskStore| {
        for number in 1..=5 {
            append(store, entry(&format!("m{number}"), 0, &[1])).await;
        }
        // Applies all of it, and the next frame takes the place of the first.
        counts(store).await;
        append(store, entry("m6", 0, &[1])).await;
    };
    let (_place, left) = killed(act, 1).await;
    assert_eq!(ends(&fs::read(log_of(&left)).unwrap()).len(), 5, "the others are behind it");
    let store = open(&left);
    assert_eq!(counts(&store).await, [6, 0, 6, 0, 0]);
    assert_eq!(ids(&take(&store, 1, 9).await), ["m1", "m2", "m3", "m4", "m5", "m6"]);
    assert_eq!(check(&left).unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn a_log_of_another_store_is_not_followed() {
    let (_place, left) = killed(two_messages, 3).await;
    let other = Place::new();
    drop(open(&other.store()));
    fs::copy(log_of(&left), log_of(&other.store())).unwrap();
    assert_eq!(counts(&open(&other.store())).await, [0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn a_check_and_a_copy_know_what_is_in_the_log() {
    let (place, left) = killed(two_messages, 3).await;
    let report = check(&left).unwrap();
    assert_eq!((report.messages, report.deliveries, report.attempts), (2, 3, 1));
    assert_eq!((report.counters.matched, report.counters.delivered, report.counters.pending), (4, 1, 3));
    assert!(report.is_sound());
    assert_eq!(applied(&left) + 3, applied(&place.store()), "a look changes nothing");

    backup(&left, place.other("copy")).unwrap();
    let copied = open(&place.other("copy"));
    assert_eq!(counts(&copied).await, [4, 1, 3, 0, 0]);
    assert_eq!(ids(&take(&copied, 2, 9).await), ["m1", "m2"]);
    assert_eq!(check(place.other("copy")).unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn what_is_logged_is_applied_when_nothing_is_to_be_done() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1])).await;
    let deadline = Instant::now() + Duration::from_secs(60);
    while applied(&place.store()) == 0 {
        assert!(Instant::now() < deadline, "it stays in the log");
    }
    append(&store, entry("m2", 0, &[1])).await;
    assert_eq!(counts(&store).await, [2, 0, 2, 0, 0]);
}

#[tokio::test]
async fn a_store_that_is_closed_leaves_no_log() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1])).await;
    assert!(log_of(&place.store()).exists());
    drop(store);
    assert!(!log_of(&place.store()).exists());
    assert_eq!(ids(&take(&open(&place.store()), 1, 0).await), ["m1"]);
}

#[tokio::test]
async fn the_log_stays_small_however_much_comes() {
    let place = Place::new();
    let store = open(&place.store());
    for number in 0..200 {
        append(&store, sized(&format!("m{number}"), 0, &[1], 100_000)).await;
        let length = fs::metadata(log_of(&place.store())).unwrap().len();
        assert!(length <= 4 << 20, "{length} bytes after {number}");
    }
    assert_eq!(ids(&take(&store, 1, 0).await).len(), 200);
    assert_eq!(counts(&store).await, [200, 0, 200, 0, 0]);
}

#[tokio::test]
async fn a_message_that_everybody_has_is_found_and_leaves_nothing_behind() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    for lane in [1, 2] {
        take(&store, lane, 0).await;
        settle(&store, lane, 0, 1, if lane == 1 { Settlement::Delivered } else { Settlement::Discarded }).await;
    }
    assert_eq!(store.message("m1").await.unwrap().unwrap().number, 1);
    assert_eq!(counts(&store).await, [2, 1, 0, 0, 1]);
    assert_eq!(store.lane_counts(SubscriptionId(1)).await.unwrap().waiting, 0);
    assert_eq!(check(place.store()).unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn what_has_no_room_in_memory_gets_its_rows_from_the_log() {
    const MESSAGES: u64 = 1_100;
    let act = async |store: &DiskStore| {
        // So many that the first thousand are applied and some of the rows are not.
        let appended = (1..=MESSAGES).map(|number| append(store, entry(&format!("m{number}"), 0, &[1])));
        for append in appended {
            append.await;
        }
    };
    let place = Place::new();
    let store = open(&place.store());
    act(&store).await;
    let left = place.other("killed");
    copy(&place.store(), &left);
    for store in [store, open(&left)] {
        let mut taken = Vec::new();
        while let more = store.take(SubscriptionId(1), at(0), NonZeroUsize::new(64).unwrap(), LaneOrder::Due).await
            && let more = more.unwrap()
            && !more.is_empty()
        {
            taken.extend(more.iter().map(|delivery| delivery.id.0));
        }
        assert_eq!(taken, (1..=MESSAGES).collect::<Vec<_>>());
        assert_eq!(counts(&store).await, [MESSAGES, 0, MESSAGES, 0, 0]);
        assert_eq!(check(store.directory()).unwrap().problems, [""; 0]);
    }
}

#[tokio::test]
async fn messages_of_one_id_are_both_kept() {
    let place = Place::new();
    let store = open(&place.store());
    assert_eq!(append(&store, entry("m1", 0, &[1])).await, 1);
    assert_eq!(append(&store, entry("m1", 0, &[1])).await, 2);
    assert_eq!(counts(&store).await, [2, 0, 2, 0, 0]);
    assert_eq!(ids(&take(&store, 1, 0).await), ["m1", "m1"]);
}

#[tokio::test]
async fn a_log_without_room_costs_the_reserve_and_deliveries_go_on_without_it() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    take(&store, 1, 0).await;
    drop(store);
    let store = open(&place.store());
    // It is opened with the first write, and every write to this tells that there is no room.
    symlink("/dev/full", log_of(&place.store())).unwrap();
    let full = store.append(entry("m2", 0, &[1])).await.unwrap_err();
    assert_eq!(full.kind(), StoreErrorKind::Unavailable);
    assert!(full.to_string().contains("cannot write"), "{full}");
    assert!(!place.store().join("reserve").exists());

    let refused = store.append(entry("m3", 0, &[1])).await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Full);
    assert_eq!(ids(&take(&store, 1, 0).await), ["m1"]);
    settle(&store, 1, 0, 1, Settlement::Delivered).await;
    assert_eq!(counts(&store).await, [2, 1, 1, 0, 0]);

    // There is room, and the reserve is made again.
    store.sweep(at(1)).await.unwrap();
    // The first few go to the database, as what came before them did.
    for number in 2..=12 {
        assert_eq!(append(&store, entry("m4", 0, &[1])).await, number);
    }
    assert!(fs::symlink_metadata(log_of(&place.store())).unwrap().is_file(), "the log was made anew");
    drop(store);
    assert_eq!(counts(&open(&place.store())).await, [13, 1, 12, 0, 0]);
}

#[tokio::test]
async fn after_a_lost_sync_of_the_log_nothing_is_written_and_what_was_kept_can_be_read() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    drop(store);
    // It takes what is written and cannot sync it.
    symlink("/dev/null", log_of(&place.store())).unwrap();
    let store = open(&place.store());
    for _ in 0..2 {
        let lost = store.append(entry("m2", 0, &[1])).await.unwrap_err();
        assert_eq!(lost.kind(), StoreErrorKind::Unavailable);
        assert!(lost.to_string().contains("did not sync"), "{lost}");
        assert!(lost.to_string().ends_with("nothing is written until it is opened again"), "{lost}");
    }
    assert_eq!(ids(&take(&store, 1, 0).await), ["m1"]);
    assert_eq!(counts(&store).await, [2, 0, 2, 0, 0]);
    drop(store);
    fs::remove_file(log_of(&place.store())).unwrap();
    assert_eq!(append(&open(&place.store()), entry("m3", 0, &[])).await, 2);
}
