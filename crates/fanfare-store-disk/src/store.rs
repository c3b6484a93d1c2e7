//! The store: a directory that is open.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use fanfare_core::store::StoreError;
use fanfare_core::subscription::SubscriptionId;

use crate::backup::{self, BackupReport};
use crate::connection;
use crate::directory::{self, Contents, DATABASE, Directory};
use crate::error::{Attempting, corrupt};
use crate::failpoint;
use crate::journal::fan_out;
use crate::lanes::Lanes;
use crate::options::{DiskOptions, OpenCheck};
use crate::readers::Readers;
use crate::recent::Recent;
use crate::reserve::{self, Reserve};
use crate::schema::{self, Marked};
use crate::secret;
use crate::writer::Writer;

/// Keeps everything in one directory, through crashes and power loss.
///
/// - What was answered is on the disk: each answer waits for a sync, and what waits together shares one.
/// - One process has the directory; a second one is refused.
/// - Dropping the store finishes what it accepted, and blocks until that is done.
/// - When the disk reports that it lost a sync, nothing more is written until the store is opened again; what it held can
///   still be read. Whether the last batch is there then is open, as it was answered with an error.
/// - When the disk is full, the room of [`DiskOptions::reserve_bytes`] lets deliveries go on, while Publish is refused
///   (`Full`) until there is room again. Sweeps give the room of what was delivered back to the disk.
///
/// The threads are the store's own, so that it can be used from any executor.
#[derive(Debug)]
pub struct DiskStore {
    // In this order they are dropped: the writer is the last who has the database open, and the lock outlives it.
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
    pub(crate) lanes: Arc<Lanes>,
    pub(crate) recent: Arc<Recent>,
    pub(crate) options: DiskOptions,
    /// Set when a message was refused for lack of room: the next sweep forgets whatever nobody waits for.
    pub(crate) pressed: AtomicBool,
    /// Held while a secret is read or made, so that two callers get the same.
    secrets: Mutex<()>,
    pub(crate) directory: Directory,
}

impl DiskStore {
    /// Opens the store in `directory`, and makes one if there is nothing.
    ///
    /// The directory is made for its owner alone (mode 0700), its files too (0600). A store of an older format is brought
    /// to the present one, step by step.
    ///
    /// # Errors
    /// - `Unavailable`: another process has it, it is of a newer format, or the file system refuses something.
    /// - `Corrupt`: it was a store and cannot be read as one. It is left as it is.
    ///
    /// A full disk is no reason as long as the reserve is there: it is spent then, and Publish is refused.
    pub fn open(directory: impl AsRef<Path>, options: DiskOptions) -> Result<Self, StoreError> {
        let directory = Directory::lock(directory.as_ref())?;
        let path = directory.path();
        let started = start(&directory, &options);
        let (writer, readers, lanes) = match started {
            Err(error) if reserve::lacks_room(&error, path) && reserve::remove(path).is_ok_and(|there| there) => {
                tracing::error!(%error, "the disk is full: the reserve of the store is spent, make room");
                start(&directory, &options)?
            }
            started => started?,
        };
        let recent = Arc::new(Recent::new(options.memory_bytes_max));
        let (pressed, secrets) = (AtomicBool::new(false), Mutex::default());
        Ok(Self { readers, writer, lanes, recent, options, pressed, secrets, directory })
    }

    /// The directory, as an absolute path.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The secret `name` of this store, such as `signing-key.pem`: made by `make` on first use, the same ever after.
    ///
    /// It is a file of that name in the directory, for nobody but the owner (mode 0600). The name is made of letters,
    /// digits, `-`, `_` and `.`, and begins with none of the last.
    ///
    /// # Errors
    /// When it cannot be read or kept, and when others than the owner may read it.
    pub fn secret(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, StoreError> {
        let _one_at_a_time = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        secret::secret(self.directory.path(), name, make)
    }

    /// Batches that were made safe since the store was opened, in the log or in the database; each cost one sync. Publishers
    /// that come together share one.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    /// Copies the store into the directory `to` while it is in use, see [`backup()`](crate::backup()). Blocks.
    ///
    /// # Errors
    /// When there is something in `to`, or the copy cannot be made.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<BackupReport, StoreError> {
        backup::backup(self.directory.path(), to.as_ref())
    }
}

impl DiskStore {
    /// Reads the database with `read`, on a thread for that, when everything that was answered is in it.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.apply().await?;
        self.readers.read(read).await
    }

    /// Reads the rows of `lane` and their messages with `read`, in the same way.
    pub(crate) async fn read_rows<T: Send + 'static>(
        &self,
        lane: SubscriptionId,
        read: impl FnOnce(&rusqlite::Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.lanes.has_pending_rows(lane) {
            self.writer.apply().await?;
        }
        self.readers.read(read).await
    }
}

/// Opens the database, makes it if there is none, and starts the threads on it.
fn start(directory: &Directory, options: &DiskOptions) -> Result<(Writer, Readers, Arc<Lanes>), StoreError> {
    let path = directory.path();
    let database = path.join(DATABASE);
    if directory.contents()? == Contents::Nothing {
        directory.make_database()?;
    }
    // Before anything is written, so that what is not ours or not whole stays as it was found.
    let marked = schema::marked(&connection::recovering(&database)?)?;
    schema::refuse_unknown(path, marked)?;
    if marked == Marked::Empty && directory::is_marked(path) {
        return Err(corrupt(path, "fanfare.db is empty"));
    }
    let mut writing = connection::writing(&database)?;
    if options.check == OpenCheck::Pages {
        check_pages(&writing, path)?;
    }
    schema::migrate(&mut writing, marked)?;
    if !directory::is_marked(path) {
        failpoint::reach("during-creation");
        directory.mark()?;
    }
    let reserve = Reserve::open(path, options.reserve_bytes)?;
    let lanes = Arc::default();
    fan_out::load(&writing, &lanes)?;
    let writer = Writer::start(writing, path.to_owned(), reserve, options, &lanes)?;
    let readers = Readers::start(&database, options)?;
    // The log has been made by now, and stays until the store is closed. SQLite syncs its name and does not mind when
    // that fails.
    directory::sync(path).attempting("cannot sync the directory")?;
    Ok((writer, readers, lanes))
}

fn check_pages(connection: &rusqlite::Connection, path: &Path) -> Result<(), StoreError> {
    let act = "cannot check the database";
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).attempting(act)?;
    match said.as_str() {
        "ok" => Ok(()),
        said => Err(corrupt(path, &format!("fanfare.db is damaged ({})", said.replace('\n', " ")))),
    }
}
