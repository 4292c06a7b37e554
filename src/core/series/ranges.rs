//! Sets of iteration numbers, kept as ranges: what a manifest declares or a gap spans costs as little as its
//! two ends.
//!
//! Knows numbers alone; what they mean is the business of others.

/// More single numbers out of one range help nobody.
const MOST_MULTIPLES: usize = 1000;

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// First and last of each range, ascending; ranges neither overlap nor touch.
    ranges: Vec<(u64, u64)>,
}

impl Ranges {
    /// First and last number of each range, ascending.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// Whether there is no number in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many numbers there are; the highest count where there are more.
    pub fn count(&self) -> usize {
        let lengths = self.ranges.iter().map(|(first, last)| (last - first).saturating_add(1));
        usize::try_from(lengths.fold(0, u64::saturating_add)).unwrap_or(usize::MAX)
    }

    /// Whether a number is in it.
    #[cfg(test)]
    pub(crate) fn contains(&self, number: u64) -> bool {
        let at = self.ranges.partition_point(|(_, last)| *last < number);
        self.ranges.get(at).is_some_and(|(first, _)| *first <= number)
    }

    /// The lowest and the highest number.
    pub fn span(&self) -> Option<(u64, u64)> {
        self.ranges.first().zip(self.ranges.last()).map(|((first, _), (_, last))| (*first, *last))
    }

    /// The `n`th number from the top, counted from 1. `None` when there are fewer, and for 0.
    pub fn highest(&self, n: usize) -> Option<u64> {
        let mut above = u64::try_from(n).ok()?.checked_sub(1)?;
        for (first, last) in self.ranges.iter().rev() {
            if above <= last - first {
                return Some(last - above);
            }
            above -= last - first + 1;
        }
        None
    }

    /// What is in this from `number` on.
    #[must_use]
    pub fn starting_at(&self, number: u64) -> Self {
        let from = |(first, last): &(u64, u64)| ((*first).max(number), *last);
        self.ranges.iter().map(from).collect()
    }

    /// The largest step that leads from each number to the next; 0 with fewer than two numbers.
    pub fn stride(&self) -> u64 {
        if self.ranges.iter().any(|(first, last)| first < last) {
            return 1;
        }
        let gcd = |mut a: u64, mut b: u64| {
            while b > 0 {
                (a, b) = (b, a % b);
            }
            a
        };
        self.ranges.windows(2).fold(0, |step, pair| gcd(step, pair[1].0 - pair[0].0))
    }

    /// Those of the numbers that a step from `first` on reaches: at most the lowest `MOST_MULTIPLES` of each range.
    #[must_use]
    pub fn multiples(&self, first: u64, step: u64) -> Self {
        let step = step.max(1);
        let of_range = |&(low, high): &(u64, u64)| {
            let next = first + low.saturating_sub(first).div_ceil(step) * step;
            (next..=high).step_by(usize::try_from(step).unwrap_or(usize::MAX)).take(MOST_MULTIPLES)
        };
        self.ranges.iter().flat_map(of_range).collect()
    }

    /// What is in either.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        self.ranges.iter().chain(&other.ranges).copied().collect()
    }

    /// What is in this and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for &(first, last) in &self.ranges {
            let mut from = Some(first);
            let at = other.ranges.partition_point(|(_, end)| *end < first);
            for &(start, end) in other.ranges[at..].iter().take_while(|(start, _)| *start <= last) {
                if let Some(from) = from.filter(|from| *from < start) {
                    left.push((from, start - 1));
                }
                from = end.checked_add(1);
            }
            left.extend(from.filter(|from| *from <= last).map(|from| (from, last)));
        }
        Self { ranges: left }
    }
}

impl FromIterator<(u64, u64)> for Ranges {
    /// From the first and the last number of ranges in any order; those that end before they begin are empty.
    fn from_iter<I: IntoIterator<Item = (u64, u64)>>(ranges: I) -> Self {
        let mut sorted: Vec<(u64, u64)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        sorted.dedup_by(|next, kept| {
            let joined = next.0 <= kept.1.saturating_add(1);
            if joined {
                kept.1 = kept.1.max(next.1);
            }
            joined
        });
        Self { ranges: sorted }
    }
}

impl FromIterator<u64> for Ranges {
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        numbers.into_iter().map(|number| (number, number)).collect()
    }
}

impl<const N: usize> From<[u64; N]> for Ranges {
    fn from(numbers: [u64; N]) -> Self {
        numbers.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_can_start_later() {
        let all = set(&[(1, 10), (20, 22)]);
        assert_eq!(all.starting_at(9), set(&[(9, 10), (20, 22)]));
        assert_eq!(all.starting_at(23), Ranges::default());
    }

    fn set(ranges: &[(u64, u64)]) -> Ranges {
        ranges.iter().copied().collect()
    }

    #[test]
    fn numbers_in_any_order_become_ranges_that_do_not_touch() {
        assert_eq!(Ranges::from([5, 1, 2, 2, 3, 7]).ranges(), [(1, 3), (5, 5), (7, 7)]);
        assert_eq!(set(&[(4, 6), (1, 9), (10, 12), (3, 2)]).ranges(), [(1, 12)]);
        assert_eq!(set(&[(0, u64::MAX), (u64::MAX, u64::MAX)]).ranges(), [(0, u64::MAX)]);
    }

    #[test]
    fn the_stride_is_what_all_steps_share() {
        for (numbers, stride) in [
            (vec![], 0),
            (vec![7], 0),
            (vec![10, 20, 40], 10),
            (vec![2, 4, 6, 9], 1),
            (vec![6, 10, 16], 2),
            (vec![1, 2, 12], 1),
        ] {
            assert_eq!(numbers.iter().copied().collect::<Ranges>().stride(), stride, "{numbers:?}");
        }
    }

    #[test]
    fn multiples_are_those_that_a_step_reaches() {
        assert_eq!(set(&[(3, 11), (13, 19)]).multiples(2, 5).ranges(), [(7, 7), (17, 17)]);
        assert_eq!(set(&[(3, 4)]).multiples(2, 5), Ranges::default());
        assert_eq!(set(&[(1, 5_000)]).multiples(0, 2).count(), MOST_MULTIPLES);
    }

    #[test]
    fn counting_stops_at_the_highest_count() {
        assert_eq!(set(&[(1, 3), (7, 7)]).count(), 4);
        assert_eq!(set(&[(0, u64::MAX)]).count(), usize::MAX);
        assert_eq!(Ranges::default().count(), 0);
    }

    #[test]
    fn the_highest_are_counted_over_the_gaps() {
        let numbers = set(&[(1, 3), (7, 8)]);
        let from_the_top: Vec<_> = (0..7).map(|n| numbers.highest(n)).collect();
        assert_eq!(from_the_top, [None, Some(8), Some(7), Some(3), Some(2), Some(1), None]);
        assert_eq!(set(&[(0, u64::MAX)]).highest(3), Some(u64::MAX - 2));
    }

    #[test]
    fn both_ends_of_a_range_are_in_it() {
        let numbers = set(&[(2, 4), (9, 9)]);
        let inside: Vec<u64> = (0..12).filter(|number| numbers.contains(*number)).collect();
        assert_eq!(inside, [2, 3, 4, 9]);
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_a_set_of_numbers(
            a in proptest::collection::vec((0..40_u64, 0..40_u64), 0..8),
            b in proptest::collection::vec((0..40_u64, 0..40_u64), 0..8),
        ) {
            let holds = |ranges: &[(u64, u64)], n: u64| ranges.iter().any(|(first, last)| (*first..=*last).contains(&n));
            let (x, y) = (set(&a), set(&b));
            for n in 0..42 {
                proptest::prop_assert_eq!(x.contains(n), holds(&a, n));
                proptest::prop_assert_eq!(x.with(&y).contains(n), holds(&a, n) || holds(&b, n));
                proptest::prop_assert_eq!(x.without(&y).contains(n), holds(&a, n) && !holds(&b, n));
            }
            proptest::prop_assert_eq!(x.count(), (0..42).filter(|n| holds(&a, *n)).count());
        }
    }
}
