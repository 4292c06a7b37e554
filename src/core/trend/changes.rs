//! Where a KPI changed its level: the steps of each KPI, judged as a family, and the spikes that are none.
//!
//! Must not word anything for people; see [`super::checks`].

use super::column::{Column, each};
use crate::core::kpi::KpiId;
use crate::core::policy::ChangeRules;
use crate::core::text::number::TOLERANCE;
use crate::stats::change_points::{SMALLEST_P, Searched, Step, remembering};
use crate::stats::mean;
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
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "SpikeRow")]
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
    /// Where there is no change: the smallest lasting one that would be found with a probability of 90 %, in the KPI's
    /// unit; `None` where it is no number.
    pub detectable: Option<f64>,
    /// The probability of the likeliest change for a first-order process, adjusted for the family, where that counts as
    /// hardly chance and the values remember longer, so that it may be chance.
    pub contested: Option<f64>,
    /// The first level and the last one, changes that count for nothing by themselves included.
    levels: Option<(f64, f64)>,
}

/// The probability for which the smallest change that is found is reported.
const POWER: f64 = 0.9;

impl KpiChanges {
    /// The first level and the last one; `None` where there is no change.
    pub fn ends(&self, column: &Column) -> Option<(f64, f64)> {
        let (first, last) = self.levels.filter(|_| !self.changes.is_empty())?;
        Some((first, column.later.unwrap_or(last)))
    }

    /// Whether the last level is worse than the first one.
    pub fn is_worse(&self, column: &Column, relative_change: f64) -> bool {
        self.ends(column).is_some_and(|(first, last)| column.gets_worse(first, last, relative_change))
    }

    /// Whether the values do not say if there is a change: they walk without a level, or the estimates of their memory
    /// disagree.
    pub fn cannot_tell(&self) -> bool {
        self.block.is_some() && !self.constant && (self.likeliest.is_none() || self.contested.is_some())
    }

    /// Whether a level got worse on the way, and the last one is no worse than the first.
    pub fn has_recovered(&self, column: &Column, relative_change: f64) -> bool {
        self.changes.iter().any(|change| change.worse) && !self.is_worse(column, relative_change)
    }
}

/// The changes of each KPI of a family.
///
/// Whether a KPI has any is decided by Holm's adjustment over the family; further ones of the same KPI must be
/// as unlikely as Bonferroni's asks of each. Steps too small to count add up: all count where the last level is that far
/// from the first.
pub fn find(columns: &[Column], rules: &ChangeRules) -> Vec<KpiChanges> {
    let alpha = rules.trend.false_alarm_rate.value;
    let searched: Vec<Option<Searched>> = each(columns, |column| {
        let each_at = alpha / columns.len() as f64;
        let (column, _) = column.without_season_beside_steps(rules.min_segment, each_at);
        Searched::of(&column.values(), rules.min_segment, column.floor)
    });
    let adjusted = |searched: &[Option<Searched>]| {
        let tails = searched.iter().map(|searched| Some(searched.as_ref()?.best?.tail));
        holm_adjusted(&tails.collect::<Vec<_>>())
    };
    let first_order = adjusted(&searched);
    let searched = remembering(searched, alpha / columns.len() as f64);
    let judged = columns.iter().zip(&searched).zip(adjusted(&searched));
    let judged =
        judged.map(|((column, searched), p)| one(column, searched.as_ref(), p, rules, columns.len()));
    let contested = |(found, first_order): (KpiChanges, Option<f64>)| {
        let is_chance = found.likeliest.is_some_and(|change| change.p_adjusted > alpha);
        let contested = first_order.filter(|p| is_chance && *p <= alpha);
        KpiChanges { contested: contested.map(|p| p.max(SMALLEST_P)), ..found }
    };
    judged.zip(first_order).map(contested).collect()
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
        detectable: None,
        contested: None,
        levels: None,
    };
    let Some(searched) = searched else { return bare };
    let as_change = |step: Step, p_adjusted: f64| Change {
        last_before: points[step.at - 1].0,
        first_after: points[step.at].0,
        step,
        p_adjusted: p_adjusted.max(step.p),
        worse: column.is_worse(step.after - step.before),
    };
    let alpha = rules.trend.false_alarm_rate.value;
    let each = alpha / family as f64;
    let least = |level: f64| column.least(level, rules.trend.relative_change.value);
    let moves = |before: f64, after: f64| (after - before).abs() > least(before) + TOLERANCE;
    let first = searched.best.zip(p_adjusted);
    let steps = match first {
        Some((best, adjusted)) if adjusted <= alpha => {
            let steps = searched.steps(each);
            if steps.is_empty() { vec![best] } else { steps }
        }
        _ => Vec::new(),
    };
    let levels = steps.first().zip(steps.last()).map(|(first, last)| (first.before, last.after));
    let is_sum = levels.is_some_and(|(first, last)| moves(first, last));
    let surest = steps.iter().map(|step| step.tail).reduce(f64::min);
    let p_of = |step: &Step| match p_adjusted {
        Some(adjusted) if Some(step.tail) == surest => adjusted,
        _ => (step.tail * family as f64).min(1.0),
    };
    let counting = steps.into_iter().filter(|step| is_sum || moves(step.before, step.after));
    let found: Vec<Change> = counting.map(|step| as_change(step, p_of(&step))).collect();
    let spikes = searched.spikes.iter().map(|spike| SpikeAt {
        first: points[spike.first].0,
        last: points[spike.last].0,
        value: spike.value,
        usual: spike.usual,
    });
    let is_small = |step: &Step| levels.is_some() && found.is_empty() && !moves(step.before, step.after);
    let level = mean(&column.values()).unwrap_or_default();
    let lasting = if levels.is_none() { searched.detectable(each, POWER, least(level)) } else { None };
    KpiChanges {
        too_small: first.filter(|(step, _)| is_small(step)).map(|(step, _)| least(step.before)),
        detectable: lasting,
        likeliest: first.map(|(step, p)| as_change(step, p)),
        changes: found,
        spikes: spikes.collect(),
        levels,
        ..bare
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::{change_rules as rules, limit};
    use crate::core::kpi::Direction;
    use crate::core::policy::TrendRules;
    use crate::core::trend::{Column, Season};

    /// Waves of ±0.3 that do not repeat soon.
    fn wave(at: u64) -> f64 {
        (at * 7 % 13) as f64 / 20.0 - 0.3
    }

    /// Odd iterations from 7 on with this level and a wave.
    fn net(n: u64, level: impl Fn(u64) -> f64) -> Column {
        Column {
            kpi: KpiId::NET_BPS,
            direction: Some(Direction::Higher),
            floor: 0.05,
            limit: None,
            later: None,
            hours: Vec::new(),
            season: Season::Off,
            points: (0..n).map(|at| (7 + 2 * at, level(7 + 2 * at) + wave(at))).collect(),
        }
    }

    fn one(column: &Column) -> KpiChanges {
        find(std::slice::from_ref(column), &rules()).remove(0)
    }

    #[test]
    fn a_change_names_the_iterations_around_it_and_the_levels() {
        let column = net(60, |number| if number < 61 { 5.0 } else { 3.0 });
        let found = one(&column);
        assert_eq!(found.changes.len(), 1);
        let change = found.changes[0];
        assert_eq!((change.last_before, change.first_after), (59, 61));
        assert_eq!((change.step.n_before, change.step.n_after), (27, 33));
        assert!((change.step.before - 5.0).abs() < 0.1 && (change.step.after - 3.0).abs() < 0.1);
        assert!(change.step.low < -2.0 && -2.0 < change.step.high && change.step.high < 0.0);
        assert!(change.worse && found.is_worse(&column, 0.05) && !found.has_recovered(&column, 0.05));
        let better = Column { direction: Some(Direction::Lower), ..column.clone() };
        assert!(!one(&better).is_worse(&better, 0.05));
        // What is behind the values tested came back.
        let back = Column { later: Some(4.9), ..column };
        assert!(!one(&back).is_worse(&back, 0.05) && one(&back).has_recovered(&back, 0.05));
    }

    #[test]
    fn what_came_back_has_recovered() {
        let column = net(120, |number| if (87..167).contains(&number) { 3.0 } else { 5.0 });
        let found = one(&column);
        let places: Vec<u64> = found.changes.iter().map(|change| change.first_after).collect();
        assert_eq!(places, [87, 167]);
        assert!(!found.is_worse(&column, 0.05) && found.has_recovered(&column, 0.05));
        let in_part = net(120, |number| {
            if (87..167).contains(&number) {
                3.0
            } else if number < 87 {
                5.0
            } else {
                4.5
            }
        });
        assert!(!one(&in_part).has_recovered(&in_part, 0.05) && one(&in_part).is_worse(&in_part, 0.05));
    }

    #[test]
    fn a_change_below_the_floors_is_none_however_sure() {
        // Without waves every step is certain. 5 % of 4 are 0.2.
        let exact = |to: f64| {
            let mut column = net(60, |number| if number < 61 { 4.0 } else { to });
            for (at, (_, value)) in (0..).zip(&mut column.points) {
                *value -= wave(at);
            }
            one(&column).changes.len()
        };
        assert_eq!((exact(3.8), exact(3.79), exact(4.21)), (0, 1, 1));
    }

    #[test]
    fn spikes_are_told_with_their_iterations_and_are_no_change() {
        let column = net(60, |number| if (31..=33).contains(&number) { 40.0 } else { 5.0 });
        let found = one(&column);
        assert_eq!(found.changes, []);
        assert_eq!(found.spikes.len(), 1);
        assert_eq!((found.spikes[0].first, found.spikes[0].last), (31, 33));
    }

    #[test]
    fn a_constant_is_known_to_keep_its_level_and_few_values_are_not_searched() {
        let mut constant = net(60, |_| 5.0);
        constant.points.iter_mut().for_each(|(_, value)| *value = 0.85);
        let found = one(&constant);
        assert_eq!((found.constant, found.likeliest, found.changes.len()), (true, None, 0));
        assert_eq!(one(&net(23, |_| 5.0)).block, None);
        assert_eq!(one(&net(24, |_| 5.0)).block, Some(1));
    }

    /// Without waves: every step is certain.
    fn still(n: u64, level: impl Fn(u64) -> f64) -> Column {
        let mut column = net(n, level);
        column.points.iter_mut().zip(0..).for_each(|((_, value), at)| *value -= wave(at));
        column
    }

    /// On each of these shares of 5 for 30 iterations.
    fn stairs(shares: [f64; 4]) -> Column {
        still(120, |number| {
            5.0 * shares.into_iter().zip(1..).find(|(_, at)| number < 7 + 60 * at).expect("four").0
        })
    }

    #[test]
    fn steps_too_small_to_count_add_up() {
        // Three of 4 % downwards, with 5 % as the least that counts.
        let down = stairs([1.0, 0.96, 0.92, 0.88]);
        let found = one(&down);
        let places: Vec<u64> = found.changes.iter().map(|change| change.first_after).collect();
        assert_eq!(places, [67, 127, 187]);
        assert!(found.changes.iter().all(|change| change.worse) && found.is_worse(&down, 0.05));
        assert!(
            found
                .ends(&down)
                .is_some_and(|(first, last)| (first - 5.0).abs() < 1e-9 && (last - 4.4).abs() < 1e-9)
        );
        // The first 4 % back again: 4 % are left.
        let back = stairs([1.0, 0.96, 1.0, 0.96]);
        let found = one(&back);
        assert_eq!((found.changes.len(), found.is_worse(&back, 0.05)), (0, false));
        assert!(found.too_small.is_some_and(|least| (least - 0.25).abs() < 1e-9));
        // What counts by itself counts from the first level on.
        let late = stairs([1.0, 0.96, 0.90, 0.96]);
        let found = one(&late);
        assert_eq!(found.changes.len(), 2);
        assert!(!found.is_worse(&late, 0.05) && found.has_recovered(&late, 0.05));
    }

    #[test]
    fn several_steps_do_not_hide_each_other() {
        let places = |level: fn(u64) -> f64| -> Vec<u64> {
            one(&net(96, level)).changes.iter().map(|change| change.first_after).collect()
        };
        assert_eq!(
            places(|number| if (number - 7) / 32 % 2 == 0 { 5.0 } else { 3.0 }),
            [39, 71, 103, 135, 167]
        );
        assert_eq!(places(|number| 9.0 - 2.0 * ((number - 7) / 64) as f64), [71, 135]);
        assert_eq!(places(|number| if (number - 7) / 64 == 1 { 3.0 } else { 5.0 }), [71, 135]);
    }

    #[test]
    fn where_there_is_no_change_the_smallest_that_would_be_found_is_told() {
        let found = one(&net(96, |_| 5.0));
        let least = found.detectable.expect("a number");
        let steps = |size: f64| {
            one(&net(96, move |number| if number < 103 { 5.0 } else { 5.0 - size })).changes.len()
        };
        assert!(least > 0.25 && steps(2.0 * least) == 1 && steps(0.25 * least) == 0, "{least}");
        assert_eq!(one(&net(60, |number| if number < 61 { 5.0 } else { 3.0 })).detectable, None);
    }

    /// Sums of twelve uniform numbers less 6: nearly normal.
    fn white(seed: u64, n: usize) -> Vec<f64> {
        let mut state = seed;
        let mut uniform = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..n).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    #[test]
    fn where_the_estimates_of_memory_disagree_a_change_is_contested() {
        // Half of the variance remembers for long.
        let slow = |seed: u64| {
            let mut level = 0.0;
            let noise = white(2 * seed, 288).into_iter().zip(white(2 * seed + 1, 288));
            let values = noise.map(|(slow, white)| {
                level = 0.95 * level + 0.3 * slow;
                100.0 + level + white
            });
            let points = (1..).zip(values).collect();
            Column { points, ..net(0, |_| 0.0) }
        };
        let rules =
            ChangeRules { trend: TrendRules { relative_change: limit(0.0), ..rules().trend }, ..rules() };
        let columns: Vec<Column> = (1..=4).map(slow).collect();
        let found = find(&columns, &rules);
        assert!(found.iter().any(|kpi| kpi.contested.is_some() && kpi.cannot_tell()), "{found:?}");
        assert!(found.iter().all(|kpi| kpi.changes.is_empty()), "{found:?}");
        // A large step is one all the same.
        let mut stepped = columns;
        stepped[0].points[144..].iter_mut().for_each(|(_, value)| *value -= 20.0);
        let found = find(&stepped, &rules);
        assert_eq!(found[0].changes.iter().map(|change| change.first_after).collect::<Vec<_>>(), [145]);
    }
}
