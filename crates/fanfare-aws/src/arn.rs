//! The parts of an Amazon Resource Name.

/// The most bytes that a region's name may have; a label of a host's name has at most 63.
const REGION_BYTES_MAX: usize = 40;

/// An ARN: `arn:<partition>:<service>:<region>:<account>:<resource>`, whose parts are checked but for the resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arn {
    partition: String,
    region: String,
    account: String,
    resource: String,
}

impl Arn {
    /// Reads the ARN of a resource of `service`; nothing when `text` is none.
    ///
    /// - The partition is `aws`, or begins with `aws-`.
    /// - The region is a single label of a host's name in lower case. It becomes a part of the host that is called, which
    ///   nobody but the operator may choose.
    /// - The account is made of 12 digits.
    pub fn parse(text: &str, service: &str) -> Option<Self> {
        let elements: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, named, region, account, resource] = elements[..] else { return None };
        let is_partition = is_label(partition) && (partition == "aws" || partition.starts_with("aws-"));
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if named != service || !is_partition || !is_region(region) || !is_account || resource.is_empty() {
            return None;
        }
        let [partition, region, account, resource] = [partition, region, account, resource].map(str::to_owned);
        Some(Self { partition, region, account, resource })
    }

    /// The partition, such as `aws-cn`.
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account, 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// What comes after the account; the service knows its form.
    pub fn resource(&self) -> &str {
        &self.resource
    }

    /// What the names of AWS's hosts end with in this partition.
    pub fn dns_suffix(&self) -> &'static str {
        match self.partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-eusc" => "amazonaws.eu",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            "aws-iso-e" => "cloud.adc-e.uk",
            "aws-iso-f" => "csp.hci.ic.gov",
            _ => "amazonaws.com",
        }
    }
}

fn is_region(region: &str) -> bool {
    region.len() <= REGION_BYTES_MAX && is_label(region)
}

fn is_label(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_gives_its_parts() {
        let arn = Arn::parse("arn:aws-cn:lambda:cn-north-1:123456789012:function:thumbnails:live", "lambda").unwrap();
        assert_eq!(
            (arn.partition(), arn.region(), arn.account(), arn.resource(), arn.dns_suffix()),
            ("aws-cn", "cn-north-1", "123456789012", "function:thumbnails:live", "amazonaws.com.cn")
        );
    }

    #[test]
    fn what_is_not_an_arn_of_the_service_is_none() {
        for text in [
            "",
            "orders",
            "http://127.0.0.1:4566/000000000000/orders",
            "arn:aws:sqs:us-east-1:000000000000",
            "arn:aws:sqs:us-east-1:000000000000:",
            "arn:aws:sns:us-east-1:000000000000:orders",
            "arn:aws:sqs:us-east-1:00000000000:orders",
            "arn:aws:sqs:us-east-1:00000000000x:orders",
            "arn:evil:sqs:us-east-1:000000000000:orders",
            "arn:awsome:sqs:us-east-1:000000000000:orders",
            "ARN:aws:sqs:us-east-1:000000000000:orders",
        ] {
            assert_eq!(Arn::parse(text, "sqs"), None, "{text}");
        }
    }

    #[test]
    fn a_region_cannot_lead_to_another_host() {
        for region in [
            "",
            "us-east-1.evil.example",
            "evil.example/",
            "evil.example#",
            "evil.example?",
            "@evil.example",
            "us-east-1@evil",
            "us-east-1/x",
            "us-east-1\\x",
            "us-east-1%2e",
            "us-east-1\u{3002}evil",
            "us east",
            "us-east-1\r\nhost",
            "US-EAST-1",
            "-us-east-1",
            "us-east-1-",
            "us_east_1",
            "a-region-whose-name-is-much-longer-than-a",
        ] {
            let text = format!("arn:aws:sqs:{region}:000000000000:orders");
            assert_eq!(Arn::parse(&text, "sqs"), None, "{region:?}");
        }
    }
}
