//! What `run` works by: which tables there are, and which must fit together.

mod bounds;
mod changes;
mod guards;
mod parameters;
mod queries;
mod tuner;

use crate::core::kpi::KpiTable;
use crate::core::policy::run::{
    Bound, IterationVerdictRules, MeasuringRules, Patience, Phases, Preset, Profile, RunPolicy,
};

use super::gates::{enabled, kpi_named, sourced};
use super::possible::{Possible, wrong_way};
use super::reader::{Found, Noted, Place, Read, Reader};
use super::rules::each;
use super::tree::{Key, Value};
use super::{values, words};

use parameters::Params;

/// Reads everything that `run` works by.
pub(super) fn read(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<RunPolicy> {
    let params = parameters::read(reader);
    let profiles = profiles(reader, &params);
    let presets = presets(reader, &params);
    let phases = phases(reader, &presets);
    let iteration_verdict = iteration_verdict(reader, kpis);
    let patience = patience(reader, &profiles);
    let tuner = tuner::read(reader, kpis, &params);
    let cautions = tuner::cautions(reader, &params);
    let guards = guards::read(reader, kpis, &params);
    let queries = queries::read(reader);
    let measuring = measuring(reader);
    Ok(RunPolicy {
        parameters: params.finish()?,
        profiles: profiles?,
        presets: presets?,
        phases: phases?,
        iteration_verdict: iteration_verdict?,
        patience: patience?,
        tuner: tuner?,
        cautions: cautions?,
        guards: guards?,
        queries: queries?,
        measuring: measuring?,
    })
}

/// `[profiles.<name>]`, in the order of the file.
fn profiles(reader: &mut Reader<'_>, params: &Params) -> Read<Vec<Profile>> {
    let mut profiles = Vec::new();
    for (name, place) in reader.names(&Key::new("profiles")) {
        let is_on = enabled(reader, &place.key);
        let values = parameters::values(reader, params, &place.key);
        let source = reader.source(&place);
        profiles.push(is_on.and_then(|is_on| {
            let values = values?;
            Ok::<_, Noted>(is_on.then_some(Profile { name, values, source }))
        }));
    }
    let profiles: Vec<Option<Profile>> = profiles.into_iter().collect::<Read<_>>()?;
    Ok(profiles.into_iter().flatten().collect())
}

/// `[presets.<name>.change]`, in the order of the file.
fn presets(reader: &mut Reader<'_>, params: &Params) -> Read<Vec<Preset>> {
    each(reader, "presets", |reader, name, place| {
        let changes = changes::steps(reader, params, &place.key.at("change"))?;
        Ok(Preset { name: name.to_owned(), changes, source: reader.source(place) })
    })
}

fn phases(reader: &mut Reader<'_>, presets: &Read<Vec<Preset>>) -> Read<Phases> {
    let table = Key::new("phases");
    let warmup = reader.required(&table.at("warmup_iterations"), "a whole number", at_least_one);
    let rampdown = reader.required(&table.at("rampdown_iterations"), "a whole number", at_least_one);
    let preset = reader.required(&table.at("warmup_preset"), "the name of a preset", values::name);
    let preset = preset.and_then(|found| match presets {
        Ok(presets) => among(reader, found, "preset", presets.iter().map(|preset| preset.name.as_str())),
        Err(Noted) => Ok(found.value),
    });
    Ok(Phases {
        warmup_iterations: warmup?.value,
        rampdown_iterations: rampdown?.value,
        warmup_preset: preset?,
    })
}

fn patience(reader: &mut Reader<'_>, profiles: &Read<Vec<Profile>>) -> Read<Patience> {
    let table = Key::new("patience");
    let fails = reader.required(&table.at("panic_after_fails"), "a whole number", at_least_one);
    let profile = reader.required(&table.at("panic_profile"), "the name of a profile", values::name);
    let collections = reader.required(&table.at("failed_collections"), "a whole number", at_least_one);
    let grace = reader.required(&table.at("child_grace_seconds"), "a number", values::not_negative);
    let kill = reader.required(&table.at("child_kill_after_seconds"), "a number", values::not_negative);
    let profile = profile.and_then(|found| match profiles {
        Ok(profiles) => among(reader, found, "profile", profiles.iter().map(|profile| profile.name.as_str())),
        Err(Noted) => Ok(found.value),
    });
    Ok(Patience {
        panic_after_fails: fails?.value,
        panic_profile: profile?,
        failed_collections: collections?.value,
        child_grace_seconds: grace?.value,
        child_kill_after_seconds: kill?.value,
    })
}

fn measuring(reader: &mut Reader<'_>) -> Read<MeasuringRules> {
    let table = Key::new("run");
    let source = reader.required(&table.at("source"), "a source or `none`", words::source_or_none);
    let at = reader.required(&table.at("measure_at"), "`start` or `end`", words::measure_at);
    let stale = reader.required(&table.at("stale_after"), "`interval` or whole seconds", values::stale_after);
    let step = reader.required(&table.at("clock_step_seconds"), "a number", values::positive);
    let share = reader.required(&table.at("clock_step_share"), "a share", values::share);
    Ok(MeasuringRules {
        source: source?.value,
        measure_at: at?.value,
        stale_after: stale?.value,
        clock_step_seconds: step?.value,
        clock_step_share: share?.value,
    })
}

/// The verdict on a single iteration.
fn iteration_verdict(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<IterationVerdictRules> {
    let warn = reasons(reader, kpis, "iteration_verdict.warn");
    let warmup_warn = reasons(reader, kpis, "iteration_verdict.warmup_warn");
    let fail = reasons(reader, kpis, "iteration_verdict.fail");
    Ok(IterationVerdictRules { warn: warn?, warmup_warn: warmup_warn?, fail: fail? })
}

/// Bounds of which any that holds is bad news.
fn reasons(reader: &mut Reader<'_>, kpis: &KpiTable, table: &str) -> Read<Vec<Bound>> {
    each(reader, table, |reader, _, place| {
        let key = &place.key;
        let kpi = reader.required(&key.at("kpi"), "the name of a KPI", values::name);
        let comparison = reader.required(&key.at("comparison"), "a comparison", words::comparison);
        let limit = reader.required(&key.at("limit"), "a number", values::number);
        let kpi = kpi.and_then(|found| kpi_named(reader, kpis, &found.value, &found.place));
        let (kpi, comparison, limit) = (kpi?, comparison?, limit?);
        if let Some(problem) = wrong_way(kpi, false, comparison.value) {
            return Err(reader.note(&comparison.place, problem));
        }
        let possible = Possible::of_kpi(kpi);
        if let Some(problem) = possible.pointless_alarm(comparison.value, limit.value) {
            return Err(reader.note(&limit.place, problem));
        }
        Ok(Bound { kpi, comparison: comparison.value, limit: sourced(reader, &limit) })
    })
}

/// A name that must be one of those that are in force.
fn among<'n>(
    reader: &mut Reader<'_>,
    found: Found<String>,
    what: &str,
    names: impl Iterator<Item = &'n str> + Clone,
) -> Read<String> {
    if names.clone().any(|name| name == found.value) {
        return Ok(found.value);
    }
    let hint = words::did_you_mean(&found.value, names);
    Err(reader.note(&found.place, format!("no {what} `{}` is in force{hint}", found.value)))
}

/// Names that must be among those that are known, each once.
fn list_among<'n>(
    reader: &mut Reader<'_>,
    found: &Found<Vec<String>>,
    what: &str,
    names: &(impl Iterator<Item = &'n str> + Clone),
) -> Read<()> {
    let mut result = Ok(());
    for (index, name) in found.value.iter().enumerate() {
        if found.value[..index].contains(name) {
            result = Err(reader.note(&found.place, format!("`{name}` stands twice")));
        } else if !names.clone().any(|known| known == name) {
            let hint = words::did_you_mean(name, names.clone());
            result = Err(reader.note(&found.place, format!("unknown {what} `{name}`{hint}")));
        }
    }
    result
}

/// A whole number from 1: of iterations, or of times.
fn at_least_one(value: &Value) -> Result<u64, String> {
    match values::whole(value)? {
        0 => Err("expected 1 or more, found 0".to_owned()),
        count => Ok(count),
    }
}

/// The error about a table without an entry in force.
fn empty(reader: &mut Reader<'_>, table: &Key, problem: &str) -> Noted {
    let place: Place = reader.place_around(table);
    reader.note(&place, problem.to_owned())
}
