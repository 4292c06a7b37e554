//! What `soak audit` prints: the steps, a preview of the report, and the verdict in the last lines; and the words
//! for rows, phases and verdict that the Markdown report has in common with it.

use std::path::{Path, PathBuf};

use crate::core::analysis::audit::{Audit, KeyFile, ListedFile, Phase, decimals_of};
use crate::core::analysis::{Analysis, SymbolAnalysis, WindowStats};
use crate::core::judge::count;
use crate::core::kpi::KpiId;
use crate::core::text::number::{beside, fixed, trimmed};
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, Outcome, Part};
use crate::report::deltas::counted_as_full;
use crate::report::terminal::{Lines, Style, bound, decision};
use crate::report::text::{maybe, printable};
use crate::stats::Summary;

/// Findings, failures, symbols and the like that are shown of each; the reports contain all.
const MOST: usize = 20;

/// Lines of the report that are shown.
const PREVIEW: usize = 30;

/// Where things are, and how the command ends.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// The folder with the iterations.
    pub run: &'p Path,
    /// The folder that was written into.
    pub base: &'p Path,
    /// What was written, relative to it.
    pub written: &'p [PathBuf],
    /// The Markdown report.
    pub report: &'p str,
    /// Whether HOLD fails the command.
    pub fail_on_hold: bool,
    /// The exit code of the command.
    pub exit_code: u8,
}

/// The whole output.
pub fn text(audit: &Audit<'_>, provenance: &Provenance, place: Place<'_>, style: Style) -> String {
    let mut out = Lines::new(style);
    out.heading(&format!("SOAK ARTIFACT AUDIT: {}", shown(place.run)));
    let tunes = audit.analysis.tunes;
    let has_phases = tunes || !audit.phases.is_empty();
    let all = 8 + 2 * usize::from(tunes) + usize::from(has_phases);
    let mut done = 0;
    let mut step = |out: &mut Lines, what: &str| {
        done += 1;
        out.line(format!("\n[{done}/{all}] {what}"));
    };
    step(&mut out, "Verifying folder structure...");
    structure(&mut out, audit, place.run);
    step(&mut out, "Loading ITER_SUMMARY files...");
    loading(&mut out, audit);
    step(&mut out, "Computing trend statistics...");
    trends(&mut out, audit);
    step(&mut out, "Checking snapshots against the iterations...");
    snapshots(&mut out, audit);
    let first = audit.readiness.checks.iter().find(|check| check.part == Part::Readiness);
    let window = first.map_or_else(String::new, |check| check.window.name.replace("last", "last-"));
    step(&mut out, &format!("Readiness Gate Check ({window} window)..."));
    readiness(&mut out, audit);
    if tunes {
        step(&mut out, "Analyzing tuning...");
        tuning(&mut out, audit);
        step(&mut out, "Verifying deltas...");
        deltas(&mut out, audit);
    }
    if has_phases {
        step(&mut out, "Analyzing warm-up...");
        warmup(&mut out, audit);
    }
    step(&mut out, "Generating recommendations...");
    out.line("Recommendations:");
    out.list(audit.recommendations.iter().map(|text| printable(text)), MOST);
    step(&mut out, "Creating reports...");
    for name in place.written {
        let mark = out.good();
        out.line(format!("{mark} Saved: {}", shown(&place.base.join(name))));
    }
    if place.written.is_empty() {
        out.line("Nothing was written.");
    }
    step(&mut out, "Preview of the report:");
    for line in place.report.lines().take(PREVIEW) {
        out.line(format!("  {line}").trim_end());
    }
    last(&mut out, audit, provenance, place);
    out.text
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn structure(out: &mut Lines, audit: &Audit<'_>, run: &Path) {
    let folder = &audit.folder;
    out.line(format!("{} Base directory exists: {}", out.good(), shown(run)));
    let more = if folder.cut { " or more" } else { "" };
    out.line(format!(
        "  Files found: {}{more} (showing {})",
        folder.listing.files_total,
        folder.listing.files.len()
    ));
    for ListedFile { file: name, bytes } in &folder.listing.files {
        out.line(format!("    - {}: {}", printable(name), size(*bytes)));
    }
    out.line("\nKey files:");
    for file in audit.key_files() {
        let line = if folder.has(*file) {
            format!("  {} {}", out.good(), file.name())
        } else {
            format!("  {} (missing) {}", out.bad(), file.name())
        };
        out.line(line);
    }
}

/// Bytes as people write them, in units of 1024.
fn size(bytes: u64) -> String {
    const KIB: f64 = 1024.0;
    let bytes_float = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", fixed(bytes_float / KIB, 1)),
        _ => format!("{} MB", fixed(bytes_float / (KIB * KIB), 1)),
    }
}

fn loading(out: &mut Lines, audit: &Audit<'_>) {
    let evidence = &audit.analysis.evidence;
    out.line(format!("{} Loaded {}", out.good(), count(evidence.len(), "iteration")));
    if is_per_symbol(audit.analysis) {
        let names = audit.analysis.symbols.iter().take(MOST).map(|symbol| printable(name(symbol)));
        out.line(format!("  Symbols: {}", names.collect::<Vec<_>>().join(", ")));
    }
    for warning in audit.warnings.iter().take(MOST) {
        out.line(format!("! WARNING: {}", printable(warning)));
    }
    if !audit.findings.is_empty() {
        out.line("Findings:");
        let findings = audit.findings.iter().map(|finding| {
            let place = if finding.in_window { " (in the window)" } else { "" };
            printable(&format!("{}{place}", printable(&finding.message)))
        });
        out.list(findings, MOST);
    }
}

fn trends(out: &mut Lines, audit: &Audit<'_>) {
    match &audit.symbol().symbol {
        Some(symbol) => out.line(format!("Trend Statistics of {}:", printable(symbol))),
        None => out.line("Trend Statistics:"),
    }
    out.line(format!("{:<20} {:<8} {:>10} {:>10} {:>10}", "Metric", "Window", "Min", "Max", "Median"));
    out.line("-".repeat(62));
    for (kpi, metric) in KpiId::drawn(&audit.analysis.kpis) {
        for window in audit.windows() {
            let [min, max, median] = spread(window, kpi);
            out.line(format!("{metric:<20} {:<8} {min:>10} {max:>10} {median:>10}", window.window.name));
        }
    }
}

fn snapshots(out: &mut Lines, audit: &Audit<'_>) {
    let about = audit.findings.iter().filter(|finding| {
        finding.file.as_deref().is_some_and(|file| file.ends_with(KeyFile::Snapshot.name()))
    });
    let reported: Vec<String> = about.map(|finding| printable(&finding.message)).collect();
    if !audit.folder.has(KeyFile::Snapshot) {
        out.line("No snapshot is there; the iterations are judged.");
    } else if reported.is_empty() {
        let mark = out.good();
        out.line(format!("{mark} What is there agrees with the iterations"));
    } else {
        out.list(reported, MOST);
    }
}

fn readiness(out: &mut Lines, audit: &Audit<'_>) {
    let (style, readiness) = (out.style, &audit.readiness);
    out.line(format!("{:<20} {:<12} {:>12}     Status", "Metric", "Target", "Actual"));
    out.line("-".repeat(62));
    for symbol in audit.analysis.symbols.iter().take(MOST) {
        if let Some(symbol) = &symbol.symbol {
            // A line that started with the name could be a workflow command to a CI system.
            out.line(format!("Symbol {}:", printable(symbol)));
        }
        for check in readiness.limits(symbol.symbol.as_deref()) {
            let Row { metric, target, actual, .. } = Row::of(audit, check, style.ascii);
            let status = style.paint(check.outcome, status(check.outcome, style.ascii));
            out.line(format!("{metric:<20} {target:<12} {actual:>12}     {status}"));
            if check.outcome != Outcome::Pass {
                out.line(format!("    {}", printable(&check.reason)));
                out.line(format!("    {}", decision(check)));
            }
        }
    }
    let of_the_gate = |check: &&Check| check.part != Part::Readiness && check.outcome > Outcome::Pass;
    for check in readiness.checks.iter().filter(of_the_gate).take(MOST) {
        out.line(format!("{} {}: {}", out.bad(), check.gate, printable(&check.reason)));
    }
    out.line(format!("Gate: {}", gate_line(audit)));
    out.line(format!("\n{}", style.paint(readiness.outcome, &verdict(audit))));
    for sentence in audit.analysis.disagreements.iter().take(MOST) {
        out.line(format!("note: {}", printable(sentence)));
    }
}

fn tuning(out: &mut Lines, audit: &Audit<'_>) {
    let totals = &audit.tuning;
    if totals.records == 0 {
        out.line("No iteration carries a tuning record.");
        return;
    }
    out.line(format!("  Proposed: {}", count(totals.proposed, "iteration")));
    out.line(format!("  Applied:  {}", count(totals.applied, "iteration")));
    if !totals.skips.is_empty() {
        out.line("  Top reasons for a change left out, in whole or in part:");
        for skip in &totals.skips {
            out.line(format!("    - {}: {}", printable(&skip.reason), skip.iterations));
        }
    }
}

fn deltas(out: &mut Lines, audit: &Audit<'_>) {
    let Some(verified) = audit.deltas() else {
        out.line("Left out.");
        return;
    };
    let counts = &verified.counts;
    match verified.full_apply_ratio {
        Some(ratio) => {
            let percent =
                counts.in_order_percent().map_or_else(|| "-".to_owned(), |percent| fixed(percent, 1));
            out.line(format!("  Full applications: {}/{} ({percent}%)", counts.in_order(), counts.proposed));
            let parts = counted_as_full(counts.full, counts.partial_explained, counts.skipped);
            out.line(format!("  {parts}"));
            out.line(format!("  Full apply ratio:  {}", fixed(ratio, 3)));
        }
        None => out.line(format!("  Full applications: n/a ({})", verified.status.word())),
    }
}

fn warmup(out: &mut Lines, audit: &Audit<'_>) {
    let metrics = audit.folder.warmup.as_ref();
    if audit.phases.is_empty() && metrics.is_none() {
        out.line("No iteration names a phase, and there are no warm-up metrics.");
        return;
    }
    for (name, phase) in phases(audit).into_iter().take(MOST) {
        let n = count(phase.iterations, "iteration");
        out.line(format!("  {}: {n} ({}-{})", printable(name), phase.first, phase.last));
    }
    if let Some(metrics) = metrics {
        let error = metrics.exporter_error.map_or_else(|| "not told".to_owned(), |error| fixed(error, 0));
        out.line(format!("  exporter error: {error}"));
        for (guard, n) in metrics.guard_triggers.iter().take(MOST) {
            out.line(format!("  guard {}: {}", printable(guard), fixed(*n, 0)));
        }
    }
}

/// On HOLD the last lines are the verdict and the exit, on OK the reports and the values come between them.
fn last(out: &mut Lines, audit: &Audit<'_>, provenance: &Provenance, place: Place<'_>) {
    let readiness = &audit.readiness;
    let is_ok = readiness.is_ok();
    out.line("");
    if !is_ok {
        if !readiness.failures.is_empty() {
            out.line("Failures:");
            out.list(readiness.failures.iter().map(|text| printable(text)), MOST);
            out.line("");
        }
        reports(out, place);
    }
    if let Some(given) = &provenance.overridden {
        let (by, reason) = (printable(&given.by), printable(&given.reason));
        out.line(format!("OVERRIDDEN by {by} at {}: {reason}", printable(&given.at)));
    }
    let short = if is_ok { "READINESS: OK".to_owned() } else { verdict(audit) };
    out.line(format!("Gate: {}", gate_line(audit)));
    let mark = out.sign("🎯 ");
    out.heading(&format!("{mark}FINAL VERDICT: {short}"));
    if is_ok {
        out.line("");
        reports(out, place);
        out.line("All KPIs with a limit are within thresholds:");
        let symbols = audit.analysis.symbols.iter().map(|symbol| symbol.symbol.as_deref());
        for check in symbols.flat_map(|symbol| readiness.limits(symbol)).take(MOST) {
            let Row { metric, target, actual, .. } = Row::of(audit, check, out.style.ascii);
            let symbol = check.symbol.as_deref().map_or_else(String::new, |name| printable(name) + " ");
            let mark = out.good();
            out.line(format!("  {mark} {symbol}{metric}: {} {target}", trimmed(&actual)));
        }
        let mark = out.sign("✅ ");
        let origin = &audit.analysis.origin;
        match (origin.sentence(), origin.note()) {
            (Some(_), _) => {}
            (None, Some(note)) => out.line(format!("\n{mark}READINESS OK ({})", printable(&note))),
            (None, None) if audit.analysis.mock => {
                out.line(format!(
                    "\n{mark}READINESS OK (relaxed limits of `--mock`: not valid for a release)"
                ));
            }
            (None, None) if !audit.analysis.evidence.is_complete() => {
                out.line(format!("\n{mark}READINESS OK (so far: the run is not complete)"));
            }
            (None, None) => out.line(format!("\n{mark}READY FOR RELEASE")),
        }
    }
    if let Some(sentence) = audit.analysis.origin.sentence() {
        out.line(format!("\n{sentence}"));
    }
    let flag = if place.fail_on_hold { "True" } else { "False" };
    let (word, code) = (readiness.word(), place.exit_code);
    out.line(format!("[EXIT] fail-on-hold: {flag}, verdict: {word}, exit_code={code}"));
}

/// Where the reports are, as far as they were written.
fn reports(out: &mut Lines, place: Place<'_>) {
    let kinds = [("📄 ", "Full report", "md"), ("📊 ", "JSON summary", "json"), ("📈 ", "CSV table", "csv")];
    let found: Vec<String> = kinds
        .iter()
        .filter_map(|(mark, what, extension)| {
            let mut names = place.written.iter();
            let name = names.find(|name| name.extension().is_some_and(|found| found == *extension))?;
            Some(format!("{}{what}: {}", out.sign(mark), shown(&place.base.join(name))))
        })
        .collect();
    for line in &found {
        out.line(line);
    }
    if !found.is_empty() {
        out.line("");
    }
}

/// A limit of readiness in words; may hold text from the policy.
pub(super) struct Row {
    pub(super) metric: String,
    pub(super) target: String,
    pub(super) actual: String,
    pub(super) status: &'static str,
}

impl Row {
    pub(super) fn of(audit: &Audit<'_>, check: &Check, ascii: bool) -> Self {
        let decimals = |seen| decimals_of(&audit.analysis.kpis, check, seen);
        let actual = match (check.observed, check.limit) {
            (Some(seen), Some(limit)) => beside(seen, limit, decimals(seen)),
            (Some(seen), None) => fixed(seen, decimals(seen)),
            (None, _) => "missing".to_owned(),
        };
        Self {
            metric: printable(check.kpi.as_deref().unwrap_or(&check.gate)),
            target: bound(check).unwrap_or_default(),
            actual,
            status: status(check.outcome, ascii),
        }
    }
}

fn status(outcome: Outcome, ascii: bool) -> &'static str {
    match (outcome, ascii) {
        (Outcome::Pass, true) => "OK PASS",
        (Outcome::Pass, false) => "✓ PASS",
        (Outcome::Fail, true) => "X FAIL",
        (Outcome::Fail, false) => "✗ FAIL",
        (Outcome::Warn, _) => "! WARN",
        (Outcome::Inconclusive, _) => "! INCONCLUSIVE",
        (Outcome::Invalid, _) => "! INVALID",
        (Outcome::NotApplicable, _) => "- NOT_APPLICABLE",
    }
}

/// `READINESS: OK` or `READINESS: HOLD`, and why.
pub(super) fn verdict(audit: &Audit<'_>) -> String {
    let readiness = &audit.readiness;
    if readiness.is_ok() {
        return "READINESS: OK (all KPIs within thresholds)".to_owned();
    }
    let why = match readiness.missed() {
        0 => String::new(),
        missed => format!("{missed} KPI(s) failed"),
    };
    let outcome = match (readiness.outcome, readiness.missed()) {
        (outcome, 0) => format!("gate {outcome}"),
        (Outcome::Fail, _) => String::new(),
        (other, _) => other.word().to_owned(),
    };
    let parts: Vec<String> = [outcome, why].into_iter().filter(|part| !part.is_empty()).collect();
    format!("READINESS: HOLD ({})", parts.join(", "))
}

/// The verdict of the gate, and why.
fn gate_line(audit: &Audit<'_>) -> String {
    format!("{}: {}", audit.analysis.outcome, printable(&audit.analysis.reason()))
}

/// Min, max and median of a KPI over a window.
pub(super) fn spread(window: &WindowStats, kpi: KpiId) -> [String; 3] {
    let summary = window.kpi(kpi).and_then(|stats| stats.summary);
    let [min, max, median]: [fn(Summary) -> f64; 3] = [|of| of.min, |of| of.max, |of| of.median];
    [min, max, median].map(|which| {
        let value = summary.map(which);
        maybe(value, value.map_or(0, |value| kpi.decimals_of(value)))
    })
}

/// The phases in the order in which they began.
pub(super) fn phases<'a>(audit: &'a Audit<'_>) -> Vec<(&'a str, Phase)> {
    let mut phases: Vec<(&str, Phase)> =
        audit.phases.iter().map(|(name, phase)| (name.as_str(), *phase)).collect();
    phases.sort_by_key(|(_, phase)| phase.first);
    phases
}

/// Whether the iterations belong to symbols.
pub(super) fn is_per_symbol(analysis: &Analysis) -> bool {
    analysis.symbols.iter().any(|symbol| symbol.symbol.is_some())
}

pub(super) fn name(symbol: &SymbolAnalysis) -> &str {
    symbol.symbol.as_deref().unwrap_or("(no symbol)")
}
