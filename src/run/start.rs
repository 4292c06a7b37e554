//! The values that a run starts with: who said what, who wins, and what a preset makes of it. Pure.

use std::fmt;
use std::path::Path;

use crate::core::iteration::params::{ParamName, ParamValues, Parameter, Parameters};
use crate::core::load::overrides_file::{StrictError, read_strictly};
use crate::core::policy::Step;
use crate::core::policy::run::{Preset, RunPolicy};
use crate::core::text::did_you_mean;
use crate::infra::atomic_file;
use crate::infra::atomic_file::FileError;

/// Who said a start value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartOrigin {
    /// Nobody; the policy's default.
    Default,
    /// An overrides file, by its path as given.
    File(String),
    /// An environment variable, by its name.
    Env(&'static str),
    /// A profile, by its name.
    Profile(String),
    /// `--set`.
    Set,
    /// A preset, by its name, on top of another origin.
    Preset(String),
}

impl fmt::Display for StartOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default of the policy"),
            Self::File(path) => f.write_str(path),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Set => f.write_str("flag --set"),
            Self::Preset(name) => write!(f, "preset {name}"),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct StartValue {
    pub param: ParamName,
    /// Its value, within the bounds, in the parameter's unit.
    pub value: f64,
    /// Who said so last.
    pub origin: StartOrigin,
}

/// The values that a run starts with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    /// One a parameter, in the order of the policy.
    pub values: Vec<StartValue>,
    /// What presets wanted and bounds did not allow; for a person, and for the manifest.
    pub notes: Vec<String>,
}

impl Start {
    /// The values alone.
    pub fn overrides(&self) -> ParamValues {
        ParamValues::new(self.values.iter().map(|value| (value.param.clone(), value.value)).collect())
    }
}

/// The start values: of each parameter the one of the last layer that has it, then the presets in their order. All
/// errors at once.
fn resolve_among(
    parameters: &Parameters,
    layers: &[(StartOrigin, ParamValues)],
    presets: &[&Preset],
) -> Result<Start, Vec<String>> {
    let mut errors = Vec::new();
    for (origin, values) in layers {
        for (name, value) in values.iter().filter(|(name, _)| parameters.get(name).is_none()) {
            let hint = hint(parameters, name);
            errors.push(format!("`{name}` = {value} ({origin}): the policy has no such parameter{hint}"));
        }
    }
    let mut start = Start::default();
    for parameter in parameters.iter() {
        let given = layers
            .iter()
            .rev()
            .find_map(|(origin, values)| values.get(&parameter.name).map(|value| (value, origin.clone())));
        let (value, origin) = given.unwrap_or((parameter.default, StartOrigin::Default));
        errors.extend(problem(parameter, value, &origin));
        start.values.push(StartValue { param: parameter.name.clone(), value, origin });
    }
    for preset in presets {
        errors.extend(apply(parameters, preset, &mut start));
    }
    if errors.is_empty() { Ok(start) } else { Err(errors) }
}

fn hint(parameters: &Parameters, name: &ParamName) -> String {
    did_you_mean(name.as_str(), parameters.iter().map(|parameter| parameter.name.as_str()))
}

fn problem(parameter: &Parameter, value: f64, origin: &StartOrigin) -> Option<String> {
    let Parameter { name, lowest, highest, unit, .. } = parameter;
    if !parameter.allows(value) {
        let (side, bound) = if value < *lowest { ("below", *lowest) } else { ("above", *highest) };
        return Some(format!(
            "`{name}` = {value} ({origin}) is {side} its bound, {bound} {unit}; expected {lowest} to {highest}"
        ));
    }
    let is_fine = !parameter.is_whole || value.fract() == 0.0;
    (!is_fine)
        .then(|| format!("`{name}` = {value} ({origin}) is not whole; expected a whole number of {unit}"))
}

/// Applies a preset; the errors are parameters that the policy does not have.
fn apply(parameters: &Parameters, preset: &Preset, start: &mut Start) -> Vec<String> {
    let mut errors = Vec::new();
    for (name, step) in &preset.changes {
        let entry = start.values.iter_mut().find(|value| value.param == *name);
        let (Some(parameter), Some(entry)) = (parameters.get(name), entry) else {
            let (preset, hint) = (&preset.name, hint(parameters, name));
            errors.push(format!("preset `{preset}`: the policy has no parameter `{name}`{hint}"));
            continue;
        };
        let wanted = parameter.stepped(entry.value, *step);
        let value = parameter.clamp(wanted);
        if value != wanted {
            let (sign, by) = match step {
                Step::Add(by) if *by < 0.0 => ('-', -by),
                Step::Add(by) => ('+', *by),
                Step::Multiply(by) => ('*', *by),
            };
            start.notes.push(format!(
                "preset `{}`: `{name}` {} {sign} {by} would be {wanted}, out of its bounds {} to {}; it starts at {value}",
                preset.name, entry.value, parameter.lowest, parameter.highest
            ));
        }
        if value != entry.value {
            entry.value = value;
            entry.origin = StartOrigin::Preset(preset.name.clone());
        }
    }
    errors
}

/// Reads a `KEY=VALUE` of `--set`; the key may be flat or `section.key`.
pub fn parse_set(text: &str) -> Result<(ParamName, f64), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("expected KEY=VALUE, as in `min_interval_ms=70`".to_owned());
    };
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return Err("expected the name of a parameter before `=`".to_owned());
    }
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((ParamName::flat(key), number + 0.0)),
        _ => Err(format!("expected a number after `=`, found `{value}`")),
    }
}

/// The values of all `--set` as one layer; of a parameter that is set twice the last one counts.
pub fn set_layer(settings: &[(ParamName, f64)]) -> ParamValues {
    ParamValues::new(settings.iter().rev().cloned().collect())
}

/// The variable that holds overrides as JSON.
pub const OVERRIDES_VARIABLE: &str = "MM_RUNTIME_OVERRIDES_JSON";

/// What was asked for, lowest layer first.
#[derive(Clone, Copy, Debug, Default)]
pub struct StartRequest<'a> {
    /// An overrides file; must be there.
    pub file: Option<&'a Path>,
    /// Taken in the place of `file` where nobody names one; need not be there.
    pub usual_file: Option<&'a Path>,
    /// The text of [`OVERRIDES_VARIABLE`].
    pub variable: Option<&'a str>,
    /// The name of a profile.
    pub profile: Option<&'a str>,
    /// Each `--set`, in the order of the command line.
    pub set: &'a [(ParamName, f64)],
}

/// Why there are no values to start with.
#[derive(Debug, thiserror::Error)]
pub enum StartProblem {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file or the variable holds no overrides.
    #[error("{origin}: {source}")]
    Text {
        /// Which of them.
        origin: StartOrigin,
        /// What is wrong.
        source: StrictError,
    },
    /// There is no such profile.
    #[error("no profile `{name}`{hint}; the policy has {known}")]
    Profile {
        /// The name as given.
        name: String,
        /// ` (did you mean …?)`, or nothing.
        hint: String,
        /// The names that there are.
        known: String,
    },
    /// Values that cannot be started with.
    #[error("{}", .0.join("\n"))]
    Values(Vec<String>),
}

/// The values to start with; `presets` come on top.
pub fn resolve(
    policy: &RunPolicy,
    asked: StartRequest<'_>,
    presets: &[&Preset],
) -> Result<Start, StartProblem> {
    let mut layers = Vec::new();
    let usual = asked.usual_file.filter(|path| atomic_file::exists(path));
    if let Some(path) = asked.file.or(usual) {
        let origin = StartOrigin::File(path.display().to_string());
        layers.push(layer(origin, &atomic_file::read_plain(path)?)?);
    }
    if let Some(text) = asked.variable {
        layers.push(layer(StartOrigin::Env(OVERRIDES_VARIABLE), text.as_bytes())?);
    }
    if let Some(name) = asked.profile {
        layers.push((StartOrigin::Profile(name.to_owned()), profile(policy, name)?));
    }
    if !asked.set.is_empty() {
        layers.push((StartOrigin::Set, set_layer(asked.set)));
    }
    resolve_among(&policy.parameters, &layers, presets).map_err(StartProblem::Values)
}

fn layer(origin: StartOrigin, json: &[u8]) -> Result<(StartOrigin, ParamValues), StartProblem> {
    match read_strictly(json) {
        Ok(values) => Ok((origin, values)),
        Err(source) => Err(StartProblem::Text { origin, source }),
    }
}

fn profile(policy: &RunPolicy, name: &str) -> Result<ParamValues, StartProblem> {
    if let Some(profile) = policy.profile(name) {
        return Ok(profile.values.clone());
    }
    let names = policy.profiles.iter().map(|profile| profile.name.as_str());
    let known: Vec<String> = names.clone().map(|name| format!("`{name}`")).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(StartProblem::Profile { name: name.to_owned(), hint: did_you_mean(name, names), known })
}

#[cfg(test)]
mod tests {

    use crate::core::iteration::params::Parameters;
    use crate::core::verdict::LimitSource;
    use crate::run::start::*;

    fn values(pairs: &[(&str, f64)]) -> ParamValues {
        ParamValues::new(pairs.iter().map(|(name, value)| (ParamName::flat(name), *value)).collect())
    }

    fn preset(changes: &[(&str, Step)]) -> Preset {
        let changes = changes.iter().map(|(name, step)| (ParamName::flat(name), *step)).collect();
        let source = LimitSource { key: "presets.p".to_owned(), origin: "here".to_owned() };
        Preset { name: "p".to_owned(), changes, source }
    }

    /// `min_interval_ms` 40 to 80, whole, default 60; `max_delta_ratio` 0.125 to 0.5, default 0.25.
    fn parameters() -> Parameters {
        let parameter = |name: &str, unit: &str, lowest, highest, default, is_whole| Parameter {
            name: ParamName::flat(name),
            unit: unit.to_owned(),
            lowest,
            highest,
            max_change_per_hour: 1.0,
            default,
            is_whole,
            subsystem: "s".to_owned(),
        };
        Parameters::new(vec![
            parameter("min_interval_ms", "ms", 40.0, 80.0, 60.0, true),
            parameter("max_delta_ratio", "ratio", 0.125, 0.5, 0.25, false),
        ])
    }

    fn file() -> StartOrigin {
        StartOrigin::File("o.json".to_owned())
    }

    fn started(layers: &[(StartOrigin, ParamValues)], presets: &[&Preset]) -> Start {
        resolve_among(&parameters(), layers, presets).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn errors(layers: &[(StartOrigin, ParamValues)], presets: &[&Preset]) -> Vec<String> {
        resolve_among(&parameters(), layers, presets).expect_err("must be refused")
    }

    /// Value and origin of the interval.
    fn interval(start: &Start) -> (f64, String) {
        (start.values[0].value, start.values[0].origin.to_string())
    }

    #[test]
    fn without_layers_the_defaults_hold_in_the_order_of_the_policy() {
        let start = started(&[], &[]);
        let found: Vec<_> =
            start.values.iter().map(|v| (v.param.as_str(), v.value, v.origin.clone())).collect();
        let expected = [
            ("min_interval_ms", 60.0, StartOrigin::Default),
            ("max_delta_ratio", 0.25, StartOrigin::Default),
        ];
        assert_eq!(found, expected);
        assert_eq!(start.overrides(), values(&[("min_interval_ms", 60.0), ("max_delta_ratio", 0.25)]));
    }

    #[test]
    fn a_higher_layer_beats_a_lower_one_and_leaves_other_parameters_alone() {
        let mut layers = vec![(file(), values(&[("min_interval_ms", 41.0), ("max_delta_ratio", 0.3)]))];
        assert_eq!(interval(&started(&layers, &[])), (41.0, "o.json".to_owned()));
        layers.push((StartOrigin::Env("MM_RUNTIME_OVERRIDES_JSON"), values(&[("min_interval_ms", 42.0)])));
        assert_eq!(interval(&started(&layers, &[])), (42.0, "env MM_RUNTIME_OVERRIDES_JSON".to_owned()));
        layers.push((StartOrigin::Profile("calm".to_owned()), values(&[("min_interval_ms", 43.0)])));
        assert_eq!(interval(&started(&layers, &[])), (43.0, "profile calm".to_owned()));
        layers.push((StartOrigin::Set, values(&[("min_interval_ms", 44.0)])));
        let start = started(&layers, &[]);
        assert_eq!(interval(&start), (44.0, "flag --set".to_owned()));
        assert_eq!((start.values[1].value, &start.values[1].origin), (0.3, &file()));
    }

    #[test]
    fn values_at_the_bounds_are_allowed_and_beyond_them_refused() {
        let set = |value| [(StartOrigin::Set, values(&[("min_interval_ms", value)]))];
        assert_eq!(interval(&started(&set(40.0), &[])).0, 40.0);
        assert_eq!(interval(&started(&set(80.0), &[])).0, 80.0);
        assert_eq!(
            errors(&set(39.0), &[]),
            ["`min_interval_ms` = 39 (flag --set) is below its bound, 40 ms; expected 40 to 80"]
        );
        assert_eq!(
            errors(&set(81.0), &[]),
            ["`min_interval_ms` = 81 (flag --set) is above its bound, 80 ms; expected 40 to 80"]
        );
        assert_eq!(
            errors(&set(60.5), &[]),
            ["`min_interval_ms` = 60.5 (flag --set) is not whole; expected a whole number of ms"]
        );
        assert_eq!(started(&[(file(), values(&[("max_delta_ratio", 0.1251)]))], &[]).values[1].value, 0.1251);
    }

    #[test]
    fn a_value_that_is_not_in_force_is_not_held_against_its_bounds() {
        let layers = [
            (file(), values(&[("min_interval_ms", 900.0)])),
            (StartOrigin::Set, values(&[("min_interval_ms", 50.0)])),
        ];
        assert_eq!(interval(&started(&layers, &[])).0, 50.0);
    }

    #[test]
    fn all_errors_are_told_and_unknown_names_in_every_layer() {
        let layers = [
            (file(), values(&[("min_interval", 50.0), ("zebra", 1.0)])),
            (StartOrigin::Set, values(&[("min_interval_ms", 5.0), ("max_delta_ratio", 0.51)])),
        ];
        assert_eq!(
            errors(&layers, &[&preset(&[("max_delta", Step::Add(0.1))])]),
            [
                "`min_interval` = 50 (o.json): the policy has no such parameter (did you mean `min_interval_ms`?)",
                "`zebra` = 1 (o.json): the policy has no such parameter",
                "`min_interval_ms` = 5 (flag --set) is below its bound, 40 ms; expected 40 to 80",
                "`max_delta_ratio` = 0.51 (flag --set) is above its bound, 0.5 ratio; expected 0.125 to 0.5",
                "preset `p`: the policy has no parameter `max_delta`",
            ]
        );
    }

    #[test]
    fn a_preset_changes_what_is_in_force_and_says_so() {
        let preset =
            preset(&[("min_interval_ms", Step::Add(15.0)), ("max_delta_ratio", Step::Multiply(0.5))]);
        let layers = [(StartOrigin::Set, values(&[("min_interval_ms", 45.0)]))];
        let start = started(&layers, &[&preset]);
        assert_eq!(interval(&start), (60.0, "preset p".to_owned()));
        assert_eq!(start.values[1].value, 0.125);
        assert_eq!(start.notes, Vec::<String>::new());
        // A second one goes on from there.
        assert_eq!(interval(&started(&layers, &[&preset, &preset])).0, 75.0);
    }

    #[test]
    fn a_preset_rounds_whole_values_towards_the_change() {
        let start = started(&[], &[&preset(&[("min_interval_ms", Step::Multiply(0.99))])]);
        assert_eq!(interval(&start).0, 59.0);
        let start = started(&[], &[&preset(&[("min_interval_ms", Step::Multiply(1.01))])]);
        assert_eq!(interval(&start).0, 61.0);
    }

    #[test]
    fn what_a_preset_leads_out_of_the_bounds_is_clamped_and_noted() {
        let start = started(&[], &[&preset(&[("min_interval_ms", Step::Add(21.0))])]);
        assert_eq!(interval(&start), (80.0, "preset p".to_owned()));
        assert_eq!(
            start.notes,
            [
                "preset `p`: `min_interval_ms` 60 + 21 would be 81, out of its bounds 40 to 80; it starts at 80"
            ]
        );
        assert!(started(&[], &[&preset(&[("min_interval_ms", Step::Add(20.0))])]).notes.is_empty());
        let start = started(&[], &[&preset(&[("min_interval_ms", Step::Add(-21.0))])]);
        assert!(start.notes[0].contains("60 - 21 would be 39"), "{:?}", start.notes);
        let start = started(&[], &[&preset(&[("max_delta_ratio", Step::Multiply(4.0))])]);
        assert!(start.notes[0].contains("0.25 * 4 would be 1"), "{:?}", start.notes);
        // At the bound already, it stays where it came from.
        let at_bound = [(file(), values(&[("min_interval_ms", 80.0)]))];
        let start = started(&at_bound, &[&preset(&[("min_interval_ms", Step::Add(1.0))])]);
        assert_eq!((interval(&start), start.notes.len()), ((80.0, "o.json".to_owned()), 1));
    }

    #[test]
    fn a_setting_is_a_name_and_a_number() {
        assert_eq!(parse_set("min_interval_ms=70"), Ok((ParamName::flat("min_interval_ms"), 70.0)));
        assert_eq!(parse_set(" tail_age_ms = 7e2 "), Ok((ParamName::flat("tail_age_ms"), 700.0)));
        let dotted = ParamName::flat("rescue_min_edge_bps");
        assert_eq!(parse_set("taker_rescue.min_edge_bps=-1.5"), Ok((dotted, -1.5)));
        for (text, part) in [
            ("min_interval_ms", "expected KEY=VALUE"),
            ("=70", "expected the name of a parameter"),
            ("a=", "expected a number after `=`, found ``"),
            ("a=b", "found `b`"),
            ("a=1=2", "found `1=2`"),
            ("a=NaN", "found `NaN`"),
            ("a=inf", "found `inf`"),
            ("a=1e999", "found `1e999`"),
        ] {
            assert!(parse_set(text).is_err_and(|problem| problem.contains(part)), "{text}");
        }
    }

    #[test]
    fn of_a_parameter_that_is_set_twice_the_last_one_counts() {
        let name = ParamName::flat("min_interval_ms");
        let layer = set_layer(&[(name.clone(), 70.0), (name.clone(), 71.0)]);
        assert_eq!(layer.get(&name), Some(71.0));
    }
}
