//! The search for steps: against the definition, against published data, and its laws.

use proptest::prelude::*;

use super::super::reference::{COAL, NILE, REAL_INTEREST};
use super::*;

/// Sum of squares around the two means, by the definition.
fn squares(values: &[f64], before: usize) -> f64 {
    let around = |part: &[f64]| {
        let mean = part.iter().sum::<f64>() / part.len() as f64;
        part.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
    };
    around(&values[..before]) + around(&values[before..])
}

#[test]
fn the_nile_stepped_down_after_1898() {
    // The dam of Aswan: 28 years before, 72 after, means 1097.75 and 849.97 (Cobb 1978, Biometrika
    // 65:243–251).
    let split = Split::of(&NILE, SHORTEST).expect("100 values");
    assert_eq!(split.before, 28);
    assert!((split.shift - (849.972_222_222_222_2 - 1097.75)).abs() < 1e-9, "{split:?}");
    assert!((split.squares - squares(&NILE, 28)).abs() < 1e-6);
    let searched = Searched::of(&NILE, SHORTEST, 0.0).expect("100 values");
    let steps = searched.steps(0.0125);
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!((steps[0].at, steps[0].n_before, steps[0].n_after), (28, 28, 72));
    assert!(steps[0].p <= 0.001 && steps[0].high < -100.0, "{steps:?}");
    assert!(!steps[0].gradual);
}

#[test]
fn the_real_interest_rate_changed_in_1972_and_1980() {
    // Bai & Perron 2003, J. Appl. Econometrics 18:1–22, section 5: with two breaks 1972:3 and 1980:3, with one the
    // latter. strucchange 1.5-3 (R 4.2.2), `breakpoints(RealInt ~ 1)`: 79, and 47 and 79; means 1.355037, −1.796138 and
    // 5.64289.
    let split = Split::of(&REAL_INTEREST, SHORTEST).expect("103 values");
    assert_eq!(split.before, 79);
    assert!((split.squares - 645.0).abs() < 0.05, "{split:?}");
    let steps = Searched::of(&REAL_INTEREST, SHORTEST, 0.0).expect("103 values").steps(0.05);
    assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [47, 79]);
    for (found, expected) in
        [steps[0].before, steps[0].after, steps[1].after].into_iter().zip([1.355_037, -1.796_138, 5.642_89])
    {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }
}

#[test]
fn disasters_in_coal_mines_became_rarer_after_1886() {
    // ruptures 1.1.10, `Dynp(model="l2", min_size=6, jump=1)`, and strucchange 1.5-3, `breakpoints(x ~ 1, h = 6)`: after
    // 36 years. The posterior mode for counts of Poisson is 1891 (Carlin, Gelfand & Smith 1992, Appl. Stat.
    // 41:389–405), after 41: there the larger scatter of the years with more disasters counts for less, least squares
    // take all years as equally sure.
    let split = Split::of(&COAL, SHORTEST).expect("112 values");
    assert_eq!(split.before, 36);
    assert!((split.shift - (74.0 / 76.0 - 117.0 / 36.0)).abs() < 1e-12, "{split:?}");
    let steps = Searched::of(&COAL, SHORTEST, 0.0).expect("112 values").steps(0.0125);
    assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [36]);
    assert!(steps[0].p <= 0.001, "{steps:?}");
}

#[test]
fn a_split_of_a_few_values_is_computed_as_by_hand() {
    // 1 2 3 | 11 12 13: means 2 and 12, squares 2 + 2, residuals -1 0 1 -1 0 1: Σe·e' = 0+0-1+0+0 → r1 = -1/4.
    let split = Split::of(&[1.0, 2.0, 3.0, 11.0, 12.0, 13.0], 2).expect("6 values");
    assert_eq!(split, Split { before: 3, shift: 10.0, squares: 4.0, r1: -0.25 });
    assert_eq!(Split::of(&[1.0, 2.0, 3.0], 2), None);
    // White noise: variance 4/6, error √(4/6·(1/3 + 1/3)) = 2/3, so 15 errors; half of that for worth 1/4.
    assert!((split.statistic(6, 0.0, 1.0) - 15.0).abs() < 1e-12);
    assert!((split.statistic(6, 0.0, 0.25) - 7.5).abs() < 1e-12);
}

proptest! {
    #[test]
    fn the_best_split_is_the_best_of_all(
        values in proptest::collection::vec(prop_oneof![-9.0..9.0_f64, proptest::sample::select(vec![0.0, 1.0])], 12..60)
    ) {
        let split = Split::of(&values, SHORTEST).expect("room for a split");
        let best = (SHORTEST..=values.len() - SHORTEST)
            .map(|before| squares(&values, before))
            .fold(f64::INFINITY, f64::min);
        prop_assert!((split.squares - best).abs() <= 1e-9 * (1.0 + best), "{} is not {best}", split.squares);
    }

    #[test]
    fn the_unit_of_the_values_plays_no_part(
        values in proptest::collection::vec(-9.0..9.0_f64, 48..80),
        place in -1e3..1e3_f64,
    ) {
        let other: Vec<f64> = values.iter().map(|value| place + 0.125 * value).collect();
        let (one, two) = (Searched::of(&values, SHORTEST, 0.0), Searched::of(&other, SHORTEST, 0.0));
        let (one, two) = (one.expect("values"), two.expect("values"));
        if let (Some(one), Some(two)) = (one.best, two.best) {
            prop_assert_eq!(one.at, two.at);
            prop_assert!((one.p - two.p).abs() < 1e-6, "{} and {}", one.p, two.p);
        }
    }
}

#[test]
fn probabilities_fall_with_the_statistic_and_rise_with_the_autocorrelation() {
    for n in [24, 48, 60, 1000, 5000] {
        let law = Law::of(n);
        for phi in [0.0, 0.3, 0.62, 0.9] {
            let p: Vec<f64> = (0..400).map(|at| law.p_value(f64::from(at) / 8.0, phi)).collect();
            assert!(p.is_sorted_by(|a, b| a >= b), "{n} {phi}: {p:?}");
            assert_eq!((p[0], p[399]), (1.0, *critical::LEVELS.last().expect("levels")));
            assert!(law.p_value(3.5, phi) <= law.p_value(3.5, (phi + 0.1).min(0.95)));
            // The quantile of a probability has that probability.
            for level in [0.05, 0.0125, 0.004] {
                let back = law.p_value(law.critical(level, phi), phi);
                assert!((back - level).abs() < 1e-9, "{back} is not {level}");
            }
        }
    }
}

#[test]
fn residuals_that_look_like_noise_have_no_memory_and_a_walk_has_no_level() {
    let law = Law::of(48);
    assert_eq!(law.residuals(-0.9).map(|(phi, _)| phi), Some(0.0));
    assert_eq!(law.residuals(0.999), None);
    let phis: Vec<f64> =
        (0..60).filter_map(|at| law.residuals(f64::from(at) / 100.0)).map(|(phi, _)| phi).collect();
    assert!(phis.is_sorted() && phis.len() > 40, "{phis:?}");
}

#[test]
fn two_steps_are_found_with_their_levels_also_where_the_first_level_comes_back() {
    let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
    let level = |at: usize| [3.0, 6.0, 4.5][at / 40];
    let values: Vec<f64> = (0..120).map(|at| level(at) + wave(at)).collect();
    let steps = Searched::of(&values, SHORTEST, 0.0).expect("120 values").steps(0.0125);
    assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [40, 80]);
    let back: Vec<f64> = (0..120).map(|at| [3.0, 1.0, 3.0][at / 40] + wave(at)).collect();
    let found = Searched::of(&back, SHORTEST, 0.0).expect("120 values").steps(0.0125);
    assert_eq!(found.iter().map(|step| step.at).collect::<Vec<_>>(), [40, 80]);
    assert!((steps[0].before - 3.0).abs() < 0.05 && (steps[0].after - 6.0).abs() < 0.05);
    assert!((steps[1].before - 6.0).abs() < 0.05 && (steps[1].after - 4.5).abs() < 0.05);
    assert!(steps.iter().all(|step| step.n_before == 40 && step.n_after == 40));
}

#[test]
fn a_long_series_is_searched_in_blocks_and_a_line_is_called_gradual() {
    let wave = |at: usize| (at * 7919 % 101) as f64 / 100.0 - 0.5;
    let values: Vec<f64> = (0..100_000).map(|at| if at < 60_000 { 3.0 } else { 2.0 } + wave(at)).collect();
    let searched = Searched::of(&values, SHORTEST, 0.0).expect("values");
    assert_eq!(searched.block, 100);
    let steps = searched.steps(0.0125);
    assert_eq!(steps.iter().map(|step| step.at).collect::<Vec<_>>(), [60_000]);
    let line: Vec<f64> = (0..200).map(|at| at as f64 / 50.0 + wave(at)).collect();
    assert!(Searched::of(&line, SHORTEST, 0.0).expect("values").best.expect("a split").gradual);
}

#[test]
fn spikes_are_taken_out_unless_they_are_how_the_series_behaves() {
    let wave = |at: usize| (at * 7 % 13) as f64 / 20.0 - 0.3;
    let every = |period: usize| -> Vec<f64> {
        (0..90).map(|at| wave(at) + if at % period == 4 { 9.0 } else { 0.0 }).collect()
    };
    let (rare, common) = (Searched::of(&every(15), SHORTEST, 0.0), Searched::of(&every(5), SHORTEST, 0.0));
    let (rare, common) = (rare.expect("values"), common.expect("values"));
    assert_eq!((rare.spikes.len(), common.spikes.len()), (6, 18));
    assert!(rare.values.iter().all(|value| *value < 1.0));
    assert_eq!(common.values, every(5));
}

#[test]
fn too_few_values_and_equal_ones_have_no_step() {
    assert!(Searched::of(&NILE[..23], SHORTEST, 0.0).is_none());
    assert!(Searched::of(&NILE[..24], SHORTEST, 0.0).is_some());
    let still = Searched::of(&[0.85; 60], SHORTEST, 0.0).expect("60 values");
    assert_eq!((still.best, still.steps(0.5).len()), (None, 0));
}
