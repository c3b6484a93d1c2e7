//! One timer for every failed delivery of an engine: it sleeps until the next is due and wakes that lane.

use std::sync::Arc;

use super::Engine;

/// Runs until the engine closes.
pub(super) async fn run(engine: Arc<Engine>) {
    while !engine.lanes.closing() {
        let rescheduled = engine.rescheduled.notified();
        let now = engine.host.now();
        for lane in engine.journal.due(now).await {
            engine.wake(lane);
        }
        match engine.journal.next_due(now).await {
            Some(at) => tokio::select! {
                () = engine.host.sleep_until(at) => {}
                () = rescheduled => {}
            },
            None => rescheduled.await,
        }
    }
}
