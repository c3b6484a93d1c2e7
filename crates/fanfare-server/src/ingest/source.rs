//! A topic of another SNS server, and the topic here that gets its messages.

use std::fmt;
use std::str::FromStr;

use fanfare::wire::Links;
use fanfare::{Owner, TopicArn, TopicName};
use url::Url;

/// A topic of another SNS server, whom to believe that a message is of it, and the topic here that gets its messages.
///
/// As text: `SOURCE=TOPIC` or `SOURCE=TOPIC@URL`. SOURCE is the ARN of the topic there. TOPIC is the ARN of the topic here, or
/// its name in `us-east-1` and account `000000000000`. URL is what the links of the other server begin with; without it, that
/// is Amazon SNS in the region of SOURCE, and nobody else. It is `https`, unless it is on this machine's loopback.
///
/// Neither can be a FIFO topic: SNS servers do not sign their messages, and what comes over HTTP comes in no order.
///
/// ```
/// use fanfare_server::ingest::Source;
///
/// let source: Source = "arn:aws:sns:eu-west-1:123456789012:transcoded=videos".parse()?;
/// assert_eq!(source.topic().as_str(), "arn:aws:sns:us-east-1:000000000000:videos");
/// assert_eq!(source.server(), "https://sns.eu-west-1.amazonaws.com");
/// # Ok::<(), fanfare_server::ingest::InvalidSource>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    origin: TopicArn,
    topic: TopicArn,
    server: Links,
}

impl Source {
    /// The topic there.
    pub fn origin(&self) -> &TopicArn {
        &self.origin
    }

    /// The topic here.
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }

    /// What the links of the other server begin with.
    pub fn server(&self) -> &str {
        self.server.base()
    }
}

impl FromStr for Source {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let invalid = InvalidSource::new;
        let (origin, rest) = text
            .split_once('=')
            .ok_or_else(|| invalid("it must have the form SOURCE-ARN=TOPIC or SOURCE-ARN=TOPIC@URL"))?;
        let (topic, server) = match rest.split_once('@') {
            Some((topic, server)) => (topic, Some(server)),
            None => (rest, None),
        };
        let origin = TopicArn::parse(origin).map_err(|_| invalid("what stands before = is no topic's ARN"))?;
        let topic = match TopicArn::parse(topic) {
            Ok(topic) => topic,
            Err(_) => match TopicName::parse(topic) {
                Ok(name) => TopicArn::new(&Owner::default(), &name),
                Err(_) => return Err(invalid("what stands after = is no topic's name or ARN")),
            },
        };
        if origin.is_fifo() || topic.is_fifo() {
            return Err(invalid(
                "a FIFO topic's messages are not signed and come in no order, so none can be on either side",
            ));
        }
        let server = match server {
            Some(url) => Links::new(url),
            None => Links::aws(origin.region()),
        };
        let server = server.map_err(|error| InvalidSource(error.to_string()))?;
        if !is_safe(server.base()) {
            return Err(invalid(
                "the other server's URL must begin with https://, or else anybody on the way could forge messages",
            ));
        }
        Ok(Self { origin, topic, server })
    }
}

/// Whether nobody on the way can change the certificate that is fetched from there: there is TLS, or no way.
fn is_safe(base: &str) -> bool {
    let Ok(url) = Url::parse(base) else { return false };
    match url.host() {
        _ if url.scheme() == "https" => true,
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    }
}

/// A text that is no [`Source`] or no [`TopicToken`](super::TopicToken); it says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSource(String);

impl InvalidSource {
    pub(super) fn new(why: &str) -> Self {
        Self(why.to_owned())
    }
}

impl fmt::Display for InvalidSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidSource {}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "arn:aws:sns:eu-west-1:123456789012:transcoded";

    #[test]
    fn the_topic_here_and_the_server_there_can_be_named_in_full() {
        let text = format!("{ORIGIN}=arn:aws:sns:eu-west-1:111111111111:videos@https://sns.example.com:8443/aws");
        let source: Source = text.parse().unwrap();
        assert_eq!(source.origin().as_str(), ORIGIN);
        assert_eq!(source.topic().as_str(), "arn:aws:sns:eu-west-1:111111111111:videos");
        assert_eq!(source.server(), "https://sns.example.com:8443/aws");
    }

    #[test]
    fn a_server_on_this_machine_needs_no_tls() {
        assert!(format!("{ORIGIN}=videos@http://127.0.0.1:9912").parse::<Source>().is_ok());
        assert!(format!("{ORIGIN}=videos@http://[::1]:9912").parse::<Source>().is_ok());
    }

    #[test]
    fn a_source_of_china_is_signed_for_in_china() {
        let source: Source = "arn:aws-cn:sns:cn-north-1:123456789012:t=t".parse().unwrap();
        assert_eq!(source.server(), "https://sns.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (text, why) in [
            (ORIGIN.to_owned(), "it must have the form SOURCE-ARN=TOPIC or SOURCE-ARN=TOPIC@URL"),
            ("orders=videos".to_owned(), "what stands before = is no topic's ARN"),
            (format!("{ORIGIN}=a topic"), "what stands after = is no topic's name or ARN"),
            (format!("{ORIGIN}=videos@sns.example.com"), "the base of links is not a url"),
            (
                format!("{ORIGIN}=videos@http://sns.example.com"),
                "the other server's URL must begin with https://, or else anybody on the way could forge messages",
            ),
            (
                format!("{ORIGIN}=videos.fifo"),
                "a FIFO topic's messages are not signed and come in no order, so none can be on either side",
            ),
        ] {
            assert_eq!(text.parse::<Source>().unwrap_err().to_string(), why, "{text}");
        }
    }
}
