//! The rollback's audit log: lines are only ever put behind the others, and are on the disk before anything follows
//! from them. Several processes may write: each looks at what the others wrote before it decides.
//!
//! A last line without its line end was cut short by a crash, and nobody was answered for it: it is taken off, and
//! the log says so. A file that does not begin as a log is none, and is left as it is. Anything else that does not fit is damage, and refused. Must not know what events mean.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::failpoint::failpoint;
use super::lock::is_still_at;
use crate::wire::rollback::log::{GENESIS, LineError, LogEvent, LogLine, Mode, open, seal};

/// The longest line that is read: a delivery of 1 MiB, its alerts with decisions and reasons.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AuditLogError {
    /// The system refuses.
    #[error("the audit log `{}` cannot be {action}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// `opened`, `read`, `written` or `locked`.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Lines do not fit.
    #[error("the audit log `{}` is damaged at line {line}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What does not fit.
        source: LineError,
    },
    /// It was shortened, or another file stands in its place.
    #[error("the audit log `{}` was moved, replaced or shortened while it was in use", path.display())]
    Moved {
        /// The file.
        path: PathBuf,
    },
    /// It is a link, a folder, a pipe.
    #[error("the audit log `{}` is no regular file", path.display())]
    NoFile {
        /// The path.
        path: PathBuf,
    },
}

/// How far a log was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last line; 0 in an empty log.
    pub seq: u64,
    /// Its hash; 64 zeros in an empty log.
    pub hash: String,
    /// Bytes up to the end of that line.
    pub length: u64,
}

impl Head {
    fn start() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned(), length: 0 }
    }
}

/// Something to be written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whether soak acts.
    pub mode: Mode,
    /// What happened.
    pub event: LogEvent,
}

/// A log that is written.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
    head: Head,
    /// The farthest end that was ever read or written: a log that does not reach it is not this log any more.
    farthest: Head,
}

impl AuditLog {
    /// Opens a log, or makes an empty one, with the folders around it. Reads nothing yet.
    pub fn open(path: &Path) -> Result<Self, AuditLogError> {
        let failed = |source| AuditLogError::Io { path: path.to_owned(), action: "opened", source };
        refuse_other_kinds(path)?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
        let file = options.open(path).map_err(failed)?;
        // The name of a new file is only safe when its folder is.
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, head: Head::start(), farthest: Head::start() })
    }

    /// Goes back to the beginning: the next transaction hears every line again.
    pub fn rewind(&mut self) {
        self.head = Head::start();
    }

    /// How far it was read or written.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes in what others wrote, lets `decide` say what is to be written (it is given the number of the first
    /// line that it will have), and writes that: all lines are on the disk when this returns. `heard` is told
    /// the lines of others. When this fails, what was decided was not written, and `state` may know it all the
    /// same: it is no longer to be trusted.
    ///
    /// Nobody else can write meanwhile, so what `decide` decides still holds when it is written.
    pub fn transact<T, S>(
        &mut self,
        state: &mut S,
        heard: impl Fn(&mut S, &LogLine),
        decide: impl FnOnce(&mut S, u64) -> (Vec<Entry>, T),
    ) -> Result<T, AuditLogError> {
        self.file.lock().map_err(|source| self.failed("locked", source))?;
        let result = self.locked(state, heard, decide);
        // The system lets it go with the file at the latest.
        let _ = self.file.unlock();
        result
    }

    fn locked<T, S>(
        &mut self,
        state: &mut S,
        heard: impl Fn(&mut S, &LogLine),
        decide: impl FnOnce(&mut S, u64) -> (Vec<Entry>, T),
    ) -> Result<T, AuditLogError> {
        let torn = self.catch_up(&mut |line| heard(state, line))?;
        if torn > 0 {
            self.file.set_len(self.head.length).map_err(|source| self.failed("written", source))?;
            let event = LogEvent::TornLine { bytes: torn };
            self.append(&[Entry { at: super::clock::machine_time(), mode: Mode::Live, event }])?;
        }
        let (entries, result) = decide(state, self.head.seq + 1);
        self.append(&entries)?;
        Ok(result)
    }

    /// Reads what was written since; gives the bytes behind the last whole line.
    fn catch_up(&mut self, heard: &mut dyn FnMut(&LogLine)) -> Result<u64, AuditLogError> {
        let length = self.file.metadata().map_err(|source| self.failed("read", source))?.len();
        let moved = || AuditLogError::Moved { path: self.path.clone() };
        if length < self.farthest.length || !is_still_at(&self.file, &self.path) {
            return Err(moved());
        }
        if length == self.head.length {
            return Ok(0);
        }
        self.file.seek(SeekFrom::Start(self.head.length)).map_err(|source| self.failed("read", source))?;
        let mut reader = BufReader::new(&self.file);
        let farthest = self.farthest.clone();
        let mut is_ours = farthest.seq <= self.head.seq;
        let torn = read_lines(&mut reader, &self.path, &mut self.head, &mut |line| {
            is_ours |= line.seq == farthest.seq && line.hash == farthest.hash;
            heard(line);
        })?;
        if !is_ours {
            return Err(AuditLogError::Moved { path: self.path.clone() });
        }
        self.farthest = self.head.clone();
        Ok(torn)
    }

    fn append(&mut self, entries: &[Entry]) -> Result<(), AuditLogError> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        let mut head = self.head.clone();
        for Entry { at, mode, event } in entries {
            let seq = head.seq + 1;
            let (line, hash) = seal(seq, *at, *mode, event, &head.hash)
                .map_err(|error| self.failed("written", io::Error::other(error)))?;
            text.push_str(&line);
            text.push('\n');
            head.hash = hash;
            head.seq = seq;
            failpoint(&format!("rollback-{}-unwritten", event.word()));
        }
        head.length += text.len() as u64;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // Half a line must not stay; if it does, whoever comes next takes it off.
            let _ = self.file.set_len(self.head.length);
            return Err(self.failed("written", source));
        }
        self.head = head;
        self.farthest = self.head.clone();
        for entry in entries {
            failpoint(&format!("rollback-{}-written", entry.event.word()));
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> AuditLogError {
        AuditLogError::Io { path: self.path.clone(), action, source }
    }
}

/// Reads a log that others may be writing, from its beginning; gives its end and the bytes of a line that was
/// cut short.
pub fn read(path: &Path, each: &mut dyn FnMut(&LogLine)) -> Result<(Head, u64), AuditLogError> {
    let failed = |source| AuditLogError::Io { path: path.to_owned(), action: "read", source };
    // Before it is opened: a pipe would be waited for.
    refuse_other_kinds(path)?;
    let file = File::open(path).map_err(failed)?;
    // A line that is just being written is not to be taken for one that was cut short.
    file.lock_shared().map_err(failed)?;
    let mut end = Head::start();
    let torn = read_lines(&mut BufReader::new(&file), path, &mut end, each)?;
    Ok((end, torn))
}

fn read_lines(
    reader: &mut impl BufRead,
    path: &Path,
    head: &mut Head,
    each: &mut dyn FnMut(&LogLine),
) -> Result<u64, AuditLogError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|source| AuditLogError::Io { path: path.to_owned(), action: "read", source })?;
        if read == 0 {
            return Ok(0);
        }
        let seq = head.seq + 1;
        let damaged = |source| AuditLogError::Damaged { path: path.to_owned(), line: seq, source };
        let Some(whole) = line.strip_suffix(b"\n") else {
            // Behind lines that fit it can only be one that was cut short. The first one, and one without end, may be
            // anything, and what soak did not write is not taken off.
            if read as u64 >= LONGEST_LINE || (head.seq == 0 && !may_begin_a_log(&line)) {
                return Err(damaged(LineError::Unreadable("it has no end".to_owned())));
            }
            return Ok(read as u64);
        };
        let read_line = open(whole, seq, &head.hash).map_err(damaged)?;
        each(&read_line);
        *head = Head { seq, hash: read_line.hash, length: head.length + read as u64 };
    }
}

/// Whether these may be the first bytes of a log.
fn may_begin_a_log(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"{\"seq\":1,\"at\":\"";
    let length = bytes.len().min(BEGIN.len());
    bytes[..length] == BEGIN[..length]
}

fn refuse_other_kinds(path: &Path) -> Result<(), AuditLogError> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(AuditLogError::NoFile { path: path.to_owned() }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
