//! Mobile push: platform applications, which hold the credentials of a push service, and their endpoints, which are devices.
//!
//! [`Directory`] keeps both. [`GuardedPush`] stands before whatever connector delivers: it lets nothing through to a device that
//! is turned off or gone, and turns one off that the push service says is gone. [`KeptDevices`] tells that connector the tokens.
//! [`event`] words what event topics are told, and [`PushStatusLog`] notes what became of messages for applications that ask for
//! it.

mod application;
mod arn;
mod connector;
mod credentials;
mod devices;
mod directory;
mod endpoint;
pub(crate) mod event;
mod status_log;

pub(crate) use application::{Application, check_name};
pub(crate) use arn::{ApplicationArn, EndpointArn};
pub(crate) use connector::GuardedPush;
pub(crate) use devices::KeptDevices;
pub(crate) use directory::{Directory, Registered};
pub(crate) use endpoint::{Device, DeviceChange};
pub(crate) use status_log::PushStatusLog;
