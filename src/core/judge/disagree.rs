//! Where two judgements of the same run disagree, in one sentence each.
//!
//! The gate, readiness and the goals ask different questions with different limits; a reader who sees both
//! answers must be told why they differ. Decides nothing.

use crate::core::analysis::Analysis;
use crate::core::verdict::{Check, Outcome, Part};

/// At most so many misses stand in a sentence.
const MOST: usize = 8;

/// One sentence for each part that says otherwise than the verdict of the whole, e.g.
/// `gate PASS, readiness HOLD: median net 2.70 bps misses >= 2.90 bps by 0.20 bps`. Empty when they agree, and
/// when readiness and goals were not judged.
pub fn sentences(analysis: &Analysis) -> Vec<String> {
    [(Part::Readiness, "readiness OK", "readiness HOLD"), (Part::Goals, "goals met", "goals missed")]
        .into_iter()
        .filter_map(|(part, good, bad)| sentence(analysis, part, good, bad))
        .collect()
}

fn sentence(analysis: &Analysis, part: Part, good: &str, bad: &str) -> Option<String> {
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
        (true, false) => Some(format!("gate {gate}, {bad}: {}", told(&missed))),
        (false, true) => Some(format!("gate {gate}, {good}: {}", analysis.reason())),
        _ => None,
    }
}

fn told(missed: &[&Check]) -> String {
    let mut parts: Vec<String> = missed.iter().take(MOST).map(|check| miss(check)).collect();
    if missed.len() > MOST {
        parts.push(format!("and {} more", missed.len() - MOST));
    }
    parts.join("; ")
}

/// The reason of a check with the KPI behind the statistic, where it is not named already.
fn miss(check: &Check) -> String {
    let named = check.kpi.as_deref().and_then(|kpi| {
        let rest = check.reason.strip_prefix(check.statistic.as_str())?;
        Some(format!("{} {}{rest}", check.statistic, short(kpi)))
    });
    let reason = named.unwrap_or_else(|| check.reason.clone());
    match &check.symbol {
        Some(symbol) => format!("{symbol}: {reason}"),
        None => reason,
    }
}

/// The name of a KPI without the unit, which stands behind the number.
fn short(kpi: &str) -> &str {
    kpi.strip_suffix("_bps").or_else(|| kpi.strip_suffix("_ms")).unwrap_or(kpi)
}

#[cfg(test)]
mod tests;
