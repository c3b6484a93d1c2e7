//! Messages read back, each shared by everybody who asks for it at about the same time.

use fanfare_core::store::{Dispatch, StoreError, StoreErrorKind};
use rusqlite::{Connection, OptionalExtension};

use crate::error::{Attempting, unreadable};
use crate::recent::Recent;
use crate::sum::sum;

/// The message of that number.
///
/// # Errors
/// `Corrupt` when it is not there or is not what was written, which says nothing about other messages; other kinds when the
/// database cannot be read at all.
pub(super) fn message(connection: &Connection, recent: &Recent, number: i64) -> Result<Dispatch, StoreError> {
    if let Some(dispatch) = recent.message(number.cast_unsigned()) {
        return Ok(dispatch);
    }
    let read = || -> rusqlite::Result<Option<(i64, Vec<u8>)>> {
        let mut statement = connection.prepare_cached("SELECT sum, bytes FROM body WHERE number = ?")?;
        statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    };
    let found = read().attempting(&format!("cannot read message {number}"))?;
    let Some((wanted, bytes)) = found else {
        return Err(StoreError::new(StoreErrorKind::Corrupt, format!("message {number} is missing")));
    };
    if sum(&bytes) != wanted {
        return Err(StoreError::new(StoreErrorKind::Corrupt, format!("message {number} is not what was written")));
    }
    let dispatch = Dispatch::from_bytes(&bytes, number.cast_unsigned())
        .map_err(|error| unreadable(format!("message {number} cannot be read"), error))?;
    let kept = recent.keep(number.cast_unsigned(), dispatch);
    recent.shed();
    Ok(kept)
}
