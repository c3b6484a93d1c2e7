//! The moment of publishing, carried in a message's own text, so that whoever gets it knows how long it took.

use std::time::{SystemTime, UNIX_EPOCH};

/// What a stamp begins with; twenty digits follow, nanoseconds since 1970.
const MARK: &[u8] = b"PUBLISHED";

const DIGITS: usize = 20;

/// A stamp of this moment.
pub(crate) fn stamp() -> String {
    format!("PUBLISHED{:020}", now())
}

/// The nanoseconds since the stamp in `body` was made; nothing when there is no stamp.
pub(crate) fn age(body: &[u8]) -> Option<u64> {
    let at = body.windows(MARK.len()).position(|bytes| bytes == MARK)? + MARK.len();
    let made: u64 = std::str::from_utf8(body.get(at..at + DIGITS)?).ok()?.parse().ok()?;
    Some(now().saturating_sub(made))
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_found_in_the_middle_of_a_text() {
        let body = format!("before {} behind", stamp());
        assert!(age(body.as_bytes()).unwrap() < 60_000_000_000);
        assert_eq!(age(b"PUBLISHED000"), None);
        assert_eq!(age(b"nothing"), None);
    }
}
