//! What a user can change about `run`, and every way in which that can be wrong.

use super::{error_of, errors_of, with_file};
use crate::core::iteration::params::ParamName;
use crate::core::policy::run::{Movement, RunPolicy};
use crate::core::verdict::Comparison;

/// Each text has one error with this part.
#[track_caller]
fn refused(cases: &[(&str, &str)]) {
    for (text, part) in cases {
        let error = error_of(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[track_caller]
fn accepted(texts: &[&str]) {
    for text in texts {
        assert_eq!(errors_of(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn unknown_parameters_are_reported_with_what_was_probably_meant() {
    assert_eq!(
        error_of("[profiles.steady_safe]\nmin_interval = 70"),
        "`p.toml`:3:1: `profiles.steady_safe.min_interval`: unknown parameter `min_interval` \
         (did you mean `min_interval_ms`?); declare it as `[parameters.<name>]` if it is new"
    );
    refused(&[
        ("presets.x.change.tail_age_m = { add = 1 }", "(did you mean `tail_age_ms`?)"),
        (
            "tuner.edge.change.\"taker_rescue.cooldown_ms\" = { add = 1 }",
            "(here it goes by `rescue_cooldown_ms`)",
        ),
        // Known to files, but no parameter of a run.
        ("tuner.edge.change.velocity_cap = { add = 1 }", "unknown parameter `velocity_cap`"),
        ("guards.freeze.parameters = [\"impact_cap\"]", "unknown parameter `impact_cap`"),
        (
            "cautions.spread_and_interval.keeps = \"min_interval\"",
            "`cautions.spread_and_interval.keeps`: unknown parameter",
        ),
        (
            "[parameters.\"engine.tail_age_ms\"]\nunit = \"ms\"\nlowest = 1\nhighest = 2\nmax_change_per_hour = 1\n\
          default = 1\nwhole = false\nsubsystem = \"edge\"",
            "the flat name of this parameter is `tail_age_ms`",
        ),
        (
            "[parameters.enabled]\nunit = \"ms\"\nlowest = 1\nhighest = 2\nmax_change_per_hour = 1\n\
          default = 1\nwhole = false\nsubsystem = \"edge\"",
            "`enabled` cannot be the name of a parameter",
        ),
    ]);
}

#[test]
fn bounds_of_a_parameter_must_hold_its_default() {
    refused(&[
        (
            "parameters.position_limit_ratio.lowest = 1.0",
            "1 is not above `parameters.position_limit_ratio.lowest`, 1: no value lies between them",
        ),
        ("parameters.tail_age_ms.lowest = 801", "800 is not above `parameters.tail_age_ms.lowest`, 801"),
        (
            "parameters.concurrency_limit.default = 0",
            "0 is outside of the bounds of `concurrency_limit`, 1 to 64",
        ),
        ("parameters.concurrency_limit.default = 65", "65 is outside of the bounds"),
        ("parameters.concurrency_limit.default = 9.5", "expected a whole number, found 9.5"),
        ("parameters.concurrency_limit.highest = 64.5", "expected a whole number, found 64.5"),
        ("parameters.tail_age_ms.max_change_per_hour = 0", "expected a number above 0"),
        ("parameters.tail_age_ms.subsystem = \"\"", "expected a name, found an empty string"),
        ("parameters.tail_age_ms.step = 1", "unknown key"),
    ]);
    accepted(&["parameters.concurrency_limit.default = 1", "parameters.concurrency_limit.default = 64"]);
}

#[test]
fn a_profile_keeps_to_the_bounds() {
    assert_eq!(
        error_of("profiles.steady_safe.min_interval_ms = 81"),
        "`p.toml`:2:40: `profiles.steady_safe.min_interval_ms`: 81 is outside of the bounds of \
         `min_interval_ms`, 40 to 80"
    );
    accepted(&["profiles.steady_safe.min_interval_ms = 80", "profiles.steady_safe.min_interval_ms = 40"]);
    refused(&[
        ("profiles.steady_safe.min_interval_ms = 39", "39 is outside of the bounds"),
        ("profiles.steady_safe.tail_age_ms = 700.5", "expected a whole number, found 700.5"),
        ("profiles.steady_safe.tail_age_ms = \"700\"", "expected a number, found a string"),
        ("[profiles.empty]", "`profiles.empty`: sets nothing; expected at least one parameter"),
    ]);
    // The profile stands in the built-in policy, but it is the new bound that it does not fit.
    let errors = errors_of("parameters.min_interval_ms.highest = 79");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].contains("`profiles.ultra_safe.min_interval_ms`: 80 is outside"), "{errors:#?}");
}

#[test]
fn a_preset_has_one_step_a_parameter_and_at_least_one() {
    refused(&[
        ("[presets.x]", "`presets.x.change`: changes nothing; expected at least one parameter"),
        ("presets.x.change.tail_age_ms = { add = 0 }", "0 changes nothing"),
        ("presets.x.change.tail_age_ms = { multiply = 1.0 }", "1 changes nothing"),
        ("presets.x.change.tail_age_ms = { multiply = 0 }", "expected a number above 0"),
        ("presets.x.change.tail_age_ms = { add = 1, multiply = 2 }", "has both `add` and `multiply`"),
    ]);
    let errors = errors_of("presets.x.change.tail_age_ms = { at_least = 1 }");
    assert_eq!(errors.len(), 2, "{errors:#?}");
    assert!(
        errors.iter().any(|error| error.contains("`presets.x.change.tail_age_ms.at_least`: unknown key"))
    );
}

#[test]
fn names_must_be_those_of_something_in_force() {
    refused(&[
        ("phases.warmup_preset = \"warmup_conservative\"", "no preset `warmup_conservative` is in force"),
        ("presets.warmup_conservative_v1.enabled = false", "`phases.warmup_preset`: no preset"),
        (
            "patience.panic_profile = \"steady_save\"",
            "no profile `steady_save` is in force (did you mean `steady_safe`?)",
        ),
        ("profiles.steady_safe.enabled = false", "`patience.panic_profile`: no profile"),
        (
            "tuner.maker_boost.replaces = [\"normalise\"]",
            "unknown row above `normalise` (did you mean `normalize`?)",
        ),
        ("tuner.maker_boost.replaces = [\"driver_adverse\"]", "unknown row above `driver_adverse`"),
        ("tuner.maker_boost.replaces = [\"maker_boost\"]", "unknown row above `maker_boost`"),
        ("tuner.maker_boost.replaces = [\"edge\", \"edge\"]", "`edge` is listed twice"),
        (
            "guards.partial_freeze.latency_freezes = [\"rebids\"]",
            "unknown subsystem `rebids` (did you mean `rebid`?)",
        ),
        ("guards.partial_freeze.oscillation_freezes = [\"rebid\", \"rebid\"]", "`rebid` is listed twice"),
        ("guards.freeze.parameters = [\"tail_age_ms\", \"tail_age_ms\"]", "`tail_age_ms` is listed twice"),
        ("cautions.spread_and_interval.keeps = \"base_spread_bps_delta\"", "is `raised` as well"),
        ("tuner.edge.when.net = { below = 1 }", "(here it goes by `net_bps`)"),
        ("iteration_verdict.warn.risk.kpi = \"risk_rate\"", "(did you mean `risk_ratio`?)"),
    ]);
    accepted(&["guards.partial_freeze.latency_freezes = []"]);
}

#[test]
fn lengths_start_at_one() {
    for key in [
        "phases.warmup_iterations",
        "phases.rampdown_iterations",
        "patience.panic_after_fails",
        "patience.failed_collections",
        "tuner.edge.in_a_row",
        "guards.freeze.in_a_row",
        "guards.freeze.lasts",
        "guards.cooldown.iterations",
        "guards.micro_steps.keys",
        "guards.partial_freeze.direction_changes",
    ] {
        refused(&[(&format!("{key} = 0"), "expected 1 or more, found 0")]);
        refused(&[(&format!("{key} = 1.5"), "expected a whole number, found a float")]);
        accepted(&[&format!("{key} = 1")]);
    }
    refused(&[
        ("guards.velocity.window_seconds = 0", "expected a number above 0"),
        ("guards.velocity.warmup_factor = 0", "expected a number above 0"),
        ("guards.cooldown.large_step = 0", "expected a number above 0"),
        ("guards.partial_freeze.relative_range = 0", "expected a number above 0"),
        ("guards.partial_freeze.open_after_ms = -1", "expected 0 or more"),
        ("guards.partial_freeze.close_after_ms = -1", "expected 0 or more"),
        ("guards.partial_freeze.minimum_ms = -1", "expected 0 or more"),
        ("guards.oscillation.tolerance = -1e-9", "expected 0 or more"),
        ("patience.child_grace_seconds = -1", "expected 0 or more"),
        ("patience.child_kill_after_seconds = -1", "expected 0 or more"),
        ("tuner.edge.rest = -1", "expected 0 or more"),
        ("guards.micro_steps.keys = 4294967296", "4294967296 is too large"),
    ]);
}

#[test]
fn how_a_run_measures_is_checked() {
    refused(&[
        ("run.source = \"simulator\"", "unknown source `simulator`"),
        ("run.measure_at = \"middle\"", "unknown time `middle`"),
        ("run.stale_after = \"5m\"", "expected whole seconds or `interval`"),
        ("run.stale_after = 1.5", "expected whole seconds or `interval`"),
        ("run.stale_after = -1", "expected 0 or more"),
        ("run.clock_step_seconds = 0", "expected a number above 0"),
        ("run.clock_step_share = 1.5", "expected a share"),
        ("run.interval = 3", "unknown key"),
    ]);
    accepted(&[
        "run.source = \"exec\"",
        "run.source = \"none\"",
        "run.measure_at = \"end\"",
        "run.stale_after = 0",
        "run.stale_after = \"interval\"",
    ]);
}

#[test]
fn limits_that_decide_nothing_are_refused() {
    refused(&[
        ("tuner.aggressive.when.risk_ratio.at_least = 1.01", "`>= 1.01` can never be reached"),
        ("tuner.aggressive.when.risk_ratio.at_least = 0", "`>= 0` is always reached"),
        ("tuner.moderate.when.risk_ratio.below = 0.40", "`>= 0.4` and `< 0.4` can never both hold"),
        ("tuner.moderate.when.risk_ratio.below = 0.39", "can never both hold"),
        (
            "tuner.latency_buffer.when.p95_latency_ms.at_most = 329",
            "`>= 330` and `<= 329` can never both hold",
        ),
        ("iteration_verdict.fail.risk.limit = 1", "can never be reached"),
        ("iteration_verdict.fail.net.comparison = \">\"", "for `net_bps` higher is better"),
        ("guards.freeze.when.risk_ratio.at_most = 1", "is always reached"),
        ("guards.partial_freeze.latency_when.p95_latency_ms.at_least = 0", "is always reached"),
        (
            "guards.partial_freeze.latency_when.p95_latency_ms.below = 400",
            "has two limits; here any one is enough, so expected one a KPI",
        ),
        (
            "guards.partial_freeze.applied_values = 3",
            "3 values change direction at most 1 times; expected `applied_values` to be at least 4",
        ),
        ("guards.cooldown.large_step = 11", "`> 11` can never be reached: 11 parameters"),
        (
            "tuner.aggressive.when.risk_ratio.above = 0.7\ntuner.aggressive.when.risk_ratio.at_least = 0.7",
            "has both `at_least` and `above`",
        ),
        (
            "tuner.aggressive.when.net_bps = {}",
            "is missing its limit, expected `at_least`, `above`, `at_most` or `below`",
        ),
        (
            "tuner.aggressive.when.risk_ratio.enabled = false",
            "`tuner.aggressive.when`: has no condition in force",
        ),
        (
            "guards.freeze.when.risk_ratio.enabled = false\nguards.freeze.when.net_bps.enabled = false",
            "`guards.freeze.when`: has no condition in force",
        ),
        ("guards.freeze.parameters = []", "a freeze that holds no parameter does nothing"),
    ]);
    accepted(&[
        "tuner.latency_buffer.when.p95_latency_ms.at_most = 330",
        "tuner.moderate.when.risk_ratio.below = 0.41",
        "guards.partial_freeze.applied_values = 4",
        "guards.cooldown.large_step = 10.9",
        "iteration_verdict.fail.risk.limit = 0.999",
    ]);
}

#[test]
fn a_row_must_be_able_to_change_something() {
    refused(&[
        ("tuner.edge.change.base_spread_bps_delta.enabled = false", "`tuner.edge.change`: changes nothing"),
        ("parameters.base_spread_bps_delta.enabled = false", "`tuner.edge.change`: changes nothing"),
        ("tuner.edge.change.base_spread_bps_delta.add = 0", "0 changes nothing"),
        ("tuner.latency_hard.change.concurrency_limit.multiply = 1", "1 changes nothing"),
        ("tuner.edge.change.base_spread_bps_delta.floor = 0.1", "shortens nothing: a `cap` is for a step up"),
        ("tuner.normalize.change.min_interval_ms.cap = 70", "shortens nothing"),
        ("tuner.latency_hard.change.concurrency_limit.cap = 5", "shortens nothing"),
        ("tuner.fallback.change.tail_age_ms.cap = 750", "shortens nothing"),
        (
            "tuner.moderate.change.min_interval_ms.cap = 40",
            "40 leaves no step: the `lowest` value of `min_interval_ms` is 40",
        ),
        (
            "tuner.normalize.change.min_interval_ms.floor = 80",
            "80 leaves no step: the `highest` value of `min_interval_ms` is 80",
        ),
        (
            "tuner.edge.change.tail_age_ms = {}",
            "is missing its step, expected `add`, `multiply` or `at_least`",
        ),
        (
            "tuner.edge.change.tail_age_ms = { add = 1, at_least = 600 }",
            "has more than one of `add`, `multiply` and `at_least`",
        ),
    ]);
    accepted(&[
        "tuner.moderate.change.min_interval_ms.cap = 41",
        "tuner.normalize.change.min_interval_ms.floor = 79",
        "tuner.latency_hard.change.concurrency_limit.floor = 5",
    ]);
}

#[test]
fn a_query_names_only_what_stands_for_something() {
    refused(&[
        (
            "prometheus.mm_hit_ratio.query = \"x[$windw]\"",
            "unknown placeholder `$windw` (did you mean `window`?)",
        ),
        ("prometheus.mm_hit_ratio.query = \" \"", "expected a name, found an empty string"),
        ("prometheus.mm_hit_ratio.optional = 1", "expected `true` or `false`"),
        ("prometheus.mm_hit_ratio.querry = \"x\"", "did you mean `prometheus.mm_hit_ratio.query`?"),
    ]);
    accepted(&[
        "prometheus.mm_hit_ratio.query = 'x{a=~\"b$\",$selector}[$window]'",
        "prometheus.mm_hit_ratio.query = \"vector(1)\"",
    ]);
    let errors = errors_of("[prometheus.\"a.b\"]");
    assert_eq!(
        errors,
        [
            "`p.toml`:2:13: `prometheus.\"a.b\".optional`: is missing, expected `true` or `false`",
            "`p.toml`:2:13: `prometheus.\"a.b\".query`: is missing, expected a string",
        ]
    );
}

#[test]
fn one_wrong_parameter_does_not_make_errors_of_all_that_name_it() {
    let error = error_of("parameters.min_interval_ms.default = 100");
    assert!(error.contains("`parameters.min_interval_ms.default`: 100 is outside"), "{error}");
}

fn good(text: &str) -> RunPolicy {
    with_file(text).unwrap_or_else(|errors| panic!("{errors}")).run
}

fn row_names(run: &RunPolicy) -> Vec<&str> {
    run.tuner.iter().map(|row| row.name.as_str()).collect()
}

#[test]
fn single_numbers_of_a_row_can_be_changed() {
    let run = good(concat!(
        "[tuner.moderate]\nin_a_row = 3\nwhen.risk_ratio.below = 0.55\n",
        "[tuner.moderate.change]\nmin_interval_ms = { add = 7 }\n",
    ));
    let row = &run.tuner[2];
    assert_eq!((row.name.as_str(), row.in_a_row), ("moderate", 3));
    let limits: Vec<f64> = row.when.iter().map(|bound| bound.limit.value).collect();
    assert_eq!(limits, [0.40, 0.55]);
    assert_eq!(row.when[1].limit.source.origin, "p.toml:4");
    assert_eq!((row.changes[0].movement, row.changes[0].cap), (Movement::Add(7.0), Some(75.0)));
}

#[test]
fn another_word_takes_the_place_of_the_one_below() {
    let policy = with_file("[tuner.moderate.when.risk_ratio]\nabove = 0.41\nat_most = 0.59\n");
    let policy = policy.unwrap_or_else(|errors| panic!("{errors}"));
    let found: Vec<_> = policy.run.tuner[2].when.iter().map(|b| (b.comparison, b.limit.value)).collect();
    assert_eq!(found, [(Comparison::Above, 0.41), (Comparison::AtMost, 0.59)]);
    assert!(policy.effective.iter().all(|entry| entry.key != "tuner.moderate.when.risk_ratio.at_least"));
    let policy = with_file("[tuner.edge.change]\nbase_spread_bps_delta = { multiply = 1.1 }\n");
    let policy = policy.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(policy.run.tuner[5].changes[0].movement, Movement::Multiply(1.1));
    assert!(policy.effective.iter().all(|e| e.key != "tuner.edge.change.base_spread_bps_delta.add"));
}

#[test]
fn a_new_row_comes_last_and_keeps_to_the_built_in_words() {
    let run = good(concat!(
        "[tuner.a_new_row]\nreplaces = [\"edge\"]\n",
        "[tuner.a_new_row.when]\ncancel_ratio = { above = 0.7 }\n",
        "[tuner.a_new_row.change]\nreplace_rate_per_min = { multiply = 0.5, floor = 210 }\n",
    ));
    assert_eq!(run.tuner.len(), 12);
    let row = &run.tuner[11];
    assert_eq!((row.name.as_str(), row.in_a_row, row.rest, row.is_exclusive), ("a_new_row", 1, 0, false));
    assert_eq!(row.replaces, ["edge"]);
    assert_eq!((row.changes[0].movement, row.changes[0].floor), (Movement::Multiply(0.5), Some(210.0)));
}

#[test]
fn what_does_not_suit_a_system_can_be_taken_out() {
    let run = good(concat!(
        "tuner.settle.enabled = false\n",
        "tuner.normalize.enabled = false\n",
        "tuner.moderate.when.risk_ratio.enabled = true\n",
        "tuner.driver_adverse.unless.net_bps.enabled = false\n",
        "tuner.aggressive.change.tail_age_ms.enabled = false\n",
        "presets.maker_bias_uplift_v1.enabled = false\n",
        "profiles.ultra_safe.enabled = false\n",
        "cautions.spread_and_interval.enabled = false\n",
        "iteration_verdict.warn.adverse.enabled = false\n",
        "guards.partial_freeze.latency_when.p95_latency_ms.enabled = false\n",
        "prometheus.mm_hit_ratio.enabled = false\n",
    ));
    // A row may replace one that is taken out.
    assert_eq!(
        row_names(&run),
        [
            "fallback",
            "aggressive",
            "moderate",
            "edge",
            "maker_boost",
            "latency_buffer",
            "latency_hard",
            "driver_adverse",
            "driver_slippage"
        ]
    );
    assert_eq!(run.tuner[1].changes.len(), 2);
    assert_eq!(run.tuner[7].unless.len(), 1);
    assert_eq!((run.presets.len(), run.profiles.len(), run.cautions.len()), (1, 1, 0));
    assert_eq!(run.iteration_verdict.warn.len(), 1);
    assert!(run.guards.partial_freeze.latency_when.is_empty());
    assert_eq!(run.queries.len(), 18);
}

#[test]
fn a_parameter_that_is_taken_out_is_left_alone_everywhere() {
    let run = good(concat!(
        "parameters.max_delta_ratio.enabled = false\n",
        "parameters.min_interval_ms.enabled = false\n",
    ));
    let gone = [ParamName::flat("max_delta_ratio"), ParamName::flat("min_interval_ms")];
    assert_eq!(run.parameters.iter().count(), 9);
    assert!(gone.iter().all(|name| run.parameters.get(name).is_none()));
    assert!(run.profiles.iter().all(|profile| profile.values.len() == 9));
    assert!(run.presets.iter().all(|preset| preset.changes.iter().all(|(param, _)| !gone.contains(param))));
    assert!(run.tuner.iter().flat_map(|row| &row.changes).all(|change| !gone.contains(&change.param)));
    assert_eq!(run.guards.freeze.parameters, [ParamName::flat("impact_cap_ratio")]);
    assert!(run.cautions.is_empty());
}

#[test]
fn a_parameter_of_ones_own_can_be_declared_and_tuned() {
    let run = good(concat!(
        "[parameters.batch_size]\nunit = \"count\"\nlowest = 1\nhighest = 500\nmax_change_per_hour = 50\n",
        "default = 100\nwhole = true\nsubsystem = \"ingest\"\n",
        "[profiles.steady_safe]\nbatch_size = 20\n",
        "[presets.big.change]\nbatch_size = { multiply = 2 }\n",
        "[tuner.too_slow.when]\np95_latency_ms = { above = 340 }\n",
        "[tuner.too_slow.change]\nbatch_size = { multiply = 0.8, floor = 10 }\n",
        "[guards.partial_freeze]\nlatency_freezes = [\"ingest\"]\n",
    ));
    let batch = ParamName::flat("batch_size");
    let parameter = run.parameters.iter().last().expect("twelve");
    assert_eq!((parameter.name.clone(), parameter.width()), (batch.clone(), 499.0));
    assert_eq!(run.profile("steady_safe").and_then(|profile| profile.values.get(&batch)), Some(20.0));
    assert_eq!(run.preset("big").map(|preset| preset.source.key.as_str()), Some("presets.big"));
    assert_eq!(run.tuner.last().map(|row| row.changes[0].param.clone()), Some(batch));
    assert_eq!(run.guards.partial_freeze.latency_freezes, ["ingest"]);
}
