//! Phones and devices: what is kept about them, and what is checked before a message goes out to one.
//!
//! [`Mobile`] stands on both sides of the engine. Before it, the operations of Amazon SNS ask it about platform applications,
//! endpoints, opt-outs and the like. Behind it, [`Mobile::guard`] puts a check before the connectors that deliver, so that what an
//! operation said holds for every message, also for one that was published to a topic, and also when it is tried again later.
//! What is kept are documents of the engine (see [`fanfare::Documents`]).

pub(crate) mod push;
mod settings;
pub(crate) mod sms;

use std::sync::Arc;

use fanfare::push::Devices;
use fanfare::{Connectors, Documents, Fanfare, Observer, Owner, Protocol, SnsError, SnsErrorCode, WeakFanfare};
use tokio::sync::SetOnce;

use crate::observe::DeliveryLog;
use push::{Directory, EndpointArn, GuardedPush, KeptDevices, PushStatusLog};
use sms::{GuardedSms, Phones, SmsStatusLog, read_number};

pub use settings::{Credentials, MobileSettings, Sandbox, UnknownEndpoints};
pub(crate) use sms::spent_this_month;
pub use sms::{OriginationNumber, Receipts, Usd};

/// Phones and devices of one engine. A clone is the same.
///
/// It is made before the engine, because connectors are given to the engine when it is opened, and then told which engine it
/// belongs to:
/// ```
/// use fanfare::{Connectors, Fanfare};
/// use fanfare_server::mobile::{Mobile, MobileSettings};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let _guard = runtime.enter();
/// let mobile = Mobile::new(MobileSettings::new());
/// let fanfare = Fanfare::builder().connectors(mobile.guard(Connectors::new())).open();
/// mobile.bind(&fanfare);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Mobile(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: MobileSettings,
    bound: SetOnce<Bound>,
}

/// What there is once the engine is known.
#[derive(Debug)]
pub(crate) struct Bound {
    /// Weak, because the engine holds the connectors that hold this.
    fanfare: WeakFanfare,
    pub(crate) directory: Directory,
    pub(crate) phones: Phones,
}

impl Bound {
    /// The engine, unless it is gone.
    pub(crate) fn fanfare(&self) -> Option<Fanfare> {
        self.fanfare.upgrade()
    }

    fn engine(&self) -> Result<Fanfare, SnsError> {
        let closing = || SnsError::new(SnsErrorCode::InternalError, "nothing was accepted: the engine is closing");
        self.fanfare().ok_or_else(closing)
    }
}

impl Mobile {
    /// Phones and devices of an engine that is not open yet.
    pub fn new(settings: MobileSettings) -> Self {
        Self(Arc::new(Shared { settings, bound: SetOnce::new() }))
    }

    /// The same connectors, with a check before those that deliver to phones and to devices.
    #[must_use]
    pub fn guard(&self, connectors: Connectors) -> Connectors {
        let mut guarded = connectors.clone();
        for protocol in connectors.protocols() {
            match protocol {
                Protocol::Application => guarded = guarded.with(GuardedPush::new(connectors.clone(), self.clone())),
                Protocol::Sms => guarded = guarded.with(GuardedSms::new(connectors.clone(), self.clone())),
                _ => {}
            }
        }
        guarded
    }

    /// The devices of the platform endpoints that are kept, for a connector that delivers to them.
    pub fn devices(&self) -> impl Devices {
        KeptDevices::new(self.clone())
    }

    /// Says which engine it belongs to; another one later is ignored. Deliveries to phones and devices wait for this.
    pub fn bind(&self, fanfare: &Fanfare) {
        let documents: Documents = fanfare.documents().clone();
        let directory = Directory::new(documents.clone());
        let phones = Phones::new(documents, self.0.settings.clone());
        // That it was bound before is no harm.
        let _ = self.0.bound.set(Bound { fanfare: fanfare.downgrade(), directory, phones });
    }

    /// Notes that whoever has `number` wants no text messages of `owner`, as when `STOP` came from there. Messages to it are
    /// refused from now on; those that wait fail. Again is no error.
    ///
    /// # Errors
    /// `InvalidParameter` for what is no phone number; `InternalError` when it cannot be kept.
    pub async fn opt_out(&self, owner: &Owner, number: &str) -> Result<(), SnsError> {
        let bound = self.bound().await;
        let number = read_number(number)?;
        bound.phones.opt_out(owner, &number, bound.engine()?.now()).await
    }

    /// What notes in `log` what becomes of messages to devices, where their applications ask for it. To be given to the engine.
    pub fn push_status_observer(&self, log: Arc<DeliveryLog>) -> Arc<dyn Observer> {
        Arc::new(PushStatusLog::new(self.clone(), log))
    }

    /// What notes in `log` what becomes of text messages, where their accounts ask for it. To be given to the engine.
    pub fn sms_status_observer(&self, log: Arc<DeliveryLog>) -> Arc<dyn Observer> {
        let log = Arc::new(SmsStatusLog::new(self.clone(), log));
        self.0.settings.receipts.log_to(&log);
        log
    }

    /// Whether an endpoint is not kept here, and the connector is to decide what becomes of messages to it.
    pub(crate) async fn passes_on(&self, endpoint: &EndpointArn) -> bool {
        self.settings().unknown_endpoints == UnknownEndpoints::PassedOn
            && self.bound().await.directory.device(endpoint).is_err()
    }

    pub(crate) fn settings(&self) -> &MobileSettings {
        &self.0.settings
    }

    /// What there is, if the engine is known.
    pub(crate) fn bound_now(&self) -> Option<&Bound> {
        self.0.bound.get()
    }

    /// What there is, once the engine is known.
    pub(crate) async fn bound(&self) -> &Bound {
        self.0.bound.wait().await
    }
}
