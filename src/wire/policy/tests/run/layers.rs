//! What a user can change about `run`: single numbers, new entries, entries taken out.

use crate::core::params::ParamName;
use crate::core::policy::run::{Movement, RunPolicy};
use crate::core::verdict::Comparison;

use super::super::with_file;

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
