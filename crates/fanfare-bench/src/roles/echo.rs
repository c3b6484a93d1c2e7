//! A server that does nothing: what publishing over HTTP is compared with.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::sink::Listening;
use super::{end_with_input, tell};
use crate::failure::Result;

/// A bare hyper server, which reads each request to its end and answers as long as `Publish` is answered.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct EchoTask {
    /// Bytes of each answer.
    pub(crate) answer_bytes: usize,
}

impl EchoTask {
    pub(super) fn perform(self) -> Result<()> {
        end_with_input();
        // As many threads as the server that it stands beside takes: tokio's own choice.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            tell(&Listening { ports: vec![listener.local_addr()?.port()] })?;
            let answer = Bytes::from(vec![b'x'; self.answer_bytes]);
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                let answer = answer.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let _ = request.into_body().collect().await;
                        Ok::<_, Infallible>(Response::new(Full::new(answer)))
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        })
    }
}
