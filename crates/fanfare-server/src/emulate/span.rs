//! Spans of time as people write them: `90s`, `1h30m`, `2 days`, `PT5M`, or a number of seconds.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Reads a span of time that is not negative. Days have 24 hours; months and years, whose lengths differ, are refused.
pub(super) fn parse(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let span: Span = text.parse().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, ms) in [
            ("5", 5_000),
            ("0.25", 250),
            ("90s", 90_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("2 days", 172_800_000),
            ("PT5M", 300_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "soon", "-1", "-5s", "1 month", "NaN", "inf", "1e400"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
