//! `fanfare serve`: a server that SDKs and the AWS CLI take for Amazon SNS.

use std::io::{Write as _, stderr, stdout};
use std::process::ExitCode;
use std::time::Duration;

use fanfare::Connector as _;
use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::egress::EgressPolicy;
use fanfare::wire::{Links, Renderer, Signer};
use fanfare::{Adapters, Connectors, Fanfare, SystemHost};
use fanfare_server::api;
use fanfare_server::auth::Mode;
use fanfare_server::emulate::{self, Outbox};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{Config, Place};

/// How long calls that are under way may take when the server stops, and then attempts that are under way.
const CALLS_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPTS_LIMIT: Duration = Duration::from_secs(20);

/// Anything that stops the server, in words.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Serves until somebody stops it.
pub(crate) async fn run(config: Config) -> ExitCode {
    match serve(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            let mut line = format!("fanfare: {trouble}");
            let mut cause = trouble.source();
            while let Some(under) = cause {
                line.push_str(&format!(": {under}"));
                cause = under.source();
            }
            // Nobody is left to tell when the terminal is gone; here and below.
            let _ = writeln!(stderr().lock(), "{line}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: Config) -> Result<(), Trouble> {
    let Config { settings, place, mode } = config;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error}: choose another address with --listen", settings.listen)
    })?;
    let address = listener.local_addr()?;
    let public_url = match settings.public_url {
        Some(url) => url,
        None => format!("http://{address}"),
    };
    let egress = settings.egress.into_iter().fold(EgressPolicy::internet(), EgressPolicy::allow);
    let (store, signer) = store(place)?;
    let mut connectors = Adapters::new(&public_url)?.egress(egress).signer(signer.clone()).connectors()?;
    let mut outbox = None;
    if !settings.outbox.is_empty() {
        let renderer = Renderer::new(signer.clone(), Links::new(&public_url)?);
        let kept = Outbox::new(settings.outbox, renderer, SystemHost);
        connectors = connectors.with(kept.clone());
        outbox = Some(kept);
    }
    let fanfare = open(store, connectors).await?;
    let mut router = api::router(fanfare.clone(), signer, mode.clone());
    if let Some(outbox) = outbox {
        let kept: Vec<_> = outbox.protocols().iter().map(ToString::to_string).collect();
        let _ = writeln!(
            stderr().lock(),
            "fanfare: WARNING: --outbox: deliveries over {} are listed at /_fanfare/outbox and NOT sent",
            kept.join(", ")
        );
        router = router.merge(emulate::router(outbox, mode.clone()));
    }

    if matches!(mode, Mode::Off(_)) {
        let _ = writeln!(
            stderr().lock(),
            "fanfare: WARNING: --auth off: signatures are NOT checked, whoever reaches {address} may do everything"
        );
    }
    let _ = writeln!(stdout().lock(), "fanfare listens on http://{address}");
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async {
        // A sender that is gone says the same as one that speaks.
        let _ = stopped.await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        ended = &mut serving => ended??,
    }
    let _ = stop.send(());
    if tokio::time::timeout(CALLS_LIMIT, &mut serving).await.is_err() {
        serving.abort();
    }
    fanfare.close_within(ATTEMPTS_LIMIT).await;
    Ok(())
}

/// The store, nothing of which is on disk when there is none, and what signs the messages.
fn store(place: Place) -> Result<(Option<DiskStore>, Signer), Trouble> {
    let Place::Directory(directory) = place else { return Ok((None, Signer::ephemeral())) };
    let store = DiskStore::open(directory, DiskOptions::default())?;
    let signer = tokio::task::block_in_place(|| fanfare::kept_signer(&store))?;
    Ok((Some(store), signer))
}

/// The engine over its store.
async fn open(store: Option<DiskStore>, connectors: Connectors) -> Result<Fanfare, Trouble> {
    let builder = Fanfare::builder().connectors(connectors);
    match store {
        Some(store) => Ok(builder.open_store(store).await?),
        None => Ok(builder.open()),
    }
}
