//! The `exec` source: a command is started once for each interval and tells what it measured.
//!
//! - It gets `SOAK_ITERATION`, `SOAK_OVERRIDES` (absolute path of the active overrides), `SOAK_INTERVAL_SECONDS`
//!   and `SOAK_MEASUREMENT` (older name: `SOAK_EDGE_REPORT`), a path in a private folder that is removed afterwards. The
//!   measurement is the file at that path, if there is one, else what the command wrote to its stdout. Files beside it
//!   (`KPI_GATE.json`, …) are read too.
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
use crate::core::load::measurement::MeasurementReader;
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
    reader: MeasurementReader,
    checks_times: bool,
    largest_stdout: usize,
}

impl ExecSource {
    /// The command with its arguments; what it gets on top of the interval; how long its process group has
    /// between TERM and KILL; when in the interval it starts; what reads the measurement.
    pub fn new(
        command: Vec<OsString>,
        grace: Duration,
        kill_after: Duration,
        measure_at: MeasureAt,
        reader: MeasurementReader,
    ) -> Self {
        let largest_stdout = LARGEST_STDOUT;
        Self { command, grace, kill_after, measure_at, reader, checks_times: true, largest_stdout }
    }

    /// Samples may be from before the interval.
    #[must_use]
    pub fn without_times(self) -> Self {
        Self { checks_times: false, ..self }
    }

    fn command(&self, interval: &Interval<'_>, report: &Path) -> Result<Command, String> {
        let Some((program, arguments)) = self.command.split_first() else {
            return Err("no command was given".to_owned());
        };
        let mut command = Command::new(program);
        // Where nothing is tuned there is no such file.
        if !interval.overrides.is_empty() {
            let overrides = std::path::absolute(interval.overrides_file)
                .unwrap_or_else(|_| interval.overrides_file.to_owned());
            command.env("SOAK_OVERRIDES", overrides);
        }
        command
            .args(arguments)
            .env("SOAK_ITERATION", interval.iteration.to_string())
            .env("SOAK_INTERVAL_SECONDS", interval.length.as_secs_f64().to_string())
            .env("SOAK_MEASUREMENT", report)
            .env("SOAK_EDGE_REPORT", report)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }

    fn collect(&mut self, interval: &Interval<'_>, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
        let folder = private_folder().map_err(|error| {
            NoReport::Failed(format!("no folder for the measurement could be made: {error}"))
        })?;
        let path = folder.path().join("EDGE_REPORT.json");
        let command = self.command(interval, &path).map_err(NoReport::Failed)?;
        let name = command.get_program().to_owned();
        let child = Child::start(command, self.largest_stdout).map_err(|error| {
            NoReport::Failed(format!("the command `{}` cannot be started: {error}", name.display()))
        })?;
        let limit = interval.length + self.grace;
        let done = child.run(limit, self.kill_after, wait)?;
        let report = match done.ended {
            Ended::TimedOut => Err(format!("did not end within {} s and was stopped", limit.as_secs_f64())),
            Ended::Status(status) if !status.success() => Err(format!("failed: {status}")),
            Ended::Status(_) if path.symlink_metadata().is_ok() => load(&path, None, None, &mut self.reader)
                .map_err(|reason| format!("gave no usable measurement: {reason}")),
            Ended::Status(_) => self.read_stdout(&done.stdout, interval),
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

    fn read_stdout(&mut self, stdout: &Stdout, interval: &Interval<'_>) -> Result<EdgeReport, String> {
        if stdout.is_cut {
            let largest = self.largest_stdout;
            return Err(format!(
                "wrote more than {largest} bytes to its stdout; large measurements belong into the file \
                 `$SOAK_MEASUREMENT`"
            ));
        }
        if stdout.bytes.trim_ascii().is_empty() {
            return Err(format!(
                "gave no measurement, neither in the file `$SOAK_MEASUREMENT` nor on its stdout; expected e.g. `{}`",
                self.reader.example()
            ));
        }
        let since = self.checks_times.then_some(interval.starts);
        self.reader
            .read(stdout.bytes.as_slice(), since)
            .map_err(|problem| format!("gave a measurement on its stdout that cannot be used: {problem}"))
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
mod tests {

    use std::cell::Cell;
    use std::fs;
    use std::path::PathBuf;
    use std::time::Instant;

    use crate::core::iteration::params::{ParamName, ParamValues};
    use crate::infra::clock::Interrupted;
    use crate::run::fixture::reader;
    use crate::run::source::exec::*;
    use crate::run::source::test_wait::RealWait;

    const SECOND: Duration = Duration::from_secs(1);

    /// A short run of a shell script.
    struct Script {
        source: ExecSource,
        length: Duration,
        took: Duration,
    }

    impl Script {
        fn new(script: &str) -> Self {
            let command = ["sh", "-c", script].map(OsString::from).to_vec();
            Self {
                source: ExecSource::new(command, SECOND * 10, SECOND * 5, MeasureAt::Start, reader()),
                length: SECOND,
                took: Duration::ZERO,
            }
        }

        fn limits(mut self, length: Duration, grace: Duration, kill_after: Duration) -> Self {
            (self.length, self.source.grace, self.source.kill_after) = (length, grace, kill_after);
            self
        }

        fn run(&mut self, wait: &dyn Wait) -> Result<EdgeReport, NoReport> {
            let overrides = ParamValues::new(vec![(ParamName::flat("tail_age_ms"), 600.0)]);
            let interval = Interval {
                iteration: 7,
                starts: "2025-10-12T12:00:00Z".parse().expect("a time"),
                length: self.length,
                overrides: &overrides,
                overrides_file: Path::new("some/overrides.json"),
            };
            let started = Instant::now();
            let report = self.source.cover(&interval, wait);
            self.took = started.elapsed();
            report
        }

        fn report(&mut self) -> EdgeReport {
            self.run(&RealWait::new()).expect("a report")
        }

        fn failure(&mut self) -> String {
            match self.run(&RealWait::new()) {
                Err(NoReport::Failed(reason)) => reason,
                other => panic!("{other:?}"),
            }
        }
    }

    /// A file in which a script leaves process ids.
    fn pid_file() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pids");
        (folder, path)
    }

    /// The processes of the file that still live; one that has ended and was not reaped does not.
    fn alive(pids: &Path) -> Vec<String> {
        let text = fs::read_to_string(pids).expect("the script has written its pids");
        let is_alive = |pid: &&str| {
            let asked = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps runs");
            let state = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
            !state.is_empty() && !state.starts_with('Z')
        };
        let pids: Vec<&str> = text.split_whitespace().collect();
        assert!(!pids.is_empty());
        pids.into_iter().filter(is_alive).map(str::to_owned).collect()
    }

    #[test]
    fn the_report_is_the_file_if_there_is_one_and_else_stdout() {
        let report = Script::new(r#"echo '{"totals": {"a": 1}}'"#).report();
        assert_eq!(report.number("a"), Some(1.0));
        let mut both = Script::new(
            r#"echo 'talk'; echo '{"totals": {"a": 2}}' > "$SOAK_EDGE_REPORT"
        echo '{"verdict": "PASS"}' > "$(dirname "$SOAK_EDGE_REPORT")/KPI_GATE.json""#,
        );
        let report = both.report();
        assert_eq!(report.number("a"), Some(2.0));
        assert_eq!(report.kpi_gate.expect("a gate").verdict, "PASS");
        assert!(both.took < SECOND, "the rest of the interval is waited by the run: {:?}", both.took);
        assert_eq!(both.source.name(), "exec");
    }

    #[test]
    fn at_the_end_of_the_interval_the_command_starts_when_it_has_passed() {
        let (_folder, started) = pid_file();
        let mut script =
            Script::new(&format!("echo $$ > '{}'; echo '{{\"totals\": {{}}}}'", started.display()));
        script.source.measure_at = MeasureAt::End;
        script.length = SECOND * 900;
        let wait = Passing { passed: Cell::new(Duration::ZERO), before: || assert!(!started.exists()) };
        script.run(&wait).expect("a report");
        assert!(started.exists());
        assert_eq!(wait.passed.get(), SECOND * 900);
        let stopped = Script { source: script.source, length: SECOND, took: SECOND };
        fs::remove_file(&started).expect("removed");
        let mut stopped = stopped;
        assert_eq!(stopped.run(&RealWait::interrupted_after(Duration::ZERO)), Err(NoReport::Interrupted));
        assert!(!started.exists(), "an interrupted wait starts nothing");
    }

    /// Lets intervals pass at once, and really waits for the rest.
    struct Passing<F> {
        passed: Cell<Duration>,
        before: F,
    }

    impl<F: Fn()> Wait for Passing<F> {
        fn wait(&self, how_long: Duration) -> Result<(), Interrupted> {
            RealWait::new().wait(how_long)
        }

        fn pass(&self, interval: Duration) -> Result<(), Interrupted> {
            (self.before)();
            self.passed.set(interval);
            Ok(())
        }
    }

    #[test]
    fn the_command_is_told_what_it_needs_to_know() {
        let (_folder, told) = pid_file();
        let script = format!(
            r#"{{ echo "$SOAK_ITERATION $SOAK_INTERVAL_SECONDS"; echo "$SOAK_OVERRIDES"; echo "$SOAK_EDGE_REPORT"
        ls -ld "$(dirname "$SOAK_EDGE_REPORT")" | cut -c1-10; cat; }} > '{}'; echo '{{"totals": {{}}}}'"#,
            told.display()
        );
        Script::new(&script).limits(Duration::from_millis(1500), SECOND * 10, SECOND).report();
        let text = fs::read_to_string(&told).expect("written");
        let lines: Vec<&str> = text.lines().collect();
        let [numbers, overrides, report, mode] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(*numbers, "7 1.5");
        assert!(
            Path::new(overrides).is_absolute() && overrides.ends_with("some/overrides.json"),
            "{overrides}"
        );
        assert_eq!(*mode, "drwx------");
        let folder = Path::new(report).parent().expect("a folder");
        assert!(!folder.exists(), "the folder of the report is removed");
    }

    #[test]
    fn a_command_that_fails_is_told_with_the_end_of_its_stderr() {
        let told = Script::new(r#"echo '{"totals": {}}'; printf 'no\n\033[31mluck\n' >&2; exit 3"#).failure();
        assert_eq!(
            told,
            "the command `sh` failed: exit status: 3; the end of its stderr: no\\n\\u{1b}[31mluck"
        );
        let told = Script::new("kill -9 $$").failure();
        assert!(told.starts_with("the command `sh` failed: signal: 9"), "{told}");
        let long = Script::new("yes x | head -c 100000 >&2; echo end >&2; exit 1").failure();
        assert!(long.ends_with("x\\nend") && long.len() < 8192, "{}", long.len());
    }

    #[test]
    fn a_command_without_a_usable_report_fails() {
        let none = Script::new("echo; echo why >&2").failure();
        assert!(none.contains("gave no measurement") && none.ends_with("stderr: why"), "{none}");
        let malformed = Script::new("echo '{\"totals\": '").failure();
        assert!(malformed.contains("stdout that cannot be used: EOF"), "{malformed}");
        let none = Script::new("echo '{}'").failure();
        assert_eq!(
            none,
            "the command `sh` gave a measurement on its stdout that cannot be used: it has no number; got `{}`; \
             expected e.g. `{\"risk_ratio\": 0.25, \"maker_taker_ratio\": 0.25}`"
        );
        let empty = Script::new(r#"echo '{"totals": {}}'; : > "$SOAK_EDGE_REPORT""#).failure();
        assert!(empty.contains("gave no usable measurement: the file `"), "{empty}");
        let folder = Script::new(r#"mkdir "$SOAK_EDGE_REPORT""#).failure();
        assert!(folder.contains("is a directory"), "{folder}");
    }

    #[test]
    fn a_command_that_cannot_be_started_fails() {
        let mut script = Script::new("");
        script.source.command = vec!["no-such-program-anywhere".into()];
        let told = script.failure();
        assert!(told.starts_with("the command `no-such-program-anywhere` cannot be started: "), "{told}");
        script.source.command.clear();
        assert_eq!(script.failure(), "no command was given");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended_with_everything_it_started() {
        let (_folder, pids) = pid_file();
        let script = format!("sleep 60 & echo $! $$ > '{0}'; echo slow >&2; sleep 60", pids.display());
        let mut script = Script::new(&script).limits(SECOND / 4, SECOND / 4, SECOND * 5);
        let told = script.failure();
        assert_eq!(
            told,
            "the command `sh` did not end within 0.5 s and was stopped; the end of its stderr: slow"
        );
        assert!(script.took >= SECOND / 2 && script.took < SECOND * 4, "{:?}", script.took);
        assert_eq!(alive(&pids), Vec::<String>::new());
    }

    #[test]
    fn a_command_that_ignores_term_is_killed() {
        let (_folder, pids) = pid_file();
        let script =
            format!("trap '' TERM; sleep 60 & echo $! $$ > '{}'; while :; do sleep 60; done", pids.display());
        let mut script = Script::new(&script).limits(SECOND / 4, SECOND / 4, SECOND / 2);
        assert!(script.failure().contains("did not end within 0.5 s"));
        assert!(script.took >= SECOND && script.took < SECOND * 4, "{:?}", script.took);
        assert_eq!(alive(&pids), Vec::<String>::new());
    }

    #[test]
    fn a_process_in_the_background_neither_holds_the_run_up_nor_outlives_the_command() {
        let (_folder, pids) = pid_file();
        for redirect in ["", "> /dev/null 2>&1"] {
            let script = format!(
                r#"sleep 60 {redirect} & echo $! > '{}'; echo '{{"totals": {{"a": 1}}}}'"#,
                pids.display()
            );
            let mut script = Script::new(&script);
            assert_eq!(script.report().number("a"), Some(1.0));
            assert!(script.took < SECOND * 3, "{:?}", script.took);
            assert_eq!(alive(&pids), Vec::<String>::new());
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_in_a_session_of_its_own_may_hold_the_pipes_without_holding_the_run_up() {
        let (_folder, pids) = pid_file();
        let script = format!(
            r#"setsid sh -c 'echo $$ > "{0}"; exec sleep 20' & while [ ! -s '{0}' ]; do sleep 0.02; done
        echo '{{"totals": {{}}}}'"#,
            pids.display()
        );
        let mut script = Script::new(&script);
        script.report();
        assert!(script.took < SECOND * 4, "{:?}", script.took);
        let left = alive(&pids);
        assert_eq!(left.len(), 1, "what left the group is left alone");
        for pid in left {
            Command::new("kill").arg(pid).status().expect("kill runs");
        }
    }

    #[test]
    fn when_the_run_is_to_stop_the_command_is_ended() {
        let (_folder, pids) = pid_file();
        let script = format!("sleep 60 & echo $! $$ > '{}'; sleep 60", pids.display());
        let mut script = Script::new(&script).limits(SECOND * 60, SECOND, SECOND);
        let wait = RealWait::interrupted_after(SECOND / 2);
        assert_eq!(script.run(&wait), Err(NoReport::Interrupted));
        assert!(script.took < SECOND * 3, "{:?}", script.took);
        assert_eq!(alive(&pids), Vec::<String>::new());
    }

    #[test]
    fn the_end_of_a_command_is_noticed_soon() {
        // The time that a process takes to start is measured too, and on a busy machine that is long.
        let is_soon = |_| {
            let mut script = Script::new("echo '{\"totals\": {}}'");
            script.report();
            script.took < Duration::from_millis(40)
        };
        assert!((0..50).any(is_soon));
    }

    #[test]
    fn a_stdout_beyond_its_limit_is_drained_and_refused() {
        let mut script = Script::new("head -c 200000000 /dev/zero; echo done >&2");
        script.source.largest_stdout = 1000;
        script.length = SECOND * 60;
        let told = script.failure();
        assert!(told.contains("wrote more than 1000 bytes to its stdout"), "{told}");
        assert!(told.ends_with("stderr: done"), "drained to its end: {told}");
    }
}
