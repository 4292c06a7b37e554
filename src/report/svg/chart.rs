//! What a plot shows: the values of one KPI of one symbol, its limits, and what was going on meanwhile.
//!
//! Picks from the analysis; judges nothing by itself.

use crate::core::analysis::{Analysis, Deep, SymbolAnalysis, pass_limits};
use crate::core::judge::passes::passes;
use crate::core::kpi::KpiId;
use crate::core::policy::{KpiGate, Policy};
use crate::core::series::Row;
use crate::core::text::number::exact;
use crate::core::trend::DriftVerdict;
use crate::core::verdict::Comparison;

/// A limit that is drawn as a line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LimitLine {
    /// Where.
    pub(crate) value: f64,
    /// `>= 2.70`.
    pub(crate) text: String,
    /// Whose limit it is, for the legend and beside the line.
    pub(crate) name: String,
    /// The limit of every iteration, and not of a statistic.
    pub(crate) is_each: bool,
}

/// A stretch of iterations, both ends included.
pub(crate) type Stretch = (u64, u64);

/// A straight piece between two iterations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece {
    /// Iteration and value at its beginning.
    pub(crate) from: (u64, f64),
    /// Iteration and value at its end.
    pub(crate) to: (u64, f64),
}

/// When a drift reaches a limit, as iteration numbers behind the last one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Breach {
    /// The limit.
    pub(crate) limit: f64,
    /// As likely before as after it.
    pub(crate) at: f64,
    /// Lower end of the interval.
    pub(crate) low: f64,
    /// Upper end; `None` where there is none.
    pub(crate) high: Option<f64>,
}

/// Everything that a plot shows.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// Heading, with the symbol where there is one.
    pub(crate) title: String,
    /// The KPI with its unit, for the axis.
    pub(crate) axis: String,
    /// One line about the run.
    pub(crate) facts: String,
    /// Values by iteration, `None` where it has none.
    pub(crate) points: Vec<(u64, Option<f64>)>,
    /// What must hold between a value and the limit of an iteration; `None` without such a limit.
    pub(crate) pass_when: Option<(Comparison, f64)>,
    pub(crate) limits: Vec<LimitLine>,
    /// The last-n window and its name; `None` when it is empty.
    pub(crate) window: Option<(String, Stretch)>,
    /// The interval of the median over that window; `None` when there is none.
    pub(crate) interval: Option<(f64, f64)>,
    /// The line or the curve of a steady drift that was shown, as iteration numbers and values; empty without one.
    pub(crate) drift: Vec<(f64, f64)>,
    /// When that reaches the limit; `None` where it does not, or not within as many iterations as there are.
    pub(crate) breach: Option<Breach>,
    /// The levels before, between and after changes that were shown; the line breaks where they change.
    pub(crate) levels: Vec<Piece>,
    /// Iterations that do not pass, for whatever reason.
    pub(crate) failing: Vec<Stretch>,
    /// Iterations without a value of this KPI.
    pub(crate) missing: Vec<Stretch>,
    /// Iterations after which tuning changed overrides.
    pub(crate) changes: Vec<Stretch>,
    /// Marks of `[phase]` by name, in the order in which they begin.
    pub(crate) marks: Vec<(String, Vec<Stretch>)>,
    /// Iterations in which the system restarted.
    pub(crate) restarts: Vec<Stretch>,
    /// Iterations with a freeze.
    pub(crate) freezes: Vec<Stretch>,
    /// The warm-up.
    pub(crate) warmup: Vec<Stretch>,
    /// The way back from it.
    pub(crate) rampdown: Vec<Stretch>,
}

impl Chart {
    /// The chart of a KPI of a symbol.
    pub(crate) fn of(analysis: &Analysis, symbol: &SymbolAnalysis, policy: &Policy, kpi: KpiId) -> Self {
        let series = analysis.series(symbol);
        let set = pass_limits(policy, analysis.mock);
        let rows = series.rows();
        let where_ = |holds: &dyn Fn(usize, &Row) -> bool| {
            stretches(rows.iter().enumerate().filter(|(at, row)| holds(*at, row)).map(|(_, row)| row.number))
        };
        let in_phase = |row: &Row, word: &str| {
            row.phase.as_deref().is_some_and(|phase| phase.eq_ignore_ascii_case(word))
        };
        let each = set.checks.iter().find(|gate| gate.kpi == kpi);
        let digits = kpi.decimals();
        let line = |gate: &KpiGate, is_each: bool| LimitLine {
            value: gate.limit.value,
            text: format!("{} {}", gate.comparison.symbol(), exact(gate.limit.value, digits)),
            name: if is_each { "each iteration".to_owned() } else { gate.statistic.word().to_owned() },
            is_each,
        };
        let ready = policy.readiness.checks.iter().filter(|gate| gate.kpi == kpi);
        let limits = each.iter().map(|gate| line(gate, true)).chain(ready.map(|gate| line(gate, false)));
        let failing = where_(&|at, _| !passes(series, at, set));
        let name = symbol.symbol.as_ref().map_or_else(String::new, |name| format!(", {name}"));
        let source = analysis.source().map_or_else(String::new, |source| format!(", source {source}"));
        let of_last = symbol.deep.windows.last().and_then(|window| window.kpi(kpi));
        let count = failing.iter().map(|(first, last)| last - first + 1).sum::<u64>();
        Self {
            title: format!("{}{name}", title(kpi)),
            axis: axis(kpi),
            facts: format!(
                "{} iterations, {count} do not pass by the {} limits{source}",
                rows.len(),
                analysis.limits()
            ),
            points: rows.iter().map(|row| row.number).zip(series.column(kpi).iter().copied()).collect(),
            pass_when: each.map(|gate| (gate.comparison, gate.limit.value)),
            limits: limits.collect(),
            window: symbol.last.span.map(|span| (symbol.last.name.clone(), span)),
            interval: of_last
                .and_then(|stats| stats.median_interval)
                .map(|interval| (interval.low, interval.high)),
            drift: drift(&symbol.deep, kpi),
            breach: breach(&symbol.deep, kpi, each.map(|gate| gate.limit.value)),
            levels: levels(&symbol.deep, kpi),
            failing,
            missing: where_(&|at, _| series.value(kpi, at).is_none()),
            changes: where_(&|_, row| analysis.tunes && row.tuning.applied == Some(true)),
            marks: marks(rows),
            restarts: where_(&|_, row| restarts(row) > 0),
            freezes: where_(&|_, row| analysis.tunes && row.tuning.is_frozen()),
            warmup: where_(&|_, row| in_phase(row, "WARMUP")),
            rampdown: where_(&|_, row| in_phase(row, "RAMPDOWN")),
        }
    }

    /// Whether a value is out of the limit of an iteration.
    pub(crate) fn is_out_of_limit(&self, value: f64) -> bool {
        self.pass_when.is_some_and(|(comparison, limit)| !comparison.holds(value, limit))
    }

    /// The chart in a sentence, for those who do not see it.
    pub(crate) fn caption(&self) -> String {
        let known = self.points.iter().filter_map(|(_, value)| *value);
        let ends = known.fold(None, |ends: Option<(f64, f64)>, value| {
            Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        });
        let values = ends.map_or_else(
            || "no value".to_owned(),
            |(low, high)| format!("from {} to {}", exact(low, 2), exact(high, 2)),
        );
        let limits: Vec<String> =
            self.limits.iter().map(|limit| format!("{} {}", limit.name, limit.text)).collect();
        let drift = match self.breach {
            Some(breach) => {
                format!("; a steady drift that reaches its limit about iteration {}", exact(breach.at, 0))
            }
            None if self.drift.is_empty() => String::new(),
            None => "; a steady drift".to_owned(),
        };
        let changes = match self.levels.len() {
            0 | 1 => String::new(),
            2 => format!("; a change of level at iteration {}", self.levels[1].from.0),
            more => format!("; {} changes of level", more - 1),
        };
        format!("{}: {values}; limits: {}{drift}{changes}", self.title, limits.join(", "))
    }
}

/// The marks of the iterations by name, in the order in which they begin.
pub(crate) fn marks(rows: &[Row]) -> Vec<(String, Vec<Stretch>)> {
    let mut names: Vec<&str> = Vec::new();
    for mark in rows.iter().flat_map(marks_of) {
        if !names.contains(&mark.as_str()) {
            names.push(mark);
        }
    }
    let on = |name: &str| {
        let rows = rows.iter().filter(|row| marks_of(row).iter().any(|mark| mark == name));
        stretches(rows.map(|row| row.number))
    };
    names.into_iter().map(|name| (name.to_owned(), on(name))).collect()
}

fn marks_of(row: &Row) -> &[String] {
    row.events.as_ref().map_or(&[], |events| &events.marks)
}

/// How often the system restarted in an iteration, as far as is known.
pub(crate) fn restarts(row: &Row) -> u64 {
    row.events.as_ref().and_then(|events| events.restarts.as_ref()).map_or(0, |restarts| restarts.count)
}

/// The line or the curve of a drift, where one was shown; a curve up to its limit.
fn drift(deep: &Deep, kpi: KpiId) -> Vec<(f64, f64)> {
    let Some(found) = deep.kpi_drift.iter().find(|drift| drift.kpi == kpi) else { return Vec::new() };
    let (Some(line), Some((first, last))) = (found.line, found.span) else { return Vec::new() };
    if !matches!(found.verdict, DriftVerdict::Worsens | DriftVerdict::Improves) {
        return Vec::new();
    }
    let (first, last) = (first as f64, last as f64);
    let Some(forecast) = &found.forecast else { return vec![(first, line.fit.first), (last, line.fit.last)] };
    let until = last + forecast.reach.map_or(0.0, |reach| reach.after);
    let within = forecast.curve.iter().take_while(|(number, _)| *number <= until);
    within.copied().collect()
}

/// When the drift reaches its limit, where the picture has room for that.
fn breach(deep: &Deep, kpi: KpiId, limit: Option<f64>) -> Option<Breach> {
    let found = deep.kpi_drift.iter().find(|drift| drift.kpi == kpi)?;
    let ((first, last), reach) = (found.span?, found.forecast.as_ref()?.reach?);
    let (length, last) = ((last - first) as f64, last as f64);
    let is_shown = found.line.and_then(|line| line.to_breach) == Some(reach.after) && reach.after <= length;
    is_shown.then_some(Breach {
        limit: limit?,
        at: last + reach.after,
        low: last + reach.low,
        high: reach.high.filter(|high| *high <= length).map(|high| last + high),
    })
}

/// A piece for each level, where there is more than one.
fn levels(deep: &Deep, kpi: KpiId) -> Vec<Piece> {
    let Some(found) = deep.changes.iter().find(|changes| changes.kpi == kpi) else { return Vec::new() };
    let (Some((first, last)), Some(change)) = (found.span, found.changes.first()) else { return Vec::new() };
    let ends = found.changes[1..].iter().map(|next| next.last_before).chain(std::iter::once(last));
    let after = found.changes.iter().zip(ends).map(|(change, end)| {
        let level = change.step.after;
        Piece { from: (change.first_after, level), to: (end, level) }
    });
    let level = change.step.before;
    std::iter::once(Piece { from: (first, level), to: (change.last_before, level) }).chain(after).collect()
}

/// Ascending numbers as stretches of neighbours.
fn stretches(numbers: impl Iterator<Item = u64>) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => found.push((number, number)),
        }
    }
    found
}

fn title(kpi: KpiId) -> String {
    match kpi.name {
        "net_bps" => "Net edge".to_owned(),
        "risk_ratio" => "Risk ratio".to_owned(),
        "p95_latency_ms" => "Latency, 95th percentile".to_owned(),
        "maker_taker_ratio" => "Maker share".to_owned(),
        _ => kpi.title().to_owned(),
    }
}

fn axis(kpi: KpiId) -> String {
    match kpi.unit.symbol() {
        "" => format!("{}, share of 1", kpi.name),
        unit => format!("{}, {unit}", kpi.name),
    }
}
