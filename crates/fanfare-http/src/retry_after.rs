//! The `Retry-After` header of RFC 9110, section 10.2.3: how long a receiver asks to be left alone.

use std::time::Duration;

use fanfare_core::Timestamp;
use http::HeaderValue;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The three forms of an HTTP date that a recipient must read (RFC 9110, section 5.6.7), the usual one first.
const DATE_FORMS: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// Reads seconds or a date, however far off: how much of it is honoured is the engine's decision. A date that has passed
/// is a wait of zero. None for what is neither, and so for negative numbers.
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

    fn parsed(text: &str) -> Option<Duration> {
        parse(&HeaderValue::from_bytes(text.as_bytes()).unwrap(), Timestamp::from_unix_ms(NOW_MS))
    }

    #[test]
    fn every_form_of_the_header_is_read() {
        const HALF_A_MINUTE: Option<Duration> = Some(Duration::from_secs(30));
        for (text, expected) in [
            ("120", Some(Duration::from_secs(120))),
            (" 7 ", Some(Duration::from_secs(7))),
            ("0", Some(Duration::ZERO)),
            ("315360000", Some(Duration::from_secs(315_360_000))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", HALF_A_MINUTE),
            ("Sunday, 06-Nov-94 08:49:37 GMT", HALF_A_MINUTE),
            ("Sun Nov  6 08:49:37 1994", HALF_A_MINUTE),
            ("Sun, 06 Nov 1994 08:48:37 GMT", Some(Duration::ZERO)),
            ("Sat, 06 Nov 2004 08:49:07 GMT", Some(Duration::from_secs(3653 * 86_400))),
        ] {
            assert_eq!(parsed(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_neither_seconds_nor_a_date_is_ignored() {
        for text in [
            "",
            " ",
            "-1",
            "+5",
            "1.5",
            "5s",
            "soon",
            "99999999999999999999999",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "6 Nov",
            "\u{e9}",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }
}
