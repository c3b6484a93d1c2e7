//! Opening a session: a connection that the egress rules allow, TLS where it is asked for, and the bind.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fanfare_core::{DeliveryError, DeliveryErrorKind as Kind};
use fanfare_egress::{EgressPolicy, ResolveError};
use futures_util::Stream;
use rusmpp::pdus::BindTransceiver;
use rusmpp::types::COctetString;
use rusmpp::values::InterfaceVersion;
use rusmppc::{Client, ConnectionBuilder, Event};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::config::SmppConfig;
use crate::classify::smpp as classify;

/// The longest request of a network that is read.
const REQUEST_BYTES_MAX: usize = 64 << 10;

/// A session that is bound.
pub(super) struct Session {
    pub(super) client: Client,
    /// What the network sends by itself.
    pub(super) events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    /// What reads and writes, until the session ends.
    pub(super) connection: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What a session goes over.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Opens a session with the network of `config`.
///
/// # Errors
/// What is in the way; all of it is tried again.
pub(super) async fn open(
    config: &SmppConfig,
    egress: &EgressPolicy,
    tls: Option<&Arc<ClientConfig>>,
    response_timeout: Duration,
) -> Result<Session, DeliveryError> {
    let tcp = connect(config, egress).await?;
    let wire: Box<dyn Wire> = match tls {
        None => Box::new(tcp),
        Some(tls) => {
            let host = config.host.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(host).map_err(|error| classify::no_tls(std::io::Error::other(error)))?;
            Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, tcp).await.map_err(classify::no_tls)?)
        }
    };
    let (client, events, connection) = ConnectionBuilder::new()
        .max_command_length(REQUEST_BYTES_MAX)
        .enquire_link_interval(config.enquire_link)
        .enquire_link_response_timeout(response_timeout)
        .enable_auto_enquire_link_response()
        .response_timeout(response_timeout)
        // It knows version 5.0 alone, which few networks speak; what is sent here is the same in 3.4.
        .disable_interface_version_check()
        .no_spawn()
        .connected(wire);
    let connection = Box::pin(polled_to_the_end(connection, config.window.get()));
    let mut session = Session { client, events: Box::pin(events), connection };
    tokio::select! {
        bound = session.client.bind_transceiver(bind(config)?) => { bound.map_err(classify::failure)?; }
        () = &mut session.connection => return Err(classify::interrupted()),
    }
    Ok(session)
}

/// `connection`, polled as often as it takes.
///
/// The library does a bounded amount of work when it is polled, two requests and five messages from its clients, and then waits for
/// something to happen on the wire, also when there is more to do: what is left would wait for the next `enquire_link`. So it is
/// polled often enough for as much as can have come together, which costs little when there is nothing.
async fn polled_to_the_end(connection: impl Future<Output = ()>, window: usize) {
    let mut connection = std::pin::pin!(connection);
    // Each request of the window, and its withdrawal; receipts and `enquire_link` come one by one.
    let rounds = window / 2 + 8;
    std::future::poll_fn(|context| {
        let ended = (0..rounds).any(|_| connection.as_mut().poll(context).is_ready());
        if ended { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

async fn connect(config: &SmppConfig, egress: &EgressPolicy) -> Result<TcpStream, DeliveryError> {
    let host = config.host.as_str();
    let found = egress.resolve(host, config.port).await.map_err(|error| match error {
        ResolveError::Denied(denied) => crate::classify::denied(denied),
        other => DeliveryError::retry(Kind::Unreachable, "the name of the smsc did not resolve").with_source(other),
    })?;
    let mut last = std::io::ErrorKind::AddrNotAvailable.into();
    for address in found {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                // Else each request waits for the acknowledgement of the one before.
                tcp.set_nodelay(true).map_err(classify::unconnected)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(classify::unconnected(last))
}

fn bind(config: &SmppConfig) -> Result<BindTransceiver, DeliveryError> {
    // The lengths were checked with the settings.
    let misfit = |_| DeliveryError::retry(Kind::Misconfigured, "the settings of the network do not fit its protocol");
    Ok(BindTransceiver::builder()
        .system_id(COctetString::from_string(config.system_id.clone()).map_err(misfit)?)
        .password(COctetString::from_string(config.password.clone()).map_err(misfit)?)
        .system_type(COctetString::from_string(config.system_type.clone()).map_err(misfit)?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build())
}
