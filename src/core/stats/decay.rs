//! An exponentially weighted mean over values with times: the older a value, the less it weighs.
//!
//! The weights are normalised: a short run is not dominated by its first value, as it is where the mean is
//! moved towards each new value by a fixed share. Knows no clock; times come from the caller.

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
    use super::*;

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
