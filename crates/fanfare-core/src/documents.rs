//! Small records of others: what a server or an adapter keeps beside topics and subscriptions.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::error::{SnsError, SnsErrorCode};
use crate::registry::refusal;
use crate::store::{Change, DocumentRecord, Store};

/// The documents of each kind, by id.
type Kinds = BTreeMap<String, BTreeMap<Arc<str>, Arc<str>>>;

/// Small texts under a kind and an id, kept by the store of the engine: credentials of push services, settings of accounts,
/// and the like. The engine does not read them.
///
/// Reading is a lookup in memory. A change is kept by the store before it is seen, and a caller that goes away does not stop
/// it half-way. Changes come one after the other.
///
/// ```
/// use fanfare_core::{Fanfare, SnsError};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// let fanfare = Fanfare::in_memory();
/// let documents = fanfare.documents();
/// for _ in 0..2 {
///     let count = |known: Option<&str>| known.map_or(0, |text| text.parse().unwrap_or(0)) + 1;
///     documents.update("visits", "lobby", |known| Ok::<_, SnsError>(Some(count(known).to_string()))).await?;
/// }
/// assert_eq!(documents.text("visits", "lobby").as_deref(), Some("2"));
/// # Ok::<(), SnsError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Documents {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    /// Where changes are carried through, whatever becomes of the caller.
    runtime: Handle,
    /// Held by whoever changes something, from the look at what is there to the moment when the change is seen.
    turn: Arc<Mutex<()>>,
    /// Held for the length of one lookup or change, never across an `.await`.
    kinds: RwLock<Kinds>,
}

impl fmt::Debug for Documents {
    /// Texts may hold credentials, so the kinds alone are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.read(|kinds| f.debug_tuple("Documents").field(&kinds.keys()).finish())
    }
}

impl Documents {
    /// The documents that `store` keeps, which are `records`.
    pub(crate) fn with(store: Arc<dyn Store>, records: Vec<DocumentRecord>) -> Self {
        let mut kinds = Kinds::new();
        for DocumentRecord { kind, id, text } in records {
            kinds.entry(kind).or_default().insert(id.into(), text.into());
        }
        let inner = Inner { store, runtime: Handle::current(), turn: Arc::default(), kinds: RwLock::new(kinds) };
        Self { inner: Arc::new(inner) }
    }

    /// The text of a document.
    pub fn text(&self, kind: &str, id: &str) -> Option<Arc<str>> {
        self.read(|kinds| kinds.get(kind)?.get(id).cloned())
    }

    /// How many documents of that kind there are.
    pub fn count(&self, kind: &str) -> usize {
        self.read(|kinds| kinds.get(kind).map_or(0, BTreeMap::len))
    }

    /// The next documents of that kind after the id `after`, at most `max`: their ids, in order, and texts.
    pub fn page(&self, kind: &str, after: Option<&str>, max: usize) -> Vec<(Arc<str>, Arc<str>)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.read(|kinds| {
            let Some(documents) = kinds.get(kind) else { return Vec::new() };
            let documents = documents.range::<str, _>((from, Bound::Unbounded)).take(max);
            documents.map(|(id, text)| (Arc::clone(id), Arc::clone(text))).collect()
        })
    }

    /// Makes of a document what `change` makes of its text; without one there is none, and answering none removes it.
    ///
    /// # Errors
    /// What `change` answers; `Throttled` when the store is full and `InternalError` when it does not work. Nothing was changed
    /// then.
    pub async fn update<E: From<SnsError>>(
        &self,
        kind: &str,
        id: &str,
        change: impl FnOnce(Option<&str>) -> Result<Option<String>, E>,
    ) -> Result<(), E> {
        let turn = Arc::clone(&self.inner.turn).lock_owned().await;
        let known = self.text(kind, id);
        let text = change(known.as_deref())?;
        if text.as_deref() == known.as_deref() {
            return Ok(());
        }
        let (inner, kind, id) = (Arc::clone(&self.inner), kind.to_owned(), id.to_owned());
        let kept = self.inner.runtime.spawn(async move {
            let _turn = turn;
            inner.keep(kind, id, text).await
        });
        let cut_off = |_| SnsError::new(SnsErrorCode::InternalError, "the change was cut off: the engine is closing");
        Ok(kept.await.map_err(cut_off)??)
    }

    fn read<T>(&self, look: impl FnOnce(&Kinds) -> T) -> T {
        look(&self.inner.kinds.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Inner {
    async fn keep(&self, kind: String, id: String, text: Option<String>) -> Result<(), SnsError> {
        let change = match &text {
            Some(text) => {
                Change::PutDocument(DocumentRecord { kind: kind.clone(), id: id.clone(), text: text.clone() })
            }
            None => Change::RemoveDocument { kind: kind.clone(), id: id.clone() },
        };
        self.store.save(vec![change]).await.map_err(|error| refusal(&error))?;
        let mut kinds = self.kinds.write().unwrap_or_else(PoisonError::into_inner);
        let documents = kinds.entry(kind).or_default();
        match text {
            Some(text) => documents.insert(id.into(), text.into()),
            None => documents.remove(id.as_str()),
        };
        Ok(())
    }
}
