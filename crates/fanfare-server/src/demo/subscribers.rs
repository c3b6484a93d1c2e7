//! The demo's subscribers: scripted receivers on loopback, one way of behaving each.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::{Destination, FilterPolicy, FilterPolicyScope, Protocol, Subscribe, SubscriptionArn};
use fanfare_testkit::{HttpReceiver, ReceivedRequest, Reply, TestCa};

use super::Trouble;
use super::data::Leftovers;

/// How long a failed attempt waits in the demo, where nobody wants to wait for Amazon SNS's 20 seconds.
const RETRY_DELAY: Duration = Duration::from_millis(120);

/// A receiver and the subscription that it is to have.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) protocol: Protocol,
    pub(super) receiver: HttpReceiver,
    pub(super) wish: Wish,
    /// Known once it is subscribed.
    pub(super) arn: Option<SubscriptionArn>,
}

/// What a subscriber asks for beyond its address.
#[derive(Debug)]
pub(super) enum Wish {
    Everything,
    Filtered(FilterPolicy),
    /// Filtered, and what cannot be delivered goes to the dead-letter receiver.
    Redriven(FilterPolicy),
    RetriedSoon,
    /// Not a subscription: it takes dead letters.
    DeadLetters,
}

/// Every receiver of the demo, those of an earlier one where they were.
pub(super) async fn all(ca: &TestCa, earlier: &Leftovers) -> Result<Vec<Subscriber>, Trouble> {
    let alarms = FilterPolicy::parse(r#"{"NewStateValue": ["ALARM"]}"#, FilterPolicyScope::MessageBody)?;
    let bounces = FilterPolicy::parse(r#"{"source": ["ses"]}"#, FilterPolicyScope::MessageAttributes)?;
    let start = async |name| match earlier.receivers.get(&path_of(name)) {
        Some(addr) => HttpReceiver::start_at(*addr).await,
        None => Ok(HttpReceiver::start().await),
    };
    let archive = match earlier.receivers.get(&path_of("archive")) {
        Some(addr) => HttpReceiver::start_tls_at(*addr, ca).await?,
        None => HttpReceiver::start_tls(ca).await,
    };
    let flaky = start("flaky").await?;
    flaky.reply_with(fails_twice_for("ObjectCreated"));
    let gone = start("mailbox").await?;
    gone.reply_with(Reply::by(|request| match is_notification(request) {
        true => Reply::status(410).body("this mailbox has moved out"),
        false => Reply::status(200),
    }));
    let http =
        |name, about, receiver, wish| Subscriber { name, about, protocol: Protocol::Http, receiver, wish, arn: None };
    Ok(vec![
        http("dashboard", "takes everything", start("dashboard").await?, Wish::Everything),
        Subscriber {
            protocol: Protocol::Https,
            ..http("archive", "takes everything, over TLS", archive, Wish::Everything)
        },
        http("pager", "wants alarms alone", start("pager").await?, Wish::Filtered(alarms)),
        http("flaky", "fails twice, then works", flaky, Wish::RetriedSoon),
        http("mailbox", "wants bounces, but is gone", gone, Wish::Redriven(bounces)),
        http("lost+found", "takes dead letters", start("lost+found").await?, Wish::DeadLetters),
    ])
}

impl Subscriber {
    /// Its subscription; nothing for the receiver of dead letters.
    pub(super) fn subscribe(&self, dead_letters: &Destination) -> Result<Option<Subscribe>, Trouble> {
        let subscribe = Subscribe::to(self.protocol.clone(), self.receiver.url(&path_of(self.name)));
        Ok(Some(match &self.wish {
            Wish::Everything => subscribe,
            Wish::Filtered(policy) => subscribe.filter_policy(policy.clone()),
            Wish::Redriven(policy) => subscribe.filter_policy(policy.clone()).dead_letters_to(dead_letters.clone()),
            Wish::RetriedSoon => subscribe.retry(RetrySchedule::extended([RetryPhase::constant(100, RETRY_DELAY)])?),
            Wish::DeadLetters => return Ok(None),
        }))
    }

    /// Where its messages come in.
    pub(super) fn destination(&self) -> Destination {
        Destination::address(self.protocol.clone(), self.receiver.url(&path_of(self.name)))
    }

    /// Whether the message came in here.
    pub(super) fn has(&self, message_id: &str) -> bool {
        let requests = self.receiver.requests();
        requests.iter().any(|r| is_notification(r) && r.header("x-amz-sns-message-id") == Some(message_id))
    }
}

/// The path of a receiver's URL.
fn path_of(name: &str) -> String {
    format!("/{name}")
}

fn is_notification(request: &ReceivedRequest) -> bool {
    request.header("x-amz-sns-message-type") == Some("Notification")
}

/// Fails the first two attempts for each message that contains `word`.
fn fails_twice_for(word: &'static str) -> Reply {
    let attempts: Mutex<HashMap<String, u32>> = Mutex::default();
    Reply::by(move |request| {
        let id = request.header("x-amz-sns-message-id").unwrap_or_default();
        if !is_notification(request) || !String::from_utf8_lossy(&request.body).contains(word) {
            return Reply::status(200);
        }
        let mut attempts = attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let attempt = attempts.entry(id.to_owned()).or_default();
        *attempt += 1;
        if *attempt <= 2 { Reply::status(503).body("try again") } else { Reply::status(200) }
    })
}
