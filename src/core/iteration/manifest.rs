//! What a run records about itself: `RUN_MANIFEST.json` (what was declared, and how far it got) and `RUN_LOG.jsonl`
//! (a line for each iteration file with its size and hash, and a line for each event).
//!
//! Where the times of a run are recorded: `segments[].started_utc` of the manifest (start of each stretch, by the
//! clock of the iterations: for a virtual clock the start of its first interval), `started_utc` and
//! `summary.runtime_utc` of each iteration file (its start, and its end after the interval was waited for), and
//! `utc` of the iteration's line in `RUN_LOG.jsonl` (the same end, kept when the file is rotated away). With
//! `--no-wait` both times of an iteration come from the report where it has one: its end is the report's time, its
//! start one interval before; the segments keep the machine's time.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::core::iteration::utc;
use crate::core::series::ranges::Ranges;
use crate::infra::artifacts::manifest::sha256_hex;

/// The manifest as it was last declared, for the case that the manifest itself is lost.
pub const DECLARED_FILE: &str = ".soak-run-declared.json";

/// Name of the file in the run's folder.
pub const MANIFEST_FILE: &str = "RUN_MANIFEST.json";

/// The version of the shape that this program writes; 1.x is read.
pub const MANIFEST_VERSION: &str = "1.0";

/// How far a declared run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum RunState {
    /// Still going on.
    Running,
    /// Did all it declared.
    Complete,
    /// Stopped by a signal; can be resumed.
    Interrupted,
    /// Gave up.
    Failed,
}

impl RunState {
    /// Word as in the manifest.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// A manifest. Its fields are declared in the order of their names, so the JSON has sorted keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunManifest {
    /// Steps of the wall clock and suspends that the run noticed, in order.
    #[serde(default)]
    pub clock_steps: Vec<ClockStep>,
    /// The CPU of the host on which the run started, with its cores; `None` where nothing tells it.
    #[serde(default)]
    pub cpu: Option<String>,
    /// By how many iterations the run was extended, each time.
    #[serde(default)]
    pub extended: Vec<u64>,
    /// The host on which the run started.
    pub host: Option<String>,
    /// Declared iterations, extensions included.
    pub iterations: u64,
    /// The last iteration of which the file is there; 0 = none yet.
    pub last_complete_iteration: u64,
    /// For a person: presets that were clamped, and the like.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The overrides that the run started with.
    pub overrides: Vec<DeclaredOverride>,
    /// SHA-256 of the effective policy.
    pub policy_sha256: String,
    /// Inclusive ranges of iterations that rotation removed.
    #[serde(default)]
    pub rotated: Vec<(u64, u64)>,
    /// Version of this shape.
    pub schema_version: String,
    /// One entry for the start and one for each time it was resumed.
    pub segments: Vec<Segment>,
    /// What the run was asked to do.
    pub settings: RunSettings,
    /// Name of the source.
    pub source: String,
    /// When the run started, RFC 3339.
    pub started_utc: String,
    /// Where it stands.
    pub state: RunState,
    /// Version of the program that started it.
    pub tool_version: String,
}

/// An override with its origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeclaredOverride {
    /// Where the value comes from.
    pub origin: String,
    /// Flat name of the parameter.
    pub param: String,
    /// The value, in the parameter's unit.
    pub value: f64,
}

/// A stretch of the run in one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Segment {
    /// The first iteration of it.
    pub from_iteration: u64,
    /// The host.
    pub host: Option<String>,
    /// The process.
    pub pid: u32,
    /// When its first iteration began, RFC 3339, by the clock that stamps the iterations.
    pub started_utc: String,
    /// Version of the program.
    pub version: String,
}

impl RunManifest {
    /// Reads the whole manifest; the error says what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        // What the judge finds wrong is wrong here too, and its words are better.
        read_declared(bytes)?;
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The bytes of the file: JSON with sorted keys, two blanks of indent, and a final newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Derived maps of texts and numbers have no way to fail.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Whether rotation removed this iteration.
    pub fn has_rotated(&self, number: u64) -> bool {
        self.rotated.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// The first iteration up to `last` that is neither present nor rotated; `None` = all are there.
    pub fn first_gap(&self, present: impl IntoIterator<Item = u64>, last: u64) -> Option<u64> {
        let there: Ranges =
            present.into_iter().map(|number| (number, number)).chain(self.rotated.iter().copied()).collect();
        first_gap(there.ranges(), last)
    }
}

/// The first number from 1 to `last` that no range holds.
fn first_gap(ranges: &[(u64, u64)], last: u64) -> Option<u64> {
    let mut next = 1;
    for (first, end) in ranges {
        if *first > next {
            break;
        }
        next = next.max(end + 1);
    }
    (next <= last).then_some(next)
}

/// Names of the sources.
pub const SOURCES: [&str; 4] = ["sim", "exec", "file", "prometheus"];

/// What a run was asked to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// Length of an iteration, seconds.
    pub interval_seconds: f64,
    /// Where the measurements come from.
    pub source: SourceSettings,
    /// Whether the tuner's proposals are applied.
    pub auto_tune: bool,
    /// The preset of the warm-up; `None` = the run has no phases.
    pub warmup_preset: Option<String>,
    /// Where the system under test reads the overrides; `None` = in the folder of the run.
    pub active_overrides: Option<String>,
    /// The file that start values are read from where it is there, and tuned values are adopted into.
    pub start_file: String,
    /// So many iterations in a row with KPI FAIL end the run; 0 = never.
    pub abort_after_fails: u64,
    /// Whether the intervals were not waited for, which makes the run a rehearsal.
    #[serde(default)]
    pub no_wait: bool,
    /// When in the interval the command of `exec` is started.
    #[serde(default)]
    pub measure_at: MeasureAt,
}

/// When in the interval a command measures.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum MeasureAt {
    /// It starts at once, and the run waits for the rest of the interval.
    #[default]
    Start,
    /// The run waits for the interval, then it starts.
    End,
}

impl MeasureAt {
    /// `start` or `end`.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// Where the measurements come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, strum::IntoStaticStr)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
#[strum(serialize_all = "lowercase")]
pub enum SourceSettings {
    /// The embedded simulator.
    Sim {
        /// The seed.
        seed: u64,
        /// What happens in the market.
        scenario: String,
        /// Whether it waits for each interval to pass.
        real_time: bool,
    },
    /// A command that is started once an iteration.
    Exec {
        /// The command and its arguments.
        command: Vec<String>,
    },
    /// An edge report that the system writes.
    File {
        /// The report.
        edge_report: String,
    },
    /// Queries to Prometheus or what speaks its language.
    Prometheus {
        /// The server, without user and password.
        url: String,
        /// What `$selector` stands for.
        selector: String,
    },
}

impl SourceSettings {
    /// `sim`, `exec`, `file` or `prometheus`.
    pub fn name(&self) -> &'static str {
        self.into()
    }

    /// Whether iterations are computed at once, on a clock of their own.
    pub fn is_virtual(&self) -> bool {
        matches!(self, Self::Sim { real_time: false, .. })
    }
}

impl fmt::Display for SourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sim { seed, scenario, real_time } => {
                let clock = if *real_time { ", in real time" } else { "" };
                write!(f, "sim (seed {seed}, scenario {scenario}{clock})")
            }
            Self::Exec { command } => write!(f, "exec (`{}`)", command.join(" ")),
            Self::File { edge_report } => write!(f, "file (`{edge_report}`)"),
            Self::Prometheus { url, selector } if selector.is_empty() => write!(f, "prometheus ({url})"),
            Self::Prometheus { url, selector } => write!(f, "prometheus ({url}, {selector})"),
        }
    }
}

impl RunSettings {
    /// What differs between what was declared and what is asked for now, one line each; empty = they agree.
    pub fn differences(&self, asked: &Self) -> Vec<String> {
        let Self {
            interval_seconds,
            source,
            auto_tune,
            warmup_preset,
            active_overrides,
            start_file: _,
            abort_after_fails: _,
            no_wait,
            measure_at,
        } = self;
        let preset = |preset: &Option<String>| preset.clone().unwrap_or_else(|| "none".to_owned());
        let file = |file: &Option<String>| file.clone().unwrap_or_else(|| "in the run's folder".to_owned());
        let rows = [
            ("interval", interval_seconds.to_string(), asked.interval_seconds.to_string()),
            ("source", source.to_string(), asked.source.to_string()),
            ("auto-tune", auto_tune.to_string(), asked.auto_tune.to_string()),
            ("warm-up preset", preset(warmup_preset), preset(&asked.warmup_preset)),
            ("active overrides", file(active_overrides), file(&asked.active_overrides)),
            ("no waiting", no_wait.to_string(), asked.no_wait.to_string()),
            ("measures at", measure_at.word().to_owned(), asked.measure_at.word().to_owned()),
        ];
        rows.into_iter()
            .filter(|(_, declared, now)| declared != now)
            .map(|(what, declared, now)| format!("{what}: declared {declared}, now {now}"))
            .collect()
    }
}

/// What moved the wall clock against the time that the run waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClockStepKind {
    /// The clock was set.
    Step,
    /// The machine slept.
    Suspend,
}

/// A movement of the wall clock that no passing of time explains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockStep {
    /// The iteration during which it happened, or before whose start.
    pub iteration: u64,
    /// What it was.
    pub kind: ClockStepKind,
    /// Wall time minus monotonic time since the last look, seconds; below 0 = the clock went back.
    pub seconds: f64,
    /// Wall time when it was noticed, RFC 3339.
    pub utc: String,
}

impl ClockStep {
    /// The step in words, as `the wall clock stepped by -7200.0 s during iteration 5`.
    pub fn words(&self) -> String {
        let Self { iteration, seconds, .. } = self;
        match self.kind {
            ClockStepKind::Step => {
                format!("the wall clock stepped by {seconds:+.1} s during iteration {iteration}")
            }
            ClockStepKind::Suspend => {
                format!("the machine was suspended for {seconds:.1} s during iteration {iteration}")
            }
        }
    }
}

/// Name of the file in the run's folder.
pub const RUN_LOG_FILE: &str = "RUN_LOG.jsonl";

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunEvent {
    /// An iteration file was written.
    Iteration,
    /// The run started.
    Start,
    /// It went on after an interruption.
    Resume,
    /// It was asked to stop.
    Interrupted,
    /// All iterations are there.
    Complete,
    /// It gave up.
    Failed,
    /// The panic profile was put in force.
    Panic,
    /// The wall clock was set.
    #[serde(rename = "clock_step")]
    ClockStep,
    /// The machine slept.
    Suspend,
}

/// A line. Keys that do not belong to its event are absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunLogLine {
    /// Size of the iteration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// What the line tells.
    pub event: RunEvent,
    /// Name of the iteration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The iteration it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u64>,
    /// Net edge of the iteration, bps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub net_bps: Option<f64>,
    /// For a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// SHA-256 of the iteration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When, RFC 3339: the end of the iteration, or the time of the event.
    pub utc: String,
}

impl RunLogLine {
    /// The line of an event.
    pub fn of_event(event: RunEvent, iteration: Option<u64>, note: Option<&str>, now: DateTime<Utc>) -> Self {
        Self::at(event, iteration, note, &utc(now))
    }

    /// The line of an event whose time is text already.
    pub fn at(event: RunEvent, iteration: Option<u64>, note: Option<&str>, utc: &str) -> Self {
        Self {
            bytes: None,
            event,
            file: None,
            iteration,
            net_bps: None,
            note: note.map(str::to_owned),
            sha256: None,
            utc: utc.to_owned(),
        }
    }

    /// The line with its line break.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Texts and numbers have no way to fail.
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Reads a line; `None` when it is none of ours.
    pub fn parse(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// Whether the line tells of a file with just these bytes.
    pub fn describes(&self, bytes: &[u8]) -> bool {
        self.bytes == Some(bytes.len() as u64) && self.sha256.as_deref() == Some(sha256_hex(bytes).as_str())
    }
}

/// When the run began, RFC 3339; `None` when this is no manifest that says so.
pub fn started_utc(bytes: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Started {
        started_utc: String,
    }
    serde_json::from_slice(bytes).ok().map(|Started { started_utc }| started_utc)
}

/// What a run declared, from `RUN_MANIFEST.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Iterations it set out to do.
    pub iterations: u64,
    /// Where it stands.
    pub state: RunState,
    /// Last complete iteration; 0 before the first.
    pub last_complete: u64,
    /// Iterations that rotation removed, which are not missing.
    pub rotated: Ranges,
    /// Where the data came from (`sim`, `exec`, …).
    pub source: Option<String>,
    /// How long an iteration was to take; `None` where the manifest does not say.
    pub interval: Option<Duration>,
    /// Whether the intervals were not waited for (`--no-wait`).
    pub no_wait: bool,
    /// The stretches of the run, as the manifest lists them; see `clock` for the times of a run.
    pub segments: Vec<SegmentStart>,
    /// Steps of the wall clock and suspends that the run noticed.
    pub clock_steps: Vec<ClockStep>,
    /// SHA-256 of the policy that the run was made under; `None` where the manifest does not say.
    pub policy_sha256: Option<String>,
}

impl Declared {
    /// A declaration of which nothing more is known.
    pub fn of(iterations: u64, state: RunState, last_complete: u64) -> Self {
        Self {
            iterations,
            state,
            last_complete,
            rotated: Ranges::default(),
            source: None,
            interval: None,
            no_wait: false,
            segments: Vec::new(),
            clock_steps: Vec::new(),
            policy_sha256: None,
        }
    }

    /// The numbers it should have by now, from `from` on.
    pub fn expected_from(&self, from: u64) -> Ranges {
        let until = if self.state == RunState::Complete { self.iterations } else { self.last_complete };
        Ranges::from_iter([(from.max(1), until)]).without(&self.rotated)
    }
}

/// The start of a stretch of a run in one process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SegmentStart {
    /// The first iteration of it.
    pub from_iteration: u64,
    /// When that iteration began, by the clock that stamps the iterations; `None` = no time is recorded.
    #[serde(default, rename = "started_utc", deserialize_with = "lenient_time")]
    pub started: Option<DateTime<Utc>>,
}

/// `None` for a text that is no time.
fn lenient_time<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| DateTime::parse_from_rfc3339(&text).ok()).map(|time| time.to_utc()))
}

/// Reads a manifest; the error says what is wrong with it.
///
/// `rotated` is a list of inclusive ranges `[first, last]` of iterations that rotation removed.
pub fn read_declared(bytes: &[u8]) -> Result<Declared, String> {
    #[derive(Deserialize)]
    struct Manifest {
        schema_version: String,
        iterations: u64,
        state: RunState,
        last_complete_iteration: Option<u64>,
        #[serde(default)]
        rotated: Vec<(u64, u64)>,
        source: Option<String>,
        settings: Option<serde_json::Value>,
        #[serde(default)]
        segments: Vec<SegmentStart>,
        #[serde(default)]
        clock_steps: Vec<ClockStep>,
        policy_sha256: Option<String>,
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if !manifest.schema_version.starts_with("1.") {
        return Err(format!("schema_version `{}` is not known to this version", manifest.schema_version));
    }
    if manifest.iterations == 0 {
        return Err("`iterations` is 0: the run declared nothing".to_owned());
    }
    if manifest.iterations > MOST {
        return Err(format!("`iterations` is beyond {MOST}"));
    }
    let is_complete = manifest.state == RunState::Complete;
    let last = manifest.last_complete_iteration.unwrap_or(if is_complete { manifest.iterations } else { 0 });
    if last > manifest.iterations || (is_complete && last < manifest.iterations) {
        let state = if is_complete { "complete" } else { "unfinished" };
        return Err(format!(
            "it contradicts itself: the run is {state}, and the last complete iteration is {last} of {}",
            manifest.iterations
        ));
    }
    if let Some((first, end)) = manifest.rotated.iter().find(|(first, end)| first > end) {
        return Err(format!("`rotated` has a range that ends before it begins: [{first}, {end}]"));
    }
    let rotated: Ranges =
        manifest.rotated.iter().map(|(first, last)| (*first, (*last).min(manifest.iterations))).collect();
    let setting = |name| manifest.settings.as_ref().and_then(|settings| settings.get(name));
    Ok(Declared {
        iterations: manifest.iterations,
        state: manifest.state,
        last_complete: last,
        rotated,
        interval: manifest.settings.as_ref().map(|_| interval(setting("interval_seconds"))).transpose()?,
        no_wait: match setting("no_wait") {
            None => false,
            Some(value) => value.as_bool().ok_or("`settings.no_wait` is neither `true` nor `false`")?,
        },
        segments: manifest.segments,
        source: manifest.source,
        clock_steps: manifest.clock_steps,
        policy_sha256: manifest.policy_sha256,
    })
}

/// A run that records its settings has an interval: without a usable one nobody could say how long it had to last.
fn interval(value: Option<&serde_json::Value>) -> Result<std::time::Duration, String> {
    let seconds = value.and_then(serde_json::Value::as_f64).filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "`settings.interval_seconds` is no number of seconds above 0".to_owned())
}

/// More iterations than a run can have; a larger number is damage.
const MOST: u64 = 100_000_000;

#[cfg(test)]
pub(crate) mod fixture {
    use super::*;
    use crate::core::iteration::manifest::MeasureAt;
    use crate::core::iteration::manifest::SourceSettings;

    /// A run of three iterations that has just begun.
    pub(crate) fn manifest() -> RunManifest {
        RunManifest {
            clock_steps: Vec::new(),
            cpu: Some("a CPU, 2 cores".to_owned()),
            extended: Vec::new(),
            host: Some("box".to_owned()),
            iterations: 3,
            last_complete_iteration: 0,
            notes: Vec::new(),
            overrides: vec![DeclaredOverride {
                origin: "default".to_owned(),
                param: "min_interval_ms".to_owned(),
                value: 60.0,
            }],
            policy_sha256: "0".repeat(64),
            rotated: Vec::new(),
            schema_version: MANIFEST_VERSION.to_owned(),
            segments: vec![Segment {
                from_iteration: 1,
                host: None,
                pid: 42,
                started_utc: "2025-10-12T12:00:00Z".to_owned(),
                version: "0.1.0".to_owned(),
            }],
            settings: RunSettings {
                interval_seconds: 300.0,
                source: SourceSettings::Sim { seed: 7, scenario: "default".to_owned(), real_time: false },
                auto_tune: true,
                warmup_preset: None,
                active_overrides: None,
                start_file: "runtime_overrides.json".to_owned(),
                abort_after_fails: 0,
                no_wait: false,
                measure_at: MeasureAt::Start,
            },
            source: "sim".to_owned(),
            started_utc: "2025-10-12T12:00:00Z".to_owned(),
            state: RunState::Running,
            tool_version: "0.1.0".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_back_as_it_was_and_the_judge_understands_it() {
        let step = ClockStep {
            iteration: 2,
            kind: ClockStepKind::Step,
            seconds: -3.5,
            utc: "2025-10-12T12:09:00Z".to_owned(),
        };
        let mut manifest = RunManifest {
            clock_steps: vec![step.clone()],
            last_complete_iteration: 2,
            rotated: vec![(1, 1)],
            ..fixture::manifest()
        };
        manifest.settings.no_wait = true;
        assert_eq!(RunManifest::read(&manifest.to_bytes()), Ok(manifest.clone()));
        let declared = super::read_declared(&manifest.to_bytes()).expect("the judge reads it");
        assert_eq!((declared.iterations, declared.last_complete), (3, 2));
        assert_eq!((declared.state, declared.source.as_deref()), (RunState::Running, Some("sim")));
        assert!(declared.no_wait && declared.clock_steps == [step]);
        let started = "2025-10-12T12:00:00Z".parse().ok();
        assert_eq!(declared.segments, [SegmentStart { from_iteration: 1, started }]);
        let text = String::from_utf8(manifest.to_bytes()).expect("text");
        let keys: Vec<_> = text.lines().filter(|line| line.starts_with("  \"")).collect();
        assert!(keys.is_sorted() && text.ends_with("}\n"), "{text}");
    }

    #[test]
    fn a_manifest_keeps_to_its_schema() {
        let schema = crate::cli::setup::schemas::schema("run_manifest").expect("a schema");
        let validator = jsonschema::draft202012::new(&schema).expect("a usable schema");
        let mut tree = serde_json::to_value(fixture::manifest()).expect("JSON");
        assert!(validator.is_valid(&tree));
        tree["segments"][0]["pid"] = serde_json::json!("42");
        assert!(!validator.is_valid(&tree));
    }

    #[test]
    fn a_manifest_of_an_older_version_waited_and_measured_at_the_start() {
        let mut tree = serde_json::to_value(fixture::manifest()).expect("JSON");
        tree.as_object_mut().expect("an object").remove("clock_steps");
        let settings = tree["settings"].as_object_mut().expect("an object");
        assert!(settings.remove("no_wait").is_some() && settings.remove("measure_at").is_some());
        assert_eq!(RunManifest::read(tree.to_string().as_bytes()), Ok(fixture::manifest()));
    }

    #[test]
    fn what_resume_needs_and_is_missing_is_named() {
        let text = String::from_utf8(fixture::manifest().to_bytes()).expect("text");
        let error = RunManifest::read(text.replace("\"policy_sha256\"", "\"x\"").as_bytes());
        assert!(error.expect_err("a key is missing").contains("policy_sha256"));
        let error = RunManifest::read(text.replace("\"1.0\"", "\"7\"").as_bytes());
        assert!(error.expect_err("another version").contains("`7`"));
    }

    #[test]
    fn the_first_gap_is_found_and_what_was_rotated_is_none() {
        let manifest = RunManifest { rotated: vec![(1, 2)], ..fixture::manifest() };
        assert_eq!(manifest.first_gap([3, 4, 5], 5), None);
        assert_eq!(manifest.first_gap([3, 5], 5), Some(4));
        assert_eq!(manifest.first_gap([4], 4), Some(3));
        assert_eq!(fixture::manifest().first_gap([2], 2), Some(1));
        assert_eq!(fixture::manifest().first_gap([], 0), None);
        assert!(manifest.has_rotated(2) && !manifest.has_rotated(3));
    }
}

#[cfg(test)]
mod settings_tests {
    use super::*;

    fn settings() -> RunSettings {
        RunSettings {
            interval_seconds: 300.0,
            source: SourceSettings::Sim { seed: 7, scenario: "default".to_owned(), real_time: false },
            auto_tune: true,
            warmup_preset: None,
            active_overrides: None,
            start_file: "runtime_overrides.json".to_owned(),
            abort_after_fails: 0,
            no_wait: false,
            measure_at: MeasureAt::Start,
        }
    }

    #[test]
    fn what_differs_is_told_and_what_agrees_is_not() {
        assert_eq!(settings().differences(&settings()), Vec::<String>::new());
        let asked = RunSettings {
            interval_seconds: 60.0,
            source: SourceSettings::Exec { command: vec!["a".to_owned(), "b".to_owned()] },
            abort_after_fails: 3,
            no_wait: true,
            measure_at: MeasureAt::End,
            ..settings()
        };
        assert_eq!(
            settings().differences(&asked),
            [
                "interval: declared 300, now 60",
                "source: declared sim (seed 7, scenario default), now exec (`a b`)",
                "no waiting: declared false, now true",
                "measures at: declared start, now end"
            ]
        );
    }
}

#[cfg(test)]
mod run_log_tests {
    use super::*;
    use crate::run::iteration::fixture::at;
    use crate::run::iteration::fixture::record;

    #[test]
    fn a_line_is_read_back_and_knows_its_file() {
        let line = RunLogLine::of_iteration(&record(2), b"abc");
        let bytes = line.to_bytes();
        let expected = concat!(
            r#"{"bytes":3,"event":"iteration","file":"ITER_SUMMARY_2.json","iteration":2,"net_bps":3.2,"#,
            r#""sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","#,
            r#""utc":"2025-10-12T12:10:00Z"}"#,
            "\n"
        );
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
        assert_eq!(RunLogLine::parse(&bytes), Some(line.clone()));
        assert!(line.describes(b"abc") && !line.describes(b"abd") && !line.describes(b"ab"));
    }

    #[test]
    fn an_event_has_only_its_own_keys() {
        let line = RunLogLine::of_event(RunEvent::Start, None, Some("x"), at(0));
        assert_eq!(
            String::from_utf8_lossy(&line.to_bytes()),
            "{\"event\":\"start\",\"note\":\"x\",\"utc\":\"2025-10-12T12:00:00Z\"}\n"
        );
        assert_eq!(RunLogLine::parse(b"{\"event\":\"start\""), None);
    }
}

#[cfg(test)]
mod manifest_tests {
    use super::*;

    #[test]
    fn a_manifest_says_what_is_owed() {
        let text = br#"{"schema_version": "1.0", "iterations": 24, "state": "running", "seed": 7,
                        "last_complete_iteration": 12, "rotated": [[1, 4]], "source": "sim"}"#;
        let declared = read_declared(text).expect("a whole manifest");
        assert_eq!(declared.iterations, 24);
        assert_eq!(declared.state, RunState::Running);
        assert_eq!(declared.expected_from(1).ranges(), [(5, 12)]);
        assert_eq!(declared.source.as_deref(), Some("sim"));
    }

    #[test]
    fn what_cannot_be_trusted_is_an_error() {
        let missing =
            read_declared(br#"{"schema_version": "1.0", "state": "complete"}"#).expect_err("no iterations");
        assert!(missing.contains("iterations"), "{missing}");
        let foreign = read_declared(br#"{"schema_version": "9", "iterations": 2, "state": "complete"}"#);
        assert!(foreign.expect_err("unknown schema").contains("`9`"));
        for (last, state) in [(10, "complete"), (25, "complete"), (25, "running")] {
            let text = format!(
                r#"{{"schema_version": "1.0", "iterations": 24, "state": "{state}",
                    "last_complete_iteration": {last}}}"#
            );
            let error = read_declared(text.as_bytes()).expect_err("it contradicts itself");
            assert!(error.contains(&format!("{last} of 24")), "{error}");
        }
        let reversed =
            br#"{"schema_version": "1.0", "iterations": 24, "state": "complete", "rotated": [[9, 2]]}"#;
        assert!(read_declared(reversed).expect_err("a reversed range").contains("[9, 2]"));
        assert!(
            read_declared(br#"{"schema_version": "1.0", "iterations": 0, "state": "complete"}"#).is_err()
        );
        let with = |settings: &str| {
            let start = r#"{"schema_version": "1.0", "iterations": 2, "state": "complete", "settings": "#;
            read_declared(format!("{start}{settings}}}").as_bytes())
        };
        let seconds = |declared: Declared| declared.interval.map(|interval| interval.as_secs());
        assert_eq!(with(r#"{"interval_seconds": 900}"#).map(seconds), Ok(Some(900)));
        for settings in ["{}", "900", r#"{"interval_seconds": "900"}"#, r#"{"interval_seconds": 0}"#] {
            assert!(with(settings).expect_err(settings).contains("interval_seconds"), "{settings}");
        }
        let unclear = with(r#"{"interval_seconds": 900, "no_wait": "no"}"#).expect_err("no truth value");
        assert!(unclear.contains("no_wait"), "{unclear}");
        assert!(read_declared(br#"{"schema_version": "1.0", "iterations": 2, "state": "done"}"#).is_err());
    }
}
