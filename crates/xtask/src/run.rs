//! Runs one command of a step: shows it, waits for it, and says how it failed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fmt, io};

use crate::duration::spoken;
use crate::failure::Failure;
use crate::terminal::dim;
use crate::workspace::Workspace;

/// A command that will run in the root of the workspace, with nothing on its standard input.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    name: String,
    limit: Option<Duration>,
}

/// What a command printed.
#[derive(Debug)]
pub(crate) struct Captured {
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub(crate) stdout: String,
    /// Standard error; bytes that are not UTF-8 are replaced.
    pub(crate) stderr: String,
}

impl Run {
    /// The Cargo that runs this program.
    pub(crate) fn cargo(workspace: &Workspace) -> Self {
        let mut run = Self::program("cargo", workspace);
        if let Some(cargo) = env::var_os("CARGO") {
            run.command = in_root(Command::new(cargo), workspace);
        }
        run
    }

    /// A program by name, found in `PATH`, or by its path.
    pub(crate) fn program(name: impl AsRef<OsStr>, workspace: &Workspace) -> Self {
        let shown = name.as_ref().to_string_lossy().into_owned();
        Self { command: in_root(Command::new(name), workspace), name: shown, limit: None }
    }

    /// Adds `arguments` to the end of the command.
    pub(crate) fn args<I>(mut self, arguments: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<OsStr>,
    {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable for the command.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    /// Guards against a hang: a captured command that is still running after `limit` is killed and has failed.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Runs the command with its output going straight to the terminal.
    pub(crate) fn stream(mut self) -> Result<(), Failure> {
        self.announce();
        let status = self.command.status().map_err(|error| self.not_started(&error))?;
        self.judge(status)
    }

    /// Runs the command as [`Run::stream`] does, and also hands each line of its standard output to `each`.
    pub(crate) fn stream_lines(mut self, mut each: impl FnMut(&str)) -> Result<(), Failure> {
        self.announce();
        let mut child = self.command.stdout(Stdio::piped()).spawn().map_err(|error| self.not_started(&error))?;
        let stdout = child.stdout.take().expect("standard output was asked for as a pipe");
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(|error| self.unreadable(&error))? > 0 {
            let text = String::from_utf8_lossy(&line);
            print!("{text}");
            each(text.trim_end());
            line.clear();
        }
        let status = child.wait().map_err(|error| self.unreadable(&error))?;
        self.judge(status)
    }

    /// Runs the command silently; what it printed reaches the terminal only if it failed.
    pub(crate) fn capture(mut self) -> Result<Captured, Failure> {
        self.announce();
        let mut child = self
            .command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| self.not_started(&error))?;
        let stdout = read_aside(child.stdout.take().expect("standard output was asked for as a pipe"));
        let stderr = read_aside(child.stderr.take().expect("standard error was asked for as a pipe"));
        let ended = match self.limit {
            None => child.wait().map(Some),
            Some(limit) => wait_within(&mut child, limit),
        };
        let captured = Captured { stdout: collected(&stdout), stderr: collected(&stderr) };
        let verdict = match ended {
            Ok(Some(status)) => self.judge(status),
            Ok(None) => {
                let limit = spoken(self.limit.unwrap_or_default());
                Err(Failure::new(format!("`{}` was killed: it was still running after {limit}", self.brief())))
            }
            Err(error) => Err(self.unreadable(&error)),
        };
        if verdict.is_err() {
            print!("{}{}", captured.stdout, captured.stderr);
        }
        verdict.map(|()| captured)
    }

    /// The program and its first argument; the whole command stands above its output.
    fn brief(&self) -> String {
        let arguments = self.command.get_args().take(1).map(|first| format!(" {}", first.to_string_lossy()));
        self.name.clone() + &arguments.collect::<String>()
    }

    fn announce(&self) {
        println!("   {}", dim(&format!("$ {self}")));
    }

    fn judge(&self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}` ended with {status}", self.brief()))) }
    }

    fn not_started(&self, error: &io::Error) -> Failure {
        Failure::new(format!("`{}` could not start: {error}", self.brief()))
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::new(format!("`{}` was lost: {error}", self.brief()))
    }
}

/// Shown as it would be typed into a shell.
impl fmt::Display for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in self.command.get_envs() {
            if let Some(value) = value {
                write!(formatter, "{}={} ", key.to_string_lossy(), quoted(&value.to_string_lossy()))?;
            }
        }
        formatter.write_str(&quoted(&self.name))?;
        for argument in self.command.get_args() {
            write!(formatter, " {}", quoted(&argument.to_string_lossy()))?;
        }
        Ok(())
    }
}

/// `word` in single quotes if a shell would split it or read it otherwise.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=./:,@+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `command` in the root of the workspace, without what `cargo run` told this program about itself.
///
/// Build scripts may watch those variables: passed on, they would make the same build start over, depending on whether
/// Cargo was called from here or by hand.
fn in_root(mut command: Command, workspace: &Workspace) -> Command {
    command.current_dir(workspace.root()).stdin(Stdio::null());
    for (key, _) in env::vars_os() {
        let name = key.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command
}

/// Waits for `child`; kills it and answers `None` if it is still running after `limit`.
fn wait_within(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Reads `pipe` as it fills, so that the command never waits for room in it.
fn read_aside(mut pipe: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(length @ 1..) = pipe.read(&mut chunk) {
            if sender.send(chunk[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    receiver
}

/// All that came through the pipe.
///
/// A process that the command left behind may hold the pipe open for ever, so the wait for its end is bounded.
fn collected(pipe: &mpsc::Receiver<Vec<u8>>) -> String {
    let mut bytes = Vec::new();
    while let Ok(chunk) = pipe.recv_timeout(Duration::from_secs(2)) {
        bytes.extend(chunk);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Run {
        let workspace = Workspace::of_this_run().unwrap();
        Run::program("sh", &workspace).args(["-c", script])
    }

    fn failure(outcome: Result<Captured, Failure>) -> String {
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn both_outputs_are_captured() {
        let captured = shell("echo out; echo err >&2").capture().unwrap();
        assert_eq!((captured.stdout.as_str(), captured.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn each_line_is_handed_on() {
        let mut lines = Vec::new();
        shell("printf 'one\\ntwo'").stream_lines(|line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn a_status_other_than_zero_is_a_failure() {
        assert_eq!(failure(shell("exit 3").capture()), "`sh -c` ended with exit status: 3");
    }

    #[test]
    fn a_command_that_runs_past_its_limit_is_killed() {
        let endless = shell("exec sleep 600").within(Duration::ZERO);
        assert_eq!(failure(endless.capture()), "`sh -c` was killed: it was still running after 0 ms");
    }

    #[test]
    fn a_program_that_is_missing_is_named() {
        let workspace = Workspace::of_this_run().unwrap();
        let outcome = Run::program("no-such-program", &workspace).capture();
        assert_eq!(failure(outcome), "`no-such-program` could not start: No such file or directory (os error 2)");
    }

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        assert_eq!(shell("exit 3").env("FLAGS", "-D warnings").to_string(), "FLAGS='-D warnings' sh -c 'exit 3'");
    }

    #[test]
    fn a_plain_word_is_shown_as_it_is() {
        assert_eq!(quoted("--features=http"), "--features=http");
    }

    #[test]
    fn a_word_that_a_shell_would_read_otherwise_is_quoted() {
        assert_eq!(quoted("-D warnings"), "'-D warnings'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
