//! Bounds, counts of iterations and the rules of a comparison: what is read, and what can never judge.

use super::{error_of, errors_of, with_file};
use crate::core::kpi::KpiId;
use crate::core::policy::{HoldCount, Judge, KpiGate, Policy, Statistic};

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
fn a_bound_that_can_never_be_had_is_told_with_its_place() {
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
fn counts_that_can_never_judge_are_told_with_their_place() {
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
