//! What stands in the documents, calculated by hand from [`super::evidence`].

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use soak::core::analysis::document::AnalysisDocument;
use soak::core::analysis::result::GateResult;
use soak::core::analysis::{Analysis, Options, analyse};
use soak::core::compare::snapshot::Snapshot;
use soak::core::compare::snapshot::baseline;
use soak::core::compare::snapshot::v1_2::{GoalsMet, Snapshot12};
use soak::core::kpi::KpiId;
use soak::core::verdict::Outcome;
use soak::core::verdict::evidence::{BadFile, Evidence};
use soak::report::gate as gate_text;
use soak::report::gate::Places;
use soak::report::terminal::Style;

use super::evidence::{
    good, iteration, judged, overridden, per_symbol, policy, provenance, series, troubled,
};

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("a document is JSON")
}

fn snapshot(evidence: Evidence) -> Value {
    json_of(&Snapshot12::of(&judged(evidence), &provenance()))
}

fn document(analysis: &Analysis) -> Value {
    json_of(&AnalysisDocument::of(analysis, &provenance()))
}

#[track_caller]
fn near(value: &Value, expected: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn snapshot_1_2_tells_kpis_over_its_window_in_four_digits() {
    let snapshot = snapshot(good());
    let kpis = &snapshot["kpi_last_n"];
    assert_eq!(kpis["net_bps"], json!({"mean": 3.1, "median": 3.1, "min": 3.0, "max": 3.2, "trend": "flat"}));
    // 315, 320, … 350.
    assert_eq!(
        kpis["p95_latency_ms"],
        json!({"mean": 332.5, "median": 332.5, "min": 315.0, "max": 350.0, "trend": "up"})
    );
    assert_eq!(
        kpis["adverse_bps_p95"],
        json!({"mean": 1.2346, "median": 1.2346, "min": 1.2346, "max": 1.2346, "trend": null})
    );
    let unknown = json!({"mean": null, "median": null, "min": null, "max": null, "trend": null});
    assert_eq!((&kpis["cancel_ratio"], &kpis["slippage_bps_p95"]), (&unknown, &unknown));
    assert_eq!(snapshot["iterations_total"], 10);
    assert_eq!(snapshot["iterations_analyzed"], json!([3, 4, 5, 6, 7, 8, 9, 10]));
    assert_eq!(snapshot["timestamp"], "2025-10-11T10:00:00Z");
}

#[test]
fn snapshot_1_2_keeps_the_verdict_of_the_run_apart_from_the_goals() {
    let snapshot = snapshot(good());
    // Every iteration passes and a freeze was seen, but the largest latency is 350 and the goal 340.
    assert_eq!((&snapshot["verdict"], &snapshot["outcome"]), (&json!("PASS"), &json!("PASS")));
    let goals = json!({
        "maker_taker_ok": true, "p95_latency_ok": false, "risk_ok": true, "net_bps_ok": true
    });
    assert_eq!(snapshot["goals_met"], goals);
    assert_eq!((&snapshot["pass_count_last_n"], &snapshot["goals_verdict"]), (&json!(3), &json!("WARN")));
    assert_eq!(snapshot["freeze_ready"], true);
    let of_1_1 = json_of(&Snapshot::of(&judged(good()), &provenance()));
    for key in ["verdict", "outcome", "outcome_reason", "freeze_ready", "anomalies_count"] {
        assert_eq!(snapshot[key], of_1_1[key], "{key}");
    }
}

#[test]
fn goals_give_pass_with_all_four_warn_with_risk_and_net_and_else_fail() {
    let of = |maker_taker_ok, p95_latency_ok, risk_ok, net_bps_ok| {
        let goals = GoalsMet { maker_taker_ok, p95_latency_ok, risk_ok, net_bps_ok };
        (goals.count(), goals.verdict())
    };
    assert_eq!(of(true, true, true, true), (4, Outcome::Pass));
    assert_eq!(of(false, false, true, true), (2, Outcome::Warn));
    assert_eq!(of(true, true, true, false), (3, Outcome::Fail));
    assert_eq!(of(true, true, false, true), (3, Outcome::Fail));
    assert_eq!(of(false, false, false, false), (0, Outcome::Fail));
}

#[test]
fn snapshot_1_2_counts_guards_and_tuning_over_its_window_alone() {
    let snapshot = snapshot(good());
    // The velocity guard of iteration 2 and what was applied then lie before the window.
    let guards = json!({
        "counts": {
            "latency_soft": 0, "latency_hard": 0, "oscillation": 0, "velocity": 1, "cooldown": 0, "freeze": 1
        },
        "iterations": {"velocity": [4], "freeze": [9]}
    });
    assert_eq!(snapshot["guards_last_n"], guards);
    let tuning = json!({
        "applied_count": 1,
        "applied_iterations": [5],
        "changed_keys": ["base_spread_bps_delta", "min_interval_ms"],
        "skip_reasons": {"by hand": 1, "unknown": 1, "velocity": 1}
    });
    assert_eq!(snapshot["tuning_summary"], tuning);
}

#[test]
fn in_a_run_per_symbol_the_worst_one_stands_for_the_whole() {
    let snapshot = snapshot(per_symbol());
    assert_eq!((&snapshot["symbol"], &snapshot["verdict"]), (&json!("ETHUSDT"), &json!("FAIL")));
    assert_eq!(snapshot["kpi_last_n"]["net_bps"]["mean"], 1.5);
    assert_eq!(snapshot["symbols"]["BTCUSDT"]["verdict"], "PASS");
    assert_eq!(snapshot["symbols"]["BTCUSDT"]["goals_verdict"], "PASS");
    assert_eq!(snapshot["symbols"]["ETHUSDT"]["goals_met"]["net_bps_ok"], false);
    assert_eq!(snapshot["symbols"]["BTCUSDT"]["freeze_ready"], true);
    assert_eq!(snapshot["freeze_ready"], false);
}

#[test]
fn the_whole_may_be_frozen_only_if_every_symbol_may() {
    // Both pass as long as the policy does not ask for a freeze; the second by name never had one.
    let mut ignoring = policy();
    ignoring.run_verdict.freeze = soak::core::policy::FreezeRule::Ignore;
    let rows = || (1..=8).map(|number| iteration(number, 3.5, 0.3, 0.9, 300.0)).collect::<Vec<_>>();
    let mut frozen = rows();
    frozen[7].tuning.freeze = true;
    let evidence = Evidence {
        series: vec![series(Some("A"), frozen), series(Some("B"), rows())],
        sources: ["exec".to_owned()].into(),
        ..Evidence::default()
    };
    let analysis = analyse(evidence, &ignoring, &Options::default(), None);
    assert_eq!(analysis.outcome, Outcome::Pass);
    let of_1_1 = Snapshot::of(&analysis, &provenance());
    let of_1_2 = Snapshot12::of(&analysis, &provenance());
    assert_eq!((of_1_1.freeze_ready, of_1_2.freeze_ready), (false, false));
    assert_eq!((of_1_1.symbol.as_deref(), of_1_2.symbol.as_deref()), (Some("B"), Some("B")));
    assert!(!GateResult::of("gate", &analysis, &provenance()).freeze_ready);
    let places = Places { run: Path::new("run"), base: Path::new("run"), written: &[] };
    let told = gate_text::gate(&analysis, &provenance(), places, false, Style::default());
    assert!(told.contains("Freeze Ready:    False\n"), "{told}");
    assert!(told.contains("the overrides are not ready to be frozen"), "{told}");
}

#[test]
fn an_empty_folder_has_a_snapshot_that_claims_nothing() {
    let snapshot = snapshot(Evidence::default());
    assert_eq!((&snapshot["verdict"], &snapshot["outcome"]), (&json!("FAIL"), &json!("INVALID")));
    assert_eq!((&snapshot["goals_verdict"], &snapshot["pass_count_last_n"]), (&json!("FAIL"), &json!(0)));
    assert_eq!((&snapshot["timestamp"], &snapshot["iterations_total"]), (&Value::Null, &json!(0)));
    assert_eq!(snapshot["kpi_last_n"]["net_bps"]["mean"], Value::Null);
}

#[test]
fn a_fixed_time_and_an_override_stand_in_every_document() {
    let (analysis, provenance) = (judged(good()), overridden());
    let snapshot = json_of(&Snapshot12::of(&analysis, &provenance));
    let document = json_of(&AnalysisDocument::of(&analysis, &provenance));
    let gate = json_of(&GateResult::of("gate", &analysis, &provenance));
    assert_eq!(snapshot["timestamp"], "2025-10-12T08:00:00Z");
    assert_eq!(document["timestamp"], "2025-10-12T08:00:00Z");
    for document in [snapshot, document, gate] {
        assert_eq!(document["override"]["by"], "ops");
    }
}

#[test]
fn the_analysis_tells_statistics_in_full_precision() {
    let document = document(&judged(good()));
    let windows = document["symbols"][0]["windows"].as_array().expect("windows");
    let names: Vec<&Value> = windows.iter().map(|window| &window["name"]).collect();
    assert_eq!(names, ["overall", "steady", "last8"]);
    let last = &windows[2];
    assert_eq!((&last["first"], &last["last"], &last["n"]), (&json!(3), &json!(10), &json!(8)));
    let net = &last["kpis"]["net_bps"];
    assert_eq!((&net["unit"], &net["n"], &net["missing"]), (&json!("bps"), &json!(8), &json!(0)));
    near(&net["mean"], 3.1);
    near(&net["p5"], 3.0);
    near(&net["p95"], 3.2);
    near(&net["mad"], 0.1);
    // Eight deviations of 0.1: √(0.08 / 7).
    near(&net["stdev"], (0.08_f64 / 7.0).sqrt());
    assert_eq!(net["trend"]["word"], "flat");
    // Ten iterations do not show how much neighbours resemble each other: no interval.
    assert_eq!((&net["interval"], &net["median_interval"]), (&Value::Null, &Value::Null));
    let latency = &last["kpis"]["p95_latency_ms"];
    near(&latency["trend"]["slope"], 5.0);
    near(&latency["trend"]["change"], 35.0);
    let adverse = &last["kpis"]["adverse_bps_p95"];
    assert_eq!((&adverse["n"], &adverse["missing"]), (&json!(1), &json!(7)));
    assert_eq!((&adverse["mean"], &adverse["trend"]), (&json!(1.23456), &Value::Null));
    assert_eq!(last["kpis"]["risk_ratio"]["unit"], "ratio");
}

#[test]
fn the_analysis_tells_guards_signatures_and_passes() {
    let document = document(&judged(good()));
    let symbol = &document["symbols"][0];
    assert_eq!(symbol["guards"]["overall"]["velocity"], 2);
    assert_eq!(symbol["guards"]["last"]["velocity"], 1);
    let signatures = json!({
        "unique_count": 2,
        "unique": ["s1", "s2"],
        "loop_count": 1,
        "loops": [{"iterations": [5, 6, 7], "signatures": ["s1", "s2", "s1"]}]
    });
    assert_eq!(symbol["signatures"], signatures);
    let passes = json!({
        "passing": 8, "n": 8, "needed": 6, "needed_for_warn": 5,
        "failing": [], "failing_total": 0, "freezes": [9], "freezes_total": 1
    });
    assert_eq!(symbol["passes"], passes);
    assert_eq!(symbol["deltas"]["status"], "no_proposals");
    assert_eq!(symbol["deltas"]["full_apply_ratio"], Value::Null);
}

#[test]
fn the_analysis_tells_everything_that_is_wrong() {
    let document = document(&judged(troubled()));
    assert_eq!((&document["outcome"], &document["verdict"]), (&json!("INVALID"), &json!("FAIL")));
    assert_eq!(document["source"], "sim");
    let inventory = &document["inventory"];
    assert_eq!(
        (&inventory["usable"], &inventory["first"], &inventory["last"]),
        (&json!(9), &json!(1), &json!(9))
    );
    assert_eq!(inventory["unusable"][0]["file"], "ITER_SUMMARY_10.json");
    assert_eq!(inventory["duplicates"][0]["iteration"], 11);
    assert_eq!(inventory["renumbered"][0]["content"], 4);
    assert_eq!(inventory["declared"]["state"], "complete");
    assert_eq!(inventory["declared"]["rotated"], 1);
    assert_eq!(inventory["kpi_gate"]["verdict"], "OK");

    let symbol = &document["symbols"][0];
    // Latency 450 in 5 and a risk of 0.6 after 0.2 in 7.
    let kinds: Vec<&Value> = symbol["anomalies"]["listed"]
        .as_array()
        .expect("anomalies")
        .iter()
        .map(|anomaly| &anomaly["kind"])
        .collect();
    assert_eq!(kinds, ["latency_spike", "risk_jump"]);
    // 1.0 − 4 × 0.375 = −0.5, in each of the five iterations of the window.
    assert_eq!(symbol["edge"]["identity"]["n"], 5);
    assert_eq!(
        (&symbol["edge"]["identity"]["holds"], &symbol["edge"]["gross"]["mean"]),
        (&json!(true), &json!(1.0))
    );
    assert_eq!(symbol["edge"]["negative_drivers"], json!([{"driver": "fees", "iterations": 5}]));
    assert_eq!(
        (&symbol["deltas"]["status"], &symbol["deltas"]["counts"]["stuck"]),
        (&json!("verified"), &json!(1))
    );
    assert_eq!(symbol["deltas"]["misses"], json!({"min_interval_ms": 1}));
    assert_eq!(document["findings_total"], json!(document["findings"].as_array().map(Vec::len)));
}

#[test]
fn lists_are_bounded_and_say_how_many_there_are() {
    let bad_files = (1..=1001)
        .map(|number| BadFile {
            name: format!("ITER_SUMMARY_{number}.json"),
            number,
            symbol: None,
            reason: "not valid JSON".to_owned(),
        })
        .collect();
    let analysis = judged(Evidence { bad_files, ..Evidence::default() });
    let document = document(&analysis);
    let listed = |list: &Value| list.as_array().map(Vec::len);
    assert_eq!(listed(&document["inventory"]["unusable"]), Some(1000));
    assert_eq!(document["inventory"]["unusable_total"], 1001);
    assert_eq!(listed(&document["findings"]), Some(1000));
    assert_eq!(document["findings_total"], 1001);
    let provenance = provenance();
    let gate = GateResult::of("gate", &analysis, &provenance);
    assert_eq!((gate.findings.len(), gate.findings_total), (1000, 1001));
}

#[test]
fn the_gate_result_tells_the_decision_and_where_others_disagree() {
    let (analysis, provenance) = (judged(good()), provenance());
    let gate = GateResult::of("gate", &analysis, &provenance);
    assert_eq!((gate.outcome, gate.verdict, gate.freeze_ready), (Outcome::Pass, "PASS", true));
    assert_eq!((gate.pass_count, gate.window_n, gate.freeze_seen), (8, 8, true));
    assert_eq!((gate.reasons.len(), gate.symbol), (0, None));
    let expected = [
        "gate PASS, readiness HOLD: p95_latency 332 > 330 ms (median of last8)",
        "gate PASS, goals missed: p95_latency 350 > 340 ms (max of last8)",
    ];
    assert_eq!(gate.notes, expected);
    let delta = gate.delta.expect("deltas were looked at");
    assert_eq!(
        (delta.status, delta.full_apply_ratio, delta.signature_stuck_count),
        ("no_proposals", None, 0)
    );
}

#[test]
fn the_gate_result_names_the_gates_that_decide_once_each() {
    let (analysis, provenance) = (judged(per_symbol()), provenance());
    let gate = GateResult::of("gate", &analysis, &provenance);
    assert_eq!((gate.outcome, gate.symbol), (Outcome::Fail, Some("ETHUSDT")));
    assert_eq!((gate.pass_count, gate.window_n), (0, 8));
    assert_eq!(gate.reasons, ["run_verdict.pass_count"]);
    assert!(gate.reason.starts_with("ETHUSDT: `"), "{}", gate.reason);
    assert!(gate.notes.is_empty());

    let mut both = per_symbol();
    both.series.remove(0);
    let again = (1..=8).map(|number| iteration(number, 1.0, 0.3, 0.9, 300.0)).collect();
    both.series.insert(0, series(Some("BTCUSDT"), again));
    let analysis = judged(both);
    let reasons = GateResult::of("gate", &analysis, &provenance).reasons;
    assert_eq!(reasons.iter().filter(|gate| **gate == "run_verdict.pass_count").count(), 1);
}

#[test]
fn checks_of_the_folder_stand_beside_those_of_the_symbols() {
    let totals = BTreeMap::from([("net_bps".to_owned(), Some(1.0))]);
    let analysis = analyse(good(), &policy(), &Options::default(), Some(&totals));
    let document = document(&analysis);
    let of_folder = document["checks"].as_array().expect("checks");
    assert_eq!(of_folder.len(), policy().edge_report.len());
    assert!(of_folder.iter().all(|check| check["part"] == "edge_report"));
    let provenance = provenance();
    let gate = GateResult::of("gate", &analysis, &provenance);
    assert_eq!(gate.checks.len(), analysis.checks().count());
    assert_eq!(gate.outcome, Outcome::Invalid);
}

#[test]
fn zero_is_a_value() {
    let rows = (1..=8).map(|number| iteration(number, 0.0, 0.0, 0.9, 300.0)).collect();
    let snapshot = snapshot(Evidence { series: vec![series(None, rows)], ..Evidence::default() });
    assert_eq!(snapshot["kpi_last_n"]["net_bps"]["mean"], 0.0);
    assert_eq!(snapshot["goals_met"]["risk_ok"], true);
    let mut rows: Vec<_> = (1..=8).map(|number| iteration(number, 3.5, 0.3, 0.9, 300.0)).collect();
    for row in &mut rows {
        row.values[KpiId::RISK_RATIO.index()] = None;
    }
    let snapshot = self::snapshot(Evidence { series: vec![series(None, rows)], ..Evidence::default() });
    assert_eq!(snapshot["kpi_last_n"]["risk_ratio"]["mean"], Value::Null);
    assert_eq!(snapshot["goals_met"]["risk_ok"], false);
}

#[test]
fn snapshots_of_both_versions_read_as_baselines_with_the_same_means() {
    let analysis = judged(good());
    let of_1_1 = json_of(&Snapshot::of(&analysis, &provenance())).to_string();
    let of_1_2 = json_of(&Snapshot12::of(&analysis, &provenance())).to_string();
    let [old, new] = [of_1_1, of_1_2]
        .map(|json| baseline::read(json.as_bytes(), &KpiId::OF_THE_VERDICT).expect("a snapshot"));
    let expected = [
        (KpiId::RISK_RATIO, Some(0.35)),
        (KpiId::MAKER_TAKER_RATIO, Some(0.9)),
        (KpiId::NET_BPS, Some(3.1)),
        (KpiId::P95_LATENCY_MS, Some(332.5)),
    ];
    assert_eq!((&old.means[..], &new.means[..]), (&expected[..], &expected[..]));
    assert_eq!((old.verdict.as_deref(), new.verdict.as_deref()), (Some("PASS"), Some("PASS")));
    // Passing iterations in the one, goals met in the other.
    assert_eq!((old.pass_count, new.pass_count), (Some(8), Some(3)));
}
