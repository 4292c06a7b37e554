//! The part of the policy that `release` works by: what a bundle needs, the readiness score, the canary, the
//! service that is released.

use std::collections::BTreeMap;

use strum::VariantArray as _;

use crate::core::config::values::{
    Parsed, at_least_one, count, name, names, not_negative, number, one_of, percent, positive, share, switch,
    up_to,
};
use crate::core::config::{Keep, Read, Value, all, section};
use crate::core::kpi::KpiId;
use crate::core::text::number::TOLERANCE;
use crate::core::text::shell;
use crate::core::verdict::Comparison;

use super::declared::Table;
use super::gates::{GateSet, KpiGate};
use super::limits::{Limit, Possible, Statistic, comparison, decides, each_kpi, one_number, right_way};

section! {
    /// Everything that `release` works by; read at the top of the policy.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ReleasePolicy {
        /// A bundle needs so many iterations of each symbol.
        pub min_iterations: usize { |t| t.at("release").required("min_iterations", count) },
        /// Smallest full-apply ratio of the delta verification, 0 to 1.
        pub full_apply_ratio: Limit { |t| Limit::keep(&t.at("release"), "full_apply_ratio", share) },
        /// Names of sources whose data is made up.
        pub simulated_sources: Vec<String> { |t| t.at("release").required("simulated_sources", names) },
        /// The readiness score.
        pub score: ScoreRules { |t| ScoreRules::section(&t.at("readiness_score")) },
        pub canary: CanaryRules,
        pub service: Service,
    }
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

impl ScoredLimit {
    fn read(t: &Table<'_>, key: &str) -> Read<Self> {
        let (points, limit) = (points(t), Limit::keep(t, key, positive));
        Ok(Self { points: points?, limit: limit? })
    }
}

fn points(t: &Table<'_>) -> Read<Limit> {
    Limit::keep(t, "points", not_negative)
}

section! {
    /// How the readiness score is made.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ScoreRules if points_add_up {
        /// So many days are required.
        pub days: usize = count,
        /// A day worse than the mean of the days before by more than this share is a regression.
        pub regression_share: Limit = share,
        /// A day that misses a limit by at most this share is WARN.
        pub warn_share: Limit = share,
        /// Net edge, bps, at least.
        pub edge: ScoredLimit { |t| ScoredLimit::read(&t.at("edge"), "at_least") },
        /// Order age, ms, at most.
        pub latency: ScoredLimit { |t| ScoredLimit::read(&t.at("latency"), "at_most") },
        /// Taker share, percent, at most.
        pub taker: ScoredLimit { |t| ScoredLimit::read(&t.at("taker"), "at_most") },
        /// Points for days without regression and drift.
        pub guards: Limit { |t| points(&t.at("guards")) },
        /// Points where the chaos tests of every day are OK.
        pub chaos: Limit { |t| points(&t.at("chaos")) },
        /// Points where the bug bash of every day is OK.
        pub tests: Limit { |t| points(&t.at("tests")) },
    }
}

/// What the points of all sections add up to.
const POINTS: f64 = 100.0;

fn points_add_up(t: &Table<'_>, rules: &ScoreRules) -> Read<()> {
    let ScoreRules { edge, latency, taker, guards, chaos, tests, .. } = rules;
    let points = [&edge.points, &latency.points, &taker.points, guards, chaos, tests];
    let sum: f64 = points.iter().map(|points| points.value).sum();
    if (sum - POINTS).abs() > TOLERANCE {
        return Err(t.fault(format!("the points add up to {sum}, expected {POINTS}")));
    }
    Ok(())
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

impl CanaryBound {
    /// A layer that names a limit or a statistic takes the place of the other below it.
    fn read(t: &Table<'_>) -> Read<Self> {
        let limit = Option::<Limit>::keep(t, "limit", number);
        let statistic = t.optional("statistic", one_number);
        let margin = Option::<Limit>::keep(t, "margin", not_negative);
        let decimals = t.or("decimals", up_to(9), 2);
        let chosen = t.one_of(&["limit", "statistic"])?;
        match (chosen, limit?, statistic?, margin?, decimals?) {
            (Some(0), Some(limit), ..) => {
                t.forget("margin");
                t.forget("decimals");
                Ok(Self::Fixed(limit))
            }
            (Some(_), _, Some(statistic), margin, decimals) => Ok(Self::FromSoak {
                statistic,
                margin: margin.map_or_else(|| Limit::keep(t, "margin", not_negative), Ok)?,
                decimals: usize::try_from(decimals).unwrap_or_default(),
            }),
            _ => Err(t.fault("has neither `limit` nor `statistic`")),
        }
    }
}

/// A limit on a KPI of the canary.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryLimit {
    pub kpi: KpiId,
    /// What must hold.
    pub comparison: Comparison,
    /// With what.
    pub bound: CanaryBound,
}

impl CanaryLimit {
    fn read(kpi: KpiId, t: &Table<'_>) -> Read<Self> {
        let (comparison, bound) = (t.required("comparison", comparison), CanaryBound::read(t));
        let (comparison, bound) = (comparison?, bound?);
        right_way(t, "comparison", kpi, true, comparison)?;
        if let CanaryBound::Fixed(limit) = &bound {
            let possible = Possible::of_kpi(kpi);
            decides(t, "limit", possible.pointless_requirement(comparison, limit.value))?;
        }
        Ok(Self { kpi, comparison, bound })
    }

    /// The limits in a table; at least one. A table without limits takes those of `[iteration_pass]`.
    fn all(t: &Table<'_>) -> Read<Vec<Self>> {
        let limit = |gate: KpiGate| Self {
            kpi: gate.kpi,
            comparison: gate.comparison,
            bound: CanaryBound::Fixed(gate.limit),
        };
        let limits = match GateSet::left_of_iterations(t)? {
            Some(left) => left.into_iter().map(limit).collect(),
            None => each_kpi(t, Self::read)?,
        };
        if limits.is_empty() {
            return Err(t.fault("has no limit in force, so it would judge nothing"));
        }
        Ok(limits)
    }
}

section! {
    /// An hour at which the canary is looked at.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Checkpoint {
        /// Name of its table: `hour_1`.
        pub name: String { |t| Ok(t.name()) },
        /// Hours after the start of the canary.
        pub after_hours: f64 = positive,
        /// All must hold; never empty.
        pub limits: Vec<CanaryLimit> { CanaryLimit::all },
    }
}

/// The hours of the canary that are in force, each later than the one before.
fn checkpoints(t: &Table<'_>) -> Read<Vec<Checkpoint>> {
    let found = all(["hour_1", "hour_6", "hour_24"].map(|name| {
        let own = t.at(name);
        let (is_on, checkpoint) = (own.enabled(), Checkpoint::section(&own));
        let checkpoint = checkpoint?;
        Ok(is_on?.then_some(checkpoint))
    }))?;
    for (before, after) in found.iter().zip(found.iter().skip(1)) {
        if before.after_hours >= after.after_hours {
            let problem = format!(
                "{} is not after `canary.{}`, {}",
                after.after_hours, before.name, before.after_hours
            );
            return Err(t.at(&after.name).fault_at("after_hours", problem));
        }
    }
    if found.is_empty() {
        return Err(t.fault("has no hour in force, so nothing would be looked at"));
    }
    Ok(found)
}

/// The rollback that a trigger requires.
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

section! {
    /// What rolls the canary back.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Trigger if trigger_fits {
        /// Name of its table.
        pub name: String { |t| Ok(t.name()) },
        /// A KPI or a key of `[prometheus]`.
        pub metric: String = name,
        /// It is bad when this holds,
        pub comparison: Comparison = comparison,
        /// with this,
        pub limit: Limit = number,
        /// for so many minutes without a break, a multiple of [`CanaryRules::step_minutes`].
        pub for_minutes: u64 = at_least_one,
        /// What follows.
        pub rollback: RollbackKind = |value: &Value| {
            one_of(value, "rollback", &[RollbackKind::Quick, RollbackKind::Full].map(|kind| (kind.word(), kind)))
        },
        /// Whether a canary in which nobody ever measured the metric is judged without it.
        pub is_optional "optional": bool = switch => false,
    }
}

/// Where there are none, a limit of `[iteration_pass]` that is missed for the length of a window rolls back.
fn triggers(t: &Table<'_>) -> Read<Vec<Trigger>> {
    let Some(out) = t.at("trigger").only_taken_out() else { return t.at("trigger").each(Trigger::section) };
    let for_minutes = t.required("window_minutes", at_least_one)?;
    let missed = |gate: KpiGate| Trigger {
        name: gate.kpi.name.to_owned(),
        metric: gate.kpi.name.to_owned(),
        comparison: gate.comparison.opposite(),
        limit: gate.limit,
        for_minutes,
        rollback: RollbackKind::Full,
        is_optional: false,
    };
    let mut limits = GateSet::of_iterations(t)?.checks;
    if let Some(unknown) = out.iter().find(|table| limits.iter().all(|gate| gate.kpi.name != table.name())) {
        return Err(unknown.fault("takes nothing out: there is no such trigger"));
    }
    limits.retain(|gate| out.iter().all(|table| gate.kpi.name != table.name()));
    Ok(limits.into_iter().map(missed).collect())
}

fn trigger_fits(t: &Table<'_>, trigger: &Trigger) -> Read<()> {
    let step = t.root().at("canary").required("step_minutes", at_least_one);
    if let Ok(step) = step {
        multiple_of_step(t, "for_minutes", trigger.for_minutes, step)?;
    }
    if let Some(kpi) = t.kpis().find(&trigger.metric) {
        right_way(t, "comparison", kpi, false, trigger.comparison)?;
    }
    let possible = Possible::of_metric(&trigger.metric, t.kpis());
    decides(t, "limit", possible.pointless_alarm(trigger.comparison, trigger.limit.value))
}

fn multiple_of_step(t: &Table<'_>, key: &str, minutes: u64, step: u64) -> Read<()> {
    let problem = format!("{minutes} is no multiple of `canary.step_minutes`, {step}");
    decides(t, key, (!minutes.is_multiple_of(step)).then_some(problem))
}

section! {
    /// A step of the roll-out.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Stage {
        /// Name of its table.
        pub name: String { |t| Ok(t.name()) },
        /// Share of the traffic, percent.
        pub percent: f64 = percent,
        /// Held so long before the next one, hours.
        pub hold_hours: f64 = positive,
    }
}

section! {
    #[derive(Clone, Debug, PartialEq)]
    pub struct CanaryRules if canary_fits {
        /// Watched at least so long, hours.
        pub watch_hours_min: f64 = positive,
        /// Decided after so long at the latest, hours.
        pub watch_hours_max: f64 = positive,
        /// Metrics are looked at in these steps, minutes.
        pub step_minutes: u64 = at_least_one,
        /// The limits of an hour are checked over so many minutes that end with it, a multiple of
        /// [`Self::step_minutes`].
        pub window_minutes: u64 = at_least_one,
        /// Of the values in them, where a limit names no statistic of its own; never [`Statistic::Each`].
        pub statistic: Statistic = one_number,
        /// Between two hours, so many looks in a row that miss the limits of the last one are a failure; at least 1.
        pub misses: u64 = at_least_one,
        /// Share of the steps looked at that must have a value, above 0, at most 1.
        pub seen_share: Limit = share,
        /// Longest time without a value that is looked over, minutes.
        pub longest_gap_minutes: Limit = not_negative,
        /// The quick rollback is done within, minutes.
        pub rollback_minutes: u64 = at_least_one,
        /// The full rollback is done within, minutes.
        pub full_minutes: u64 = at_least_one,
        /// By hour.
        pub checkpoints: Vec<Checkpoint> { checkpoints },
        /// Watched so long after a rollback, minutes.
        pub after_rollback_minutes: u64 { |t| t.at("after_rollback").required("watch_minutes", at_least_one) },
        /// What must hold after a rollback.
        pub after_rollback: Vec<CanaryLimit> { |t| CanaryLimit::all(&t.at("after_rollback")) },
        /// What rolls back, in the order of the file.
        pub triggers: Vec<Trigger> { triggers },
        /// The roll-out, by rising share; the last is 100 %.
        pub stages: Vec<Stage> { stages },
    }
}

fn canary_fits(t: &Table<'_>, rules: &CanaryRules) -> Read<()> {
    let (shortest, longest) = (rules.watch_hours_min, rules.watch_hours_max);
    let problem = format!("{longest} is below `canary.watch_hours_min`, {shortest}");
    decides(t, "watch_hours_max", (longest < shortest).then_some(problem))?;
    multiple_of_step(t, "window_minutes", rules.window_minutes, rules.step_minutes)?;
    if rules.triggers.is_empty() {
        return Err(t.fault("has no trigger in force, so nothing would roll it back"));
    }
    Ok(())
}

fn stages(t: &Table<'_>) -> Read<Vec<Stage>> {
    let mut stages = t.at("stage").each(Stage::section)?;
    stages.sort_by(|a, b| a.percent.total_cmp(&b.percent));
    let is_rising = stages.windows(2).all(|pair| pair[0].percent < pair[1].percent);
    if !is_rising || stages.last().is_none_or(|last| last.percent < 100.0) {
        return Err(t.at("stage").fault("must hold different shares, and the last must be 100 percent"));
    }
    Ok(stages)
}

/// Something that can be done to the service with a line of shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ServiceCommand {
    /// No more tuning.
    FreezeTuning,
    /// Read the overrides again.
    Reload,
    Stop,
    Start,
    /// Show its log.
    Logs,
    /// Put the former release in place.
    DeployPrevious,
    DeployCanary,
    RemoveCanary,
    /// Give the canary a share of the traffic; holds `{percent}`.
    SetTraffic,
}

impl ServiceCommand {
    /// Its key below `service.commands`.
    pub fn key(self) -> &'static str {
        self.into()
    }
}

section! {
    /// The service that is released: what texts for people may name. `None` = the policy does not say.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Service {
        /// What it is called.
        pub name: Option<String> = line,
        /// The overrides that it reads.
        pub overrides_file: Option<String> = path,
        /// The overrides that its canary reads.
        pub canary_overrides_file: Option<String> = path,
        /// The overrides of the former release.
        pub previous_overrides_file: Option<String> = path,
        /// A page for eyes.
        pub dashboard_url: Option<String> = url,
        /// Metrics in Prometheus' format.
        pub metrics_url: Option<String> = url,
        /// The Prometheus that has the metrics of service and canary.
        pub prometheus_url: Option<String> = url,
        /// Label matchers of the service there.
        pub selector: Option<String> = line,
        /// Label matchers of the canary there.
        pub canary_selector: Option<String> = line,
        /// Answers while it is well.
        pub health_url: Option<String> = url,
        /// Answers with its version.
        pub version_url: Option<String> = url,
        /// Who is notified first.
        pub contact: Option<String> = line,
        /// Who is called.
        pub pager: Option<String> = line,
        /// Lines of shell.
        pub commands: BTreeMap<ServiceCommand, String> { commands },
    }
}

fn commands(t: &Table<'_>) -> Read<BTreeMap<ServiceCommand, String>> {
    let t = t.at("commands");
    let commands = all(ServiceCommand::VARIANTS.iter().map(|which| {
        let Some(command) = t.optional(which.key(), shell_line)? else { return Ok(None) };
        let is_blind = *which == ServiceCommand::SetTraffic && !command.contains("{percent}");
        let problem = "contains no `{percent}`, which becomes the share of the canary";
        decides(&t, which.key(), is_blind.then(|| problem.to_owned()))?;
        Ok(Some((*which, command)))
    }))?;
    Ok(commands.into_iter().collect())
}

/// Longest text that is taken.
const LONGEST: usize = 1000;

/// Text on one line.
fn line(value: &Value) -> Parsed<String> {
    let text = name(value)?;
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST {
        return Err(format!("expected one line of at most {LONGEST} characters"));
    }
    Ok(text)
}

fn path(value: &Value) -> Parsed<String> {
    let path = line(value)?;
    if path.starts_with('-') {
        return Err("starts with a dash, which programs take for a flag; write `./-…`".to_owned());
    }
    Ok(path)
}

fn url(value: &Value) -> Parsed<String> {
    let url = line(value)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace))
    {
        return Err("expected an address that begins with `http://` or `https://`".to_owned());
    }
    if rest.is_some_and(|rest| rest.split('/').next().unwrap_or_default().contains('@')) {
        return Err("contains a user name or a password, which would be in every bundle".to_owned());
    }
    Ok(url)
}

fn shell_line(value: &Value) -> Parsed<String> {
    let command = line(value)?;
    match shell::problem(&command) {
        Some(problem) => Err(format!("is not for a script: {problem}")),
        None => Ok(command),
    }
}
