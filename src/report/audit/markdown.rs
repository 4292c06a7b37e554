//! `POST_SOAK_AUDIT_SUMMARY.md`, its short form for a comment on a pull request, and `POST_SOAK_ITER_TABLE.csv`.
//!
//! Bounded, and harmless whatever a file holds.

use super::summary::{Account, AccountLimit};
use super::text::{Row, is_per_symbol, name, phases, spread, verdict};
use crate::core::analysis::audit::{Audit, KeyFile};
use crate::core::analysis::{Analysis, SymbolAnalysis};
use crate::core::judge::count;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::Policy;
use crate::core::text::number::{beside, exact, fixed, significant, trimmed};
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Comparison, Part};
use crate::report::analysis::{
    archive_line, excluded_line, explanation, findings, origin_line, overridden, override_line, time,
    version_line,
};
use crate::report::deltas::counted_as_full;
use crate::report::document::{Document, columns, row};
use crate::report::text::{cell, prose};

/// Lines of a list.
const MOST: usize = 200;

/// The report.
pub(crate) fn markdown(audit: &Audit<'_>, policy: &Policy, provenance: &Provenance, ascii: bool) -> String {
    let mut doc = Document::markdown();
    doc.heading(1, "Post-Soak Audit Summary");
    head(&mut doc, audit, policy, provenance);
    files(&mut doc, audit, ascii);
    for symbol in &audit.analysis.symbols {
        if is_per_symbol(audit.analysis) {
            doc.heading(2, &format!("Symbol {}", cell(name(symbol))));
        }
        readiness(&mut doc, audit, symbol, ascii);
        trends(&mut doc, audit, symbol);
    }
    result(&mut doc, audit);
    if audit.analysis.tunes {
        tuning(&mut doc, audit);
    }
    if audit.analysis.tunes || !audit.phases.is_empty() {
        warmup(&mut doc, audit);
    }
    doc.heading(2, "Recommendations");
    doc.list(audit.recommendations.iter().map(|text| prose(text)), MOST);
    doc.heading(2, "Findings");
    findings(&mut doc, &audit.findings, MOST);
    doc.finish(ascii)
}

fn head(doc: &mut Document, audit: &Audit<'_>, policy: &Policy, provenance: &Provenance) {
    let max = audit.max_iteration().map_or_else(|| "none".to_owned(), |max| max.to_string());
    let span = audit.symbol().last.span;
    let from = span.map_or_else(|| "empty".to_owned(), |(first, _)| format!("iter >= {first}"));
    let source = audit.analysis.source().unwrap_or_else(|| "not recorded".to_owned());
    doc.paragraph(&format!("**Verdict:** {}", verdict(audit)));
    let notes = [origin_line(&audit.analysis.origin), overridden(provenance)];
    doc.paragraphs(notes.into_iter().flatten());
    let facts = [
        format!("**Generated:** {}", time(doc.format, audit.analysis, provenance)),
        format!("**Iterations:** {} (max iter: {max})", audit.analysis.evidence.len()),
        format!("**STEADY Window:** iter >= {}", policy.windows.steady_start),
        format!("**Last-{} Window:** {from}", policy.windows.last_n),
        format!("**Source:** {}", prose(&source)),
        version_line(provenance),
    ];
    doc.list(facts.into_iter().chain(archive_line(audit.analysis)), usize::MAX);
    if !audit.warnings.is_empty() {
        doc.list(audit.warnings.iter().map(|text| format!("warning: {}", prose(text))), MOST);
    }
}

fn files(doc: &mut Document, audit: &Audit<'_>, ascii: bool) {
    doc.heading(2, "Files");
    let folder = &audit.folder;
    let mark = |file: KeyFile| {
        let mark = match (folder.has(file), ascii) {
            (true, false) => "✓",
            (true, true) => "OK",
            (false, false) => "✗ (missing)",
            (false, true) => "X (missing)",
        };
        format!("{mark} {}", file.name())
    };
    let mut lines: Vec<String> = audit.key_files().iter().copied().map(mark).collect();
    let more = if folder.cut { ", and more that were not counted" } else { "" };
    lines.push(format!(
        "{}, {} bytes{more}",
        count(folder.listing.files_total, "file"),
        folder.listing.bytes_total
    ));
    doc.list(lines, usize::MAX);
}

fn readiness(doc: &mut Document, audit: &Audit<'_>, symbol: &SymbolAnalysis, ascii: bool) {
    let limits = audit.readiness.limits(symbol.symbol.as_deref());
    let window = limits.first().map_or_else(String::new, |check| {
        format!(" ({} window)", cell(&check.window.name.replace("last", "last-")))
    });
    doc.heading(2, &format!("Readiness Gate{window}"));
    if limits.is_empty() {
        return doc.paragraph("The policy has no readiness limit, so nothing can be met.");
    }
    let rows = limits.into_iter().map(|check| {
        let Row { metric, target, actual, status } = Row::of(audit, check, ascii);
        row![cell(&metric), target, actual, status, check.statistic.as_str(), check.window.n]
    });
    doc.table(&columns("Metric|Target|#Actual|Status|Statistic|#n"), rows);
}

fn trends(doc: &mut Document, audit: &Audit<'_>, symbol: &SymbolAnalysis) {
    doc.heading(2, "Trend Statistics");
    let drawn = KpiId::drawn(&audit.analysis.kpis);
    let rows = drawn.into_iter().flat_map(|(kpi, metric)| {
        symbol.deep.windows.iter().map(move |window| {
            let [min, max, median] = spread(window, kpi);
            let n = window.kpi(kpi).and_then(|stats| stats.summary).map_or(0, |summary| summary.n);
            row![metric, cell(&window.window.name), n, min, max, median]
        })
    });
    doc.table(&columns("Metric|Window|#n|#Min|#Max|#Median"), rows);
}

fn result(doc: &mut Document, audit: &Audit<'_>) {
    doc.heading(2, "Result");
    doc.paragraph(&format!("**Verdict:** {}", verdict(audit)));
    for sentences in [&audit.readiness.failures, &audit.analysis.disagreements] {
        if !sentences.is_empty() {
            doc.list(sentences.iter().map(|text| prose(text)), MOST);
        }
    }
    let parts = [
        (Part::Readiness, "How each limit was decided:"),
        (Part::Integrity, "Whether the files can be trusted:"),
    ];
    for (part, title) in parts {
        doc.paragraph(title);
        doc.list(audit.readiness.checks.iter().filter(|check| check.part == part).map(explanation), MOST);
    }
}

fn tuning(doc: &mut Document, audit: &Audit<'_>) {
    doc.heading(2, "Tuning and Delta Verification");
    let totals = &audit.tuning;
    let iterations = |n: usize| count(n, "iteration");
    if totals.records == 0 {
        doc.paragraph("No iteration carries a tuning record.");
    } else {
        let mut lines = vec![
            format!("proposed in {}", iterations(totals.proposed)),
            format!("applied in {}", iterations(totals.applied)),
        ];
        if totals.from_report > 0 {
            lines.push(format!("from `TUNING_REPORT.json` alone: {}", totals.from_report));
        }
        lines.extend(totals.skips.iter().map(|skip| {
            let (reason, n) = (cell(&skip.reason), iterations(skip.iterations));
            format!("left out for {reason}, in whole or in part: {n}")
        }));
        if totals.reasons > totals.skips.len() {
            lines.push(format!("and {} more reasons", totals.reasons - totals.skips.len()));
        }
        doc.list(lines, usize::MAX);
    }
    let Some(verified) = audit.deltas() else { return };
    let counts = &verified.counts;
    doc.paragraph(&match verified.full_apply_ratio {
        Some(ratio) => format!(
            "Full applications: {}/{} ({} %), full apply ratio {}. {}",
            counts.in_order(),
            counts.proposed,
            counts.in_order_percent().map_or_else(|| "-".to_owned(), |percent| fixed(percent, 1)),
            fixed(ratio, 3),
            counted_as_full(counts.full, counts.partial_explained, counts.skipped)
        ),
        None => format!("Full applications: n/a ({}).", verified.status.word()),
    });
}

fn warmup(doc: &mut Document, audit: &Audit<'_>) {
    doc.heading(2, "Warm-up");
    let metrics = audit.folder.warmup.as_ref();
    if audit.phases.is_empty() && metrics.is_none() {
        return doc.paragraph("No iteration names a phase, and there is no `warmup_metrics.prom`.");
    }
    let number = |value: f64| trimmed(&exact(value, 0)).to_owned();
    let phases = phases(audit).into_iter().take(MOST).map(|(name, phase)| {
        let n = count(phase.iterations, "iteration");
        format!("phase {}: {n} ({}-{})", cell(name), phase.first, phase.last)
    });
    let mut lines: Vec<String> = phases.collect();
    if let Some(metrics) = metrics {
        let error = metrics.exporter_error.map_or_else(|| "not told".to_owned(), number);
        lines.push(format!("exporter error: {error}"));
        let guards = metrics.guard_triggers.iter();
        lines.extend(guards.map(|(guard, n)| format!("guard {}: {}", cell(guard), number(*n))));
    }
    doc.list(lines, usize::MAX);
}

/// The audit in a few lines of Markdown, for a comment on a pull request.
pub(crate) fn pull_request(account: &Account) -> String {
    const MOST: usize = 20;
    let mut doc = Document::markdown();
    let window = account.last_n.unwrap_or(8);
    let symbol = account.symbol.as_ref();
    let symbol = symbol.map_or_else(String::new, |symbol| format!(", worst symbol {}", cell(symbol)));
    doc.heading(3, &format!("Post-Soak Readiness (last-{window} window{symbol})"));
    doc.paragraph(&match (&account.outcome, account.pass()) {
        (_, true) => "✅ READINESS: OK".to_owned(),
        (Some(outcome), false) if outcome != "FAIL" => format!("❌ READINESS: HOLD ({})", cell(outcome)),
        (_, false) => "❌ READINESS: HOLD".to_owned(),
    });
    if let Some(origin) = account.origin() {
        doc.paragraph(&format!("**{}**", prose(origin)));
    }
    doc.paragraphs(excluded_line(&account.excluded));
    if let Some(gate) = &account.gate {
        // Of a gate that accepts the run the reason is that of the readiness, and follows below.
        let refuses = !matches!(gate.as_str(), "PASS" | "WARN");
        let reason = account.reason.as_ref().filter(|_| refuses);
        let reason = reason.map_or_else(String::new, |reason| format!(" - {}", prose(reason)));
        doc.paragraph(&format!("Gate: **{}**{reason}", cell(gate)));
    }
    doc.paragraphs(account.overridden.as_ref().map(override_line));
    let kpis: Vec<String> =
        account.kpis().map(|(kpi, value)| kpi_line(kpi, value, account.limit(kpi))).collect();
    if kpis.is_empty() {
        doc.paragraph("No KPI is known.");
    } else {
        doc.list(kpis, MOST);
    }
    for (what, lines) in [("Failures", account.failures()), ("Warnings", account.warnings.as_slice())] {
        if !lines.is_empty() {
            doc.paragraph(&format!("{what}:"));
            doc.list(lines.iter().map(|text| prose(text)), MOST);
        }
    }
    doc.finish(false)
}

fn kpi_line(kpi: &str, value: Option<f64>, limit: Option<AccountLimit>) -> String {
    let usual = if kpi.ends_with("_ms") { 0 } else { 3 };
    let is_built_in = KpiTable::default().find(kpi).is_some();
    let digits = |value: f64| if is_built_in { usual } else { usual.max(significant(value)) };
    let reported = match (value, limit) {
        (None, _) => "n/a".to_owned(),
        (Some(value), Some(limit)) => beside(value, limit.limit, digits(value)),
        (Some(value), None) => fixed(value, digits(value)),
    };
    let reported = if is_built_in { &reported } else { trimmed(&reported) };
    let bound = limit.map_or_else(String::new, |limit| {
        let sign = match limit.comparison {
            Comparison::AtLeast => "≥",
            Comparison::AtMost => "≤",
            Comparison::Above => "&gt;",
            Comparison::Below => "&lt;",
        };
        format!(" ({sign} {})", trimmed(&exact(limit.limit, 0)))
    });
    format!("{}: **{reported}**{bound}", cell(kpi))
}

/// The columns of the table that hold a KPI of the trading profile, in order, with the names that their readers know.
const COLUMNS: [(&str, KpiId); 8] = [
    ("net_bps", KpiId::NET_BPS),
    ("risk_ratio", KpiId::RISK_RATIO),
    ("slippage_p95", KpiId::SLIPPAGE_BPS_P95),
    ("adverse_p95", KpiId::ADVERSE_BPS_P95),
    ("latency_p95_ms", KpiId::P95_LATENCY_MS),
    ("maker_taker_ratio", KpiId::MAKER_TAKER_RATIO),
    ("gross_bps", KpiId::GROSS_BPS),
    ("fees_bps", KpiId::FEES_BPS),
];

/// A row an iteration as CSV, in full precision, by symbol and number; an empty cell is a value that is not known.
/// Runs per symbol have a last column `symbol`.
pub(crate) fn csv_table(analysis: &Analysis) -> String {
    let symbol_column = is_per_symbol(analysis).then(|| "symbol".to_owned());
    let own = || analysis.kpis.iter().filter(|kpi| !kpi.is_built_in());
    let trading: &[(&str, KpiId)] = if analysis.trades() { &COLUMNS } else { &[] };
    let imputed = |cell: String| analysis.trades().then_some(cell);
    let names = trading.iter().map(|(name, _)| (*name).to_owned());
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut record = |cells: Vec<String>| {
        table.write_record(cells).expect("records of equal length can be written into memory");
    };
    record(
        ["iter".to_owned()]
            .into_iter()
            .chain(names)
            .chain(imputed("gross_imputed".to_owned()))
            .chain(own().map(|kpi| kpi.name.to_owned()))
            .chain(symbol_column.clone())
            .collect(),
    );
    for symbol in &analysis.symbols {
        let series = analysis.series(symbol);
        let name = symbol_column.as_ref().map(|_| plain(symbol.symbol.as_deref().unwrap_or_default()));
        for (position, row) in series.rows().iter().enumerate() {
            let value =
                |kpi: &KpiId| series.value(*kpi, position).map(|value| value.to_string()).unwrap_or_default();
            let first = std::iter::once(row.number.to_string());
            let values =
                trading.iter().map(|(_, kpi)| value(kpi)).chain(imputed(row.gross_imputed.to_string()));
            record(first.chain(values).chain(own().map(value)).chain(name.clone()).collect());
        }
    }
    let bytes = table.into_inner().expect("memory can be flushed");
    String::from_utf8(bytes).expect("text was written")
}

/// A name without line ends, and no formula of a spreadsheet.
fn plain(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::verdict::evidence::Evidence;
    use crate::report::fixture::{analysed, good, series};

    #[test]
    fn a_name_can_neither_end_its_cell_nor_be_a_formula() {
        for (name, cell) in [
            ("BTCUSDT", "BTCUSDT"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\nb", "a  b"),
            ("=1+1", "'=1+1"),
            ("@x,y", "\"'@x,y\""),
        ] {
            let evidence = Evidence { series: vec![series(Some(name), [good(1)])], ..Evidence::default() };
            let table = csv_table(&analysed(evidence).0);
            assert!(table.lines().nth(1).is_some_and(|line| line.ends_with(&format!(",{cell}"))), "{table}");
        }
    }
}
