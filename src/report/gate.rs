//! What `gate` and `analyze` print for people: the verdict block, the reasons worst first with their explanation,
//! what else a reader should know, and what to do next.

use std::path::{Path, PathBuf};

use super::terminal::{Lines, Style, rule};
use super::text::printable;
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::judge::show;
use crate::core::text::number::fixed;
use crate::core::text::spark::{Glyphs, sparkline};
use crate::core::trend::resources::DriftWord;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, Outcome, Part};
use crate::stats::Summary;

/// Findings shown; the reports contain all.
const FINDINGS: usize = 10;

/// Where things are.
#[derive(Clone, Copy, Debug)]
pub struct Places<'p> {
    /// The folder with the iterations.
    pub run: &'p Path,
    /// The folder that was written into.
    pub base: &'p Path,
    /// What was written, relative to it.
    pub written: &'p [PathBuf],
}

impl<'p> Places<'p> {
    /// `base` is `None` where nothing was written.
    pub fn new(run: &'p Path, base: Option<&'p Path>, written: &'p [PathBuf]) -> Self {
        Self { run, base: base.unwrap_or(run), written }
    }
}

/// What `soak gate` prints. `fails_on_warn`: a WARN fails the command (`--fail-on warn`).
pub fn gate(
    analysis: &Analysis,
    provenance: &Provenance,
    places: Places<'_>,
    fails_on_warn: bool,
    style: Style,
) -> String {
    let mut out = Lines::new(style);
    out.heading("SOAK GATE");
    overview(&mut out, analysis, places.run);
    kpi_lines(&mut out, analysis);
    out.heading("FINAL VERDICT");
    verdict_block(&mut out, analysis);
    out.line(format!("{}\n", rule()));
    reasons(&mut out, analysis, provenance);
    files(&mut out, places);
    next_step(&mut out, analysis);
    out.line(format!("\n{}", closing(analysis, provenance, fails_on_warn, style)));
    out.text
}

/// What `soak analyze` prints.
pub fn analyze(analysis: &Analysis, provenance: &Provenance, places: Places<'_>, style: Style) -> String {
    let mut out = Lines::new(style);
    out.heading("SOAK ANALYSIS");
    overview(&mut out, analysis, places.run);
    kpi_lines(&mut out, analysis);
    for symbol in &analysis.symbols {
        drift_lines(&mut out, symbol, analysis.trades());
        trend_lines(&mut out, symbol);
    }
    reasons(&mut out, analysis, provenance);
    files(&mut out, places);
    next_step(&mut out, analysis);
    let passes = &analysis.worst().passes;
    let freeze =
        if analysis.tunes { format!(", freeze={}", yes(passes.freeze_seen())) } else { String::new() };
    let outcome = style.outcome(analysis.outcome);
    out.line(format!("\nPOST_SOAK: {outcome} (pass_count={}/{}{freeze})", passes.passing, passes.n));
    out.text
}

fn yes(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

fn overview(out: &mut Lines, analysis: &Analysis, run: &Path) {
    if let Some(sentence) = analysis.origin.sentence() {
        out.line(format!("{sentence}\n"));
    }
    out.line(format!("Path:         {}", printable(&run.display().to_string())));
    if let Some(archive) = &analysis.evidence.archive {
        out.line(format!("SHA-256:      {}", archive.sha256));
    }
    let n = analysis.evidence.len();
    let span = |symbol: &SymbolAnalysis| {
        let rows = analysis.series(symbol).rows();
        rows.first().zip(rows.last()).map(|(first, last)| format!(" ({}-{})", first.number, last.number))
    };
    let range = analysis.symbols.first().and_then(span).unwrap_or_default();
    out.line(format!("Iterations:   {n}{range}"));
    if analysis.symbols.len() > 1 {
        let names: Vec<String> = analysis
            .symbols
            .iter()
            .map(|symbol| printable(symbol.symbol.as_deref().unwrap_or("without symbol")))
            .collect();
        out.line(format!("Symbols:      {}", names.join(", ")));
    }
    let source = analysis.source().unwrap_or_else(|| "not recorded".to_owned());
    out.line(format!("Source:       {}", printable(&source)));
    out.line(format!("Limits:       {}", analysis.limits()));
    out.line("");
}

fn kpi_lines(out: &mut Lines, analysis: &Analysis) {
    let glyphs = if out.style.ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    for symbol in &analysis.symbols {
        if symbol.last.is_empty() {
            continue;
        }
        if let Some(name) = &symbol.symbol {
            // A line that started with the name could be a workflow command to a CI system.
            out.line(format!("Symbol {}:", printable(name)));
        }
        let series = analysis.series(symbol);
        for stats in &symbol.kpis {
            let kpi = stats.kpi;
            let reported = match &stats.summary {
                Some(Summary { mean, median, .. }) => format!(
                    "{} mean {}, median {}",
                    symbol.last.name,
                    fixed(*mean, kpi.decimals_of(*mean).max(1)),
                    show(kpi, *median)
                ),
                None => format!("{} has no value", symbol.last.name),
            };
            out.line(format!(
                "  {:<18} {} {reported}",
                printable(kpi.title()),
                sparkline(series.column(stats.kpi), 40, glyphs)
            ));
        }
    }
    out.line("");
}

/// Where resources are heading.
fn drift_lines(out: &mut Lines, symbol: &SymbolAnalysis, trades: bool) {
    let deep = &symbol.deep;
    let name = symbol.symbol.as_deref().map_or_else(String::new, |name| format!(" of {}", printable(name)));
    if deep.drift.iter().all(|drift| drift.word == DriftWord::NoData) {
        if trades {
            out.line(format!("Drift of resources{name}: no data\n"));
        }
        return;
    }
    out.line(format!("Drift of resources{name}:"));
    for drift in &deep.drift {
        out.line(format!("  {:<18} {}", drift.resource.word(), drift.text()));
    }
    out.line("");
}

/// Where the KPIs of the verdict are heading, and where they changed their level: what the checks say.
fn trend_lines(out: &mut Lines, symbol: &SymbolAnalysis) {
    let name = symbol.symbol.as_deref().map_or_else(String::new, |name| format!(" of {}", printable(name)));
    let parts = [
        (Part::KpiDrift, "Drift of the KPIs"),
        (Part::ChangePoints, "Changes of level"),
        (Part::Spread, "Spread of the KPIs"),
    ];
    for (part, title) in parts {
        let mut checks = symbol.checks.iter().filter(|check| check.part == part).peekable();
        if checks.peek().is_none() {
            continue;
        }
        out.line(format!("{title}{name}:"));
        for check in checks {
            out.line(format!("  {}", printable(&check.reason)));
        }
        out.line("");
    }
}

fn verdict_block(out: &mut Lines, analysis: &Analysis) {
    let worst = analysis.worst();
    let pass_count = format!("Pass Count:      {}/{}", worst.passes.passing, worst.passes.n);
    out.line(format!("Verdict:         {}", out.style.outcome(analysis.outcome)));
    if !analysis.tunes {
        return out.line(pass_count);
    }
    out.line(format!("Reason:          {}", printable(&analysis.reason())));
    if let Some(note) = analysis.origin.note() {
        out.line(format!("Data:            {note}"));
    }
    if let Some(symbol) = &worst.symbol {
        out.line(format!("Worst symbol:    {}", printable(symbol)));
    }
    out.line(format!("Checks:          {}", analysis.headline()));
    out.line(format!("Freeze Ready:    {}", yes(analysis.freeze_ready())));
    out.line(pass_count);
    match &worst.deltas {
        Some(verified) => {
            let ratio = match verified.full_apply_ratio {
                Some(ratio) => format!("{} ({})", fixed(ratio, 3), verified.status.word()),
                None => format!("n/a ({})", verified.status.word()),
            };
            out.line(format!("Delta Ratio:     {ratio}"));
            out.line(format!("Signature Stuck: {}", verified.counts.stuck));
        }
        None => out.line("Delta Ratio:     left out (--skip-delta-verify)"),
    }
}

fn reasons(out: &mut Lines, analysis: &Analysis, provenance: &Provenance) {
    let reasons = analysis.reasons();
    if reasons.is_empty() {
        out.line(format!("PASS because {}:", analysis.reason()));
    } else {
        out.line("Reasons, worst first:");
        for check in &reasons {
            out.check(check);
        }
        out.line("\nOther checks of the verdict:");
    }
    let holds = |check: &&Check| matches!(check.outcome, Outcome::Pass | Outcome::NotApplicable);
    analysis.checks().filter(|check| check.joins).filter(holds).for_each(|check| out.check(check));
    let mut advisory: Vec<&Check> =
        analysis.checks().filter(|check| !check.joins && check.outcome > Outcome::Pass).collect();
    advisory.sort_by_key(|check| std::cmp::Reverse(check.outcome));
    if !advisory.is_empty() {
        out.line("\nAdvisory, not part of the verdict:");
        for check in advisory {
            out.check(check);
        }
    }
    for sentence in &analysis.disagreements {
        out.line(format!("\nnote: {}", printable(sentence)));
    }
    if !analysis.findings.is_empty() {
        out.line("\nFindings:");
        let findings = analysis.findings.iter().map(|finding| {
            let place = if finding.in_window { " (in the window)" } else { "" };
            let symbol = finding.symbol.as_deref().map_or_else(String::new, |name| printable(name) + ": ");
            format!("{symbol}{}{place}", printable(&finding.message))
        });
        out.list(findings, FINDINGS);
    }
    if let Some(given) = &provenance.overridden {
        let (by, reason) = (printable(&given.by), printable(&given.reason));
        out.line(format!("\nOVERRIDDEN by {by} at {}: {reason}", given.at));
    }
}

fn files(out: &mut Lines, places: Places<'_>) {
    let Places { base, written, .. } = places;
    if written.is_empty() {
        return;
    }
    out.line(format!("\nWritten into {}:", printable(&base.display().to_string())));
    for name in written {
        out.line(format!("  {}", name.display()));
    }
}

fn next_step(out: &mut Lines, analysis: &Analysis) {
    let origin = &analysis.origin;
    let next = match analysis.outcome {
        Outcome::Pass if origin.sentence().is_some() => {
            "soak the real build, with every interval waited for; this verdict is not about one"
        }
        Outcome::Pass if analysis.mock => "gate the run by the production limits: leave `--mock` out",
        Outcome::Pass if origin.source.is_none() => {
            "a release needs a run whose source is recorded; `soak run` records it"
        }
        Outcome::Pass if !analysis.tunes => {
            "the gate accepts the build; `soak audit` shows whether it is ready for a release"
        }
        Outcome::Pass if analysis.freeze_ready() => {
            "the gate accepts the build, and the overrides may be frozen; `soak audit` shows whether it is ready"
        }
        Outcome::Pass => "the gate accepts the build; the overrides are not ready to be frozen",
        Outcome::Warn => {
            "read the reasons above; POST_SOAK_AUDIT.md has the details, RECOMMENDATIONS.md what to change"
        }
        Outcome::Inconclusive => "run more iterations, then gate again",
        Outcome::Fail => {
            "FAILURES.md lists what failed and where, RECOMMENDATIONS.md what to change; then run again"
        }
        Outcome::Invalid | Outcome::NotApplicable => {
            "repair or replace the files named above, or point `--path` at the run; then gate again"
        }
    };
    out.line(format!("\nnext: {next}"));
}

fn closing(analysis: &Analysis, provenance: &Provenance, fails_on_warn: bool, style: Style) -> String {
    let tag = match analysis.outcome {
        Outcome::Pass => "[OK]",
        // Readers of trading runs know this line as it is.
        Outcome::Warn if !fails_on_warn || analysis.trades() => "[OK]",
        _ if provenance.overridden.is_some() => "[OVERRIDDEN]",
        _ => "[FAIL]",
    };
    format!("{} Soak gate: {}", style.paint(analysis.outcome, tag), analysis.outcome.word())
}
