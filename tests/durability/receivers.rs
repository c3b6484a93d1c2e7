//! The subscribers, who stay where they are while the worker comes and goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use fanfare_testkit::{HttpReceiver, ReceivedRequest, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::load::{Key, Role, Text, Topic, UNDERTAKER};
use crate::oracle::{Order, Receipt, Subscriber};

/// A receiver for each role, and the dead-letter destination.
#[derive(Debug)]
pub(crate) struct Receivers {
    stations: BTreeMap<&'static str, Station>,
    /// The run of the worker that sends now.
    run: Arc<AtomicU32>,
}

/// Whether the receiver of [`Role::Away`] answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Here,
    Gone,
}

#[derive(Debug)]
struct Station {
    receiver: HttpReceiver,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    presence: Presence,
    receipts: Vec<Receipt>,
    /// The messages that were sent, taken or not.
    tried: BTreeSet<String>,
    /// Connections with a lower number are those of workers that are dead.
    first_connection: usize,
}

/// The path of the request that ends what a dead worker left behind.
const FENCE: &str = "/fence";

/// How a receiver answers. What it answers to a message depends on the message alone, so that a message that it has taken
/// once is not given up later.
#[derive(Debug, Clone, Copy)]
enum Manner {
    Reliable,
    /// Refuses one message in sixteen for good, fails at the first attempt of one in eight, and at every attempt of a few.
    Moody,
}

impl Receivers {
    pub(crate) async fn start() -> Self {
        let run = Arc::new(AtomicU32::new(0));
        let mut stations = BTreeMap::new();
        for role in Role::ALL {
            let manner = match role {
                Role::Flaky | Role::Stubborn => Manner::Moody,
                _ => Manner::Reliable,
            };
            stations.insert(role.name(), Station::open(manner, &run).await);
        }
        stations.insert(UNDERTAKER, Station::open(Manner::Reliable, &run).await);
        Self { stations, run }
    }

    /// What the worker is told to subscribe.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = String> {
        self.stations.iter().map(|(name, station)| format!("{name}={}", station.receiver.url("/")))
    }

    /// Says which run of the worker sends from now on.
    pub(crate) fn expect(&self, run: u32) {
        self.run.store(run, Ordering::SeqCst);
    }

    /// Makes sure that nothing that a dead worker left in a connection counts any more, as if it had been lost on the way.
    /// Otherwise it could be read while the next worker runs, and seem to be that one's.
    pub(crate) async fn cut(&self) {
        for station in self.stations.values() {
            // Connections are accepted in the order in which they were made, so this one has the highest number.
            let mut connection = TcpStream::connect(station.receiver.addr()).await.unwrap();
            let request = format!("POST {FENCE} HTTP/1.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            connection.write_all(request.as_bytes()).await.unwrap();
            connection.read_to_end(&mut Vec::new()).await.unwrap();
        }
    }

    /// Lets the receiver of [`Role::Away`] come or go.
    pub(crate) fn set_away(&self, presence: Presence) {
        self.stations[Role::Away.name()].state().presence = presence;
    }

    pub(crate) fn away(&self) -> Presence {
        self.stations[Role::Away.name()].state().presence
    }

    /// The keys of what was sent to `name`, whatever it answered.
    pub(crate) fn sent_to(&self, name: &str) -> Vec<Key> {
        self.stations[name].state().receipts.iter().map(|receipt| receipt.key.clone()).collect()
    }

    /// What everybody was sent, as the oracle wants it.
    pub(crate) fn subscribers(&self) -> Vec<Subscriber> {
        let received = |name: &str| self.stations[name].state().receipts.clone();
        let subscriber = |role: Role| Subscriber {
            name: role.name(),
            order: match role.topic() {
                Topic::Orders => Order::Any,
                Topic::Ledger => Order::PerGroup,
            },
            receipts: received(role.name()),
            dead_letters: (role == Role::Flaky).then(|| received(UNDERTAKER)),
        };
        Role::ALL.into_iter().map(subscriber).collect()
    }
}

impl Station {
    async fn open(manner: Manner, run: &Arc<AtomicU32>) -> Self {
        let receiver = HttpReceiver::start().await;
        let state =
            State { presence: Presence::Here, receipts: Vec::new(), tried: BTreeSet::new(), first_connection: 0 };
        let state = Arc::new(Mutex::new(state));
        let (answering, run) = (Arc::clone(&state), Arc::clone(run));
        receiver.reply_with(Reply::by(move |request| {
            answering.lock().unwrap().answer(request, manner, run.load(Ordering::SeqCst))
        }));
        Self { receiver, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self, request: &ReceivedRequest, manner: Manner, run: u32) -> Reply {
        if request.target == FENCE {
            self.first_connection = request.connection;
            return Reply::status(200);
        }
        if self.presence == Presence::Gone || request.connection < self.first_connection {
            return Reply::close();
        }
        let receipt = read(request, run);
        let status = manner.answer(&receipt.id, self.tried.insert(receipt.id.clone()));
        self.receipts.push(Receipt { taken: status == 200, ..receipt });
        Reply::status(status)
    }
}

fn read(request: &ReceivedRequest, run: u32) -> Receipt {
    let text = String::from_utf8_lossy(&request.body);
    let id = request.header("x-amz-sns-message-id").unwrap_or_default().to_owned();
    // What is not a text of ours has a key that nobody published.
    let key = Text::parse(&text).map_or_else(|| Key { group: text.into_owned(), run: 0, n: 0 }, |text| text.key);
    Receipt { id, key, run, taken: false }
}

impl Manner {
    fn answer(self, id: &str, first: bool) -> u16 {
        let number = id.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        match self {
            Self::Reliable => 200,
            Self::Moody if number % 16 == 3 => 400,
            Self::Moody if number % 1024 == 1 => 503,
            Self::Moody if number % 8 == 5 && first => 503,
            Self::Moody => 200,
        }
    }
}
