//! Conditions on KPIs of one iteration: `risk_ratio = { at_least = 0.40, below = 0.60 }`.

use crate::core::kpi::{KpiId, KpiTable};
use crate::core::policy::run::Bound;
use crate::core::verdict::Comparison;

use crate::wire::policy::gates::{enabled, kpi_named, sourced};
use crate::wire::policy::possible::Possible;
use crate::wire::policy::reader::{Found, Noted, Place, Read, Reader};
use crate::wire::policy::tree::Key;
use crate::wire::policy::values;

const LOWER: [(&str, Comparison); 2] = [("at_least", Comparison::AtLeast), ("above", Comparison::Above)];
const UPPER: [(&str, Comparison); 2] = [("at_most", Comparison::AtMost), ("below", Comparison::Below)];

/// Bounds of which all must hold, in the order of the file.
pub(super) fn all_of(reader: &mut Reader<'_>, kpis: &KpiTable, table: &Key) -> Read<Vec<Bound>> {
    bounds(reader, kpis, table, |reader, place, lower, upper| {
        let ((more, low), (less, high)) = (lower, upper);
        let is_strict = *more == Comparison::Above || *less == Comparison::Below;
        if low.value > high.value || (low.value == high.value && is_strict) {
            let (more, less) = (more.symbol(), less.symbol());
            let problem = format!("`{more} {}` and `{less} {}` can never both hold", low.value, high.value);
            return Err(reader.note(place, problem));
        }
        Ok(())
    })
}

/// Bounds of which any must hold, in the order of the file.
pub(super) fn any_of(reader: &mut Reader<'_>, kpis: &KpiTable, table: &Key) -> Read<Vec<Bound>> {
    bounds(reader, kpis, table, |reader, place, _, _| {
        Err(reader.note(place, "has two limits; here any one is enough, so expected one a KPI".to_owned()))
    })
}

/// One side of a range.
type Side = (Comparison, Found<f64>);

fn bounds(
    reader: &mut Reader<'_>,
    kpis: &KpiTable,
    table: &Key,
    both: impl Fn(&mut Reader<'_>, &Place, &Side, &Side) -> Read<()>,
) -> Read<Vec<Bound>> {
    let mut bounds = Ok(Vec::new());
    for (name, place) in reader.names(table) {
        let Ok(kpi) = kpi_named(reader, kpis, &name, &place) else {
            reader.settle(&place.key);
            bounds = Err(Noted);
            continue;
        };
        match bounds_on(reader, kpi, &place, &both) {
            Ok(found) => bounds.iter_mut().for_each(|bounds: &mut Vec<_>| bounds.extend(found.clone())),
            Err(Noted) => bounds = Err(Noted),
        }
    }
    bounds
}

fn bounds_on(
    reader: &mut Reader<'_>,
    kpi: KpiId,
    place: &Place,
    both: impl Fn(&mut Reader<'_>, &Place, &Side, &Side) -> Read<()>,
) -> Read<Vec<Bound>> {
    let lower = side(reader, place, LOWER);
    let upper = side(reader, place, UPPER);
    let is_on = enabled(reader, &place.key)?;
    let (lower, upper) = (lower?, upper?);
    match (&lower, &upper) {
        (None, None) => {
            let problem = "is missing its limit, expected `at_least`, `above`, `at_most` or `below`";
            return Err(reader.note(place, problem.to_owned()));
        }
        (Some(lower), Some(upper)) => both(reader, place, lower, upper)?,
        _ => {}
    }
    let possible = Possible::of_kpi(kpi);
    let mut bounds = Vec::new();
    for (comparison, limit) in lower.iter().chain(&upper) {
        if let Some(problem) = possible.pointless_alarm(*comparison, limit.value) {
            return Err(reader.note(&limit.place, problem));
        }
        bounds.push(Bound { kpi, comparison: *comparison, limit: sourced(reader, limit) });
    }
    Ok(if is_on { bounds } else { Vec::new() })
}

/// One of two words. A layer that names one takes the place of the other below it.
fn side(reader: &mut Reader<'_>, place: &Place, words: [(&str, Comparison); 2]) -> Read<Option<Side>> {
    let keys = words.map(|(word, _)| place.key.at(word));
    let [first, second] = keys.each_ref().map(|key| reader.optional(key, values::number));
    let (chosen, how_many) = reader.topmost_of(&keys);
    if how_many > 1 {
        let [(first, _), (second, _)] = words;
        return Err(reader.note(place, format!("has both `{first}` and `{second}`; expected one of them")));
    }
    let (first, second) = (first?, second?);
    Ok(match chosen {
        Some(0) => {
            reader.drop_effective(&keys[1]);
            first.map(|found| (words[0].1, found))
        }
        Some(_) => {
            reader.drop_effective(&keys[0]);
            second.map(|found| (words[1].1, found))
        }
        None => None,
    })
}
