//! Settings of the adapter.

use fanfare_aws::{ConfigError, EndpointUrl};

/// The most messages that SQS takes in one call.
const BATCH_MAX: usize = 10;

/// The most bytes that every SQS takes in one call; newer ones take more.
const BATCH_BYTES_MAX: usize = 262_144;

/// Settings of delivery to queues.
///
/// ```
/// use fanfare_sqs::SqsConfig;
///
/// let larger_batches = SqsConfig::new().batch_bytes_max(1_048_576);
/// # assert_ne!(larger_batches, SqsConfig::new());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqsConfig {
    pub(crate) batch_max: usize,
    pub(crate) batch_bytes_max: usize,
    pub(crate) endpoint_url: Option<EndpointUrl>,
}

impl SqsConfig {
    /// Batches of up to 10 messages and 262,144 bytes.
    pub fn new() -> Self {
        Self { batch_max: BATCH_MAX, batch_bytes_max: BATCH_BYTES_MAX, endpoint_url: None }
    }

    /// Puts at most `bytes` of messages and their attributes into one call, 262,144 unless set: every SQS takes so many, and
    /// Amazon's own now 1,048,576. A message that alone is larger is sent alone, and the queue decides.
    #[must_use]
    pub fn batch_bytes_max(mut self, bytes: usize) -> Self {
        self.batch_bytes_max = bytes;
        self
    }

    /// Sends each message with a call of its own, as some emulators want it.
    #[must_use]
    pub fn without_batches(mut self) -> Self {
        self.batch_max = 1;
        self
    }

    /// Calls SQS at `url`, whatever the region and whatever the settings for all of AWS say.
    ///
    /// # Errors
    /// When `url` is not an HTTP or HTTPS URL, or has a user, a query or a fragment.
    pub fn endpoint_url(mut self, url: &str) -> Result<Self, ConfigError> {
        self.endpoint_url = Some(EndpointUrl::parse(url)?);
        Ok(self)
    }
}

impl Default for SqsConfig {
    /// [`SqsConfig::new`].
    fn default() -> Self {
        Self::new()
    }
}
