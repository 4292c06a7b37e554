//! Location and spread of a set of values.
//!
//! Order of the values plays no part here; trends and autocorrelation live beside it.

use serde::Serialize;

use super::sum::Sum;
use crate::core::policy::Statistic;

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

#[cfg(test)]
mod tests {
    use super::*;

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
        let three = Summary::of(&alternating(1_000_000.2, 1_000_000.1, 1_000_000.3)).expect("1001 values");
        close(three.mean, 1_000_000.2, 1e-15);
        close(three.stdev, 0.1, 1e-9);
        let four = Summary::of(&alternating(10_000_000.2, 10_000_000.1, 10_000_000.3)).expect("1001 values");
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
