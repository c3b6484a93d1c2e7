//! How the writing thread brings what is pending into the database.

use fanfare_core::store::{StoreError, StoreErrorKind};

use super::batch::roll_back;
use super::thread::Writing;
use crate::failpoint;
use crate::ids;
use crate::reserve;

impl Writing {
    /// Begins a transaction, with what is pending in it.
    pub(super) fn begin(&mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let sequence = self.log.sequence();
        let written = self.pending.write(&self.connection, &mut self.sums.totals, &self.lanes, sequence);
        written.inspect_err(|_| roll_back(&self.connection))
    }

    /// Brings what is pending into the database.
    pub(super) fn apply(&mut self) -> rusqlite::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        failpoint::reach("before-apply");
        let before = self.sums.totals;
        let applied = self.begin().and_then(|()| self.connection.prepare_cached("COMMIT")?.execute([]));
        match applied {
            Ok(_) => {
                failpoint::reach("after-apply");
                self.applied();
                Ok(())
            }
            Err(error) => {
                roll_back(&self.connection);
                self.sums.totals = before;
                Err(error)
            }
        }
    }

    /// Nothing is pending any more.
    pub(super) fn applied(&mut self) {
        self.used = None;
        if !self.pending.is_empty() {
            self.lanes.set_pending_rows(self.pending.lanes_with_rows(), false);
            self.pending.forget();
            self.log.start_over();
            self.progress.tell(&self.pending);
        }
        if self.reserve.is_missing() {
            self.log.remove();
        }
    }

    /// Puts the ids of many messages into blocks, as are there after a step from an older format.
    pub(super) fn index(&mut self) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        let totals = &mut self.sums.totals;
        totals.indexed = ids::index(&transaction, totals.indexed, totals.last_number)?;
        transaction.commit()
    }

    /// Applies with the room of the reserve when there is no other.
    pub(super) fn apply_in_whatever_room(&mut self) -> rusqlite::Result<()> {
        match self.apply() {
            Err(error) if reserve::lacks_room(&error, &self.directory) => {
                self.free_room();
                self.apply()
            }
            applied => applied,
        }
    }

    /// Applies for whoever reads the database.
    pub(super) fn apply_for_reading(&mut self) -> Result<(), StoreError> {
        match &self.failed {
            Some(_) if self.pending.is_empty() => Ok(()),
            Some(why) => Err(StoreError::new(StoreErrorKind::Unavailable, why.clone())),
            None => self.apply_in_whatever_room().map_err(|error| self.lost(error)),
        }
    }
}
