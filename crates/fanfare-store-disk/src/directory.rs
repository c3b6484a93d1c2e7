//! The directory of a store: who may read it, who has it, and whether it is one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fanfare_core::store::{StoreError, StoreErrorKind};

use crate::error::{Attempting, corrupt};
use crate::reserve::RESERVE;

/// The database. Its log and its index beside it end in `-wal` and `-shm`.
pub(crate) const DATABASE: &str = "fanfare.db";

/// The database of a copy that is being made.
pub(crate) const UNFINISHED: &str = "fanfare.db.unfinished";

/// Says that the directory is a store, so that one whose database is gone is not taken for a new one.
pub(crate) const MARK: &str = "format";

/// Locked by the process that has the store open, and tells its number.
pub(crate) const LOCK: &str = "lock";

/// Nobody but the owner: records hold credentials, and messages are not ours to show.
pub(crate) const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

/// A directory that this process alone has open as a store.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The lock is the open file's.
    _lock: File,
}

/// What a directory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contents {
    /// No store.
    Nothing,
    /// A store, or one that was being made.
    Store,
}

impl Directory {
    /// Makes the directory if there is none, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, StoreError> {
        let name = path.display();
        make(path).attempting(&format!("cannot make the directory {name}"))?;
        // Processes find each other however they name the directory.
        let path = fs::canonicalize(path).attempting(&format!("cannot find the directory {name}"))?;
        refuse_others_files(&path)?;
        let act = format!("cannot open {}", path.join(LOCK).display());
        let mut open = OpenOptions::new();
        let open = open.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE);
        let mut lock = open.open(path.join(LOCK)).attempting(&act)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&path, &mut lock)),
            Err(TryLockError::Error(error)) => return Err(error).attempting(&act),
        }
        let tell = |lock: &mut File| -> io::Result<()> {
            lock.set_len(0)?;
            lock.rewind()?;
            writeln!(lock, "{}", std::process::id())
        };
        // The number is for people; the lock holds without it.
        if let Err(error) = tell(&mut lock) {
            tracing::warn!(%error, "cannot write the process number into the lock file");
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    ///
    /// # Errors
    /// When it was a store and its database is gone.
    pub(crate) fn contents(&self) -> Result<Contents, StoreError> {
        contents(&self.path)
    }

    /// Makes an empty database that nobody else may read.
    pub(crate) fn make_database(&self) -> Result<(), StoreError> {
        make_private(&self.path.join(DATABASE)).attempting("cannot make the database")?;
        sync(&self.path).attempting("cannot sync the directory")
    }

    /// Marks it as a store.
    pub(crate) fn mark(&self) -> Result<(), StoreError> {
        mark(&self.path)
    }
}

/// Refuses a directory that is no store and holds files of somebody else, before anything in it is touched.
fn refuse_others_files(path: &Path) -> Result<(), StoreError> {
    let act = format!("cannot look into {}", path.display());
    let mut others = Vec::new();
    for entry in fs::read_dir(path).attempting(&act)? {
        let name = entry.attempting(&act)?.file_name().to_string_lossy().into_owned();
        if name == MARK || name.starts_with(DATABASE) {
            return Ok(());
        }
        others.push(name);
    }
    // What a first start that was cut off leaves, and what a file system puts at the top of a volume of its own.
    let ours = |name: &String| name == RESERVE || (name == LOCK && tells_a_process(&path.join(LOCK)));
    let ours = |name: &String| ours(name) || name.starts_with('.') || name == "lost+found";
    match others.into_iter().find(|name| !ours(name)) {
        None => Ok(()),
        Some(name) => Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!("{} holds {name}, which is not of a store: choose an empty directory", path.display()),
        )),
    }
}

/// Whether the lock file is one of ours: it holds a process number or nothing.
fn tells_a_process(lock: &Path) -> bool {
    fs::read(lock).is_ok_and(|bytes| bytes.trim_ascii().iter().all(u8::is_ascii_digit))
}

/// What the directory `path` holds.
pub(crate) fn contents(path: &Path) -> Result<Contents, StoreError> {
    let length = |name: &str| match fs::metadata(path.join(name)) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).attempting(&format!("cannot look for {}", path.join(name).display())),
    };
    let log = length(&format!("{DATABASE}-wal"))?.is_some_and(|length| length > 0);
    if length(UNFINISHED)?.is_some() {
        return Err(corrupt(path, "it is a copy that was not finished"));
    }
    match (length(MARK)?.is_some() || log, length(DATABASE)?) {
        (true, None) => Err(corrupt(path, "fanfare.db is missing")),
        (true, Some(0)) if !log => Err(corrupt(path, "fanfare.db is empty")),
        (_, Some(_)) => Ok(Contents::Store),
        (false, None) => Ok(Contents::Nothing),
    }
}

/// Whether the directory `path` was marked as a store.
pub(crate) fn is_marked(path: &Path) -> bool {
    path.join(MARK).exists()
}

/// Marks the directory `path` as a store.
pub(crate) fn mark(path: &Path) -> Result<(), StoreError> {
    let text = "A store of Fanfare. The number of its format stands in fanfare.db.\n";
    place(path, MARK, text.as_bytes()).attempting(&format!("cannot mark {} as a store", path.display()))
}

/// Makes the directory, and what it lies in, for nobody but the owner.
pub(crate) fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(path)?;
    match fs::canonicalize(path)?.parent() {
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}

/// Puts a file into a directory wholly or not at all, through a crash too, for nobody but the owner.
pub(crate) fn place(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let unfinished = directory.join(format!(".{name}.unfinished"));
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = make_private(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(name))?;
    sync(directory)
}

/// Syncs the names of a directory.
pub(crate) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Makes a file that is not there yet, for nobody but the owner.
pub(crate) fn make_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(path)
}

fn in_use(path: &Path, lock: &mut File) -> StoreError {
    let mut holder = String::new();
    let told = lock.read_to_string(&mut holder).is_ok() && holder.trim().parse::<u32>().is_ok();
    let by = if told { format!("process {}", holder.trim()) } else { "another process".to_owned() };
    let path = path.display();
    StoreError::new(
        StoreErrorKind::Unavailable,
        format!("the store in {path} is in use by {by}: stop it, or choose another directory"),
    )
}
