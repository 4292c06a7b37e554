//! Numbers at the border of the program: what counts as a number, and the one rounding rule.
//!
//! Must not know what a number means; units and limits live in `kpi` and `policy`.

use std::collections::BTreeMap;

use serde::ser::{Error, Serialize, Serializer};

/// A number that is neither NaN nor infinite. Everything that comes from a file passes through it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Finite(f64);

impl Finite {
    /// `None` for NaN and the infinities. Negative zero becomes zero.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// The number itself.
    pub fn get(self) -> f64 {
        self.0
    }
}

pub use crate::stats::TOLERANCE;

/// Decimal rounding of the exact binary value to `digits` decimals, exact ties to even
/// (what Python's `round` does). Never yields negative zero.
pub fn round_half_even(value: f64, digits: usize) -> f64 {
    if !value.is_finite() {
        return value;
    }
    // Rust's formatter works on the exact binary expansion and breaks exact ties to even.
    format!("{value:.digits$}").parse::<f64>().unwrap_or(value) + 0.0
}

/// From here on numbers are printed with an exponent: nobody counts the zeros.
const ASTRONOMIC: f64 = 1e21;

/// A number with a fixed count of decimals, by the same rule; `-0.00` is printed as `0.00`. What exceeds 10²¹ has an
/// exponent.
pub fn fixed(value: f64, digits: usize) -> String {
    if value.abs() >= ASTRONOMIC {
        return format!("{value:e}");
    }
    let text = format!("{value:.digits$}");
    let is_zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// At least `digits` decimals, and as many more (at most 9) as it takes to show the number exactly.
pub fn exact(value: f64, digits: usize) -> String {
    // 0.020000000000000004 is 0.02 that went through a subtraction.
    first_that(value, digits, |reported| (reported - value).abs() <= 1e-12)
}

/// A value beside its limit: at least `digits` decimals, and as many more (at most 9) as it takes to be on
/// the same side of the limit as the value itself, so that nobody reads `2.90 < 2.90`. The limit belongs
/// beside it as [`exact`] shows it.
pub fn beside(value: f64, limit: f64, digits: usize) -> String {
    first_that(value, digits, |reported| reported.partial_cmp(&limit) == value.partial_cmp(&limit))
}

/// A distance: at least `digits` decimals, and as many more (at most 9) as it takes not to look like zero.
pub fn distance(value: f64, digits: usize) -> String {
    first_that(value.abs(), digits, |reported| reported > 0.0 || value == 0.0)
}

/// Nobody counts the zeros of a number that needs more.
const MOST_DECIMALS: usize = 12;

/// Decimals that two significant digits of a number need: 5 of 0.0008, none of 12.3.
pub fn significant(value: f64) -> usize {
    let exponent =
        format!("{value:.1e}").rsplit('e').next().and_then(|exponent| exponent.parse::<i32>().ok());
    let decimals = |exponent: i32| usize::try_from(1 - exponent).unwrap_or(0).min(MOST_DECIMALS);
    exponent.filter(|_| value != 0.0).map_or(0, decimals)
}

fn first_that(value: f64, digits: usize, is_fine: impl Fn(f64) -> bool) -> String {
    const MORE: usize = 9;
    let fine = |text: &String| text.parse::<f64>().is_ok_and(&is_fine);
    (digits..=digits + MORE)
        .map(|digits| fixed(value, digits))
        .find(fine)
        .unwrap_or_else(|| fixed(value, digits + MORE))
}

/// A number without the zeros that its decimals end in: `2.50` is `2.5`, `100.00` is `100`.
pub fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Above this, floating point does not distinguish every whole number from its neighbour.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Numbers as the files of a run have them: a whole number has no point, and what is not finite is an error, which JSON
/// would turn into `null`.
pub trait Exactly {
    /// Writes the numbers.
    fn serialize_exactly<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
}

/// For `#[serde(serialize_with = "exactly")]`.
pub fn exactly<T: Exactly, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    value.serialize_exactly(serializer)
}

struct Exact<'a, T>(&'a T);

impl<T: Exactly> Serialize for Exact<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_exactly(serializer)
    }
}

impl Exactly for f64 {
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and in range")]
    fn serialize_exactly<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = *self;
        // Negative zero keeps its point, and with it its sign.
        let is_negative_zero = value == 0.0 && value.is_sign_negative();
        if !value.is_finite() {
            Err(S::Error::custom("a number of the record is not finite"))
        } else if value.trunc() == value && value.abs() < LARGEST_WHOLE && !is_negative_zero {
            serializer.serialize_i64(value as i64)
        } else {
            serializer.serialize_f64(value)
        }
    }
}

impl<T: Exactly> Exactly for Option<T> {
    fn serialize_exactly<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Exact).serialize(serializer)
    }
}

impl<T: Exactly> Exactly for Vec<T> {
    fn serialize_exactly<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Exact))
    }
}

impl<K: Serialize, T: Exactly> Exactly for BTreeMap<K, T> {
    fn serialize_exactly<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, Exact(value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_has_an_exponent() {
        assert_eq!((fixed(1e308, 2).as_str(), fixed(-2.5e21, 3).as_str()), ("1e308", "-2.5e21"));
        assert_eq!(fixed(1e20, 1), "100000000000000000000.0");
        assert_eq!((exact(1e300, 2), distance(-1e300, 2)), ("1e300".to_owned(), "1e300".to_owned()));
    }

    #[test]
    fn rounding_follows_the_exact_binary_value_and_breaks_ties_to_even() {
        // Exact ties (representable in binary) go to the even neighbour.
        assert_eq!(round_half_even(0.3125, 3), 0.312);
        assert_eq!(round_half_even(0.125, 2), 0.12);
        assert_eq!(round_half_even(0.375, 2), 0.38);
        assert_eq!(round_half_even(2.5, 0), 2.0);
        assert_eq!(round_half_even(222.5, 0), 222.0);
        // Not ties in binary: 2.0005 is slightly above, 2.0015 slightly above, 1.005 slightly below.
        assert_eq!(round_half_even(2.0005, 3), 2.001);
        assert_eq!(round_half_even(2.0015, 3), 2.002);
        assert_eq!(round_half_even(1.005, 2), 1.0);
        assert_eq!(round_half_even(-1.23456, 3), -1.235);
    }

    #[test]
    fn negative_zero_never_leaves_the_border() {
        assert!(round_half_even(-0.0001, 3).is_sign_positive());
        assert_eq!(fixed(-0.0001, 3), "0.000");
        assert_eq!(fixed(-0.5, 1), "-0.5");
        assert!(Finite::new(-0.0).is_some_and(|f| f.get().is_sign_positive()));
    }

    #[test]
    fn a_value_is_never_rounded_onto_or_across_its_limit() {
        assert_eq!(beside(2.7, 2.9, 2), "2.70");
        assert_eq!(beside(2.898, 2.9, 2), "2.898");
        assert_eq!(beside(2.9, 2.9, 2), "2.90");
        assert_eq!(beside(350.4, 350.0, 0), "350.4");
        assert_eq!(beside(349.6, 350.0, 0), "349.6");
        assert_eq!(beside(351.0, 350.0, 0), "351");
        assert_eq!(exact(0.4255, 3), "0.4255");
        assert_eq!(exact(350.0, 0), "350");
        assert_eq!(distance(0.004, 2), "0.004");
        assert_eq!(distance(-0.2, 2), "0.20");
        assert_eq!(distance(0.0, 2), "0.00");
    }

    #[test]
    fn two_significant_digits_need_so_many_decimals() {
        for (value, decimals) in [
            (0.0, 0),
            (12.3, 0),
            (9.96, 0),
            (1.0, 1),
            (-0.25, 2),
            (0.0996, 2),
            (0.0994, 3),
            (0.0008, 5),
            (-8e-7, 8),
            (8e-300, 12),
            (f64::INFINITY, 0),
            (f64::NAN, 0),
        ] {
            assert_eq!(significant(value), decimals, "{value}");
        }
    }

    #[test]
    fn only_the_zeros_behind_the_point_are_trimmed() {
        assert_eq!(
            ["2.50", "2.00", "100.00", "100", "0.000", "-0.10"].map(trimmed),
            ["2.5", "2", "100", "100", "0", "-0.1"]
        );
    }

    #[test]
    fn only_finite_numbers_pass_the_border() {
        assert_eq!(Finite::new(f64::NAN), None);
        assert_eq!(Finite::new(f64::INFINITY), None);
        assert_eq!(Finite::new(1.5).map(Finite::get), Some(1.5));
    }
}
