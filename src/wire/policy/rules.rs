//! Limits on whole reports, and the advice on parameters.

use crate::core::guards::Guard;
use crate::core::kpi::KpiTable;
use crate::core::params::ParamName;
use crate::core::policy::{Condition, EdgeReportRule, RecommendationRule, RunGate, Statistic, Step, Subject};
use crate::core::run::metrics;

use super::gates::{enabled, kpi_named, ordered, sourced};
use super::possible::{Possible, wrong_way};
use super::reader::{Found, Noted, Place, Read, Reader};
use super::tree::{Key, Value};
use super::{values, words};

/// `[edge_report.<metric>]`, in the order of the file.
pub(super) fn edge_report(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<Vec<EdgeReportRule>> {
    each(reader, "edge_report", |reader, name, place| edge_report_rule(reader, kpis, name, place))
}

fn edge_report_rule(
    reader: &mut Reader<'_>,
    kpis: &KpiTable,
    metric: &str,
    place: &Place,
) -> Read<EdgeReportRule> {
    let key = &place.key;
    let miss_when = reader.required(&key.at("miss_when"), "`>` or `<`", words::strict_comparison);
    let warn = reader.optional(&key.at("warn"), values::number);
    let fail = reader.required(&key.at("fail"), "a number", values::number);
    let (miss_when, warn, fail) = (miss_when?, warn?, fail?);
    if let Some((id, _)) = kpis.spelled(metric)
        && let Some(problem) = wrong_way(id, false, miss_when.value)
    {
        return Err(reader.note(&miss_when.place, problem));
    }
    let possible = Possible::of_metric(metric, kpis);
    for limit in warn.iter().chain([&fail]) {
        if let Some(problem) = possible.pointless_alarm(miss_when.value, limit.value) {
            return Err(reader.note(&limit.place, problem));
        }
    }
    if let Some(warn) = &warn {
        ordered(reader, miss_when.value, warn, &fail)?;
    }
    Ok(EdgeReportRule {
        metric: metric.to_owned(),
        miss_when: miss_when.value,
        warn: warn.map(|warn| sourced(reader, &warn)),
        fail: sourced(reader, &fail),
    })
}

/// `[run_gates.<name>]`, in the order of the file.
pub(super) fn run_gates(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<Vec<RunGate>> {
    each(reader, "run_gates", |reader, name, place| {
        let key = &place.key;
        let metric = reader.required(&key.at("metric"), "the name of a metric", metric_of_a_run);
        let severity = reader.required(&key.at("severity"), "`hard` or `soft`", words::severity);
        let comparison = reader.required(&key.at("comparison"), "a comparison", words::comparison);
        let limit = reader.required(&key.at("limit"), "a number", values::number);
        let (metric, comparison, limit) = (metric?.value, comparison?.value, limit?);
        let possible = Possible::of_metric(&metric, kpis);
        if let Some(problem) = possible.pointless_requirement(comparison, limit.value) {
            return Err(reader.note(&limit.place, problem));
        }
        let limit = sourced(reader, &limit);
        Ok(RunGate { name: name.to_owned(), metric, severity: severity?.value, comparison, limit })
    })
}

/// A metric that the report of a run has; no other could ever be judged.
fn metric_of_a_run(value: &Value) -> Result<String, String> {
    let name = values::name(value)?;
    if metrics::NAMES.contains(&name.as_str()) {
        return Ok(name);
    }
    let hint = words::did_you_mean(&name, metrics::NAMES);
    Err(format!("`{name}` is no metric of a run{hint}; expected one of {}", metrics::NAMES.join(", ")))
}

/// `[recommendations.<name>]`, in the order of the file.
pub(super) fn recommendations(reader: &mut Reader<'_>, kpis: &KpiTable) -> Read<Vec<RecommendationRule>> {
    each(reader, "recommendations", |reader, name, place| {
        let key = &place.key;
        let first = condition(reader, kpis, key);
        let only_if = key.at("only_if");
        let second = if reader.has(&only_if) { Some(condition(reader, kpis, &only_if)) } else { None };
        let changes = changes(reader, &key.at("change"));
        let conditions = std::iter::once(first).chain(second).collect::<Read<Vec<_>>>()?;
        Ok(RecommendationRule { name: name.to_owned(), conditions, changes: changes? })
    })
}

fn condition(reader: &mut Reader<'_>, kpis: &KpiTable, key: &Key) -> Read<Condition> {
    let comparison = reader.required(&key.at("comparison"), "a comparison", words::comparison);
    let limit = reader.required(&key.at("limit"), "a number", values::number);
    let subject = subject(reader, kpis, key);
    let (comparison, limit, subject) = (comparison?.value, limit?, subject?);
    let possible = match &subject {
        Subject::Kpi(kpi, _) => Possible::of_kpi(*kpi),
        Subject::Guard(_) => Possible::COUNT,
    };
    if let Some(problem) = possible.pointless_alarm(comparison, limit.value) {
        return Err(reader.note(&limit.place, problem));
    }
    Ok(Condition { subject, comparison, limit: sourced(reader, &limit) })
}

/// A KPI with a statistic, or a guard. A layer that names one takes the place of the other below it.
fn subject(reader: &mut Reader<'_>, kpis: &KpiTable, key: &Key) -> Read<Subject> {
    let keys = [key.at("kpi"), key.at("guard")];
    let kpi = reader.optional(&keys[0], values::name);
    let guard = reader.optional(&keys[1], guard);
    let statistic = reader.optional(&key.at("statistic"), one_number);
    let (chosen, how_many) = reader.topmost_of(&keys);
    if how_many > 1 {
        let place = reader.place_around(key);
        return Err(reader.note(&place, "has both `kpi` and `guard`; expected one of them".to_owned()));
    }
    match (chosen, kpi?, guard?) {
        (Some(0), Some(kpi), _) => {
            reader.drop_effective(&keys[1]);
            let id = kpi_named(reader, kpis, &kpi.value, &kpi.place);
            let statistic = match statistic? {
                Some(statistic) => statistic.value,
                None => reader.required(&key.at("statistic"), "a statistic", one_number)?.value,
            };
            Ok(Subject::Kpi(id?, statistic))
        }
        (Some(_), _, Some(guard)) => {
            reader.drop_effective(&keys[0]);
            reader.drop_effective(&key.at("statistic"));
            Ok(Subject::Guard(guard.value))
        }
        _ => {
            let place = reader.place_around(key);
            Err(reader.note(&place, "is missing its subject, expected `kpi` or `guard`".to_owned()))
        }
    }
}

fn guard(value: &Value) -> Result<Guard, String> {
    let word = words::text(value)?;
    Guard::parse(word).ok_or_else(|| {
        let hint = words::did_you_mean(word, Guard::ALL.map(Guard::word));
        format!("unknown guard `{word}`{hint}")
    })
}

/// A statistic that yields one number a window.
pub(super) fn one_number(value: &Value) -> Result<Statistic, String> {
    match words::statistic(value)? {
        Statistic::Each => {
            Err("advice needs one number, `each` yields many; expected another statistic".into())
        }
        statistic => Ok(statistic),
    }
}

fn changes(reader: &mut Reader<'_>, table: &Key) -> Read<Vec<(ParamName, Step)>> {
    let mut changes = Vec::new();
    for (name, place) in reader.names(table) {
        let Some(known) = ParamName::known().find(|known| *known == name) else {
            let flat = ParamName::flat(&name);
            let hint = if flat.as_str() == name {
                words::did_you_mean(&name, ParamName::known())
            } else {
                format!(" (here it goes by `{flat}`)")
            };
            changes.push(Err(reader.note(&place, format!("unknown parameter `{name}`{hint}"))));
            reader.settle(&place.key);
            continue;
        };
        let change = step(reader, &place);
        let enabled = enabled(reader, &place.key);
        changes.push(change.and_then(|step| Ok(enabled?.then(|| (ParamName::flat(known), step)))));
    }
    let changes: Vec<Option<(ParamName, Step)>> = changes.into_iter().collect::<Read<_>>()?;
    let changes: Vec<(ParamName, Step)> = changes.into_iter().flatten().collect();
    if changes.is_empty() {
        let place = reader.place_around(table);
        return Err(reader.note(&place, "changes nothing; expected at least one parameter".to_owned()));
    }
    Ok(changes)
}

/// `add` or `multiply`. A layer that names one takes the place of the other below it.
pub(super) fn step(reader: &mut Reader<'_>, place: &Place) -> Read<Step> {
    let keys = [place.key.at("add"), place.key.at("multiply")];
    let add = reader.optional(&keys[0], values::number);
    let multiply = reader.optional(&keys[1], values::positive);
    let (chosen, how_many) = reader.topmost_of(&keys);
    if how_many > 1 {
        return Err(reader.note(place, "has both `add` and `multiply`; expected one of them".to_owned()));
    }
    let no_change = |reader: &mut Reader<'_>, found: &Found<f64>| {
        reader.note(&found.place, format!("{} changes nothing", found.value))
    };
    match (chosen, add?, multiply?) {
        (Some(0), Some(add), _) if add.value == 0.0 => Err(no_change(reader, &add)),
        (Some(0), Some(add), _) => {
            reader.drop_effective(&keys[1]);
            Ok(Step::Add(add.value))
        }
        (Some(_), _, Some(multiply)) if multiply.value == 1.0 => Err(no_change(reader, &multiply)),
        (Some(_), _, Some(multiply)) => {
            reader.drop_effective(&keys[0]);
            Ok(Step::Multiply(multiply.value))
        }
        _ => Err(reader.note(place, "is missing its step, expected `add` or `multiply`".to_owned())),
    }
}

/// One rule for each name in a table; those with `enabled = false` are read and left out.
pub(super) fn each<T>(
    reader: &mut Reader<'_>,
    table: &str,
    read: impl Fn(&mut Reader<'_>, &str, &Place) -> Read<T>,
) -> Read<Vec<T>> {
    let mut rules = Vec::new();
    for (name, place) in reader.names(&Key::new(table)) {
        let rule = read(reader, &name, &place);
        let enabled = enabled(reader, &place.key);
        rules.push(rule.and_then(|rule| Ok::<_, Noted>(enabled?.then_some(rule))));
    }
    let rules: Vec<Option<T>> = rules.into_iter().collect::<Read<_>>()?;
    Ok(rules.into_iter().flatten().collect())
}
