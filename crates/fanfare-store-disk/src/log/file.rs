//! The file of the log: written from the beginning, and from the beginning again when all of it is in the database.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::LOG;
use super::frame;
use crate::directory::{self, PRIVATE_FILE};
use crate::failpoint;

/// The file grows by so much at a time, so that most writes change neither its length nor where it lies on the disk, and a
/// sync has nothing to do but to write them.
const GROWTH: u64 = 1 << 20;

/// Bytes of the buffer that are kept from one write to the next.
const BUFFER_KEPT: usize = 256 << 10;

/// The log of a store that is open.
#[derive(Debug)]
pub(crate) struct Log {
    directory: PathBuf,
    salt: u64,
    /// The sequence number of the last frame.
    sequence: u64,
    /// Opened with the first frame.
    file: Option<File>,
    /// Where the next frame goes.
    end: u64,
    /// How far the file is there to be written over.
    room: u64,
    /// The frame that is being made.
    frame: Vec<u8>,
}

impl Log {
    /// A log of which everything up to `sequence` is in the database.
    pub(crate) fn new(directory: &Path, salt: u64, sequence: u64) -> Self {
        let mut log =
            Self { directory: directory.to_owned(), salt, sequence, file: None, end: 0, room: 0, frame: Vec::new() };
        frame::begin(&mut log.frame);
        log
    }

    /// The sequence number of the last frame.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Takes the frame that is being made, to add what it is to tell. It has to be given back to [`Self::write`].
    pub(crate) fn take_frame(&mut self) -> Vec<u8> {
        let mut frame = std::mem::take(&mut self.frame);
        frame::begin(&mut frame);
        frame
    }

    /// Writes a frame and syncs it.
    ///
    /// # Errors
    /// As the database tells of the same trouble. Nothing is to be acknowledged then; after anything but a lost sync the
    /// next frame takes the place of this one.
    pub(crate) fn write(&mut self, mut frame: Vec<u8>) -> rusqlite::Result<()> {
        let sequence = self.sequence + 1;
        frame::seal(&mut frame, self.salt, sequence);
        let written = self.write_sealed(&frame);
        if written.is_ok() {
            self.sequence = sequence;
            self.end += frame.len() as u64;
        }
        frame.truncate(BUFFER_KEPT);
        frame.shrink_to(BUFFER_KEPT);
        self.frame = frame;
        written
    }

    fn write_sealed(&mut self, frame: &[u8]) -> rusqlite::Result<()> {
        let end = self.end;
        let file = self.file_with_room_to(end + frame.len() as u64)?;
        file.write_all_at(frame, end).map_err(|error| failed(ffi::SQLITE_IOERR_WRITE, &error))?;
        failpoint::reach("before-log-sync");
        file.sync_data().map_err(|error| failed(ffi::SQLITE_IOERR_FSYNC, &error))
    }

    fn file_with_room_to(&mut self, wanted: u64) -> rusqlite::Result<&File> {
        if self.file.is_none() {
            let opened = self.open().map_err(|error| failed(ffi::SQLITE_CANTOPEN, &error))?;
            self.room = opened.metadata().map_err(|error| failed(ffi::SQLITE_IOERR_FSTAT, &error))?.len();
            self.file = Some(opened);
        }
        let file = self.file.as_ref().expect("it was just opened");
        if self.room < wanted {
            let room = wanted.next_multiple_of(GROWTH);
            let zeros = vec![0; GROWTH as usize];
            let mut at = self.room;
            while at < room {
                let length = (room - at).min(GROWTH);
                file.write_all_at(&zeros[..length as usize], at)
                    .map_err(|error| failed(ffi::SQLITE_IOERR_WRITE, &error))?;
                at += length;
            }
            file.sync_all().map_err(|error| failed(ffi::SQLITE_IOERR_FSYNC, &error))?;
            self.room = room;
        }
        Ok(file)
    }

    fn open(&self) -> io::Result<File> {
        let path = self.directory.join(LOG);
        let is_new = !path.exists();
        let mut open = OpenOptions::new();
        let file = open.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE).open(path)?;
        if is_new {
            directory::sync(&self.directory)?;
        }
        Ok(file)
    }

    /// Begins at the beginning: everything up to the last frame is safe in the database.
    pub(crate) fn start_over(&mut self) {
        self.end = 0;
    }

    /// Gives the room of the file back, when everything in it is safe in the database.
    pub(crate) fn remove(&mut self) {
        self.start_over();
        self.room = 0;
        self.file = None;
        if let Err(error) = std::fs::remove_file(self.directory.join(LOG))
            && error.kind() != io::ErrorKind::NotFound
        {
            // It is written over next time.
            tracing::warn!(%error, "the log of the store is not removed");
        }
    }
}

/// As the database would tell of it, so that whoever is told of trouble with a disk is told the same.
fn failed(code: i32, error: &io::Error) -> rusqlite::Error {
    let (code, what) = match (error.kind(), code) {
        (_, ffi::SQLITE_IOERR_FSYNC) => (code, "disk I/O error"),
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, _) => {
            (ffi::SQLITE_FULL, "database or disk is full")
        }
        (_, ffi::SQLITE_CANTOPEN) => (code, "unable to open the log"),
        _ => (code, "disk I/O error"),
    };
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(format!("{what}: the log of the store: {error}")))
}
