//! `[tuner.<row>]` and `[cautions.<name>]`.

use crate::core::kpi::KpiTable;
use crate::core::params::ParamName;
use crate::core::policy::run::{Caution, TunerRule};

use crate::wire::policy::gates::enabled;
use crate::wire::policy::reader::{Found, Noted, Place, Read, Reader};
use crate::wire::policy::tree::Key;
use crate::wire::policy::{values, words};

use super::parameters::Params;
use super::{at_least_one, bounds, changes, empty, list_among};

/// The rows, in the order of the file; a layer's new rows come after those below it.
pub(super) fn read(reader: &mut Reader<'_>, kpis: &KpiTable, params: &Params) -> Read<Vec<TunerRule>> {
    let names = reader.names(&Key::new("tuner"));
    let mut rows = Vec::new();
    for (index, (name, place)) in names.iter().enumerate() {
        let is_on = enabled(reader, &place.key);
        let above: Vec<&str> = names[..index].iter().map(|(name, _)| name.as_str()).collect();
        let row = row(reader, kpis, params, (name, place), &above);
        rows.push(row.and_then(|row| Ok::<_, Noted>(is_on?.then_some(row))));
    }
    let rows: Vec<Option<TunerRule>> = rows.into_iter().collect::<Read<_>>()?;
    Ok(rows.into_iter().flatten().collect())
}

fn row(
    reader: &mut Reader<'_>,
    kpis: &KpiTable,
    params: &Params,
    (name, place): (&str, &Place),
    above: &[&str],
) -> Read<TunerRule> {
    let key = &place.key;
    let in_a_row = reader.optional(&key.at("in_a_row"), at_least_one);
    let rest = reader.optional(&key.at("rest"), values::whole);
    let exclusive = reader.optional(&key.at("exclusive"), values::switch);
    let replaces = reader.optional(&key.at("replaces"), values::names);
    let are_above = match &replaces {
        Ok(Some(found)) => list_among(reader, found, "row above", &above.iter().copied()),
        _ => Ok(()),
    };
    let when = bounds::all_of(reader, kpis, &key.at("when"));
    let unless = bounds::all_of(reader, kpis, &key.at("unless"));
    let changes = changes::movements(reader, params, &key.at("change"));
    let when = when?;
    if when.is_empty() {
        return Err(empty(reader, &key.at("when"), "has no condition in force; expected at least one"));
    }
    are_above?;
    Ok(TunerRule {
        name: name.to_owned(),
        when,
        unless: unless?,
        in_a_row: in_a_row?.map_or(1, |found| found.value),
        rest: rest?.map_or(0, |found| found.value),
        is_exclusive: exclusive?.is_some_and(|found| found.value),
        replaces: replaces?.map_or_else(Vec::new, |found| found.value),
        changes: changes?,
    })
}

/// Pairs of changes that must not go together. Those that name a parameter which is taken out are out too.
pub(super) fn cautions(reader: &mut Reader<'_>, params: &Params) -> Read<Vec<Caution>> {
    let mut cautions = Vec::new();
    for (name, place) in reader.names(&Key::new("cautions")) {
        let is_on = enabled(reader, &place.key);
        let raised = parameter(reader, params, &place.key.at("raised"));
        let keeps = parameter(reader, params, &place.key.at("keeps"));
        cautions.push((|| {
            let (raised, keeps) = (raised?, keeps?);
            let keeps_place = keeps.place;
            let (Some(raised), Some(keeps)) = (raised.value, keeps.value) else { return Ok(None) };
            if raised == keeps {
                let problem = format!("`{keeps}` stands in `raised` as well; expected another parameter");
                return Err(reader.note(&keeps_place, problem));
            }
            Ok(is_on?.then_some(Caution { name, raised, keeps }))
        })());
    }
    let cautions: Vec<Option<Caution>> = cautions.into_iter().collect::<Read<_>>()?;
    Ok(cautions.into_iter().flatten().collect())
}

/// The name of a parameter as a value; `None` where it is taken out.
fn parameter(reader: &mut Reader<'_>, params: &Params, key: &Key) -> Read<Found<Option<ParamName>>> {
    let found =
        reader.required(key, "the name of a parameter", |value| words::text(value).map(str::to_owned))?;
    let parameter = params.named(reader, &found.value, &found.place)?.map(|parameter| parameter.name.clone());
    Ok(found.map(|_| parameter))
}
