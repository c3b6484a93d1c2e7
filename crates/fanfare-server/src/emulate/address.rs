//! What an address of each protocol has to look like, in Amazon SNS's words where it has them.

use fanfare::egress::{InvalidTarget, Target};
use fanfare::{Protocol, SnsError};

/// The most characters of an e-mail address (RFC 5321: 64 before the `@`, 255 after it).
const EMAIL_CHARS_MAX: usize = 320;

/// Refuses an address that is none of `protocol`. Whether anything is there is not asked.
pub(super) fn check(protocol: &Protocol, address: &str) -> Result<(), SnsError> {
    let (right, words) = match protocol {
        Protocol::Http | Protocol::Https => return check_url(protocol, address),
        Protocol::Email | Protocol::EmailJson => (is_email(address), "Email address"),
        Protocol::Sms => (is_phone_number(address), "SMS endpoint"),
        Protocol::Sqs => (is_arn(address, "sqs", |_| true), "SQS endpoint ARN"),
        Protocol::Lambda => {
            (is_arn(address, "lambda", |resource| resource.starts_with("function:")), "Lambda endpoint ARN")
        }
        Protocol::Application => {
            (is_arn(address, "sns", |resource| resource.starts_with("endpoint/")), "Application endpoint ARN")
        }
        _ => (!address.is_empty(), "Endpoint"),
    };
    if right { Ok(()) } else { Err(SnsError::invalid_parameter(words)) }
}

fn check_url(protocol: &Protocol, address: &str) -> Result<(), SnsError> {
    match Target::parse(address, &[protocol.as_str()]) {
        Ok(_) => Ok(()),
        Err(InvalidTarget::Scheme) => Err(SnsError::invalid_parameter("Endpoint must match the specified protocol")),
        Err(other) => Err(SnsError::invalid_parameter(format_args!("Endpoint Reason: {other}"))),
    }
}

fn is_email(address: &str) -> bool {
    let plain = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@');
    address.chars().count() <= EMAIL_CHARS_MAX
        && address.split_once('@').is_some_and(|(mailbox, domain)| plain(mailbox) && plain(domain))
}

/// As Amazon SNS takes them: digits, with a `+` in front or not, and single `-`, `.` or `/` between digits.
fn is_phone_number(address: &str) -> bool {
    let number = address.strip_prefix('+').unwrap_or(address);
    number.split(['-', '.', '/']).all(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether this is `arn:<partition>:<service>:<region>:<account>:<resource>`.
fn is_arn(address: &str, service: &str, resource: impl Fn(&str) -> bool) -> bool {
    let elements: Vec<&str> = address.splitn(6, ':').collect();
    matches!(elements[..], ["arn", partition, of, region, account, name]
        if of == service && [partition, region, account, name].iter().all(|part| !part.is_empty()) && resource(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_each_protocol_are_taken_and_others_refused() {
        let cases = [
            (Protocol::Email, "ann@example.com", ""),
            (Protocol::Email, "ann", "Invalid parameter: Email address"),
            (Protocol::EmailJson, "@example.com", "Invalid parameter: Email address"),
            (Protocol::EmailJson, "ann@b@example.com", "Invalid parameter: Email address"),
            (Protocol::Email, "ann@example.com\r\nBcc: x@y", "Invalid parameter: Email address"),
            (Protocol::Sms, "+12/34-567.890", ""),
            (Protocol::Sms, "+15--551234567", "Invalid parameter: SMS endpoint"),
            (Protocol::Sqs, "arn:aws:sqs:us-east-1:000000000000:queue", ""),
            (Protocol::Sqs, "arn:aws:sqs:us-east-1::queue", "Invalid parameter: SQS endpoint ARN"),
            (Protocol::Lambda, "arn:aws:lambda:us-east-1:000000000000:function:f:live", ""),
            (
                Protocol::Lambda,
                "arn:aws:lambda:us-east-1:000000000000:layer:f",
                "Invalid parameter: Lambda endpoint ARN",
            ),
            (Protocol::Application, "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/1", ""),
            (
                Protocol::Application,
                "arn:aws:sns:us-east-1:000000000000:t",
                "Invalid parameter: Application endpoint ARN",
            ),
            (Protocol::Http, "http://hooks.example/in", ""),
            (
                Protocol::Http,
                "https://hooks.example/in",
                "Invalid parameter: Endpoint must match the specified protocol",
            ),
        ];
        for (protocol, address, refusal) in cases {
            let said = check(&protocol, address).map_or_else(|error| error.message().to_owned(), |()| String::new());
            assert_eq!(said, refusal, "{protocol} {address}");
        }
    }
}
