#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | idea |
//! | --- | --- |
//! | `policy` | [`EgressPolicy`]: the three questions and the order in which they are answered |
//! | `rule` | [`Rule`]: one exception that an operator makes |
//! | `address` | what kind of address an IP address is |
//! | `host` | [`Host`]: how a host is spelled, and which names are refused before any lookup |
//! | `metadata` | what no rule can allow |
//! | `port` | the ports that are refused by default |
//! | `target` | [`Target`]: a URL that a subscriber wrote, read strictly |
//! | `names` | [`NameService`]: where addresses of names come from |
//! | `denied` | [`EgressDenied`]: the refusal |
//!
//! Deliberately absent: a cache of answers (a name is looked up and judged again for each connection), redirects and
//! proxies (an adapter that follows either must ask again for the new address), and any opening of sockets.

mod address;
mod denied;
mod host;
mod metadata;
mod names;
mod policy;
mod port;
mod rule;
mod target;

pub use address::{AddressClass, classify};
pub use denied::{DenialKind, EgressDenied};
pub use host::{Host, HostName, InvalidHost, NameClass};
pub use names::{NameScope, NameService, ResolveError, SystemNames};
pub use policy::{EgressPolicy, MAX_ADDRESSES};
pub use port::REFUSED_PORTS;
pub use rule::{InvalidRule, Rule};
pub use target::{InvalidTarget, MAX_URL_BYTES, Target};
