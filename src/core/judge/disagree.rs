//! Where two judgements of the same run disagree, in one sentence each.
//!
//! The gate, readiness and the goals ask different questions with different limits; a reader who sees both
//! answers must be told why they differ. Decides nothing.

use super::show_limit;
use crate::core::analysis::Analysis;
use crate::core::kpi::KpiTable;
use crate::core::number::beside;
use crate::core::verdict::{Check, Outcome, Part};

/// At most so many misses stand in a sentence.
const MOST: usize = 8;

/// One sentence for each part that says otherwise than the verdict of the whole, e.g.
/// `gate PASS, readiness HOLD: net 2.70 < 2.90 bps (median of last8)`. Empty when they agree, and when readiness
/// and goals were not judged.
pub fn sentences(analysis: &Analysis, kpis: &KpiTable) -> Vec<String> {
    [(Part::Readiness, "readiness limits met", "readiness HOLD"), (Part::Goals, "goals met", "goals missed")]
        .into_iter()
        .filter_map(|(part, good, bad)| sentence(analysis, kpis, part, good, bad))
        .collect()
}

fn sentence(analysis: &Analysis, kpis: &KpiTable, part: Part, good: &str, bad: &str) -> Option<String> {
    let judged: Vec<&Check> = analysis
        .checks()
        .filter(|check| check.part == part && check.outcome != Outcome::NotApplicable)
        .collect();
    if judged.is_empty() {
        return None;
    }
    let missed: Vec<&Check> = judged.into_iter().filter(|check| check.outcome != Outcome::Pass).collect();
    let gate = analysis.outcome;
    match (gate.is_acceptable(), missed.is_empty()) {
        (true, false) => Some(format!("gate {gate}, {bad}: {}", told(&missed, kpis))),
        (false, true) => Some(format!("gate {gate}, {good}: {}", analysis.reason())),
        _ => None,
    }
}

fn told(missed: &[&Check], kpis: &KpiTable) -> String {
    let mut parts: Vec<String> = missed.iter().take(MOST).map(|check| miss(check, kpis)).collect();
    if missed.len() > MOST {
        parts.push(format!("and {} more", missed.len() - MOST));
    }
    parts.join("; ")
}

/// What a check missed and by which statistic; where no limit was missed, its reason.
fn miss(check: &Check, kpis: &KpiTable) -> String {
    let kpi = check.kpi.as_deref().and_then(|name| kpis.find(name));
    let told = match (kpi, check.comparison, check.limit, check.observed) {
        (Some(kpi), Some(comparison), Some(limit), Some(observed)) if !comparison.holds(observed, limit) => {
            format!(
                "{} {} {} {} ({} of {})",
                short(kpi.name),
                beside(observed, limit, kpi.unit.decimals()),
                comparison.opposite().symbol(),
                show_limit(kpi, limit),
                check.statistic,
                check.window.name
            )
        }
        _ => check.reason.clone(),
    };
    match &check.symbol {
        Some(symbol) => format!("{symbol}: {told}"),
        None => told,
    }
}

/// The name of a KPI without the unit, which stands behind the number.
fn short(kpi: &str) -> &str {
    kpi.strip_suffix("_bps").or_else(|| kpi.strip_suffix("_ms")).unwrap_or(kpi)
}

#[cfg(test)]
mod tests;
