//! Copies of a store that is in use.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::check;
use crate::connection;
use crate::directory::{self, DATABASE, LOCK, MARK, UNFINISHED};
use crate::error::Attempting;
use crate::failpoint;
use crate::journal::fan_out;
use crate::lanes::Lanes;
use crate::log::{self, Known, Scan, replay};
use crate::pending::Pending;
use crate::reserve::RESERVE;
use crate::writer::Sums;

/// What was copied. `Display` is one line for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The directory of the copy.
    pub directory: PathBuf,
    /// Bytes of its database.
    pub bytes: u64,
    /// The secrets that were copied with it, by name.
    pub secrets: Vec<String>,
}

impl fmt::Display for BackupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (directory, secrets) = (self.directory.display(), self.secrets.len());
        write!(f, "{} bytes and {secrets} secrets copied to {directory}", self.bytes)
    }
}

/// Copies the store in `directory`, which may be in use, into the new or empty directory `to`, which is a store then.
///
/// The copy is the store at one moment. Publishing goes on meanwhile; what is published is in the log until the copy is
/// made. The copy holds the secrets too, and is for nobody but its owner. Blocks as long as it takes.
///
/// # Errors
/// When there is no store, when there is something in `to`, or when the copy cannot be made. What is left in `to` then is
/// not taken for a store.
pub fn backup(directory: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<BackupReport, StoreError> {
    let (directory, to) = (directory.as_ref(), to.as_ref());
    let from = check::open(directory)?;
    // First, so that what is not in it any more when the database is copied is in the database.
    let scan = log::scan_in_use(directory, &from)?;
    prepare(to)?;
    copy_database(&from, to)?;
    if let Some(scan) = scan {
        follow_log(&scan, directory, to)?;
    }
    let secrets = copy_secrets(directory, to)?;
    failpoint::reach("during-backup");
    let act = format!("cannot finish the copy in {}", to.display());
    let finish = || -> io::Result<u64> {
        fs::rename(to.join(UNFINISHED), to.join(DATABASE))?;
        directory::sync(to)?;
        Ok(fs::metadata(to.join(DATABASE))?.len())
    };
    let bytes = finish().attempting(&act)?;
    directory::mark(to)?;
    Ok(BackupReport { directory: to.to_owned(), bytes, secrets })
}

fn prepare(to: &Path) -> Result<(), StoreError> {
    let name = to.display();
    let act = format!("cannot make the directory {name}");
    directory::make(to).attempting(&act)?;
    if fs::read_dir(to).attempting(&act)?.next().is_some() {
        let full = format!("the directory {name} is not empty: choose another one for the copy");
        return Err(StoreError::new(StoreErrorKind::Unavailable, full));
    }
    directory::make_private(&to.join(UNFINISHED)).attempting(&act).map(drop)
}

fn copy_database(from: &Connection, to: &Path) -> Result<(), StoreError> {
    let copy = || -> rusqlite::Result<StepResult> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(to.join(UNFINISHED), flags)?;
        // All at once: a copy in steps begins anew whenever somebody writes.
        Backup::new(from, &mut copy)?.step(-1)
    };
    match copy().attempting("cannot copy the database")? {
        StepResult::Done => Ok(()),
        _ => Err(StoreError::new(StoreErrorKind::Unavailable, "cannot copy the database: it is busy, try again")),
    }
}

/// Brings into the copy what only the log of the original holds.
fn follow_log(scan: &Scan, directory: &Path, to: &Path) -> Result<(), StoreError> {
    let mut copy = connection::writing(&to.join(UNFINISHED))?;
    let applied = Known::read(&copy)?.unwrap_or_default().applied;
    let (lanes, mut pending) = (Lanes::default(), Pending::default());
    fan_out::load(&copy, &lanes)?;
    let mut sums = Sums::read(&copy, &lanes).attempting("cannot read the sums of the copy")?;
    let sequence = replay::follow(scan, applied, directory, &mut pending, &mut sums, &lanes)?;
    let mut write = || -> rusqlite::Result<()> {
        let transaction = copy.transaction()?;
        pending.write(&transaction, &mut sums.totals, &lanes, sequence)?;
        transaction.commit()
    };
    write().attempting("cannot bring the log into the copy")?;
    copy.close().map_err(|(_, error)| error).attempting("cannot close the copy")
}

/// Copies every file that is neither a part of the database nor the reserve: those are the secrets.
fn copy_secrets(directory: &Path, to: &Path) -> Result<Vec<String>, StoreError> {
    let copy = || -> io::Result<Vec<String>> {
        let mut secrets = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let own =
                name == MARK || name == LOCK || name == RESERVE || name.starts_with(DATABASE) || name.starts_with('.');
            if entry.file_type()?.is_file() && !own {
                directory::place(to, name, &fs::read(entry.path())?)?;
                secrets.push(name.to_owned());
            }
        }
        secrets.sort_unstable();
        Ok(secrets)
    };
    copy().attempting("cannot copy the secrets")
}
