//! Limits on KPIs and metrics: groups of gates, violations, limits on an edge report, gates of the 72-hour report.
//!
//! What could never judge is an error here: a limit that decides nothing, a minimum that its window never holds, a bound
//! of a statistic that has none.

use crate::core::config::values::{Parsed, confidence, count, name, not_negative, number, one_of};
use crate::core::config::{Keep, Noted, Read, Value, section};
use crate::core::kpi::{Direction, KpiId, KpiTable};
use crate::core::text::did_you_mean;
use crate::core::verdict::{Comparison, Severity};
use crate::stats::intervals;

use super::declared::Table;
use super::limits::{
    Limit, Possible, Statistic, WindowSpec, Windows, comparison, decides, each_kpi, joins, kpi_limit,
    kpi_named, kpis_of, looks_down, right_way, severity, statistic, strict_comparison, window,
};

/// What of a statistic is checked against the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Judge {
    /// The statistic itself.
    Point,
    /// The lower bound of its confidence: with this one-sided confidence the true value is not below it.
    Lower(f64),
    /// The upper bound of its confidence.
    Upper(f64),
}

/// The m-of-n rule: how many single iterations must meet a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldCount {
    /// At least so many, …
    pub holds: usize,
    /// … of so many last ones.
    pub of: usize,
}

section! {
    /// A limit on a statistic of a KPI.
    #[derive(Clone, Debug, PartialEq)]
    pub struct KpiGate {
        pub kpi: KpiId { |t| kpi_named(t, &t.name()).map_err(|problem| t.fault(problem)) },
        pub severity: Severity = severity,
        pub window: WindowSpec = window,
        pub statistic: Statistic = statistic,
        /// What must hold between the statistic and the limit.
        pub comparison: Comparison { |t| Ok(kpi_limit(t)?.0) },
        pub limit: Limit { |t| Ok(kpi_limit(t)?.1) },
        /// A pass with less room than this is a WARN; 0 = no margin. In the KPI's unit.
        pub margin: f64 = not_negative,
        /// With fewer values than this the gate is INCONCLUSIVE.
        pub min_iterations: usize { |t| min_iterations(t, t.required("window", window)) },
        /// Anything but the point only for mean and median.
        pub judge: Judge { judge },
        /// How many of the last iterations must meet the limit; only for [`Statistic::Each`]. `None` = all of the
        /// window that have a value.
        pub count: Option<HoldCount> { hold_count },
    }
}

section! {
    /// What a group says for all its KPIs; a KPI may have keys of its own.
    #[expect(dead_code, reason = "read so that each is known and right; KPIs read them again")]
    struct Defaults {
        severity: Severity = severity,
        margin: f64 = not_negative,
        window: WindowSpec = window,
        statistic: Statistic = statistic,
        min_iterations: Minimum = minimum,
        judge: Side = side,
        confidence: f64 = confidence,
    }
}

const DEFAULTS: &[&str] =
    &["severity", "margin", "window", "statistic", "min_iterations", "judge", "confidence"];

/// A named group of limits that is judged together.
#[derive(Clone, Debug, PartialEq)]
pub struct GateSet {
    /// Name of its table in the policy.
    pub name: String,
    /// Whether it joins the verdict of the whole (`gates = true`).
    pub gates: bool,
    /// The limits, in the order of the KPI table.
    pub checks: Vec<KpiGate>,
    /// KPIs without a limit that must have a value.
    pub present: Vec<KpiId>,
}

impl GateSet {
    /// The limit on a KPI, and its value.
    pub fn limit(&self, kpi: KpiId) -> Option<(Comparison, f64)> {
        let gate = self.checks.iter().find(|gate| gate.kpi == kpi)?;
        Some((gate.comparison, gate.limit.value))
    }

    /// Which way is good. A limit says so where the KPI does not.
    pub fn direction(&self, kpi: KpiId) -> Option<Direction> {
        let by_limit = || {
            self.limit(kpi).map(|(comparison, _)| match comparison {
                Comparison::AtMost | Comparison::Below => Direction::Lower,
                Comparison::AtLeast | Comparison::Above => Direction::Higher,
            })
        };
        kpi.direction.or_else(by_limit)
    }

    /// The limits of `[iteration_pass]`.
    pub(super) fn of_iterations(t: &Table<'_>) -> Read<Self> {
        Self::per_iteration(&t.root().at("iteration_pass"))
    }

    /// The limits of `[iteration_pass]` but for those that the table takes out; `None` where it has limits of its own.
    pub(super) fn left_of_iterations(t: &Table<'_>) -> Read<Option<Vec<KpiGate>>> {
        let Some(out) = t.at("kpi").only_taken_out() else { return Ok(None) };
        // Names that are no KPIs are noted.
        kpis_of(t);
        let mut left = Self::of_iterations(t)?.checks;
        left.retain(|gate| !out.iter().any(|table| table.name() == gate.kpi.name));
        Ok(Some(left))
    }

    /// Limits that each iteration is checked against by itself, in the window of the run verdict. A table without
    /// limits takes those of `[iteration_pass]`.
    pub(super) fn per_iteration(t: &Table<'_>) -> Read<Self> {
        let window = t.root().at("run_verdict").required("window", window);
        let defaults = (t.required("severity", severity), t.required("margin", not_negative));
        // Taken out, it is `[iteration_pass]` as well.
        let is_out = t.path() != "iteration_pass" && !t.enabled()?;
        if t.path() != "iteration_pass"
            && let Some(checks) = Self::left_of_iterations(t)?
        {
            return Ok(Self { name: t.path(), checks, ..Self::of_iterations(t)? });
        }
        let checks = each_kpi(t, |kpi, own| {
            let is_of_verdict = decides_the_verdict(own, kpi);
            let with = own.over(t, &["severity", "margin"]);
            let (severity, margin) =
                (with.required("severity", severity), with.required("margin", not_negative));
            let (comparison, limit) = kpi_limit(own)?;
            is_of_verdict?;
            Ok(KpiGate {
                kpi,
                severity: severity?,
                window: window?,
                statistic: Statistic::Each,
                comparison,
                limit,
                margin: margin?,
                min_iterations: 1,
                judge: Judge::Point,
                count: None,
            })
        })?;
        defaults.0?;
        defaults.1?;
        if !checks.is_empty() && checks.iter().all(|gate| gate.severity == Severity::Soft) {
            return Err(t.fault(
                "has no hard limit in force, so nothing could fail; one must have `severity = \"hard\"`",
            ));
        }
        not_empty(t, true, &checks)?;
        if is_out {
            return Ok(Self { name: t.path(), ..Self::of_iterations(t)? });
        }
        let present = present(t, &checks);
        Ok(Self { name: t.path(), gates: true, checks, present })
    }

    /// Limits on statistics over a window; `must_judge`: at least one must be in force even if the group does not join
    /// the verdict, and a table without limits takes those of `[iteration_pass]`.
    pub(super) fn over_window(t: &Table<'_>, must_judge: bool) -> Read<Self> {
        let (gates, defaults) = (joins(t), Defaults::section(t));
        let mut checks = each_kpi(t, |_, own| KpiGate::section(&own.over(t, DEFAULTS)));
        if must_judge && let Some(left) = Self::left_of_iterations(t)? {
            checks = left.into_iter().map(|gate| over_the_window(t, gate)).collect();
        }
        let (gates, checks) = (gates?, checks?);
        defaults?;
        not_empty(t, must_judge || gates, &checks)?;
        Ok(Self { name: t.path(), gates, checks, present: Vec::new() })
    }
}

/// A limit that every iteration must meet is one on a KPI of the verdict.
fn decides_the_verdict(t: &Table<'_>, kpi: KpiId) -> Read<()> {
    if kpi.is_built_in() || !t.enabled()? {
        return Ok(());
    }
    // Of a KPI whose declaration is wrong nothing is known.
    let declared = t.root().at("kpi").at(kpi.name);
    let has_no_direction = || matches!(declared.peek("direction"), Some(Value::Text(word)) if word == "none");
    let problem = if kpi.is_advisory {
        format!("`{kpi}` is advisory (`kpi.{kpi}.advisory`), and an iteration that misses this limit fails")
    } else if t.kpis().is_closed() && has_no_direction() {
        format!(
            "`{kpi}` has no direction (`kpi.{kpi}.direction`), and an iteration that misses this limit fails"
        )
    } else {
        return Ok(());
    };
    Err(t.fault(format!("{problem}; expected a KPI of the verdict, or `enabled = false` here")))
}

/// The KPIs of the verdict that nothing limits. The trading profile asks for none of them, and nobody reads what the
/// source may leave out (`optional = true`).
fn present(t: &Table<'_>, limits: &[KpiGate]) -> Vec<KpiId> {
    let queries = t.root().at("prometheus");
    let is_optional =
        |kpi: &KpiId| matches!(queries.at(kpi.name).peek("optional"), Some(Value::Boolean(true)));
    let is_limited = |kpi: &KpiId| limits.iter().any(|gate| gate.kpi == *kpi);
    let of_verdict = t.kpis().of_verdict().iter().copied();
    of_verdict
        .filter(|kpi| !kpi.is_built_in() && t.kpis().is_closed() && !is_limited(kpi) && !is_optional(kpi))
        .collect()
}

/// A limit of `[iteration_pass]` on the statistic that a group names, over the group's window.
fn over_the_window(t: &Table<'_>, gate: KpiGate) -> Read<KpiGate> {
    Ok(KpiGate {
        window: t.required("window", window)?,
        statistic: t.required("statistic", statistic)?,
        margin: t.required("margin", not_negative)?,
        min_iterations: min_iterations(t, t.required("window", window))?,
        judge: judge(t)?,
        ..gate
    })
}

/// The smallest number of values that a gate judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Minimum {
    /// As many as the window is long.
    Window,
    Count(usize),
}

fn minimum(value: &Value) -> Parsed<Minimum> {
    match value {
        Value::Text(word) if word == "window" => Ok(Minimum::Window),
        Value::Integer(_) => count(value).map(Minimum::Count),
        Value::Text(word) => Err(format!("expected a whole number or `window`, found `{word}`")),
        other => Err(format!("expected a whole number or `window`, found {}", other.what())),
    }
}

/// How many values are required at least, checked against the length of the window.
pub(super) fn min_iterations(t: &Table<'_>, window: Read<WindowSpec>) -> Read<usize> {
    let minimum = t.required("min_iterations", minimum);
    let (minimum, window) = (minimum?, window?);
    let windows = Windows::section(&t.root().at("windows"))?;
    let length = window.length(&windows);
    // A window that a flag cuts requires no fewer iterations than the policy does.
    let own = window.length(&Windows::of_files(t, windows));
    let length = if t.is_of_a_file("min_iterations") { length.max(own) } else { length };
    match (minimum, length) {
        (Minimum::Window, Some(length)) => Ok(length),
        (Minimum::Window, None) => {
            let name = window.name(&windows);
            let problem = format!("the window `{name}` has no fixed length; expected a whole number");
            Err(t.fault_at("min_iterations", problem))
        }
        (Minimum::Count(count), Some(length)) if count > length => {
            let problem = format!(
                "a window of {length} never holds {count} iterations; expected at most {length}, or `window`"
            );
            Err(t.fault_at("min_iterations", problem))
        }
        (Minimum::Count(count), _) => Ok(count),
    }
}

/// The same as the policy files have it, whatever flags and variables say.
pub(super) fn own_min_iterations(t: &Table<'_>, window: Read<WindowSpec>) -> Read<usize> {
    let windows = Windows::section(&t.root().at("windows"));
    let length = window?.length(&Windows::of_files(t, windows?));
    match t.of_files("min_iterations", minimum) {
        Some(Minimum::Count(count)) => Ok(count),
        _ => Ok(length.unwrap_or(1)),
    }
}

/// `judge` and `confidence`.
fn judge(t: &Table<'_>) -> Read<Judge> {
    let (side, confidence) = (t.required("judge", side), t.required("confidence", confidence));
    let judge = match (side?, confidence?) {
        (Side::Point, _) => return Ok(Judge::Point),
        (Side::Lower, confidence) => Judge::Lower(confidence),
        (Side::Upper, confidence) => Judge::Upper(confidence),
    };
    let statistic = t.required("statistic", statistic)?;
    if !matches!(statistic, Statistic::Mean | Statistic::Median) {
        let problem = format!(
            "a bound is known for `mean` and `median`, not for `{}`; expected `point`, or another statistic",
            statistic.word()
        );
        return Err(t.fault_at("judge", problem));
    }
    match length(t, t.required("window", window))? {
        Some(length) if length < intervals::FEWEST => {
            let problem = format!(
                "a window of {length} never gives a bound; expected `point`, or a window of at least {}",
                intervals::FEWEST
            );
            Err(t.fault_at("judge", problem))
        }
        _ => Ok(judge),
    }
}

/// `holds_for`, or `holds_in` with `over_last`. A layer that has one takes the place of the other below it.
fn hold_count(t: &Table<'_>) -> Read<Option<HoldCount>> {
    let names = ["holds_for", "holds_in"];
    let [all, some] = names.map(|name| t.optional(name, count));
    let over = t.optional("over_last", count);
    let chosen = t.one_of(&names)?;
    let (first, longest, rule) = match (chosen, all?, some?, over?) {
        (None, _, _, None) => return Ok(None),
        (Some(0), Some(all), ..) => {
            t.forget("over_last");
            ("holds_for", "holds_for", HoldCount { holds: all, of: all })
        }
        (Some(_), _, Some(some), Some(over)) if some > over => {
            let problem =
                format!("{some} of the last {over} iterations can never hold; expected at most {over}");
            return Err(t.fault_at("holds_in", problem));
        }
        (Some(_), _, Some(some), Some(over)) => {
            ("holds_in", "over_last", HoldCount { holds: some, of: over })
        }
        (Some(_), ..) => {
            let problem =
                "says in how many iterations, and not over how many; expected `over_last` beside it";
            return Err(t.fault_at("holds_in", problem));
        }
        (None, ..) => {
            let problem = "says over how many iterations, and not in how many; expected `holds_in` beside it";
            return Err(t.fault_at("over_last", problem));
        }
    };
    let statistic = t.required("statistic", statistic)?;
    if statistic != Statistic::Each {
        let problem = format!(
            "counts single iterations, and the statistic is `{}`; expected `statistic = \"each\"` beside it",
            statistic.word()
        );
        return Err(t.fault_at(first, problem));
    }
    match length(t, t.required("window", window))? {
        Some(length) if length < rule.of => {
            let problem = format!(
                "a window of {length} never holds {} iterations; expected at most {length}, or another window",
                rule.of
            );
            Err(t.fault_at(longest, problem))
        }
        _ => Ok(Some(rule)),
    }
}

/// The length of a window; `None` where it has no fixed one.
pub(super) fn length(t: &Table<'_>, window: Read<WindowSpec>) -> Read<Option<usize>> {
    let windows = Windows::section(&t.root().at("windows"));
    Ok(window?.length(&windows?))
}

/// WARN and CRIT limits on every single iteration.
#[derive(Clone, Debug, PartialEq)]
pub struct ViolationRule {
    pub kpi: KpiId,
    /// It is a WARN when this holds between value and `warn`.
    pub warn_when: Comparison,
    pub warn: Limit,
    /// It is a CRIT when this holds between value and `crit`.
    pub crit_when: Comparison,
    pub crit: Limit,
}

section! {
    /// All violation limits.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ViolationRules if violations_judge {
        /// Whether CRIT violations join the verdict of the whole.
        pub gates: bool { joins },
        /// Which iterations are looked at.
        pub window: WindowSpec = window,
        /// One rule a KPI.
        pub rules: Vec<ViolationRule> { |t| each_kpi(t, violation) },
    }
}

fn violations_judge(t: &Table<'_>, rules: &ViolationRules) -> Read<()> {
    not_empty(t, rules.gates, &rules.rules)
}

fn violation(kpi: KpiId, t: &Table<'_>) -> Read<ViolationRule> {
    let level = |when_key, key| {
        let (when, limit) = (t.required(when_key, comparison), Limit::keep(t, key, number));
        let (when, limit): (Comparison, Limit) = (when?, limit?);
        right_way(t, when_key, kpi, false, when)?;
        decides(t, key, Possible::of_kpi(kpi).pointless_alarm(when, limit.value))?;
        Ok((when, limit))
    };
    let (warn, crit) = (level("warn_when", "warn"), level("crit_when", "crit"));
    let ((warn_when, warn), (crit_when, crit)) = (warn?, crit?);
    if looks_down(warn_when) != looks_down(crit_when) {
        return Err(t.fault_at("crit_when", "`warn_when` and `crit_when` look in different directions"));
    }
    ordered(t, "crit", crit_when, &warn, &crit)?;
    Ok(ViolationRule { kpi, warn_when, warn, crit_when, crit })
}

/// The worse level must not be reached before the milder one.
fn ordered(t: &Table<'_>, key: &str, when: Comparison, mild: &Limit, worse: &Limit) -> Read<()> {
    let inverted = if looks_down(when) { worse.value > mild.value } else { worse.value < mild.value };
    if !inverted {
        return Ok(());
    }
    let (worse, mild, symbol) = (worse.value, mild.value, when.symbol());
    let problem = format!(
        "limits are inverted: with `{symbol}` the worse limit {worse} is reached before the milder one, {mild}"
    );
    Err(t.fault_at(key, problem))
}

section! {
    /// A limit on one total of an edge report. A level is missed when the comparison holds.
    #[derive(Clone, Debug, PartialEq)]
    pub struct EdgeReportRule if edge_report_fits {
        /// Key below `totals`.
        pub metric: String { |t| Ok(t.name()) },
        /// Strictly above or below.
        pub miss_when: Comparison = strict_comparison,
        /// WARN limit, if there is one.
        pub warn: Option<Limit> = number,
        pub fail: Limit = number,
    }
}

fn edge_report_fits(t: &Table<'_>, rule: &EdgeReportRule) -> Read<()> {
    if let Some((kpi, _)) = t.kpis().spelled(&rule.metric) {
        right_way(t, "miss_when", kpi, false, rule.miss_when)?;
    }
    let possible = Possible::of_metric(&rule.metric, t.kpis());
    for (key, limit) in [("warn", rule.warn.as_ref()), ("fail", Some(&rule.fail))] {
        if let Some(limit) = limit {
            decides(t, key, possible.pointless_alarm(rule.miss_when, limit.value))?;
        }
    }
    rule.warn.as_ref().map_or(Ok(()), |warn| ordered(t, "fail", rule.miss_when, warn, &rule.fail))
}

section! {
    /// A gate of the 72-hour report.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RunGate if run_gate_decides {
        /// Name of the gate.
        pub name: String { |t| Ok(t.name()) },
        /// Metric it looks at.
        pub metric: String { metric_of_a_run },
        pub severity: Severity = severity,
        /// What must hold.
        pub comparison: Comparison = comparison,
        pub limit: Limit = number,
    }
}

fn run_gate_decides(t: &Table<'_>, gate: &RunGate) -> Read<()> {
    let possible = match kpi_of_a_run(&gate.metric, t.kpis()) {
        Some((kpi, _)) => {
            right_way(t, "comparison", kpi, true, gate.comparison)?;
            Possible::of_kpi(kpi)
        }
        None => Possible::of_metric(&gate.metric, t.kpis()),
    };
    decides(t, "limit", possible.pointless_requirement(gate.comparison, gate.limit.value))
}

/// The length of a run.
pub const DURATION: &str = "duration_hours";

/// The metrics of a run of the trading bot, by name; a run of another system has the first of them, and its KPIs.
pub const RUN_METRICS: [&str; 9] = [
    DURATION,
    "mm_deadline_miss_rate",
    "mm_edge_bps_ema1h",
    "mm_edge_bps_ema24h",
    "mm_hit_ratio",
    "mm_maker_share_ratio",
    "tick_latency_ms.p50",
    "tick_latency_ms.p95",
    "ws_lag_max_ms",
];

/// A metric that the report of a run has; no other could ever be judged.
fn metric_of_a_run(t: &Table<'_>) -> Read<String> {
    let name = t.required("metric", name)?;
    let kpis = t.kpis();
    let is_trading = kpis.ids().next().is_some_and(KpiId::is_built_in);
    let built_in = if is_trading { &RUN_METRICS[..] } else { &RUN_METRICS[..1] };
    let of_kpi = |name: &str| !is_trading && kpi_of_a_run(name, kpis).is_some();
    if built_in.contains(&name.as_str()) || of_kpi(&name) {
        return Ok(name);
    }
    let kpi = kpi_and_statistic(&name).0;
    if kpis.is_taken_out(kpi) {
        // A gate that is out itself names what it likes.
        return if t.enabled()? {
            let problem = format!(
                "`{kpi}` is taken out (`kpi.{kpi}.enabled`), so the gate would judge nothing; expected \
                 `enabled = false` here, too"
            );
            Err(t.fault_at("metric", problem))
        } else {
            Ok(name)
        };
    }
    let known = built_in.iter().copied().chain(kpis.ids().filter(|_| !is_trading).map(|kpi| kpi.name));
    let hint = did_you_mean(kpi_and_statistic(&name).0, known);
    let expected = match kpis.ids().next() {
        Some(kpi) if !is_trading => format!(
            "{} or a KPI, as in `{kpi}` (its mean) or `{kpi}.max` (mean, median, min, max, p5, p95)",
            built_in.join(", ")
        ),
        _ => format!("one of {}", built_in.join(", ")),
    };
    Err(t.fault_at("metric", format!("`{name}` is no metric of a run{hint}; expected {expected}")))
}

/// `p95_ms` and `max` of `p95_ms.max`.
fn kpi_and_statistic(metric: &str) -> (&str, &str) {
    metric.split_once('.').unwrap_or((metric, "mean"))
}

/// The KPI that a metric of a run is a statistic of, as in `p95_ms` (the mean) or `p95_ms.max`; `None` = it is none.
pub(crate) fn kpi_of_a_run(metric: &str, kpis: &KpiTable) -> Option<(KpiId, Statistic)> {
    let (kpi, statistic) = kpi_and_statistic(metric);
    let statistic = statistic.parse().ok().filter(|statistic| *statistic != Statistic::Each)?;
    Some((kpis.find(kpi)?, statistic))
}

/// `[run_gates]`.
pub(super) fn run_gates(t: &Table<'_>) -> Read<Vec<RunGate>> {
    t.at("run_gates").each(RunGate::section)
}

fn not_empty<T>(t: &Table<'_>, must_judge: bool, checks: &[T]) -> Read<()> {
    if t.kpis().ids().next().is_none() {
        // It is noted that nothing is declared.
        return Err(Noted);
    }
    if must_judge && checks.is_empty() {
        return Err(t.fault("has no limit in force, so it would judge nothing; enable at least one"));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Side {
    Point,
    Lower,
    Upper,
}

fn side(value: &Value) -> Parsed<Side> {
    one_of(value, "judge", &[("point", Side::Point), ("lower", Side::Lower), ("upper", Side::Upper)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimum_is_a_count_or_the_window() {
        assert_eq!(minimum(&Value::Text("window".into())), Ok(Minimum::Window));
        assert_eq!(minimum(&Value::Integer(4)), Ok(Minimum::Count(4)));
        assert!(minimum(&Value::Text("windows".into())).is_err());
        assert!(minimum(&Value::Integer(0)).is_err());
    }
}
