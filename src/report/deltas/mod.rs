//! The delta verification: `DELTA_VERIFY_REPORT.json` for machines, and for people `DELTA_VERIFY_REPORT.md` and a few
//! lines for the terminal, which are made of its structure.
//!
//! Fields stand in the order of their names, so that the file has sorted keys. Judges nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::analysis::{REHEARSAL, excluded_line, override_line};
use super::document::{Cell, Document, columns, row};
use super::terminal::{Lines, Style};
use super::text::{cell, printable};
use crate::core::analysis::deltas::{
    Attention, DETAILED_PAIRS, KeyCheck, KeyState, Next, Pair, PairStatus, Status, Verification,
};
use crate::core::analysis::origin::OriginBlock;
use crate::core::text::number::{fixed, round_half_even, trimmed};
use crate::core::text::{WORDS, excerpt};
use crate::core::verdict::provenance::Override;
use crate::core::verdict::{Check, Outcome};

/// Most pairs that a report lists.
pub(crate) const LISTED_PAIRS: usize = DETAILED_PAIRS;

/// The report of one series; or of several symbols, and then its figures are those of the worst symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DeltaReport {
    /// Proposals said or seen to be applied.
    pub(crate) claimed_count: usize,
    /// Failed, and partly applied without a code for every key that was not.
    pub(crate) fail_count: usize,
    /// Proposals of which every increment arrived.
    pub(crate) full_apply_count: usize,
    /// (`full_apply_count` + `partial_ok_count`) ÷ `proposed_count`, 3 digits; null when nothing was
    /// proposed or nothing can be verified.
    pub(crate) full_apply_ratio: Option<f64>,
    /// Parameters by the number of failing pairs in which their increment did not arrive.
    pub(crate) misses: BTreeMap<String, usize>,
    /// Iterations that proposed nothing.
    pub(crate) none_count: usize,
    /// The verdict of `gate` on the same folder; absent in the reports of single symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
    /// Its main reason; absent in the reports of single symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome_reason: Option<String>,
    /// Why the data is not about a release; only where it is simulated or a rehearsal, and absent in the reports of
    /// single symbols.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<OriginBlock>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any and in the reports of single
    /// symbols.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) excluded_symbols: Vec<String>,
    /// A recorded override of the gate that this report belongs to.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub(crate) overridden: Option<Override>,
    /// Part of a rehearsal of a release, and no statement about one; left out otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rehearsal: bool,
    /// The pairs, in order; at most 1000, failing ones first kept. Empty above `symbols`.
    pub(crate) pairs: Vec<PairReport>,
    /// Pairs there are.
    pub(crate) pairs_total: usize,
    /// Partly applied with a code for every key that was not, and skipped with a reason.
    pub(crate) partial_ok_count: usize,
    /// Iterations with a proposal.
    pub(crate) proposed_count: usize,
    /// Version of this format.
    pub(crate) schema_version: String,
    /// Proposals said to be applied that changed nothing.
    pub(crate) signature_stuck_count: usize,
    /// Not applied, with a reason.
    pub(crate) skipped_count: usize,
    /// Whether the ratios mean anything.
    pub(crate) status: Status,
    /// `full_apply_count` ÷ `claimed_count`, 3 digits; null like the other ratio, and when nothing was applied.
    pub(crate) strict_apply_ratio: Option<f64>,
    /// The symbol; the worst one where there are several; absent for runs that are not per symbol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) symbol: Option<String>,
    /// One report for each symbol; absent for runs that are not per symbol.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) symbols: Vec<DeltaReport>,
    /// Proposals said to be applied whose values the files do not show.
    pub(crate) unverifiable_count: usize,
}

/// One proposal and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct PairReport {
    /// Whether it is said or seen to be applied.
    pub(crate) claimed: bool,
    /// For `partial`: whether a guard's code stands beside every key that was not applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) explained: Option<bool>,
    /// The iteration that proposed.
    pub(crate) from: u64,
    /// The increments.
    pub(crate) keys: Vec<KeyReport>,
    /// What the values were compared with.
    pub(crate) next: NextWord,
    /// Why it has its status.
    pub(crate) reason: String,
    /// What became of it.
    pub(crate) status: PairWord,
    /// The iteration after; null for the last one.
    pub(crate) to: Option<u64>,
}

/// One proposed increment and what was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct KeyReport {
    /// Value after; null = unknown.
    pub(crate) after: Option<f64>,
    /// Value before; null = unknown.
    pub(crate) before: Option<f64>,
    /// after − before; null = unknown.
    pub(crate) change: Option<f64>,
    /// The code of the guard that dropped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The proposed increment.
    pub(crate) delta: f64,
    /// The parameter, by its flat name.
    pub(crate) param: String,
    /// What became of it.
    pub(crate) state: KeyWord,
    /// Whether the increment was stored as the value instead of being added.
    pub(crate) stored_as_value: bool,
}

/// Status of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PairWord {
    /// Every increment arrived, in full or up to its bound.
    Full,
    /// Some increments arrived.
    Partial,
    /// Not applied, with a reason.
    Skipped,
    /// Not applied without a reason, or the values show something else.
    Failed,
    /// Said to be applied, and nothing changed.
    Stuck,
    /// Said to be applied, and the files do not show the values.
    Unverifiable,
}

/// State of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyWord {
    /// It changed by the increment.
    Applied,
    /// A bound stopped it on the way.
    Capped,
    /// A guard dropped it.
    Dropped,
    /// It did not change.
    Unchanged,
    /// It changed by something else.
    Mismatch,
    /// Its value is unknown on at least one side.
    Missing,
}

/// What the values of an iteration were compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NextWord {
    /// The next iteration.
    Iteration,
    /// The next iteration is missing.
    Gap,
    /// The overrides that the run left behind.
    EndState,
    /// It is the last one, and nothing shows what came after.
    Nothing,
}

impl DeltaReport {
    /// The report of one series.
    pub(crate) fn new(symbol: Option<&str>, verification: &Verification) -> Self {
        let Verification { pairs, counts, misses, full_apply_ratio, strict_apply_ratio, status } =
            verification;
        let ratio = |ratio: &Option<f64>| ratio.map(|ratio| round_half_even(ratio, 3));
        Self {
            claimed_count: counts.claimed,
            fail_count: counts.failed + counts.partial_unexplained,
            full_apply_count: counts.full,
            full_apply_ratio: ratio(full_apply_ratio),
            misses: misses.iter().map(|(param, count)| (param.to_string(), *count)).collect(),
            none_count: counts.none,
            outcome: None,
            outcome_reason: None,
            origin: None,
            excluded_symbols: Vec::new(),
            overridden: None,
            rehearsal: false,
            pairs: listed(pairs),
            pairs_total: pairs.len(),
            partial_ok_count: counts.partial_explained + counts.skipped,
            proposed_count: counts.proposed,
            schema_version: "1.0".to_owned(),
            signature_stuck_count: counts.stuck,
            skipped_count: counts.skipped,
            status: *status,
            strict_apply_ratio: ratio(strict_apply_ratio),
            symbol: symbol.map(str::to_owned),
            symbols: Vec::new(),
            unverifiable_count: counts.unverifiable,
        }
    }

    /// One report over several: nothing is pooled, the figures are those of the worst. `None` for none.
    pub(crate) fn whole(mut reports: Vec<Self>) -> Option<Self> {
        if reports.len() == 1 && reports[0].symbol.is_none() {
            return reports.pop();
        }
        // A verified symbol can fail, an unverifiable one only not apply, one without proposals neither.
        let worst = reports.iter().min_by(|a, b| {
            (b.status.cmp(&a.status))
                .then_with(|| a.in_order_share().total_cmp(&b.in_order_share()))
                .then_with(|| b.signature_stuck_count.cmp(&a.signature_stuck_count))
        })?;
        let mut whole = Self { pairs: Vec::new(), ..worst.clone() };
        whole.symbols = reports;
        Some(whole)
    }

    /// Proposals that were applied or left out with a reason.
    pub(crate) fn in_order_count(&self) -> usize {
        self.full_apply_count + self.partial_ok_count
    }

    /// The full-apply ratio before rounding, whatever the status; 1 when nothing was proposed.
    fn in_order_share(&self) -> f64 {
        if self.proposed_count == 0 { 1.0 } else { self.in_order_count() as f64 / self.proposed_count as f64 }
    }
}

fn listed(pairs: &[Pair]) -> Vec<PairReport> {
    let mut chosen: Vec<&Pair> = Attention::ALL
        .into_iter()
        .flat_map(|attention| pairs.iter().filter(move |pair| pair.status.attention() == attention))
        .take(LISTED_PAIRS)
        .collect();
    chosen.sort_by_key(|pair| pair.from);
    chosen.into_iter().map(PairReport::from).collect()
}

impl From<&Pair> for PairReport {
    fn from(pair: &Pair) -> Self {
        let (next, to) = match pair.next {
            Next::Iteration(number) => (NextWord::Iteration, Some(number)),
            Next::Gap(number) => (NextWord::Gap, Some(number)),
            Next::EndState => (NextWord::EndState, None),
            Next::Nothing => (NextWord::Nothing, None),
        };
        let (status, explained) = match pair.status {
            PairStatus::Full => (PairWord::Full, None),
            PairStatus::Partial { explained } => (PairWord::Partial, Some(explained)),
            PairStatus::Skipped => (PairWord::Skipped, None),
            PairStatus::Failed => (PairWord::Failed, None),
            PairStatus::Stuck => (PairWord::Stuck, None),
            PairStatus::Unverifiable => (PairWord::Unverifiable, None),
        };
        Self {
            claimed: pair.claimed,
            explained,
            from: pair.from,
            keys: pair.keys.iter().map(KeyReport::from).collect(),
            next,
            reason: excerpt(&pair.why.to_string(), WORDS),
            status,
            to,
        }
    }
}

impl From<&KeyCheck> for KeyReport {
    fn from(key: &KeyCheck) -> Self {
        let mut code = None;
        let mut stored_as_value = false;
        let state = match &key.state {
            KeyState::Applied => KeyWord::Applied,
            KeyState::Capped => KeyWord::Capped,
            KeyState::Dropped(guard) => {
                code = Some(guard.to_string());
                KeyWord::Dropped
            }
            KeyState::Unchanged => KeyWord::Unchanged,
            KeyState::Mismatch { stored_as_value: stored } => {
                stored_as_value = *stored;
                KeyWord::Mismatch
            }
            KeyState::Missing => KeyWord::Missing,
        };
        Self {
            after: key.after,
            before: key.before,
            change: key.change(),
            code,
            delta: key.delta,
            param: key.param.to_string(),
            state,
            stored_as_value,
        }
    }
}

/// Failing pairs that the terminal shows; the Markdown has them all.
const FAILING_ON_TERMINAL: usize = 10;

/// `DELTA_VERIFY_REPORT.md`. `checks` are those of the delta verification, and may be none.
pub(crate) fn markdown(report: &DeltaReport, checks: &[Check]) -> String {
    let mut doc = Document::markdown();
    doc.heading(1, "Delta verification");
    doc.paragraph(&format!("**Deltas: {}**", verdict(checks)));
    if let Some((outcome, reason)) = report.outcome.as_ref().zip(report.outcome_reason.as_ref()) {
        doc.paragraph(&format!("Verdict of the run: {} - {}", cell(outcome), cell(reason)));
    }
    let note = report.origin.as_ref().and_then(|origin| origin.note.as_ref());
    let notes = [
        note.map(|note| format!("**{}.**", cell(note))),
        excluded_line(&report.excluded_symbols),
        report.rehearsal.then(|| REHEARSAL.to_owned()),
        report.overridden.as_ref().map(override_line),
    ];
    doc.paragraphs(notes.into_iter().flatten());
    if !checks.is_empty() {
        doc.list(checks.iter().map(|check| explanation(check, cell)), usize::MAX);
    }
    // This line is read by programs, so it has no markup.
    doc.paragraph(&full_applications(report));
    doc.paragraph(&format!(
        "An application is full in this count when every increment arrived, or when a guard's reason \
         stands beside what did not. {}",
        parts_of(report)
    ));
    if report.symbols.is_empty() {
        body(&mut doc, report);
    } else {
        let worst = report.symbol.as_deref().unwrap_or_default();
        doc.paragraph(&format!("The figures above are those of the worst symbol, {}.", cell(worst)));
        for symbol in &report.symbols {
            doc.heading(2, &cell(symbol.symbol.as_deref().unwrap_or_default()));
            doc.depth = 1;
            body(&mut doc, symbol);
            doc.depth = 0;
        }
    }
    if std::iter::once(report).chain(&report.symbols).any(|report| report.unverifiable_count > 0) {
        doc.heading(2, "What unverifiable means");
        doc.paragraph(
            "The record says that the increments were applied, but the files do not show the values \
             before and after: the iterations carry no `runtime_overrides`, the next iteration is missing, or \
             nothing was kept after the last one. The overrides at the end of a run prove nothing about a single \
             step, so such a pair counts neither as applied nor as failed. Runs that write `runtime_overrides` \
             into every iteration can be verified.",
        );
    }
    doc.finish(false)
}

/// The same in a few lines for the terminal.
pub(crate) fn text(report: &DeltaReport, checks: &[Check]) -> String {
    let mut out = Lines::new(Style::default());
    out.line(format!("delta verification: {}", verdict(checks)));
    if let Some((outcome, reason)) = report.outcome.as_ref().zip(report.outcome_reason.as_ref()) {
        out.line(format!("verdict of the run: {}: {}", printable(outcome), printable(reason)));
    }
    if let Some(note) = report.origin.as_ref().and_then(|origin| origin.note.as_ref()) {
        out.line(printable(note));
    }
    for name in &report.excluded_symbols {
        out.line(format!("excluded and not judged: {}", printable(name)));
    }
    for check in checks {
        out.line(format!("  {}", explanation(check, printable)));
    }
    out.line(full_applications(report));
    out.line(format!("  {}", parts_of(report)));
    let reports = if report.symbols.is_empty() { std::slice::from_ref(report) } else { &report.symbols };
    for report in reports {
        if let Some(symbol) = &report.symbol {
            out.line(format!("{}:", printable(symbol)));
        }
        out.line(format!("  {}", figures(report).map(|(name, value)| format!("{name} {value}")).join(", ")));
        let failing: Vec<&PairReport> = report.pairs.iter().filter(|pair| pair.is_failing()).collect();
        for pair in failing.iter().take(FAILING_ON_TERMINAL) {
            out.line(format!("  {}: {}, {}", pair.span("->"), pair.word(), printable(&pair.reason)));
            for key in pair.keys.iter().filter(|key| !key.is_applied()) {
                let (param, delta) = (&key.param, signed(key.delta));
                let (before, after) = (maybe(key.before, plain), maybe(key.after, plain));
                let sentence = format!("{param} {delta} proposed, {before} -> {after}: {}", key.state());
                out.line(format!("    {}", printable(&sentence)));
            }
        }
        if failing.len() > FAILING_ON_TERMINAL {
            out.line(format!("  and {} more", failing.len() - FAILING_ON_TERMINAL));
        }
    }
    out.text
}

fn body(doc: &mut Document, report: &DeltaReport) {
    doc.table(&columns("figure|#value"), figures(report).map(|(name, value)| row![name, value]));
    if report.pairs.is_empty() {
        return doc.paragraph("Nothing was proposed.");
    }
    doc.heading(2, "Pairs");
    if report.pairs.len() < report.pairs_total {
        let (listed, total) = (report.pairs.len(), report.pairs_total);
        doc.paragraph(&format!("{listed} of {total} are listed, those that failed first of all."));
    }
    let pairs = report.pairs.iter().map(|pair| {
        let proposed = pair.keys.iter().map(|key| format!("{} {}", cell(&key.param), signed(key.delta)));
        row![pair.span("→"), proposed.collect::<Vec<_>>().join(", "), pair.word(), cell(&pair.reason)]
    });
    doc.table(&columns("iterations|proposed|status|reason"), pairs);
    let failing = report.pairs.iter().filter(|pair| pair.is_failing());
    if failing.clone().next().is_some() {
        doc.heading(2, "Mismatches");
        let rows: Vec<Vec<Cell>> = failing
            .flat_map(|pair| {
                pair.keys.iter().filter(|key| !key.is_applied()).map(|key| {
                    row![
                        pair.span("→"),
                        cell(&key.param),
                        signed(key.delta),
                        maybe(key.before, plain),
                        maybe(key.after, plain),
                        maybe(key.change, signed),
                        cell(&key.state()),
                    ]
                })
            })
            .collect();
        doc.table(&columns("iterations|parameter|#proposed|#before|#after|#change|state"), rows);
    }
    if !report.misses.is_empty() {
        doc.heading(2, "Parameters by number of mismatches");
        let mut misses: Vec<(&String, &usize)> = report.misses.iter().collect();
        misses.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let rows = misses.into_iter().map(|(param, count)| row![cell(param), *count]);
        doc.table(&columns("parameter|#mismatches"), rows);
    }
}

/// The worst outcome of the checks; what does not apply counts only when nothing does.
fn verdict(checks: &[Check]) -> &'static str {
    checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::NotApplicable).word()
}

/// The check on one line; `clean` is for what comes from outside, the rest are our own words.
fn explanation(check: &Check, clean: fn(&str) -> String) -> String {
    let symbol = check.symbol.as_ref().map_or(String::new(), |symbol| format!("{} ", clean(symbol)));
    let limit = match (check.comparison, check.limit) {
        (Some(comparison), Some(limit)) => format!("limit {} {}", comparison.symbol(), plain(limit)),
        _ => "no limit".to_owned(),
    };
    let observed = check.observed.map_or("-".to_owned(), plain);
    let source = check
        .limit_source
        .as_ref()
        .map_or(String::new(), |source| format!(", {} from {}", clean(&source.key), clean(&source.origin)));
    format!("{symbol}{}: {observed} ({limit}{source}), {}: {}", check.gate, check.outcome, check.reason)
}

fn full_applications(report: &DeltaReport) -> String {
    let (whole, part) = (report.proposed_count, report.in_order_count());
    let percent = match report.status {
        Status::Verified => format!("{}%", fixed(100.0 * part as f64 / whole as f64, 1)),
        Status::NoProposals => "nothing was proposed".to_owned(),
        Status::Unverifiable => "unverifiable".to_owned(),
    };
    format!("Full applications: {part}/{whole} ({percent})")
}

/// What the full applications of all reports consist of.
pub(crate) fn counted_as_full(full: usize, partial: usize, skipped: usize) -> String {
    format!(
        "Every increment arrived in {full}; a reason explains {partial} applied in part and {skipped} not applied."
    )
}

fn parts_of(report: &DeltaReport) -> String {
    let partial = report.partial_ok_count.saturating_sub(report.skipped_count);
    counted_as_full(report.full_apply_count, partial, report.skipped_count)
}

fn figures(report: &DeltaReport) -> [(&'static str, String); 10] {
    let ratio = |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| fixed(ratio, 3));
    [
        ("proposed", report.proposed_count.to_string()),
        ("full", report.full_apply_count.to_string()),
        ("skipped with a reason", report.skipped_count.to_string()),
        ("explained partial", (report.partial_ok_count.saturating_sub(report.skipped_count)).to_string()),
        ("failed", report.fail_count.to_string()),
        ("stuck", report.signature_stuck_count.to_string()),
        ("unverifiable", report.unverifiable_count.to_string()),
        ("iterations without a proposal", report.none_count.to_string()),
        ("full apply ratio", ratio(report.full_apply_ratio)),
        ("strict apply ratio", ratio(report.strict_apply_ratio)),
    ]
}

impl PairReport {
    fn span(&self, arrow: &str) -> String {
        match (self.next, self.to) {
            (NextWord::EndState, _) => format!("{} {arrow} end", self.from),
            (_, Some(to)) => format!("{} {arrow} {to}", self.from),
            (_, None) => format!("{} {arrow} -", self.from),
        }
    }

    fn word(&self) -> &'static str {
        match self.status {
            PairWord::Full => "full",
            PairWord::Partial if self.explained == Some(true) => "explained partial",
            PairWord::Partial => "partial",
            PairWord::Skipped => "skipped",
            PairWord::Failed => "failed",
            PairWord::Stuck => "stuck",
            PairWord::Unverifiable => "unverifiable",
        }
    }

    fn is_failing(&self) -> bool {
        match self.status {
            PairWord::Failed | PairWord::Stuck => true,
            PairWord::Partial => self.explained != Some(true),
            PairWord::Full | PairWord::Skipped | PairWord::Unverifiable => false,
        }
    }
}

impl KeyReport {
    fn is_applied(&self) -> bool {
        matches!(self.state, KeyWord::Applied | KeyWord::Capped)
    }

    fn state(&self) -> String {
        match self.state {
            KeyWord::Applied => "applied".to_owned(),
            KeyWord::Capped => "capped at its bound".to_owned(),
            KeyWord::Dropped => format!("dropped: {}", self.code.as_deref().unwrap_or_default()),
            KeyWord::Unchanged => "unchanged".to_owned(),
            KeyWord::Mismatch if self.stored_as_value => "the increment was stored as the value".to_owned(),
            KeyWord::Mismatch => "changed by something else".to_owned(),
            KeyWord::Missing => "value unknown".to_owned(),
        }
    }
}

fn maybe(value: Option<f64>, words: fn(f64) -> String) -> String {
    value.map_or("-".to_owned(), words)
}

/// Up to six decimals, without trailing zeros; very small and very large numbers with an exponent.
fn plain(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e15).contains(&size) {
        return format!("{value:e}");
    }
    trimmed(&fixed(value, 6)).to_owned()
}

/// Like [`plain`], with a plus sign where it goes up.
fn signed(value: f64) -> String {
    if value > 0.0 { format!("+{}", plain(value)) } else { plain(value) }
}

#[cfg(test)]
mod tests;
