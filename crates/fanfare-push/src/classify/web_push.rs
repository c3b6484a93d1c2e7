//! What a service of Web Push answers (RFC 8030, sections 5 and 7.3; RFC 8292, section 4.2).

use fanfare_core::{DeliveryErrorKind as Kind, Outcome};

use super::{Answer, Row, by_status, gone, refused};

/// What the statuses mean that Web Push gives a meaning of its own.
fn table(status: u16) -> Row {
    match status {
        404 | 410 => gone("the browser's subscription has ended"),
        401 | 403 => refused(Kind::Unauthorized, "the push service does not take our key"),
        status => by_status(status),
    }
}

/// What the exchange came to. The address of what was taken is left out of the receipt: whoever has it can take it back.
pub(crate) fn outcome(answer: &Answer) -> Outcome {
    match answer.status {
        200..=299 => Ok(answer.receipt()),
        status => Err(answer.error(table(status), "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanfare_core::Disposition;
    use std::time::Duration;

    #[test]
    fn every_status_has_its_row() {
        const LATER: Disposition = Disposition::Retry { after: Some(Duration::from_secs(7)) };
        for (status, kind, disposition) in [
            (307, Kind::Rejected, Disposition::Reject),
            (400, Kind::Rejected, Disposition::Reject),
            (401, Kind::Unauthorized, Disposition::Reject),
            (403, Kind::Unauthorized, Disposition::Reject),
            (404, Kind::NotFound, Disposition::Disable),
            (410, Kind::NotFound, Disposition::Disable),
            (413, Kind::Unsupported, Disposition::Reject),
            (429, Kind::Throttled, LATER),
            (500, Kind::Unavailable, LATER),
            (503, Kind::Unavailable, LATER),
        ] {
            let answer = Answer { status, retry_after: Some(Duration::from_secs(7)), ..Answer::default() };
            let error = outcome(&answer).unwrap_err();
            assert_eq!((error.kind(), error.disposition()), (kind, disposition), "{status}");
        }
        for status in [200, 201, 202] {
            assert_eq!(outcome(&Answer { status, ..Answer::default() }).unwrap().status(), Some(status));
        }
    }
}
