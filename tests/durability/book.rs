//! What the publishers said, read from the worker's lines.

use std::collections::BTreeMap;

use crate::load::{Key, Kind, Role, Text, Topic};
use crate::oracle::Publish;

/// Every publish that was begun, and what it was answered.
#[derive(Debug, Default)]
pub(crate) struct Book {
    begun: BTreeMap<Key, Entry>,
}

#[derive(Debug)]
struct Entry {
    text: Text,
    answer: Answer,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// None has been read: a kill came first, or it is under way.
    None,
    Acked(String),
    Refused,
}

/// What a line was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    Begun,
    Acked,
    /// With the error.
    Refused(String),
    /// Anything but a publish: the line.
    Other(String),
}

impl Book {
    /// Notes what a line says.
    pub(crate) fn read(&mut self, line: &str) -> Said {
        let publish = |rest: &str| Text::parse(rest).unwrap_or_else(|| panic!("the worker says {line:?}"));
        match line.split_once(' ') {
            Some(("try", rest)) => {
                let text = publish(rest);
                let before = self.begun.insert(text.key.clone(), Entry { text, answer: Answer::None });
                assert!(before.is_none(), "begun twice: {line}");
                Said::Begun
            }
            Some(("ack", rest)) => {
                let (id, rest) = rest.split_once(' ').unwrap_or_default();
                self.answer(&publish(rest), Answer::Acked(id.to_owned()));
                Said::Acked
            }
            Some(("refused", rest)) => {
                let (rest, error) = rest.split_once(": ").unwrap_or_default();
                self.answer(&publish(rest), Answer::Refused);
                Said::Refused(error.to_owned())
            }
            _ => Said::Other(line.to_owned()),
        }
    }

    fn answer(&mut self, text: &Text, answer: Answer) {
        let entry = self.begun.get_mut(&text.key).expect("a publish is begun before it is answered");
        assert_eq!(entry.answer, Answer::None, "answered twice: {text}");
        entry.answer = answer;
    }

    /// The publishes as the oracle wants them.
    pub(crate) fn publishes(&self) -> BTreeMap<Key, Publish> {
        let publish = |entry: &Entry| Publish {
            id: match &entry.answer {
                Answer::Acked(id) => Some(id.clone()),
                Answer::None | Answer::Refused => None,
            },
            wanted_by: Role::ALL.into_iter().filter(|role| role.wants(&entry.text)).map(Role::name).collect(),
        };
        self.begun.iter().map(|(key, entry)| (key.clone(), publish(entry))).collect()
    }

    /// How many messages that `role` wants may have been kept, at the most.
    pub(crate) fn wanted_at_most(&self, role: Role) -> u64 {
        let wanted = |entry: &&Entry| role.wants(&entry.text) && entry.answer != Answer::Refused;
        self.begun.values().filter(wanted).count() as u64
    }
}

impl Role {
    /// Whether the filter policy that the role subscribes with matches.
    pub(crate) fn wants(self, text: &Text) -> bool {
        self.topic() == text.topic
            && match self {
                Self::Picky => text.kind == Kind::Parcel,
                Self::Away => text.kind == Kind::Heavy,
                Self::Never => false,
                Self::Flaky | Self::Ordered | Self::Stubborn => true,
            }
    }
}

impl Text {
    /// Reads a text, and passes over padding.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let topic = match words.next()? {
            "orders" => Topic::Orders,
            "ledger.fifo" => Topic::Ledger,
            _ => return None,
        };
        let key =
            Key { group: words.next()?.to_owned(), run: words.next()?.parse().ok()?, n: words.next()?.parse().ok()? };
        let kind = match words.next()? {
            "parcel" => Kind::Parcel,
            "letter" => Kind::Letter,
            "heavy" => Kind::Heavy,
            _ => return None,
        };
        Some(Self { topic, key, kind })
    }
}

#[test]
fn a_text_is_read_as_it_was_written() {
    let key = Key { group: "ledger-a".to_owned(), run: 12, n: 7 };
    let text = Text { topic: Topic::Ledger, key, kind: Kind::Heavy };
    assert_eq!(text.to_string(), "ledger.fifo ledger-a 12 7 heavy");
    assert_eq!(Text::parse("ledger.fifo ledger-a 12 7 heavy xxxx"), Some(text));
    assert_eq!(Text::parse("ledger.fifo ledger-a 12"), None);
}
