//! The policy: every limit the judge applies, with the place each one comes from.
//!
//! Values are read from `deploy/policies/policy.toml` and the layers above it by [`crate::wire::policy`];
//! nothing here has a number of its own.

mod compare;
mod effective;
mod holding;
mod integrity;
mod length;
pub mod release;
pub mod run;
mod run_verdict;
mod sanity;
pub mod symbols;

use super::course::{ChangeRules, DriftGateRules};
pub use compare::{CompareRules, KpiRule, Margin};
pub use effective::Effective;
pub use holding::{HoldCount, Judge};
pub use integrity::IntegrityRules;
pub use run_verdict::{FreezeRule, RunVerdictRule};
pub use sanity::SanityRules;
use symbols::SymbolRules;

use super::drift::DriftRules;
use super::kpi::{KpiId, KpiTable};
use super::params::ParamName;
use super::rotation::RotationRules;
use super::verdict::{Comparison, LimitSource, Severity};
pub use crate::stats::Statistic;

/// A number from the policy and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// The number.
    pub value: f64,
    /// Its key and origin.
    pub source: LimitSource,
}

/// Which iterations a gate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowSpec {
    /// The highest `windows.last_n` numbers.
    LastN,
    /// The highest so many numbers, whatever `windows.last_n` says.
    Last(usize),
    /// Numbers from `windows.steady_start` on.
    Steady,
    /// All.
    Overall,
}

impl WindowSpec {
    /// Name of the window in reports, JSON and metrics: `last8`, `steady`, `overall`.
    pub fn name(self, windows: &Windows) -> String {
        match self.length(windows) {
            Some(length) => format!("last{length}"),
            None if self == Self::Steady => "steady".to_owned(),
            None => "overall".to_owned(),
        }
    }

    /// How many iterations the window asks for; `None` where it takes what there is.
    pub fn length(self, windows: &Windows) -> Option<usize> {
        match self {
            Self::LastN => Some(windows.last_n),
            Self::Last(length) => Some(length),
            Self::Steady | Self::Overall => None,
        }
    }
}

/// A limit on a statistic of a KPI.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiGate {
    /// The KPI.
    pub kpi: KpiId,
    /// Hard or soft.
    pub severity: Severity,
    /// Where to look.
    pub window: WindowSpec,
    /// What to compute.
    pub statistic: Statistic,
    /// What must hold between the statistic and the limit.
    pub comparison: Comparison,
    /// The limit.
    pub limit: Limit,
    /// A pass with less room than this is a WARN; 0 = no margin. In the KPI's unit.
    pub margin: f64,
    /// With fewer values than this the gate is INCONCLUSIVE.
    pub min_iterations: usize,
    /// What is held against the limit; anything but the point only for mean and median.
    pub judge: Judge,
    /// How many of the last iterations must meet the limit; only for [`Statistic::Each`]. `None` = all of the
    /// window that have a value.
    pub count: Option<HoldCount>,
}

/// A named group of limits that is judged together.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSet {
    /// Name of its table in the policy.
    pub name: String,
    /// Whether it joins the verdict of the whole (`gates = true`).
    pub gates: bool,
    /// The limits, in the order of the KPI table.
    pub checks: Vec<KpiGate>,
}

/// WARN and CRIT limits on every single iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct ViolationRule {
    /// The KPI.
    pub kpi: KpiId,
    /// It is a WARN when this holds between value and `warn`.
    pub warn_when: Comparison,
    /// The WARN limit.
    pub warn: Limit,
    /// It is a CRIT when this holds between value and `crit`.
    pub crit_when: Comparison,
    /// The CRIT limit.
    pub crit: Limit,
}

/// All violation limits.
#[derive(Clone, Debug, PartialEq)]
pub struct ViolationRules {
    /// Whether CRIT violations join the verdict of the whole.
    pub gates: bool,
    /// Which iterations are looked at.
    pub window: WindowSpec,
    /// One rule a KPI.
    pub rules: Vec<ViolationRule>,
}

/// A limit on one total of an edge report. A level is missed when the comparison holds.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeReportRule {
    /// Key below `totals`.
    pub metric: String,
    /// Strictly above or below.
    pub miss_when: Comparison,
    /// WARN limit, if there is one.
    pub warn: Option<Limit>,
    /// FAIL limit.
    pub fail: Limit,
}

/// A gate of the 72-hour report.
#[derive(Clone, Debug, PartialEq)]
pub struct RunGate {
    /// Name of the gate.
    pub name: String,
    /// Metric it looks at.
    pub metric: String,
    /// Hard or soft.
    pub severity: Severity,
    /// What must hold.
    pub comparison: Comparison,
    /// The limit.
    pub limit: Limit,
}

/// Limits of the delta verification.
#[derive(Clone, Debug, PartialEq)]
pub struct DeltaRules {
    /// Whether it joins the verdict of the whole.
    pub gates: bool,
    /// Smallest full-apply ratio.
    pub full_apply_ratio: Limit,
    /// The same under `--strict`.
    pub full_apply_ratio_strict: Limit,
    /// Largest count of stuck signatures.
    pub signature_stuck_max: Limit,
}

/// Limits beyond which a single iteration is an anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct AnomalyRules {
    /// Whether anomalies join the verdict of the whole (as WARN).
    pub gates: bool,
    /// Latency above this is a spike, ms.
    pub latency_spike: Limit,
    /// A rise of the risk ratio against the iteration before by more than this is a jump.
    pub risk_jump: Limit,
    /// A maker share below this is a drop.
    pub maker_drop: Limit,
}

/// What a recommendation looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A statistic of a KPI over the last-n window.
    Kpi(KpiId, Statistic),
    /// How often a guard spoke in the last-n window.
    Guard(super::guards::Guard),
}

/// A condition of a recommendation.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is looked at.
    pub subject: Subject,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: Limit,
}

/// A step on a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Add this many of the parameter's units.
    Add(f64),
    /// Multiply by this.
    Multiply(f64),
}

/// Advice: when all conditions hold, change these parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct RecommendationRule {
    /// Name of its table in the policy.
    pub name: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// What to change.
    pub changes: Vec<(ParamName, Step)>,
}

/// The windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Length of the last-n window, at least 1.
    pub last_n: usize,
    /// First iteration of the steady part.
    pub steady_start: u64,
}

/// Everything the judge needs to know that is not in the artifacts.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The KPIs, built-in and declared.
    pub kpis: KpiTable,
    /// The windows.
    pub windows: Windows,
    /// What an iteration must show to pass.
    pub iteration_pass: GateSet,
    /// The same with the relaxed limits of `--mock`.
    pub iteration_pass_mock: GateSet,
    /// The run verdict.
    pub run_verdict: RunVerdictRule,
    /// Readiness for release.
    pub readiness: GateSet,
    /// `audit` warns below so many iterations.
    pub readiness_warn_below_iterations: usize,
    /// Goals of the release notes.
    pub goals: GateSet,
    /// WARN and CRIT per iteration.
    pub violations: ViolationRules,
    /// Limits on an edge report.
    pub edge_report: Vec<EdgeReportRule>,
    /// Gates of the 72-hour report.
    pub run_gates: Vec<RunGate>,
    /// Delta verification.
    pub deltas: DeltaRules,
    /// Anomalies.
    pub anomalies: AnomalyRules,
    /// When the time of a run is evidence.
    pub integrity: IntegrityRules,
    /// Values that cannot be.
    pub sanity: SanityRules,
    /// Which symbols are judged.
    pub symbols: SymbolRules,
    /// When a run is worse than another one.
    pub compare: CompareRules,
    /// Advice on parameters.
    pub recommendations: Vec<RecommendationRule>,
    /// Growth of resources.
    pub drift: DriftRules,
    /// Steady drifts of KPIs.
    pub kpi_drift: DriftGateRules,
    /// Changes of level of KPIs.
    pub change_points: ChangeRules,
    /// A trend is flat while it changes less than this share of |median| over the window.
    pub trend_relative_change: Limit,
    /// What `release` works by.
    pub release: release::ReleasePolicy,
    /// What `artifacts rotate` keeps.
    pub rotation: RotationRules,
    /// A log of rotations with more bytes than this becomes an archive.
    pub rotation_log_bytes: u64,
    /// What `run` works by.
    pub run: run::RunPolicy,
    /// Every value in force with its origin, sorted by key.
    pub effective: Vec<Effective>,
    /// SHA-256 over the values in force (keys and values, not origins), lower-case hex.
    pub sha256: String,
}

#[cfg(test)]
mod tests;
