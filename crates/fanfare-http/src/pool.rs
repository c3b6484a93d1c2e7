//! Connections that wait for their next request, and how many there are.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::origin::Origin;

/// Connections to one origin that are in use at a time before a request rather waits for one of them than opens another: more of
/// them make each exchange dearer and none of them quicker.
const IN_USE_BEFORE_WAITING: usize = 8;

/// How long it waits. Whoever hangs holds up those behind by no more than this.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long it waits, and for a single one, where as many connections are open as may be kept: then another one costs somebody
/// else's, which has to be opened again.
const PATIENCE_WHEN_FULL: Duration = Duration::from_secs(1);

/// Unused connections, the most recently used first. At most so many to each origin and so many in all; those that were not used
/// for a while are closed by a task that runs as long as there are any.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    idle_timeout: Duration,
    per_origin_max: usize,
    all_max: usize,
    /// Held for a few map operations, never across a wait. What leaves it is closed after it was let go.
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// The one that was used last is the last.
    by_origin: HashMap<Origin, VecDeque<Parked>>,
    /// In the order in which they were parked, over all origins.
    by_age: BTreeMap<u64, Origin>,
    /// The origins to which connections are in use.
    in_use: HashMap<Origin, InUse>,
    /// How many connections are in use, to all of them.
    in_use_in_all: usize,
    next_number: u64,
    is_watched: bool,
}

/// Connections to one origin that are in use.
#[derive(Default)]
struct InUse {
    count: usize,
    /// Told when one of them is parked or given up; there when somebody waits for that.
    freed: Option<Arc<Notify>>,
}

impl InUse {
    /// Whether there is nothing to know of it. While somebody waits there is: whoever comes next has to tell them, too.
    fn is_over(&self) -> bool {
        self.count == 0 && self.freed.as_ref().is_none_or(|freed| Arc::strong_count(freed) == 1)
    }
}

/// The use of a connection to an origin, a new one or one that was parked.
pub(crate) struct Lease {
    pool: Pool,
    origin: Origin,
}

impl Lease {
    /// Keeps `connection`, which was in use, for the next request. Whoever waits for one is told after that.
    pub(crate) fn park(self, connection: Connection) {
        self.pool.park(&self.origin, connection);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut idle = self.pool.0.idle();
        idle.in_use_in_all -= 1;
        if let Some(in_use) = idle.in_use.get_mut(&self.origin) {
            in_use.count -= 1;
            if let Some(freed) = &in_use.freed {
                freed.notify_one();
            }
            if in_use.is_over() {
                idle.in_use.remove(&self.origin);
            }
        }
    }
}

struct Parked {
    number: u64,
    since: Instant,
    connection: Connection,
}

impl Pool {
    pub(crate) fn new(idle_timeout: Duration, per_origin_max: usize, all_max: usize) -> Self {
        Self(Arc::new(Shared { idle_timeout, per_origin_max, all_max, idle: Mutex::default() }))
    }

    /// The right to use a connection to `origin`, and one that was kept, if there is one. Where many are in use it waits a moment
    /// for one of them.
    pub(crate) async fn lease(&self, origin: &Origin) -> (Lease, Option<Connection>) {
        let mut since = None;
        loop {
            let (freed, patience) = match self.try_lease(origin, since.map(|since: Instant| since.elapsed())) {
                Ok(leased) => return leased,
                Err(wait) => wait,
            };
            // Told or not, the next look decides.
            let until = *since.get_or_insert_with(Instant::now) + patience;
            let _ = tokio::time::timeout_at(until, freed.notified()).await;
        }
    }

    /// A lease, unless so many connections are in use that it is better to wait until one is freed: by what that is told, and
    /// for how long in all. Somebody has `waited` for so long.
    fn try_lease(
        &self,
        origin: &Origin,
        waited: Option<Duration>,
    ) -> Result<(Lease, Option<Connection>), (Arc<Notify>, Duration)> {
        let kept = self.usable(origin);
        let mut idle = self.0.idle();
        let are_kept = self.0.per_origin_max > 0 && self.0.all_max > 0;
        let is_full = are_kept && idle.in_use_in_all + idle.by_age.len() >= self.0.all_max;
        let (at_once, patience) = if is_full { (1, PATIENCE_WHEN_FULL) } else { (IN_USE_BEFORE_WAITING, PATIENCE) };
        let in_use = idle.in_use.entry(origin.clone()).or_default();
        if kept.is_none() && in_use.count >= at_once && waited.is_none_or(|waited| waited < patience) {
            return Err((Arc::clone(in_use.freed.get_or_insert_default()), patience));
        }
        in_use.count += 1;
        idle.in_use_in_all += 1;
        drop(idle);
        Ok((Lease { pool: self.clone(), origin: origin.clone() }, kept))
    }

    /// Another connection that was kept, when the one before had been closed in the very moment.
    pub(crate) fn another(&self, lease: &Lease) -> Option<Connection> {
        self.usable(&lease.origin)
    }

    /// The connection to `origin` that was used last of those that can be used still. The others are closed.
    fn usable(&self, origin: &Origin) -> Option<Connection> {
        loop {
            let Parked { since, mut connection, .. } = self.0.idle().pop(origin)?;
            if since.elapsed() < self.0.idle_timeout && connection.is_usable() {
                return Some(connection);
            }
        }
    }

    /// Keeps `connection` for the next request to `origin`.
    fn park(&self, origin: &Origin, connection: Connection) {
        let shared = &self.0;
        if shared.per_origin_max == 0 || shared.all_max == 0 || shared.idle_timeout.is_zero() {
            return;
        }
        let (surplus, begins) = {
            let mut idle = shared.idle();
            idle.push(origin, connection);
            let surplus = idle.surplus(origin, shared.per_origin_max, shared.all_max);
            (surplus, !std::mem::replace(&mut idle.is_watched, true))
        };
        drop(surplus);
        if begins {
            tokio::spawn(close_unused(Arc::downgrade(shared), shared.idle_timeout));
        }
    }
}

/// Closes connections that were not used for `timeout`, until there are none or the pool is gone.
async fn close_unused(pool: Weak<Shared>, timeout: Duration) {
    let mut until = Instant::now() + timeout;
    loop {
        tokio::time::sleep_until(until).await;
        let Some(pool) = pool.upgrade() else { return };
        let unused = {
            let mut idle = pool.idle();
            let unused = idle.unused(timeout);
            // Those who waited may have gone without a connection.
            idle.in_use.retain(|_, in_use| !in_use.is_over());
            match idle.oldest() {
                Some(since) => until = since + timeout,
                None => {
                    idle.is_watched = false;
                    return;
                }
            }
            unused
        };
        drop(unused);
    }
}

impl Shared {
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Idle {
    fn push(&mut self, origin: &Origin, connection: Connection) {
        let number = self.next_number;
        self.next_number += 1;
        self.by_age.insert(number, origin.clone());
        let parked = Parked { number, since: Instant::now(), connection };
        self.by_origin.entry(origin.clone()).or_default().push_back(parked);
    }

    /// The one to `origin` that was used last.
    fn pop(&mut self, origin: &Origin) -> Option<Parked> {
        let parked = self.by_origin.get_mut(origin)?;
        let last = parked.pop_back();
        if parked.is_empty() {
            self.by_origin.remove(origin);
        }
        self.by_age.remove(&last.as_ref()?.number);
        last
    }

    /// The one to `origin` that was not used for longest.
    fn pop_oldest_of(&mut self, origin: &Origin) -> Option<Parked> {
        let parked = self.by_origin.get_mut(origin)?;
        let first = parked.pop_front();
        if parked.is_empty() {
            self.by_origin.remove(origin);
        }
        self.by_age.remove(&first.as_ref()?.number);
        first
    }

    /// What is too much, now that one to `origin` has come.
    fn surplus(&mut self, origin: &Origin, per_origin_max: usize, all_max: usize) -> Option<Parked> {
        if self.by_origin.get(origin).is_some_and(|parked| parked.len() > per_origin_max) {
            return self.pop_oldest_of(origin);
        }
        if self.by_age.len() > all_max {
            let oldest = self.by_age.first_key_value().map(|(_, origin)| origin.clone())?;
            return self.pop_oldest_of(&oldest);
        }
        None
    }

    /// Those that were not used for `timeout`.
    fn unused(&mut self, timeout: Duration) -> Vec<Parked> {
        let mut unused = Vec::new();
        while self.oldest().is_some_and(|since| since.elapsed() >= timeout) {
            let origin = self.by_age.first_key_value().map(|(_, origin)| origin.clone());
            unused.extend(origin.and_then(|origin| self.pop_oldest_of(&origin)));
        }
        unused
    }

    /// Since when the one has been unused that was not used for longest.
    fn oldest(&self) -> Option<Instant> {
        let (_, origin) = self.by_age.first_key_value()?;
        self.by_origin.get(origin)?.front().map(|parked| parked.since)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.0.idle().by_age.len()).finish_non_exhaustive()
    }
}
