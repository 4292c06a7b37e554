//! `[canary]`: hours, triggers, the steps of the roll-out.

use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::release::{CanaryBound, CanaryLimit, CanaryRules, Checkpoint, Stage, Trigger};
use crate::core::policy::{Limit, Statistic};

use super::super::gates::{enabled, kpis_of, sourced};
use super::super::possible::{Possible, wrong_way};
use super::super::reader::{Found, Place, Read, Reader};
use super::super::rules::{each, one_number};
use super::super::tree::{Key, Value};
use super::super::{values, words};

/// The hours that a policy may speak of.
const CHECKPOINTS: [&str; 3] = ["hour_1", "hour_6", "hour_24"];

pub(super) fn read(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<CanaryRules> {
    let table = Key::new("canary");
    let shortest = reader.required(&table.at("watch_hours_min"), "a number above 0", values::positive);
    let longest = reader.required(&table.at("watch_hours_max"), "a number above 0", values::positive);
    let step = reader.required(&table.at("step_minutes"), "a whole number", minutes);
    let looking = looking(reader, &table);
    let quick = reader.required(&table.at("rollback_minutes"), "a whole number", minutes);
    let full = reader.required(&table.at("full_minutes"), "a whole number", minutes);
    let checkpoints = checkpoints(reader, kpis);
    let after = table.at("after_rollback");
    let after_minutes = reader.required(&after.at("watch_minutes"), "a whole number", minutes);
    let after_rollback = limits(reader, kpis, &after);
    let step_value = step.as_ref().map(|found| found.value).map_err(|noted| *noted);
    let triggers =
        each(reader, "canary.trigger", |reader, name, place| trigger(reader, kpis, name, place, step_value));
    let stages = stages(reader);
    let (shortest, longest, step) = (shortest?, longest?, step?);
    if longest.value < shortest.value {
        let problem = format!("{} is below `canary.watch_hours_min`, {}", longest.value, shortest.value);
        return Err(reader.note(&longest.place, problem));
    }
    let (triggers, looking) = (triggers?, looking?);
    if looking.window.value % step.value != 0 {
        let problem =
            format!("{} is no multiple of `canary.step_minutes`, {}", looking.window.value, step.value);
        return Err(reader.note(&looking.window.place, problem));
    }
    if triggers.is_empty() {
        let place = reader.place_around(&table);
        return Err(reader.note(&place, "has no trigger in force, so nothing would roll it back".to_owned()));
    }
    Ok(CanaryRules {
        watch_hours_min: shortest.value,
        watch_hours_max: longest.value,
        step_minutes: step.value,
        window_minutes: looking.window.value,
        statistic: looking.statistic,
        misses: looking.misses,
        seen_share: looking.seen_share,
        longest_gap_minutes: looking.longest_gap,
        rollback_minutes: quick?.value,
        full_minutes: full?.value,
        checkpoints: checkpoints?,
        after_rollback_minutes: after_minutes?.value,
        after_rollback: after_rollback?,
        triggers,
        stages: stages?,
    })
}

/// How the metrics are looked at.
struct Looking {
    window: Found<u64>,
    statistic: Statistic,
    misses: u64,
    seen_share: Limit,
    longest_gap: Limit,
}

fn looking(reader: &mut Reader<'_>, table: &Key) -> Read<Looking> {
    let window = reader.required(&table.at("window_minutes"), "a whole number", minutes);
    let statistic = reader.required(&table.at("statistic"), "a statistic", one_number);
    let misses = reader.required(&table.at("misses"), "a whole number", minutes);
    let share = reader.required(&table.at("seen_share"), "a number above 0 and at most 1", share);
    let gap = reader.required(&table.at("longest_gap_minutes"), "a number", values::not_negative);
    let (share, gap) = (share?, gap?);
    Ok(Looking {
        window: window?,
        statistic: statistic?.value,
        misses: misses?.value,
        seen_share: sourced(reader, &share),
        longest_gap: sourced(reader, &gap),
    })
}

fn share(value: &Value) -> Result<f64, String> {
    let share = values::positive(value)?;
    if share <= 1.0 { Ok(share) } else { Err(format!("expected at most 1, found {share}")) }
}

fn minutes(value: &Value) -> Result<u64, String> {
    match values::whole(value)? {
        0 => Err("expected 1 or more, found 0".to_owned()),
        minutes => Ok(minutes),
    }
}

fn checkpoints(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<Vec<Checkpoint>> {
    let all = CHECKPOINTS.map(|name| {
        let table = Key::new("canary").at(name);
        let is_on = enabled(reader, &table);
        let hours = reader.required(&table.at("after_hours"), "a number above 0", values::positive);
        (name, is_on, hours, limits(reader, kpis, &table))
    });
    let mut found: Vec<Checkpoint> = Vec::new();
    for (name, is_on, hours, limits) in all {
        let (is_on, hours, limits) = (is_on?, hours?, limits?);
        if !is_on {
            continue;
        }
        if let Some(before) = found.last().filter(|before| before.after_hours >= hours.value) {
            let problem =
                format!("{} is not after `canary.{}`, {}", hours.value, before.name, before.after_hours);
            return Err(reader.note(&hours.place, problem));
        }
        found.push(Checkpoint { name: name.to_owned(), after_hours: hours.value, limits });
    }
    if found.is_empty() {
        let place = reader.place_around(&Key::new("canary"));
        return Err(reader.note(&place, "has no hour in force, so nothing would be looked at".to_owned()));
    }
    Ok(found)
}

/// The limits of an hour; at least one.
fn limits(reader: &mut Reader<'_>, kpis: &KpiTable, table: &Key) -> Read<Vec<CanaryLimit>> {
    let mut all = Vec::new();
    for (kpi, place) in kpis_of(reader, kpis, table) {
        let is_on = enabled(reader, &place.key);
        let limit = limit(reader, kpi, &place.key);
        all.push(limit.and_then(|limit| Ok(is_on?.then_some(limit))));
    }
    let all: Vec<Option<CanaryLimit>> = all.into_iter().collect::<Read<_>>()?;
    let limits: Vec<CanaryLimit> = all.into_iter().flatten().collect();
    if limits.is_empty() {
        let place = reader.place_around(table);
        return Err(reader.note(&place, "has no limit in force, so it would judge nothing".to_owned()));
    }
    Ok(limits)
}

fn limit(reader: &mut Reader<'_>, kpi: KpiId, key: &Key) -> Read<CanaryLimit> {
    let comparison = reader.required(&key.at("comparison"), "a comparison", words::comparison);
    let bound = bound(reader, key);
    let (comparison, bound) = (comparison?, bound?);
    let described = kpi;
    if let Some(problem) = wrong_way(described, true, comparison.value) {
        return Err(reader.note(&comparison.place, problem));
    }
    if let CanaryBound::Fixed(limit) = &bound
        && let Some(problem) =
            Possible::of_kpi(described).pointless_requirement(comparison.value, limit.value)
    {
        let place = reader.place_around(&key.at("limit"));
        return Err(reader.note(&place, problem));
    }
    Ok(CanaryLimit { kpi, comparison: comparison.value, bound })
}

/// A number, or what the soak showed. A layer that names one takes the place of the other below it.
fn bound(reader: &mut Reader<'_>, key: &Key) -> Read<CanaryBound> {
    let (limit_key, statistic_key) = (key.at("limit"), key.at("statistic"));
    let of_soak = [key.at("margin"), key.at("decimals")];
    let limit = reader.optional(&limit_key, values::number);
    let statistic = reader.optional(&statistic_key, one_number);
    let margin = reader.optional(&of_soak[0], values::not_negative);
    let decimals = reader.optional(&of_soak[1], decimals);
    let (limit, statistic, margin, decimals) = (limit?, statistic?, margin?, decimals?);
    match (reader.topmost_of(&[limit_key.clone(), statistic_key.clone()]), limit, statistic) {
        ((_, 2..), ..) => {
            let place = reader.place_around(key);
            Err(reader.note(&place, "has both `limit` and `statistic`; expected one of them".to_owned()))
        }
        ((Some(0), _), Some(limit), _) => {
            for key in of_soak.iter().chain([&statistic_key]) {
                reader.drop_effective(key);
            }
            Ok(CanaryBound::Fixed(sourced(reader, &limit)))
        }
        ((Some(_), _), _, Some(statistic)) => {
            reader.drop_effective(&limit_key);
            let margin = match margin {
                Some(margin) => margin,
                None => reader.required(&of_soak[0], "a number", values::not_negative)?,
            };
            Ok(CanaryBound::FromSoak {
                statistic: statistic.value,
                margin: sourced(reader, &margin),
                decimals: decimals.map_or(2, |found| found.value),
            })
        }
        _ => {
            let place = reader.place_around(key);
            Err(reader.note(&place, "has neither `limit` nor `statistic`".to_owned()))
        }
    }
}

fn decimals(value: &Value) -> Result<usize, String> {
    let count = values::whole(value)?;
    match usize::try_from(count) {
        Ok(count @ 0..=9) => Ok(count),
        _ => Err(format!("expected at most 9 decimals, found {count}")),
    }
}

fn trigger(
    reader: &mut Reader<'_>,
    kpis: &KpiTable,
    name: &str,
    place: &Place,
    step: Read<u64>,
) -> Read<Trigger> {
    let key = &place.key;
    let metric = reader.required(&key.at("metric"), "the name of a metric", values::name);
    let comparison = reader.required(&key.at("comparison"), "a comparison", words::comparison);
    let limit = reader.required(&key.at("limit"), "a number", values::number);
    let minutes = reader.required(&key.at("for_minutes"), "a whole number", minutes);
    let rollback = reader.required(&key.at("rollback"), "`quick` or `full`", words::rollback);
    let optional = reader.optional(&key.at("optional"), values::switch);
    let (metric, comparison, limit, minutes) = (metric?, comparison?, limit?, minutes?);
    if let Ok(step) = step
        && minutes.value % step != 0
    {
        let problem = format!("{} is no multiple of `canary.step_minutes`, {step}", minutes.value);
        return Err(reader.note(&minutes.place, problem));
    }
    if let Some(kpi) = kpis.find(&metric.value)
        && let Some(problem) = wrong_way(kpi, false, comparison.value)
    {
        return Err(reader.note(&comparison.place, problem));
    }
    let possible = Possible::of_metric(&metric.value, kpis);
    if let Some(problem) = possible.pointless_alarm(comparison.value, limit.value) {
        return Err(reader.note(&limit.place, problem));
    }
    Ok(Trigger {
        name: name.to_owned(),
        metric: metric.value,
        comparison: comparison.value,
        limit: sourced(reader, &limit),
        for_minutes: minutes.value,
        rollback: rollback?.value,
        is_optional: optional?.is_some_and(|found| found.value),
    })
}

fn stages(reader: &mut Reader<'_>) -> Read<Vec<Stage>> {
    let mut stages = each(reader, "canary.stage", |reader, name, place| {
        let percent = reader.required(&place.key.at("percent"), "a number above 0", percent);
        let hours = reader.required(&place.key.at("hold_hours"), "a number above 0", values::positive);
        Ok(Stage { name: name.to_owned(), percent: percent?.value, hold_hours: hours?.value })
    })?;
    stages.sort_by(|a, b| a.percent.total_cmp(&b.percent));
    let is_rising = stages.windows(2).all(|pair| pair[0].percent < pair[1].percent);
    if !is_rising || stages.last().is_none_or(|last| last.percent < 100.0) {
        let place = reader.place_around(&Key::new("canary.stage"));
        let problem = "must hold different shares, and the last must be 100 percent".to_owned();
        return Err(reader.note(&place, problem));
    }
    Ok(stages)
}

fn percent(value: &Value) -> Result<f64, String> {
    let percent = values::positive(value)?;
    if percent <= 100.0 { Ok(percent) } else { Err(format!("expected at most 100, found {percent}")) }
}
