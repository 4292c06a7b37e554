//! `[parameters.<name>]`, and who may name a parameter.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::params::{ParamName, ParamValues};
use crate::core::tuning::parameters::{Parameter, Parameters};

use crate::wire::policy::gates::enabled;
use crate::wire::policy::reader::{Found, Noted, Place, Read, Reader};
use crate::wire::policy::tree::Key;
use crate::wire::policy::{values, words};

/// The declared parameters.
pub(super) struct Params {
    list: Vec<Parameter>,
    /// Index into `list` by name; `None` for those that are taken out.
    by_name: BTreeMap<ParamName, Read<Option<usize>>>,
    /// Of all declared ones, also of those that are taken out.
    subsystems: BTreeSet<String>,
}

impl Params {
    /// The parameters in force.
    pub(super) fn finish(self) -> Read<Parameters> {
        self.by_name.values().copied().collect::<Read<Vec<_>>>()?;
        Ok(Parameters::new(self.list))
    }

    /// How many are in force.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The names of the subsystems.
    pub(super) fn subsystems(&self) -> impl Iterator<Item = &str> + Clone {
        self.subsystems.iter().map(String::as_str)
    }

    /// The parameter with this name; `None` where it is taken out. One that is wrong itself was noted as such.
    pub(super) fn named(
        &self,
        reader: &mut Reader<'_>,
        name: &str,
        place: &Place,
    ) -> Read<Option<&Parameter>> {
        let flat = ParamName::flat(name);
        match self.by_name.get(&flat) {
            Some(index) if flat.as_str() == name => Ok((*index)?.and_then(|index| self.list.get(index))),
            Some(_) => {
                Err(reader.note(place, format!("unknown parameter `{name}` (here it goes by `{flat}`)")))
            }
            None => {
                let hint = words::did_you_mean(name, self.by_name.keys().map(ParamName::as_str));
                let declare = "declare it as `[parameters.<name>]` if it is new";
                Err(reader.note(place, format!("unknown parameter `{name}`{hint}; {declare}")))
            }
        }
    }
}

/// Reads the parameters, in the order of the file.
pub(super) fn read(reader: &mut Reader<'_>) -> Params {
    let mut params = Params { list: Vec::new(), by_name: BTreeMap::new(), subsystems: BTreeSet::new() };
    for (name, place) in reader.names(&Key::new("parameters")) {
        let is_on = enabled(reader, &place.key);
        let parameter = parameter(reader, &name, &place);
        if let Ok(parameter) = &parameter {
            params.subsystems.insert(parameter.subsystem.clone());
        }
        let index = is_on.and_then(|is_on| {
            let parameter = parameter?;
            Ok(is_on.then(|| {
                params.list.push(parameter);
                params.list.len() - 1
            }))
        });
        params.by_name.insert(ParamName::flat(&name), index);
    }
    params
}

fn parameter(reader: &mut Reader<'_>, name: &str, place: &Place) -> Read<Parameter> {
    let key = &place.key;
    let unit = reader.required(&key.at("unit"), "the name of a unit", values::name);
    let lowest = reader.required(&key.at("lowest"), "a number", values::number);
    let highest = reader.required(&key.at("highest"), "a number", values::number);
    let speed = reader.required(&key.at("max_change_per_hour"), "a number", values::positive);
    let default = reader.required(&key.at("default"), "a number", values::number);
    let whole = reader.required(&key.at("whole"), "`true` or `false`", values::switch);
    let subsystem = reader.required(&key.at("subsystem"), "the name of a subsystem", values::name);
    let flat = ParamName::flat(name);
    if flat.as_str() != name {
        return Err(reader.note(place, format!("the flat name of this parameter is `{flat}`")));
    }
    if name == "enabled" || name.is_empty() {
        return Err(reader.note(place, format!("`{name}` cannot be the name of a parameter")));
    }
    let (lowest, highest, default, whole) = (lowest?, highest?, default?, whole?.value);
    if lowest.value >= highest.value {
        let problem = format!(
            "{} is not above `{}`, {}: no value lies between them",
            highest.value,
            key.at("lowest"),
            lowest.value
        );
        return Err(reader.note(&highest.place, problem));
    }
    for found in [&lowest, &highest, &default] {
        whole_if(reader, whole, found)?;
    }
    let parameter = Parameter {
        name: flat,
        unit: unit?.value,
        lowest: lowest.value,
        highest: highest.value,
        max_change_per_hour: speed?.value,
        default: default.value,
        is_whole: whole,
        subsystem: subsystem?.value,
    };
    within(reader, &parameter, &default)?;
    Ok(parameter)
}

/// The values of a profile.
pub(super) fn values(reader: &mut Reader<'_>, params: &Params, table: &Key) -> Read<ParamValues> {
    let mut pairs = Vec::new();
    let mut result = Ok(());
    for (name, place) in reader.names(table).into_iter().filter(|(name, _)| name != "enabled") {
        let value = reader.required(&place.key, "a number", values::number);
        let pair = params.named(reader, &name, &place).and_then(|parameter| {
            let (value, Some(parameter)) = (value?, parameter) else { return Ok(None) };
            within(reader, parameter, &value)?;
            whole_if(reader, parameter.is_whole, &value)?;
            Ok(Some((parameter.name.clone(), value.value)))
        });
        match pair {
            Ok(pair) => pairs.extend(pair),
            Err(Noted) => result = Err(Noted),
        }
    }
    result?;
    if pairs.is_empty() {
        return Err(super::empty(reader, table, "sets nothing; expected at least one parameter"));
    }
    Ok(ParamValues::new(pairs))
}

fn within(reader: &mut Reader<'_>, parameter: &Parameter, found: &Found<f64>) -> Read<()> {
    if parameter.allows(found.value) {
        return Ok(());
    }
    let Parameter { name, lowest, highest, .. } = parameter;
    let problem = format!("{} is outside of the bounds of `{name}`, {lowest} to {highest}", found.value);
    Err(reader.note(&found.place, problem))
}

fn whole_if(reader: &mut Reader<'_>, whole: bool, found: &Found<f64>) -> Read<()> {
    if whole && found.value.fract() != 0.0 {
        let problem =
            format!("expected a whole number, found {}: the parameter takes no others", found.value);
        return Err(reader.note(&found.place, problem));
    }
    Ok(())
}
