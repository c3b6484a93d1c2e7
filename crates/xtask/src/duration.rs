//! How long something took, as a person says it.

use std::time::Duration;

/// `duration` in its handiest unit: `842 ms`, `12.3 s` or `3 min 07 s`.
pub(crate) fn spoken(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_millis())
    } else if seconds < 60 {
        format!("{seconds}.{} s", duration.subsec_millis() / 100)
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_has_its_range() {
        assert_eq!(spoken(Duration::from_micros(400)), "0 ms");
        assert_eq!(spoken(Duration::from_millis(842)), "842 ms");
        assert_eq!(spoken(Duration::from_millis(1_000)), "1.0 s");
        assert_eq!(spoken(Duration::from_millis(59_999)), "59.9 s");
        assert_eq!(spoken(Duration::from_millis(60_000)), "1 min 00 s");
        assert_eq!(spoken(Duration::from_secs(187)), "3 min 07 s");
    }
}
