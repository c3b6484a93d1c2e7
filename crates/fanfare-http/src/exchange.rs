//! One request and its answer, within the bounds of time, size and address.

use std::time::Duration;

use bytes::Bytes;
use fanfare_core::delivery::RESPONSE_BYTES_MAX;
use fanfare_core::{DeliveryError, Host, Outcome, Timing};
use fanfare_egress::EgressPolicy;
use http::header::{CONTENT_ENCODING, HOST, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::classify::{self, Answer};
use crate::config::{ConfigError, HttpConfig};
use crate::connection::{Connection, Opener, SendError};
use crate::origin::Origin;
use crate::pool::{Lease, Pool};
use crate::retry_after;

/// Makes requests, one at a time for each call, as a connector's settings say.
#[derive(Debug)]
pub(crate) struct Exchanger {
    opener: Opener,
    pool: Pool,
    config: HttpConfig,
}

/// Where requests go, taken apart once.
#[derive(Debug, Clone)]
pub(crate) struct Destination {
    pub(crate) origin: Origin,
    /// Path and query.
    pub(crate) target: Uri,
    pub(crate) host: HeaderValue,
}

/// The end of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

/// An answer, as far as it came.
#[derive(Debug)]
pub(crate) struct Exchanged {
    answer: Answer,
    offers: Vec<HeaderValue>,
    broken: Option<DeliveryError>,
    timing: Timing,
}

impl Exchanger {
    pub(crate) fn new(config: HttpConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let opener = Opener::new(
            config.egress.clone(),
            #[cfg(feature = "https")]
            config.trust.client()?,
        );
        let pool = Pool::new(config.idle_timeout, config.idle_connections_per_host, config.idle_connections);
        Ok(Self { opener, pool, config })
    }

    pub(crate) fn egress(&self) -> &EgressPolicy {
        &self.config.egress
    }

    pub(crate) fn host(&self) -> &dyn Host {
        &*self.config.host
    }

    /// How long an attempt may take.
    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.config.attempt_timeout
    }

    /// Starts the clock of an attempt.
    pub(crate) fn deadline(&self) -> Deadline {
        Deadline { at: Instant::now() + self.config.attempt_timeout, limit: self.config.attempt_timeout }
    }

    /// Makes `request` and reads what is answered. Whether the destination may be connected to was judged as far as its URL tells.
    ///
    /// # Errors
    /// Whatever keeps an answer from beginning. An answer that begins and breaks off is an answer still.
    pub(crate) async fn post(
        &self,
        destination: &Destination,
        request: Box<Request<Full<Bytes>>>,
        deadline: Deadline,
    ) -> Result<Exchanged, DeliveryError> {
        let asked = Instant::now();
        let mut connect = None;
        let begun = timeout_at(deadline.at, self.send(destination, request, &mut connect)).await;
        let (response, connection, lease) =
            deadline.or_too_slow(begun).map_err(|error| error.with_timing(Timing { connect, first_byte: None }))?;
        let timing = Timing { connect, first_byte: Some(asked.elapsed()) };
        Ok(self.read(response, connection, lease, timing, deadline).await)
    }

    /// Sends `request` on a connection that was kept, or on a new one: then `connect` tells how long that took.
    async fn send(
        &self,
        destination: &Destination,
        mut request: Box<Request<Full<Bytes>>>,
        connect: &mut Option<Duration>,
    ) -> Result<(Response<Incoming>, Connection, Lease), DeliveryError> {
        let (lease, mut next) = self.pool.lease(&destination.origin).await;
        while let Some(mut kept) = next {
            match kept.send(request).await {
                Ok(response) => return Ok((response, kept, lease)),
                // It was closed in the very moment.
                Err(SendError { unsent: Some(unsent), .. }) => request = unsent,
                Err(SendError { error, .. }) => return Err(classify::broken(error)),
            }
            next = self.pool.another(&lease);
        }
        let began = Instant::now();
        // Apart, so that the many exchanges that open nothing have no room for it in them.
        let opened = Box::pin(self.opener.open(&destination.origin)).await;
        *connect = Some(began.elapsed());
        let mut connection = opened.map_err(classify::unopened)?;
        match connection.send(request).await {
            Ok(response) => Ok((response, connection, lease)),
            Err(SendError { error, .. }) => Err(classify::broken(error)),
        }
    }

    async fn read(
        &self,
        response: Response<Incoming>,
        mut connection: Connection,
        lease: Lease,
        timing: Timing,
        deadline: Deadline,
    ) -> Exchanged {
        let (head, mut body) = response.into_parts();
        let (mut retry_after, mut offers) = (None, Vec::new());
        // Whoever takes it asks for nothing.
        if !head.status.is_success() {
            let value = head.headers.get(RETRY_AFTER);
            retry_after = value.and_then(|value| retry_after::parse(value, self.config.host.now()));
            offers.extend(head.headers.get_all(WWW_AUTHENTICATE).iter().cloned());
        }
        let is_text = !head.headers.contains_key(CONTENT_ENCODING);

        let mut start = Vec::new();
        let mut bytes_left = self.config.answer_bytes_max;
        let reading = async {
            while let Some(frame) = connection.during(body.frame()).await {
                let Ok(chunk) = frame.map_err(classify::broken)?.into_data() else { continue };
                let kept = chunk.len().min(RESPONSE_BYTES_MAX - start.len());
                start.extend_from_slice(&chunk[..kept]);
                // What is longer is not read to its end, and its connection is not used again.
                let Some(left) = bytes_left.checked_sub(chunk.len()) else { return Ok(Read::Enough) };
                bytes_left = left;
            }
            Ok(Read::All)
        };
        let broken = match deadline.or_too_slow(timeout_at(deadline.at, reading).await) {
            Ok(Read::All) => {
                // Of one that is to be closed, this tells.
                if connection.is_usable() {
                    lease.park(connection);
                }
                None
            }
            Ok(Read::Enough) => None,
            Err(error) => Some(error),
        };
        let excerpt = (is_text && !start.is_empty()).then(|| String::from_utf8_lossy(&start).into_owned());
        let answer = Answer { status: head.status.as_u16(), retry_after, excerpt };
        Exchanged { answer, offers, broken, timing }
    }
}

impl Destination {
    /// The request that posts `body`.
    pub(crate) fn request(&self, headers: HeaderMap, body: Bytes) -> Box<Request<Full<Bytes>>> {
        let mut request = Box::new(Request::new(Full::new(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers;
        request.headers_mut().insert(HOST, self.host.clone());
        request
    }
}

/// How much of an answer was read.
enum Read {
    All,
    Enough,
}

impl Deadline {
    /// What came of a step, or that it took too long.
    fn or_too_slow<T>(self, step: Result<Result<T, DeliveryError>, Elapsed>) -> Result<T, DeliveryError> {
        step.unwrap_or_else(|_| Err(classify::too_slow(self.limit)))
    }
}

impl Exchanged {
    /// Whether the receiver wants to know who is asking.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.answer.status == StatusCode::UNAUTHORIZED
    }

    /// The ways in which it wants to be told: its `WWW-Authenticate` headers.
    pub(crate) fn offers(&self) -> &[HeaderValue] {
        &self.offers
    }

    /// What the attempt came to.
    pub(crate) fn outcome(self) -> Outcome {
        let outcome = match self.broken {
            None => classify::answer(self.answer),
            Some(error) => classify::broken_answer(self.answer, error),
        };
        match outcome {
            Ok(receipt) => Ok(receipt.with_timing(self.timing)),
            Err(error) => Err(error.with_timing(self.timing)),
        }
    }
}
