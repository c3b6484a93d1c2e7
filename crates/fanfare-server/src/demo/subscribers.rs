//! The demo's subscribers: scripted receivers on loopback, one way of behaving each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use fanfare::aws::AwsConfig;
use fanfare::egress::EgressPolicy;
use fanfare::email::EmailConfig;
use fanfare::lambda::LambdaConfig;
use fanfare::push::{Application, Device, KnownDevices, PushConfig};
use fanfare::retry::{RetryPhase, RetrySchedule};
use fanfare::sms::{SmppConfig, SmsConfig};
use fanfare::sqs::SqsConfig;
use fanfare::{
    Adapters, Destination, FilterPolicy, FilterPolicyScope, Host as _, Platform, Protocol, Subscribe, SubscriptionArn,
    SystemHost,
};
use fanfare_testkit::{
    HttpReceiver, LambdaReceiver, Reply, SmppReceiver, SmtpReceiver, SqsReceiver, TestCa, WebPushReceiver,
};

use super::Trouble;
use super::data::Leftovers;
use super::receiver::{Receiver, is_notification, path_of};

/// How long a failed attempt waits in the demo, where nobody wants to wait for Amazon SNS's 20 seconds.
const RETRY_DELAY: Duration = Duration::from_millis(120);

/// A receiver and the subscription that it is to have.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) receiver: Receiver,
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
    let objects = FilterPolicy::parse(r#"{"source": ["s3"]}"#, FilterPolicyScope::MessageAttributes)?;
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
    let mails = Arc::new(SmtpReceiver::start().await);
    let mailbox = |protocol| Receiver::Mail(Arc::clone(&mails), protocol);
    let (queues, functions) = (Arc::new(SqsReceiver::start().await), LambdaReceiver::start().await);
    Ok(vec![
        of_http("dashboard", "takes everything", start("dashboard").await?, Wish::Everything),
        of_http("archive", "takes everything, over TLS", archive, Wish::Everything),
        of_http("pager", "wants alarms alone", start("pager").await?, Wish::Filtered(alarms.clone())),
        of_http("flaky", "fails twice, then works", flaky, Wish::RetriedSoon),
        of_http("mailbox", "wants bounces, but is gone", gone, Wish::Redriven(bounces)),
        of("operator", "a mailbox for alarms", mailbox(Protocol::Email), Wish::Filtered(alarms.clone())),
        of(
            "on-call",
            "a phone for alarms",
            Receiver::Phone(SmppReceiver::start().await),
            Wish::Filtered(alarms.clone()),
        ),
        of(
            "browser",
            "a browser, for alarms",
            Receiver::Browser(WebPushReceiver::start().await),
            Wish::Filtered(alarms),
        ),
        of("audit", "a program's mailbox", mailbox(Protocol::EmailJson), Wish::Everything),
        of("history", "a queue that takes everything", Receiver::Queue(Arc::clone(&queues)), Wish::Everything),
        of("thumbnails", "a function for new objects", Receiver::Function(functions), Wish::Filtered(objects)),
        of("lost-found", "a queue for dead letters", Receiver::Queue(queues), Wish::DeadLetters),
    ])
}

/// Shows the adapters where the demo's queues, functions, mailboxes, phones and browsers are.
pub(super) fn reachable(
    adapters: Adapters,
    subscribers: &[Subscriber],
    loopback: &EgressPolicy,
) -> Result<Adapters, Trouble> {
    let mut adapters = adapters.aws(AwsConfig::new().access_key("demo", "demo"));
    for subscriber in subscribers {
        adapters = match &subscriber.receiver {
            Receiver::Web(_) => adapters,
            Receiver::Mail(receiver, _) => {
                let relay = format!("smtp://{}?starttls=off", receiver.addr());
                // Nobody wants to wait for the tenth of a second between e-mails either.
                adapters.email(EmailConfig::new("fanfare@example.com")?.relay(relay.parse()?).per_second(None))
            }
            Receiver::Phone(receiver) => {
                let network = SmppConfig::new(&receiver.url(), "demo", "demo")?;
                adapters.sms(SmsConfig::smpp(network).egress(loopback.clone()))
            }
            Receiver::Queue(receiver) => adapters.sqs(SqsConfig::new().endpoint_url(&receiver.url())?),
            Receiver::Function(receiver) => adapters.lambda(LambdaConfig::new().endpoint_url(&receiver.url())?),
            Receiver::Browser(receiver) => {
                let address = subscriber.receiver.address(subscriber.name);
                adapters.application(pushing_to(receiver, address)?)
            }
        };
    }
    Ok(adapters)
}

/// Lets a browser of `receiver` subscribe, to be reached at `address` with a key of the demo's own.
fn pushing_to(receiver: &WebPushReceiver, address: String) -> Result<PushConfig, Trouble> {
    let mut key = [0; 32];
    SystemHost.fill(&mut key);
    let application = Application::new(Platform::WebPush, "mailto:fanfare@example.com", BASE64URL.encode(key));
    application.check()?;
    let devices = KnownDevices::new();
    devices.insert(address, Device::new(receiver.subscribe(), application));
    Ok(PushConfig::directly(devices).egress(EgressPolicy::internet().allow("127.0.0.0/8".parse()?)))
}

fn of(name: &'static str, about: &'static str, receiver: Receiver, wish: Wish) -> Subscriber {
    Subscriber { name, about, receiver, wish, arn: None }
}

fn of_http(name: &'static str, about: &'static str, receiver: HttpReceiver, wish: Wish) -> Subscriber {
    of(name, about, Receiver::Web(receiver), wish)
}

impl Subscriber {
    pub(super) fn protocol(&self) -> Protocol {
        self.receiver.protocol()
    }

    /// Its subscription; nothing for the receiver of dead letters.
    pub(super) fn subscribe(&self, dead_letters: &Destination) -> Result<Option<Subscribe>, Trouble> {
        let subscribe = Subscribe::to(self.protocol(), self.receiver.address(self.name));
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
        Destination::address(self.protocol(), self.receiver.address(self.name))
    }

    /// Whether the message of that id and text came in here.
    pub(super) fn has(&self, message_id: &str, text: &str) -> bool {
        self.receiver.has(self.name, message_id, text)
    }
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
