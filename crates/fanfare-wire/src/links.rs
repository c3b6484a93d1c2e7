//! The links that messages carry: to confirm, to unsubscribe, and to the certificate.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use fanfare_core::{SubscriptionArn, TopicArn};
use url::Url;

/// Makes the links of messages from the public address of an SNS server. Cloning copies a pointer.
///
/// Links have Amazon SNS's form, in which ARNs are not percent-encoded:
/// ```
/// use fanfare_core::TopicArn;
/// use fanfare_wire::Links;
///
/// let links = Links::new("https://sns.example.com/")?;
/// let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").expect("an ARN");
/// assert_eq!(
///     links.subscribe_url(&topic, "2336412f37"),
///     "https://sns.example.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:us-east-1:000000000000:orders\
///      &Token=2336412f37"
/// );
/// # Ok::<(), fanfare_wire::LinksError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// Scheme, host, port if it is not the scheme's own, and path; without a slash at the end.
    base: Arc<str>,
}

impl Links {
    /// Makes links that start with `base`: an `http` or `https` URL, with or without a path.
    ///
    /// # Errors
    /// [`LinksError`] when `base` is no such URL, or has a user, a query or a fragment.
    pub fn new(base: &str) -> Result<Self, LinksError> {
        let url = Url::parse(base).map_err(|_| LinksError("is not a url"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(LinksError("must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinksError("must not name a user"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(LinksError("must not have a query or a fragment"));
        }
        if !url.as_str().bytes().all(is_plain) {
            return Err(LinksError("has a character that is none of a url"));
        }
        Ok(Self { base: url.as_str().trim_end_matches('/').into() })
    }

    /// Makes the links that Amazon SNS itself makes in `region`.
    ///
    /// # Errors
    /// [`LinksError`] when `region` is empty or has other characters than letters, digits and hyphens.
    pub fn aws(region: &str) -> Result<Self, LinksError> {
        if region.is_empty() || !region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(LinksError("has a region that is none"));
        }
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        Self::new(&format!("https://sns.{region}.amazonaws.com{suffix}"))
    }

    /// What every link starts with, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The link that confirms a subscription to `topic`, or restores one: `SubscribeURL`. The token is taken as it is: hex.
    pub fn subscribe_url(&self, topic: &TopicArn, token: &str) -> String {
        format!("{}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}", self.base)
    }

    /// The link that ends `subscription`: `UnsubscribeURL`.
    pub fn unsubscribe_url(&self, subscription: &SubscriptionArn) -> String {
        [&self.base, UNSUBSCRIBE, subscription.as_str()].concat()
    }

    /// The link in an e-mail to the page with the button that confirms the subscription of `address` to `topic`, or restores
    /// it. The token is taken as it is: hex.
    pub fn confirmation_page_url(&self, topic: &TopicArn, token: &str, address: &str) -> String {
        let endpoint = in_query(address);
        format!("{}{CONFIRMATION_PAGE}?TopicArn={topic}&Token={token}&Endpoint={endpoint}", self.base)
    }

    /// The link in an e-mail to the page with the button that ends `subscription`, which delivers to `address`. A POST to it
    /// ends the subscription too (RFC 8058).
    pub fn unsubscribe_page_url(&self, subscription: &SubscriptionArn, address: &str) -> String {
        let endpoint = in_query(address);
        format!("{}{UNSUBSCRIBE_PAGE}?SubscriptionArn={subscription}&Endpoint={endpoint}", self.base)
    }

    /// The link to the certificate `file_name`: `SigningCertURL`.
    pub fn signing_cert_url(&self, file_name: &str) -> String {
        format!("{}/{file_name}", self.base)
    }
}

/// Whether RFC 3986 has this byte in URLs; browsers, whose rules the parser has, take more, even quotes in host names.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:/[]@!$&'()*+,;=%".contains(&byte)
}

/// The path of the page behind [`Links::confirmation_page_url`], below the base.
pub const CONFIRMATION_PAGE: &str = "/confirmation.html";

/// The path of the page behind [`Links::unsubscribe_page_url`], below the base.
pub const UNSUBSCRIBE_PAGE: &str = "/unsubscribe.html";

/// `text` as a value in a query: everything but letters, digits, `-`, `.`, `_` and `~` percent-encoded.
fn in_query(text: &str) -> String {
    use std::fmt::Write as _;

    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String does not fail");
        }
    }
    encoded
}

/// What stands in an `UnsubscribeURL` between the base and the subscription's ARN.
pub(crate) const UNSUBSCRIBE: &str = "/?Action=Unsubscribe&SubscriptionArn=";

/// A text that is no public address of an SNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinksError(&'static str);

impl fmt::Display for LinksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the base of links {}", self.0)
    }
}

impl Error for LinksError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_kept_and_a_slash_at_its_end_is_not_doubled() {
        let links = Links::new("HTTP://Sns.Example.com:80/aws/sns//").unwrap();
        assert_eq!(links.signing_cert_url("a.pem"), "http://sns.example.com/aws/sns/a.pem");
    }

    #[test]
    fn a_base_that_is_no_plain_web_address_is_refused() {
        let refused = [
            ("", "the base of links is not a url"),
            ("sns.example.com", "the base of links is not a url"),
            ("https://", "the base of links is not a url"),
            ("ftp://sns.example.com", "the base of links must begin with http:// or https://"),
            ("https://ann@sns.example.com", "the base of links must not name a user"),
            ("https://:secret@sns.example.com", "the base of links must not name a user"),
            ("https://sns.example.com/?a=b", "the base of links must not have a query or a fragment"),
            ("https://sns\"example.com", "the base of links has a character that is none of a url"),
            ("https://sns.example.com/#a", "the base of links must not have a query or a fragment"),
        ];
        for (base, error) in refused {
            assert_eq!(Links::new(base).unwrap_err().to_string(), error, "{base}");
        }
    }

    #[test]
    fn links_of_amazon_end_in_cn_in_china_alone() {
        assert_eq!(Links::aws("us-east-2").unwrap().base(), "https://sns.us-east-2.amazonaws.com");
        assert_eq!(Links::aws("cn-north-1").unwrap().base(), "https://sns.cn-north-1.amazonaws.com.cn");
        assert!(Links::aws("x.evil.example/").is_err());
    }

    #[test]
    fn the_links_in_e_mails_name_the_address_and_keep_it_out_of_the_rest_of_the_query() {
        let links = Links::new("https://sns.example.com/aws").unwrap();
        let topic = TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").unwrap();
        let subscription = SubscriptionArn::parse("arn:aws:sns:us-east-1:000000000000:orders:9f21").unwrap();
        assert_eq!(
            links.confirmation_page_url(&topic, "2336412f37", "ann+a&Token=1@example.com"),
            "https://sns.example.com/aws/confirmation.html?TopicArn=arn:aws:sns:us-east-1:000000000000:orders\
             &Token=2336412f37&Endpoint=ann%2Ba%26Token%3D1%40example.com"
        );
        assert_eq!(
            links.unsubscribe_page_url(&subscription, "\"a b\"@bücher.example"),
            "https://sns.example.com/aws/unsubscribe.html\
             ?SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21\
             &Endpoint=%22a%20b%22%40b%C3%BCcher.example"
        );
    }

    #[test]
    fn the_unsubscribe_link_ends_in_the_bare_arn() {
        let arn = SubscriptionArn::parse("arn:aws:sns:us-east-1:000000000000:orders:9f21").unwrap();
        assert_eq!(
            Links::aws("us-east-1").unwrap().unsubscribe_url(&arn),
            "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe\
             &SubscriptionArn=arn:aws:sns:us-east-1:000000000000:orders:9f21"
        );
    }
}
