//! Failures of hand-written runs.

use super::*;
use crate::core::iteration::{Defect, Iteration, KpiDefect};
use crate::core::kpi::KpiId;
use crate::core::verdict::evidence::{BadFile, Duplicate, Evidence};
use crate::report::fixture::{
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
        let defect = KpiDefect { kpi: KpiId::NET_BPS, key: hostile(), defect: Defect::Impossible(hostile()) };
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
