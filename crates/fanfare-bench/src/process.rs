//! The parts of a workload as processes: this program itself, started with a role.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Result};
use crate::roles::Role;
use crate::sample::Sample;

/// The argument that a role follows.
pub(crate) const ROLE: &str = "role";

/// How long a part may keep whoever waits for it. No measurement depends on it: it is there so that nothing hangs.
const PATIENCE: Duration = Duration::from_secs(40 * 60);

/// A part at work, ended when it is dropped.
pub(crate) struct Part {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Part {
    /// Starts this program as `role`.
    pub(crate) fn start(role: &Role) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).arg(serde_json::to_string(role)?);
        Self::spawn(command)
    }

    /// Starts any program whose output is read by lines.
    pub(crate) fn spawn(mut command: Command) -> Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| {
                Failure::new(format!("{} cannot be started: {error}", command.get_program().display()))
            })?;
        let output = child.stdout.take().ok_or_else(|| Failure::new("there is no output to read"))?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::io::Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { input: child.stdin.take(), child, lines })
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> Result<String> {
        self.lines.recv_timeout(PATIENCE).map_err(|_| {
            let ended = self.child.try_wait().ok().flatten();
            Failure::new(match ended {
                Some(status) => format!("a part of the benchmark ended with {status}; what it said stands above"),
                None => "a part of the benchmark does not answer".to_owned(),
            })
        })
    }

    /// The next thing that it tells.
    pub(crate) fn told<T: DeserializeOwned>(&mut self) -> Result<T> {
        Ok(serde_json::from_str(&self.line()?)?)
    }

    /// What it answers to `question`.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, question: &impl Serialize) -> Result<T> {
        let input = self.input.as_mut().ok_or_else(|| Failure::new("nobody listens"))?;
        writeln!(input, "{}", serde_json::to_string(question)?)?;
        self.told()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does `role` in a process of its own, and answers what it came to.
pub(crate) fn perform(role: &Role) -> Result<Sample> {
    Part::start(role)?.told()
}
