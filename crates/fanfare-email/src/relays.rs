//! Which relay is asked, and which one next.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fanfare_core::{DeliveryError, Outcome, Receipt, Timing};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::{Instant, timeout};

use crate::classify;
use crate::config::{ConfigError, EmailConfig};
use crate::pool::Pool;
use crate::relay::Security;
use crate::request::Letter;

/// How long a relay that failed is asked after the others.
const AVOIDED_FOR: Duration = Duration::from_secs(30);

/// The relays in the order in which they are asked.
///
/// An e-mail's text is given to one relay in an attempt: once a relay has begun to read it, no other one is asked.
#[derive(Debug)]
pub(crate) struct Relays {
    relays: Vec<Standing>,
    attempt_timeout: Duration,
}

/// A relay, and when it last failed.
#[derive(Debug)]
struct Standing {
    pool: Pool,
    failed: Mutex<Option<Instant>>,
}

impl Relays {
    pub(crate) fn new(config: &EmailConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let needs_tls = config.relays.iter().any(|relay| relay.security != Security::Plain);
        let tls = if needs_tls { Some(Arc::new(config.trust.client()?)) } else { None };
        let hello = config.hello.clone().map_or_else(ClientId::default, ClientId::Domain);
        let relays = config.relays.iter().map(|relay| Standing {
            pool: Pool::new(relay.clone(), config, tls.clone(), hello.clone()),
            failed: Mutex::default(),
        });
        Ok(Self { relays: relays.collect(), attempt_timeout: config.attempt_timeout })
    }

    pub(crate) fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// Hands `letter` to the first relay that works.
    pub(crate) async fn send(&self, letter: &Letter) -> Outcome {
        let mut first: Option<DeliveryError> = None;
        let deadline = Instant::now() + self.attempt_timeout;
        for relay in self.in_order() {
            let left = deadline.saturating_duration_since(Instant::now());
            let fault = match timeout(left, relay.pool.send(letter)).await {
                Ok(Ok(accepted)) => {
                    relay.note(None);
                    let timing = Timing { connect: accepted.connect, ..Timing::default() };
                    return Ok(Receipt::new()
                        .with_status(accepted.code)
                        .with_response(accepted.text)
                        .with_timing(timing));
                }
                Ok(Err(fault)) => fault,
                Err(_) => {
                    relay.note(Some(Instant::now()));
                    return Err(first.unwrap_or_else(|| classify::too_slow(relay.pool.relay(), self.attempt_timeout)));
                }
            };
            let is_the_relays_own = fault.is_the_relays_own();
            let error = classify::failure(relay.pool.relay(), fault);
            if !is_the_relays_own {
                return Err(error);
            }
            relay.note(Some(Instant::now()));
            first.get_or_insert(error);
        }
        Err(first.expect("there is at least one relay, as the settings were checked"))
    }

    /// Those that failed lately come last.
    fn in_order(&self) -> Vec<&Standing> {
        let mut relays: Vec<_> = self.relays.iter().collect();
        relays.sort_by_key(|relay| relay.failed_lately());
        relays
    }
}

impl Standing {
    fn note(&self, failed: Option<Instant>) {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = failed;
    }

    fn failed_lately(&self) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|at| at.elapsed() < AVOIDED_FOR)
    }
}
