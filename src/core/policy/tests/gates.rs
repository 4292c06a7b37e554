//! Limits that decide nothing, contradict each other, or leave their range are refused; what could never judge is too.

use super::{error_of, errors_of, with_file};
use crate::core::kpi::KpiId;
use crate::core::policy::{HoldCount, Judge, KpiGate, Policy, Statistic};

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

fn net(policy: &Policy) -> &KpiGate {
    let of_net = |gate: &&KpiGate| gate.kpi == KpiId::NET_BPS;
    policy.readiness.checks.iter().find(of_net).expect("a limit on net")
}

#[track_caller]
fn read(text: &str) -> Policy {
    with_file(text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn gates_judge_the_point_unless_the_set_or_the_kpi_asks_for_a_bound() {
    assert_eq!((net(&read("")).judge, net(&read("")).count), (Judge::Point, None));
    let set = read("[readiness]\njudge = \"lower\"\nconfidence = 0.9\n");
    assert!(set.readiness.checks.iter().all(|gate| gate.judge == Judge::Lower(0.9)));
    let one = read("[readiness.kpi.net_bps]\njudge = \"upper\"\n");
    assert_eq!(net(&one).judge, Judge::Upper(0.95));
    assert_eq!(one.readiness.checks.iter().filter(|gate| gate.judge != Judge::Point).count(), 1);
}

#[test]
fn a_bound_that_can_never_be_had_is_reported_with_its_place() {
    assert_eq!(
        error_of("[readiness.kpi.net_bps]\nstatistic = \"min\"\njudge = \"lower\""),
        "`p.toml`:4:9: `readiness.kpi.net_bps.judge`: a bound is known for `mean` and `median`, not for `min`; \
         expected `point`, or another statistic"
    );
    assert_eq!(
        error_of("[readiness.kpi.net_bps]\nwindow = \"last 5\"\njudge = \"lower\""),
        "`p.toml`:4:9: `readiness.kpi.net_bps.judge`: a window of 5 never gives a bound; expected `point`, or a \
         window of at least 6"
    );
    assert!(errors_of("[readiness.kpi.net_bps]\nwindow = \"last 6\"\njudge = \"lower\"").is_empty());
    let unknown = error_of("[goals]\njudge = \"lowest\"");
    assert!(unknown.starts_with("`p.toml`:3:9: `goals.judge`: unknown judge `lowest`"), "{unknown}");
    for confidence in ["0.5", "1.0", "95", "-1"] {
        let error = error_of(&format!("[goals]\nconfidence = {confidence}"));
        assert!(error.contains("expected a share above 0.5 and below 1"), "{error}");
    }
    assert!(errors_of("[goals]\nconfidence = 0.501").is_empty());
}

#[test]
fn so_many_iterations_must_hold_in_a_row_or_of_the_last_ones() {
    let each = "[readiness.kpi.net_bps]\nstatistic = \"each\"\n";
    let count = |keys: &str| net(&read(&format!("{each}{keys}"))).count;
    assert_eq!(count("holds_for = 5"), Some(HoldCount { holds: 5, of: 5 }));
    assert_eq!(count("holds_in = 6\nover_last = 8"), Some(HoldCount { holds: 6, of: 8 }));
    assert_eq!(count("holds_in = 8\nover_last = 8"), Some(HoldCount { holds: 8, of: 8 }));
    assert_eq!(net(&read(each)).statistic, Statistic::Each);
}

#[test]
fn counts_that_can_never_judge_are_reported_with_their_place() {
    let error = |keys: &str| error_of(&format!("[readiness.kpi.net_bps]\nstatistic = \"each\"\n{keys}"));
    let starts = |error: String, words: &str| assert!(error.contains(words), "{error}");
    starts(
        error("holds_in = 9\nover_last = 8"),
        "`p.toml`:4:12: `readiness.kpi.net_bps.holds_in`: 9 of the last 8 iterations can never hold",
    );
    starts(
        error("holds_for = 9"),
        "`p.toml`:4:13: `readiness.kpi.net_bps.holds_for`: a window of 8 never holds 9 iterations",
    );
    starts(
        error("holds_in = 3\nover_last = 9"),
        "`p.toml`:5:13: `readiness.kpi.net_bps.over_last`: a window of 8 never holds 9 iterations",
    );
    starts(error("holds_in = 3"), "and not over how many; expected `over_last` beside it");
    starts(error("over_last = 3"), "and not in how many; expected `holds_in` beside it");
    starts(error("holds_for = 3\nholds_in = 2\nover_last = 3"), "has both `holds_for` and `holds_in`");
    starts(error("holds_for = 0"), "expected 1 or more, found 0");
    starts(
        error_of("[readiness.kpi.net_bps]\nholds_for = 3"),
        "counts single iterations, and the statistic is `median`; expected `statistic = \"each\"` beside it",
    );
}

#[test]
fn the_rules_of_a_comparison_are_read_and_checked() {
    let rules = read("[compare.kpi.net_bps]\nabsolute = 0.5").compare;
    let absolute: Vec<f64> =
        rules.kpis.iter().filter_map(|rule| Some(rule.margin.as_ref()?.absolute.value)).collect();
    // In the order of their names: maker, net, latency, risk.
    assert_eq!(absolute, [0.02, 0.5, 10.0, 0.02]);
    assert_eq!((rules.error_rate.value, rules.extensions, rules.min_iterations), (0.05, 1, 16));
    for (text, words) in [
        ("error_rate = 0.5", "`p.toml`:3:14: `compare.error_rate`: expected a share above 0 and below 0.5"),
        ("error_rate = 0", "expected a share above 0 and below 0.5, found 0"),
        ("extensions = 2", "`p.toml`:3:14: `compare.extensions`: expected 0 or 1, found 2"),
        ("window = \"last 15\"", "a window of 15 never holds 16 iterations"),
        ("min_iterations = \"window\"", "the window `steady` has no fixed length"),
        ("kpi.net_bps.absolute = -0.1", "expected 0 or more, found -0.1"),
        ("kpi.net_bps.relative = -1", "expected 0 or more, found -1"),
        ("kpi.gross_bps.absolute = 1", "`gross_bps` has no direction, so neither way is worse"),
        ("refuse = [\"intervall\"]", "unknown condition `intervall` (did you mean `interval`?)"),
        ("relative = -0.1", "expected 0 or more, found -0.1"),
    ] {
        let error = error_of(&format!("[compare]\n{text}"));
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn every_kpi_of_the_policy_is_compared_with_a_margin_of_its_own_or_the_default() {
    let policy = read(
        "[kpi.zeta_ms]\nunit = \"ms\"\ndirection = \"lower\"\nfloor = 2\n\
         [kpi.alpha]\nunit = \"1/s\"\ndirection = \"higher\"\n\
         [kpi.color]\nunit = \"x\"\ndirection = \"none\"\n\
         [iteration_pass.kpi.zeta_ms]\ncomparison = \"<=\"\nlimit = 9\n\
         [iteration_pass.kpi.net_bps]\nenabled = false\n\
         [compare.kpi.alpha]\nabsolute = 5\n\
         [compare.kpi.cancel_ratio]\nrelative = 0.5\n\
         [compare.kpi.risk_ratio]\nenabled = false\n\
         [compare]\nrefuse = [\"interval\", \"cpu\"]",
    );
    let rules = &policy.compare;
    let told: Vec<_> = rules
        .kpis
        .iter()
        .map(|rule| {
            let margin = rule.margin.as_ref().map(|margin| (margin.absolute.value, margin.relative.value));
            (rule.kpi.name, margin, rule.required)
        })
        .collect();
    // The four by name, then the others by name. The share for all is 5 %; the floor of ratios is 0.005.
    let expected = [
        ("maker_taker_ratio", Some((0.02, 0.0)), true),
        ("net_bps", Some((0.2, 0.05)), false),
        ("p95_latency_ms", Some((10.0, 0.0)), true),
        ("risk_ratio", None, false),
        ("alpha", Some((5.0, 0.05)), false),
        ("cancel_ratio", Some((0.005, 0.5)), false),
        ("color", None, false),
        ("zeta_ms", Some((2.0, 0.05)), true),
    ];
    assert_eq!(told, expected);
    let refuse: Vec<&str> = rules.refuse.iter().map(|condition| condition.word()).collect();
    assert_eq!(refuse, ["interval", "cpu"]);
}

#[test]
fn a_window_that_never_holds_what_a_course_asks_for_is_an_error() {
    for table in ["kpi_drift", "change_points"] {
        let error = error_of(&format!("[{table}]\nwindow = \"last 47\""));
        let words = format!(
            "`p.toml`:3:10: `{table}.window`: a window of 47 never holds the 48 iterations of `{table}.min_iterations`"
        );
        assert!(error.contains(&words), "{error}");
        assert!(error_of(&format!("[{table}]\nwindow = \"last_n\"")).contains("a window of 8 never holds"));
        read(&format!("[{table}]\nwindow = \"last 48\""));
    }
}

#[test]
fn gates_that_a_run_is_too_short_for_are_known_before_it_starts() {
    assert_eq!(read("").beyond(1), []);
    let beyond = |text: &str, iterations: u64| -> Vec<(String, u64)> { read(text).beyond(iterations) };
    let named = |name: &str, needed: u64| (name.to_owned(), needed);
    // From the 7th on 48: up to the 54th.
    let drift = "[kpi_drift]\nseverity = \"hard\"";
    assert_eq!(beyond(drift, 53), [named("kpi_drift", 54)]);
    assert_eq!(beyond(drift, 54), []);
    let over = "[readiness]\ngates = true\n[readiness.kpi.net_bps]\nstatistic = \"each\"\nwindow = \"overall\"\n\
                min_iterations = 1\nholds_in = 80\nover_last = 100";
    assert_eq!(beyond(over, 99), [named("readiness.net_bps", 100)]);
    assert_eq!(beyond(over, 100), []);
    // Eight of the others.
    assert_eq!(beyond(over, 7).len(), 4);
    // Sixteen of the steady part.
    let bound = "[goals]\ngates = true\n[goals.kpi.net_bps]\njudge = \"lower\"";
    assert_eq!(beyond(bound, 21), [named("goals.net_bps", 22)]);
    assert_eq!(beyond(&bound.replace("gates = true", "gates = false"), 1), []);
}
