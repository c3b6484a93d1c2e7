//! AWS Signature Version 4, as far as calls of SNS need it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use jiff::Timestamp;

/// The key that the benchmark's servers know, as `--key` takes it.
pub(crate) const SERVER_KEY: &str = "AKIDBENCH:a-secret-of-the-benchmark:000000000000";

const ACCESS: &str = "AKIDBENCH";
const SECRET: &str = "a-secret-of-the-benchmark";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A whole signed request, head and body, that calls SNS with `form` at `host`.
pub(crate) fn request(host: &str, form: &str, at: Timestamp) -> Vec<u8> {
    let time = at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &time[..8];
    let canonical = format!(
        "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-amz-date:{time}\n\ncontent-type;host;x-amz-date\n{}",
        hex(digest(&SHA256, form.as_bytes()).as_ref())
    );
    let scope = format!("{day}/us-east-1/sns/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for part in [day, "us-east-1", "sns", "aws4_request", &text] {
        key = sign(&Key::new(HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\nX-Amz-Date: {time}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders=content-type;host;x-amz-date, \
         Signature={}\r\n\r\n{form}",
        form.len(),
        hex(&key)
    )
    .into_bytes()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected signature was made by botocore for the same request.
    #[test]
    fn a_request_is_signed_as_botocore_signs_it() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let request = String::from_utf8(request("127.0.0.1:9911", "Action=ListTopics&Version=2010-03-31", at)).unwrap();
        assert!(request.ends_with("\r\n\r\nAction=ListTopics&Version=2010-03-31"));
        let expected = "e3e6d4c98bdf6a5a256958ac38ba35f041428681a4a4488afbad0f227eef88ca";
        assert!(request.contains(&format!("Signature={expected}\r\n")), "{request}");
    }
}
