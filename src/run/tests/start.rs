//! Who wins, what is refused, and what presets make of the values.

use crate::core::iteration::params::Parameters;
use crate::core::verdict::LimitSource;
use crate::run::start::*;

fn values(pairs: &[(&str, f64)]) -> ParamValues {
    ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
}

fn preset(changes: &[(&str, Step)]) -> Preset {
    let changes = changes.iter().map(|(name, step)| (ParamName::flat(name), *step)).collect();
    let source = LimitSource { key: "presets.p".to_owned(), origin: "here".to_owned() };
    Preset { name: "p".to_owned(), changes, source }
}

/// `min_interval_ms` 40 to 80, whole, default 60; `max_delta_ratio` 0.125 to 0.5, default 0.25.
fn parameters() -> Parameters {
    let parameter = |name: &str, unit: &str, lowest, highest, default, is_whole| Parameter {
        name: ParamName::flat(name),
        unit: unit.to_owned(),
        lowest,
        highest,
        max_change_per_hour: 1.0,
        default,
        is_whole,
        subsystem: "s".to_owned(),
    };
    Parameters::new(vec![
        parameter("min_interval_ms", "ms", 40.0, 80.0, 60.0, true),
        parameter("max_delta_ratio", "ratio", 0.125, 0.5, 0.25, false),
    ])
}

fn file() -> StartOrigin {
    StartOrigin::File("o.json".to_owned())
}

fn started(layers: &[(StartOrigin, ParamValues)], presets: &[&Preset]) -> Start {
    resolve_among(&parameters(), layers, presets).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn errors(layers: &[(StartOrigin, ParamValues)], presets: &[&Preset]) -> Vec<String> {
    let errors = resolve_among(&parameters(), layers, presets).expect_err("must be refused");
    errors.iter().map(ToString::to_string).collect()
}

/// Value and origin of the interval.
fn interval(start: &Start) -> (f64, String) {
    (start.values[0].value, start.values[0].origin.to_string())
}

#[test]
fn without_layers_the_defaults_hold_in_the_order_of_the_policy() {
    let start = started(&[], &[]);
    let found: Vec<_> = start.values.iter().map(|v| (v.param.as_str(), v.value, v.origin.clone())).collect();
    let expected =
        [("min_interval_ms", 60.0, StartOrigin::Default), ("max_delta_ratio", 0.25, StartOrigin::Default)];
    assert_eq!(found, expected);
    assert_eq!(start.overrides(), values(&[("min_interval_ms", 60.0), ("max_delta_ratio", 0.25)]));
}

#[test]
fn a_higher_layer_beats_a_lower_one_and_leaves_other_parameters_alone() {
    let mut layers = vec![(file(), values(&[("min_interval_ms", 41.0), ("max_delta_ratio", 0.3)]))];
    assert_eq!(interval(&started(&layers, &[])), (41.0, "o.json".to_owned()));
    layers.push((StartOrigin::Env("MM_RUNTIME_OVERRIDES_JSON"), values(&[("min_interval_ms", 42.0)])));
    assert_eq!(interval(&started(&layers, &[])), (42.0, "env MM_RUNTIME_OVERRIDES_JSON".to_owned()));
    layers.push((StartOrigin::Profile("calm".to_owned()), values(&[("min_interval_ms", 43.0)])));
    assert_eq!(interval(&started(&layers, &[])), (43.0, "profile calm".to_owned()));
    layers.push((StartOrigin::Set, values(&[("min_interval_ms", 44.0)])));
    let start = started(&layers, &[]);
    assert_eq!(interval(&start), (44.0, "flag --set".to_owned()));
    assert_eq!((start.values[1].value, &start.values[1].origin), (0.3, &file()));
}

#[test]
fn values_at_the_bounds_are_allowed_and_beyond_them_refused() {
    let set = |value| [(StartOrigin::Set, values(&[("min_interval_ms", value)]))];
    assert_eq!(interval(&started(&set(40.0), &[])).0, 40.0);
    assert_eq!(interval(&started(&set(80.0), &[])).0, 80.0);
    assert_eq!(
        errors(&set(39.0), &[]),
        ["`min_interval_ms` = 39 (flag --set) is below its bound, 40 ms; expected 40 to 80"]
    );
    assert_eq!(
        errors(&set(81.0), &[]),
        ["`min_interval_ms` = 81 (flag --set) is above its bound, 80 ms; expected 40 to 80"]
    );
    assert_eq!(
        errors(&set(60.5), &[]),
        ["`min_interval_ms` = 60.5 (flag --set) is not whole; expected a whole number of ms"]
    );
    assert_eq!(started(&[(file(), values(&[("max_delta_ratio", 0.1251)]))], &[]).values[1].value, 0.1251);
}

#[test]
fn a_value_that_is_not_in_force_is_not_held_against_its_bounds() {
    let layers = [
        (file(), values(&[("min_interval_ms", 900.0)])),
        (StartOrigin::Set, values(&[("min_interval_ms", 50.0)])),
    ];
    assert_eq!(interval(&started(&layers, &[])).0, 50.0);
}

#[test]
fn all_errors_are_told_and_unknown_names_in_every_layer() {
    let layers = [
        (file(), values(&[("min_interval", 50.0), ("zebra", 1.0)])),
        (StartOrigin::Set, values(&[("min_interval_ms", 5.0), ("max_delta_ratio", 0.51)])),
    ];
    assert_eq!(
        errors(&layers, &[&preset(&[("max_delta", Step::Add(0.1))])]),
        [
            "`min_interval` = 50 (o.json): the policy has no such parameter (did you mean `min_interval_ms`?)",
            "`zebra` = 1 (o.json): the policy has no such parameter",
            "`min_interval_ms` = 5 (flag --set) is below its bound, 40 ms; expected 40 to 80",
            "`max_delta_ratio` = 0.51 (flag --set) is above its bound, 0.5 ratio; expected 0.125 to 0.5",
            "preset `p`: the policy has no parameter `max_delta`",
        ]
    );
}

#[test]
fn a_preset_changes_what_is_in_force_and_says_so() {
    let preset = preset(&[("min_interval_ms", Step::Add(15.0)), ("max_delta_ratio", Step::Multiply(0.5))]);
    let layers = [(StartOrigin::Set, values(&[("min_interval_ms", 45.0)]))];
    let start = started(&layers, &[&preset]);
    assert_eq!(interval(&start), (60.0, "preset p".to_owned()));
    assert_eq!(start.values[1].value, 0.125);
    assert_eq!(start.notes, Vec::<String>::new());
    // A second one goes on from there.
    assert_eq!(interval(&started(&layers, &[&preset, &preset])).0, 75.0);
}

#[test]
fn a_preset_rounds_whole_values_towards_the_change() {
    let start = started(&[], &[&preset(&[("min_interval_ms", Step::Multiply(0.99))])]);
    assert_eq!(interval(&start).0, 59.0);
    let start = started(&[], &[&preset(&[("min_interval_ms", Step::Multiply(1.01))])]);
    assert_eq!(interval(&start).0, 61.0);
}

#[test]
fn what_a_preset_leads_out_of_the_bounds_is_clamped_and_noted() {
    let start = started(&[], &[&preset(&[("min_interval_ms", Step::Add(21.0))])]);
    assert_eq!(interval(&start), (80.0, "preset p".to_owned()));
    assert_eq!(
        start.notes,
        ["preset `p`: `min_interval_ms` 60 + 21 would be 81, out of its bounds 40 to 80; it starts at 80"]
    );
    assert!(started(&[], &[&preset(&[("min_interval_ms", Step::Add(20.0))])]).notes.is_empty());
    let start = started(&[], &[&preset(&[("min_interval_ms", Step::Add(-21.0))])]);
    assert!(start.notes[0].contains("60 - 21 would be 39"), "{:?}", start.notes);
    let start = started(&[], &[&preset(&[("max_delta_ratio", Step::Multiply(4.0))])]);
    assert!(start.notes[0].contains("0.25 * 4 would be 1"), "{:?}", start.notes);
    // At the bound already, it stays where it came from.
    let at_bound = [(file(), values(&[("min_interval_ms", 80.0)]))];
    let start = started(&at_bound, &[&preset(&[("min_interval_ms", Step::Add(1.0))])]);
    assert_eq!((interval(&start), start.notes.len()), ((80.0, "o.json".to_owned()), 1));
}

#[test]
fn a_setting_is_a_name_and_a_number() {
    assert_eq!(parse_set("min_interval_ms=70"), Ok((ParamName::flat("min_interval_ms"), 70.0)));
    assert_eq!(parse_set(" tail_age_ms = 7e2 "), Ok((ParamName::flat("tail_age_ms"), 700.0)));
    let dotted = ParamName::flat("rescue_min_edge_bps");
    assert_eq!(parse_set("taker_rescue.min_edge_bps=-1.5"), Ok((dotted, -1.5)));
    for (text, part) in [
        ("min_interval_ms", "expected KEY=VALUE"),
        ("=70", "expected the name of a parameter"),
        ("a=", "expected a number after `=`, found ``"),
        ("a=b", "found `b`"),
        ("a=1=2", "found `1=2`"),
        ("a=NaN", "found `NaN`"),
        ("a=inf", "found `inf`"),
        ("a=1e999", "found `1e999`"),
    ] {
        assert!(parse_set(text).is_err_and(|problem| problem.contains(part)), "{text}");
    }
}

#[test]
fn of_a_parameter_that_is_set_twice_the_last_one_counts() {
    let name = ParamName::flat("min_interval_ms");
    let layer = set_layer(&[(name.clone(), 70.0), (name.clone(), 71.0)]);
    assert_eq!(layer.get(&name), Some(71.0));
}
