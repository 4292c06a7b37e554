//! What a policy declares and its rules name: KPIs and parameters; and how its structs are read from tables.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use strum::VariantNames as _;

use crate::core::config::values::{
    Parsed, names, not_negative, number, one_of, positive, shown, string, switch, up_to,
};
use crate::core::config::{self, Noted, Read, Value};
use crate::core::iteration::params::{ParamName, ParamValues, Parameter, Parameters};
use crate::core::kpi::{Direction, Kind, Kpi, KpiTable, Unit, interned};
use crate::core::text::did_you_mean;

use super::profile::Profile;

/// A table of the policy.
pub(crate) type Table<'r> = config::Table<'r, Declared>;

/// Read when it is first needed.
#[derive(Default)]
pub(crate) struct Declared {
    kpis: OnceCell<KpiTable>,
    parameters: OnceCell<Declarations>,
}

impl<'r> Table<'r> {
    /// The built-in KPIs and the declared ones, in the order of their names.
    pub(crate) fn kpis(&self) -> &'r KpiTable {
        self.known().kpis.get_or_init(|| kpis(&self.root().at("kpi")))
    }

    /// The declared parameters.
    pub(crate) fn parameters(&self) -> &'r Declarations {
        self.known().parameters.get_or_init(|| Declarations::read(&self.root().at("parameters")))
    }
}

/// `[kpi.<name>]`.
fn kpis(t: &Table<'_>) -> KpiTable {
    let profile = t.root().peek("extends").and_then(|value| Profile::parse(value).ok()).unwrap_or_default();
    let mut table = if profile == Profile::Trading { KpiTable::default() } else { KpiTable::empty() };
    let mut entries = t.entries();
    if profile == Profile::Trading {
        entries.sort_by_key(Table::name);
    }
    for entry in entries {
        let name = entry.name();
        let declared = kpi(&entry, &name);
        // The policy is refused, but limits on the KPI are looked at all the same.
        if entry.enabled().is_ok_and(|is_on| !is_on) {
            table.take_out(&name);
            continue;
        }
        let is_good = declared.is_ok();
        let result = table.declare(declared.unwrap_or_else(|Noted| Kpi::declared(&[&name])));
        if let (true, Err(error)) = (is_good, result) {
            entry.fault(error.to_string());
        }
    }
    if table.ids().next().is_none() {
        t.fault("declares no KPI; expected `[kpi.<name>]`, and its limit in `[iteration_pass.kpi.<name>]`");
    }
    table
}

/// Objects of a measurement, which no KPI can be called.
const RESERVED: [&str; 4] = ["totals", "total", "kpis", "runtime"];

fn kpi(t: &Table<'_>, own_name: &str) -> Read<Kpi> {
    let (unit, direction) = (t.required("unit", unit), t.required("direction", direction));
    let (aliases, floor) = (t.or("aliases", names, Vec::new()), t.or("floor", not_negative, 0.0));
    let (kind, is_advisory) = (t.or("kind", kind, Kind::Level), t.or("advisory", switch, false));
    let (label, job) = (t.optional("label", shown), t.optional("job", shown));
    let digits = t.optional("digits", up_to(9));
    let [lowest, highest] = ["lowest", "highest"].map(|key| t.optional(key, number));
    // Names become labels of metrics, so they keep to what those allow.
    let is_identifier = own_name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && own_name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if !is_identifier {
        return Err(t.fault("expected a name of letters, digits and `_` that starts with a letter"));
    }
    if RESERVED.contains(&own_name) {
        let names = config::values::and(&RESERVED);
        return Err(t.fault(format!("{names} are parts of a measurement; expected another name")));
    }
    let (aliases, lowest, highest) = (aliases?, lowest?, highest?);
    let unit = match unit?.as_str() {
        "bps" => Unit::Bps,
        "ms" => Unit::Milliseconds,
        "ratio" => Unit::Ratio,
        other => Unit::Other(interned(other)),
    };
    let bound = |own: Option<f64>, of_a_ratio| own.or((unit == Unit::Ratio).then_some(of_a_ratio));
    let (low, high) = (bound(lowest, 0.0), bound(highest, 1.0));
    if let (Some(low), Some(high)) = (low, high)
        && low >= high
    {
        let problem = format!("lowest is {low} and highest {high}: no value lies between them");
        return Err(match (highest, lowest) {
            (Some(_), _) => t.fault_at("highest", problem),
            (None, Some(_)) => t.fault_at("lowest", problem),
            (None, None) => t.fault(problem),
        });
    }
    let mut keys = vec![own_name];
    for alias in &aliases {
        if RESERVED.contains(&alias.as_str()) {
            let problem = format!("`{alias}` is a part of a measurement; expected another name");
            return Err(t.fault_at("aliases", problem));
        }
        if keys.contains(&alias.as_str()) {
            return Err(t.fault_at("aliases", format!("`{alias}` is listed twice")));
        }
        keys.push(alias);
    }
    Ok(Kpi {
        unit,
        direction: direction?,
        kind: kind?,
        is_advisory: is_advisory?,
        label: label?.as_deref().map(interned),
        job: job?.as_deref().map(interned),
        digits: digits?.map(|digits| usize::try_from(digits).unwrap_or_default()),
        floor: floor?,
        lowest: low,
        highest: high,
        ..Kpi::declared(&keys)
    })
}

fn unit(value: &Value) -> Parsed<String> {
    match value {
        Value::Text(text) if text.trim().is_empty() => {
            Err("is empty, expected a unit such as `ms`, `ratio`, `1/s` or `count`".to_owned())
        }
        other => shown(other),
    }
}

fn kind(value: &Value) -> Parsed<Kind> {
    let words = Kind::VARIANTS.iter().zip([Kind::Level, Kind::Accumulating, Kind::Counter]);
    one_of(value, "kind", &words.map(|(word, kind)| (*word, kind)).collect::<Vec<_>>())
}

fn direction(value: &Value) -> Parsed<Option<Direction>> {
    let words = [("higher", Some(Direction::Higher)), ("lower", Some(Direction::Lower)), ("none", None)];
    one_of(value, "direction", &words)
}

/// The parameters of the policy, and who may name one.
pub(crate) struct Declarations {
    /// In the order of the policy.
    in_force: Vec<Parameter>,
    /// Index into `in_force` by name; `None` for those that are taken out.
    by_name: BTreeMap<ParamName, Read<Option<usize>>>,
    /// Of all declared ones, also of those that are taken out.
    pub(super) subsystems: BTreeSet<String>,
}

impl Declarations {
    fn read(t: &Table<'_>) -> Self {
        let mut all = Self { in_force: Vec::new(), by_name: BTreeMap::new(), subsystems: BTreeSet::new() };
        for entry in t.entries() {
            let (is_on, parameter) = (entry.enabled(), parameter(&entry));
            if let Ok(parameter) = &parameter {
                all.subsystems.insert(parameter.subsystem.clone());
            }
            let index = is_on.and_then(|is_on| {
                let parameter = parameter?;
                Ok(is_on.then(|| {
                    all.in_force.push(parameter);
                    all.in_force.len() - 1
                }))
            });
            all.by_name.insert(ParamName::flat(&entry.name()), index);
        }
        all
    }

    pub(super) fn in_force(&self) -> Read<Parameters> {
        self.by_name.values().copied().collect::<Read<Vec<_>>>()?;
        Ok(Parameters::new(self.in_force.clone()))
    }

    pub(super) fn len(&self) -> usize {
        self.in_force.len()
    }

    /// The parameter with this name, `None` where it is taken out. `fault` notes what is wrong with the name; a
    /// parameter that is wrong itself was noted as such.
    pub(super) fn named(&self, name: &str, fault: impl FnOnce(String) -> Noted) -> Read<Option<&Parameter>> {
        let flat = ParamName::flat(name);
        match self.by_name.get(&flat) {
            Some(index) if flat.as_str() == name => Ok((*index)?.and_then(|index| self.in_force.get(index))),
            Some(_) => Err(fault(format!("unknown parameter `{name}` (here it goes by `{flat}`)"))),
            None => {
                let hint = did_you_mean(name, self.by_name.keys().map(ParamName::as_str));
                let declare = "declare it as `[parameters.<name>]` if it is new";
                Err(fault(format!("unknown parameter `{name}`{hint}; {declare}")))
            }
        }
    }
}

/// `[parameters.<name>]`.
fn parameter(t: &Table<'_>) -> Read<Parameter> {
    let (unit, subsystem) = (t.required("unit", shown), t.required("subsystem", shown));
    let [lowest, highest, default] = ["lowest", "highest", "default"].map(|key| t.required(key, number));
    let speed = t.required("max_change_per_hour", positive);
    let whole = t.required("whole", switch);
    let own_name = t.name();
    let flat = ParamName::flat(&own_name);
    if flat.as_str() != own_name {
        return Err(t.fault(format!("the flat name of this parameter is `{flat}`")));
    }
    if own_name == "enabled" || own_name.is_empty() {
        return Err(t.fault(format!("`{own_name}` cannot be the name of a parameter")));
    }
    let parameter = Parameter {
        name: flat,
        unit: unit?,
        lowest: lowest?,
        highest: highest?,
        max_change_per_hour: speed?,
        default: default?,
        is_whole: whole?,
        subsystem: subsystem?,
    };
    let Parameter { lowest, highest, .. } = parameter;
    if lowest >= highest {
        let of = t.at("lowest").path();
        return Err(t.fault_at(
            "highest",
            format!("{highest} is not above `{of}`, {lowest}: no value lies between them"),
        ));
    }
    for (key, value) in [("lowest", lowest), ("highest", highest), ("default", parameter.default)] {
        whole_if(t, key, parameter.is_whole, value)?;
    }
    within(t, "default", &parameter, parameter.default)?;
    Ok(parameter)
}

/// The values of parameters in a table, e.g. of a profile.
pub(super) fn values(t: &Table<'_>) -> Read<ParamValues> {
    let pairs =
        config::all(t.entries().iter().map(Table::name).filter(|name| name != "enabled").map(|name| {
            let value = t.required(&name, number);
            let parameter = t.parameters().named(&name, |problem| t.at(&name).fault(problem))?;
            let (value, Some(parameter)) = (value?, parameter) else { return Ok(None) };
            within(t, &name, parameter, value)?;
            whole_if(t, &name, parameter.is_whole, value)?;
            Ok(Some((parameter.name.clone(), value)))
        }))?;
    if pairs.is_empty() {
        return Err(t.fault("sets nothing; expected at least one parameter"));
    }
    Ok(ParamValues::new(pairs))
}

fn within(t: &Table<'_>, key: &str, parameter: &Parameter, value: f64) -> Read<()> {
    if parameter.allows(value) {
        return Ok(());
    }
    let Parameter { name, lowest, highest, .. } = parameter;
    Err(t.fault_at(key, format!("{value} is outside of the bounds of `{name}`, {lowest} to {highest}")))
}

fn whole_if(t: &Table<'_>, key: &str, whole: bool, value: f64) -> Read<()> {
    if whole && value.fract() != 0.0 {
        let problem = format!("expected a whole number, found {value}: the parameter takes no others");
        return Err(t.fault_at(key, problem));
    }
    Ok(())
}

/// The parameter that a key names; `None` where it is taken out.
pub(super) fn parameter_at(t: &Table<'_>, key: &str) -> Read<Option<ParamName>> {
    let name = t.required(key, string)?;
    let parameter = t.parameters().named(&name, |problem| t.fault_at(key, problem))?;
    Ok(parameter.map(|parameter| parameter.name.clone()))
}
