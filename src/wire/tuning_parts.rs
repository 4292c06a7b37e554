//! The objects inside a tuning record: increments, skip reason, applied and dropped parameters.
//!
//! Codes are compared as whole words; free text is kept and never searched for them.

use std::borrow::Cow;
use std::sync::Arc;

use serde::de::{Error, IgnoredAny, MapAccess};

use super::number::Reading;
use super::read::{Flag, Key, Read, Seen, Shape, Text, duplicate};
use super::tuning::present;
use crate::core::guards::{Guard, GuardSet};
use crate::core::iteration::AppliedValue;
use crate::core::params::{ParamName, ParamValues};

/// The guard that a documented code speaks of.
pub(super) fn guard_of(code: &str) -> Option<Guard> {
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

/// A skip reason as read.
#[derive(Debug, Default)]
pub(super) struct SkipRead {
    pub(super) guards: GuardSet,
    pub(super) code: Option<Arc<str>>,
    pub(super) note: Option<Arc<str>>,
}

impl SkipRead {
    fn add_code(&mut self, code: Option<Arc<str>>) {
        if let Some(guard) = code.as_deref().and_then(guard_of) {
            self.guards.insert(guard);
        }
        self.code = code;
    }
}

/// A skip reason given as text: a code when it is one to the letter, else a note.
pub(super) fn skip_from_text(text: &str) -> SkipRead {
    let mut skip = SkipRead::default();
    if guard_of(text).is_some() || OTHER_CODES.contains(&text) {
        skip.add_code(Some(Arc::from(text)));
    } else {
        skip.note = present(text);
    }
    skip
}

/// `skip_reason`: an object of flags with code and note, a text, `""` or `null`.
pub(super) struct Skip;

impl<'de> Shape<'de> for Skip {
    type Value = SkipRead;
    const EXPECTED: &'static str = "an object or text";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("skip_reason")
    }

    fn null(self) -> SkipRead {
        SkipRead::default()
    }

    fn text<E: Error>(self, text: &str) -> Result<SkipRead, E> {
        Ok(skip_from_text(text))
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<SkipRead, A::Error> {
        const FLAGS: [(&str, Guard); 6] = [
            ("skip_reason.cooldown", Guard::Cooldown),
            ("skip_reason.freeze", Guard::Freeze),
            ("skip_reason.no_op", Guard::NoOp),
            ("skip_reason.oscillation", Guard::Oscillation),
            ("skip_reason.partial_freeze", Guard::PartialFreeze),
            ("skip_reason.velocity", Guard::Velocity),
        ];
        let mut skip = SkipRead::default();
        let mut seen = Seen::default();
        while let Some(key) = object.next_key_seed(Key)? {
            let flag = FLAGS.iter().position(|(path, _)| path.strip_prefix("skip_reason.") == Some(&*key));
            if let Some(place) = flag {
                let (path, guard) = FLAGS[place];
                seen.once(place, path)?;
                if object.next_value_seed(Read(Flag(path)))? == Some(true) {
                    skip.guards.insert(guard);
                }
            } else if key == "code" {
                seen.once(FLAGS.len(), "skip_reason.code")?;
                skip.add_code(object.next_value_seed(Read(Text("skip_reason.code", present)))?.flatten());
            } else if key == "note" {
                seen.once(FLAGS.len() + 1, "skip_reason.note")?;
                skip.note = object.next_value_seed(Read(Text("skip_reason.note", present)))?.flatten();
            } else {
                object.next_value::<IgnoredAny>()?;
            }
        }
        Ok(skip)
    }
}

/// `{param: increment}`; a `null` in it is a parameter without a proposal.
pub(super) struct Increments<'a>(pub(super) &'a str);

impl<'de> Shape<'de> for Increments<'_> {
    type Value = Option<ParamValues>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut pairs: Vec<(ParamName, f64)> = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            let delta = match object.next_value::<Reading>()? {
                Reading::Value(delta) => Some(delta),
                other => other.required_type(&format!("{}.{key}", self.0))?,
            };
            pairs.extend(delta.map(|delta| (ParamName::flat(&key), delta)));
        }
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        each_once(self.0, pairs.iter().map(|(param, _)| param))?;
        Ok(Some(ParamValues::new(pairs)))
    }
}

/// `applied_values`: `{param: {old, delta, new, bound}}`, sorted by parameter.
pub(super) struct AppliedValues;

impl<'de> Shape<'de> for AppliedValues {
    type Value = Vec<AppliedValue>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("applied_values")
    }

    fn null(self) -> Self::Value {
        Vec::new()
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut values: Vec<AppliedValue> = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            values.extend(object.next_value_seed(Read(OneApplied(&key)))?);
        }
        values.sort_by(|a, b| a.param.cmp(&b.param));
        each_once("applied_values", values.iter().map(|value| &value.param))?;
        Ok(values)
    }
}

struct OneApplied<'a>(&'a str);

impl<'de> Shape<'de> for OneApplied<'_> {
    type Value = Option<AppliedValue>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Owned(format!("applied_values.{}", self.0))
    }

    fn null(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        const KEYS: [&str; 4] = ["bound", "delta", "new", "old"];
        let mut value = AppliedValue {
            param: ParamName::flat(self.0),
            old: None,
            delta: None,
            new: None,
            at_bound: false,
        };
        let mut seen = Seen::default();
        while let Some(key) = object.next_key_seed(Key)? {
            let Some(place) = KEYS.iter().position(|known| *known == key) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let path = format!("{}.{key}", self.key());
            seen.once(place, &path)?;
            if place == 0 {
                value.at_bound = object.next_value_seed(Read(Flag(&path)))?.unwrap_or_default();
                continue;
            }
            let number = object.next_value::<Reading>()?.required_type(&path)?;
            *match place {
                1 => &mut value.delta,
                2 => &mut value.new,
                _ => &mut value.old,
            } = number;
        }
        Ok(Some(value))
    }
}

/// `dropped`: `{param: code}`, sorted by parameter.
pub(super) struct Dropped;

impl<'de> Shape<'de> for Dropped {
    type Value = Vec<(ParamName, Arc<str>)>;
    const EXPECTED: &'static str = "an object";

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed("dropped")
    }

    fn null(self) -> Self::Value {
        Vec::new()
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut dropped: Vec<(ParamName, Arc<str>)> = Vec::new();
        while let Some(key) = object.next_key_seed(Key)? {
            let path = format!("dropped.{key}");
            let code = object.next_value_seed(Read(Text(&path, present)))?.flatten();
            dropped.extend(code.map(|code| (ParamName::flat(&key), code)));
        }
        dropped.sort_by(|a, b| a.0.cmp(&b.0));
        each_once("dropped", dropped.iter().map(|(param, _)| param))?;
        Ok(dropped)
    }
}

/// An error when two neighbours of a sorted list are the same parameter.
fn each_once<'a, E: Error>(key: &str, params: impl Iterator<Item = &'a ParamName>) -> Result<(), E> {
    let mut last: Option<&ParamName> = None;
    for param in params {
        if last == Some(param) {
            return Err(duplicate(&format!("{key}.{param}")));
        }
        last = Some(param);
    }
    Ok(())
}
