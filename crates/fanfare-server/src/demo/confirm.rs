//! What a careful subscriber does with a request to confirm: verify the signature, then visit the link.

use async_trait::async_trait;
use fanfare::wire::verify::SourceError;
use fanfare::wire::{CertificateSource, VerifiedMessage, Verifier};

use super::Trouble;
use super::receiver::Receiver;

/// Fetches certificates over HTTP.
#[derive(Debug)]
struct Fetch(reqwest::Client);

#[async_trait]
impl CertificateSource for Fetch {
    async fn certificate(&self, url: &str) -> Result<String, SourceError> {
        Ok(self.0.get(url).send().await?.error_for_status()?.text().await?)
    }
}

/// Waits for the request to confirm, verifies that it comes from the server at `base`, and confirms.
pub(super) async fn confirm(receiver: &Receiver, base: &str) -> Result<(), Trouble> {
    let Receiver::Web(receiver) = receiver else { return Err("nobody here is asked to confirm".into()) };
    let client = reqwest::Client::builder().no_proxy().build()?;
    let verifier = Verifier::trusting(base, Fetch(client.clone()))?;
    let requests = receiver.wait_for(1).await;
    match verifier.verify(&requests[0].body).await? {
        VerifiedMessage::SubscriptionConfirmation(request) => {
            client.get(request.subscribe_url()?).send().await?.error_for_status()?;
            Ok(())
        }
        _ => Err("the first message was not a request to confirm".into()),
    }
}
