//! Frames of a log that was left behind are brought in as they would have been.

use std::path::Path;
use std::sync::Arc;

use fanfare_core::store::{Dispatch, StoreError};
use fanfare_core::subscription::SubscriptionId;

use super::record::{Appended, Record, Settled, records};
use super::{Scan, refusal};
use crate::error::unreadable;
use crate::journal::FanOut;
use crate::lanes::{Fresh, Lanes};
use crate::pending::{Added, LoggedAttempt, NewMessage, Pending};
use crate::writer::{Changes, Sums};

/// Brings what a log tells and the database does not hold into what is pending, and answers the number of the last frame.
///
/// # Errors
/// `Corrupt` when the log cannot be followed.
pub(crate) fn follow(
    scan: &Scan,
    applied: u64,
    directory: &Path,
    pending: &mut Pending,
    sums: &mut Sums,
    lanes: &Lanes,
) -> Result<u64, StoreError> {
    let mut last = applied;
    for (number, told) in scan.after(applied).map_err(|trouble| refusal(directory, trouble))? {
        replay(told, pending, sums, lanes)?;
        last = number;
    }
    Ok(last)
}

/// Brings what a frame tells into what is pending.
///
/// # Errors
/// `Corrupt` when it tells what this version does not know.
fn replay(told: &[u8], pending: &mut Pending, sums: &mut Sums, lanes: &Lanes) -> Result<(), StoreError> {
    let what = "the log holds a record that cannot be read: was it written by a newer version?";
    let records =
        records(told).ok_or_else(|| unreadable(what, std::io::Error::from(std::io::ErrorKind::InvalidData)))?;
    for record in records {
        let mut added = Added::default();
        let mut changes = Changes::new(sums, lanes);
        let mut fan_out = None;
        match record {
            Record::Appended(record) => fan_out = Some(append(&record, &mut changes, &mut added)?),
            Record::Settled(record) => settle(&record, &mut changes, &mut added, lanes),
        }
        let left = changes.left();
        // One after the other, so that a delivery is there when it is settled.
        pending.add(added, &left, 0, 0);
        changes.keep(left);
        if let Some(fan_out) = fan_out {
            fan_out.make_known(lanes);
        }
    }
    Ok(())
}

fn append(record: &Appended<'_>, changes: &mut Changes<'_>, added: &mut Added) -> Result<FanOut, StoreError> {
    let &Appended { number, counted, archive_until, refused, .. } = record;
    let publication = Dispatch::from_bytes(record.body, number.cast_unsigned())
        .map_err(|error| unreadable(format!("message {number} in the log cannot be read"), error))?
        .publication;
    let fan_out = FanOut { number, due: publication.timestamp().unix_ms(), counted, lanes: record.fresh.clone() };
    count(changes, &fan_out, &record.rows, refused);
    let body = Arc::new(record.body.to_vec());
    let rows = record.rows.clone();
    added.messages.push(NewMessage { number, publication, counted, archive_until, rows, body });
    Ok(fan_out)
}

/// Counts a message's deliveries.
pub(crate) fn count(changes: &mut Changes<'_>, fan_out: &FanOut, rows: &[i64], refused: u64) {
    let per_delivery = i64::from(fan_out.counted);
    let kept = (fan_out.lanes.len() + rows.len()) as i64;
    changes.totals.last_number = fan_out.number;
    changes.totals.matched += per_delivery * (kept + refused.cast_signed());
    changes.totals.dropped += per_delivery * refused.cast_signed();
    changes.totals.pending += per_delivery * kept;
    changes.reserve(fan_out.lanes.len() + rows.len());
    fan_out.lanes.iter().for_each(|&lane| changes.add_fresh(lane));
    rows.iter().for_each(|&lane| changes.add_rows(lane, 1));
}

fn settle(record: &Settled<'_>, changes: &mut Changes<'_>, added: &mut Added, lanes: &Lanes) {
    let &Settled { lane, number, counted, discarded, attempt } = record;
    if let Some((due, _)) = changes.find_fresh(lane, number) {
        lanes.remove_fresh(SubscriptionId(lane.cast_unsigned()), &[Fresh { number: number.cast_unsigned(), due }]);
    }
    settle_fresh(changes, lane, number, counted, discarded);
    added.settled += 1;
    added.attempts.extend(attempt.map(|(at, record)| LoggedAttempt { number, at, record: record.to_vec() }));
}

/// Takes a delivery out of its fan-out that was delivered or discarded.
pub(crate) fn settle_fresh(changes: &mut Changes<'_>, lane: i64, number: i64, counted: bool, discarded: bool) {
    let settled = if discarded { &mut changes.totals.dropped } else { &mut changes.totals.delivered };
    *settled += i64::from(counted);
    changes.remove_fresh(lane, number, counted);
}
