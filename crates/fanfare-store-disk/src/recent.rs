//! The messages that were appended or read last, in memory: so that all lanes of a message share what is rendered for it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fanfare_core::store::Dispatch;

use crate::by_number::ByNumber;

/// A bounded number of bytes of messages, once whoever kept one has also [shed](Recent::shed) what is too much. The one that
/// came first leaves first.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Held for the length of one map operation.
    kept: Mutex<Kept>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Kept {
    messages: ByNumber<u64, (Dispatch, usize)>,
    order: VecDeque<u64>,
    bytes: usize,
}

impl Recent {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { kept: Mutex::default(), bytes_max }
    }

    pub(crate) fn message(&self, number: u64) -> Option<Dispatch> {
        self.lock().messages.get(&number).map(|(dispatch, _)| dispatch.clone())
    }

    /// Keeps `dispatch`, and answers what was kept of that number before, if anything, so that everybody has the same.
    pub(crate) fn keep(&self, number: u64, dispatch: Dispatch) -> Dispatch {
        /// What a message takes beside its text, attributes and rendered envelope.
        const OVERHEAD: usize = 1024;
        let kept = &mut *self.lock();
        if let Some((first, _)) = kept.messages.get(&number) {
            return first.clone();
        }
        // The envelope that is rendered for it is about as large as the message again.
        let bytes = 2 * dispatch.publication.message().size() + OVERHEAD;
        kept.messages.insert(number, (dispatch.clone(), bytes));
        kept.order.push_back(number);
        kept.bytes += bytes;
        dispatch
    }

    /// Lets go of what is too much. Apart from keeping, as it takes longer and the thread that writes has no time for it.
    pub(crate) fn shed(&self) {
        let mut gone = Vec::new();
        let mut kept = self.lock();
        let kept = &mut *kept;
        while kept.bytes > self.bytes_max
            && let Some(oldest) = kept.order.pop_front()
        {
            if let Some((dispatch, bytes)) = kept.messages.remove(&oldest) {
                kept.bytes -= bytes;
                gone.push(dispatch);
            }
        }
        // They are freed when the lock is.
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
