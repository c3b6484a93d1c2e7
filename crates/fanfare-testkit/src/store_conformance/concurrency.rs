//! Cases about callers that come at the same time, and callers that go away.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use fanfare_core::store::{Settled, Settlement, Store};
use tokio::runtime::Handle;

use super::Subject;
use super::probe::{Probe, entry, keyed, names};

/// Runs `act` on `count` threads at once, and collects what they answer.
async fn at_once<F, T>(store: &Arc<dyn Store>, count: u64, act: impl Fn(Probe, u64) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let acts: Vec<_> = (0..count)
        .map(|thread| {
            let act = act(Probe(Arc::clone(store)), thread);
            tokio::task::spawn_blocking(move || Handle::current().block_on(act))
        })
        .collect();
    let mut answers = Vec::new();
    for act in acts {
        answers.push(act.await.expect("no thread panics"));
    }
    answers
}

/// Messages that are appended from many threads at once are all kept, each with a number of its own.
pub async fn concurrent_appends_are_all_kept<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    let numbers = at_once(&store.0, 8, |store, thread| async move {
        let mut numbers = Vec::new();
        for number in 0..25 {
            numbers.push(store.append(entry(&format!("m{thread}-{number}"), 0, &[1, 2])).await);
        }
        assert!(numbers.is_sorted(), "the numbers of one thread grow: {numbers:?}");
        numbers
    })
    .await;
    let distinct: BTreeSet<u64> = numbers.into_iter().flatten().collect();
    assert_eq!(distinct.len(), 200);
    assert_eq!(store.counts().await, [400, 0, 400, 0, 0]);
    let expected: BTreeSet<_> = (0..8).flat_map(|t| (0..25).map(move |n| format!("m{t}-{n}"))).collect();
    for lane in [1, 2] {
        let taken = store.take(lane, 0, 1_000).await;
        assert_eq!(taken.len(), 200);
        assert_eq!(names(&taken).into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(taken.iter().map(|delivery| delivery.id.0).collect::<BTreeSet<_>>(), distinct);
    }
}

/// Deliveries that are taken and settled from many threads at once are each handed out once.
pub async fn concurrent_takes_share_the_deliveries<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for number in 0..200 {
        store.append(entry(&format!("m{number}"), 0, &[1])).await;
    }
    let taken = at_once(&store.0, 8, |store, _| async move {
        let mut taken = Vec::new();
        loop {
            let deliveries = store.take(1, 0, 7).await;
            if deliveries.is_empty() {
                return taken;
            }
            taken.extend(names(&deliveries));
            let delivered = |id| Settled { id, settlement: Settlement::Delivered, attempt: None };
            store.settle_all(1, 0, deliveries.iter().map(|delivery| delivered(delivery.id)).collect()).await;
        }
    })
    .await;
    let mut taken: Vec<_> = taken.into_iter().flatten().collect();
    assert_eq!(taken.len(), 200);
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 200);
    assert_eq!(store.counts().await, [200, 200, 0, 0, 0]);
}

/// A publisher that goes away and comes again with the same key leaves one delivery in each lane, wherever it stopped.
pub async fn an_append_that_is_cancelled_happens_wholly_or_not_at_all<S: Subject>(subject: S) {
    let store = Probe::of(&subject);
    for round in 0..30 {
        let id = format!("m{round}");
        let message = keyed(&id, 0, &id, 300, &[1, 2, 3]);
        {
            let mut append = std::pin::pin!(store.0.append(message.clone()));
            // Polled a different number of times, it is dropped at different places.
            for _ in 0..=round % 3 {
                let done = poll_fn(|context| Poll::Ready(append.as_mut().poll(context).is_ready())).await;
                if done {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        store.offer(message).await;
        for lane in [1, 2, 3] {
            assert_eq!(names(&store.take(lane, 0, 10).await), [id.as_str()], "round {round}, lane {lane}");
        }
    }
    assert_eq!(store.counts().await, [90, 0, 90, 0, 0]);
}
