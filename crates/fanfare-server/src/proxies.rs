//! Proxies in front of the server, and what they say of the requests that they pass on.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use ipnet::IpNet;

use crate::auth::{Origin, Transport};

/// What a proxy says about the client: addresses, each added by the proxy that saw it, and `http` or `https`.
const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";

/// The proxies that are believed.
///
/// Of a request that comes from one of them, `X-Forwarded-For` says where it came from: the last address in it that is not a
/// proxy's itself. And `X-Forwarded-Proto: https` says that it came over TLS. Of everybody else these headers count for nothing,
/// since anybody can write them.
///
/// ```
/// use fanfare_server::proxies::Proxies;
///
/// let proxies: Proxies = ["10.0.0.0/8".parse()?, "2001:db8::7".parse()?].into_iter().collect();
/// let router: axum::Router = proxies.around(axum::Router::new());
/// # Ok::<(), fanfare_server::proxies::InvalidProxy>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Proxies(Arc<[Proxy]>);

/// A proxy, or a block of addresses in which there are proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proxy(IpNet);

/// A text that is neither an address nor a block of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProxy(());

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a proxy is an address (192.0.2.1) or a block of addresses (192.0.2.0/24)")
    }
}

impl std::error::Error for InvalidProxy {}

impl FromStr for Proxy {
    type Err = InvalidProxy;

    fn from_str(text: &str) -> Result<Self, InvalidProxy> {
        let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(|net| Self(net.trunc())).map_err(|_| InvalidProxy(()))
    }
}

impl FromIterator<Proxy> for Proxies {
    fn from_iter<I: IntoIterator<Item = Proxy>>(proxies: I) -> Self {
        Self(proxies.into_iter().collect())
    }
}

impl Proxies {
    /// `router`, which finds out by their words how each request came ([`Origin`]). It has to be served with the addresses of
    /// clients (`ConnectInfo<SocketAddr>`), as [`Connections`](crate::connections::Connections) does.
    pub fn around(&self, router: Router) -> Router {
        if self.0.is_empty() { router } else { router.layer(from_fn_with_state(self.clone(), note)) }
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|proxy| proxy.0.contains(&address))
    }

    /// How a request came that `peer` sent with these headers.
    fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> Origin {
        if !self.trust(peer) {
            return Origin { address: Some(peer), transport: Transport::Plain };
        }
        let address = words(headers, FOR)
            .rev()
            // Beyond what is no address nobody knows who wrote it.
            .map_while(|word| word.parse().ok())
            .map(|address: IpAddr| address.to_canonical())
            .scan(true, |goes_on, address| {
                let found = goes_on.then_some(address);
                *goes_on = self.trust(address);
                found
            })
            .last();
        let is_secure = words(headers, PROTO).next_back().is_some_and(|word| word.eq_ignore_ascii_case("https"));
        let transport = if is_secure { Transport::Tls } else { Transport::Plain };
        Origin { address: Some(address.unwrap_or(peer)), transport }
    }
}

/// The entries of a list that may be spread over several headers, in their order.
fn words<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    let values: Vec<&str> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    let words: Vec<&str> = values.into_iter().flat_map(|value| value.split(',')).map(str::trim).collect();
    words.into_iter()
}

async fn note(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() {
        let origin = proxies.origin(peer.ip().to_canonical(), request.headers());
        request.extensions_mut().insert(origin);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(peer: &str, headers: &[(&'static str, &str)]) -> (String, Transport) {
        let proxies: Proxies = ["10.0.0.0/8", "2001:db8::7"].map(|proxy| proxy.parse().unwrap()).into_iter().collect();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let origin = proxies.origin(peer.parse().unwrap(), &map);
        (origin.address.unwrap().to_string(), origin.transport)
    }

    #[test]
    fn a_proxy_is_believed_and_nobody_else() {
        let words = [(FOR, "203.0.113.9"), (PROTO, "https")];
        assert_eq!(origin("10.1.2.3", &words), ("203.0.113.9".to_owned(), Transport::Tls));
        assert_eq!(origin("2001:db8::7", &words), ("203.0.113.9".to_owned(), Transport::Tls));
        assert_eq!(origin("198.51.100.1", &words), ("198.51.100.1".to_owned(), Transport::Plain));
        assert_eq!(origin("10.1.2.3", &[]), ("10.1.2.3".to_owned(), Transport::Plain));
        assert_eq!(origin("10.1.2.3", &[(PROTO, "http")]), ("10.1.2.3".to_owned(), Transport::Plain));
    }

    #[test]
    fn of_several_addresses_the_last_one_that_is_no_proxys_is_the_clients() {
        for (lists, client) in [
            (vec!["6.6.6.6, 203.0.113.9, 10.9.9.9"], "203.0.113.9"),
            (vec!["6.6.6.6", "203.0.113.9,10.9.9.9"], "203.0.113.9"),
            (vec!["10.7.7.7, 10.9.9.9"], "10.7.7.7"),
            (vec!["6.6.6.6, unknown, 10.9.9.9"], "10.9.9.9"),
            (vec!["::ffff:203.0.113.9"], "203.0.113.9"),
            (vec!["unknown"], "10.1.2.3"),
        ] {
            let headers: Vec<_> = lists.iter().map(|list| (FOR, *list)).collect();
            assert_eq!(origin("10.1.2.3", &headers).0, client, "{lists:?}");
        }
        assert_eq!(origin("10.1.2.3", &[(PROTO, "https"), (PROTO, "http")]).1, Transport::Plain);
    }

    #[test]
    fn what_is_no_address_is_no_proxy() {
        for text in ["", "proxy", "10.0.0.0/33", "10.0.0.0/"] {
            assert_eq!(text.parse::<Proxy>(), Err(InvalidProxy(())), "{text:?}");
        }
    }
}
