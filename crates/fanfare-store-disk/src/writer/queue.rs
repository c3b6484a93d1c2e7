//! Waiting for what comes next, for a while or for as long as it takes.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// What waiting came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received<T> {
    Next(T),
    /// Nothing came in time.
    Nothing,
    /// Nobody can send any more.
    End,
}

/// Waits at most for `patience`.
pub(super) fn receive<T>(receiver: &mut mpsc::Receiver<T>, patience: Duration) -> Received<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let deadline = Instant::now() + patience;
    let mut receiving = pin!(receiver.recv());
    loop {
        match receiving.as_mut().poll(&mut context) {
            Poll::Ready(Some(next)) => return Received::Next(next),
            Poll::Ready(None) => return Received::End,
            Poll::Pending => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Received::Nothing;
        }
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_received_and_what_does_not_is_not_waited_for() {
        let (sender, mut receiver) = mpsc::channel(2);
        let (asked, ask) = std::sync::mpsc::channel();
        let sending = thread::spawn(move || {
            ask.recv().unwrap();
            sender.blocking_send(7).unwrap();
            ask.recv().unwrap();
        });
        assert_eq!(receive(&mut receiver, Duration::ZERO), Received::Nothing);
        asked.send(()).unwrap();
        assert_eq!(receive(&mut receiver, Duration::MAX.min(Duration::from_secs(60))), Received::Next(7));
        assert_eq!(receive(&mut receiver, Duration::ZERO), Received::Nothing);
        asked.send(()).unwrap();
        sending.join().unwrap();
        assert_eq!(receive(&mut receiver, Duration::from_secs(60)), Received::End);
    }
}
