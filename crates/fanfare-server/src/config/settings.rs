//! The list of settings.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use fanfare::egress::Rule;
use fanfare::lambda::FunctionNames;
use fanfare::{Protocol, Quotas};
use fanfare_server::connections::Connections;
use fanfare_server::ingest::Source;
use fanfare_server::mobile::{Credentials, MobileSettings, OriginationNumber, Sandbox, UnknownEndpoints, Usd};
use fanfare_server::proxies::Proxy;
use tracing_subscriber::filter::Targets;

use super::secret::Secret;

/// Every setting of the server, as a field: its flag is `--public-url`, its variable `FANFARE_PUBLIC_URL`, its key in the
/// file `public_url`. A `Vec` is a list; a `Secret` is never printed, and gets a second setting, `...-file`, that names a
/// file to read it from. What one field cannot know of the others is checked in [`Config`](super::Config).
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9911")]
    pub(crate) listen: SocketAddr,
    /// Keep everything in this directory. Either this, `--memory` or `--test` is needed.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Keep everything in memory: it goes when the server stops.
    #[arg(long)]
    pub(crate) memory: bool,
    /// Be there for tests: `--memory`, `--auth off`, loopback may be delivered to, and deliveries that can reach nobody on a
    /// machine of tests are in the outbox; everything can be forgotten and time can be set forward, see
    /// COMING-FROM-LOCALSTACK.md. `fanfare test` is the same.
    #[arg(long)]
    pub(crate) test: bool,
    /// How many connections of clients may be open at a time; others wait. Half of the files that the system lets the program
    /// open, unless set.
    #[arg(long, value_name = "COUNT")]
    pub(crate) connections: Option<NonZeroUsize>,
    /// How long a client may keep still, within the head of a request, between requests or without taking its answer, before its
    /// connection is closed.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(crate) client_timeout: NonZeroU16,
    /// A proxy in front of this server, by its address or a block of addresses: it is believed what `X-Forwarded-For` and
    /// `X-Forwarded-Proto` say of the clients, for the conditions of policies (`aws:SourceIp`, `aws:SecureTransport`).
    #[arg(long = "trusted-proxy", value_name = "CIDR")]
    pub(crate) proxies: Vec<Proxy>,
    /// Where subscribers reach this server, for the links in messages. By default the address that it listens on.
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Whether callers must sign their requests.
    #[arg(long, value_enum, default_value_t = Auth::Sigv4)]
    pub(crate) auth: Auth,
    /// An access key that may call, and the account that it belongs to (12 digits).
    #[arg(long = "key", value_name = "ACCESS:SECRET:ACCOUNT")]
    pub(crate) keys: Vec<Secret>,
    /// Also deliver to these addresses that are not public: a block (10.0.0.0/8), an address, or a host suffix
    /// (.internal).
    #[arg(long = "egress-allow", value_name = "RULE")]
    pub(crate) egress: Vec<Rule>,
    /// Keep deliveries over these protocols in memory and list them at /_fanfare/outbox instead of sending them: for tests.
    #[arg(long, value_name = "PROTOCOL", value_delimiter = ',')]
    pub(crate) outbox: Vec<Protocol>,
    /// A relay that takes e-mails: smtps://USER:PASSWORD@HOST (TLS), smtp://USER:PASSWORD@HOST (STARTTLS), or
    /// smtp://HOST?starttls=off (in the clear). Of several, the first one that works is used. Relays may be on private
    /// addresses.
    #[arg(long, value_name = "URL")]
    pub(crate) smtp: Vec<Secret>,
    /// The address that e-mails come from. With `--smtp`, this lets addresses subscribe over email and email-json.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email_from: Option<String>,
    /// The sender's name in requests to confirm, and in e-mails of topics without a DisplayName. Fanfare unless set.
    #[arg(long, value_name = "NAME")]
    pub(crate) email_name: Option<String>,
    /// How many e-mails a second each subscription gets at the most, on average. 10 unless set, as with Amazon SNS.
    #[arg(long, value_name = "COUNT")]
    pub(crate) email_per_second: Option<NonZeroU32>,
    /// A PEM file of authorities whose certificates relays may show, beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) smtp_ca: Option<PathBuf>,
    /// A PEM file with the private key, RSA or Ed25519, that signs e-mails (DKIM).
    #[arg(long, value_name = "FILE")]
    pub(crate) dkim_key: Option<PathBuf>,
    /// Under which name the public key is in the DNS: SELECTOR._domainkey.DOMAIN.
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) dkim_selector: Option<String>,
    /// The domain that signs e-mails.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) dkim_domain: Option<String>,
    /// How a function is named in calls: by its ARN, as Amazon's own service wants it, or by its plain name, as small local
    /// runtimes such as `cargo lambda watch` want it.
    #[arg(long, value_enum, value_name = "NAMES", default_value_t = LambdaFunctionNames::Arn)]
    pub(crate) lambda_function_names: LambdaFunctionNames,
    /// The way to phones: smpp://SYSTEM_ID:PASSWORD@HOST:PORT or smpps:// (a network), kannel+http://USER:PASSWORD@HOST/PATH or
    /// kannel+https://, twilio://ACCOUNT:TOKEN@api.twilio.com, or sns://REGION (Amazon SNS). Without it, no phone can be
    /// subscribed. A private address has to be allowed with `--egress-allow`.
    #[arg(long, value_name = "URL")]
    pub(crate) sms: Option<Secret>,
    /// The sender of text messages that name none (`AWS.SNS.SMS.SenderID`, `DefaultSenderID`): a name of up to 11 letters and
    /// digits, or a number.
    #[arg(long, value_name = "SENDER")]
    pub(crate) sms_sender: Option<String>,
    /// Have networks and gateways tell whether phones have their messages: shown where it is asked why a message did not
    /// arrive, and in delivery status logs. Gateways have to reach the public URL for it.
    #[arg(long)]
    pub(crate) sms_receipts: bool,
    /// A PEM file of authorities whose certificates networks and gateways of text messages may show, beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) sms_ca: Option<PathBuf>,
    /// Hand pushes to endpoints that this server does not have, and to platforms that nothing goes to directly (ADM, BAIDU, MPNS,
    /// WNS), to Amazon SNS, which is called in the ways of every AWS SDK. Endpoints of this server are reached directly.
    #[arg(long)]
    pub(crate) push_through_sns: bool,
    /// Call APNs here instead of at api.push.apple.com and api.sandbox.push.apple.com. Addresses that are not public need
    /// `--egress-allow`.
    #[arg(long, value_name = "URL")]
    pub(crate) apns_url: Option<String>,
    /// Call FCM here instead of at fcm.googleapis.com. Access tokens come from the `token_uri` of each service account.
    #[arg(long, value_name = "URL")]
    pub(crate) fcm_url: Option<String>,
    /// A PEM file of authorities whose certificates push services may show, beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(crate) push_ca: Option<PathBuf>,
    /// Send text messages to verified numbers alone (`CreateSMSSandboxPhoneNumber`), as for new accounts of Amazon SNS.
    #[arg(long)]
    pub(crate) sms_sandbox: bool,
    /// What a part of a text message costs, in US dollars: what `MonthlySpendLimit` and `AWS.SNS.SMS.MaxPrice` go by.
    #[arg(long, value_name = "USD")]
    pub(crate) sms_price: Option<Usd>,
    /// A number that text messages can come from, with its country (`ListOriginationNumbers`).
    #[arg(long = "sms-origination-number", value_name = "NUMBER:COUNTRY")]
    pub(crate) origination_numbers: Vec<OriginationNumber>,
    /// Publish what a topic of another SNS server delivers to `/ingest/sns/<topic>` on a topic here. SOURCE is the ARN of the
    /// topic there, TOPIC the name or ARN of the topic here, and URL where the other server is: Amazon SNS, unless it is given.
    #[arg(long, value_name = "SOURCE=TOPIC[@URL]")]
    pub(crate) ingest: Vec<Source>,
    /// Let whoever has TOKEN (at least 16 characters) publish events at `/ingest/cloudevents/<topic>`. TOPIC is the name or ARN
    /// of the topic. Others sign their requests as for `Publish`.
    #[arg(long = "ingest-token", value_name = "TOPIC=TOKEN")]
    pub(crate) ingest_tokens: Vec<Secret>,
    /// Deliver the attributes of messages with `MessageStructure` `json` too. Amazon SNS does not, and uses them for filter
    /// policies alone.
    #[arg(long)]
    pub(crate) attributes_beside_json: bool,
    /// How many standard topics an account may have in a region.
    #[arg(long, value_name = "COUNT", default_value_t = Quotas::AMAZON_SNS.topics)]
    pub(crate) quota_topics: u64,
    /// How many FIFO topics an account may have in a region.
    #[arg(long, value_name = "COUNT", default_value_t = Quotas::AMAZON_SNS.fifo_topics)]
    pub(crate) quota_fifo_topics: u64,
    /// How many subscriptions a standard topic may have. A FIFO topic has at most 100.
    #[arg(long, value_name = "COUNT", default_value_t = Quotas::AMAZON_SNS.subscriptions)]
    pub(crate) quota_subscriptions: u64,
    /// How many subscriptions to the topics of an account may wait to be confirmed, in a region.
    #[arg(long, value_name = "COUNT", default_value_t = Quotas::AMAZON_SNS.pending_subscriptions)]
    pub(crate) quota_pending_subscriptions: u64,
    /// How many subscriptions of a topic may have a filter policy. As many as it has, unless set; Amazon SNS's quota is 200.
    #[arg(long, value_name = "COUNT")]
    pub(crate) quota_filter_policies: Option<u64>,
    /// What is logged, on standard error: `error`, `warn`, `info`, `debug`, `trace` or `off`, also for each part by itself
    /// (`warn,fanfare::api=debug` has a line for each call). What you leave out is not logged, neither delivery status
    /// (`fanfare::delivery=info`) nor what data protection policies audit (`fanfare::data_protection=info`).
    #[arg(long, value_name = "FILTER", default_value = "warn,fanfare::delivery=info,fanfare::data_protection=info")]
    pub(crate) log_level: Targets,
    /// How it is logged: for people, or a JSON object on each line.
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Write the delivery status logs that topics ask for (`HTTPFailureFeedbackRoleArn` and so on) to files below this
    /// directory. By default they are lines of the log, under `fanfare::delivery`.
    #[arg(long, value_name = "DIR")]
    pub(crate) delivery_log: Option<PathBuf>,
    /// How large a file of delivery status may become; the one before it is kept.
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024)]
    pub(crate) delivery_log_bytes: u64,
    /// How many topics `/metrics` tells apart: the first ones that are published to. The others are counted together.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000)]
    pub(crate) metrics_topics: usize,
    /// How long `/readyz` says that the server stops before it takes no more calls, so that whoever spreads calls over
    /// servers has time to notice.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) shutdown_delay: u16,
}

impl Settings {
    /// How much there may be of what accounts make.
    pub(crate) fn quotas(&self) -> Quotas {
        let mut quotas = Quotas::NONE;
        quotas.topics = self.quota_topics;
        quotas.fifo_topics = self.quota_fifo_topics;
        quotas.subscriptions = self.quota_subscriptions;
        quotas.pending_subscriptions = self.quota_pending_subscriptions;
        quotas.filter_policies = self.quota_filter_policies.unwrap_or(u64::MAX);
        quotas
    }

    /// What they say about the connections of clients.
    pub(crate) fn connections(&self) -> Connections {
        let connections = Connections::default().patience(Duration::from_secs(self.client_timeout.get().into()));
        self.connections.map_or(connections, |most| connections.most(most))
    }

    /// What they say about phones and devices.
    pub(crate) fn mobile(&self) -> MobileSettings {
        let mut mobile = MobileSettings::new();
        // Where pushes are listed instead of sent, whoever tests need not have credentials that work.
        if self.test || self.outbox.contains(&Protocol::Application) {
            mobile.credentials = Credentials::Unchecked;
        }
        if self.push_through_sns {
            mobile.unknown_endpoints = UnknownEndpoints::PassedOn;
        }
        if self.sms_sandbox {
            mobile.sandbox = Sandbox::On;
        }
        mobile.sms_price = self.sms_price;
        mobile.origination_numbers.clone_from(&self.origination_numbers);
        mobile
    }
}

/// How lines of the log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line of text.
    Text,
    /// A JSON object.
    Json,
}

/// Whether callers must sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// Every request must carry a valid signature of one of the keys.
    Sigv4,
    /// Nothing is checked.
    Off,
}

/// How functions are named in calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LambdaFunctionNames {
    /// By the ARN of the subscription.
    Arn,
    /// By the name alone, the version or alias beside it.
    Plain,
}

impl From<LambdaFunctionNames> for FunctionNames {
    fn from(names: LambdaFunctionNames) -> Self {
        match names {
            LambdaFunctionNames::Arn => Self::Arn,
            LambdaFunctionNames::Plain => Self::Plain,
        }
    }
}

/// Settings that say the same thing in different ways: whichever a stronger source gives, the others of a weaker one do not
/// count.
pub(super) const ALTERNATIVES: &[&[&str]] = &[&["data", "memory", "test"]];

/// Lists that the file may also have as an array of tables (`[[key]]`): the parts of an entry, joined by colons. A part that
/// is marked as secret may be in a file of its own (`secret_file`).
pub(super) const ROWS: &[Row] =
    &[Row { setting: "key", parts: &[("access", Part::Plain), ("secret", Part::Secret), ("account", Part::Plain)] }];

/// How a list is written as tables.
pub(super) struct Row {
    pub(super) setting: &'static str,
    pub(super) parts: &'static [(&'static str, Part)],
}

/// What a part of a row is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Plain,
    Secret,
}
