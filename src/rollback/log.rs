//! The audit log: what happened, a line an event, chained by hashes. It is the memory too.
//!
//! `hash` is the SHA-256 of the line without it: of the bytes up to `,"hash":` and a closing brace. `prev` is the
//! `hash` of the line before, 64 zeros in the first. So nobody can change, take out or put in a line without
//! changing all lines behind it.
//!
//! Lines are only ever appended, and are on the disk before anything follows from them. Several processes may write:
//! each reads what the others wrote before it decides. A last line without its line end was cut short by a crash, and
//! nobody was answered for it: it is taken off, and the log says so. A file that does not begin as a log is none, and
//! is left as it is. Anything else that does not fit is damage, and refused.
#![expect(clippy::disallowed_methods, reason = "the log is a file that is locked and appended to")]

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::IntoStaticStr;

use super::event::Event;
use super::state::{State, timestamp};
use crate::core::verdict::failure::Failure;
use crate::infra::atomic_file::adopt;
use crate::infra::clock::{self, Stopwatch};
use crate::infra::failpoint::failpoint;
use crate::infra::hex::hex;
use crate::infra::lock::is_still_at;

/// `prev` of the first line.
pub(crate) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Whether soak acts or only says what it would do. Each remembers its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Mode {
    /// It acts.
    Live,
    /// It does not.
    #[default]
    DryRun,
}

impl Mode {
    pub(crate) fn word(self) -> &'static str {
        self.into()
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct LogLine {
    /// Number, from 1, without gaps
    pub seq: u64,
    /// When, RFC 3339 with milliseconds
    pub at: String,
    /// Whether soak acted or only said what it would do
    pub mode: Mode,
    /// What happened
    pub event: Event,
    /// `hash` of the line before; 64 zeros in the first
    pub prev: String,
    /// SHA-256 of the line without this key, hexadecimal
    pub hash: String,
}

#[derive(Serialize)]
struct Unsealed<'a> {
    seq: u64,
    at: &'a str,
    mode: Mode,
    event: &'a Event,
    prev: &'a str,
}

/// The line's text without line end, and its hash.
fn seal(
    seq: u64,
    at: DateTime<Utc>,
    mode: Mode,
    event: &Event,
    prev: &str,
) -> Result<(String, String), serde_json::Error> {
    let mut text = serde_json::to_string(&Unsealed { seq, at: &timestamp(at), mode, event, prev })?;
    let hash = hex(&Sha256::digest(text.as_bytes()));
    text.pop();
    text.push_str(",\"hash\":\"");
    text.push_str(&hash);
    text.push_str("\"}");
    Ok((text, hash))
}

/// Why a line does not fit in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Misfit(String);

const CHANGED: &str = "it was changed: its hash is not that of its bytes";
const BROKEN: &str =
    "a line before it was changed, taken out or put in: its `prev` is not the hash of the line before";

/// Reads a line and checks it against the one before it.
fn open(line: &[u8], seq: u64, prev: &str) -> Result<LogLine, Misfit> {
    let misfit = |problem: &str| Misfit(problem.to_owned());
    let read: LogLine = serde_json::from_slice(line)
        .map_err(|error| Misfit(format!("it is no line of an audit log: {error}")))?;
    let tail = format!(",\"hash\":\"{}\"}}", read.hash);
    let body = line.strip_suffix(tail.as_bytes()).ok_or_else(|| misfit(CHANGED))?;
    let mut hash = Sha256::new();
    hash.update(body);
    hash.update(b"}");
    if hex(&hash.finalize()) != read.hash {
        return Err(misfit(CHANGED));
    }
    if read.prev != prev {
        return Err(misfit(BROKEN));
    }
    if read.seq != seq {
        return Err(Misfit(format!("its number is {}, expected {seq}", read.seq)));
    }
    Ok(read)
}

impl LogLine {
    /// Takes its event into the state of this mode; what happened in the other one is not remembered.
    pub(crate) fn apply(&self, mode: Mode, state: &mut State) {
        if self.mode == mode {
            state.apply(self.seq, self.time(), &self.event);
        }
    }

    /// The beginning of all times where it cannot be read.
    fn time(&self) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(&self.at).map(|at| at.to_utc()).unwrap_or_default()
    }
}

/// The longest line that is read: a delivery of 1 MiB, its alerts with decisions and reasons.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// How long another writer is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);
/// How often is looked whether it is done.
const POLL: Duration = Duration::from_millis(10);
/// So often is looked whether a last line has its end by now.
const WHOLE_SOON: usize = 20;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("the audit log `{}` cannot be {action}", path.display())]
    Io {
        path: PathBuf,
        /// `opened`, `read`, `written` or `locked`.
        action: &'static str,
        source: io::Error,
    },
    #[error("the audit log `{}` is damaged at line {line}", path.display())]
    Damaged {
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        source: Misfit,
    },
    /// It was shortened, or another file is in its place.
    #[error("the audit log `{}` was moved, replaced or shortened while it was in use", path.display())]
    Moved { path: PathBuf },
    /// It is a link, a folder, a pipe.
    #[error("the audit log `{}` is no regular file", path.display())]
    NoFile { path: PathBuf },
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        match &error {
            LogError::Damaged { .. } => Self::input(error).hint(
                "`soak rollback log verify FILE` shows what does not fit; keep the file, and give `--log` another one \
                 only if you know what was done",
            ),
            LogError::Io { action: "opened", .. } => Self::output(error).hint("`--log FILE` names another place"),
            LogError::Moved { .. } => {
                Self::output(error).hint("the log must not be rotated while it is in use")
            }
            LogError::Io { .. } | LogError::NoFile { .. } => Self::output(error),
        }
    }
}

/// The last line of an audit log
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Head {
    /// Its number; 0 in an empty log
    pub seq: u64,
    /// Its hash; 64 zeros in an empty log
    pub hash: String,
    /// Bytes up to the end of that line.
    #[serde(skip)]
    length: u64,
}

/// That of an empty log.
impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned(), length: 0 }
    }
}

/// A log that is written.
#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    file: File,
    /// Locked by whoever writes. Not the log itself: whoever may read that could hold up all who write.
    guard: File,
    head: Head,
    /// The farthest end that was ever read or written: a log that does not reach it is not this log any more.
    farthest: Head,
}

impl AuditLog {
    /// Opens a log, or makes an empty one, with the folders around it. Reads nothing yet.
    pub(crate) fn open(path: &Path) -> Result<Self, LogError> {
        let failed = |source| LogError::Io { path: path.to_owned(), action: "opened", source };
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
        adopt(&file, path);
        // The name of a new file is only safe when its folder is.
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        let guard = open_guard(path).map_err(|source| LogError::Io {
            path: path.to_owned(),
            action: "locked",
            source,
        })?;
        Ok(Self { path: path.to_owned(), file, guard, head: Head::default(), farthest: Head::default() })
    }

    /// Goes back to the beginning: the next transaction hears every line again.
    pub(crate) fn rewind(&mut self) {
        self.head = Head::default();
    }

    pub(crate) fn head(&self) -> &Head {
        &self.head
    }

    /// Keeps others from writing until [`Self::unlock`], and reads what they wrote since: `heard` is given each line. A
    /// last line that was cut short is taken off.
    pub(super) fn lock(&mut self, heard: &mut dyn FnMut(&LogLine)) -> Result<(), LogError> {
        self.wait_for_guard().map_err(|source| self.failed("locked", source))?;
        let caught_up = self.catch_up(heard);
        if caught_up.is_err() {
            self.unlock();
        }
        caught_up
    }

    /// The system does it with the end of the process at the latest.
    pub(super) fn unlock(&self) {
        let _ = self.guard.unlock();
    }

    /// Another writer is done in moments; one that is not is reported, and does not stop this one for ever.
    fn wait_for_guard(&self) -> io::Result<()> {
        let watch = Stopwatch::start();
        loop {
            match self.guard.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if watch.elapsed() < LOCK_WAIT => std::thread::sleep(POLL),
                Err(TryLockError::WouldBlock) => {
                    let problem = format!("another process has held its lock for {} s", LOCK_WAIT.as_secs());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, problem));
                }
            }
        }
    }

    fn catch_up(&mut self, heard: &mut dyn FnMut(&LogLine)) -> Result<(), LogError> {
        let length = self.file.metadata().map_err(|source| self.failed("read", source))?.len();
        if length < self.farthest.length || !is_still_at(&self.file, &self.path) {
            return Err(LogError::Moved { path: self.path.clone() });
        }
        if length == self.head.length {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.head.length)).map_err(|source| self.failed("read", source))?;
        let farthest = self.farthest.clone();
        let mut is_ours = farthest.seq <= self.head.seq;
        let mut reader = BufReader::new(&self.file);
        let bytes = read_lines(&mut reader, &self.path, &mut self.head, &mut |line, _| {
            is_ours |= line.seq == farthest.seq && line.hash == farthest.hash;
            heard(line);
        })?;
        if !is_ours {
            return Err(LogError::Moved { path: self.path.clone() });
        }
        self.farthest = self.head.clone();
        if bytes > 0 {
            self.file.set_len(self.head.length).map_err(|source| self.failed("written", source))?;
            self.append(clock::machine_time(), Mode::Live, &[Event::TornLine { bytes }])?;
        }
        Ok(())
    }

    /// Appends events, while it is locked; they are on the disk when this returns. When it fails, none is.
    pub(super) fn append(&mut self, at: DateTime<Utc>, mode: Mode, events: &[Event]) -> Result<(), LogError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        let mut head = self.head.clone();
        for event in events {
            head.seq += 1;
            let (line, hash) = seal(head.seq, at, mode, event, &head.hash)
                .map_err(|error| self.failed("written", io::Error::other(error)))?;
            text.push_str(&line);
            text.push('\n');
            head.hash = hash;
            failpoint(&format!("rollback-{}-unwritten", event.word()));
        }
        head.length += text.len() as u64;
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // Half a line must not stay; if it does, whoever comes next takes it off.
            let _ = self.file.set_len(self.head.length);
            return Err(self.failed("written", source));
        }
        self.farthest = head.clone();
        self.head = head;
        for event in events {
            failpoint(&format!("rollback-{}-written", event.word()));
        }
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> LogError {
        LogError::Io { path: self.path.clone(), action, source }
    }
}

/// Reads a log that others may be writing, from its beginning: each line and its text. Returns its end and the bytes of
/// a line that was cut short.
pub(crate) fn read(path: &Path, each: &mut dyn FnMut(&LogLine, &[u8])) -> Result<(Head, u64), LogError> {
    let failed = |source| LogError::Io { path: path.to_owned(), action: "read", source };
    // Before it is opened: a pipe would be waited for.
    refuse_other_kinds(path)?;
    let file = File::open(path).map_err(failed)?;
    let mut end = Head::default();
    let mut torn = read_lines(&mut BufReader::new(&file), path, &mut end, each)?;
    // A line that is just being written is not to be taken for one that was cut short. No lock: readers hold nobody up.
    for _ in 0..WHOLE_SOON {
        if torn == 0 {
            break;
        }
        std::thread::sleep(POLL);
        (&file).seek(SeekFrom::Start(end.length)).map_err(failed)?;
        torn = read_lines(&mut BufReader::new(&file), path, &mut end, each)?;
    }
    Ok((end, torn))
}

/// The file beside a log that its writers lock; nobody but its owner can open it.
fn open_guard(log: &Path) -> io::Result<File> {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    let path = log.with_file_name(format!(".{name}.lock"));
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        let problem = format!("`{}` is no regular file", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).inspect(|file| adopt(file, &path))
}

fn read_lines(
    reader: &mut impl BufRead,
    path: &Path,
    head: &mut Head,
    each: &mut dyn FnMut(&LogLine, &[u8]),
) -> Result<u64, LogError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|source| LogError::Io { path: path.to_owned(), action: "read", source })?;
        if read == 0 {
            return Ok(0);
        }
        let seq = head.seq + 1;
        let damaged = |source| LogError::Damaged { path: path.to_owned(), line: seq, source };
        let Some(whole) = line.strip_suffix(b"\n") else {
            // Behind lines that fit it can only be one that was cut short. The first one, and one without end, may be
            // anything, and what soak did not write is not taken off.
            if read as u64 >= LONGEST_LINE || (head.seq == 0 && !may_begin_a_log(&line)) {
                return Err(damaged(Misfit("it is no line of an audit log: it has no end".to_owned())));
            }
            return Ok(read as u64);
        };
        let read_line = open(whole, seq, &head.hash).map_err(damaged)?;
        each(&read_line, whole);
        *head = Head { seq, hash: read_line.hash, length: head.length + read as u64 };
    }
}

/// Whether these may be the first bytes of a log.
fn may_begin_a_log(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"{\"seq\":1,\"at\":\"";
    let length = bytes.len().min(BEGIN.len());
    bytes[..length] == BEGIN[..length]
}

/// An error with its causes, on one line.
pub(super) fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    anyhow::Chain::new(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn refuse_other_kinds(path: &Path) -> Result<(), LogError> {
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => Err(LogError::NoFile { path: path.to_owned() }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event::TornLine { bytes: 7 }
    }

    #[test]
    fn a_line_is_hashed_over_its_bytes_without_the_hash() {
        let (line, hash) = seal(1, DateTime::UNIX_EPOCH, Mode::Live, &event(), GENESIS).expect("a line");
        let bare = format!(
            "{{\"seq\":1,\"at\":\"1970-01-01T00:00:00.000Z\",\"mode\":\"live\",\
             \"event\":{{\"type\":\"torn_line\",\"data\":{{\"bytes\":7}}}},\"prev\":\"{GENESIS}\"}}"
        );
        // The digest of the line above, by the standard's function in another crate's words.
        assert_eq!(hash, hex(&Sha256::digest(bare.as_bytes())));
        assert_eq!(
            line,
            bare.trim_end_matches('}').to_owned() + &"\"}".replace("\"}", &format!(",\"hash\":\"{hash}\"}}"))
        );
        assert_eq!(open(line.as_bytes(), 1, GENESIS).map(|read| read.event), Ok(event()));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let (line, _) = seal(1, DateTime::UNIX_EPOCH, Mode::DryRun, &event(), GENESIS).expect("a line");
        for at in 0..line.len() {
            let mut changed = line.clone().into_bytes();
            changed[at] ^= 1;
            assert!(open(&changed, 1, GENESIS).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_line_in_the_wrong_place_is_noticed() {
        let (line, hash) = seal(2, DateTime::UNIX_EPOCH, Mode::Live, &event(), GENESIS).expect("a line");
        assert_eq!(open(line.as_bytes(), 1, GENESIS), Err(Misfit("its number is 2, expected 1".to_owned())));
        assert_eq!(open(line.as_bytes(), 2, &hash), Err(Misfit(BROKEN.to_owned())));
    }

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    /// Writes events and gives the numbers of others' lines that were heard.
    fn write(log: &mut AuditLog, torn: &[u64]) -> Result<Vec<u64>, LogError> {
        let mut heard = Vec::new();
        log.lock(&mut |line| heard.push(line.seq))?;
        let events: Vec<Event> = torn.iter().map(|bytes| Event::TornLine { bytes: *bytes }).collect();
        let appended = log.append(DateTime::UNIX_EPOCH, Mode::DryRun, &events);
        log.unlock();
        appended.map(|()| heard)
    }

    #[test]
    fn lines_are_chained_and_read_again() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("deep/er/log.jsonl");
        let mut log = AuditLog::open(&path)?;
        assert!(write(&mut log, &[1, 2])?.is_empty() && write(&mut log, &[3])?.is_empty());
        let mut seen = Vec::new();
        let (head, torn) = read(&path, &mut |line, _| seen.push(line.event.clone()))?;
        assert_eq!((&head, torn), (log.head(), 0));
        assert_eq!(seen, [1, 2, 3].map(|bytes| Event::TornLine { bytes }));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_reader_holds_no_writer_up_and_a_writer_that_does_not_end_is_reported() -> TestResult {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        let mut log = AuditLog::open(&path)?;
        let reader = File::open(&path)?;
        reader.lock_shared()?;
        write(&mut log, &[1])?;
        let guard = folder.path().join(".log.lock");
        assert_eq!(std::fs::metadata(&guard)?.permissions().mode() & 0o777, 0o600);
        let other = OpenOptions::new().write(true).open(&guard)?;
        other.lock()?;
        let refused = write(&mut log, &[2]).expect_err("it is held");
        assert!(causes(&refused).ends_with("another process has held its lock for 5 s"), "{refused:?}");
        drop(other);
        log.rewind();
        write(&mut log, &[2])?;
        assert_eq!(read(&path, &mut |_, _| ())?.0.seq, 2);
        Ok(())
    }

    #[test]
    fn each_writer_hears_what_the_other_wrote_before_it_decides() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        let (mut first, mut second) = (AuditLog::open(&path)?, AuditLog::open(&path)?);
        write(&mut first, &[1])?;
        assert_eq!(write(&mut second, &[2])?, [1]);
        let mut heard = Vec::new();
        first.lock(&mut |line| heard.push(line.seq))?;
        first.unlock();
        assert_eq!((heard, first.head().seq), (vec![2], 2));
        Ok(())
    }

    #[test]
    fn a_torn_last_line_is_taken_off_and_reported() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        write(&mut AuditLog::open(&path)?, &[1, 2, 3])?;
        let whole = std::fs::read(&path)?;
        let start_of_last =
            whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').ok_or("lines")? + 1;
        for cut in [start_of_last + 1, start_of_last + 40, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut])?;
            assert_eq!(read(&path, &mut |_, _| ())?.1, (cut - start_of_last) as u64);
            write(&mut AuditLog::open(&path)?, &[9])?;
            let mut seen = Vec::new();
            let (_, torn) = read(&path, &mut |line, _| seen.push(line.event.clone()))?;
            let bytes = (cut - start_of_last) as u64;
            assert_eq!(torn, 0);
            assert_eq!(seen[2..], [Event::TornLine { bytes }, Event::TornLine { bytes: 9 }]);
        }
        Ok(())
    }

    #[test]
    fn any_other_damage_is_refused_with_its_line() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        write(&mut AuditLog::open(&path)?, &[1, 2, 3])?;
        let text = std::fs::read_to_string(&path)?;
        let lines: Vec<&str> = text.lines().collect();
        for (damaged, line) in [
            (format!("{}\n{}\n", lines[0], lines[2]), 2),
            (format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2]), 1),
            (format!("{}\n{}\n{}\n", lines[0], lines[1].replace("\"bytes\":2", "\"bytes\":5"), lines[2]), 2),
            (format!("{}\n\n{}\n", lines[0], lines[1]), 2),
            (format!("{}\n{}\n{}\nnonsense\n", lines[0], lines[1], lines[2]), 4),
        ] {
            std::fs::write(&path, &damaged)?;
            let refused = write(&mut AuditLog::open(&path)?, &[4]);
            assert!(matches!(refused, Err(LogError::Damaged { line: at, .. }) if at == line), "{damaged}");
            assert_eq!(std::fs::read_to_string(&path)?, damaged, "what is damaged is left as it is");
        }
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_log_that_was_moved_or_is_a_link_is_refused() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("log");
        let mut log = AuditLog::open(&path)?;
        write(&mut log, &[1])?;
        std::fs::rename(&path, folder.path().join("log.1"))?;
        assert!(matches!(write(&mut log, &[2]), Err(LogError::Moved { .. })));
        std::os::unix::fs::symlink(folder.path().join("log.1"), &path)?;
        assert!(matches!(AuditLog::open(&path), Err(LogError::NoFile { .. })));
        Ok(())
    }

    #[cfg(unix)]
    #[test]
    fn a_log_that_was_exchanged_or_shortened_stays_refused_and_one_that_came_back_is_taken() -> TestResult {
        let folder = tempfile::tempdir()?;
        let (path, aside) = (folder.path().join("log"), folder.path().join("aside"));
        let mut log = AuditLog::open(&path)?;
        write(&mut log, &[1, 2])?;
        let whole = std::fs::read(&path)?;
        std::fs::rename(&path, &aside)?;
        for _ in 0..2 {
            assert!(matches!(write(&mut log, &[3]), Err(LogError::Moved { .. })));
            assert!(!path.exists(), "no new log is begun in its place");
            log.rewind();
        }
        std::fs::write(&path, "")?;
        assert!(matches!(write(&mut log, &[3]), Err(LogError::Moved { .. })));
        std::fs::rename(&aside, &path)?;
        log.rewind();
        assert_eq!(write(&mut log, &[3])?, [1, 2], "everything is heard again");
        for content in [&b""[..], &whole] {
            std::fs::write(&path, content)?;
            for _ in 0..2 {
                assert!(matches!(write(&mut log, &[4]), Err(LogError::Moved { .. })));
                log.rewind();
            }
        }
        Ok(())
    }

    #[test]
    fn a_file_that_is_no_log_is_refused_and_left_as_it_is() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("notes");
        for precious in ["precious", "{\"seq\":2,\"at\":\"", "{}", "\0", "precious\n", "[1, 2"] {
            std::fs::write(&path, precious)?;
            let refused = write(&mut AuditLog::open(&path)?, &[1]);
            assert!(matches!(refused, Err(LogError::Damaged { line: 1, .. })), "{precious:?}");
            assert!(matches!(read(&path, &mut |_, _| ()), Err(LogError::Damaged { line: 1, .. })));
            assert_eq!(std::fs::read_to_string(&path)?, precious);
        }
        // The beginning of a first line that was cut short is ours.
        for torn in ["{", "{\"seq\":1,\"at\":\"2026-01-01T00:00:00.000Z\",\"mo"] {
            std::fs::write(&path, torn)?;
            write(&mut AuditLog::open(&path)?, &[1])?;
            let mut seen = Vec::new();
            read(&path, &mut |line, _| seen.push(line.event.clone()))?;
            assert_eq!(seen, [torn.len() as u64, 1].map(|bytes| Event::TornLine { bytes }));
        }
        Ok(())
    }
}
