//! A command that runs: waited for, timed, and ended with everything that it started.
//!
//! The process is not reaped before its group was told to end, so that its number cannot have passed to
//! somebody else by then.

use std::io;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use super::output::{Pipe, Stdout, printable, tail, up_to};
use crate::core::run::source::{Interrupted, Wait};

/// How often is looked whether the command has ended.
const STEP: Duration = Duration::from_millis(10);
/// How long the pipes may stay open after the command has ended, for filters that it wrote through.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How long is waited for processes after KILL; those that the kernel holds back are given up.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// How a command ended.
#[derive(Debug)]
pub(in crate::io) enum Ended {
    /// By itself.
    Status(ExitStatus),
    /// It was ended, because it took too long.
    TimedOut,
    /// The system does not say.
    Lost(io::Error),
}

/// A command that has ended.
#[derive(Debug)]
pub(in crate::io) struct Done {
    /// How.
    pub(in crate::io) ended: Ended,
    /// What it wrote to its stdout.
    pub(in crate::io) stdout: Stdout,
    /// The end of what it wrote to its stderr, fit for a message.
    pub(in crate::io) stderr: String,
}

/// A command that runs. Dropped, it is ended at once with its process group.
#[derive(Debug)]
pub(in crate::io) struct Child {
    process: std::process::Child,
    stdout: Option<Pipe<Stdout>>,
    stderr: Option<Pipe<Vec<u8>>>,
    is_over: bool,
}

impl Child {
    /// Starts a command whose stdout and stderr are pipes; of its stdout up to `largest` bytes are kept.
    pub(in crate::io) fn start(mut command: Command, largest: usize) -> io::Result<Self> {
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
    pub(in crate::io) fn run(
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

    /// Waits until something is so, at most so long; tells whether it is.
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
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
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
        self.tell(Signal::TERM);
        if !self.until(kill_after, Self::is_gone) {
            self.tell(Signal::KILL);
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
        use rustix::process::{Pid, test_kill_process_group};
        let group = Pid::from_child(&self.process);
        matches!(self.process.try_wait(), Ok(Some(_)) | Err(_))
            && (test_kill_process_group(group).is_err() || !has_living(group.as_raw_pid()))
    }

    /// Sends a signal to the group; nobody there is no error.
    fn tell(&self, signal: rustix::process::Signal) {
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
