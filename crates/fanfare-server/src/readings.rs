//! What texts say that topics keep, so that they are not read again for every request.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use fanfare::TopicArn;

/// How many topics' texts are kept read. Beyond that all are forgotten, to be read again when they are needed.
const TOPICS_MAX: usize = 1000;

/// What one text of each topic says.
pub(crate) struct Readings<T>(Mutex<HashMap<TopicArn, (String, Arc<T>)>>);

impl<T> Readings<T> {
    /// What `text` of `topic` says: as it was read the last time, unless it is another text now.
    pub(crate) fn of<E>(
        &self,
        topic: &TopicArn,
        text: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, says)) = known.get(topic).filter(|(of, _)| of == text) {
            return Ok(Arc::clone(says));
        }
        let says = Arc::new(read(text)?);
        if known.len() >= TOPICS_MAX {
            known.clear();
        }
        known.insert(topic.clone(), (text.to_owned(), Arc::clone(&says)));
        Ok(says)
    }
}

impl<T> Default for Readings<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> fmt::Debug for Readings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readings")
    }
}
