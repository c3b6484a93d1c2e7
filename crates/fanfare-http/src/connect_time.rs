//! How long a request waited for a connection to be made.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// Where the request that is being made wants the time noted.
    static NOTE: Arc<OnceLock<Duration>>;
}

/// Makes a request, and answers how long it took to connect for it; nothing when a connection was there, or when the request
/// ended before one was made.
pub(crate) async fn noted<T>(request: impl Future<Output = T>) -> (T, Option<Duration>) {
    let note = Arc::default();
    let done = NOTE.scope(Arc::clone(&note), request).await;
    (done, note.get().copied())
}

/// Notes the time that the client's connector takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NoteConnectTime;

impl<S> Layer<S> for NoteConnectTime {
    type Service = Noting<S>;

    fn layer(&self, connector: S) -> Noting<S> {
        Noting(connector)
    }
}

/// A connector whose time is noted.
#[derive(Debug, Clone)]
pub(crate) struct Noting<S>(S);

impl<S, Request> Service<Request> for Noting<S>
where
    S: Service<Request>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The client may connect for a request that has found another connection meanwhile: nobody asks for that time.
        let note = NOTE.try_with(Arc::clone).ok();
        let (begun, connecting) = (Instant::now(), self.0.call(request));
        Box::pin(async move {
            let connection = connecting.await;
            if let Some(note) = note {
                // Of several connections for one request, the first counts.
                let _ = note.set(begun.elapsed());
            }
            connection
        })
    }
}
