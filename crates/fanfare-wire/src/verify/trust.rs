//! Which URLs belong to the server that is trusted.

use crate::links::{Links, LinksError};

/// The server that is trusted.
#[derive(Debug)]
pub(super) enum Trust {
    /// Amazon SNS in any region.
    Amazon,
    /// The server whose links begin with this text.
    Base(Links),
}

impl Trust {
    pub(super) fn base(base: &str) -> Result<Self, LinksError> {
        Links::new(base).map(Self::Base)
    }

    /// What stands before the file's name in a certificate's URL, if the URL is on the trusted server.
    ///
    /// Texts are compared, not parsed URLs, so that no two parsers can disagree on which host a text names: what is not
    /// written exactly as SNS servers write it is not trusted.
    pub(super) fn base_of<'u>(&self, url: &'u str) -> Option<&'u str> {
        let (base, file) = url.rsplit_once('/')?;
        let trusted = match self {
            Self::Amazon => is_amazon(base),
            Self::Base(links) => base == links.base(),
        };
        (trusted && is_certificate_file(file)).then_some(base)
    }
}

/// Whether a link is on the server of `base`. The slash after it ends the host, so nothing can lengthen that.
pub(super) fn is_link_of(base: &str, link: &str) -> bool {
    let graphic = |b: u8| b.is_ascii_graphic() && b != b'\\';
    link.strip_prefix(base).is_some_and(|rest| rest.starts_with('/') && rest.bytes().all(graphic))
}

fn is_certificate_file(name: &str) -> bool {
    let digits = name.strip_prefix("SimpleNotificationService-").and_then(|name| name.strip_suffix(".pem"));
    digits.is_some_and(|digits| (1..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_amazon(base: &str) -> bool {
    let Some(rest) = base.strip_prefix("https://sns.") else { return false };
    match rest.strip_suffix(".amazonaws.com.cn") {
        Some(region) => region.starts_with("cn-") && is_region(region),
        None => {
            rest.strip_suffix(".amazonaws.com").is_some_and(|region| !region.starts_with("cn-") && is_region(region))
        }
    }
}

/// Whether `text` is formed like a region: a place of two to four letters, one or more words, and a number. Other names
/// between `sns.` and `.amazonaws.com` are not SNS: `sns.s3-us-west-2.amazonaws.com` is a bucket that anybody could own.
fn is_region(text: &str) -> bool {
    let mut words = text.split('-');
    let letters = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let place = words.next().is_some_and(|word| letters(word) && (2..=4).contains(&word.len()));
    let number =
        words.next_back().is_some_and(|word| matches!(word.len(), 1 | 2) && word.bytes().all(|b| b.is_ascii_digit()));
    let directions: Vec<&str> = words.collect();
    place && number && (1..=3).contains(&directions.len()) && directions.into_iter().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regions_of_amazon_are_formed_like_regions() {
        let regions =
            ["us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-northwest-1", "mx-central-1", "eusc-de-east-1"];
        for region in regions {
            assert!(is_region(region), "{region}");
        }
    }

    #[test]
    fn the_names_of_buckets_and_other_services_are_not() {
        let others = [
            "",
            "s3",
            "s3-us-west-2",
            "s3.us-west-2",
            "us-west",
            "us--1",
            "us-1",
            "us-west-2x",
            "us-west-+2",
            "US-WEST-2",
        ];
        for other in others {
            assert!(!is_region(other), "{other}");
        }
    }
}
