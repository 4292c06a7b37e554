//! Where two judgements of the same run disagree, in one sentence each.
//!
//! The gate, readiness and the goals ask different questions with different limits; a reader who sees both
//! answers must be told why they differ. Decides nothing.

use super::show_limit;
use crate::core::analysis::Analysis;
use crate::core::kpi::KpiTable;
use crate::core::text::number::beside;
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
mod tests {
    use super::*;
    use crate::core::analysis::{Deep, Origin, SymbolAnalysis};
    use crate::core::iteration::guards::GuardCounts;
    use crate::core::judge::passes::Passes;
    use crate::core::policy::{WindowSpec, Windows};
    use crate::core::series::Series;
    use crate::core::series::ranges::Ranges;
    use crate::core::series::window::Window;
    use crate::core::verdict::evidence::Evidence;
    use crate::core::verdict::{Comparison, Severity, WindowUsed};

    fn check(part: Part, kpi: &str, outcome: Outcome, reason: &str) -> Check {
        Check {
            part,
            gate: format!("{}.{kpi}", part.word()),
            kpi: Some(kpi.to_owned()),
            symbol: None,
            severity: Severity::Hard,
            window: WindowUsed { name: "last8".into(), first: Some(1), last: Some(8), n: 8 },
            statistic: "median".into(),
            comparison: None,
            limit: None,
            observed: None,
            margin: None,
            outcome,
            reason: reason.to_owned(),
            limit_source: None,
            joins: part == Part::RunVerdict,
            inference: None,
        }
    }

    fn sentences_of(outcome: Outcome, checks: Vec<Check>) -> Vec<String> {
        let series = Series::new(None, 0);
        let windows = Windows { last_n: 8, steady_start: 7 };
        let symbol = SymbolAnalysis {
            index: 0,
            symbol: None,
            from: 0,
            last: Window::find(&series, WindowSpec::LastN, &windows, &Ranges::default()),
            kpis: Vec::new(),
            passes: Passes {
                passing: 0,
                n: 0,
                needed: 6,
                needed_for_warn: 5,
                failing: Vec::new(),
                freezes: Vec::new(),
            },
            guards: GuardCounts::default(),
            anomalies: Vec::new(),
            loops: 0,
            deltas: None,
            deep: Deep::default(),
            checks,
            outcome,
        };
        let analysis = Analysis {
            origin: Origin::of(&Evidence::default(), |_| false),
            evidence: Evidence { series: vec![series], ..Evidence::default() },
            symbols: vec![symbol],
            folder_checks: Vec::new(),
            findings: Vec::new(),
            outcome,
            disagreements: Vec::new(),
            mock: false,
        };
        sentences(&analysis, &KpiTable::default())
    }

    fn missed(part: Part, kpi: &str, comparison: Comparison, observed: f64, limit: f64) -> Check {
        Check {
            comparison: Some(comparison),
            limit: Some(limit),
            observed: Some(observed),
            ..check(part, kpi, Outcome::Fail, "told with its numbers")
        }
    }

    #[test]
    fn a_gate_that_passes_beside_readiness_that_holds_is_told_in_one_line() {
        let checks = vec![
            check(Part::Readiness, "risk_ratio", Outcome::Pass, "median 0.390 meets <= 0.400"),
            missed(Part::Readiness, "net_bps", Comparison::AtLeast, 2.7, 2.9),
        ];
        let expected = "gate PASS, readiness HOLD: net 2.70 < 2.90 bps (median of last8)";
        assert_eq!(sentences_of(Outcome::Pass, checks.clone()), [expected]);
        assert_eq!(sentences_of(Outcome::Warn, checks.clone()), [expected.replace("PASS", "WARN")]);
        // Both say no: nothing to explain.
        assert!(sentences_of(Outcome::Fail, checks).is_empty());
    }

    #[test]
    fn a_miss_stands_on_its_side_of_the_limit() {
        let checks = vec![missed(Part::Readiness, "net_bps", Comparison::AtLeast, 2.898, 2.9)];
        let expected = "gate PASS, readiness HOLD: net 2.898 < 2.90 bps (median of last8)";
        assert_eq!(sentences_of(Outcome::Pass, checks), [expected]);
    }

    #[test]
    fn only_pass_counts_as_readiness() {
        for outcome in [Outcome::Warn, Outcome::Inconclusive, Outcome::Invalid] {
            let checks = vec![check(Part::Readiness, "net_bps", outcome, "`net_bps` has no value in last8")];
            let expected = "gate PASS, readiness HOLD: `net_bps` has no value in last8";
            assert_eq!(sentences_of(Outcome::Pass, checks), [expected]);
        }
    }

    #[test]
    fn a_gate_that_fails_beside_goals_that_are_met_gives_its_own_reason() {
        let checks = vec![
            check(Part::RunVerdict, "net_bps", Outcome::Inconclusive, "5 iterations in the window"),
            check(Part::Readiness, "net_bps", Outcome::Pass, "fine"),
            check(Part::Goals, "net_bps", Outcome::Pass, "fine"),
        ];
        let expected = [
            "gate INCONCLUSIVE, readiness limits met: `net_bps`: 5 iterations in the window",
            "gate INCONCLUSIVE, goals met: `net_bps`: 5 iterations in the window",
        ];
        assert_eq!(sentences_of(Outcome::Inconclusive, checks), expected);
    }

    #[test]
    fn what_agrees_or_was_not_judged_is_not_mentioned() {
        let good = vec![
            check(Part::Readiness, "net_bps", Outcome::Pass, "fine"),
            check(Part::Goals, "net_bps", Outcome::NotApplicable, "left out"),
        ];
        assert!(sentences_of(Outcome::Pass, good).is_empty());
        assert!(sentences_of(Outcome::Pass, Vec::new()).is_empty());
        assert!(sentences_of(Outcome::Fail, Vec::new()).is_empty());
    }

    #[test]
    fn several_misses_stand_with_their_symbols_and_long_lists_end() {
        let of = |symbol: &str| Check {
            symbol: Some(symbol.to_owned()),
            ..missed(Part::Goals, "p95_latency_ms", Comparison::AtMost, 350.0, 340.0)
        };
        let miss = "p95_latency 350 > 340 ms (median of last8)";
        assert_eq!(
            sentences_of(Outcome::Pass, vec![of("A"), of("B")]),
            [format!("gate PASS, goals missed: A: {miss}; B: {miss}")]
        );
        let many = sentences_of(Outcome::Pass, vec![of("A"); 10]);
        assert_eq!(many[0].matches(miss).count(), 8);
        assert!(many[0].ends_with("; and 2 more"), "{}", many[0]);
    }
}
