//! The start of a registry with what a store keeps.

use std::num::NonZeroUsize;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Registry;
use super::filling::{Drafting, Drafts, Filling};
use crate::documents::Documents;
use crate::store::{DocumentRecord, RegistryPages, Store, StoreError, StoreErrorKind, SubscriptionPage};

/// So many subscriptions are read at a time.
const PAGE: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

/// So many pages wait to be filed, as they are or in the making.
const PAGES_AHEAD: usize = 4;

impl Registry {
    /// The registry and the documents that the store keeps.
    pub(crate) async fn load(store: Arc<dyn Store>) -> Result<(Self, Documents), StoreError> {
        let registry = Self::new(Arc::clone(&store));
        let documents = match store.pages() {
            Some(pages) => registry.fill_by_pages(pages).await?,
            None => {
                let records = store.load().await?;
                let mut state = registry.write();
                state.fill_topics(records.topics)?;
                let (drafting, mut filling) = (Drafting::of(&state), Filling::default());
                for page in SubscriptionPage::pages_of(&records.subscriptions, PAGE) {
                    state.fill(drafting.read(&page)?, &mut filling)?;
                }
                state.filled(&filling);
                records.documents
            }
        };
        Ok((registry, Documents::with(store, documents)))
    }

    /// Takes in what is kept, and answers the documents. Pages are filed one after the other, while others are made into rows on
    /// threads for that, and the store reads the next one.
    async fn fill_by_pages(&self, pages: &dyn RegistryPages) -> Result<Vec<DocumentRecord>, StoreError> {
        let records = pages.all_but_subscriptions().await?;
        let drafting = {
            let mut state = self.write();
            state.fill_topics(records.topics)?;
            Arc::new(Drafting::of(&state))
        };
        let (sender, mut receiver) = mpsc::channel::<JoinHandle<Result<Drafts, StoreError>>>(PAGES_AHEAD);
        let read = async move {
            let mut after = None;
            loop {
                let page = pages.subscriptions_after(after, PAGE).await?;
                let Some(last) = page.last() else { return Ok(()) };
                after = Some(last);
                let drafting = Arc::clone(&drafting);
                let drafts = Handle::current().spawn_blocking(move || drafting.read(&page));
                if sender.send(drafts).await.is_err() {
                    // What came before could not be used, which is told.
                    return Ok(());
                }
            }
        };
        let file = async {
            let mut filling = Filling::default();
            while let Some(drafts) = receiver.recv().await {
                let drafts = drafts.await.unwrap_or_else(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(cut_off()),
                })?;
                self.write().fill(drafts, &mut filling)?;
            }
            drop(receiver);
            self.write().filled(&filling);
            Ok::<_, StoreError>(())
        };
        let (read, filed) = tokio::join!(read, file);
        read.and(filed).map(|()| records.documents)
    }
}

/// What is told when the runtime ends meanwhile.
fn cut_off() -> StoreError {
    StoreError::new(StoreErrorKind::Closed, "the start was cut off: the program is ending")
}
