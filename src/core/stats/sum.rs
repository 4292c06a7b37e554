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
            let high = sum.high + value;
            sum.low += if sum.high.abs() >= value.abs() {
                (sum.high - high) + value
            } else {
                (value - high) + sum.high
            };
            sum.high = high;
        }
        sum
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

#[cfg(test)]
mod tests {
    use super::*;

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
