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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::judge::fixture::change_rules;
    use crate::core::kpi::KpiId;
    use crate::core::trend::checks::Role;
    use crate::core::trend::tuner::Stretch;
    use crate::core::verdict::Severity;

    const ADVISORY: SpreadRules = SpreadRules { gates: false, ratio: 1.0 };

    fn wave(at: u64) -> f64 {
        ((at * at * 31 + at * 7) % 101) as f64 / 50.0 - 1.0
    }

    /// 96 values around 5, those of the second half so many times as far off.
    fn column(times: f64) -> Column {
        let size = |at: u64| if at <= 48 { 0.2 } else { 0.2 * times };
        Column {
            kpi: KpiId::NET_BPS,
            direction: Some(Direction::Higher),
            floor: 0.05,
            limit: None,
            hours: Vec::new(),
            season: Season::Off,
            later: None,
            points: (1..=96).map(|at| (at, 5.0 + size(at) * wave(at))).collect(),
        }
    }

    fn found(column: &Column, rules: &ChangeRules, spread: &SpreadRules) -> Option<Check> {
        let window = WindowUsed { name: "steady".to_owned(), first: Some(1), last: Some(96), n: 96 };
        let scene = Scene {
            window: &window,
            symbol: Some("BTC"),
            pace: None,
            family: 1,
            symbols: 1,
            stretch: &Stretch::Whole,
            role: Role::Judged,
        };
        let judged = judge(std::slice::from_ref(column), rules, spread).remove(0)?;
        check(&judged, column, rules, spread, scene)
    }

    #[test]
    fn a_second_half_that_varies_more_is_told_and_joins_where_the_policy_says_so() {
        let rules = change_rules();
        let advisory = found(&column(3.0), &rules, &ADVISORY).expect("three times the spread");
        assert_eq!((advisory.part, advisory.gate.as_str()), (Part::Spread, "spread.net_bps"));
        assert_eq!((advisory.outcome, advisory.joins), (Outcome::Warn, false));
        assert!(advisory.observed.is_some_and(|ratio| (2.0..4.5).contains(&ratio)), "{advisory:?}");
        let reason = &advisory.reason;
        assert!(
            reason.starts_with("net_bps spreads ")
                && reason.contains(" times as wide in the second half as in the first half (95 % sure: ")
                && reason.ends_with(" in 90 % of cases (advisory)"),
            "{reason}"
        );
        let gates = SpreadRules { gates: true, ratio: 1.0 };
        let mut hard = rules.clone();
        hard.trend.severity = Severity::Hard;
        let joined = found(&column(3.0), &hard, &gates).expect("three times the spread");
        assert_eq!((joined.outcome, joined.joins), (Outcome::Fail, true));
        let mut soft = rules.clone();
        soft.trend.severity = Severity::Soft;
        assert_eq!(found(&column(3.0), &soft, &gates).expect("the same").outcome, Outcome::Warn);
    }

    #[test]
    fn what_does_not_grow_or_is_too_short_or_passes_the_ratio_is_no_check() {
        let rules = change_rules();
        assert_eq!(found(&column(1.0), &rules, &ADVISORY), None);
        assert_eq!(found(&column(1.0 / 3.0), &rules, &ADVISORY), None);
        assert_eq!(found(&column(3.0), &rules, &SpreadRules { gates: true, ratio: 8.0 }), None);
        let mut short = column(3.0);
        short.points.truncate(47);
        assert_eq!(judge(&[short], &rules, &ADVISORY), [None]);
        // A step is no spread.
        let mut stepped = column(1.0);
        stepped.points.iter_mut().skip(48).for_each(|(_, value)| *value += 9.0);
        assert_eq!(found(&stepped, &rules, &ADVISORY), None);
    }
}
