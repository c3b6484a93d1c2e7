//! Logged attempts as they are kept: fields one after the other, each behind its tag, and those that say nothing left out.
//!
//! A row of the log holds the attempts of one message that were settled together, each after its length, behind a byte that
//! tells the form. Rows of stores that were written before are JSON, one attempt to a line, and stay so.

use std::str;
use std::time::Duration;

use fanfare_core::arn::SubscriptionArn;
use fanfare_core::attempt::{Attempt, Next};
use fanfare_core::host::Timestamp;
use fanfare_core::notification::MessageType;
use fanfare_core::store::{Stage, StoreError, StoreErrorKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::unreadable;
use crate::log::codec::{Fields, put_bytes, put_number, put_signed};

/// Begins a row of this form.
const FORM: u8 = 1;

/// Tags. One that was ever used keeps its meaning; numbers and bytes tell by their tag which they are.
mod tag {
    pub(super) const PROTOCOL: u8 = 1;
    pub(super) const ENDPOINT: u8 = 2;
    pub(super) const QUEUED: u8 = 3;
    pub(super) const CONNECT: u8 = 4;
    pub(super) const FIRST_BYTE: u8 = 5;
    pub(super) const STATUS: u8 = 6;
    pub(super) const RESPONSE: u8 = 7;
    pub(super) const DEAD_LETTER: u8 = 8;
    /// As JSON: what failed is rare beside what was delivered.
    pub(super) const MESSAGE_TYPE: u8 = 9;
    pub(super) const FAILURE: u8 = 10;
    pub(super) const NEXT: u8 = 11;
}

/// One attempt.
pub(crate) fn encoded(attempt: &Attempt) -> Vec<u8> {
    let mut to = Vec::with_capacity(256);
    put_bytes(&mut to, attempt.message_id.as_bytes());
    put_bytes(&mut to, attempt.subscription.as_str().as_bytes());
    put_number(&mut to, u64::from(attempt.number));
    put_signed(&mut to, attempt.started.unix_ms());
    put_signed(&mut to, attempt.started.unix_ms().wrapping_sub(attempt.accepted.unix_ms()));
    put_duration(&mut to, attempt.took);
    let mut text = |tag: u8, text: &str| {
        to.push(tag);
        put_bytes(&mut to, text.as_bytes());
    };
    text(tag::PROTOCOL, attempt.protocol.as_str());
    text(tag::ENDPOINT, &attempt.endpoint);
    if let Some(response) = &attempt.response {
        text(tag::RESPONSE, response);
    }
    if attempt.message_type != MessageType::Notification {
        text(tag::MESSAGE_TYPE, &json(&attempt.message_type));
    }
    if let Some(failure) = &attempt.failure {
        text(tag::FAILURE, &json(failure));
    }
    if attempt.next != Next::Delivered {
        text(tag::NEXT, &json(&attempt.next));
    }
    let queued = Some(attempt.queued).filter(|queued| !queued.is_zero());
    let durations =
        [(tag::QUEUED, queued), (tag::CONNECT, attempt.timing.connect), (tag::FIRST_BYTE, attempt.timing.first_byte)];
    for (tag, duration) in durations {
        if let Some(duration) = duration {
            to.push(tag);
            put_duration(&mut to, duration);
        }
    }
    if let Some(status) = attempt.status {
        to.push(tag::STATUS);
        put_number(&mut to, u64::from(status));
    }
    if attempt.stage != Stage::Endpoint {
        to.push(tag::DEAD_LETTER);
    }
    to
}

/// A row of attempts.
pub(crate) fn row<'a>(attempts: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut row = vec![FORM];
    attempts.for_each(|attempt| put_bytes(&mut row, attempt));
    row
}

/// The attempts of a row, in the order in which they were made.
///
/// # Errors
/// `Corrupt` when it is not what was written.
pub(crate) fn of_row(row: &[u8]) -> Result<Vec<Attempt>, StoreError> {
    let what = "a logged attempt cannot be read";
    let Some((&FORM, mut rest)) = row.split_first().map(|(form, rest)| (form, Fields::new(rest))) else {
        let lines = row.split(|byte| *byte == b'\n');
        return lines.map(|line| serde_json::from_slice(line).map_err(|error| unreadable(what, error))).collect();
    };
    let mut attempts = Vec::new();
    while !rest.is_empty() {
        let attempt = rest.bytes().and_then(decoded);
        attempts.push(attempt.ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt, what))?);
    }
    Ok(attempts)
}

/// Whether attempts of `subscription` may be in a row, which is cheaper than to read it.
pub(crate) fn may_be_of(row: &[u8], subscription: &SubscriptionArn) -> bool {
    let arn = subscription.as_str().as_bytes();
    row.windows(arn.len()).any(|window| window == arn)
}

fn decoded(bytes: &[u8]) -> Option<Attempt> {
    let mut from = Fields::new(bytes);
    let message_id = text(&mut from)?.to_owned();
    let subscription = SubscriptionArn::parse(text(&mut from)?).ok()?;
    let number = u32::try_from(from.number()?).ok()?;
    let started = from.signed()?;
    let mut attempt = Attempt::delivered(&message_id, subscription, number, Timestamp::from_unix_ms(started));
    attempt.accepted = Timestamp::from_unix_ms(started.wrapping_sub(from.signed()?));
    attempt.took = duration(&mut from)?;
    while !from.is_empty() {
        match from.byte()? {
            tag::PROTOCOL => attempt.protocol = serde_json::from_value(text(&mut from)?.into()).ok()?,
            tag::ENDPOINT => text(&mut from)?.clone_into(&mut attempt.endpoint),
            tag::QUEUED => attempt.queued = duration(&mut from)?,
            tag::CONNECT => attempt.timing.connect = Some(duration(&mut from)?),
            tag::FIRST_BYTE => attempt.timing.first_byte = Some(duration(&mut from)?),
            tag::STATUS => attempt.status = Some(u16::try_from(from.number()?).ok()?),
            tag::RESPONSE => attempt.response = Some(text(&mut from)?.to_owned()),
            tag::DEAD_LETTER => attempt.stage = Stage::DeadLetter,
            tag::MESSAGE_TYPE => attempt.message_type = of_json(&mut from)?,
            tag::FAILURE => attempt.failure = Some(of_json(&mut from)?),
            tag::NEXT => attempt.next = of_json(&mut from)?,
            _ => return None,
        }
    }
    Some(attempt)
}

fn text<'a>(from: &mut Fields<'a>) -> Option<&'a str> {
    str::from_utf8(from.bytes()?).ok()
}

/// Seconds and nanoseconds apart, so that any duration comes back.
fn put_duration(to: &mut Vec<u8>, duration: Duration) {
    put_number(to, duration.as_secs());
    put_number(to, u64::from(duration.subsec_nanos()));
}

fn duration(from: &mut Fields<'_>) -> Option<Duration> {
    let (seconds, nanos) = (from.number()?, u32::try_from(from.number()?).ok()?);
    (nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a record of strings and numbers is JSON")
}

fn of_json<T: DeserializeOwned>(from: &mut Fields<'_>) -> Option<T> {
    serde_json::from_slice(from.bytes()?).ok()
}

#[cfg(test)]
mod tests {
    use fanfare_core::protocol::Protocol;

    use super::*;

    fn arn() -> SubscriptionArn {
        SubscriptionArn::parse("arn:aws:sns:us-east-1:000000000000:orders:7c2f0e0c-5b9b-4f0e-8b3d-5d1f6a1c9d10")
            .unwrap()
    }

    fn delivered() -> Attempt {
        let mut attempt = Attempt::delivered("m1", arn(), 1, Timestamp::from_unix_ms(1_767_323_045_123));
        attempt.accepted = Timestamp::from_unix_ms(1_767_323_045_000);
        attempt.endpoint = "https://example.com/hook".into();
        attempt.took = Duration::from_micros(1_234);
        attempt.status = Some(200);
        attempt
    }

    /// Something in every field.
    fn full() -> Attempt {
        let failure = r#"{"kind":"timeout","disposition":{"Retry":{"after":{"secs":3,"nanos":0}}},"text":"no answer"}"#;
        let mut attempt = delivered();
        attempt.protocol = Protocol::custom("carrier-pigeon").unwrap();
        attempt.message_type = MessageType::SubscriptionConfirmation;
        attempt.stage = Stage::DeadLetter;
        attempt.number = u32::MAX;
        attempt.queued = Duration::MAX;
        attempt.timing.connect = Some(Duration::ZERO);
        attempt.timing.first_byte = Some(Duration::from_nanos(999_999_999));
        attempt.response = Some("line\nline".into());
        attempt.failure = Some(serde_json::from_str(failure).unwrap());
        attempt.next = Next::Dropped { reason: "too old".into() };
        attempt
    }

    #[test]
    fn attempts_are_read_back_whatever_they_say() {
        let attempts = [delivered(), full(), delivered()];
        let encoded: Vec<_> = attempts.iter().map(encoded).collect();
        let row = row(encoded.iter().map(Vec::as_slice));
        assert_eq!(of_row(&row).unwrap(), attempts);
        assert!(may_be_of(&row, &arn()));
        let json = serde_json::to_string(&attempts[0]).unwrap();
        assert!(2 * encoded[0].len() < json.len(), "{} of {}", encoded[0].len(), json.len());
    }

    #[test]
    fn rows_of_json_are_read() {
        let lines = [delivered(), full()].map(|attempt| serde_json::to_string(&attempt).unwrap());
        assert_eq!(of_row(lines.join("\n").as_bytes()).unwrap(), [delivered(), full()]);
    }

    #[test]
    fn a_row_that_was_cut_or_changed_in_its_form_is_refused_or_shorter() {
        let whole = row([encoded(&full()), encoded(&delivered())].iter().map(Vec::as_slice));
        for length in 2..whole.len() {
            match of_row(&whole[..length]) {
                Ok(attempts) => assert_eq!(attempts, [full()], "{length}"),
                Err(error) => assert_eq!(error.kind(), StoreErrorKind::Corrupt),
            }
        }
        let mut unknown = encoded(&delivered());
        unknown.push(99);
        assert_eq!(of_row(&row([unknown.as_slice()].into_iter())).unwrap_err().kind(), StoreErrorKind::Corrupt);
    }
}
