//! Lanes that stay for a moment after their last delivery, so that a steady flow does not begin and end one for each message.
//!
//! A lane that lingers takes no place from others and runs nothing. One task looks after all of them, and only while there are
//! some, so that an idle engine does nothing at all.

use std::sync::Arc;
use std::time::Duration;

use super::Engine;
use super::lanes::Lanes;
use super::signal::Signal;
use crate::subscription::SubscriptionId;

/// How long a lane lingers, at least; at most twice that.
const LINGER: Duration = Duration::from_secs(1);

/// How many lanes linger at a time. Each keeps its endpoint open, some kilobytes.
const LINGERING_MAX: usize = 1024;

/// What becomes of a lane that lingers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// There may be work.
    GoOn,
    /// Nothing has come yet.
    Linger,
    /// It is over.
    Leave,
}

impl Lanes {
    /// How a lane that lingers stands now.
    pub(super) fn stay(&self, id: SubscriptionId, signal: &Signal) -> Stay {
        let mut running = self.running();
        if signal.lingers_since().is_none() {
            return Stay::GoOn;
        }
        if !signal.is_dismissed() && !self.closing() {
            return Stay::Linger;
        }
        running.signals.remove(&id);
        running.lingering -= 1;
        Stay::Leave
    }
}

impl Engine {
    /// Lets a lane that found no work linger, if there is room for that. It must not have been called meanwhile.
    pub(super) fn linger(self: &Arc<Self>, signal: &Signal) -> bool {
        let now = self.steady.now();
        let mut running = self.lanes.running();
        let room = running.queue.is_empty() && running.lingering < LINGERING_MAX;
        if !room || signal.is_called() || self.lanes.closing() {
            return false;
        }
        signal.set_lingering(Some(now));
        running.lingering += 1;
        let tend = !std::mem::replace(&mut running.is_tended, true);
        drop(running);
        if tend {
            self.lanes.spawn(Arc::clone(self).tend_lingering());
        }
        true
    }

    /// Dismisses lanes that have lingered for long enough, for as long as any linger.
    async fn tend_lingering(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.host.sleep(LINGER) => {}
                () = self.lanes.until_closing() => {}
            }
            let now = self.steady.now();
            let mut running = self.lanes.running();
            if running.lingering == 0 || self.lanes.closing() {
                running.is_tended = false;
                return;
            }
            for signal in running.signals.values() {
                if signal.lingers_since().is_some_and(|since| now.since(since) >= LINGER) {
                    signal.dismiss();
                }
            }
        }
    }
}
