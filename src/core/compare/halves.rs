//! Whether a KPI is spread wider in the second half of a window than in the first: the question of two runs, asked of two
//! halves of one.
//!
//! Levels and a daily cycle that the halves have in common are taken out first. Advisory, unless the policy says otherwise.

use super::by_day::{Day, Points, TimesOfDay};
use super::significance::JudgedSpread;
use super::spread;
use crate::core::judge::count;
use crate::core::kpi::Direction;
use crate::core::policy::{ChangeRules, SeasonRule, SpreadRules};
use crate::core::trend::checks::Scene;
use crate::core::trend::{Column, Season};
use crate::core::verdict::{Check, Inference, Outcome, Part, WindowUsed};
use crate::stats::spread::{Question, Spread};
use crate::stats::two_sample::{Pair, holm_adjusted};

/// The spread of the second half beside that of the first, of each KPI of a family; `None` with fewer values than `rules`
/// ask for, and where the halves know other hours of the day.
pub fn judge(columns: &[Column], rules: &ChangeRules, spread: &SpreadRules) -> Vec<Option<JudgedSpread>> {
    let is_enough = |column: &Column| column.points.len() as f64 >= rules.trend.min_iterations.value;
    if !columns.iter().any(is_enough) {
        return vec![None; columns.len()];
    }
    let hours: Vec<Vec<(u64, f64)>> = columns.iter().map(hours).collect();
    let is_off = columns.iter().all(|column| column.season == Season::Off);
    let season = if is_off { SeasonRule::Off } else { SeasonRule::Auto };
    let points: Vec<Points<'_>> = columns
        .iter()
        .zip(&hours)
        .map(|(column, hours)| {
            let (first, second) = column.points.split_at(column.points.len() / 2);
            Points { kpi: column.kpi, direction: column.direction, sides: [first, second], hours: [hours; 2] }
        })
        .collect();
    let by_day = TimesOfDay::of(&points, rules, season);
    let pairs: Vec<Pair<'_>> = (0..columns.len()).map(|at| by_day.pair(at)).collect();
    let asked = columns.iter().map(|column| Question {
        above: column.direction != Some(Direction::Higher),
        floor: column.floor,
        ratio: spread.ratio,
    });
    let found = Spread::family(&pairs, &asked.collect::<Vec<_>>());
    let found: Vec<Option<Spread>> = found
        .into_iter()
        .zip(columns)
        .enumerate()
        .map(|(at, (found, column))| {
            let is_apart = matches!(by_day.day(at), Day::Apart { .. });
            found.filter(|_| is_enough(column) && !is_apart)
        })
        .collect();
    let p_values: Vec<Option<f64>> = found.iter().map(|found| found.map(|found| found.p())).collect();
    let level = rules.trend.false_alarm_rate.value;
    let each = found.into_iter().zip(holm_adjusted(&p_values));
    each.map(|(found, p)| {
        let (found, p_adjusted) = found.zip(p)?;
        Some(JudgedSpread { found, p_adjusted, level, family: columns.len() })
    })
    .collect()
}

fn hours(column: &Column) -> Vec<(u64, f64)> {
    column.points.iter().map(|(number, _)| *number).zip(column.hours.iter().copied()).collect()
}

/// The check, where something is found.
pub fn check(
    judged: &JudgedSpread,
    column: &Column,
    rules: &ChangeRules,
    spread: &SpreadRules,
    scene: Scene<'_>,
) -> Option<Check> {
    if !judged.is_unlikely() {
        return None;
    }
    let (kpi, found) = (column.kpi, &judged.found);
    let joins = spread.gates && scene.may_join() && judged.is_wider();
    let (low, high) = found.interval(0.025).unzip();
    let (first, last) = column.points.first().zip(column.points.last()).map(|(a, b)| (a.0, b.0)).unzip();
    let reason = spread::text(kpi, judged, ["the first half", "the second half"]);
    Some(Check {
        part: Part::Spread,
        gate: format!("spread.{}", kpi.name),
        kpi: Some(kpi.name.to_owned()),
        symbol: scene.symbol.map(str::to_owned),
        severity: rules.trend.severity,
        window: WindowUsed { name: scene.window.name.clone(), first, last, n: column.points.len() },
        statistic: "spread_ratio".to_owned(),
        comparison: None,
        limit: None,
        observed: found.ratio(),
        margin: None,
        outcome: match (judged.is_wider(), joins) {
            (false, _) => Outcome::NotApplicable,
            (true, false) => Outcome::Warn,
            (true, true) => rules.trend.severity.of_a_miss(),
        },
        reason: if joins { reason } else { format!("{reason} (advisory)") },
        limit_source: Some(rules.trend.false_alarm_rate.source.clone()),
        joins,
        inference: Some(Inference {
            low,
            high,
            confidence: Some(0.95),
            p_value: Some(found.p()),
            p_adjusted: Some(judged.p_adjusted),
            correction: Some(format!("Holm over {}", count(judged.family, "KPI"))),
            ..Inference::default()
        }),
    })
}
