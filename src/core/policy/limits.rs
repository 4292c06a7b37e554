//! The terms of limits: numbers with their source, windows, statistics, comparisons; and which limits are pointless.

use crate::core::config::values::{Parsed, count, name, number, one_of, switch};
use crate::core::config::{Keep, Read, Table as AnyTable, Value, all, section};
use crate::core::kpi::{Direction, KpiId, KpiTable};
use crate::core::text::did_you_mean;
use crate::core::verdict::{Comparison, LimitSource, Severity};
pub use crate::stats::Statistic;

use super::declared::Table;

/// A number from the policy and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    pub value: f64,
    /// Its key and origin.
    pub source: LimitSource,
}

impl Keep<f64> for Limit {
    fn keep<C>(t: &AnyTable<'_, C>, name: &str, parse: impl Fn(&Value) -> Parsed<f64>) -> Read<Self> {
        let value = t.required(name, parse)?;
        Ok(Self { value, source: t.source_of(name) })
    }
}

impl Keep<usize> for Limit {
    fn keep<C>(t: &AnyTable<'_, C>, name: &str, parse: impl Fn(&Value) -> Parsed<usize>) -> Read<Self> {
        Self::keep(t, name, |value: &Value| Ok(parse(value)? as f64))
    }
}

impl Keep<f64> for Option<Limit> {
    fn keep<C>(t: &AnyTable<'_, C>, name: &str, parse: impl Fn(&Value) -> Parsed<f64>) -> Read<Self> {
        let value = t.optional(name, parse)?;
        Ok(value.map(|value| Limit { value, source: t.source_of(name) }))
    }
}

impl Limit {
    /// The number as the count that it was read as.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was read as a whole number"
    )]
    pub(crate) fn whole(&self) -> usize {
        self.value as usize
    }
}

section! {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Windows {
        /// Length of the last-n window, at least 1.
        pub last_n: usize = count,
        /// First iteration of the steady part.
        pub steady_start: u64 = |value: &Value| count(value).map(|start| start as u64),
        /// Whether KPIs may have a daily cycle.
        pub season: SeasonRule = season => SeasonRule::Auto,
    }
}

/// Whether KPIs may have a daily cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeasonRule {
    /// They may: what a run of less than two days shows is a movement or a part of a cycle.
    Auto,
    /// They have one: nothing is decided before two days are covered.
    Daily,
    /// They have none.
    Off,
}

fn season(value: &Value) -> Parsed<SeasonRule> {
    let words = [("auto", SeasonRule::Auto), ("24h", SeasonRule::Daily), ("off", SeasonRule::Off)];
    one_of(value, "season", &words)
}

impl Windows {
    /// The lengths by the policy files, whatever flags and variables say.
    pub(super) fn of_files(t: &Table<'_>, windows: Self) -> Self {
        let last_n = t.root().at("windows").of_files("last_n", count);
        Self { last_n: last_n.unwrap_or(windows.last_n), ..windows }
    }
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

    /// How many iterations the window requires; `None` where it takes what there is.
    pub fn length(self, windows: &Windows) -> Option<usize> {
        match self {
            Self::LastN => Some(windows.last_n),
            Self::Last(length) => Some(length),
            Self::Steady | Self::Overall => None,
        }
    }
}

/// What must hold for the KPI that the table is named after.
pub(super) fn kpi_limit(t: &Table<'_>) -> Read<(Comparison, Limit)> {
    // Where it is not said, the limit is on the bad side of the KPI.
    let usual = t.kpis().find(&t.name()).and_then(|kpi| kpi.direction).map(|direction| match direction {
        Direction::Higher => Comparison::AtLeast,
        Direction::Lower => Comparison::AtMost,
    });
    let comparison = match usual {
        Some(usual) => t.or("comparison", comparison, usual),
        None => t.required("comparison", comparison),
    };
    let limit = Limit::keep(t, "limit", number);
    let (comparison, limit): (Comparison, Limit) = (comparison?, limit?);
    if let Some(kpi) = t.kpis().find(&t.name()) {
        right_way(t, "comparison", kpi, true, comparison)?;
        let possible = Possible::of_kpi(kpi);
        decides(t, "limit", possible.pointless_requirement(comparison, limit.value))?;
    }
    Ok((comparison, limit))
}

/// One value for each KPI that is in force in the table `kpi` of this one, in the order of the KPI table.
pub(super) fn each_kpi<T>(t: &Table<'_>, read: impl Fn(KpiId, &Table<'_>) -> Read<T>) -> Read<Vec<T>> {
    all(kpis_of(t).iter().filter(|(_, own)| !own.is_only_off()).map(|(kpi, own)| {
        let (is_on, value) = (own.enabled(), read(*kpi, own));
        let value = value?;
        Ok(is_on?.then_some(value))
    }))
}

/// A comparison must not require the bad side of a KPI.
pub(super) fn right_way(
    t: &Table<'_>,
    key: &str,
    kpi: KpiId,
    required: bool,
    comparison: Comparison,
) -> Read<()> {
    decides(t, key, wrong_way(kpi, required, comparison))
}

/// Notes what is wrong with the value of a key, if anything.
pub(super) fn decides(t: &Table<'_>, key: &str, problem: Option<String>) -> Read<()> {
    problem.map_or(Ok(()), |problem| Err(t.fault_at(key, problem)))
}

/// The tables of `kpi` in this one, in the order of the KPI table; unknown names are noted.
pub(super) fn kpis_of<'r>(t: &Table<'r>) -> Vec<(KpiId, Table<'r>)> {
    let mut known = Vec::new();
    for own in t.at("kpi").entries() {
        if t.kpis().is_taken_out(&own.name()) {
            own.settle();
            continue;
        }
        match kpi_named(&own, &own.name()) {
            Ok(kpi) => known.push((kpi, own)),
            Err(problem) => {
                own.fault(problem);
                own.settle();
            }
        }
    }
    known.sort_by_key(|(kpi, _)| *kpi);
    known
}

/// The KPI with this name, or the one that was probably meant.
pub(super) fn kpi_named(t: &Table<'_>, name: &str) -> Parsed<KpiId> {
    let kpis = t.kpis();
    if let Some(kpi) = kpis.find(name) {
        return Ok(kpi);
    }
    let hint = match kpis.spelled(name) {
        Some((kpi, _)) => format!(" (here it goes by `{}`)", kpi.name),
        None => did_you_mean(name, kpis.ids().map(|id| id.name)),
    };
    Err(format!("unknown KPI `{name}`{hint}; declare it as `[kpi.<name>]` if it is new"))
}

/// The value of a key as the name of a KPI.
pub(super) fn kpi(t: &Table<'_>) -> Read<KpiId> {
    let name = t.required("kpi", name)?;
    kpi_named(t, &name).map_err(|problem| t.fault_at("kpi", problem))
}

/// Whether a table joins the verdict of the whole: `gates`, unless it is taken out.
pub(super) fn joins(t: &Table<'_>) -> Read<bool> {
    let (gates, is_on) = (t.required("gates", switch), t.enabled());
    Ok(gates? && is_on?)
}

pub(super) fn severity(value: &Value) -> Parsed<Severity> {
    one_of(value, "severity", &[Severity::Hard, Severity::Soft].map(|severity| (severity.word(), severity)))
}

pub(super) fn comparison(value: &Value) -> Parsed<Comparison> {
    use Comparison::{Above, AtLeast, AtMost, Below};
    one_of(value, "comparison", &[AtMost, AtLeast, Below, Above].map(|found| (found.symbol(), found)))
}

pub(super) fn strict_comparison(value: &Value) -> Parsed<Comparison> {
    one_of(value, "comparison", &[Comparison::Above, Comparison::Below].map(|found| (found.symbol(), found)))
}

pub(super) fn statistic(value: &Value) -> Parsed<Statistic> {
    one_of(value, "statistic", &Statistic::ALL.map(|statistic| (statistic.word(), statistic)))
}

/// A statistic that yields one number a window.
pub(super) fn one_number(value: &Value) -> Parsed<Statistic> {
    match statistic(value)? {
        Statistic::Each => {
            Err("advice needs one number, `each` yields many; expected another statistic".into())
        }
        statistic => Ok(statistic),
    }
}

pub(super) fn window(value: &Value) -> Parsed<WindowSpec> {
    if let Value::Text(word) = value
        && let Some(count) = word.strip_prefix("last ")
    {
        return match count.trim().parse::<usize>() {
            Ok(0) => Err("a window of 0 iterations never judges anything; expected 1 or more".to_owned()),
            Ok(count) => Ok(WindowSpec::Last(count)),
            Err(_) => Err(format!("unknown window `{word}`; expected a number after `last`, as in `last 5`")),
        };
    }
    let fixed =
        [("last_n", WindowSpec::LastN), ("steady", WindowSpec::Steady), ("overall", WindowSpec::Overall)];
    one_of(value, "window", &fixed).map_err(|problem| match value {
        Value::Text(_) => format!("{problem}, or `last 5`"),
        _ => problem,
    })
}

/// The values that can be true; `None` = no bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Possible {
    pub(super) lowest: Option<f64>,
    pub(super) highest: Option<f64>,
}

impl Possible {
    pub(super) const SHARE: Self = Self { lowest: Some(0.0), highest: Some(1.0) };
    pub(super) const COUNT: Self = Self { lowest: Some(0.0), highest: None };
    const PERCENT: Self = Self { lowest: Some(0.0), highest: Some(100.0) };
    const ANY: Self = Self { lowest: None, highest: None };

    pub(super) fn of_kpi(kpi: KpiId) -> Self {
        Self { lowest: kpi.lowest, highest: kpi.highest }
    }

    /// Of a metric by its name in an edge report or in the 72-hour report; unknown names have no bounds.
    pub(super) fn of_metric(name: &str, kpis: &KpiTable) -> Self {
        match name {
            "maker_share_pct" => Self::PERCENT,
            "mm_hit_ratio" | "mm_maker_share_ratio" | "mm_deadline_miss_rate" => Self::SHARE,
            "tick_latency_ms.p50" | "tick_latency_ms.p95" | "ws_lag_max_ms" | "duration_hours" => Self::COUNT,
            _ => kpis.spelled(name).map_or(Self::ANY, |(id, _)| Self::of_kpi(id)),
        }
    }

    /// Whether every possible value satisfies the comparison.
    fn always(self, comparison: Comparison, limit: f64) -> bool {
        match comparison {
            Comparison::AtMost => self.highest.is_some_and(|highest| highest <= limit),
            Comparison::Below => self.highest.is_some_and(|highest| highest < limit),
            Comparison::AtLeast => self.lowest.is_some_and(|lowest| lowest >= limit),
            Comparison::Above => self.lowest.is_some_and(|lowest| lowest > limit),
        }
    }

    /// Whether no possible value satisfies the comparison.
    fn never(self, comparison: Comparison, limit: f64) -> bool {
        match comparison {
            Comparison::AtMost => self.lowest.is_some_and(|lowest| lowest > limit),
            Comparison::Below => self.lowest.is_some_and(|lowest| lowest >= limit),
            Comparison::AtLeast => self.highest.is_some_and(|highest| highest < limit),
            Comparison::Above => self.highest.is_some_and(|highest| highest <= limit),
        }
    }

    /// What is wrong with a limit that must hold, if it decides nothing.
    pub(super) fn pointless_requirement(self, comparison: Comparison, limit: f64) -> Option<String> {
        self.pointless(comparison, limit, "can never fail", "can never hold")
    }

    /// What is wrong with a limit whose comparison reports trouble, if it decides nothing.
    pub(super) fn pointless_alarm(self, comparison: Comparison, limit: f64) -> Option<String> {
        self.pointless(comparison, limit, "is always reached", "can never be reached")
    }

    fn pointless(self, comparison: Comparison, limit: f64, always: &str, never: &str) -> Option<String> {
        let effect = match (self.always(comparison, limit), self.never(comparison, limit)) {
            (true, _) => always,
            (_, true) => never,
            _ => return None,
        };
        Some(format!("`{} {limit}` {effect}: {}", comparison.symbol(), self.describe()))
    }

    fn describe(self) -> String {
        match (self.lowest, self.highest) {
            (Some(lowest), Some(highest)) => format!("values lie between {lowest} and {highest}"),
            (Some(lowest), None) => format!("values are at least {lowest}"),
            (None, Some(highest)) => format!("values are at most {highest}"),
            (None, None) => "any value is possible".to_owned(),
        }
    }
}

/// Whether the comparison holds for small values.
pub(super) fn looks_down(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::AtMost | Comparison::Below)
}

/// What is wrong with a comparison that requires the bad side of a KPI; such a gate passes what it should stop.
pub(super) fn wrong_way(kpi: KpiId, required: bool, comparison: Comparison) -> Option<String> {
    let (better, is_lower_better) = match kpi.direction? {
        Direction::Higher => ("higher", !required),
        Direction::Lower => ("lower", required),
    };
    if looks_down(comparison) == is_lower_better {
        return None;
    }
    let expected = if is_lower_better { "`<=` or `<`" } else { "`>=` or `>`" };
    let found = comparison.symbol();
    Some(format!("found `{found}`, but for `{}` {better} is better; expected {expected}", kpi.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_limit_fails_for_something_only_inside_its_range() {
        use Comparison::{Above, AtLeast, AtMost, Below};
        let share = Possible::SHARE;
        let pointless = |comparison, limit| share.pointless_requirement(comparison, limit).is_some();
        assert!(!pointless(AtMost, 0.999) && pointless(AtMost, 1.0) && pointless(AtMost, 1.001));
        assert!(!pointless(Below, 1.0) && pointless(Below, 1.001));
        assert!(!pointless(AtLeast, 0.001) && pointless(AtLeast, 0.0) && pointless(AtLeast, -0.001));
        assert!(!pointless(Above, 0.0) && pointless(Above, -0.001));
        // A percentage where a share belongs never holds.
        assert!(!pointless(AtLeast, 1.0) && pointless(AtLeast, 85.0) && pointless(Above, 1.0));
        assert!(!pointless(AtMost, 0.0) && pointless(AtMost, -0.001) && pointless(Below, 0.0));
    }

    #[test]
    fn without_bounds_every_limit_decides_something() {
        for comparison in [Comparison::AtMost, Comparison::AtLeast, Comparison::Below, Comparison::Above] {
            assert_eq!(Possible::ANY.pointless_requirement(comparison, -1e9), None);
            assert_eq!(Possible::ANY.pointless_alarm(comparison, 1e9), None);
        }
    }

    #[test]
    fn an_alarm_must_be_reachable_and_avoidable() {
        use Comparison::{Above, AtLeast, Below};
        let share = Possible::SHARE;
        assert_eq!(share.pointless_alarm(Above, 0.36), None);
        assert!(share.pointless_alarm(Above, 1.0).is_some());
        assert!(share.pointless_alarm(Below, 0.0).is_some());
        assert!(share.pointless_alarm(AtLeast, 0.0).is_some());
    }

    #[test]
    fn windows_are_spelled_in_four_ways() {
        let parse = |word: &str| window(&Value::Text(word.to_owned()));
        assert_eq!(parse("last_n"), Ok(WindowSpec::LastN));
        assert_eq!(parse("last 5"), Ok(WindowSpec::Last(5)));
        assert_eq!(parse("steady"), Ok(WindowSpec::Steady));
        assert_eq!(parse("overall"), Ok(WindowSpec::Overall));
        assert!(parse("last 0").is_err());
        assert!(parse("last five").is_err());
        assert!(parse("lastn").is_err_and(|problem| problem.contains("did you mean `last_n`")));
    }

    #[test]
    fn windows_are_named_after_their_length() {
        let windows = Windows { last_n: 12, steady_start: 7, season: SeasonRule::Auto };
        assert_eq!(WindowSpec::LastN.name(&windows), "last12");
        assert_eq!(WindowSpec::Last(5).name(&windows), "last5");
        assert_eq!(WindowSpec::Steady.name(&windows), "steady");
        assert_eq!(WindowSpec::Overall.name(&windows), "overall");
        assert_eq!(WindowSpec::LastN.length(&windows), Some(12));
        assert_eq!(WindowSpec::Last(5).length(&windows), Some(5));
        assert_eq!(WindowSpec::Steady.length(&windows), None);
        assert_eq!(WindowSpec::Overall.length(&windows), None);
    }

    #[test]
    fn every_statistic_has_a_word_that_finds_it_again() {
        for statistic in Statistic::ALL {
            assert_eq!(statistic.word().parse(), Ok(statistic));
        }
        assert!("average".parse::<Statistic>().is_err());
    }
}
