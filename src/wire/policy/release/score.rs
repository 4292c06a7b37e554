//! `[readiness_score]`.

use crate::core::number::TOLERANCE;
use crate::core::policy::Limit;
use crate::core::policy::release::{ScoreRules, ScoredLimit};

use super::super::gates::sourced;
use super::super::reader::{Read, Reader};
use super::super::tree::Key;
use super::super::values;

/// What the points of all sections add up to.
const POINTS: f64 = 100.0;

pub(super) fn read(reader: &mut Reader<'_>) -> Read<ScoreRules> {
    let table = Key::new("readiness_score");
    let days = reader.required(&table.at("days"), "a whole number", values::count);
    let regression = reader.required(&table.at("regression_share"), "a share", values::share);
    let warn = reader.required(&table.at("warn_share"), "a share", values::share);
    let edge = limit(reader, &table.at("edge"), "at_least");
    let latency = limit(reader, &table.at("latency"), "at_most");
    let taker = limit(reader, &table.at("taker"), "at_most");
    let guards = points(reader, &table.at("guards"));
    let chaos = points(reader, &table.at("chaos"));
    let tests = points(reader, &table.at("tests"));
    let (regression, warn) = (regression?, warn?);
    let rules = ScoreRules {
        days: days?.value,
        regression_share: sourced(reader, &regression),
        warn_share: sourced(reader, &warn),
        edge: edge?,
        latency: latency?,
        taker: taker?,
        guards: guards?,
        chaos: chaos?,
        tests: tests?,
    };
    let ScoreRules { edge, latency, taker, guards, chaos, tests, .. } = &rules;
    let sum: f64 = [&edge.points, &latency.points, &taker.points, guards, chaos, tests]
        .map(|points| points.value)
        .iter()
        .sum();
    if (sum - POINTS).abs() > TOLERANCE {
        let place = reader.place_around(&table);
        return Err(reader.note(&place, format!("the points add up to {sum}, expected {POINTS}")));
    }
    Ok(rules)
}

fn limit(reader: &mut Reader<'_>, table: &Key, key: &str) -> Read<ScoredLimit> {
    let points = points(reader, table);
    let limit = reader.required(&table.at(key), "a number above 0", values::positive);
    Ok(ScoredLimit { points: points?, limit: sourced(reader, &limit?) })
}

fn points(reader: &mut Reader<'_>, table: &Key) -> Read<Limit> {
    let points = reader.required(&table.at("points"), "a number", values::not_negative)?;
    Ok(sourced(reader, &points))
}
