//! What the receiver does with one request: a proper answer, or one of the things that broken and hostile peers do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::request::ReceivedRequest;

/// What [`Reply::huge_content_length`] announces.
const HUGE_BYTES: u64 = 1 << 30;

/// What [`Reply::large_header`] sends.
const LARGE_HEADER_BYTES: usize = 64 << 10;

/// What the receiver does with one request.
///
/// - Answers are made by [`Reply::status`] and what follows it.
/// - The other constructors misbehave, each in one way.
/// - [`Reply::by`] looks at the request first.
#[derive(Debug, Clone)]
#[must_use = "a reply does nothing until a receiver is given it"]
pub struct Reply {
    pub(super) reading: Reading,
    pub(super) delay: Duration,
    pub(super) act: Act,
}

/// How much of the request is read before the act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Nothing,
    Head,
    HalfBody,
    Whole,
}

/// What is done once the request is read.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Answer(Answer),
    /// Sends these bytes and ends the connection.
    Raw(Bytes),
    /// Sends interim answers until the client hangs up.
    Storm,
    Hang,
    Close,
    Reset,
    By(Choice),
}

/// An answer with its head and body.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) reason: Vec<u8>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Bytes,
    pub(super) length: Length,
    pub(super) head_pace: Option<Duration>,
    pub(super) body_pace: Option<Duration>,
    pub(super) end: End,
}

/// How long the answer says that its body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// As long as it is.
    True,
    /// This many bytes, of which only the body is sent.
    Claimed(u64),
    /// It repeats without an end, in chunks.
    Endless,
}

/// What happens to the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    KeepAlive,
    Close,
    /// The answer stops in the middle of its body and the connection is reset.
    ResetInBody,
}

/// A function from a request to the reply for it.
#[derive(Clone)]
pub(super) struct Choice(pub(super) Arc<dyn Fn(&ReceivedRequest) -> Reply + Send + Sync>);

impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Choice")
    }
}

impl Reply {
    /// An answer with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self::after_reading(
            Reading::Whole,
            Act::Answer(Answer {
                status,
                reason: reason(status).into(),
                headers: Vec::new(),
                body: Bytes::new(),
                length: Length::True,
                head_pace: None,
                body_pace: None,
                end: End::KeepAlive,
            }),
        )
    }

    /// Sends the client elsewhere: an answer with this status and a `Location`.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("Location", location)
    }

    /// Asks `choose` what to do with the whole request.
    pub fn by(choose: impl Fn(&ReceivedRequest) -> Self + Send + Sync + 'static) -> Self {
        Self::after_reading(Reading::Whole, Act::By(Choice(Arc::new(choose))))
    }

    /// Sends these bytes in place of an answer and ends the connection.
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::after_reading(Reading::Whole, Act::Raw(bytes.into()))
    }

    /// Reads the request and never answers.
    pub fn hang() -> Self {
        Self::after_reading(Reading::Whole, Act::Hang)
    }

    /// Stops reading at the first bytes and never answers. The request is not recorded.
    ///
    /// A receiver of plain HTTP does this to a TLS handshake too.
    pub fn never_read() -> Self {
        Self::after_reading(Reading::Nothing, Act::Hang)
    }

    /// Reads the request and ends the connection without an answer.
    pub fn close() -> Self {
        Self::after_reading(Reading::Whole, Act::Close)
    }

    /// Resets the connection once the head of the request is read.
    pub fn reset_after_head() -> Self {
        Self::after_reading(Reading::Head, Act::Reset)
    }

    /// Resets the connection once half of the request's body is read.
    pub fn reset_mid_body() -> Self {
        Self::after_reading(Reading::HalfBody, Act::Reset)
    }

    /// Answers `200` with a body that never ends.
    pub fn endless_body() -> Self {
        Self::status(200).body(vec![b'x'; 16 << 10]).with_answer(|answer| answer.length = Length::Endless)
    }

    /// Announces a body of 1 GiB, sends a few bytes of it, and goes silent.
    pub fn huge_content_length() -> Self {
        Self::status(200).body("a beginning").with_answer(|answer| answer.length = Length::Claimed(HUGE_BYTES))
    }

    /// Answers `200` in chunks, one of which has no proper size.
    pub fn bad_chunking() -> Self {
        Self::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\nworld\r\n0\r\n\r\n")
    }

    /// Answers `200` with two lengths that differ.
    pub fn conflicting_content_length() -> Self {
        Self::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 11\r\n\r\nhello world")
    }

    /// Sends `103` interim answers until the client hangs up.
    pub fn informational_storm() -> Self {
        Self::after_reading(Reading::Whole, Act::Storm)
    }

    /// Answers `200` with a header of 64 KiB.
    pub fn large_header() -> Self {
        Self::status(200).header("X-Large", vec![b'x'; LARGE_HEADER_BYTES])
    }

    /// Answers `200` with a reason of a NUL and bytes that are not UTF-8.
    pub fn garbage_reason() -> Self {
        Self::status(200).reason(b"\x00\xff\xfe garbage \xc3\x28")
    }

    /// Adds a header to an answer. `Content-Length` and `Transfer-Encoding` take the place of what would be sent.
    ///
    /// # Panics
    /// As the other methods that shape an answer: when this is none.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.with_answer(|answer| answer.headers.push((name.to_owned(), value.as_ref().to_vec())))
    }

    /// Gives an answer a body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        self.with_answer(|answer| answer.body = body.into())
    }

    /// Gives an answer another reason phrase, of any bytes.
    pub fn reason(self, reason: impl AsRef<[u8]>) -> Self {
        self.with_answer(|answer| answer.reason = reason.as_ref().to_vec())
    }

    /// Says `Connection: close` and ends the connection after the answer.
    pub fn closing(self) -> Self {
        self.header("Connection", "close").with_answer(|answer| answer.end = End::Close)
    }

    /// Sends the answer's head one byte in each `interval`.
    pub fn drip_head(self, interval: Duration) -> Self {
        self.with_answer(|answer| answer.head_pace = Some(interval))
    }

    /// Sends the answer's body one byte in each `interval`.
    pub fn drip_body(self, interval: Duration) -> Self {
        self.with_answer(|answer| answer.body_pace = Some(interval))
    }

    /// Resets the connection when half of the answer's body is sent.
    pub fn reset_mid_answer(self) -> Self {
        self.with_answer(|answer| answer.end = End::ResetInBody)
    }

    /// Acts once the head of the request is read and before its body is: the request is recorded without its body, which
    /// is read and thrown away after an answer.
    pub fn early(mut self) -> Self {
        self.reading = Reading::Head;
        self
    }

    /// Waits for `delay` between reading and acting.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn after_reading(reading: Reading, act: Act) -> Self {
        Self { reading, delay: Duration::ZERO, act }
    }

    fn with_answer(mut self, change: impl FnOnce(&mut Answer)) -> Self {
        let Act::Answer(answer) = &mut self.act else { panic!("{:?} is not an answer that can be shaped", self.act) };
        change(answer);
        self
    }
}

impl Answer {
    /// The bytes before the body.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} ", self.status).into_bytes();
        head.extend(&self.reason);
        head.extend(b"\r\n");
        for (name, value) in &self.headers {
            head.extend(name.as_bytes());
            head.extend(b": ");
            head.extend(value);
            head.extend(b"\r\n");
        }
        if !self.headers.iter().any(|(name, _)| is_framing(name)) {
            match self.length {
                // These have no body, and no length of it either.
                Length::True if matches!(self.status, 100..200 | 204 | 304) => {}
                Length::True => head.extend(format!("Content-Length: {}\r\n", self.body.len()).into_bytes()),
                Length::Claimed(length) => head.extend(format!("Content-Length: {length}\r\n").into_bytes()),
                Length::Endless => head.extend(b"Transfer-Encoding: chunked\r\n"),
            }
        }
        head.extend(b"\r\n");
        head
    }
}

fn is_framing(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
}

/// The reason phrase that goes with `status`.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Scripted",
    }
}
