//! Axes: where a number stands between two ends, and which round numbers to write beside them.
//!
//! Works for any finite number; must not know what is drawn.

use crate::core::number::fixed;

/// An axis of values.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueAxis {
    /// Everything is divided by it, so that no difference of two numbers overflows.
    size: f64,
    /// Lower end, in sizes.
    low: f64,
    /// Upper end, in sizes.
    high: f64,
    /// Round values and how they are written.
    pub ticks: Vec<(f64, String)>,
}

/// Smaller numbers are drawn as zero.
const SMALLEST: f64 = 1e-290;
/// A range that is narrower than this share of its numbers is a constant.
const FLAT: f64 = 1e-6;
/// Room above and below, as a share of the range.
const PADDING: f64 = 0.07;

impl ValueAxis {
    /// An axis around finite values, with about `wanted` ticks. Without a negative value it does not go
    /// below zero. `None` when there are no values.
    pub fn around(values: impl IntoIterator<Item = f64>, wanted: usize) -> Option<Self> {
        let ends = |ends: Option<(f64, f64)>, value: f64| {
            Some(ends.map_or((value, value), |(low, high)| (low.min(value), high.max(value))))
        };
        let (least, most) = values.into_iter().fold(None, ends)?;
        let size = least.abs().max(most.abs());
        let size = if size < SMALLEST { 1.0 } else { size };
        let (mut low, mut high) = (least / size, most / size);
        if high - low <= FLAT {
            (low, high) = (low - 0.05, high + 0.05);
        } else {
            let room = (high - low) * PADDING;
            (low, high) = (low - room, high + room);
        }
        if least >= 0.0 {
            low = low.max(0.0);
        }
        Some(Self { size, low, high, ticks: ticks(size, low, high, wanted) })
    }

    /// Where a value stands: 0 at the lower end, 1 at the upper one.
    pub fn position(&self, value: f64) -> f64 {
        (value / self.size - self.low) / (self.high - self.low)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn ticks(size: f64, low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
    let rough = (high - low) / wanted.max(1) as f64 * size;
    let mut exponent = libm::floor(libm::log10(rough));
    let lead = rough / libm::pow(10.0, exponent);
    let factor = if lead <= 1.0 {
        1.0
    } else if lead <= 2.0 {
        2.0
    } else if lead <= 5.0 {
        5.0
    } else {
        exponent += 1.0;
        1.0
    };
    let step = factor * libm::pow(10.0, exponent);
    let (first, last) = (libm::ceil(low / (step / size)), libm::floor(high / (step / size)));
    let mut ticks = Vec::new();
    let mut count = first;
    while count <= last && ticks.len() < 50 {
        let value = count * step;
        if value.is_finite() {
            ticks.push((value, written(value, size, exponent)));
        }
        count += 1.0;
    }
    ticks
}

/// A tick with as many digits as its step has, as a power of ten where zeros would be many.
fn written(value: f64, size: f64, exponent: f64) -> String {
    let places = |digits: f64| (0..12).take_while(|n| f64::from(*n) < digits).count();
    if value == 0.0 {
        "0".to_owned()
    } else if size < 1e6 && exponent >= -5.0 {
        fixed(value, places(-exponent))
    } else {
        let digits = places(libm::floor(libm::log10(size)) - exponent);
        format!("{value:.digits$e}")
    }
}

/// Round iteration numbers between two, at most about `wanted`, and the two ends where there is room.
pub fn number_ticks(first: u64, last: u64, wanted: usize) -> Vec<u64> {
    let span = u128::from(last.saturating_sub(first));
    let rough = span.div_ceil(wanted.max(1) as u128).max(1);
    let mut power: u128 = 1;
    let step = loop {
        let fits = [1, 2, 5].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
        match fits {
            Some(step) => break step,
            None => power *= 10,
        }
    };
    let (low, high) = (u128::from(first), u128::from(last));
    let start = low.div_ceil(step) * step;
    let mut ticks: Vec<u128> = std::iter::successors(Some(start), |tick| Some(tick + step))
        .take_while(|tick| *tick <= high)
        .collect();
    // Three fifths of a step are room enough for a label.
    let has_room = |one: u128, other: u128| one.abs_diff(other) * 5 >= step * 3;
    if ticks.first().is_none_or(|tick| has_room(*tick, low)) {
        ticks.insert(0, low);
    }
    if ticks.last().is_none_or(|tick| has_room(*tick, high)) {
        ticks.push(high);
    }
    ticks.into_iter().filter_map(|tick| u64::try_from(tick).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written_ticks(values: &[f64], wanted: usize) -> Vec<String> {
        let axis = ValueAxis::around(values.iter().copied(), wanted).expect("values");
        axis.ticks.into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_lie_within_the_ends() {
        // 2.0 to 4.0 with 7 % room is 1.86 to 4.14; a sixth of it is 0.38, so the step is 0.5.
        assert_eq!(written_ticks(&[2.0, 4.0], 6), ["2.0", "2.5", "3.0", "3.5", "4.0"]);
        // 0 to 350, room above alone: 374.5; a sixth is 62, so the step is 100.
        assert_eq!(written_ticks(&[0.0, 350.0], 6), ["0", "100", "200", "300"]);
        // -1.14 to 1.14; a quarter is 0.57, so the step is 1, and with an eighth, 0.285, it is 0.5.
        assert_eq!(written_ticks(&[-1.0, 1.0], 4), ["-1", "0", "1"]);
        assert_eq!(written_ticks(&[-1.0, 1.0], 8), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
    }

    #[test]
    fn a_constant_stands_in_the_middle() {
        for value in [3.0, -3.0, 1e300, -1e-200, 123_456.5] {
            let axis = ValueAxis::around([value, value], 5).expect("a value");
            assert!((axis.position(value) - 0.5).abs() < 1e-9, "{value}");
            assert!(axis.ticks.len() >= 2, "{axis:?}");
        }
        let zero = ValueAxis::around([0.0], 5).expect("a value");
        assert_eq!(zero.position(0.0), 0.0);
    }

    #[test]
    fn positions_and_ticks_stay_finite_for_any_finite_values() {
        let ends = [f64::MAX, -f64::MAX, f64::MIN_POSITIVE, 5e-324, 0.0, 1.0, -1e-310, 1e15, 0.1 + 0.2];
        for one in ends {
            for other in ends {
                let axis = ValueAxis::around([one, other], 6).expect("values");
                for value in [one, other] {
                    let place = axis.position(value);
                    assert!((-1e-9..=1.0 + 1e-9).contains(&place), "{one} {other}: {place}");
                }
                for (tick, text) in &axis.ticks {
                    assert!((-1e-9..=1.0 + 1e-9).contains(&axis.position(*tick)), "{axis:?}");
                    assert!(text.len() <= 14, "{text}");
                }
                let texts: Vec<&String> = axis.ticks.iter().map(|(_, text)| text).collect();
                let mut different = texts.clone();
                different.dedup();
                assert_eq!(texts, different, "{one} {other}");
            }
        }
    }

    #[test]
    fn an_axis_without_negative_values_starts_at_zero_or_above() {
        let axis = ValueAxis::around([0.01, 1.0], 5).expect("values");
        assert_eq!(axis.position(0.0), 0.0);
        assert!(ValueAxis::around([], 5).is_none());
    }

    #[test]
    fn iteration_numbers_are_whole_and_name_the_ends_where_there_is_room() {
        assert_eq!(number_ticks(1, 24, 6), [1, 5, 10, 15, 20, 24]);
        assert_eq!(number_ticks(7, 7, 6), [7]);
        assert_eq!(number_ticks(1, 2, 6), [1, 2]);
        assert_eq!(number_ticks(1, 864, 6), [1, 200, 400, 600, 800]);
        assert_eq!(number_ticks(0, 100_000, 5), [0, 20_000, 40_000, 60_000, 80_000, 100_000]);
        let huge = number_ticks(0, u64::MAX, 4);
        assert!(huge.len() <= 7 && huge[0] == 0, "{huge:?}");
    }
}
