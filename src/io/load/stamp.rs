//! Whether a file is still the one that was read: a stamp of what the file system says about it.
//!
//! Reads no content.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file that was changed so shortly before it was looked at may change again without its time moving: clocks of
/// file systems tick coarsely, the coarsest in steps of two seconds.
const TICK: Duration = Duration::from_secs(2);

/// What the file system says about a file. Links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    identity: Identity,
    settled: bool,
}

impl Stamp {
    /// The stamp of a file now; `None` when there is nothing to stamp.
    pub fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let identity = Identity::of(&meta);
        let changed = identity.changed().or(meta.modified().ok());
        let age = changed.and_then(|changed| SystemTime::now().duration_since(changed).ok());
        Some(Self {
            bytes: meta.len(),
            modified: meta.modified().ok(),
            identity,
            settled: age.is_some_and(|age| age >= TICK),
        })
    }

    /// Whether a file with this stamp has certainly the content that it had when `earlier` was taken.
    pub fn proves_unchanged_since(&self, earlier: &Self) -> bool {
        earlier.settled && Self { settled: true, ..*self } == *earlier
    }
}

/// Which file it is and when anything about it changed last, which no program can set at will.
#[cfg(unix)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    changed: (i64, i64),
}

#[cfg(unix)]
impl Identity {
    fn of(meta: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self { device: meta.dev(), inode: meta.ino(), changed: (meta.ctime(), meta.ctime_nsec()) }
    }

    fn changed(&self) -> Option<SystemTime> {
        let (seconds, nanos) = (u64::try_from(self.changed.0).ok()?, u64::try_from(self.changed.1).ok()?);
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds) + Duration::from_nanos(nanos))
    }
}

/// Elsewhere size and time of modification must do.
#[cfg(not(unix))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity;

#[cfg(not(unix))]
impl Identity {
    fn of(_: &Metadata) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the other platforms know more")]
    fn changed(&self) -> Option<SystemTime> {
        None
    }
}
