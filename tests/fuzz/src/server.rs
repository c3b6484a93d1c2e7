//! The server whose messages the targets render and verify: fixed, so that an input always means the same.

use std::sync::LazyLock;

use fanfare_core::{Notification, SubscriptionArn, TopicArn};
use fanfare_wire::{Links, Renderer, Signer, SigningKey, VerifiedMessage, Verifier, VerifyError};
use tokio::runtime::{Builder, Runtime};

/// Where the server's links begin.
pub(super) const BASE: &str = "https://sns.example.com";

/// The server's certificate.
pub(super) const CERTIFICATE_PEM: &str = include_str!("../../../crates/fanfare-wire/tests/fixture/certificate.pem");

const PRIVATE_KEY_PEM: &str = include_str!("../../../crates/fanfare-wire/tests/fixture/private-key.pem");

pub(super) fn topic() -> TopicArn {
    TopicArn::parse("arn:aws:sns:us-east-1:000000000000:orders").expect("it has the six elements")
}

pub(super) fn subscription() -> SubscriptionArn {
    SubscriptionArn::new(&topic(), "9f21")
}

/// The body of `notification`, signed unless it has a sequence number.
pub(super) fn rendered(notification: &Notification) -> Vec<u8> {
    static RENDERER: LazyLock<Renderer> = LazyLock::new(|| {
        let key = SigningKey::from_pem(PRIVATE_KEY_PEM, CERTIFICATE_PEM).expect("the fixed key is readable");
        Renderer::new(Signer::with_key(key), Links::new(BASE).expect("the base is a web address"))
    });
    block_on(RENDERER.body(notification)).expect("a fixed key signs everything").to_vec()
}

/// What a subscriber that trusts the server makes of `body`.
pub(super) fn verified(body: &[u8]) -> Result<VerifiedMessage, VerifyError> {
    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
        Verifier::trusting(BASE, |_: &str| Ok(CERTIFICATE_PEM.to_owned())).expect("the base is a web address")
    });
    block_on(VERIFIER.verify(body))
}

fn block_on<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().build().expect("a runtime without drivers needs nothing");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
