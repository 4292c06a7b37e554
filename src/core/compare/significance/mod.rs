//! Is B worse than A, beyond what the iterations of two unchanged builds differ by anyway?
//!
//! Each KPI is held against a margin, by default-deny: what can be neither shown to be worse nor shown to stay
//! within the margin cannot be told, and that is no pass. Must not read files or show anything.

use schemars::JsonSchema;
use serde::Serialize;

use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::ChangeRules;
use crate::core::policy::{CompareRules, Margin};
use crate::core::text::number::TOLERANCE;
use crate::core::trend::{Change, Column, changes};
use crate::stats::autocorrelation::Levels;
use crate::stats::two_sample::MeanShift;
use crate::stats::two_sample::RankShift;
use crate::stats::two_sample::holm_adjusted;

/// What part of the error rate each look at the data may spend, by the number of planned extensions. With one
/// extension there are two looks that share it (Bonferroni); what that leaves over, since both look at the same A and
/// the same beginning of B, makes up for φ being estimated. The table of error rates shows what comes of it.
const SHARE_OF_A_LOOK: [f64; 2] = [0.8, 0.5];

/// What part of the rate of false alarms of the search for changes a side's changes may raise here: a change that is
/// none cuts off a piece that chance made odd, and that piece would be compared.
const SHARE_OF_CHANGES: f64 = 0.25;

/// Powers for which the smallest shift that could have been shown is told.
pub const POWERS: [f64; 2] = [0.8, 0.9];

/// The answer for one KPI, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Answer {
    // Better, by more than the margin.
    Better,
    // The shift lies within the margin on both sides.
    NoChange,
    // Not worse by more than the margin; it may be better.
    NotWorse,
    // Neither can be shown.
    CannotTell,
    // Worse, by more than the margin.
    Worse,
}

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

/// How sure the shift of one KPI is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The difference of the means.
    pub mean: MeanShift,
    /// One-sided p-value of being worse by more than the margin.
    pub p_worse: f64,
    /// The same, adjusted for all KPIs (Holm).
    pub p_worse_adjusted: f64,
}

/// One KPI of two runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// The KPI.
    pub kpi: KpiId,
    /// Values of A and of B that are compared: those since the last change.
    pub n: [usize; 2],
    /// The last change of level of A and of B within the window; `None` where it is on one level.
    pub changed: [Option<Change>; 2],
    /// Shifts up to this size count for nothing, in the KPI's unit.
    pub margin: f64,
    /// How sure the shift is; `None` with too few values to say anything.
    pub shift: Option<Shift>,
    /// What follows.
    pub answer: Answer,
    /// The level of one one-sided test, before the correction for several KPIs.
    pub level: f64,
    /// With fewer values on a side nothing is told.
    pub fewest: usize,
    /// The iterations of A and of B; as many as there are values, until a caller knows better.
    pub around: [Around; 2],
    /// How many KPIs are judged together.
    pub family: usize,
    /// Its place in the rules.
    at: usize,
    /// +1 where more is worse, −1 where less is.
    bad: f64,
}

impl Judged {
    /// The shifts that the data do not rule out, in the KPI's unit.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.shift?.mean.interval(self.level)
    }

    /// The smallest shift for the worse that these iterations show with the probabilities of [`POWERS`], in the
    /// KPI's unit; `None` where it is no number.
    pub fn detectable(&self) -> [Option<f64>; 2] {
        let level = self.level / self.family as f64;
        let beyond = |power| Some(self.margin + self.shift?.mean.detectable(level, power)?);
        POWERS.map(beyond)
    }

    /// The margin, and what rounding may add to it.
    fn most(&self) -> f64 {
        self.margin + TOLERANCE
    }

    /// p-value of being worse by more than the margin.
    fn p_worse(&self, mean: &MeanShift) -> f64 {
        if self.bad > 0.0 { mean.p_above(self.most()) } else { mean.p_below(-self.most()) }
    }

    /// p-value of being better by more than the margin.
    fn p_better(&self, mean: &MeanShift) -> f64 {
        if self.bad > 0.0 { mean.p_below(-self.most()) } else { mean.p_above(self.most()) }
    }

    /// The answer from the p-values that are adjusted for all KPIs.
    fn decide(&mut self, mean: Option<MeanShift>, worse: Option<f64>, better: Option<f64>) {
        let Some((mean, p_worse_adjusted)) = mean.zip(worse) else { return };
        self.shift = Some(Shift { mean, p_worse: self.p_worse(&mean), p_worse_adjusted });
        self.answer = if p_worse_adjusted <= self.level {
            Answer::Worse
        } else if better.is_some_and(|better| better <= self.level) {
            Answer::Better
        } else {
            self.within(&mean)
        };
    }

    /// Whether it is shown to stay within the margin, on the bad side or on both.
    fn within(&self, mean: &MeanShift) -> Answer {
        let (below, above) = (mean.p_below(self.most()), mean.p_above(-self.most()));
        let (not_worse, not_better) = if self.bad > 0.0 { (below, above) } else { (above, below) };
        match (not_worse <= self.level, not_better <= self.level) {
            (true, true) => Answer::NoChange,
            (true, false) => Answer::NotWorse,
            (false, _) => Answer::CannotTell,
        }
    }

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

/// (iteration number, value) over the window on one side, in the order of the rules and of time; iterations without a
/// value are left out.
pub type Values = Vec<Vec<(u64, f64)>>;

/// The level of one one-sided test, before the correction for several KPIs.
pub fn level(rules: &CompareRules) -> f64 {
    rules.error_rate.value * SHARE_OF_A_LOOK[usize::from(rules.extensions > 0)]
}

/// Judges the KPIs that have a margin and a direction, in the order of the rules. Left out is what the policy does not
/// limit and neither side measured.
///
/// Worse: the one-sided test against the margin, adjusted after Holm for all KPIs, so that an unchanged build is
/// called worse in any of them at most as often as the error rate says. Not worse: the same test the other way
/// round at the level of one KPI; all of them must hold, which needs no correction (Berger 1982, Technometrics
/// 24:295–300).
///
/// Where a side changed its level within the window, as `levels` counts changes, what it is on now is compared, and
/// what was before speaks for the autocorrelation alone.
pub fn judge(a: &Values, b: &Values, rules: &CompareRules, levels: &ChangeRules) -> Vec<Judged> {
    let level = level(rules);
    let family = family(a, b, rules);
    let sides = [a, b].map(|values| Side::of(values, &family, levels));
    let pairs: Vec<[Levels<'_>; 2]> =
        (0..family.len()).map(|at| sides.each_ref().map(|side| side.levels(at))).collect();
    let shifts = MeanShift::family(&pairs);
    let each = family.iter().zip(pairs.iter().zip(shifts)).enumerate();
    let mut judged: Vec<(Judged, Option<MeanShift>)> = each
        .map(|(position, (member, (pair, mean)))| {
            let of_a = crate::stats::summary::mean(pair[0].present()).unwrap_or(0.0);
            let n = pair.each_ref().map(|levels| levels.present().len());
            let judged = Judged {
                kpi: member.kpi,
                n,
                changed: sides.each_ref().map(|side| side.changes[position].last().copied()),
                margin: member.margin.around(of_a),
                shift: None,
                answer: Answer::CannotTell,
                level,
                fewest: rules.min_iterations,
                around: n.map(|iterations| Around { iterations, ahead: 0 }),
                family: family.len(),
                at: member.at,
                bad: if member.direction == Direction::Higher { -1.0 } else { 1.0 },
            };
            let is_enough = n.iter().all(|n| *n >= rules.min_iterations);
            (judged, mean.filter(|_| is_enough))
        })
        .collect();
    let adjusted = |p: fn(&Judged, &MeanShift) -> f64| {
        let tests = judged.iter().map(|(judged, mean)| mean.map(|mean| p(judged, &mean)));
        holm_adjusted(&tests.collect::<Vec<_>>())
    };
    let (worse, better) = (adjusted(Judged::p_worse), adjusted(Judged::p_better));
    for ((judged, mean), (worse, better)) in judged.iter_mut().zip(worse.into_iter().zip(better)) {
        judged.decide(*mean, worse, better);
    }
    judged.into_iter().map(|(judged, _)| judged).collect()
}

/// A KPI that is judged.
struct Member<'r> {
    at: usize,
    kpi: KpiId,
    margin: &'r Margin,
    direction: Direction,
}

/// The KPIs that are judged together.
fn family<'r>(a: &Values, b: &Values, rules: &'r CompareRules) -> Vec<Member<'r>> {
    let each = rules.kpis.iter().zip(a.iter().zip(b)).enumerate();
    each.filter_map(|(at, (rule, (a, b)))| {
        let takes_part = rule.required || !a.is_empty() || !b.is_empty();
        let (margin, direction) = rule.margin.as_ref().zip(rule.kpi.direction)?;
        takes_part.then_some(Member { at, kpi: rule.kpi, margin, direction })
    })
    .collect()
}

/// What ranks say about the values that were compared, in the order of `judged`: beside the answers, without a say
/// in them.
pub fn ranks(a: &Values, b: &Values, judged: &[Judged]) -> Vec<Option<RankShift>> {
    let present = |points: &[(u64, f64)], change: Option<&Change>| -> Vec<f64> {
        let from = change.map_or(0, |change| change.first_after);
        points.iter().filter(|(number, _)| *number >= from).map(|(_, value)| *value).collect()
    };
    let one = |one: &Judged| {
        let [of_a, of_b] = &one.changed;
        RankShift::of(&present(&a[one.at], of_a.as_ref()), &present(&b[one.at], of_b.as_ref()))
    };
    judged.iter().map(one).collect()
}

/// One side with the changes that its KPIs made in the window.
struct Side {
    values: Vec<Vec<f64>>,
    /// Positions of the first value after each change.
    cuts: Vec<Vec<usize>>,
    changes: Vec<Vec<Change>>,
}

impl Side {
    fn of(values: &Values, family: &[Member<'_>], rules: &ChangeRules) -> Self {
        let column = |member: &Member<'_>| Column {
            kpi: member.kpi,
            direction: Some(member.direction),
            floor: member.kpi.floor,
            limit: None,
            points: values[member.at].clone(),
            later: None,
        };
        let columns: Vec<Column> = family.iter().map(column).collect();
        let mut rules = rules.clone();
        rules.course.false_alarm_rate.value *= SHARE_OF_CHANGES;
        let changes: Vec<Vec<Change>> =
            changes::find(&columns, &rules).into_iter().map(|found| found.changes).collect();
        let cuts = columns.iter().zip(&changes).map(|(column, changes)| {
            let firsts = changes.iter().map(|change| change.first_after);
            firsts.map(|first| column.points.partition_point(|(number, _)| *number < first)).collect()
        });
        let cuts = cuts.collect();
        let values =
            columns.iter().map(|column| column.points.iter().map(|(_, value)| *value).collect()).collect();
        Self { values, cuts, changes }
    }

    fn levels(&self, at: usize) -> Levels<'_> {
        Levels::cut(&self.values[at], self.cuts[at].iter().copied())
    }
}

/// What the answers come to: the worst of them.
pub fn whole(judged: &[Judged]) -> Answer {
    judged.iter().map(|judged| judged.answer).max().unwrap_or(Answer::CannotTell)
}

/// How many more iterations of B decide about every KPI that an extension of B can decide about; `None` where
/// there is none.
pub fn extension(judged: &[Judged]) -> Option<usize> {
    let of_b = |judged: &Judged| match judged.more() {
        Some(More::OfB(more)) => Some(more),
        _ => None,
    };
    judged.iter().filter_map(of_b).max()
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

#[cfg(test)]
mod tests;
