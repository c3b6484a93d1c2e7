//! What networks say later of messages that they took: kept for whoever asks why, and written into the delivery status logs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery};
use axum::http::StatusCode;
use axum::routing::get;
use fanfare::sms::{Callbacks, DeliveryReceipt, ReceiptObserver, ReceiptState};
use fanfare::{Host, SystemHost, Timestamp};
use url::form_urlencoded;

use super::status::SmsStatusLog;

/// Of how many messages receipts are kept; beyond that those of the oldest are forgotten.
const MESSAGES_MAX: usize = 10_000;

/// The longest body of a callback.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// Where gateways tell their receipts, below the server's URL.
const PATH: &str = "/_fanfare/sms";

/// What networks say later of messages that they took, of the last 10,000 messages since the server was started. A clone is the
/// same.
#[derive(Debug, Clone, Default)]
pub struct Receipts(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    told: HashMap<String, Vec<Told>>,
    order: VecDeque<String>,
    log: Option<Weak<SmsStatusLog>>,
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    /// The ARN of the subscription; nothing of a message to the phone alone.
    subscription: Option<String>,
    at: Timestamp,
    state: ReceiptState,
    words: String,
}

impl Receipts {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where gateways tell their receipts of a server at `public_url`.
    pub fn url(public_url: &str) -> String {
        format!("{}{PATH}", public_url.trim_end_matches('/'))
    }

    /// Takes receipts in by links of `callbacks`. Whoever calls is told nothing: not whether the link is right either.
    pub fn router(&self, callbacks: Callbacks) -> Router {
        let receipts = self.clone();
        let take =
            async move |Path((gateway, token)): Path<(String, String)>, RawQuery(query): RawQuery, body: String| {
                let query = query.unwrap_or_default();
                let parameters = [query.as_bytes(), body.as_bytes()].map(form_urlencoded::parse).into_iter().flatten();
                let parameters: Vec<_> = parameters.into_iter().collect();
                let parameters = parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
                if let Some(receipt) = callbacks.read(&gateway, &token, parameters) {
                    receipts.observe(&receipt);
                }
                StatusCode::NO_CONTENT
            };
        let route = get(take.clone()).post(take).layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
        Router::new().route(&format!("{PATH}/{{gateway}}/{{token}}"), route)
    }

    /// Has receipts noted in `log` from now on, as long as somebody else holds it: it holds the settings that hold these.
    pub(crate) fn log_to(&self, log: &Arc<SmsStatusLog>) {
        self.state().log = Some(Arc::downgrade(log));
    }

    /// What was said of a message to a subscription (`direct` stands for that of a message to a phone alone), in words.
    pub(crate) fn told(&self, message_id: &str, subscription: &str) -> Option<String> {
        let state = self.state();
        let told = state.told.get(message_id)?.iter().rev().find(|told| match &told.subscription {
            Some(known) => known == subscription,
            None => subscription.ends_with(":direct"),
        })?;
        let Told { at, state, words, .. } = told;
        let what = match state {
            ReceiptState::Delivered => "the phone has it".to_owned(),
            ReceiptState::Failed(reason) => format!("the phone has it not: {reason}"),
            _ => "something else".to_owned(),
        };
        let words = if words.is_empty() { String::new() } else { format!(" ({words})") };
        Some(format!("{at} its network said: {what}{words}"))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReceiptObserver for Receipts {
    fn observe(&self, receipt: &DeliveryReceipt) {
        let Some(sent) = &receipt.sent else {
            tracing::info!(target: "fanfare::sms", id = receipt.provider_id, "a receipt is of no message that is known");
            return;
        };
        let at = SystemHost.now();
        let log = {
            let mut state = self.state();
            if !state.told.contains_key(&sent.message_id) {
                state.order.push_back(sent.message_id.clone());
            }
            let subscription = sent.subscription.as_ref().map(ToString::to_string);
            let told = Told { subscription, at, state: receipt.state, words: receipt.told.clone() };
            let known = state.told.entry(sent.message_id.clone()).or_default();
            // A network that repeats itself says nothing new.
            known.retain(|other| other.subscription != told.subscription);
            known.push(told);
            while state.order.len() > MESSAGES_MAX {
                let oldest = state.order.pop_front();
                oldest.and_then(|oldest| state.told.remove(&oldest));
            }
            state.log.clone()
        };
        if let Some(log) = log.and_then(|log| log.upgrade()) {
            log.receipt(sent, receipt.state, at);
        }
    }
}
