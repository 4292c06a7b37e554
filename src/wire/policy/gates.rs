//! Groups of limits on KPIs: iteration pass, readiness, goals, violations.

use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::{
    GateSet, Judge, KpiGate, Limit, Statistic, ViolationRule, ViolationRules, WindowSpec, Windows,
};
use crate::core::verdict::{Comparison, Severity};

use super::possible::{Possible, looks_down, wrong_way};
use super::reader::{Found, Noted, Place, Read, Reader};
use super::tree::Key;
use super::values::Minimum;
use super::{holding, values, words};

/// What the readers of groups need to know of the rest of the policy.
#[derive(Clone, Copy)]
pub(super) struct Known<'p> {
    pub(super) kpis: &'p KpiTable,
    pub(super) windows: Read<Windows>,
}

/// A group whose limits each iteration is held against by itself. The window is that of the run verdict.
pub(super) fn per_iteration(
    reader: &mut Reader<'_>,
    known: Known<'_>,
    name: &str,
    window: Read<WindowSpec>,
) -> Read<GateSet> {
    let set = Key::new(name);
    let severity = reader.required(&set.at("severity"), "`hard` or `soft`", words::severity);
    let margin = reader.required(&set.at("margin"), "a number", values::not_negative);
    let mut checks = Vec::new();
    for (kpi, place) in kpis_of(reader, known.kpis, &set) {
        let limit = limit(reader, kpi, &place);
        let severity = overridden(reader, &place.key.at("severity"), &severity, words::severity);
        let margin = overridden(reader, &place.key.at("margin"), &margin, values::not_negative);
        let enabled = enabled(reader, &place.key);
        let gate = (|| {
            let (comparison, limit) = limit?;
            let gate = KpiGate {
                kpi,
                severity: severity?.value,
                window: window?,
                statistic: Statistic::Each,
                comparison,
                limit,
                margin: margin?.value,
                min_iterations: 1,
                judge: Judge::Point,
                count: None,
            };
            Ok::<_, Noted>(enabled?.then_some(gate))
        })();
        checks.push(gate);
    }
    let checks: Vec<Option<KpiGate>> = checks.into_iter().collect::<Read<_>>()?;
    let checks: Vec<KpiGate> = checks.into_iter().flatten().collect();
    if !checks.is_empty() && checks.iter().all(|gate| gate.severity == Severity::Soft) {
        let place = reader.place_around(&set);
        let problem =
            "has no hard limit in force, so nothing could fail; one must have `severity = \"hard\"`";
        return Err(reader.note(&place, problem.to_owned()));
    }
    finish_set(reader, &set, true, true, checks)
}

/// A group of limits on statistics over a window.
pub(super) fn over_window(
    reader: &mut Reader<'_>,
    known: Known<'_>,
    name: &str,
    must_judge: bool,
) -> Read<GateSet> {
    let set = Key::new(name);
    let gates = reader.required(&set.at("gates"), "`true` or `false`", values::switch);
    let severity = reader.required(&set.at("severity"), "`hard` or `soft`", words::severity);
    let margin = reader.required(&set.at("margin"), "a number", values::not_negative);
    let window = reader.required(&set.at("window"), "a window", words::window);
    let statistic = reader.required(&set.at("statistic"), "a statistic", words::statistic);
    let minimum = reader.required(&set.at("min_iterations"), "a number or `window`", values::minimum);
    let side = reader.required(&set.at("judge"), "`point`, `lower` or `upper`", words::judge);
    let confidence = reader.required(&set.at("confidence"), "a share", holding::confidence);
    let mut checks = Vec::new();
    for (kpi, place) in kpis_of(reader, known.kpis, &set) {
        let key = &place.key;
        let limit = limit(reader, kpi, &place);
        let severity = overridden(reader, &key.at("severity"), &severity, words::severity);
        let margin = overridden(reader, &key.at("margin"), &margin, values::not_negative);
        let window = overridden(reader, &key.at("window"), &window, words::window);
        let statistic = overridden(reader, &key.at("statistic"), &statistic, words::statistic);
        let minimum = overridden(reader, &key.at("min_iterations"), &minimum, values::minimum);
        let side = overridden(reader, &key.at("judge"), &side, words::judge);
        let confidence = overridden(reader, &key.at("confidence"), &confidence, holding::confidence);
        let enabled = enabled(reader, key);
        let asked = holding::Asked { window: &window, statistic: &statistic, windows: known.windows };
        let judge = holding::judge(reader, asked, &side, &confidence);
        let count = holding::count(reader, asked, key);
        let min_iterations = min_iterations(reader, known.windows, &window, &minimum);
        let gate = (|| {
            let (comparison, limit) = limit?;
            let gate = KpiGate {
                kpi,
                severity: severity?.value,
                window: window?.value,
                statistic: statistic?.value,
                comparison,
                limit,
                margin: margin?.value,
                min_iterations: min_iterations?,
                judge: judge?,
                count: count?,
            };
            Ok::<_, Noted>(enabled?.then_some(gate))
        })();
        checks.push(gate);
    }
    let gates = gates?.value;
    let checks: Vec<Option<KpiGate>> = checks.into_iter().collect::<Read<_>>()?;
    finish_set(reader, &set, gates, must_judge || gates, checks.into_iter().flatten().collect())
}

/// How many values a gate asks for, held against the length of its window.
pub(super) fn min_iterations(
    reader: &mut Reader<'_>,
    windows: Read<Windows>,
    window: &Read<Found<WindowSpec>>,
    minimum: &Read<Found<Minimum>>,
) -> Read<usize> {
    let (Ok(window), Ok(minimum)) = (window, minimum) else { return Err(Noted) };
    let windows = windows?;
    let length = window.value.length(&windows);
    // A window that a flag cuts asks for no fewer iterations than the policy does.
    let own = window.value.length(&own_windows(reader, windows));
    let length = if reader.is_of_a_file(&minimum.place) { length.max(own) } else { length };
    match (minimum.value, length) {
        (Minimum::Window, Some(length)) => Ok(length),
        (Minimum::Window, None) => {
            let name = window.value.name(&windows);
            let problem = format!("the window `{name}` has no fixed length; expected a whole number");
            Err(reader.note(&minimum.place, problem))
        }
        (Minimum::Count(count), Some(length)) if count > length => {
            let problem = format!(
                "a window of {length} never holds {count} iterations; expected at most {length}, or `window`"
            );
            Err(reader.note(&minimum.place, problem))
        }
        (Minimum::Count(count), _) => Ok(count),
    }
}

/// The minimum of a group as the policy files have it, whatever flags and variables say.
pub(super) fn own_min_iterations(
    reader: &Reader<'_>,
    windows: Read<Windows>,
    window: &Read<Found<WindowSpec>>,
    table: &Key,
) -> Read<usize> {
    let length = window.as_ref().map_err(|noted| *noted)?.value.length(&own_windows(reader, windows?));
    match (reader.of_files(&table.at("min_iterations"), values::minimum), length) {
        (Some(Minimum::Count(count)), _) => Ok(count),
        (_, length) => Ok(length.unwrap_or(1)),
    }
}

/// The lengths of windows by the policy files, whatever flags and variables say.
fn own_windows(reader: &Reader<'_>, windows: Windows) -> Windows {
    let last_n = reader.of_files(&Key::new("windows.last_n"), values::count);
    Windows { last_n: last_n.unwrap_or(windows.last_n), ..windows }
}

/// WARN and CRIT on every iteration.
pub(super) fn violations(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<ViolationRules> {
    let set = Key::new("violations");
    let gates = reader.required(&set.at("gates"), "`true` or `false`", values::switch);
    let window = reader.required(&set.at("window"), "a window", words::window);
    let mut rules = Vec::new();
    for (kpi, place) in kpis_of(reader, kpis, &set) {
        let enabled = enabled(reader, &place.key);
        let rule = violation(reader, kpi, &place);
        rules.push(rule.and_then(|rule| Ok(enabled?.then_some(rule))));
    }
    let rules: Vec<Option<ViolationRule>> = rules.into_iter().collect::<Read<_>>()?;
    let rules: Vec<ViolationRule> = rules.into_iter().flatten().collect();
    let gates = gates?.value;
    if gates && rules.is_empty() {
        return Err(note_empty(reader, &set));
    }
    Ok(ViolationRules { gates, window: window?.value, rules })
}

fn violation(reader: &mut Reader<'_>, kpi: KpiId, place: &Place) -> Read<ViolationRule> {
    let key = &place.key;
    let warn_when = reader.required(&key.at("warn_when"), "a comparison", words::comparison);
    let warn = reader.required(&key.at("warn"), "a number", values::number);
    let crit_when = reader.required(&key.at("crit_when"), "a comparison", words::comparison);
    let crit = reader.required(&key.at("crit"), "a number", values::number);
    let possible = Possible::of_kpi(kpi);
    let mut wrong = Ok(());
    for (when, limit) in [(&warn_when, &warn), (&crit_when, &crit)] {
        if let (Ok(when), Ok(limit)) = (when, limit) {
            if let Some(problem) = wrong_way(kpi, false, when.value) {
                wrong = Err(reader.note(&when.place, problem));
            } else if let Some(problem) = possible.pointless_alarm(when.value, limit.value) {
                wrong = Err(reader.note(&limit.place, problem));
            }
        }
    }
    wrong?;
    let (warn_when, warn, crit_when, crit) = (warn_when?, warn?, crit_when?, crit?);
    if looks_down(warn_when.value) != looks_down(crit_when.value) {
        let problem = "`warn_when` and `crit_when` look in different directions".to_owned();
        return Err(reader.note(&crit_when.place, problem));
    }
    ordered(reader, crit_when.value, &warn, &crit)?;
    Ok(ViolationRule {
        kpi,
        warn_when: warn_when.value,
        warn: sourced(reader, &warn),
        crit_when: crit_when.value,
        crit: sourced(reader, &crit),
    })
}

/// The worse level must not be reached before the milder one.
pub(super) fn ordered(
    reader: &mut Reader<'_>,
    when: Comparison,
    mild: &Found<f64>,
    worse: &Found<f64>,
) -> Read<()> {
    let inverted = if looks_down(when) { worse.value > mild.value } else { worse.value < mild.value };
    if !inverted {
        return Ok(());
    }
    let (worse_value, mild_value, symbol) = (worse.value, mild.value, when.symbol());
    let problem = format!(
        "limits are inverted: with `{symbol}` the worse limit {worse_value} is reached before the milder one, {mild_value}"
    );
    Err(reader.note(&worse.place, problem))
}

/// A number as the limit it is.
pub(super) fn sourced(reader: &Reader<'_>, found: &Found<f64>) -> Limit {
    Limit { value: found.value, source: reader.source(&found.place) }
}

/// The KPIs named in `<set>.kpi`, in the order of the table; unknown ones are noted.
pub(super) fn kpis_of(reader: &mut Reader<'_>, kpis: &KpiTable, set: &Key) -> Vec<(KpiId, Place)> {
    let mut known = Vec::new();
    for (name, place) in reader.names(&set.at("kpi")) {
        if let Ok(kpi) = kpi_named(reader, kpis, &name, &place) {
            known.push((kpi, place));
        } else {
            reader.settle(&place.key);
        }
    }
    known.sort_by_key(|(kpi, _)| *kpi);
    known
}

/// The KPI with this name, or a note with the name that was probably meant.
pub(super) fn kpi_named(reader: &mut Reader<'_>, kpis: &KpiTable, name: &str, place: &Place) -> Read<KpiId> {
    if let Some(kpi) = kpis.find(name) {
        return Ok(kpi);
    }
    let hint = match kpis.spelled(name) {
        Some((kpi, _)) => format!(" (here it goes by `{}`)", kpi.name),
        None => words::did_you_mean(name, kpis.ids().map(|id| id.name)),
    };
    Err(reader.note(place, format!("unknown KPI `{name}`{hint}; declare it as `[kpi.<name>]` if it is new")))
}

fn limit(reader: &mut Reader<'_>, kpi: KpiId, place: &Place) -> Read<(Comparison, Limit)> {
    let comparison = reader.required(&place.key.at("comparison"), "a comparison", words::comparison);
    let limit = reader.required(&place.key.at("limit"), "a number", values::number);
    let (comparison, limit) = (comparison?, limit?);
    if let Some(problem) = wrong_way(kpi, true, comparison.value) {
        return Err(reader.note(&comparison.place, problem));
    }
    if let Some(problem) = Possible::of_kpi(kpi).pointless_requirement(comparison.value, limit.value) {
        return Err(reader.note(&limit.place, problem));
    }
    Ok((comparison.value, sourced(reader, &limit)))
}

/// Whether the table at `key` is in force; `enabled = false` takes it out.
pub(super) fn enabled(reader: &mut Reader<'_>, key: &Key) -> Read<bool> {
    Ok(reader.optional(&key.at("enabled"), values::switch)?.is_none_or(|found| found.value))
}

fn overridden<T: Clone>(
    reader: &mut Reader<'_>,
    key: &Key,
    default: &Read<Found<T>>,
    parse: impl Fn(&super::tree::Value) -> Result<T, String>,
) -> Read<Found<T>> {
    match reader.optional(key, parse)? {
        Some(found) => Ok(found),
        None => default.clone(),
    }
}

fn finish_set(
    reader: &mut Reader<'_>,
    set: &Key,
    gates: bool,
    must_judge: bool,
    checks: Vec<KpiGate>,
) -> Read<GateSet> {
    if must_judge && checks.is_empty() {
        return Err(note_empty(reader, set));
    }
    Ok(GateSet { name: set.to_string(), gates, checks })
}

fn note_empty(reader: &mut Reader<'_>, set: &Key) -> Noted {
    let place = reader.place_around(set);
    reader.note(&place, "has no limit in force, so it would judge nothing; enable at least one".to_owned())
}
