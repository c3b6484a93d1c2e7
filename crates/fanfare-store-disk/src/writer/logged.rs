//! A frame of the log in the making, with the sums that change with it.

use super::sums::{Changes, Sums};
use crate::lanes::Lanes;
use crate::log::Log;
use crate::options::DiskOptions;
use crate::pending::{Added, Pending};

/// Bytes of a frame after which it is written.
const BYTES_MAX: usize = 1 << 20;

/// What is to be logged together. Commands change nothing before they know that they can be logged.
pub(crate) struct Logged<'a> {
    /// The bounds.
    pub(crate) options: &'a DiskOptions,
    /// What it changes beside the tables.
    pub(crate) changes: Changes<'a>,
    /// What it adds to what is pending.
    pub(crate) added: Added,
    /// Where records are written to.
    pub(crate) frame: Vec<u8>,
    lanes: &'a Lanes,
    pending: &'a mut Pending,
    log: &'a mut Log,
    /// Bytes that may be added to the database.
    room: u64,
    room_taken: u64,
}

impl<'a> Logged<'a> {
    /// `used` bytes of the database are in use.
    pub(super) fn new(
        options: &'a DiskOptions,
        sums: &'a mut Sums,
        lanes: &'a Lanes,
        pending: &'a mut Pending,
        log: &'a mut Log,
        used: u64,
    ) -> Self {
        let room = options.database_bytes_max.saturating_sub(used.saturating_add(pending.room()));
        let (changes, frame) = (Changes::new(sums, lanes), log.take_frame());
        Self { options, changes, added: Added::default(), frame, lanes, pending, log, room, room_taken: 0 }
    }

    /// Gives room in the database for `bytes` more, if there certainly is.
    pub(crate) fn give_room(&mut self, bytes: u64) -> bool {
        let wanted = self.room_taken.saturating_add(bytes);
        let is_there = wanted <= self.room;
        if is_there {
            self.room_taken = wanted;
        }
        is_there
    }

    /// Whether it is to be written before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.frame.len() >= BYTES_MAX
    }

    /// Makes everything safe, or undoes everything.
    pub(super) fn commit(mut self) -> rusqlite::Result<()> {
        let bytes = self.frame.len();
        if bytes == crate::log::HEAD {
            // Everything was done before.
            return Ok(());
        }
        match self.log.write(self.frame) {
            Ok(()) => {
                let left = self.changes.left();
                // Before anybody can know that there are rows.
                self.lanes.set_pending_rows(self.added.lanes_with_rows(), true);
                self.pending.add(self.added, &left, bytes, self.room_taken);
                self.changes.keep(left);
                Ok(())
            }
            Err(error) => {
                self.changes.undo();
                Err(error)
            }
        }
    }
}
