//! Stand-ins for push services on loopback: each takes what its original takes, refuses what that refuses, and reads what it was
//! sent.

mod apns;
mod fcm;
mod jwt;
mod sns;
mod web_push;

pub use apns::{ApnsNotification, ApnsReceiver};
pub use fcm::FcmReceiver;
pub use sns::{SnsPublication, SnsReceiver, sns_error};
pub use web_push::{WebPushMessage, WebPushReceiver};
