//! Axes, the place of a number between two ends and which round numbers to write beside them; and long series made
//! short for drawing.
//!
//! Works for any finite number; must not know what is drawn.

use crate::core::text::number::fixed;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct ValueAxis {
    /// Everything is divided by it, so that no difference of two numbers overflows.
    size: f64,
    /// Lower end, in sizes.
    low: f64,
    /// Upper end, in sizes.
    high: f64,
    /// Round values and how they are written.
    pub(super) ticks: Vec<(f64, String)>,
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
    pub(super) fn around(values: impl IntoIterator<Item = f64>, wanted: usize) -> Option<Self> {
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

    /// Place of a value: 0 at the lower end, 1 at the upper one.
    pub(super) fn position(&self, value: f64) -> f64 {
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
pub(super) fn number_ticks(first: u64, last: u64, wanted: usize) -> Vec<u64> {
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

/// A value that is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dot {
    /// Number of the iteration.
    pub number: u64,
    pub value: f64,
}

/// Pieces of the line: within one, neighbours are joined. Up to `most` points are kept as they are, and a
/// missing value or a missing number ends a piece. Of more, about `most` stay, and a piece ends where a whole
/// stretch has no value.
pub(super) fn pieces(points: &[(u64, Option<f64>)], most: usize) -> Vec<Vec<Dot>> {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return Vec::new() };
    if points.len() <= most {
        return whole(points);
    }
    let stretches = (most / 4).max(1) as u128;
    let span = u128::from(last - first) + 1;
    let stretch = |number: u64| u128::from(number - first) * stretches / span;
    let mut pieces: Vec<Vec<Dot>> = Vec::new();
    let mut before: Option<u128> = None;
    for group in points.chunk_by(|(one, _), (other, _)| stretch(*one) == stretch(*other)) {
        let dots: Vec<Dot> = known(group).collect();
        let at = stretch(group[0].0);
        if dots.is_empty() {
            continue;
        }
        let joins = before.is_some_and(|before| before + 1 == at);
        match pieces.last_mut() {
            Some(piece) if joins => piece.extend(ends_and_extremes(&dots)),
            _ => pieces.push(ends_and_extremes(&dots)),
        }
        before = Some(at);
    }
    pieces
}

fn known(points: &[(u64, Option<f64>)]) -> impl Iterator<Item = Dot> {
    points.iter().filter_map(|(number, value)| Some(Dot { number: *number, value: (*value)? }))
}

fn whole(points: &[(u64, Option<f64>)]) -> Vec<Vec<Dot>> {
    let joins = |one: &(u64, Option<f64>), other: &(u64, Option<f64>)| {
        one.1.is_some() && other.1.is_some() && one.0.checked_add(1) == Some(other.0)
    };
    points
        .chunk_by(joins)
        .map(|piece| known(piece).collect())
        .filter(|piece: &Vec<Dot>| !piece.is_empty())
        .collect()
}

fn ends_and_extremes(dots: &[Dot]) -> Vec<Dot> {
    let by_value = |one: &usize, other: &usize| dots[*one].value.total_cmp(&dots[*other].value);
    let lowest = (0..dots.len()).min_by(by_value);
    // `max_by` takes the last of equals; the first is as good and comes in order.
    let highest = (0..dots.len()).rev().max_by(by_value);
    let mut kept: Vec<usize> =
        [Some(0), lowest, highest, dots.len().checked_sub(1)].into_iter().flatten().collect();
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|index| dots[index]).collect()
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
        // 0 to 350, only room above: 374.5; a sixth is 62, so the step is 100.
        assert_eq!(written_ticks(&[0.0, 350.0], 6), ["0", "100", "200", "300"]);
        // -1.14 to 1.14; a quarter is 0.57, so the step is 1, and with an eighth, 0.285, it is 0.5.
        assert_eq!(written_ticks(&[-1.0, 1.0], 4), ["-1", "0", "1"]);
        assert_eq!(written_ticks(&[-1.0, 1.0], 8), ["-1.0", "-0.5", "0", "0.5", "1.0"]);
    }

    #[test]
    fn a_constant_is_in_the_middle() {
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

    fn reported(points: &[(u64, Option<f64>)], most: usize) -> Vec<Vec<(u64, f64)>> {
        let pair = |dot: &Dot| (dot.number, dot.value);
        pieces(points, most).iter().map(|piece| piece.iter().map(pair).collect()).collect()
    }

    #[test]
    fn a_missing_value_and_a_missing_number_break_the_line() {
        let points = [(1, Some(1.0)), (2, Some(2.0)), (3, None), (4, Some(4.0)), (6, Some(6.0)), (7, None)];
        assert_eq!(reported(&points, 10), [vec![(1, 1.0), (2, 2.0)], vec![(4, 4.0)], vec![(6, 6.0)]]);
        assert_eq!(reported(&[], 10), Vec::<Vec<_>>::new());
        assert_eq!(reported(&[(5, None)], 10), Vec::<Vec<_>>::new());
    }

    #[test]
    fn of_each_stretch_the_ends_and_the_extremes_are_kept_in_order() {
        // Two stretches of five; the second has its peak first.
        let values = [5.0, 1.0, 5.0, 9.0, 5.0, 8.0, 7.0, 2.0, 7.0, 6.0];
        let points: Vec<(u64, Option<f64>)> = (1..).zip(values.map(Some)).collect();
        let kept = [(1, 5.0), (2, 1.0), (4, 9.0), (5, 5.0), (6, 8.0), (8, 2.0), (10, 6.0)];
        assert_eq!(reported(&points, 8), [kept.to_vec()]);
    }

    #[test]
    fn one_spike_and_one_dip_among_a_hundred_thousand_survive() {
        let mut points: Vec<(u64, Option<f64>)> = (1..=100_000).map(|n| (n, Some(3.0))).collect();
        points[54_321].1 = Some(-77.0);
        points[54_322].1 = Some(99.0);
        let kept = reported(&points, 1500);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].contains(&(54_322, -77.0)) && kept[0].contains(&(54_323, 99.0)));
        assert!(kept[0].len() <= 1500, "{}", kept[0].len());
        assert_eq!((kept[0].first(), kept[0].last()), (Some(&(1, 3.0)), Some(&(100_000, 3.0))));
    }

    #[test]
    fn a_long_gap_breaks_a_thinned_line() {
        let value = |n: u64| (!(40_000..60_000).contains(&n)).then_some(1.0);
        let points: Vec<(u64, Option<f64>)> = (1..=100_000).map(|n| (n, value(n))).collect();
        let kept = reported(&points, 1500);
        assert_eq!(kept.len(), 2);
        assert_eq!((kept[0].last(), kept[1].first()), (Some(&(39_999, 1.0)), Some(&(60_000, 1.0))));
    }

    #[test]
    fn numbers_as_large_as_they_come_do_no_harm() {
        let points: Vec<(u64, Option<f64>)> =
            (0..20).map(|n| (if n < 19 { n } else { u64::MAX }, Some(n as f64))).collect();
        // Four stretches, of which only the first and the last have values.
        assert_eq!(pieces(&points, 16).len(), 2);
    }
}
