//! How a request came.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;

/// How a request came, for the conditions of access policies (`aws:SourceIp`, `aws:SecureTransport`).
///
/// A program that serves the [`router`](crate::api::router) itself puts one into the extensions of each request, and
/// [`Proxies`](crate::proxies::Proxies) puts one there behind a proxy. Without one the address is that of axum's [`ConnectInfo`],
/// where the router is served with it, and the transport is plain: no header that a client could have written is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// Where it came from; unknown by default.
    pub address: Option<IpAddr>,
    /// Over what it came.
    pub transport: Transport,
}

/// Over what a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP, readable on the way.
    #[default]
    Plain,
    /// HTTPS.
    Tls,
}

impl Origin {
    pub(super) fn of(head: &Parts) -> Self {
        let stated = head.extensions.get::<Self>().copied();
        let peer = head.extensions.get::<ConnectInfo<SocketAddr>>();
        stated.unwrap_or_else(|| Self { address: peer.map(|peer| peer.0.ip().to_canonical()), ..Self::default() })
    }
}
