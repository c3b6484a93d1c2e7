//! A server that lives for tests: it forgets everything when it is told to, and its time is the test's.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use fanfare::{Fanfare, Host as _};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Mutex, RwLock};
use tower_service::Service as _;

use super::clock::Clock;
use super::desk::{admitted, in_json};
use super::outbox::Outbox;
use super::{localstack, routes, span};
use crate::auth::Mode;

/// How far the time may be set forward at once.
const ADVANCE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How long that may take: what is due meanwhile is really done, and receivers may be slow.
const ADVANCE_LIMIT: Duration = Duration::from_secs(60);

/// A server that lives for tests. Clones share it.
///
/// An engine and what it serves are made anew by each reset, so that nothing of before can be left over.
#[derive(Clone)]
pub struct TestServer(Arc<Shared>);

struct Shared {
    clock: Clock,
    outbox: Outbox,
    mode: Mode,
    open: Box<dyn Fn() -> (Fanfare, Router) + Send + Sync>,
    /// Written by a reset, which nothing passes by. A request holds it for as long as it takes to copy the router.
    current: RwLock<(Fanfare, Router)>,
    /// Held while the time goes on, so that two who set it forward do that one after the other.
    advancing: Mutex<()>,
}

impl TestServer {
    /// A server of what `open` opens: an engine that keeps everything in memory, on `clock` and with `outbox` among its
    /// connectors, and what is served of it to those that `mode` lets in.
    pub fn new(
        clock: Clock,
        outbox: Outbox,
        mode: Mode,
        open: impl Fn() -> (Fanfare, Router) + Send + Sync + 'static,
    ) -> Self {
        let current = RwLock::new(open());
        Self(Arc::new(Shared { clock, outbox, mode, open: Box::new(open), current, advancing: Mutex::default() }))
    }

    /// What is served: everything of the engine, and the requests in the table of the [module](super).
    pub fn router(&self) -> Router {
        Router::new()
            .route("/_fanfare/reset", post(reset))
            .route("/_fanfare/time", get(time).post(advance))
            .fallback(pass_on)
            .with_state(self.clone())
            .merge(routes::router(self.0.outbox.clone(), self.0.mode.clone()))
            .merge(localstack::router(self.clone()))
    }

    /// Stops, cutting off attempts that take longer than `limit`.
    pub async fn close_within(self, limit: Duration) {
        let fanfare = self.fanfare().await;
        fanfare.close_within(limit).await;
    }

    pub(super) async fn fanfare(&self) -> Fanfare {
        self.0.current.read().await.0.clone()
    }

    pub(super) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(super) fn mode(&self) -> &Mode {
        &self.0.mode
    }

    /// Forgets everything and begins anew.
    async fn reset(&self) {
        let Shared { clock, outbox, open, current, .. } = &*self.0;
        let mut current = current.write().await;
        clock.set_right();
        let (old, _) = std::mem::replace(&mut *current, open());
        old.close_within(Duration::ZERO).await;
        outbox.clear();
    }

    /// Lets `by` pass: goes from one thing that is due to the next, and waits until each is done. Answers whether all of it was
    /// done in time.
    async fn advance(&self, by: Duration) -> bool {
        let clock = &self.0.clock;
        let _turn = self.0.advancing.lock().await;
        let fanfare = self.fanfare().await;
        let end = clock.now() + by;
        let all = async {
            loop {
                let left = end.since(clock.now());
                match fanfare.at_rest().await {
                    Some(next) if next <= left => clock.advance(next),
                    _ => {
                        clock.advance(end.since(clock.now()));
                        fanfare.at_rest().await;
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(ADVANCE_LIMIT, all).await.is_ok()
    }

    fn shown_time(&self) -> serde_json::Value {
        let clock = &self.0.clock;
        json!({ "now": clock.now().to_string(), "aheadSeconds": clock.ahead().as_secs_f64() })
    }
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer")
            .field("clock", &self.0.clock)
            .field("outbox", &self.0.outbox)
            .finish_non_exhaustive()
    }
}

async fn pass_on(State(server): State<TestServer>, request: Request) -> Response {
    let mut router = server.0.current.read().await.1.clone();
    match router.call(request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

async fn reset(State(server): State<TestServer>, request: Request) -> Response {
    admitted(server.mode(), request, async |_, _| {
        server.reset().await;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

async fn time(State(server): State<TestServer>, request: Request) -> Response {
    admitted(server.mode(), request, async |_, _| Ok(in_json(StatusCode::OK, &server.shown_time()))).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: String,
}

async fn advance(State(server): State<TestServer>, request: Request) -> Response {
    admitted(server.mode(), request, async |_, body| {
        let asked: Advance = serde_json::from_slice(&body)
            .map_err(|error| format!("the body must be like {{\"advance\": \"1h\"}}: {error}"))?;
        let by = span::parse(&asked.advance).filter(|by| *by <= ADVANCE_MAX);
        let by = by.ok_or("advance must be a span of time such as 90s or 1h, at most 366 days")?;
        if server.advance(by).await {
            return Ok(in_json(StatusCode::OK, &server.shown_time()));
        }
        let mut shown = server.shown_time();
        shown["error"] = "there was more to do within that time than there was time to do it".into();
        Ok(in_json(StatusCode::GATEWAY_TIMEOUT, &shown))
    })
    .await
}
