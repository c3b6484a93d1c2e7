//! The names of platform applications and of their endpoints, as Amazon SNS forms them.

use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;

use fanfare::{Owner, Platform, SnsError, TopicArn, TopicName};

/// `arn:<partition>:sns:<region>:<account>:app/<platform>/<name>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ApplicationArn(Arc<str>);

/// `arn:<partition>:sns:<region>:<account>:endpoint/<platform>/<application's name>/<id>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct EndpointArn(Arc<str>);

impl ApplicationArn {
    /// The ARN of the owner's application `name`.
    pub(crate) fn new(owner: &Owner, platform: Platform, name: &str) -> Self {
        Self(format!("{}app/{platform}/{name}", beginning(owner)).into())
    }

    /// What the ARNs of all applications of `owner` begin with.
    pub(crate) fn prefix(owner: &Owner) -> String {
        format!("{}app/", beginning(owner))
    }

    /// Reads what `parameter` gives.
    ///
    /// # Errors
    /// `InvalidParameter` with Amazon SNS's text.
    pub(crate) fn parse(parameter: &str, text: &str) -> Result<Self, SnsError> {
        check(parameter, text, "app", 2)?;
        Ok(Self(text.into()))
    }

    pub(crate) fn name(&self) -> &str {
        relative(&self.0).nth(2).expect("it has three parts")
    }

    /// The ARN of its endpoint `id`.
    pub(crate) fn endpoint(&self, id: &str) -> EndpointArn {
        EndpointArn(format!("{}{id}", self.endpoints()).into())
    }

    /// What the ARNs of its endpoints begin with.
    pub(crate) fn endpoints(&self) -> String {
        let (head, rest) = self.0.split_once(":app/").expect("it names an application");
        format!("{head}:endpoint/{rest}/")
    }
}

impl EndpointArn {
    /// Reads what `parameter` gives.
    ///
    /// # Errors
    /// `InvalidParameter` with Amazon SNS's text.
    pub(crate) fn parse(parameter: &str, text: &str) -> Result<Self, SnsError> {
        check(parameter, text, "endpoint", 3)?;
        Ok(Self(text.into()))
    }

    /// The ARN of the application that it belongs to.
    pub(crate) fn application(&self) -> ApplicationArn {
        let (rest, _) = self.0.rsplit_once('/').expect("it has four parts");
        ApplicationArn(rest.replacen(":endpoint/", ":app/", 1).into())
    }
}

macro_rules! parts {
    ($($name:ty),*) => {$(
        impl $name {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }

            pub(crate) fn region(&self) -> &str {
                self.0.split(':').nth(3).expect("an ARN has six elements")
            }

            pub(crate) fn account(&self) -> &str {
                self.0.split(':').nth(4).expect("an ARN has six elements")
            }

            pub(crate) fn platform(&self) -> Platform {
                let name = relative(&self.0).nth(1).expect("it has three parts");
                Platform::from_str(name).expect("it was checked")
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    )*};
}

parts!(ApplicationArn, EndpointArn);

fn relative(arn: &str) -> impl Iterator<Item = &str> {
    arn.splitn(6, ':').nth(5).unwrap_or_default().split('/')
}

/// What every ARN of the owner's begins with.
fn beginning(owner: &Owner) -> String {
    let any = TopicArn::new(owner, &TopicName::parse("x").expect("it is a topic's name"));
    any.as_str().strip_suffix('x').expect("it ends in the name").to_owned()
}

fn check(parameter: &str, text: &str, kind: &str, slashes: usize) -> Result<(), SnsError> {
    let elements: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "sns", region, account, relative] = elements[..] else {
        let count = text.split(':').count();
        return Err(match count {
            ..6 => SnsError::invalid_parameter(format_args!(
                "{parameter} Reason: An ARN must have at least 6 elements, not {count}"
            )),
            _ => SnsError::invalid_parameter(parameter),
        });
    };
    if relative.matches('/').count() != slashes {
        return Err(SnsError::invalid_parameter(format_args!(
            "{parameter} Reason: Wrong number of slashes in relative portion of the ARN."
        )));
    }
    let mut parts = relative.split('/');
    let right = parts.next() == Some(kind)
        && parts.next().is_some_and(|platform| Platform::from_str(platform).is_ok())
        && parts.all(|part| !part.is_empty())
        && [partition, region, account].iter().all(|part| !part.is_empty());
    if right { Ok(()) } else { Err(SnsError::invalid_parameter(parameter)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLICATION: &str = "arn:aws-cn:sns:cn-north-1:123456789012:app/APNS_SANDBOX/my.app";

    #[test]
    fn an_application_and_its_endpoints_name_each_other() {
        let owner = Owner::new("cn-north-1", "123456789012").unwrap();
        let application = ApplicationArn::new(&owner, Platform::ApnsSandbox, "my.app");
        assert_eq!(application.as_str(), APPLICATION);
        assert_eq!((application.name(), application.platform()), ("my.app", Platform::ApnsSandbox));
        let endpoint = application.endpoint("uuid");
        assert_eq!(endpoint.as_str(), "arn:aws-cn:sns:cn-north-1:123456789012:endpoint/APNS_SANDBOX/my.app/uuid");
        assert_eq!(endpoint.application(), application);
        assert_eq!((endpoint.region(), endpoint.account()), ("cn-north-1", "123456789012"));
        assert_eq!(EndpointArn::parse("EndpointArn", endpoint.as_str()), Ok(endpoint));
    }

    #[test]
    fn what_is_no_arn_is_refused_in_amazon_snss_words() {
        let cases = [
            ("invalid", "P Reason: An ARN must have at least 6 elements, not 1"),
            (
                "arn:aws:sns:us-east-1:111111111111:topic",
                "P Reason: Wrong number of slashes in relative portion of the ARN.",
            ),
            (
                "arn:aws:sns:us-east-1:111111111111:app/ADM/a/b",
                "P Reason: Wrong number of slashes in relative portion of the ARN.",
            ),
            ("arn:aws:sns:us-east-1:111111111111:app/ADM/", "P"),
            ("arn:aws:sns:us-east-1:111111111111:app/XXX/name", "P"),
            ("arn:aws:sqs:us-east-1:111111111111:app/ADM/name", "P"),
            ("arn:aws:sns::111111111111:app/ADM/name", "P"),
        ];
        for (text, expected) in cases {
            let refused = ApplicationArn::parse("P", text).unwrap_err();
            assert_eq!(refused.message(), format!("Invalid parameter: {expected}"), "{text}");
        }
    }
}
