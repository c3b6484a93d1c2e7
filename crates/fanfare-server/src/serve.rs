//! `fanfare serve`: a server that SDKs and the AWS CLI take for Amazon SNS.

use std::io::{Write as _, stderr, stdout};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use fanfare::aws::{Aws, AwsConfig};
use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::egress::EgressPolicy;
use fanfare::email::EmailConfig;
use fanfare::http::{Fetcher, HttpConfig};
use fanfare::lambda::LambdaConfig;
use fanfare::push::{PushConfig, PushConnector};
use fanfare::sms::{Callbacks, SmsConfig};
use fanfare::wire::{Links, Renderer, Signer};
use fanfare::{
    Adapters, Connector, Connectors, Endpoint, Fanfare, FanfareBuilder, Host, Protocol, Quotas, SnsError, SystemHost,
};
use fanfare_server::api;
use fanfare_server::auth::{Mode, PublicHost};
use fanfare_server::data_protection::DataProtection;
use fanfare_server::emulate::{self, Clock, Outbox, TestServer};
use fanfare_server::ingest::{CloudEventsIngest, Documents, SnsIngest, Source, TopicToken};
use fanfare_server::mobile::{Mobile, MobileSettings, Receipts};
use fanfare_server::observe::{DeliveryLog, Observation};
use fanfare_server::proxies::Proxies;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::config::{Config, Place, Settings};
use crate::log;

/// How long calls that are under way may take when the server stops, and then attempts that are under way.
const CALLS_LIMIT: Duration = Duration::from_secs(5);
const ATTEMPTS_LIMIT: Duration = Duration::from_secs(20);

/// How long a certificate or a link of another server may take, whose message waits meanwhile.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// What a server for tests lists unless it is told what to list.
const BEYOND_THE_MACHINE: [Protocol; 6] =
    [Protocol::Email, Protocol::EmailJson, Protocol::Sms, Protocol::Application, Protocol::Sqs, Protocol::Lambda];

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
    let Config { settings, place, mode, tokens, email, sms, push } = config;
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        format!("cannot listen on {}: {error}: choose another address with --listen", settings.listen)
    })?;
    let address = listener.local_addr()?;
    let public_url = match &settings.public_url {
        Some(url) => url.clone(),
        None => format!("http://{address}"),
    };
    let observation = observation(&settings)?;
    let delay = Duration::from_secs(settings.shutdown_delay.into());
    let connections = settings.connections();
    let proxies: Proxies = settings.proxies.iter().copied().collect();
    let format = settings.log_format;
    let (served, router) =
        open(settings, place, &mode, tokens, Senders { email, sms, push }, &public_url, &observation).await?;
    let router = proxies.around(router.layer(Extension(PublicHost::of(&public_url))));
    if matches!(mode, Mode::Off(_)) {
        let what = format!("--auth off: signatures are NOT checked, whoever reaches {address} may do everything");
        log::warn(format, &what);
    }
    let _ = writeln!(stdout().lock(), "fanfare listens on http://{address}");
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async {
        // A sender that is gone says the same as one that speaks.
        let _ = stopped.await;
    };
    let mut serving = tokio::spawn(connections.serve(listener, router, stopped));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        ended = &mut serving => ended?,
    }
    observation.stops();
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        // Whoever asks twice does not want to wait.
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    let _ = stop.send(());
    if tokio::time::timeout(CALLS_LIMIT, &mut serving).await.is_err() {
        serving.abort();
    }
    served.close_within(ATTEMPTS_LIMIT).await;
    observation.close().await;
    Ok(())
}

/// What is served.
enum Served {
    Engine(Fanfare),
    Test(TestServer),
}

impl Served {
    async fn close_within(self, limit: Duration) {
        match self {
            Self::Engine(fanfare) => fanfare.close_within(limit).await,
            Self::Test(server) => server.close_within(limit).await,
        }
    }
}

/// Says what is missing to whoever subscribes an e-mail address where none can be sent.
#[derive(Debug)]
struct NoRelay;

impl Connector for NoRelay {
    fn protocols(&self) -> Vec<Protocol> {
        vec![Protocol::Email, Protocol::EmailJson]
    }

    fn connect(&self, protocol: &Protocol, _: &str) -> Result<Arc<dyn Endpoint>, SnsError> {
        Err(SnsError::invalid_parameter(format_args!(
            "Protocol Reason: this server does not deliver over {protocol}: start it with --smtp URL and --email-from ADDRESS"
        )))
    }
}

/// Who sends what needs more than an address.
struct Senders {
    email: Option<EmailConfig>,
    sms: Option<SmsConfig>,
    push: PushConfig,
}

/// The engine over its store, and everything that is served of it.
async fn open(
    settings: Settings,
    place: Place,
    mode: &Mode,
    tokens: Vec<TopicToken>,
    senders: Senders,
    public_url: &str,
    observation: &Observation,
) -> Result<(Served, Router), Trouble> {
    let (store, signer) = store(place)?;
    let quotas = settings.quotas();
    let of_mobile = settings.mobile();
    let clock = Clock::new();
    let host: Arc<dyn Host> = if settings.test { Arc::new(clock.clone()) } else { Arc::new(SystemHost) };
    let loopback = settings.test.then_some(["127.0.0.0/8", "::1/128", "localhost"]).into_iter().flatten();
    let loopback = loopback.map(|rule| rule.parse().expect("the rule is well formed"));
    let egress = settings.egress.into_iter().chain(loopback).fold(EgressPolicy::internet(), EgressPolicy::allow);
    let fetcher = Fetcher::new(HttpConfig::new().attempt_timeout(FETCH_TIMEOUT).egress(egress.clone()))?;
    let push = senders.push.egress(egress.clone()).host(Arc::clone(&host));
    let push = PushConnector::new(push, Aws::new(AwsConfig::new()))?;
    let lambda = LambdaConfig::new().function_names(settings.lambda_function_names.into());
    let adapters = Adapters::new(public_url)?.egress(egress.clone()).signer(signer.clone());
    let mut adapters = adapters.lambda(lambda);
    let mut callbacks = None;
    if let Some(mut sms) = senders.sms {
        if settings.sms_receipts {
            let told = Callbacks::new(&Receipts::url(public_url), receipt_secret(store.as_ref())?.as_bytes())?;
            sms = sms.receipts(of_mobile.receipts.clone(), told.clone());
            callbacks = Some(told);
        }
        adapters = adapters.sms(sms.egress(egress));
    }
    let mut connectors = match senders.email {
        Some(email) => adapters.email(email).connectors()?,
        None => adapters.connectors()?.with(NoRelay),
    };
    let listed = match settings.outbox {
        // What nobody on a machine of tests would take.
        listed if listed.is_empty() && settings.test => BEYOND_THE_MACHINE.to_vec(),
        listed => listed,
    };
    let renderer = Renderer::new(signer.clone(), Links::new(public_url)?);
    let outbox = Outbox::new(listed, renderer, Arc::clone(&host));
    if !outbox.protocols().is_empty() {
        connectors = connectors.with(outbox.clone());
        let listed: Vec<_> = outbox.protocols().iter().map(ToString::to_string).collect();
        let listed = listed.join(", ");
        let what = format!("deliveries over {listed} are listed at /_fanfare/outbox and NOT sent");
        log::warn(settings.log_format, &what);
    }
    let is_listed = outbox.protocols().contains(&Protocol::Application);
    let parts = Parts {
        connectors,
        push: (!is_listed).then_some(push),
        host,
        signer,
        mode: mode.clone(),
        mobile: of_mobile,
        sources: settings.ingest,
        tokens,
        documents: Documents::new(fetcher),
        observation: observation.clone(),
        attributes_beside_json: settings.attributes_beside_json,
        quotas,
        callbacks,
    };
    if settings.test {
        let open = move || {
            let (mobile, protection) = (Mobile::new(parts.mobile.clone()), DataProtection::new());
            let fanfare = parts.engine(&mobile, &protection).open();
            let router = parts.router(&fanfare, mobile, protection);
            (fanfare, router)
        };
        let server = TestServer::new(clock, outbox, mode.clone(), open);
        let router = server.router();
        return Ok((Served::Test(server), router));
    }
    let (mobile, protection) = (Mobile::new(parts.mobile.clone()), DataProtection::new());
    let builder = parts.engine(&mobile, &protection).delivery_threads(delivery_threads());
    let fanfare = match store {
        Some(store) => builder.open_store(store).await?,
        None => builder.open(),
    };
    let mut router = parts.router(&fanfare, mobile, protection);
    if !outbox.protocols().is_empty() {
        router = router.merge(emulate::router(outbox, mode.clone()));
    }
    Ok((Served::Engine(fanfare), router))
}

/// Half of the processors deliver; callers are served by whichever are free.
fn delivery_threads() -> NonZeroUsize {
    let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(processors / 2).unwrap_or(NonZeroUsize::MIN)
}

/// What an engine and its surface are made from; a server for tests makes them anew with each reset.
struct Parts {
    connectors: Connectors,
    /// What delivers to devices, unless they are listed in the outbox.
    push: Option<PushConnector>,
    host: Arc<dyn Host>,
    signer: Signer,
    mode: Mode,
    mobile: MobileSettings,
    sources: Vec<Source>,
    tokens: Vec<TopicToken>,
    documents: Documents,
    observation: Observation,
    attributes_beside_json: bool,
    quotas: Quotas,
    /// Where gateways tell whether phones have their messages, if they do.
    callbacks: Option<Callbacks>,
}

impl Parts {
    fn engine(&self, mobile: &Mobile, protection: &DataProtection) -> FanfareBuilder {
        let connectors = match &self.push {
            Some(push) => self.connectors.clone().with(push.serving(mobile.devices())),
            None => self.connectors.clone(),
        };
        let connectors = protection.guard(mobile.guard(connectors));
        let builder =
            self.observation.observing(Fanfare::builder()).connectors(connectors).host(Arc::clone(&self.host));
        let builder = builder.observer(mobile.push_status_observer(self.observation.deliveries()));
        let builder = builder.observer(mobile.sms_status_observer(self.observation.deliveries()));
        let builder = builder.quotas(self.quotas);
        if self.attributes_beside_json { builder.attributes_beside_json_structure() } else { builder }
    }

    /// Everything that is served of `fanfare`.
    fn router(&self, fanfare: &Fanfare, mobile: Mobile, protection: DataProtection) -> Router {
        let (signer, mode) = (self.signer.clone(), self.mode.clone());
        let router = api::router_with(fanfare.clone(), signer, mode, mobile, protection.clone());
        let events = CloudEventsIngest::new(fanfare.clone(), self.mode.clone(), self.tokens.clone());
        let router = router.merge(events.protected_by(protection.clone()).router());
        let mut router = self.observation.around(router, fanfare);
        if let Some(callbacks) = &self.callbacks {
            router = router.merge(self.mobile.receipts.router(callbacks.clone()));
        }
        if self.sources.is_empty() {
            return router;
        }
        let (sources, host) = (self.sources.clone(), Arc::clone(&self.host));
        let ingest = SnsIngest::new(fanfare.clone(), host, sources, self.documents.clone());
        router.merge(ingest.protected_by(protection).router())
    }
}

/// What operators see of the server.
fn observation(settings: &Settings) -> Result<Observation, Trouble> {
    let log = match &settings.delivery_log {
        Some(directory) => DeliveryLog::in_directory(directory, settings.delivery_log_bytes)?,
        None => DeliveryLog::structured(),
    };
    Ok(Observation::with(settings.metrics_topics, log))
}

/// What signs the links that gateways tell receipts by: kept with the messages, where these are kept.
fn receipt_secret(store: Option<&DiskStore>) -> Result<String, Trouble> {
    let fresh = || {
        let mut bytes = [0; 32];
        SystemHost.fill(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    match store {
        Some(store) => Ok(store.secret("sms-receipts.key", fresh)?),
        None => Ok(fresh()),
    }
}

/// The store, nothing of which is on disk when there is none, and what signs the messages.
fn store(place: Place) -> Result<(Option<DiskStore>, Signer), Trouble> {
    let Place::Directory(directory) = place else { return Ok((None, Signer::ephemeral())) };
    let store = DiskStore::open(directory, DiskOptions::default())?;
    let signer = tokio::task::block_in_place(|| fanfare::kept_signer(&store))?;
    Ok((Some(store), signer))
}
