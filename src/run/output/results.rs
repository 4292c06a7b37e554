//! `SOAK_RESULTS.md`: the 72-hour report of a run for people (`--export-md`).
//!
//! Computes and decides nothing.

use crate::core::analysis::Origin;
use crate::core::judge::count;
use crate::core::text::number::fixed;
use crate::core::verdict::provenance::Provenance;
use crate::core::verdict::{Check, Outcome, Severity};
use crate::report::analysis::{origin_line, verdict_line, version_line};
use crate::report::document::{Document, columns, row};
use crate::report::terminal;
use crate::report::text::{cell, prose};
use crate::run::metrics::RunMetrics;
use crate::run::metrics::RunReport;
use crate::run::output::soak_metrics::{short_name, time_of};

/// The results as Markdown.
pub(crate) fn results(report: &RunReport, origin: &Origin, provenance: &Provenance) -> String {
    let mut doc = Document::markdown();
    doc.heading(1, "Soak results");
    doc.heading(2, "Summary");
    summary(&mut doc, report, origin, provenance);
    doc.heading(2, "Key metrics");
    metrics(&mut doc, &report.metrics);
    doc.heading(2, "Gates");
    gates(&mut doc, &report.checks);
    doc.heading(2, "Decision");
    decision(&mut doc, report);
    doc.finish(false)
}

fn summary(doc: &mut Document, report: &RunReport, origin: &Origin, provenance: &Provenance) {
    let found = &report.metrics;
    doc.paragraph(&verdict_line(report.outcome, &report.reason()));
    doc.paragraphs(origin_line(origin));
    let time = time_of(report, provenance).map_or_else(|| "unknown".to_owned(), |time| cell(&time));
    let hours = found.get("duration_hours").and_then(|metric| metric.value);
    let hours = hours.map_or_else(|| "nothing ran".to_owned(), |hours| format!("{} h", fixed(hours, 2)));
    let span = found.first.zip(found.last);
    let span = span.map_or_else(String::new, |(first, last)| format!(" ({first}-{last})"));
    let failed = count(found.failed, "collection");
    let source = origin.source.as_deref().map_or_else(|| "not recorded".to_owned(), cell);
    let mut facts = vec![
        format!("time: {time}"),
        format!("duration: {hours}"),
        format!("iterations: {}{span}, of which {failed} failed", found.iterations),
        format!("source: {source}"),
    ];
    facts.extend(found.version.as_ref().map(|version| format!("system under test: {}", cell(version))));
    facts.push(version_line(provenance));
    doc.list(facts, usize::MAX);
}

fn metrics(doc: &mut Document, found: &RunMetrics) {
    let rows = found.metrics.iter().map(|metric| {
        row![
            format!("`{}`", metric.name),
            metric.told().unwrap_or_else(|| "no data".to_owned()),
            cell(metric.unit()),
            metric.rule.word(),
            metric.n,
        ]
    });
    doc.table(&columns("metric|#value|unit|statistic|#iterations"), rows);
    if found.maker_fallbacks > 0 {
        let n = count(found.maker_fallbacks, "iteration");
        doc.paragraph(&format!(
            "The maker share of {n} is their `maker_taker_ratio`: no share was delivered."
        ));
    }
    if found.impossible > 0 {
        let n = count(found.impossible, "delivered value");
        doc.paragraph(&format!("Left out: {n} that cannot be true (a negative latency, a share above 1)."));
    }
}

fn gates(doc: &mut Document, checks: &[Check]) {
    if checks.is_empty() {
        return doc.paragraph("No run gate is in force.");
    }
    let rows = checks.iter().map(|check| {
        let source = check.limit_source.as_ref();
        row![
            cell(short_name(check)),
            check.severity.word(),
            check.kpi.as_deref().map(cell),
            terminal::bound(check),
            terminal::observed(check).unwrap_or_else(|| "no data".to_owned()),
            check.outcome.word(),
            source.map(|source| cell(&format!("{} ({})", source.key, source.origin))),
        ]
    });
    doc.table(&columns("gate|severity|metric|required|#actual|outcome|limit from"), rows);
}

fn decision(doc: &mut Document, report: &RunReport) {
    let reasons = report.reasons();
    let hard = reasons.iter().filter(|check| check.severity == Severity::Hard).count();
    let told = match report.outcome {
        _ if report.decided_by_the_gate().is_some() => {
            let Some((gate, reason)) = report.decided_by_the_gate() else { return };
            format!("The verdict of `soak gate` decides: {gate} - {}", prose(reason))
        }
        Outcome::Pass => format!("All {} hold on what was measured.", count(report.checks.len(), "run gate")),
        Outcome::Warn => {
            format!("Every hard gate holds; {} missed or without data.", count(reasons.len(), "soft gate"))
        }
        _ if report.metrics.collected() == 0 => {
            "Nothing was collected, so nothing can be decided: look at the source of the run.".to_owned()
        }
        _ if report.checks.is_empty() => "No run gate is in force, so nothing can be decided.".to_owned(),
        _ => format!(
            "The run does not pass: {} and {} missed or without data.",
            count(hard, "hard gate"),
            count(reasons.len() - hard, "soft gate")
        ),
    };
    doc.paragraph(&told);
    let missed = reasons
        .into_iter()
        .map(|check| format!("{} {}: {}", check.outcome, cell(short_name(check)), prose(&check.reason)));
    doc.list(missed, usize::MAX);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{assert_well_formed, built_in, hostile, provenance};
    use crate::run::iteration::IterationRecord;
    use crate::run::metrics::MetricsCollector;
    use crate::run::records::{delivering, failed, record};

    fn of(records: &[IterationRecord], source: &str) -> String {
        let mut collector = MetricsCollector::new(&built_in());
        for record in records {
            collector.push(record);
        }
        let origin = Origin::of_run(source, false, |source| source == "sim");
        results(&RunReport::judge(collector.finish(), &built_in().run_gates), &origin, &provenance())
    }

    fn all_good(number: u64) -> IterationRecord {
        let metrics = [
            ("tick_latency_ms.p50", 40.0),
            ("tick_latency_ms.p95", 150.5),
            ("mm_hit_ratio", 0.75),
            ("mm_maker_share_ratio", 0.9),
            ("mm_deadline_miss_rate", 0.01),
            ("ws_lag_max_ms", 200.0),
        ];
        metrics.into_iter().fold(record(number), |record, (name, value)| delivering(record, name, value))
    }

    #[test]
    fn the_report_tells_metrics_gates_and_decision() {
        let text = of(&[all_good(1), all_good(2), failed(3, "late")], "sim");
        assert_well_formed(&text);
        for expected in [
            "**Verdict:** FAIL - run_gates.latency_p95: p95 150.5 of 2 iterations misses <= 150 by 0.5\n",
            "- time: 2025-10-12T00:15:00Z\n- duration: 0.25 h\n- iterations: 3 (1-3), of which 1 collection failed\n",
            "| `mm_hit_ratio` | 0.75 | - | mean | 2 |\n",
            "| `tick_latency_ms.p95` | 150.5 | ms | p95 | 2 |\n",
            "| latency_p95 | hard | tick_latency_ms.p95 | <= 150 | 150.5 | FAIL | run_gates.latency_p95.limit (built-in policy) |\n",
            "| ws_lag | soft | ws_lag_max_ms | <= 200 | 200 | PASS |",
            "The run does not pass: 1 hard gate and 0 soft gates missed or without data.\n",
        ] {
            assert!(text.contains(expected), "no `{expected}` in\n{text}");
        }
    }

    #[test]
    fn simulated_data_says_so_below_the_verdict_and_real_data_says_nothing() {
        let told = |source| of(&[all_good(1), all_good(2)], source);
        let origin = Origin::of_run("sim", false, |source| source == "sim");
        let expected = format!("\n\n**{}.**\n\n- time: ", origin.note().expect("a sentence"));
        assert!(told("sim").contains(&expected), "{}", told("sim"));
        assert!(!told("exec").contains("not valid for a release"), "{}", told("exec"));
    }

    #[test]
    fn what_was_not_delivered_is_no_data_and_not_zero() {
        let text = of(&[record(1)], "file");
        assert_well_formed(&text);
        assert!(text.contains("| `mm_hit_ratio` | no data | - | mean | 0 |\n"), "{text}");
        assert!(text.contains("**Verdict:** INVALID (published as FAIL) - "), "{text}");
    }

    #[test]
    fn nothing_collected_says_so() {
        let text = of(&[failed(1, "x")], "exec");
        assert!(text.contains("- nothing was collected: 1 collection failed\n"), "{text}");
        assert!(text.contains("look at the source of the run"), "{text}");
    }

    #[test]
    fn text_from_the_system_does_no_harm() {
        let mut record = all_good(1);
        record.summary.version = Some(hostile());
        assert_well_formed(&of(&[record], &hostile()));
    }
}
