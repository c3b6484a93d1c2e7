//! What a careful subscriber does with a request to confirm: verify the signature, then visit the link.

use async_trait::async_trait;
use fanfare::wire::verify::SourceError;
use fanfare::wire::{CertificateSource, VerifiedMessage, Verifier};
use fanfare_testkit::{HttpReceiver, SmtpReceiver};
use reqwest::Client;

use super::Trouble;
use super::receiver::Receiver;

/// Fetches certificates over HTTP.
#[derive(Debug)]
struct Fetch(Client);

#[async_trait]
impl CertificateSource for Fetch {
    async fn certificate(&self, url: &str) -> Result<String, SourceError> {
        Ok(self.0.get(url).send().await?.error_for_status()?.text().await?)
    }
}

/// Waits for the request to confirm to `name` and confirms, in the way that the receiver does it. Answers what was done, for
/// people.
pub(super) async fn confirm(receiver: &Receiver, name: &str, base: &str) -> Result<&'static str, Trouble> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    match receiver {
        Receiver::Web(web) => by_link(web, &client, base).await.map(|()| "confirmed, signature verified"),
        Receiver::Mail(server, _) => {
            by_button(server, &receiver.address(name), &client, base).await.map(|()| "confirmed, button pressed")
        }
        _ => Err("nobody here is asked to confirm".into()),
    }
}

/// Presses the button of the page that the request in an e-mail leads to.
async fn by_button(server: &SmtpReceiver, address: &str, client: &Client, base: &str) -> Result<(), Trouble> {
    let mut seen = 1;
    let request = loop {
        let mails = server.wait_for(seen).await;
        match mails.iter().find(|mail| mail.to == [address]) {
            Some(mail) => break mail.text().unwrap_or_default(),
            None => seen = mails.len() + 1,
        }
    };
    let link = request.lines().find(|line| line.starts_with(base)).ok_or("the e-mail has no link")?;
    client.post(link).send().await?.error_for_status()?;
    Ok(())
}

/// Verifies that the request comes from the server at `base`, and visits its link.
async fn by_link(receiver: &HttpReceiver, client: &Client, base: &str) -> Result<(), Trouble> {
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
