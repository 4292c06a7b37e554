//! `[compare]`: which KPIs of two runs are compared, when one is worse, and what must not differ.

use std::collections::BTreeSet;

use crate::core::compare::ORDER;
use crate::core::compare::conditions::Condition;
use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::{CompareRules, GateSet, KpiRule, Limit, Margin};
use crate::core::verdict::LimitSource;

use super::gates::{Known, enabled, kpis_of, min_iterations, sourced};
use super::reader::{Place, Read, Reader};
use super::tree::{Key, Value};
use super::{values, words};

/// Planned extensions at most: the error rates are known for no more.
const MOST_EXTENSIONS: u64 = 1;

pub(super) fn read(
    reader: &mut Reader<'_>,
    known: Known<'_>,
    iteration_pass: &Read<GateSet>,
) -> Read<CompareRules> {
    let table = Key::new("compare");
    let window = reader.required(&table.at("window"), "a window", words::window);
    let error_rate = reader.required(&table.at("error_rate"), "a share", error_rate);
    let extensions = reader.required(&table.at("extensions"), "0 or 1", extensions);
    let minimum = reader.required(&table.at("min_iterations"), "a number or `window`", values::minimum);
    let min_iterations = min_iterations(reader, known.windows, &window, &minimum);
    let refuse = reader.required(&table.at("refuse"), "a list of conditions", conditions);
    let relative = reader.required(&table.at("relative"), "a share", values::not_negative);
    let relative = relative.map(|found| sourced(reader, &found));
    let own = kpis_of(reader, known.kpis, &table);
    let limited = iteration_pass.as_ref().map(|set| set.checks.iter().map(|gate| gate.kpi).collect());
    let limited: BTreeSet<KpiId> = limited.unwrap_or_default();
    let mut kpis: Vec<Read<KpiRule>> = Vec::new();
    for kpi in compared(known.kpis, &limited, &own) {
        let place = own.iter().find(|(of, _)| *of == kpi).map(|(_, place)| place);
        let margin = margin(reader, kpi, place, &relative);
        let required = limited.contains(&kpi);
        kpis.push(margin.map(|margin| KpiRule { kpi, required: required && margin.is_some(), margin }));
    }
    let error_rate = error_rate?;
    Ok(CompareRules {
        window: window?.value,
        error_rate: sourced(reader, &error_rate),
        extensions: extensions?.value,
        min_iterations: min_iterations?,
        kpis: kpis.into_iter().collect::<Read<_>>()?,
        refuse: refuse?.value,
    })
}

/// The KPIs of the verdict, then by name every KPI that the policy declares, limits in each iteration, or gives a
/// margin.
fn compared(kpis: &KpiTable, limited: &BTreeSet<KpiId>, own: &[(KpiId, Place)]) -> Vec<KpiId> {
    let is_declared = |kpi: &KpiId| kpi.index() >= KpiTable::default().len();
    let is_asked =
        |kpi: &KpiId| is_declared(kpi) || limited.contains(kpi) || own.iter().any(|(of, _)| of == kpi);
    let mut others: Vec<KpiId> = kpis.ids().filter(|kpi| !ORDER.contains(kpi) && is_asked(kpi)).collect();
    others.sort_by_key(|kpi| kpi.name);
    ORDER.into_iter().chain(others).collect()
}

/// The margin of a KPI: its own, else its floor and the share for all; `None` where it is not judged.
fn margin(
    reader: &mut Reader<'_>,
    kpi: KpiId,
    place: Option<&Place>,
    relative: &Read<Limit>,
) -> Read<Option<Margin>> {
    let known = kpi;
    let (mut own_absolute, mut own_relative, mut is_judged) = (None, None, true);
    if let Some(place) = place {
        let key = &place.key;
        // All are read before one of them ends it, so that each is known.
        let absolute = reader.optional(&key.at("absolute"), values::not_negative);
        let relative = reader.optional(&key.at("relative"), values::not_negative);
        is_judged = enabled(reader, key)?;
        (own_absolute, own_relative) = (absolute?, relative?);
        if known.direction.is_none() {
            let problem =
                format!("`{}` has no direction, so neither way is worse; it has no margin", known.name);
            return Err(reader.note(place, problem));
        }
    }
    if known.direction.is_none() || !is_judged {
        return Ok(None);
    }
    let floor = || Limit {
        value: known.floor,
        source: LimitSource {
            key: format!("kpi.{}.floor", known.name),
            origin: "the KPI's floor".to_owned(),
        },
    };
    let absolute = own_absolute.map_or_else(floor, |found| sourced(reader, &found));
    let relative = match own_relative {
        Some(found) => sourced(reader, &found),
        None => relative.clone()?,
    };
    Ok(Some(Margin { absolute, relative }))
}

/// Above 0 and below a half: at a half a coin would do.
fn error_rate(value: &Value) -> Result<f64, String> {
    let rate = values::number(value)?;
    if rate > 0.0 && rate < 0.5 {
        return Ok(rate);
    }
    Err(format!("expected a share above 0 and below 0.5, found {rate}"))
}

fn extensions(value: &Value) -> Result<u64, String> {
    let count = values::whole(value)?;
    if count <= MOST_EXTENSIONS {
        return Ok(count);
    }
    Err(format!("expected 0 or {MOST_EXTENSIONS}, found {count}: the error rate is known for no more looks"))
}

/// Words of conditions.
fn conditions(value: &Value) -> Result<Vec<Condition>, String> {
    let parse = |word: &String| {
        Condition::parse(word).ok_or_else(|| {
            let known = Condition::ALL.map(Condition::word);
            let meant = words::did_you_mean(word, known);
            format!("unknown condition `{word}`{meant}; expected some of {}", known.join(", "))
        })
    };
    values::names(value)?.iter().map(parse).collect()
}
