//! What operators see of a server: metrics, readiness, logs of calls and failed attempts, and delivery status logs.
//!
//! [`Observation`] is the door. Its observers go into the engine's builder, and its router stands around the operations.

mod attempt_log;
mod calls;
mod delivery_log;
mod metrics;
mod ready;
mod topics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use fanfare::{Fanfare, FanfareBuilder};

use attempt_log::AttemptLog;
use metrics::Metrics;

pub(crate) use calls::Told;
pub use delivery_log::{DeliveryLog, DeliveryLogError};
pub(crate) use delivery_log::{is_sampled, moment};

/// What is seen of one server, whatever becomes of its engine.
///
/// ```
/// use fanfare::Fanfare;
/// use fanfare_server::observe::Observation;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # let _guard = runtime.enter();
/// let observation = Observation::new(1_000);
/// let fanfare = observation.observing(Fanfare::builder()).open();
/// let router: axum::Router = observation.around(axum::Router::new(), &fanfare);
/// ```
#[derive(Debug, Clone)]
pub struct Observation(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    metrics: Arc<Metrics>,
    attempts: Arc<AttemptLog>,
    deliveries: Arc<DeliveryLog>,
    stopping: AtomicBool,
}

impl Observation {
    /// An observation that writes delivery status to the structured log, and counts the first `topics_max` topics apart and
    /// all others together.
    pub fn new(topics_max: usize) -> Self {
        Self::with(topics_max, DeliveryLog::structured())
    }

    /// As [`Observation::new`], with delivery status going to `deliveries`.
    pub fn with(topics_max: usize, deliveries: DeliveryLog) -> Self {
        let metrics = Arc::new(Metrics::new(topics_max));
        let (attempts, deliveries, stopping) = (Arc::default(), Arc::new(deliveries), AtomicBool::new(false));
        Self(Arc::new(Parts { metrics, attempts, deliveries, stopping }))
    }

    /// Has the engine tell what happens.
    pub fn observing(&self, builder: FanfareBuilder) -> FanfareBuilder {
        let parts = &self.0;
        let builder = builder.observer(Arc::clone(&parts.metrics) as _).observer(Arc::clone(&parts.attempts) as _);
        builder.observer(Arc::clone(&parts.deliveries) as _)
    }

    /// Where delivery status goes.
    pub fn deliveries(&self) -> Arc<DeliveryLog> {
        Arc::clone(&self.0.deliveries)
    }

    /// `operations`, whose calls are counted and logged, and beside them `GET /metrics`, and `GET /readyz`, which answers 200
    /// when calls would be served and otherwise 503 with the reason.
    pub fn around(&self, operations: Router, fanfare: &Fanfare) -> Router {
        let seen = Seen { observation: self.clone(), fanfare: fanfare.clone() };
        let own = Router::new().route("/metrics", get(metrics)).route("/readyz", get(ready)).with_state(seen);
        let metrics = Arc::clone(&self.0.metrics);
        operations.layer(axum::middleware::from_fn_with_state(metrics, calls::count)).merge(own)
    }

    /// Says from now on that the server is not ready, because it stops.
    pub fn stops(&self) {
        self.0.stopping.store(true, Ordering::SeqCst);
    }

    /// Waits until what was seen is written down.
    pub async fn close(&self) {
        self.0.deliveries.close().await;
    }
}

/// What the pages look at.
#[derive(Debug, Clone)]
struct Seen {
    observation: Observation,
    fanfare: Fanfare,
}

async fn metrics(State(Seen { observation, fanfare }): State<Seen>) -> Response {
    let text = observation.0.metrics.text(&fanfare).await;
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

async fn ready(State(Seen { observation, fanfare }): State<Seen>) -> Response {
    ready::answer(observation.0.stopping.load(Ordering::SeqCst), &fanfare).await
}
