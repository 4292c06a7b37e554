//! Long series made short for drawing: what stands out stays, and gaps stay gaps.
//!
//! Of each stretch of iterations the first, the lowest, the highest and the last value are kept.

/// A value that is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// Number of the iteration.
    pub number: u64,
    /// Its value.
    pub value: f64,
}

/// Pieces of the line: within one, neighbours are joined. Up to `most` points are kept as they are, and a
/// missing value or a missing number ends a piece. Of more, about `most` stay, and a piece ends where a whole
/// stretch has no value.
pub fn pieces(points: &[(u64, Option<f64>)], most: usize) -> Vec<Vec<Dot>> {
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

    fn told(points: &[(u64, Option<f64>)], most: usize) -> Vec<Vec<(u64, f64)>> {
        let pair = |dot: &Dot| (dot.number, dot.value);
        pieces(points, most).iter().map(|piece| piece.iter().map(pair).collect()).collect()
    }

    #[test]
    fn a_missing_value_and_a_missing_number_break_the_line() {
        let points = [(1, Some(1.0)), (2, Some(2.0)), (3, None), (4, Some(4.0)), (6, Some(6.0)), (7, None)];
        assert_eq!(told(&points, 10), [vec![(1, 1.0), (2, 2.0)], vec![(4, 4.0)], vec![(6, 6.0)]]);
        assert_eq!(told(&[], 10), Vec::<Vec<_>>::new());
        assert_eq!(told(&[(5, None)], 10), Vec::<Vec<_>>::new());
    }

    #[test]
    fn of_each_stretch_the_ends_and_the_extremes_are_kept_in_order() {
        // Two stretches of five; the second has its peak first.
        let values = [5.0, 1.0, 5.0, 9.0, 5.0, 8.0, 7.0, 2.0, 7.0, 6.0];
        let points: Vec<(u64, Option<f64>)> = (1..).zip(values.map(Some)).collect();
        let kept = [(1, 5.0), (2, 1.0), (4, 9.0), (5, 5.0), (6, 8.0), (8, 2.0), (10, 6.0)];
        assert_eq!(told(&points, 8), [kept.to_vec()]);
    }

    #[test]
    fn one_spike_and_one_dip_among_a_hundred_thousand_survive() {
        let mut points: Vec<(u64, Option<f64>)> = (1..=100_000).map(|n| (n, Some(3.0))).collect();
        points[54_321].1 = Some(-77.0);
        points[54_322].1 = Some(99.0);
        let kept = told(&points, 1500);
        assert_eq!(kept.len(), 1);
        assert!(kept[0].contains(&(54_322, -77.0)) && kept[0].contains(&(54_323, 99.0)));
        assert!(kept[0].len() <= 1500, "{}", kept[0].len());
        assert_eq!((kept[0].first(), kept[0].last()), (Some(&(1, 3.0)), Some(&(100_000, 3.0))));
    }

    #[test]
    fn a_long_gap_breaks_a_thinned_line() {
        let value = |n: u64| (!(40_000..60_000).contains(&n)).then_some(1.0);
        let points: Vec<(u64, Option<f64>)> = (1..=100_000).map(|n| (n, value(n))).collect();
        let kept = told(&points, 1500);
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
