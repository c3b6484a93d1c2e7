//! HTTP/1.1 by hand, as little of it as a sink and a load need, so that no HTTP library is part of what is measured around
//! Fanfare.

/// Where the parts of a message lie that begins a buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    /// Bytes of the head, the empty line included.
    pub(crate) head: usize,
    /// Bytes of the body; nothing when only the end of the connection ends it.
    pub(crate) body: Option<usize>,
}

impl Frame {
    /// The frame of the message at the start of `buffer`; nothing before its head is whole.
    pub(crate) fn of(buffer: &[u8]) -> Option<Self> {
        let head = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
        let body = header(&buffer[..head], "content-length").and_then(|value| value.trim().parse().ok());
        Some(Self { head, body })
    }
}

/// The value of the first header `name`, given in lower case.
pub(crate) fn header<'h>(head: &'h [u8], name: &str) -> Option<&'h str> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (found, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":").filter(|_| found.eq_ignore_ascii_case(name.as_bytes()))?;
        std::str::from_utf8(value).ok().map(str::trim)
    })
}

/// The status of an answer.
pub(crate) fn status(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.get(9..12)?).ok()?.parse().ok()
}

/// Whether another message may follow on the connection that an answer with this head came over.
pub(crate) fn is_kept_open(head: &[u8]) -> bool {
    match header(head, "connection") {
        Some(value) => !value.eq_ignore_ascii_case("close"),
        None => head.starts_with(b"HTTP/1.1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_framed_once_its_head_is_whole() {
        let message = b"POST / HTTP/1.1\r\nHost: a\r\nContent-LENGTH: 12 \r\n\r\nhello";
        assert_eq!(Frame::of(message), Some(Frame { head: 49, body: Some(12) }));
        assert_eq!(Frame::of(&message[..48]), None);
    }

    #[test]
    fn a_message_without_a_length_ends_with_the_connection() {
        assert_eq!(Frame::of(b"HTTP/1.0 200 OK\r\n\r\n"), Some(Frame { head: 19, body: None }));
    }

    #[test]
    fn headers_are_found_by_their_whole_name() {
        let head = b"HTTP/1.1 200 OK\r\nX-Content-Length: 1\r\nContent-Type:text/xml\r\n\r\n";
        assert_eq!(header(head, "content-type"), Some("text/xml"));
        assert_eq!(header(head, "content-length"), None);
        assert_eq!(status(head), Some(200));
    }

    #[test]
    fn a_connection_stays_open_unless_it_says_so_or_is_old() {
        assert!(is_kept_open(b"HTTP/1.1 200 OK\r\n\r\n"));
        assert!(!is_kept_open(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
        assert!(!is_kept_open(b"HTTP/1.0 200 OK\r\n\r\n"));
    }
}
