#![doc = include_str!("../README.md")]

pub mod arn;
pub mod attribute;
pub mod batch;
pub mod connector;
pub mod delivery;
pub mod endpoint;
pub mod engine;
pub mod error;
pub mod filter;
pub mod host;
pub mod journal;
pub mod message;
pub mod notification;
pub mod protocol;
pub mod publication;
mod registry;
pub mod retry;
pub mod subscription;
pub mod topic;

pub use arn::{SubscriptionArn, TopicArn, TopicName};
pub use attribute::{AttributeValue, Attributes, MessageAttribute};
pub use batch::{Batch, Slot};
pub use connector::{Connector, Connectors};
pub use delivery::{DeliveryError, DeliveryErrorKind, Disposition, Outcome, Receipt};
pub use endpoint::{Endpoint, Limits};
pub use engine::{Fanfare, FanfareBuilder, Published};
pub use error::{SnsError, SnsErrorCode};
pub use filter::{FilterPolicy, FilterPolicyScope};
pub use host::{Host, SystemHost, Timestamp};
pub use message::{Message, MessageBuilder};
pub use notification::{Format, Notification, NotificationKind};
pub use protocol::Protocol;
pub use publication::{Memo, Publication, SignatureVersion};
pub use retry::RetrySchedule;
pub use subscription::{Destination, Subscribe, Subscription};
pub use topic::{Topic, TopicSettings};
