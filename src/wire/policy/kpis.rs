//! `[kpi.<name>]`: KPIs beyond the built-in ones.

use crate::core::kpi::{Kpi, KpiTable, Spelling, Unit, interned};

use super::reader::{Noted, Place, Read, Reader};
use super::tree::Key;
use super::{values, words};

/// The built-in KPIs and the declared ones, in the order of their names.
pub(super) fn read(reader: &mut Reader<'_>) -> KpiTable {
    let mut table = KpiTable::default();
    let mut names = reader.names(&Key::new("kpi"));
    names.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, place) in names {
        let declared = declaration(reader, &name, &place);
        // The policy is refused, but limits on the KPI are looked at all the same.
        let is_good = declared.is_ok();
        let result = table.declare(declared.unwrap_or_else(|Noted| stand_in(&name)));
        if let (true, Err(error)) = (is_good, result) {
            reader.note(&place, error.to_string());
        }
    }
    table
}

fn declaration(reader: &mut Reader<'_>, name: &str, place: &Place) -> Read<Kpi> {
    let key = &place.key;
    let unit = reader.required(&key.at("unit"), "`bps`, `ms`, `ratio` or another unit", values::name);
    let direction = reader.required(&key.at("direction"), "`higher`, `lower` or `none`", words::direction);
    let aliases = reader.optional(&key.at("aliases"), values::names);
    let floor = reader.optional(&key.at("floor"), values::not_negative);
    let lowest = reader.optional(&key.at("lowest"), values::number);
    let highest = reader.optional(&key.at("highest"), values::number);
    if !is_identifier(name) {
        let problem = "expected a name of letters, digits and `_` that starts with a letter";
        return Err(reader.note(place, problem.to_owned()));
    }
    let (aliases, lowest, highest) = (aliases?, lowest?, highest?);
    let unit = match unit?.value.as_str() {
        "bps" => Unit::Bps,
        "ms" => Unit::Milliseconds,
        "ratio" => Unit::Ratio,
        other => Unit::Other(interned(other)),
    };
    let is_ratio = unit == Unit::Ratio;
    let bound = |declared: Option<f64>, of_a_ratio| declared.or(is_ratio.then_some(of_a_ratio));
    let lowest_value = bound(lowest.as_ref().map(|found| found.value), 0.0);
    let highest_value = bound(highest.as_ref().map(|found| found.value), 1.0);
    if let (Some(low), Some(high)) = (lowest_value, highest_value)
        && low >= high
    {
        let at = highest.or(lowest).map_or_else(|| place.clone(), |found| found.place);
        return Err(
            reader.note(&at, format!("lowest is {low} and highest {high}: no value lies between them"))
        );
    }
    let mut keys = vec![name.to_owned()];
    if let Some(aliases) = aliases {
        for alias in aliases.value {
            if keys.contains(&alias) {
                return Err(reader.note(&aliases.place, format!("`{alias}` stands twice")));
            }
            keys.push(alias);
        }
    }
    let direction = direction?.value;
    let floor = floor?.map_or(0.0, |found| found.value);
    let spellings = keys.into_iter().map(|key| Spelling { key: interned(&key), scale: 1.0 }).collect();
    Ok::<_, Noted>(Kpi {
        name: interned(name),
        unit,
        direction,
        floor,
        lowest: lowest_value,
        highest: highest_value,
        reads_percent: false,
        spellings,
        index: 0,
    })
}

fn stand_in(name: &str) -> Kpi {
    let name = interned(name);
    let spellings = vec![Spelling { key: name, scale: 1.0 }].into();
    Kpi {
        name,
        unit: Unit::Other(""),
        direction: None,
        floor: 0.0,
        lowest: None,
        highest: None,
        reads_percent: false,
        spellings,
        index: 0,
    }
}

/// Names become labels of metrics, so they keep to what those allow.
fn is_identifier(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
}
