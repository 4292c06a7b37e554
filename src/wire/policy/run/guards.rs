//! `[guards.<name>]`: the numbers of the tuner's guards.

use crate::core::kpi::KpiTable;
use crate::core::policy::run::{
    CooldownRules, FreezeRules, GuardRules, MicroStepRules, OscillationRules, PartialFreezeRules,
    VelocityRules,
};

use crate::wire::policy::reader::{Found, Read, Reader};
use crate::wire::policy::tree::{Key, Value};
use crate::wire::policy::values;

use super::parameters::Params;
use super::{at_least_one, bounds, empty, list_among};

/// Reads the guards.
pub(super) fn read(reader: &mut Reader<'_>, kpis: &KpiTable, params: &Params) -> Read<GuardRules> {
    let freeze = freeze(reader, kpis, params);
    let tolerance =
        reader.required(&Key::new("guards.oscillation.tolerance"), "a number", values::not_negative);
    let velocity = velocity(reader);
    let cooldown = cooldown(reader, params);
    let partial_freeze = partial_freeze(reader, kpis, params);
    let micro_steps = micro_steps(reader);
    Ok(GuardRules {
        freeze: freeze?,
        oscillation: OscillationRules { tolerance: tolerance?.value },
        velocity: velocity?,
        cooldown: cooldown?,
        partial_freeze: partial_freeze?,
        micro_steps: micro_steps?,
    })
}

fn freeze(reader: &mut Reader<'_>, kpis: &KpiTable, params: &Params) -> Read<FreezeRules> {
    let table = Key::new("guards.freeze");
    let in_a_row = reader.required(&table.at("in_a_row"), "a whole number", at_least_one);
    let lasts = reader.required(&table.at("lasts"), "a whole number", at_least_one);
    let names = reader.required(&table.at("parameters"), "a list of parameters", values::names);
    let when = bounds::all_of(reader, kpis, &table.at("when"));
    let names = names?;
    let mut parameters = Vec::new();
    for name in &names.value {
        let parameter = params.named(reader, name, &names.place)?.map(|parameter| parameter.name.clone());
        if parameter.as_ref().is_some_and(|name| parameters.contains(name)) {
            return Err(reader.note(&names.place, format!("`{name}` stands twice")));
        }
        parameters.extend(parameter);
    }
    if names.value.is_empty() {
        let problem = "a freeze that holds no parameter does nothing; expected at least one".to_owned();
        return Err(reader.note(&names.place, problem));
    }
    let when = when?;
    if when.is_empty() {
        return Err(empty(reader, &table.at("when"), "has no condition in force; expected at least one"));
    }
    Ok(FreezeRules { when, in_a_row: in_a_row?.value, lasts: lasts?.value, parameters })
}

fn velocity(reader: &mut Reader<'_>) -> Read<VelocityRules> {
    let table = Key::new("guards.velocity");
    let window = reader.required(&table.at("window_seconds"), "a number", values::positive);
    let factor = reader.required(&table.at("warmup_factor"), "a number", values::positive);
    Ok(VelocityRules { window_seconds: window?.value, warmup_factor: factor?.value })
}

fn cooldown(reader: &mut Reader<'_>, params: &Params) -> Read<CooldownRules> {
    let table = Key::new("guards.cooldown");
    let step = reader.required(&table.at("large_step"), "a number", values::positive);
    let iterations = reader.required(&table.at("iterations"), "a whole number", at_least_one);
    let step = step?;
    let largest = params.len() as f64;
    if largest > 0.0 && step.value >= largest {
        let problem = format!(
            "`> {}` can never be reached: {largest} parameters move by at most their whole width each",
            step.value
        );
        return Err(reader.note(&step.place, problem));
    }
    Ok(CooldownRules { large_step: step.value, iterations: iterations?.value })
}

fn partial_freeze(reader: &mut Reader<'_>, kpis: &KpiTable, params: &Params) -> Read<PartialFreezeRules> {
    let table = Key::new("guards.partial_freeze");
    let applied = reader.required(&table.at("applied_values"), "a whole number", size);
    let range = reader.required(&table.at("relative_range"), "a number", values::positive);
    let turns = reader.required(&table.at("direction_changes"), "a whole number", size);
    let latency_when = bounds::any_of(reader, kpis, &table.at("latency_when"));
    let oscillation = subsystems(reader, params, &table.at("oscillation_freezes"));
    let latency = subsystems(reader, params, &table.at("latency_freezes"));
    let open = reader.required(&table.at("open_after_ms"), "a number", values::not_negative);
    let close = reader.required(&table.at("close_after_ms"), "a number", values::not_negative);
    let minimum = reader.required(&table.at("minimum_ms"), "a number", values::not_negative);
    let (applied, turns) = (applied?, turns?);
    // n values make n - 1 steps, between which there are n - 2 turns.
    if turns.value + 2 > applied.value {
        let problem = format!(
            "{} values change direction at most {} times; expected `applied_values` to be at least {}",
            applied.value,
            applied.value.saturating_sub(2),
            turns.value.saturating_add(2),
        );
        return Err(reader.note(&turns.place, problem));
    }
    Ok(PartialFreezeRules {
        applied_values: applied.value,
        relative_range: range?.value,
        direction_changes: turns.value,
        oscillation_freezes: oscillation?.value,
        latency_when: latency_when?,
        latency_freezes: latency?.value,
        open_after_ms: open?.value,
        close_after_ms: close?.value,
        minimum_ms: minimum?.value,
    })
}

/// A list of subsystems; empty where nothing is to be frozen.
fn subsystems(reader: &mut Reader<'_>, params: &Params, key: &Key) -> Read<Found<Vec<String>>> {
    let found = reader.required(key, "a list of subsystems", values::names)?;
    list_among(reader, &found, "subsystem", &params.subsystems())?;
    Ok(found)
}

fn micro_steps(reader: &mut Reader<'_>) -> Read<MicroStepRules> {
    let table = Key::new("guards.micro_steps");
    let keys = reader.required(&table.at("keys"), "a whole number", size);
    let rest = reader.required(&table.at("rest"), "a whole number", values::whole);
    Ok(MicroStepRules { keys: keys?.value, rest: rest?.value })
}

/// A whole number from 1 that something in memory is as long as.
fn size(value: &Value) -> Result<usize, String> {
    let size = at_least_one(value)?;
    u32::try_from(size)
        .ok()
        .and_then(|size| usize::try_from(size).ok())
        .ok_or_else(|| format!("{size} is too large"))
}
