//! The verdict model: outcomes, checks with their explanation, and how parts join to a whole.
//!
//! Pure data and ordering; which checks there are is decided in [`super::judge`] and its neighbours.

pub mod failure;

pub mod exit;

pub mod provenance;

pub mod violations;

pub mod evidence;

pub mod findings;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of a check. Ordered from best to worst; [`Outcome::NotApplicable`] takes no part.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// The check does not apply here; its reason says why.
    NotApplicable,
    /// Evaluated on enough data, and it holds.
    Pass,
    /// A soft gate is missed, or a hard one holds only within its margin.
    Warn,
    /// Too little data to judge.
    Inconclusive,
    /// A hard gate is missed.
    Fail,
    /// The input cannot be trusted.
    Invalid,
}

impl Outcome {
    /// The word as reports and JSON spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "NOT_APPLICABLE",
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
        }
    }

    /// The word that readers of published artifacts know: everything that is neither PASS nor WARN is FAIL.
    pub fn published(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            _ => "FAIL",
        }
    }

    /// PASS and WARN let a release go on.
    pub fn is_acceptable(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Whether missing a gate fails the run or only warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A miss is FAIL.
    Hard,
    /// A miss is WARN.
    Soft,
}

impl Severity {
    /// The outcome of a missed gate.
    pub fn of_a_miss(self) -> Outcome {
        match self {
            Self::Hard => Outcome::Fail,
            Self::Soft => Outcome::Warn,
        }
    }

    /// Lower-case word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

/// How an observed value is held against its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Comparison {
    /// observed ≤ limit
    #[serde(rename = "<=")]
    AtMost,
    /// observed ≥ limit
    #[serde(rename = ">=")]
    AtLeast,
    /// observed < limit
    #[serde(rename = "<")]
    Below,
    /// observed > limit
    #[serde(rename = ">")]
    Above,
}

impl Comparison {
    /// Whether `observed` satisfies the comparison with `limit`.
    pub fn holds(self, observed: f64, limit: f64) -> bool {
        match self {
            Self::AtMost => observed <= limit,
            Self::AtLeast => observed >= limit,
            Self::Below => observed < limit,
            Self::Above => observed > limit,
        }
    }

    /// Signed distance to the limit, positive = room.
    pub fn margin(self, observed: f64, limit: f64) -> f64 {
        match self {
            Self::AtMost | Self::Below => limit - observed,
            Self::AtLeast | Self::Above => observed - limit,
        }
    }

    /// The comparison that holds exactly when this one does not.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::AtMost => Self::Above,
            Self::AtLeast => Self::Below,
            Self::Below => Self::AtLeast,
            Self::Above => Self::AtMost,
        }
    }

    /// `<=`, `>=`, `<`, `>`.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::Above => ">",
        }
    }

    /// The comparison written as `symbol`.
    pub fn parse(symbol: &str) -> Option<Self> {
        [Self::AtMost, Self::AtLeast, Self::Below, Self::Above].into_iter().find(|c| c.symbol() == symbol)
    }
}

/// The window a check looked at, as it was found: not what was asked for, but what there was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WindowUsed {
    /// `last8`, `steady`, `overall`, …
    pub name: String,
    /// Number of the first iteration; null when the window is empty.
    pub first: Option<u64>,
    /// Number of the last iteration; null when the window is empty.
    pub last: Option<u64>,
    /// Iterations in it.
    pub n: usize,
}

/// Where a limit comes from: its key in the policy, and the origin of the value that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct LimitSource {
    /// Dotted key in the policy file, e.g. `readiness.kpi.net_bps.limit`.
    pub key: String,
    /// `built-in policy`, a file with line, an environment variable or a flag.
    pub origin: String,
}

/// The part of the judgement that a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Can the input be trusted?
    Integrity,
    /// Iteration passes and freeze.
    RunVerdict,
    /// Did tuning reach the overrides?
    Deltas,
    /// Limits on an edge report given by hand.
    EdgeReport,
    /// Is the system ready for release?
    Readiness,
    /// Goals of the release notes.
    Goals,
    /// WARN and CRIT per iteration.
    Violations,
    /// Spikes, jumps and drops.
    Anomalies,
    /// Resources that grow.
    Drift,
    /// KPIs that get worse steadily.
    KpiDrift,
    /// KPIs that changed their level.
    ChangePoints,
    /// KPIs that vary more in the second half.
    Spread,
    /// Values that cannot be, also on the good side.
    Sanity,
    /// Gates of the 72-hour report.
    RunGates,
    /// Limits and triggers of a canary; its windows count steps of time and no iterations.
    Canary,
}

impl Part {
    /// Name as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::RunVerdict => "run_verdict",
            Self::Deltas => "deltas",
            Self::EdgeReport => "edge_report",
            Self::Readiness => "readiness",
            Self::Goals => "goals",
            Self::Violations => "violations",
            Self::Anomalies => "anomalies",
            Self::Drift => "drift",
            Self::KpiDrift => "kpi_drift",
            Self::ChangePoints => "change_points",
            Self::Spread => "spread",
            Self::Sanity => "sanity",
            Self::RunGates => "run_gates",
            Self::Canary => "canary",
        }
    }
}

/// How sure a statistical decision is. Numbers in the unit of what was observed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Inference {
    /// How many independent values the values looked at are worth; null when that is not known.
    pub n_eff: Option<f64>,
    /// Lower end of the interval of what was observed; null when there is none.
    pub low: Option<f64>,
    /// Upper end of it; null when there is none.
    pub high: Option<f64>,
    /// Confidence level of the interval; null when there is none.
    pub confidence: Option<f64>,
    /// Probability of something at least as bad by chance alone; null when nothing was tested.
    pub p_value: Option<f64>,
    /// The same, corrected for all that was tested together; null when nothing was tested.
    pub p_adjusted: Option<f64>,
    /// For what it was corrected, and how; null when nothing was tested.
    pub correction: Option<String>,
}

/// One decision with everything needed to redo it by hand.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Ladder")]
pub struct Check {
    /// The part it belongs to.
    pub part: Part,
    /// Name of the gate, e.g. `readiness.net_bps`.
    pub gate: String,
    /// Canonical KPI name; `None` where the gate is about something else.
    pub kpi: Option<String>,
    /// Symbol judged; `None` for runs that are not per symbol.
    pub symbol: Option<String>,
    /// Hard or soft.
    pub severity: Severity,
    /// What was looked at.
    pub window: WindowUsed,
    /// `median`, `mean`, `passing_iterations`, …
    pub statistic: String,
    /// How observed and limit are compared; `None` for yes/no gates.
    #[schemars(with = "Option<String>")]
    pub comparison: Option<Comparison>,
    /// The limit in force.
    pub limit: Option<f64>,
    /// What was seen, unrounded; `None` when there was nothing to see.
    pub observed: Option<f64>,
    /// Signed distance to the limit, positive = room.
    pub margin: Option<f64>,
    /// What follows.
    pub outcome: Outcome,
    /// One sentence: why.
    pub reason: String,
    /// Where the limit comes from; `None` for rules that have no number.
    pub limit_source: Option<LimitSource>,
    /// Whether the outcome takes part in the verdict of the whole.
    pub joins: bool,
    /// How sure the decision is; `None` where it is a matter of counting and comparing.
    pub inference: Option<Inference>,
}

/// The worst outcome of those that join, and PASS only if at least one was evaluated.
///
/// Nothing to judge is never a pass: without a single applicable check the answer is INVALID.
pub fn join<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Outcome {
    checks
        .into_iter()
        .filter(|check| check.joins && check.outcome != Outcome::NotApplicable)
        .map(|check| check.outcome)
        .max()
        .unwrap_or(Outcome::Invalid)
}

/// The checks that make a verdict worse than PASS, worst first.
pub fn reasons<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Vec<&'a Check> {
    let mut reasons: Vec<&Check> =
        checks.into_iter().filter(|check| check.joins && check.outcome > Outcome::Pass).collect();
    reasons.sort_by_key(|check| std::cmp::Reverse(check.outcome));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(outcome: Outcome, joins: bool) -> Check {
        Check {
            part: Part::Integrity,
            gate: "g".into(),
            kpi: None,
            symbol: None,
            severity: Severity::Hard,
            window: WindowUsed { name: "overall".into(), first: None, last: None, n: 0 },
            statistic: String::new(),
            comparison: None,
            limit: None,
            observed: None,
            margin: None,
            outcome,
            reason: String::new(),
            limit_source: None,
            joins,
            inference: None,
        }
    }

    #[test]
    fn the_whole_is_the_worst_part_that_joins() {
        use Outcome::{Fail, Inconclusive, Invalid, NotApplicable, Pass, Warn};
        let whole = |parts: &[(Outcome, bool)]| {
            join(&parts.iter().map(|(outcome, joins)| check(*outcome, *joins)).collect::<Vec<_>>())
        };
        assert_eq!(whole(&[(Pass, true), (Warn, true)]), Warn);
        assert_eq!(whole(&[(Warn, true), (Inconclusive, true)]), Inconclusive);
        assert_eq!(whole(&[(Inconclusive, true), (Fail, true)]), Fail);
        assert_eq!(whole(&[(Fail, true), (Invalid, true)]), Invalid);
        assert_eq!(whole(&[(Pass, true), (Fail, false)]), Pass);
        assert_eq!(whole(&[(Pass, true), (NotApplicable, true)]), Pass);
    }

    #[test]
    fn nothing_to_judge_is_never_a_pass() {
        assert_eq!(join(&[]), Outcome::Invalid);
        assert_eq!(join(&[check(Outcome::NotApplicable, true)]), Outcome::Invalid);
        assert_eq!(join(&[check(Outcome::Pass, false)]), Outcome::Invalid);
    }

    #[test]
    fn published_words_know_only_three_verdicts() {
        assert_eq!(Outcome::Inconclusive.published(), "FAIL");
        assert_eq!(Outcome::Invalid.published(), "FAIL");
        assert_eq!(Outcome::NotApplicable.published(), "FAIL");
        assert_eq!(Outcome::Warn.published(), "WARN");
        assert_eq!(Outcome::Pass.published(), "PASS");
    }

    #[test]
    fn comparisons_hold_at_their_boundary_only_when_inclusive() {
        assert!(Comparison::AtMost.holds(0.42, 0.42));
        assert!(!Comparison::Below.holds(0.42, 0.42));
        assert!(Comparison::AtLeast.holds(0.85, 0.85));
        assert!(!Comparison::Above.holds(0.85, 0.85));
        assert!(!Comparison::AtMost.holds(f64::NAN, 0.42));
        assert!(Comparison::AtMost.margin(0.40, 0.42) > 0.0);
        assert!(Comparison::AtLeast.margin(0.40, 0.42) < 0.0);
    }
}
