//! One round of the writing thread: gather, log or write, sync, tell.

use std::collections::VecDeque;
use std::error::Error;
use std::time::Instant;

use fanfare_core::store::{StoreError, StoreErrorKind};
use tokio::sync::mpsc;

use super::Request;
use super::batch::{Batch, used_bytes};
use super::command::Command;
use super::logged::Logged;
use super::thread::Writing;
use crate::failpoint;
use crate::reserve;

/// Commands in one batch.
const COMMANDS_MAX: usize = 1024;

/// Bytes of commands after which a batch is made safe.
const BYTES_MAX: usize = 8 << 20;

/// While commands come that cannot be logged, and for a few batches after them, all are written to the database, where they
/// share a sync with those: how much each such batch adds to the reasons for that, how many there are at most, and how many
/// there have to be. Each batch that could be logged takes one away.
const REASONS_ADDED: u32 = 3;
const REASONS_MAX: u32 = 8;
const REASONS_ENOUGH: u32 = 4;

/// Commands of one batch.
type Commands = Vec<Box<dyn Command>>;

impl Writing {
    /// Writes `first` and what waits behind it.
    pub(super) fn round(&mut self, first: Box<dyn Command>, requests: &mut mpsc::Receiver<Request>) {
        failpoint::reach("before-write");
        if let Some(why) = &self.failed {
            first.finish(Some(StoreError::new(StoreErrorKind::Unavailable, why.clone())));
            return;
        }
        self.reserve.make_when_due(Instant::now);
        let mut commands = vec![first];
        let mut bytes = commands[0].bytes();
        while commands.len() < COMMANDS_MAX && bytes < BYTES_MAX {
            match self.next.pop_front().or_else(|| requests.try_recv().ok()) {
                Some(Request::Write(command)) => {
                    bytes += command.bytes();
                    commands.push(command);
                }
                Some(other) => {
                    self.next.push_front(other);
                    break;
                }
                None => break,
            }
        }
        let is_refused = std::mem::take(&mut self.is_next_refused) || self.reserve.is_missing();
        if !is_refused && commands.iter().all(|command| command.is_for_the_log()) {
            self.reasons = self.reasons.saturating_sub(1);
        } else {
            self.reasons = (self.reasons + REASONS_ADDED).min(REASONS_MAX);
        }
        if !is_refused && self.reasons < REASONS_ENOUGH && commands.iter().all(|command| command.is_for_the_log()) {
            self.log_all(commands, requests);
        } else {
            self.write_all(commands, requests);
        }
    }

    /// Logs commands, and what comes meanwhile. Those from the first that cannot be logged on come next.
    fn log_all(&mut self, commands: Commands, requests: &mut mpsc::Receiver<Request>) {
        if self.pending.is_full()
            && let Err(error) = self.apply_in_whatever_room()
        {
            return self.tell(commands, Some(error));
        }
        let used = match self.used.map_or_else(|| used_bytes(&self.connection), Ok) {
            Ok(used) => *self.used.insert(used),
            Err(error) => return self.tell(commands, Some(error)),
        };
        let (options, lanes) = (&self.options, &*self.lanes);
        let mut logged = Logged::new(options, &mut self.sums, lanes, &mut self.pending, &mut self.log, used);
        let mut done: Commands = Vec::with_capacity(commands.len());
        let mut waiting: VecDeque<_> = commands.into();
        while !logged.is_full() && done.len() < COMMANDS_MAX {
            if waiting.is_empty() && self.next.is_empty() {
                match requests.try_recv() {
                    Ok(Request::Write(command)) if command.is_for_the_log() => waiting.push_back(command),
                    Ok(other) => self.next.push_back(other),
                    Err(_) => {}
                }
            }
            let Some(mut command) = waiting.pop_front() else { break };
            if !command.log(&mut logged) {
                self.is_next_refused = true;
                waiting.push_front(command);
                break;
            }
            done.push(command);
        }
        put_back(&mut self.next, waiting);
        failpoint::reach("after-accept-before-commit");
        let committed = logged.commit();
        if done.is_empty() {
            return;
        }
        self.progress.tell(&self.pending);
        if committed.is_ok() {
            self.progress.add_commit();
            failpoint::reach("after-commit-before-reply");
        }
        self.tell(done, committed.err());
        failpoint::reach("after-reply");
    }

    /// Writes commands, and what comes meanwhile, in one transaction, behind what is pending.
    fn write_all(&mut self, commands: Commands, requests: &mut mpsc::Receiver<Request>) {
        let before = self.sums.totals;
        if let Err(error) = self.begin() {
            self.sums.totals = before;
            return self.tell(commands, Some(error));
        }
        let mut batch = Batch::new(&self.connection, &self.options, &self.reserve, &mut self.sums, &self.lanes);
        let mut done: Commands = Vec::with_capacity(commands.len());
        let mut waiting: VecDeque<_> = commands.into();
        let mut survived = Ok(());
        let mut bytes = 0;
        while survived.is_ok() && done.len() < COMMANDS_MAX && bytes < BYTES_MAX {
            if waiting.is_empty() && self.next.is_empty() {
                match requests.try_recv() {
                    Ok(Request::Write(command)) => waiting.push_back(command),
                    Ok(other) => self.next.push_back(other),
                    Err(_) => {}
                }
            }
            let Some(mut command) = waiting.pop_front() else { break };
            bytes += command.bytes();
            survived = batch.run(&mut *command);
            done.push(command);
        }
        put_back(&mut self.next, waiting);
        let committed = match survived {
            Ok(()) => {
                failpoint::reach("after-accept-before-commit");
                batch.commit()
            }
            Err(error) => {
                batch.undo();
                Err(error)
            }
        };
        match &committed {
            Ok(()) => {
                self.progress.add_commit();
                self.applied();
                failpoint::reach("after-commit-before-reply");
            }
            Err(_) => self.sums.totals = before,
        }
        self.tell(done, committed.err());
        failpoint::reach("after-reply");
    }

    fn tell(&mut self, commands: Vec<Box<dyn Command>>, lost: Option<rusqlite::Error>) {
        let lacks_room = |error: &(dyn Error + 'static)| reserve::lacks_room(error, &self.directory);
        if lost.as_ref().is_some_and(|lost| lacks_room(lost))
            || commands.iter().filter_map(|command| command.error()).any(|error| lacks_room(error))
        {
            self.free_room();
        }
        let lost = lost.map(|error| self.lost(error));
        for command in commands {
            let lost = lost.as_ref().map(|error| StoreError::new(error.kind(), error.to_string()));
            command.finish(lost);
        }
    }
}

/// Puts commands in front of what comes next.
fn put_back(next: &mut VecDeque<Request>, commands: VecDeque<Box<dyn Command>>) {
    for command in commands.into_iter().rev() {
        next.push_front(Request::Write(command));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use rusqlite::{Connection, ffi};

    use super::*;
    use crate::error::Attempting;
    use crate::options::DiskOptions;
    use crate::reserve::Reserve;
    use crate::reserve::tests::Place;
    use crate::schema::{self, Marked};
    use crate::writer::Writer;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, Marked::Empty).unwrap();
        connection
    }

    fn writing() -> Writing {
        let (directory, options) = (Path::new("/store").into(), DiskOptions::default());
        Writing::new(database(), directory, Reserve::off(), options, Arc::default(), Arc::default()).unwrap()
    }

    fn put(arn: &str, length: usize) -> impl FnOnce(&mut Batch<'_>) -> Result<(), StoreError> + Send + use<> {
        let arn = arn.to_owned();
        move |batch| {
            batch.changes.totals.matched += 1;
            batch.changes.add_rows(1, 1);
            let sql = "INSERT INTO topic (arn, record) VALUES (?, ?)";
            batch.execute(sql, [arn, "x".repeat(length)]).map(drop)
        }
    }

    /// The topics there are, the counter in memory and the counter in the database.
    async fn state(writer: &Writer) -> (Vec<String>, u64, i64) {
        let read = |batch: &mut Batch<'_>| {
            let arns = batch.rows("SELECT arn FROM topic ORDER BY arn", [], |row| row.get(0))?;
            Ok((arns, batch.changes.waiting(1).rows, batch.changes.totals.matched))
        };
        writer.write(0, read, |_| {}).await.unwrap()
    }

    /// A runtime on which everything that is sent before the first wait lies in the queue together.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Holds the writer until everything is sent, so that it is one batch.
    async fn together<T>(writer: &Writer, sent: impl Future<Output = T>) -> T {
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let held = writer.alone(move |_, _| Ok(wait.recv().is_ok()));
        let release = async move { drop(go) };
        let (_, sent, ()) = tokio::join!(held, sent, release);
        sent
    }

    #[test]
    fn a_command_that_errs_undoes_itself_alone() {
        let writer =
            Writer::start(database(), "/store".into(), Reserve::off(), &DiskOptions::default(), &Arc::default())
                .unwrap();
        block_on(async {
            let all = async {
                tokio::join!(
                    writer.write(0, put("a", 1), |()| {}),
                    writer.write(0, put("a", 1), |()| {}),
                    writer.write(0, put("b", 1), |()| {}),
                )
            };
            let (first, repeated, other) = together(&writer, all).await;
            assert!(first.is_ok() && other.is_ok());
            assert_eq!(repeated.expect_err("the key is there").kind(), StoreErrorKind::Unavailable);
            assert_eq!(writer.commits(), 1);
            assert_eq!(state(&writer).await, (vec!["a".into(), "b".into()], 2, 2));
        });
    }

    #[test]
    fn a_full_disk_undoes_the_whole_batch_and_the_next_one_goes_on() {
        let connection = database();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 4), [], |_| Ok(())).unwrap();
        let writer =
            Writer::start(connection, "/store".into(), Reserve::off(), &DiskOptions::default(), &Arc::default())
                .unwrap();
        block_on(async {
            let all = async {
                tokio::join!(
                    writer.write(0, put("a", 1), |()| panic!("it is not safe")),
                    writer.write(0, put("b", 100_000), |()| panic!("it is not safe")),
                )
            };
            let (small, large) = together(&writer, all).await;
            for lost in [small, large] {
                let lost = lost.expect_err("the disk is full");
                assert_eq!(lost.kind(), StoreErrorKind::Unavailable, "{lost}");
            }
            assert_eq!(state(&writer).await, (Vec::new(), 0, 0));
            writer.write(0, put("c", 1), |()| {}).await.unwrap();
            assert_eq!(state(&writer).await, (vec!["c".into()], 1, 1));
        });
    }

    /// A writer whose database may have that many pages more, with a reserve in `place`.
    fn writer_with_reserve(place: &Place, pages: i64) -> Writer {
        let connection = database();
        limit(&connection, pages);
        let reserve = Reserve::open(&place.0, 1000).unwrap();
        Writer::start(connection, place.0.clone(), reserve, &DiskOptions::default(), &Arc::default()).unwrap()
    }

    /// Lets the database have that many pages more, as if its disk had room for them.
    fn limit(connection: &Connection, pages: i64) {
        let present: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.query_row(&format!("PRAGMA max_page_count = {}", present + pages), [], |_| Ok(())).unwrap();
    }

    /// As a message is added.
    fn add(arn: &str, length: usize) -> impl FnOnce(&mut Batch<'_>) -> Result<(), StoreError> + Send + use<> {
        let put = put(arn, length);
        move |batch| batch.give_room(length as u64).and_then(|()| put(batch))
    }

    #[test]
    fn a_full_disk_costs_the_reserve_and_only_what_adds_is_refused_until_there_is_room() {
        let place = Place::new();
        let file = place.0.join("reserve");
        let writer = writer_with_reserve(&place, 4);
        block_on(async {
            let full = writer.write(0, add("a", 100_000), |()| {}).await.expect_err("the disk is full");
            assert_eq!(full.kind(), StoreErrorKind::Unavailable, "{full}");
            assert!(!file.exists());

            let refused = writer.write(0, add("b", 1), |()| {}).await.expect_err("the reserve is spent");
            assert_eq!(refused.kind(), StoreErrorKind::Full);
            let told = format!("the disk under the store in {} is full", place.0.display());
            assert!(refused.to_string().starts_with(&told), "{refused}");
            writer.write(0, put("c", 1), |()| {}).await.unwrap();
            assert_eq!(state(&writer).await, (vec!["c".into()], 1, 1));

            let room = |connection: &Connection, reserve: &mut Reserve| {
                limit(connection, 100);
                reserve.make_again().attempting("cannot make the reserve again")
            };
            writer.alone(room).await.unwrap();
            assert!(file.exists());
            writer.write(0, add("a", 100_000), |()| {}).await.unwrap();
            assert_eq!(state(&writer).await, (vec!["a".into(), "c".into()], 2, 2));
        });
    }

    #[test]
    fn a_broken_disk_and_a_bound_leave_the_reserve() {
        let place = Place::new();
        let writer = writer_with_reserve(&place, 100);
        block_on(async {
            let broken = |batch: &mut Batch<'_>| {
                let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_WRITE), None);
                batch.execute("DELETE FROM topic", []).and(Err::<(), _>(error).attempting("cannot write"))
            };
            assert_eq!(writer.write(0, broken, |()| {}).await.unwrap_err().kind(), StoreErrorKind::Unavailable);
            let bound = |batch: &mut Batch<'_>| batch.give_room(1 << 60);
            assert_eq!(writer.write(0, bound, |()| {}).await.unwrap_err().kind(), StoreErrorKind::Full);
            assert!(place.0.join("reserve").exists());
            writer.write(0, add("a", 1), |()| {}).await.unwrap();
        });
    }

    #[test]
    fn after_a_lost_sync_nothing_is_written_any_more() {
        let mut writing = writing();
        let lost = writing.lost(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_FSYNC), None));
        assert_eq!(lost.kind(), StoreErrorKind::Unavailable);
        let (sender, requests) = mpsc::channel(1);
        let (reply, answer) = tokio::sync::oneshot::channel();
        let never = None::<super::super::NeverLogged<()>>;
        let job = super::super::Job::new(0, never, put("a", 1), |()| panic!("it is not safe"), reply);
        sender.try_send(Request::Write(Box::new(job))).map_err(drop).unwrap();
        drop(sender);
        let progress = Arc::clone(&writing.progress);
        writing.run(requests);
        let told = answer.blocking_recv().unwrap().expect_err("nothing is written").to_string();
        let (start, end) =
            ("the disk under the store in /store did not sync (", "): nothing is written until it is opened again");
        assert!(told.starts_with(start) && told.ends_with(end), "{told}");
        assert_eq!(progress.commits(), 0);
    }

    #[test]
    fn other_errors_of_the_disk_leave_the_store_going() {
        let mut writing = writing();
        let lost = writing.lost(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_WRITE), None));
        assert_eq!(lost.kind(), StoreErrorKind::Unavailable);
        assert!(writing.failed.is_none());
    }
}
