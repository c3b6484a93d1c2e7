//! What the tests start from: a directory of their own, and messages to put into the store in it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(dead_code, reason = "each test program uses a part")]

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use fanfare_core::store::{
    Appended, Counters, Delivery, DeliveryId, Dispatch, Entry, Journal, LaneOrder, Settled, Settlement,
};
use fanfare_core::subscription::SubscriptionId;
use fanfare_core::{Attempt, Message, NotificationKind, Publication, SubscriptionArn, Timestamp, TopicArn};
use fanfare_store_disk::{DiskOptions, DiskStore};

/// A directory that is gone when the test is over.
#[derive(Debug)]
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fanfare-store-disk-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The directory of the store, which is not made yet.
    pub(crate) fn store(&self) -> PathBuf {
        self.0.join("store")
    }

    pub(crate) fn other(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn open(directory: &Path) -> DiskStore {
    DiskStore::open(directory, DiskOptions::default()).unwrap()
}

/// Why the directory cannot be opened.
pub(crate) fn refusal(directory: &Path) -> fanfare_core::store::StoreError {
    match DiskStore::open(directory, DiskOptions::default()) {
        Ok(_) => panic!("the store was opened"),
        Err(error) => error,
    }
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(1_767_323_045_000 + ms)
}

pub(crate) fn topic() -> TopicArn {
    TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap()
}

pub(crate) fn entry(id: &str, ms: i64, lanes: &[u64]) -> Entry {
    sized(id, ms, lanes, 10)
}

/// A message of `bytes` bytes.
pub(crate) fn sized(id: &str, ms: i64, lanes: &[u64], bytes: usize) -> Entry {
    let message = Message::text("x".repeat(bytes)).unwrap();
    let publication = Publication::new(id, topic(), at(ms), message);
    Entry {
        dispatch: Dispatch { kind: NotificationKind::Notification, publication },
        lanes: lanes.iter().copied().map(SubscriptionId).collect(),
        dedup: None,
        archive_until: None,
    }
}

pub(crate) async fn append(store: &DiskStore, entry: Entry) -> u64 {
    match store.append(entry).await.unwrap() {
        Appended::Accepted { number, .. } => number,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn take(store: &DiskStore, lane: u64, ms: i64) -> Vec<Delivery> {
    let max = NonZeroUsize::new(1_000).unwrap();
    store.take(SubscriptionId(lane), at(ms), max, LaneOrder::Due).await.unwrap()
}

pub(crate) async fn settle(store: &DiskStore, lane: u64, ms: i64, number: u64, settlement: Settlement) {
    let attempt = Attempt::delivered(&format!("m{number}"), SubscriptionArn::new(&topic(), "s"), 1, at(ms));
    let settled = Settled { id: DeliveryId(number), settlement, attempt: Some(attempt) };
    store.settle(SubscriptionId(lane), at(ms), vec![settled]).await.unwrap();
}

/// The ids of the messages.
pub(crate) fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.dispatch.publication.id()).collect()
}

/// Matched, delivered, pending, dead-lettered and dropped.
pub(crate) async fn counts(store: &DiskStore) -> [u64; 5] {
    let Counters { matched, delivered, pending, dead_lettered, dropped, .. } = store.counters().await.unwrap();
    [matched, delivered, pending, dead_lettered, dropped]
}

/// Copies a directory, as it is at this moment.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Makes a closed store one of format 3, as versions before the log have left it: without what came with later formats, and
/// with these attempts, by the numbers of their messages, as JSON.
pub(crate) fn make_format_3(directory: &Path, attempts: &[(i64, Vec<Attempt>)]) {
    let database = rusqlite::Connection::open(directory.join("fanfare.db")).unwrap();
    let change = "
        DROP TABLE log;
        DROP TABLE message_ids;
        CREATE TABLE old_message (
            number INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, at INTEGER NOT NULL,
            size INTEGER NOT NULL, holds INTEGER NOT NULL, counted INTEGER NOT NULL,
            forgotten INTEGER NOT NULL DEFAULT 0, archive_until INTEGER, grp TEXT NOT NULL
        ) STRICT;
        INSERT INTO old_message SELECT * FROM message;
        DROP TABLE message;
        ALTER TABLE old_message RENAME TO message;
        CREATE INDEX message_idle ON message (number, at, size)
            WHERE holds = 0 AND archive_until IS NULL AND forgotten = 0;
        CREATE INDEX message_archive ON message (topic, number, at, archive_until) WHERE archive_until IS NOT NULL;
        CREATE INDEX message_archive_end ON message (archive_until) WHERE archive_until IS NOT NULL;
        DROP TABLE attempt;
        CREATE TABLE attempt (
            id INTEGER PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL, record TEXT NOT NULL
        ) STRICT;
        CREATE INDEX attempt_number ON attempt (number);
        UPDATE totals SET attempt_bytes = 0;
        PRAGMA user_version = 3";
    database.execute_batch(change).unwrap();
    for (number, attempts) in attempts {
        let lines: Vec<_> = attempts.iter().map(|attempt| serde_json::to_string(attempt).unwrap()).collect();
        let (record, at) = (lines.join("\n"), attempts[0].started.unix_ms());
        database.execute("UPDATE totals SET attempt_bytes = attempt_bytes + ?", [record.len() as i64]).unwrap();
        let sql = "INSERT INTO attempt (number, at, record) VALUES (?, ?, ?)";
        database.execute(sql, rusqlite::params![number, at, record]).unwrap();
    }
}
