//! Times as people read them: relative to now.

use std::time::Duration;

use jiff::Timestamp;

/// How far `text`, a time of RFC 3339, is from now: `in 12 s`, `3 min ago`. What is no such time stays as it is.
pub(super) fn from_now(text: &str) -> String {
    let Ok(time) = text.parse::<Timestamp>() else { return text.to_owned() };
    distance(time.as_millisecond() - Timestamp::now().as_millisecond())
}

fn distance(ms: i64) -> String {
    let text = length(Duration::from_millis(ms.unsigned_abs()));
    match ms {
        -999..=999 => "now".to_owned(),
        ..=-1000 => format!("{text} ago"),
        _ => format!("in {text}"),
    }
}

/// A duration in its largest whole unit.
fn length(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_told_in_their_largest_unit() {
        let cases = [
            (0, "now"),
            (-900, "now"),
            (1500, "in 1 s"),
            (-119_000, "119 s ago"),
            (120_000, "in 2 min"),
            (-7_200_000, "2 h ago"),
            (172_800_000, "in 2 days"),
        ];
        for (ms, text) in cases {
            assert_eq!(distance(ms), text);
        }
    }
}
