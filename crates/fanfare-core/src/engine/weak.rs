//! A handle that does not keep its engine running.

use std::sync::{Arc, Weak};

use super::fanfare::Running;
use super::{Engine, Fanfare};

/// A handle that does not keep its engine running: for connectors and others that the engine itself holds.
#[derive(Debug, Clone)]
pub struct WeakFanfare {
    engine: Weak<Engine>,
    running: Weak<Running>,
}

impl WeakFanfare {
    /// The engine, unless its last handle is gone.
    pub fn upgrade(&self) -> Option<Fanfare> {
        Some(Fanfare { engine: self.engine.upgrade()?, running: self.running.upgrade()? })
    }
}

impl Fanfare {
    /// A handle that does not keep the engine running.
    pub fn downgrade(&self) -> WeakFanfare {
        WeakFanfare { engine: Arc::downgrade(&self.engine), running: Arc::downgrade(&self.running) }
    }
}
