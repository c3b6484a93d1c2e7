//! Settings of the adapter.

use fanfare_aws::{ConfigError, EndpointUrl};

/// How a function is named in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FunctionNames {
    /// By its ARN, as the subscription has it: Amazon's own service finds functions of other accounts by it.
    #[default]
    Arn,
    /// By its plain name, and the version or alias beside it, as small local runtimes want it.
    Plain,
}

/// Settings of delivery to functions.
///
/// ```
/// use fanfare_lambda::{FunctionNames, LambdaConfig};
///
/// let local = LambdaConfig::new().function_names(FunctionNames::Plain);
/// # assert_ne!(local, LambdaConfig::new());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LambdaConfig {
    pub(crate) names: FunctionNames,
    pub(crate) endpoint_url: Option<EndpointUrl>,
}

impl LambdaConfig {
    /// Functions are named by their ARNs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names functions in this way.
    #[must_use]
    pub fn function_names(mut self, names: FunctionNames) -> Self {
        self.names = names;
        self
    }

    /// Calls Lambda at `url`, whatever the region and whatever the settings for all of AWS say.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a user, a query or a fragment.
    pub fn endpoint_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.endpoint_url = Some(EndpointUrl::parse(url)?);
        Ok(self)
    }
}
