//! The export against hand-made runs, by its own numbers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::core::iteration::Iteration;
use crate::core::iteration::params::ParamValues;
use crate::core::verdict::evidence::{BadFile, Evidence};
use crate::report::fixture::{analysed, folder, good, provenance, series, with};

fn text(evidence: Evidence, form: Form, legacy: bool) -> String {
    let (analysis, _) = analysed(evidence);
    metrics(&analysis, &provenance(), form, legacy, None)
}

fn legacy(evidence: Evidence) -> String {
    text(evidence, Form::Prometheus, true)
}

#[track_caller]
fn has(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|have| have == *line), "no line {line} in\n{text}");
    }
}

/// Ten iterations, the first in the warm-up, the second on its way back.
fn run() -> Vec<Iteration> {
    let mut run: Vec<Iteration> = (1..=10).map(good).collect();
    run[0].phase = Some("WARMUP".into());
    run[1].phase = Some("RAMPDOWN".into());
    run[4].tuning.guards.insert(Guard::Velocity);
    run[4].tuning.guards.insert(Guard::LatencyHard);
    run[5].tuning.guards.insert(Guard::PartialFreeze);
    run
}

#[test]
fn the_five_names_of_the_exporter_have_its_numbers() {
    let mut run = run();
    // Over the last eight, seven values of 0.9 and one of 0.45: 8 / (7/0.9 + 1/0.45) = 0.8.
    run[9] = with(good(10), KpiId::MAKER_TAKER_RATIO, Some(0.45));
    let last = &mut run[9];
    last.fills_maker_share = Some(0.876_54);
    last.tuning.guards.insert(Guard::Freeze);
    let spread = (ParamName::flat("latency.spread_add_bps"), 0.123_456);
    last.overrides = Some(Arc::new(ParamValues::new(vec![spread])));
    let told = legacy(folder(run));
    has(
        &told,
        &[
            "maker_taker_ratio_hmean{window=\"8\"} 0.8",
            "latency_spread_add_bps 0.123",
            "partial_freeze_active 1",
            "# TYPE delta_nested_miss_paths_total counter",
            "delta_nested_miss_paths_total 0",
            "maker_share_pct 87.65",
            "soak_partial_freeze_active 1",
            "soak_maker_share_ratio 0.87654",
            "soak_iteration 10",
        ],
    );
    let spread = told.lines().find_map(|line| line.strip_prefix("soak_latency_spread_add_ratio "));
    let spread: f64 = spread.and_then(|value| value.parse().ok()).expect("a number");
    assert!((spread - 0.000_012_345_6).abs() < 1e-18, "{spread}");
    let mean = "soak_kpi_harmonic_mean{kpi=\"maker_taker_ratio\",window=\"last8\"} ";
    let mean = told.lines().find_map(|line| line.strip_prefix(mean)).expect("a sample");
    assert!((mean.parse::<f64>().expect("a number") - 0.8).abs() < 1e-12, "{mean}");
}

#[test]
fn a_maker_share_of_zero_makes_the_harmonic_mean_zero() {
    let mut run = run();
    run[5] = with(good(6), KpiId::MAKER_TAKER_RATIO, Some(0.0));
    has(&legacy(folder(run)), &["maker_taker_ratio_hmean{window=\"8\"} 0"]);
}

#[test]
fn what_is_not_known_has_no_sample_and_no_family() {
    let run = (1..=10).map(|number| with(good(number), KpiId::MAKER_TAKER_RATIO, None));
    let told = legacy(folder(run));
    for name in
        ["maker_taker_ratio_hmean", "maker_share_pct", "latency_spread_add_bps", "soak_maker_taker_ratio"]
    {
        assert!(
            !told.lines().any(|line| line.contains(&format!(" {name} ")) || line.starts_with(name)),
            "{name}: {told}"
        );
    }
    has(&told, &["partial_freeze_active 0"]);
}

#[test]
fn the_warm_up_set_tells_phases_values_guards_and_windows() {
    let told = legacy(folder(run()));
    has(
        &told,
        &[
            "warmup_exporter_error 0",
            "warmup_active{iteration=\"1\"} 1",
            "warmup_active{iteration=\"2\"} 0",
            "warmup_iter_idx{iteration=\"1\"} 1",
            "warmup_iter_idx{iteration=\"10\"} 0",
            "rampdown_active{iteration=\"2\"} 1",
            "soak_phase_name{iteration=\"1\",phase=\"WARMUP\"} 0",
            "soak_phase_name{iteration=\"2\",phase=\"RAMPDOWN\"} 1",
            "soak_phase_name{iteration=\"3\",phase=\"STEADY\"} 2",
            "soak_net_bps{iteration=\"3\",phase=\"STEADY\"} 3",
            "soak_p95_latency_ms{iteration=\"10\",phase=\"STEADY\"} 300",
            // Both that spoke in one iteration count; the last of the ladder alone counts too.
            "guard_triggers_total{type=\"velocity\"} 1",
            "guard_triggers_total{type=\"latency_hard\"} 1",
            "guard_triggers_total{type=\"freeze\"} 1",
            "guard_triggers_total{type=\"cooldown\"} 0",
            "tuner_keys_changed_total{iteration=\"5\"} 0",
            "risk_ratio_mean{window=\"8\"} 0.3",
            "p95_latency_ms_max{window=\"8\"} 300",
            "p95_latency_ms_mean{window=\"8\"} 300",
            "soak_phase{phase=\"STEADY\"} 1",
            "soak_phase{phase=\"WARMUP\"} 0",
        ],
    );
}

#[test]
fn a_shorter_window_says_its_length() {
    let told = legacy(folder((1..=3).map(good)));
    has(&told, &["maker_taker_ratio_hmean{window=\"3\"} 0.9", "risk_ratio_mean{window=\"3\"} 0.3"]);
}

#[test]
fn only_the_newest_iterations_of_a_long_run_stand_in_labels() {
    let told = legacy(folder((1..=300).map(good)));
    let labelled = told.lines().filter(|line| line.starts_with("warmup_active{")).count();
    assert_eq!(labelled, 99);
    has(&told, &["warmup_active{iteration=\"300\"} 0", "warmup_active{iteration=\"202\"} 0"]);
}

#[test]
fn a_folder_of_which_nothing_can_be_used_is_an_error_of_the_exporter() {
    let bad =
        BadFile { name: "ITER_SUMMARY_1.json".into(), number: 1, symbol: None, reason: "cut off".into() };
    let evidence = Evidence { bad_files: vec![bad], ..Evidence::default() };
    has(&legacy(evidence), &["warmup_exporter_error 1", "soak_verdict{verdict=\"INVALID\"} 1"]);
    has(&legacy(Evidence::default()), &["warmup_exporter_error 0", "soak_verdict{verdict=\"INVALID\"} 1"]);
}

/// Names of the families, in order.
fn families(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

#[test]
fn every_family_stands_once_and_holds_all_its_samples_in_both_forms() {
    let symbols =
        Evidence { series: vec![series(Some("A"), run()), series(Some("B"), run())], ..Evidence::default() };
    for (form, legacy) in [(Form::Prometheus, true), (Form::OpenMetrics, true), (Form::OpenMetrics, false)] {
        let told = text(symbols.clone(), form, legacy);
        let names = families(&told);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        let mut family = "";
        let mut seen = BTreeSet::new();
        for line in told.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().expect("a name");
            } else if !line.starts_with('#') && !line.is_empty() {
                let end = line.find(['{', ' ']).expect("a sample");
                let suffix = line[..end].strip_prefix(family).unwrap_or_else(|| panic!("{line} in {family}"));
                assert!(["", "_total", "_info"].contains(&suffix), "{line} in {family}");
                assert!(seen.insert(line.rsplit_once(' ').expect("a value").0), "{line} twice");
            }
        }
        assert_eq!(told.ends_with("# EOF\n"), form == Form::OpenMetrics);
        assert_eq!(told.lines().any(str::is_empty), form == Form::Prometheus);
    }
}

#[test]
fn without_the_names_of_old_none_of_them_is_left() {
    let told = text(folder(run()), Form::Prometheus, false);
    for old in [
        "soak_kpi_net_bps_mean",
        "soak_delta_full_apply_ratio",
        "maker_taker_ratio_hmean",
        "latency_spread_add_bps",
        "partial_freeze_active",
        "delta_nested_miss_paths_total",
        "maker_share_pct",
        "warmup_active",
        "guard_triggers_total",
        "tuner_keys_changed_total",
        "soak_p95_latency_ms",
    ] {
        assert!(!families(&told).contains(&old), "{old}");
    }
    has(&told, &["soak_risk_ratio 0.3", "soak_net_bps 3", "soak_guard_triggers_total{guard=\"velocity\"} 1"]);
}

#[test]
fn an_endpoint_tells_what_its_looks_cost() {
    let (analysis, _) = analysed(folder(run()));
    let looks = Looks { files: 10, read: 12, times: 3 };
    let told = metrics(&analysis, &provenance(), Form::Prometheus, false, Some(looks));
    has(&told, &["soak_export_files 10", "soak_export_files_read_total 12", "soak_export_looks_total 3"]);
}
