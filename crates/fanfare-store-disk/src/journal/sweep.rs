//! Forgetting what is too old or too much, and giving its space back: in small steps, between which others write.

use std::sync::atomic::Ordering;

use fanfare_core::host::Timestamp;
use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::{Connection, params};

use super::holds::hold;
use crate::connection;
use crate::directory::DATABASE;
use crate::error::Attempting;
use crate::failpoint;
use crate::options::DiskOptions;
use crate::reserve::Reserve;
use crate::store::DiskStore;
use crate::writer::Batch;

/// Rows that one step forgets.
const STEP: usize = 500;

/// Free pages that the database keeps, so that it does not shrink and grow all the time, and those that one step gives
/// back; a page has 4 KiB.
const FREE_PAGES_KEPT: i64 = 1024;
const FREE_PAGES_STEP: i64 = 1024;

/// Free pages that one step gives back when the disk is full: few, as each has to find room in the log first.
const FREE_PAGES_SMALL_STEP: i64 = 128;

/// Bytes of the log above which it is cut.
const LOG_BYTES_MAX: u64 = 8 << 20;

pub(super) async fn sweep(store: &DiskStore, now: Timestamp) -> Result<(), StoreError> {
    let now = now.unix_ms();
    steps(store, move |batch| end_dedup(batch, now)).await?;
    steps(store, move |batch| end_archives(batch, now)).await?;
    steps(store, end_dropped_archives).await?;
    steps(store, move |batch| forget_dead_letters(batch, now)).await?;
    let max = i64::try_from(store.options.lane_dead_letters_max).unwrap_or(i64::MAX);
    for lane in store.read(move |connection| lanes_of_many_dead(connection, max)).await? {
        steps(store, move |batch| forget_surplus_dead(batch, lane, max)).await?;
    }
    steps(store, move |batch| forget_attempts(batch, now)).await?;
    let mut options = store.options.clone();
    if store.pressed.swap(false, Ordering::SeqCst) {
        options.recent_messages_max = 0;
    }
    let numbers = store.read(move |connection| idle_messages(connection, &options, now)).await?;
    for numbers in numbers.chunks(STEP) {
        failpoint::reach("during-sweep");
        let numbers = numbers.to_vec();
        store.writer.write(0, move |batch| forget_messages(batch, &numbers), |()| {}).await?;
    }
    steps(store, forget_ids).await?;
    let given_back = steps(store, give_space_back).await? > 1;
    // The file becomes smaller when the log is copied into it.
    let cut = given_back || log_bytes(store) > LOG_BYTES_MAX;
    store.writer.alone(move |connection, reserve| finish(connection, reserve, cut)).await
}

/// What a step has left.
enum Left {
    More,
    Nothing,
}

impl Left {
    fn after(rows: usize) -> Self {
        if rows < STEP { Self::Nothing } else { Self::More }
    }
}

/// Takes steps until nothing is left, and answers how many.
async fn steps(
    store: &DiskStore,
    step: impl Fn(&mut Batch<'_>) -> Result<Left, StoreError> + Clone + Send + 'static,
) -> Result<usize, StoreError> {
    let mut taken = 0;
    loop {
        failpoint::reach("during-sweep");
        let step = step.clone();
        taken += 1;
        if let Left::Nothing = store.writer.write(0, move |batch| step(batch), |_| {}).await? {
            return Ok(taken);
        }
    }
}

fn end_dedup(batch: &mut Batch<'_>, now: i64) -> Result<Left, StoreError> {
    let sql = "DELETE FROM dedup WHERE key IN (SELECT key FROM dedup WHERE until <= ? ORDER BY until LIMIT 500)";
    batch.execute(sql, [now]).map(Left::after)
}

fn end_archives(batch: &mut Batch<'_>, now: i64) -> Result<Left, StoreError> {
    let sql = "UPDATE message SET archive_until = NULL
               WHERE number IN (SELECT number FROM message WHERE archive_until <= ? ORDER BY archive_until LIMIT 500)";
    batch.execute(sql, [now]).map(Left::after)
}

fn end_dropped_archives(batch: &mut Batch<'_>) -> Result<Left, StoreError> {
    let first = batch.row("SELECT topic, number FROM archive_end LIMIT 1", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    let Some((topic, number)) = first else { return Ok(Left::Nothing) };
    let sql = "UPDATE message SET archive_until = NULL WHERE number IN (
                   SELECT number FROM message INDEXED BY message_archive
                   WHERE archive_until IS NOT NULL AND topic = ? AND number <= ? ORDER BY number LIMIT 500)";
    if batch.execute(sql, params![topic, number])? < STEP {
        batch.execute("DELETE FROM archive_end WHERE topic = ?", [topic])?;
    }
    Ok(Left::More)
}

fn forget_dead_letters(batch: &mut Batch<'_>, now: i64) -> Result<Left, StoreError> {
    let before = (Timestamp::from_unix_ms(now) - batch.options.dead_letters_age_max).unix_ms();
    let sql = "SELECT id, number FROM dead WHERE at <= ? ORDER BY at LIMIT 500";
    let letters = batch.rows(sql, [before], |row| Ok((row.get(0)?, row.get(1)?)))?;
    forget_letters(batch, &letters)
}

fn lanes_of_many_dead(connection: &Connection, max: i64) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT lane FROM dead GROUP BY lane HAVING count(*) > ?";
    let read = || -> rusqlite::Result<Vec<i64>> {
        connection.prepare_cached(sql)?.query_map([max], |row| row.get(0))?.collect()
    };
    read().attempting("cannot count dead letters")
}

fn forget_surplus_dead(batch: &mut Batch<'_>, lane: i64, max: i64) -> Result<Left, StoreError> {
    let sql = "SELECT id, number FROM dead WHERE lane = ?1 ORDER BY at, number
               LIMIT max(0, min(500, (SELECT count(*) FROM dead WHERE lane = ?1) - ?2))";
    let letters = batch.rows(sql, [lane, max], |row| Ok((row.get(0)?, row.get(1)?)))?;
    forget_letters(batch, &letters)
}

/// Forgets dead letters by id and number.
fn forget_letters(batch: &mut Batch<'_>, letters: &[(i64, i64)]) -> Result<Left, StoreError> {
    for &(id, number) in letters {
        batch.execute("DELETE FROM dead WHERE id = ?", [id])?;
        hold(batch, number, -1)?;
    }
    Ok(Left::after(letters.len()))
}

fn forget_attempts(batch: &mut Batch<'_>, now: i64) -> Result<Left, StoreError> {
    let before = (Timestamp::from_unix_ms(now) - batch.options.attempts_age_max).unix_ms();
    let max = i64::try_from(batch.options.attempts_bytes_max).unwrap_or(i64::MAX);
    let sql = "SELECT id, number, at, octet_length(record) FROM attempt ORDER BY id LIMIT 500";
    let oldest = batch.rows(sql, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?))
    })?;
    for (seen, (id, number, at, bytes)) in oldest.iter().enumerate() {
        if *at > before && batch.changes.totals.attempt_bytes <= max {
            return Ok(Left::after(seen.min(STEP - 1)));
        }
        batch.execute("DELETE FROM attempt WHERE id = ?", [id])?;
        batch.changes.totals.attempt_bytes -= bytes;
        batch.execute(
            "DELETE FROM message
             WHERE number = ?1 AND forgotten = 1 AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.number = ?1)",
            [number],
        )?;
    }
    Ok(Left::after(oldest.len()))
}

/// Messages that nothing needs and that are too old, or too many by their bytes: the oldest of them first.
fn idle_messages(connection: &Connection, options: &DiskOptions, now: i64) -> Result<Vec<i64>, StoreError> {
    /// What one sweep forgets at most; the next one goes on.
    const NUMBERS_MAX: usize = 1_000_000;
    let act = "cannot look for messages to forget";
    let before = (Timestamp::from_unix_ms(now) - options.recent_age_max).unix_ms();
    let sql = "SELECT number, at, size FROM message INDEXED BY message_idle
               WHERE holds = 0 AND archive_until IS NULL AND forgotten = 0 ORDER BY number DESC";
    let mut statement = connection.prepare_cached(sql).attempting(act)?;
    let mut rows = statement.query([]).attempting(act)?;
    let mut numbers = std::collections::VecDeque::new();
    let (mut bytes, mut messages) = (0_u64, 0_usize);
    while let Some(row) = rows.next().attempting(act)? {
        let read = || -> rusqlite::Result<(i64, i64, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (number, at, size) = read().attempting(act)?;
        bytes = bytes.saturating_add(size.cast_unsigned());
        messages += 1;
        if at <= before || bytes > options.recent_bytes_max || messages > options.recent_messages_max {
            if numbers.len() == NUMBERS_MAX {
                numbers.pop_back();
            }
            numbers.push_front(number);
        }
    }
    Ok(numbers.into())
}

/// Forgets those of `numbers` that nothing needs still. The small row of one with logged attempts stays as long as they do.
fn forget_messages(batch: &mut Batch<'_>, numbers: &[i64]) -> Result<(), StoreError> {
    for &number in numbers {
        let forgotten = batch.execute(
            "UPDATE message SET forgotten = 1
             WHERE number = ? AND holds = 0 AND archive_until IS NULL AND forgotten = 0",
            [number],
        )?;
        if forgotten == 1 {
            batch.execute("DELETE FROM body WHERE number = ?", [number])?;
            batch.execute(
                "DELETE FROM message
                 WHERE number = ?1 AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.number = ?1)",
                [number],
            )?;
        }
    }
    Ok(())
}

/// Forgets the ids of messages of which none is known any more.
fn forget_ids(batch: &mut Batch<'_>) -> Result<Left, StoreError> {
    let sql = "DELETE FROM message_ids WHERE last IN (
                   SELECT last FROM message_ids
                   WHERE NOT EXISTS (SELECT 1 FROM message WHERE number BETWEEN first AND last) LIMIT 500)";
    batch.execute(sql, []).map(Left::after)
}

fn give_space_back(batch: &mut Batch<'_>) -> Result<Left, StoreError> {
    let free = batch.row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
    let (kept, step) =
        if batch.is_short_of_room() { (0, FREE_PAGES_SMALL_STEP) } else { (FREE_PAGES_KEPT, FREE_PAGES_STEP) };
    if free <= kept {
        return Ok(Left::Nothing);
    }
    // One page for each row that is asked for.
    batch.rows(&format!("PRAGMA incremental_vacuum({step})"), [], |_| Ok(()))?;
    let left = batch.row("PRAGMA freelist_count", [], |row| row.get::<_, i64>(0))?.unwrap_or(0);
    Ok(if left < free { Left::More } else { Left::Nothing })
}

fn log_bytes(store: &DiskStore) -> u64 {
    let log = store.directory().join(format!("{DATABASE}-wal"));
    std::fs::metadata(log).map_or(0, |metadata| metadata.len())
}

/// Cuts the log, and makes the reserve again when it is missing and there is room now.
fn finish(connection: &Connection, reserve: &mut Reserve, cut: bool) -> Result<(), StoreError> {
    if cut || reserve.is_missing() {
        failpoint::reach("before-checkpoint");
        // A reader may hold it up: then the next sweep cuts it.
        match connection::cut_log(connection) {
            Err(error) if error.kind() == StoreErrorKind::Corrupt => return Err(error),
            Err(error) => tracing::warn!(%error, "the log of the store is not cut"),
            Ok(()) => {}
        }
    }
    reserve.make_again().attempting("cannot make the reserve again")
}
