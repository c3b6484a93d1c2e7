//! The directory of a store: who has it, who may read it, and what is said of one that is damaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod given;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fanfare_core::store::{Journal, StoreErrorKind};
use fanfare_core::subscription::SubscriptionId;
use fanfare_store_disk::{DiskOptions, DiskStore, OpenCheck, backup, check};
use given::{Place, append, at, copy, counts, entry, ids, open, refusal, sized, take};

const PAGE: usize = 4096;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Makes a store with something in it, closed.
async fn stored(directory: &Path) {
    let store = open(directory);
    for number in 1..=30 {
        append(&store, sized(&format!("message-{number}"), number, &[1, 2], 900)).await;
    }
}

/// Opens the store, every page checked.
fn open_checked(directory: &Path) -> Result<DiskStore, fanfare_core::store::StoreError> {
    let mut options = DiskOptions::default();
    options.check = OpenCheck::Pages;
    DiskStore::open(directory, options)
}

#[test]
fn a_second_opening_is_refused_and_told_who_has_the_store() {
    let place = Place::new();
    let store = open(&place.store());
    let refused = refusal(&place.store());
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    let directory = fs::canonicalize(place.store()).unwrap();
    let expected = format!(
        "the store in {} is in use by process {}: stop it, or choose another directory",
        directory.display(),
        std::process::id()
    );
    assert_eq!(refused.to_string(), expected);
    drop(store);
    open(&place.store());
}

#[tokio::test]
async fn the_directory_is_for_its_owner_alone() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1])).await;
    store.secret("signing-key.pem", || "key".into()).unwrap();
    assert_eq!(mode(&place.store()), 0o700);
    let mut names = Vec::new();
    for file in fs::read_dir(place.store()).unwrap() {
        let file = file.unwrap();
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.path());
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "fanfare.db",
            "fanfare.db-log",
            "fanfare.db-shm",
            "fanfare.db-wal",
            "format",
            "lock",
            "reserve",
            "signing-key.pem"
        ]
    );
}

#[test]
fn a_newer_format_is_refused_by_name_and_left_as_it_is() {
    let place = Place::new();
    drop(open(&place.store()));
    let database = place.store().join("fanfare.db");
    rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&database).unwrap();
    let refused = refusal(&place.store());
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    let told = refused.to_string();
    assert!(told.ends_with("has format 99, this program knows 4: use a newer Fanfare"), "{told}");
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn a_database_of_something_else_is_refused_and_left_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.store()).unwrap();
    let database = place.store().join("fanfare.db");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE bookmarks (url)").unwrap();
    let before = fs::read(&database).unwrap();
    let refused = refusal(&place.store());
    assert_eq!(refused.kind(), StoreErrorKind::Corrupt);
    assert!(refused.to_string().contains("fanfare.db is a database of something else"), "{refused}");
    assert_eq!(fs::read(&database).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let place = Place::new();
    fs::create_dir(place.store()).unwrap();
    let text = "not a database. ".repeat(1000);
    fs::write(place.store().join("fanfare.db"), &text).unwrap();
    assert_eq!(refusal(&place.store()).kind(), StoreErrorKind::Corrupt);
    assert_eq!(fs::read_to_string(place.store().join("fanfare.db")).unwrap(), text);
}

#[test]
fn a_database_whose_making_was_interrupted_is_made_anew() {
    let place = Place::new();
    fs::create_dir(place.other("making")).unwrap();
    let making = rusqlite::Connection::open(place.other("making").join("fanfare.db")).unwrap();
    // So little memory that the transaction is partly in the file, to be undone with the journal beside it.
    making.execute_batch("PRAGMA cache_size = 1; BEGIN; CREATE TABLE half (made)").unwrap();
    for _ in 0..20 {
        making.execute("INSERT INTO half VALUES (zeroblob(9000))", []).unwrap();
    }
    copy(&place.other("making"), &place.store());
    assert!(fs::metadata(place.store().join("fanfare.db")).unwrap().len() > 0);
    assert!(fs::metadata(place.store().join("fanfare.db-journal")).unwrap().len() > 0);
    drop(open(&place.store()));
    assert_eq!(check(place.store()).unwrap().problems, [""; 0]);
}

#[tokio::test]
async fn a_missing_or_empty_database_is_not_taken_for_a_new_store() {
    let place = Place::new();
    stored(&place.store()).await;
    let database = place.store().join("fanfare.db");
    fs::write(&database, "").unwrap();
    let emptied = refusal(&place.store());
    assert_eq!(emptied.kind(), StoreErrorKind::Corrupt);
    assert!(
        emptied.to_string().ends_with("fanfare.db is empty; restore a backup into an empty directory"),
        "{emptied}"
    );
    fs::remove_file(&database).unwrap();
    let missing = refusal(&place.store());
    assert_eq!(missing.kind(), StoreErrorKind::Corrupt);
    assert!(missing.to_string().contains("fanfare.db is missing"), "{missing}");
    assert!(!database.exists());
}

#[tokio::test]
async fn a_database_that_was_cut_is_refused() {
    let place = Place::new();
    stored(&place.store()).await;
    let whole = fs::read(place.store().join("fanfare.db")).unwrap();
    for length in (100..whole.len()).step_by(PAGE / 2) {
        fs::write(place.store().join("fanfare.db"), &whole[..length]).unwrap();
        let refused = open_checked(&place.store()).expect_err("it was cut");
        assert_eq!(refused.kind(), StoreErrorKind::Corrupt, "cut at {length}: {refused}");
    }
}

#[tokio::test]
async fn a_zeroed_page_is_found() {
    let place = Place::new();
    stored(&place.store()).await;
    let database = place.store().join("fanfare.db");
    let whole = fs::read(&database).unwrap();
    assert!(whole.len() > 20 * PAGE);
    for page in 0..whole.len() / PAGE {
        let mut damaged = whole.clone();
        damaged[page * PAGE..(page + 1) * PAGE].fill(0);
        fs::write(&database, damaged).unwrap();
        let refused = open_checked(&place.store()).expect_err("a page was zeroed");
        assert_eq!(refused.kind(), StoreErrorKind::Corrupt, "page {page}: {refused}");
    }
}

#[tokio::test]
async fn a_changed_byte_in_a_message_is_found_and_the_others_go_on() {
    let place = Place::new();
    stored(&place.store()).await;
    let database = place.store().join("fanfare.db");
    let mut bytes = fs::read(&database).unwrap();
    let marker = b"\"message-7\"";
    let found = bytes.windows(marker.len()).position(|window| window == marker).expect("the message is in the file");
    bytes[found + 1] ^= 1;
    fs::write(&database, bytes).unwrap();

    let report = check(place.store()).unwrap();
    assert_eq!(report.problems, ["message 7 is not what was written"]);
    let store = open(&place.store());
    let taken = take(&store, 1, 100).await;
    assert_eq!(taken.len(), 29);
    assert!(!ids(&taken).contains(&"message-7"));
    assert_eq!(take_error(&store).await, StoreErrorKind::Corrupt);
    assert_eq!(counts(&store).await, [60, 0, 60, 0, 0]);
}

/// What taking says when nothing but the damaged message is left.
async fn take_error(store: &DiskStore) -> StoreErrorKind {
    let order = fanfare_core::store::LaneOrder::Due;
    let taken = store.take(SubscriptionId(1), at(100), std::num::NonZeroUsize::MIN, order).await;
    taken.expect_err("the message is damaged").kind()
}

#[tokio::test]
async fn a_commit_that_was_torn_is_there_wholly_or_not_at_all() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    // What is asked for is in the database then.
    assert_eq!(counts(&store).await, [2, 0, 2, 0, 0]);
    let log = place.store().join("fanfare.db-wal");
    let before = fs::metadata(&log).unwrap().len() as usize;
    append(&store, sized("m2", 1, &[1, 2, 3], 5_000)).await;
    assert_eq!(counts(&store).await, [5, 0, 5, 0, 0]);
    let torn = place.other("torn");
    copy(&place.store(), &torn);
    fs::remove_file(torn.join("fanfare.db-log")).unwrap();
    // The index of the log is made anew from what is left of the log.
    fs::remove_file(torn.join("fanfare.db-shm")).unwrap();
    let whole = fs::read(torn.join("fanfare.db-wal")).unwrap();
    assert!(whole.len() > before + 5_000, "the last commit is at the end of the log");
    let database = fs::read(torn.join("fanfare.db")).unwrap();

    let last = whole.len();
    let lengths = (before..last).step_by(509).chain(last - 20..=last);
    for length in lengths {
        fs::write(torn.join("fanfare.db"), &database).unwrap();
        fs::write(torn.join("fanfare.db-wal"), &whole[..length]).unwrap();
        let store = open(&torn);
        let second = length == last;
        let expected = if second { [5, 0, 5, 0, 0] } else { [2, 0, 2, 0, 0] };
        assert_eq!(counts(&store).await, expected, "cut at {length} of {last}");
        assert_eq!(ids(&take(&store, 1, 9).await), if second { vec!["m1", "m2"] } else { vec!["m1"] });
        assert_eq!(store.message("m2").await.unwrap().is_some(), second);
        drop(store);
        assert_eq!(check(&torn).unwrap().problems, [""; 0]);
    }
}

#[tokio::test]
async fn a_changed_byte_in_the_log_undoes_commits_and_tears_none() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    assert_eq!(counts(&store).await, [2, 0, 2, 0, 0]);
    append(&store, entry("m2", 0, &[1, 2])).await;
    assert_eq!(counts(&store).await, [4, 0, 4, 0, 0]);
    let torn = place.other("torn");
    copy(&place.store(), &torn);
    fs::remove_file(torn.join("fanfare.db-log")).unwrap();
    fs::remove_file(torn.join("fanfare.db-shm")).unwrap();
    let whole = fs::read(torn.join("fanfare.db-wal")).unwrap();
    let database = fs::read(torn.join("fanfare.db")).unwrap();
    let tail = whole.len() - 5 * (PAGE + 24);
    for position in (tail..whole.len()).step_by(1021) {
        let mut damaged = whole.clone();
        damaged[position] ^= 0x10;
        fs::write(torn.join("fanfare.db"), &database).unwrap();
        fs::write(torn.join("fanfare.db-wal"), damaged).unwrap();
        let store = open(&torn);
        assert_eq!(counts(&store).await, [2, 0, 2, 0, 0], "byte {position}");
        assert_eq!(ids(&take(&store, 1, 9).await), ["m1"]);
    }
}

#[test]
fn a_secret_is_made_once() {
    let place = Place::new();
    let store = open(&place.store());
    assert_eq!(store.secret("signing-key.pem", || "first".into()).unwrap(), "first");
    assert_eq!(store.secret("signing-key.pem", || panic!("it is there")).unwrap(), "first");
    drop(store);
    let store = open(&place.store());
    assert_eq!(store.secret("signing-key.pem", || panic!("it is there")).unwrap(), "first");
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    let place = Place::new();
    let store = open(&place.store());
    store.secret("key.pem", || "first".into()).unwrap();
    for exposed in [0o640, 0o604, 0o660, 0o611] {
        let path = place.store().join("key.pem");
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        let refused = store.secret("key.pem", || panic!("it is there")).expect_err("others may read it");
        assert!(refused.to_string().contains(&format!("is open to others (mode {exposed:o})")), "{refused}");
    }
}

#[test]
fn a_secret_cannot_lie_elsewhere_or_in_the_way() {
    let place = Place::new();
    let store = open(&place.store());
    for name in ["", ".key", "../key", "a/b", "lock", "format", "reserve", "fanfare.db", "fanfare.db-wal", "a\0b"] {
        let refused = store.secret(name, || panic!("the name is refused")).expect_err(name);
        assert!(refused.to_string().contains("cannot name a secret"), "{refused}");
    }
}

#[tokio::test]
async fn a_store_in_use_is_checked_and_copied() {
    let place = Place::new();
    let store = open(&place.store());
    append(&store, entry("m1", 0, &[1, 2])).await;
    store.secret("signing-key.pem", || "key".into()).unwrap();
    let report = check(place.store()).unwrap();
    let told = report.to_string();
    assert!(report.is_sound(), "{told}");
    let lines: Vec<_> = told.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "1 messages, 2 deliveries waiting, 0 dead letters, 0 logged attempts",
            "2 matched = 0 delivered + 2 pending + 0 dead-lettered + 0 dropped",
            "sound"
        ]
    );

    let report = store.backup(place.other("copy")).unwrap();
    assert_eq!(report.secrets, ["signing-key.pem"]);
    assert!(!place.other("copy").join("reserve").exists());
    append(&store, entry("m2", 0, &[1])).await;
    let copied = open(&place.other("copy"));
    assert_eq!(counts(&copied).await, [2, 0, 2, 0, 0]);
    assert_eq!(ids(&take(&copied, 1, 0).await), ["m1"]);
    assert_eq!(copied.secret("signing-key.pem", || panic!("it was copied")).unwrap(), "key");
    assert_eq!(mode(&place.other("copy")), 0o700);
    assert_eq!(mode(&place.other("copy").join("fanfare.db")), 0o600);
    assert_eq!(counts(&store).await, [3, 0, 3, 0, 0]);
}

#[tokio::test]
async fn a_copy_is_not_made_over_something_else() {
    let place = Place::new();
    stored(&place.store()).await;
    fs::create_dir(place.other("copy")).unwrap();
    fs::write(place.other("copy").join("note"), "mine").unwrap();
    let refused = backup(place.store(), place.other("copy")).expect_err("there is something");
    assert!(refused.to_string().contains("is not empty: choose another one"), "{refused}");
    assert_eq!(fs::read_dir(place.other("copy")).unwrap().count(), 1);
}

#[test]
fn a_directory_without_a_store_is_not_made_one_by_a_check() {
    let place = Place::new();
    fs::create_dir(place.store()).unwrap();
    let refused = check(place.store()).expect_err("there is no store");
    assert!(refused.to_string().starts_with("there is no store in "), "{refused}");
    assert!(check(place.other("nowhere")).is_err());
    assert_eq!(fs::read_dir(place.store()).unwrap().count(), 0);
    assert!(!place.other("nowhere").exists());
}

#[tokio::test]
async fn a_check_finds_what_does_not_add_up() {
    let place = Place::new();
    stored(&place.store()).await;
    let database = rusqlite::Connection::open(place.store().join("fanfare.db")).unwrap();
    database.execute_batch("DELETE FROM fan_out WHERE number = 5; UPDATE totals SET dropped = 3").unwrap();
    drop(database);
    let report = check(place.store()).unwrap();
    assert_eq!(
        report.problems,
        [
            "1 messages held by another number of deliveries and dead letters than they count",
            "the counters do not balance",
            "60 deliveries are counted as pending, 58 are there",
        ]
    );
    assert!(report.to_string().contains("\ndamaged:\n  1 messages held"), "{report}");
}

#[test]
fn a_directory_with_files_of_somebody_else_is_refused_and_left_as_it_is() {
    for name in ["notes.txt", "lock"] {
        let place = Place::new();
        fs::create_dir_all(place.store()).unwrap();
        fs::write(place.store().join(name), "mine").unwrap();
        let error = DiskStore::open(place.store(), DiskOptions::default()).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.to_string().ends_with("which is not of a store: choose an empty directory"), "{error}");
        assert_eq!(fs::read_to_string(place.store().join(name)).unwrap(), "mine");
        assert_eq!(fs::read_dir(place.store()).unwrap().count(), 1);
    }
}
