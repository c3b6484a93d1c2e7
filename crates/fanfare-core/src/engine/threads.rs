//! Threads that lanes are at work on, where an engine has some of its own.

use std::num::NonZeroUsize;
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads with a runtime each. They end when this is dropped, and cut off what still runs on them.
///
/// Lanes on one thread hand nothing over to other threads: what wakes them is on the same thread mostly, and so is what they
/// wait for.
#[derive(Debug, Default)]
pub(super) struct Threads {
    handles: Vec<Handle>,
    /// Each thread runs for as long as its sender is there.
    #[allow(dead_code, reason = "held to be dropped")]
    stops: Vec<oneshot::Sender<()>>,
}

impl Threads {
    /// Starts `count` threads; fewer, if the system has no more to give.
    pub(super) fn start(count: NonZeroUsize) -> Self {
        let mut threads = Self::default();
        for number in 0..count.get() {
            if let Err(error) = threads.add(number) {
                tracing::error!(%error, "a thread for deliveries cannot be started");
                break;
            }
        }
        threads
    }

    fn add(&mut self, number: usize) -> std::io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = move || {
            // A sender that is gone says the same as one that speaks.
            let _ = runtime.block_on(stopped);
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
        };
        thread::Builder::new().name(format!("fanfare-send-{number}")).spawn(run)?;
        self.handles.push(handle);
        self.stops.push(stop);
        Ok(())
    }

    /// The runtimes.
    pub(super) fn handles(&self) -> &[Handle] {
        &self.handles
    }
}
