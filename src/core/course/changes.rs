//! Where a KPI changed its level: the steps of each KPI, judged as a family, and the spikes that are none.
//!
//! Must not word anything for people; see [`super::checks`].

use super::{ChangeRules, Column, each};
use crate::core::kpi::KpiId;
use crate::core::number::TOLERANCE;
use crate::stats::change_points::{Searched, Step};
use crate::stats::two_sample::holm_adjusted;

/// A change of level of a KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The last iteration on the level before.
    pub last_before: u64,
    /// The first iteration on the level after.
    pub first_after: u64,
    /// The step, in the KPI's unit.
    pub step: Step,
    /// Its probability by chance, adjusted for the family.
    pub p_adjusted: f64,
    /// Whether it is one for the worse.
    pub worse: bool,
}

/// Iterations that leave their neighbourhood and come back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpikeAt {
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// The value that is farthest away.
    pub value: f64,
    /// What is usual around it.
    pub usual: f64,
}

/// The levels of a KPI.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiChanges {
    /// The KPI.
    pub kpi: KpiId,
    /// Values.
    pub n: usize,
    /// First and last iteration with a value.
    pub span: Option<(u64, u64)>,
    /// Values that stand in for each value searched: 1, or the length of blocks in a long run; `None` when there
    /// were too few to search.
    pub block: Option<usize>,
    /// The most likely change, however likely by chance; `None` when there were too few values, or when they
    /// walk without a level.
    pub likeliest: Option<Change>,
    /// Changes that count, in the order of time.
    pub changes: Vec<Change>,
    /// Spikes.
    pub spikes: Vec<SpikeAt>,
    /// Values that do not vary have no change to be found, and that is known.
    pub constant: bool,
    /// Where the likeliest change is hardly chance and still counts for nothing: what counts, in the KPI's unit.
    pub too_small: Option<f64>,
}

impl KpiChanges {
    /// The first level and the last one; `None` where there is no change.
    pub fn ends(&self, column: &Column) -> Option<(f64, f64)> {
        let (first, last) = self.changes.first().zip(self.changes.last())?;
        Some((first.step.before, column.later.unwrap_or(last.step.after)))
    }

    /// Whether the last level is worse than the first one.
    pub fn is_worse(&self, column: &Column, relative_change: f64) -> bool {
        self.ends(column).is_some_and(|(first, last)| column.gets_worse(first, last, relative_change))
    }

    /// Whether a level got worse on the way, and the last one is no worse than the first.
    pub fn has_recovered(&self, column: &Column, relative_change: f64) -> bool {
        self.changes.iter().any(|change| change.worse) && !self.is_worse(column, relative_change)
    }
}

/// The changes of each KPI of a family.
///
/// Whether a KPI has any is decided by Holm's adjustment over the family; further ones of the same KPI must be
/// as unlikely as Bonferroni's asks of each.
pub fn find(columns: &[Column], rules: &ChangeRules) -> Vec<KpiChanges> {
    let searched: Vec<Option<Searched>> =
        each(columns, |column| Searched::of(&column.values(), rules.min_segment, column.floor));
    let each_at = rules.course.false_alarm_rate.value / columns.len() as f64;
    let p_values: Vec<Option<f64>> =
        searched.iter().map(|searched| searched.as_ref()?.best.map(|step| step.p_for(each_at))).collect();
    let adjusted = holm_adjusted(&p_values);
    let judged = columns.iter().zip(&searched).zip(adjusted);
    judged.map(|((column, searched), p)| one(column, searched.as_ref(), p, rules, columns.len())).collect()
}

fn one(
    column: &Column,
    searched: Option<&Searched>,
    p_adjusted: Option<f64>,
    rules: &ChangeRules,
    family: usize,
) -> KpiChanges {
    let points = &column.points;
    let span = points.first().zip(points.last()).map(|((first, _), (last, _))| (*first, *last));
    let constant = points.windows(2).all(|pair| pair[0].1 == pair[1].1);
    let bare = KpiChanges {
        kpi: column.kpi,
        n: points.len(),
        span,
        block: searched.map(|searched| searched.block),
        likeliest: None,
        changes: Vec::new(),
        spikes: Vec::new(),
        constant,
        too_small: None,
    };
    let Some(searched) = searched else { return bare };
    let as_change = |step: Step, p_adjusted: f64| Change {
        last_before: points[step.at - 1].0,
        first_after: points[step.at].0,
        step,
        p_adjusted,
        worse: column.is_worse(step.after - step.before),
    };
    let alpha = rules.course.false_alarm_rate.value;
    let least = |step: &Step| column.least(step.before, rules.course.relative_change.value);
    let counts = |step: &Step| (step.after - step.before).abs() > least(step) + TOLERANCE;
    let first = searched.best.zip(p_adjusted);
    let found = match first {
        Some((best, adjusted)) if adjusted <= alpha => {
            let mut steps = searched.steps(alpha / family as f64);
            if steps.is_empty() {
                steps.push(best);
            }
            let bonferroni = |step: &Step| (step.p_for(alpha / family as f64) * family as f64).min(1.0);
            let is_best = |step: &Step| step.at == best.at;
            steps
                .into_iter()
                .filter(counts)
                .map(|step| as_change(step, if is_best(&step) { adjusted } else { bonferroni(&step) }))
                .collect()
        }
        _ => Vec::new(),
    };
    let spikes = searched.spikes.iter().map(|spike| SpikeAt {
        first: points[spike.first].0,
        last: points[spike.last].0,
        value: spike.value,
        usual: spike.usual,
    });
    let is_small = first.filter(|(step, adjusted)| found.is_empty() && *adjusted <= alpha && !counts(step));
    KpiChanges {
        too_small: is_small.map(|(step, _)| least(&step)),
        likeliest: first.map(|(step, p)| as_change(step, p)),
        changes: found,
        spikes: spikes.collect(),
        ..bare
    }
}

#[cfg(test)]
mod tests;
