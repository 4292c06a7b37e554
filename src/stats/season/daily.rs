//! A daily cycle that two series have in common: fitted to both together and taken out, so that they are compared by
//! time of day.
//!
//! Harmonics of 24 and 12 hours beside a level for each piece (as in cosinor analysis of two groups: Bingham, Arbogast,
//! Guillaume, Lee & Halberg 1982, Chronobiologia 9:397–439), by least squares; how sure the shift is then follows from
//! what each value counts in it. Must not decide anything.

use super::DAY;
use crate::stats::autocorrelation::Levels;
use crate::stats::long_run::memory::dot;
use crate::stats::summary::Sum;
use crate::stats::two_sample::TakenOut;

/// From so many hours on a cycle has a second wave, of half a day: it may rise faster than it falls. Less shows no more of
/// a cycle than one wave does.
const TWO_WAVES: f64 = DAY / 2.0;

/// What rounding leaves of a wave that the others are enough for.
const NOTHING: f64 = 1e-9;

/// Sine and cosine of each of two waves.
const COLUMNS: usize = 4;

/// Two series without the cycle that they have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Daily {
    /// Values of A and of B.
    pub values: [Vec<f64>; 2],
    /// What taking it out costs.
    pub taken_out: TakenOut,
    /// Half of what lies between its highest and its lowest value at the hours that there are.
    pub amplitude: f64,
    /// F: what a number of the cycle explains, in units of what is left of a value.
    pub f: f64,
}

impl Daily {
    /// Fits and takes out. `hours`: of each value, since any midnight. The sum of the cycle over the present levels is 0, so
    /// that values stay where they were. `None` with too few values, or where a wave and a level look the same at these hours.
    pub fn of(hours: [&[f64]; 2], levels: &[Levels<'_>; 2]) -> Option<Self> {
        let n: usize = levels.iter().flat_map(Levels::pieces).map(|piece| piece.len()).sum();
        let span = hours.iter().map(|side| span(side)).fold(0.0, f64::max);
        let columns = if span < TWO_WAVES { COLUMNS / 2 } else { COLUMNS };
        let count = levels.iter().map(|side| side.pieces().len()).sum::<usize>() + columns;
        if n < 2 * count || hours.iter().map(|side| side.len()).sum::<usize>() != n {
            return None;
        }
        let waves = super::columns(&hours.concat(), DAY, columns / 2);
        let pieces: Vec<&[f64]> = levels.iter().flat_map(Levels::pieces).copied().collect();
        let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
        // What is left of each wave beside the levels, and beside the waves before it: Gram and Schmidt, modified.
        let mut basis: Vec<Vec<f64>> = Vec::new();
        let [of_a, of_b] = levels.each_ref().map(|side| side.present().len());
        let from_a = hours[0].len() - of_a;
        let mean = |part: &[f64]| Sum::of(part.iter().copied()).divided_by(part.len());
        let apart = |column: &[f64]| mean(&column[n - of_b..]) - mean(&column[from_a..from_a + of_a]);
        let values: Vec<f64> = centred(&pieces.concat(), &lengths);
        let raw: Vec<f64> = pieces.concat();
        // The wave that was fitted at each value, and what each value counts in the shift.
        let mut cycle = vec![0.0; n];
        let mut weights = vec![0.0; n];
        weights[from_a..from_a + of_a].fill(-1.0 / of_a as f64);
        weights[n - of_b..].fill(1.0 / of_b as f64);
        // Each basis vector is a sum of waves; `sums` has that sum where nothing was centred.
        let mut sums: Vec<Vec<f64>> = Vec::new();
        let mut explained = 0.0;
        for wave in &waves {
            let (mut left, mut plain) = (centred(wave, &lengths), wave.clone());
            let whole = dot(&left, &left);
            for (known, of_known) in basis.iter().zip(&sums) {
                let share = dot(&left, known);
                left.iter_mut().zip(known).for_each(|(left, known)| *left -= share * known);
                plain.iter_mut().zip(of_known).for_each(|(plain, known)| *plain -= share * known);
            }
            let square = dot(&left, &left);
            if !(square > NOTHING * whole.max(f64::MIN_POSITIVE) && square > f64::EPSILON) {
                return None;
            }
            let size = square.sqrt();
            for value in left.iter_mut().chain(&mut plain) {
                *value /= size;
            }
            let (height, between) = (dot(&values, &left), apart(&plain));
            explained += height * height;
            cycle.iter_mut().zip(&plain).for_each(|(cycle, plain)| *cycle += height * plain);
            weights.iter_mut().zip(&left).for_each(|(weight, left)| *weight -= between * left);
            basis.push(left);
            sums.push(plain);
        }
        let present = cycle[from_a..from_a + of_a].iter().chain(&cycle[n - of_b..]);
        let centre = Sum::of(present.copied()).divided_by(of_a + of_b);
        let (low, high) =
            cycle.iter().fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(*at), high.max(*at)));
        let out: Vec<f64> = raw.iter().zip(&cycle).map(|(value, cycle)| value - (cycle - centre)).collect();
        let split = |all: Vec<f64>| {
            let (a, b) = all.split_at(hours[0].len());
            [a.to_vec(), b.to_vec()]
        };
        let amplitude = (high - low) / 2.0;
        let taken_out = TakenOut { weights: split(weights), present: [of_a, of_b], parameters: columns };
        let rest = (dot(&values, &values) - explained).max(0.0) / (n - count) as f64;
        let f = if explained > 0.0 { explained / columns as f64 / rest } else { 0.0 };
        amplitude.is_finite().then_some(Self { values: split(out), taken_out, amplitude, f })
    }
}

/// Hours from the first to the last.
fn span(hours: &[f64]) -> f64 {
    hours.first().zip(hours.last()).map_or(0.0, |(first, last)| last - first)
}

/// Each piece around its own mean.
fn centred(values: &[f64], lengths: &[usize]) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    for length in lengths {
        let piece = &values[out.len()..out.len() + length];
        let mean = Sum::of(piece.iter().copied()).divided_by(*length);
        out.extend(piece.iter().map(|value| value - mean));
    }
    out
}

/// The share of the values of each side that come at a time of day that the other side knows, too, to an hour.
pub fn shared(hours: [&[f64]; 2]) -> [f64; 2] {
    const SLOTS: usize = 24;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 23")]
    let slot = |hour: f64| ((hour.rem_euclid(DAY) * SLOTS as f64 / DAY) as usize).min(SLOTS - 1);
    let known = hours.map(|side| {
        let mut known = [false; SLOTS];
        for hour in side {
            // The slots beside it, too: half an hour later is the same time of day.
            for beside in [SLOTS - 1, 0, 1] {
                known[(slot(*hour) + beside) % SLOTS] = true;
            }
        }
        known
    });
    [0, 1].map(|side: usize| {
        let both = hours[side].iter().filter(|hour| known[1 - side][slot(**hour)]).count();
        both as f64 / hours[side].len().max(1) as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    use crate::stats::reference::{BEAVER_1, BEAVER_2, LAKE_HURON};
    use crate::stats::two_sample::{MeanShift, Pair};

    fn hours(from: f64, step: f64, n: usize) -> Vec<f64> {
        (0..n).map(|at| from + step * at as f64).collect()
    }

    fn uncut<'v>(a: &'v [f64], b: &'v [f64]) -> [Levels<'v>; 2] {
        [Levels::cut(a, []), Levels::cut(b, [])]
    }

    fn mean(values: &[f64]) -> f64 {
        crate::stats::mean(values).expect("values")
    }

    #[test]
    fn published_series_have_the_shift_and_the_cycle_of_numpys_least_squares() {
        // NumPy 2.4.6, once: `pinv` of two levels and the four waves; the shift, half the range of the fitted cycle, and the
        // sum of the squares of what each value counts; the second pair of ten hours has one wave. The beavers' hours are those of the clock (R 4.2.2).
        let sixth = 1.0 / 6.0;
        let [one, two] = [hours(8.0 + 4.0 * sixth, sixth, 114), hours(9.5, sixth, 100)];
        let lake = [hours(0.0, 1.0, 49), hours(3.0, 1.0, 49)];
        for (a, b, hours, shift, amplitude, squares) in [
            (
                &BEAVER_1[..],
                &BEAVER_2[..],
                [&one[..], &two],
                0.721_287_344_030_315_6,
                0.335_043_667_647_808_7,
                0.019_397_207_040_370_526,
            ),
            (
                &BEAVER_1[..60],
                &BEAVER_1[60..],
                [&one[..60], &one[60..]],
                0.099_657_851_505_270_4,
                0.122_881_731_064_261_28,
                0.269_738_909_517_520_44,
            ),
            (
                &LAKE_HURON[..49],
                &LAKE_HURON[49..],
                [&lake[0][..], &lake[1]],
                -1.402_608_487_990_733,
                0.804_269_272_820_092_5,
                0.040_838_186_458_033_92,
            ),
        ] {
            let found = Daily::of(hours, &uncut(a, b)).expect("enough values");
            let [a, b] = &found.values;
            assert!((mean(b) - mean(a) - shift).abs() < 1e-10, "{}", mean(b) - mean(a));
            assert!((found.amplitude - amplitude).abs() < 1e-9, "{}", found.amplitude);
            let weights = found.taken_out.weights.iter().flatten();
            let sum: f64 = weights.map(|weight| weight * weight).sum();
            assert!((sum - squares).abs() < 1e-10, "{sum}");
        }
    }

    #[test]
    fn a_cycle_of_both_is_no_shift_whenever_they_start_and_one_at_other_hours_says_little() {
        let noise = |at: usize| (at * 7 % 13) as f64 / 6.0 - 1.0;
        let noises = |n: usize| (0..n).map(noise).collect::<Vec<f64>>();
        let run = |from: f64, n: usize| {
            let hours = hours(from, 0.5, n);
            let wave = |(at, hour): (usize, &f64)| 10.0 * libm::sin(TAU * hour / DAY) + noise(at);
            let values: Vec<f64> = hours.iter().enumerate().map(wave).collect();
            (hours, values)
        };
        let error = |(of_a, a): (Vec<f64>, Vec<f64>), (of_b, b): (Vec<f64>, Vec<f64>)| {
            let found = Daily::of([&of_a, &of_b], &uncut(&a, &b)).expect("enough values");
            assert!(
                (found.amplitude - 10.0).abs() < 1.0 && found.f > 100.0,
                "{} {}",
                found.amplitude,
                found.f
            );
            let levels = uncut(&found.values[0], &found.values[1]);
            let pair = Pair { levels, cycle: Some(found.taken_out.clone()) };
            let shift = MeanShift::family(&[pair]).remove(0).expect("enough values");
            assert!(shift.shift.abs() < 3.0 * shift.standard_error, "{shift:?}");
            shift.standard_error
        };
        assert!(
            Daily::of([&hours(0.0, 0.5, 96); 2], &uncut(&noises(96), &noises(96))).expect("enough").f < 1.0
        );
        let whole = error(run(0.0, 96), run(7.0, 144));
        // Twelve hours by day against twelve by night.
        let apart = error(run(8.0, 24), run(20.0, 24));
        assert!(whole < 0.2 && apart > 5.0 * whole, "{whole} {apart}");
    }

    #[test]
    fn a_change_of_level_is_no_part_of_the_cycle() {
        let hours = hours(0.0, 0.5, 144);
        let level = |at: usize| if at < 72 { 0.0 } else { 6.0 };
        let b: Vec<f64> =
            hours.iter().enumerate().map(|(at, hour)| level(at) + libm::cos(TAU * hour / DAY)).collect();
        let a: Vec<f64> = hours.iter().map(|hour| libm::cos(TAU * hour / DAY)).collect();
        let cut = [Levels::cut(&a, []), Levels::cut(&b, [72])];
        let found = Daily::of([&hours, &hours], &cut).expect("enough values");
        assert!((found.amplitude - 1.0).abs() < 1e-9);
        assert!((found.values[1][143] - found.values[0][143] - 6.0).abs() < 1e-9);
    }

    #[test]
    fn hours_that_tell_no_wave_from_a_level_say_nothing() {
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        let noon = vec![12.0; 40];
        assert_eq!(Daily::of([&noon, &noon], &uncut(&values, &values)), None);
        assert_eq!(Daily::of([&noon[..5], &noon[..5]], &uncut(&values[..5], &values[..5])), None);
    }

    #[test]
    fn a_long_run_knows_the_hours_of_a_short_one() {
        let share = |a: &[f64], b: &[f64]| shared([a, b])[1];
        let day = hours(100.0, 0.25, 96);
        assert_eq!(shared([&day, &hours(9.0, 0.25, 12)]), [20.0 / 96.0, 1.0]);
        // From nine to eleven, and from eleven to one: the hours beside count as the same.
        assert_eq!(share(&hours(9.0, 0.25, 8), &hours(11.0, 0.25, 8)), 0.5);
        assert_eq!(share(&hours(0.0, 0.25, 32), &hours(12.0, 0.25, 32)), 0.0);
        // Midnight lies between two hours that follow each other, and no hour is before the first.
        assert_eq!(share(&[23.5], &[-23.9, 24.2]), 1.0);
    }
}
