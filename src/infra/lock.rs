//! One writer at a time in a folder: an advisory lock on `.soak.lock`, which says who holds it.
//!
//! The file stays when the lock is released: deleting it would let two writers hold locks on two files of
//! the same name. Readers need no lock. Must not be held while waiting for anything slow.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::infra::atomic_file::adopt;
use crate::infra::environment;

/// Name of the lock file in the folder that it guards.
pub const FILE_NAME: &str = ".soak.lock";

/// Name of the lock file that a run holds in its folder from start to end.
pub const RUN_FILE_NAME: &str = ".soak-run.lock";

/// How long to sleep between two attempts.
const POLL: Duration = Duration::from_millis(20);

/// How long a holder is given to write down who it is: it has the lock a moment before.
const SIGNING: Duration = Duration::from_secs(2);

/// What the lock file may hold at most; more of it is not read.
const FILE_LIMIT: u64 = 4096;

/// A held lock. Released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Who holds a lock, as far as the lock file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Process id. `None` when the file does not contain it (a holder that has not written it yet; on
    /// Windows a locked file cannot be read).
    pub pid: Option<u32>,
    /// The command without its arguments, such as `soak gate`. `None` as above.
    pub command: Option<String>,
}

/// Why a lock was not obtained.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("`{}` is being written by {holder}", folder.display())]
    Held { folder: PathBuf, holder: Holder },
    /// The lock file is a symbolic link; following it would write elsewhere.
    #[error("the lock file `{}` is a symbolic link", path.display())]
    Symlink { path: PathBuf },
    /// The lock file cannot be used.
    #[error("cannot lock `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl FolderLock {
    /// Locks an existing folder, waiting up to `wait` for another holder.
    pub fn acquire(folder: &Path, wait: Duration) -> Result<Self, LockError> {
        Self::acquire_file(folder, FILE_NAME, wait)
    }

    /// Locks a folder for the whole of a run. Others may meanwhile write their artifacts into it.
    pub fn acquire_for_run(folder: &Path, wait: Duration) -> Result<Self, LockError> {
        Self::acquire_file(folder, RUN_FILE_NAME, wait)
    }

    /// Locks a file of this name in a folder, which nobody but its owner can open: whoever can read a lock file can hold
    /// up whoever waits for the lock.
    pub(crate) fn acquire_private(folder: &Path, name: &str, wait: Duration) -> Result<Self, LockError> {
        let lock = Self::acquire_file(folder, name, wait);
        #[cfg(unix)]
        if let Ok(Self { _file: file }) = &lock {
            use std::os::unix::fs::PermissionsExt;
            // One of another owner stays as that owner set it.
            let _ = file.set_permissions(std::fs::Permissions::from_mode(0o600));
        }
        lock
    }

    /// Locks a file of this name in a folder.
    pub fn acquire_file(folder: &Path, name: &str, wait: Duration) -> Result<Self, LockError> {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(LockError::Symlink { path });
        }
        let io_error = |source| LockError::Io { path: path.clone(), source };
        let open = || {
            let writable = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false) // the holder's words must survive an attempt that fails
                .open(&path)
                .inspect(|file| adopt(file, &path));
            match writable {
                // One of another user excludes as well as one of ours; who holds it is not written then.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    File::open(&path).map_err(|_| error)
                }
                opened => opened,
            }
        };
        let mut file = open().map_err(io_error)?;
        // Once after the time is over, so that a holder that has just come can say who it is.
        let deadline = Instant::now() + wait.max(POLL);
        loop {
            match file.try_lock() {
                Ok(()) if is_still_at(&file, &path) => break,
                // The folder moved away in between, and the lock with it.
                Ok(()) => file = open().map_err(io_error)?,
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => std::thread::sleep(POLL),
                Err(TryLockError::WouldBlock) => {
                    let holder = Holder::read_from(&mut file);
                    // The file may still contain what the holder before wrote, or nothing.
                    if !holder.may_be_alive() && Instant::now() < deadline + SIGNING {
                        std::thread::sleep(POLL);
                        continue;
                    }
                    return Err(LockError::Held { folder: folder.to_owned(), holder });
                }
                Err(TryLockError::Error(source)) => return Err(io_error(source)),
            }
        }
        match sign(&mut file) {
            Err(error) if !is_refused(&error) => return Err(io_error(error)),
            _ => {}
        }
        Ok(Self { _file: file })
    }
}

/// Who runs in a folder; `None` = nobody. Writes nothing.
pub fn holder_of_run(folder: &Path) -> Option<Holder> {
    let path = folder.join(RUN_FILE_NAME);
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
        return None;
    }
    let mut file = File::open(&path).ok()?;
    matches!(file.try_lock(), Err(TryLockError::WouldBlock)).then(|| Holder::read_from(&mut file))
}

impl Holder {
    fn read_from(file: &mut File) -> Self {
        let mut text = String::new();
        match file.seek(SeekFrom::Start(0)).and_then(|_| file.take(FILE_LIMIT).read_to_string(&mut text)) {
            Ok(_) => Self::parse(&text),
            Err(_) => Self::default(),
        }
    }

    /// Whether the process that is named may be running; `false` also where none is named.
    fn may_be_alive(&self) -> bool {
        // Windows never lets a locked file be read; waiting would not help.
        let Some(pid) = self.pid else { return cfg!(windows) };
        let own = Path::new("/proc/self");
        !own.exists() || own.with_file_name(pid.to_string()).exists()
    }

    fn parse(text: &str) -> Self {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        Self {
            pid: value("pid").and_then(|pid| pid.parse().ok()),
            // A text from a file that anybody may have written: nothing in it may move a terminal's cursor.
            command: value("command")
                .map(|command| command.chars().filter(|c| !c.is_control()).take(80).collect()),
        }
    }
}

/// Whether a path still names the file that was opened by it.
#[cfg(unix)]
pub(crate) fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: &std::fs::Metadata| (found.dev(), found.ino());
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(opened), Ok(there)) => place(&opened) == place(&there),
        _ => false,
    }
}

/// Always: a folder in which a file is open cannot be moved here.
#[cfg(not(unix))]
pub(crate) fn is_still_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Whether a file was opened for reading alone.
fn is_refused(error: &io::Error) -> bool {
    // EBADF of a write, EINVAL of a truncation.
    cfg!(unix) && matches!(error.raw_os_error(), Some(9 | 22))
}

/// Writes into the lock file who holds it now.
fn sign(file: &mut File) -> io::Result<()> {
    let words = format!("pid={}\ncommand={}\n", std::process::id(), environment::command_of_process());
    file.seek(SeekFrom::Start(0))?;
    file.set_len(0)?;
    file.write_all(words.as_bytes())
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.pid, &self.command) {
            (Some(pid), Some(command)) => write!(f, "process {pid} (`{command}`)"),
            (Some(pid), None) => write!(f, "process {pid}"),
            (None, _) => f.write_str("another process"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn a_second_writer_is_reported_who_holds_the_lock() -> TestResult {
        let folder = tempfile::tempdir()?;
        let held = FolderLock::acquire(folder.path(), Duration::ZERO)?;
        let refused = FolderLock::acquire(folder.path(), Duration::from_millis(50));
        let Err(LockError::Held { holder, .. }) = &refused else { return Err("not refused".into()) };
        if cfg!(unix) {
            assert_eq!(holder.pid, Some(std::process::id()));
            assert!(refused.is_err_and(|error| error.to_string().contains(&std::process::id().to_string())));
        }
        drop(held);
        FolderLock::acquire(folder.path(), Duration::ZERO)?;
        assert!(folder.path().join(FILE_NAME).exists(), "the file of the lock stays");
        Ok(())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_holder_that_has_not_written_its_name_yet_is_waited_for_and_a_dead_one_is_not_named() -> TestResult {
        // No process has number 0.
        for before in ["", "pid=0\ncommand=soak run\n"] {
            let folder = tempfile::tempdir()?;
            let path = folder.path().join(FILE_NAME);
            std::fs::write(&path, before)?;
            let mut holder = OpenOptions::new().read(true).write(true).open(&path)?;
            holder.lock()?;
            let refused = std::thread::scope(|scope| {
                let refused = scope.spawn(|| FolderLock::acquire(folder.path(), Duration::ZERO));
                std::thread::sleep(Duration::from_millis(200));
                let signed = sign(&mut holder);
                signed.map(|()| refused.join())
            })?;
            let Ok(Err(LockError::Held { holder, .. })) = refused else { return Err("not refused".into()) };
            assert_eq!(holder.pid, Some(std::process::id()), "{before}");
        }
        Ok(())
    }

    #[test]
    fn a_writer_waits_for_a_holder_that_is_soon_done() -> TestResult {
        let folder = tempfile::tempdir()?;
        let held = FolderLock::acquire(folder.path(), Duration::ZERO)?;
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| FolderLock::acquire(folder.path(), Duration::from_secs(20)));
            std::thread::sleep(Duration::from_millis(100));
            drop(held);
            waiting.join()
        });
        assert!(waiting.is_ok_and(|lock| lock.is_ok()));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_on_a_folder_that_moved_away_meanwhile_is_none() -> TestResult {
        let root = tempfile::tempdir()?;
        let (folder, moved) = (root.path().join("latest"), root.path().join("former"));
        std::fs::create_dir(&folder)?;
        let held = FolderLock::acquire(&folder, Duration::ZERO)?;
        let waiting = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| FolderLock::acquire(&folder, Duration::from_secs(20)));
            std::thread::sleep(Duration::from_millis(100));
            std::fs::rename(&folder, &moved)?;
            std::fs::create_dir(&folder)?;
            drop(FolderLock::acquire(&folder, Duration::ZERO));
            drop(held);
            waiting.join().map_err(|_| io::Error::other("panicked"))
        })?;
        let _waited = waiting?;
        FolderLock::acquire(&moved, Duration::ZERO)?;
        assert!(matches!(FolderLock::acquire(&folder, Duration::ZERO), Err(LockError::Held { .. })));
        Ok(())
    }

    #[test]
    fn words_of_an_earlier_holder_do_not_stay_behind() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join(FILE_NAME);
        std::fs::write(&path, "x".repeat(9000))?;
        drop(FolderLock::acquire(folder.path(), Duration::ZERO)?);
        let text = std::fs::read_to_string(&path)?;
        assert!(text.starts_with(&format!("pid={}\ncommand=", std::process::id())), "{text}");
        assert_eq!(text.lines().count(), 2);
        Ok(())
    }

    #[test]
    fn a_lock_file_that_says_nothing_or_nonsense_names_no_process() {
        assert_eq!(Holder::parse(""), Holder::default());
        assert_eq!(Holder::parse("pid=many\n"), Holder::default());
        assert_eq!(Holder::default().to_string(), "another process");
        let reported = Holder::parse("pid=7\ncommand=a\u{1b}[2Jb\n");
        assert_eq!(reported.to_string(), "process 7 (`a[2Jb`)");
        assert_eq!(Holder::parse("pid=7\n").to_string(), "process 7");
    }

    #[test]
    fn a_folder_that_is_missing_is_an_error_with_the_path_of_the_lock() -> TestResult {
        let folder = tempfile::tempdir()?;
        let refused = FolderLock::acquire(&folder.path().join("nowhere"), Duration::ZERO);
        assert!(refused.is_err_and(|error| error.to_string().contains("nowhere")));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_lock_file_that_is_a_link_is_not_followed() -> TestResult {
        let folder = tempfile::tempdir()?;
        let victim = folder.path().join("victim");
        std::fs::write(&victim, "precious")?;
        std::os::unix::fs::symlink(&victim, folder.path().join(FILE_NAME))?;
        let refused = FolderLock::acquire(folder.path(), Duration::ZERO);
        assert!(matches!(refused, Err(LockError::Symlink { .. })));
        assert_eq!(std::fs::read_to_string(&victim)?, "precious");
        Ok(())
    }
}
