#![doc = include_str!("../README.md")]

pub mod broken;
pub mod conformance;
pub mod endpoints;
pub mod host;
#[cfg(feature = "push")]
pub mod http2_receiver;
pub mod http_receiver;
pub mod lambda_receiver;
pub mod memory;
#[cfg(feature = "push")]
pub mod push;
#[cfg(feature = "sms")]
pub mod smpp_receiver;
#[cfg(feature = "sms")]
pub mod sms_gateway;
#[cfg(feature = "smtp")]
pub mod smtp_receiver;
pub mod sqs_receiver;
pub mod store_conformance;
#[cfg(feature = "tls")]
pub mod tls;
pub mod vectors;

pub use endpoints::{Attempt, ScriptedConnector, ScriptedEndpoint, Step};
pub use host::SimulatedHost;
pub use http_receiver::{HttpReceiver, ReceivedRequest, Reply, refused_addr};
#[cfg(feature = "push")]
pub use http2_receiver::{Http2Receiver, Http2Reply};
pub use lambda_receiver::{Invocation, LambdaReceiver};
#[cfg(feature = "push")]
pub use push::{ApnsReceiver, FcmReceiver, SnsReceiver, WebPushReceiver};
#[cfg(feature = "sms")]
pub use smpp_receiver::{ReceivedText, SmppBehaviour, SmppReceiver, Submit};
#[cfg(feature = "sms")]
pub use sms_gateway::{GatewayMessage, SmsGateway};
#[cfg(feature = "smtp")]
pub use smtp_receiver::{ReceivedMail, SmtpReceiver, SmtpReply, SmtpStage};
pub use sqs_receiver::{QueuedMessage, SqsReceiver};
#[cfg(feature = "tls")]
pub use tls::{Identity, TestCa};
