//! The tables that are lists of numbers: run verdict, deltas, anomalies, integrity, sanity, symbols, trends, resources,
//! rotation.

use crate::core::config::values::{
    Parsed, above_one, at_least_one, count, count_from, false_alarm_rate, megabytes_or_none, names,
    not_negative, one_of, positive, positive_or_none, share, share_below_one, switch, whole, whole_or_none,
};
use crate::core::config::{Keep, Read, Table as AnyTable, Value, section};
use crate::core::verdict::{Comparison, LimitSource, Outcome, Severity};
use crate::stats::change_points::SHORTEST;

use super::declared::Table;
use super::gates::{length, min_iterations, own_min_iterations};
use super::limits::{Limit, Possible, WindowSpec, decides, joins, severity, window};

/// Whether the run verdict requires a freeze.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreezeRule {
    /// PASS needs a freeze in the window; without one it is WARN at best.
    Require,
    /// Freezes are shown and change nothing.
    Ignore,
}

section! {
    /// PASS, WARN or FAIL by the number of passing iterations.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RunVerdictRule if run_verdict_fits {
        /// Where to look.
        pub window: WindowSpec = window,
        /// Share of the window that must pass for PASS; the count is rounded up.
        pub pass_share: Limit = share,
        /// Share of the window that must pass for WARN; the count is rounded up.
        pub warn_share: Limit = share,
        /// With fewer iterations the verdict is INCONCLUSIVE.
        pub min_iterations: usize { |t| min_iterations(t, t.required("window", window)) },
        /// The same by the policy files, whatever a flag or a variable says.
        pub own_min_iterations: usize { |t| own_min_iterations(t, t.required("window", window)) },
        /// So many failing iterations in a row are a WARN; `None`: only their number counts.
        pub max_failing_in_a_row: Option<Limit> = count_as_number,
        /// So many are a FAIL.
        pub fail_failing_in_a_row: Option<Limit> = count_as_number,
        /// So many at the end of the window are a WARN.
        pub failing_at_end: Option<Limit> = count_as_number,
        /// Whether PASS needs a freeze.
        pub freeze: FreezeRule = |value: &Value| {
            one_of(value, "freeze rule", &[("require", FreezeRule::Require), ("ignore", FreezeRule::Ignore)])
        },
        /// Where the freeze rule comes from.
        pub freeze_source: LimitSource { |t| Ok(t.source_of("freeze")) },
    }
}

fn count_as_number(value: &Value) -> Parsed<f64> {
    count(value).map(|count| count as f64)
}

fn run_verdict_fits(t: &Table<'_>, rule: &RunVerdictRule) -> Read<()> {
    let windows = t.root().at("windows");
    let own = rule.own_min_iterations;
    // A file that shortens the window says how few iterations are enough, too.
    if let Some(fewest) = windows.of_built_in("last_n", count).filter(|fewest| own < *fewest)
        && t.is_built_in("min_iterations")
    {
        let problem = format!(
            "a window of {own} never holds the {fewest} iterations of the built-in policy; expected at least {fewest}, or \
             `run_verdict.min_iterations` beside it"
        );
        return Err(if t.is_built_in("window") {
            windows.fault_at("last_n", problem)
        } else {
            t.fault_at("window", problem)
        });
    }
    let (pass, warn) = (rule.pass_share.value, rule.warn_share.value);
    let problem = format!("{pass} is below `run_verdict.warn_share`, {warn}: WARN could never be reached");
    decides(t, "pass_share", (pass < warn).then_some(problem))?;
    let [of_warn, of_fail] = [&rule.max_failing_in_a_row, &rule.fail_failing_in_a_row]
        .map(|limit| limit.as_ref().map(|limit| limit.value));
    let problem = "is not above `run_verdict.max_failing_in_a_row`: WARN would never be reported".to_owned();
    let inverted = of_warn.zip(of_fail).is_some_and(|(warn, fail)| fail <= warn);
    decides(t, "fail_failing_in_a_row", inverted.then_some(problem))
}

impl RunVerdictRule {
    /// What a reader must know where fewer iterations suffice than the policy files require. `None` = they do not.
    pub fn smoke_test(&self) -> Option<String> {
        (self.min_iterations < self.own_min_iterations).then(|| {
            format!(
                "smoke test: a minimum of {} was asked for, the minimum of the policy is {}",
                self.min_iterations, self.own_min_iterations
            )
        })
    }
}

section! {
    /// Values far on the worse side of what is usual in the run itself.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ExcursionRules {
        /// An outage is farther from the median of the run than so many spreads of its values, …
        pub spreads: Limit = positive,
        /// … and than this share of the median.
        pub share: Limit = not_negative,
        /// So many iterations of an outage in a row are a WARN.
        pub in_a_row: Limit = count,
        /// So many are one where the run ends in them.
        pub at_end: Limit = count,
        /// The median of so many last iterations is the end of the run.
        pub end_iterations: Limit = count,
        /// An end that is worse than all before it by so many spreads of the steps between neighbours is a WARN.
        pub end_spreads: Limit = positive,
    }
}

impl ExcursionRules {
    /// `None` where no file has the table, and where it is taken out.
    pub(super) fn of(t: &Table<'_>) -> Read<Option<Self>> {
        let own = t.at("excursions");
        if !t.has("excursions") {
            return Ok(None);
        }
        let (is_on, rules) = (own.enabled(), Self::section(&own));
        let (rules, is_on) = (rules?, is_on?);
        Ok(Some(rules).filter(|_| is_on))
    }
}

section! {
    /// Limits of the delta verification.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DeltaRules if strict_requires_more {
        /// Whether it joins the verdict of the whole.
        pub gates: bool { joins },
        /// Smallest full-apply ratio.
        pub full_apply_ratio: Limit = share,
        /// The same under `--strict`.
        pub full_apply_ratio_strict: Limit = share,
        /// Largest count of stuck signatures.
        pub signature_stuck_max: Limit = |value: &Value| whole(value).map(|count| count as f64),
    }
}

fn strict_requires_more(t: &Table<'_>, rules: &DeltaRules) -> Read<()> {
    let (strict, usual) = (rules.full_apply_ratio_strict.value, rules.full_apply_ratio.value);
    let problem = format!("{strict} is below `deltas.full_apply_ratio`, {usual}; strict requires more");
    decides(t, "full_apply_ratio_strict", (strict < usual).then_some(problem))
}

section! {
    /// A single iteration that exceeds these limits is an anomaly.
    #[derive(Clone, Debug, PartialEq)]
    pub struct AnomalyRules if anomalies_are_possible {
        /// Whether anomalies join the verdict of the whole (as WARN).
        pub gates: bool { joins },
        /// Latency above this is a spike, ms.
        pub latency_spike "latency_spike_ms": Limit = positive,
        /// A rise of the risk ratio against the iteration before by more than this is a jump.
        pub risk_jump: Limit = positive,
        /// A maker share below this is a drop.
        pub maker_drop: Limit = positive,
    }
}

/// A ratio can rise by at most 1, and a share is at most 1.
fn anomalies_are_possible(t: &Table<'_>, rules: &AnomalyRules) -> Read<()> {
    let pointless = |alarm, limit: &Limit| Possible::SHARE.pointless_alarm(alarm, limit.value);
    let jump = decides(t, "risk_jump", pointless(Comparison::Above, &rules.risk_jump));
    let drop = decides(t, "maker_drop", pointless(Comparison::Below, &rules.maker_drop));
    jump.and(drop)
}

section! {
    /// When the time of a run is evidence, and when it is not.
    #[derive(Clone, Debug, PartialEq)]
    pub struct IntegrityRules {
        /// Share of the declared time that a run must have lasted.
        pub elapsed_share: Limit = share,
        /// A distance of more than so many intervals between two iterations is a gap.
        pub gap_intervals: Limit = above_one,
        /// What a gap, or a time stamp that steps back, in the window is: WARN or INVALID.
        pub time_steps: Outcome = |value: &Value| {
            one_of(value, "outcome", &[("warn", Outcome::Warn), ("invalid", Outcome::Invalid)])
        },
        /// Where [`Self::time_steps`] comes from.
        pub time_steps_source: LimitSource { |t| Ok(t.source_of("time_steps")) },
        /// A time stamp more than so many minutes ahead of the clock is WARN.
        pub ahead_minutes: Limit = not_negative,
    }
}

section! {
    /// When values are odd, on the good side, too.
    #[derive(Clone, Debug, PartialEq)]
    pub struct SanityRules {
        /// Whether oddities join the verdict of the whole.
        pub gates: bool { joins },
        /// What an oddity is.
        pub severity: Severity = severity,
        /// Whether copied iterations, which are INVALID, join the verdict of the whole, whatever [`Self::gates`] says of
        /// oddities.
        pub repeats_gate: bool = switch,
        /// Where [`Self::repeats_gate`] comes from.
        pub repeats_gate_source: LimitSource { |t| Ok(t.source_of("repeats_gate")) },
        /// Equal iterations are copies where their KPIs have so many significant digits together; with fewer it can be
        /// chance, and they are an oddity.
        pub repeat_digits: Limit = count,
        /// So many equal values in a row are no measurement any more. One value by itself always equals itself.
        pub stuck_iterations: Limit = count_from(2),
        /// A value below this share of what is usual collapsed.
        pub collapse_share: Limit = share_below_one,
        /// A value so many spreads on the good side of what is usual is too good to be true.
        pub too_good_spreads: Limit = positive,
        /// A median of fills below this share of what is usual is too small.
        pub fills_share: Limit = share_below_one,
        /// With fewer steady iterations before the last ones nothing is known to be usual.
        pub min_history: Limit = count,
        /// KPIs that stand still together for longer than a probability of this are no measurement: how often they repeat
        /// themselves elsewhere in the run says how probable it is. `None`: only [`Self::stuck_iterations`] counts.
        pub stuck_chance: Option<Limit> = share_below_one,
    }
}

impl SanityRules {
    /// [`Self::stuck_iterations`] as a count.
    pub fn stuck(&self) -> usize {
        self.stuck_iterations.whole()
    }

    /// [`Self::repeat_digits`] as a count.
    pub fn repeats(&self) -> usize {
        self.repeat_digits.whole()
    }

    /// [`Self::min_history`] as a count.
    pub fn history(&self) -> usize {
        self.min_history.whole()
    }
}

/// Names of symbols, and where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolList {
    pub names: Vec<String>,
    pub source: LimitSource,
}

impl SymbolList {
    pub fn contains(&self, symbol: &str) -> bool {
        self.names.iter().any(|name| name == symbol)
    }
}

impl Keep<Vec<String>> for SymbolList {
    fn keep<C>(t: &AnyTable<'_, C>, key: &str, parse: impl Fn(&Value) -> Parsed<Vec<String>>) -> Read<Self> {
        Ok(Self { names: t.required(key, parse)?, source: t.source_of(key) })
    }
}

section! {
    /// The exceptions to the rule that every symbol is judged from its first iteration to the last of the folder.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SymbolRules {
        /// Not judged at all.
        pub exclude: SymbolList = names,
        /// May begin too late for the minimum of iterations: they are judged by those that they have.
        pub allow_start: SymbolList = names,
        /// May end before the folder does: they are judged by the last iterations that they have.
        pub allow_end: SymbolList = names,
    }
}

impl SymbolRules {
    /// The table; taken out, it makes no exceptions.
    pub(super) fn of(t: &Table<'_>) -> Read<Self> {
        let (is_on, rules) = (t.enabled(), Self::section(t));
        let (is_on, mut rules) = (is_on?, rules?);
        if !is_on {
            for list in [&mut rules.exclude, &mut rules.allow_start, &mut rules.allow_end] {
                list.names.clear();
            }
        }
        Ok(rules)
    }
}

/// Fewer iterations than this cannot be decided on, whatever the policy says: the error rates of a decision are
/// known from here on.
const FEWEST: usize = 48;

section! {
    /// When the trend of a KPI counts. The two tables of the policy, `[kpi_drift]` and `[change_points]`, share it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct TrendRules if trend_fits {
        /// Whether it joins the verdict of the whole.
        pub gates: bool { joins },
        /// What a miss is. Soft: WARN, and FAIL where the limit is near; what cannot be decided stays advisory. Hard:
        /// FAIL, and what cannot be decided is INCONCLUSIVE.
        pub severity: Severity = severity,
        /// Which iterations are looked at.
        pub window: WindowSpec = window,
        /// The probability of any false alarm over all KPIs with a limit, of all symbols together.
        pub false_alarm_rate: Limit = false_alarm_rate,
        /// With fewer values nothing is decided.
        pub min_iterations: Limit = count,
        /// A movement smaller than this share of the level is none.
        pub relative_change: Limit = not_negative,
    }
}

fn trend_fits(t: &Table<'_>, rules: &TrendRules) -> Read<()> {
    let fewest = rules.min_iterations.whole();
    if let Some(length) = length(t, Ok(rules.window))?.filter(|length| *length < fewest) {
        let problem = format!(
            "a window of {length} never holds the {fewest} iterations of `{}`; expected a longer one, `steady` or `overall`",
            t.at("min_iterations").path()
        );
        return Err(t.fault_at("window", problem));
    }
    let problem = format!(
        "expected {FEWEST} or more where `gates = true`, found {fewest}: fewer iterations raise too many false alarms"
    );
    decides(t, "min_iterations", (rules.gates && fewest < FEWEST).then_some(problem))
}

impl TrendRules {
    /// Whether a run that is too short to decide is one that the verdict cannot do without.
    pub fn insists(&self) -> bool {
        self.gates && self.severity == Severity::Hard
    }
}

section! {
    #[derive(Clone, Debug, PartialEq)]
    pub struct DriftGateRules {
        /// What it shares with changes of level.
        pub trend: TrendRules { TrendRules::section },
        /// How near the limit must be for a soft miss to be FAIL; `None`: it is WARN however near.
        pub horizon: Option<Horizon> {
            |t| {
                let (hours, spans) =
                    (t.required("horizon_hours", positive_or_none), Limit::keep(t, "horizon_spans", positive));
                let (hours, spans) = (hours?, spans?);
                let limit = |value| Limit { value, source: t.source_of("horizon_hours") };
                Ok(hours.map(|value| Horizon { hours: limit(value), spans }))
            }
        },
        /// Whether values that are too autocorrelated for a line are tested as a random walk.
        pub walks: bool = switch => false,
    }
}

/// How far ahead a drift is taken to continue: no further than both of these.
#[derive(Clone, Debug, PartialEq)]
pub struct Horizon {
    /// Hours of run time.
    pub hours: Limit,
    /// Lengths of the stretch that was tested.
    pub spans: Limit,
}

section! {
    /// Rules of the search for changes of level.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ChangeRules {
        /// What it shares with drifts.
        pub trend: TrendRules { TrendRules::section },
        /// Fewest iterations on a level; the critical values know no shorter ones than [`SHORTEST`].
        pub min_segment: usize = count_from(SHORTEST),
    }
}

section! {
    /// When growth of a resource counts.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DriftRules {
        /// Whether growth joins the verdict of the whole.
        pub gates: bool { joins },
        /// What growth is. Soft: WARN, and what cannot be decided stays advisory. Hard: FAIL, and what cannot be decided
        /// is INCONCLUSIVE.
        pub severity: Severity = severity,
        /// The probability of any false alarm over all resources of all symbols together.
        pub false_alarm_rate: Limit = false_alarm_rate,
        /// With fewer samples in the steady part growth is advisory.
        pub min_iterations: usize = count,
        /// Growth in the steady part by a smaller share is advisory.
        pub relative_change: Limit = not_negative,
        /// Whether samples that are too autocorrelated for a line are tested as a random walk.
        pub walks: bool = switch => false,
        /// Slopes smaller than this are flat: units per hour, in the order of the resources.
        pub floors: [Limit; 4] {
            |t| {
                let keys = ["rss_mb_per_hour", "cpu_pct_per_hour", "threads_per_hour", "open_files_per_hour"];
                let [rss, cpu, threads, files] = keys.map(|key| Limit::keep(t, key, not_negative));
                Ok([rss?, cpu?, threads?, files?])
            }
        },
    }
}

section! {
    /// What is kept of artifacts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
    pub struct RotationRules {
        /// Of each run and symbol so many iterations, those with the highest numbers; at least 1.
        #[serde(rename = "keep_iterations")]
        pub keep "keep_iterations": usize = count,
        /// Former runs and loose snapshots older than so many days go; `None` = no age is too old.
        pub max_age_days: Option<u64> = whole_or_none,
        /// Bytes that everything together may take; `None` = no limit.
        pub max_bytes "max_size_mb": Option<u64> = megabytes_or_none,
    }
}

/// A log of rotations with more bytes than this becomes an archive.
pub(super) fn rotation_log_bytes(t: &Table<'_>) -> Read<u64> {
    Ok(t.root().at("rotation").required("log_max_kb", at_least_one)?.saturating_mul(1024))
}
