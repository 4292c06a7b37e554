//! The tuning record of an iteration, as `ITER_SUMMARY_<n>.json` and `TUNING_REPORT.json` spell it.
//!
//! Knows the old spellings and the text forms; must not judge. Codes are compared as whole words; free text is kept and
//! never searched for them.

use std::sync::Arc;

use serde::de::MapAccess;

use crate::core::iteration::guards::{Guard, GuardSet};
use crate::core::iteration::params::{ParamName, ParamValues};
use crate::core::iteration::{AppliedValue, SkipReason, Tuning};
use crate::core::json::{Fields, Flag, KeysRead, Object, Read, Reading, Text, Texts, duplicate};

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
    seen: KeysRead,
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

/// The guard that a documented code names.
fn guard_of(code: &str) -> Option<Guard> {
    match code {
        "cooldown_active" => Some(Guard::Cooldown),
        "velocity_exceeded" | "velocity_violation" => Some(Guard::Velocity),
        "oscillation_detected" => Some(Guard::Oscillation),
        "frozen" | "all_params_frozen" => Some(Guard::Freeze),
        word => Guard::parse(word),
    }
}

/// Codes that have no guard of their own.
const OTHER_CODES: [&str; 4] =
    ["all_deltas_zero_hit_bounds", "final_iteration", "no_deltas", "same_signature"];

/// A skip reason: an object of flags with code and note, a text, `""` or `null`.
#[derive(Default)]
struct Skip {
    guards: GuardSet,
    code: Option<Arc<str>>,
    note: Option<Arc<str>>,
    seen: KeysRead,
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
        let applied = OneApplied { path: &path, value, seen: KeysRead::default() };
        let applied = map.next_value_seed(Read(Object(&path, applied)))?;
        self.0.extend(applied.map(|applied| (param, applied.value)));
        Ok(true)
    }
}

struct OneApplied<'a> {
    path: &'a str,
    value: AppliedValue,
    seen: KeysRead,
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
mod tests {

    use super::*;
    use serde_json::de::StrRead;

    use crate::core::json::{NOT_FINITE_SENTINEL, Object, read_all};

    fn parse(json: &str) -> Result<Tuning, String> {
        let read = read_all(StrRead::new(json), Object("tuning", TuningReader::default()));
        read.map(|read| read.unwrap_or_default().finish()).map_err(|error| error.to_string())
    }

    fn tuning(json: &str) -> Tuning {
        parse(json).expect("a readable record")
    }

    fn guards(json: &str) -> Vec<&'static str> {
        tuning(json).guards.iter().map(Guard::word).collect()
    }

    fn delta(tuning: &Tuning, name: &str) -> Option<f64> {
        tuning.deltas.get(&ParamName::flat(name))
    }

    #[test]
    fn a_full_record_is_read() {
        let found = tuning(
            r#"{"applied": true, "proposed_deltas": {"tail_age_ms": 30, "impact_cap_ratio": -0.01},
            "applied_values": {"tail_age_ms": {"old": 790, "delta": 30, "new": 800, "bound": true},
                               "impact_cap_ratio": {"old": 0.1, "delta": -0.01, "new": 0.09, "bound": false}},
            "dropped": {"max_delta_ratio": "velocity"}, "changed_keys": ["tail_age_ms", "engine.min_interval_ms"],
            "state_hash": "bb", "old_hash": "aa", "signature": "cc", "freeze_reason": "stable",
            "conditions": {"net_bps": [1, {"x": 2}]}, "rationale": "DRIVER: adverse | STABLE"}"#,
        );
        assert_eq!(found.applied, Some(true));
        assert_eq!(
            (delta(&found, "tail_age_ms"), delta(&found, "impact_cap_ratio")),
            (Some(30.0), Some(-0.01))
        );
        let names: Vec<&str> = found.applied_values.iter().map(|value| value.param.as_str()).collect();
        assert_eq!(names, ["impact_cap_ratio", "tail_age_ms"]);
        let tail = &found.applied_values[1];
        assert_eq!(
            (tail.old, tail.delta, tail.new, tail.at_bound),
            (Some(790.0), Some(30.0), Some(800.0), true)
        );
        assert!(!found.applied_values[0].at_bound);
        assert_eq!(found.dropped, [(ParamName::flat("max_delta_ratio"), Arc::from("velocity"))]);
        assert_eq!(found.changed_keys, [ParamName::flat("tail_age_ms"), ParamName::flat("min_interval_ms")]);
        assert_eq!(found.state_hash.as_deref(), Some("bb"));
        assert_eq!(found.old_hash.as_deref(), Some("aa"));
        assert_eq!(found.signature.as_deref(), Some("cc"));
        assert_eq!(found.freeze_reason.as_deref(), Some("stable"));
        assert!(found.guards.is_empty() && !found.freeze && found.skip.is_none());
    }

    #[test]
    fn null_is_always_missing() {
        let json: Vec<String> = KEYS.iter().map(|key| format!("\"{key}\": null")).collect();
        assert_eq!(tuning(&format!("{{{}}}", json.join(", "))), Tuning::default());
        assert_eq!(tuning("null"), Tuning::default());
        assert_eq!(tuning("{}"), Tuning::default());
        let inner = tuning(
            r#"{"proposed_deltas": {"a": null, "b": 0}, "dropped": {"a": null}, "guards": [null],
            "applied_values": {"a": null, "b": {"old": null, "new": null, "delta": null, "bound": null}},
            "skip_reason": {"cooldown": null, "code": null, "note": null}}"#,
        );
        assert_eq!((inner.deltas.len(), inner.applied_values.len(), inner.dropped.len()), (1, 1, 0));
        assert_eq!(inner.applied_values[0].new, None);
        assert!(inner.guards.is_empty() && inner.skip.is_none());
    }

    #[test]
    fn proposed_deltas_win_and_an_empty_one_stays_empty() {
        let pick = |json: &str| delta(&tuning(json), "a");
        assert_eq!(
            pick(r#"{"deltas": {"a": 1}, "proposed_deltas": {"a": 2}, "suggested_deltas": {"a": 3}}"#),
            Some(2.0)
        );
        assert_eq!(pick(r#"{"suggested_deltas": {"a": 3}, "deltas": {"a": 1}}"#), Some(1.0));
        assert_eq!(pick(r#"{"suggested_deltas": {"a": 3}}"#), Some(3.0));
        assert_eq!(pick(r#"{"suggested_deltas": {"a": 3}, "proposed_deltas": {}}"#), None);
        assert_eq!(pick(r#"{"suggested_deltas": {"a": 3}, "deltas": {}}"#), None);
        assert_eq!(pick(r#"{"suggested_deltas": {"a": 3}, "proposed_deltas": null}"#), Some(3.0));
    }

    #[test]
    fn nested_names_on_one_line_are_the_flat_parameters() {
        let found =
            tuning(r#"{"deltas": {"taker_rescue.min_edge_bps": 0.5, "risk.impact_cap_ratio": -0.01}}"#);
        assert_eq!(delta(&found, "rescue_min_edge_bps"), Some(0.5));
        assert_eq!(delta(&found, "impact_cap_ratio"), Some(-0.01));
    }

    #[test]
    fn a_skip_reason_may_be_an_object() {
        let found = tuning(
            r#"{"skip_reason": {"cooldown": false, "velocity": true, "oscillation": true, "freeze": false,
            "no_op": true, "partial_freeze": true, "code": "velocity_exceeded", "note": "frozen by velocity",
            "extra": 1}}"#,
        );
        let words: Vec<&str> = found.guards.iter().map(Guard::word).collect();
        assert_eq!(words, ["oscillation", "velocity", "partial_freeze", "no_op"]);
        let skip = found.skip.expect("a reason");
        assert_eq!(skip.code.as_deref(), Some("velocity_exceeded"));
        assert_eq!(skip.note.as_deref(), Some("frozen by velocity"));
        assert!(!found.freeze, "the note is never searched for codes");
        let quiet = tuning(r#"{"skip_reason": {"velocity": false, "note": ""}}"#);
        assert_eq!((quiet.skip, quiet.guards.is_empty()), (None, true));
    }

    #[test]
    fn a_skip_reason_may_be_text_and_counts_as_a_code_only_to_the_letter() {
        let read = |text: &str| tuning(&format!(r#"{{"skip_reason": "{text}"}}"#));
        for (text, word) in [
            ("cooldown", "cooldown"),
            ("cooldown_active", "cooldown"),
            ("velocity", "velocity"),
            ("velocity_exceeded", "velocity"),
            ("velocity_violation", "velocity"),
            ("oscillation", "oscillation"),
            ("oscillation_detected", "oscillation"),
            ("freeze", "freeze"),
            ("frozen", "freeze"),
            ("all_params_frozen", "freeze"),
            ("partial_freeze", "partial_freeze"),
            ("no_op", "no_op"),
        ] {
            let found = read(text);
            assert_eq!(found.guards.iter().map(Guard::word).collect::<Vec<_>>(), [word], "{text}");
            assert_eq!(found.freeze, word == "freeze", "{text}");
            assert_eq!(found.skip.and_then(|skip| skip.code).as_deref(), Some(text));
        }
        for text in ["final_iteration", "same_signature", "no_deltas", "all_deltas_zero_hit_bounds"] {
            let found = read(text);
            assert!(found.guards.is_empty());
            assert_eq!(found.skip.and_then(|skip| skip.code).as_deref(), Some(text));
        }
        for text in ["no_runtime_path", "all_keys_on_cooldown", "cooldown for 2 iterations", "Velocity"] {
            let found = read(text);
            assert!(found.guards.is_empty(), "{text}");
            let skip = found.skip.expect("a note is a reason");
            assert_eq!((skip.code, skip.note.as_deref()), (None, Some(text)));
        }
        assert_eq!(read("").skip, None);
        assert_eq!(read("  ").skip, None);
    }

    #[test]
    fn skipped_reason_fills_what_skip_reason_leaves_open() {
        let found = tuning(r#"{"skip_reason": {"velocity": true}, "skipped_reason": "cooldown"}"#);
        assert_eq!(found.guards.iter().map(Guard::word).collect::<Vec<_>>(), ["velocity", "cooldown"]);
        assert_eq!(found.skip.and_then(|skip| skip.code).as_deref(), Some("cooldown"));
        let kept = tuning(r#"{"skip_reason": "velocity", "skipped_reason": "cooldown"}"#);
        assert_eq!(kept.skip.and_then(|skip| skip.code).as_deref(), Some("velocity"));
    }

    #[test]
    fn flags_and_guard_codes_all_count() {
        assert_eq!(
            guards(
                r#"{"oscillation_detected": true, "velocity_violation": true, "cooldown_active": true,
                "freeze_triggered": false, "guards": ["no_op", "final_iteration", "some velocity text"]}"#
            ),
            ["oscillation", "velocity", "cooldown", "no_op"]
        );
        assert_eq!(guards(r#"{"oscillation_detected": false, "cooldown_active": null}"#), [""; 0]);
    }

    #[test]
    fn a_freeze_is_one_that_started_is_in_force_or_was_the_reason() {
        for json in [
            r#"{"freeze_triggered": true}"#,
            r#"{"freeze_active": true}"#,
            r#"{"skip_reason": {"freeze": true}}"#,
            r#"{"skip_reason": {"code": "all_params_frozen"}}"#,
        ] {
            let found = tuning(json);
            assert!(found.freeze && found.guards.contains(Guard::Freeze), "{json}");
        }
        for json in [
            r#"{"freeze_triggered": false, "freeze_active": false}"#,
            r#"{"skip_reason": {"freeze": false, "note": "freeze"}}"#,
            r#"{"skip_reason": {"partial_freeze": true}}"#,
            r#"{"freeze_reason": "stable"}"#,
        ] {
            assert!(!tuning(json).freeze, "{json}");
        }
    }

    #[test]
    fn latency_tags_are_found_in_reasons_and_at_the_start_of_parts_of_the_rationale() {
        assert_eq!(guards(r#"{"reasons": ["p95: LATENCY_BUFFER +50", "else"]}"#), ["latency_soft"]);
        assert_eq!(
            guards(r#"{"reasons": ["LATENCY_HARD", "LATENCY_BUFFER"]}"#),
            ["latency_soft", "latency_hard"]
        );
        assert_eq!(guards(r#"{"rationale": "DRIVER: a | LATENCY_HARD: p95=370"}"#), ["latency_hard"]);
        assert_eq!(guards(r#"{"rationale": "LATENCY_BUFFER: p95=340 | DRIVER: a"}"#), ["latency_soft"]);
        assert_eq!(guards(r#"{"rationale": "DRIVER: no LATENCY_HARD here"}"#), [""; 0]);
    }

    #[test]
    fn empty_and_na_hashes_are_missing() {
        let found = tuning(r#"{"signature": "na", "state_hash": "", "old_hash": "na"}"#);
        assert_eq!((found.signature, found.state_hash, found.old_hash), (None, None, None));
    }

    #[test]
    fn wrong_types_are_reported_with_key_and_both_types() {
        for (json, message) in [
            (r#"{"applied": "yes"}"#, "`applied` is text, expected a boolean"),
            (r#"{"applied": 1}"#, "`applied` is a number, expected a boolean"),
            (r#"{"cooldown_active": []}"#, "`cooldown_active` is a list, expected a boolean"),
            (r#"{"deltas": []}"#, "`deltas` is a list, expected an object"),
            (r#"{"deltas": {"a": "1"}}"#, "`deltas.a` is text, expected a number"),
            (r#"{"deltas": {"risk": {"a": 1}}}"#, "`deltas.risk` is an object, expected a number"),
            (r#"{"state_hash": 7}"#, "`state_hash` is a number, expected text"),
            (r#"{"guards": "velocity"}"#, "`guards` is text, expected a list of texts"),
            (r#"{"guards": [true]}"#, "`guards[]` is a boolean, expected text"),
            (r#"{"skip_reason": true}"#, "`skip_reason` is a boolean, expected an object or text"),
            (r#"{"skip_reason": {"velocity": 1}}"#, "`skip_reason.velocity` is a number, expected a boolean"),
            (r#"{"skip_reason": {"note": {}}}"#, "`skip_reason.note` is an object, expected text"),
            (r#"{"dropped": {"a": 1}}"#, "`dropped.a` is a number, expected text"),
            (r#"{"applied_values": {"a": 1}}"#, "`applied_values.a` is a number, expected an object"),
            (
                r#"{"applied_values": {"a": {"new": "1"}}}"#,
                "`applied_values.a.new` is text, expected a number",
            ),
            (
                r#"{"applied_values": {"a": {"bound": 1}}}"#,
                "`applied_values.a.bound` is a number, expected a boolean",
            ),
            ("[]", "`tuning` is a list, expected an object"),
        ] {
            let error = parse(json).expect_err(json);
            assert!(error.starts_with(message), "{json}: {error}");
            assert!(error.contains(" at line 1 column "), "{error}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_reported_with_their_key() {
        let nan = format!("\"{NOT_FINITE_SENTINEL}\"");
        let deltas = parse(&format!(r#"{{"proposed_deltas": {{"tail_age_ms": {nan}}}}}"#)).expect_err("NaN");
        assert!(deltas.starts_with("`proposed_deltas.tail_age_ms` is not finite"), "{deltas}");
        let hash = parse(&format!(r#"{{"state_hash": {nan}}}"#)).expect_err("NaN");
        assert!(hash.starts_with("`state_hash` is a number that is not finite, expected text"), "{hash}");
    }

    #[test]
    fn a_key_that_is_read_may_occur_only_once() {
        for (json, key) in [
            (r#"{"applied": true, "applied": true}"#, "applied"),
            (r#"{"deltas": {"a": 1, "a": 1}}"#, "deltas.a"),
            (r#"{"deltas": {"risk.impact_cap_ratio": 1, "impact_cap_ratio": 1}}"#, "deltas.impact_cap_ratio"),
            (r#"{"skip_reason": {"note": "a", "note": "b"}}"#, "skip_reason.note"),
            (r#"{"skip_reason": {"freeze": true, "freeze": false}}"#, "skip_reason.freeze"),
            (r#"{"dropped": {"a": "x", "a": "y"}}"#, "dropped.a"),
            (r#"{"applied_values": {"a": {"old": 1, "old": 2}}}"#, "applied_values.a.old"),
            (r#"{"applied_values": {"a": {}, "a": {}}}"#, "applied_values.a"),
        ] {
            let error = parse(json).expect_err(json);
            assert!(error.starts_with(&format!("duplicate key `{key}`")), "{json}: {error}");
        }
        assert!(parse(r#"{"unknown": 1, "unknown": 2}"#).is_ok());
    }

    #[test]
    fn escaped_keys_are_understood() {
        assert_eq!(tuning(r#"{"\u0061pplied": true}"#).applied, Some(true));
    }

    /// A flat file: the tuning keys are among others.
    #[test]
    fn keys_of_others_are_left_to_the_caller() {
        #[derive(Default)]
        struct Flat(TuningReader, Vec<f64>);
        impl<'de> Fields<'de> for Flat {
            fn field<A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<bool, A::Error> {
                if !self.0.field(key, map)? {
                    self.1.push(map.next_value::<f64>()?);
                }
                Ok(true)
            }
        }
        let json = r#"{"net_bps": 2.5, "applied": false, "deltas": {"a": 1}, "iteration": 4}"#;
        let read = read_all(StrRead::new(json), Object("file", Flat::default()));
        let Flat(tuning, others) = read.expect("a flat file").expect("an object");
        let tuning = tuning.finish();
        assert_eq!((tuning.applied, delta(&tuning, "a")), (Some(false), Some(1.0)));
        assert_eq!(others, [2.5, 4.0]);
    }
}
