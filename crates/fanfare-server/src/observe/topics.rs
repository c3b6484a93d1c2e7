//! The names of topics in metrics: bounded, so that nobody who makes topics can make metrics without end.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use fanfare::TopicArn;

/// What all topics beyond the bound are called.
const OTHER: &str = "other";

/// The topics that have been seen, as labels.
#[derive(Debug)]
pub(super) struct Topics {
    max: usize,
    other: Arc<str>,
    known: RwLock<HashMap<String, Arc<str>>>,
}

impl Topics {
    /// Tells `max` topics apart.
    pub(super) fn new(max: usize) -> Self {
        Self { max, other: OTHER.into(), known: RwLock::default() }
    }

    /// The label of a topic: its ARN, or `other` when there are too many.
    pub(super) fn label(&self, topic: &TopicArn) -> Arc<str> {
        self.name(topic.as_str())
    }

    /// As [`Topics::label`], of whatever else has a name.
    pub(super) fn name(&self, topic: &str) -> Arc<str> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(topic) {
            return Arc::clone(label);
        }
        let full = known.len() >= self.max;
        drop(known);
        if full {
            return Arc::clone(&self.other);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= self.max && !known.contains_key(topic) {
            return Arc::clone(&self.other);
        }
        Arc::clone(known.entry(topic.to_owned()).or_insert_with(|| topic.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_beyond_the_bound_share_one_label() {
        let topics = Topics::new(2);
        let label = |name: &str| {
            topics.label(&TopicArn::parse(&format!("arn:aws:sns:us-east-1:000000000000:{name}")).unwrap()).to_string()
        };
        assert_eq!(label("a"), "arn:aws:sns:us-east-1:000000000000:a");
        assert_eq!(label("b"), "arn:aws:sns:us-east-1:000000000000:b");
        assert_eq!(label("c"), "other");
        assert_eq!(label("a"), "arn:aws:sns:us-east-1:000000000000:a");
    }
}
