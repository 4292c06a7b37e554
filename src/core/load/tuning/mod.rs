//! The tuning record of an iteration, as `ITER_SUMMARY_<n>.json` and `TUNING_REPORT.json` spell it.
//!
//! Knows the old spellings and the text forms; must not judge. Codes are compared as whole words; free text is kept and
//! never searched for them.

use std::sync::Arc;

use serde::de::MapAccess;

use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::iteration::{AppliedValue, SkipReason, Tuning};
use crate::core::json::{Fields, Flag, Object, Read, Reading, Seen, Text, Texts, duplicate};

/// The keys that are read.
const KEYS: [&str; 21] = [
    "applied",
    "applied_values",
    "changed_keys",
    "cooldown_active",
    "deltas",
    "dropped",
    "freeze_active",
    "freeze_reason",
    "freeze_triggered",
    "guards",
    "old_hash",
    "oscillation_detected",
    "proposed_deltas",
    "rationale",
    "reasons",
    "signature",
    "skip_reason",
    "skipped_reason",
    "state_hash",
    "suggested_deltas",
    "velocity_violation",
];

/// Collects a tuning record key by key, from an object of its own or from among the keys of a flat file.
#[derive(Default)]
pub struct TuningReader {
    tuning: Tuning,
    seen: Seen,
    proposed: Option<ParamValues>,
    deltas: Option<ParamValues>,
    suggested: Option<ParamValues>,
    skip: Skip,
    skipped_reason: Skip,
}

impl<'de> Fields<'de> for TuningReader {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let Some(place) = KEYS.iter().position(|known| *known == key) else { return Ok(false) };
        let key = KEYS[place];
        self.seen.once(place, key)?;
        let guards = &mut self.tuning.guards;
        match key {
            "proposed_deltas" => self.proposed = increments(key, map)?,
            "deltas" => self.deltas = increments(key, map)?,
            "suggested_deltas" => self.suggested = increments(key, map)?,
            "skip_reason" => {
                self.skip = map.next_value_seed(Read(Object(key, Skip::default())))?.unwrap_or_default();
            }
            "skipped_reason" => {
                self.skipped_reason =
                    map.next_value_seed(Read(Text(key, Skip::from_text)))?.unwrap_or_default();
            }
            "applied" => self.tuning.applied = map.next_value_seed(Read(Flag(key)))?,
            "applied_values" => {
                let pairs = by_param(key, map, AppliedValues::default(), |read| read.0)?;
                self.tuning.applied_values =
                    pairs.unwrap_or_default().into_iter().map(|(_, value)| value).collect();
            }
            "dropped" => {
                self.tuning.dropped =
                    by_param(key, map, Dropped::default(), |read| read.0)?.unwrap_or_default();
            }
            "changed_keys" => {
                let keys = &mut self.tuning.changed_keys;
                map.next_value_seed(Read(Texts(key, |name: &str| keys.push(ParamName::flat(name)))))?;
            }
            "signature" => self.tuning.signature = hash(key, map)?,
            "state_hash" => self.tuning.state_hash = hash(key, map)?,
            "old_hash" => self.tuning.old_hash = hash(key, map)?,
            "freeze_reason" => {
                self.tuning.freeze_reason = map.next_value_seed(Read(Text(key, present)))?.flatten();
            }
            "guards" => map.next_value_seed(Read(Texts(key, |code: &str| {
                if let Some(guard) = guard_of(code) {
                    guards.insert(guard);
                }
            })))?,
            "reasons" => map.next_value_seed(Read(Texts(key, |reason: &str| {
                insert_latency(guards, |tag| reason.contains(tag));
            })))?,
            "rationale" => {
                map.next_value_seed(Read(Text(key, |rationale: &str| {
                    for part in rationale.split(" | ") {
                        insert_latency(guards, |tag| part.trim_start().starts_with(tag));
                    }
                })))?;
            }
            _ => {
                let guard = match key {
                    "oscillation_detected" => Guard::Oscillation,
                    "velocity_violation" => Guard::Velocity,
                    "cooldown_active" => Guard::Cooldown,
                    _ => Guard::Freeze,
                };
                if map.next_value_seed(Read(Flag(key)))? == Some(true) {
                    guards.insert(guard);
                    self.tuning.freeze |= guard == Guard::Freeze;
                }
            }
        }
        Ok(true)
    }
}

impl TuningReader {
    /// The record.
    pub fn finish(self) -> Tuning {
        let Self { mut tuning, seen: _, proposed, deltas, suggested, skip, skipped_reason } = self;
        tuning.deltas = proposed.or(deltas).or(suggested).unwrap_or_default();
        for guard in skip.guards.iter().chain(skipped_reason.guards.iter()) {
            tuning.guards.insert(guard);
            tuning.freeze |= guard == Guard::Freeze;
        }
        let code = skip.code.or(skipped_reason.code);
        let note = skip.note.or(skipped_reason.note);
        tuning.skip = (code.is_some() || note.is_some()).then_some(SkipReason { code, note });
        tuning
    }
}

/// A hash or signature; `""` and `"na"` are how runners say that there is none.
fn hash<'de, A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Option<Arc<str>>, A::Error> {
    let text = map.next_value_seed(Read(Text(key, present)))?.flatten();
    Ok(text.filter(|text| &**text != "na"))
}

/// A text that says something.
fn present(text: &str) -> Option<Arc<str>> {
    (!text.trim().is_empty()).then(|| Arc::from(text))
}

/// Notes the latency guards whose tag `has` finds.
fn insert_latency(guards: &mut GuardSet, has: impl Fn(&str) -> bool) {
    for (tag, guard) in [("LATENCY_BUFFER", Guard::LatencySoft), ("LATENCY_HARD", Guard::LatencyHard)] {
        if has(tag) {
            guards.insert(guard);
        }
    }
}

/// The guard that a documented code speaks of.
fn guard_of(code: &str) -> Option<Guard> {
    match code {
        "cooldown_active" => Some(Guard::Cooldown),
        "velocity_exceeded" | "velocity_violation" => Some(Guard::Velocity),
        "oscillation_detected" => Some(Guard::Oscillation),
        "frozen" | "all_params_frozen" => Some(Guard::Freeze),
        word => Guard::parse(word),
    }
}

/// Codes that stand for no guard of their own.
const OTHER_CODES: [&str; 4] =
    ["all_deltas_zero_hit_bounds", "final_iteration", "no_deltas", "same_signature"];

/// A skip reason: an object of flags with code and note, a text, `""` or `null`.
#[derive(Default)]
struct Skip {
    guards: GuardSet,
    code: Option<Arc<str>>,
    note: Option<Arc<str>>,
    seen: Seen,
}

impl Skip {
    fn add_code(&mut self, code: Option<Arc<str>>) {
        if let Some(guard) = code.as_deref().and_then(guard_of) {
            self.guards.insert(guard);
        }
        self.code = code;
    }

    /// Text is a code when it is one to the letter, else a note.
    fn from_text(text: &str) -> Self {
        let mut skip = Self::default();
        if guard_of(text).is_some() || OTHER_CODES.contains(&text) {
            skip.add_code(Some(Arc::from(text)));
        } else {
            skip.note = present(text);
        }
        skip
    }
}

impl<'de> Fields<'de> for Skip {
    const EXPECTED: &'static str = "an object or text";

    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        const PATHS: [&str; 8] = [
            "skip_reason.code",
            "skip_reason.cooldown",
            "skip_reason.freeze",
            "skip_reason.no_op",
            "skip_reason.note",
            "skip_reason.oscillation",
            "skip_reason.partial_freeze",
            "skip_reason.velocity",
        ];
        let found = PATHS.iter().position(|path| path.strip_prefix("skip_reason.") == Some(key));
        let Some(place) = found else { return Ok(false) };
        let path = PATHS[place];
        self.seen.once(place, path)?;
        match key {
            "code" => self.add_code(map.next_value_seed(Read(Text(path, present)))?.flatten()),
            "note" => self.note = map.next_value_seed(Read(Text(path, present)))?.flatten(),
            flag => {
                let is_set = map.next_value_seed(Read(Flag(path)))? == Some(true);
                if let Some(guard) = Guard::parse(flag).filter(|_| is_set) {
                    self.guards.insert(guard);
                }
            }
        }
        Ok(true)
    }

    fn text(&mut self, text: &str) -> bool {
        *self = Self::from_text(text);
        true
    }
}

/// An object with values by parameter, sorted by it; a parameter that comes twice is an error.
fn by_param<'de, A: MapAccess<'de>, F: Fields<'de>, T>(
    key: &str,
    map: &mut A,
    fields: F,
    pairs: impl FnOnce(F) -> Vec<(ParamName, T)>,
) -> Result<Option<Vec<(ParamName, T)>>, A::Error> {
    let Some(read) = map.next_value_seed(Read(Object(key, fields)))? else { return Ok(None) };
    let mut pairs = pairs(read);
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    match pairs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(twice) => Err(duplicate(&format!("{key}.{}", twice[0].0))),
        None => Ok(Some(pairs)),
    }
}

fn increments<'de, A: MapAccess<'de>>(key: &str, map: &mut A) -> Result<Option<ParamValues>, A::Error> {
    let pairs = by_param(key, map, Increments { key, pairs: Vec::new() }, |read| read.pairs)?;
    Ok(pairs.map(ParamValues::new))
}

/// `{param: increment}`; a `null` in it is a parameter without a proposal.
struct Increments<'a> {
    key: &'a str,
    pairs: Vec<(ParamName, f64)>,
}

impl<'de> Fields<'de> for Increments<'_> {
    fn field<A: MapAccess<'de>>(&mut self, param: &str, map: &mut A) -> Result<bool, A::Error> {
        let delta = match map.next_value::<Reading>()? {
            Reading::Value(delta) => Some(delta),
            other => other.required_type(&format!("{}.{param}", self.key))?,
        };
        self.pairs.extend(delta.map(|delta| (ParamName::flat(param), delta)));
        Ok(true)
    }
}

/// `applied_values`: `{param: {old, delta, new, bound}}`.
#[derive(Default)]
struct AppliedValues(Vec<(ParamName, AppliedValue)>);

impl<'de> Fields<'de> for AppliedValues {
    fn field<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        let path = format!("applied_values.{name}");
        let param = ParamName::flat(name);
        let value = AppliedValue { param: param.clone(), old: None, delta: None, new: None, at_bound: false };
        let applied = OneApplied { path: &path, value, seen: Seen::default() };
        let applied = map.next_value_seed(Read(Object(&path, applied)))?;
        self.0.extend(applied.map(|applied| (param, applied.value)));
        Ok(true)
    }
}

struct OneApplied<'a> {
    path: &'a str,
    value: AppliedValue,
    seen: Seen,
}

impl<'de> Fields<'de> for OneApplied<'_> {
    fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        const KEYS: [&str; 4] = ["bound", "delta", "new", "old"];
        let Some(place) = KEYS.iter().position(|known| *known == key) else { return Ok(false) };
        let path = format!("{}.{key}", self.path);
        self.seen.once(place, &path)?;
        let value = &mut self.value;
        let slot = match place {
            0 => {
                value.at_bound = map.next_value_seed(Read(Flag(&path)))?.unwrap_or_default();
                return Ok(true);
            }
            1 => &mut value.delta,
            2 => &mut value.new,
            _ => &mut value.old,
        };
        *slot = map.next_value::<Reading>()?.required_type(&path)?;
        Ok(true)
    }
}

/// `dropped`: `{param: code}`.
#[derive(Default)]
struct Dropped(Vec<(ParamName, Arc<str>)>);

impl<'de> Fields<'de> for Dropped {
    fn field<A: MapAccess<'de>>(&mut self, param: &str, map: &mut A) -> Result<bool, A::Error> {
        let path = format!("dropped.{param}");
        let code = map.next_value_seed(Read(Text(&path, present)))?.flatten();
        self.0.extend(code.map(|code| (ParamName::flat(param), code)));
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
