//! What `gate` and `analyze` print for people: the verdict block, the reasons worst first with their ladder,
//! what else a reader should know, and what to do next.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::terminal::{Style, heading, ladder, printable, rule};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::drift::DriftWord;
use crate::core::judge::show;
use crate::core::number::fixed;
use crate::core::spark::{Glyphs, sparkline};
use crate::core::stats::Summary;
use crate::core::verdict::{Check, Outcome, Part};
use crate::wire::provenance::Provenance;

/// Findings shown; all stand in the reports.
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

/// What `soak gate` prints.
pub fn gate(analysis: &Analysis, provenance: &Provenance, places: Places<'_>, style: Style) -> String {
    let mut out = heading("SOAK GATE");
    overview(&mut out, analysis, places.run);
    kpi_lines(&mut out, analysis, style);
    put(&mut out, &heading("FINAL VERDICT"));
    verdict_block(&mut out, analysis, style);
    put(&mut out, &format!("{}\n\n", rule()));
    reasons(&mut out, analysis, provenance, style);
    files(&mut out, places);
    next_step(&mut out, analysis);
    put(&mut out, &format!("\n{}\n", closing(analysis, provenance, style)));
    out
}

/// What `soak analyze` prints.
pub fn analyze(analysis: &Analysis, provenance: &Provenance, places: Places<'_>, style: Style) -> String {
    let mut out = heading("SOAK ANALYSIS");
    overview(&mut out, analysis, places.run);
    kpi_lines(&mut out, analysis, style);
    for symbol in &analysis.symbols {
        drift_lines(&mut out, symbol);
        course_lines(&mut out, symbol);
    }
    reasons(&mut out, analysis, provenance, style);
    files(&mut out, places);
    next_step(&mut out, analysis);
    let worst = analysis.worst();
    let last = format!(
        "\nPOST_SOAK: {} (pass_count={}/{}, freeze={})\n",
        style.outcome(analysis.outcome),
        worst.passes.passing,
        worst.passes.n,
        yes(worst.passes.freeze_seen())
    );
    put(&mut out, &last);
    out
}

fn put(out: &mut String, text: &str) {
    out.push_str(text);
}

fn line(out: &mut String, line: std::fmt::Arguments<'_>) {
    let written = writeln!(out, "{line}");
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn yes(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

fn overview(out: &mut String, analysis: &Analysis, run: &Path) {
    if let Some(sentence) = analysis.origin.sentence() {
        line(out, format_args!("{sentence}\n"));
    }
    line(out, format_args!("Path:         {}", printable(&run.display().to_string())));
    let n = analysis.evidence.len();
    let span = |symbol: &SymbolAnalysis| {
        let rows = analysis.series(symbol).rows();
        rows.first().zip(rows.last()).map(|(first, last)| format!(" ({}-{})", first.number, last.number))
    };
    let range = analysis.symbols.first().and_then(span).unwrap_or_default();
    line(out, format_args!("Iterations:   {n}{range}"));
    if analysis.symbols.len() > 1 {
        let names: Vec<String> = analysis
            .symbols
            .iter()
            .map(|symbol| printable(symbol.symbol.as_deref().unwrap_or("without symbol")))
            .collect();
        line(out, format_args!("Symbols:      {}", names.join(", ")));
    }
    let source = analysis.source().unwrap_or_else(|| "not recorded".to_owned());
    line(out, format_args!("Source:       {}", printable(&source)));
    line(out, format_args!("Limits:       {}", analysis.limits()));
    put(out, "\n");
}

fn kpi_lines(out: &mut String, analysis: &Analysis, style: Style) {
    let glyphs = if style.ascii { Glyphs::Ascii } else { Glyphs::Blocks };
    for symbol in &analysis.symbols {
        if symbol.last.is_empty() {
            continue;
        }
        if let Some(name) = &symbol.symbol {
            // A line that started with the name could be a workflow command to a CI system.
            line(out, format_args!("Symbol {}:", printable(name)));
        }
        let series = analysis.series(symbol);
        for stats in &symbol.kpis {
            let kpi = stats.kpi;
            let told = match &stats.summary {
                Some(Summary { mean, median, .. }) => format!(
                    "{} mean {}, median {}",
                    symbol.last.name,
                    fixed(*mean, kpi.unit.decimals().max(1)),
                    show(kpi, *median)
                ),
                None => format!("{} has no value", symbol.last.name),
            };
            line(
                out,
                format_args!("  {:<18} {} {told}", kpi.name, sparkline(series.column(stats.kpi), 40, glyphs)),
            );
        }
    }
    put(out, "\n");
}

/// Where resources are heading.
fn drift_lines(out: &mut String, symbol: &SymbolAnalysis) {
    let deep = &symbol.deep;
    let name = symbol.symbol.as_deref().map_or_else(String::new, |name| format!(" of {}", printable(name)));
    if deep.drift.iter().all(|drift| drift.word == DriftWord::NoData) {
        line(out, format_args!("Drift of resources{name}: no data\n"));
        return;
    }
    line(out, format_args!("Drift of resources{name}:"));
    for drift in &deep.drift {
        line(out, format_args!("  {:<18} {}", drift.resource.word(), drift.told()));
    }
    put(out, "\n");
}

/// Where the KPIs of the verdict are heading, and where they changed their level: what the checks say.
fn course_lines(out: &mut String, symbol: &SymbolAnalysis) {
    let name = symbol.symbol.as_deref().map_or_else(String::new, |name| format!(" of {}", printable(name)));
    for (part, title) in [(Part::KpiDrift, "Drift of the KPIs"), (Part::ChangePoints, "Changes of level")] {
        let mut checks = symbol.checks.iter().filter(|check| check.part == part).peekable();
        if checks.peek().is_none() {
            continue;
        }
        line(out, format_args!("{title}{name}:"));
        for check in checks {
            line(out, format_args!("  {}", printable(&check.reason)));
        }
        put(out, "\n");
    }
}

fn verdict_block(out: &mut String, analysis: &Analysis, style: Style) {
    let worst = analysis.worst();
    line(out, format_args!("Verdict:         {}", style.outcome(analysis.outcome)));
    line(out, format_args!("Reason:          {}", printable(&analysis.reason())));
    if let Some(note) = analysis.origin.note() {
        line(out, format_args!("Data:            {note}"));
    }
    if let Some(symbol) = &worst.symbol {
        line(out, format_args!("Worst symbol:    {}", printable(symbol)));
    }
    line(out, format_args!("Checks:          {}", analysis.headline()));
    line(out, format_args!("Freeze Ready:    {}", yes(analysis.freeze_ready())));
    line(out, format_args!("Pass Count:      {}/{}", worst.passes.passing, worst.passes.n));
    match &worst.deltas {
        Some(verified) => {
            let ratio = match verified.full_apply_ratio {
                Some(ratio) => format!("{} ({})", fixed(ratio, 3), verified.status.word()),
                None => format!("n/a ({})", verified.status.word()),
            };
            line(out, format_args!("Delta Ratio:     {ratio}"));
            line(out, format_args!("Signature Stuck: {}", verified.counts.stuck));
        }
        None => line(out, format_args!("Delta Ratio:     left out (--skip-delta-verify)")),
    }
}

fn reasons(out: &mut String, analysis: &Analysis, provenance: &Provenance, style: Style) {
    let reasons = analysis.reasons();
    if reasons.is_empty() {
        line(out, format_args!("PASS because {}:", analysis.reason()));
    } else {
        put(out, "Reasons, worst first:\n");
        for check in &reasons {
            put(out, &ladder(check, style));
        }
        put(out, "\nOther checks of the verdict:\n");
    }
    let others: Vec<&Check> = analysis
        .checks()
        .filter(|check| check.joins && matches!(check.outcome, Outcome::Pass | Outcome::NotApplicable))
        .collect();
    for check in others {
        put(out, &ladder(check, style));
    }
    let mut advisory: Vec<&Check> =
        analysis.checks().filter(|check| !check.joins && check.outcome > Outcome::Pass).collect();
    advisory.sort_by_key(|check| std::cmp::Reverse(check.outcome));
    if !advisory.is_empty() {
        put(out, "\nAdvisory, not part of the verdict:\n");
        for check in advisory {
            put(out, &ladder(check, style));
        }
    }
    for sentence in &analysis.disagreements {
        line(out, format_args!("\nnote: {}", printable(sentence)));
    }
    if !analysis.findings.is_empty() {
        put(out, "\nFindings:\n");
        for finding in analysis.findings.iter().take(FINDINGS) {
            let place = if finding.in_window { " (in the window)" } else { "" };
            let symbol =
                finding.symbol.as_deref().map_or_else(String::new, |name| format!("{}: ", printable(name)));
            line(out, format_args!("  - {symbol}{}{place}", printable(&finding.message)));
        }
        if analysis.findings.len() > FINDINGS {
            line(out, format_args!("  - and {} more", analysis.findings.len() - FINDINGS));
        }
    }
    if let Some(given) = &provenance.overridden {
        let (by, reason) = (printable(&given.by), printable(&given.reason));
        line(out, format_args!("\nOVERRIDDEN by {by} at {}: {reason}", given.at));
    }
}

fn files(out: &mut String, places: Places<'_>) {
    let Places { base, written, .. } = places;
    if written.is_empty() {
        return;
    }
    line(out, format_args!("\nWritten into {}:", printable(&base.display().to_string())));
    for name in written {
        line(out, format_args!("  {}", name.display()));
    }
}

fn next_step(out: &mut String, analysis: &Analysis) {
    let origin = &analysis.origin;
    let next = match analysis.outcome {
        Outcome::Pass if origin.sentence().is_some() => {
            "soak the real build, with every interval waited for; this verdict is not about one"
        }
        Outcome::Pass if analysis.mock => "gate the run by the production limits: leave `--mock` out",
        Outcome::Pass if origin.source.is_none() => {
            "a release needs a run whose source is recorded; `soak run` records it"
        }
        Outcome::Pass if analysis.freeze_ready() => {
            "the gate accepts the build, and the overrides may be frozen; `soak audit` says whether it is ready"
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
    line(out, format_args!("\nnext: {next}"));
}

fn closing(analysis: &Analysis, provenance: &Provenance, style: Style) -> String {
    let tag = match analysis.outcome {
        Outcome::Pass | Outcome::Warn => "[OK]",
        _ if provenance.overridden.is_some() => "[OVERRIDDEN]",
        _ => "[FAIL]",
    };
    format!("{} Soak gate: {}", style.paint(analysis.outcome, tag), analysis.outcome.word())
}
