//! Whether a store is sound: a look that changes nothing, at a directory that may be in use.

use std::fmt;
use std::path::Path;

use fanfare_core::store::{Counters, Dispatch, StoreError, StoreErrorKind};
use rusqlite::Connection;

use crate::attempts;
use crate::connection;
use crate::directory::{self, Contents, DATABASE};
use crate::error::Attempting;
use crate::fan_outs::decoded;
use crate::ids;
use crate::log::record::{Record, records};
use crate::log::{self, Known, Scan};
use crate::schema::{self, Marked};
use crate::sum::sum;
use crate::writer::Totals;

/// The first format with fan-out rows.
const FAN_OUTS_SINCE: u32 = 3;

/// The first format with blocks of ids.
const IDS_SINCE: u32 = 4;

/// Problems that are named; there may be more.
const PROBLEMS_MAX: usize = 100;

/// What a check found. `Display` is made for a terminal: a few lines, the problems last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The format of the store.
    pub format: u32,
    /// Bytes of the database, without its log.
    pub bytes: u64,
    /// Messages that are kept.
    pub messages: u64,
    /// Deliveries that wait, confirmations of subscriptions included.
    pub deliveries: u64,
    /// Dead letters that can be redriven.
    pub dead_letters: u64,
    /// Attempts in the log.
    pub attempts: u64,
    /// How many deliveries stand where.
    pub counters: Counters,
    /// What is wrong, a line each, at most 100; empty when the store is sound.
    pub problems: Vec<String>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { matched, delivered, pending, dead_lettered, dropped, .. } = self.counters;
        writeln!(f, "format {}, {} bytes", self.format, self.bytes)?;
        writeln!(
            f,
            "{} messages, {} deliveries waiting, {} dead letters, {} logged attempts",
            self.messages, self.deliveries, self.dead_letters, self.attempts
        )?;
        writeln!(
            f,
            "{matched} matched = {delivered} delivered + {pending} pending + {dead_lettered} dead-lettered + {dropped} dropped"
        )?;
        match self.problems.len() {
            0 => write!(f, "sound"),
            _ => write!(f, "damaged:\n  {}", self.problems.join("\n  ")),
        }
    }
}

/// Checks the store in `directory`, which may be in use: every page, every index, every message's checksum, and that
/// everything that refers to something else finds it. Changes nothing, reads everything, and blocks as long as that takes.
///
/// # Errors
/// When there is no store, or so little of it can be read that there is nothing to report on.
pub fn check(directory: impl AsRef<Path>) -> Result<CheckReport, StoreError> {
    let directory = directory.as_ref();
    let connection = open(directory)?;
    // First, so that what is not in it any more when the snapshot begins is in the database.
    let log = log::scan_in_use(directory, &connection)?;
    // One snapshot, whatever is written meanwhile.
    let snapshot = connection.unchecked_transaction().attempting("cannot read the database")?;
    let Marked::Format(format) = schema::marked(&snapshot)? else {
        return Err(nothing(directory));
    };
    if format < FAN_OUTS_SINCE {
        let none = "CREATE TEMP TABLE fan_out (number INTEGER, counted INTEGER, lanes BLOB)";
        snapshot.execute_batch(none).attempting("cannot check the database")?;
    }
    let mut problems = Problems::default();
    problems.structure(&snapshot).attempting("cannot check the database")?;
    problems.relations(&snapshot);
    problems.bodies(&snapshot);
    let named = problems.fan_outs(&snapshot);
    let counters = problems.counters(&snapshot, named);
    let mut count = |table: &str| problems.number(&snapshot, &format!("SELECT count(*) FROM {table}")).cast_unsigned();
    let (messages, rows, dead_letters) = (count("body"), count("delivery"), count("dead"));
    let attempts = problems.attempts(&snapshot);
    if format >= IDS_SINCE {
        match ids::problems(&snapshot) {
            Ok(found) => found.into_iter().for_each(|problem| problems.add(problem)),
            Err(error) => problems.add(format!("the ids of messages are unreadable: {error}")),
        }
    }
    let deliveries = rows + named.all.cast_unsigned();
    let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    let bytes = problems.number(&snapshot, size).cast_unsigned();
    let mut report =
        CheckReport { format, bytes, messages, deliveries, dead_letters, attempts, counters, problems: Vec::new() };
    if let Some(log) = log {
        let applied = Known::read(&snapshot)?.unwrap_or_default().applied;
        problems.log(&log, applied, &mut report);
    }
    report.problems = problems.0;
    Ok(report)
}

/// Opens the store in `directory` to be read.
pub(crate) fn open(directory: &Path) -> Result<Connection, StoreError> {
    if directory::contents(directory)? == Contents::Nothing {
        return Err(nothing(directory));
    }
    let connection = connection::reading(&directory.join(DATABASE))?;
    match schema::marked(&connection)? {
        Marked::Empty => Err(nothing(directory)),
        marked => schema::refuse_unknown(directory, marked).map(|()| connection),
    }
}

fn nothing(directory: &Path) -> StoreError {
    let name = directory.display();
    StoreError::new(StoreErrorKind::Unavailable, format!("there is no store in {name}: check the path"))
}

/// How many deliveries fan-out rows name.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    all: i64,
    /// Of these, those in the counters.
    counted: i64,
}

/// What is wrong, as far as it has been found.
#[derive(Default)]
struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: impl Into<String>) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(problem.into());
        }
    }

    /// A number that `sql` asks for; zero, and a problem, when it cannot be read.
    fn number(&mut self, snapshot: &Connection, sql: &str) -> i64 {
        snapshot.query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| {
            self.add(format!("unreadable: {error}"));
            0
        })
    }

    fn structure(&mut self, snapshot: &Connection) -> rusqlite::Result<()> {
        let mut statement = snapshot.prepare(&format!("PRAGMA integrity_check({PROBLEMS_MAX})"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            match row.get::<_, String>(0)?.as_str() {
                "ok" => {}
                problem => problem.lines().for_each(|line| self.add(line)),
            }
        }
        Ok(())
    }

    fn relations(&mut self, snapshot: &Connection) {
        let rules = [
            (
                "deliveries without a message",
                "SELECT count(*) FROM delivery WHERE number NOT IN (SELECT number FROM body)",
            ),
            (
                "fan-outs without a message",
                "SELECT count(*) FROM fan_out WHERE number NOT IN (SELECT number FROM body)",
            ),
            (
                "dead letters without a message",
                "SELECT count(*) FROM dead WHERE number NOT IN (SELECT number FROM body)",
            ),
            (
                "messages that are not forgotten and have no body, or the reverse",
                "SELECT count(*) FROM message LEFT JOIN body USING (number) WHERE forgotten = (body.number IS NOT NULL)",
            ),
            (
                "bodies of unknown messages",
                "SELECT count(*) FROM body WHERE number NOT IN (SELECT number FROM message)",
            ),
            (
                "attempts for unknown messages",
                "SELECT count(*) FROM attempt WHERE number NOT IN (SELECT number FROM message)",
            ),
            (
                "messages held by another number of deliveries and dead letters than they count",
                "SELECT count(*) FROM message
                 LEFT JOIN (SELECT number, count(*) AS n FROM delivery GROUP BY number) AS waiting USING (number)
                 LEFT JOIN (SELECT number, count(*) AS n FROM dead GROUP BY number) AS died USING (number)
                 LEFT JOIN (SELECT number, count(*) AS n FROM fan_out GROUP BY number) AS fresh USING (number)
                 WHERE holds <> coalesce(waiting.n, 0) + coalesce(died.n, 0) + coalesce(fresh.n, 0)",
            ),
            (
                "message groups whose head is not their first delivery",
                "SELECT count(*) FROM (
                     SELECT number = min(number) OVER (PARTITION BY lane, grp) AS first, head
                     FROM delivery WHERE grp <> '') WHERE first <> head",
            ),
            (
                "messages with a number above the last one given",
                "SELECT count(*) FROM message WHERE number > (SELECT last_number FROM totals)",
            ),
            (
                "bytes of logged attempts that are not counted as such",
                "SELECT abs(attempt_bytes - (SELECT coalesce(sum(octet_length(record)), 0) FROM attempt)) FROM totals",
            ),
        ];
        for (problem, sql) in rules {
            let count = self.number(snapshot, sql);
            if count != 0 {
                self.add(format!("{count} {problem}"));
            }
        }
    }

    fn bodies(&mut self, snapshot: &Connection) {
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = snapshot.prepare("SELECT number, sum, bytes FROM body")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (number, wanted) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
                let bytes = row.get_ref(2)?.as_blob()?;
                if sum(bytes) != wanted {
                    self.add(format!("message {number} is not what was written"));
                } else if let Err(error) = Dispatch::from_bytes(bytes, number.cast_unsigned()) {
                    self.add(format!("message {number}: {error}"));
                }
            }
            Ok(())
        };
        if let Err(error) = read() {
            self.add(format!("messages from here on are unreadable: {error}"));
        }
    }

    /// How many attempts are logged.
    fn attempts(&mut self, snapshot: &Connection) -> u64 {
        let mut count = 0;
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = snapshot.prepare("SELECT number, record FROM attempt")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                match attempts::of_row(row.get_ref(1)?.as_bytes()?) {
                    Ok(attempts) => count += attempts.len() as u64,
                    Err(_) => {
                        self.add(format!("attempts for message {} are not what was written", row.get::<_, i64>(0)?))
                    }
                }
            }
            Ok(())
        };
        if let Err(error) = read() {
            self.add(format!("logged attempts from here on are unreadable: {error}"));
        }
        count
    }

    /// What the fan-out rows name.
    fn fan_outs(&mut self, snapshot: &Connection) -> Named {
        let mut named = Named::default();
        let mut read = || -> rusqlite::Result<()> {
            let mut statement = snapshot.prepare("SELECT number, counted, lanes FROM fan_out")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (number, counted) = (row.get::<_, i64>(0)?, row.get::<_, bool>(1)?);
                let Some(lanes) = decoded(row.get_ref(2)?.as_blob()?) else {
                    self.add(format!("the fan-out of message {number} is not what was written"));
                    continue;
                };
                named.all += lanes.len() as i64;
                named.counted += if counted { lanes.len() as i64 } else { 0 };
            }
            Ok(())
        };
        if let Err(error) = read() {
            self.add(format!("fan-outs from here on are unreadable: {error}"));
        }
        named
    }

    /// Adds what the log tells and the database does not hold.
    fn log(&mut self, log: &Scan, applied: u64, report: &mut CheckReport) {
        let frames = match log.after(applied) {
            Ok(frames) => frames,
            Err(trouble) => return self.add(log::troubled(trouble)),
        };
        for (sequence, told) in frames {
            match records(told) {
                Some(records) => records.iter().for_each(|record| self.record(record, report)),
                None => self.add(format!("frame {sequence} of the log cannot be read")),
            }
        }
    }

    fn record(&mut self, record: &Record<'_>, report: &mut CheckReport) {
        let counters = &mut report.counters;
        match record {
            Record::Appended(appended) => {
                let (number, kept) = (appended.number, (appended.fresh.len() + appended.rows.len()) as u64);
                report.messages += 1;
                report.deliveries += kept;
                if appended.counted {
                    counters.matched += kept + appended.refused;
                    counters.pending += kept;
                    counters.dropped += appended.refused;
                }
                if let Err(error) = Dispatch::from_bytes(appended.body, number.cast_unsigned()) {
                    self.add(format!("message {number}: {error}"));
                }
            }
            Record::Settled(settled) => {
                let counted = u64::from(settled.counted);
                report.deliveries = report.deliveries.saturating_sub(1);
                report.attempts += u64::from(settled.attempt.is_some());
                counters.pending = counters.pending.saturating_sub(counted);
                *if settled.discarded { &mut counters.dropped } else { &mut counters.delivered } += counted;
            }
        }
    }

    fn counters(&mut self, snapshot: &Connection, named: Named) -> Counters {
        let totals = match Totals::read(snapshot) {
            Ok(totals) => totals,
            Err(error) => {
                self.add(format!("the counters are unreadable: {error}"));
                return Counters::default();
            }
        };
        if totals.matched != totals.delivered + totals.pending + totals.dead_lettered + totals.dropped {
            self.add("the counters do not balance");
        }
        let rows = self.number(snapshot, "SELECT count(*) FROM delivery WHERE counted = 1");
        let waiting = rows + named.counted;
        if waiting != totals.pending {
            self.add(format!("{} deliveries are counted as pending, {waiting} are there", totals.pending));
        }
        totals.counters()
    }
}
