//! The `Retry-After` header of RFC 9110, section 10.2.3: how long a push service asks to be left alone.

use std::time::Duration;

use fanfare_core::Timestamp;
use http::HeaderValue;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The three forms of an HTTP date that a recipient must read (RFC 9110, section 5.6.7), the usual one first.
const DATE_FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Reads seconds or a date, however far off: how much of it is honoured is the engine's decision. A date that has passed
/// is a wait of zero. None for what is neither.
pub(crate) fn parse(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let date = DATE_FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok())?;
    let then = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_unix_ms(then.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:49:07Z, half a minute before the date of the RFC's examples.
    const NOW_MS: i64 = 784_111_747_000;

    #[test]
    fn seconds_and_dates_are_read_and_nothing_else() {
        const HALF_A_MINUTE: Option<Duration> = Some(Duration::from_secs(30));
        for (text, expected) in [
            ("120", Some(Duration::from_secs(120))),
            ("0", Some(Duration::ZERO)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", HALF_A_MINUTE),
            ("Sunday, 06-Nov-94 08:49:37 GMT", HALF_A_MINUTE),
            ("Sun Nov  6 08:49:37 1994", HALF_A_MINUTE),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(Duration::ZERO)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ] {
            let value = HeaderValue::from_static(text);
            assert_eq!(parse(&value, Timestamp::from_unix_ms(NOW_MS)), expected, "{text:?}");
        }
    }
}
