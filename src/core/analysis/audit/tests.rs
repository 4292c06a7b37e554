//! The counts of the audit, and snapshots held against the iterations.

use std::collections::BTreeMap;

use super::*;
use crate::core::compare::snapshot::baseline::Baseline;
use crate::core::iteration::guards::Guard;
use crate::core::iteration::params::ParamName;
use crate::core::iteration::{Iteration, SkipReason, Tuning};
use crate::core::kpi::KpiId;
use crate::core::series::{Interner, Series};
use crate::core::verdict::evidence::Evidence;

fn evidence(tunings: impl IntoIterator<Item = Tuning>) -> Evidence {
    let mut series = Series::new(None, 0);
    for (number, tuning) in (1..).zip(tunings) {
        series.push(Iteration { number, tuning, ..Iteration::default() }, &mut Interner::default());
    }
    Evidence { series: vec![series], ..Evidence::default() }
}

fn skipped(code: Option<&str>, guards: &[Guard]) -> Tuning {
    let mut tuning = Tuning { applied: Some(false), ..Tuning::default() };
    tuning.skip = code.map(|code| SkipReason { code: Some(code.into()), note: Some("velocity".into()) });
    for guard in guards {
        tuning.guards.insert(*guard);
    }
    tuning
}

fn counted(tunings: impl IntoIterator<Item = Tuning>) -> Vec<(String, usize)> {
    let totals = TuningTotals::of(&evidence(tunings));
    totals.skips.into_iter().map(|skip| (skip.reason, skip.iterations)).collect()
}

#[test]
fn the_code_counts_before_the_guards_and_text_counts_nowhere() {
    let tunings = [
        skipped(Some("cooldown_active"), &[Guard::Velocity]),
        skipped(None, &[Guard::Velocity, Guard::Cooldown]),
        skipped(None, &[Guard::Velocity]),
    ];
    let expected = [("velocity", 2), ("cooldown", 1), ("cooldown_active", 1)];
    assert_eq!(counted(tunings), expected.map(|(reason, n)| (reason.to_owned(), n)));
    let noted = Tuning {
        applied: Some(false),
        skip: Some(SkipReason { code: None, note: Some("oscillation".into()) }),
        ..Tuning::default()
    };
    assert_eq!(counted([noted]), []);
}

#[test]
fn what_was_dropped_counts_once_an_iteration_also_where_the_rest_was_applied() {
    let dropped = |param: &str| (ParamName::flat(param), "latency_soft".into());
    let tuning = Tuning {
        applied: Some(true),
        dropped: vec![dropped("tail_age_ms"), dropped("min_interval_ms")],
        ..Tuning::default()
    };
    assert_eq!(counted([tuning.clone(), tuning]), [("latency_soft".to_owned(), 2)]);
}

#[test]
fn the_five_most_frequent_reasons_are_kept_and_all_are_counted() {
    let tunings = (0..7).flat_map(|reason| {
        let code = format!("r{reason}");
        (0..=reason % 6).map(move |_| skipped(Some(&code), &[]))
    });
    let totals = TuningTotals::of(&evidence(tunings));
    // r0 and r6 come once, r1 twice, and so on.
    let told: Vec<(&str, usize)> =
        totals.skips.iter().map(|skip| (skip.reason.as_str(), skip.iterations)).collect();
    assert_eq!(told, [("r5", 6), ("r4", 5), ("r3", 4), ("r2", 3), ("r1", 2)]);
    assert_eq!((totals.reasons, totals.records), (7, 22));
}

#[test]
fn phases_have_counts_and_spans_and_endless_words_end() {
    let mut series = Series::new(None, 0);
    for number in 1..=400u64 {
        let phase = match number {
            4 => None,
            1..=5 => Some("WARMUP".into()),
            _ => Some(format!("x{number}").as_str().into()),
        };
        series.push(Iteration { number, phase, ..Iteration::default() }, &mut Interner::default());
    }
    let found = phases(&Evidence { series: vec![series], ..Evidence::default() });
    assert_eq!(found["WARMUP"], Phase { iterations: 4, first: 1, last: 5 });
    assert_eq!(found.len(), 256);
}

fn baseline(verdict: Option<&str>, net: Option<f64>) -> Baseline {
    Baseline {
        schema_version: "1.1".to_owned(),
        verdict: verdict.map(str::to_owned),
        outcome: None,
        means: vec![(KpiId::NET_BPS, net)],
        medians: Vec::new(),
        pass_count: None,
    }
}

fn told(says: Result<Baseline, String>) -> Vec<String> {
    let found = [FoundSnapshot { file: "S.json".to_owned(), says }];
    let own = |version: &str| (version == "1.1").then(|| baseline(Some("PASS"), Some(3.0)));
    disagreements(&found, own).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_snapshot_may_differ_by_its_rounding_and_not_by_more() {
    for net in [2.999, 3.0, 3.001] {
        assert_eq!(told(Ok(baseline(Some("PASS"), Some(net)))), Vec::<String>::new(), "{net}");
    }
    let says = "`S.json` says otherwise than the iterations, which count: ";
    assert_eq!(told(Ok(baseline(None, Some(3.0011)))), [format!("{says}mean net_bps 3.0011, not 3.000")]);
    assert_eq!(told(Ok(baseline(Some("PASS"), None))), [format!("{says}mean net_bps nothing, not 3.000")]);
    assert_eq!(told(Ok(baseline(Some("FAIL"), Some(3.0)))), [format!("{says}verdict FAIL, not PASS")]);
    assert_eq!(told(Err("not valid JSON".to_owned())), ["`S.json` is left out: not valid JSON"]);
}

#[test]
fn nothing_gives_nothing() {
    let policy_free = TuningTotals::of(&Evidence::default());
    assert_eq!(policy_free, TuningTotals::default());
    assert_eq!(phases(&Evidence::default()), BTreeMap::new());
}
