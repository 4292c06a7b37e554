//! The readiness audit of a run: OK or HOLD, and what a reader needs beside it.
//!
//! Rests on the same [`Analysis`] as the gate, so that the two agree wherever they report the same thing;
//! only the question is another one. OK only if every limit that applies was evaluated on enough data and holds, and the
//! verdict of the gate is PASS or WARN: readiness may be worse than the gate, never better. Snapshots found beside the
//! iterations are checked against them, and never a source. Pure; what the folder holds is handed in.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::deltas::Verification;
use super::recommend::Recommendation;
use crate::core::analysis::{Analysis, SymbolAnalysis, WindowStats};
use crate::core::compare::snapshot::baseline::Baseline;
use crate::core::iteration::Tuning;
use crate::core::judge::action;
use crate::core::kpi::KpiId;
use crate::core::policy::Policy;
use crate::core::series::Series;
use crate::core::text::number::{beside, exact, trimmed};
use crate::core::verdict::evidence::{Evidence, Finding};
use crate::core::verdict::{Check, Outcome, Part, join};

/// Everything that the audit reports.
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
    /// What the folder contains.
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
            recommendations: recommendations(analysis, &readiness, policy),
            warnings: warnings(analysis, policy),
            tuning: TuningTotals::of(&analysis.evidence),
            phases: phases(&analysis.evidence),
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

    /// The symbol whose numbers represent the whole: the worst readiness, then the first by name.
    pub fn symbol(&self) -> &SymbolAnalysis {
        &self.analysis.symbols[self.readiness.symbol]
    }

    /// Its windows: overall, steady, last-n.
    pub fn windows(&self) -> &[WindowStats] {
        &self.symbol().deep.windows
    }

    /// The delta verification that the gate reports.
    pub fn deltas(&self) -> Option<&Verification> {
        self.analysis.worst().deltas.as_ref()
    }

    /// The files that a reader looks for: those of tuning only where there is any.
    pub fn key_files(&self) -> &'static [KeyFile] {
        if self.analysis.tunes { &KeyFile::ALL } else { &[KeyFile::Snapshot] }
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
    /// The values of the KPIs of the verdict that were checked against the limits, in the order of the original
    /// documents; of a KPI without a limit the median of the last-n window. `None` = unknown.
    pub kpis: Vec<(KpiId, Option<f64>)>,
}

impl Readiness {
    /// The readiness of an analysed run.
    pub fn of(analysis: &Analysis) -> Self {
        let of_symbol: Vec<Vec<Check>> = analysis.symbols.iter().map(judged).collect();
        let outcomes: Vec<Outcome> = of_symbol.iter().map(|checks| outcome_of(checks)).collect();
        let own = outcomes.iter().copied().max().unwrap_or(Outcome::Invalid);
        let symbol = outcomes.iter().position(|one| *one == own).unwrap_or(0);
        let value = |kpi: &KpiId| (*kpi, value_of(&analysis.symbols[symbol], &of_symbol[symbol], *kpi));
        let kpis = analysis.kpis.iter().map(value).collect();
        let of_folder = analysis.folder_checks.iter().filter(|check| is_refused(check)).cloned();
        let checks: Vec<Check> = of_folder.chain(of_symbol.into_iter().flatten()).collect();
        let failures = failures(&checks, &analysis.kpis);
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

/// Integrity by itself is no readiness: without a limit there is nothing that could be met.
fn outcome_of(checks: &[Check]) -> Outcome {
    let limits = || checks.iter().filter(|check| check.part == Part::Readiness);
    join(checks).max(join(limits()))
}

fn value_of(symbol: &SymbolAnalysis, checks: &[Check], kpi: KpiId) -> Option<f64> {
    let name = kpi.name;
    match checks.iter().find(|check| check.part == Part::Readiness && check.kpi.as_deref() == Some(name)) {
        Some(check) => check.observed,
        None => symbol.kpis.iter().find(|stats| stats.kpi == kpi)?.summary.map(|summary| summary.median),
    }
}

fn is_missed(check: &Check) -> bool {
    !matches!(check.outcome, Outcome::Pass | Outcome::NotApplicable)
}

fn failures(checks: &[Check], kpis: &[KpiId]) -> Vec<String> {
    let missed: Vec<&Check> = checks.iter().filter(|check| is_missed(check)).collect();
    let has_missed_limit = |check: &Check| {
        missed.iter().any(|other| {
            other.part == Part::Readiness && other.kpi == check.kpi && other.symbol == check.symbol
        })
    };
    let mut failures: Vec<String> = Vec::new();
    for check in &missed {
        let symbol = check.symbol.as_deref().map_or_else(String::new, |name| format!("{name}: "));
        if check.part == Part::Readiness {
            failures.push(format!("{symbol}{}", failure(check, kpis)));
        } else if check.part == Part::Integrity && (check.kpi.is_none() || !has_missed_limit(check)) {
            failures.push(format!("{symbol}{}: {}", check.gate, check.reason));
        }
    }
    if failures.is_empty() {
        // The limits are met; only the gate holds the run.
        let of_the_gate = missed.iter().map(|check| {
            let symbol = check.symbol.as_deref().map_or_else(String::new, |name| format!("{name}: "));
            format!("{symbol}{}: {}", check.gate, check.reason)
        });
        failures.extend(of_the_gate);
    }
    failures
}

/// `net_bps: 2.700 (expected >= 2.9)` or `net_bps: missing (expected >= 2.9)`. Where the limit is not what was
/// missed, the reason is between them.
fn failure(check: &Check, kpis: &[KpiId]) -> String {
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
        Some(seen) => format!("{name}: {} {expected}", beside(seen, limit, decimals_of(kpis, check, seen))),
    }
}

/// Decimals of an observed value, where they are enough to distinguish it from the limit.
pub fn decimals_of(kpis: &[KpiId], check: &Check, seen: f64) -> usize {
    const USUAL: usize = 3;
    let mut declared = kpis.iter().filter(|kpi| !kpi.is_built_in());
    let kpi = declared.find(|kpi| Some(kpi.name) == check.kpi.as_deref());
    kpi.map_or(USUAL, |kpi| kpi.decimals_from(USUAL, seen))
}

/// Characters of a word from a file that are kept.
const LONGEST: usize = 64;

/// Different words that are counted separately; codes and phases are few, so more are noise.
const MOST_WORDS: usize = 256;

/// Reasons that reports show.
const MOST_REASONS: usize = 5;

/// A reason for applying less than was proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkipCount {
    /// The documented code, else the active guard.
    pub reason: String,
    /// Iterations that carry it.
    pub iterations: usize,
}

/// Proposals over all symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TuningTotals {
    /// Iterations with a tuning record.
    pub records: usize,
    /// Those of them whose record is only in `TUNING_REPORT.json`.
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
                count_word(&mut skips, &reason);
            }
        }
        let mut skips: Vec<SkipCount> =
            skips.into_iter().map(|(reason, iterations)| SkipCount { reason, iterations }).collect();
        totals.reasons = skips.len();
        skips.sort_by(|a, b| b.iterations.cmp(&a.iterations).then_with(|| a.reason.cmp(&b.reason)));
        skips.truncate(MOST_REASONS);
        Self { skips, ..totals }
    }
}

/// Each reason once an iteration.
fn reasons(tuning: &Tuning) -> BTreeSet<String> {
    let mut reasons: BTreeSet<String> = tuning.dropped.iter().map(|(_, code)| short(code)).collect();
    if tuning.applied == Some(true) {
        return reasons;
    }
    match tuning.skip.as_ref().and_then(|skip| skip.code.as_deref()) {
        Some(code) => {
            reasons.insert(short(code));
        }
        None => reasons.extend(tuning.guards.iter().map(|guard| guard.word().to_owned())),
    }
    reasons
}

/// A phase of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Phase {
    /// Iterations in it.
    pub iterations: usize,
    /// Lowest number.
    pub first: u64,
    /// Highest number.
    pub last: u64,
}

/// The phases that the iterations name.
fn phases(evidence: &Evidence) -> BTreeMap<String, Phase> {
    let mut phases: BTreeMap<String, Phase> = BTreeMap::new();
    for row in evidence.series.iter().flat_map(Series::rows) {
        let Some(name) = row.phase.as_deref().map(short) else { continue };
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

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

fn count_word(counts: &mut BTreeMap<String, usize>, key: &str) {
    if let Some(n) = counts.get_mut(key) {
        *n += 1;
    } else if counts.len() < MOST_WORDS {
        counts.insert(key.to_owned(), 1);
    }
}

/// Sentences that are kept; a run has a handful.
const MOST_ADVICE: usize = 100;

/// The recommendations; never empty.
fn recommendations(analysis: &Analysis, readiness: &Readiness, policy: &Policy) -> Vec<String> {
    let is_missed = |check: &&Check| check.outcome > Outcome::Pass;
    let deep_of = |check: &Check| {
        analysis.symbols.iter().find(|symbol| symbol.symbol == check.symbol).map(|symbol| &symbol.deep)
    };
    let (mut reported, mut of_the_whole): (Vec<String>, Vec<String>) = Default::default();
    let mut seen = BTreeSet::new();
    for check in readiness.checks.iter().filter(is_missed) {
        let what = match (check.part, check.outcome) {
            // The limit reports a missing KPI.
            (Part::Integrity, _) if check.kpi.is_some() => continue,
            (Part::Integrity, Outcome::Inconclusive) => format!("let the run go on: {}", check.reason),
            (Part::Integrity, _) => format!("repair the input: {}", check.reason),
            // The parameters follow below.
            _ if action::has_change(check, policy, deep_of(check)) => continue,
            _ => action::advice(check, policy, deep_of(check)),
        };
        let line = of_symbol(check.symbol.as_deref(), &what);
        let is_of_the_whole = check.part != Part::Integrity
            && check.kpi.is_none()
            && matches!(check.outcome, Outcome::Warn | Outcome::Fail);
        if seen.insert(line.clone()) {
            if is_of_the_whole { &mut of_the_whole } else { &mut reported }.push(line);
        }
    }
    for symbol in &analysis.symbols {
        for advice in &symbol.deep.recommendations {
            reported.push(of_symbol(symbol.symbol.as_deref(), &parameter(advice)));
        }
    }
    // A count of failed iterations has its causes in the KPIs, and is no advice beside theirs.
    if reported.is_empty() {
        reported = of_the_whole;
    }
    if reported.is_empty() {
        let change = if analysis.tunes { ", and no rule of the policy asks for a change" } else { "" };
        reported.push(format!("no limit of readiness is missed{change}"));
    }
    let more = reported.len().saturating_sub(MOST_ADVICE);
    reported.truncate(MOST_ADVICE);
    if more > 0 {
        reported.push(format!("and {more} more"));
    }
    reported
}

fn of_symbol(symbol: Option<&str>, what: &str) -> String {
    symbol.map_or_else(|| what.to_owned(), |symbol| format!("{symbol}: {what}"))
}

/// `min_interval_ms 75 -> 80 (bound): mean risk_ratio 0.500 > 0.42`.
fn parameter(advice: &Recommendation) -> String {
    let conflict =
        if advice.conflict { " (other rules ask for the opposite; a person has to decide)" } else { "" };
    format!("{}: {}{conflict}", advice.words(), advice.rationales.join("; "))
}

/// Snapshots have three or four digits; half a unit in the third, and as much for another order of adding up.
const ROUNDING: f64 = 0.001;

/// A snapshot found in the folder, or why it cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundSnapshot {
    /// Its name, relative to the folder.
    pub file: String,
    pub says: Result<Baseline, String>,
}

/// One finding for each snapshot that says otherwise; `own` is what the iterations give in its schema version.
pub fn disagreements(found: &[FoundSnapshot], own: impl Fn(&str) -> Option<Baseline>) -> Vec<Finding> {
    found.iter().filter_map(|snapshot| disagreement(snapshot, &own)).collect()
}

fn disagreement(found: &FoundSnapshot, own: impl Fn(&str) -> Option<Baseline>) -> Option<Finding> {
    let finding = |kind, what: String| {
        Some(Finding {
            kind,
            symbol: None,
            iteration: None,
            file: Some(found.file.clone()),
            in_window: false,
            message: format!("`{}` {what}", found.file),
        })
    };
    let theirs = match &found.says {
        Ok(theirs) => theirs,
        Err(reason) => return finding("unusable_file", format!("is left out: {reason}")),
    };
    let ours = own(&theirs.schema_version)?;
    let mut differences = Vec::new();
    if let (Some(theirs), Some(ours)) = (&theirs.verdict, &ours.verdict)
        && theirs != ours
    {
        differences.push(format!("verdict {theirs}, not {ours}"));
    }
    for (kpi, ours) in &ours.means {
        let theirs = theirs.mean(*kpi);
        let is_same = match (theirs, *ours) {
            (Some(theirs), Some(ours)) => (theirs - ours).abs() <= ROUNDING + 1e-9,
            (None, None) => true,
            _ => false,
        };
        if !is_same {
            let number =
                |value: Option<f64>| value.map_or_else(|| "nothing".to_owned(), |value| exact(value, 3));
            let (theirs, ours) = (number(theirs), number(*ours));
            differences.push(format!("mean {} {theirs}, not {ours}", kpi.name));
        }
    }
    if differences.is_empty() {
        return None;
    }
    let reported = differences.join("; ");
    finding("snapshot_disagrees", format!("differs from the iterations, which count: {reported}"))
}

/// A file that a reader of a run looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyFile {
    /// The compact or the deep snapshot.
    Snapshot,
    /// All tuning records in one file.
    TuningReport,
    /// What became of the deltas.
    DeltaReport,
    /// Metrics of the warm-up.
    Warmup,
}

impl KeyFile {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 4] = [Self::Snapshot, Self::TuningReport, Self::DeltaReport, Self::Warmup];

    pub fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "POST_SOAK_SNAPSHOT.json",
            Self::TuningReport => "TUNING_REPORT.json",
            Self::DeltaReport => "DELTA_VERIFY_REPORT.md",
            Self::Warmup => "warmup_metrics.prom",
        }
    }

    /// Where it may lie, relative to the folder of the run.
    pub fn places(self) -> &'static [&'static str] {
        match self {
            Self::Snapshot => &["reports/analysis/POST_SOAK_SNAPSHOT.json", "POST_SOAK_SNAPSHOT.json"],
            Self::TuningReport => &["TUNING_REPORT.json"],
            Self::DeltaReport => &["DELTA_VERIFY_REPORT.md"],
            Self::Warmup => &["reports/analysis/warmup_metrics.prom", "warmup_metrics.prom"],
        }
    }
}

/// What `warmup_metrics.prom` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WarmupMetrics {
    /// `warmup_exporter_error`: above 0, the exporter itself had failed; `None` when the file does not say.
    pub exporter_error: Option<f64>,
    /// `guard_triggers_total` by its label `type`.
    pub guard_triggers: BTreeMap<String, f64>,
}

/// A file and its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedFile {
    /// Name relative to the folder.
    pub file: String,
    pub bytes: u64,
}

/// What the folder contains, without hidden files and what the audit writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Listing {
    /// The first 120 files in natural order (2 before 10).
    pub files: Vec<ListedFile>,
    /// How many files there are.
    pub files_total: usize,
    /// Bytes of all of them.
    pub bytes_total: u64,
}

/// The folder of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folder {
    pub listing: Listing,
    /// Whether the walk ended early because there were too many.
    pub cut: bool,
    /// The key files that are there.
    pub key_files: Vec<KeyFile>,
    /// The warm-up metrics, when there are some that can be read.
    pub warmup: Option<WarmupMetrics>,
}

impl Folder {
    /// Whether a key file is there.
    pub fn has(&self, file: KeyFile) -> bool {
        self.key_files.contains(&file)
    }
}

#[cfg(test)]
mod tests {

    use std::collections::BTreeMap;

    use super::*;
    use crate::core::compare::snapshot::baseline::Baseline;
    use crate::core::iteration::guards::Guard;
    use crate::core::iteration::params::ParamName;
    use crate::core::iteration::{Iteration, SkipReason, Tuning};
    use crate::core::kpi::KpiId;
    use crate::core::series::{Interner, Series};
    use crate::core::verdict::evidence::Evidence;

    fn evidence(tunings: impl IntoIterator<Item = Tuning>) -> Evidence {
        let mut series = Series::new(None, 0);
        for (number, tuning) in (1..).zip(tunings) {
            series.push(Iteration { number, tuning, ..Iteration::default() }, &mut Interner::default());
        }
        Evidence { series: vec![series], ..Evidence::default() }
    }

    fn skipped(code: Option<&str>, guards: &[Guard]) -> Tuning {
        let mut tuning = Tuning { applied: Some(false), ..Tuning::default() };
        tuning.skip = code.map(|code| SkipReason { code: Some(code.into()), note: Some("velocity".into()) });
        for guard in guards {
            tuning.guards.insert(*guard);
        }
        tuning
    }

    fn counted(tunings: impl IntoIterator<Item = Tuning>) -> Vec<(String, usize)> {
        let totals = TuningTotals::of(&evidence(tunings));
        totals.skips.into_iter().map(|skip| (skip.reason, skip.iterations)).collect()
    }

    #[test]
    fn the_code_counts_before_the_guards_and_text_counts_nowhere() {
        let tunings = [
            skipped(Some("cooldown_active"), &[Guard::Velocity]),
            skipped(None, &[Guard::Velocity, Guard::Cooldown]),
            skipped(None, &[Guard::Velocity]),
        ];
        let expected = [("velocity", 2), ("cooldown", 1), ("cooldown_active", 1)];
        assert_eq!(counted(tunings), expected.map(|(reason, n)| (reason.to_owned(), n)));
        let noted = Tuning {
            applied: Some(false),
            skip: Some(SkipReason { code: None, note: Some("oscillation".into()) }),
            ..Tuning::default()
        };
        assert_eq!(counted([noted]), []);
    }

    #[test]
    fn what_was_dropped_counts_once_an_iteration_also_where_the_rest_was_applied() {
        let dropped = |param: &str| (ParamName::flat(param), "latency_soft".into());
        let tuning = Tuning {
            applied: Some(true),
            dropped: vec![dropped("tail_age_ms"), dropped("min_interval_ms")],
            ..Tuning::default()
        };
        assert_eq!(counted([tuning.clone(), tuning]), [("latency_soft".to_owned(), 2)]);
    }

    #[test]
    fn the_five_most_frequent_reasons_are_kept_and_all_are_counted() {
        let tunings = (0..7).flat_map(|reason| {
            let code = format!("r{reason}");
            (0..=reason % 6).map(move |_| skipped(Some(&code), &[]))
        });
        let totals = TuningTotals::of(&evidence(tunings));
        // r0 and r6 come once, r1 twice, and so on.
        let reported: Vec<(&str, usize)> =
            totals.skips.iter().map(|skip| (skip.reason.as_str(), skip.iterations)).collect();
        assert_eq!(reported, [("r5", 6), ("r4", 5), ("r3", 4), ("r2", 3), ("r1", 2)]);
        assert_eq!((totals.reasons, totals.records), (7, 22));
    }

    #[test]
    fn phases_have_counts_and_spans_and_endless_words_end() {
        let mut series = Series::new(None, 0);
        for number in 1..=400u64 {
            let phase = match number {
                4 => None,
                1..=5 => Some("WARMUP".into()),
                _ => Some(format!("x{number}").as_str().into()),
            };
            series.push(Iteration { number, phase, ..Iteration::default() }, &mut Interner::default());
        }
        let found = phases(&Evidence { series: vec![series], ..Evidence::default() });
        assert_eq!(found["WARMUP"], Phase { iterations: 4, first: 1, last: 5 });
        assert_eq!(found.len(), 256);
    }

    fn baseline(verdict: Option<&str>, net: Option<f64>) -> Baseline {
        Baseline {
            schema_version: "1.1".to_owned(),
            verdict: verdict.map(str::to_owned),
            outcome: None,
            means: vec![(KpiId::NET_BPS, net)],
            medians: Vec::new(),
            pass_count: None,
        }
    }

    fn reported(says: Result<Baseline, String>) -> Vec<String> {
        let found = [FoundSnapshot { file: "S.json".to_owned(), says }];
        let own = |version: &str| (version == "1.1").then(|| baseline(Some("PASS"), Some(3.0)));
        disagreements(&found, own).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_snapshot_may_differ_by_its_rounding_and_not_by_more() {
        for net in [2.999, 3.0, 3.001] {
            assert_eq!(reported(Ok(baseline(Some("PASS"), Some(net)))), Vec::<String>::new(), "{net}");
        }
        let says = "`S.json` differs from the iterations, which count: ";
        assert_eq!(
            reported(Ok(baseline(None, Some(3.0011)))),
            [format!("{says}mean net_bps 3.0011, not 3.000")]
        );
        assert_eq!(
            reported(Ok(baseline(Some("PASS"), None))),
            [format!("{says}mean net_bps nothing, not 3.000")]
        );
        assert_eq!(
            reported(Ok(baseline(Some("FAIL"), Some(3.0)))),
            [format!("{says}verdict FAIL, not PASS")]
        );
        assert_eq!(reported(Err("not valid JSON".to_owned())), ["`S.json` is left out: not valid JSON"]);
    }

    #[test]
    fn nothing_gives_nothing() {
        let policy_free = TuningTotals::of(&Evidence::default());
        assert_eq!(policy_free, TuningTotals::default());
        assert_eq!(phases(&Evidence::default()), BTreeMap::new());
    }
}
