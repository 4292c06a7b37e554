//! The tuning record of an iteration, as `ITER_SUMMARY_<n>.json` and `TUNING_REPORT.json` spell it.
//!
//! Knows the old spellings and the text forms; must not judge, and must not read meaning into free text.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess};

use super::read::{Flag, Key, Read, Seen, Shape, Text, Texts};
use super::tuning_parts::{AppliedValues, Dropped, Increments, Skip, SkipRead, guard_of, skip_from_text};
use crate::core::guards::{Guard, GuardSet};
use crate::core::iteration::{SkipReason, Tuning};
use crate::core::params::{ParamName, ParamValues};

/// The keys that are read. All others are left to the caller.
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

/// Reads a tuning object; `null` is an empty record.
#[derive(Clone, Copy, Debug)]
pub struct TuningSeed;

impl<'de> DeserializeSeed<'de> for TuningSeed {
    type Value = Tuning;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tuning, D::Error> {
        Read(self).deserialize(deserializer)
    }
}

impl<'de> Shape<'de> for TuningSeed {
    type Value = Tuning;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("tuning")
    }

    fn null(self) -> Tuning {
        Tuning::default()
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Tuning, A::Error> {
        let mut builder = TuningBuilder::default();
        while let Some(key) = object.next_key_seed(Key)? {
            if !builder.accept(&key, &mut object)? {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(builder.finish())
    }
}

/// Collects a tuning record key by key, so that files which hold it flat, among other keys, are read by the
/// same rules.
#[derive(Debug, Default)]
pub struct TuningBuilder {
    tuning: Tuning,
    seen: Seen,
    proposed: Option<ParamValues>,
    deltas: Option<ParamValues>,
    suggested: Option<ParamValues>,
    skip: SkipRead,
    skipped_reason: SkipRead,
}

impl TuningBuilder {
    /// Reads the value of `key` from `map` if it belongs to a tuning record. `false`: it does not, and the
    /// value still stands there to be read.
    pub fn accept<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
        let Some(place) = KEYS.iter().position(|known| *known == key) else { return Ok(false) };
        let key = KEYS[place];
        self.seen.once(place, key)?;
        match key {
            "proposed_deltas" => self.proposed = map.next_value_seed(Read(Increments(key)))?,
            "deltas" => self.deltas = map.next_value_seed(Read(Increments(key)))?,
            "suggested_deltas" => self.suggested = map.next_value_seed(Read(Increments(key)))?,
            "skip_reason" => self.skip = map.next_value_seed(Read(Skip))?,
            "skipped_reason" => {
                self.skipped_reason =
                    map.next_value_seed(Read(Text(key, skip_from_text)))?.unwrap_or_default();
            }
            "applied" => self.tuning.applied = map.next_value_seed(Read(Flag(key)))?,
            "applied_values" => self.tuning.applied_values = map.next_value_seed(Read(AppliedValues))?,
            "dropped" => self.tuning.dropped = map.next_value_seed(Read(Dropped))?,
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
            _ => self.accept_guard(key, map)?,
        }
        Ok(true)
    }

    fn accept_guard<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let guards = &mut self.tuning.guards;
        match key {
            "guards" => map.next_value_seed(Read(Texts(key, |code: &str| {
                if let Some(guard) = guard_of(code) {
                    guards.insert(guard);
                }
            }))),
            "reasons" => map.next_value_seed(Read(Texts(key, |reason: &str| {
                insert_latency(guards, |tag| reason.contains(tag));
            }))),
            "rationale" => {
                map.next_value_seed(Read(Text(key, |rationale: &str| {
                    for part in rationale.split(" | ") {
                        insert_latency(guards, |tag| part.trim_start().starts_with(tag));
                    }
                })))?;
                Ok(())
            }
            _ => {
                let spoke = map.next_value_seed(Read(Flag(key)))? == Some(true);
                let guard = match key {
                    "oscillation_detected" => Guard::Oscillation,
                    "velocity_violation" => Guard::Velocity,
                    "cooldown_active" => Guard::Cooldown,
                    _ => Guard::Freeze,
                };
                if spoke {
                    guards.insert(guard);
                    self.tuning.freeze |= guard == Guard::Freeze;
                }
                Ok(())
            }
        }
    }

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
pub(super) fn present(text: &str) -> Option<Arc<str>> {
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

#[cfg(test)]
mod tests;
