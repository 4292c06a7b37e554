//! What would decide about a KPI of which nothing can be told: more iterations, and of which side.
//!
//! Must not give the answer.

use super::{Answer, Judged, POWERS};
use crate::core::number::TOLERANCE;
use crate::stats::two_sample::MeanShift;

/// What would decide where nothing can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// About so many more iterations of B, with a probability of 80 %, if the shift is what it looks like.
    OfB(usize),
    /// No number of iterations of B: those of A are too few. So many more of A.
    OfA(usize),
    /// Neither alone. So many more of each.
    OfBoth(usize),
    /// Not even ten times as many of each: the shift is that close to the margin, or a value says that little that
    /// its neighbours do not.
    TooMany,
    /// No number of iterations: the shift lies on the margin.
    Never,
    /// No number of iterations like those that there are: a side has none with a value of this KPI.
    NotMeasured,
}

/// The iterations of a side that its values come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Iterations in the window, with or without a value.
    pub iterations: usize,
    /// Iterations that the run has yet to pass before the window begins; 0 where it has begun.
    pub ahead: usize,
}

impl Judged {
    /// What would decide where nothing can be told; `None` where something is, and where nobody can say.
    pub fn more(&self) -> Option<More> {
        match &self.shift {
            _ if self.answer != Answer::CannotTell => None,
            Some(shift) => Some(self.more_than(&shift.mean)),
            // Too few to say anything: as many as it takes to begin with.
            None if self.is_unmeasured().contains(&true) => Some(More::NotMeasured),
            None => match self.lacking() {
                [0, 0] => None,
                [0, b] => Some(More::OfB(b)),
                [a, 0] => Some(More::OfA(a)),
                [a, b] => Some(More::OfBoth(a.max(b))),
            },
        }
    }

    /// Iterations that A and B lack to begin with, those before the window included.
    pub fn lacking(&self) -> [usize; 2] {
        std::array::from_fn(|side| match self.fewest.saturating_sub(self.n[side]) {
            0 => 0,
            more => more + self.around[side].ahead,
        })
    }

    /// Of which side the KPI is in no iteration of the window, though there are some.
    pub fn is_unmeasured(&self) -> [bool; 2] {
        std::array::from_fn(|side| self.n[side] == 0 && self.around[side].iterations > 0)
    }

    /// How many more iterations would decide, if the true shift is the one seen.
    fn more_than(&self, mean: &MeanShift) -> More {
        // Ten times the run is no extension any more, it is another run.
        const LONGEST: usize = 10;
        let worsening = self.bad * mean.shift;
        let (distance, alpha) = if worsening > self.margin {
            (worsening - self.margin, self.level / self.family as f64)
        } else {
            (self.margin - worsening, self.level)
        };
        // What is beyond the margin by rounding alone lies on it.
        if distance <= 2.0 * TOLERANCE {
            return More::Never;
        }
        let decides = |a: usize, b: usize| {
            let seen = mean.with_sizes(a, b).and_then(|mean| mean.detectable(alpha, POWERS[0]));
            seen.is_some_and(|needed| needed <= distance)
        };
        let [a, b] = self.n;
        let longest = LONGEST * a.max(b);
        if let Some(more) = smallest(longest, |more| decides(a, b + more)) {
            return More::OfB(more);
        }
        if let Some(more) = smallest(longest, |more| decides(a + more, b)) {
            return More::OfA(more);
        }
        match smallest(longest, |more| decides(a + more, b + more)) {
            Some(more) => More::OfBoth(more),
            None => More::TooMany,
        }
    }
}

/// The smallest number from 1 to `most` that is enough, where every larger one is enough, too.
fn smallest(most: usize, is_enough: impl Fn(usize) -> bool) -> Option<usize> {
    if most == 0 || !is_enough(most) {
        return None;
    }
    let (mut too_few, mut enough) = (0, most);
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        if is_enough(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    Some(enough)
}
