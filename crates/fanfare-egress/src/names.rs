//! Where the addresses of names come from.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::{denied::EgressDenied, host::HostName};

/// A name service: the system's, or one with fixed answers in tests.
///
/// It answers and judges nothing; [`EgressPolicy`](crate::EgressPolicy) judges every answer.
#[async_trait]
pub trait NameService: fmt::Debug + Send + Sync + 'static {
    /// All addresses of `name`, IPv4 and IPv6, in the order in which to try them; empty when it has none.
    ///
    /// # Errors
    /// When no answer was had, or the answer is that there is no such name (many systems do not tell the two apart).
    async fn addresses(&self, name: &HostName, scope: NameScope) -> io::Result<Vec<IpAddr>>;
}

/// How a name is completed before it is looked up.
///
/// Exhaustive: a name service must serve both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameScope {
    /// As it stands. A subscriber's `hooks.example` must not become `hooks.example.default.svc.cluster.local`.
    /// Many systems pass over their hosts file for such a lookup; a host that is listed there needs a rule.
    Absolute,
    /// With the system's search domains, for names that the operator allowed by a rule.
    Searched,
}

/// The name service of the operating system (`getaddrinfo`), which takes its thread away until it answers.
///
/// At most [`LOOKUPS_AT_ONCE`](Self::LOOKUPS_AT_ONCE) run at a time, also counting those whose caller has given up, so that
/// name servers that never answer cannot take every blocking thread of the runtime. There is no time limit here: the caller
/// has one on the whole exchange. Needs a tokio runtime.
#[derive(Debug)]
pub struct SystemNames {
    permits: Arc<Semaphore>,
}

impl SystemNames {
    /// How many lookups one instance runs at a time; the others wait.
    pub const LOOKUPS_AT_ONCE: usize = 64;

    /// The system's name service.
    pub fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(Self::LOOKUPS_AT_ONCE)) }
    }
}

impl Default for SystemNames {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl NameService for SystemNames {
    async fn addresses(&self, name: &HostName, scope: NameScope) -> io::Result<Vec<IpAddr>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let query = match scope {
            // The trailing dot is what keeps a resolver from trying its search domains.
            NameScope::Absolute => format!("{name}."),
            NameScope::Searched => name.to_string(),
        };
        tokio::task::spawn_blocking(move || {
            let _held_until_the_system_answers = permit;
            Ok((query, 0).to_socket_addrs()?.map(|found: SocketAddr| found.ip()).collect())
        })
        .await
        .map_err(io::Error::other)?
    }
}

/// Why [`EgressPolicy::resolve`](crate::EgressPolicy::resolve) gave no address.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// The host, its port or one of its addresses is refused. Not worth a quick retry.
    Denied(EgressDenied),
    /// The name has no address. Worth a retry: records come and go.
    NoAddress(HostName),
    /// The lookup of the name came to nothing, because it does not exist or because no server answered; the source is the
    /// system's error. Worth a retry.
    Lookup(HostName, io::Error),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(denied) => denied.fmt(f),
            Self::NoAddress(name) => write!(f, "{name} has no address"),
            Self::Lookup(name, _) => write!(f, "{name} could not be looked up"),
        }
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // `Denied` prints the refusal itself; it would stand twice in a chain.
            Self::Denied(_) | Self::NoAddress(_) => None,
            Self::Lookup(_, source) => Some(source),
        }
    }
}

impl From<EgressDenied> for ResolveError {
    fn from(denied: EgressDenied) -> Self {
        Self::Denied(denied)
    }
}
