//! What must happen for a check to hold, in one plain sentence.
//!
//! Advises only. Names and reasons in it may come from files: renderers make them harmless.

use super::{show_distance, with_unit};
use crate::core::kpi::{Kpi, KpiTable};
use crate::core::number::{exact, fixed};
use crate::core::verdict::{Check, Comparison, Outcome};

/// `raise the median of net_bps in last8 by at least 0.20 bps, from 2.70 bps to >= 2.90 bps`; where there was
/// nothing to hold against the limit, what is lacking.
pub fn told(check: &Check, kpis: &KpiTable) -> String {
    let name = check.kpi.as_deref().unwrap_or(&check.gate);
    let kpi = check.kpi.as_deref().and_then(|name| kpis.find(name)).map(|id| kpis.get(id));
    let which = format!("the {} of {name} in {}", check.statistic, check.window.name);
    match (check.outcome, kpi, check.comparison, check.limit, check.observed) {
        (Outcome::Invalid, ..) => format!("record {name}: {}", check.reason),
        (Outcome::Inconclusive, ..) => format!("let the run go on: {}", check.reason),
        (_, Some(kpi), Some(comparison), Some(limit), Some(observed))
            if !comparison.holds(observed, limit) =>
        {
            let (verb, least) = match comparison {
                Comparison::AtLeast => ("raise", "at least"),
                Comparison::Above => ("raise", "more than"),
                Comparison::AtMost => ("lower", "at least"),
                Comparison::Below => ("lower", "more than"),
            };
            let short_of = show_distance(kpi, observed - limit);
            let (seen, bound) = (number(kpi, observed), number(kpi, limit));
            format!("{verb} {which} by {least} {short_of}, from {seen} to {} {bound}", comparison.symbol())
        }
        _ => format!("gain room for {which}: {}", check.reason),
    }
}

/// Exact where at most two more decimals do, else rounded: medians and means have no end of digits.
fn number(kpi: &Kpi, value: f64) -> String {
    let digits = kpi.unit.decimals();
    let text = exact(value, digits);
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    with_unit(kpi, if decimals <= digits + 2 { text } else { fixed(value, digits + 2) })
}
