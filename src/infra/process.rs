//! A command that runs: waited for, timed, and ended with everything that it started.
//!
//! The process is not reaped before its group was signalled, so that its number cannot have passed to
//! somebody else by then.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, Read};
#[cfg(unix)]
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::infra::clock::{Interrupted, Wait};

/// How often is looked whether the command has ended.
const STEP: Duration = Duration::from_millis(10);
/// How long the pipes may stay open after the command has ended, for filters that it wrote through.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long is waited for processes after KILL; those that the kernel holds back are given up.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// By itself.
    Status(ExitStatus),
    /// It was ended, because it took too long.
    TimedOut,
    /// The system does not say.
    Lost(io::Error),
}

/// Why a program cannot be started, as far as its place shows; `None` = it may be.
#[cfg(unix)]
pub(crate) fn unstartable(program: &OsStr) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt;
    let places: Vec<PathBuf> = if program.as_encoded_bytes().contains(&b'/') {
        vec![program.into()]
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).map(|folder| folder.join(program)).collect()
    };
    let found: Vec<std::fs::Metadata> = places.iter().filter_map(|place| place.metadata().ok()).collect();
    if found.iter().any(|found| found.is_file() && found.permissions().mode() & 0o111 != 0) {
        return None;
    }
    Some(match found.first() {
        None => "there is no such program",
        Some(found) if found.is_dir() => "it is a folder",
        Some(_) => "it is not executable (`chmod +x`)",
    })
}

/// Why a program cannot be started; here only starting it shows that.
#[cfg(not(unix))]
pub(crate) fn unstartable(_: &OsStr) -> Option<&'static str> {
    None
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// How.
    pub(crate) ended: Ended,
    /// What it wrote to its stdout.
    pub(crate) stdout: Stdout,
    /// The end of what it wrote to its stderr, fit for a message.
    pub(crate) stderr: String,
}

/// A command that runs. Dropped, it is ended at once with its process group.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    stdout: Option<Pipe<Stdout>>,
    stderr: Option<Pipe<Vec<u8>>>,
    is_over: bool,
}

impl Child {
    /// Starts a command whose stdout and stderr are pipes; of its stdout up to `largest` bytes are kept.
    pub(crate) fn start(mut command: Command, largest: usize) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.spawn()?;
        let mut child = Self { process, stdout: None, stderr: None, is_over: false };
        if let (Some(stdout), Some(stderr)) = (child.process.stdout.take(), child.process.stderr.take()) {
            child.stdout = Some(Pipe::empty(stdout, up_to(largest))?);
            child.stderr = Some(Pipe::empty(stderr, tail)?);
        }
        Ok(child)
    }

    /// Waits for its end, or ends it after `limit`; between TERM and KILL it has `kill_after`.
    pub(crate) fn run(
        mut self,
        limit: Duration,
        kill_after: Duration,
        wait: &dyn Wait,
    ) -> Result<Done, Interrupted> {
        let started = Instant::now();
        let end = loop {
            match self.has_exited() {
                Ok(true) => break Ok(None),
                Ok(false) => {}
                Err(error) => break Ok(Some(Ended::Lost(error))),
            }
            let left = limit.saturating_sub(started.elapsed());
            if left.is_zero() {
                break Ok(Some(Ended::TimedOut));
            }
            if wait.wait(left.min(STEP)).is_err() {
                break Err(Interrupted);
            }
        };
        if matches!(end, Ok(None)) {
            // Whoever holds the pipes may still have something to say.
            self.until(LAST_WORDS, |child| child.are_pipes_closed());
        }
        let status = self.end(kill_after);
        let ended = match (end?, status) {
            (Some(ended), _) => ended,
            (None, Ok(status)) => Ended::Status(status),
            (None, Err(error)) => Ended::Lost(error),
        };
        let stdout = self.stdout.take().map(Pipe::take).unwrap_or_default();
        let stderr = self.stderr.take().map(Pipe::take).unwrap_or_default();
        Ok(Done { ended, stdout, stderr: printable(&stderr) })
    }

    fn are_pipes_closed(&self) -> bool {
        self.stdout.as_ref().is_none_or(Pipe::has_ended) && self.stderr.as_ref().is_none_or(Pipe::has_ended)
    }

    /// Waits until something is so, at most so long; returns whether it is.
    fn until(&mut self, at_most: Duration, is_so: impl Fn(&mut Self) -> bool) -> bool {
        let started = Instant::now();
        loop {
            if is_so(self) {
                return true;
            }
            let left = at_most.saturating_sub(started.elapsed());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(STEP));
        }
    }
}

#[cfg(unix)]
impl Child {
    /// Whether the command has exited, without reaping it.
    fn has_exited(&mut self) -> io::Result<bool> {
        use rustix::process::Pid;
        use rustix::process::WaitId;
        use rustix::process::WaitIdOptions;
        use rustix::process::waitid;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match waitid(WaitId::Pid(Pid::from_child(&self.process)), options) {
            Ok(status) => Ok(status.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends what is left of the process group, and gives the command's status.
    fn end(&mut self, kill_after: Duration) -> io::Result<ExitStatus> {
        use rustix::process::Signal;
        self.signal(Signal::TERM);
        if !self.until(kill_after, Self::is_gone) {
            self.signal(Signal::KILL);
            self.until(AFTER_KILL, Self::is_gone);
        }
        self.is_over = true;
        match self.process.try_wait()? {
            Some(status) => Ok(status),
            None => Err(io::Error::other("it does not end")),
        }
    }

    /// Whether the command, and then everything else of its group, has ended. Reaps the command, and only asks
    /// about the group after that: a process that was not reaped counts as a member.
    fn is_gone(&mut self) -> bool {
        use rustix::process::Pid;
        use rustix::process::test_kill_process_group;
        let group = Pid::from_child(&self.process);
        matches!(self.process.try_wait(), Ok(Some(_)) | Err(_))
            && (test_kill_process_group(group).is_err() || !has_living(group.as_raw_pid()))
    }

    /// Sends a signal to the group; nobody there is no error.
    fn signal(&self, signal: rustix::process::Signal) {
        let group = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

/// Whether a process of the group does more than wait to be reaped. The orphans of a command are reaped by the
/// first process of the machine or container, which may take its time or never do it.
#[cfg(target_os = "linux")]
fn has_living(group: i32) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    processes.flatten().any(|process| {
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // `pid (name) state parent group …`; the name may hold anything.
        let Some((_, fields)) = stat.rsplit_once(')') else { return false };
        let mut fields = fields.split_whitespace();
        let state = fields.next();
        let of = fields.nth(1).and_then(|of| of.parse().ok());
        of == Some(group) && !matches!(state, Some("Z" | "X"))
    })
}

/// Only Linux tells.
#[cfg(all(unix, not(target_os = "linux")))]
fn has_living(_: i32) -> bool {
    true
}

#[cfg(not(unix))]
impl Child {
    /// Whether the command has exited.
    fn has_exited(&mut self) -> io::Result<bool> {
        self.process.try_wait().map(|status| status.is_some())
    }

    /// Ends the command, if it still runs, and gives its status.
    fn end(&mut self, _: Duration) -> io::Result<ExitStatus> {
        // Fails when it has ended by itself.
        let _ = self.process.kill();
        self.is_over = true;
        if !self.until(AFTER_KILL, |child| matches!(child.process.try_wait(), Ok(Some(_)))) {
            return Err(io::Error::other("it does not end"));
        }
        self.process.wait()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.end(Duration::ZERO);
        }
    }
}

/// How much of stderr is kept, bytes.
const TAIL: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Stdout {
    /// What was written, as far as the limit.
    pub(crate) bytes: Vec<u8>,
    /// There was more than the limit.
    pub(crate) is_cut: bool,
}

/// A pipe that is being emptied by a thread.
#[derive(Debug)]
pub(crate) struct Pipe<T>(Arc<Mutex<State<T>>>);

#[derive(Debug, Default)]
struct State<T> {
    kept: T,
    has_ended: bool,
    /// Nobody wants to know any more.
    is_given_up: bool,
}

impl<T: Default + Send + 'static> Pipe<T> {
    /// Empties the pipe, handing what comes to `keep`.
    pub(crate) fn empty<R: Read + Send + 'static>(
        mut input: R,
        keep: impl Fn(&mut T, &[u8]) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Mutex::new(State::default()));
        let state = Arc::clone(&shared);
        std::thread::Builder::new().name("pipe".to_owned()).spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            loop {
                let length = match input.read(&mut buffer) {
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                    Err(_) | Ok(0) => break,
                    Ok(length) => length,
                };
                let mut state = lock(&state);
                if !state.is_given_up {
                    keep(&mut state.kept, &buffer[..length]);
                }
            }
            lock(&state).has_ended = true;
        })?;
        Ok(Self(shared))
    }

    /// Whether the last writer has closed it.
    pub(crate) fn has_ended(&self) -> bool {
        lock(&self.0).has_ended
    }

    /// What was kept so far. What still comes is thrown away.
    pub(crate) fn take(self) -> T {
        let mut state = lock(&self.0);
        state.is_given_up = true;
        std::mem::take(&mut state.kept)
    }
}

fn lock<T>(state: &Mutex<State<T>>) -> MutexGuard<'_, State<T>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a stdout up to `largest` bytes; of one that is longer nothing, because it is of no use.
pub(crate) fn up_to(largest: usize) -> impl Fn(&mut Stdout, &[u8]) + Send {
    move |stdout, new| {
        if stdout.bytes.len() + new.len() > largest {
            *stdout = Stdout { bytes: Vec::new(), is_cut: true };
        } else if !stdout.is_cut {
            stdout.bytes.extend_from_slice(new);
        }
    }
}

/// Keeps the end.
pub(crate) fn tail(kept: &mut Vec<u8>, new: &[u8]) {
    kept.extend_from_slice(&new[new.len().saturating_sub(TAIL)..]);
    let surplus = kept.len().saturating_sub(TAIL);
    kept.drain(..surplus);
}

/// A text for one line of a message: control characters are shown, not obeyed.
pub(crate) fn printable(bytes: &[u8]) -> String {
    // The end may begin inside a character.
    let inside = bytes.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count();
    let text = String::from_utf8_lossy(&bytes[inside..]);
    let mut shown = String::new();
    for character in text.trim().chars() {
        if character.is_control() {
            let _ = write!(shown, "{}", character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_or_cannot_be_executed_is_known_before_it_is_started() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("measure.sh");
        let why = || unstartable(path.as_os_str());
        assert_eq!(why(), Some("there is no such program"));
        std::fs::write(&path, "").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert_eq!(why(), Some("it is not executable (`chmod +x`)"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
        assert_eq!(why(), None);
        assert_eq!(unstartable(folder.path().as_os_str()), Some("it is a folder"));
        assert_eq!(unstartable(OsStr::new("sh")), None, "in $PATH");
        assert_eq!(unstartable(OsStr::new("no-such-program-anywhere")), Some("there is no such program"));
    }

    #[test]
    fn of_a_stdout_over_the_limit_nothing_is_kept() {
        let keep = up_to(10);
        let mut stdout = Stdout::default();
        keep(&mut stdout, b"12345");
        keep(&mut stdout, b"67890");
        assert_eq!((stdout.bytes.as_slice(), stdout.is_cut), (&b"1234567890"[..], false));
        keep(&mut stdout, b"1");
        assert_eq!((stdout.bytes.capacity(), stdout.is_cut), (0, true));
        keep(&mut stdout, b"1");
        assert_eq!((stdout.bytes.len(), stdout.is_cut), (0, true));
    }

    #[test]
    fn of_a_stderr_the_end_is_kept() {
        let mut kept = Vec::new();
        tail(&mut kept, &[b'a'; 4000]);
        tail(&mut kept, &[b'b'; 96]);
        assert_eq!((kept.len(), kept[0]), (4096, b'a'));
        tail(&mut kept, &[b'c'; 4000]);
        assert_eq!((kept.len(), kept[95], kept[96]), (4096, b'b', b'c'));
        tail(&mut kept, &[b'd'; 10_000]);
        assert_eq!(kept, [b'd'; 4096]);
    }

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(printable(b" a\nb\t\x1b[31mred\x07 \n"), "a\\nb\\t\\u{1b}[31mred\\u{7}");
        assert_eq!(printable(&"é".as_bytes()[1..]), "");
        assert_eq!(printable("äö".as_bytes()), "äö");
        assert_eq!(printable(b"\xffx"), "\u{fffd}x");
    }
}
