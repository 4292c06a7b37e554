//! The part of the policy that `run` works by: parameters, profiles, presets, phases, tuner, guards, queries.
//!
//! Read from `deploy/policies/policy.toml` and the layers above it; nothing here has a number of its own.

use std::time::Duration;

use crate::core::kpi::KpiId;
use crate::core::params::{ParamName, ParamValues};
use crate::core::run::settings::MeasureAt;
use crate::core::tuning::parameters::Parameters;
use crate::core::verdict::{Comparison, LimitSource};

use super::{Limit, Step};

/// Everything that `run` works by.
#[derive(Clone, Debug)]
pub struct RunPolicy {
    /// What may be changed, and how far.
    pub parameters: Parameters,
    /// Named sets of values (`--profile`).
    pub profiles: Vec<Profile>,
    /// Named sets of changes (`--preset`, `--warmup-preset`).
    pub presets: Vec<Preset>,
    /// Warm-up and ramp-down.
    pub phases: Phases,
    /// PASS, WARN or FAIL of a single iteration, which panic revert counts.
    pub iteration_verdict: IterationVerdictRules,
    /// When to give up on an iteration's tuning or on the run.
    pub patience: Patience,
    /// The tuner's rows, asked from top to bottom.
    pub tuner: Vec<TunerRule>,
    /// Pairs of changes that must not go together.
    pub cautions: Vec<Caution>,
    /// The guards of the tuner.
    pub guards: GuardRules,
    /// How the `prometheus` source asks for each metric.
    pub queries: Vec<MetricQuery>,
    /// Where measurements come from, and when they are taken.
    pub measuring: MeasuringRules,
}

impl RunPolicy {
    /// The profile with this name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == name)
    }

    /// The preset with this name.
    pub fn preset(&self, name: &str) -> Option<&Preset> {
        self.presets.iter().find(|preset| preset.name == name)
    }
}

/// A named set of values. Parameters that it does not name keep theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The values.
    pub values: ParamValues,
    /// Where the profile stands.
    pub source: LimitSource,
}

/// A named set of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// What it does to each parameter.
    pub changes: Vec<(ParamName, Step)>,
    /// Where the preset stands: a policy key, or a file.
    pub source: LimitSource,
}

/// The phases of a run with `--warmup`.
#[derive(Clone, Debug, PartialEq)]
pub struct Phases {
    /// Iterations 1 to this are WARMUP.
    pub warmup_iterations: u64,
    /// So many iterations after the warm-up are RAMPDOWN; from then on STEADY.
    pub rampdown_iterations: u64,
    /// The preset of the warm-up unless another is asked for.
    pub warmup_preset: String,
}

/// A condition on one KPI of one iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The KPI.
    pub kpi: KpiId,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
}

impl Bound {
    /// Whether it holds; a value that is unknown satisfies nothing.
    pub fn holds(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| self.comparison.holds(value, self.limit.value))
    }
}

/// The runner's verdict on a single iteration: any bound that holds is a reason.
#[derive(Clone, Debug, PartialEq)]
pub struct IterationVerdictRules {
    /// Reasons for a WARN.
    pub warn: Vec<Bound>,
    /// Further reasons for a WARN while the run warms up.
    pub warmup_warn: Vec<Bound>,
    /// Reasons for a FAIL; a WARN while the run warms up.
    pub fail: Vec<Bound>,
}

/// Where measurements come from, and when they are taken.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuringRules {
    /// The source where the command line names none; `None` = it must name one.
    pub source: Option<&'static str>,
    /// When in the interval a command measures, where the command line does not say.
    pub measure_at: MeasureAt,
    /// A report that is older than the start of its iteration by more than this is stale; `None` = one interval.
    pub stale_after: Option<Duration>,
    /// The wall clock may move so far against the time that passes, seconds.
    pub clock_step_seconds: f64,
    /// Or by this share of the interval, whichever is more.
    pub clock_step_share: f64,
}

/// When to give up.
#[derive(Clone, Debug, PartialEq)]
pub struct Patience {
    /// So many iterations in a row with KPI FAIL put `panic_profile` in force.
    pub panic_after_fails: u64,
    /// The profile that a panic revert puts in force.
    pub panic_profile: String,
    /// So many failed collections in a row end the run.
    pub failed_collections: u64,
    /// What a child process gets on top of the interval before it is ended, seconds.
    pub child_grace_seconds: f64,
    /// How long a child has between TERM and KILL, seconds.
    pub child_kill_after_seconds: f64,
}

/// What a row does to a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The parameter.
    pub param: ParamName,
    /// How it moves.
    pub movement: Movement,
    /// It is not moved above this; on top of the parameter's own bounds.
    pub cap: Option<f64>,
    /// It is not moved below this; on top of the parameter's own bounds.
    pub floor: Option<f64>,
}

/// How a parameter moves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Movement {
    /// By so much.
    Add(f64),
    /// To so much of its value. Whole parameters round towards the change.
    Multiply(f64),
    /// Up to this value if it is below.
    AtLeast(f64),
}

/// A row of the tuner's table.
#[derive(Clone, Debug, PartialEq)]
pub struct TunerRule {
    /// Its name; in upper case the tag of its reasons.
    pub name: String,
    /// All must hold.
    pub when: Vec<Bound>,
    /// If there are any and all hold, the row does not act.
    pub unless: Vec<Bound>,
    /// So many iterations in a row, this one included, must satisfy `when`; at least 1.
    pub in_a_row: u64,
    /// So many iterations after it acted the row does not act again.
    pub rest: u64,
    /// Whether it acts instead of all other rows.
    pub is_exclusive: bool,
    /// Rows whose change of a parameter this one takes the place of. Apart from these a row changes only
    /// parameters that no row above has changed.
    pub replaces: Vec<String>,
    /// What it does.
    pub changes: Vec<Change>,
}

/// When `raised` goes up, a lowering of `keeps` is dropped: caution first.
#[derive(Clone, Debug, PartialEq)]
pub struct Caution {
    /// Its name.
    pub name: String,
    /// The parameter that goes up.
    pub raised: ParamName,
    /// The parameter that must not go down at the same time.
    pub keeps: ParamName,
}

/// The numbers of the guards.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardRules {
    /// Freeze after stable iterations.
    pub freeze: FreezeRules,
    /// A → B → A.
    pub oscillation: OscillationRules,
    /// Hourly limit.
    pub velocity: VelocityRules,
    /// Pause after a large step.
    pub cooldown: CooldownRules,
    /// Freeze of subsystems.
    pub partial_freeze: PartialFreezeRules,
    /// Few keys at a time in warm-up and ramp-down.
    pub micro_steps: MicroStepRules,
}

/// Freeze after stable iterations.
#[derive(Clone, Debug, PartialEq)]
pub struct FreezeRules {
    /// An iteration is stable when all hold.
    pub when: Vec<Bound>,
    /// So many stable iterations in a row start a freeze.
    pub in_a_row: u64,
    /// It is in force for so many iterations after the one that started it.
    pub lasts: u64,
    /// The parameters that it holds.
    pub parameters: Vec<ParamName>,
}

/// Detection of A → B → A.
#[derive(Clone, Debug, PartialEq)]
pub struct OscillationRules {
    /// Applied values that differ by no more than this are the same value.
    pub tolerance: f64,
}

/// The hourly limit of each parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct VelocityRules {
    /// Changes of so many seconds of run time are added up.
    pub window_seconds: f64,
    /// The limit is multiplied with this during warm-up.
    pub warmup_factor: f64,
}

/// The pause after a large step.
#[derive(Clone, Debug, PartialEq)]
pub struct CooldownRules {
    /// A step is large when the sum of |delta| ÷ width of the parameter's bounds is above this.
    pub large_step: f64,
    /// So many iterations after a large step apply nothing.
    pub iterations: u64,
}

/// Freeze of subsystems, debounced in run time.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialFreezeRules {
    /// How many applied values of a parameter are looked at.
    pub applied_values: usize,
    /// Range ÷ mean |value| above this, together with the next, is an oscillation.
    pub relative_range: f64,
    /// At least so many changes of direction among them.
    pub direction_changes: usize,
    /// Subsystems that an oscillation freezes.
    pub oscillation_freezes: Vec<String>,
    /// Bounds of which any freezes the subsystems below.
    pub latency_when: Vec<Bound>,
    /// Subsystems that latency freezes.
    pub latency_freezes: Vec<String>,
    /// A freeze opens after so many ms of signal.
    pub open_after_ms: f64,
    /// It closes after so many ms without signal.
    pub close_after_ms: f64,
    /// And lasts at least so many ms.
    pub minimum_ms: f64,
}

/// Few keys at a time in warm-up and ramp-down.
#[derive(Clone, Debug, PartialEq)]
pub struct MicroStepRules {
    /// At most so many keys an iteration, largest step first.
    pub keys: usize,
    /// A key that was changed rests for so many iterations.
    pub rest: u64,
}

/// How the `prometheus` source asks for a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricQuery {
    /// Key of the edge report's totals that the answer becomes: a KPI, or a dotted name of the run's metrics.
    pub metric: String,
    /// `PromQL` with `$window` and `$selector`.
    pub query: String,
    /// Whether the run can do without it: no series is then no failure.
    pub is_optional: bool,
}
