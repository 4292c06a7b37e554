//! Answers, corrections and extensions on series made by hand.

use proptest::prelude::*;

use super::*;
use crate::core::policy::{Limit, WindowSpec};
use crate::core::verdict::LimitSource;

fn limit(value: f64) -> Limit {
    Limit { value, source: LimitSource { key: "test".to_owned(), origin: "a test".to_owned() } }
}

fn rules(margin: f64) -> CompareRules {
    CompareRules {
        window: WindowSpec::Steady,
        error_rate: limit(0.05),
        extensions: 1,
        min_iterations: 16,
        margins: std::array::from_fn(|_| Margin { absolute: limit(margin), relative: limit(0.0) }),
    }
}

/// 24 values around `level` that look independent: −1, 0 and 1 in a scrambled order, times `spread`.
fn noise(level: f64, spread: f64) -> Vec<f64> {
    (0..24u32).map(|at| level + spread * (f64::from(at * 7 % 24 % 3) - 1.0)).collect()
}

/// All KPIs alike on both sides but net, which B has `by` higher.
fn net(by: f64, spread: f64, margin: f64) -> Judged {
    let a: Values = std::array::from_fn(|_| noise(3.0, spread));
    let mut b = a.clone();
    b[1] = noise(3.0 + by, spread);
    judge(&a, &b, &rules(margin), &KpiTable::default()).remove(1)
}

#[test]
fn each_answer_is_given_where_it_belongs() {
    assert_eq!(net(0.0, 0.1, 0.0).kpi, KpiId::NET_BPS);
    // The mean of 24 values of spread 0.1 is known to about 0.02; more net is better.
    assert_eq!(net(-1.0, 0.1, 0.2).answer, Answer::Worse);
    assert_eq!(net(1.0, 0.1, 0.2).answer, Answer::Better);
    assert_eq!(net(0.0, 0.1, 0.2).answer, Answer::NoChange);
    assert_eq!(net(0.2, 0.1, 0.2).answer, Answer::NotWorse);
    assert_eq!(net(-0.2, 0.1, 0.2).answer, Answer::CannotTell);
    assert_eq!(net(0.0, 1.0, 0.01).answer, Answer::CannotTell);
    assert_eq!(net(-1.0, 0.1, 2.0).answer, Answer::NoChange);
}

#[test]
fn what_does_not_vary_is_told_to_the_margin_and_not_beyond() {
    let at = |by: f64| net(by, 0.0, 0.25).answer;
    // A quarter is exact in binary.
    assert_eq!(at(-0.25), Answer::NoChange);
    assert_eq!(at(-0.250_001), Answer::Worse);
    assert_eq!(at(0.25), Answer::NoChange);
    assert_eq!(at(0.250_001), Answer::Better);
}

#[test]
fn fewer_values_than_the_policy_asks_for_cannot_tell_and_more_are_asked_for() {
    let of = |n_a: usize, n_b: usize| {
        let a: Values = std::array::from_fn(|_| noise(3.0, 0.1)[..n_a].to_vec());
        let b: Values = std::array::from_fn(|_| noise(9.0, 0.1)[..n_b].to_vec());
        let one = judge(&a, &b, &rules(0.1), &KpiTable::default()).remove(1);
        (one.answer, one.shift.is_some(), one.more())
    };
    assert_eq!(of(16, 16), (Answer::Better, true, None));
    assert_eq!(of(16, 15), (Answer::CannotTell, false, Some(More::OfB(1))));
    assert_eq!(of(15, 16), (Answer::CannotTell, false, Some(More::OfBoth(1))));
    assert_eq!(of(0, 24), (Answer::CannotTell, false, Some(More::OfBoth(16))));
}

#[test]
fn a_kpi_is_worse_only_after_the_correction_for_all_of_them() {
    // The level of one look of one KPI: 0.05 · 0.55; Holm's first step divides it by four.
    assert!((level(&rules(0.0)) - 0.0275).abs() < 1e-15);
    assert!((level(&CompareRules { extensions: 0, ..rules(0.0) }) - 0.045).abs() < 1e-15);
    let between = (1..400)
        .map(|at| net(-0.001 * f64::from(at), 0.1, 0.0))
        .find(|judged| judged.shift.is_some_and(|shift| shift.p_worse <= 0.0275))
        .expect("a shift that is just significant by itself");
    let shift = between.shift.expect("enough values");
    assert!(shift.p_worse_adjusted > 0.0275 && (shift.p_worse_adjusted - 4.0 * shift.p_worse).abs() < 1e-12);
    assert_eq!(between.answer, Answer::CannotTell);
}

#[test]
fn an_extension_is_asked_for_that_makes_the_standard_error_small_enough() {
    let unsure = net(-0.25, 0.4, 0.1);
    assert_eq!(unsure.answer, Answer::CannotTell);
    let mean = unsure.shift.expect("enough values").mean;
    // A shift of 0.25 is worse than the margin of 0.1, so "worse" is what an extension would show.
    let needed = |a: usize, b: usize| {
        mean.with_sizes(a, b).and_then(|mean| mean.detectable(0.0275 / 4.0, 0.8)).expect("a number")
    };
    match unsure.more().expect("something decides") {
        More::OfB(more) => {
            assert!(needed(24, 24 + more) <= 0.15 && needed(24, 24 + more - 1) > 0.15, "{more}");
        }
        More::OfBoth(more) => {
            assert!(needed(24, 24 + 240) > 0.15, "an extension of B alone is not enough");
            assert!(needed(24 + more, 24 + more) <= 0.15 && needed(23 + more, 23 + more) > 0.15, "{more}");
        }
        More::TooClose => panic!("an extension decides"),
    }
    // On the margin itself nothing ever decides.
    let close = net(-0.1, 0.4, 0.1);
    assert_eq!((close.answer, close.more()), (Answer::CannotTell, Some(More::TooClose)));
    // What A does not know, no extension of B finds out.
    let a: Values = std::array::from_fn(|_| noise(3.0, 0.6)[..16].to_vec());
    let b: Values = std::array::from_fn(|_| (0..50).flat_map(|_| noise(2.75, 0.6)).collect());
    let judged = judge(&a, &b, &rules(0.1), &KpiTable::default()).remove(1);
    assert!(matches!(judged.more(), Some(More::OfBoth(_))), "{judged:?}");
}

#[test]
fn the_margin_is_the_larger_of_both_and_needs_no_percentage_of_zero() {
    let margin = Margin { absolute: limit(0.2), relative: limit(0.1) };
    assert_eq!(margin.around(5.0), 0.5);
    assert_eq!(margin.around(-5.0), 0.5);
    assert_eq!(margin.around(1.0), 0.2);
    assert_eq!(margin.around(0.0), 0.2);
}

#[test]
fn the_whole_is_the_worst_answer_and_nothing_to_judge_cannot_tell() {
    let of = |answers: &[Answer]| {
        let judged: Vec<Judged> =
            answers.iter().map(|answer| Judged { answer: *answer, ..net(0.0, 0.1, 0.2) }).collect();
        whole(&judged)
    };
    assert_eq!(of(&[]), Answer::CannotTell);
    assert_eq!(of(&[Answer::Better, Answer::NoChange]), Answer::NoChange);
    assert_eq!(of(&[Answer::CannotTell, Answer::NotWorse]), Answer::CannotTell);
    assert_eq!(of(&[Answer::CannotTell, Answer::Worse]), Answer::Worse);
}

proptest! {
    #[test]
    fn improving_b_never_makes_it_worse(by in -2.0..2.0, more in 0.0..2.0, spread in 0.0..0.5) {
        let (before, after) = (net(by, spread, 0.2), net(by + more, spread, 0.2));
        prop_assert!(before.answer == Answer::Worse || after.answer != Answer::Worse);
    }

    #[test]
    fn the_other_way_round_the_shift_mirrors(by in -2.0..2.0, spread in 0.01..0.5) {
        let a: Values = std::array::from_fn(|_| noise(3.0, spread));
        let b: Values = std::array::from_fn(|_| noise(3.0 + by, spread / 2.0));
        let rules = rules(0.2);
        let kpis = KpiTable::default();
        for (there, back) in judge(&a, &b, &rules, &kpis).iter().zip(judge(&b, &a, &rules, &kpis)) {
            let (there_shift, back_shift) = (there.shift.expect("enough"), back.shift.expect("enough"));
            prop_assert!((there_shift.mean.shift + back_shift.mean.shift).abs() < 1e-12);
            prop_assert!((there_shift.mean.standard_error - back_shift.mean.standard_error).abs() < 1e-12);
            prop_assert_eq!(there.answer == Answer::Worse, back.answer == Answer::Better);
        }
    }
}
