//! OK or HOLD: the readiness limits of the policy, on a run that the gate accepts.
//!
//! OK only if every limit that applies was evaluated on enough data and holds, and the verdict of the gate is PASS
//! or WARN: readiness may be worse than the gate, never better.

use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::kpi::KpiId;
use crate::core::number::{beside, exact, trimmed};
use crate::core::verdict::{Check, Outcome, Part, join};

/// Decimals of an observed value in the text of a failure, where they are enough to tell it from the limit.
const DECIMALS: usize = 3;

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Readiness {
    /// The worst of the gate's verdict and of the limits of readiness.
    pub outcome: Outcome,
    /// Whether the limits of readiness are met and the gate accepts the run.
    ok: bool,
    /// The checks that make it: integrity of the window, readiness, and what the gate does not accept. All of them
    /// join it.
    pub checks: Vec<Check>,
    /// `net_bps: 2.700 (expected >= 2.9)`, one a missed limit; where all are met, what the gate does not accept.
    /// Empty when it is OK.
    pub failures: Vec<String>,
    /// Index of the symbol that decides, in the analysis.
    pub symbol: usize,
    /// What the KPIs of the verdict were held against the limits with, in the order of the original
    /// documents; of a KPI without a limit the median of the last-n window. `None` = unknown.
    pub kpis: Vec<(KpiId, Option<f64>)>,
}

impl Readiness {
    /// The readiness of an analysed run.
    pub fn of(analysis: &Analysis) -> Self {
        let of_symbol: Vec<Vec<Check>> = analysis.symbols.iter().map(judged).collect();
        let outcomes: Vec<Outcome> = of_symbol.iter().map(|checks| verdict(checks)).collect();
        let own = outcomes.iter().copied().max().unwrap_or(Outcome::Invalid);
        let symbol = outcomes.iter().position(|one| *one == own).unwrap_or(0);
        let kpis = KpiId::OF_THE_VERDICT
            .map(|kpi| (kpi, told(&analysis.symbols[symbol], &of_symbol[symbol], kpi)))
            .to_vec();
        let of_folder = analysis.folder_checks.iter().filter(|check| is_refused(check)).cloned();
        let checks: Vec<Check> = of_folder.chain(of_symbol.into_iter().flatten()).collect();
        let failures = failures(&checks);
        let gate = analysis.outcome;
        let ok = own == Outcome::Pass && gate.is_acceptable();
        Self { outcome: own.max(gate), ok, checks, failures, symbol, kpis }
    }

    /// Whether the run is ready.
    pub fn is_ok(&self) -> bool {
        self.ok
    }

    /// `OK` or `HOLD`.
    pub fn word(&self) -> &'static str {
        if self.is_ok() { "OK" } else { "HOLD" }
    }

    /// The readiness checks of a symbol, without integrity, by the names of their KPIs: the order that readers of
    /// the audit know.
    pub fn limits(&self, symbol: Option<&str>) -> Vec<&Check> {
        let is_limit = |check: &&Check| check.part == Part::Readiness && check.symbol.as_deref() == symbol;
        let mut limits: Vec<&Check> = self.checks.iter().filter(is_limit).collect();
        limits.sort_by_key(|check| check.kpi.as_deref());
        limits
    }

    /// Readiness limits that are missed or cannot be judged.
    pub fn missed(&self) -> usize {
        let missed = |check: &&Check| check.part == Part::Readiness && is_missed(check);
        self.checks.iter().filter(missed).count()
    }
}

fn judged(symbol: &SymbolAnalysis) -> Vec<Check> {
    symbol
        .checks
        .iter()
        .filter(|check| match check.part {
            Part::Readiness => true,
            // What the gate accepts is no reason to hold.
            Part::Integrity => check.outcome <= Outcome::Pass || is_refused(check),
            _ => is_refused(check),
        })
        .map(|check| Check { joins: true, ..check.clone() })
        .collect()
}

/// Whether a check makes the verdict of the gate worse than WARN.
fn is_refused(check: &Check) -> bool {
    check.joins && check.outcome > Outcome::Warn
}

/// Integrity alone is no readiness: without a limit there is nothing that could be met.
fn verdict(checks: &[Check]) -> Outcome {
    let limits = || checks.iter().filter(|check| check.part == Part::Readiness);
    join(checks).max(join(limits()))
}

fn told(symbol: &SymbolAnalysis, checks: &[Check], kpi: KpiId) -> Option<f64> {
    let name = kpi.name;
    match checks.iter().find(|check| check.part == Part::Readiness && check.kpi.as_deref() == Some(name)) {
        Some(check) => check.observed,
        None => symbol.kpis.iter().find(|stats| stats.kpi == kpi)?.summary.map(|summary| summary.median),
    }
}

fn is_missed(check: &Check) -> bool {
    !matches!(check.outcome, Outcome::Pass | Outcome::NotApplicable)
}

fn failures(checks: &[Check]) -> Vec<String> {
    let missed: Vec<&Check> = checks.iter().filter(|check| is_missed(check)).collect();
    let is_told_by_its_limit = |check: &Check| {
        missed.iter().any(|other| {
            other.part == Part::Readiness && other.kpi == check.kpi && other.symbol == check.symbol
        })
    };
    let mut failures: Vec<String> = Vec::new();
    for check in &missed {
        let symbol = check.symbol.as_deref().map_or_else(String::new, |name| format!("{name}: "));
        if check.part == Part::Readiness {
            failures.push(format!("{symbol}{}", failure(check)));
        } else if check.part == Part::Integrity && (check.kpi.is_none() || !is_told_by_its_limit(check)) {
            failures.push(format!("{symbol}{}: {}", check.gate, check.reason));
        }
    }
    if failures.is_empty() {
        // The limits are met; the gate alone holds the run.
        let of_the_gate = missed.iter().map(|check| {
            let symbol = check.symbol.as_deref().map_or_else(String::new, |name| format!("{name}: "));
            format!("{symbol}{}: {}", check.gate, check.reason)
        });
        failures.extend(of_the_gate);
    }
    failures
}

/// `net_bps: 2.700 (expected >= 2.9)` or `net_bps: missing (expected >= 2.9)`. Where the limit is not what was
/// missed, the reason stands between.
fn failure(check: &Check) -> String {
    let name = check.kpi.as_deref().unwrap_or(&check.gate);
    let (Some(comparison), Some(limit)) = (check.comparison, check.limit) else {
        return format!("{name}: {}", check.reason);
    };
    let exact = exact(limit, 0);
    let expected = format!("(expected {} {})", comparison.symbol(), trimmed(&exact));
    match check.observed {
        None => format!("{name}: missing {expected}"),
        Some(seen) if comparison.holds(seen, limit) || check.outcome == Outcome::Inconclusive => {
            format!("{name}: {} {expected}", check.reason)
        }
        Some(seen) => format!("{name}: {} {expected}", beside(seen, limit, DECIMALS)),
    }
}
