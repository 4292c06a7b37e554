//! The delta verification: `DELTA_VERIFY_REPORT.json` for machines, and for people `DELTA_VERIFY_REPORT.md` and a few
//! lines for the terminal, which are made of its structure.
//!
//! Fields are in the order of their names, so that the file has sorted keys. Judges nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::analysis::{REHEARSAL, excluded_line, override_line};
use super::document::{Cell, Document, columns, row};
use super::terminal::{Lines, Style};
use super::text::{cell, printable};
use crate::core::analysis::deltas::{
    Attention, DETAILED_PAIRS, KeyCheck, KeyState, Next, Pair, PairStatus, Status, Verification,
};
use crate::core::analysis::origin::OriginBlock;
use crate::core::iteration::params::ParamName;
use crate::core::text::number::{fixed, round_half_even, trimmed};
use crate::core::text::{WORDS, excerpt};
use crate::core::verdict::provenance::Override;
use crate::core::verdict::{Check, Outcome};

/// Most pairs that a report lists.
pub(crate) const LISTED_PAIRS: usize = DETAILED_PAIRS;

/// The report of one series; or of several symbols, and then its figures are those of the worst symbol.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
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
    #[schemars(with = "BTreeMap<String, usize>")]
    pub(crate) misses: BTreeMap<ParamName, usize>,
    /// Iterations that proposed nothing.
    pub(crate) none_count: usize,
    /// The verdict of `gate` on the same folder; absent in the reports of single symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<String>,
    /// Its main reason; absent in the reports of single symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome_reason: Option<String>,
    /// Why the data is not about a release; only where it is simulated or a rehearsal, and absent in the reports of
    /// single symbols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<OriginBlock>,
    /// Symbols that the policy or a flag left out of the judgement; absent without any and in the reports of single
    /// symbols.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) excluded_symbols: Vec<String>,
    /// A recorded override of the gate that this report belongs to.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub(crate) overridden: Option<Override>,
    /// Part of a rehearsal of a release, and no statement about one; left out otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rehearsal: bool,
    /// The pairs, in order; at most 1000, failing ones first kept. Empty above `symbols`.
    pub(crate) pairs: Vec<Pair>,
    /// Pairs there are.
    pub(crate) pairs_total: usize,
    /// Partly applied with a code for every key that was not, and skipped with a reason.
    pub(crate) partial_ok_count: usize,
    /// Iterations with a proposal.
    pub(crate) proposed_count: usize,
    /// Version of this format.
    pub(crate) schema_version: String,
    /// Applied proposals that left their parameter unchanged.
    pub(crate) signature_stuck_count: usize,
    /// Not applied, with a reason.
    pub(crate) skipped_count: usize,
    /// Whether the ratios mean anything.
    pub(crate) status: Status,
    /// `full_apply_count` ÷ `claimed_count`, 3 digits; null like the other ratio, and when nothing was applied.
    pub(crate) strict_apply_ratio: Option<f64>,
    /// The symbol; the worst one where there are several; absent for runs that are not per symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) symbol: Option<String>,
    /// One report for each symbol; absent for runs that are not per symbol.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) symbols: Vec<DeltaReport>,
    /// Proposals said to be applied whose values the files do not show.
    pub(crate) unverifiable_count: usize,
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
            misses: misses.clone(),
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

fn listed(pairs: &[Pair]) -> Vec<Pair> {
    let mut chosen: Vec<&Pair> = Attention::ALL
        .into_iter()
        .flat_map(|attention| pairs.iter().filter(move |pair| pair.attention() == attention))
        .take(LISTED_PAIRS)
        .collect();
    chosen.sort_by_key(|pair| pair.from);
    chosen.into_iter().cloned().collect()
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
        "An application is full in this count when every increment arrived, or when a guard gave the reason for what did not. {}",
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
        let failing: Vec<&Pair> = failing(report).collect();
        for pair in failing.iter().take(FAILING_ON_TERMINAL) {
            out.line(format!("  {}: {}, {}", span(pair, "->"), word(pair), printable(&reason(pair))));
            for key in pair.keys.iter().filter(|key| !key.is_applied()) {
                let (param, delta) = (&key.param, signed(key.delta));
                let (before, after) = (maybe(key.before, plain), maybe(key.after, plain));
                let sentence = format!("{param} {delta} proposed, {before} -> {after}: {}", state(key));
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
        let proposed =
            pair.keys.iter().map(|key| format!("{} {}", cell(key.param.as_str()), signed(key.delta)));
        row![span(pair, "→"), proposed.collect::<Vec<_>>().join(", "), word(pair), cell(&reason(pair))]
    });
    doc.table(&columns("iterations|proposed|status|reason"), pairs);
    if failing(report).next().is_some() {
        doc.heading(2, "Mismatches");
        let rows: Vec<Vec<Cell>> = failing(report)
            .flat_map(|pair| {
                pair.keys.iter().filter(|key| !key.is_applied()).map(|key| {
                    row![
                        span(pair, "→"),
                        cell(key.param.as_str()),
                        signed(key.delta),
                        maybe(key.before, plain),
                        maybe(key.after, plain),
                        maybe(key.change, signed),
                        cell(&state(key)),
                    ]
                })
            })
            .collect();
        doc.table(&columns("iterations|parameter|#proposed|#before|#after|#change|state"), rows);
    }
    if !report.misses.is_empty() {
        doc.heading(2, "Parameters by number of mismatches");
        let mut misses: Vec<(&str, &usize)> =
            report.misses.iter().map(|(param, count)| (param.as_str(), count)).collect();
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

fn failing(report: &DeltaReport) -> impl Iterator<Item = &Pair> {
    report.pairs.iter().filter(|pair| pair.attention() == Attention::Failing)
}

fn span(pair: &Pair, arrow: &str) -> String {
    let to = match (pair.next, pair.to) {
        (Next::EndState, _) => "end".to_owned(),
        (_, to) => to.map_or("-".to_owned(), |to| to.to_string()),
    };
    format!("{} {arrow} {to}", pair.from)
}

fn word(pair: &Pair) -> &'static str {
    match pair.status {
        PairStatus::Full => "full",
        PairStatus::Partial if pair.explained == Some(true) => "explained partial",
        PairStatus::Partial => "partial",
        PairStatus::Skipped => "skipped",
        PairStatus::Failed => "failed",
        PairStatus::Stuck => "stuck",
        PairStatus::Unverifiable => "unverifiable",
    }
}

fn reason(pair: &Pair) -> String {
    excerpt(&pair.reason.to_string(), WORDS)
}

fn state(key: &KeyCheck) -> String {
    let state = match key.state {
        KeyState::Dropped => return format!("dropped: {}", key.code.as_deref().unwrap_or_default()),
        KeyState::Applied => "applied",
        KeyState::Capped => "capped at its bound",
        KeyState::Unchanged => "unchanged",
        KeyState::Mismatch if key.stored_as_value => "the increment was stored as the value",
        KeyState::Mismatch => "changed by something else",
        KeyState::Missing => "value unknown",
    };
    state.to_owned()
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
mod tests {
    mod document {

        use super::*;
        use crate::core::analysis::deltas::{Counts, Why};

        fn pair(from: u64, status: PairStatus) -> Pair {
            let key = KeyCheck {
                after: Some(30.0),
                before: Some(600.0),
                change: Some(-570.0),
                code: None,
                delta: 30.0,
                param: ParamName::flat("tail_age_ms"),
                state: KeyState::Mismatch,
                stored_as_value: true,
            };
            Pair {
                claimed: true,
                explained: None,
                from,
                keys: [key].into(),
                next: Next::Iteration,
                reason: Why::AsProposed,
                status,
                to: Some(from + 1),
            }
        }

        /// 7 proposals: 2 full, 1 explained, 1 unexplained, 1 skipped, 1 failed, 1 stuck.
        fn verification() -> Verification {
            let counts = Counts {
                none: 3,
                proposed: 7,
                full: 2,
                partial_explained: 1,
                partial_unexplained: 1,
                skipped: 1,
                failed: 1,
                stuck: 1,
                unverifiable: 0,
                claimed: 6,
                missing_values: 0,
            };
            Verification {
                pairs: vec![pair(1, PairStatus::Full), pair(2, PairStatus::Failed)],
                counts,
                misses: BTreeMap::from([(ParamName::flat("tail_age_ms"), 3)]),
                full_apply_ratio: Some(4.0 / 7.0),
                strict_apply_ratio: Some(2.0 / 6.0),
                status: Status::Verified,
            }
        }

        #[test]
        fn the_figures_follow_from_the_counts() {
            let report = DeltaReport::new(None, &verification());
            assert_eq!((report.proposed_count, report.none_count, report.claimed_count), (7, 3, 6));
            assert_eq!(report.full_apply_count, 2);
            assert_eq!(report.partial_ok_count, 2, "explained partial and skipped");
            assert_eq!(report.fail_count, 2, "failed and unexplained partial");
            assert_eq!(
                (report.signature_stuck_count, report.unverifiable_count, report.skipped_count),
                (1, 0, 1)
            );
            assert_eq!((report.full_apply_ratio, report.strict_apply_ratio), (Some(0.571), Some(0.333)));
            assert_eq!(report.in_order_count(), 4);
            assert_eq!(report.misses, BTreeMap::from([(ParamName::flat("tail_age_ms"), 3)]));
        }

        #[test]
        fn the_file_has_what_became_of_every_key() {
            let one = DeltaReport::new(Some("BTCUSDT"), &verification());
            let report = DeltaReport::whole(vec![one]).expect("a report");
            let value = serde_json::to_value(&report).expect("JSON");
            let key = &value["symbols"][0]["pairs"][1]["keys"][0];
            assert_eq!(key["state"], "mismatch");
            assert_eq!((&key["stored_as_value"], &key["change"]), (&true.into(), &(-570.0).into()));
            assert_eq!((&value["schema_version"], &value["status"]), (&"1.0".into(), &"verified".into()));
            assert_eq!(value["symbols"][0]["pairs"][0]["next"], "iteration");
        }

        #[test]
        fn without_ratios_the_fields_are_null_and_not_absent() {
            let empty = Verification {
                pairs: Vec::new(),
                counts: Counts::default(),
                misses: BTreeMap::new(),
                full_apply_ratio: None,
                strict_apply_ratio: None,
                status: Status::NoProposals,
            };
            let value = serde_json::to_value(DeltaReport::new(None, &empty)).expect("JSON");
            assert!(value["full_apply_ratio"].is_null() && value.get("full_apply_ratio").is_some());
            assert_eq!(
                (&value["status"], value.get("symbol"), value.get("symbols")),
                (&"no_proposals".into(), None, None)
            );
        }

        #[test]
        fn too_many_pairs_keep_the_failing_ones_and_stay_in_order() {
            let mut many = verification();
            let limit = LISTED_PAIRS as u64;
            many.pairs = (1..=limit).map(|number| pair(number, PairStatus::Skipped)).collect();
            many.pairs.push(pair(limit + 1, PairStatus::Unverifiable));
            many.pairs.push(pair(limit + 2, PairStatus::Stuck));
            let report = DeltaReport::new(None, &many);
            assert_eq!((report.pairs.len(), report.pairs_total), (LISTED_PAIRS, LISTED_PAIRS + 2));
            let last: Vec<u64> = report.pairs[LISTED_PAIRS - 3..].iter().map(|pair| pair.from).collect();
            assert_eq!(last, [limit - 2, limit + 1, limit + 2]);
            many.pairs.truncate(LISTED_PAIRS);
            assert_eq!(DeltaReport::new(None, &many).pairs.len(), LISTED_PAIRS);
        }

        #[test]
        fn the_whole_has_the_figures_of_the_worst_symbol() {
            let of = |symbol: &str, full: usize, status: Status| {
                let mut one = verification();
                one.counts = Counts { proposed: 10, full, claimed: 10, ..Counts::default() };
                one.full_apply_ratio = (status == Status::Verified).then_some(full as f64 / 10.0);
                one.status = status;
                DeltaReport::new(Some(symbol), &one)
            };
            let reports = vec![
                of("A", 9, Status::Verified),
                of("B", 8, Status::Verified),
                of("C", 0, Status::Unverifiable),
            ];
            let whole = DeltaReport::whole(reports).expect("three symbols");
            assert_eq!((whole.symbol.as_deref(), whole.full_apply_ratio), (Some("B"), Some(0.8)));
            assert_eq!((whole.proposed_count, whole.symbols.len(), whole.pairs.len()), (10, 3, 0));
            let plain = DeltaReport::new(None, &verification());
            assert_eq!(DeltaReport::whole(vec![plain.clone()]), Some(plain));
            assert_eq!(DeltaReport::whole(Vec::new()), None);
        }

        #[test]
        fn the_schema_describes_every_field() {
            let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
            let schema = settings.into_generator().into_root_schema_for::<DeltaReport>().to_value();
            let report = serde_json::to_value(DeltaReport::new(Some("A"), &verification())).expect("JSON");
            assert!(jsonschema::is_valid(&schema, &report));
            for key in report.as_object().expect("an object").keys() {
                assert!(schema["properties"].get(key).is_some(), "{key}");
            }
        }
    }
    mod texts {

        use std::collections::BTreeMap;

        use super::*;
        use crate::core::analysis::deltas::Why;
        use crate::core::iteration::guards::GuardSet;
        use crate::core::verdict::{Comparison, LimitSource, Part, Severity, WindowUsed};

        fn key(param: &str, delta: f64, values: Option<(f64, f64)>, state: KeyState) -> KeyCheck {
            KeyCheck {
                after: values.map(|(_, after)| after),
                before: values.map(|(before, _)| before),
                change: values.map(|(before, after)| after - before),
                code: (state == KeyState::Dropped).then(|| "velocity".into()),
                delta,
                param: ParamName::flat(param),
                state,
                stored_as_value: values.is_some_and(|(_, after)| after == delta),
            }
        }

        fn pair(from: u64, status: PairStatus, note: &str, keys: Vec<KeyCheck>) -> Pair {
            Pair {
                claimed: true,
                explained: (status == PairStatus::Partial).then_some(false),
                from,
                keys: keys.into(),
                next: Next::Iteration,
                reason: Why::Reason { code: None, note: Some(note.into()), guards: GuardSet::default() },
                status,
                to: Some(from + 1),
            }
        }

        /// Four proposals: full, skipped, failed, unverifiable.
        fn report() -> DeltaReport {
            let mut last = pair(
                9,
                PairStatus::Unverifiable,
                "nothing after",
                vec![key("a", 1.0, None, KeyState::Missing)],
            );
            (last.next, last.to) = (Next::Nothing, None);
            DeltaReport {
                claimed_count: 3,
                fail_count: 1,
                full_apply_count: 1,
                full_apply_ratio: Some(0.5),
                misses: BTreeMap::from([
                    (ParamName::flat("impact_cap_ratio"), 1),
                    (ParamName::flat("tail_age_ms"), 4),
                ]),
                none_count: 5,
                outcome: None,
                outcome_reason: None,
                origin: None,
                excluded_symbols: Vec::new(),
                overridden: None,
                rehearsal: false,
                pairs: vec![
                    pair(
                        1,
                        PairStatus::Full,
                        "as proposed",
                        vec![key("tail_age_ms", 30.0, Some((600.0, 630.0)), KeyState::Applied)],
                    ),
                    pair(
                        2,
                        PairStatus::Skipped,
                        "velocity: too | fast\n<b>",
                        vec![key("tail_age_ms", 30.0, Some((630.0, 630.0)), KeyState::Unchanged)],
                    ),
                    pair(
                        3,
                        PairStatus::Failed,
                        "no value changed as proposed",
                        vec![
                            key("impact_cap_ratio", -0.01, Some((0.1, -0.01)), KeyState::Mismatch),
                            key("tail_age_ms", 30.0, Some((630.0, 640.0)), KeyState::Mismatch),
                        ],
                    ),
                    last,
                ],
                pairs_total: 4,
                partial_ok_count: 1,
                proposed_count: 4,
                schema_version: "1.0".to_owned(),
                signature_stuck_count: 0,
                skipped_count: 1,
                status: Status::Verified,
                strict_apply_ratio: Some(0.333),
                symbol: None,
                symbols: Vec::new(),
                unverifiable_count: 1,
            }
        }

        fn check(outcome: Outcome) -> Check {
            Check {
                part: Part::Deltas,
                gate: "deltas.full_apply_ratio".to_owned(),
                kpi: None,
                symbol: None,
                severity: Severity::Hard,
                window: WindowUsed { name: "overall".to_owned(), first: Some(1), last: Some(9), n: 9 },
                statistic: "full_apply_ratio".to_owned(),
                comparison: Some(Comparison::AtLeast),
                limit: Some(0.9),
                observed: Some(0.5),
                margin: Some(-0.4),
                outcome,
                reason: "2 of 4".to_owned(),
                limit_source: Some(LimitSource {
                    key: "deltas.full".to_owned(),
                    origin: "built-in policy".to_owned(),
                }),
                joins: true,
                inference: None,
            }
        }

        fn has(text: &str, line: &str) -> bool {
            text.lines().any(|have| have == line)
        }

        #[test]
        fn the_line_that_programs_read_has_its_form_and_agrees_with_the_ratio() {
            let mut report = report();
            assert!(has(&markdown(&report, &[]), "Full applications: 2/4 (50.0%)"));
            assert!(has(&text(&report, &[]), "Full applications: 2/4 (50.0%)"));
            report.proposed_count = 3;
            assert!(has(&markdown(&report, &[]), "Full applications: 2/3 (66.7%)"));
            report.status = Status::Unverifiable;
            assert!(has(&markdown(&report, &[]), "Full applications: 2/3 (unverifiable)"));
            report = DeltaReport {
                proposed_count: 0,
                full_apply_count: 0,
                partial_ok_count: 0,
                skipped_count: 0,
                ..report
            };
            report.status = Status::NoProposals;
            assert!(has(&markdown(&report, &[]), "Full applications: 0/0 (nothing was proposed)"));
        }

        #[test]
        fn the_verdict_is_the_worst_check_and_shows_its_explanation() {
            let both = markdown(&report(), &[check(Outcome::Pass), check(Outcome::Fail)]);
            assert!(has(&both, "**Deltas: FAIL**"));
            assert!(has(
                &both,
                "- deltas.full_apply_ratio: 0.5 (limit >= 0.9, deltas.full from built-in policy), FAIL: 2 of 4"
            ));
            assert!(has(
                &markdown(&report(), &[check(Outcome::NotApplicable)]),
                "**Deltas: NOT_APPLICABLE**"
            ));
        }

        #[test]
        fn the_markdown_shows_pairs_mismatches_and_parameters() {
            let text = markdown(&report(), &[check(Outcome::Fail)]);
            for line in [
                "# Delta verification",
                "| full apply ratio | 0.500 |",
                "| strict apply ratio | 0.333 |",
                "| 1 → 2 | tail_age_ms +30 | full | as proposed |",
                r"| 2 → 3 | tail_age_ms +30 | skipped | velocity: too \| fast &lt;b&gt; |",
                "| 3 → 4 | impact_cap_ratio -0.01, tail_age_ms +30 | failed | no value changed as proposed |",
                "| 9 → - | a +1 | unverifiable | nothing after |",
                "| 3 → 4 | impact_cap_ratio | -0.01 | 0.1 | -0.01 | -0.11 | the increment was stored as the value |",
                "| 3 → 4 | tail_age_ms | +30 | 630 | 640 | +10 | changed by something else |",
                "## What unverifiable means",
            ] {
                assert!(has(&text, line), "{line}\n---\n{text}");
            }
            let (most, least) = ("| tail_age_ms | 4 |", "| impact_cap_ratio | 1 |");
            assert!(text.find(most) < text.find(least) && has(&text, most) && has(&text, least));
            assert!(text.ends_with(".\n") && !text.ends_with("\n\n"));
        }

        #[test]
        fn what_is_not_there_gets_no_section() {
            let mut report = report();
            report.pairs.truncate(2);
            (report.unverifiable_count, report.pairs_total) = (0, 2);
            report.misses.clear();
            let text = markdown(&report, &[]);
            assert!(!text.contains("unverifiable means") && !text.contains("Mismatches"), "{text}");
            report.pairs_total = 7;
            assert!(has(&markdown(&report, &[]), "2 of 7 are listed, those that failed first of all."));
        }

        #[test]
        fn each_symbol_has_its_section() {
            let one = |symbol: &str| DeltaReport { symbol: Some(symbol.to_owned()), ..report() };
            let whole = DeltaReport::whole(vec![one("A|B"), one("C")]).expect("two symbols");
            let text = markdown(&whole, &[]);
            assert!(has(&text, r"The figures above are those of the worst symbol, A\|B."), "{text}");
            assert!(has(&text, r"## A\|B") && has(&text, "## C") && has(&text, "### Pairs"));
            assert_eq!(text.matches("Full applications:").count(), 1);
        }

        #[test]
        fn the_terminal_shows_what_failed() {
            let shown = text(&report(), &[check(Outcome::Fail)]);
            insta::assert_snapshot!(format!("{shown}(end)"), @r"
                delta verification: FAIL
                  deltas.full_apply_ratio: 0.5 (limit >= 0.9, deltas.full from built-in policy), FAIL: 2 of 4
                Full applications: 2/4 (50.0%)
                  Every increment arrived in 1; a reason explains 0 applied in part and 1 not applied.
                  proposed 4, full 1, skipped with a reason 1, explained partial 0, failed 1, stuck 0, unverifiable 1, iterations without a proposal 5, full apply ratio 0.500, strict apply ratio 0.333
                  3 -> 4: failed, no value changed as proposed
                    impact_cap_ratio -0.01 proposed, 0.1 -> -0.01: the increment was stored as the value
                    tail_age_ms +30 proposed, 630 -> 640: changed by something else
                (end)
                ");
        }

        #[test]
        fn the_terminal_is_not_flooded() {
            let mut report = report();
            let failing = report.pairs[2].clone();
            report.pairs = vec![failing.clone(); FAILING_ON_TERMINAL];
            assert!(!text(&report, &[]).contains("more"));
            report.pairs.push(failing);
            assert!(has(&text(&report, &[]), "  and 1 more"));
        }

        #[test]
        fn numbers_are_short_and_keep_their_sign() {
            assert_eq!(plain(100.0), "100");
            assert_eq!(plain(0.0), "0");
            assert_eq!(plain(0.020_000_000_000_000_004), "0.02");
            assert_eq!(plain(0.000_001), "0.000001");
            assert_eq!(plain(0.000_000_5), "5e-7");
            assert_eq!(plain(1e15), "1e15");
            assert_eq!(signed(-0.005), "-0.005");
            assert_eq!(signed(0.005), "+0.005");
            assert_eq!(signed(0.0), "0");
        }

        #[test]
        fn simulated_data_and_excluded_symbols_are_named_in_both_forms() {
            let origin = crate::core::analysis::Origin::of_run("sim", false, |source| source == "sim");
            let note = origin.note().expect("a sentence");
            let reported = DeltaReport {
                origin: crate::core::analysis::origin::OriginBlock::of_no_release(&origin),
                excluded_symbols: vec!["BBB".to_owned()],
                ..report()
            };
            let (page, lines) = (markdown(&reported, &[]), text(&reported, &[]));
            assert!(page.contains(&format!("\n**{note}.**\n\nExcluded and not judged: BBB\n")), "{page}");
            assert!(lines.contains(&format!("\n{note}\nexcluded and not judged: BBB\n")), "{lines}");
            let nothing = markdown(&report(), &[]) + &text(&report(), &[]);
            assert!(!nothing.contains("SIMULATED") && !nothing.contains("not judged"), "{nothing}");
        }
    }

    use super::*;
}
