//! The report of a day from a run: what was measured, what a person states, and how it compares with the days
//! before. Refuses what nobody measured or stated.

use super::score::Day;
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::drift::DriftWord;
use crate::core::kpi::KpiId;
use crate::core::number::TOLERANCE;
use crate::core::policy::release::ScoreRules;
use crate::core::policy::{Policy, WindowSpec, Windows};
use crate::core::violations::Violations;
use crate::stats::mean;

/// The word for "nothing": no regression, no drift.
pub const NONE: &str = "NONE";

/// What a person states.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stated {
    /// Outcome of the chaos tests.
    pub chaos: String,
    /// Outcome of the bug bash.
    pub bug_bash: String,
    /// `NONE`, or what drifts; `None` = as measured.
    pub drift: Option<String>,
    /// Filled ÷ placed orders, 0 to 1.
    pub fill_rate: Option<f64>,
    /// 95th percentile of |position skew|.
    pub pos_skew_abs_p95: Option<f64>,
    /// Breaches of intraday caps.
    pub caps_breach_count: Option<u64>,
}

/// The three values that are scored, in the units of the report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measures {
    /// Net edge, bps.
    pub edge: f64,
    /// Order age, ms.
    pub latency: f64,
    /// Taker share, percent.
    pub taker: f64,
}

/// The means of the days before; `None` = not known on any of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Before {
    /// Days.
    pub days: usize,
    /// Net edge, bps.
    pub edge: Option<f64>,
    /// Order age, ms.
    pub latency: Option<f64>,
    /// Taker share, percent.
    pub taker: Option<f64>,
}

/// The report of a day.
#[derive(Clone, Debug, PartialEq)]
pub struct DayMeasured {
    /// The day, `2026-01-31`.
    pub date: String,
    /// The last time in the data.
    pub utc: String,
    /// Means over the steady iterations.
    pub measures: Measures,
    /// Iterations that they rest on.
    pub iterations: usize,
    /// `NONE`, or the first of `EDGE_REG`, `LAT_REG`, `TAKER_REG` that holds.
    pub regression: &'static str,
    /// What regression was looked for against.
    pub before: Before,
    /// `NONE`, or what drifts.
    pub drift: String,
    /// Whether `drift` was measured; otherwise somebody stated it.
    pub drift_measured: bool,
    /// Violations beyond CRIT.
    pub critical: usize,
    /// Violations beyond WARN.
    pub warning: usize,
    /// `OK`, `WARN` or `FAIL`, by the limits of the score.
    pub verdict: &'static str,
    /// The data is no basis for a release.
    pub rehearsal: bool,
}

/// The day of a judged run, or everything that stands in the way.
pub fn measure(
    analysis: &Analysis,
    policy: &Policy,
    stated: &Stated,
    earlier: Vec<Day>,
    rehearsal: bool,
) -> Result<DayMeasured, Vec<String>> {
    let mut refusals = Vec::new();
    if !analysis.outcome.is_acceptable() {
        refusals.push(format!("the run is {}: {}", analysis.outcome, analysis.reason()));
    }
    let unreleasable = analysis.origin.against_release();
    if let Some(reason) = unreleasable.as_ref().filter(|_| !rehearsal) {
        refusals.push(format!("{reason}; only `--rehearsal` takes such a day"));
    }
    let is_rehearsal = unreleasable.is_some();
    let utc = analysis.last_time().map(str::to_owned);
    let date = utc.as_deref().and_then(date_of);
    if date.is_none() {
        refusals.push("no iteration tells a usable time (`runtime_utc`), so the day is not known".to_owned());
    }
    let mean = |kpi: KpiId, is_floor: bool, refusals: &mut Vec<String>| {
        let found = worst_mean(analysis, kpi, is_floor, policy.windows);
        found.map_err(|problem| refusals.push(problem)).ok()
    };
    let edge = mean(KpiId::NET_BPS, true, &mut refusals);
    let latency = mean(KpiId::ORDER_AGE_P95_MS, false, &mut refusals);
    let maker = mean(KpiId::MAKER_TAKER_RATIO, true, &mut refusals);
    let seen = drift(analysis);
    let stated_drift =
        stated.drift.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    // What was measured cannot be talked away.
    let (drift, drift_measured) = match (seen, stated_drift) {
        (Some(seen), stated) if seen != NONE || stated.as_deref().unwrap_or(NONE) == NONE => {
            (Some(seen), true)
        }
        (_, Some(stated)) => (Some(stated), false),
        (_, None) => {
            refusals.push(
                "drift was not measured: no iteration tells what the process used (`soak run --pid`); \
                 state it with `--drift NONE` or what drifts"
                    .to_owned(),
            );
            (None, false)
        }
    };
    let (Some(edge), Some(latency), Some(maker), Some(drift), Some(date), Some(utc)) =
        (edge, latency, maker, drift, date, utc)
    else {
        return Err(refusals);
    };
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let rules = &policy.release.score;
    let measures = Measures { edge: edge.0, latency: latency.0, taker: 100.0 * (1.0 - maker.0) };
    let before = before(earlier, &date, rules, is_rehearsal);
    let regression = regression(&measures, &before, rules);
    let violations = || analysis.symbols.iter().map(|symbol| &symbol.deep.violations);
    Ok(DayMeasured {
        iterations: edge.1.min(latency.1).min(maker.1),
        regression,
        before,
        drift,
        drift_measured,
        critical: violations().map(Violations::crit).sum(),
        warning: violations().map(Violations::warn).sum(),
        verdict: verdict(&measures, regression, rules),
        rehearsal: is_rehearsal,
        date,
        utc,
        measures,
    })
}

/// The UTC day of a time.
fn date_of(time: &str) -> Option<String> {
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?;
    Some(time.to_utc().format("%Y-%m-%d").to_string())
}

/// The worst symbol's mean over the steady iterations, and on how many it rests.
fn worst_mean(
    analysis: &Analysis,
    kpi: KpiId,
    is_floor: bool,
    windows: Windows,
) -> Result<(f64, usize), String> {
    let name = kpi.name;
    let of_symbol = |symbol: &SymbolAnalysis| {
        let steady = symbol
            .deep
            .windows
            .iter()
            .find(|stats| stats.window.name == WindowSpec::Steady.name(&windows))?;
        let summary = steady.kpi(kpi)?.summary?;
        Some((summary.mean, summary.n))
    };
    let mut worst: Option<(f64, usize)> = None;
    for symbol in &analysis.symbols {
        let Some(mean) = of_symbol(symbol) else {
            let of = symbol.symbol.as_deref().map_or_else(String::new, |name| format!(" of {name}"));
            let from = windows.steady_start;
            return Err(format!("`{name}` was not measured in any iteration{of} from {from} on"));
        };
        let is_worse = |(value, _): (f64, usize)| if is_floor { mean.0 < value } else { mean.0 > value };
        if worst.is_none_or(is_worse) {
            worst = Some(mean);
        }
    }
    worst.ok_or_else(|| format!("`{name}` was not measured"))
}

/// What drifts, of the resources that were watched; `None` when none was watched long enough.
fn drift(analysis: &Analysis) -> Option<String> {
    let all = || analysis.symbols.iter().flat_map(|symbol| &symbol.deep.drift);
    let growing: std::collections::BTreeSet<String> = all()
        .filter(|drift| drift.word == DriftWord::Grows)
        .map(|drift| format!("DRIFT_{}", drift.resource.word().to_uppercase()))
        .collect();
    if !growing.is_empty() {
        return Some(growing.into_iter().collect::<Vec<_>>().join(","));
    }
    all().any(|drift| !matches!(drift.word, DriftWord::NoData | DriftWord::TooFew)).then(|| NONE.to_owned())
}

/// The means of the last days before `date`, of the same kind of data.
fn before(mut earlier: Vec<Day>, date: &str, rules: &ScoreRules, rehearsal: bool) -> Before {
    earlier.retain(|day| {
        day.date.as_deref().is_some_and(|of| of < date) && day.unreleasable.is_some() == rehearsal
    });
    earlier.sort_by(|a, b| a.date.cmp(&b.date));
    let days = &earlier[earlier.len().saturating_sub(rules.days)..];
    let mean = |value: fn(&Day) -> Option<f64>| mean(&days.iter().filter_map(value).collect::<Vec<_>>());
    Before {
        days: days.len(),
        edge: mean(|day| day.edge),
        latency: mean(|day| day.latency),
        taker: mean(|day| day.taker),
    }
}

/// The first value that is worse than before by more than the share; exactly the share is none.
fn regression(now: &Measures, before: &Before, rules: &ScoreRules) -> &'static str {
    let share = rules.regression_share.value;
    let is_worse = |loss: f64, before: f64| loss > share * before.abs() + TOLERANCE;
    if before.edge.is_some_and(|edge| is_worse(edge - now.edge, edge)) {
        "EDGE_REG"
    } else if before.latency.is_some_and(|latency| is_worse(now.latency - latency, latency)) {
        "LAT_REG"
    } else if before.taker.is_some_and(|taker| is_worse(now.taker - taker, taker)) {
        "TAKER_REG"
    } else {
        NONE
    }
}

/// `OK` within the limits of the score, `WARN` within the share beyond them, `FAIL` beyond that and on a regression.
fn verdict(now: &Measures, regression: &str, rules: &ScoreRules) -> &'static str {
    let within = |share: f64| {
        now.edge >= rules.edge.limit.value * (1.0 - share) - TOLERANCE
            && now.latency <= rules.latency.limit.value * (1.0 + share) + TOLERANCE
            && now.taker <= rules.taker.limit.value * (1.0 + share) + TOLERANCE
    };
    if regression != NONE || !within(rules.warn_share.value) {
        "FAIL"
    } else if within(0.0) {
        "OK"
    } else {
        "WARN"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixture::score_rules as rules;

    const NOW: Measures = Measures { edge: 2.7, latency: 330.0, taker: 11.0 };

    fn seen(date: &str, edge: f64) -> Day {
        Day {
            date: Some(date.to_owned()),
            edge: Some(edge),
            latency: Some(300.0),
            taker: Some(10.0),
            ..Day::default()
        }
    }

    #[test]
    fn exactly_a_tenth_worse_is_no_regression_and_more_is() {
        // 3.0 - 10 % is 2.7, 300 + 10 % is 330, 10 + 10 % is 11.
        let before = Before { days: 1, edge: Some(3.0), latency: Some(300.0), taker: Some(10.0) };
        let reason = |now: Measures| regression(&now, &before, &rules());
        assert_eq!(reason(NOW), NONE);
        assert_eq!(reason(Measures { edge: 2.69, ..NOW }), "EDGE_REG");
        assert_eq!(reason(Measures { latency: 330.1, ..NOW }), "LAT_REG");
        assert_eq!(reason(Measures { taker: 11.1, ..NOW }), "TAKER_REG");
        assert_eq!(reason(Measures { edge: 1.0, latency: 900.0, taker: 50.0 }), "EDGE_REG");
        assert_eq!(regression(&NOW, &Before::default(), &rules()), NONE);
        // An edge that was lost already: a tenth of 2 more is too much.
        let lost = Before { edge: Some(-2.0), ..Before::default() };
        assert_eq!(regression(&Measures { edge: -2.2, ..NOW }, &lost, &rules()), NONE);
        assert_eq!(regression(&Measures { edge: -2.21, ..NOW }, &lost, &rules()), "EDGE_REG");
    }

    #[test]
    fn the_days_before_are_the_last_seven_without_this_one() {
        let days: Vec<Day> = (1..=9).map(|n| seen(&format!("2026-01-0{n}"), f64::from(n))).collect();
        let before = before(days, "2026-01-09", &rules(), false);
        // 2 to 8: mean 5.
        assert_eq!((before.days, before.edge), (7, Some(5.0)));
        let none = super::before(vec![seen("2026-01-09", 3.0)], "2026-01-09", &rules(), false);
        assert_eq!(none, Before::default());
        let other_kind = super::before(vec![seen("2026-01-08", 3.0)], "2026-01-09", &rules(), true);
        assert_eq!(other_kind.days, 0);
    }

    #[test]
    fn the_verdict_of_a_day_has_a_tenth_of_grace() {
        let of = |edge, latency, taker| verdict(&Measures { edge, latency, taker }, NONE, &rules());
        assert_eq!(of(2.5, 350.0, 15.0), "OK");
        assert_eq!(of(2.49, 350.0, 15.0), "WARN");
        assert_eq!(of(2.25, 385.0, 16.5), "WARN");
        assert_eq!(of(2.24, 350.0, 15.0), "FAIL");
        assert_eq!(of(2.5, 385.1, 15.0), "FAIL");
        assert_eq!(of(2.5, 350.0, 16.6), "FAIL");
        assert_eq!(verdict(&Measures { edge: 3.0, latency: 1.0, taker: 1.0 }, "LAT_REG", &rules()), "FAIL");
    }

    #[test]
    fn the_day_is_that_of_utc() {
        assert_eq!(date_of("2026-01-31T23:30:00-02:00").as_deref(), Some("2026-02-01"));
        assert_eq!(date_of("yesterday"), None);
    }
}
