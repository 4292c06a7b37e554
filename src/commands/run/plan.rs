//! The plan of a run, for `--dry-run`: what would be done if the flag were left out.

use crate::core::policy::Policy;
use crate::core::policy::run::RunPolicy;
use crate::core::run::settings::{RunSettings, SourceSettings};
use crate::core::run::start::Start;
use crate::wire::run_plan::{PlannedFile, PlannedLimit, PlannedOverride, PlannedPhase, RunPlan};

/// What the plan is made of.
pub(super) struct Facts<'a> {
    pub(super) policy: &'a Policy,
    pub(super) settings: &'a RunSettings,
    pub(super) iterations: u64,
    /// Iterations that are there already.
    pub(super) done: u64,
    pub(super) start: &'a Start,
    pub(super) run_gates_decide: bool,
    pub(super) files: Vec<PlannedFile>,
}

/// The plan.
pub(super) fn plan(facts: Facts<'_>) -> RunPlan {
    let Facts { policy, settings, iterations, done, start, run_gates_decide, files } = facts;
    RunPlan {
        schema_version: "1.0",
        iterations,
        first: done + 1,
        interval_seconds: settings.interval_seconds,
        duration_hours: iterations as f64 * settings.interval_seconds / 3600.0,
        source: settings.source.to_string(),
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
    }
}

fn phases(policy: &RunPolicy, preset: Option<&str>, iterations: u64) -> Vec<PlannedPhase> {
    let whole = |first, last, phase, what: String| PlannedPhase { phase, first, last, what };
    let Some(preset) = preset else {
        return vec![whole(1, iterations, "STEADY", "the start values and the tuner alone".to_owned())];
    };
    let warm = policy.phases.warmup_iterations;
    let down = warm + policy.phases.rampdown_iterations;
    [
        whole(1, warm, "WARMUP", format!("preset {preset}; a FAIL is told as WARN")),
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
pub(super) fn too_short(policy: &Policy, iterations: u64) -> Vec<String> {
    let beyond = policy.beyond(iterations);
    let Some(most) = beyond.iter().map(|(_, needed)| *needed).max() else { return Vec::new() };
    let named: Vec<String> = beyond.iter().map(|(name, needed)| format!("`{name}` ({needed})")).collect();
    vec![format!(
        "with {iterations} iterations the verdict cannot be better than INCONCLUSIVE: the policy has gates that need more: {}; \
         `--iterations {most}` is enough for all",
        named.join(", ")
    )]
}
