//! Is B worse than A, beyond what the iterations of two unchanged builds differ by anyway?
//!
//! Each KPI is held against a margin, by default-deny: what can be neither shown to be worse nor shown to stay
//! within the margin cannot be told, and that is no pass. Must not read files or show anything.

use schemars::JsonSchema;
use serde::Serialize;

use super::by_day::{Day, Points, TimesOfDay};
use crate::core::kpi::{Direction, KpiId};
use crate::core::policy::{ChangeRules, CompareRules, Margin, SeasonRule};
use crate::core::text::number::TOLERANCE;
use crate::core::trend::Change;
use crate::stats::spread::{Question, Spread};
use crate::stats::trend::TrendMethod;
use crate::stats::two_sample::{MeanShift, Pair, PulledIn, RankShift, holm_adjusted};

/// What part of the error rate each look at the data may spend, by the number of planned extensions. With one
/// extension there are two looks that share it (Bonferroni); what that leaves over, since both look at the same A and
/// the same beginning of B, makes up for φ being estimated. The table of error rates shows what comes of it.
const SHARE_OF_A_LOOK: [f64; 2] = [0.8, 0.5];

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

impl Answer {
    /// For a person.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::NoChange => "no change",
            Self::NotWorse => "not worse",
            Self::CannotTell => "cannot tell",
            Self::Worse => "worse",
        }
    }
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

/// How the spread of one KPI differs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedSpread {
    /// Both spreads, and the far values.
    pub found: Spread,
    /// The p-value of a wider spread or a longer tail, adjusted for all KPIs (Holm).
    pub p_adjusted: f64,
    /// The level that its p-value is checked against.
    pub level: f64,
    /// How many KPIs are judged together.
    pub family: usize,
}

impl JudgedSpread {
    /// Whether B is spread wider, or has more far values on the bad side.
    pub fn is_wider(&self) -> bool {
        self.is_unlikely() && !self.found.clusters
    }

    /// Whether chance hardly explains it where large deviations do not come together.
    pub fn is_unlikely(&self) -> bool {
        self.p_adjusted <= self.level
    }
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
    /// Whether a daily cycle is a question, and what became of it.
    pub day: Day,
    /// Outliers of A and of B, where they are frequent and what is usual without them is compared as well.
    pub outliers: Option<[usize; 2]>,
    /// Whether `shift` is that of the values with outliers pulled in.
    pub pulled_in: bool,
    /// How the spread differs; `None` with too few values.
    pub spread: Option<JudgedSpread>,
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
    fn p_worse(&self, shifts: &Shifts) -> f64 {
        shifts.p(|mean| if self.bad > 0.0 { mean.p_above(self.most()) } else { mean.p_below(-self.most()) })
    }

    /// p-value of being better by more than the margin.
    fn p_better(&self, shifts: &Shifts) -> f64 {
        shifts.p(|mean| if self.bad > 0.0 { mean.p_below(-self.most()) } else { mean.p_above(self.most()) })
    }

    /// The answer from the p-values that are adjusted for all KPIs.
    fn decide(&mut self, shifts: Option<Shifts>, worse: Option<f64>, better: Option<f64>) {
        let Some((shifts, p_worse_adjusted)) = shifts.zip(worse) else { return };
        let p = |mean: MeanShift| {
            let alone = Shifts { mean, usual: None };
            self.p_worse(&alone).min(self.p_better(&alone))
        };
        // The one that says more is told.
        let usual = shifts.usual.filter(|usual| p(*usual) < p(shifts.mean));
        let mean = usual.unwrap_or(shifts.mean);
        self.pulled_in = usual.is_some();
        self.shift = Some(Shift { mean, p_worse: self.p_worse(&shifts), p_worse_adjusted });
        let is_better = better.is_some_and(|better| better <= self.level);
        let within = shifts.each().map(|mean| self.within(&mean)).max().unwrap_or(Answer::CannotTell);
        self.answer = match self.day {
            Day::Apart { declared: true, .. } => Answer::CannotTell,
            // What moved may be the hour.
            Day::Apart { .. } if p_worse_adjusted <= self.level => Answer::CannotTell,
            Day::Apart { .. } if is_better => Answer::NotWorse,
            _ if p_worse_adjusted <= self.level => Answer::Worse,
            _ if is_better => Answer::Better,
            _ => within,
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
            // More iterations do not, other hours do.
            Some(_) if self.is_of_the_hour() => None,
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

    /// Whether nothing can be told because both sides cover different times of day.
    pub fn is_of_the_hour(&self) -> bool {
        let Day::Apart { declared, .. } = self.day else { return false };
        let is_worse = self.shift.is_some_and(|shift| shift.p_worse_adjusted <= self.level);
        self.answer == Answer::CannotTell && (declared || is_worse)
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

/// What is compared of one side.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'v> {
    /// The values.
    pub values: &'v Values,
    /// When iterations ended, in hours since some midnight UTC, by their numbers; empty where that is not known.
    pub hours: &'v [(u64, f64)],
}

/// The shift of the means of a KPI, and that of what is usual where outliers are frequent.
#[derive(Clone, Copy, Debug)]
struct Shifts {
    mean: MeanShift,
    usual: Option<MeanShift>,
}

impl Shifts {
    fn each(&self) -> impl Iterator<Item = MeanShift> {
        std::iter::once(self.mean).chain(self.usual)
    }

    /// The smaller p-value, corrected for the choice (Bonferroni).
    fn p(&self, of: impl Fn(&MeanShift) -> f64) -> f64 {
        let choices = if self.usual.is_some() { 2.0 } else { 1.0 };
        self.each().map(|mean| (choices * of(&mean)).min(1.0)).fold(1.0, f64::min)
    }
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
/// what was before speaks for the autocorrelation alone. A daily cycle is taken out of both sides where they know the same
/// hours, see `by_day`.
pub fn judge(
    sides: [Observed<'_>; 2],
    rules: &CompareRules,
    levels: &ChangeRules,
    season: SeasonRule,
) -> Vec<Judged> {
    let level = level(rules);
    let family = family(sides[0].values, sides[1].values, rules);
    let points: Vec<Points> = family
        .iter()
        .map(|member| Points {
            kpi: member.kpi,
            direction: Some(member.direction),
            sides: sides.map(|side| side.values[member.at].as_slice()),
            hours: sides.map(|side| side.hours),
        })
        .collect();
    let by_day = TimesOfDay::of(&points, levels, season);
    let pairs: Vec<Pair<'_>> = (0..family.len()).map(|at| by_day.pair(at)).collect();
    let asked: Vec<Question> = family
        .iter()
        .map(|member| Question {
            above: member.direction == Direction::Lower,
            floor: member.kpi.floor,
            ratio: rules.spread.ratio,
        })
        .collect();
    let is_enough =
        |pair: &Pair<'_>| pair.levels.iter().all(|levels| levels.present().len() >= rules.min_iterations);
    let spreads: Vec<Option<Spread>> = Spread::family(&pairs, &asked)
        .into_iter()
        .zip(&pairs)
        .map(|(spread, pair)| spread.filter(|_| is_enough(pair)))
        .collect();
    let shifts = shifts(&pairs, &spreads);
    let p_of_spreads: Vec<Option<f64>> =
        spreads.iter().map(|spread| spread.map(|spread| spread.p())).collect();
    let spreads = spreads.into_iter().zip(holm_adjusted(&p_of_spreads));
    let each = family.iter().enumerate().zip(pairs.iter().zip(&shifts).zip(spreads));
    let mut judged: Vec<(Judged, Option<Shifts>)> = each
        .map(|((position, member), ((pair, (shifts, outliers)), (spread, p_adjusted)))| {
            let of_a = crate::stats::summary::mean(pair.levels[0].present()).unwrap_or(0.0);
            let n = pair.levels.each_ref().map(|levels| levels.present().len());
            let judged = Judged {
                kpi: member.kpi,
                n,
                changed: by_day.changed(position),
                margin: member.margin.around(of_a),
                shift: None,
                day: by_day.day(position),
                outliers: *outliers,
                pulled_in: false,
                spread: spread.zip(p_adjusted).map(|(found, p_adjusted)| JudgedSpread {
                    found,
                    p_adjusted,
                    level: rules.error_rate.value,
                    family: family.len(),
                }),
                answer: Answer::CannotTell,
                level,
                fewest: rules.min_iterations,
                around: n.map(|iterations| Around { iterations, ahead: 0 }),
                family: family.len(),
                at: member.at,
                bad: if member.direction == Direction::Higher { -1.0 } else { 1.0 },
            };
            (judged, shifts.filter(|_| is_enough(pair)))
        })
        .collect();
    let adjusted = |p: fn(&Judged, &Shifts) -> f64| {
        let tests = judged.iter().map(|(judged, shifts)| shifts.map(|shifts| p(judged, &shifts)));
        holm_adjusted(&tests.collect::<Vec<_>>())
    };
    let (worse, better) = (adjusted(Judged::p_worse), adjusted(Judged::p_better));
    for ((judged, shifts), (worse, better)) in judged.iter_mut().zip(worse.into_iter().zip(better)) {
        judged.decide(*shifts, worse, better);
    }
    judged.into_iter().map(|(judged, _)| judged).collect()
}

/// The shifts of all KPIs, and the numbers of outliers where these are frequent. Large deviations that come together are no
/// outliers.
fn shifts(pairs: &[Pair<'_>], spreads: &[Option<Spread>]) -> Vec<(Option<Shifts>, Option<[usize; 2]>)> {
    let means = MeanShift::family(pairs);
    let is_calm = |spread: &Option<Spread>| spread.is_none_or(|spread| !spread.clusters);
    let pulled: Vec<Option<PulledIn>> = pairs
        .iter()
        .zip(spreads)
        .map(|(pair, spread)| PulledIn::of(&pair.levels).filter(|_| is_calm(spread)))
        .collect();
    let usual = if pulled.iter().any(Option::is_some) {
        let without: Vec<Pair<'_>> = pairs
            .iter()
            .zip(&pulled)
            .map(|(pair, pulled)| match pulled {
                Some(pulled) => Pair { levels: pulled.levels(&pair.levels), cycle: pair.cycle.clone() },
                None => pair.clone(),
            })
            .collect();
        MeanShift::family(&without)
    } else {
        vec![None; pairs.len()]
    };
    let each = means.into_iter().zip(usual).zip(&pulled);
    each.map(|((mean, usual), pulled)| {
        let usual = usual.filter(|_| pulled.is_some());
        (mean.map(|mean| Shifts { mean, usual }), pulled.as_ref().map(|pulled| pulled.outliers))
    })
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

/// How sure the shift of a KPI is.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedShift {
    /// Mean of B less mean of A over the window, in the KPI's unit; where outliers are frequent and it says more, with
    /// outliers pulled in.
    pub mean_shift: f64,
    /// Lower end of the interval of the mean shift.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Standard error of the mean shift.
    pub standard_error: f64,
    /// Degrees of freedom of t.
    pub degrees_of_freedom: f64,
    /// Autocorrelation of neighbours that was used.
    pub phi: f64,
    /// How many independent values those of A are worth.
    pub n_eff_a: f64,
    /// How many independent values those of B are worth.
    pub n_eff_b: f64,
    /// One-sided p-value of being worse by more than the margin.
    pub p_worse: f64,
    /// The same, adjusted for all KPIs (Holm).
    pub p_worse_adjusted: f64,
    /// The smallest worsening that so many iterations show in 80 % of cases; null where it is no number.
    pub detectable_80: Option<f64>,
    /// The same for 90 %.
    pub detectable_90: Option<f64>,
    /// Two-sided p-value of Mann and Whitney's test, which takes the values as independent.
    pub mann_whitney_p: Option<f64>,
    /// Hodges–Lehmann shift: the median of all differences, in the KPI's unit.
    pub hodges_lehmann: Option<f64>,
    /// Whether it comes from every pair or from block medians.
    pub hodges_lehmann_method: Option<TrendMethod>,
    /// Cliff's delta, from −1 to 1.
    pub cliffs_delta: Option<f64>,
}

/// A change of level within the window. What was before it is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedChange {
    /// The first iteration on the level compared.
    pub iteration: u64,
    /// Mean of the level before, in the KPI's unit.
    pub before: f64,
    /// Mean of the level since, in the KPI's unit.
    pub after: f64,
    /// Its probability by chance, adjusted for the search and for all KPIs of the side.
    pub p_adjusted: f64,
    /// Whether a steady drift explains it better than a step.
    pub gradual: bool,
}

impl From<Change> for ComparedChange {
    fn from(change: Change) -> Self {
        let Change { last_before: _, first_after, step, p_adjusted, worse: _ } = change;
        Self {
            iteration: first_after,
            before: step.before,
            after: step.after,
            p_adjusted,
            gradual: step.gradual,
        }
    }
}

/// How the spread of a KPI differs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedSpread {
    /// `wider` in B, or `cannot_tell`: large deviations come together, so that spreads differ by chance.
    #[schemars(extend("enum" = ["wider", "cannot_tell"]))]
    pub answer: &'static str,
    /// Mean distance from the median of A, in the KPI's unit; the farthest count as five robust standard deviations.
    pub distance_a: f64,
    /// The same of B.
    pub distance_b: f64,
    /// How many times the distance of A that of B is; null where A does not vary.
    pub ratio: Option<f64>,
    /// Lower end of the 95 % interval of the ratio.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// What lies farther off the median on the bad side is far, in the KPI's unit.
    pub far: f64,
    /// Far values of A.
    pub far_a: usize,
    /// The same of B.
    pub far_b: usize,
    /// One-sided p-value of a wider spread or more far values.
    pub p: f64,
    /// The same, adjusted for all KPIs (Holm).
    pub p_adjusted: f64,
    /// The smallest ratio that so many iterations show in 90 % of cases; null where it is no number.
    pub detectable_90: Option<f64>,
}

/// Whether a KPI is worse.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ComparedAnswer {
    /// `worse`, `better`, `no_change` (within the margin on both sides), `not_worse` (within it on the bad side) or
    /// `cannot_tell`.
    pub answer: Answer,
    /// Shifts up to this size count for nothing, in the KPI's unit.
    pub margin: f64,
    /// Values of A that are compared: those of the window of significance, since its last change.
    pub n_a: usize,
    /// The same of B.
    pub n_b: usize,
    /// The last change of A within the window; null where it is on one level.
    pub changed_a: Option<ComparedChange>,
    /// The same of B.
    pub changed_b: Option<ComparedChange>,
    /// How sure the shift is; null with too few values.
    pub shift: Option<ComparedShift>,
    /// So many more iterations of B would decide, with a probability of 80 %, if the shift is what it looks like;
    /// null where nothing is left to decide, or no extension of B decides.
    pub more_of_b: Option<usize>,
    /// So many more iterations of A would decide, where more of B alone would not.
    pub more_of_a: Option<usize>,
    /// So many more iterations of each would decide, where more of one alone would not.
    pub more_of_both: Option<usize>,
    /// `taken_out`: both sides cover the same times of day, and the daily cycle that they have in common is taken out;
    /// `unresolved`: they cover other ones, so that a shift may be a daily cycle. Absent where no cycle is a question.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["taken_out", "unresolved"]))]
    pub daily_cycle: Option<&'static str>,
    /// Outliers of A, where outliers are frequent: then what is usual is compared, too, with outliers pulled in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers_a: Option<usize>,
    /// The same of B.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outliers_b: Option<usize>,
    /// How the spread differs; absent where nothing is found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<ComparedSpread>,
    /// What it means, in a sentence.
    pub reason: String,
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::*;
    use crate::core::compare::fixture::{four, rule};
    use crate::core::compare::sentence::sentence;
    use crate::core::judge::fixture::{change_rules, limit};
    use crate::core::policy::ORDER;
    use crate::core::policy::{SpreadRules, WindowSpec};

    fn rules(margin: f64) -> CompareRules {
        CompareRules {
            window: WindowSpec::Steady,
            error_rate: limit(0.05),
            extensions: 1,
            min_iterations: 16,
            kpis: four(margin),
            refuse: Vec::new(),
            spread: SpreadRules { gates: false, ratio: 1.0 },
        }
    }

    /// Numbered from 7 on, as the steady part is.
    fn numbered(values: &[f64]) -> Vec<(u64, f64)> {
        (7..).zip(values.iter().copied()).collect()
    }

    fn judged(a: &[Vec<f64>; 4], b: &[Vec<f64>; 4], rules: &CompareRules) -> Vec<Judged> {
        let sides: [Values; 2] = [a, b].map(|side| side.iter().map(|values| numbered(values)).collect());
        without_hours(&sides, rules)
    }

    fn without_hours(sides: &[Values; 2], rules: &CompareRules) -> Vec<Judged> {
        let sides = sides.each_ref().map(|values| Observed { values, hours: &[] });
        judge(sides, rules, &change_rules(), SeasonRule::Auto)
    }

    /// 24 values around `level` that look independent: −1, 0 and 1 in a scrambled order, times `spread`.
    fn noise(level: f64, spread: f64) -> Vec<f64> {
        (0..24u32).map(|at| level + spread * (f64::from(at * 7 % 24 % 3) - 1.0)).collect()
    }

    /// All KPIs alike on both sides but net, which B has `by` higher.
    fn net(by: f64, spread: f64, margin: f64) -> Judged {
        let a: [Vec<f64>; 4] = std::array::from_fn(|_| noise(3.0, spread));
        let mut b = a.clone();
        b[1] = noise(3.0 + by, spread);
        judged(&a, &b, &rules(margin)).remove(1)
    }

    #[test]
    fn each_answer_is_given_where_it_belongs() {
        assert_eq!(net(0.0, 0.1, 0.0).kpi, KpiId::NET_BPS);
        // The mean of 24 values of spread 0.1 is known to about 0.02; more net is better.
        assert_eq!(net(-1.0, 0.1, 0.2).answer, Answer::Worse);
        assert_eq!(net(1.0, 0.1, 0.2).answer, Answer::Better);
        assert_eq!(net(0.0, 0.1, 0.2).answer, Answer::NoChange);
        assert_eq!(net(0.2, 0.1, 0.2).answer, Answer::NotWorse);
        assert_eq!(net(-0.2, 0.1, 0.2).answer, Answer::CannotTell);
        assert_eq!(net(0.0, 1.0, 0.01).answer, Answer::CannotTell);
        assert_eq!(net(-1.0, 0.1, 2.0).answer, Answer::NoChange);
    }

    #[test]
    fn what_does_not_vary_is_told_to_the_margin_and_not_beyond() {
        let at = |by: f64| net(by, 0.0, 0.25).answer;
        // A quarter is exact in binary.
        assert_eq!(at(-0.25), Answer::NoChange);
        assert_eq!(at(-0.250_001), Answer::Worse);
        assert_eq!(at(0.25), Answer::NoChange);
        assert_eq!(at(0.250_001), Answer::Better);
    }

    #[test]
    fn fewer_values_than_the_policy_asks_for_cannot_tell_and_more_are_asked_for() {
        let of = |n_a: usize, n_b: usize| {
            let a: [Vec<f64>; 4] = std::array::from_fn(|_| noise(3.0, 0.1)[..n_a].to_vec());
            let b: [Vec<f64>; 4] = std::array::from_fn(|_| noise(9.0, 0.1)[..n_b].to_vec());
            let one = judged(&a, &b, &rules(0.1)).remove(1);
            (one.answer, one.shift.is_some(), one.more())
        };
        assert_eq!(of(16, 16), (Answer::Better, true, None));
        assert_eq!(of(16, 15), (Answer::CannotTell, false, Some(More::OfB(1))));
        assert_eq!(of(15, 16), (Answer::CannotTell, false, Some(More::OfA(1))));
        assert_eq!(of(9, 14), (Answer::CannotTell, false, Some(More::OfBoth(7))));
        assert_eq!(of(0, 24), (Answer::CannotTell, false, Some(More::OfA(16))));
    }

    #[test]
    fn a_kpi_is_worse_only_after_the_correction_for_all_of_them() {
        // The level of one look of one KPI: 0.05 · 0.5; Holm's first step divides it by four.
        assert!((level(&rules(0.0)) - 0.025).abs() < 1e-15);
        assert!((level(&CompareRules { extensions: 0, ..rules(0.0) }) - 0.04).abs() < 1e-15);
        let between = (1..400)
            .map(|at| net(-0.001 * f64::from(at), 0.1, 0.0))
            .find(|judged| judged.shift.is_some_and(|shift| shift.p_worse <= 0.025))
            .expect("a shift that is just significant by itself");
        let shift = between.shift.expect("enough values");
        assert!(
            shift.p_worse_adjusted > 0.025 && (shift.p_worse_adjusted - 4.0 * shift.p_worse).abs() < 1e-12
        );
        assert_eq!(between.answer, Answer::CannotTell);
    }

    #[test]
    fn an_extension_is_asked_for_that_makes_the_standard_error_small_enough() {
        let unsure = net(-0.25, 0.4, 0.1);
        assert_eq!(unsure.answer, Answer::CannotTell);
        let mean = unsure.shift.expect("enough values").mean;
        // A shift of 0.25 is worse than the margin of 0.1, so "worse" is what an extension would show.
        let needed = |a: usize, b: usize| {
            mean.with_sizes(a, b).and_then(|mean| mean.detectable(0.025 / 4.0, 0.8)).expect("a number")
        };
        match unsure.more().expect("something decides") {
            More::OfB(more) => {
                assert!(needed(24, 24 + more) <= 0.15 && needed(24, 24 + more - 1) > 0.15, "{more}");
            }
            More::OfA(more) => panic!("A is as long as B, and {more} more of B would do"),
            More::OfBoth(more) => {
                assert!(
                    needed(24, 24 + 240) > 0.15 && needed(24 + 240, 24) > 0.15,
                    "an extension of B alone is not enough"
                );
                assert!(
                    needed(24 + more, 24 + more) <= 0.15 && needed(23 + more, 23 + more) > 0.15,
                    "{more}"
                );
            }
            other => panic!("an extension decides, not {other:?}"),
        }
        // On the margin itself nothing ever decides.
        let close = net(-0.1, 0.4, 0.1);
        assert_eq!((close.answer, close.more()), (Answer::CannotTell, Some(More::Never)));
        // What A does not know, no extension of B finds out.
        let a: [Vec<f64>; 4] = std::array::from_fn(|_| noise(3.0, 0.6)[..16].to_vec());
        let b: [Vec<f64>; 4] = std::array::from_fn(|_| (0..50).flat_map(|_| noise(2.75, 0.6)).collect());
        let one = judged(&a, &b, &rules(0.1)).remove(1);
        assert!(matches!(one.more(), Some(More::OfA(_))), "{one:?}");
    }

    #[test]
    fn the_margin_is_the_larger_of_both_and_needs_no_percentage_of_zero() {
        let margin = crate::core::policy::Margin { absolute: limit(0.2), relative: limit(0.1) };
        assert_eq!(margin.around(5.0), 0.5);
        assert_eq!(margin.around(-5.0), 0.5);
        assert_eq!(margin.around(1.0), 0.2);
        assert_eq!(margin.around(0.0), 0.2);
    }

    #[test]
    fn only_what_is_measured_or_required_is_judged_and_corrected_for() {
        let of = |kpis: Vec<crate::core::policy::KpiRule>, a: &[&[f64]], b: &[&[f64]]| {
            let side = |side: &[&[f64]]| -> Values { side.iter().map(|values| numbered(values)).collect() };
            let rules = CompareRules { kpis, ..rules(0.2) };
            without_hours(&[side(a), side(b)], &rules)
        };
        let optional = |kpi, margin| crate::core::policy::KpiRule { required: false, ..rule(kpi, margin) };
        let (low, high) = (noise(3.0, 0.1), noise(9.0, 0.1));
        // Nobody measured the risk, and nothing asks for it; the gross edge has no direction.
        let rules = vec![
            optional(KpiId::RISK_RATIO, Some(0.2)),
            optional(KpiId::NET_BPS, Some(0.2)),
            optional(KpiId::GROSS_BPS, Some(0.2)),
            optional(KpiId::P95_LATENCY_MS, None),
            optional(KpiId::CANCEL_RATIO, Some(0.2)),
        ];
        let a: [&[f64]; 5] = [&[], &low, &low, &low, &low];
        let judged = of(rules.clone(), &a, &[&[], &high, &high, &high, &[]]);
        let told: Vec<_> = judged.iter().map(|one| (one.kpi, one.answer, one.family)).collect();
        let expected = [(KpiId::NET_BPS, Answer::Better, 2), (KpiId::CANCEL_RATIO, Answer::CannotTell, 2)];
        assert_eq!(told, expected);
        // Ranks find the values of the same KPI.
        let [a, b] = [&a, &[&[], &high, &high, &high, &[][..]]]
            .map(|side: &[&[f64]; 5]| side.iter().map(|values| numbered(values)).collect::<Values>());
        let ranks = ranks(&a, &b, &judged);
        assert!(ranks[0].is_some_and(|rank| (rank.hodges_lehmann - 6.0).abs() < 1e-9) && ranks[1].is_none());
        let required = vec![rule(ORDER[0], Some(0.2))];
        assert_eq!(
            of(required, &[&[]], &[&[]]).iter().map(|one| one.answer).collect::<Vec<_>>(),
            [Answer::CannotTell]
        );
    }

    #[test]
    fn the_whole_is_the_worst_answer_and_nothing_to_judge_cannot_tell() {
        let of = |answers: &[Answer]| {
            let judged: Vec<Judged> =
                answers.iter().map(|answer| Judged { answer: *answer, ..net(0.0, 0.1, 0.2) }).collect();
            whole(&judged)
        };
        assert_eq!(of(&[]), Answer::CannotTell);
        assert_eq!(of(&[Answer::Better, Answer::NoChange]), Answer::NoChange);
        assert_eq!(of(&[Answer::CannotTell, Answer::NotWorse]), Answer::CannotTell);
        assert_eq!(of(&[Answer::CannotTell, Answer::Worse]), Answer::Worse);
    }

    /// 90 values: `before` so many on 3, then on `after`, all with the spread of [`noise`].
    fn stepped(before: usize, after: f64, spread: f64) -> Vec<f64> {
        let wave = |at: usize| spread * ((at * 7 % 13) as f64 / 6.0 - 1.0);
        (0..90).map(|at| if at < before { 3.0 } else { after } + wave(at)).collect()
    }

    /// Net alone, of 90 values a side numbered from 7 on, against a margin of 0.2.
    fn net_of(a: &[f64], b: &[f64]) -> Judged {
        let side = |values: &[f64]| -> [Vec<f64>; 4] {
            std::array::from_fn(|at| if at == 1 { values.to_vec() } else { stepped(90, 3.0, 0.1) })
        };
        judged(&side(a), &side(b), &rules(0.2)).remove(1)
    }

    #[test]
    fn a_step_inside_a_run_is_compared_from_where_it_comes() {
        let level = stepped(90, 3.0, 0.1);
        // Iteration 61 is the 55th of those numbered from 7 on.
        let worse = net_of(&level, &stepped(54, 2.0, 0.1));
        assert_eq!((worse.answer, worse.n), (Answer::Worse, [90, 36]));
        assert_eq!(worse.changed[0], None);
        let change = worse.changed[1].expect("B changed");
        assert_eq!(change.first_after, 61);
        let shift = worse.shift.expect("enough values").mean;
        assert!((shift.shift + 1.0).abs() < 0.05 && shift.phi < 0.3, "{shift:?}");
        let told = sentence(&worse);
        assert!(
            told.contains(
                "B changed at iteration 61 (3.00 bps to 2.00 bps) and is compared since then (36 values)"
            ),
            "{told}"
        );
        // What B was before does not count, for worse or for better.
        let back = net_of(&level, &[stepped(27, 3.0, 0.1), stepped(54, 3.0, 0.1)].concat()[..90]);
        assert_eq!(back.changed, [None, None]);
        let recovered: Vec<f64> = stepped(54, 2.0, 0.1).iter().map(|value| 5.0 - value).collect();
        // From 2 to 3, where A is on 3.
        assert_eq!(net_of(&level, &recovered).answer, Answer::NoChange);
        // The same on the other side: A fell to 2 before it became the baseline.
        let fell = net_of(&stepped(54, 2.0, 0.1), &level);
        assert_eq!((fell.answer, fell.n), (Answer::Better, [36, 90]));
        assert_eq!(fell.changed[0].map(|change| change.first_after), Some(61));
    }

    #[test]
    fn a_level_that_is_too_young_cannot_be_told_and_says_how_many_more_it_takes() {
        let level = stepped(90, 3.0, 0.1);
        let young = net_of(&level, &stepped(80, 1.0, 0.1));
        assert_eq!((young.answer, young.n, young.more()), (Answer::CannotTell, [90, 10], Some(More::OfB(6))));
        let told = sentence(&young);
        assert!(told.starts_with("cannot tell: B changed at iteration 87"), "{told}");
        assert!(
        told.ends_with(
            "90 values of A and 10 of B, 16 of each are needed; 6 more iterations of B would do to begin with"
        ),
        "{told}"
    );
        let of_a = net_of(&stepped(80, 1.0, 0.1), &level);
        assert_eq!((of_a.answer, of_a.n, of_a.more()), (Answer::CannotTell, [10, 90], Some(More::OfA(6))));
    }

    #[test]
    fn that_no_extension_decides_is_said_only_where_it_is_true() {
        let told = |judged: &Judged| sentence(judged);
        let on_it = net(-0.1, 0.4, 0.1);
        assert!(
            told(&on_it).ends_with("the shift lies on the margin, so that no extension would decide"),
            "{}",
            told(&on_it)
        );
        let near = net(-0.101, 0.4, 0.1);
        assert_eq!(near.more(), Some(More::TooMany));
        assert!(
            told(&near).ends_with(
                "would decide, if the shift is what it looks like: it is that close to the margin"
            ),
            "{}",
            told(&near)
        );
        // A slow wave says little however long it is seen.
        let walk =
            |level: f64| -> Vec<f64> { (0..90).map(|at| level + libm::sin(f64::from(at) / 15.0)).collect() };
        let stiff = net_of(&walk(3.0), &walk(3.1));
        assert_eq!(stiff.answer, Answer::CannotTell);
        assert!(!told(&stiff).contains("no extension would decide"), "{}", told(&stiff));
    }

    #[test]
    fn what_is_beyond_all_numbers_is_told_so_and_what_never_varies_too() {
        let told = |judged: &Judged| sentence(judged);
        let huge = net(1e308, 1e308, 0.2);
        assert_eq!((huge.answer, huge.more()), (Answer::CannotTell, None));
        assert_eq!(told(&huge), "cannot tell: the values are so large that their difference is no number");
        let still = net(-0.5, 0.0, 0.25);
        assert!(
            told(&still).contains(
                "the mean fell by 0.5 bps; no value of a side differs from its others; p < 0.0001 for"
            ),
            "{}",
            told(&still)
        );
    }

    #[test]
    fn iterations_before_the_window_and_kpis_that_are_not_measured_count_in_what_would_decide() {
        let of = |around: [Around; 2]| {
            let a: [Vec<f64>; 4] = std::array::from_fn(|_| noise(3.0, 0.1));
            let mut one = judged(&a, &Default::default(), &rules(0.1)).remove(1);
            one.around = around;
            one.more()
        };
        let full = Around { iterations: 24, ahead: 0 };
        assert_eq!(of([full, Around { iterations: 0, ahead: 0 }]), Some(More::OfB(16)));
        assert_eq!(of([full, Around { iterations: 0, ahead: 4 }]), Some(More::OfB(20)));
        assert_eq!(of([full, Around { iterations: 9, ahead: 0 }]), Some(More::NotMeasured));
    }

    /// Waves of a scrambled order, and other ones for each `seed`: between −1 and 1.
    fn scrambled(at: usize, seed: usize) -> f64 {
        ((at * at * 31 + at * 7 * (seed + 3) + seed * 13) % 101) as f64 / 50.0 - 1.0
    }

    /// Net alone, a value each quarter of an hour from `from` on, and what is judged of it.
    fn by_day(
        sides: [(f64, usize); 2],
        season: SeasonRule,
        level: impl Fn(usize, f64, usize) -> f64,
    ) -> Judged {
        let hours = sides.map(|(from, n)| -> Vec<(u64, f64)> {
            (7..).zip(0..n).map(|(number, at)| (number, from + 0.25 * at as f64)).collect()
        });
        let values: [Values; 2] = std::array::from_fn(|side| {
            (0..4)
                .map(|kpi| {
                    let one = |(at, (number, hour)): (usize, &(u64, f64))| {
                        let level = if kpi == 1 { level(side, *hour, at) } else { 0.0 };
                        (*number, level + scrambled(at, side + 2 * kpi))
                    };
                    hours[side].iter().enumerate().map(one).collect()
                })
                .collect()
        });
        let sides = std::array::from_fn(|side| Observed { values: &values[side], hours: &hours[side] });
        judge(sides, &rules(0.2), &change_rules(), season).remove(1)
    }

    fn cycle(hour: f64) -> f64 {
        5.0 * libm::sin(std::f64::consts::TAU * hour / 24.0)
    }

    #[test]
    fn a_daily_cycle_of_both_is_no_change_and_hides_none() {
        for sides in [
            [(0.0, 288), (7.0, 288)],
            [(3.0, 96), (11.0, 288)],
            [(9.0, 40), (9.5, 40)],
            [(0.0, 192), (9.0, 40)],
        ] {
            let same = by_day(sides, SeasonRule::Auto, |_, hour, _| cycle(hour));
            assert!(matches!(same.day, Day::Paired { amplitude } if amplitude > 1.0), "{same:?}");
            assert!(!matches!(same.answer, Answer::Worse | Answer::Better), "{}", sentence(&same));
        }
        let days = [(0.0, 288), (7.0, 288)];
        let less =
            by_day(days, SeasonRule::Auto, |side, hour, _| cycle(hour) - if side == 1 { 1.0 } else { 0.0 });
        assert_eq!(less.answer, Answer::Worse);
        let told = sentence(&less);
        assert!(
            told.starts_with(
                "worse by more than the margin of 0.2 bps: compared by time of day (the daily cycle of both, ±5"
            ),
            "{told}"
        );
        // What the policy rules out is not taken out.
        let off =
            by_day(days, SeasonRule::Off, |side, hour, _| cycle(hour) - if side == 1 { 1.0 } else { 0.0 });
        assert_eq!((off.day, off.answer), (Day::Unasked, Answer::CannotTell));
    }

    #[test]
    fn at_other_hours_of_less_than_two_days_a_shift_may_be_a_cycle() {
        // Twelve hours by day, and twelve by night.
        let sides = [(8.0, 48), (20.0, 48)];
        let night = |side: usize, _: f64, _: usize| if side == 1 { -3.0 } else { 0.0 };
        let open = by_day(sides, SeasonRule::Auto, night);
        assert_eq!((open.answer, open.more(), open.is_of_the_hour()), (Answer::CannotTell, None, true));
        let told = sentence(&open);
        assert!(
            told.starts_with(
                "cannot tell: A and B cover less than two periods of 24 h at different times of day (A 08:00-19:45, B \
                 20:00-07:45 UTC), and a daily cycle looks like a shift then: the mean fell by "
            ) && told.ends_with("runs that cover the same times of day, or two days each, would decide"),
            "{told}"
        );
        assert_eq!(by_day(sides, SeasonRule::Off, night).answer, Answer::Worse);
        // What did not move is no worse, unless the policy says that there is a cycle.
        let still = by_day(sides, SeasonRule::Auto, |_, _, _| 0.0);
        assert!(still.answer <= Answer::NotWorse || !still.is_of_the_hour(), "{}", sentence(&still));
        let declared = by_day(sides, SeasonRule::Daily, |_, _, _| 0.0);
        assert!(declared.answer == Answer::CannotTell && declared.is_of_the_hour());
        let better = by_day(sides, SeasonRule::Auto, |side, hour, at| -night(side, hour, at));
        assert_eq!(better.answer, Answer::NotWorse);
        // An hour and a half is no question of a day.
        assert_eq!(by_day([(8.0, 7), (20.0, 7)], SeasonRule::Daily, night).day, Day::Unasked);
        assert!(matches!(by_day([(8.0, 8), (20.0, 8)], SeasonRule::Auto, night).day, Day::Apart { .. }));
    }

    #[test]
    fn what_remembers_more_than_its_neighbour_is_told_with_both_standard_errors() {
        // Half of it is a slow wave, half is noise: neighbours are correlated little, and far values as much.
        let slow = |side: usize| -> Vec<f64> {
            (0..90).map(|at| libm::sin((at + 40 * side) as f64 / 15.0) + scrambled(at, side)).collect()
        };
        let lower =
            |by: i32| -> Vec<f64> { slow(1).iter().map(|value| value - f64::from(by) / 10.0).collect() };
        let mut all = (0..20).map(|by| net_of(&slow(0), &lower(by)));
        let found =
            all.find(|found| found.answer == Answer::CannotTell).expect("a shift that nobody can tell");
        let shift = found.shift.expect("enough values").mean;
        assert!(shift.first_order.is_some_and(|first| first <= shift.standard_error), "{shift:?}");
        assert!(
            sentence(&found).contains("; the estimators of its standard error disagree ("),
            "{}",
            sentence(&found)
        );
        let noise = |seed: usize| -> Vec<f64> { (0..90).map(|at| scrambled(at, seed)).collect() };
        let first_order =
            |seed| net_of(&noise(seed), &noise(seed + 1)).shift.expect("enough values").mean.first_order;
        assert!((0..6).any(|seed| first_order(seed).is_none()));
    }

    #[test]
    fn where_outliers_are_frequent_what_is_usual_is_compared_as_well() {
        let spiky = |level: f64, seed: usize| -> Vec<f64> {
            (0..90).map(|at| level + scrambled(at, seed) + if at % 11 == seed { 60.0 } else { 0.0 }).collect()
        };
        let found = net_of(&spiky(3.0, 2), &spiky(1.0, 5));
        assert_eq!((found.answer, found.outliers, found.pulled_in), (Answer::Worse, Some([8, 8]), true));
        let told = sentence(&found);
        assert!(
            told.contains(
                "outliers are frequent (8 of A, 8 of B) and are pulled in: the mean without them fell by"
            ),
            "{told}"
        );
        assert_eq!(net_of(&stepped(90, 3.0, 0.1), &stepped(90, 3.0, 0.1)).outliers, None);
    }

    #[test]
    fn a_wider_spread_is_told_beside_an_answer_that_does_not_see_it() {
        let wide = |size: f64, seed: usize| -> Vec<f64> {
            (0..48).map(|at| 3.0 + size * scrambled(at, seed)).collect()
        };
        let (a, b) = (wide(0.1, 1), wide(0.5, 2));
        let side = |values: &[f64]| -> [Vec<f64>; 4] {
            std::array::from_fn(|at| if at == 1 { values.to_vec() } else { wide(0.1, 3) })
        };
        let there = judged(&side(&a), &side(&b), &rules(0.2)).remove(1);
        let told = crate::core::compare::spread::sentence(&there, false).expect("it is wider");
        assert!(there.answer != Answer::Worse && crate::core::compare::spread::is_wider(&there));
        assert!(
            told.starts_with("net_bps spreads ") && told.contains(" times as wide in B as in A (95 % sure: "),
            "{told}"
        );
        assert!(
            told.contains("after correction for 4 KPIs; ") && told.ends_with("in 90 % of cases (advisory)"),
            "{told}"
        );
        assert!(
            !crate::core::compare::spread::sentence(&there, true)
                .expect("it is wider")
                .ends_with("(advisory)")
        );
        let back = judged(&side(&b), &side(&a), &rules(0.2)).remove(1);
        assert_eq!(crate::core::compare::spread::sentence(&back, false), None);
        // Up to ten times the spread counts for nothing here.
        let lax = CompareRules { spread: SpreadRules { gates: true, ratio: 10.0 }, ..rules(0.2) };
        assert!(!crate::core::compare::spread::is_wider(&judged(&side(&a), &side(&b), &lax).remove(1)));
    }

    proptest! {
        #[test]
        fn improving_b_never_makes_it_worse(by in -2.0..2.0, more in 0.0..2.0, spread in 0.0..0.5) {
            let (before, after) = (net(by, spread, 0.2), net(by + more, spread, 0.2));
            prop_assert!(before.answer == Answer::Worse || after.answer != Answer::Worse);
        }

        #[test]
        fn the_other_way_round_the_shift_mirrors(by in -2.0..2.0, spread in 0.01..0.5) {
            let a: [Vec<f64>; 4] = std::array::from_fn(|_| noise(3.0, spread));
            let b: [Vec<f64>; 4] = std::array::from_fn(|_| noise(3.0 + by, spread / 2.0));
            let rules = rules(0.2);
            for (there, back) in judged(&a, &b, &rules).iter().zip(judged(&b, &a, &rules)) {
                let (there_shift, back_shift) = (there.shift.expect("enough"), back.shift.expect("enough"));
                prop_assert!((there_shift.mean.shift + back_shift.mean.shift).abs() < 1e-12);
                prop_assert!((there_shift.mean.standard_error - back_shift.mean.standard_error).abs() < 1e-12);
                prop_assert_eq!(there.answer == Answer::Worse, back.answer == Answer::Better);
            }
        }
    }
}
