//! The sinks of a workload, in a process of their own.

use std::path::Path;

use crate::failure::{Failure, Result};
use crate::process::Part;
use crate::roles::Role;
use crate::roles::sink::{Ask, Conduct, Count, Listening, SinkTask};

/// How long all deliveries of a round may take, in seconds. Only a loss or a hang takes as long.
const PATIENCE: f64 = 300.0;

/// Subscribers that listen, until they are dropped.
pub(crate) struct Subscribers {
    part: Part,
    /// Their ports, in the order of the task.
    pub(crate) ports: Vec<u16>,
    scheme: &'static str,
}

impl Subscribers {
    /// As many as said, which answer.
    pub(crate) fn answering(count: usize) -> Result<Self> {
        Self::start(SinkTask { endpoints: vec![(Conduct::Answers, count)], authority: None, stamped: false })
    }

    /// As many as said, which answer over TLS; the authority's certificate is written to a file.
    pub(crate) fn answering_over_tls(count: usize, authority: &Path) -> Result<Self> {
        let authority = Some(authority.to_owned());
        Self::start(SinkTask { endpoints: vec![(Conduct::Answers, count)], authority, stamped: false })
    }

    /// Starts them.
    pub(crate) fn start(task: SinkTask) -> Result<Self> {
        let scheme = if task.authority.is_some() { "https" } else { "http" };
        let mut part = Part::start(&Role::Sink(task))?;
        let Listening { ports } = part.told()?;
        Ok(Self { part, ports, scheme })
    }

    /// Their URLs, in the order of the task.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("{}://127.0.0.1:{port}/sns", self.scheme)).collect()
    }

    /// How things stand now.
    pub(crate) fn count(&mut self) -> Result<Count> {
        self.within(0, 0.0)
    }

    /// How things stand when `goal` notifications were answered, or after so many seconds.
    pub(crate) fn within(&mut self, goal: u64, seconds: f64) -> Result<Count> {
        self.part.ask(&Ask::Until(goal, seconds))
    }

    /// Waits until `goal` notifications were answered.
    pub(crate) fn until(&mut self, goal: u64) -> Result<Count> {
        let count = self.within(goal, PATIENCE)?;
        match count.answered >= goal {
            true => Ok(count),
            false => {
                Err(Failure::new(format!("only {} of {goal} deliveries came within {PATIENCE} s", count.answered)))
            }
        }
    }

    /// Waits until so many subscriptions are confirmed.
    pub(crate) fn until_confirmed(&mut self, goal: u64) -> Result<()> {
        for _ in 0..30_000 {
            if self.count()?.confirmed >= goal {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Err(Failure::new("the subscriptions are not confirmed"))
    }

    /// Forgets what was counted.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.part.ask::<Count>(&Ask::Forget).map(drop)
    }
}
