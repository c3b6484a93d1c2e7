//! The one spelling of a request that both sides hash: the canonical request of Signature Version 4.

use aws_lc_rs::digest::{SHA256, digest};
use http::HeaderMap;
use http::header::HOST;

use super::claim::{Claim, Form, SIGNATURE_PARAMETER};
use super::percent;
use super::request::Request;

/// The canonical request; `None` when a header that is said to be signed is not there.
///
/// The payload is always the SHA-256 of the body: SNS has no unsigned payloads.
pub(super) fn canonical_request(request: &Request<'_>, claim: &Claim) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(512);
    out.extend(request.method.as_str().bytes());
    out.push(b'\n');
    write_path(request.path, &mut out);
    out.push(b'\n');
    write_query(request.query, claim.form, &mut out);
    out.push(b'\n');
    for name in &claim.signed_headers {
        write_header(request, name, &mut out)?;
    }
    out.push(b'\n');
    out.extend(claim.signed_headers.join(";").bytes());
    out.push(b'\n');
    out.extend(sha256_hex(request.body).bytes());
    Some(out)
}

/// The SHA-256 in lower-case hexadecimal digits.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest(&SHA256, bytes).as_ref())
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes whatever is written");
        text
    })
}

/// The path without `.`, `..` and doubled slashes, encoded once more than it is on the wire (all services but S3 want it so).
fn write_path(path: &str, out: &mut Vec<u8>) {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    for segment in &segments {
        out.push(b'/');
        percent::encode(segment.as_bytes(), out);
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

/// The parameters, each encoded anew, in the order of names and then of values; that of the signature itself left out.
fn write_query(query: &str, form: Form, out: &mut Vec<u8>) {
    let encoded = |text: &str| {
        let mut out = Vec::with_capacity(text.len());
        percent::encode(&percent::decode(text), &mut out);
        out
    };
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .filter(|(name, _)| form == Form::Header || name != SIGNATURE_PARAMETER.as_bytes())
        .collect();
    pairs.sort_unstable();
    for (position, (name, value)) in pairs.iter().enumerate() {
        if position > 0 {
            out.push(b'&');
        }
        out.extend(name);
        out.push(b'=');
        out.extend(value);
    }
}

/// `name:value` with all values of that name in the order of arrival; `None` when there is none.
fn write_header(request: &Request<'_>, name: &str, out: &mut Vec<u8>) -> Option<()> {
    let values = header_values(request.headers, name);
    let authority = request.authority.map(str::as_bytes).filter(|_| name == HOST.as_str());
    let values = if values.is_empty() { vec![authority?] } else { values };
    out.extend(name.bytes());
    out.push(b':');
    for (position, value) in values.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        write_unfolded(value, out);
    }
    out.push(b'\n');
    Some(())
}

fn header_values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a [u8]> {
    headers.get_all(name).iter().map(http::HeaderValue::as_bytes).collect()
}

/// The value without white space around it, and one space for each run of it inside: what is left of a folded header.
fn write_unfolded(value: &[u8], out: &mut Vec<u8>) {
    let words = value.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
    for (position, word) in words.enumerate() {
        if position > 0 {
            out.push(b' ');
        }
        out.extend(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> String {
        let mut out = Vec::new();
        write_path(path, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn query(query: &str, form: Form) -> String {
        let mut out = Vec::new();
        write_query(query, form, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_are_tidied_and_encoded_once_more() {
        for (given, expected) in [
            ("/", "/"),
            ("", "/"),
            ("//", "/"),
            ("/./a//b/", "/a/b/"),
            ("/a/../../b", "/b"),
            ("/a/..", "/"),
            ("/a%20b:c", "/a%2520b%3Ac"),
        ] {
            assert_eq!(path(given), expected, "{given}");
        }
    }

    #[test]
    fn parameters_are_sorted_by_name_then_value_and_encoded() {
        assert_eq!(query("b=2&a=z&a=b&&c&%64=x+y%20z%2b", Form::Header), "a=b&a=z&b=2&c=&d=x%20y%20z%2B");
        assert_eq!(query("Arn=a:b", Form::Header), "Arn=a%3Ab");
        assert_eq!(query("a=b=c", Form::Header), "a=b%3Dc");
        assert_eq!(query("", Form::Header), "");
    }

    #[test]
    fn only_a_presigned_request_leaves_its_signature_out() {
        assert_eq!(query("X-Amz-Signature=1&a=1", Form::Presigned { expires_s: 1 }), "a=1");
        assert_eq!(query("X-Amz-Signature=1&a=1", Form::Header), "X-Amz-Signature=1&a=1");
    }

    /// The document "Create a signed AWS API request" has the rules: lower case, trimmed, runs of spaces made one, values joined.
    #[test]
    fn doubled_and_folded_headers_have_one_spelling() {
        let head = http::Request::builder()
            .uri("/")
            .header("My-Header", "  a \t  b  ")
            .header("my-header", "c")
            .header("Host", "localhost:4566");
        let (parts, ()) = head.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        for name in ["host", "my-header"] {
            write_header(&Request::new(&parts, b""), name, &mut out).unwrap();
        }
        assert_eq!(out, b"host:localhost:4566\nmy-header:a b,c\n");
        assert_eq!(write_header(&Request::new(&parts, b""), "absent", &mut out), None);
    }

    #[test]
    fn the_authority_of_http_2_stands_for_the_host() {
        let head = http::Request::builder().uri("http://localhost:4566/");
        let (parts, ()) = head.body(()).unwrap().into_parts();
        let mut out = Vec::new();
        write_header(&Request::new(&parts, b""), "host", &mut out).unwrap();
        assert_eq!(out, b"host:localhost:4566\n");
    }

    #[test]
    fn nothing_hashes_to_the_known_digest() {
        assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
