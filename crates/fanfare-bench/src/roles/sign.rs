//! One signature after the other: what messages to single endpoints are compared with.

use bytes::Bytes;
use fanfare::SignatureVersion;
use fanfare::wire::Signer;
use serde::{Deserialize, Serialize};

use crate::failure::Result;
use crate::sample::{Meter, Sample};

/// Signs as the server does (RSA of 2,048 bits with SHA-1, Amazon SNS's default), on one thread at a time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct SignTask {
    /// For how long.
    pub(crate) seconds: f64,
}

impl SignTask {
    pub(super) fn perform(self) -> Result<Sample> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            let signer = Signer::ephemeral();
            signer.certificate().await?;
            let text = Bytes::from(vec![b'x'; 700]);
            let meter = Meter::here()?;
            let mut signatures = 0;
            while meter.elapsed().as_secs_f64() < self.seconds {
                signer.sign(SignatureVersion::V1, text.clone()).await?;
                signatures += 1;
            }
            meter.stop(signatures)
        })
    }
}
