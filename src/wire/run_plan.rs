//! The plan of a run, as `soak run --dry-run` prints it: what would be done, and where each value comes from.

use schemars::JsonSchema;
use serde::Serialize;

/// The plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
pub struct RunPlan {
    /// Version of this format.
    pub schema_version: &'static str,
    /// Iterations that the run would have, in all.
    pub iterations: u64,
    /// The first one that would be done now; above 1 for a run that is resumed.
    pub first: u64,
    /// Length of an iteration, seconds.
    pub interval_seconds: f64,
    /// Length of the run, hours.
    pub duration_hours: f64,
    /// Where the measurements would come from, in words.
    pub source: String,
    /// Whether time is simulated.
    pub virtual_clock: bool,
    /// Whether the intervals would not be waited for; such a run is a rehearsal.
    pub no_wait: bool,
    /// When a command would be started: `start` or `end` of the interval; null where nothing is waited for and for other
    /// sources.
    pub measure_at: Option<&'static str>,
    /// At least so many seconds would pass until the run is over; 0 where nothing is waited for.
    pub wall_time_seconds: f64,
    /// Whether the tuner's proposals would be applied.
    pub auto_tune: bool,
    /// The phases.
    pub phases: Vec<PlannedPhase>,
    /// The overrides at the start.
    pub overrides: Vec<PlannedOverride>,
    /// What presets and bounds did to them.
    pub notes: Vec<String>,
    /// Gates that join the verdict and cannot be judged in so few iterations, in a sentence; none where there is none.
    pub warnings: Vec<String>,
    /// The gates of the 72-hour report.
    pub run_gates: Vec<PlannedLimit>,
    /// Whether a missed run gate would fail the run.
    pub run_gates_decide: bool,
    /// The limits of a passing iteration.
    pub iteration_pass: Vec<PlannedLimit>,
    /// Files and folders that would be written, with what they are.
    pub files: Vec<PlannedFile>,
    /// SHA-256 of the policy in force.
    pub policy_sha256: String,
}

/// A phase of the run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedPhase {
    /// WARMUP, RAMPDOWN or STEADY.
    pub phase: &'static str,
    /// Its first iteration.
    pub first: u64,
    /// Its last iteration.
    pub last: u64,
    /// What holds in it.
    pub what: String,
}

/// A start value.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedOverride {
    /// The parameter.
    pub param: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Lower bound.
    pub lowest: f64,
    /// Upper bound.
    pub highest: f64,
    /// How far deltas may move it in an hour.
    pub max_change_per_hour: f64,
    /// Who said it.
    pub origin: String,
}

/// A limit.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedLimit {
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub metric: String,
    /// Hard or soft.
    pub severity: &'static str,
    /// What must hold.
    pub comparison: &'static str,
    /// The limit.
    pub limit: f64,
    /// Where it comes from.
    pub origin: String,
}

/// A file or folder.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PlannedFile {
    /// Where.
    pub path: String,
    /// What.
    pub what: &'static str,
}
