//! The plan of a run, as `soak run --dry-run` prints it: what would be done, and where each value comes from.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::iteration::manifest::{RunSettings, SourceSettings};
use crate::core::policy::Policy;
use crate::core::policy::run::RunPolicy;
use crate::core::text::number::{exact, fixed, trimmed};
use crate::report::text::printable;
use crate::run::start::Start;

/// The plan.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the shape of the file")]
pub(crate) struct RunPlan {
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
    /// Whose resources would be sampled, in words; absent where nobody's would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<String>,
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
    /// The phases; none where the policy declares no parameters.
    pub phases: Vec<PlannedPhase>,
    /// The overrides at the start.
    pub overrides: Vec<PlannedOverride>,
    /// What presets and bounds did to them.
    pub notes: Vec<String>,
    /// Gates that cannot be judged in so few iterations, a sentence for those without which the verdict is INCONCLUSIVE and
    /// one for those that are left out; none where there is none.
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
    /// The `soak.toml` that was found; left out without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_file: Option<String>,
}

/// A phase of the run.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct PlannedPhase {
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
pub(crate) struct PlannedOverride {
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
pub(crate) struct PlannedLimit {
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
pub(crate) struct PlannedFile {
    /// Where.
    pub path: String,
    /// What.
    pub what: &'static str,
}

/// The plan.
pub(crate) fn plan(
    policy: &Policy,
    settings: &RunSettings,
    iterations: u64,
    done: u64,
    start: &Start,
    run_gates_decide: bool,
    files: Vec<PlannedFile>,
) -> RunPlan {
    RunPlan {
        schema_version: "1.0",
        iterations,
        first: done + 1,
        interval_seconds: settings.interval_seconds,
        duration_hours: iterations as f64 * settings.interval_seconds / 3600.0,
        source: settings.source.to_string(),
        resources: None,
        virtual_clock: settings.source.is_virtual(),
        no_wait: settings.no_wait,
        measure_at: (matches!(settings.source, SourceSettings::Exec { .. }) && !settings.no_wait)
            .then(|| settings.measure_at.word()),
        wall_time_seconds: if settings.no_wait || settings.source.is_virtual() {
            0.0
        } else {
            iterations.saturating_sub(done) as f64 * settings.interval_seconds
        },
        auto_tune: settings.auto_tune,
        phases: phases(&policy.run, settings.warmup_preset.as_deref(), iterations),
        overrides: overrides(&policy.run, start),
        notes: start.notes.clone(),
        warnings: too_short(policy, iterations),
        run_gates: run_gates(policy),
        run_gates_decide,
        iteration_pass: iteration_pass(policy),
        files,
        policy_sha256: policy.sha256.clone(),
        policy_file: policy.found.clone(),
    }
}

fn phases(policy: &RunPolicy, preset: Option<&str>, iterations: u64) -> Vec<PlannedPhase> {
    let whole = |first, last, phase, what: String| PlannedPhase { phase, first, last, what };
    if !policy.tunes() {
        return Vec::new();
    }
    let Some(preset) = preset else {
        return vec![whole(1, iterations, "STEADY", "the start values and the tuner alone".to_owned())];
    };
    let warm = policy.phases.warmup_iterations;
    let down = warm + policy.phases.rampdown_iterations;
    [
        whole(1, warm, "WARMUP", format!("preset {preset}; a FAIL is reported as WARN")),
        whole(warm + 1, down, "RAMPDOWN", "back to the start values in equal steps".to_owned()),
        whole(down + 1, iterations, "STEADY", "the tuner alone".to_owned()),
    ]
    .into_iter()
    .map(|phase| PlannedPhase { last: phase.last.min(iterations), ..phase })
    .filter(|phase| phase.first <= phase.last)
    .collect()
}

fn overrides(policy: &RunPolicy, start: &Start) -> Vec<PlannedOverride> {
    let known = start.values.iter().filter_map(|value| Some((value, policy.parameters.get(&value.param)?)));
    known
        .map(|(value, parameter)| PlannedOverride {
            param: value.param.to_string(),
            value: value.value,
            unit: parameter.unit.clone(),
            lowest: parameter.lowest,
            highest: parameter.highest,
            max_change_per_hour: parameter.max_change_per_hour,
            origin: value.origin.to_string(),
        })
        .collect()
}

fn run_gates(policy: &Policy) -> Vec<PlannedLimit> {
    let gates = policy.run_gates.iter().map(|gate| PlannedLimit {
        name: gate.name.clone(),
        metric: gate.metric.clone(),
        severity: gate.severity.word(),
        comparison: gate.comparison.symbol(),
        limit: gate.limit.value,
        origin: gate.limit.source.origin.clone(),
    });
    gates.collect()
}

fn iteration_pass(policy: &Policy) -> Vec<PlannedLimit> {
    let checks = policy.iteration_pass.checks.iter().map(|check| {
        let kpi = check.kpi.name.to_owned();
        PlannedLimit {
            name: format!("iteration_pass.{kpi}"),
            metric: kpi,
            severity: check.severity.word(),
            comparison: check.comparison.symbol(),
            limit: check.limit.value,
            origin: check.limit.source.origin.clone(),
        }
    });
    checks.collect()
}

/// That gates of the verdict cannot be judged in so few iterations; empty where they can.
pub(crate) fn too_short(policy: &Policy, iterations: u64) -> Vec<String> {
    let told = |gates: Vec<(String, u64)>, what: &str| {
        let most = gates.iter().map(|(_, needed)| *needed).max()?;
        let named: Vec<String> = gates.iter().map(|(name, needed)| format!("`{name}` ({needed})")).collect();
        let named = named.join(", ");
        Some(format!("with {iterations} iterations {what}: {named}; `--iterations {most}` is enough for all"))
    };
    let beyond = "the verdict cannot be better than INCONCLUSIVE: the policy has gates that need more";
    let untested = "no drift and no change of level can be found";
    [told(policy.never_judged(iterations), beyond), told(policy.untested(iterations), untested)]
        .into_iter()
        .flatten()
        .collect()
}

/// Decimals that are enough for any parameter of today.
const DECIMALS: usize = 4;

/// The plan as text.
pub(crate) fn text(plan: &RunPlan) -> String {
    let mut out = String::new();
    let number = |value: f64| exact(value, 0);
    let hours = fixed(plan.duration_hours, 2);
    line(&mut out, "source", &plan.source);
    let clock = if plan.virtual_clock { "virtual clock" } else { "real time" };
    let length = format!(
        "{} iterations of {} s, {} h, {clock}",
        plan.iterations,
        number(plan.interval_seconds),
        trimmed(&hours)
    );
    line(&mut out, "length", &length);
    if plan.first > 1 {
        line(&mut out, "resumes at", &plan.first.to_string());
    }
    line(&mut out, "wall time", &wall_time(plan));
    if let Some(at) = plan.measure_at {
        line(&mut out, "measures", &format!("at the {at} of each interval"));
    }
    if let Some(of) = &plan.resources {
        line(&mut out, "resources", of);
    }
    let tunes = !plan.overrides.is_empty();
    if tunes {
        line(&mut out, "tuning", if plan.auto_tune { "applied, under guards" } else { "proposed only" });
    }
    for phase in &plan.phases {
        let what = format!("{}-{}  {}", phase.first, phase.last, phase.what);
        line(&mut out, phase.phase, &what);
    }
    if tunes {
        out.push_str("\noverrides at the start\n");
    }
    let width = plan.overrides.iter().map(|entry| entry.param.len()).max().unwrap_or_default();
    for entry in &plan.overrides {
        let value = exact(entry.value, 0);
        let bounds = format!("{} to {}", number(entry.lowest), number(entry.highest));
        let velocity = fixed(entry.max_change_per_hour, DECIMALS);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "  {:width$}  {value:>6} {:<6} {bounds:<14} at most {} an hour  ({})",
            entry.param,
            printable(&entry.unit),
            trimmed(&velocity),
            printable(&entry.origin)
        );
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  note: {}", printable(note));
    }
    limits(&mut out, "an iteration passes with", &plan.iteration_pass);
    let title = if plan.run_gates_decide { "run gates (they decide)" } else { "run gates (listed only)" };
    if !plan.run_gates.is_empty() {
        limits(&mut out, title, &plan.run_gates);
    }
    out.push_str("\nfiles\n");
    let width = plan.files.iter().map(|file| file.path.len()).max().unwrap_or_default();
    for file in &plan.files {
        let _ = writeln!(out, "  {:width$}  {}", printable(&file.path), file.what);
    }
    for warning in &plan.warnings {
        let _ = writeln!(out, "\nwarning: {}", printable(warning));
    }
    let file =
        plan.policy_file.as_ref().map_or_else(String::new, |file| format!(" with `{}`", printable(file)));
    let _ = writeln!(out, "\npolicy {}{file}\nnothing was started, nothing was written", plan.policy_sha256);
    out
}

/// How long the run takes by the clock on the wall.
fn wall_time(plan: &RunPlan) -> String {
    if plan.virtual_clock {
        return "none: time is simulated".to_owned();
    }
    if plan.no_wait {
        return "as long as measuring takes (--no-wait): a rehearsal".to_owned();
    }
    let seconds = plan.wall_time_seconds;
    let (value, unit) = if seconds >= 3600.0 { (seconds / 3600.0, "h") } else { (seconds, "s") };
    format!("at least {} {unit}", trimmed(&fixed(value, 2)))
}

fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name:<10}  {}", printable(value));
}

fn limits(out: &mut String, title: &str, limits: &[PlannedLimit]) {
    let _ = writeln!(out, "\n{title}");
    for limit in limits {
        let _ = writeln!(
            out,
            "  {:<24} {} {:<8} {}  ({})",
            printable(&limit.metric),
            limit.comparison,
            exact(limit.limit, 0),
            limit.severity,
            printable(&limit.origin)
        );
    }
}
