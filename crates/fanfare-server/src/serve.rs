//! `fanfare serve`: a server that SDKs and the AWS CLI take for Amazon SNS.

use std::convert::Infallible;
use std::fmt;
use std::io::{Write as _, stderr, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use fanfare::Connector as _;
use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::egress::{EgressPolicy, Rule};
use fanfare::wire::{Links, Renderer, Signer};
use fanfare::{Adapters, Connectors, Fanfare, Owner, Protocol, SystemHost};
use fanfare_server::api;
use fanfare_server::auth::{Keys, Mode};
use fanfare_server::emulate::{self, Outbox};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// How long calls that are under way may take when the server stops, and then attempts that are under way.
const CALLS_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPTS_LIMIT: Duration = Duration::from_secs(20);

/// How to serve.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9911")]
    listen: SocketAddr,
    #[command(flatten)]
    place: Place,
    /// Where subscribers reach this server, for the links in messages. By default the address that it listens on.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Whether callers must sign their requests.
    #[arg(long, value_enum, default_value_t = Auth::Sigv4)]
    auth: Auth,
    /// An access key that may call, and the account that it belongs to (12 digits). May be given several times.
    #[arg(long = "key", value_name = "ACCESS:SECRET:ACCOUNT")]
    keys: Vec<KeyText>,
    /// Also deliver to these addresses that are not public: a block (10.0.0.0/8), an address, or a host suffix (.internal). May be
    /// given several times.
    #[arg(long = "egress-allow", value_name = "RULE")]
    egress: Vec<Rule>,
    /// Keep deliveries over these protocols in memory and list them at /_fanfare/outbox instead of sending them: for tests.
    #[arg(long, value_name = "PROTOCOL", value_delimiter = ',')]
    outbox: Vec<Protocol>,
}

/// Where messages are kept.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// Keep everything in this directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep everything in memory: it goes when the server stops.
    #[arg(long)]
    memory: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Auth {
    /// Every request must carry a valid signature of one of the keys.
    Sigv4,
    /// Nothing is checked.
    Off,
}

/// A key as it was given. It is read later, so that nothing prints it while the arguments are read.
#[derive(Clone)]
struct KeyText(String);

impl FromStr for KeyText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText")
    }
}

/// Anything that stops the server, in words.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Serves until somebody stops it.
pub(crate) async fn run(arguments: Arguments) -> ExitCode {
    match serve(arguments).await {
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

async fn serve(arguments: Arguments) -> Result<(), Trouble> {
    let mode = mode(&arguments)?;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error}: choose another address with --listen", arguments.listen)
    })?;
    let address = listener.local_addr()?;
    let public_url = match arguments.public_url {
        Some(url) => url,
        None if address.ip().is_unspecified() => {
            return Err("say with --public-url where subscribers reach this server: it listens on every address".into());
        }
        None => format!("http://{address}"),
    };
    let egress = arguments.egress.into_iter().fold(EgressPolicy::internet(), EgressPolicy::allow);
    let (store, signer) = arguments.place.open()?;
    let mut connectors = Adapters::new(&public_url)?.egress(egress).signer(signer.clone()).connectors()?;
    let mut outbox = None;
    if !arguments.outbox.is_empty() {
        let renderer = Renderer::new(signer.clone(), Links::new(&public_url)?);
        let kept = Outbox::new(arguments.outbox, renderer, SystemHost);
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

fn mode(arguments: &Arguments) -> Result<Mode, Trouble> {
    if arguments.auth == Auth::Off {
        return match arguments.keys.is_empty() {
            true => Ok(Mode::Off(Owner::default())),
            false => Err("--auth off checks no signature, so that --key has no use".into()),
        };
    }
    if arguments.keys.is_empty() {
        return Err("nobody could call: give at least one --key ACCESS:SECRET:ACCOUNT, or --auth off".into());
    }
    let keys = arguments.keys.iter().try_fold(Keys::new(), |keys, KeyText(text)| {
        let parts = text.split_once(':').and_then(|(access, rest)| Some((access, rest.rsplit_once(':')?)));
        let (access, (secret, account)) = parts.ok_or("a --key must have the form ACCESS:SECRET:ACCOUNT")?;
        Ok::<_, Trouble>(keys.with_key(access, secret, account)?)
    })?;
    Ok(Mode::SigV4(keys))
}

impl Place {
    /// The store, nothing of which is on disk when there is none, and what signs the messages.
    fn open(self) -> Result<(Option<DiskStore>, Signer), Trouble> {
        let Some(directory) = self.data else { return Ok((None, Signer::ephemeral())) };
        let store = DiskStore::open(directory, DiskOptions::default())?;
        let signer = tokio::task::block_in_place(|| fanfare::kept_signer(&store))?;
        Ok((Some(store), signer))
    }
}

/// The engine over its store.
async fn open(store: Option<DiskStore>, connectors: Connectors) -> Result<Fanfare, Trouble> {
    let builder = Fanfare::builder().connectors(connectors);
    match store {
        Some(store) => Ok(builder.open_store(store).await?),
        None => Ok(builder.open()),
    }
}
