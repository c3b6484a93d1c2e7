//! What the log tells: a message that came in, or deliveries of one lane that were settled.

use super::codec::{Fields, put_bytes, put_number, put_signed};
use crate::fan_outs::{decoded, encoded};

const APPENDED: u8 = 1;
const SETTLED: u8 = 2;

const COUNTED: u8 = 1;
const DISCARDED: u8 = 2;
const ATTEMPTED: u8 = 4;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    Appended(Appended<'a>),
    Settled(Settled<'a>),
}

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Appended<'a> {
    pub(crate) number: i64,
    pub(crate) counted: bool,
    pub(crate) archive_until: Option<i64>,
    /// Lanes that had no room for it.
    pub(crate) refused: u64,
    /// Lanes in which it is fresh, in order.
    pub(crate) fresh: Vec<i64>,
    /// Lanes in which it has a row, in order.
    pub(crate) rows: Vec<i64>,
    /// The message as JSON.
    pub(crate) body: &'a [u8],
}

/// A fresh delivery that was delivered or discarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled<'a> {
    pub(crate) lane: i64,
    pub(crate) number: i64,
    pub(crate) counted: bool,
    pub(crate) discarded: bool,
    /// When the attempt began, and its record.
    pub(crate) attempt: Option<(i64, &'a [u8])>,
}

impl Appended<'_> {
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.push(APPENDED);
        put_signed(to, self.number);
        to.push(if self.counted { COUNTED } else { 0 });
        // Nobody archives until the first millisecond of 1970.
        put_signed(to, self.archive_until.unwrap_or(0));
        put_number(to, self.refused);
        put_bytes(to, &encoded(&self.fresh));
        put_bytes(to, &encoded(&self.rows));
        put_bytes(to, self.body);
    }
}

impl Settled<'_> {
    pub(crate) fn write(&self, to: &mut Vec<u8>) {
        to.push(SETTLED);
        put_signed(to, self.lane);
        put_signed(to, self.number);
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        to.push(
            flag(self.counted, COUNTED) | flag(self.discarded, DISCARDED) | flag(self.attempt.is_some(), ATTEMPTED),
        );
        if let Some((at, record)) = self.attempt {
            put_signed(to, at);
            put_bytes(to, record);
        }
    }
}

/// Reads records one after the other; nothing when one of them cannot have been written by this version.
pub(crate) fn records(payload: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut fields = Fields::new(payload);
    let mut records = Vec::new();
    while !fields.is_empty() {
        records.push(record(&mut fields)?);
    }
    Some(records)
}

fn record<'a>(fields: &mut Fields<'a>) -> Option<Record<'a>> {
    match fields.byte()? {
        APPENDED => {
            let number = fields.signed()?;
            let counted = fields.byte()? & COUNTED != 0;
            let archive_until = Some(fields.signed()?).filter(|until| *until != 0);
            let refused = fields.number()?;
            let (fresh, rows) = (lanes(fields.bytes()?)?, lanes(fields.bytes()?)?);
            let body = fields.bytes()?;
            Some(Record::Appended(Appended { number, counted, archive_until, refused, fresh, rows, body }))
        }
        SETTLED => {
            let (lane, number, flags) = (fields.signed()?, fields.signed()?, fields.byte()?);
            let attempt = match flags & ATTEMPTED {
                0 => None,
                _ => Some((fields.signed()?, fields.bytes()?)),
            };
            let (counted, discarded) = (flags & COUNTED != 0, flags & DISCARDED != 0);
            Some(Record::Settled(Settled { lane, number, counted, discarded, attempt }))
        }
        _ => None,
    }
}

fn lanes(bytes: &[u8]) -> Option<Vec<i64>> {
    if bytes.is_empty() { Some(Vec::new()) } else { decoded(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_back_and_what_was_cut_is_not() {
        let appended = Appended {
            number: 7,
            counted: true,
            archive_until: Some(1_767_323_045_000),
            refused: 2,
            fresh: vec![1, 5, 900],
            rows: vec![3],
            body: b"{}",
        };
        let alone = Appended {
            counted: false,
            archive_until: None,
            refused: 0,
            fresh: Vec::new(),
            rows: Vec::new(),
            ..appended.clone()
        };
        let settled =
            Settled { lane: 5, number: 7, counted: true, discarded: false, attempt: Some((9, b"attempt".as_slice())) };
        let discarded = Settled { discarded: true, attempt: None, ..settled };
        let mut bytes = Vec::new();
        appended.write(&mut bytes);
        alone.write(&mut bytes);
        settled.write(&mut bytes);
        let whole = bytes.len();
        discarded.write(&mut bytes);
        let expected =
            [Record::Appended(appended), Record::Appended(alone), Record::Settled(settled), Record::Settled(discarded)];
        assert_eq!(records(&bytes).as_deref(), Some(&expected[..]));
        assert_eq!(records(&bytes[..whole]).as_deref(), Some(&expected[..3]));
        for cut in whole + 1..bytes.len() {
            assert_eq!(records(&bytes[..cut]), None, "{cut} bytes");
        }
        assert_eq!(records(&[9]), None, "no record begins like that");
    }
}
