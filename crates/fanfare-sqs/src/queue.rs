//! The name of a queue, and its URL.

use std::fmt;

use fanfare_aws::Arn;

/// The most characters of a queue's name, `.fifo` included.
const NAME_MAX: usize = 80;

/// A queue, by its ARN: `arn:<partition>:sqs:<region>:<account>:<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    text: String,
    arn: Arn,
}

impl Queue {
    /// Reads a queue's ARN: the name has 1 to 80 characters of `A-Z a-z 0-9 _ -`, those of `.fifo` at the end included.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let arn = Arn::parse(text, "sqs")?;
        let name = arn.resource();
        let base = name.strip_suffix(".fifo").unwrap_or(name);
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let is_name = !base.is_empty() && name.len() <= NAME_MAX && base.bytes().all(allowed);
        is_name.then(|| Self { text: text.to_owned(), arn })
    }

    pub(crate) fn region(&self) -> &str {
        self.arn.region()
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.arn.resource().ends_with(".fifo")
    }

    /// The URL under which Amazon has a queue of this ARN. It names the queue in the body of a request, and is not what
    /// is called.
    pub(crate) fn url(&self) -> String {
        let (region, suffix) = (self.arn.region(), self.arn.dns_suffix());
        format!("https://sqs.{region}.{suffix}/{}/{}", self.arn.account(), self.arn.resource())
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_has_the_url_that_amazon_gives_it() {
        for (arn, url) in [
            ("arn:aws:sqs:us-east-1:000000000000:orders", "https://sqs.us-east-1.amazonaws.com/000000000000/orders"),
            (
                "arn:aws-cn:sqs:cn-north-1:123456789012:orders.fifo",
                "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders.fifo",
            ),
        ] {
            assert_eq!(Queue::parse(arn).unwrap().url(), url);
        }
    }

    #[test]
    fn a_name_that_no_queue_can_have_is_refused() {
        let name = |name: &str| Queue::parse(&format!("arn:aws:sqs:us-east-1:000000000000:{name}"));
        assert!(name(&"q".repeat(80)).is_some());
        for refused in [&*"q".repeat(81), ".fifo", "a.b", "a/b", "a:b", "a b", "ä"] {
            assert_eq!(name(refused), None, "{refused}");
        }
    }
}
