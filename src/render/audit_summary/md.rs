//! `POST_SOAK_AUDIT_SUMMARY.md`.

use super::{Row, TRENDS, is_per_symbol, name, phases, spread, verdict};
use crate::core::analysis::SymbolAnalysis;
use crate::core::audit::{Audit, KeyFile};
use crate::core::judge::count;
use crate::core::number::{exact, fixed, trimmed};
use crate::core::policy::Policy;
use crate::core::verdict::Part;
use crate::render::deltas_md::counted_as_full;
use crate::render::markdown::cell;
use crate::render::report_head::{ladder, origin_line, overridden, time};
use crate::render::report_md::{Column, bounded, finish, line, paragraph, prose, row, table};
use crate::wire::provenance::Provenance;

/// Lines of each list.
const MOST: usize = 200;

/// The report.
pub fn markdown(audit: &Audit<'_>, policy: &Policy, provenance: &Provenance, ascii: bool) -> String {
    let mut out = String::new();
    paragraph(&mut out, "# Post-Soak Audit Summary");
    head(&mut out, audit, policy, provenance);
    files(&mut out, audit, ascii);
    for symbol in &audit.analysis.symbols {
        if is_per_symbol(audit.analysis) {
            paragraph(&mut out, &format!("## Symbol {}", cell(name(symbol))));
        }
        readiness(&mut out, audit, symbol, ascii);
        trends(&mut out, symbol);
    }
    result(&mut out, audit);
    tuning(&mut out, audit);
    warmup(&mut out, audit);
    paragraph(&mut out, "## Recommendations");
    bounded(&mut out, audit.recommendations.iter().map(|text| format!("- {}", prose(text))), MOST);
    findings(&mut out, audit);
    finish(out, ascii)
}

fn head(out: &mut String, audit: &Audit<'_>, policy: &Policy, provenance: &Provenance) {
    let max = audit.max_iteration().map_or_else(|| "none".to_owned(), |max| max.to_string());
    let symbol = audit.symbol();
    let from = symbol.last.span.map_or_else(|| "empty".to_owned(), |(first, _)| format!("iter >= {first}"));
    paragraph(out, &format!("**Verdict:** {}", verdict(audit)));
    if let Some(origin) = origin_line(&audit.analysis.origin) {
        paragraph(out, &origin);
    }
    if let Some(overridden) = overridden(provenance) {
        paragraph(out, &overridden);
    }
    line(out, &format!("- **Generated:** {}", time(audit.analysis, provenance)));
    line(out, &format!("- **Iterations:** {} (max iter: {max})", audit.analysis.evidence.len()));
    line(out, &format!("- **STEADY Window:** iter >= {}", policy.windows.steady_start));
    line(out, &format!("- **Last-{} Window:** {from}", policy.windows.last_n));
    let source = audit.analysis.source().unwrap_or_else(|| "not recorded".to_owned());
    line(out, &format!("- **Source:** {}", prose(&source)));
    let sha = provenance.policy_sha256.get(..12).unwrap_or(&provenance.policy_sha256);
    paragraph(out, &format!("- soak {}, policy {}", cell(&provenance.tool_version), cell(sha)));
    if !audit.warnings.is_empty() {
        bounded(out, audit.warnings.iter().map(|text| format!("- warning: {}", prose(text))), MOST);
    }
}

fn files(out: &mut String, audit: &Audit<'_>, ascii: bool) {
    paragraph(out, "## Files");
    let folder = &audit.folder;
    for file in KeyFile::ALL {
        let mark = match (folder.has(file), ascii) {
            (true, false) => "✓",
            (true, true) => "OK",
            (false, false) => "✗ (missing)",
            (false, true) => "X (missing)",
        };
        line(out, &format!("- {mark} {}", file.name()));
    }
    let more = if folder.cut { ", and more that were not counted" } else { "" };
    paragraph(out, &format!("- {}, {} bytes{more}", count(folder.files_total, "file"), folder.bytes_total));
}

fn readiness(out: &mut String, audit: &Audit<'_>, symbol: &SymbolAnalysis, ascii: bool) {
    let limits = audit.readiness.limits(symbol.symbol.as_deref());
    let window = limits.first().map_or_else(String::new, |check| {
        format!(" ({} window)", cell(&check.window.name.replace("last", "last-")))
    });
    paragraph(out, &format!("## Readiness Gate{window}"));
    if limits.is_empty() {
        paragraph(out, "The policy has no readiness limit, so nothing can be met.");
        return;
    }
    table(
        out,
        &[
            Column::Text("Metric"),
            Column::Text("Target"),
            Column::Number("Actual"),
            Column::Text("Status"),
            Column::Text("Statistic"),
            Column::Number("n"),
        ],
    );
    for check in limits {
        let Row { metric, target, actual, status } = Row::of(check, ascii);
        let n = check.window.n.to_string();
        row(out, [&cell(&metric), &target, &actual, status, &check.statistic, &n]);
    }
    out.push('\n');
}

fn trends(out: &mut String, symbol: &SymbolAnalysis) {
    paragraph(out, "## Trend Statistics");
    table(
        out,
        &[
            Column::Text("Metric"),
            Column::Text("Window"),
            Column::Number("n"),
            Column::Number("Min"),
            Column::Number("Max"),
            Column::Number("Median"),
        ],
    );
    for (kpi, metric) in TRENDS {
        for window in &symbol.deep.windows {
            let [min, max, median] = spread(window, kpi);
            let n = window.kpi(kpi).and_then(|stats| stats.summary).map_or(0, |summary| summary.n);
            row(out, [metric, &cell(&window.window.name), &n.to_string(), &min, &max, &median]);
        }
    }
    out.push('\n');
}

fn result(out: &mut String, audit: &Audit<'_>) {
    paragraph(out, "## Result");
    paragraph(out, &format!("**Verdict:** {}", verdict(audit)));
    if !audit.readiness.failures.is_empty() {
        bounded(out, audit.readiness.failures.iter().map(|text| format!("- {}", prose(text))), MOST);
    }
    if !audit.analysis.disagreements.is_empty() {
        bounded(out, audit.analysis.disagreements.iter().map(|text| format!("- {}", prose(text))), MOST);
    }
    paragraph(out, "How each limit was decided:");
    let checks = audit.readiness.checks.iter().filter(|check| check.part == Part::Readiness);
    bounded(out, checks.map(ladder).collect::<Vec<_>>().into_iter(), MOST);
    paragraph(out, "Whether the files can be trusted:");
    let checks = audit.readiness.checks.iter().filter(|check| check.part == Part::Integrity);
    bounded(out, checks.map(ladder).collect::<Vec<_>>().into_iter(), MOST);
}

fn tuning(out: &mut String, audit: &Audit<'_>) {
    paragraph(out, "## Tuning and Delta Verification");
    let totals = &audit.tuning;
    if totals.records == 0 {
        paragraph(out, "No iteration carries a tuning record.");
    } else {
        line(out, &format!("- proposed in {}", count(totals.proposed, "iteration")));
        line(out, &format!("- applied in {}", count(totals.applied, "iteration")));
        if totals.from_report > 0 {
            line(out, &format!("- from `TUNING_REPORT.json` alone: {}", totals.from_report));
        }
        for skip in &totals.skips {
            line(
                out,
                &format!(
                    "- left out for {}, in whole or in part: {}",
                    cell(&skip.reason),
                    count(skip.iterations, "iteration")
                ),
            );
        }
        if totals.reasons > totals.skips.len() {
            line(out, &format!("- and {} more reasons", totals.reasons - totals.skips.len()));
        }
        out.push('\n');
    }
    let Some(verified) = audit.deltas() else { return };
    let counts = &verified.counts;
    let told = match verified.full_apply_ratio {
        Some(ratio) => format!(
            "Full applications: {}/{} ({} %), full apply ratio {}. {}",
            counts.in_order(),
            counts.proposed,
            counts.in_order_percent().map_or_else(|| "-".to_owned(), |percent| fixed(percent, 1)),
            fixed(ratio, 3),
            counted_as_full(counts.full, counts.partial_explained, counts.skipped)
        ),
        None => format!("Full applications: n/a ({}).", verified.status.word()),
    };
    paragraph(out, &told);
}

fn warmup(out: &mut String, audit: &Audit<'_>) {
    paragraph(out, "## Warm-up");
    let metrics = audit.folder.warmup.as_ref();
    if audit.phases.is_empty() && metrics.is_none() {
        paragraph(out, "No iteration names a phase, and there is no `warmup_metrics.prom`.");
        return;
    }
    for (name, phase) in phases(audit).into_iter().take(MOST) {
        let n = count(phase.iterations, "iteration");
        line(out, &format!("- phase {}: {n} ({}-{})", cell(name), phase.first, phase.last));
    }
    if let Some(metrics) = metrics {
        let error = metrics.exporter_error.map_or_else(|| "not told".to_owned(), number);
        line(out, &format!("- exporter error: {error}"));
        for (guard, n) in &metrics.guard_triggers {
            line(out, &format!("- guard {}: {}", cell(guard), number(*n)));
        }
    }
    out.push('\n');
}

fn number(value: f64) -> String {
    trimmed(&exact(value, 0)).to_owned()
}

fn findings(out: &mut String, audit: &Audit<'_>) {
    paragraph(out, "## Findings");
    if audit.findings.is_empty() {
        line(out, "None.");
        return;
    }
    let told = audit.findings.iter().map(|finding| {
        let symbol = finding.symbol.as_ref().map_or_else(String::new, |symbol| format!("{}: ", cell(symbol)));
        let place = if finding.in_window { " (in the window)" } else { "" };
        format!("- {}{place}: {symbol}{}", finding.kind, prose(&finding.message))
    });
    bounded(out, told, MOST);
}
