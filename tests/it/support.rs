//! Makes artifact folders for tests: runs whose every number is chosen here, so that tests can calculate what
//! must come out. Shared by several test programs; each uses a part of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::{Value, json};
use soak::core::iteration::Iteration;
use soak::core::kpi::KpiTable;
use soak::run::iteration::IterationRecord;

/// A run as it will stand in a folder: contents by file name.
#[derive(Clone, Debug, Default)]
pub struct Run {
    files: BTreeMap<String, Vec<u8>>,
}

/// One iteration's measurements and tuning.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub number: u64,
    pub net: f64,
    pub risk: f64,
    pub maker: f64,
    pub p95: f64,
    pub freeze: bool,
}

impl Step {
    /// An iteration that passes every limit with room.
    pub fn good(number: u64) -> Self {
        Self { number, net: 3.2, risk: 0.33, maker: 0.88, p95: 300.0, freeze: false }
    }

    /// One that misses every limit.
    pub fn bad(number: u64) -> Self {
        Self { number, net: 1.0, risk: 0.55, maker: 0.70, p95: 420.0, freeze: false }
    }

    /// The file's content: nested layout, nothing proposed, overrides in force.
    pub fn json(self) -> Value {
        let minute = self.number * 5;
        json!({
            "iteration": self.number,
            "runtime_overrides": overrides(60.0),
            "summary": {
                "runtime_utc": format!("2026-01-{:02}T{:02}:{:02}:00Z", 1 + minute / 1440, minute / 60 % 24, minute % 60),
                "net_bps": self.net,
                "risk_ratio": self.risk,
                "maker_taker_ratio": self.maker,
                "p95_latency_ms": self.p95,
                "adverse_bps_p95": 2.5,
                "slippage_bps_p95": 1.5,
                "fees_bps": 0.5,
                "kpi_verdict": "PASS",
                // Nothing reads it. Files that are equal but for number and time would be copies.
                "ticks": 18_000 + self.number,
            },
            "tuning": {
                "applied": false,
                "proposed_deltas": {},
                "skip_reason": {"cooldown": false, "velocity": false, "oscillation": false, "freeze": false,
                                "no_op": true, "code": "no_deltas", "note": "nothing to change"},
                "freeze_triggered": self.freeze,
                "oscillation_detected": false,
                "velocity_violation": false,
                "cooldown_active": false,
            },
        })
    }
}

/// The iteration as the judge reads it from the file of this record.
pub fn as_judged(record: &IterationRecord) -> Iteration {
    let kpis = KpiTable::default();
    let bytes = soak::run::iteration::file::write(record, &kpis).expect("finite numbers");
    let mut files = soak::core::load::iteration::read(&bytes, &kpis).expect("a readable file");
    Iteration { number: record.number, ..files.remove(0).iteration }
}

/// A full set of overrides; only the interval varies.
pub fn overrides(min_interval_ms: f64) -> Value {
    json!({"min_interval_ms": min_interval_ms, "tail_age_ms": 600, "impact_cap_ratio": 0.1})
}

impl Run {
    /// `n` good iterations, with a freeze two before the last one.
    pub fn passing(n: u64) -> Self {
        let freeze = n.saturating_sub(2).max(1);
        (1..=n).map(|number| Step { freeze: number == freeze, ..Step::good(number) }).collect()
    }

    /// Flat files of so many symbols, every iteration of which fails, without a freeze.
    pub fn symbols_failing(count: usize) -> Self {
        (0..count).flat_map(|symbol| (1..=8).map(move |number| (symbol, number))).fold(
            Self::default(),
            |run, (symbol, number)| {
                let Step { net, risk, maker, p95, .. } = Step::bad(number);
                let flat = json!({"net_bps": net, "risk_ratio": risk, "maker_taker_ratio": maker,
                                  "p95_latency_ms": p95, "ticks": 18_000 + number});
                run.with_json(&format!("ITER_SUMMARY_S{symbol:02}_{number}.json"), &flat)
            },
        )
    }

    /// Adds or replaces a file.
    #[must_use]
    pub fn with(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(name.to_owned(), content.into());
        self
    }

    /// Adds or replaces a JSON file.
    #[must_use]
    pub fn with_json(self, name: &str, content: &Value) -> Self {
        self.with(name, format!("{content:#}\n"))
    }

    /// Replaces an iteration.
    #[must_use]
    pub fn step(self, step: Step) -> Self {
        self.with_json(&name(step.number), &step.json())
    }

    /// Replaces these iterations by ones that miss every limit.
    #[must_use]
    pub fn failing(self, numbers: &[u64]) -> Self {
        numbers.iter().fold(self, |run, number| run.step(Step::bad(*number)))
    }

    /// Changes an iteration's JSON.
    #[must_use]
    pub fn edit(self, number: u64, change: impl FnOnce(&mut Value)) -> Self {
        let mut value: Value =
            serde_json::from_slice(&self.files[&name(number)]).expect("iterations of a test run are JSON");
        change(&mut value);
        self.with_json(&name(number), &value)
    }

    /// Removes a file.
    #[must_use]
    pub fn without(mut self, file: &str) -> Self {
        assert!(self.files.remove(file).is_some(), "`{file}` is not in the run");
        self
    }

    /// A run that may be released: 16 iterations, real data, a step of the tuner that arrived.
    pub fn releasable() -> Self {
        Self::passing(16)
            .tuned(3, 5.0)
            .declared(16, "complete", 16)
            .with_json("runtime_overrides.json", &overrides(65.0))
    }

    /// Declares what the run set out to do.
    #[must_use]
    pub fn declared(self, iterations: u64, state: &str, last_complete: u64) -> Self {
        self.with_json(
            "RUN_MANIFEST.json",
            &json!({"schema_version": "1.0", "iterations": iterations, "state": state,
                    "last_complete_iteration": last_complete, "source": "fixture"}),
        )
    }

    /// A step of the tuner: `delta` on the interval proposed and applied in `number`, in force from the next
    /// iteration on.
    #[must_use]
    pub fn tuned(self, number: u64, delta: f64) -> Self {
        let last = self.iterations().into_iter().max().unwrap_or(number);
        let before = self.files[&name(number)].clone();
        let before: Value = serde_json::from_slice(&before).expect("JSON");
        let old = before["runtime_overrides"]["min_interval_ms"].as_f64().expect("a number");
        let new = old + delta;
        let mut run = self.edit(number, |value| {
            value["tuning"] = json!({
                "applied": true,
                "proposed_deltas": {"min_interval_ms": delta},
                "applied_values": {"min_interval_ms": {"old": old, "delta": delta, "new": new, "bound": false}},
                "changed_keys": ["min_interval_ms"],
                "skip_reason": "",
                "state_hash": format!("{number:064x}"),
            });
        });
        for later in number + 1..=last {
            run = run.edit(later, |value| value["runtime_overrides"] = overrides(new));
        }
        run
    }

    fn iterations(&self) -> Vec<u64> {
        self.files
            .keys()
            .filter_map(|name| name.strip_prefix("ITER_SUMMARY_")?.strip_suffix(".json")?.parse().ok())
            .collect()
    }

    /// The files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.iter().map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// Writes the run into a folder.
    pub fn write(&self, folder: &Path) {
        for (name, content) in &self.files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder for tests");
            fs::write(path, content).expect("a file for tests");
        }
    }

    /// Writes the run into a new temporary folder.
    pub fn in_temp(&self) -> Folder {
        self.in_temp_below("")
    }

    /// Writes the run into a folder of this name in a new temporary one.
    pub fn in_temp_below(&self, name: &str) -> Folder {
        let folder = tempfile::tempdir().expect("a temporary folder");
        self.write(&folder.path().join(name));
        Folder { folder }
    }
}

impl FromIterator<Step> for Run {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        steps.into_iter().fold(Self::default(), Self::step)
    }
}

/// The name of an iteration file.
pub fn name(number: u64) -> String {
    format!("ITER_SUMMARY_{number}.json")
}

/// A temporary folder with a run in it, or below it.
pub struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap_or_else(|error| panic!("`{name}`: {error}"))
    }

    /// Runs `soak COMMAND --path FOLDER ARGS…`.
    pub fn soak(&self, command: &str, args: &[&str]) -> Ran {
        ran(&mut self.command(command, args))
    }

    /// Prepares `soak COMMAND --path FOLDER ARGS…`, for more variables or another working folder.
    pub fn command(&self, command: &str, args: &[&str]) -> Command {
        let mut prepared = program();
        prepared.args(command.split(' ')).arg("--path").arg(self.path()).args(args);
        prepared
    }

    /// What commands wrote into the folder: names below it, without the run itself.
    pub fn written(&self) -> Vec<String> {
        let is_input = |name: &str| name.starts_with("ITER_SUMMARY_") || name == "RUN_MANIFEST.json";
        visible(self.path()).into_keys().filter(|name| !is_input(name)).collect()
    }
}

/// All files below a folder that a user sees in a listing, by name.
pub fn visible(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("`{}`: {error}", folder.display())) {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a plain name");
        if name.starts_with('.') {
            continue;
        }
        if entry.path().is_dir() {
            found.extend(
                visible(&entry.path()).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)),
            );
        } else {
            found.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
    found
}

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// The program, used by `tester`, with none of the variables that could change what it does.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soak"));
    for variable in [
        "CI_FAKE_UTC",
        "GITHUB_ACTOR",
        "GITHUB_STEP_SUMMARY",
        "GRAFANA_TOKEN",
        "LOGNAME",
        "MM_FREEZE_UTC_ISO",
        "MM_PROFILE",
        "MM_RUNTIME_OVERRIDES_JSON",
        "NO_COLOR",
        "READINESS_OVERRIDE",
        "SLACK_WEBHOOK",
        "SOAK_DETAILED_EXITCODE",
        "SOAK_LOG",
        "SOAK_NOW",
        "SOAK_OUT_DIR",
        "SOAK_CA_FILE",
        "SOAK_POLICY",
        "SOAK_PROMETHEUS_HEADERS",
        "SOAK_PROMETHEUS_SELECTOR",
        "SOAK_PROMETHEUS_TOKEN",
        "SOAK_PROMETHEUS_TOKEN_FILE",
        "SOAK_PROMETHEUS_URL",
        "SOAK_WEBHOOK_URL",
        "SUDO_USER",
        "TELEGRAM_BOT_TOKEN",
        "TELEGRAM_CHAT_ID",
        "TELEGRAM_WEBHOOK",
        "USERNAME",
        "USE_MOCK",
    ] {
        command.env_remove(variable);
    }
    // What is found above the folder of a test is not its own.
    command.env("SOAK_NO_CONFIG", "1");
    command.env("USER", "tester");
    command
}

/// Runs the program.
pub fn soak(args: &[&str]) -> Ran {
    ran(program().args(args))
}

/// Runs a prepared command.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("the program starts");
    Ran {
        code: output.status.code().expect("it was not killed"),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}
