//! One queue.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::operation::RequestId as _;
use fanfare_core::{
    Batch, DeliveryError, DeliveryErrorKind, Endpoint, Format, Limits, Notification, Outcome, Protocol, Slot,
};
use fanfare_wire::Renderer;
use futures_util::future::join_all;

use crate::classify;
use crate::client::{Sqs, in_region_of};
use crate::config::SqsConfig;
use crate::queue::Queue;
use crate::request::QueueMessage;

/// A queue that notifications are sent to.
///
/// `Display` is the queue's ARN.
pub(crate) struct SqsEndpoint {
    pub(crate) queue: Queue,
    pub(crate) config: SqsConfig,
    pub(crate) renderer: Renderer,
    pub(crate) sqs: Arc<Sqs>,
}

/// A slot and what the queue is to be sent for it.
type Prepared<'s> = (&'s mut Slot, QueueMessage);

#[async_trait]
impl Endpoint for SqsEndpoint {
    fn protocol(&self) -> Protocol {
        Protocol::Sqs
    }

    fn limits(&self) -> Limits {
        let batch_max = NonZeroUsize::new(self.config.batch_max).unwrap_or(NonZeroUsize::MIN);
        // A batch that is refused as a whole is followed by a call for each of its messages.
        Limits::batches_of(batch_max, self.config.batch_bytes_max).within(self.sqs.aws().attempt_timeout() * 2)
    }

    async fn deliver(&self, notification: &Notification) -> Outcome {
        let message = self.message(notification).await?;
        self.send(message).await
    }

    async fn deliver_batch(&self, batch: &mut Batch<'_>) {
        let mut prepared = Vec::new();
        for slot in batch.open() {
            match self.message(slot.notification()).await {
                Ok(message) => prepared.push((slot, message)),
                Err(error) => slot.settle(Err(error)),
            }
        }
        // Envelopes are larger than what the engine counts, so that there may be more than one call.
        let chunks = chunks(prepared, self.config.batch_max, self.config.batch_bytes_max);
        join_all(chunks.into_iter().map(|chunk| self.deliver_chunk(chunk))).await;
    }
}

impl SqsEndpoint {
    /// What the queue is sent for `notification`. A dead letter that cannot be a message of its own comes in the envelope,
    /// which can carry everything: there is nothing behind a dead-letter queue.
    async fn message(&self, notification: &Notification) -> Result<QueueMessage, DeliveryError> {
        match self.rendered(notification).await {
            Err(error) if error.kind() == DeliveryErrorKind::Unsupported && is_raw_dead_letter(notification) => {
                self.rendered(&notification.clone().enveloped()).await
            }
            rendered => rendered,
        }
    }

    async fn rendered(&self, notification: &Notification) -> Result<QueueMessage, DeliveryError> {
        let body = self.renderer.body(notification).await.map_err(classify::unrendered)?;
        QueueMessage::of(notification, &body, &self.queue)
    }

    /// Sends one message.
    async fn send(&self, message: QueueMessage) -> Outcome {
        let call = self.sqs.client(&self.queue).await.send_message().queue_url(self.queue.url());
        let call = message.single(call).customize().config_override(in_region_of(&self.queue));
        classify::sent(call.send().await)
    }

    /// Sends what fits into one call, and settles all of it.
    async fn deliver_chunk(&self, mut chunk: Vec<Prepared<'_>>) {
        if chunk.len() > 1 {
            match self.send_batch(&mut chunk).await {
                Ok(()) => return,
                Err(error) if !classify::is_about_a_message(&error) => return settle_alike(chunk, error),
                Err(_) => {}
            }
        }
        join_all(chunk.into_iter().map(async |(slot, message)| slot.settle(self.send(message).await))).await;
    }

    /// Sends several messages in one call.
    ///
    /// # Errors
    /// When the call as a whole failed; no slot is settled then.
    async fn send_batch(&self, chunk: &mut [Prepared<'_>]) -> Result<(), DeliveryError> {
        let entries = chunk.iter().enumerate().map(|(id, (_, message))| message.clone().entry(id)).collect();
        let call = self.sqs.client(&self.queue).await.send_message_batch();
        let call = call.queue_url(self.queue.url()).set_entries(Some(entries));
        let call = call.customize().config_override(in_region_of(&self.queue));
        let output = call.send().await.map_err(classify::batch_failure)?;
        let taken = output.successful().iter().map(|entry| (entry.id(), classify::taken(output.request_id(), entry)));
        let refused = output.failed().iter().map(|entry| (entry.id(), classify::refused(entry)));
        for (id, outcome) in taken.chain(refused) {
            if let Some((slot, _)) = id.parse().ok().and_then(|at: usize| chunk.get_mut(at)) {
                slot.settle(outcome);
            }
        }
        // The first outcome of a slot stays, so that this is for those without any.
        chunk.iter_mut().for_each(|(slot, _)| slot.settle(classify::unmentioned()));
        Ok(())
    }
}

fn is_raw_dead_letter(notification: &Notification) -> bool {
    notification.is_dead_letter() && notification.format() == Format::Raw
}

/// What is wrong with the queue is wrong for every message.
fn settle_alike(chunk: Vec<Prepared<'_>>, error: DeliveryError) {
    for (slot, _) in chunk {
        slot.settle(Err(classify::again(&error)));
    }
}

/// Parts of at most `count` messages and `bytes` bytes, in order; what alone is larger is alone.
fn chunks(prepared: Vec<Prepared<'_>>, count: usize, bytes: usize) -> Vec<Vec<Prepared<'_>>> {
    let mut chunks: Vec<Vec<Prepared<'_>>> = Vec::new();
    let mut size = 0;
    for (slot, message) in prepared {
        let more = message.bytes();
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < count && size + more <= bytes => {
                size += more;
                chunk.push((slot, message));
            }
            _ => {
                size = more;
                chunks.push(vec![(slot, message)]);
            }
        }
    }
    chunks
}

impl fmt::Display for SqsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.queue, f)
    }
}

impl fmt::Debug for SqsEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqsEndpoint({})", self.queue)
    }
}
