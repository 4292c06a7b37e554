//! What a preset or a row of the tuner does to parameters.

use crate::core::params::ParamName;
use crate::core::policy::Step;
use crate::core::policy::run::{Change, Movement};
use crate::core::tuning::parameters::Parameter;

use crate::wire::policy::gates::enabled;
use crate::wire::policy::reader::{Found, Noted, Place, Read, Reader};
use crate::wire::policy::rules;
use crate::wire::policy::tree::Key;
use crate::wire::policy::values;

use super::parameters::Params;

/// The changes of a preset, in the order of the file.
pub(super) fn steps(reader: &mut Reader<'_>, params: &Params, table: &Key) -> Read<Vec<(ParamName, Step)>> {
    each_change(reader, params, table, |reader, place, parameter| {
        let step = rules::step(reader, place)?;
        Ok(parameter.map(|parameter| (parameter.name.clone(), step)))
    })
}

/// The changes of a row, in the order of the file.
pub(super) fn movements(reader: &mut Reader<'_>, params: &Params, table: &Key) -> Read<Vec<Change>> {
    each_change(reader, params, table, change)
}

fn each_change<T>(
    reader: &mut Reader<'_>,
    params: &Params,
    table: &Key,
    read: impl Fn(&mut Reader<'_>, &Place, Option<&Parameter>) -> Read<Option<T>>,
) -> Read<Vec<T>> {
    let mut changes = Vec::new();
    let mut result = Ok(());
    for (name, place) in reader.names(table) {
        let Ok(parameter) = params.named(reader, &name, &place) else {
            reader.settle(&place.key);
            result = Err(Noted);
            continue;
        };
        let is_on = enabled(reader, &place.key);
        match (read(reader, &place, parameter), is_on) {
            (Ok(change), Ok(is_on)) => changes.extend(change.filter(|_| is_on)),
            _ => result = Err(Noted),
        }
    }
    result?;
    if changes.is_empty() {
        return Err(super::empty(reader, table, "changes nothing; expected at least one parameter"));
    }
    Ok(changes)
}

fn change(reader: &mut Reader<'_>, place: &Place, parameter: Option<&Parameter>) -> Read<Option<Change>> {
    let cap = reader.optional(&place.key.at("cap"), values::number);
    let floor = reader.optional(&place.key.at("floor"), values::number);
    let movement = movement(reader, place);
    let (cap, floor, movement) = (cap?, floor?, movement?);
    let Some(parameter) = parameter else { return Ok(None) };
    let (beside, stops) = match movement {
        Movement::AtLeast(_) => (cap.as_ref().or(floor.as_ref()), None),
        Movement::Add(by) => sides(by > 0.0, cap.as_ref(), floor.as_ref()),
        // What a factor does to a negative value cannot be said beforehand.
        Movement::Multiply(_) if parameter.lowest < 0.0 => (None, None),
        Movement::Multiply(by) => sides(by > 1.0, cap.as_ref(), floor.as_ref()),
    };
    if let Some(found) = beside {
        let problem = "shortens nothing: a `cap` is for a step up, a `floor` for a step down".to_owned();
        return Err(reader.note(&found.place, problem));
    }
    if let Some((found, up)) = stops {
        let Parameter { name, lowest, highest, .. } = parameter;
        let (limit, bound) = if up { ("lowest", lowest) } else { ("highest", highest) };
        if (up && found.value <= *bound) || (!up && found.value >= *bound) {
            let problem =
                format!("{} leaves no step: the `{limit}` value of `{name}` is {bound}", found.value);
            return Err(reader.note(&found.place, problem));
        }
    }
    Ok(Some(Change {
        param: parameter.name.clone(),
        movement,
        cap: cap.map(|found| found.value),
        floor: floor.map(|found| found.value),
    }))
}

/// A limit on the wrong side of a step, and the one that stops it, with whether the step goes up.
type Sides<'f> = (Option<&'f Found<f64>>, Option<(&'f Found<f64>, bool)>);

fn sides<'f>(up: bool, cap: Option<&'f Found<f64>>, floor: Option<&'f Found<f64>>) -> Sides<'f> {
    let (beside, stops) = if up { (floor, cap) } else { (cap, floor) };
    (beside, stops.map(|found| (found, up)))
}

/// `add`, `multiply` or `at_least`. A layer that names one takes the place of the others below it.
fn movement(reader: &mut Reader<'_>, place: &Place) -> Read<Movement> {
    let keys = ["add", "multiply", "at_least"].map(|word| place.key.at(word));
    let add = reader.optional(&keys[0], values::number);
    let multiply = reader.optional(&keys[1], values::positive);
    let at_least = reader.optional(&keys[2], values::number);
    let (chosen, how_many) = reader.topmost_of(&keys);
    if how_many > 1 {
        let problem = "has more than one of `add`, `multiply` and `at_least`; expected one of them";
        return Err(reader.note(place, problem.to_owned()));
    }
    for (index, key) in keys.iter().enumerate() {
        if chosen.is_some_and(|chosen| chosen != index) {
            reader.drop_effective(key);
        }
    }
    let (movement, found) = match (chosen, add?, multiply?, at_least?) {
        (Some(0), Some(add), ..) => (Movement::Add(add.value), add),
        (Some(1), _, Some(multiply), _) => (Movement::Multiply(multiply.value), multiply),
        (Some(_), _, _, Some(at_least)) => return Ok(Movement::AtLeast(at_least.value)),
        _ => {
            let problem = "is missing its step, expected `add`, `multiply` or `at_least`";
            return Err(reader.note(place, problem.to_owned()));
        }
    };
    if matches!(movement, Movement::Add(0.0) | Movement::Multiply(1.0)) {
        return Err(reader.note(&found.place, format!("{} changes nothing", found.value)));
    }
    Ok(movement)
}
