//! What a gate holds against its limit: a statistic, a bound of its confidence, or the value that decides how many
//! single iterations meet the limit.
//!
//! Compares nothing with the limit; that is [`super::gates`].

use super::{count, list_numbers};
use crate::core::policy::ChangeRules;
use crate::core::policy::{HoldCount, Judge, KpiGate, Statistic};
use crate::core::series::Series;
use crate::core::series::window::Window;
use crate::core::trend::autocorrelation as memory;
use crate::core::verdict::{Inference, WindowUsed};
use crate::stats::intervals::FEWEST_FOR_PHI;
use crate::stats::{MeanInterval, Memory, Summary};

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    /// The value that is held against the limit; `None` when there is none.
    pub(crate) value: Option<f64>,
    /// What it is, in words: `median`, `mean, lower bound (95 %)`, `6 of the last 8`.
    pub(crate) statistic: String,
    /// The iterations looked at.
    pub(crate) window: WindowUsed,
    /// How sure it is, where a bound is asked for.
    pub(crate) inference: Option<Inference>,
    /// Why it cannot be held against the limit, to stand in a reason.
    pub(crate) lacking: Option<Lacking>,
}

/// Why a value is not enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// There is too little to judge.
    Data(String),
    /// There is no bound.
    Bound(String),
    /// Iterations without a value do not meet the limit, and too few are left.
    Iterations(String),
}

/// Looks at the window of a gate. `steady` is the steady part, which shows, where `levels` finds no change, how much neighbours resemble each other.
pub(crate) fn see(
    gate: &KpiGate,
    series: &Series,
    [window, steady]: [&Window; 2],
    levels: &ChangeRules,
) -> Seen {
    if let Some(held) = gate.count {
        return counted(gate, held, series, window);
    }
    let memory = || memory::of(series, gate.kpi, window, steady, levels);
    let seen = statistic(gate, series, window, memory);
    match seen.lacking {
        Some(Lacking::Bound(_)) => {
            let known = |window: &Window| series.known(gate.kpi, window.positions.clone()).len();
            let known = known(steady).max(known(window));
            let why = if known < FEWEST_FOR_PHI {
                format!(
                    "how much neighbours resemble each other takes {FEWEST_FOR_PHI} values of the steady part, and {known} are \
                     there"
                )
            } else {
                format!(
                    "neighbours resemble each other so much that {} say too little",
                    count(known, "value")
                )
            };
            Seen { lacking: Some(Lacking::Bound(why)), ..seen }
        }
        _ => seen,
    }
}

fn statistic(
    gate: &KpiGate,
    series: &Series,
    window: &Window,
    memory: impl FnOnce() -> Option<Memory>,
) -> Seen {
    let values = series.known(gate.kpi, window.positions.clone());
    let point = super::gates::observed(gate, &values);
    let lacking = (values.len() < gate.min_iterations)
        .then(|| Lacking::Data(format!("{} needed", gate.min_iterations)));
    let word = gate.statistic.word();
    let plain =
        Seen { value: point, statistic: word.to_owned(), window: window.used(), inference: None, lacking };
    let (side, confidence) = match gate.judge {
        Judge::Point => return plain,
        Judge::Lower(confidence) => ("lower", confidence),
        Judge::Upper(confidence) => ("upper", confidence),
    };
    if plain.value.is_none() || plain.lacking.is_some() {
        return plain;
    }
    let bounds = memory().and_then(|memory| bounds(gate.statistic, &values, memory, confidence));
    let Some(inference) = bounds else {
        return Seen { lacking: Some(Lacking::Bound(String::new())), ..plain };
    };
    Seen {
        value: if side == "lower" { inference.low } else { inference.high },
        statistic: format!("{word}, {side} bound ({} %)", percent(confidence)),
        inference: Some(inference),
        ..plain
    }
}

/// The two one-sided bounds of a confidence are the ends of an interval of twice the confidence less 1.
fn bounds(statistic: Statistic, values: &[f64], memory: Memory, confidence: f64) -> Option<Inference> {
    let summary = Summary::of(values)?;
    let mean = MeanInterval::with_memory(values, &summary, memory, 2.0 * confidence - 1.0)?;
    let (low, high) = match statistic {
        Statistic::Mean => (mean.low, mean.high),
        Statistic::Median => {
            let median = mean.of_median(summary.median);
            (median.low, median.high)
        }
        _ => return None,
    };
    Some(Inference {
        n_eff: Some(mean.n_eff),
        low: Some(low),
        high: Some(high),
        confidence: Some(mean.confidence),
        ..Inference::default()
    })
}

/// The k-th best of the last n values meets the limit exactly when at least k of them do.
fn counted(gate: &KpiGate, held: HoldCount, series: &Series, window: &Window) -> Seen {
    let HoldCount { holds, of } = held;
    let positions = window.positions.end.saturating_sub(of).max(window.positions.start)..window.positions.end;
    let mut rooms: Vec<(f64, f64)> = series
        .known(gate.kpi, positions.clone())
        .into_iter()
        .map(|value| (gate.comparison.margin(value, gate.limit.value), value))
        .collect();
    rooms.sort_by(|a, b| b.0.total_cmp(&a.0));
    let missing: Vec<u64> = positions
        .clone()
        .filter(|at| series.value(gate.kpi, *at).is_none())
        .map(|at| series.number(at))
        .collect();
    let needed = of.max(gate.min_iterations);
    let lacking = if window.len() < needed {
        Some(Lacking::Data(format!("{} needed", count(needed, "iteration"))))
    } else if rooms.len() < holds {
        Some(Lacking::Iterations(format!(
            "{} of the last {of} iterations have a value, and {holds} must meet the limit; without one: {}",
            rooms.len(),
            list_numbers(&missing)
        )))
    } else {
        None
    };
    let span =
        (!positions.is_empty()).then(|| (series.number(positions.start), series.number(positions.end - 1)));
    Seen {
        value: rooms.get(holds.saturating_sub(1)).or(rooms.last()).map(|(_, value)| *value),
        statistic: if holds == of {
            format!("each of the last {of}")
        } else {
            format!("{holds} of the last {of}")
        },
        window: WindowUsed {
            name: format!("last{of}"),
            first: span.map(|(first, _)| first),
            last: span.map(|(_, last)| last),
            n: positions.len(),
        },
        inference: None,
        lacking,
    }
}

/// A share as percent, as few digits as it takes.
fn percent(share: f64) -> String {
    crate::core::text::number::trimmed(&crate::core::text::number::fixed(share * 100.0, 3)).to_owned()
}
