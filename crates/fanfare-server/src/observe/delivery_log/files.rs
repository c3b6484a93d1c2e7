//! The files of delivery status logs: written by a thread of their own, bounded in size.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use fanfare::TopicArn;
use tokio::sync::oneshot;

/// How many lines may wait to be written. Whoever delivers does not wait for a disk: lines beyond are left out.
const LINES_WAITING_MAX: usize = 10_000;

/// Lines on their way to files.
#[derive(Debug)]
pub(super) struct Files {
    lines: SyncSender<Order>,
    /// Whether lines are being left out, so that it is said once.
    overrun: AtomicBool,
}

enum Order {
    Line { path: PathBuf, line: String },
    Tell(oneshot::Sender<()>),
}

impl Files {
    /// Starts the thread, which ends with this.
    pub(super) fn start(directory: &Path, file_bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let directory = directory.to_owned();
        let (lines, orders) = sync_channel(LINES_WAITING_MAX);
        let thread = std::thread::Builder::new().name("delivery-log".to_owned());
        thread.spawn(move || work(&directory, file_bytes_max, &orders))?;
        Ok(Self { lines, overrun: AtomicBool::new(false) })
    }

    /// Has a line of a topic written, if there is room for it to wait.
    pub(super) fn write(&self, topic: &TopicArn, failed: bool, line: String) {
        self.send(path(topic, failed), line);
    }

    /// Has a line of another log group written, whose name is a path without anything that a path could take amiss.
    pub(super) fn write_of_group(&self, group: &str, failed: bool, line: String) {
        let path = if failed { format!("{group}/Failure.log") } else { format!("{group}.log") };
        self.send(path.into(), line);
    }

    fn send(&self, path: PathBuf, line: String) {
        match self.lines.try_send(Order::Line { path, line }) {
            Ok(()) => self.overrun.store(false, Ordering::Relaxed),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                if !self.overrun.swap(true, Ordering::Relaxed) {
                    tracing::warn!("delivery status is left out of the logs: the disk is too slow for it");
                }
            }
        }
    }

    /// Waits until what was there before is written.
    pub(super) async fn flush(&self) {
        let (tell, told) = oneshot::channel();
        let lines = self.lines.clone();
        // Room may have to be waited for, on a thread that may wait.
        let sent = tokio::task::spawn_blocking(move || lines.send(Order::Tell(tell)).is_ok()).await;
        if sent.unwrap_or(false) {
            let _ = told.await;
        }
    }
}

/// `sns/<region>/<account>/<topic>.log`, and for failures `sns/<region>/<account>/<topic>/Failure.log`. The parts of an ARN
/// have no character that a path could take amiss, and a topic's name no dot but that of `.fifo`.
fn path(topic: &TopicArn, failed: bool) -> PathBuf {
    let name = topic.as_str().rsplit(':').next().unwrap_or_default();
    let folder = Path::new("sns").join(topic.region()).join(topic.account());
    if failed { folder.join(name).join("Failure.log") } else { folder.join(format!("{name}.log")) }
}

fn work(directory: &Path, file_bytes_max: u64, orders: &Receiver<Order>) {
    let mut works = true;
    while let Ok(order) = orders.recv() {
        match order {
            Order::Line { path, line } => {
                let written = append(&directory.join(path), &line, file_bytes_max);
                if let Err(error) = &written
                    && works
                {
                    tracing::error!(%error, "delivery status cannot be logged");
                }
                works = written.is_ok();
            }
            // Whoever asked may be gone.
            Order::Tell(tell) => drop(tell.send(())),
        }
    }
}

/// Adds a line, with its line break in the same write, so that a crash leaves whole lines.
fn append(path: &Path, line: &str, file_bytes_max: u64) -> io::Result<()> {
    let mut file = open(path)?;
    if file.metadata()?.len() >= file_bytes_max {
        let mut old = path.as_os_str().to_owned();
        old.push(".1");
        fs::rename(path, old)?;
        file = open(path)?;
    }
    file.write_all(format!("{line}\n").as_bytes())
}

fn open(path: &Path) -> io::Result<File> {
    let open = || OpenOptions::new().create(true).append(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            open()
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_has_a_file_and_one_for_failures() {
        let topic = TopicArn::parse("arn:aws:sns:eu-west-1:123456789012:orders.fifo").unwrap();
        assert_eq!(path(&topic, false), Path::new("sns/eu-west-1/123456789012/orders.fifo.log"));
        assert_eq!(path(&topic, true), Path::new("sns/eu-west-1/123456789012/orders.fifo/Failure.log"));
    }
}
