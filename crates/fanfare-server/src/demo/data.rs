//! Where the demo keeps its messages, and what is left there from an earlier one.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use fanfare::Protocol;
use fanfare::disk::{DiskOptions, DiskStore};
use fanfare::store::{DestinationRecord, Journal as _, RegistryStore as _};

use super::Trouble;

/// The demo's directory.
#[derive(Debug)]
pub(super) struct Data {
    directory: PathBuf,
    /// Whether somebody asked for this directory, who may want it afterwards.
    asked_for: bool,
}

/// What is left from an earlier demo.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// What was subscribed, by address.
    addresses: HashSet<String>,
    /// Where each receiver for HTTP listened, by the path of its URL.
    pub(super) receivers: HashMap<String, SocketAddr>,
    /// Notifications that wait.
    pub(super) pending: u64,
    /// Notifications that were given up.
    pub(super) dropped: u64,
}

impl Leftovers {
    /// Whether an earlier demo had subscribed this address.
    pub(super) fn is_from_earlier(&self, address: &str) -> bool {
        self.addresses.contains(address)
    }
}

impl Data {
    pub(super) fn at(directory: Option<PathBuf>) -> Self {
        let asked_for = directory.is_some();
        Self { directory: directory.unwrap_or_else(default_directory), asked_for }
    }

    /// For people.
    pub(super) fn directory(&self) -> &PathBuf {
        &self.directory
    }

    pub(super) fn open(&self) -> Result<DiskStore, Trouble> {
        DiskStore::open(&self.directory, DiskOptions::default())
            .map_err(|error| format!("{error} (`--data DIR` chooses another directory)").into())
    }

    pub(super) async fn leftovers(&self, store: &DiskStore) -> Result<Leftovers, Trouble> {
        let counters = store.counters().await?;
        let (pending, dropped) = (counters.pending, counters.dropped);
        let mut leftovers = Leftovers { pending, dropped, ..Leftovers::default() };
        for subscription in store.load().await?.subscriptions {
            for DestinationRecord { protocol, address, .. } in
                [Some(subscription.destination), subscription.dead_letters].into_iter().flatten()
            {
                if matches!(protocol, Protocol::Http | Protocol::Https) {
                    let url = reqwest::Url::parse(&address)?;
                    if let Some(addr) = url.socket_addrs(|| None)?.first() {
                        leftovers.receivers.insert(url.path().to_owned(), *addr);
                    }
                }
                leftovers.addresses.insert(address);
            }
        }
        Ok(leftovers)
    }

    /// Tidies up, unless somebody asked for the directory.
    pub(super) fn done(&self) {
        if !self.asked_for {
            // What stays is found by the next demo.
            let _ = fs::remove_dir_all(&self.directory);
        }
    }
}

/// A folder of this user's among the temporary files.
fn default_directory() -> PathBuf {
    let user = std::env::var("USER").unwrap_or_default();
    let user: String = user.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = if user.is_empty() { "fanfare-demo".to_owned() } else { format!("fanfare-demo-{user}") };
    std::env::temp_dir().join(name)
}
