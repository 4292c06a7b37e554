//! What the tuner did in a run, counted: proposals, applications, reasons for doing nothing, phases.
//!
//! From the iterations; where one carries no tuning record, from `TUNING_REPORT.json`. Free text is never read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::core::evidence::Evidence;
use crate::core::iteration::Tuning;
use crate::core::series::Series;

/// Characters of a word from a file that are kept.
const LONGEST: usize = 64;

/// Different words that are told apart; codes and phases are few, so more are noise.
const MOST_WORDS: usize = 256;

/// Reasons that reports show.
const SHOWN: usize = 5;

/// A reason for applying less than was proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkipCount {
    /// The documented code, else the guard that spoke.
    pub reason: String,
    /// Iterations that carry it.
    pub iterations: usize,
}

/// Proposals over all symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TuningTotals {
    /// Iterations with a tuning record.
    pub records: usize,
    /// Those of them whose record stands in `TUNING_REPORT.json` alone.
    pub from_report: usize,
    /// Iterations that propose a change.
    pub proposed: usize,
    /// Those of them that say it was applied.
    pub applied: usize,
    /// Different reasons there are.
    pub reasons: usize,
    /// The most frequent reasons, at most five; among equals the first by name.
    pub skips: Vec<SkipCount>,
}

impl TuningTotals {
    /// Counts over everything loaded.
    pub fn of(evidence: &Evidence) -> Self {
        let absent = Tuning::default();
        let mut totals = Self::default();
        let mut skips: BTreeMap<String, usize> = BTreeMap::new();
        for row in evidence.series.iter().flat_map(Series::rows) {
            let own = row.tuning != absent;
            let tuning =
                if own { &row.tuning } else { evidence.tuning_report.get(&row.number).unwrap_or(&absent) };
            if *tuning == absent {
                continue;
            }
            totals.records += 1;
            totals.from_report += usize::from(!own);
            if !tuning.deltas.is_empty() {
                totals.proposed += 1;
                totals.applied += usize::from(tuning.applied == Some(true));
            }
            for reason in reasons(tuning) {
                count(&mut skips, &reason);
            }
        }
        let mut skips: Vec<SkipCount> =
            skips.into_iter().map(|(reason, iterations)| SkipCount { reason, iterations }).collect();
        totals.reasons = skips.len();
        skips.sort_by(|a, b| b.iterations.cmp(&a.iterations).then_with(|| a.reason.cmp(&b.reason)));
        skips.truncate(SHOWN);
        Self { skips, ..totals }
    }
}

/// Each reason once an iteration.
fn reasons(tuning: &Tuning) -> BTreeSet<String> {
    let mut reasons: BTreeSet<String> = tuning.dropped.iter().map(|(_, code)| word(code)).collect();
    if tuning.applied == Some(true) {
        return reasons;
    }
    match tuning.skip.as_ref().and_then(|skip| skip.code.as_deref()) {
        Some(code) => {
            reasons.insert(word(code));
        }
        None => reasons.extend(tuning.guards.iter().map(|guard| guard.word().to_owned())),
    }
    reasons
}

/// A phase of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Phase {
    /// Iterations in it.
    pub iterations: usize,
    /// Lowest number.
    pub first: u64,
    /// Highest number.
    pub last: u64,
}

/// The phases that the iterations name.
pub fn phases(evidence: &Evidence) -> BTreeMap<String, Phase> {
    let mut phases: BTreeMap<String, Phase> = BTreeMap::new();
    for row in evidence.series.iter().flat_map(Series::rows) {
        let Some(name) = row.phase.as_deref().map(word) else { continue };
        if phases.len() == MOST_WORDS && !phases.contains_key(&name) {
            continue;
        }
        let phase =
            phases.entry(name).or_insert(Phase { iterations: 0, first: row.number, last: row.number });
        phase.iterations += 1;
        phase.first = phase.first.min(row.number);
        phase.last = phase.last.max(row.number);
    }
    phases
}

fn word(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn count(counts: &mut BTreeMap<String, usize>, key: &str) {
    if let Some(n) = counts.get_mut(key) {
        *n += 1;
    } else if counts.len() < MOST_WORDS {
        counts.insert(key.to_owned(), 1);
    }
}
