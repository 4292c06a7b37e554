//! Short excursions that come back: found beside the median of their neighbourhood, so that a change of level
//! is none.
//!
//! Hampel's identifier over a moving window (Davies & Gather 1993, J. Am. Stat. Assoc. 88:782–792; Pearson
//! 2002, IEEE Trans. Control Syst. Technol. 10:55–63). Must not judge whether a spike is bad.

use super::distributions::normal_quantile;
use super::summary::median;

/// Values in a neighbourhood, the one in the middle included; a spike must be shorter than half of it.
const NEIGHBOURHOOD: usize = 13;

/// A run of so many outlying values is a level and no spike.
pub const SHORTEST_LEVEL: usize = 6;

/// Makes the median absolute deviation of normal values their standard deviation.
const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

/// The probability of any spike in a series of independent normal values would be this …
const FALSE_ALARM: f64 = 0.01;

/// … were deviations from a moving median normal; they are not, the less the more neighbours resemble each other, and so the limit is raised.
const HEAVIER_TAILS: f64 = 1.6;

/// Values that leave their neighbourhood and come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// Position of the first of them.
    pub first: usize,
    /// Position of the last of them.
    pub last: usize,
    /// The value that is farthest away.
    pub value: f64,
    /// The median of its neighbourhood.
    pub usual: f64,
}

/// The spikes among values in the order of time; what deviates by no more than `floor` is none.
///
/// A value is outlying when it is farther from the median of the 13 values around it than
/// `1.6·z(1 − 0.01/2n)·1.4826·MAD`, the median absolute deviation of all values from those medians. Up to 5
/// outlying values in a row on the same side are a spike. With fewer than 13 values there is none to be told.
pub fn find(values: &[f64], floor: f64) -> Vec<Spike> {
    let n = values.len();
    if n < NEIGHBOURHOOD {
        return Vec::new();
    }
    let usual = moving_median(values);
    let mut sizes: Vec<f64> = values.iter().zip(&usual).map(|(value, usual)| (value - usual).abs()).collect();
    let scale = MAD_TO_SIGMA * median(&mut sizes).unwrap_or(0.0);
    let z = normal_quantile(1.0 - FALSE_ALARM / (2.0 * n as f64)).unwrap_or(f64::INFINITY);
    let limit = (HEAVIER_TAILS * z * scale).max(floor);
    // +1 above, −1 below, 0 inside.
    let side = |at: usize| {
        let off = values[at] - usual[at];
        if off.abs() > limit { off.signum() } else { 0.0 }
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < n {
        let this = side(at);
        let end = (at..n).find(|next| side(*next) != this).unwrap_or(n);
        if this != 0.0 && end - at < SHORTEST_LEVEL {
            let off = |at: &usize| (values[*at] - usual[*at]).abs();
            let worst = (at..end).max_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(at);
            found.push(Spike { first: at, last: end - 1, value: values[worst], usual: usual[worst] });
        }
        at = end;
    }
    found
}

/// The median of the 13 values around each; near the ends of the first or last 13.
fn moving_median(values: &[f64]) -> Vec<f64> {
    let half = NEIGHBOURHOOD / 2;
    let mut near: [f64; NEIGHBOURHOOD] = std::array::from_fn(|at| values[at]);
    near.sort_unstable_by(f64::total_cmp);
    let mut medians = vec![near[half]; half + 1];
    for (leaves, comes) in values.iter().zip(&values[NEIGHBOURHOOD..]) {
        // Sorted all the time: the place of the one that leaves is closed towards that of the one that comes.
        let gone = near.partition_point(|known| known.total_cmp(leaves).is_lt());
        if comes.total_cmp(leaves).is_gt() {
            let to = near.partition_point(|known| known.total_cmp(comes).is_lt()) - 1;
            near.copy_within(gone + 1..=to, gone);
            near[to] = *comes;
        } else {
            let to = near.partition_point(|known| known.total_cmp(comes).is_lt());
            near.copy_within(to..gone, to + 1);
            near[to] = *comes;
        }
        medians.push(near[half]);
    }
    medians.resize(values.len(), near[half]);
    medians
}

/// The same while spikes are less than one in ten values; where they are more common, they are how the series
/// behaves, and what is left without them would be another series.
pub fn without_rare(values: &[f64], spikes: &[Spike]) -> Vec<f64> {
    let spiky: usize = spikes.iter().map(|spike| spike.last + 1 - spike.first).sum();
    if spiky * 10 > values.len() { values.to_vec() } else { without(values, spikes) }
}

/// The values with each spike replaced by what is usual around it.
pub fn without(values: &[f64], spikes: &[Spike]) -> Vec<f64> {
    let mut clean = values.to_vec();
    for spike in spikes {
        clean[spike.first..=spike.last].fill(spike.usual);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::super::reference::{BEAVER_1, NILE, RIVERS, ROSNER, VENUS};
    use super::*;

    /// Small waves around `level`, never more than 0.3 away from it.
    fn waves(level: f64, n: u32) -> Vec<f64> {
        (0..n).map(|i| level + f64::from(i * 7 % 13) / 20.0 - 0.3).collect()
    }

    #[test]
    fn what_leaves_and_comes_back_is_a_spike_wherever_it_is() {
        for at in [0, 1, 5, 20, 38, 39] {
            for length in 1..=5 {
                let mut values = waves(3.0, 40);
                let end = (at + length).min(40);
                values[at..end].fill(9.0);
                let found = find(&values, 0.05);
                assert_eq!(found.len(), 1, "{length} from {at}: {found:?}");
                assert_eq!((found[0].first, found[0].last, found[0].value), (at, end - 1, 9.0));
                let clean = without(&values, &found);
                assert!(clean.iter().all(|value| (2.6..=3.4).contains(value)), "{clean:?}");
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn the_moving_median_is_the_median_of_each_neighbourhood(
            values in proptest::collection::vec(
                proptest::prop_oneof![-9.0..9.0_f64, proptest::sample::select(vec![0.0, -0.0, 1.0, 2.0])],
                13..60,
            )
        ) {
            for (at, found) in moving_median(&values).into_iter().enumerate() {
                let start = at.saturating_sub(6).min(values.len() - 13);
                let mut near = values[start..start + 13].to_vec();
                proptest::prop_assert_eq!(Some(found), median(&mut near));
            }
        }
    }

    #[test]
    fn six_in_a_row_and_a_new_level_are_none() {
        let mut values = waves(3.0, 40);
        values[20..26].fill(9.0);
        assert_eq!(find(&values, 0.05), []);
        let mut step = waves(3.0, 40);
        step.extend(waves(9.0, 40));
        assert_eq!(find(&step, 0.05), []);
        let mut late = waves(3.0, 40);
        late.extend(waves(9.0, 6));
        assert_eq!(find(&late, 0.05), []);
        assert_eq!(find(&waves(3.0, 200), 0.05), []);
    }

    #[test]
    fn two_sides_are_two_spikes() {
        let mut values = waves(3.0, 40);
        values[20] = 9.0;
        values[21] = -9.0;
        let ends: Vec<_> = find(&values, 0.05).iter().map(|spike| (spike.first, spike.last)).collect();
        assert_eq!(ends, [(20, 20), (21, 21)]);
    }

    #[test]
    fn a_still_series_has_spikes_above_the_floor_alone() {
        let blip = |size: f64| {
            let mut values = vec![1.0; 20];
            values[7] += size;
            find(&values, 0.125).len()
        };
        assert_eq!((blip(0.125), blip(0.126), blip(-0.126)), (0, 1, 1));
        assert_eq!(find(&[1.0, 9.0, 1.0], 0.0), []);
    }

    /// First, last, value and what is usual.
    fn told(values: &[f64]) -> Vec<(usize, usize, f64, f64)> {
        find(values, 0.0).iter().map(|spike| (spike.first, spike.last, spike.value, spike.usual)).collect()
    }

    #[test]
    fn spikes_of_published_series_are_those_that_numpy_finds() {
        // NumPy 2.4.6 and SciPy 1.17.1, once: medians of `sliding_window_view(y, 13)`, held to both ends;
        // 1.6·norm.ppf(1 − 0.005/n)·1.4826·median(|y − medians|) is 0.372 °C, 1225 miles and 674·10⁸ m³.
        assert_eq!(told(&BEAVER_1), [(0, 0, 36.33, 36.71)]);
        // The Missouri and its neighbours in the list are three in a row, the others stand alone.
        let rivers = [
            (65, 65, 2348.0, 780.0),
            (67, 69, 3710.0, 780.0),
            (100, 100, 1885.0, 383.0),
            (140, 140, 1770.0, 525.0),
        ];
        assert_eq!(told(&RIVERS), rivers);
        // The low water of 1913 is the farthest off and by 376 within what chance does.
        assert_eq!(told(&NILE), []);
    }

    #[test]
    fn published_outliers_that_are_near_are_left_alone_and_far_ones_found() {
        // Tietjen and Moore call −1.40 and 1.01 outliers among 15, Rosner's test the last three of 54. Both take
        // the values as a sample of the normal distribution, in no order, and ask at 5 %. Here a series is asked at
        // 1 %, with limits raised by 1.6 for its memory: 1.53 and 5.37 are needed, 1.35 and 3.86 are there.
        assert_eq!(told(&VENUS), []);
        // In an order that is none: the largest value stands at 7.
        let mut mixed: Vec<f64> = (0..54).map(|at| ROSNER[at * 23 % 54]).collect();
        assert_eq!((mixed[7], told(&mixed)), (6.01, vec![]));
        // As far off again it is one.
        mixed[7] = 9.0;
        assert_eq!(told(&mixed), [(7, 7, 9.0, 2.15)]);
    }
}
