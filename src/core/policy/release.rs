//! The part of the policy that `release` works by: what a bundle needs, the readiness score, the canary, the
//! service that is released. No number of its own.

use std::collections::BTreeMap;

use super::{Limit, Statistic};
use crate::core::kpi::KpiId;
use crate::core::verdict::Comparison;

/// Everything that `release` works by.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleasePolicy {
    /// A bundle needs so many iterations of each symbol.
    pub min_iterations: usize,
    /// Smallest full-apply ratio of the delta verification, 0 to 1.
    pub full_apply_ratio: Limit,
    /// Names of sources whose data is made up.
    pub simulated_sources: Vec<String>,
    /// The readiness score.
    pub score: ScoreRules,
    /// The canary.
    pub canary: CanaryRules,
    /// The service.
    pub service: Service,
}

impl ReleasePolicy {
    /// Whether data from this source is made up. A source may be a list, as in `exec, sim`.
    pub fn is_simulated(&self, source: &str) -> bool {
        source
            .split(',')
            .any(|one| self.simulated_sources.iter().any(|name| name.eq_ignore_ascii_case(one.trim())))
    }
}

/// A section of the score with a limit on a median.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredLimit {
    /// Points where the limit is met.
    pub points: Limit,
    /// The limit, in the unit of the value.
    pub limit: Limit,
}

/// How the readiness score is made.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRules {
    /// So many days are asked for.
    pub days: usize,
    /// A day worse than the mean of the days before by more than this share is a regression.
    pub regression_share: Limit,
    /// A day that misses a limit by at most this share is WARN.
    pub warn_share: Limit,
    /// Net edge, bps, at least.
    pub edge: ScoredLimit,
    /// Order age, ms, at most.
    pub latency: ScoredLimit,
    /// Taker share, percent, at most.
    pub taker: ScoredLimit,
    /// Points for days without regression and drift.
    pub guards: Limit,
    /// Points where the chaos tests of every day are OK.
    pub chaos: Limit,
    /// Points where the bug bash of every day is OK.
    pub tests: Limit,
}

/// What bounds a KPI at an hour of the canary.
#[derive(Clone, Debug, PartialEq)]
pub enum CanaryBound {
    /// A number.
    Fixed(Limit),
    /// What the soak showed, less strict by a margin.
    FromSoak {
        /// Over the last-n window.
        statistic: Statistic,
        /// In the unit of the KPI, at least 0.
        margin: Limit,
        /// Decimals that the limit is rounded to, to the strict side.
        decimals: usize,
    },
}

/// A limit on a KPI of the canary.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryLimit {
    /// The KPI.
    pub kpi: KpiId,
    /// What must hold.
    pub comparison: Comparison,
    /// With what.
    pub bound: CanaryBound,
}

/// An hour at which the canary is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Name of its table: `hour_1`.
    pub name: String,
    /// Hours after the start of the canary.
    pub after_hours: f64,
    /// All must hold; never empty.
    pub limits: Vec<CanaryLimit>,
}

/// Which rollback a trigger asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackKind {
    /// Restore the overrides.
    Quick,
    /// Restore the former release.
    Full,
}

impl RollbackKind {
    /// Word as in the policy.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }
}

/// What rolls the canary back.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Name of its table.
    pub name: String,
    /// A KPI or a key of `[prometheus]`.
    pub metric: String,
    /// It is bad when this holds,
    pub comparison: Comparison,
    /// with this,
    pub limit: Limit,
    /// for so many minutes without a break, a multiple of [`CanaryRules::step_minutes`].
    pub for_minutes: u64,
    /// What follows.
    pub rollback: RollbackKind,
    /// Whether a canary in which nobody ever measured the metric is judged without it.
    pub is_optional: bool,
}

/// A step of the roll-out.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Name of its table.
    pub name: String,
    /// Share of the traffic, percent.
    pub percent: f64,
    /// Held so long before the next one, hours.
    pub hold_hours: f64,
}

/// The canary.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryRules {
    /// Watched at least so long, hours.
    pub watch_hours_min: f64,
    /// Decided after so long at the latest, hours.
    pub watch_hours_max: f64,
    /// Metrics are looked at in these steps, minutes.
    pub step_minutes: u64,
    /// The limits of an hour are held against so many minutes that end with it, a multiple of
    /// [`Self::step_minutes`].
    pub window_minutes: u64,
    /// Of the values in them, where a limit names no statistic of its own; never [`Statistic::Each`].
    pub statistic: Statistic,
    /// Between two hours, so many looks in a row that miss the limits of the last one are a failure; at least 1.
    pub misses: u64,
    /// Share of the steps looked at that must have a value, above 0, at most 1.
    pub seen_share: Limit,
    /// Longest time without a value that is looked over, minutes.
    pub longest_gap_minutes: Limit,
    /// The quick rollback is done within, minutes.
    pub rollback_minutes: u64,
    /// The full rollback is done within, minutes.
    pub full_minutes: u64,
    /// By hour.
    pub checkpoints: Vec<Checkpoint>,
    /// Watched so long after a rollback, minutes.
    pub after_rollback_minutes: u64,
    /// What must hold after a rollback.
    pub after_rollback: Vec<CanaryLimit>,
    /// What rolls back, in the order of the file.
    pub triggers: Vec<Trigger>,
    /// The roll-out, by rising share; the last is 100 %.
    pub stages: Vec<Stage>,
}

/// Something that can be done to the service with a line of shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ServiceCommand {
    /// No more tuning.
    FreezeTuning,
    /// Read the overrides again.
    Reload,
    /// Stop it.
    Stop,
    /// Start it.
    Start,
    /// Show its log.
    Logs,
    /// Put the former release in place.
    DeployPrevious,
    /// Start the canary.
    DeployCanary,
    /// Take the canary away.
    RemoveCanary,
    /// Give the canary a share of the traffic; holds `{percent}`.
    SetTraffic,
}

impl ServiceCommand {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::FreezeTuning,
        Self::Reload,
        Self::Stop,
        Self::Start,
        Self::Logs,
        Self::DeployPrevious,
        Self::DeployCanary,
        Self::RemoveCanary,
        Self::SetTraffic,
    ];

    /// Its key below `service.commands`.
    pub fn key(self) -> &'static str {
        match self {
            Self::FreezeTuning => "freeze_tuning",
            Self::Reload => "reload",
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Logs => "logs",
            Self::DeployPrevious => "deploy_previous",
            Self::DeployCanary => "deploy_canary",
            Self::RemoveCanary => "remove_canary",
            Self::SetTraffic => "set_traffic",
        }
    }
}

/// The service that is released. `None` = the policy does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// What it is called.
    pub name: Option<String>,
    /// The overrides that it reads.
    pub overrides_file: Option<String>,
    /// The overrides that its canary reads.
    pub canary_overrides_file: Option<String>,
    /// The overrides of the former release.
    pub previous_overrides_file: Option<String>,
    /// A page for eyes.
    pub dashboard_url: Option<String>,
    /// Metrics in Prometheus' format.
    pub metrics_url: Option<String>,
    /// The Prometheus that has the metrics of service and canary.
    pub prometheus_url: Option<String>,
    /// Label matchers that tell the service there.
    pub selector: Option<String>,
    /// Label matchers that tell the canary there.
    pub canary_selector: Option<String>,
    /// Answers while it is well.
    pub health_url: Option<String>,
    /// Tells its version.
    pub version_url: Option<String>,
    /// Who is told first.
    pub contact: Option<String>,
    /// Who is called.
    pub pager: Option<String>,
    /// Lines of shell.
    pub commands: BTreeMap<ServiceCommand, String>,
}
