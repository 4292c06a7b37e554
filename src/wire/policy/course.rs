//! `[kpi_drift]` and `[change_points]`: when the course of a KPI counts.

use crate::core::course::{ChangeRules, CourseRules, DriftGateRules, Horizon};
use crate::core::policy::Windows;
use crate::stats::change_points::SHORTEST;

use super::gates::sourced;
use super::reader::{Read, Reader};
use super::tree::{Key, Value};
use super::{values, words};

/// Fewer iterations than this cannot be decided on, whatever the policy says: the error rates of a decision are
/// known from here on.
const FEWEST: usize = 48;

/// `[kpi_drift]`.
pub(super) fn kpi_drift(reader: &mut Reader<'_>, windows: Read<Windows>) -> Read<DriftGateRules> {
    let table = Key::new("kpi_drift");
    let hours = reader.required(&table.at("horizon_hours"), "a number or `none`", hours);
    let spans = reader.required(&table.at("horizon_spans"), "a number", values::positive);
    let course = course(reader, windows, &table);
    let (hours, spans) = (hours?, sourced(reader, &spans?));
    let horizon = hours.value.map(|value| Horizon { hours: sourced(reader, &hours.map(|_| value)), spans });
    Ok(DriftGateRules { course: course?, horizon })
}

/// Hours, or `none`.
fn hours(value: &Value) -> Result<Option<f64>, String> {
    match value {
        Value::Text(word) if word == "none" => Ok(None),
        Value::Text(_) => Err(format!("expected a number or `none`, found {}", value.what())),
        number => values::positive(number).map(Some),
    }
}

/// `[change_points]`.
pub(super) fn change_points(reader: &mut Reader<'_>, windows: Read<Windows>) -> Read<ChangeRules> {
    let table = Key::new("change_points");
    let segment = reader.required(&table.at("min_segment"), "a whole number", segment);
    let course = course(reader, windows, &table);
    Ok(ChangeRules { course: course?, min_segment: segment?.value })
}

fn course(reader: &mut Reader<'_>, windows: Read<Windows>, table: &Key) -> Read<CourseRules> {
    let gates = reader.required(&table.at("gates"), "`true` or `false`", values::switch);
    let severity = reader.required(&table.at("severity"), "`hard` or `soft`", words::severity);
    let window = reader.required(&table.at("window"), "a window", words::window);
    let rate = reader.required(&table.at("false_alarm_rate"), "a probability", rate);
    let minimum = reader.required(&table.at("min_iterations"), "a whole number", values::count);
    let relative = reader.required(&table.at("relative_change"), "a share", values::not_negative);
    let (gates, minimum, window) = (gates?, minimum?, window?);
    let length = window.value.length(&windows?);
    if let Some(length) = length.filter(|length| *length < minimum.value) {
        let problem = format!(
            "a window of {length} never holds the {} iterations of `{}`; expected a longer one, `steady` or `overall`",
            minimum.value,
            table.at("min_iterations")
        );
        return Err(reader.note(&window.place, problem));
    }
    if gates.value && minimum.value < FEWEST {
        let problem = format!(
            "expected {FEWEST} or more where `gates = true`, found {}: fewer iterations raise too many false alarms",
            minimum.value
        );
        return Err(reader.note(&minimum.place, problem));
    }
    Ok(CourseRules {
        gates: gates.value,
        severity: severity?.value,
        window: window.value,
        false_alarm_rate: sourced(reader, &rate?),
        min_iterations: sourced(reader, &minimum.map(|count| count as f64)),
        relative_change: sourced(reader, &relative?),
    })
}

/// A probability that a test can be made at.
pub(super) fn rate(value: &Value) -> Result<f64, String> {
    let rate = values::number(value)?;
    if (0.005..=0.5).contains(&rate) {
        return Ok(rate);
    }
    Err(format!("expected a probability between 0.005 and 0.5, found {rate}"))
}

/// A whole number from the shortest segment on that the critical values know.
fn segment(value: &Value) -> Result<usize, String> {
    match values::count(value)? {
        few if few < SHORTEST => Err(format!("expected {SHORTEST} or more, found {few}")),
        enough => Ok(enough),
    }
}
