//! Limits that decide nothing, contradict each other, or leave their range are refused.

use super::{error_of, errors_of};

#[test]
fn numbers_that_nothing_compares_with_are_refused() {
    for value in ["nan", "inf", "-inf"] {
        let error = error_of(&format!("readiness.kpi.net_bps.limit = {value}"));
        assert!(error.contains("expected a finite number"), "{error}");
    }
}

#[test]
fn limits_that_can_never_fail_or_never_hold_are_refused() {
    let pointless = |text: &str| error_of(text);
    assert_eq!(
        pointless("iteration_pass.kpi.risk_ratio.limit = 1.0"),
        "`p.toml`:2:39: `iteration_pass.kpi.risk_ratio.limit`: `<= 1` can never fail: \
         values lie between 0 and 1"
    );
    assert!(errors_of("iteration_pass.kpi.risk_ratio.limit = 0.999").is_empty());
    assert!(pointless("readiness.kpi.maker_taker_ratio.limit = 0").contains("can never fail"));
    assert!(errors_of("readiness.kpi.maker_taker_ratio.limit = 0.001").is_empty());
    assert!(pointless("readiness.kpi.maker_taker_ratio.limit = 83").contains("can never hold"));
    assert!(pointless("iteration_pass_mock.kpi.risk_ratio.limit = 50").contains("can never fail"));
    assert!(
        pointless("readiness.kpi.p95_latency_ms.limit = -1")
            .contains("can never hold: values are at least 0")
    );
    assert!(pointless("violations.kpi.risk_ratio.crit = 1.5").contains("can never be reached"));
    assert!(pointless("edge_report.cancel_ratio.fail = 1.0").contains("can never be reached"));
    assert!(pointless("edge_report.maker_share_pct.fail = 0").contains("can never be reached"));
    assert!(errors_of("edge_report.maker_share_pct.fail = 0.85").is_empty());
    assert!(pointless("run_gates.hit_ratio.limit = 0.0").contains("can never fail"));
    assert!(pointless("run_gates.deadline_miss_rate.limit = 2").contains("can never fail"));
    assert!(pointless("anomalies.risk_jump = 1.0").contains("can never be reached"));
    assert!(pointless("anomalies.maker_drop = 75").contains("is always reached"));
    assert!(pointless("recommendations.velocity.limit = -1").contains("is always reached"));
}

#[test]
fn a_gate_that_asks_for_the_bad_side_is_refused() {
    assert_eq!(
        error_of("readiness.kpi.net_bps.comparison = \"<=\""),
        "`p.toml`:2:36: `readiness.kpi.net_bps.comparison`: found `<=`, but for `net_bps` higher is better; \
         expected `>=` or `>`"
    );
    assert!(error_of("violations.kpi.risk_ratio.crit_when = \"<\"").contains("expected `>=` or `>`"));
    assert!(error_of("edge_report.net_bps.miss_when = \">\"").contains("expected `<=` or `<`"));
}

#[test]
fn inverted_levels_are_refused_and_equal_ones_are_not() {
    assert!(error_of("violations.kpi.net_bps.crit = 3.01").contains("limits are inverted"));
    assert!(errors_of("violations.kpi.net_bps.crit = 3.0").is_empty());
    assert!(error_of("violations.kpi.p95_latency_ms.crit = 329").contains("limits are inverted"));
    assert!(error_of("edge_report.adverse_bps_p95.fail = 3.9").contains("limits are inverted"));
    assert!(errors_of("edge_report.adverse_bps_p95.fail = 4.0").is_empty());
    assert!(error_of("run_verdict.pass_share = 0.6").contains("is below `run_verdict.warn_share`, 0.625"));
    assert!(errors_of("run_verdict.pass_share = 0.625").is_empty());
    assert!(
        error_of("deltas.full_apply_ratio_strict = 0.89").contains("is below `deltas.full_apply_ratio`, 0.9")
    );
    let undirected = concat!(
        "[kpi.x]\nunit = \"x\"\ndirection = \"none\"\n",
        "[violations.kpi.x]\nwarn_when = \">\"\nwarn = 1\ncrit_when = \"<\"\ncrit = 2\n"
    );
    assert!(error_of(undirected).contains("look in different directions"));
}

#[test]
fn shares_counts_and_margins_keep_to_their_range() {
    for (text, part) in [
        ("run_verdict.pass_share = 75", "expected a share above 0 and at most 1, found 75"),
        ("run_verdict.warn_share = 0", "expected a share above 0 and at most 1, found 0"),
        ("deltas.full_apply_ratio = 1.01", "expected a share"),
        ("trend.relative_change = -0.05", "expected a share"),
        ("windows.last_n = 0", "expected 1 or more, found 0"),
        ("windows.last_n = -8", "expected 0 or more, found -8"),
        ("goals.margin = -0.1", "expected 0 or more, found -0.1"),
        ("goals.kpi.net_bps.margin = -1", "expected 0 or more, found -1"),
        ("deltas.signature_stuck_max = -1", "expected 0 or more, found -1"),
        ("readiness.min_iterations = 0", "expected 1 or more, found 0"),
        ("readiness.window = \"last 0\"", "expected 1 or more"),
        ("anomalies.latency_spike_ms = 0", "expected a number above 0"),
        ("recommendations.velocity.change.max_delta_per_hour.multiply = 0", "expected a number above 0"),
        ("recommendations.velocity.change.max_delta_per_hour.multiply = 1", "changes nothing"),
        ("recommendations.high_risk.change.min_interval_ms.add = 0", "changes nothing"),
    ] {
        let error = error_of(text);
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(errors_of("deltas.signature_stuck_max = 0").is_empty());
    assert!(errors_of("deltas.full_apply_ratio = 0.95").is_empty());
}

#[test]
fn a_minimum_must_fit_into_its_window() {
    assert_eq!(
        error_of("run_verdict.min_iterations = 9"),
        "`p.toml`:2:30: `run_verdict.min_iterations`: a window of 8 never holds 9 iterations; \
         expected at most 8, or `window`"
    );
    assert!(errors_of("run_verdict.min_iterations = 8").is_empty());
    assert!(error_of("[readiness]\nwindow = \"last 5\"\nmin_iterations = 6").contains("a window of 5"));
    assert!(errors_of("[readiness]\nwindow = \"last 5\"\nmin_iterations = 5").is_empty());
    assert!(errors_of("[readiness]\nwindow = \"overall\"\nmin_iterations = 100").is_empty());
    // The minimum stands in the built-in policy, but it is the new window that it does not fit.
    let error = error_of("readiness.window = \"steady\"");
    assert!(error.contains("the window `steady` has no fixed length"), "{error}");
}

#[test]
fn a_group_that_would_judge_nothing_is_refused() {
    let without = |set: &str, of: &str| {
        ["net_bps", "risk_ratio", "maker_taker_ratio", "p95_latency_ms"]
            .map(|kpi| format!("{set}.kpi.{kpi}.enabled = false\n"))
            .concat()
            + of
    };
    for set in ["iteration_pass", "iteration_pass_mock", "readiness"] {
        let error = error_of(&without(set, ""));
        assert!(error.contains(&format!("`{set}`: has no limit in force")), "{error}");
    }
    assert!(errors_of(&without("goals", "")).is_empty());
    assert!(error_of(&without("goals", "goals.gates = true\n")).contains("has no limit in force"));
    assert!(error_of(&without("violations", "violations.gates = true\n")).contains("has no limit in force"));
    assert!(
        error_of("recommendations.velocity.change.max_delta_per_hour.enabled = false")
            .contains("changes nothing; expected at least one parameter")
    );
}
