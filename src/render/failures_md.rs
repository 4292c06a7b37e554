//! `FAILURES.md`: what is in the way of an acceptable verdict, down to the single iteration.
//!
//! There is none for PASS and WARN; whoever writes artifacts removes an earlier one then.

use super::audit_md::anomaly_table;
use super::markdown::cell;
use super::report_head::{header, ladder};
use super::report_md::{Column, bound, bounded, finish, paragraph, prose, row, table, with_unit};
use crate::core::analysis::{Analysis, SymbolAnalysis, pass_limits};
use crate::core::judge::count;
use crate::core::judge::passes::{Miss, misses, passes};
use crate::core::number::beside;
use crate::core::policy::{GateSet, Policy};
use crate::core::series::Series;
use crate::wire::provenance::Provenance;

/// Iterations whose failures are told, the newest.
const MOST_ITERATIONS: usize = 200;

/// Lines of each list.
const MOST: usize = 500;

/// The same where the verdict is acceptable, for those who ask for a file in any case.
pub fn none(analysis: &Analysis, provenance: &Provenance) -> String {
    let mut out = header("Failures", analysis, provenance);
    paragraph(&mut out, "None: no hard gate is missed.");
    let warnings = analysis.reasons();
    if !warnings.is_empty() {
        paragraph(&mut out, "## Warnings");
        bounded(&mut out, warnings.into_iter().map(ladder), MOST);
    }
    finish(out, false)
}

/// The failures as Markdown; `None` when the verdict is acceptable.
pub fn failures(analysis: &Analysis, policy: &Policy, provenance: &Provenance) -> Option<String> {
    if analysis.outcome.is_acceptable() {
        return None;
    }
    let mut out = header("Failures", analysis, provenance);
    paragraph(&mut out, "## Reasons, worst first");
    bounded(&mut out, analysis.reasons().into_iter().map(ladder), MOST);
    for symbol in &analysis.symbols {
        let mark = if let Some(name) = &symbol.symbol {
            paragraph(&mut out, &format!("## Symbol {}: {}", cell(name), symbol.outcome));
            "###"
        } else {
            "##"
        };
        iterations(&mut out, mark, analysis, symbol, policy);
        let anomalies = &symbol.deep.anomalies;
        if !anomalies.is_empty() {
            paragraph(&mut out, &format!("{mark} Anomalies"));
            anomaly_table(&mut out, anomalies);
        }
    }
    unusable(&mut out, analysis);
    Some(finish(out, false))
}

/// The failing iterations of the whole run, newest first.
fn iterations(out: &mut String, mark: &str, analysis: &Analysis, symbol: &SymbolAnalysis, policy: &Policy) {
    let limits = pass_limits(policy, analysis.mock);
    let series = analysis.series(symbol);
    paragraph(out, &format!("{mark} Iterations that do not pass"));
    let mut failing = 0usize;
    let mut told: Vec<usize> = Vec::new();
    for position in (0..series.len()).rev().filter(|position| !passes(series, *position, limits)) {
        failing += 1;
        if told.len() < MOST_ITERATIONS {
            told.push(position);
        }
    }
    if failing == 0 {
        paragraph(out, if series.is_empty() { "There is no iteration." } else { "Every iteration passes." });
        return;
    }
    let of_all = count(series.len(), "iteration");
    paragraph(out, &format!("{failing} of {of_all} by the {} limits, newest first.", analysis.limits()));
    table(
        out,
        &[
            Column::Number("iteration"),
            Column::Text("time"),
            Column::Text("what failed"),
            Column::Text("value"),
            Column::Text("limit"),
        ],
    );
    for position in &told {
        one(out, series, *position, limits);
    }
    out.push('\n');
    if failing > told.len() {
        paragraph(out, &format!("And {} more before them.", failing - told.len()));
    }
}

fn one(out: &mut String, series: &Series, position: usize, limits: &GateSet) {
    let iteration = &series.rows()[position];
    let number = iteration.number.to_string();
    let time = iteration.time.as_deref().map_or_else(String::new, cell);
    if let Some(why) = &iteration.collection_failed {
        row(out, [&number, &time, "collection of measurements", &prose(why), ""]);
    }
    for miss in misses(series, position, limits) {
        let kpi = miss.kpi;
        let limit = bound(miss.comparison, miss.limit, kpi);
        let value = match miss.value {
            Some(value) => beside(value, miss.limit, kpi.unit.decimals()),
            None => absent(series, position, &miss),
        };
        row(out, [&number, &time, &with_unit(&cell(kpi.name), kpi), &value, &limit]);
    }
}

/// Why an iteration has no value of a KPI.
fn absent(series: &Series, position: usize, miss: &Miss) -> String {
    let defect = series.rows()[position].defects.iter().find(|defect| defect.kpi == miss.kpi);
    match defect {
        Some(defect) => prose(&format!("no value: `{}` {}", defect.key, defect.defect.describe())),
        None => prose(&format!("no value: `{}` is not in the file", miss.kpi.name)),
    }
}

fn unusable(out: &mut String, analysis: &Analysis) {
    let evidence = &analysis.evidence;
    let bad = evidence.bad_files.iter().map(|bad| format!("- {}: {}", cell(&bad.name), prose(&bad.reason)));
    let twice = evidence.duplicates.iter().map(|two| {
        let symbol = two.symbol.as_ref().map_or_else(String::new, |symbol| format!(" of {}", cell(symbol)));
        format!(
            "- iteration {}{symbol} is there more than once: {}",
            two.number,
            prose(&two.names.join(", "))
        )
    });
    let manifest =
        evidence.manifest_error.iter().map(|error| format!("- `RUN_MANIFEST.json`: {}", prose(error)));
    let lines: Vec<String> = manifest.chain(bad).chain(twice).collect();
    if !lines.is_empty() {
        paragraph(out, "## Files that cannot be used");
        bounded(out, lines.into_iter(), MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::evidence::{BadFile, Duplicate, Evidence};
    use crate::core::iteration::{Defect, Iteration, KpiDefect};
    use crate::core::kpi::KpiId;
    use crate::render::report_fixture::{
        analysed, assert_well_formed, folder, good, hostile, passing, provenance, series, with,
    };

    fn told(evidence: Evidence) -> Option<String> {
        let (analysis, policy) = analysed(evidence);
        let text = failures(&analysis, &policy, &provenance());
        text.inspect(|text| assert_well_formed(text))
    }

    fn told_of(iterations: impl IntoIterator<Item = Iteration>) -> String {
        told(folder(iterations)).expect("a verdict that is not acceptable")
    }

    fn bad(number: u64) -> Iteration {
        with(good(number), KpiId::NET_BPS, Some(1.5))
    }

    #[track_caller]
    fn has(text: &str, what: &str) {
        assert!(text.contains(what), "{what} is not in:\n{text}");
    }

    #[test]
    fn there_is_no_report_while_the_verdict_is_acceptable() {
        assert_eq!(told(folder(passing(8))), None);
        // Without a freeze the verdict is WARN.
        assert_eq!(told(folder((1..=8).map(good))), None);
        // Seven iterations are too few to judge, and that is not acceptable.
        assert!(told(folder((1..=7).map(good))).is_some());
    }

    #[test]
    fn reasons_come_first_and_then_the_iterations_newest_first() {
        let mut iterations = passing(8);
        for position in [1, 3, 5, 6] {
            iterations[position] = bad(iterations[position].number);
        }
        iterations[3] = with(iterations[3].clone(), KpiId::P95_LATENCY_MS, Some(350.2));
        let text = told_of(iterations);
        assert!(
            text.starts_with("# Failures\n\n**Verdict:** FAIL - `net_bps` is below 2.70 in 4 of 8 iterations (2, 4, 6-7), lowest 1.50; also ")
        );
        has(&text, "## Reasons, worst first\n\n- **FAIL** run_verdict.pass_count: ");
        has(&text, "4 of 8 iterations by the production limits, newest first.\n");
        has(
            &text,
            "| iteration | time | what failed | value | limit |\n| ---: | --- | --- | --- | --- |\n\
             | 7 | 2025-01-02T00:07:00Z | net_bps, bps | 1.50 | >= 2.70 |\n\
             | 6 | 2025-01-02T00:06:00Z | net_bps, bps | 1.50 | >= 2.70 |\n\
             | 4 | 2025-01-02T00:04:00Z | net_bps, bps | 1.50 | >= 2.70 |\n\
             | 4 | 2025-01-02T00:04:00Z | p95_latency_ms, ms | 350.2 | <= 350 |\n\
             | 2 | 2025-01-02T00:02:00Z | net_bps, bps | 1.50 | >= 2.70 |\n",
        );
    }

    #[test]
    fn a_value_that_is_not_there_is_told_with_its_cause() {
        let mut iterations: Vec<Iteration> = (1..=8).map(|n| with(good(n), KpiId::NET_BPS, None)).collect();
        iterations[7].defects =
            vec![KpiDefect { kpi: KpiId::NET_BPS, key: "edge_bps".into(), defect: Defect::Null }];
        iterations[6] = Iteration { collection_failed: Some("no route to host".into()), ..good(7) };
        let text = told_of(iterations);
        has(&text, "| net_bps, bps | no value: `edge_bps` is null | >= 2.70 |\n");
        has(&text, "| net_bps, bps | no value: `net_bps` is not in the file | >= 2.70 |\n");
        has(&text, "| 7 | 2025-01-02T00:07:00Z | collection of measurements | no route to host | - |\n");
    }

    #[test]
    fn of_many_failures_the_newest_are_told() {
        let rows = |n: u64| {
            let text = told_of((1..=n).map(bad));
            let rows: Vec<String> =
                text.lines().filter(|line| line.ends_with("| >= 2.70 |")).map(str::to_owned).collect();
            (rows, text)
        };
        let (whole, text) = rows(200);
        assert_eq!(whole.len(), 200);
        assert!(!text.contains("more before them"));
        let (cut, text) = rows(5000);
        assert_eq!(cut.len(), 200);
        assert!(cut[0].starts_with("| 5000 |") && cut[199].starts_with("| 4801 |"));
        has(&text, "And 4800 more before them.\n");
    }

    #[test]
    fn anomalies_and_unusable_files_follow() {
        let mut evidence = folder((1..=7).map(|n| with(bad(n), KpiId::MAKER_TAKER_RATIO, Some(0.7))));
        evidence.bad_files = vec![BadFile {
            name: "ITER_SUMMARY_8.json".into(),
            number: 8,
            symbol: None,
            reason: "ends early".into(),
        }];
        let names = vec!["ITER_SUMMARY_09.json".to_owned(), "ITER_SUMMARY_9.json".to_owned()];
        evidence.duplicates = vec![Duplicate { symbol: None, number: 9, names }];
        evidence.manifest_error = Some("line 1: not JSON".into());
        let text = told(evidence).expect("INVALID");
        has(&text, "| 7 | maker_taker_drop | maker_taker_ratio | 0.700 | - | at least 0.750 |\n");
        has(
            &text,
            "## Files that cannot be used\n\n- `RUN_MANIFEST.json`: line 1: not JSON\n- ITER_SUMMARY_8.json: ends \
             early\n- iteration 9 is there more than once: ITER_SUMMARY_09.json, ITER_SUMMARY_9.json\n",
        );
    }

    #[test]
    fn an_empty_folder_is_a_failure_with_a_reason() {
        let text = told(Evidence::default()).expect("INVALID");
        has(&text, "- **INVALID** integrity.files: there is no iteration to judge");
        has(&text, "There is no iteration.\n");
    }

    #[test]
    fn symbols_are_told_apart() {
        let evidence = Evidence {
            series: vec![series(Some("AAA"), passing(8)), series(Some("BBB"), (1..=8).map(bad))],
            ..Evidence::default()
        };
        let text = told(evidence).expect("FAIL");
        has(&text, "## Symbol AAA: PASS\n\n### Iterations that do not pass\n\nEvery iteration passes.\n");
        has(
            &text,
            "## Symbol BBB: FAIL\n\n### Iterations that do not pass\n\n8 of 8 iterations by the production",
        );
    }

    #[test]
    fn hostile_text_does_no_harm() {
        let poisoned = |number| {
            let defect =
                KpiDefect { kpi: KpiId::NET_BPS, key: hostile(), defect: Defect::Impossible(hostile()) };
            Iteration {
                defects: vec![defect],
                collection_failed: Some(hostile().into()),
                time: Some(hostile().into()),
                ..with(good(number), KpiId::NET_BPS, None)
            }
        };
        let mut evidence = folder((1..=8).map(poisoned));
        evidence.bad_files = vec![BadFile { name: hostile(), number: 8, symbol: None, reason: hostile() }];
        let text = told(evidence).expect("INVALID");
        assert!(text.len() < 100_000 && !text.contains("<script"));
    }
}
