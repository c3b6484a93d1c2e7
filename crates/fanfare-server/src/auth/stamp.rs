//! The time at which a request was signed.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A time of signing in its one permitted spelling, `yyyymmddThhmmssZ`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    text: String,
    /// Seconds since 1970.
    second: i64,
}

impl Stamp {
    /// `None` when the text is not of that form, or there is no such day or time.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let pair = |start: usize| match bytes[start..start + 2] {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok(),
            _ => None,
        };
        let year = i16::from(pair(0)?) * 100 + i16::from(pair(2)?);
        let time = DateTime::new(year, pair(4)?, pair(6)?, pair(9)?, pair(11)?, pair(13)?, 0).ok()?;
        let second = time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        Some(Self { text: text.to_owned(), second })
    }

    /// As it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The day, `yyyymmdd`.
    pub(super) fn date(&self) -> &str {
        &self.text[..8]
    }

    /// Seconds since 1970.
    pub(super) fn second(&self) -> i64 {
        self.second
    }
}

/// `time` in whole seconds since 1970; a clock before 1970 counts as 1970.
pub(super) fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A second since 1970 as stamps are written, for messages.
pub(super) fn written(second: i64) -> String {
    match Timestamp::from_second(second) {
        Ok(time) => time.strftime("%Y%m%dT%H%M%SZ").to_string(),
        Err(_) => second.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_tells_its_day_and_second() {
        let stamp = Stamp::parse("20260102T030405Z").unwrap();
        assert_eq!(stamp.date(), "20260102");
        assert_eq!(stamp.second(), 1_767_323_045);
        assert_eq!(written(1_767_323_045), "20260102T030405Z");
    }

    #[test]
    fn other_spellings_and_days_that_are_not_are_refused() {
        for text in [
            "",
            "20260102T030405",
            "20260102 030405Z",
            "20260230T030405Z",
            "20260102T240000Z",
            "2026-1-2T030405Z",
            "+2026102T030405Z",
            "2026010éT03040Z",
            "2026-01-02T03:04:05Z",
        ] {
            assert_eq!(Stamp::parse(text), None, "{text}");
        }
    }
}
