//! The adapters of the enabled features, set up together.

use std::fmt;

use fanfare_core::Connectors;
use fanfare_egress::EgressPolicy;
use fanfare_http::{ConfigError, HttpConfig, HttpConnector};
use fanfare_wire::{Links, LinksError, Renderer, Signer};

/// Sets up the adapters of the enabled features with what they share: the links in envelopes, the key that signs them,
/// and the rules for the addresses that may be connected to.
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
    links: Links,
    signer: Signer,
    http: HttpConfig,
}

impl Adapters {
    /// Adapters whose envelopes carry links below `public_url`, where subscribers confirm, unsubscribe and fetch the
    /// signing certificate. Envelopes are signed with a key made on first use; only public addresses may be connected to.
    ///
    /// # Errors
    /// When `public_url` is not an absolute HTTP or HTTPS URL.
    pub fn new(public_url: &str) -> Result<Self, AdaptersError> {
        let links = Links::new(public_url).map_err(AdaptersError::Links)?;
        Ok(Self { links, signer: Signer::ephemeral(), http: HttpConfig::new() })
    }

    /// Signs with `signer`.
    #[must_use]
    pub fn signer(mut self, signer: Signer) -> Self {
        self.signer = signer;
        self
    }

    /// Connects to what `policy` allows.
    #[must_use]
    pub fn egress(mut self, policy: EgressPolicy) -> Self {
        self.http = self.http.egress(policy);
        self
    }

    /// Sets HTTP and HTTPS up by `config`; its egress policy replaces one given before.
    #[must_use]
    pub fn http(mut self, config: HttpConfig) -> Self {
        self.http = config;
        self
    }

    /// The connectors of the enabled features.
    ///
    /// # Errors
    /// When the settings of an adapter do not work together, such as a certificate that cannot be read.
    pub fn connectors(&self) -> Result<Connectors, AdaptersError> {
        let renderer = Renderer::new(self.signer.clone(), self.links.clone());
        let http = HttpConnector::new(self.http.clone(), renderer).map_err(AdaptersError::Http)?;
        Ok(Connectors::new().with(http))
    }
}

/// Why the adapters cannot be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum AdaptersError {
    /// The public URL cannot be used in links.
    Links(LinksError),
    /// The settings of HTTP and HTTPS do not work.
    Http(ConfigError),
}

impl fmt::Display for AdaptersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Links(error) => write!(f, "the public URL cannot be used: {error}"),
            Self::Http(error) => write!(f, "http and https cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for AdaptersError {}
