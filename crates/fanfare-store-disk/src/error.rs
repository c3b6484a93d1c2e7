//! What SQLite's and the file system's errors mean for whoever uses a store.

use std::io;
use std::path::Path;

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::{Error, ErrorCode, ffi};

/// What to do about a damaged store.
pub(crate) const RESTORE: &str = "restore a backup into an empty directory";

/// Gives errors underneath their meaning and a phrase on what was attempted.
pub(crate) trait Attempting<T> {
    /// Names what was attempted, as a lower-case phrase.
    fn attempting(self, act: &str) -> Result<T, StoreError>;
}

impl<T> Attempting<T> for Result<T, Error> {
    fn attempting(self, act: &str) -> Result<T, StoreError> {
        self.map_err(|error| {
            let kind = kind_of(&error);
            let act = match kind {
                StoreErrorKind::Corrupt => format!("{act}: the database is damaged, {RESTORE}"),
                _ => act.to_owned(),
            };
            StoreError::new(kind, act).with_source(error)
        })
    }
}

impl<T> Attempting<T> for Result<T, io::Error> {
    fn attempting(self, act: &str) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::new(StoreErrorKind::Unavailable, act).with_source(error))
    }
}

/// A damaged store, with what is wrong and where.
pub(crate) fn corrupt(directory: &Path, what: &str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, format!("the store in {}: {what}; {RESTORE}", directory.display()))
}

/// A value that cannot be read back.
pub(crate) fn unreadable(what: impl Into<String>, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, what).with_source(error)
}

/// Whether what was written may be lost although a later sync succeeds: the system tells of a failed sync once.
pub(crate) fn lost_a_sync(error: &Error) -> bool {
    let syncs = [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC];
    error.sqlite_error().is_some_and(|error| syncs.contains(&error.extended_code))
}

fn kind_of(error: &Error) -> StoreErrorKind {
    match error {
        Error::SqliteFailure(error, _) => match error.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Unavailable,
        },
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::Utf8Error(..)
        | Error::InvalidColumnType(..)
        | Error::QueryReturnedNoRows => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}
