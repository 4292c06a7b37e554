//! Layers: who wins, what is remembered, and what a user can change.

use crate::core::kpi::{Direction, Unit};
use crate::core::policy::{Effective, FreezeRule, Policy, Statistic, Step, Subject, WindowSpec};
use crate::core::verdict::Severity;

use super::super::{Layer, Origin, Patch, read};
use super::with_file;

fn layer(path: &str, text: &str) -> Layer {
    Layer { origin: Origin::File(path.to_owned()), text: text.to_owned() }
}

fn patch(key: &str, value: &str, origin: Origin) -> Patch {
    Patch { key: key.to_owned(), value: value.to_owned(), origin }
}

fn flag(key: &str, value: &str, flag: &str) -> Patch {
    patch(key, value, Origin::Flag(flag.to_owned()))
}

fn good(text: &str) -> Policy {
    with_file(text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn entry<'p>(policy: &'p Policy, key: &str) -> &'p Effective {
    policy.effective.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("no `{key}`"))
}

#[test]
fn the_topmost_layer_that_has_a_key_gives_its_value_and_origin() {
    let base = layer("base.toml", "schema_version = 1\n\n[readiness.kpi.net_bps]\nlimit = 3.1\n");
    let site = layer("site.toml", "schema_version = 1\nreadiness.kpi.net_bps.limit = 3.2\n");
    let source = |layers: &[Layer]| {
        let policy = read(layers, &[]).unwrap_or_else(|errors| panic!("{errors}"));
        let limit = policy.readiness.checks[0].limit.clone();
        (limit.value, limit.source.origin)
    };
    assert_eq!(source(std::slice::from_ref(&base)), (3.1, "base.toml:4".to_owned()));
    assert_eq!(source(&[base.clone(), site.clone()]), (3.2, "site.toml:2".to_owned()));
    assert_eq!(source(&[site, base]), (3.1, "base.toml:4".to_owned()));
}

#[test]
fn other_keys_of_a_table_stay_as_they_are_below() {
    let policy = good("[readiness.kpi.net_bps]\nlimit = 3.1\n");
    assert_eq!(policy.readiness.checks.len(), 4);
    assert_eq!(entry(&policy, "readiness.kpi.net_bps.comparison").origin, "built-in policy");
    assert_eq!(entry(&policy, "readiness.kpi.net_bps.limit").origin, "p.toml:3");
}

#[test]
fn a_flag_beats_a_variable_and_a_variable_beats_a_file() {
    let file = layer("p.toml", "schema_version = 1\nwindows.last_n = 10\n");
    let variable = patch("windows.last_n", "11", Origin::Env("SOAK_LAST_N".to_owned()));
    let last_n = |patches: &[Patch]| {
        let policy = read(std::slice::from_ref(&file), patches).unwrap_or_else(|errors| panic!("{errors}"));
        (policy.windows.last_n, entry(&policy, "windows.last_n").origin.clone())
    };
    assert_eq!(last_n(&[]), (10, "p.toml:2".to_owned()));
    assert_eq!(last_n(std::slice::from_ref(&variable)), (11, "env SOAK_LAST_N".to_owned()));
    let typed = flag("windows.last_n", "12", "--last-n");
    assert_eq!(last_n(&[variable, typed]), (12, "flag --last-n".to_owned()));
}

#[test]
fn a_longer_window_takes_the_minimum_with_it_and_one_that_a_flag_cuts_does_not() {
    let minimum = |layers: &[Layer], length: &str| {
        let patches = [flag("windows.last_n", length, "--last-n")];
        let policy = read(layers, &patches).unwrap_or_else(|errors| panic!("{errors}"));
        let rule = policy.run_verdict;
        assert!(policy.readiness.checks.iter().all(|gate| gate.min_iterations == rule.min_iterations));
        (rule.min_iterations, rule.own_min_iterations)
    };
    assert_eq!(minimum(&[], "4"), (8, 8));
    assert_eq!(minimum(&[], "12"), (12, 8));
    // A shorter window in a file comes with a minimum of its own.
    let six = [layer(
        "p.toml",
        "schema_version = 1\nwindows.last_n = 6\nrun_verdict.min_iterations = \"window\"\n",
    )];
    assert_eq!(minimum(&six, "4"), (6, 6));
    // A number in a file is meant for every run, and is no error of the flag.
    let number = [layer(
        "p.toml",
        "schema_version = 1\n[run_verdict]\nmin_iterations = 7\n[readiness]\nmin_iterations = 7\n",
    )];
    assert_eq!(minimum(&number, "4"), (7, 7));
    let patches = [flag("run_verdict.min_iterations", "3", "--min-iterations")];
    let policy = read(&[], &patches).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.run_verdict.min_iterations, 3);
    assert!(policy.readiness.checks.iter().all(|gate| gate.min_iterations == 8));
}

#[test]
fn words_in_flags_need_no_quotes() {
    for value in ["ignore", "\"ignore\""] {
        let patches = [flag("run_verdict.freeze", value, "--freeze")];
        let policy = read(&[], &patches).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(policy.run_verdict.freeze, FreezeRule::Ignore);
        assert_eq!(policy.run_verdict.freeze_source.origin, "flag --freeze");
    }
    let patches = [flag("readiness.window", "last 5", "--window")];
    let policy = read(&[], &patches);
    assert!(policy.is_ok_and(|policy| policy.readiness.checks[0].window == WindowSpec::Last(5)));
}

#[test]
fn a_kpi_may_differ_from_the_defaults_of_its_group() {
    let policy = good(concat!(
        "[readiness.kpi.p95_latency_ms]\n",
        "severity = \"soft\"\nstatistic = \"p95\"\nwindow = \"steady\"\nmin_iterations = 20\nmargin = 5\n",
    ));
    let changed = &policy.readiness.checks[3];
    assert_eq!(changed.severity, Severity::Soft);
    assert_eq!(changed.statistic, Statistic::P95);
    assert_eq!(changed.window, WindowSpec::Steady);
    assert_eq!((changed.min_iterations, changed.margin), (20, 5.0));
    let other = &policy.readiness.checks[2];
    assert_eq!((other.severity, other.window), (Severity::Hard, WindowSpec::LastN));
    assert_eq!((other.min_iterations, other.margin), (8, 0.0));
}

#[test]
fn a_declared_kpi_can_be_in_every_group() {
    let policy = good(concat!(
        "[kpi.queue_depth]\nunit = \"orders\"\ndirection = \"lower\"\naliases = [\"depth\"]\n",
        "floor = 2\nlowest = 0\n",
        "[kpi.error_ratio]\nunit = \"ratio\"\ndirection = \"lower\"\n",
        "[iteration_pass.kpi.queue_depth]\ncomparison = \"<=\"\nlimit = 40\n",
        "[goals.kpi.queue_depth]\ncomparison = \"<\"\nlimit = 30\n",
        "[violations.kpi.error_ratio]\nwarn_when = \">\"\nwarn = 0.01\ncrit_when = \">\"\ncrit = 0.02\n",
        "[recommendations.deep]\nkpi = \"queue_depth\"\nstatistic = \"max\"\ncomparison = \">\"\nlimit = 50\n",
        "change.concurrency_limit = { add = -1 }\n",
    ));
    // Declared KPIs come after the built-in ones, by name: error_ratio, then queue_depth.
    assert_eq!(policy.kpis.len(), 18);
    let depth = policy.kpis.find("queue_depth").expect("declared");
    let errors = policy.kpis.find("error_ratio").expect("declared");
    assert!(errors < depth);
    assert_eq!(policy.kpis.spelled("depth"), Some((depth, 1)));
    let kpi = depth;
    assert_eq!(kpi.unit, Unit::Other("orders"));
    assert_eq!((kpi.direction, kpi.floor), (Some(Direction::Lower), 2.0));
    assert_eq!((kpi.lowest, kpi.highest), (Some(0.0), None));
    let ratio = errors;
    assert_eq!((ratio.lowest, ratio.highest, ratio.floor), (Some(0.0), Some(1.0), 0.0));
    assert_eq!(policy.iteration_pass.checks.last().map(|gate| gate.kpi), Some(depth));
    assert_eq!(policy.goals.checks.last().map(|gate| gate.limit.value), Some(30.0));
    assert_eq!(policy.violations.rules.last().map(|rule| rule.kpi), Some(errors));
    let rule = policy.recommendations.last().expect("ten rules");
    assert_eq!(rule.conditions[0].subject, Subject::Kpi(depth, Statistic::Max));
    assert_eq!(rule.changes[0].1, Step::Add(-1.0));
}

#[test]
fn what_does_not_suit_a_service_can_be_taken_out() {
    let policy = good(concat!(
        "iteration_pass.kpi.maker_taker_ratio.enabled = false\n",
        "violations.kpi.net_bps.enabled = false\n",
        "edge_report.maker_share_pct.enabled = false\n",
        "run_gates.hit_ratio.enabled = false\n",
        "recommendations.velocity.enabled = false\n",
        "recommendations.high_risk.change.min_interval_ms.enabled = false\n",
    ));
    assert_eq!(policy.iteration_pass.checks.len(), 3);
    assert_eq!(policy.violations.rules.len(), 3);
    assert_eq!(policy.edge_report.len(), 6);
    assert_eq!(policy.run_gates.len(), 5);
    assert_eq!(policy.recommendations.len(), 8);
    assert_eq!(policy.recommendations[0].changes.len(), 1);
}

#[test]
fn a_layer_above_may_multiply_where_the_one_below_adds() {
    let policy = good("[recommendations.high_risk.change]\nmin_interval_ms = { multiply = 1.5 }\n");
    assert_eq!(policy.recommendations[0].changes[1].1, Step::Multiply(1.5));
    let key = "recommendations.high_risk.change.min_interval_ms.add";
    assert!(policy.effective.iter().all(|entry| entry.key != key));
    let policy = good("[recommendations.high_risk]\nguard = \"no_op\"\nlimit = 3\n");
    assert!(matches!(policy.recommendations[0].conditions[0].subject, Subject::Guard(_)));
    assert!(policy.effective.iter().all(|entry| entry.key != "recommendations.high_risk.kpi"));
}

#[test]
fn the_hash_follows_values_and_not_spelling_or_place() {
    let built_in = read(&[], &[]).unwrap_or_else(|errors| panic!("{errors}")).sha256;
    assert_eq!(built_in.len(), 64);
    // 0.40 is what the built-in policy says.
    let same = good("# a comment\n[readiness.kpi.risk_ratio]\nlimit = 4.0e-1\n");
    assert_eq!(same.sha256, built_in);
    assert_eq!(entry(&same, "readiness.kpi.risk_ratio.limit").value, "0.4");
    assert_ne!(good("[readiness.kpi.risk_ratio]\nlimit = 0.39\n").sha256, built_in);
}
