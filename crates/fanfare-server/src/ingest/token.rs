//! A secret that lets somebody publish events on one topic.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use fanfare::{Owner, TopicArn, TopicName};

use super::source::InvalidSource;

/// The fewest characters that a token has.
const CHARS_MIN: usize = 16;

/// A secret that lets whoever has it publish events on one topic: `Authorization: Bearer TOKEN`.
///
/// As text: `TOPIC=TOKEN`. TOPIC is the topic's ARN, or its name in `us-east-1` and account `000000000000`. TOKEN has at least 16
/// characters, none of which is white space. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct TopicToken {
    topic: TopicArn,
    token: String,
}

impl TopicToken {
    /// The topic.
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }

    /// Whether `token` is this one; how long that takes does not tell how much of it is right.
    pub(super) fn is(&self, token: &str) -> bool {
        verify_slices_are_equal(self.token.as_bytes(), token.as_bytes()).is_ok()
    }
}

impl FromStr for TopicToken {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, InvalidSource> {
        let (topic, token) =
            text.split_once('=').ok_or_else(|| InvalidSource::new("a token must have the form TOPIC=TOKEN"))?;
        let topic = match TopicArn::parse(topic) {
            Ok(topic) => topic,
            Err(_) => match TopicName::parse(topic) {
                Ok(name) => TopicArn::new(&Owner::default(), &name),
                Err(_) => return Err(InvalidSource::new("what stands before = is no topic's name or ARN")),
            },
        };
        if token.len() < CHARS_MIN || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(InvalidSource::new("a token has at least 16 characters of ASCII and no white space"));
        }
        Ok(Self { topic, token: token.to_owned() })
    }
}

impl fmt::Debug for TopicToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TopicToken({})", self.topic)
    }
}
