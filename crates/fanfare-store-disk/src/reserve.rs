//! Room on the disk that is kept for when it is full, so that deliveries go on then and make room.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fanfare_core::store::{StoreError, StoreErrorKind};
use rusqlite::{ErrorCode, ffi};

use crate::directory;
use crate::error::Attempting;

/// The file that takes the room.
pub(crate) const RESERVE: &str = "reserve";

/// The file while it is made. A process that dies meanwhile leaves it.
const UNFINISHED: &str = ".reserve.unfinished";

/// How long batches wait after a try to make the reserve before they try again.
const PAUSE: Duration = Duration::from_secs(5);

/// Bytes that tell whether there is any room.
const PROBE_BYTES: u64 = 64 << 10;

/// The reserve of a store that is open.
#[derive(Debug)]
pub(crate) struct Reserve {
    directory: PathBuf,
    bytes: u64,
    state: State,
    make: fn(&Path, u64) -> io::Result<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// None is wanted: a full disk stops everything.
    Off,
    /// The room is there to be freed.
    Kept,
    /// It was freed, or there was never room for it. Until there is, nothing may be added.
    Missing { again: Instant },
}

impl Reserve {
    /// No reserve.
    #[cfg(test)]
    pub(crate) fn off() -> Self {
        Self { directory: PathBuf::new(), bytes: 0, state: State::Off, make }
    }

    /// The reserve of `bytes` bytes in `directory`; zero removes one that is there.
    ///
    /// # Errors
    /// When it cannot be made for another reason than that there is no room.
    pub(crate) fn open(directory: &Path, bytes: u64) -> Result<Self, StoreError> {
        Self::open_with(directory, bytes, make)
    }

    fn open_with(directory: &Path, bytes: u64, make: fn(&Path, u64) -> io::Result<()>) -> Result<Self, StoreError> {
        let mut reserve = Self { directory: directory.to_owned(), bytes, state: State::Off, make };
        let is_there = fs::metadata(directory.join(RESERVE)).is_ok_and(|file| file.is_file() && file.len() == bytes);
        if bytes > 0 && is_there {
            reserve.state = State::Kept;
            return Ok(reserve);
        }
        remove(directory).attempting("cannot remove the old reserve")?;
        if bytes > 0 {
            reserve.state = State::Missing { again: Instant::now() };
            let act = format!("cannot make the reserve of the store in {}", directory.display());
            reserve.make_again().attempting(&act)?;
        }
        Ok(reserve)
    }

    /// Frees the room. Answers whether a store that has just failed for lack of room is to go on with what was freed.
    pub(crate) fn spend(&mut self) -> bool {
        if self.state == State::Kept {
            let directory = self.directory.display();
            match remove(&self.directory) {
                Ok(_) => tracing::error!(%directory, "the disk is full: its reserve is spent, make room"),
                Err(error) => tracing::error!(%directory, %error, "the disk is full and its reserve cannot be removed"),
            }
            self.state = State::Missing { again: Instant::now() + PAUSE };
        }
        self.is_missing()
    }

    /// Whether there should be one and is none.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self.state, State::Missing { .. })
    }

    /// Why nothing may be added.
    pub(crate) fn refusal(&self) -> Option<StoreError> {
        self.is_missing().then(|| {
            let (directory, bytes) = (self.directory.display(), self.bytes);
            let why = format!(
                "the disk under the store in {directory} is full, or has no room for the reserve of {bytes} bytes: make room"
            );
            StoreError::new(StoreErrorKind::Full, why)
        })
    }

    /// Makes it when it is missing and the last try is long enough ago.
    pub(crate) fn make_when_due(&mut self, now: impl FnOnce() -> Instant) {
        if let State::Missing { again } = self.state
            && now() >= again
            && let Err(error) = self.make_again()
        {
            tracing::warn!(%error, directory = %self.directory.display(), "cannot make the reserve of the store");
        }
    }

    /// Makes it when it is missing and there is room.
    ///
    /// # Errors
    /// When it cannot be made for another reason than that there is no room.
    pub(crate) fn make_again(&mut self) -> io::Result<()> {
        if !self.is_missing() {
            return Ok(());
        }
        match (self.make)(&self.directory, self.bytes) {
            Ok(()) => {
                self.state = State::Kept;
                Ok(())
            }
            Err(error) => {
                self.state = State::Missing { again: Instant::now() + PAUSE };
                if is_lack_of_room(&error) { Ok(()) } else { Err(error) }
            }
        }
    }
}

/// Removes the reserve in `directory`, and one that was not finished. Answers whether there was one.
pub(crate) fn remove(directory: &Path) -> io::Result<bool> {
    let finished = remove_file(&directory.join(RESERVE))?;
    let unfinished = remove_file(&directory.join(UNFINISHED))?;
    Ok(finished || unfinished)
}

/// Whether an error came because the disk under `directory` has no room.
pub(crate) fn lacks_room(error: &(dyn Error + 'static), directory: &Path) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.downcast_ref().is_some_and(is_lack_of_room) {
            return true;
        }
        if let Some(rusqlite::Error::SqliteFailure(error, _)) = error.downcast_ref() {
            // SQLite tells of a quota, and of a full disk under the index of the log, as of any other failed write.
            let unclear = [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_SHMMAP];
            return error.code == ErrorCode::DiskFull
                || (unclear.contains(&error.extended_code) || error.code == ErrorCode::CannotOpen)
                    && probe(directory).is_err_and(|error| is_lack_of_room(&error));
        }
        next = error.source();
    }
    false
}

fn is_lack_of_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn probe(directory: &Path) -> io::Result<()> {
    let path = directory.join(UNFINISHED);
    remove_file(&path)?;
    let written = directory::make_private(&path).and_then(|mut file| fill(&mut file, PROBE_BYTES));
    remove_file(&path)?;
    written
}

/// Makes the file, wholly or not at all.
fn make(directory: &Path, bytes: u64) -> io::Result<()> {
    let path = directory.join(UNFINISHED);
    let write = || -> io::Result<()> {
        let mut file = directory::make_private(&path)?;
        // As much again has to be free: otherwise what was freed a moment ago would be taken back, and missing at once.
        fill(&mut file, bytes.saturating_mul(2))?;
        file.set_len(bytes)?;
        file.sync_all()?;
        fs::rename(&path, directory.join(RESERVE))?;
        directory::sync(directory)
    };
    remove(directory)?;
    write().inspect_err(|_| {
        // What stays is removed by the next try.
        let _ = remove(directory);
    })
}

/// Writes bytes that take their room also where zeros or what compresses would take none.
fn fill(file: &mut fs::File, bytes: u64) -> io::Result<()> {
    const BLOCK: usize = 64 << 10;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(BLOCK);
    let mut left = bytes;
    while left > 0 {
        block.clear();
        while block.len() < BLOCK {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        let length = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        file.write_all(&block[..length])?;
        left -= length as u64;
    }
    Ok(())
}

fn remove_file(path: &Path) -> io::Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A directory that is gone when the test is over.
    pub(crate) struct Place(pub(crate) PathBuf);

    impl Place {
        pub(crate) fn new() -> Self {
            static COUNT: AtomicU64 = AtomicU64::new(0);
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("fanfare-reserve-{}-{count}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<_> = names.collect();
            names.sort();
            names
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// A disk that is full while a file of that name is there.
    fn make_unless_full(directory: &Path, bytes: u64) -> io::Result<()> {
        match directory.join("full").exists() {
            true => Err(io::ErrorKind::StorageFull.into()),
            false => make(directory, bytes),
        }
    }

    #[test]
    fn the_reserve_takes_its_room_and_is_for_its_owner_alone() {
        let place = Place::new();
        assert!(Reserve::open(&place.0, 300_000).unwrap().refusal().is_none());
        let file = fs::metadata(place.0.join("reserve")).unwrap();
        assert_eq!((file.len(), file.mode() & 0o777), (300_000, 0o600));
        assert!(file.blocks() * 512 >= 300_000, "{} blocks", file.blocks());
        assert_eq!(place.names(), ["reserve"]);
    }

    #[test]
    fn a_reserve_that_is_there_is_kept_and_one_of_another_size_is_made_anew() {
        let place = Place::new();
        fs::write(place.0.join("reserve"), "four").unwrap();
        fs::write(place.0.join(".reserve.unfinished"), "what a process left that died").unwrap();
        Reserve::open(&place.0, 4).unwrap();
        assert_eq!(fs::read(place.0.join("reserve")).unwrap(), b"four");
        Reserve::open(&place.0, 5).unwrap();
        assert_eq!(fs::metadata(place.0.join("reserve")).unwrap().len(), 5);
        assert_eq!(place.names(), ["reserve"]);
    }

    #[test]
    fn none_is_kept_when_none_is_wanted() {
        let place = Place::new();
        Reserve::open(&place.0, 1000).unwrap();
        let mut off = Reserve::open(&place.0, 0).unwrap();
        assert_eq!(place.names(), [""; 0]);
        assert!(!off.spend() && off.refusal().is_none());
    }

    #[test]
    fn a_disk_without_room_for_it_is_opened_and_takes_nothing() {
        let place = Place::new();
        fs::write(place.0.join("full"), "").unwrap();
        let mut reserve = Reserve::open_with(&place.0, 1000, make_unless_full).unwrap();
        let refusal = reserve.refusal().expect("there is no room");
        assert_eq!(refusal.kind(), StoreErrorKind::Full);
        let told = format!(
            "the disk under the store in {} is full, or has no room for the reserve of 1000 bytes: make room",
            place.0.display()
        );
        assert_eq!(refusal.to_string(), told);

        fs::remove_file(place.0.join("full")).unwrap();
        reserve.make_again().unwrap();
        assert!(reserve.refusal().is_none());
        assert_eq!(place.names(), ["reserve"]);
    }

    #[test]
    fn a_reserve_that_was_spent_is_made_again_after_a_pause() {
        let place = Place::new();
        let mut reserve = Reserve::open(&place.0, 1000).unwrap();
        assert!(reserve.spend());
        assert_eq!(place.names(), [""; 0]);
        let State::Missing { again } = reserve.state else { panic!("{:?}", reserve.state) };

        reserve.make_when_due(|| again - Duration::from_millis(1));
        assert_eq!(place.names(), [""; 0]);
        assert!(reserve.refusal().is_some());
        reserve.make_when_due(|| again);
        assert_eq!(place.names(), ["reserve"]);
        assert!(reserve.refusal().is_none());
        reserve.make_when_due(|| panic!("it is there"));
    }

    #[test]
    fn a_full_disk_is_told_from_one_that_is_broken() {
        let place = Place::new();
        let failure = |code| rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
        let wrapped = Err::<(), _>(failure(ffi::SQLITE_FULL)).attempting("cannot write").unwrap_err();
        assert!(lacks_room(&wrapped, &place.0));
        assert!(lacks_room(&io::Error::from(io::ErrorKind::StorageFull), &place.0));
        // There is room in the directory, so that these have other reasons.
        for code in [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_CANTOPEN, ffi::SQLITE_IOERR_FSYNC]
        {
            assert!(!lacks_room(&failure(code), &place.0), "{code}");
        }
        assert!(!lacks_room(&StoreError::new(StoreErrorKind::Full, "the bound is reached"), &place.0));
        assert_eq!(place.names(), [""; 0]);
    }
}
