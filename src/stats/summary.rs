//! Location and spread of a set of values.
//!
//! Order of the values plays no part here; trends and autocorrelation live beside it.

use serde::Serialize;

/// What a gate computes from the values in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Statistic {
    /// Every single value.
    Each,
    Mean,
    Median,
    Min,
    Max,
    /// 5th percentile (type 7).
    P5,
    /// 95th percentile (type 7).
    P95,
}

impl Statistic {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 7] =
        [Self::Each, Self::Mean, Self::Median, Self::Min, Self::Max, Self::P5, Self::P95];

    /// Word as in the policy and in reports.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// What a set of values looks like. In the unit of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Summary {
    /// How many values.
    pub n: usize,
    /// Arithmetic mean, from a compensated sum.
    pub mean: f64,
    /// Median; of an even count the mean of the middle two.
    pub median: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// 5th percentile (type 7).
    pub p5: f64,
    /// 95th percentile (type 7).
    pub p95: f64,
    /// Median of the absolute deviations from the median, as it is: not multiplied by 1.4826.
    pub mad: f64,
    /// Sample standard deviation (divisor n − 1); 0 for a single value.
    pub stdev: f64,
}

impl Summary {
    /// The summary of finite values. `None` when there are none, or when a mean or a deviation would not be
    /// a finite number.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        let stdev = stdev(values, mean);
        if !stdev.is_finite() {
            return None;
        }
        let min = values.iter().copied().min_by(f64::total_cmp)?;
        let max = values.iter().copied().max_by(f64::total_cmp)?;
        let mut scratch = values.to_vec();
        let p5 = percentile(&mut scratch, 5)?;
        let p95 = percentile(&mut scratch, 95)?;
        let median_value = median(&mut scratch)?;
        for value in &mut scratch {
            *value = (*value - median_value).abs();
        }
        let mad = median(&mut scratch)?;
        Some(Self { n: values.len(), mean, median: median_value, min, max, p5, p95, mad, stdev })
    }

    /// One of its numbers, by name. `None` for [`Statistic::Each`], which is not a number but all of them.
    pub fn get(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::Each => None,
            Statistic::Mean => Some(self.mean),
            Statistic::Median => Some(self.median),
            Statistic::Min => Some(self.min),
            Statistic::Max => Some(self.max),
            Statistic::P5 => Some(self.p5),
            Statistic::P95 => Some(self.p95),
        }
    }
}

/// Arithmetic mean. `None` without values, or when it is not a finite number.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let mean = Sum::of(values.iter().copied()).divided_by(values.len());
    mean.is_finite().then_some(mean)
}

/// Median; of an even count the mean of the middle two. Reorders the values. `None` without values.
pub fn median(values: &mut [f64]) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let (lower, upper) = neighbours(values, last / 2);
    Some(if last % 2 == 0 { lower } else { f64::midpoint(lower, upper) })
}

/// Percentile by definition 7 of Hyndman & Fan (1996, The American Statistician 50:361–365): linear between
/// the order statistics around position (n − 1)·percent/100. Reorders the values. `None` without values and
/// above 100.
pub fn percentile(values: &mut [f64], percent: usize) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    if percent > 100 {
        return None;
    }
    // In whole hundredths, so that a position that is a whole number is met exactly.
    let position = last * percent;
    let (lower, upper) = neighbours(values, position / 100);
    let share = (position % 100) as f64 / 100.0;
    Some(lower + share * (upper - lower))
}

/// Harmonic mean, n ÷ Σ 1/x; 0 as soon as one value is 0. `None` without values and with a negative one,
/// for which it has no meaning.
pub fn harmonic_mean(values: &[f64]) -> Option<f64> {
    let smallest = values.iter().copied().min_by(f64::total_cmp)?;
    if smallest == 0.0 {
        return Some(0.0);
    }
    if smallest < 0.0 {
        return None;
    }
    // Relative to the smallest value every term lies between 0 and 1 and cannot overflow.
    let terms = Sum::of(values.iter().map(|value| smallest / value));
    let mean = smallest * (values.len() as f64 / terms.total());
    mean.is_finite().then_some(mean)
}

/// Sample standard deviation around a known mean. Two passes; the second term takes out what the rounding of
/// the mean put in (the corrected two-pass algorithm of Chan and others 1983, The American Statistician
/// 37:242–247).
fn stdev(values: &[f64], mean: f64) -> f64 {
    let n = values.len();
    if n < 2 {
        return 0.0;
    }
    let squares = Sum::of(values.iter().map(|value| (value - mean) * (value - mean))).total();
    let residue = Sum::of(values.iter().map(|value| value - mean)).total();
    let variance = (squares - residue * residue / n as f64) / (n - 1) as f64;
    // Not `max`: what is no number, because its squares are none, has a spread that is none, and not 0.
    if variance < 0.0 { 0.0 } else { variance.sqrt() }
}

/// The order statistic at `index` and the one after it (the last one is its own neighbour).
fn neighbours(values: &mut [f64], index: usize) -> (f64, f64) {
    let (_, &mut at, above) = values.select_nth_unstable_by(index, f64::total_cmp);
    (at, above.iter().copied().min_by(f64::total_cmp).unwrap_or(at))
}

// Compensated sums, so that the order of magnitude of the values does not eat their digits.
//
// Neumaier's variant of Kahan summation (A. Neumaier, 1974, ZAMM 54:39–51). Must not skip or repair values.

/// A running sum with the part that rounding lost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    high: f64,
    low: f64,
}

impl Sum {
    /// The sum of all values.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = Self::default();
        for value in values {
            sum.add(value);
        }
        sum
    }

    /// Adds a value.
    fn add(&mut self, value: f64) {
        let high = self.high + value;
        self.low += if self.high.abs() >= value.abs() {
            (self.high - high) + value
        } else {
            (value - high) + self.high
        };
        self.high = high;
    }

    /// The sum, rounded once.
    pub(super) fn total(self) -> f64 {
        self.high + self.low
    }

    /// The sum divided by `n`, rounded once: the mean of equal values is that value to the bit, so that it
    /// does not miss a limit that every single value meets.
    pub(super) fn divided_by(self, n: usize) -> f64 {
        let n = n as f64;
        let total = self.total();
        let virtual_low = total - self.high;
        let lost = (self.high - (total - virtual_low)) + (self.low - virtual_low);
        let quotient = total / n;
        quotient + (libm::fma(-quotient, n, total) + lost) / n
    }
}

/// An arithmetic mean over values that come one by one.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunningMean {
    sum: Sum,
    n: usize,
}

impl RunningMean {
    /// Takes a value.
    pub fn push(&mut self, value: f64) {
        self.sum.add(value);
        self.n += 1;
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The mean. `None` without values, or when it is not a finite number.
    pub fn get(&self) -> Option<f64> {
        let mean = self.sum.divided_by(self.n);
        (self.n > 0 && mean.is_finite()).then_some(mean)
    }
}

// An exponentially weighted mean over values with times: the older a value, the less it weighs.
//
// The weights are normalised: a short run is not dominated by its first value, as it is where the mean is
// moved towards each new value by a fixed share. Knows no clock; times come from the caller.

/// A mean in which a value weighs 2^(−age ÷ half life), its age counted to the latest time given.
///
/// Constant memory: when time goes on, all weights shrink by the same factor, so that the mean stays and only
/// the sum of the weights changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DecayingMean {
    half_life: f64,
    latest: f64,
    weight: f64,
    mean: f64,
    n: usize,
}

impl DecayingMean {
    /// No values yet. `half_life` is above 0, in the unit of the times.
    pub fn new(half_life: f64) -> Self {
        Self { half_life, latest: f64::NEG_INFINITY, weight: 0.0, mean: 0.0, n: 0 }
    }

    /// Takes a value of this time. The times may come in any order.
    pub fn push(&mut self, time: f64, value: f64) {
        let weight = if time >= self.latest {
            if self.n > 0 {
                self.weight *= self.weight_at_age(time - self.latest);
            }
            self.latest = time;
            1.0
        } else {
            self.weight_at_age(self.latest - time)
        };
        self.weight += weight;
        self.n += 1;
        // The mean of equal values is that value to the bit, so that it does not miss a limit they all meet.
        self.mean += (value - self.mean) * (weight / self.weight);
    }

    fn weight_at_age(&self, age: f64) -> f64 {
        libm::exp2(-age / self.half_life)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The mean. `None` without values, or when it is not a finite number.
    pub fn get(&self) -> Option<f64> {
        (self.n > 0 && self.mean.is_finite()).then_some(self.mean)
    }
}

#[cfg(test)]
mod tests {
    mod summary {
        use super::super::*;

        proptest::proptest! {
            #[test]
            fn every_number_of_a_summary_lies_where_it_must(
                values in proptest::collection::vec(
                    proptest::prop_oneof![-1e9..1e9_f64, proptest::sample::select(vec![0.0, 0.1, 2.7, 350.0])],
                    1..60,
                )
            ) {
                let summary = Summary::of(&values).expect("finite values");
                let in_order = [summary.min, summary.p5, summary.median, summary.p95, summary.max];
                proptest::prop_assert!(in_order.is_sorted(), "{in_order:?}");
                proptest::prop_assert!((summary.min..=summary.max).contains(&summary.mean));
                proptest::prop_assert!(summary.mad >= 0.0 && summary.stdev >= 0.0);
                proptest::prop_assert!(summary.mad <= summary.max - summary.min);
            }
        }

        #[track_caller]
        fn close(actual: f64, expected: f64, relative: f64) {
            assert!((actual - expected).abs() <= relative * expected.abs(), "{actual} is not {expected}");
        }

        /// NIST reference data `NumAcc2` to `NumAcc4`: one value, then 1000 that alternate 0.1 below and above it.
        fn alternating(centre: f64, below: f64, above: f64) -> Vec<f64> {
            std::iter::once(centre).chain([below, above].into_iter().cycle().take(1000)).collect()
        }

        #[test]
        fn certified_results_of_the_nist_reference_data_are_met() {
            // https://www.itl.nist.gov/div898/strd/univ/homepage.html: mean, standard deviation.
            let one = Summary::of(&[10_000_001.0, 10_000_003.0, 10_000_002.0]).expect("three values");
            assert_eq!((one.mean, one.stdev), (10_000_002.0, 1.0));
            let two = Summary::of(&alternating(1.2, 1.1, 1.3)).expect("1001 values");
            close(two.mean, 1.2, 1e-15);
            close(two.stdev, 0.1, 1e-14);
            // The data themselves are not representable: at 1e6 and 1e7 that alone costs these digits.
            let three =
                Summary::of(&alternating(1_000_000.2, 1_000_000.1, 1_000_000.3)).expect("1001 values");
            close(three.mean, 1_000_000.2, 1e-15);
            close(three.stdev, 0.1, 1e-9);
            let four =
                Summary::of(&alternating(10_000_000.2, 10_000_000.1, 10_000_000.3)).expect("1001 values");
            close(four.mean, 10_000_000.2, 1e-15);
            close(four.stdev, 0.1, 1e-7);
        }

        #[test]
        fn a_small_set_is_summarised_as_by_hand() {
            // Sorted 1 2 4 7 11: mean 5, deviations² 16+9+1+4+36 = 66, 66/4 = 16.5.
            // p5 at position 0.2: 1 + 0.2·1; p95 at 3.8: 7 + 0.8·4. |x − 4| sorted 0 2 3 3 7.
            let summary = Summary::of(&[7.0, 1.0, 11.0, 4.0, 2.0]).expect("five values");
            assert_eq!((summary.n, summary.min, summary.max), (5, 1.0, 11.0));
            assert_eq!((summary.mean, summary.median, summary.mad), (5.0, 4.0, 3.0));
            close(summary.p5, 1.2, 1e-15);
            close(summary.p95, 10.2, 1e-15);
            close(summary.stdev, 16.5_f64.sqrt(), 1e-15);
        }

        #[test]
        fn an_even_count_takes_the_mean_of_the_middle_two() {
            assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
            assert_eq!(median(&mut [2.0, 1.0]), Some(1.5));
            assert_eq!(median(&mut [f64::MAX, f64::MAX]), Some(f64::MAX));
            assert_eq!(median(&mut []), None);
        }

        #[test]
        fn percentiles_reach_the_extremes_and_meet_whole_positions_exactly() {
            // 0, 1, …, 100 in a scrambled order: 37 and 101 have no common divisor.
            let mut values: Vec<f64> = (0..101u32).map(|i| f64::from(i * 37 % 101)).collect();
            for percent in 0..=100u32 {
                assert_eq!(percentile(&mut values, percent as usize), Some(f64::from(percent)));
            }
            assert_eq!(percentile(&mut values, 101), None);
            assert_eq!(percentile(&mut [], 50), None);
        }

        #[test]
        fn one_value_has_no_spread_and_no_value_has_no_summary() {
            let one = Summary::of(&[-0.5]).expect("one value");
            assert_eq!(
                (one.mean, one.median, one.p5, one.p95, one.mad, one.stdev),
                (-0.5, -0.5, -0.5, -0.5, 0.0, 0.0)
            );
            assert_eq!(Summary::of(&[]), None);
            assert_eq!(Summary::of(&[1.0, f64::NAN]), None);
            assert_eq!(Summary::of(&[f64::MAX, f64::MAX]), None);
        }

        #[test]
        fn the_summary_does_not_depend_on_the_order_of_the_values() {
            let values: Vec<f64> = (0..1000u32).map(|i| f64::from(i * 7919 % 1000) * 0.37 - 50.0).collect();
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let (a, b) = (Summary::of(&values).expect("values"), Summary::of(&sorted).expect("values"));
            assert_eq!(
                (a.median, a.p5, a.p95, a.mad, a.min, a.max),
                (b.median, b.p5, b.p95, b.mad, b.min, b.max)
            );
            close(a.mean, b.mean, 1e-15);
            close(a.stdev, b.stdev, 1e-14);
        }

        #[test]
        fn a_statistic_is_found_by_its_name() {
            let summary = Summary::of(&[1.0, 2.0, 4.0, 7.0, 11.0]).expect("five values");
            assert_eq!(summary.get(Statistic::Mean), Some(5.0));
            assert_eq!(summary.get(Statistic::Median), Some(4.0));
            assert_eq!(summary.get(Statistic::Max), Some(11.0));
            assert_eq!(summary.get(Statistic::Min), Some(1.0));
            assert_eq!(summary.get(Statistic::P5), Some(summary.p5));
            assert_eq!(summary.get(Statistic::P95), Some(summary.p95));
            assert_eq!(summary.get(Statistic::Each), None);
        }

        #[test]
        fn the_harmonic_mean_is_zero_with_a_zero_and_unknown_with_a_negative_value() {
            // 3 / (1/1 + 1/2 + 1/4) = 12/7
            close(harmonic_mean(&[1.0, 2.0, 4.0]).expect("positive values"), 12.0 / 7.0, 1e-15);
            assert_eq!(harmonic_mean(&[0.8, 0.0, 0.9]), Some(0.0));
            assert_eq!(harmonic_mean(&[0.8, -0.1]), None);
            assert_eq!(harmonic_mean(&[]), None);
            close(harmonic_mean(&[1e-310, 1e-310]).expect("tiny values"), 1e-310, 1e-12);
        }

        #[test]
        fn a_spread_that_is_no_number_is_not_taken_for_none() {
            // The squares are infinite, and a compensated sum of them is no number.
            assert_eq!(Summary::of(&[1e308, -1e308, 1e308, -1e308]), None);
            assert_eq!(Summary::of(&[3.0; 4]).map(|summary| summary.stdev), Some(0.0));
        }
    }
    mod sum {
        use super::super::*;

        #[test]
        fn a_running_mean_is_the_mean_of_what_came_and_nothing_has_none() {
            let mut mean = RunningMean::default();
            assert_eq!((mean.get(), mean.is_empty()), (None, true));
            for value in [0.7, 0.7, 0.7] {
                mean.push(value);
            }
            assert_eq!((mean.get(), mean.len()), (Some(0.7), 3));
            mean.push(1.1);
            // (0.7 + 0.7 + 0.7 + 1.1) ÷ 4.
            assert!((mean.get().expect("four values") - 0.8).abs() < 1e-15);
            mean.push(f64::MAX);
            mean.push(f64::MAX);
            assert_eq!(mean.get(), None);
        }

        #[test]
        fn small_values_survive_beside_large_ones() {
            // A plain sum gives 0.
            assert_eq!(Sum::of([1.0, 1e100, 1.0, -1e100]).total(), 2.0);
            assert_eq!(Sum::of([1.0, 1e100, 1.0, -1e100]).divided_by(4), 0.5);
            assert_eq!(Sum::of(std::iter::repeat_n(0.1, 10)).total(), 1.0);
        }

        #[test]
        fn the_mean_of_equal_values_is_that_value_to_the_bit() {
            for value in [0.1, 0.42, 0.85, 2.7, 1.0 / 3.0, -0.3, 350.1, 1e-300] {
                for n in 1..200 {
                    assert_eq!(
                        Sum::of(std::iter::repeat_n(value, n)).divided_by(n),
                        value,
                        "{n} times {value}"
                    );
                }
            }
        }
    }
    mod decay {
        use super::super::*;

        fn mean(half_life: f64, values: &[(f64, f64)]) -> Option<f64> {
            let mut mean = DecayingMean::new(half_life);
            for (time, value) in values {
                mean.push(*time, *value);
            }
            mean.get()
        }

        #[track_caller]
        fn close(actual: Option<f64>, expected: f64) {
            let actual = actual.expect("a mean");
            assert!((actual - expected).abs() < 1e-12, "{actual} is not {expected}");
        }

        #[test]
        fn a_value_of_one_half_life_ago_weighs_half() {
            // Weights 1/4, 1/2, 1: (4·¼ + 2·½ + 8·1) ÷ 1.75 = 10 ÷ 1.75.
            close(mean(1.0, &[(0.0, 4.0), (1.0, 2.0), (2.0, 8.0)]), 10.0 / 1.75);
            // The same with a gap of three half lives: (4·⅛ + 8) ÷ 1.125.
            close(mean(2.0, &[(10.0, 4.0), (16.0, 8.0)]), 8.5 / 1.125);
        }

        #[test]
        fn the_order_in_which_values_come_plays_no_part() {
            close(mean(1.0, &[(2.0, 8.0), (0.0, 4.0), (1.0, 2.0)]), 10.0 / 1.75);
            close(mean(1.0, &[(1.0, 2.0), (2.0, 8.0), (0.0, 4.0)]), 10.0 / 1.75);
        }

        #[test]
        fn equal_times_weigh_the_same_and_equal_values_are_their_own_mean() {
            close(mean(24.0, &[(5.0, 1.0), (5.0, 2.0)]), 1.5);
            let same: Vec<(f64, f64)> = (0..500).map(|at| (f64::from(at) * 0.083, 2.1)).collect();
            assert_eq!(mean(24.0, &same), Some(2.1));
        }

        #[test]
        fn nothing_has_no_mean_and_neither_has_what_is_beyond_numbers() {
            assert_eq!(mean(1.0, &[]), None);
            assert!(DecayingMean::new(1.0).is_empty());
            assert_eq!(mean(1.0, &[(0.0, f64::MAX), (0.0, f64::MIN)]), None);
        }

        #[test]
        fn after_a_very_long_pause_only_the_new_value_counts() {
            assert_eq!(mean(1.0, &[(0.0, 4.0), (1e9, 2.0)]), Some(2.0));
        }
    }
}
