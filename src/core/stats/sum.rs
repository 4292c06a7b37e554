//! Compensated sums, so that the order of magnitude of the values does not eat their digits.
//!
//! Neumaier's variant of Kahan summation (A. Neumaier, 1974, ZAMM 54:39–51). Must not skip or repair values.

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

#[cfg(test)]
mod tests {
    use super::*;

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
                assert_eq!(Sum::of(std::iter::repeat_n(value, n)).divided_by(n), value, "{n} times {value}");
            }
        }
    }
}
