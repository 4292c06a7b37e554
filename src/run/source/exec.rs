//! The `exec` source: a command is started once for each interval and tells what it measured.
//!
//! - It gets `SOAK_ITERATION`, `SOAK_OVERRIDES` (absolute path of the active overrides), `SOAK_INTERVAL_SECONDS`
//!   and `SOAK_EDGE_REPORT`, a path in a private folder that is removed afterwards. The report is the file at
//!   that path, if there is one, else what the command wrote to its stdout. Files beside it (`KPI_GATE.json`, …)
//!   are read too.
//! - It starts at the start of the interval, or at its end, and may take as long as the interval and the grace.
//!   When it ends before the interval does, the run waits for the rest.
//! - It runs in a process group of its own, and what is left of the group when it ends, at the time-out or when
//!   the run is to stop, is ended too: TERM, and KILL for what is still there a while later. So a command must
//!   not leave a server in the background, unless in a session of its own (`setsid`).
//! - Its stdin is empty. Of its stderr the end is kept for the message.
//! - On systems without process groups only the command itself is ended, at once.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::core::iteration::manifest::MeasureAt;
use crate::core::load::edge_report;
use crate::infra::clock::Wait;
use crate::infra::process::{Child, Ended, Stdout};
use crate::run::iteration::EdgeReport;
use crate::run::source::file::load;
use crate::run::source::{Interval, NoReport, Source};

/// Most of a report on stdout, bytes.
const LARGEST_STDOUT: usize = 64 * 1024 * 1024;

/// Starts a command for each interval.
#[derive(Clone, Debug)]
pub struct ExecSource {
    command: Vec<OsString>,
    grace: Duration,
    kill_after: Duration,
    measure_at: MeasureAt,
    largest_stdout: usize,
}

impl ExecSource {
    /// The command with its arguments; what it gets on top of the interval; how long its process group has
    /// between TERM and KILL; when in the interval it starts.
    pub fn new(command: Vec<OsString>, grace: Duration, kill_after: Duration, measure_at: MeasureAt) -> Self {
        Self { command, grace, kill_after, measure_at, largest_stdout: LARGEST_STDOUT }
    }

    fn command(&self, interval: &Interval<'_>, report: &Path) -> Result<Command, String> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err("no command was given".to_owned());
        };
        let overrides = std::path::absolute(interval.overrides_file)
            .unwrap_or_else(|_| interval.overrides_file.to_owned());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("SOAK_ITERATION", interval.iteration.to_string())
            .env("SOAK_OVERRIDES", overrides)
            .env("SOAK_INTERVAL_SECONDS", interval.length.as_secs_f64().to_string())
            .env("SOAK_EDGE_REPORT", report)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    fn collect(&self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let folder = private_folder()
            .map_err(|error| NoReport::Failed(format!("no folder for the report could be made: {error}")))?;
        let path = folder.path().join("EDGE_REPORT.json");
        let command = self.command(interval, &path).map_err(NoReport::Failed)?;
        let name = command.get_program().to_owned();
        let child = Child::start(command, self.largest_stdout).map_err(|error| {
            NoReport::Failed(format!("the command `{}` cannot be started: {error}", name.display()))
        })?;
        let limit = interval.length + self.grace;
        let done = child.run(limit, self.kill_after, wait)?;
        let report = match done.ended {
            Ended::TimedOut => Err(format!("was not done after {} s and was ended", limit.as_secs_f64())),
            Ended::Status(status) if !status.success() => Err(format!("failed: {status}")),
            Ended::Status(_) if path.symlink_metadata().is_ok() => {
                load(&path, None).map_err(|reason| format!("gave no usable report: {reason}"))
            }
            Ended::Status(_) => from_stdout(&done.stdout, self.largest_stdout),
            Ended::Lost(error) => Err(format!("cannot be watched: {error}")),
        };
        report.map_err(|reason| {
            let mut text = format!("the command `{}` {reason}", name.display());
            if !done.stderr.is_empty() {
                let _ = write!(text, "; the end of its stderr: {}", done.stderr);
            }
            NoReport::Failed(text)
        })
    }
}

/// A folder for this user alone, removed when dropped.
fn private_folder() -> std::io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("soak-exec-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o700));
    }
    builder.tempdir()
}

fn from_stdout(stdout: &Stdout, largest: usize) -> Result<EdgeReport, String> {
    if stdout.is_cut {
        return Err(format!(
            "wrote more than {largest} bytes to its stdout; large reports belong into the file `$SOAK_EDGE_REPORT`"
        ));
    }
    if stdout.bytes.trim_ascii().is_empty() {
        return Err("gave no report, neither in the file `$SOAK_EDGE_REPORT` nor on its stdout".to_owned());
    }
    match edge_report::read(stdout.bytes.as_slice()) {
        Ok(Some(report)) => Ok(report),
        Ok(None) => Err("gave a report on its stdout that has neither `totals` nor `total`".to_owned()),
        Err(error) => Err(format!("gave a report on its stdout that cannot be used: {error}")),
    }
}

impl Source for ExecSource {
    fn name(&self) -> &'static str {
        "exec"
    }

    fn cover(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        if self.measure_at == MeasureAt::End {
            wait.pass(interval.length)?;
        }
        self.collect(interval, wait)
    }
}

#[cfg(all(test, unix))]
#[path = "../tests/exec_source.rs"]
mod tests;
