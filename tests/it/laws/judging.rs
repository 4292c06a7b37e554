//! The judge never gets milder when limits tighten, values worsen, or information is taken away.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;
use soak::core::analysis::{Analysis, Options, analyse};
use soak::core::kpi::KpiId;
use soak::core::policy;
use soak::core::policy::{FreezeRule, GateSet, Policy};
use soak::core::verdict::evidence::{BadFile, Declared, Duplicate, Evidence, RunState};
use soak::core::verdict::{Comparison, Outcome, Part, join};
use soak::stats::Summary;

use super::series::{Point, folder, runs, series};

static POLICY: LazyLock<Policy> =
    LazyLock::new(|| policy::read(&[], &[]).expect("the built-in policy is fine"));

fn judged(run: &[Point], policy: &Policy) -> Analysis {
    analyse(folder(run), policy, &Options::default(), None)
}

/// The verdict of integrity and run verdict alone: those follow the laws of point rules.
fn run_outcome(analysis: &Analysis) -> Outcome {
    join(analysis.checks().filter(|check| matches!(check.part, Part::Integrity | Part::RunVerdict)))
}

/// The policy with every group joined, so that readiness, goals, violations and anomalies count as well.
fn all_join() -> Policy {
    let mut policy = POLICY.clone();
    policy.readiness.gates = true;
    policy.goals.gates = true;
    policy.violations.gates = true;
    policy.anomalies.gates = true;
    policy
}

/// The limit moved by a share of itself in the direction in which it is harder to meet.
fn tighter(set: &mut GateSet, at: Index, by: f64) {
    let gate = at.get_mut(&mut set.checks);
    let step = gate.limit.value.abs() * by;
    match gate.comparison {
        Comparison::AtMost | Comparison::Below => gate.limit.value -= step,
        Comparison::AtLeast | Comparison::Above => gate.limit.value += step,
    }
}

/// A policy in which one thing is stricter.
fn tightened(which: u8, at: Index, by: f64) -> Policy {
    let mut policy = all_join();
    match which {
        0 => tighter(&mut policy.iteration_pass, at, by),
        1 => tighter(&mut policy.readiness, at, by),
        2 => tighter(&mut policy.goals, at, by),
        3 => policy.run_verdict.pass_share.value += (1.0 - policy.run_verdict.pass_share.value) * by,
        4 => policy.run_verdict.warn_share.value += (0.75 - policy.run_verdict.warn_share.value) * by,
        5 => at.get_mut(&mut policy.readiness.checks).margin += by,
        6 => {
            let rule = at.get_mut(&mut policy.violations.rules);
            let (warn, crit) = (rule.warn.value, rule.crit.value);
            // Towards WARN, and WARN towards what is good.
            rule.crit.value = crit + (warn - crit) * by;
            rule.warn.value = warn + (warn - crit) * by;
        }
        7 => policy.anomalies.latency_spike.value *= 1.0 - by,
        8 => policy.anomalies.risk_jump.value *= 1.0 - by,
        _ => policy.anomalies.maker_drop.value += (1.0 - policy.anomalies.maker_drop.value) * by,
    }
    policy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_summary_ignores_the_order_of_values(
        values in prop::collection::vec(-1e6..1e6f64, 1..40).prop_flat_map(|values| (Just(values.clone()), Just(values).prop_shuffle())),
    ) {
        prop_assert_eq!(Summary::of(&values.0), Summary::of(&values.1));
    }

    #[test]
    fn a_summary_lies_within_its_values(values in prop::collection::vec(-1e6..1e6f64, 1..40)) {
        let summary = Summary::of(&values).expect("there are values");
        let inside = summary.min..=summary.max;
        for one in [summary.mean, summary.median, summary.p5, summary.p95] {
            prop_assert!(inside.contains(&one), "{} is not in {:?}", one, inside);
        }
        prop_assert!(summary.p5 <= summary.median && summary.median <= summary.p95);
    }

    #[test]
    fn a_constant_is_its_own_mean(value in -1e3..1e3f64, n in 1usize..=40) {
        let summary = Summary::of(&vec![value; n]).expect("there are values");
        prop_assert_eq!((summary.mean, summary.median, summary.p5, summary.p95), (value, value, value, value));
        prop_assert_eq!((summary.mad, summary.stdev), (0.0, 0.0));
    }

    #[test]
    fn a_tighter_limit_never_improves_the_verdict(run in runs(), which in 0u8..10, at: Index, by in 0.0..1.0f64) {
        let loose = judged(&run, &all_join());
        let strict = judged(&run, &tightened(which, at, by));
        prop_assert!(strict.outcome >= loose.outcome, "{} became {}: {}", loose.outcome, strict.outcome, strict.reason());
        prop_assert!(run_outcome(&strict) >= run_outcome(&loose));
    }

    #[test]
    fn asking_for_more_never_makes_a_refused_run_acceptable(run in runs(), more in 1usize..40) {
        let plain = judged(&run, &POLICY);
        let mut policy = POLICY.clone();
        policy.run_verdict.min_iterations += more;
        let longer = judged(&run, &policy);
        prop_assert!(plain.outcome.is_acceptable() || !longer.outcome.is_acceptable());
        let required = analyse(folder(&run), &POLICY, &Options { require_freeze: true, ..Options::default() }, None);
        prop_assert!(required.outcome >= plain.outcome);
        let windows = analyse(folder(&run), &POLICY, &Options { min_windows: Some(more), ..Options::default() }, None);
        prop_assert!(windows.outcome >= plain.outcome);
        let mut ignored = POLICY.clone();
        ignored.run_verdict.freeze = FreezeRule::Ignore;
        prop_assert!(judged(&run, &ignored).outcome <= plain.outcome);
    }

    #[test]
    fn a_better_value_never_worsens_the_run_verdict(run in runs(), at: Index, which in 0usize..4, by in 0.0..1.0f64) {
        let before = judged(&run, &POLICY);
        let mut better = run.clone();
        let kpi = KpiId::OF_THE_VERDICT[which];
        let point = at.get_mut(&mut better);
        let Some(value) = point.values[which] else { return Ok(()) };
        point.values[which] = Some(match kpi.name {
            "net_bps" => value + 20.0 * by,
            "maker_taker_ratio" => value + (1.0 - value) * by,
            _ => value * (1.0 - by),
        });
        let after = judged(&better, &POLICY);
        prop_assert!(run_outcome(&after) <= run_outcome(&before), "{} became {}", run_outcome(&before), run_outcome(&after));
        prop_assert!(after.symbols[0].passes.passing >= before.symbols[0].passes.passing);
    }

    #[test]
    fn a_value_taken_away_never_improves_the_verdict(run in runs(), at: Index, which in 0usize..4) {
        let before = judged(&run, &POLICY);
        let mut less = run.clone();
        at.get_mut(&mut less).values[which] = None;
        let after = judged(&less, &POLICY);
        prop_assert!(after.outcome >= before.outcome, "{} became {}: {}", before.outcome, after.outcome, after.reason());
        prop_assert!(run_outcome(&after) >= run_outcome(&before));
    }

    #[test]
    fn a_file_that_becomes_unusable_never_improves_the_verdict(run in runs(), at: Index, twice: bool) {
        let before = judged(&run, &POLICY);
        let lost = u64::try_from(at.index(run.len())).expect("small") + 1;
        let whole = series(None, &run);
        let mut kept = soak::core::series::Series::new(None, POLICY.kpis.columns());
        for (position, row) in whole.rows().iter().enumerate() {
            if row.number != lost {
                let values = POLICY.kpis.ids().map(|kpi| whole.value(kpi, position)).collect();
                let iteration = soak::core::iteration::Iteration { values, ..row.clone() };
                kept.push(iteration, &mut soak::core::series::Interner::default());
            }
        }
        let mut evidence = Evidence { series: vec![kept], ..Evidence::default() };
        if twice {
            let names = vec![format!("ITER_SUMMARY_{lost:03}.json"), format!("ITER_SUMMARY_{lost}.json")];
            evidence.duplicates.push(Duplicate { symbol: None, number: lost, names });
        } else {
            let name = format!("ITER_SUMMARY_{lost}.json");
            evidence.bad_files.push(BadFile { name, number: lost, symbol: None, reason: "is damaged".to_owned() });
        }
        let after = analyse(evidence, &POLICY, &Options::default(), None);
        let in_window = lost + 8 > u64::try_from(run.len()).expect("small");
        if in_window {
            prop_assert_eq!(run_outcome(&after), Outcome::Invalid);
        } else {
            prop_assert_eq!(run_outcome(&after), run_outcome(&before));
        }
    }

    #[test]
    fn an_unfinished_run_is_never_acceptable_and_judged_so_far_it_is_what_it_would_be(run in runs()) {
        let n = u64::try_from(run.len()).expect("small");
        let plain = judged(&run, &POLICY);
        for state in [RunState::Running, RunState::Interrupted, RunState::Failed] {
            let declared = Declared::of(n + 5, state, n);
            let evidence = || Evidence { declared: Some(declared.clone()), ..folder(&run) };
            let whole = analyse(evidence(), &POLICY, &Options::default(), None);
            prop_assert!(whole.outcome >= plain.outcome && whole.outcome >= Outcome::Inconclusive);
            let so_far = analyse(evidence(), &POLICY, &Options { so_far: true, ..Options::default() }, None);
            prop_assert_eq!(so_far.outcome, plain.outcome);
        }
    }

    #[test]
    fn the_whole_is_never_better_than_a_symbol(first in runs(), second in runs(), third in runs()) {
        let alone = |run: &[Point]| judged(run, &POLICY).outcome;
        let worst = alone(&first).max(alone(&second)).max(alone(&third));
        let evidence = Evidence {
            series: vec![series(Some("A"), &first), series(Some("B"), &second), series(Some("C"), &third)],
            ..Evidence::default()
        };
        let whole = analyse(evidence, &POLICY, &Options::default(), None);
        prop_assert_eq!(whole.outcome, worst);
        prop_assert_eq!(whole.worst().outcome, whole.outcome);
    }

    #[test]
    fn what_is_given_as_the_reason_is_what_decides(run in runs(), join: bool) {
        let policy = if join { all_join() } else { POLICY.clone() };
        let analysis = judged(&run, &policy);
        let told = analysis.reasons().first().map_or(Outcome::Pass, |check| check.outcome);
        prop_assert_eq!(told, analysis.outcome);
    }

    #[test]
    fn only_an_acceptable_verdict_on_enough_data_passes(run in runs()) {
        let analysis = judged(&run, &POLICY);
        // Redone here with nothing but the four limits.
        let start = run.len().saturating_sub(8);
        let holds = |point: &Point| match point.values {
            [Some(risk), Some(maker), Some(net), Some(p95)] => risk <= 0.42 && maker >= 0.85 && net >= 2.7 && p95 <= 350.0,
            _ => false,
        };
        let window = &run[start..];
        let passing = window.iter().filter(|point| holds(point)).count();
        let nowhere = (0..4).any(|kpi| window.iter().all(|point| point.values[kpi].is_none()));
        let expected = if nowhere {
            Outcome::Invalid
        } else if window.len() < 8 {
            Outcome::Inconclusive
        } else if passing >= 6 && window.iter().any(|point| point.freeze) {
            Outcome::Pass
        } else if passing >= 5 {
            Outcome::Warn
        } else {
            Outcome::Fail
        };
        prop_assert_eq!(analysis.outcome, expected, "{}", analysis.reason());
    }
}
