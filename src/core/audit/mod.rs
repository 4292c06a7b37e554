//! The readiness audit of a run: OK or HOLD, and what a reader wants beside it.
//!
//! Rests on the same [`Analysis`] as the gate, so that the two agree wherever they speak of the same thing;
//! only the question is another one. Pure; what the folder holds is handed in.

mod advice;
mod cross_check;
mod folder;
mod readiness;
mod tuning;

use std::collections::BTreeMap;

use super::analysis::{Analysis, SymbolAnalysis, WindowStats};
use super::deltas::Verification;
use super::evidence::Finding;
use super::policy::Policy;

pub use cross_check::{FoundSnapshot, disagreements};
pub use folder::{Folder, KeyFile, WarmupMetrics};
pub use readiness::Readiness;
pub use tuning::{Phase, SkipCount, TuningTotals};

/// Everything that the audit tells.
#[derive(Debug)]
pub struct Audit<'a> {
    /// What it rests on.
    pub analysis: &'a Analysis,
    /// OK or HOLD.
    pub readiness: Readiness,
    /// What makes the result weaker than it looks; changes no verdict.
    pub warnings: Vec<String>,
    /// Proposals, and why they were not applied, over all symbols.
    pub tuning: TuningTotals,
    /// Phases of the run by their words, over all symbols.
    pub phases: BTreeMap<String, Phase>,
    /// What to do next, most urgent first; never empty.
    pub recommendations: Vec<String>,
    /// What lies in the folder.
    pub folder: Folder,
    /// The findings of the analysis, and what the files beside the iterations say otherwise.
    pub findings: Vec<Finding>,
}

impl<'a> Audit<'a> {
    /// The audit of an analysis that looked at everything. `beside` are findings about files that are no
    /// iterations.
    pub fn of(analysis: &'a Analysis, policy: &Policy, folder: Folder, beside: Vec<Finding>) -> Self {
        let readiness = Readiness::of(analysis);
        let mut findings = analysis.findings.clone();
        findings.extend(beside);
        Self {
            recommendations: advice::recommendations(analysis, &readiness, policy),
            warnings: warnings(analysis, policy),
            tuning: TuningTotals::of(&analysis.evidence),
            phases: tuning::phases(&analysis.evidence),
            readiness,
            folder,
            findings,
            analysis,
        }
    }

    /// Why the readiness is what it is, in one sentence: what the gate says where it is not accepted, else the first
    /// limit that is missed.
    pub fn reason(&self) -> String {
        match self.readiness.failures.first() {
            Some(failure) if self.analysis.outcome.is_acceptable() => failure.clone(),
            _ => self.analysis.reason(),
        }
    }

    /// The symbol whose numbers stand for the whole: the worst readiness, then the first by name.
    pub fn symbol(&self) -> &SymbolAnalysis {
        &self.analysis.symbols[self.readiness.symbol]
    }

    /// Its windows: overall, steady, last-n.
    pub fn windows(&self) -> &[WindowStats] {
        &self.symbol().deep.windows
    }

    /// The delta verification that the gate speaks of.
    pub fn deltas(&self) -> Option<&Verification> {
        self.analysis.worst().deltas.as_ref()
    }

    /// Highest iteration number; `None` without iterations.
    pub fn max_iteration(&self) -> Option<u64> {
        let rows = |index: usize| self.analysis.evidence.series[index].rows().last();
        self.analysis.symbols.iter().filter_map(|symbol| rows(symbol.index)).map(|row| row.number).max()
    }
}

/// Few iterations make a weak statement even where every limit is met.
fn warnings(analysis: &Analysis, policy: &Policy) -> Vec<String> {
    let wanted = policy.readiness_warn_below_iterations;
    let mut warnings = Vec::new();
    for symbol in &analysis.symbols {
        let n = analysis.series(symbol).len();
        if n < wanted {
            let name = symbol.symbol.as_deref().map_or_else(String::new, |name| format!("{name}: "));
            warnings.push(format!(
                "{name}{n} iterations, {wanted} or more make a readiness audit \
                 (`readiness.warn_below_iterations`)"
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests;
