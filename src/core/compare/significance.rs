//! Is B worse than A, beyond what the iterations of two unchanged builds differ by anyway?
//!
//! Each KPI is held against a margin, by default-deny: what can be neither shown to be worse nor shown to stay
//! within the margin cannot be told, and that is no pass. Must not read files or show anything.

mod more;

use crate::core::course::{Change, ChangeRules, Column, changes};
use crate::core::kpi::{Direction, KpiId};
use crate::core::number::TOLERANCE;
use crate::core::policy::{CompareRules, Margin};
use crate::stats::autocorrelation::Levels;
use crate::stats::two_sample::MeanShift;
use crate::stats::two_sample::RankShift;
use crate::stats::two_sample::holm_adjusted;

pub use more::{Around, More};

/// What part of the error rate each look at the data may spend, by the number of planned extensions. With one
/// extension there are two looks that share it (Bonferroni); what that leaves over, since both look at the same A and
/// the same beginning of B, makes up for φ being estimated. The table of error rates shows what comes of it.
const SHARE_OF_A_LOOK: [f64; 2] = [0.8, 0.5];

/// What part of the rate of false alarms of the search for changes a side's changes may raise here: a change that is
/// none cuts off a piece that chance made odd, and that piece would be compared.
const SHARE_OF_CHANGES: f64 = 0.25;

/// Powers for which the smallest shift that could have been shown is told.
pub const POWERS: [f64; 2] = [0.8, 0.9];

/// The answer for one KPI. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Better, by more than the margin.
    Better,
    /// The shift lies within the margin on both sides.
    NoChange,
    /// Not worse by more than the margin; it may be better.
    NotWorse,
    /// Neither can be shown.
    CannotTell,
    /// Worse, by more than the margin.
    Worse,
}

impl Answer {
    /// A few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::NoChange => "no change beyond the margin",
            Self::NotWorse => "not worse beyond the margin",
            Self::CannotTell => "cannot tell",
            Self::Worse => "worse",
        }
    }

    /// The word of the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::NoChange => "no_change",
            Self::NotWorse => "not_worse",
            Self::CannotTell => "cannot_tell",
            Self::Worse => "worse",
        }
    }
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
    let alpha = level(rules);
    let family = family(a, b, rules);
    let sides = [a, b].map(|values| Side::of(values, &family, levels));
    let pairs: Vec<[Levels<'_>; 2]> =
        (0..family.len()).map(|at| sides.each_ref().map(|side| side.levels(at))).collect();
    let shifts = MeanShift::family(&pairs);
    let each = family.iter().zip(pairs.iter().zip(shifts)).enumerate();
    let seen: Vec<Seen> = each
        .map(|(position, (member, (pair, mean)))| {
            let of_a = crate::stats::summary::mean(pair[0].present()).unwrap_or(0.0);
            Seen {
                kpi: member.kpi,
                at: member.at,
                family: family.len(),
                n: pair.each_ref().map(|levels| levels.present().len()),
                changed: sides.each_ref().map(|side| side.changes[position].last().copied()),
                margin: member.margin.around(of_a),
                mean,
                bad: if member.direction == Direction::Higher { -1.0 } else { 1.0 },
            }
        })
        .collect();
    let enough = |seen: &Seen| seen.n.iter().all(|n| *n >= rules.min_iterations);
    let p = |of: fn(&Seen, &MeanShift) -> f64| -> Vec<Option<f64>> {
        let tests = seen.iter().map(|seen| seen.mean.filter(|_| enough(seen)).map(|mean| of(seen, &mean)));
        holm_adjusted(&tests.collect::<Vec<_>>())
    };
    let (worse, better) = (p(Seen::p_worse), p(Seen::p_better));
    seen.iter()
        .zip(worse.into_iter().zip(better))
        .map(|(seen, (worse, better))| seen.judged(worse, better, alpha, rules.min_iterations))
        .collect()
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

/// One KPI before the correction.
struct Seen {
    kpi: KpiId,
    at: usize,
    family: usize,
    n: [usize; 2],
    changed: [Option<Change>; 2],
    margin: f64,
    mean: Option<MeanShift>,
    /// +1 where more is worse, −1 where less is.
    bad: f64,
}

impl Seen {
    /// The margin, and what rounding may add to it.
    fn most(&self) -> f64 {
        self.margin + TOLERANCE
    }

    /// That it is worse by more than the margin.
    fn p_worse(&self, mean: &MeanShift) -> f64 {
        if self.bad > 0.0 { mean.p_above(self.most()) } else { mean.p_below(-self.most()) }
    }

    /// That it is better by more than the margin.
    fn p_better(&self, mean: &MeanShift) -> f64 {
        if self.bad > 0.0 { mean.p_below(-self.most()) } else { mean.p_above(self.most()) }
    }

    fn judged(&self, worse: Option<f64>, better: Option<f64>, level: f64, fewest: usize) -> Judged {
        let shift = self.mean.zip(worse).map(|(mean, p_worse_adjusted)| Shift {
            p_worse: self.p_worse(&mean),
            p_worse_adjusted,
            mean,
        });
        let answer = match &shift {
            None => Answer::CannotTell,
            Some(shift) if shift.p_worse_adjusted <= level => Answer::Worse,
            Some(_) if better.is_some_and(|better| better <= level) => Answer::Better,
            Some(shift) => self.within(&shift.mean, level),
        };
        let Self { kpi, at, family, n, changed, margin, bad, .. } = *self;
        let around = n.map(|iterations| Around { iterations, ahead: 0 });
        Judged { kpi, n, changed, margin, shift, answer, level, fewest, around, family, at, bad }
    }

    /// Whether it is shown to stay within the margin, on the bad side or on both.
    fn within(&self, mean: &MeanShift, level: f64) -> Answer {
        let (below, above) = (mean.p_below(self.most()), mean.p_above(-self.most()));
        let (not_worse, not_better) = if self.bad > 0.0 { (below, above) } else { (above, below) };
        match (not_worse <= level, not_better <= level) {
            (true, true) => Answer::NoChange,
            (true, false) => Answer::NotWorse,
            (false, _) => Answer::CannotTell,
        }
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

#[cfg(test)]
mod tests;
