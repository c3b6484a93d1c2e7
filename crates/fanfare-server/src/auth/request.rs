//! What of a request is signed.

use http::request::Parts;
use http::{HeaderMap, Method};

use super::origin::Origin;

/// The parts of an HTTP request that a signature covers, exactly as they came over the wire.
///
/// It has no `Debug`: headers and query strings carry signatures and session tokens.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    /// What HTTP/2 sends in the place of the header `Host`.
    pub(super) authority: Option<&'a str>,
    pub(super) body: &'a [u8],
    pub(super) origin: Origin,
}

impl<'a> Request<'a> {
    /// The request of that head and that whole body.
    ///
    /// The head must not have been rewritten on the way: a proxy in front has to pass `Host` and the path on as they were.
    pub fn new(head: &'a Parts, body: &'a [u8]) -> Self {
        Self {
            method: &head.method,
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            headers: &head.headers,
            authority: head.uri.authority().map(http::uri::Authority::as_str),
            body,
            origin: Origin::of(head),
        }
    }
}
