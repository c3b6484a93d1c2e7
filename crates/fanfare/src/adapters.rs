//! The adapters of the enabled features, set up together.

use std::error::Error;
use std::fmt;

use fanfare_core::Connectors;
use fanfare_wire::{Links, LinksError, Renderer, Signer};

#[cfg(feature = "aws")]
use fanfare_aws::{Aws, AwsConfig};
#[cfg(any(feature = "application", feature = "http", feature = "https"))]
use fanfare_egress::EgressPolicy;
#[cfg(any(feature = "email", feature = "email-json"))]
use fanfare_email::{EmailConfig, EmailConnector};
#[cfg(any(feature = "http", feature = "https"))]
use fanfare_http::{HttpConfig, HttpConnector};
#[cfg(feature = "lambda")]
use fanfare_lambda::{LambdaConfig, LambdaConnector};
#[cfg(feature = "application")]
use fanfare_push::{PushConfig, PushConnector};
#[cfg(feature = "sms")]
use fanfare_sms::{SmsConfig, SmsConnector};
#[cfg(feature = "sqs")]
use fanfare_sqs::{SqsConfig, SqsConnector};

/// Sets up the adapters of the enabled features with what they share: the links in envelopes and the key that signs them,
/// the rules for the addresses that may be connected to, and the way to AWS.
///
/// Each adapter has its defaults, and a method that replaces them. Setting up touches no network.
///
/// ```
/// use fanfare::{Adapters, Fanfare};
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # let _guard = runtime.enter();
/// let adapters = Adapters::new("https://sns.example.com")?;
/// let fanfare = Fanfare::builder().connectors(adapters.connectors()?).open();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Adapters {
    renderer: Renderer,
    #[cfg(any(feature = "http", feature = "https"))]
    http: HttpConfig,
    #[cfg(any(feature = "email", feature = "email-json"))]
    email: Option<EmailConfig>,
    #[cfg(feature = "aws")]
    aws: Aws,
    #[cfg(feature = "sqs")]
    sqs: SqsConfig,
    #[cfg(feature = "lambda")]
    lambda: LambdaConfig,
    #[cfg(feature = "sms")]
    sms: Option<SmsConfig>,
    #[cfg(feature = "application")]
    application: Option<PushConfig>,
}

impl Adapters {
    /// Adapters whose envelopes carry links below `public_url`, where subscribers confirm, unsubscribe and fetch the
    /// signing certificate. Envelopes are signed with a key made on first use.
    ///
    /// # Errors
    /// When `public_url` is not an absolute HTTP or HTTPS URL.
    pub fn new(public_url: &str) -> Result<Self, AdaptersError> {
        let links = Links::new(public_url).map_err(AdaptersError::Links)?;
        Ok(Self {
            renderer: Renderer::new(Signer::ephemeral(), links),
            #[cfg(any(feature = "http", feature = "https"))]
            http: HttpConfig::new(),
            #[cfg(any(feature = "email", feature = "email-json"))]
            email: None,
            #[cfg(feature = "aws")]
            aws: Aws::new(AwsConfig::new()),
            #[cfg(feature = "sqs")]
            sqs: SqsConfig::new(),
            #[cfg(feature = "lambda")]
            lambda: LambdaConfig::new(),
            #[cfg(feature = "sms")]
            sms: None,
            #[cfg(feature = "application")]
            application: None,
        })
    }

    /// Signs with `signer`.
    #[must_use]
    pub fn signer(mut self, signer: Signer) -> Self {
        self.renderer = Renderer::new(signer, self.renderer.links().clone());
        self
    }

    /// Connects to those addresses of subscribers that `policy` allows: the public ones unless set.
    #[cfg(any(feature = "application", feature = "http", feature = "https"))]
    #[must_use]
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        #[cfg(feature = "application")]
        {
            self.application = self.application.map(|config| config.egress(policy.clone()));
        }
        #[cfg(any(feature = "http", feature = "https"))]
        {
            self.http = self.http.egress(policy);
        }
        self
    }

    /// Sets HTTP and HTTPS up by `config`; its egress policy replaces one given before.
    #[cfg(any(feature = "http", feature = "https"))]
    #[must_use]
    pub fn http(mut self, config: HttpConfig) -> Self {
        self.http = config;
        self
    }

    /// Sends e-mails by `config`. Without it there is no relay to hand them to, and no connector for them.
    #[cfg(any(feature = "email", feature = "email-json"))]
    #[must_use]
    pub fn email(mut self, config: EmailConfig) -> Self {
        self.email = Some(config);
        self
    }

    /// Calls AWS by `config`: without it, by what the environment and the profile say, as every AWS SDK does.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn aws(mut self, config: AwsConfig) -> Self {
        self.aws = Aws::new(config);
        self
    }

    /// Sets delivery to queues up by `config`.
    #[cfg(feature = "sqs")]
    #[must_use]
    pub fn sqs(mut self, config: SqsConfig) -> Self {
        self.sqs = config;
        self
    }

    /// Sets delivery to functions up by `config`.
    #[cfg(feature = "lambda")]
    #[must_use]
    pub fn lambda(mut self, config: LambdaConfig) -> Self {
        self.lambda = config;
        self
    }

    /// Sends text messages by `config`, which has egress rules of its own. Without it there is nobody to hand them to, and no
    /// connector for them.
    #[cfg(feature = "sms")]
    #[must_use]
    pub fn sms(mut self, config: SmsConfig) -> Self {
        self.sms = Some(config);
        self
    }

    /// Delivers to devices by `config`, with its own egress policy. Without it there is no way to them, and no connector.
    #[cfg(feature = "application")]
    #[must_use]
    pub fn application(mut self, config: PushConfig) -> Self {
        self.application = Some(config);
        self
    }

    /// What makes the bodies of notifications: the connectors share it, and a connector of the program's own may, too.
    pub fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// The connectors of the enabled features.
    ///
    /// # Errors
    /// When the settings of an adapter do not work together, such as a certificate that cannot be read.
    pub fn connectors(&self) -> Result<Connectors, AdaptersError> {
        let connectors = Connectors::new();
        #[cfg(any(feature = "http", feature = "https"))]
        let connectors = connectors.with(
            HttpConnector::new(self.http.clone(), self.renderer.clone())
                .map_err(|error| AdaptersError::adapter("http and https", error))?,
        );
        #[cfg(any(feature = "email", feature = "email-json"))]
        let connectors = match &self.email {
            Some(config) => connectors.with(
                EmailConnector::new(config.clone(), self.renderer.clone())
                    .map_err(|error| AdaptersError::adapter("email and email-json", error))?,
            ),
            None => connectors,
        };
        #[cfg(feature = "sqs")]
        let connectors = connectors.with(SqsConnector::new(self.sqs.clone(), self.aws.clone(), self.renderer.clone()));
        #[cfg(feature = "lambda")]
        let connectors =
            connectors.with(LambdaConnector::new(self.lambda.clone(), self.aws.clone(), self.renderer.clone()));
        #[cfg(feature = "sms")]
        let connectors = match &self.sms {
            Some(config) => connectors
                .with(SmsConnector::new(config.clone()).map_err(|error| AdaptersError::adapter("sms", error))?),
            None => connectors,
        };
        #[cfg(feature = "application")]
        let connectors = match &self.application {
            Some(config) => connectors.with(
                PushConnector::new(config.clone(), self.aws.clone())
                    .map_err(|error| AdaptersError::adapter("application", error))?,
            ),
            None => connectors,
        };
        Ok(connectors)
    }
}

/// Why the adapters cannot be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum AdaptersError {
    /// The public URL cannot be used in links.
    Links(LinksError),
    /// The settings of an adapter do not work.
    Adapter {
        /// The protocols, for people.
        protocols: &'static str,
        /// What the adapter says.
        source: Box<dyn Error + Send + Sync>,
    },
}

#[cfg(any(
    feature = "application",
    feature = "email",
    feature = "email-json",
    feature = "http",
    feature = "https",
    feature = "sms"
))]
impl AdaptersError {
    fn adapter(protocols: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Adapter { protocols, source: Box::new(error) }
    }
}

impl fmt::Display for AdaptersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Links(error) => write!(f, "the public URL cannot be used: {error}"),
            Self::Adapter { protocols, source } => write!(f, "{protocols} cannot be set up: {source}"),
        }
    }
}

impl Error for AdaptersError {}
