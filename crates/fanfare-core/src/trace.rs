//! The trace that a publisher's call is part of, carried along to those who get the message.

/// The most characters of `tracestate` that are carried, as W3C Trace Context asks for at the least.
const TRACESTATE_CHARS_MAX: usize = 512;

/// The most characters of `X-Amzn-Trace-Id` that are carried.
const XRAY_CHARS_MAX: usize = 500;

/// What a publisher says of the trace that its call is part of, in two languages: [W3C Trace
/// Context](https://www.w3.org/TR/trace-context/) and AWS X-Ray.
///
/// Both are passed on as they came. What is not well-formed is left out, as W3C Trace Context asks for: a trace is never a
/// reason to refuse a message. Every value is a printable ASCII text that can stand in a header as it is.
///
/// ```
/// use fanfare_core::{Message, TraceContext};
///
/// let trace = TraceContext::new()
///     .w3c("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Some("congo=t61rcWkgMzE"))
///     .xray("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
/// let message = Message::text("a parcel left the house")?.traced(trace);
/// assert_eq!(message.trace().traceparent(), Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
/// # Ok::<(), fanfare_core::SnsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraceContext {
    traceparent: Option<String>,
    tracestate: Option<String>,
    xray: Option<String>,
}

impl TraceContext {
    /// No trace.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes `traceparent` and `tracestate`. Without a well-formed `traceparent` neither counts; a `tracestate` of more than
    /// 512 characters is left out.
    #[must_use]
    pub fn w3c(mut self, traceparent: &str, tracestate: Option<&str>) -> Self {
        if is_traceparent(traceparent) {
            self.traceparent = Some(traceparent.to_owned());
            self.tracestate = tracestate.filter(|state| fits(state, TRACESTATE_CHARS_MAX)).map(str::to_owned);
        }
        self
    }

    /// Takes an X-Ray trace header (`X-Amzn-Trace-Id`) of at most 500 characters.
    #[must_use]
    pub fn xray(mut self, header: &str) -> Self {
        if header.starts_with("Root=") && fits(header, XRAY_CHARS_MAX) {
            self.xray = Some(header.to_owned());
        }
        self
    }

    /// The trace without its X-Ray part, which FIFO topics do not pass on.
    pub(crate) fn without_xray(mut self) -> Self {
        self.xray = None;
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// W3C's `traceparent`.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// W3C's `tracestate`; never without `traceparent`.
    pub fn tracestate(&self) -> Option<&str> {
        self.tracestate.as_deref()
    }

    /// The X-Ray trace header: what `X-Amzn-Trace-Id` carries over HTTP and to Lambda, and the message system attribute
    /// `AWSTraceHeader` to SQS.
    pub fn xray_header(&self) -> Option<&str> {
        self.xray.as_deref()
    }

    /// What there is, as HTTP headers with names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let headers = [
            ("traceparent", self.traceparent()),
            ("tracestate", self.tracestate()),
            ("x-amzn-trace-id", self.xray_header()),
        ];
        headers.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

/// `version-trace-parent-flags` in lower-case hexadecimal; of a version to come, more may follow.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|b| b != b'0');
    let mut parts = text.splitn(5, '-');
    let (Some(version), Some(trace), Some(parent), Some(flags)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let more = parts.next();
    is_hex(version, 2)
        && version != "ff"
        && is_id(trace, 32)
        && is_id(parent, 16)
        && is_hex(flags, 2)
        && (more.is_none() || version != "00")
        && fits(text, TRACESTATE_CHARS_MAX)
}

fn fits(text: &str, chars_max: usize) -> bool {
    (1..=chars_max).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_well_formed_trace_is_carried_as_it_came() {
        let trace = TraceContext::new().w3c(PARENT, Some("a=1,b=2")).xray("Root=1-5759e988-bd862e3fe1be46a994272793");
        let headers: Vec<_> = trace.headers().collect();
        assert_eq!(
            headers,
            [
                ("traceparent", PARENT),
                ("tracestate", "a=1,b=2"),
                ("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793")
            ]
        );
    }

    #[test]
    fn a_traceparent_that_is_none_counts_for_nothing_and_neither_does_its_tracestate() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let upper = PARENT.to_uppercase();
        let forbidden = PARENT.replacen("00", "ff", 1);
        let longer = format!("{PARENT}-more");
        for wrong in ["", "00", zero_trace, zero_parent, &upper, &forbidden, &longer, "00-4bf9-00f0-01"] {
            assert!(TraceContext::new().w3c(wrong, Some("a=1")).is_empty(), "{wrong}");
        }
        let to_come = format!("{}-more", PARENT.replacen("00", "01", 1));
        assert_eq!(TraceContext::new().w3c(&to_come, None).traceparent(), Some(to_come.as_str()));
    }

    #[test]
    fn values_that_no_header_should_carry_are_left_out() {
        for wrong in ["", "a=1\r\nx-evil: 1", "a=ż", &"a".repeat(513)] {
            assert_eq!(TraceContext::new().w3c(PARENT, Some(wrong)).tracestate(), None, "{wrong}");
        }
        for wrong in ["", "Self=1", "Root=1\n", &format!("Root={}", "1".repeat(500))] {
            assert!(TraceContext::new().xray(wrong).is_empty(), "{wrong}");
        }
    }
}
