//! The thread that writes: what it has, what it does next, and what it says when the disk fails.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::Request;
use super::progress::Progress;
use super::queue::{Received, receive};
use super::sums::Sums;
use crate::connection;
use crate::error::{Attempting, lost_a_sync};
use crate::lanes::Lanes;
use crate::log::{self, Known, Log, replay};
use crate::options::DiskOptions;
use crate::pending::Pending;
use crate::reserve::Reserve;

/// For how long nothing is to be done before what is pending is applied.
const PATIENCE: Duration = Duration::from_millis(100);

/// The thread's own.
pub(super) struct Writing {
    pub(super) connection: Connection,
    pub(super) directory: PathBuf,
    pub(super) reserve: Reserve,
    pub(super) options: DiskOptions,
    pub(super) lanes: Arc<Lanes>,
    pub(super) sums: Sums,
    pub(super) log: Log,
    /// What is in the log and not in the database.
    pub(super) pending: Pending,
    /// Bytes of the database in use, once somebody asked.
    pub(super) used: Option<u64>,
    pub(super) progress: Arc<Progress>,
    /// What was received and waits for its turn.
    pub(super) next: VecDeque<Request>,
    /// Whether the first of these cannot be logged as things stand.
    pub(super) is_next_refused: bool,
    /// Reasons to write to the database what could be logged.
    pub(super) reasons: u32,
    /// Why nothing is written any more.
    pub(super) failed: Option<String>,
}

impl Writing {
    /// Brings what the log has ahead of the database into it.
    pub(super) fn new(
        connection: Connection,
        directory: PathBuf,
        reserve: Reserve,
        options: DiskOptions,
        lanes: Arc<Lanes>,
        progress: Arc<Progress>,
    ) -> Result<Self, StoreError> {
        let mut sums = Sums::read(&connection, &lanes).attempting("cannot read the sums of the store")?;
        let known = Known::read(&connection)?.unwrap_or_default();
        let mut pending = Pending::default();
        let scan = log::scan(&directory, known.salt)?;
        let sequence = replay::follow(&scan, known.applied, &directory, &mut pending, &mut sums, &lanes)?;
        drop(scan);
        let log = Log::new(&directory, known.salt, sequence);
        let (next, used, failed) = (VecDeque::new(), None, None);
        let mut writing = Self {
            connection,
            directory,
            reserve,
            options,
            lanes,
            sums,
            log,
            pending,
            used,
            progress,
            next,
            is_next_refused: false,
            reasons: 0,
            failed,
        };
        writing.apply().attempting("cannot bring the log of the store into its database")?;
        writing.index().attempting("cannot index the ids of messages")?;
        Ok(writing)
    }

    /// Runs until nobody can ask for anything any more and everything that was asked for is done.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(request) = self.receive(&mut requests) {
            match request {
                Request::Alone(work) => work(&self.connection, &mut self.reserve),
                // Whoever asked may have gone.
                Request::Apply(reply) => drop(reply.send(self.apply_for_reading())),
                Request::Write(first) => self.round(first, &mut requests),
            }
        }
        if self.apply_for_reading().is_ok() && self.failed.is_none() {
            self.log.remove();
        }
    }

    /// What comes next. Applies what is pending when nothing does for a moment; without anything pending, no time is kept.
    fn receive(&mut self, requests: &mut mpsc::Receiver<Request>) -> Option<Request> {
        if let Some(next) = self.next.pop_front() {
            return Some(next);
        }
        if !self.pending.is_empty() && self.failed.is_none() {
            match receive(requests, PATIENCE) {
                Received::Next(next) => return Some(next),
                Received::End => return None,
                // What errs has been told of, and is tried again with the next request.
                Received::Nothing => drop(self.apply_for_reading()),
            }
        }
        requests.blocking_recv()
    }

    /// Frees the reserve, and whatever room the log takes, for what settles.
    pub(super) fn free_room(&mut self) {
        if self.reserve.spend()
            && let Err(error) = connection::cut_log(&self.connection)
        {
            tracing::warn!(%error, "the log of the store is not cut");
        }
    }

    /// What is said of commands whose transaction was not committed.
    pub(super) fn lost(&mut self, error: rusqlite::Error) -> StoreError {
        let directory = self.directory.display();
        tracing::error!(%error, %directory, "the store cannot write");
        if !lost_a_sync(&error) {
            let lost: Result<(), _> = Err(error);
            let act = format!("the store in {directory} cannot write");
            return lost.attempting(&act).expect_err("it is an error");
        }
        let why = format!(
            "the disk under the store in {directory} did not sync ({error}): nothing is written until it is opened again"
        );
        self.failed = Some(why.clone());
        StoreError::new(StoreErrorKind::Unavailable, why)
    }
}
