//! What a message is needed for, and how much memory that holds.

/// What a message costs beside the bytes of its size: its ids, subject and group, the tables that find it, its place in an
/// archive. With a message of one byte these come to between 850 and 1,050 bytes, by how long ago the tables grew.
pub(super) const MESSAGE_OVERHEAD_BYTES: usize = 1024;

/// What one more delivery or dead letter of a message costs: its fields and its places in the lane's tables by number, time
/// and group. A delivery comes to between 120 and 240 bytes, by how long ago the tables grew; a dead letter is up to 80 above
/// that with the usual reason of a hundred bytes, which the allowance for its message makes up for.
///
/// It is the same for both, so that what is held does not grow when a delivery is given up.
pub(super) const DELIVERY_BYTES: usize = 256;

/// Something that a message is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A delivery that waits or is taken.
    Delivery,
    /// A dead letter.
    DeadLetter,
    /// The archive.
    Archive,
    /// The log of recent messages, which has bounds of its own: it holds nothing in the sense of [`Held`].
    Recent,
}

/// What one message is needed for.
#[derive(Debug)]
pub(super) struct Uses {
    /// The size of the message.
    size: usize,
    deliveries: usize,
    dead_letters: usize,
    archives: usize,
    recents: usize,
}

/// Bytes of memory. Every message is in them once, however many uses it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// For deliveries and archives.
    pub(super) needed: usize,
    /// For dead letters: what comes free when all of them leave.
    pub(super) dead: usize,
}

impl Uses {
    /// No use yet of a message of `size` bytes.
    pub(super) fn none(size: usize) -> Self {
        Self { size, deliveries: 0, dead_letters: 0, archives: 0, recents: 0 }
    }

    pub(super) fn is_none(&self) -> bool {
        self.deliveries == 0 && self.dead_letters == 0 && self.archives == 0 && self.recents == 0
    }

    pub(super) fn begin(&mut self, purpose: Use, count: usize) {
        *self.count(purpose) += count;
    }

    pub(super) fn end(&mut self, purpose: Use) {
        *self.count(purpose) -= 1;
    }

    /// What these uses hold.
    pub(super) fn held(&self) -> Held {
        let message = self.size + MESSAGE_OVERHEAD_BYTES;
        let (needed, dead) = match (self.deliveries + self.archives, self.dead_letters) {
            (0, 0) => (0, 0),
            (0, _) => (0, message),
            (_, _) => (message, 0),
        };
        Held { needed: needed + self.deliveries * DELIVERY_BYTES, dead: dead + self.dead_letters * DELIVERY_BYTES }
    }

    fn count(&mut self, purpose: Use) -> &mut usize {
        match purpose {
            Use::Delivery => &mut self.deliveries,
            Use::DeadLetter => &mut self.dead_letters,
            Use::Archive => &mut self.archives,
            Use::Recent => &mut self.recents,
        }
    }
}

impl Held {
    pub(super) fn total(self) -> usize {
        self.needed + self.dead
    }

    pub(super) fn add(&mut self, other: Self) {
        self.needed += other.needed;
        self.dead += other.dead;
    }

    pub(super) fn remove(&mut self, other: Self) {
        self.needed -= other.needed;
        self.dead -= other.dead;
    }
}
