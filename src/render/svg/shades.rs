//! What was going on while a KPI was measured: phases, freezes, and changes of overrides.
//!
//! Drawn behind the values or under the ceiling; knows nothing of the values.

use std::fmt::Write as _;

use super::chart::Stretch;
use super::draw::{Area, path, rect};
use super::{Chart, Layout};

/// Share of the height that a freeze takes where a phase has the rest.
const FREEZE_BAND: f64 = 0.3;

/// More marks than this are drawn as bars.
const MOST_MARKS: u64 = 400;

/// Phases fill the height, and so do freezes, but for the iterations of a phase: there they fill a band at the
/// floor, so that no two colours mix.
pub(super) fn shades(out: &mut String, chart: &Chart, area: &Area) {
    let phases: Vec<Stretch> = chart.warmup.iter().chain(&chart.rampdown).copied().collect();
    let (within, outside) = divided(&chart.freezes, &phases);
    let height = area.bottom - area.top;
    for (class, stretches, share) in [
        ("warmup", &chart.warmup, 1.0),
        ("rampdown", &chart.rampdown, 1.0),
        ("freeze", &outside, 1.0),
        ("freeze", &within, FREEZE_BAND),
    ] {
        for (from, to) in area.spans(stretches, 1.0) {
            let (from, to) = (from.max(area.left), to.min(area.right));
            let height = height * share;
            out.push_str(&rect(class, from, area.bottom - height, to - from, height));
        }
    }
}

/// The parts of stretches that lie within others, and those that do not; both ascending.
fn divided(stretches: &[Stretch], others: &[Stretch]) -> (Vec<Stretch>, Vec<Stretch>) {
    let mut others = others.to_vec();
    others.sort_unstable();
    let (mut within, mut outside) = (Vec::new(), Vec::new());
    for (first, last) in stretches {
        let mut at = Some(*first);
        for (from, to) in others.iter().filter(|(from, to)| from <= last && to >= first) {
            let begin = at.unwrap_or(*from);
            if begin < *from {
                outside.push((begin, from - 1));
            }
            within.push((begin.max(*from), *to.min(last)));
            at = to.checked_add(1);
        }
        outside.extend(at.filter(|at| at <= last).map(|at| (at, *last)));
    }
    (within, outside)
}

/// Marks under the ceiling where tuning changed overrides: between the iteration after which it did and the next.
pub(super) fn changes(out: &mut String, chart: &Chart, area: &Area, layout: &Layout) {
    let count: u64 = chart.changes.iter().map(|(first, last)| last - first + 1).sum();
    let half = layout.text * 0.3;
    let step = area.x(area.first + 1.0) - area.left;
    if count > MOST_MARKS || step < half {
        for (from, to) in area.spans(&chart.changes, 1.5) {
            out.push_str(&rect("change", from, area.top + 1.0, to - from, 4.0));
        }
        return;
    }
    let mut marks = String::new();
    for number in chart.changes.iter().flat_map(|(first, last)| *first..=*last) {
        let x = (area.x(number as f64 + 0.5)).min(area.right - half);
        let (y, across) = (area.top + 1.0, half * 2.0);
        let _ = write!(marks, "M{:.1} {y:.1}h{across:.1}l-{half:.1} {:.1}z", x - half, half * 1.5);
    }
    path(out, "change", &marks);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_divided_where_others_begin_and_end() {
        let others = [(5, 6), (1, 3)];
        assert_eq!(divided(&[(2, 8)], &others), (vec![(2, 3), (5, 6)], vec![(4, 4), (7, 8)]));
        assert_eq!(divided(&[(5, 5), (6, 6)], &others), (vec![(5, 5), (6, 6)], vec![]));
        assert_eq!(divided(&[(7, 9)], &others), (vec![], vec![(7, 9)]));
        assert_eq!(divided(&[(7, 9)], &[]), (vec![], vec![(7, 9)]));
        assert_eq!(divided(&[], &others), (vec![], vec![]));
        assert_eq!(divided(&[(9, u64::MAX)], &[(12, u64::MAX)]), (vec![(12, u64::MAX)], vec![(9, 11)]));
    }
}
