//! Bare clients that post one body again and again: what delivery over HTTP is compared with.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::failure::{Failure, Result};
use crate::sample::{Meter, Sample};
use crate::tls;

/// What is posted, and to whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PostTask {
    /// By which client.
    pub(crate) client: Client,
    /// The ports of the endpoints; each gets one connection.
    pub(crate) ports: Vec<u16>,
    /// Bytes of each body.
    pub(crate) body_bytes: usize,
    /// Requests in all.
    pub(crate) count: u64,
    /// With TLS, trusting the authority in this file. Only for hyper.
    pub(crate) authority: Option<PathBuf>,
}

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Client {
    /// hyper's `client::conn::http1`, one `SendRequest` for each connection.
    Hyper,
    /// reqwest with its pool.
    Reqwest,
}

/// The headers that Amazon SNS sends beside the length.
const HEADERS: [(&str, &str); 7] = [
    ("x-amz-sns-message-type", "Notification"),
    ("x-amz-sns-message-id", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"),
    ("x-amz-sns-topic-arn", "arn:aws:sns:us-east-1:000000000000:bench"),
    ("x-amz-sns-subscription-arn", "arn:aws:sns:us-east-1:000000000000:bench:c9135db0-26c4-47ec-8998-413945fb5a96"),
    ("content-type", "text/plain; charset=UTF-8"),
    ("user-agent", "Amazon Simple Notification Service Agent"),
    ("accept-encoding", "gzip,deflate"),
];

impl PostTask {
    pub(super) fn perform(self) -> Result<Sample> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            match self.client {
                Client::Hyper => self.with_hyper().await,
                Client::Reqwest => self.with_reqwest().await,
            }
        })
    }

    async fn with_hyper(self) -> Result<Sample> {
        let body = Bytes::from(vec![b'x'; self.body_bytes]);
        let mut connections = Vec::new();
        for port in &self.ports {
            let mut connection = self.connect(*port).await?;
            send(&mut connection, *port, &body).await?;
            connections.push((connection, *port));
        }
        let left = Arc::new(AtomicU64::new(self.count));
        let mut posting = JoinSet::new();
        let meter = Meter::here()?;
        for (mut connection, port) in connections {
            let (left, body) = (Arc::clone(&left), body.clone());
            posting.spawn(async move {
                while another(&left) {
                    send(&mut connection, port, &body).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(ended) = posting.join_next().await {
            ended??;
        }
        meter.stop(self.count)
    }

    async fn connect(&self, port: u16) -> Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        let Some(authority) = &self.authority else {
            let (sender, connection) = handshake(TokioIo::new(stream)).await?;
            tokio::spawn(connection);
            return Ok(sender);
        };
        let stream = tls::trust(authority)?.connect(ServerName::try_from(tls::NAME)?, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn with_reqwest(self) -> Result<Sample> {
        let client = reqwest::Client::builder().no_proxy().http1_only().build()?;
        let body = Bytes::from(vec![b'x'; self.body_bytes]);
        for port in &self.ports {
            send_with(&client, *port, &body).await?;
        }
        let left = Arc::new(AtomicU64::new(self.count));
        let mut posting = JoinSet::new();
        let meter = Meter::here()?;
        for port in self.ports {
            let (left, body, client) = (Arc::clone(&left), body.clone(), client.clone());
            posting.spawn(async move {
                while another(&left) {
                    send_with(&client, port, &body).await?;
                }
                Ok::<_, Failure>(())
            });
        }
        while let Some(ended) = posting.join_next().await {
            ended??;
        }
        meter.stop(self.count)
    }
}

/// Takes one of what is left to do.
pub(super) fn another(left: &AtomicU64) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
}

async fn send(connection: &mut SendRequest<Full<Bytes>>, port: u16, body: &Bytes) -> Result<()> {
    connection.ready().await?;
    let mut request = Request::post(Uri::from_static("/")).header("host", format!("127.0.0.1:{port}"));
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    let answer = connection.send_request(request.body(Full::new(body.clone()))?).await?;
    if answer.status() != 200 {
        return Err(Failure::new(format!("the sink answered {}", answer.status())));
    }
    answer.into_body().collect().await?;
    Ok(())
}

async fn send_with(client: &reqwest::Client, port: u16, body: &Bytes) -> Result<()> {
    let mut request = client.post(format!("http://127.0.0.1:{port}/"));
    for (name, value) in HEADERS {
        request = request.header(name, value);
    }
    request.body(body.clone()).send().await?.error_for_status()?.bytes().await?;
    Ok(())
}
