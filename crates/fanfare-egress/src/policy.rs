//! The egress policy: which hosts, addresses and ports Fanfare may connect to.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use url::Url;

use crate::{
    address::{AddressClass, classify, embedded_ipv4},
    denied::{DenialKind, EgressDenied},
    host::{Host, HostName},
    metadata::{is_metadata_address, is_metadata_name},
    names::{NameScope, NameService, ResolveError, SystemNames},
    port::REFUSED_PORTS,
    rule::Rule,
};

/// How many addresses of one name [`EgressPolicy::resolve`] returns at most.
pub const MAX_ADDRESSES: usize = 64;

/// Decides which network addresses Fanfare may connect to.
///
/// Immutable once built and cheap to clone. It remembers no answer, so each connection is judged by what its name resolves to
/// at that moment. An adapter asks it three times:
///
/// 1. [`check_url`](Self::check_url) when an address is subscribed, and before each request: HTTP clients connect to a
///    literal address without any lookup;
/// 2. [`resolve`](Self::resolve) as the client's only name service, connecting to nothing but its answer;
/// 3. [`check_address`](Self::check_address) where a client reports, or lets one choose, the peer it connects to.
#[derive(Clone, Debug)]
pub struct EgressPolicy {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    rules: Vec<Rule>,
    refused_ports: BTreeSet<u16>,
    names: Arc<dyn NameService>,
}

/// Building: each call returns the changed policy and leaves clones made before as they were.
impl EgressPolicy {
    /// Only public addresses, no port of [`REFUSED_PORTS`], names resolved by the system.
    pub fn internet() -> Self {
        Self {
            inner: Arc::new(Inner {
                rules: Vec::new(),
                refused_ports: REFUSED_PORTS.iter().map(|&(port, _)| port).collect(),
                names: Arc::new(SystemNames::new()),
            }),
        }
    }

    /// Also allows what `rule` matches. Metadata services stay refused, and so do ports.
    #[must_use]
    pub fn allow(self, rule: Rule) -> Self {
        self.with(|inner| inner.rules.push(rule))
    }

    /// Allows `port` on every allowed host. Port 0 stays refused.
    #[must_use]
    pub fn allow_port(self, port: u16) -> Self {
        self.with(|inner| {
            inner.refused_ports.remove(&port);
        })
    }

    /// Refuses `ports` on every host, such as those that the server itself listens on. Of this and
    /// [`allow_port`](Self::allow_port) the later call counts.
    ///
    /// It holds for all hosts, since a machine does not know all addresses that lead back to it: refusing 443 ends
    /// delivery to most subscribers.
    #[must_use]
    pub fn deny_ports(self, ports: impl IntoIterator<Item = u16>) -> Self {
        self.with(|inner| inner.refused_ports.extend(ports))
    }

    /// Looks names up in `names` instead of the system's name service.
    #[must_use]
    pub fn with_names(self, names: Arc<dyn NameService>) -> Self {
        self.with(|inner| inner.names = names)
    }

    fn with(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        change(Arc::make_mut(&mut self.inner));
        self
    }
}

impl Default for EgressPolicy {
    /// [`internet`](Self::internet).
    fn default() -> Self {
        Self::internet()
    }
}

/// Asking.
impl EgressPolicy {
    /// Judges the host and the port of `url`, without a lookup. The scheme is the adapter's own matter.
    ///
    /// A URL without a port is judged by the usual port of its scheme; where the scheme has none known to the URL standard,
    /// the port is first judged by [`resolve`](Self::resolve).
    ///
    /// # Errors
    /// A host or a port that is refused, or a URL without a host.
    pub fn check_url(&self, url: &Url) -> Result<(), EgressDenied> {
        let host = Host::of(url).map_err(|_| EgressDenied::malformed())?;
        self.check_host(&host)?;
        url.port_or_known_default().map_or(Ok(()), |port| self.check_port(&host, port))
    }

    /// Judges one address to connect to; `host` is the name (or literal) by which the connection was asked for, if any.
    ///
    /// # Errors
    /// When the host, the address or the port is refused.
    pub fn check_address(&self, host: Option<&str>, address: IpAddr, port: u16) -> Result<(), EgressDenied> {
        let host = match host {
            Some(text) => Host::parse(text).map_err(|_| EgressDenied::malformed())?,
            None => Host::Address(address),
        };
        self.check_host(&host)?;
        self.check_port(&host, port)?;
        self.check_found(&host, address)
    }

    /// Looks `host` up and judges it, its port and every address found. Returns 1 to [`MAX_ADDRESSES`] different addresses
    /// in the order of the name service; a literal address is its own answer.
    ///
    /// One refused address refuses the whole answer. A name that leads to a public and to an inside address at once has no
    /// honest use: it is how rebinding gets past a check of the first address, with the client falling back to the second
    /// one when the first does not answer.
    ///
    /// # Errors
    /// A refusal, an empty answer, or a lookup that came to nothing.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        let host = Host::parse(host).map_err(|_| EgressDenied::malformed())?;
        self.check_host(&host)?;
        self.check_port(&host, port)?;
        let name = match &host {
            Host::Address(address) => return Ok(vec![SocketAddr::new(*address, port)]),
            Host::Name(name) => name,
        };
        let scope = if self.allows_name(name) { NameScope::Searched } else { NameScope::Absolute };
        let answer = self.inner.names.addresses(name, scope).await;
        let answer = answer.map_err(|source| ResolveError::Lookup(name.clone(), source))?;
        let mut found = Vec::new();
        for address in answer {
            // Also those beyond the maximum: they are part of what the name says about itself.
            self.check_found(&host, address)?;
            let address = SocketAddr::new(address, port);
            if found.len() < MAX_ADDRESSES && !found.contains(&address) {
                found.push(address);
            }
        }
        if found.is_empty() { Err(ResolveError::NoAddress(name.clone())) } else { Ok(found) }
    }

    fn check_host(&self, host: &Host) -> Result<(), EgressDenied> {
        let name = match host {
            Host::Address(address) => return self.check_found(host, *address),
            Host::Name(name) => name,
        };
        if is_metadata_name(name.as_str()) {
            return Err(EgressDenied::of_host(DenialKind::Metadata, host));
        }
        match name.class() {
            Some(class) if !self.allows_name(name) => Err(EgressDenied::of_host(DenialKind::Name(class), host)),
            _ => Ok(()),
        }
    }

    fn check_port(&self, host: &Host, port: u16) -> Result<(), EgressDenied> {
        if port == 0 || self.inner.refused_ports.contains(&port) {
            return Err(EgressDenied::of_host(DenialKind::Port(port), host));
        }
        Ok(())
    }

    /// Judges an address by itself and by the name that led to it.
    fn check_found(&self, host: &Host, address: IpAddr) -> Result<(), EgressDenied> {
        let deny = |kind| EgressDenied::of_address(kind, host, address);
        if is_metadata_address(address) {
            return Err(deny(DenialKind::Metadata));
        }
        if matches!(host, Host::Name(name) if self.allows_name(name)) {
            return Ok(());
        }
        // An allowed IPv6 address must not carry a refused IPv4 address past the rules.
        let inside = embedded_ipv4(address).into_iter().map(IpAddr::V4);
        match std::iter::once(address).chain(inside).find_map(|address| self.refused_class(address)) {
            Some(class) => Err(deny(DenialKind::Address(class))),
            None => Ok(()),
        }
    }

    fn refused_class(&self, address: IpAddr) -> Option<AddressClass> {
        classify(address).filter(|_| !self.inner.rules.iter().any(|rule| rule.allows_address(address)))
    }

    fn allows_name(&self, name: &HostName) -> bool {
        self.inner.rules.iter().any(|rule| rule.allows_name(name))
    }
}
