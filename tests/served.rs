//! An engine on loopback with the pages behind its links.

use std::net::SocketAddr;

use fanfare::egress::EgressPolicy;
use fanfare::http::HttpConfig;
use fanfare::wire::Signer;
use fanfare::{Adapters, Fanfare, FanfareBuilder};
use fanfare_server::links;
use tokio::net::TcpListener;

/// An engine whose HTTP adapter may connect to loopback, and whose links work.
#[derive(Debug)]
pub struct Served {
    /// The engine.
    pub fanfare: Fanfare,
    /// What its links begin with, such as `http://127.0.0.1:40321`.
    pub base: String,
    /// Where the pages behind the links are served.
    pub pages: SocketAddr,
    /// The key of its signatures.
    pub signer: Signer,
}

impl Served {
    /// Starts an engine with settings of the test's own.
    ///
    /// # Panics
    /// When loopback has no port to give.
    pub async fn start(http: HttpConfig, set_up: impl FnOnce(FanfareBuilder) -> FanfareBuilder) -> Self {
        let (listener, pages) = listener().await;
        Self::serve(format!("http://{pages}"), listener, http, set_up)
    }

    /// As [`Served::start`], with links that begin with `base`, which somebody else serves.
    ///
    /// # Panics
    /// When loopback has no port to give, or `base` is not a URL.
    pub async fn start_at(base: &str, http: HttpConfig, set_up: impl FnOnce(FanfareBuilder) -> FanfareBuilder) -> Self {
        let (listener, _) = listener().await;
        Self::serve(base.to_owned(), listener, http, set_up)
    }

    fn serve(
        base: String,
        listener: TcpListener,
        http: HttpConfig,
        set_up: impl FnOnce(FanfareBuilder) -> FanfareBuilder,
    ) -> Self {
        let signer = Signer::ephemeral();
        let adapters = Adapters::new(&base).expect("the base is a URL").signer(signer.clone()).http(http);
        let connectors = adapters.connectors().expect("the settings work together");
        let fanfare = set_up(Fanfare::builder().connectors(connectors)).open();
        let router = links::router(fanfare.clone(), signer.clone());
        let pages = listener.local_addr().expect("a listener has an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { fanfare, base, pages, signer }
    }
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let addr = listener.local_addr().expect("a listener has an address");
    (listener, addr)
}

/// HTTP settings with which loopback may be connected to.
///
/// # Panics
/// Never: the rule is well formed.
pub fn loopback() -> HttpConfig {
    HttpConfig::new().egress(EgressPolicy::internet().allow("127.0.0.0/8".parse().expect("a CIDR")))
}
