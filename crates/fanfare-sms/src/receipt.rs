//! What a network says later of a message that it took.

use std::fmt;

use fanfare_core::{SubscriptionArn, Timestamp, TopicArn};

use crate::number::PhoneNumber;
use crate::reason::Reason;

/// What a network says later of a message that it took: whether the phone has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReceipt {
    /// The message; nothing when that is not known, as of one that was sent before the program started.
    pub sent: Option<Sent>,
    /// The id that the network gave the message, or the last part of it.
    pub provider_id: String,
    /// Whether the phone has it.
    pub state: ReceiptState,
    /// What the network said, in one line: its state and error code.
    pub told: String,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The `MessageId`.
    pub message_id: String,
    /// The topic, or what stands for it of a message to the phone alone.
    pub topic: TopicArn,
    /// The subscription; nothing of a message to the phone alone.
    pub subscription: Option<SubscriptionArn>,
    /// The phone.
    pub number: PhoneNumber,
    /// When the message was accepted from its publisher.
    pub accepted: Timestamp,
    /// Into how many parts it was cut.
    pub parts: usize,
}

/// Whether a phone has a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReceiptState {
    /// It has.
    Delivered,
    /// It has not, and will not.
    Failed(Reason),
}

/// Takes note of receipts.
///
/// `observe` is called in the midst of other work, so it must neither block nor take long.
pub trait ReceiptObserver: fmt::Debug + Send + Sync + 'static {
    /// Takes note of one receipt.
    fn observe(&self, receipt: &DeliveryReceipt);
}

impl<T: ReceiptObserver + ?Sized> ReceiptObserver for std::sync::Arc<T> {
    fn observe(&self, receipt: &DeliveryReceipt) {
        (**self).observe(receipt);
    }
}
